"""Pages of the security administrator: people, roles, invitations, sessions."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from marketplace import db, web
from marketplace.accounts import service as accounts
from marketplace.accounts.models import Invitation, Organisation, RoleAssignment, User
from marketplace.accounts.rules import ROLE_LABELS, STAFF
from marketplace.administration import menu, queries, service
from marketplace.administration.forms import GrantForm, InviteForm
from marketplace.platform.forms import ConfirmForm, trimmed
from marketplace.platform.policy import Actor
from marketplace.web import ResponseValue, allow

bp = Blueprint("people", __name__, url_prefix="/admin/people")


@bp.get("")
@allow("account.administer")
def index() -> ResponseValue:
    q, role = trimmed(request.args.get("q", "")), trimmed(request.args.get("role", ""))
    found = queries.page_of(queries.people(q=q, role=role), page=request.args.get("page", 1, type=int), per_page=30)
    return render_template(
        "administration/people.html",
        found=found,
        pages=menu.pages(found),
        q=q,
        role=role,
        roles=ROLE_LABELS,
        waiting=queries.waiting_assignments(),
        invitations=queries.open_invitations(g.now),
        form=ConfirmForm(),
    )


@bp.get("/<int:number>")
@allow("account.administer", queries.person)
def show(user: User) -> ResponseValue:
    form = GrantForm()
    form.offer()
    return _show(user, form)


def _show(user: User, form: GrantForm, status: int = 200) -> ResponseValue:
    return render_template("administration/person.html", **_person(user, form)), status


def _person(user: User, form: GrantForm) -> dict[str, object]:
    return {
        "person": user,
        "form": form,
        "roles": ROLE_LABELS,
        "staff": STAFF,
        "held": [item for item in user.assignments if item.revoked_at is None],
        "sessions": queries.open_sessions(user.id, g.now),
    }


@bp.post("/<int:number>/roles")
@allow("role.grant", queries.person)
def grant(user: User) -> ResponseValue:
    form = GrantForm()
    form.offer()
    if not form.validate_on_submit():
        return _show(user, form, 422)
    web.retry_page("administration/person.html", **_person(user, form))
    organisation = db.session.get_one(Organisation, form.organisation.data)
    accounts.grant_role(user, form.wanted, organisation, actor=g.actor, now=g.now)
    waits = form.wanted in STAFF
    flash(_("已提出授权，等另一位安全管理员确认后生效。") if waits else _("授权已生效。"), "done")
    return redirect(url_for(".show", number=user.id))


@bp.post("/<int:number>/roles/<int:assignment_number>/confirmation")
@allow("role.confirm", queries.assignment)
def confirm(assignment: RoleAssignment) -> ResponseValue:
    if ConfirmForm().validate_on_submit():
        accounts.confirm_role(assignment, actor=g.actor, now=g.now)
        flash(_("授权已确认，即时生效。"), "done")
    return redirect(url_for(".show", number=assignment.user_id))


@bp.route("/<int:number>/roles/<int:assignment_number>/revocation", methods=["GET", "POST"])
@allow("role.revoke", queries.assignment)
def revoke(assignment: RoleAssignment) -> ResponseValue:
    form = ConfirmForm()
    context = {"assignment": assignment, "form": form, "label": ROLE_LABELS[assignment.role]}
    if form.validate_on_submit():
        web.retry_page("administration/revoke.html", **context)
        accounts.revoke_role(assignment, actor=g.actor, now=g.now)
        flash(_("授权已收回，他的所有登录已退出。"), "done")
        return redirect(url_for(".show", number=assignment.user_id))
    return render_template("administration/revoke.html", **context)


@bp.post("/<int:number>/sessions/ending")
@allow("account.administer", queries.person)
def end_sessions(user: User) -> ResponseValue:
    if ConfirmForm().validate_on_submit():
        accounts.end_all_sessions(user, actor=g.actor, now=g.now)
        flash(_("他的所有登录已退出。"), "done")
    return redirect(url_for(".show", number=user.id))


@bp.post("/<int:number>/second-factor/reset")
@allow("account.administer", queries.person)
def reset_second_factor(user: User) -> ResponseValue:
    if ConfirmForm().validate_on_submit():
        service.reset_second_factor(user, actor=g.actor, now=g.now)
        flash(_("动态验证码已重置，请他重新登录后设置。"), "done")
    return redirect(url_for(".show", number=user.id))


@bp.route("/invitations/new", methods=["GET", "POST"])
@allow("account.administer")
def invite() -> ResponseValue:
    form = InviteForm()
    form.offer()
    if form.validate_on_submit():
        web.retry_page("administration/invite.html", form=form)
        organisation = db.session.get_one(Organisation, form.organisation.data)
        service.invite(form.email.data, role=form.wanted, organisation=organisation, actor=g.actor, now=g.now)
        flash(_("邀请已发出，七日内有效。"), "done")
        return redirect(url_for(".index"))
    return render_template("administration/invite.html", form=form), 422 if form.errors else 200


def _invitation(*, actor: Actor, now: datetime, number: int) -> Invitation | None:
    return db.session.get(Invitation, number)


@bp.post("/invitations/<int:number>/withdrawal")
@allow("account.administer", _invitation)
def withdraw_invitation(invitation: Invitation) -> ResponseValue:
    if ConfirmForm().validate_on_submit():
        service.withdraw(invitation, actor=g.actor, now=g.now)
        flash(_("邀请已收回。"), "done")
    return redirect(url_for(".index"))
