"""Organisations: registration, the screener's word on it, and the profile that fills every bid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from marketplace import db
from marketplace.accounts import queries
from marketplace.accounts.models import Affiliate, Organisation, User
from marketplace.accounts.rules import (
    ORGANISATION,
    OrganisationAction,
    OrganisationKind,
    OrganisationState,
    Role,
)
from marketplace.accounts.service.people import create_organisation, create_user, give_role, set_password
from marketplace.platform import audit, outbox, workflow
from marketplace.platform.errors import Invalid, Refused
from marketplace.platform.policy import Actor, require

# What the licence says: changing it after approval brings the organisation back before the screener.
FROZEN = ("name", "credit_code")
Rows = Iterable[Mapping[str, str]]


def register(
    profile: Mapping[str, Any], affiliates: Rows, person: Mapping[str, str], *, now: datetime
) -> tuple[Organisation, User]:
    """A new organisation with its first person as administrator, waiting for the screener."""
    fields = dict(profile)
    organisation = create_organisation(
        name=fields.pop("name"),
        credit_code=fields.pop("credit_code"),
        kind=OrganisationKind(fields.pop("kind")),
        now=now,
        **fields,
    )
    organisation.may_bid = True
    _set_affiliates(organisation, affiliates)
    user = create_user(
        username=person["username"],
        name=person["person_name"],
        email=person["email"],
        phone=person["phone"],
        organisation=organisation,
        now=now,
    )
    actor = queries.actor_of(user)
    set_password(user, person["password"], actor=actor, now=now)
    give_role(user, Role.ORG_ADMIN, organisation, actor=actor, now=now, in_force=True)
    give_role(user, Role.BIDDER, organisation, actor=actor, now=now, in_force=True)
    audit.append("organisation.register", subject=organisation.audit_subject, actor=actor, at=now)
    outbox.emit("organisation.register", {"subject": organisation.audit_subject, "actor_id": user.id}, at=now)
    return organisation, user


def edit(
    organisation: Organisation, profile: Mapping[str, Any], affiliates: Rows, *, actor: Actor, now: datetime
) -> None:
    """Write the profile. After approval name and code stay; a refused organisation is thereby handed in again."""
    require("organisation.edit", actor, organisation, now)
    if organisation.state == OrganisationState.SUSPENDED:
        raise Refused("单位已停用，不能修改资料。请联系主管部门。")
    for name, value in profile.items():
        if name in FROZEN and organisation.state == OrganisationState.APPROVED:
            continue
        setattr(organisation, name, OrganisationKind(value) if name == "kind" else value)
    if queries.taken(organisation):
        raise Invalid("这个名称或信用代码已被另一个单位使用。请核对。", fields={"credit_code": "已注册"})
    _set_affiliates(organisation, affiliates)
    audit.append("organisation.edit", subject=organisation.audit_subject, actor=actor, at=now)
    if organisation.state == OrganisationState.REFUSED:
        workflow.perform(ORGANISATION, organisation, OrganisationAction.RESUBMIT, actor=actor, now=now)
    db.session.flush()


def decide(organisation: Organisation, action: OrganisationAction, reason: str, *, actor: Actor, now: datetime) -> None:
    """Approve, refuse, suspend or restore. Everything but approval and restoring needs its reason."""
    if action in (OrganisationAction.REFUSE, OrganisationAction.SUSPEND) and not reason:
        raise Invalid("请写明理由，申请单位会看到。", fields={"reason": "请写明理由，申请单位会看到。"})
    workflow.perform(ORGANISATION, organisation, action, actor=actor, now=now, reason=reason)
    organisation.state_reason = reason
    if action == OrganisationAction.APPROVE:
        organisation.approved_at = now


def _set_affiliates(organisation: Organisation, rows: Rows) -> None:
    """Replace the list; the unique pair (organisation, code) is asked for before the database does."""
    wanted = {row["credit_code"]: row for row in rows}
    if organisation.credit_code in wanted:
        raise Invalid("关联单位里不要填写本单位自己。")
    organisation.affiliates = [item for item in organisation.affiliates if item.credit_code in wanted]
    known = {item.credit_code: item for item in organisation.affiliates}
    for code, row in wanted.items():
        item = known.get(code)
        if item is None:
            item = Affiliate(credit_code=code)
            organisation.affiliates.append(item)
        item.name, item.relation = row["name"], row["relation"]
