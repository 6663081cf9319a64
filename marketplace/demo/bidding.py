"""Bids of the demo: what invented firms answer to invented demands, sealed and opened through the services.

Everything is drawn from a chance seeded by demand and firm, so that the demo is the same on every day.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from io import BytesIO
from random import Random
from typing import Any

from marketplace.accounts.models import Organisation, User
from marketplace.accounts.queries import actor_of
from marketplace.bids import queries, service, validity
from marketplace.bids.content import (
    REQUIRED_STATEMENTS,
    Affiliate,
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
    to_fields,
)
from marketplace.bids.demo_key import demo_key
from marketplace.bids.models import Bid
from marketplace.bids.rules import Stage, why_not_bid
from marketplace.custody import software
from marketplace.custody.rules import custodian_id
from marketplace.demands.content import DemandContent, Indicator
from marketplace.demands.models import Demand
from marketplace.platform import clock
from marketplace.platform.files import Storage
from marketplace.platform.policy import Actor
from marketplace.platform.rendering import Paper, pdf
from marketplace.platform.rendering.paper import Facts, Heading, Text
from marketplace.platform.sealing.container import Readable
from marketplace.platform.sealing.custodians import release as unwrap
from marketplace.platform.sealing.manifest import Manifest, Part
from marketplace.platform.sealing.seal import Attachment, Content, seal, seal_parts
from marketplace.platform.sealing.wire import ENVELOPES, KEY_SIZE, sha256
from marketplace.platform.working_days import BEIJING, beijing_day

_APPROACHES = (
    "先在{place}选取代表点位做对比验证，验证通过后再成片铺开；感知、传输、应用三层解耦，任何一层可以单独更换。",
    "以已有设施为主、新增设备为辅，边缘侧完成判断，只上传结果；{place}现场的供电和通信条件已按最不利情况设计。",
    "先建立{place}的基线数据，再分阶段上线；每一阶段都留有回退方案，不影响现有业务运行。",
)
_RISKS = (
    "主要风险是现场施工窗口短，已安排夜间分段施工，并预留两周机动时间；设备供货由两家供应商互为备份。",
    "主要风险是历史数据质量参差，前两周先做数据核查，必要时补测；算法效果以现场实测为准，不以演示数据代替。",
    "主要风险是与现有系统对接，接口按需求单位规范开发，联调失败时可独立运行，数据事后补传。",
)
_POSTS = (
    Post("项目负责人", "同类项目五年以上，高级工程师", "全面负责，对进度和质量签字", 8),
    Post("算法工程师", "硕士，三年以上现场经验", "模型训练、现场调优", 12),
    Post("现场工程师", "持有高处作业和电工证", "安装、联调、驻场", 16),
)
_SURNAMES = "高苏方陆秦韩程沈顾叶江宋唐温严白冯莫"
_GIVEN = ("知远", "砚秋", "一鸣", "清和", "若水", "牧之", "景行", "怀瑾", "望舒", "思齐", "云舟", "以宁")


def chance_of(*words: str) -> Random:
    """The same draw for the same words on every day: invented content, nothing secret."""
    return Random("|".join(words))  # noqa: S311


@dataclass(frozen=True, slots=True)
class Firm:
    """Who bids, and the account that acts for it."""

    organisation: Organisation
    user: User

    @property
    def actor(self) -> Actor:
        return actor_of(self.user)


def may_bid(demand: Demand, firm: Firm, *, now: datetime) -> bool:
    """By the rules, and not twice."""
    standing = queries.standing(demand, firm.organisation, now=now)
    return why_not_bid(standing) is None and queries.of_organisation(demand, firm.organisation.id) is None


def by_industry(demand: Demand, firms: Sequence[Firm]) -> list[Firm]:
    """The firms of the demand's industries first, else in an order of the demand's own."""
    wanted = {item.code for item in demand.industries}
    mixed = list(firms)
    chance_of("firms", demand.title).shuffle(mixed)
    return sorted(mixed, key=lambda firm: -len(wanted & set(firm.organisation.industries or ())))


def _promised(indicator: Indicator, chance: Random) -> tuple[str, str]:
    """(value, deviation): mostly as asked, often better, seldom worse."""
    if indicator.operator == "range":
        return f"{indicator.target}～{indicator.target_high}", "0"
    try:
        target = Decimal(indicator.target)
    except InvalidOperation:
        return indicator.target, "0"
    mood = chance.choices(("+", "0", "-"), (5, 5, 0 if indicator.veto else 1))[0]
    if mood == "0" or indicator.operator == "=" or not target:
        return indicator.target, "0"
    step = abs(target) * Decimal(chance.randrange(2, 12)) / 100
    better = target + step if indicator.operator == ">=" else target - step
    if indicator.unit == "%" and better > 100:
        better = min(Decimal(100), target + (100 - target) / 2)
    worse = target - step if indicator.operator == ">=" else target + step
    value = better if mood == "+" else worse
    places = max(0, -int(target.as_tuple().exponent)) + (1 if abs(target) < 100 else 0)
    rounded = round(value, places)
    if rounded == target:
        return indicator.target, "0"
    return f"{rounded.normalize():f}", mood


def _proposal(said: DemandContent, chance: Random) -> Proposal:
    place = said.place or "现场"
    approach = chance.choice(_APPROACHES).format(place=place)
    names = "、".join(item.name for item in said.indicators[:3])
    plan = (
        f"围绕“{said.title}”，{approach}针对{names}等指标，逐项给出测量方法和留存的原始记录，"
        f"需求单位可随时抽查。\n实施分为准备、试运行、验收三个阶段：准备阶段完成踏勘与接口确认；试运行阶段按周报告"
        f"指标达成情况；验收阶段按需求书的测试方法由双方共同测量，全部数据交需求单位保存。"
    )
    return Proposal(
        responses=tuple(
            Response(
                item.name,
                value,
                deviation,
                "见佐证材料" if deviation != "-" else "分两步达到，见技术方案",
                2,
                str(page),
            )
            for page, item in enumerate(said.indicators, start=2)
            for value, deviation in (_promised(item, chance),)
        ),
        plan=plan,
        innovation="核心部件和算法自主研发，断网时现场仍可独立工作七天，恢复后数据自动补齐。",
        operation="验收后驻场运维一年，之后按年度服务；备件在本市备两套，四小时内到场。",
        risks=chance.choice(_RISKS),
        data_security="原始数据不出需求单位指定的环境，成果数据脱敏后使用；全部访问留痕六个月，项目结束后按清单清除并出具证明。",
        team=_POSTS,
        track=(
            Track("同类场景试点", 2025, "稳定运行十一个月，指标由第三方测试通过"),
            Track("高校联合验证项目", 2024, "完成原理样机和现场对比测试"),
        )[: chance.choice((1, 2, 2))],
        milestones=tuple(
            Milestone(item.name, item.months, item.percent, item.deliverable or "阶段报告") for item in said.milestones
        ),
    )


def _people(home: Organisation) -> list[str]:
    """Two key people of a firm, the same in all its bids; hardly ever those of another firm."""
    chance = chance_of("people", home.slug)
    return [chance.choice(_SURNAMES) + given for given in chance.sample(_GIVEN, 2)]


def _eligibility(
    firm: Firm, said: DemandContent, closes_at: datetime, chance: Random, promised: Sequence[str]
) -> Eligibility:
    home = firm.organisation
    due_on = beijing_day(closes_at) + timedelta(days=chance.randrange(12, 20))
    names = _people(home)
    return Eligibility(
        bidder=home.name,
        credit_code=home.credit_code,
        legal_representative=home.legal_representative or "法定代表人",
        address=home.address or "郑新市高新区",
        contact_name=firm.user.name,
        contact_phone=firm.user.phone,
        contact_email=firm.user.email,
        conditions="对照揭榜条件逐项核对，均已具备，证明材料随附。" if said.conditions.strip() else "",
        members=(Member(home.name, home.credit_code, Decimal(100), "全部工作"),),
        affiliates=tuple(Affiliate(item.name, item.credit_code, item.relation) for item in home.affiliates),
        people=(
            KeyPerson(names[0], "项目负责人", home.name, "高级工程师"),
            KeyPerson(names[1], "算法工程师", home.name, "工程师"),
        ),
        statements=REQUIRED_STATEMENTS + (("pledge",) if chance.random() < 0.3 else ()),
        promises=tuple(Promise(name, "材料正在办理，办妥即补交", due_on) for name in promised),
    )


def _price(said: DemandContent, chance: Random) -> Price:
    asked = validity.terms(said).asked
    if "share" in asked:
        return Price(share_percent=Decimal(chance.randrange(16, 61)) / 2, note="按年度结算，附经审计的收入明细。")
    if "total" not in asked:
        return Price(note="免费试用，自担设备和人员费用。")
    budget = said.budget_fen or 180_0000_00
    total = budget * chance.randrange(78, 99) // 100 // 100_00 * 100_00
    if "subsidy" in asked:
        total = total * 17 // 10 // 100_00 * 100_00
    first = total * 11 // 20 // 100_00 * 100_00
    second = total * 3 // 10 // 100_00 * 100_00
    lines = (
        Line("设备与安装", "按点位清单计，含运输和调试", first),
        Line("软件与平台", "含部署、对接和一年升级", second),
        Line("运维与培训", "一年驻场，两次培训", total - first - second),
    )
    subsidy = min(total // 2, budget * chance.randrange(70, 100) // 100) // 100_00 * 100_00
    return Price(lines=lines, total_fen=total, subsidy_fen=subsidy if "subsidy" in asked else None)


def _paper(title: str, texts: Sequence[str], facts: Sequence[tuple[str, str]], at: datetime) -> bytes:
    blocks = (Facts(tuple(facts)), *(part for text in texts for part in (Heading(text[:14]), Text(text * 2))))
    return pdf(Paper(form="sheet", title=title, dated_at=at, blocks=blocks, head=title, watermark="演示数据"))


@cache
def _proof(name: str, day: date) -> bytes:
    at = datetime.combine(day, time(), BEIJING)
    return _paper("证明材料", ["本件为演示用的证明材料，不具有任何效力。"], [("单位", name)], at)


def _attachment(name: str, data: bytes, role: str) -> Attachment:
    def opened() -> AbstractContextManager[Readable]:
        return nullcontext(BytesIO(data))

    return Attachment(name, opened, "application/pdf", role)


def contents(demand: Demand, firm: Firm, *, now: datetime) -> dict[str, Content]:
    """Both envelopes of a firm's bid. Four in ten attach everything, the others promise a document (容缺)."""
    said, chance = demand.said, chance_of(demand.title, firm.organisation.slug)
    assert demand.closes_at is not None
    promised = chance.choice(((), (), ("audit",), ("credit",), ("audit", "credit")))
    proposal = _proposal(said, chance)
    values = [(row.indicator[:20], row.value) for row in proposal.responses]
    number = chance_of("record", demand.title, firm.organisation.slug).randrange(10**6)
    facts = [*values, ("记录编号", f"R{number:06d}")]  # no two firms hand in the same file
    files = [
        _attachment("技术方案.pdf", _paper("技术方案", [proposal.plan, proposal.risks], facts, now), "plan"),
        _attachment(
            "指标佐证材料.pdf",
            _paper("指标佐证材料", [f"{n}：测试记录{v}。" for n, v in values], facts, now),
            "evidence",
        ),
    ]
    eligible = {"audit": "上年度审计报告.pdf", "credit": "信用报告.pdf"}
    simple = _proof(firm.organisation.name, beijing_day(now))
    files += [_attachment(name, simple, role) for role, name in eligible.items() if role not in promised]
    files.append(_attachment("承诺书（签章）.pdf", simple, "statement"))
    if said.conditions.strip():
        files.append(_attachment("资质证明.pdf", simple, "qualification"))
    technical = Technical(_eligibility(firm, said, demand.closes_at, chance, promised), proposal)
    return {
        "technical": Content(to_fields(technical), tuple(files)),
        "price": Content(to_fields(_price(said, chance))),
    }


def _unfinished(whole: Mapping[str, Content]) -> dict[str, dict[str, Any]]:
    """The forms without files, without risks and without the last statement: what is still missing can be seen."""
    technical = dict(whole["technical"].fields)
    judged, who = dict(technical["technical"]), dict(technical["eligibility"])
    judged["responses"] = [row | {"file": None, "page": "", "note": ""} for row in judged["responses"]]
    judged["risks"] = ""
    who["statements"] = [code for code in who["statements"] if code != REQUIRED_STATEMENTS[-1]]
    technical |= {"technical": judged, "eligibility": who}
    return {"technical": technical, "price": dict(whole["price"].fields)}


class Desk:
    """What a firm's browser and the custodians' browsers do, done here."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self._keys: set[int] = set()

    def _start(self, demand: Demand, firm: Firm) -> Bid:
        now = clock.site_now()
        bid = service.start(demand, organisation=firm.organisation, actor=firm.actor, now=now)
        key = demo_key(firm.organisation)
        assert key is not None
        if firm.organisation.id not in self._keys:
            service.announce_key(firm.organisation, check_hash=key.check_hash, actor=firm.actor, now=now)
            self._keys.add(firm.organisation.id)
        return bid

    def _upload(
        self, bid: Bid, firm: Firm, uploaded: Mapping[tuple[str, int], list[bytes]], part_of: Callable[[str, int], Part]
    ) -> None:
        now, version = clock.site_now(), bid.next_version
        for (envelope, part), pieces in uploaded.items():
            for number, data in enumerate(pieces):
                service.put_piece(
                    bid,
                    version=version,
                    envelope=envelope,
                    part=part,
                    piece=number,
                    data=data,
                    piece_hash=sha256(data),
                    storage=self.storage,
                    actor=firm.actor,
                    now=now,
                )
            service.finish_part(
                bid,
                part_of(envelope, part),
                version=version,
                envelope=envelope,
                storage=self.storage,
                actor=firm.actor,
                now=now,
            )

    def seal(self, demand: Demand, firm: Firm) -> Bid:
        """Write, seal and submit one bid at the present instant."""
        bid = self._start(demand, firm)
        sheet, key = service.sheet(bid), demo_key(firm.organisation)
        assert key is not None
        uploaded: dict[tuple[str, int], list[bytes]] = {}
        submission = seal(
            contents(demand, firm, now=clock.site_now()),
            ref=sheet.ref,
            replaces=sheet.replaces,
            custodians=sheet.custodians,
            own_key=key,
            store=lambda envelope, part, pieces: uploaded.__setitem__((envelope, part), list(pieces)),
        )
        manifest = Manifest.parse(submission.manifest)

        def part_of(envelope: str, number: int) -> Part:
            found = manifest.envelope(envelope).part(number)
            assert found is not None
            return found

        self._upload(bid, firm, uploaded, part_of)
        service.seal(bid, submission, idempotency_key=secrets.token_hex(16), actor=firm.actor)
        return bid

    def draft(self, demand: Demand, firm: Firm) -> Bid:
        """A draft that waits to be finished: encrypted under the organisation's key alone, nothing attached yet."""
        bid, key = self._start(demand, firm), demo_key(firm.organisation)
        assert key is not None
        said, ref = _unfinished(contents(demand, firm, now=clock.site_now())), bid.ref(bid.next_version)
        uploaded: dict[tuple[str, int], list[bytes]] = {}
        parts: dict[tuple[str, int], Part] = {}
        wraps: dict[str, bytes] = {}
        for envelope in ENVELOPES:
            dek = secrets.token_bytes(KEY_SIZE)
            made = seal_parts(
                Content(said[envelope]),
                dek=dek,
                ref=ref,
                envelope=envelope,
                store=lambda name, part, pieces: uploaded.__setitem__((name, part), list(pieces)),
            )
            parts.update({(envelope, part.part): part for part in made})
            wraps[envelope] = key.wrap(dek, ref=ref, envelope=envelope)
        self._upload(bid, firm, uploaded, lambda envelope, part: parts[envelope, part])
        now = clock.site_now()
        service.save_draft(bid, version=bid.next_version, own_wraps=wraps, actor=firm.actor, now=now)
        return bid

    def release(self, demand: Demand, custodian: User, *, stage: Stage = Stage.FIRST) -> None:
        """One demo custodian releases one demand."""
        actor = actor_of(custodian)
        wrapped = service.shares_for(demand, stage=stage, actor=actor, now=clock.site_now())
        key = software.keyring().key(custodian_id(custodian.id))
        shares = dict(zip([(item.ref.bid, item.envelope) for item in wrapped], unwrap(key, wrapped), strict=True))
        service.release(demand, shares, stage=stage, actor=actor, now=clock.site_now())

    def open(self, demand: Demand, custodians: Sequence[User], *, stage: Stage = Stage.FIRST) -> None:
        """Enough custodians release one after the other, and the bids are opened — or the demand lapses."""
        for custodian in custodians:
            self.release(demand, custodian, stage=stage)
        service.open_now(demand, stage=stage, storage=self.storage)
