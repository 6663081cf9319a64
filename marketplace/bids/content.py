"""What a bid says, as plain immutable data: the form page, the sealer, the opening, eligibility and review speak of it.

Two envelopes. ``Technical`` has two sections which part at the opening: ``eligibility`` names the bidder, its partners
and its people and is never shown to the experts of a blind demand; ``technical`` is what they judge. ``Price`` is the
other envelope. Rules of shape stand beside each field (``shape``); what concerns several fields or the demand is in
``validity``. Money is 分, percentages Decimal, days Beijing calendar days. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from marketplace.bids import shape
from marketplace.bids.shape import code, count, day, money, percent, rows, section, text, ticks
from marketplace.taxonomy import Label

SCHEMA = 1

DEVIATIONS: dict[str, Label] = {
    "+": Label("正偏离", "Better"),
    "0": Label("无偏离", "As asked"),
    "-": Label("负偏离", "Worse"),
}
"""The codes of ``scoring.rules.formulas``."""

STATEMENTS: dict[str, Label] = {
    "truth": Label(
        "信用承诺：所填内容和所附材料真实，愿承担虚假的后果",
        "Good faith: everything stated and attached is true, and we answer for it if not",
    ),
    "record": Label(
        "近三年无重大违法记录，未被列入失信被执行人、重大税收违法失信主体和政府采购严重违法失信名单",
        "No grave breach of law in three years; on no list of dishonest persons, tax offenders or barred suppliers",
    ),
    "secrecy": Label(
        "保密承诺：不把需求单位提供的数据和资料用于本项目以外",
        "Secrecy: data and papers of the unit are used for this project alone",
    ),
    "independent": Label(
        "独立报价，不与其他揭榜单位串通，与发榜单位没有应当回避的关系",
        "Independent bid: no collusion, no relation to the unit that would bar us",
    ),
    "pledge": Label(
        "军令状（自愿）：按期达到所承诺的指标，否则按合同退出",
        "Pledge (optional): we reach the promised figures in time or leave as the contract says",
    ),
}
REQUIRED_STATEMENTS = ("truth", "record", "secrecy", "independent")

DOCUMENTS: dict[str, Label] = {
    "audit": Label("上年度财务审计报告或报表", "Last year's audited accounts or statements"),
    "credit": Label("信用报告（“信用中国”下载）", "Credit report (from creditchina.gov.cn)"),
    "qualification": Label("揭榜条件要求的资质证明", "Certificates that the conditions ask for"),
    "people": Label("关键人员社保或劳动合同", "Social security or labour contract of key people"),
}
"""容缺 documents: non-core, so each may be promised for a day instead of attached."""

EXCLUSION_KINDS: dict[str, Label] = {
    "person": Label("某位专家", "A person"),
    "employer": Label("某个单位的人", "An employer"),
}


@dataclass(frozen=True, slots=True)
class FileRole:
    """Which material a file is. ``envelope`` it travels in; ``section`` decides who sees it after the opening."""

    label: Label
    envelope: str
    section: str


ROLES: dict[str, FileRole] = {
    "plan": FileRole(Label("技术方案", "Technical plan"), "technical", "technical"),
    "evidence": FileRole(Label("指标佐证材料", "Evidence for the indicators"), "technical", "technical"),
    "security": FileRole(Label("数据安全方案", "Data security plan"), "technical", "technical"),
    "material": FileRole(Label("其他技术材料", "Other technical material"), "technical", "technical"),
    "agreement": FileRole(Label("联合体协议", "Consortium agreement"), "technical", "eligibility"),
    **{name: FileRole(label, "technical", "eligibility") for name, label in DOCUMENTS.items()},
    "statement": FileRole(Label("签章的承诺书", "Signed statements"), "technical", "eligibility"),
    "offer": FileRole(Label("分项报价表", "Price breakdown"), "price", "price"),
    "subsidy": FileRole(Label("补助测算依据", "How the subsidy was worked out"), "price", "price"),
}


# --- technical envelope: who bids ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Member:
    """One organisation of the consortium, the lead first; alone it stands with 100 %."""

    name: str = text("成员名称", "Member's name", least=2, most=80)
    credit_code: str = code("成员信用代码", "Member's credit code")
    share: Decimal = percent("份额", "Share")
    tasks: str = text("分工", "Its part of the work", most=500)


@dataclass(frozen=True, slots=True)
class Affiliate:
    name: str = text("关联单位名称", "Affiliate's name", least=2, most=80)
    credit_code: str = code("关联单位信用代码", "Affiliate's credit code")
    relation: str = text("关系", "Relation", most=40)


@dataclass(frozen=True, slots=True)
class KeyPerson:
    """A name behind a post of the team. ``employer``: needed for experts' declarations of interest."""

    name: str = text("姓名", "Name", least=2, most=40)
    post: str = text("岗位", "Post", least=2, most=40)
    employer: str = text("所属单位", "Employer", least=2, most=80)
    title: str = text("职称或资格", "Title or qualification", most=60)


@dataclass(frozen=True, slots=True)
class Promise:
    """容缺: a non-core document that will be handed in by a day."""

    document: str = shape.choice("容缺材料", "Document", DOCUMENTS)
    reason: str = text("暂缺原因", "Why it is missing", least=2, most=200)
    due_on: date | None = day("补交日期", "Will be handed in by")


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A request to keep an expert away, or everybody of one employer. Decided by the supervisor after the opening."""

    kind: str = shape.choice("请求对象", "Whom", EXCLUSION_KINDS)
    name: str = text("姓名或单位名称", "Name of person or employer", least=2, most=80)
    reason: str = text("理由", "Reason", least=5, most=500)


@dataclass(frozen=True, slots=True)
class Eligibility:
    bidder: str = text("揭榜单位", "Bidder", least=2, most=80)
    credit_code: str = code("统一社会信用代码", "Unified social credit code")
    legal_representative: str = text("法定代表人", "Legal representative", least=2, most=40)
    address: str = text("住所", "Address", least=2, most=120)
    contact_name: str = text("联系人", "Contact", least=2, most=40)
    contact_phone: str = text("联系电话", "Telephone", most=30, pattern=r"[0-9+() \-]{7,30}", required=True)
    contact_email: str = text("联系邮箱", "E-mail", most=120, pattern=r"[^@ ]+@[^@ ]+\.[^@ ]+")
    conditions: str = text("对揭榜条件的逐项说明", "How the conditions are met", most=4000, least=2, when="conditions")
    members: tuple[Member, ...] = rows("联合体成员", "Members", Member, least=1, most=10)
    affiliates: tuple[Affiliate, ...] = rows("关联单位", "Affiliates", Affiliate, most=50)
    people: tuple[KeyPerson, ...] = rows("关键人员", "Key people", KeyPerson, least=1, most=30)
    statements: tuple[str, ...] = ticks("声明与承诺", "Statements", STATEMENTS, must=REQUIRED_STATEMENTS)
    promises: tuple[Promise, ...] = rows("容缺承诺", "Promises for missing documents", Promise, most=len(DOCUMENTS))
    exclusions: tuple[Exclusion, ...] = rows("回避请求", "Requests for exclusion", Exclusion, most=10)


# --- technical envelope: what experts judge -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to one indicator, in the demand's order. ``file``: part number of the evidence in this envelope."""

    indicator: str = text("指标", "Indicator", least=1, most=200)
    value: str = text("响应值", "Value promised", least=1, most=100)
    deviation: str = shape.choice("偏离", "Deviation", DEVIATIONS, "0")
    note: str = text("说明", "Note", most=500)
    file: int | None = count("佐证文件", "Evidence file", least=1, most=9999, required=False)
    page: str = text("页码", "Page", most=20)


@dataclass(frozen=True, slots=True)
class Post:
    """One post of the team. No names: those are in ``Eligibility.people``."""

    post: str = text("岗位", "Post", least=2, most=40)
    qualification: str = text("资格与经验", "Qualification and experience", least=2, most=300)
    duty: str = text("职责", "Duty", least=2, most=300)
    months: int = count("投入人月", "Person-months", least=0, most=999)


@dataclass(frozen=True, slots=True)
class Track:
    """Something comparable that was done. Never a pass or fail gate for first-market products (科技进步法 §91)."""

    project: str = text("项目", "Project", least=2, most=120)
    year: int = count("年份", "Year", least=1990, most=2100)
    result: str = text("做成了什么", "What came of it", least=2, most=500)
    file: int | None = count("证明文件", "Proof", least=1, most=9999, required=False)


@dataclass(frozen=True, slots=True)
class Milestone:
    """``months`` after the contract is signed; ``percent`` of the money that falls due."""

    name: str = text("里程碑", "Milestone", least=2, most=80)
    months: int = count("签约后第几个月", "Months after signing", least=1, most=36)
    percent: Decimal = percent("付款比例", "Share of the payment")
    deliverable: str = text("交付物", "Deliverable", least=2, most=300)


@dataclass(frozen=True, slots=True)
class Proposal:
    responses: tuple[Response, ...] = rows("指标响应表", "Response table", Response, least=1, most=60)
    plan: str = text("技术方案", "Technical plan", least=100, most=20000)
    innovation: str = text("创新点", "What is new", most=4000)
    operation: str = text("运营与可持续", "Operation and continuity", most=4000)
    risks: str = text("风险与应对", "Risks and answers", least=20, most=4000)
    data_security: str = text("数据安全", "Data security", most=4000, least=20, when="security")
    team: tuple[Post, ...] = rows("团队", "Team", Post, least=1, most=30)
    track: tuple[Track, ...] = rows("业绩", "Track record", Track, most=20)
    milestones: tuple[Milestone, ...] = rows("里程碑", "Milestones", Milestone, least=2, most=12)


@dataclass(frozen=True, slots=True)
class Technical:
    """The technical envelope's form."""

    eligibility: Eligibility = section(Eligibility)
    technical: Proposal = section(Proposal)


# --- price envelope -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    item: str = text("分项", "Item", least=1, most=120)
    basis: str = text("数量与测算依据", "Quantity and basis", most=300)
    amount_fen: int = money("金额", "Amount")


@dataclass(frozen=True, slots=True)
class Price:
    """The price envelope's form. What is asked for follows from the funding mode (``validity.terms``).

    ``total_fen`` is what the bidder typed as the sum, so that a slip is a finding and not a silent correction.
    """

    lines: tuple[Line, ...] = rows("分项报价", "Price lines", Line, most=60)
    total_fen: int | None = money("合计", "Total", when="total", least=1)
    subsidy_fen: int | None = money("申请补助额", "Subsidy asked for", when="subsidy", least=1)
    share_percent: Decimal | None = percent("让利比例", "Share offered", when="share")
    note: str = text("报价说明", "Note on the price", most=2000)


FORMS: Mapping[str, type[Technical] | type[Price]] = {"technical": Technical, "price": Price}
"""Envelope → the dataclass of its form."""


def to_fields(document: Technical | Price) -> dict[str, Any]:
    """``Form.fields`` of an envelope: canonical JSON with the number of this schema."""
    return {"schema": SCHEMA, **shape.written(document)}


def technical_from(fields: Mapping[str, Any]) -> Technical:
    """The technical envelope's content. Never raises: what cannot be read takes its default, ``validity`` tells."""
    return shape.read(Technical, fields)


def price_from(fields: Mapping[str, Any]) -> Price:
    """The price envelope's content. Never raises."""
    return shape.read(Price, fields)
