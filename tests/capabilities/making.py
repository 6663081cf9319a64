"""A complete capability to vary, and the road to each state through the service."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

from marketplace import db
from marketplace.accounts.queries import actor_of
from marketplace.capabilities import service
from marketplace.capabilities.content import CapabilityContent, Qualification, Reference
from marketplace.capabilities.models import Capability
from marketplace.capabilities.rules import CapabilityAction
from tests import factories

A = CapabilityAction


def content(**changes: Any) -> CapabilityContent:
    """A capability that may be handed in, with some fields changed."""
    base = CapabilityContent(
        title="路内泊位停车诱导与车位感知",
        summary="地磁与视频双模车位感知，配套诱导屏与开放接口",
        text="自研地磁与视频双模泊位传感器，准确率实测九成九以上，状态更新时延低于三秒；配套停车诱导屏、统一数据接口和运维平台，"
        "已在多个城区连续运行两年，适合路内停车、公共停车场和园区停车的感知与诱导建设。" * 2,
        directions=("living", "building"),
        industries=("iot", "newit"),
        references=(Reference("某区路内停车改造", "某区城管局", "2024", "寻位时间下降六成"),),
        qualifications=(Qualification("信息安全管理体系认证", "T-001", date(2030, 1, 1)),),
        contact_name="王联系",
        contact_phone="13912345678",
        contact_email="sales@example.test",
    )
    return replace(base, **changes)


# The acts that lead from a new draft to each state, and who does them.
ROADS: dict[str, tuple[CapabilityAction, ...]] = {
    "draft": (),
    "submitted": (A.SUBMIT,),
    "returned": (A.SUBMIT, A.RETURN),
    "listed": (A.SUBMIT, A.APPROVE),
    "changing": (A.SUBMIT, A.APPROVE, A.CHANGE),
    "change_submitted": (A.SUBMIT, A.APPROVE, A.CHANGE, A.SUBMIT),
    "change_returned": (A.SUBMIT, A.APPROVE, A.CHANGE, A.SUBMIT, A.RETURN),
    "retired": (A.SUBMIT, A.APPROVE, A.RETIRE),
    "taken_down": (A.SUBMIT, A.APPROVE, A.TAKE_DOWN),
    "dropped": (A.DROP,),
}
BY_SCREENER = frozenset({A.APPROVE, A.RETURN, A.TAKE_DOWN})


def capability(state: str, now: datetime, *, firm: str = "firm", by: str = "bidder", **changes: Any) -> Capability:
    """A capability in a state; a change of a public one says "（新）" at the end of its summary."""
    made = service.create(
        factories.organisation(firm), content(**changes), actor=actor_of(factories.person(by)), now=now
    )
    for action in ROADS[state]:
        actor = actor_of(factories.person("screener" if action in BY_SCREENER else by))
        if action is A.CHANGE:
            new = replace(made.said, summary=made.said.summary + "（新）")
            service.save(made, new, seen_version=made.version, actor=actor, now=now)
        else:
            service.act(made, action, reason="请写明指标的测试条件", actor=actor, now=now)
    db.session.commit()
    return made
