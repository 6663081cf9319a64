"""A complete bid for a demand, to vary in tests: ``technical(demand.said, plan="…")``, ``price(demand.said)``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from io import BytesIO
from typing import Any

from marketplace.bids import content as bids
from marketplace.bids.content import (
    REQUIRED_STATEMENTS,
    Eligibility,
    KeyPerson,
    Line,
    Member,
    Milestone,
    Post,
    Price,
    Promise,
    Proposal,
    Response,
    Technical,
    Track,
)
from marketplace.demands.content import DemandContent
from marketplace.demands.score_sheets import PRICE_BASES, PriceBasis
from marketplace.platform.sealing.seal import Attachment, Content
from tests import factories

PLAN = "以地磁与视频双模感知识别泊位占用，边缘侧完成判断，只上传状态，不上传图像；数据经统一接口进入停车平台。" * 3


def eligibility(organisation: str = "firm", **changes: Any) -> Eligibility:
    """Who bids, from the constant cast. ``partners=("rival", "40")`` adds members with their share."""
    partners: Sequence[tuple[str, str]] = changes.pop("partners", ())
    lead = factories.organisation(organisation)
    due_on = changes.pop("due_on", datetime.now(UTC).date() + timedelta(days=60))
    rest = sum((Decimal(share) for _, share in partners), Decimal(0))
    members = [Member(lead.name, lead.credit_code, Decimal(100) - rest, "总体设计、集成与交付" if partners else "")]
    for key, share in partners:
        other = factories.organisation(key)
        members.append(Member(other.name, other.credit_code, Decimal(share), "感知设备供货与安装"))
    base = Eligibility(
        bidder=lead.name,
        credit_code=lead.credit_code,
        legal_representative="王建国",
        address="郑新市高新区科学大道一百号",
        contact_name="王珂",
        contact_phone="13800001234",
        contact_email="contact@example.test",
        conditions="自有产品研发团队二十人，已运行维护同类系统三年。",
        members=tuple(members),
        people=(
            KeyPerson("王珂", "项目负责人", lead.name, "高级工程师"),
            KeyPerson("孟晓", "算法负责人", lead.name, "工程师"),
        ),
        statements=REQUIRED_STATEMENTS,
        promises=(
            Promise("audit", "年度审计尚未完成", due_on),
            Promise("credit", "信用报告正在申请", due_on),
        ),
    )
    return replace(base, **changes)


def proposal(said: DemandContent, **changes: Any) -> Proposal:
    """What experts judge: every indicator answered exactly as asked."""
    base = Proposal(
        responses=tuple(Response(item.name, item.target, "0", "现场实测") for item in said.indicators),
        plan=PLAN,
        innovation="双模互校，断网时在边缘侧保留七天数据。",
        operation="建成后由本地班组驻场运维三年。",
        risks="施工占道可能延期，安排夜间分段施工，并预留两周机动时间。",
        data_security="原始图像不出场端，状态数据脱敏后加密传输，日志保留六个月。",
        team=(
            Post("项目负责人", "同类项目五年以上", "全面负责", 8),
            Post("算法负责人", "识别算法六年以上", "模型训练与现场调优", 6),
        ),
        track=(Track("某市路内停车诱导一期", 2025, "八百个泊位稳定运行十二个月"),),
        milestones=tuple(Milestone(m.name, m.months, m.percent, m.deliverable) for m in said.milestones),
    )
    return replace(base, **changes)


def technical(said: DemandContent, organisation: str = "firm", **changes: Any) -> Technical:
    """The technical envelope; keywords of either section: ``plan=``, ``members=``, ``partners=`` …"""
    names = {item.name for item in fields(Proposal)}
    judged = {name: changes.pop(name) for name in list(changes) if name in names}
    return Technical(eligibility(organisation, **changes), proposal(said, **judged))


def price(said: DemandContent, total_fen: int = 320_0000_00, **changes: Any) -> Price:
    """The price envelope: two lines that sum to ``total_fen``, and what else the funding mode asks."""
    basis = PRICE_BASES[said.mode]
    first = total_fen * 3 // 5
    base = Price(
        lines=(
            Line("设备与安装", "泊位感知设备1200套", first),
            Line("平台与服务", "软件与三年运维", total_fen - first),
        ),
        total_fen=total_fen,
        subsidy_fen=total_fen // 2 if basis is PriceBasis.SUBSIDY else None,
        share_percent=Decimal("12.5") if basis is PriceBasis.SHARE else None,
    )
    return replace(base, **changes)


def attachment(
    name: str, role: str, data: bytes = b"%PDF-1.7\n%%EOF\n", media_type: str = "application/pdf"
) -> Attachment:
    return Attachment(name, partial(BytesIO, data), media_type, role)


def envelopes(
    technical: Technical, price: Price, files: Sequence[Attachment] = (attachment("技术方案.pdf", "plan"),)
) -> dict[str, Content]:
    """Both envelopes as the sealer takes them; each file goes where its role belongs."""
    return {
        name: Content(
            bids.to_fields(technical if name == "technical" else price),
            tuple(file for file in files if bids.ROLES[file.role].envelope == name),
        )
        for name in ("technical", "price")
    }


def complete(said: DemandContent, organisation: str = "firm", **changes: Any) -> dict[str, Content]:
    """A whole valid bid: ``bidder.seal(demand, complete(demand.said))``. ``total_fen=`` sets the price."""
    total = changes.pop("total_fen", 320_0000_00)
    return envelopes(technical(said, organisation, **changes), price(said, total))
