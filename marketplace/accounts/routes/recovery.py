"""Back in by mail. The answer is the same whether or not the address is known."""

from __future__ import annotations

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from marketplace import web
from marketplace.accounts import queries, service
from marketplace.accounts.forms import ForgottenForm, PasswordPair
from marketplace.accounts.routes import absolute, bp, mail
from marketplace.accounts.routes.account import is_fixed
from marketplace.web import ResponseValue, public


@bp.route("/sign-in/forgotten", methods=["GET", "POST"])
@public
@web.limiter.limit("5/minute;20/hour", methods=["POST"])
def forgotten() -> ResponseValue:
    form = ForgottenForm()
    if form.validate_on_submit():
        asked = service.request_reset(form.address.data, now=g.now)
        if asked is not None and not is_fixed(asked[0]):
            user, token = asked
            link = absolute(url_for(".reset", token=token))
            body = f"{user.name}，您好：\n\n请在一小时内打开下面的链接，设置新密码。链接只能用一次。\n\n{link}\n\n如果不是您本人申请，请忽略这封邮件，密码不会改变。"
            mail(user.email, "【张榜】重设密码", body, key=f"once:account.reset:{queries.token_hash(token)}")
        flash(_("如果这个账号存在，重设密码的邮件已经发出，请在一小时内打开其中的链接。"), "done")
        return redirect(url_for(".sign_in"))
    page = render_template(
        "accounts/short_form.html",
        title=_("忘记密码"),
        lead=_("填写注册时的邮箱或用户名，我们会把重设密码的链接发到注册邮箱。"),
        verb=_("发送链接"),
        order=("address",),
        form=form,
    )
    return page, 422 if form.errors else 200


@bp.route("/sign-in/reset/<token>", methods=["GET", "POST"])
@public
@web.limiter.limit("10/minute", methods=["POST"])
def reset(token: str) -> ResponseValue:
    form = PasswordPair()
    page = {
        "title": _("设置新密码"),
        "lead": _("保存后请用新密码登录；以前的登录全部退出。"),
        "verb": _("保存新密码"),
        "order": ("password", "again"),
        "form": form,
    }
    if form.validate_on_submit():
        web.retry_page("accounts/short_form.html", **page)
        service.use_reset(token, form.password.data, now=g.now)
        flash(_("新密码已设置，请登录。"), "done")
        return redirect(url_for(".sign_in"))
    return render_template("accounts/short_form.html", **page), 422 if request.method == "POST" else 200
