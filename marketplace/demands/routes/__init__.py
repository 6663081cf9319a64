"""Pages of demands. Everything shares one blueprint, so that an endpoint is ``demands.<view>`` whichever file has it:
``public`` (list, one demand), ``documents`` (papers and files), ``unit`` (writing), ``staff`` (screening to publishing).

Later features add to a demand's page through ``extensions["demand_page"]``: functions ``(demand) -> variables of
demands/show.html``; ``act_row``, ``acts`` and ``notices`` are joined, everything else is set. In the same way
``extensions["demand_work"]`` adds buttons ``{label, url, refusal}`` to its work page, and
``extensions["proposal_details"]`` facts ``(term, value)`` to the page on which a second person decides.
``extensions["demand_beside"]``: functions ``(demand, content) -> variables`` of the form and of the work page.
"""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from flask import Blueprint, Flask, current_app
from flask_babel import gettext as _

from marketplace.demands import queries, views
from marketplace.demands.content import DemandContent
from marketplace.demands.models import Demand
from marketplace.platform.files.storage import storage_from
from marketplace.worker import in_each_process

bp = Blueprint("demands", __name__)
PARTS = (
    "unit",
    "staff",
    "amendment",
    "queues",
    "lists",
    "documents",
    "public",
)  # ``/demands/<ref>`` of the last comes last


def beside(demand: Demand, content: DemandContent) -> dict[str, Any]:
    """What later features say beside a demand that is being written or worked on."""
    said: dict[str, Any] = {}
    for tell in current_app.extensions["demand_beside"]:
        said |= tell(demand, content)
    return said


def install(app: Flask) -> None:
    """Register the views of every part, and the storage that attachments live in (``extensions["storage"]``)."""
    config = app.config["ZHANGBANG"]
    app.extensions.setdefault("storage", storage_from(config.storage_url or None, instance=config.instance))
    app.extensions.setdefault("demand_page", [])
    app.extensions.setdefault("demand_work", [])
    app.extensions.setdefault("proposal_details", [])
    app.extensions.setdefault("demand_beside", [])
    for part in PARTS:
        if find_spec(f"{__name__}.{part}") is not None:
            import_module(f"{__name__}.{part}")
    app.extensions.setdefault("ahead", []).append(_ahead)
    in_each_process(60, "demand views", views.write)
    app.register_blueprint(bp)


def _ahead(now: datetime) -> list[tuple[datetime, str]]:
    """What of the demands changes next by the clock alone."""
    words = {
        "visible": _("“%(title)s”公布"),
        "questions": _("“%(title)s”截止提问"),
        "closing": _("“%(title)s”截止揭榜"),
    }
    return [(at, words[kind] % {"title": title}) for at, kind, title in queries.ahead(now)]
