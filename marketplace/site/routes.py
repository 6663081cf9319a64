"""Liveness, readiness, the demo clock, language and print size, and what every template knows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, Flask, abort, current_app, flash, g, redirect, request
from flask_babel import gettext as _
from sqlalchemy import text

from marketplace import db, web
from marketplace.platform import audit, clock, policy
from marketplace.platform.forms import ConfirmForm
from marketplace.platform.sentences import spoken
from marketplace.web import ResponseValue, allow, public

bp = Blueprint("site", __name__)


@bp.get("/healthz")
@public
def healthz() -> ResponseValue:
    """The process lives; nothing else is asked."""
    return "ok"


@bp.get("/readyz")
@public
def readyz() -> ResponseValue:
    """Can serve: the database answers."""
    db.session.execute(text("SELECT 1"))
    return "ready"


@bp.get("/desk-or-home")
@allow("account.own")
def after_sign_in() -> ResponseValue:
    """Where a sign-in leads when nothing else was asked for."""
    return redirect("/desk" if "desk" in current_app.blueprints else "/")


@bp.post("/demo/clock")
@allow("demo.clock")
def demo_clock() -> ResponseValue:
    """Move the demo clock forward: a day, or to the next instant at which something falls due."""
    if not current_app.config["ZHANGBANG"].demo:
        abort(404)
    if ConfirmForm().validate_on_submit():
        if request.form.get("to") == "next":
            ahead = [event for ask in current_app.extensions["ahead"] for event in ask(g.now)]
            at, what = min(ahead, default=(g.now + timedelta(days=1), ""))
            target = at + timedelta(seconds=1)  # past it: that is when it has happened
        else:
            target, what = g.now + timedelta(days=1), ""
        clock.move_to(target)
        audit.append("demo.clock", subject="site:clock", actor=g.actor, at=g.now, facts={"to": audit.timestamp(target)})
        moment = target.astimezone(clock.BEIJING).strftime("%Y-%m-%d %H:%M")
        flash(
            _("演示时钟已拨到%(at)s：%(what)s。", at=moment, what=what)
            if what
            else _("演示时钟已拨到%(at)s。", at=moment),
            "info",
        )
    return redirect(web.safe_next(request.form.get("next"), "/"))


@bp.post("/preferences")
@public
def preferences() -> ResponseValue:
    """Language and print size: a cookie for everybody, and the account's own setting when signed in."""
    response = redirect(web.safe_next(request.form.get("next"), "/"))
    if not ConfirmForm().validate_on_submit():
        return response
    for name, allowed in (("lang", ("zh", "en")), ("mode", ("normal", "large"))):
        if (value := request.form.get(name)) in allowed:
            response.set_cookie(name, value, max_age=31536000, samesite="Lax", httponly=True)
            if g.user is not None:
                if name == "lang":
                    g.user.locale = "en" if value == "en" else "zh_Hans_CN"
                else:
                    g.user.large_print = value == "large"
    return response


def _why_not(permission: str, thing: Any = None) -> str | None:
    reason = policy.why_not(permission, g.actor, thing, g.now)
    return None if reason is None else spoken(reason)


def _context() -> dict[str, Any]:
    config = current_app.config["ZHANGBANG"]
    return {
        "actor": g.get("actor", policy.VISITOR),
        "user": g.get("user"),
        "now": g.get("now"),
        "demo": config.demo,
        "locale": g.get("locale", "zh_Hans_CN"),
        "large": _large(),
        "csp_nonce": g.get("csp_nonce", ""),
        "page_url": web.page_url,
        "may": lambda permission, thing=None: policy.allows(permission, g.actor, thing, g.now),
        "why_not": _why_not,
    }


def _large() -> bool:
    if g.get("user") is not None:
        return bool(g.user.large_print)
    return request.cookies.get("mode") == "large"


def install(app: Flask) -> None:
    app.register_blueprint(bp)
    app.context_processor(_context)
    app.extensions.setdefault("ahead", [])  # (now) → [(instant, what will have happened)]: the demo clock's "next"
