"""The expert's desk: his reviews, one demand's panel, one bid with its sheet."""

from __future__ import annotations

from flask import Blueprint, Flask, g, redirect

from marketplace.web import ResponseValue, sign_in_url

bp = Blueprint("review", __name__)


@bp.before_request
def _sign_in() -> ResponseValue | None:
    """A visitor is led to the sign-in before anything is looked for: whether it exists is not for him to learn."""
    return None if g.actor.signed_in else redirect(sign_in_url())


def install(app: Flask) -> None:
    from marketplace.scoring import telling, waiting
    from marketplace.scoring.routes import desk, seat, start  # noqa: F401

    telling.install()
    app.register_blueprint(bp)
    waiting.install()
