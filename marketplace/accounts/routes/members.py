"""Members of an organisation: invitations and roles."""

from __future__ import annotations

from datetime import datetime

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from marketplace import db, web
from marketplace.accounts import service
from marketplace.accounts.forms import RolesForm
from marketplace.accounts.models import Invitation, Organisation, User
from marketplace.accounts.routes import absolute, mail, organisations_bp
from marketplace.accounts.routes.organisations import _page, visible
from marketplace.accounts.rules import ROLE_LABELS, Role
from marketplace.accounts.service.members import grantable
from marketplace.platform.forms import ConfirmForm
from marketplace.platform.policy import Actor
from marketplace.web import ResponseValue, allow


@organisations_bp.post("/organisations/<int:number>/invitations")
@allow("organisation.see", visible)
@web.limiter.limit("30/hour")
def invite(organisation: Organisation) -> ResponseValue:
    page = _page(organisation)
    form = page["form"] = page["invite"]
    if not form.validate_on_submit():
        return render_template("organisations/show.html", **page), 422
    web.retry_page("organisations/show.html", **page)
    invitation, token = service.invite(organisation, form.email.data, Role(form.role.data), actor=g.actor, now=g.now)
    link = absolute(f"/invitations/{token}")  # the page belongs to administration, which also invites staff
    body = (
        f"您好：\n\n{g.actor.name}邀请您加入“{organisation.name}”，担任{ROLE_LABELS[invitation.role]}。"
        f"请在七天内打开下面的链接，设置用户名和密码。链接只能用一次。\n\n{link}\n\n如果您不认识邀请人，请忽略这封邮件。"
    )
    mail(invitation.email, "【张榜】邀请您加入单位账号", body, key=f"once:invitation:{invitation.id}")
    flash(_("邀请已发往%(email)s。", email=invitation.email), "done")
    return redirect(url_for(".show", number=organisation.id))


def _invitation(*, actor: Actor, now: datetime, number: int) -> Organisation | None:
    """The organisation whose invitation this is, as far as this person may see it."""
    found = db.session.get(Invitation, number)
    return visible(actor=actor, now=now, number=found.organisation_id) if found is not None else None


@organisations_bp.post("/invitations/<int:number>/withdrawal")
@allow("member.manage", _invitation)
def withdraw(organisation: Organisation) -> ResponseValue:
    invitation = db.session.get(Invitation, (request.view_args or {})["number"])
    if invitation is not None and ConfirmForm().validate_on_submit():
        service.withdraw_invitation(invitation, actor=g.actor, now=g.now)
        flash(_("邀请已撤回，链接失效。"), "done")
    return redirect(url_for(".show", number=organisation.id))


def _member_home(*, actor: Actor, now: datetime, number: int) -> Organisation | None:
    """The organisation of a member, as far as this person may see it."""
    user = db.session.get(User, number)
    if user is None or user.organisation_id is None:
        return None
    return visible(actor=actor, now=now, number=user.organisation_id)


@organisations_bp.post("/members/<int:number>/roles")
@allow("member.manage", _member_home)
def roles(organisation: Organisation) -> ResponseValue:
    user = db.session.get(User, (request.view_args or {})["number"])
    form = RolesForm()
    form.roles.choices = [(str(role), ROLE_LABELS[role]) for role in grantable(organisation)]
    if user is None or not form.validate_on_submit():
        abort(422)
    wanted = [Role(code) for code in form.roles.data or []]
    web.retry_page("organisations/show.html", **_page(organisation, form=form))
    service.change_roles(user, organisation, wanted, actor=g.actor, now=g.now)
    flash(_("%(name)s的角色已更新。", name=user.name), "done")
    return redirect(url_for(".show", number=organisation.id))
