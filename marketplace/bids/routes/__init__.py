"""A bidder's pages: what he may do and why not, the draft, the seal, receipts, partners, the organisation's key.

Nothing of these addresses is logged with a path or a person: that somebody bids is nobody's business (sealing.md).
"""

from __future__ import annotations

import secrets
import traceback
from functools import partial
from typing import Any

import structlog
from flask import Blueprint, Flask, abort, g, redirect, request
from flask_babel import gettext as _

from marketplace import web
from marketplace.bids.service import sweep
from marketplace.worker import every

bp = Blueprint("bids", __name__)
log = structlog.get_logger(__name__)


@bp.before_request
def _sign_in_first() -> Any:
    """A visitor signs in, whether or not there is such a bid: the answer tells nothing."""
    if g.actor.signed_in:
        return None
    if web.wants_json():
        abort(403, description=_("登录已经过期。请在另一个窗口重新登录，再回到本页继续，内容都在。"))
    return redirect(web.sign_in_url())


def _log_quietly(app: Flask) -> None:
    """An unforeseen error under these routes is logged as its kind and the lines it passed, without address, person
    and message (which may quote values); elsewhere as ever."""
    usual = app.log_exception

    def log_exception(exc_info: Any) -> None:
        if request.blueprint == bp.name:
            kind, _, trace = exc_info
            log.error("exception", blueprint=bp.name, kind=kind.__name__, trace="".join(traceback.format_tb(trace)))
        else:
            usual(exc_info)

    app.log_exception = log_exception  # type: ignore[method-assign]


def install(app: Flask) -> None:
    from marketplace.bids import errands, notices
    from marketplace.bids.cli import bids_commands
    from marketplace.bids.routes import drafts, keys, members, pages, receipts  # noqa: F401  (they register views)

    app.register_blueprint(bp)
    app.extensions["demand_page"].append(pages.on_demand_page)
    app.extensions.setdefault("verifiers", []).append(receipts.verified)
    app.cli.add_command(bids_commands)
    every(3600, "bid sweep", partial(sweep, storage=app.extensions["storage"]))
    errands.install()
    notices.install()
    app.add_template_global(lambda: secrets.token_hex(16), "unique")
    _log_quietly(app)
