"""An organisation registers, keeps its profile, and hears the screener's word."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from flask import Response, abort, current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from marketplace import db, web
from marketplace.accounts import login, queries, service
from marketplace.accounts.forms import DecisionForm, InviteForm, ProfileForm, RegisterForm
from marketplace.accounts.models import Organisation
from marketplace.accounts.routes import bp, organisations_bp
from marketplace.accounts.rules import (
    ORGANISATION,
    ORGANISATION_KIND_LABELS,
    ORGANISATION_STATE_LABELS,
    ROLE_LABELS,
    SIZES,
    OrganisationAction,
    OrganisationState,
)
from marketplace.accounts.service.members import grantable
from marketplace.platform import files, policy, workflow
from marketplace.platform.errors import Invalid, Sentence
from marketplace.platform.files.names import disposition
from marketplace.platform.forms import ConfirmForm
from marketplace.platform.policy import Actor
from marketplace.platform.sentences import spoken
from marketplace.web import ResponseValue, allow, public

LICENCES = files.IMAGES | {"pdf"}
LICENCE_LIMIT = 10 * 1024 * 1024
PER_PAGE = 30
TONES = {"pending": "work", "approved": "live", "refused": "alert", "suspended": "ended"}


def _keep_licence(form: ProfileForm) -> dict[str, str]:
    """Check and store the uploaded licence; nothing when none was chosen."""
    upload = form.licence.data
    if not upload or not upload.filename:
        return {}
    try:
        files.check(upload.filename, upload.stream, allowed=LICENCES)
        stored = current_app.extensions["storage"].put(files.chunks_of(upload.stream), limit=LICENCE_LIMIT)
    except files.BadFile as problem:
        sentence = Sentence(problem)
        raise Invalid(sentence, fields={"licence": sentence}) from problem
    except files.TooLarge as problem:
        sentence = Sentence("文件超过10MB，请压缩后再上传。")
        raise Invalid(sentence, fields={"licence": sentence}) from problem
    return {"licence_sha256": stored.sha256, "licence_name": files.safe_name(upload.filename)[:120]}


@bp.route("/register", methods=["GET", "POST"])
@public
@web.limiter.limit("20/hour", methods=["POST"])
def register() -> ResponseValue:
    """A new organisation with its first person, who is signed in and waits for the screener."""
    form = RegisterForm()
    page = {"form": form, "organisation": None}
    if request.method == "POST" and form.rows_changed(request.form.get("add"), request.form.get("remove")):
        return render_template("organisations/form.html", **page)
    if form.validate_on_submit():
        web.retry_page("organisations/form.html", **page)
        licence = _keep_licence(form)
        person = {name: form[name].data for name in ("person_name", "username", "email", "phone", "password")}
        _made, user = service.register(form.profile() | licence, form.affiliate_rows(), person, now=g.now)
        login.start(user, now=g.now, second_factor=False)
        flash(_("注册已提交，受理员审核后会通知您。"), "done")
        return redirect(url_for("organisations.own"))
    return render_template("organisations/form.html", **page), 422 if form.errors else 200


@organisations_bp.get("/organisation")
@allow("account.own")
def own() -> ResponseValue:
    """One's own organisation."""
    if g.user.organisation_id is None:
        abort(404)
    return redirect(url_for(".show", number=g.user.organisation_id))


def visible(*, actor: Actor, now: datetime, number: int) -> Organisation | None:
    """An organisation this person may see at all; anybody else's does not exist."""
    found = db.session.get(Organisation, number)
    if found is None or not policy.allows("organisation.see", actor, found, now):
        return None
    return found


@organisations_bp.get("/organisations")
@allow("organisation.list")
def queue() -> ResponseValue:
    """For staff: who waits, who is in."""
    state = request.args.get("state", "pending")
    text = request.args.get("q", "").strip()[:80]
    wanted = OrganisationState(state) if state in list(OrganisationState) else None
    query = queries.organisations(wanted, text=text)
    page = max(request.args.get("page", 1, type=int), 1)
    rows = list(db.session.scalars(query.limit(PER_PAGE + 1).offset((page - 1) * PER_PAGE)))
    return render_template(
        "organisations/queue.html",
        rows=rows[:PER_PAGE],
        state=state,
        q=text,
        states=[(str(code), label) for code, label in ORGANISATION_STATE_LABELS.items()],
        labels=ORGANISATION_STATE_LABELS,
        tones=TONES,
        kinds=ORGANISATION_KIND_LABELS,
        previous=web.page_url(page=page - 1) if page > 1 else None,
        following=web.page_url(page=page + 1) if len(rows) > PER_PAGE else None,
    )


def _page(organisation: Organisation, **more: Any) -> dict[str, Any]:
    """What the organisation's page shows; the forms of people who may not use them are not drawn."""
    may_manage = policy.allows("member.manage", g.actor, organisation, g.now)
    roles = [(str(role), ROLE_LABELS[role]) for role in grantable(organisation)]
    invite = InviteForm()
    invite.role.choices = roles
    return {
        "organisation": organisation,
        "state": (ORGANISATION_STATE_LABELS[organisation.state], TONES[organisation.state]),
        "kind": ORGANISATION_KIND_LABELS[organisation.kind],
        "size": SIZES.get(organisation.size, ""),
        "members": queries.members(organisation.id),
        "role_labels": ROLE_LABELS,
        "roles": roles,
        "may_manage": may_manage,
        "invitations": queries.open_invitations(organisation.id, g.now) if may_manage else [],
        "acts": [
            act
            for act in workflow.offered(ORGANISATION, organisation, actor=g.actor, now=g.now)
            if act.refusal is None and act.action != OrganisationAction.RESUBMIT
        ],
        "invite": invite,
        "form": DecisionForm(),
        "plain": ConfirmForm(),
    } | more


@organisations_bp.get("/organisations/<int:number>")
@allow("organisation.see", visible)
def show(organisation: Organisation) -> ResponseValue:
    return render_template("organisations/show.html", **_page(organisation))


@organisations_bp.post("/organisations/<int:number>/decision")
@allow("organisation.see", visible)
def decide(organisation: Organisation) -> ResponseValue:
    """Approve, refuse, suspend, restore: the verb says which, the rules say who."""
    form = DecisionForm()
    verb = request.form.get("verb", "")
    if verb not in list(OrganisationAction) or verb == OrganisationAction.RESUBMIT:
        abort(400)
    page = _page(organisation, form=form)
    if not form.validate_on_submit():
        return render_template("organisations/show.html", **page), 422
    web.retry_page("organisations/show.html", **page)
    service.decide(organisation, OrganisationAction(verb), form.reason.data or "", actor=g.actor, now=g.now)
    flash(_("已处理，申请单位会收到通知。"), "done")
    return redirect(url_for(".show", number=organisation.id))


@organisations_bp.route("/organisations/<int:number>/edit", methods=["GET", "POST"])
@allow("organisation.see", visible)
def edit(organisation: Organisation) -> ResponseValue:
    if (reason := policy.why_not("organisation.edit", g.actor, organisation, g.now)) is not None:
        abort(403, description=spoken(reason))
    form = ProfileForm(obj=organisation)
    page = {"form": form, "organisation": organisation}
    if request.method == "POST" and form.rows_changed(request.form.get("add"), request.form.get("remove")):
        return render_template("organisations/form.html", **page)
    if form.validate_on_submit():
        web.retry_page("organisations/form.html", **page)
        profile = form.profile() | _keep_licence(form)
        service.edit(organisation, profile, form.affiliate_rows(), actor=g.actor, now=g.now)
        flash(_("单位资料已保存。"), "done")
        return redirect(url_for(".show", number=organisation.id))
    return render_template("organisations/form.html", **page), 422 if form.errors else 200


@organisations_bp.get("/organisations/<int:number>/licence")
@allow("organisation.see", visible)
def licence(organisation: Organisation) -> ResponseValue:
    """The licence as uploaded, always as a download: a stranger's file is never shown inside this site."""
    if not organisation.licence_sha256:
        abort(404)
    pieces: Iterator[bytes] = current_app.extensions["storage"].stream(organisation.licence_sha256)
    response = Response(pieces, content_type="application/octet-stream")
    response.headers["Content-Disposition"] = disposition(organisation.licence_name)
    return response
