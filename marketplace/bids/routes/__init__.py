"""A bidder's pages: what he may do and why not, the draft, the seal, receipts, partners, the organisation's key.

Nothing of these addresses is logged with a path or a person: that somebody bids is nobody's business (sealing.md).
"""

from __future__ import annotations

import secrets
from typing import Any

import structlog
from flask import Blueprint, Flask, request

bp = Blueprint("bids", __name__)
log = structlog.get_logger(__name__)


def _log_quietly(app: Flask) -> None:
    """An unforeseen error under these routes is logged without address and person; elsewhere as ever."""
    usual = app.log_exception

    def log_exception(exc_info: Any) -> None:
        if request.blueprint == bp.name:
            log.error("exception", blueprint=bp.name, exc_info=exc_info)
        else:
            usual(exc_info)

    app.log_exception = log_exception  # type: ignore[method-assign]


def install(app: Flask) -> None:
    from marketplace.bids import errands
    from marketplace.bids.routes import drafts, keys, members, pages, receipts  # noqa: F401  (they register views)

    app.register_blueprint(bp)
    app.extensions["demand_page"].append(pages.on_demand_page)
    app.extensions.setdefault("verifiers", []).append(receipts.verified)
    errands.install()
    app.add_template_global(lambda: secrets.token_hex(16), "unique")
    _log_quietly(app)
