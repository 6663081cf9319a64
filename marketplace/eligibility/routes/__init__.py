"""The officer's desk of opened bids (``officer``), and the bidder's page about his own (``bidder``)."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from flask import Blueprint, Flask, Response, g, url_for
from flask_babel import gettext as _

from marketplace import web
from marketplace.bids.models import Bid
from marketplace.bids.rules import STATE_LABELS, TONES
from marketplace.eligibility import errands, notices, pages, queries
from marketplace.eligibility.rules import PROMISE_WORDS
from marketplace.platform.files.names import disposition

bp = Blueprint("eligibility", __name__)


def by() -> dict[str, Any]:
    """Who acts, when."""
    return {"actor": g.actor, "now": g.now}


def language() -> str:
    return "en" if g.get("locale") == "en" else "zh"


def state_of(bid: Bid) -> dict[str, str]:
    """``{label, tone}`` of a bid's state in the reader's language."""
    label = STATE_LABELS[bid.state]
    return {"label": label.en if language() == "en" else label.zh, "tone": TONES[bid.state]}


def note_reading(bid: Bid) -> None:
    """Whoever opens a bid leaves a leaf."""
    web.note_read("bid.read", bid.audit_subject, demand=bid.demand.number)


def promise_rows(bid: Bid) -> list[dict[str, Any]]:
    """The promised documents with the word and tone of their state."""
    rows = []
    for item in queries.promises(bid):
        word, tone = PROMISE_WORDS[item.state(g.now)]
        rows.append({"item": item, "state": _(word), "tone": tone})
    return rows


def later_rows(bid: Bid) -> list[dict[str, Any]]:
    """What was handed in after the opening, with addresses."""
    rows = queries.later_files(bid)
    return pages.later_files(rows, lambda row: url_for("eligibility.later_file", public_id=bid.public_id, key=row.key))


def download(chunks: Iterator[bytes], *, name: str, size: int) -> Response:
    """Always a download: nothing of a bidder's runs in this site's pages, and nothing of it stays in a cache."""
    response = Response(chunks, mimetype="application/octet-stream")
    response.headers["Content-Disposition"] = disposition(name)
    response.headers["Cache-Control"] = "private, no-store"
    response.content_length = size
    return response


def install(app: Flask) -> None:
    import_module("marketplace.eligibility.routes.officer")
    import_module("marketplace.eligibility.routes.bidder")
    app.register_blueprint(bp)
    errands.install()
    notices.install()
