"""What the machine points at in an opened bid. Pure.

Signals are pointers for the screener's eye and never decide anything: each says what was compared with what, and stands
at the point of the checklist that it concerns. The traits of bids made together follow 招标投标法实施条例 §40.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from marketplace.eligibility.rules import Check
from marketplace.platform.credit_code import BadCreditCode, parse


@dataclass(frozen=True, slots=True)
class Certificate:
    """A qualification that an organisation has made public here, with its last day."""

    name: str
    valid_until: date


@dataclass(frozen=True, slots=True)
class Party:
    """One organisation of a bid as the form names it, with what its profile here says (empty where it has none)."""

    name: str
    credit_code: str
    legal_representative: str = ""
    controller_name: str = ""
    controller_code: str = ""
    affiliates: Mapping[str, str] = field(default_factory=dict)  # credit code → name, profile and form together
    phone: str = ""
    email: str = ""
    address: str = ""
    profile_name: str | None = None  # the name registered here under this code; None: not registered
    profile_representative: str = ""
    certificates: Sequence[Certificate] = ()


@dataclass(frozen=True, slots=True)
class Mistake:
    """What the form or a file was found to lack at the opening. ``path``: the field, ``files.<role>`` or empty."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class BidFacts:
    """One bid as the signals see it. ``key`` is its public id, ``name`` the lead's name; the lead is the first party."""

    key: str
    name: str
    parties: Sequence[Party]
    mistakes: Sequence[Mistake] = ()
    confirmed: Mapping[str, str] = field(default_factory=dict)  # code → name of members who confirmed by their account
    people: Sequence[str] = ()
    attached: frozenset[str] = frozenset()  # roles of the files
    promised: Mapping[str, date | None] = field(default_factory=dict)  # document → the day it is promised for
    files: Mapping[str, str] = field(default_factory=dict)  # SHA-256 of the plaintext → name


@dataclass(frozen=True, slots=True)
class Asked:
    """What the demand asks: its unit, the day on which bidding ended, and whether it states conditions for bidders."""

    unit: Party
    closed_on: date | None = None
    conditions: bool = False


@dataclass(frozen=True, slots=True)
class Signal:
    """``check``: the point of the checklist that it concerns. ``text`` says what was compared and found."""

    code: str
    check: Check
    text: str


def signals(bid: BidFacts, others: Iterable[BidFacts], asked: Asked) -> list[Signal]:
    """What the machine points at in one bid, compared with the other opened bids and with the demand."""
    found = [*_codes(bid), *_signed(bid), *_qualified(bid, asked), *_consortium(bid), *_credit(bid)]
    found += [*_with_unit(bid, asked.unit), *_mistakes(bid)]
    for other in others:
        if other.key != bid.key:
            found += _between(bid, other)
            found += _alike(bid, other)
    return list(dict.fromkeys(found))


# --- one bid --------------------------------------------------------------------------------------------------------


def _codes(bid: BidFacts) -> Iterator[Signal]:
    for party in bid.parties:
        try:
            parse(party.credit_code)
        except BadCreditCode as error:
            text = f"{party.name}：信用代码“{party.credit_code}”不成立。{error.zh}"
            yield Signal("credit_code", Check.SIGNATURES, text)
            continue
        if party.profile_name is None:
            yield Signal("unregistered", Check.CONSORTIUM, f"{party.name}没有在本站登记，信用代码无从对照。")
        elif party.profile_name != party.name:
            text = f"表单写“{party.name}”，该信用代码在本站登记的名称是“{party.profile_name}”。"
            yield Signal("name_differs", Check.SIGNATURES, text)


def _signed(bid: BidFacts) -> Iterator[Signal]:
    lead = bid.parties[0]
    if lead.profile_representative and lead.legal_representative != lead.profile_representative:
        text = (
            f"表单写法定代表人“{lead.legal_representative}”，本站登记的是“{lead.profile_representative}”，"
            "请核对签章的人是否有权签署。"
        )
        yield Signal("representative_differs", Check.SIGNATURES, text)
    if "statement" not in bid.attached:
        yield Signal("no_statement", Check.SIGNATURES, "没有附“签章的承诺书”，只有表单里勾选的声明。")


def _qualified(bid: BidFacts, asked: Asked) -> Iterator[Signal]:
    for party in bid.parties:
        for item in sorted(party.certificates, key=lambda item: (item.valid_until, item.name)):
            if asked.closed_on is not None and item.valid_until < asked.closed_on:
                text = (
                    f"{party.name}在本站公布的“{item.name}”有效期至{item.valid_until.isoformat()}，"
                    f"到截止日（{asked.closed_on.isoformat()}）已经过期，请核对标书里的证书。"
                )
                yield Signal("expired", Check.QUALIFICATION, text)
    if asked.conditions and "qualification" not in bid.attached:
        text = "需求写有揭榜条件，标书没有附“揭榜条件要求的资质证明”"
        yield Signal("no_qualification", Check.QUALIFICATION, text + _until(bid, "qualification"))


def _until(bid: BidFacts, document: str) -> str:
    """How the sentence on a missing document ends."""
    due_on = bid.promised.get(document)
    if document not in bid.promised:
        return "，也没有承诺补交。"
    return f"，承诺{due_on.isoformat()}前补交。" if due_on is not None else "，承诺补交而没有写日期。"


def _consortium(bid: BidFacts) -> Iterator[Signal]:
    named = {party.credit_code for party in bid.parties}
    for party in bid.parties[1:]:
        if party.credit_code not in bid.confirmed:
            text = f"{party.name}写在联合体成员里，但没有用自己的账号在本站确认过。"
            yield Signal("unconfirmed", Check.CONSORTIUM, text)
    for code, name in sorted(bid.confirmed.items()):
        if code not in named:
            text = f"{name}在本站确认参加这份揭榜，表单的成员里却没有它。"
            yield Signal("left_out", Check.CONSORTIUM, text)


def _credit(bid: BidFacts) -> Iterator[Signal]:
    if "credit" not in bid.attached and "credit" in bid.promised:
        yield Signal("no_report", Check.CREDIT, "没有附信用报告" + _until(bid, "credit"))


_PLACES: tuple[tuple[str, Check, str], ...] = (
    ("eligibility.statements.truth", Check.CREDIT, "credit_statement"),
    ("eligibility.statements.record", Check.CREDIT, "credit_statement"),
    ("eligibility.statements.independent", Check.AFFILIATES, "finding"),
    ("eligibility.statements", Check.SIGNATURES, "finding"),
    ("eligibility.members", Check.CONSORTIUM, "finding"),
    ("files.agreement", Check.CONSORTIUM, "finding"),
    ("eligibility.conditions", Check.QUALIFICATION, "finding"),
    ("files.credit", Check.CREDIT, "finding"),
    ("eligibility.affiliates", Check.AFFILIATES, "finding"),
)
"""Where a mistake of the form belongs; the first that its path begins with. The rest: material and form."""


def _mistakes(bid: BidFacts) -> Iterator[Signal]:
    for item in bid.mistakes:
        place = next((place for place in _PLACES if item.path.startswith(place[0])), None)
        check, code = (place[1], place[2]) if place is not None else (Check.MATERIALS, "finding")
        yield Signal(code, check, item.text)


# --- compared with the unit and with other bids ---------------------------------------------------------------------


def _ties(party: Party) -> dict[str, str]:
    """Credit codes that this party stands with: itself, its controller, its affiliates."""
    known = {party.credit_code: party.name, **party.affiliates}
    if party.controller_code:
        known[party.controller_code] = party.controller_name or party.controller_code
    return {code: name for code, name in known.items() if code}


def _with_unit(bid: BidFacts, unit: Party) -> Iterator[Signal]:
    theirs = _ties(unit)
    for party in bid.parties:
        for code in sorted(_ties(party).keys() & theirs.keys()):
            text = f"{party.name}与需求单位{unit.name}共有关联方“{theirs[code]}”（{code}）。"
            if code in (party.credit_code, unit.credit_code):
                text = f"{party.name}与需求单位{unit.name}登记为关联单位。"
            yield Signal("affiliated_unit", Check.AFFILIATES, text)


_SAME = (
    ("same_representative", "legal_representative", "法定代表人"),
    ("same_phone", "phone", "联系电话"),
    ("same_email", "email", "联系邮箱"),
    ("same_address", "address", "住所"),
)


def _with_bid(party: Party, bid: BidFacts) -> str:
    """A party and, where it is not the lead, whose bid it stands in."""
    return party.name if party.name == bid.name else f"{party.name}（{bid.name}的标书）"


def _between(bid: BidFacts, other: BidFacts) -> Iterator[Signal]:
    for mine in bid.parties:
        for theirs in other.parties:
            if mine.credit_code and mine.credit_code == theirs.credit_code:
                text = f"{mine.name}也出现在{other.name}的标书中：一家单位只能参加一份。"
                yield Signal("many_bids", Check.CONSORTIUM, text)
                continue
            shared = sorted(_ties(mine).keys() & _ties(theirs).keys())
            pair = f"{mine.name}与{_with_bid(theirs, other)}"
            if mine.controller_code and mine.controller_code == theirs.controller_code:
                text = f"{pair}的控制人同为“{mine.controller_name}”。"
                yield Signal("same_controller", Check.AFFILIATES, text)
            elif shared:
                text = f"{pair}共有关联方“{_ties(mine)[shared[0]]}”。"
                if {mine.credit_code, theirs.credit_code} & set(shared):
                    text = f"{pair}登记为关联单位。"
                yield Signal("shared_affiliate", Check.AFFILIATES, text)
            for code, what, label in _SAME:
                value = getattr(mine, what)
                if value and value == getattr(theirs, what):
                    shown = f"同为“{value}”" if what == "legal_representative" else "相同"
                    text = f"{pair}的{label}{shown}。"
                    yield Signal(code, Check.AFFILIATES, text)


def _alike(bid: BidFacts, other: BidFacts) -> Iterator[Signal]:
    for name in sorted(set(bid.people) & set(other.people)):
        text = f"关键人员“{name}”也出现在{other.name}的标书中，请核对是否同一人。"
        yield Signal("same_person", Check.AFFILIATES, text)
    for digest in sorted(bid.files.keys() & other.files.keys()):
        text = f"文件“{bid.files[digest]}”与{other.name}标书中的“{other.files[digest]}”逐字节相同。"
        yield Signal("same_file", Check.AFFILIATES, text)
