"""One's own account: who one is here, open sessions, password, personal data."""

from __future__ import annotations

from datetime import datetime

from flask import current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from marketplace import db, web
from marketplace.accounts import login, queries, service
from marketplace.accounts.forms import ChangePasswordForm, DecisionForm, ErasureForm
from marketplace.accounts.models import ErasureRequest, LoginSession, User
from marketplace.accounts.routes import bp
from marketplace.accounts.rules import ROLE_LABELS
from marketplace.platform.errors import Refused
from marketplace.platform.forms import ConfirmForm
from marketplace.platform.policy import Actor
from marketplace.web import ResponseValue, allow


def is_fixed(user: User) -> bool:
    """Accounts of the demo's cast are shared: nobody changes their passwords or removes them."""
    return user.is_demo and bool(current_app.config["ZHANGBANG"].demo)


@bp.get("/account")
@allow("account.own")
def account() -> ResponseValue:
    user: User = g.user
    return render_template(
        "accounts/account.html",
        person=user,
        roles=[(ROLE_LABELS[item.role], item.organisation.name, item.in_force_at) for item in user.assignments],
        sessions=queries.open_sessions(user.id, g.now),
        here=g.login.id,
        fixed=is_fixed(user),
        form=ConfirmForm(),
    )


def _own_session(*, actor: Actor, now: datetime, number: int) -> LoginSession | None:
    found = db.session.get(LoginSession, number)
    return found if found is not None and found.user_id == actor.id else None


@bp.post("/account/sessions/<int:number>/end")
@allow("account.own", _own_session)
def end_session(found: LoginSession) -> ResponseValue:
    if ConfirmForm().validate_on_submit():
        service.end_session(found.id, actor=g.actor, now=g.now)
        flash(_("已让那个浏览器退出登录。"), "done")
    return redirect(url_for(".account"))


@bp.route("/account/password", methods=["GET", "POST"])
@allow("account.own")
@web.limiter.limit("10/minute", methods=["POST"])
def password() -> ResponseValue:
    form = ChangePasswordForm()
    user: User = g.user
    page = {
        "title": _("修改密码"),
        "lead": _("改后，其他浏览器上的登录全部退出。"),
        "verb": _("保存新密码"),
        "order": form.field_order,
        "form": form,
    }
    if form.validate_on_submit():
        web.retry_page("accounts/short_form.html", **page)
        if is_fixed(user):
            raise Refused("演示账号由大家共用，密码固定，不能修改。")
        # A wrong guess is counted: shown without raising, so that the count is committed.
        found, refusal = service.check_password(user.username, form.current.data, now=g.now)
        if found is None:
            form.refuse(refusal or service.wrong_password())
            return render_template("accounts/short_form.html", **page), 422
        second = g.login.second_factor_at is not None
        service.set_password(user, form.password.data, actor=g.actor, now=g.now)
        login.start(user, now=g.now, second_factor=second)
        flash(_("密码已修改，其他浏览器已退出登录。"), "done")
        return redirect(url_for(".account"))
    return render_template("accounts/short_form.html", **page), 422 if form.errors else 200


@bp.route("/account/privacy", methods=["GET", "POST"])
@allow("account.own")
@web.limiter.limit("10/hour", methods=["POST"])
def privacy() -> ResponseValue:
    form = ErasureForm()
    page = {
        "person": g.user,
        "asked": queries.open_erasure(g.user.id),
        "refused": queries.refused_erasure(g.user.id),
        "form": form,
        "fixed": is_fixed(g.user),
    }
    if form.validate_on_submit():
        web.retry_page("accounts/privacy.html", **page)
        if is_fixed(g.user):
            raise Refused("演示账号由大家共用，不能删除。")
        service.ask_erasure(g.user, form.reason.data or "", actor=g.actor, now=g.now)
        flash(_("申请已提交，由安全管理员处理。"), "done")
        return redirect(url_for(".privacy"))
    return render_template("accounts/privacy.html", **page), 422 if form.errors else 200


@bp.get("/account/erasures")
@allow("account.administer")
def erasures() -> ResponseValue:
    return render_template("accounts/erasures.html", rows=queries.waiting_erasures())


def _asked(*, actor: Actor, now: datetime, number: int) -> ErasureRequest | None:
    return db.session.get(ErasureRequest, number)


@bp.route("/account/erasures/<int:number>", methods=["GET", "POST"])
@allow("account.administer", _asked)
def erasure(asked: ErasureRequest) -> ResponseValue:
    form = DecisionForm()
    page = {"form": form, "asked": asked}
    if form.validate_on_submit():
        web.retry_page("accounts/erasure.html", **page)
        erase = request.form.get("verb") == "erase"
        if not erase and not form.reason.data:
            form.refuse(Refused("不同意时请写明理由，申请人会看到。"))
            return render_template("accounts/erasure.html", **page), 422
        service.decide_erasure(asked, erase, form.reason.data or "", actor=g.actor, now=g.now)
        flash(_("已处理。"), "done")
        return redirect(url_for(".erasures"))
    return render_template("accounts/erasure.html", **page), 422 if form.errors else 200
