"""The verbs on a real database."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from marketplace import db
from marketplace.demands import content as said
from marketplace.demands import service
from marketplace.demands.models import DemandVersion
from marketplace.demands.rules import State
from marketplace.platform import clock
from marketplace.platform.audit import queries as log
from marketplace.platform.errors import Conflict, Forbidden, Invalid, Refused
from marketplace.platform.outbox import OutboxRow
from tests.demands.samples import content


def test_from_draft_to_the_list(stage, now):
    demand = stage.published()
    assert (demand.state, demand.number, demand.phase(now)) == (State.PUBLISHED, "ZZGX-2026-01-001", "open")
    version = db.session.scalar(select(DemandVersion).where(DemandVersion.demand_id == demand.id))
    assert version.sha256 == __import__("hashlib").sha256(version.snapshot).hexdigest()
    assert b"138****0000" in version.snapshot
    assert b"13812340000" not in version.snapshot
    kinds = [row.kind for row in db.session.scalars(log.history(demand.audit_subject))]
    assert kinds == [
        "demand.create",
        "demand.submit",
        "demand.begin_screening",
        "demand.appraise",
        "demand.pool",
        "demand.publish",
    ]
    topics = list(db.session.scalars(select(OutboxRow.topic).where(OutboxRow.topic.startswith("demand."))))
    assert topics == ["demand.submit", "demand.appraise", "demand.pool", "demand.publish"]
    assert version.log_seq == log.size() - 1


def test_the_drafter_cannot_confirm_his_own(stage, now):
    demand = stage.draft()
    demand.drafter_id = stage.actor("approver").id
    with pytest.raises(Forbidden, match="填报人不能确认自己"):
        service.submit(demand, actor=stage.actor("approver"), now=now)
    assert demand.state is State.DRAFT


def test_submit_names_every_missing_field(stage, now):
    demand = stage.draft(goal="太短", indicators=())
    with pytest.raises(Invalid) as refusal:
        service.submit(demand, actor=stage.actor("approver"), now=now)
    assert set(refusal.value.fields) == {"goal", "indicators"}


def test_a_silent_overwrite_is_refused(stage, now):
    demand = stage.draft()
    seen = demand.lock_version
    service.save(
        demand, content(title="第一位编辑者的新名称"), seen_version=seen, actor=stage.actor("drafter"), now=now
    )
    with pytest.raises(Conflict):
        service.save(
            demand, content(title="第二位编辑者的名称呢"), seen_version=seen, actor=stage.actor("approver"), now=now
        )
    assert demand.title == "第一位编辑者的新名称"


def test_numbers_are_gapless_and_freed_by_a_call_back(stage, now):
    batch = stage.batch()
    demands = [stage.pooled(title=f"第{n}号需求的名称要够长") for n in range(3)]
    later = now + timedelta(days=2)
    deadlines = service.first_deadlines(demands, visible_from=later)
    options = {
        "visible_from": later,
        "deadlines": deadlines,
        "custody": "1-of-1",
        "custodians": [],
        "document_number": "",
        "actor": stage.actor("publisher"),
        "now": now,
    }
    service.post_batch(batch, demands, **options)
    assert [demand.number for demand in demands] == [f"ZZGX-2026-01-00{n}" for n in (1, 2, 3)]
    assert {demand.phase(now) for demand in demands} == {"scheduled"}
    assert service.call_back_batch(batch, reason="附件有误", actor=stage.actor("publisher"), now=now) == 3
    assert {demand.state for demand in demands} == {State.POOLED}
    service.post_batch(batch, demands[1:], **options)
    assert [demand.number for demand in demands] == [None, "ZZGX-2026-01-001", "ZZGX-2026-01-002"]


def test_a_deadline_too_early_is_refused_with_the_first_possible(stage, now):
    demand = stage.pooled()
    with pytest.raises(Refused, match=r"揭榜期不少于.*（平台规则），最早可设为"):
        service.publish(
            demand,
            batch=stage.batch(),
            closes_at=now + timedelta(days=5),
            custody="1-of-1",
            custodians=[],
            actor=stage.actor("publisher"),
            now=now,
        )


def test_the_screener_does_not_publish_what_he_screened(stage, now):
    demand = stage.pooled()
    demand.screener_id = stage.actor("publisher").id
    first = service.first_deadlines([demand], visible_from=now)[demand.id]
    with pytest.raises(Forbidden, match="受理过"):
        service.publish(
            demand,
            batch=stage.batch(),
            closes_at=first,
            custody="1-of-1",
            custodians=[],
            actor=stage.actor("publisher"),
            now=now,
        )


def test_an_amendment_shows_its_diff_and_moves_a_near_deadline(stage, now):
    demand = stage.published()
    clock.move_to(demand.closes_at - timedelta(days=1))
    before = demand.closes_at
    service.amend(
        demand, content(place="科学大道与瑞达路一带"), reason="点位增加", actor=stage.actor("publisher"), now=now
    )
    version = demand.versions[-1]
    assert [change["field"] for change in version.changes] == ["place", "deliver_by", "closes_at"]
    assert demand.closes_at > before
    assert (demand.content_version, demand.state) == (2, State.PUBLISHED)


def test_an_amendment_never_touches_the_rules_of_the_game(stage, now):
    demand = stage.published()
    with pytest.raises(Refused, match="张榜之后不能变更：最少有效揭榜"):
        service.amend(demand, content(min_bids=2), reason="改规则", actor=stage.actor("publisher"), now=now)


def test_nothing_moves_after_the_deadline(stage, now):
    demand = stage.published()
    clock.move_to(demand.closes_at)
    for act in (
        lambda: service.amend(demand, content(place="别处"), reason="晚了", actor=stage.actor("publisher"), now=now),
        lambda: service.extend(
            demand, closes_at=demand.closes_at + timedelta(days=9), reason="晚", actor=stage.actor("publisher"), now=now
        ),
        lambda: service.suspend(demand, reason="晚", actor=stage.actor("publisher"), now=now),
    ):
        with pytest.raises(Forbidden, match="已经截止"):
            act()


def test_a_pause_is_given_back_rounded_up(stage, now):
    demand = stage.published()
    before = demand.closes_at
    service.suspend(demand, reason="设备检修", actor=stage.actor("publisher"), now=now)
    assert not demand.accepts_bids(now)
    clock.move_to(now + timedelta(days=3))
    service.resume(demand, actor=stage.actor("publisher"), now=now)
    assert demand.closes_at >= before + timedelta(days=3)
    assert demand.closes_at.astimezone(clock.BEIJING).hour == 17


def test_withdrawing_after_the_deadline_takes_two(stage, now):
    demand = stage.published()
    clock.move_to(demand.closes_at + timedelta(hours=1))
    with pytest.raises(Forbidden):
        service.withdraw(demand, reason="项目取消", actor=stage.actor("publisher"), now=now)
    from marketplace.demands.rules import Action

    with pytest.raises(Refused, match="可以直接撤榜"):
        service.propose(demand, Action.WITHDRAW, reason="项目取消", actor=stage.actor("publisher"), now=now)
    now = clock.site_now()
    with pytest.raises(Refused, match="自动流榜"):
        service.propose(demand, Action.LAPSE, reason="没有人来", actor=stage.actor("publisher"), now=now)
    proposal = service.propose(demand, Action.WITHDRAW, reason="项目取消", actor=stage.actor("publisher"), now=now)
    with pytest.raises(Forbidden):
        service.confirm(proposal, actor=stage.actor("publisher"), now=now)
    service.confirm(proposal, actor=stage.actor("supervisor"), now=now)
    assert (demand.state, proposal.confirmed) == (State.WITHDRAWN, True)


def test_a_lapsed_demand_is_published_again_as_a_new_one(stage, now):
    from marketplace.platform.policy import SYSTEM

    demand = stage.published()
    clock.move_to(demand.closes_at)
    service.lapse(demand, actor=SYSTEM, now=now)
    new = service.republish(demand, changed="放宽了工期", actor=stage.actor("publisher"), now=now)
    assert (demand.state, new.state, new.origin_id) == (State.LAPSED, State.DRAFT, demand.id)
    assert said.to_json(new.said)["title"] == demand.title


def test_custodians_come_from_two_organisations(stage, now):
    from tests.factories import person

    demand, batch = stage.pooled(), stage.batch()
    first = service.first_deadlines([demand], visible_from=now)[demand.id]
    three = [person(name) for name in ("custodian1", "custodian2", "custodian3")]
    service.publish(
        demand,
        batch=batch,
        closes_at=first,
        custody="2-of-3",
        custodians=three,
        actor=stage.actor("publisher"),
        now=now,
    )
    assert [item.user.username for item in demand.custodians] == ["custodian1", "custodian2", "custodian3"]
    other = stage.pooled(title="另一条需求的名称够长")
    with pytest.raises(Invalid, match="3 位不同"):
        service.publish(
            other,
            batch=batch,
            closes_at=first,
            custody="2-of-3",
            custodians=three[:1] * 3,
            actor=stage.actor("publisher"),
            now=now,
        )
