"""Signing in and out."""

from __future__ import annotations

from flask import Blueprint, Flask, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from marketplace import web
from marketplace.accounts import login, service
from marketplace.accounts.forms import SecondFactorForm, SignInForm
from marketplace.platform.errors import Refused
from marketplace.platform.forms import ConfirmForm
from marketplace.web import ResponseValue, allow, public

bp = Blueprint("accounts", __name__)


@bp.route("/sign-in", methods=["GET", "POST"])
@public
@web.limiter.limit("30/minute", methods=["POST"])
def sign_in() -> ResponseValue:
    form = SignInForm()
    target = web.safe_next(request.args.get("next"), url_for("site.after_sign_in"))
    if form.validate_on_submit():
        user, refusal = service.check_password(form.username.data, form.password.data, now=g.now)
        if user is None:
            form.refuse(refusal or Refused(""))
            return render_template("accounts/sign_in.html", form=form), 422
        needs_code = login.needs_second_factor(user) and user.totp_confirmed_at is not None
        login.start(user, now=g.now, second_factor=False)
        return redirect(url_for(".second_factor", next=target) if needs_code else target)
    return render_template("accounts/sign_in.html", form=form), 422 if form.errors else 200


@bp.route("/sign-in/second-factor", methods=["GET", "POST"])
@allow("account.own")
@web.limiter.limit("10/minute", methods=["POST"])
def second_factor() -> ResponseValue:
    form = SecondFactorForm()
    if form.validate_on_submit():
        if service.verify_totp(g.user, form.code.data, now=g.now):
            g.login.second_factor_at = g.now
            return redirect(web.safe_next(request.args.get("next"), url_for("site.after_sign_in")))
        form.refuse(Refused(_("验证码不对或已用过。请等待验证器显示下一个 6 位数字后再试。")))
    return render_template("accounts/second_factor.html", form=form), 422 if form.is_submitted() else 200


@bp.route("/sign-out", methods=["POST"])
@public
def sign_out() -> ResponseValue:
    if ConfirmForm().validate_on_submit() and g.login is not None:
        service.end_session(g.login.id, actor=g.actor, now=g.now)
    login.stop()
    flash(_("已退出登录。"), "info")
    return redirect("/")


def install(app: Flask) -> None:
    login.install(app)
    app.register_blueprint(bp)
