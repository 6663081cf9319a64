"""What a demand says, as plain immutable data: the form, the lint, the snapshot, the diff, the importer,
the index and the demo content all speak of this one shape (product.md §3).

Pure: standard library only. Money is integer 分, dates are ``datetime.date`` (Beijing calendar days),
figures typed by people (baseline, target) are kept as the text they typed, because "无" and "±18" are answers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Indicator:
    """One measurable promise. ``operator`` is a code of ``taxonomy.OPERATORS``; ``target_high`` only for ``range``."""

    name: str = ""
    baseline: str = ""
    operator: str = ">="
    target: str = ""
    target_high: str = ""
    unit: str = ""
    method: str = ""
    veto: bool = False
    weight: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Offer:
    """What the unit opens up to the bidder. ``kind`` of ``OFFER_KINDS``, ``sensitivity`` of ``SENSITIVITIES``."""

    kind: str = "data"
    text: str = ""
    access: str = ""
    sensitivity: str = "internal"


@dataclass(frozen=True, slots=True)
class Milestone:
    """``months`` after the contract is signed; ``percent`` of the money that falls due."""

    name: str = ""
    months: int = 0
    percent: Decimal = Decimal(0)
    deliverable: str = ""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One line of the score sheet. ``kind``: ``typed`` by experts, ``indicator`` or ``price`` computed.

    ``bands``: four texts from worst to best. ``minimum``: lowest panel mean (0–weight scale) or ``None``.
    """

    key: str = ""
    name: str = ""
    weight: Decimal = Decimal(0)
    kind: str = "typed"
    bands: tuple[str, ...] = ()
    minimum: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ScoreSheet:
    """``aggregate``: ``mean`` or ``trimmed``; ``credit``: ``all_or_nothing`` or ``linear`` for indicators."""

    template: str = ""
    criteria: tuple[Criterion, ...] = ()
    pass_line: Decimal = Decimal(60)
    aggregate: str = "trimmed"
    credit: str = "all_or_nothing"


@dataclass(frozen=True, slots=True)
class DemandContent:
    """A whole demand as its unit wrote it. Codes are those of ``marketplace.taxonomy`` and ``demands.rules.MODES``."""

    title: str = ""
    kind: str = "application"
    direction: str = ""
    industries: tuple[str, ...] = ()
    place: str = ""
    background: str = ""
    goal: str = ""
    content: str = ""
    indicators: tuple[Indicator, ...] = ()
    offers: tuple[Offer, ...] = ()
    security_level: int = 0  # 网络安全等级保护 level 1–4, 0 = not asked for
    data_export: bool = False  # 数据出境
    classified: bool = False  # 涉密: blocks the demand, secrets do not travel here
    mode: str = ""
    budget_fen: int | None = None  # None = 面议
    budget_note: str = ""
    funds_source: str = ""
    period_months: int | None = None
    deliver_by: date | None = None
    ip_ownership: str = ""
    conditions: str = ""
    consortium_allowed: bool = True
    consortium_max: int = 3  # members in all, the lead included
    award_count: int = 1  # 赛马: 1–3 parallel awards
    min_bids: int = 1
    two_step: bool = False  # price envelopes are opened after the technical sheets are locked
    blind: bool = False  # experts do not see who bid
    site_visit: str = ""
    milestones: tuple[Milestone, ...] = ()
    score_sheet: ScoreSheet = field(default_factory=ScoreSheet)
    contact_name: str = ""
    contact_phone: str = ""
    contact_email: str = ""
    public_scores: bool = True  # whether the notice shows scores beside ranks
    procurement_number: str = ""  # 采购项目编号, procurement only
    procurement_url: str = ""


def to_json(content: DemandContent) -> dict[str, Any]:
    """JSON-ready: Decimal as plain text, date as ISO text, tuples as lists."""
    result = _plain(content)
    assert isinstance(result, dict)
    return result


def _plain(value: Any) -> Any:
    if isinstance(value, (str, int)) or value is None:
        return value
    if isinstance(value, Decimal):
        return format(value.normalize(), "f") if value else "0"
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    # ``asdict`` does the same five times slower: it copies each Decimal on the way, and a list has thousands.
    return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value))


def from_json(data: Mapping[str, Any]) -> DemandContent:
    """The inverse of ``to_json``. Unknown keys raise ``TypeError``: stored content never says what we cannot read."""
    values = dict(data)
    values["indicators"] = tuple(
        Indicator(**{**item, "weight": _decimal(item.get("weight", 0))}) for item in values.get("indicators", ())
    )
    values["offers"] = tuple(Offer(**item) for item in values.get("offers", ()))
    values["milestones"] = tuple(
        Milestone(**{**item, "percent": _decimal(item.get("percent", 0))}) for item in values.get("milestones", ())
    )
    values["industries"] = tuple(values.get("industries", ()))
    if isinstance(day := values.get("deliver_by"), str):
        values["deliver_by"] = date.fromisoformat(day)
    sheet = dict(values.get("score_sheet") or {})
    sheet["criteria"] = tuple(
        Criterion(
            **{
                **item,
                "weight": _decimal(item.get("weight", 0)),
                "bands": tuple(item.get("bands", ())),
                "minimum": None if item.get("minimum") is None else _decimal(item["minimum"]),
            }
        )
        for item in sheet.get("criteria", ())
    )
    if "pass_line" in sheet:
        sheet["pass_line"] = _decimal(sheet["pass_line"])
    values["score_sheet"] = ScoreSheet(**sheet)
    return DemandContent(**values)


def canonical(data: Mapping[str, Any]) -> bytes:
    """Canonical JSON bytes: sorted keys, no spaces, UTF-8. What a snapshot hashes."""
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def fingerprint(data: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical bytes, lower-case hex."""
    return hashlib.sha256(canonical(data)).hexdigest()


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs; values as in ``to_json``."""

    field: str
    before: Any
    after: Any


def diff(before: DemandContent, after: DemandContent) -> list[Change]:
    """Fields that differ, in the order in which the form shows them."""
    old, new = to_json(before), to_json(after)
    return [Change(f.name, old[f.name], new[f.name]) for f in fields(DemandContent) if old[f.name] != new[f.name]]
