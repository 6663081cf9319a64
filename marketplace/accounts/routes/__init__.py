"""Pages of accounts: ``sign_in``, ``account`` (one's own), ``recovery``, ``organisations``, ``members``."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from flask import Blueprint, Flask, current_app, g

from marketplace.accounts import login

bp = Blueprint("accounts", __name__)
organisations_bp = Blueprint("organisations", __name__)
PARTS = ("sign_in", "account", "recovery", "organisations", "members")


def mail(to: str, subject: str, body: str, *, key: str) -> None:
    """Hand a mail to whatever feature sends mails (``extensions["send_mail"]``, filled by a later feature)."""
    send: Any = current_app.extensions["send_mail"]
    send(to, subject, body, key=key, now=g.now)


def absolute(path: str) -> str:
    """A link for a mail: the site's own address, never the request's ``Host``."""
    return f"{current_app.config['ZHANGBANG'].base_url.rstrip('/')}{path}"


def install(app: Flask) -> None:
    login.install(app)
    app.extensions.setdefault("demo_tasks", [])
    app.extensions.setdefault("demo_steps", lambda users, now: [])
    for part in PARTS:
        import_module(f"{__name__}.{part}")
    for blueprint in (bp, organisations_bp):
        app.register_blueprint(blueprint)
