"""Signing in and out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import abort, current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from marketplace import web
from marketplace.accounts import login, queries, service
from marketplace.accounts.forms import SecondFactorForm, SignInForm
from marketplace.accounts.models import User
from marketplace.accounts.routes import bp
from marketplace.accounts.rules import DEMO_ACCOUNTS, DEMO_PASSWORD, ROLE_LABELS
from marketplace.platform.audit import queries as log
from marketplace.platform.errors import Refused
from marketplace.platform.forms import ConfirmForm
from marketplace.web import ResponseValue, allow, public


@bp.route("/sign-in", methods=["GET", "POST"])
@public
@web.limiter.limit("30/minute", methods=["POST"])
def sign_in() -> ResponseValue:
    form = SignInForm()
    target = web.safe_next(request.args.get("next"), url_for("site.after_sign_in"))
    if form.validate_on_submit():
        user, refusal = service.check_password(form.username.data, form.password.data, now=g.now)
        if user is None or (user.is_demo and not current_app.config["ZHANGBANG"].demo):
            form.refuse(refusal or service.wrong_password())
            return _sign_in_page(form, target), 422
        needs_code = login.needs_second_factor(user)
        login.start(user, now=g.now, second_factor=False)
        if needs_code:
            # Staff without an authenticator are led to set one up (a page of administration).
            bound = user.totp_confirmed_at is not None
            return redirect(url_for(".second_factor", next=target) if bound else "/account/second-factor")
        return redirect(target)
    return _sign_in_page(form, target), 422 if form.errors else 200


def _sign_in_page(form: SignInForm, target: str) -> str:
    cards, steps = _demo() if current_app.config["ZHANGBANG"].demo else ((), ())
    return render_template(
        "accounts/sign_in.html", form=form, cards=cards, steps=steps, next=target, demo_password=DEMO_PASSWORD
    )


_Shown = tuple[Sequence[dict[str, Any]], Sequence[Any]]
_shown: tuple[tuple[Any, ...], _Shown] | None = None  # of this process


def _demo() -> _Shown:
    """The demo's cards and steps. They are read from all over the site, so they are kept until something is written to
    the log, or for the minute.
    """
    global _shown
    key = (log.size(), g.now.replace(second=0, microsecond=0), str(get_locale()))
    if _shown is None or _shown[0] != key:
        users = queries.demo_users(DEMO_ACCOUNTS)
        steps = current_app.extensions["demo_steps"](users, g.now) if users else []
        _shown = key, (demo_cards(users, g.now), steps)
    return _shown[1]


def forget_demo() -> None:
    """For tests, whose rollbacks leave the same log to other demands."""
    global _shown
    _shown = None


def demo_cards(users: Sequence[User], now: datetime) -> list[dict[str, Any]]:
    """The demo accounts with what each can do right now, as the features say in ``extensions["demo_tasks"]``."""
    ask = current_app.extensions["demo_tasks"]
    return [
        {
            "username": user.username,
            "name": user.name,
            "role": " · ".join(ROLE_LABELS[item.role] for item in user.assignments),
            "tasks": [task for tasks in ask for task in tasks(user, now)][:3],
        }
        for user in users
    ]


@bp.post("/sign-in/demo/<username>")
@public
def demo_sign_in(username: str) -> ResponseValue:
    """One click signs in as a member of the demo's cast; there is no such thing outside demo mode."""
    if not current_app.config["ZHANGBANG"].demo or username not in DEMO_ACCOUNTS:
        abort(404)
    user = queries.by_username(username)
    if user is None or not user.is_demo:
        abort(404)
    login.start(user, now=g.now, second_factor=False)
    return redirect(web.safe_next(request.form.get("next"), url_for("site.after_sign_in")))


@bp.route("/sign-in/second-factor", methods=["GET", "POST"])
@allow("account.own")
@web.limiter.limit("10/minute", methods=["POST"])
def second_factor() -> ResponseValue:
    form = SecondFactorForm()
    if form.validate_on_submit():
        if service.verify_totp(g.user, form.code.data, now=g.now):
            g.login.second_factor_at = g.now
            return redirect(web.safe_next(request.args.get("next"), url_for("site.after_sign_in")))
        form.refuse(Refused("验证码不对或已用过。请等待验证器显示下一个 6 位数字后再试。"))
    return render_template("accounts/second_factor.html", form=form), 422 if form.is_submitted() else 200


@bp.route("/sign-out", methods=["POST"])
@public
def sign_out() -> ResponseValue:
    if ConfirmForm().validate_on_submit() and g.login is not None:
        service.end_session(g.login.id, actor=g.actor, now=g.now)
    login.stop()
    flash(_("已退出登录。"), "info")
    return redirect("/")
