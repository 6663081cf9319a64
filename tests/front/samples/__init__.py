"""Every sample page by name: a function that gives its template and variables."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from werkzeug.datastructures import MultiDict

from tests.front import forms
from tests.front.samples.desk import confirm, desk, desk_empty, form, review
from tests.front.samples.frame import NOW, Page, frame
from tests.front.samples.public import demand_list, home, home_empty, list_empty, qr, show

__all__ = ["PAGES", "STATUSES", "frame"]


def error(status: int, sentence: str = "") -> Callable[[], Page]:
    return lambda: ("errors/error.html", {"status": status, "sentence": sentence})


def style_guide() -> Page:
    return "style_guide.html", {
        "samples": show()[1] | {"tasks": desk()[1]},
        "later": NOW + timedelta(hours=5),
        "days": [date(2026, 11, day) for day in range(23, 28)],
        "form": forms.DemandForm(formdata=MultiDict({"title": "短"})),
        "demo": True,
    }


STATUSES = (400, 403, 404, 405, 409, 410, 413, 415, 422, 429, 500, 503)
PAGES: dict[str, Callable[[], Page]] = {
    "home": home, "home-empty": home_empty, "list": demand_list, "list-empty": list_empty, "show": show,
    "desk": desk, "desk-empty": desk_empty, "form": form, "review": review,
    "confirm": confirm, "help": lambda: ("help_page.html", {}),
    "paper": lambda: ("paper_page.html", {"qr": qr("https://zhangbang.example/verify")}), "style-guide": style_guide,
    **{f"error-{status}": error(status) for status in STATUSES},
    "error-refused": error(409, "现在是“已张榜”，不能“退回补正”。请刷新页面查看最新状态。"),
}  # fmt: skip
