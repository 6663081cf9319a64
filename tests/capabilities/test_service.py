"""What the verbs write, tell and refuse, on a real database."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from marketplace import db
from marketplace.capabilities import consumer, queries, service
from marketplace.capabilities.rules import PUBLIC, CapabilityAction, CapabilityState
from marketplace.notifications.models import Message
from marketplace.platform.audit import AuditDetail
from marketplace.platform.errors import Conflict, Forbidden, Invalid, Refused
from marketplace.platform.outbox import OutboxRow
from tests import factories
from tests.capabilities.making import ROADS, capability, content


@pytest.mark.parametrize("state", ROADS)
def test_every_state_is_reached_and_public_exactly_where_it_should_be(app, session, now, state):
    made = capability(state, now)
    assert made.state == state
    found = queries.find_public("firm", made.key)
    assert (found is not None) is (made.state in PUBLIC)
    assert queries.count(queries.public()) == (1 if made.state in PUBLIC else 0)
    leaves = [
        row.kind
        for row in session.scalars(
            select(AuditDetail).where(AuditDetail.subject == made.audit_subject).order_by(AuditDetail.seq)
        )
    ]
    assert leaves == ["capability.create", *(f"capability.{action}" for action in ROADS[state])]
    topics = [row.topic for row in session.scalars(select(OutboxRow).order_by(OutboxRow.id))]
    assert topics == [f"capability.{action}" for action in ROADS[state]]


@pytest.mark.parametrize("state", ["changing", "change_submitted", "change_returned"])
def test_the_old_words_stay_public_until_the_change_is_approved(app, session, now, actor, state):
    made = capability(state, now)
    assert made.said.summary.endswith("（新）")
    assert made.public_summary == content().summary
    assert made.said_in_public == content()
    if state != "change_submitted":
        service.act(made, CapabilityAction.SUBMIT, actor=actor("bidder"), now=now)
    service.act(made, CapabilityAction.APPROVE, actor=actor("screener"), now=now)
    assert made.public_summary.endswith("（新）")
    assert made.content_version == 2


def test_a_discarded_change_leaves_what_was_public(app, session, now, actor):
    made = capability("changing", now)
    service.act(made, CapabilityAction.DISCARD, actor=actor("bidder"), now=now)
    assert made.said == made.said_in_public == content()


def test_a_suspended_firm_disappears_with_its_capabilities(app, session, now):
    made = capability("listed", now)
    factories.organisation("firm").state = "suspended"
    db.session.commit()
    assert queries.find_public("firm", made.key) is None
    assert queries.public_by_ids([made.id]) == []


def test_tags_follow_the_approved_words(app, session, now, actor):
    made = capability("listed", now)
    assert [(tag.kind, tag.code) for tag in made.tags] == [
        ("direction", "living"),
        ("direction", "building"),
        ("industry", "iot"),
        ("industry", "newit"),
    ]
    new = replace(made.said, industries=("newit",), directions=("living",))
    service.save(made, new, seen_version=made.version, actor=actor("bidder_member"), now=now)
    assert len(made.tags) == 4
    service.act(made, CapabilityAction.SUBMIT, actor=actor("bidder"), now=now)
    service.act(made, CapabilityAction.APPROVE, actor=actor("screener"), now=now)
    db.session.expire_all()
    assert [(tag.kind, tag.code) for tag in made.tags] == [("direction", "living"), ("industry", "newit")]


def test_who_may_not(app, session, now, actor):
    made = capability("submitted", now)
    for who, action in (
        ("rival", CapabilityAction.RECALL),
        ("bidder", CapabilityAction.APPROVE),
        ("drafter", CapabilityAction.APPROVE),
    ):
        with pytest.raises(Forbidden):
            service.act(made, action, reason="x", actor=actor(who), now=now)
    with pytest.raises(Forbidden, match="其他单位"):
        service.create(factories.organisation("rival"), content(), actor=actor("bidder"), now=now)
    with pytest.raises(Forbidden):
        service.create(factories.organisation("unit"), content(), actor=actor("drafter"), now=now)
    with pytest.raises(Forbidden, match="正在审核"):
        service.save(made, content(title="别的名称"), seen_version=made.version, actor=actor("bidder"), now=now)


def test_a_firm_that_waits_for_approval_writes_but_does_not_hand_in(app, session, now, actor):
    firm = factories.organisation("firm")
    firm.state = "pending"
    made = service.create(firm, content(), actor=actor("bidder"), now=now)
    with pytest.raises(Forbidden, match="注册通过审核"):
        service.act(made, CapabilityAction.SUBMIT, actor=actor("bidder"), now=now)
    firm.state = "suspended"
    with pytest.raises(Refused, match="已停用"):
        service.create(firm, content(), actor=actor("bidder"), now=now)


def test_returning_needs_a_reason_and_handing_in_needs_everything(app, session, now, actor):
    made = capability("submitted", now)
    with pytest.raises(Invalid, match="理由"):
        service.act(made, CapabilityAction.RETURN, reason="  ", actor=actor("screener"), now=now)
    with pytest.raises(Invalid, match="最多500"):
        service.act(made, CapabilityAction.RETURN, reason="长" * 501, actor=actor("screener"), now=now)
    draft = capability("draft", now, text="短")
    with pytest.raises(Invalid) as refusal:
        service.act(draft, CapabilityAction.SUBMIT, actor=actor("bidder"), now=now)
    assert list(refusal.value.fields) == ["text"]
    assert draft.state is CapabilityState.DRAFT


def test_two_colleagues_do_not_overwrite_each_other(app, session, now, actor):
    made = capability("draft", now)
    seen = made.version
    service.save(made, content(title="第一个人的名称"), seen_version=seen, actor=actor("bidder"), now=now)
    with pytest.raises(Conflict, match="刚刚保存"):
        service.save(made, content(title="第二个人的名称"), seen_version=seen, actor=actor("bidder_member"), now=now)
    assert made.title == "第一个人的名称"


def test_saving_the_same_words_begins_no_change(app, session, now, actor):
    made = capability("listed", now)
    assert service.save(made, content(), seen_version=made.version, actor=actor("bidder"), now=now) == []
    assert made.state is CapabilityState.LISTED


def test_each_is_told_once_to_the_right_people(app, session, now):
    capability("change_returned", now)
    rows = list(session.scalars(select(OutboxRow).order_by(OutboxRow.id)))
    consumer.handle(rows, now)
    consumer.handle(rows, now)  # read again after a crash
    told: dict[str, set[str]] = {}
    names = {factories.person(name).id: name for name in factories.PEOPLE}
    for message in session.scalars(select(Message)):
        told.setdefault(message.title.partition("：")[0], set()).add(names[message.user_id])
    assert told == {
        "有单位能力待审核": {"screener", "screener2"},
        "能力已公开": {"bidder", "bidder_member"},
        "能力退回修改": {"bidder", "bidder_member"},
    }
    assert len(session.scalars(select(Message)).all()) == 2 * 2 + 2 + 2
