"""Help pages from ``content/<chapter>.<language>.md``: the first heading is the title, the rest the text."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import nh3
from flask import Blueprint, Flask, abort, g, render_template, url_for
from markdown_it import MarkdownIt
from markupsafe import Markup

from marketplace.web import ResponseValue, public

bp = Blueprint("help", __name__)
CONTENT = Path(__file__).parent / "content"
FIRST = "visitor"
CHAPTERS = (
    "visitor", "unit", "bidder", "bid", "screener", "publisher", "custodian", "expert", "review", "supervisor",
    "finance", "admin", "accessibility", "api",
)  # fmt: skip


@cache
def chapter(name: str, language: str) -> tuple[str, Markup] | None:
    """Title and cleaned HTML; ``None`` where there is no such text."""
    path = CONTENT / f"{name}.{language}.md"
    if name not in CHAPTERS or not path.exists():
        return None
    head, _newline, text = path.read_text(encoding="utf-8").partition("\n")
    html = MarkdownIt("commonmark").enable("table").render(text)
    return head.lstrip("# ").strip(), Markup(nh3.clean(html))  # noqa: S704 – cleaned one call before


def _page(name: str) -> ResponseValue:
    language = "en" if g.get("locale") == "en" else "zh"
    found = chapter(name, language)
    if found is None:
        abort(404)
    entries = [
        (url_for("help.index") if key == FIRST else url_for("help.show", name=key), text[0], key == name)
        for key in CHAPTERS
        if (text := chapter(key, language)) is not None
    ]
    return render_template("help/show.html", title=found[0], text=found[1], chapters=entries)


@bp.get("/help")
@public
def index() -> ResponseValue:
    return _page(FIRST)


@bp.get("/help/<name>")
@public
def show(name: str) -> ResponseValue:
    return _page(name)


@bp.get("/help/accessibility")
@public
def accessibility() -> ResponseValue:
    """What the site does for people who read, hear or move differently."""
    return _page("accessibility")


@public
def interfaces() -> ResponseValue:
    """The documentation of what programs may rely on."""
    return _page("api")


def install(app: Flask) -> None:
    """The foot of every page names two chapters by endpoints of their own."""
    app.register_blueprint(bp)
    app.add_url_rule("/help/api", "opendata.index", interfaces)
