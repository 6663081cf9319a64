"""Putting the administration together: people, the log, joining; the entry page."""

from __future__ import annotations

import base64
from datetime import date

import pyotp
from flask import Blueprint, Flask, Response, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from marketplace import db, web
from marketplace.accounts.rules import ROLE_LABELS
from marketplace.administration import kinds, menu, people, queries, service
from marketplace.administration.cli import admin_commands, doctor
from marketplace.administration.forms import CodeForm, JoinForm
from marketplace.platform.forms import ConfirmForm, trimmed
from marketplace.platform.rendering import tables
from marketplace.platform.rendering.qr import qr_png
from marketplace.web import ResponseValue, allow, public

bp = Blueprint("admin", __name__, url_prefix="/admin")
log = Blueprint("log", __name__, url_prefix="/admin/log")
joining = Blueprint("joining", __name__)
EXPORT_LIMIT = 100_000  # rows of one workbook


@bp.get("")
@allow("admin.see")
def index() -> ResponseValue:
    """Straight to the first page this person may use."""
    return redirect(menu.desk()[0]["items"][0]["url"])


def _wanted() -> queries.LogFilter:
    def day(name: str) -> date | None:
        try:
            return date.fromisoformat(request.args.get(name, ""))
        except ValueError:
            return None

    text = {name: trimmed(request.args.get(name, "")) for name in ("who", "kind", "subject")}
    return queries.LogFilter(**text, since=day("since"), until=day("until"))


@log.get("", endpoint="index")
@allow("log.read")
def entries() -> ResponseValue:
    """Who did what when."""
    wanted = _wanted()
    found = queries.page_of(queries.log_entries(wanted), page=request.args.get("page", 1, type=int), per_page=50)
    page = {"found": found, "pages": menu.pages(found), "wanted": wanted}
    return render_template("administration/log.html", **page, kind_label=kinds.kind_label, kinds=kinds.offered())


@log.get("/export.xlsx")
@allow("log.read")
def export() -> ResponseValue:
    """The filtered list as a workbook, at most 100,000 rows, the newest."""
    rows = db.session.scalars(queries.log_entries(_wanted()).limit(EXPORT_LIMIT))
    book = tables.xlsx(
        ("序号", "时间", "操作人", "事项", "事项代码", "对象", "公开事实", "说明"),
        (
            (
                row.seq,
                row.at,
                row.actor_name or "系统",
                kinds.kind_label(row.kind),
                row.kind,
                row.subject,
                _flat(row.facts),
                _flat(row.data),
            )
            for row in rows
        ),
        name="操作记录",
        note="内容与审计日志一一对应；投标相关条目不在其中。",
    )
    return Response(
        book,
        content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        headers={"Content-Disposition": "attachment; filename=audit-log.xlsx"},
    )


def _flat(data: dict[str, object]) -> str:
    return "；".join(f"{key}：{value}" for key, value in data.items())


@joining.route("/invitations/<token>", methods=["GET", "POST"])
@public
@web.limiter.limit("20/minute")
def join(token: str) -> ResponseValue:
    """The page of a mailed invitation; the link itself changes nothing."""
    invitation = service.invitation_of(token, now=g.now)
    if invitation is None:
        abort(410, description=_("这份邀请已失效（七日内有效，只能用一次）。请联系邀请您的管理员重发。"))
    form = JoinForm()
    context = {"form": form, "invitation": invitation, "label": ROLE_LABELS[invitation.role]}
    if form.validate_on_submit():
        web.retry_page("administration/join.html", **context)
        service.accept(token, username=form.username.data, name=form.name.data, password=form.password.data, now=g.now)
        flash(_("账号已建好，请登录。"), "done")
        return redirect(url_for("accounts.sign_in"))
    return render_template("administration/join.html", **context), 422 if form.errors else 200


@joining.route("/account/second-factor", methods=["GET", "POST"])
@allow("account.own")
@web.limiter.limit("20/minute", methods=["POST"])
def second_factor() -> ResponseValue:
    """Set up the authenticator: staff roles sleep without it."""
    form = CodeForm() if g.user.totp_secret else ConfirmForm()
    if g.user.totp_confirmed_at is not None:
        return render_template("administration/second_factor.html", form=form, secret="", picture="")
    if isinstance(form, CodeForm):
        uri = pyotp.TOTP(g.user.totp_secret).provisioning_uri(name=g.user.username, issuer_name="张榜")
        picture = "data:image/png;base64," + base64.b64encode(qr_png(uri, scale=5)).decode()
        context = {"form": form, "secret": g.user.totp_secret, "picture": picture}
        if form.validate_on_submit():
            web.retry_page("administration/second_factor.html", **context)
            service.confirm_second_factor(g.user, form.code.data, login=g.login, actor=g.actor, now=g.now)
            flash(_("动态验证码已启用，您的工作人员身份现在可以使用。"), "done")
            return redirect(url_for("site.after_sign_in"))
        return render_template("administration/second_factor.html", **context), 422 if form.errors else 200
    if form.validate_on_submit():
        service.begin_second_factor(g.user, actor=g.actor, now=g.now)
        return redirect(url_for(".second_factor"))
    return render_template("administration/second_factor.html", form=form, secret="", picture="")


def install(app: Flask) -> None:
    for blueprint in (bp, people.bp, log, joining):
        app.register_blueprint(blueprint)
    app.jinja_env.globals["admin_desk"] = menu.desk
    app.cli.add_command(admin_commands)
    app.cli.add_command(doctor)
