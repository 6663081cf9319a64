"""The verbs of a capability: the only writer of its tables."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from marketplace import db
from marketplace.accounts.models import Organisation
from marketplace.accounts.rules import OrganisationState
from marketplace.capabilities.content import CapabilityContent, Fault, changed, faults, to_json
from marketplace.capabilities.models import Capability, CapabilityTag
from marketplace.capabilities.rules import MACHINE, NEEDS_REASON, CapabilityAction, CapabilityState
from marketplace.platform import audit, policy
from marketplace.platform.errors import Conflict, Invalid, Refused, Sentence
from marketplace.platform.policy import Actor, require
from marketplace.platform.workflow import perform

OF_FIRM_MOST = 50
REASON_MAX = 500


def create(organisation: Organisation, content: CapabilityContent, *, actor: Actor, now: datetime) -> Capability:
    """A new draft of a firm that may bid. Log: ``capability.create``."""
    require("capability.create", actor, None, now)
    capability = Capability(
        key=secrets.token_hex(5),
        organisation=organisation,
        title=content.title[:60],
        content=to_json(content),
        state=CapabilityState.DRAFT,
        created_at=now,
        updated_at=now,
    )
    with db.session.no_autoflush:
        require("capability.edit", actor, _owned(capability, organisation), now)
    if not organisation.may_bid or organisation.state == OrganisationState.SUSPENDED:
        raise Refused("这个单位不是揭榜单位，或已停用，不能编写能力。请联系主管部门。")
    db.session.add(capability)
    db.session.flush()
    audit.append("capability.create", subject=capability.audit_subject, actor=actor, at=now)
    return capability


def _owned(capability: Capability, organisation: Organisation) -> Capability:
    """The rules ask for the id before the row has been written."""
    capability.organisation_id = organisation.id
    return capability


def save(
    capability: Capability, content: CapabilityContent, *, seen_version: int, actor: Actor, now: datetime
) -> list[str]:
    """Write the draft; of a public one that begins a change, and the public words stay. Returns what was changed."""
    require("capability.edit", actor, capability, now)
    if seen_version != capability.version:
        raise Conflict("同事刚刚保存过这一稿，您的修改还没有写入。请对照新内容后再保存。")
    differing = changed(capability.said, content)
    if not differing:
        return []
    if capability.state is CapabilityState.LISTED:
        perform(MACHINE, capability, CapabilityAction.CHANGE, actor=actor, now=now)
    capability.content = to_json(content)
    capability.title = content.title[:60]
    capability.updated_at = now
    db.session.flush()
    return differing


def missing(capability: Capability) -> list[Fault]:
    """What keeps it from being handed in."""
    return faults(capability.said)


def act(capability: Capability, action: CapabilityAction, *, reason: str = "", actor: Actor, now: datetime) -> None:
    """One act of the table. Each is a leaf and an outbox row ``capability.<act>``; approving makes the words public."""
    reason = reason.strip()
    policy.require(MACHINE.permission(action), actor, capability, now)
    if action in NEEDS_REASON and not reason:
        raise Invalid("请写明理由，申请单位会看到。", fields={"reason": "请写明理由，申请单位会看到。"})
    if len(reason) > REASON_MAX:
        sentence = Sentence("理由最多%(most)s个字，现在%(now)s个字。", most=REASON_MAX, now=len(reason))
        raise Invalid(sentence, fields={"reason": sentence})
    if action is CapabilityAction.SUBMIT and (found := missing(capability)):
        raise Invalid("还有内容没有填好，不能提交。", fields={item.field: item.sentence for item in found})
    # State and instants are one fact to the database's CHECK: they are written in one statement.
    with db.session.no_autoflush:
        facts: dict[str, Any] = {"organisation_id": capability.organisation_id}
        if action is CapabilityAction.APPROVE:
            facts["version"] = capability.content_version + 1
        perform(MACHINE, capability, action, actor=actor, now=now, reason=reason, facts=facts)
        _follow(capability, action, reason, now)
    db.session.flush()


def _follow(capability: Capability, action: CapabilityAction, reason: str, now: datetime) -> None:
    """What the act does beside the state."""
    capability.updated_at = now
    match action:
        case CapabilityAction.SUBMIT:
            capability.submitted_at, capability.reason = now, ""
        case CapabilityAction.APPROVE:
            _make_public(capability, now)
        case CapabilityAction.RETURN:
            capability.reason = reason
        case CapabilityAction.TAKE_DOWN:
            capability.reason, capability.listed_at = reason, None
        case CapabilityAction.RETIRE:
            capability.listed_at = None
        case CapabilityAction.DISCARD:
            capability.content, capability.title = capability.public_content, capability.public_title
            capability.reason = ""


def _make_public(capability: Capability, now: datetime) -> None:
    said = capability.said
    capability.public_content = capability.content
    capability.public_title, capability.public_summary = said.title[:60], said.summary[:200]
    capability.content_version += 1
    capability.approved_at, capability.reason = now, ""
    capability.listed_at = capability.listed_at or now
    wanted = [("direction", code) for code in said.directions] + [("industry", code) for code in said.industries]
    known = {(tag.kind, tag.code): tag for tag in capability.tags}
    capability.tags = [known.get(pair) or CapabilityTag(kind=pair[0], code=pair[1]) for pair in dict.fromkeys(wanted)]
    for position, tag in enumerate(capability.tags):
        tag.position = position
