"""The office's pages of the expert pool and of panels, the invitation's page, and the command that replays a draw."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, Flask, g, redirect

from marketplace import db, worker
from marketplace.web import ResponseValue, sign_in_url

bp = Blueprint("panels", __name__)
experts_bp = Blueprint("experts", __name__)
invitations_bp = Blueprint("invitations", __name__)
EXPIRE_EVERY = 60


@bp.before_request
@experts_bp.before_request
def _sign_in() -> ResponseValue | None:
    return None if g.actor.signed_in else redirect(sign_in_url())


def install(app: Flask) -> None:
    from marketplace.panels import invitations, telling, waiting
    from marketplace.panels.cli import panel_commands
    from marketplace.panels.routes import acts, invitation, panel, pool, scan  # noqa: F401

    invitations.configure(str(app.secret_key))
    telling.install()
    for blueprint in (bp, experts_bp, invitations_bp):
        app.register_blueprint(blueprint)
    app.cli.add_command(panel_commands)
    waiting.install()
    worker.every(EXPIRE_EVERY, "panel-invitations", expire)


def expire(now: datetime) -> None:
    """Once a minute: invitations whose answer is late."""
    from marketplace.panels.service import expire_overdue

    with db.transaction():
        expire_overdue(now)
