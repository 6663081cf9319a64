"""Whether a bid is complete: the rules of shape together with what the demand asks. Pure; the browser runs the twin.

A finding never voids a bid. Before sealing it is what is still missing; after the opening it is put to eligibility,
which may ask for a cure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from marketplace.bids import shape
from marketplace.bids.content import DOCUMENTS, FORMS, ROLES, SCHEMA, Price, Technical
from marketplace.bids.shape import Finding
from marketplace.demands.content import DemandContent
from marketplace.demands.score_sheets import PRICE_BASES, PriceBasis
from marketplace.taxonomy import Label

REQUIRED_DOCUMENTS = ("audit", "credit")
"""Attached or promised. A certificate that a demand's conditions may ask for is the screener's to miss (a signal)."""

MESSAGES: dict[str, Label] = shape.MESSAGES | {
    "schema": Label("这份表单不是本站现在的格式。", "This form is not in the site's present format."),
    "hundred": Label("{label}合计应为100%，现在是{n}%。", "{label} must add up to 100%, now {n}%."),
    "sum": Label("分项合计与总价不一致，相差{n}元。", "The lines and the total differ by {n} yuan."),
    "responses": Label(
        "指标响应表须逐项响应：需求有{least}项，现在{n}项。", "Each of the {least} indicators needs an answer, now {n}."
    ),
    "response_name": Label("这一行与需求的第{n}项指标不符。", "This row is not the demand's indicator {n}."),
    "no_consortium": Label("这条需求不接受联合体揭榜。", "This demand does not accept consortia."),
    "consortium_most": Label("联合体最多{most}家，含牵头单位。", "At most {most} members, the lead included."),
    "lead": Label("第一家须是揭榜单位自己。", "The first member must be the bidder itself."),
    "twice": Label("同一家单位写了两次。", "The same organisation stands twice."),
    "tasks": Label("请写明这家成员的分工。", "Please say which part of the work this member does."),
    "agreement": Label("联合体须附联合体协议。", "A consortium must attach its agreement."),
    "document": Label("{label}：请附文件，或写明容缺承诺。", "{label}: attach it, or promise it for a day."),
    "promise_late": Label("补交日期须在{from_}至{until}之间。", "The day must lie between {from_} and {until}."),
    "no_file": Label("所指的文件不在本封套里。", "The file pointed to is not in this envelope."),
    "over_budget": Label("总价超过需求的预算{n}元。", "The total is above the budget of {n} yuan."),
    "over_total": Label("申请补助额不能超过总价。", "The subsidy cannot exceed the total."),
    "over_subsidy": Label("申请补助额超过补助上限{n}元。", "The subsidy is above the ceiling of {n} yuan."),
    "period": Label(
        "最后一个里程碑超过实施周期{most}个月。", "The last milestone lies after the {most} months allowed."
    ),
    "named": Label(
        "盲评：技术部分出现了“{name}”，请改掉单位名称。", "Blind review: “{name}” stands in the technical part."
    ),
    "role": Label("有文件的用途不属于这个封套。", "A file has a use that does not belong to this envelope."),
}

ADVICE = frozenset({"named"})
"""Findings that are said and never keep anybody from sealing: a name may be an ordinary word."""

_NAME_LEAST = 4  # characters: shorter names occur in ordinary text


@dataclass(frozen=True, slots=True)
class Terms:
    """What one demand asks of the form, all of it public. ``asked``: conditions named by ``Shape.when``."""

    asked: tuple[str, ...] = ()
    indicators: tuple[str, ...] = ()
    consortium_most: int = 1
    budget_fen: int | None = None
    budget_limits: str = ""  # "total" | "subsidy" | "": which figure the budget is a ceiling of
    period_months: int = 36
    blind: bool = False
    documents: tuple[str, ...] = REQUIRED_DOCUMENTS
    promise_from: str = ""  # ISO days; empty: no limit
    promise_until: str = ""

    def to_json(self) -> dict[str, Any]:
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def terms(said: DemandContent, *, closes_on: date | None = None, promise_until: date | None = None) -> Terms:
    """The terms of a demand. ``closes_on``: a promised document is due after that day."""
    basis = PRICE_BASES.get(said.mode, PriceBasis.TOTAL)
    asked = {
        PriceBasis.TOTAL: {"total"},
        PriceBasis.SUBSIDY: {"total", "subsidy"},
        PriceBasis.SHARE: {"share"},
        PriceBasis.NONE: set[str](),
    }[basis]
    if said.conditions.strip():
        asked.add("conditions")
    if said.security_level or said.data_export or any(offer.sensitivity != "public" for offer in said.offers):
        asked.add("security")
    return Terms(
        asked=tuple(sorted(asked)),
        indicators=tuple(item.name for item in said.indicators),
        consortium_most=said.consortium_max if said.consortium_allowed else 1,
        budget_fen=said.budget_fen,
        budget_limits={PriceBasis.TOTAL: "total", PriceBasis.SUBSIDY: "subsidy"}.get(basis, ""),
        period_months=said.period_months or 36,
        blind=said.blind,
        documents=REQUIRED_DOCUMENTS,
        promise_from=closes_on.isoformat() if closes_on else "",
        promise_until=promise_until.isoformat() if promise_until else "",
    )


def findings(
    envelope: str, fields: Mapping[str, Any], *, terms: Terms, files: Sequence[tuple[int, str]] = ()
) -> list[Finding]:
    """Everything that is not as it should be in one envelope, in the order of the form. Empty: complete.

    ``files``: (part, role) of the envelope's attachments.
    """
    found = list(shape.findings(FORMS[envelope], fields, asked=frozenset(terms.asked)))
    if fields.get("schema") != SCHEMA:
        found.insert(0, Finding("schema", "schema"))
    document = shape.read(FORMS[envelope], fields)
    if isinstance(document, Technical):
        found += _consortium(document, terms, files)
        found += _responses(document, terms, files)
        found += _documents(document, terms, files)
        found += _milestones(document, terms)
        found += _named(document, terms)
    else:
        found += _price(document, terms)
    if any(role not in ROLES or ROLES[role].envelope != envelope for _, role in files):
        found.append(Finding("files", "role"))
    return [replace(item, place=shape.place(FORMS[envelope], item.path)) for item in found]


def _hundred(percents: Sequence[Decimal], path: str, label: Label) -> Iterator[Finding]:
    total = sum(percents, Decimal(0))
    if percents and total != 100:
        yield Finding(path, "hundred", {"n": shape.plain_percent(total)}, label)


def _consortium(document: Technical, terms: Terms, files: Sequence[tuple[int, str]]) -> Iterator[Finding]:
    said = document.eligibility
    path = "eligibility.members"
    members = said.members
    yield from _hundred([member.share for member in members], path, Label("份额", "Shares"))
    if members and members[0].credit_code != said.credit_code:
        yield Finding(path, "lead")
    codes = [member.credit_code for member in members]
    if len(set(codes)) < len(codes):
        yield Finding(path, "twice")
    if len(members) > 1 and terms.consortium_most == 1:
        yield Finding(path, "no_consortium")
    elif len(members) > max(terms.consortium_most, 1):
        yield Finding(path, "consortium_most", {"most": terms.consortium_most})
    if len(members) > 1:
        for index, member in enumerate(members):
            if not shape.stripped(member.tasks):
                yield Finding(f"{path}.{index}.tasks", "tasks")
        if not any(role == "agreement" for _, role in files):
            yield Finding("files.agreement", "agreement")


def _responses(document: Technical, terms: Terms, files: Sequence[tuple[int, str]]) -> Iterator[Finding]:
    path = "technical.responses"
    rows = document.technical.responses
    parts = {part for part, _ in files}
    if len(rows) != len(terms.indicators):
        yield Finding(path, "responses", {"least": len(terms.indicators), "n": len(rows)})
    for index, (row, name) in enumerate(zip(rows, terms.indicators, strict=False)):
        if row.indicator != name:
            yield Finding(f"{path}.{index}.indicator", "response_name", {"n": index + 1})
    for index, row in enumerate(rows):
        if row.file is not None and row.file not in parts:
            yield Finding(f"{path}.{index}.file", "no_file")
    for index, done in enumerate(document.technical.track):
        if done.file is not None and done.file not in parts:
            yield Finding(f"technical.track.{index}.file", "no_file")


def _documents(document: Technical, terms: Terms, files: Sequence[tuple[int, str]]) -> Iterator[Finding]:
    said = document.eligibility
    there = {role for _, role in files} | {promise.document for promise in said.promises}
    for name in terms.documents:
        if name not in there:
            yield Finding(f"files.{name}", "document", {}, DOCUMENTS[name])
    names = [promise.document for promise in said.promises]
    for index, promise in enumerate(said.promises):
        due = promise.due_on.isoformat() if promise.due_on else ""
        early = bool(due and terms.promise_from and due < terms.promise_from)
        late = bool(due and terms.promise_until and due > terms.promise_until)
        if early or late:
            values = {"from_": terms.promise_from, "until": terms.promise_until}
            yield Finding(f"eligibility.promises.{index}.due_on", "promise_late", values)
        if promise.document and promise.document in names[:index]:
            yield Finding(f"eligibility.promises.{index}.document", "twice")


def _milestones(document: Technical, terms: Terms) -> Iterator[Finding]:
    path = "technical.milestones"
    rows = document.technical.milestones
    yield from _hundred([row.percent for row in rows], path, Label("付款比例", "Shares of the payment"))
    if rows and max(row.months for row in rows) > terms.period_months:
        yield Finding(path, "period", {"most": terms.period_months})


def _named(document: Technical, terms: Terms) -> Iterator[Finding]:
    """In blind review: the first field of the technical section that names a member, for each name once."""
    if not terms.blind:
        return
    said = document.eligibility
    names = {said.bidder, *(member.name for member in said.members), *(person.employer for person in said.people)}
    texts = list(_texts(shape.written(document.technical), "technical"))
    for name in sorted(shape.stripped(name) for name in names):
        if len(name) >= _NAME_LEAST:
            for path in [path for path, written in texts if name in written][:1]:
                yield Finding(path, "named", {"name": name})


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    match value:
        case str():
            yield path, value
        case dict():
            for name, item in value.items():
                yield from _texts(item, f"{path}.{name}")
        case list():
            for index, item in enumerate(value):
                yield from _texts(item, f"{path}.{index}")


def _yuan(fen: int) -> str:
    """3860000 or 0.05: whole 元 without decimals, spelt alike in the browser."""
    whole, rest = divmod(abs(fen), 100)
    return f"{whole}.{rest:02d}" if rest else str(whole)


def _price(document: Price, terms: Terms) -> Iterator[Finding]:
    total, subsidy = document.total_fen, document.subsidy_fen
    if "total" in terms.asked and not document.lines:
        yield Finding("lines", "few", {"least": 1}, Label("分项报价", "Price lines"))
    summed = sum(line.amount_fen for line in document.lines)
    if total is not None and document.lines and summed != total:
        yield Finding("total_fen", "sum", {"n": _yuan(summed - total)})
    if total is not None and subsidy is not None and subsidy > total:
        yield Finding("subsidy_fen", "over_total")
    if terms.budget_fen is None:
        return
    if terms.budget_limits == "total" and total is not None and total > terms.budget_fen:
        yield Finding("total_fen", "over_budget", {"n": _yuan(terms.budget_fen)})
    if terms.budget_limits == "subsidy" and subsidy is not None and subsidy > terms.budget_fen:
        yield Finding("subsidy_fen", "over_subsidy", {"n": _yuan(terms.budget_fen)})


def exported(terms: Terms) -> dict[str, Any]:
    """Everything the browser needs to apply the same rules: shapes, messages, roles and this demand's terms."""
    return {
        "schema": SCHEMA,
        "shapes": {name: shape.exported(kind) for name, kind in FORMS.items()},
        "messages": {code: list(label) for code, label in MESSAGES.items()},
        "roles": {
            name: {"label": list(role.label), "envelope": role.envelope, "section": role.section}
            for name, role in ROLES.items()
        },
        "advice": sorted(ADVICE),
        "documents": {name: list(label) for name, label in DOCUMENTS.items()},
        "terms": terms.to_json(),
    }
