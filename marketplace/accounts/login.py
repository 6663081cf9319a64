"""Flask-Login behind one module: the cookie holds a session token, the database says whose it is."""

from __future__ import annotations

from datetime import datetime

from flask import Flask, current_app, g, request, session
from flask_login import current_user, login_user, logout_user

from marketplace import db
from marketplace.accounts import queries, service
from marketplace.accounts.models import LoginSession, User
from marketplace.accounts.rules import STAFF
from marketplace.platform.policy import VISITOR
from marketplace.web import login_manager


class SignedIn:
    """What Flask-Login keeps: a session, not a person."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, token: str, row: LoginSession) -> None:
        self.token = token
        self.row = row

    def get_id(self) -> str:
        return self.token


def install(app: Flask) -> None:
    @login_manager.user_loader  # type: ignore[untyped-decorator]
    def load(token: str) -> SignedIn | None:
        row = queries.open_session(token, g.now)
        return SignedIn(token, row) if row is not None else None

    app.extensions["identify"] = identify


def identify() -> None:
    """Fill ``g.actor``, ``g.user`` and ``g.login`` from the cookie."""
    g.login = None
    if not session.get("_user_id") or not current_user.is_authenticated:
        g.actor = VISITOR
        return
    row: LoginSession = current_user.row
    g.login, g.user = row, row.user
    g.actor = queries.actor_of(
        row.user, session_id=row.id, second_factor=row.second_factor_at is not None or not needs_second_factor(row.user)
    )
    if not (request.args.get("lang") or request.cookies.get("lang")):
        g.locale = row.user.locale


def needs_second_factor(user: User) -> bool:
    """Staff roles need one; demo accounts, in demo mode only, do not."""
    if user.is_demo and current_app.config["ZHANGBANG"].demo:
        return False
    return any(item.role in STAFF and item.revoked_at is None for item in user.assignments)


def start(user: User, *, now: datetime, second_factor: bool) -> None:
    """Sign this browser in; any session it had before is left behind (no fixation)."""
    session.clear()
    token = service.open_session(
        user,
        now=now,
        agent=request.user_agent.string,
        network=request.remote_addr or "",
        second_factor=second_factor,
    )
    row = queries.open_session(token, now)
    assert row is not None
    login_user(SignedIn(token, row), remember=False)
    session.permanent = True
    db.session.flush()


def stop() -> None:
    """Forget this browser's session."""
    logout_user()
    session.clear()
