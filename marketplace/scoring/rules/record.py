"""What a ranking is computed from and what it says, as plain data with canonical JSON (product.md §4).

The record is complete: with it alone, anyone who may see it computes the same order and the same hash again. Lists
are written in the order of their ids, so the order in which a database returns rows changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from marketplace.demands.content import DemandContent, Indicator, ScoreSheet, fingerprint, from_json, to_json
from marketplace.scoring.rules.formulas import Answer
from marketplace.scoring.rules.sheets import Entry


@dataclass(frozen=True, slots=True)
class BidInput:
    """One eligible bid. ``price``: in the unit of the mode's basis (分, or percent for a share); ``None``: not yet.

    ``disqualified``: the coded reason for which it no longer competes, else empty.
    """

    bid: str
    answers: tuple[Answer, ...] = ()
    price: Decimal | None = None
    disqualified: str = ""


@dataclass(frozen=True, slots=True)
class SheetInput:
    """One expert's locked sheet for one bid. Comments decide nothing and are not part of the record."""

    bid: str
    expert: str
    scores: Mapping[str, Decimal] = field(default_factory=dict)
    proofs: tuple[bool, ...] = ()

    @classmethod
    def of(cls, bid: str, expert: str, entry: Entry) -> SheetInput:
        """From a complete entry; an unticked proof raises, because missing is not "no"."""
        if None in entry.proofs:
            raise ValueError(f"sheet of {expert} for {bid} is not complete")
        return cls(bid, expert, dict(entry.scores), tuple(bool(tick) for tick in entry.proofs))


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that a ranking depends on. ``experts``: those who count; sheets of others stay on record and do not.

    ``version``: the ranking function frozen at publication. ``tie_seed``: of the witnessed draw, once there was one.
    """

    demand: str
    mode: str
    sheet: ScoreSheet
    indicators: tuple[Indicator, ...]
    bids: tuple[BidInput, ...]
    experts: tuple[str, ...]
    sheets: tuple[SheetInput, ...]
    version: int = 1
    tie_seed: str = ""


class Standing(StrEnum):
    """Whether a bid has a rank, and if not, why."""

    RANKED = "ranked"
    BELOW_LINE = "below_line"
    BELOW_MINIMUM = "below_minimum"
    VETO_FAILED = "veto_failed"
    PRICE_REFUSED = "price_refused"
    DISQUALIFIED = "disqualified"


STANDING_LABELS: Mapping[Standing, str] = {
    Standing.RANKED: "已排名",
    Standing.BELOW_LINE: "总分未达合格线",
    Standing.BELOW_MINIMUM: "有评分项未达最低分",
    Standing.VETO_FAILED: "否决指标未证实或未达标",
    Standing.PRICE_REFUSED: "报价无效",
    Standing.DISQUALIFIED: "已取消资格",
}


class Decider(StrEnum):
    """Which link of the tie chain put a bid behind the one before it."""

    TOTAL = "total"
    INDICATORS = "indicators"
    PRICE = "price"
    PLAIN_MEAN = "plain_mean"
    DRAW = "draw"
    UNDECIDED = "undecided"  # equal in all; a witnessed draw must decide
    FIRST = "first"


DECIDER_LABELS: Mapping[Decider, str] = {
    Decider.TOTAL: "总分",
    Decider.INDICATORS: "同分，指标响应得分高者在前",
    Decider.PRICE: "同分，报价优者在前",
    Decider.PLAIN_MEAN: "同分，未去极值平均分高者在前",
    Decider.DRAW: "同分，抽签决定",
    Decider.UNDECIDED: "同分，待抽签",
    Decider.FIRST: "",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One bid in a ranking. Scores are settled Decimals (20 decimals); ``None`` only for a disqualified bid whose
    sheets are not all there.

    ``criteria``: panel figure of each criterion, in the sheet's order (plain mean, or computed). ``total`` uses the
    sheet's aggregate, ``plain_total`` the plain mean. ``trimmed``: experts whose typed totals were left out.
    ``shortfalls``: criterion keys below their minimum, or ``indicator-n`` for failed vetoes.
    """

    bid: str
    standing: Standing
    rank: int | None = None
    total: Decimal | None = None
    plain_total: Decimal | None = None
    criteria: tuple[tuple[str, Decimal], ...] = ()
    trimmed: tuple[str, ...] = ()
    few_sheets: bool = False
    shortfalls: tuple[str, ...] = ()
    decided_by: Decider = Decider.FIRST


@dataclass(frozen=True, slots=True)
class Ranking:
    """Ranked bids by rank, then the others by id. ``undecided``: groups equal in everything but a draw."""

    version: int
    lines: tuple[Line, ...]
    undecided: tuple[tuple[str, ...], ...] = ()

    @property
    def ranked(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.rank is not None)

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON of the result, lower-case hex. What the notice prints.

        It covers nothing whose shape another feature may change; the record has its own hash, of the stored bytes.
        """
        return fingerprint(ranking_json(self))

    def line(self, bid: str) -> Line:
        return next(line for line in self.lines if line.bid == bid)


def _plain(value: Any) -> Any:
    """JSON-ready: Decimals as exact text without exponent or trailing zeros."""
    match value:
        case Decimal():
            text = format(value or abs(value), "f")  # no "-0"
            return text.rstrip("0").rstrip(".") if "." in text else text
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            return value


def ranking_json(ranking: Ranking) -> dict[str, Any]:
    """The result as JSON-ready data."""
    data = _plain(asdict(ranking))
    assert isinstance(data, dict)
    return data


def inputs_json(inputs: Inputs) -> dict[str, Any]:
    """The whole record as JSON-ready data, lists in the order of their ids."""
    content = to_json(DemandContent(score_sheet=inputs.sheet, indicators=inputs.indicators))
    return {
        "version": inputs.version,
        "demand": inputs.demand,
        "mode": inputs.mode,
        "tie_seed": inputs.tie_seed,
        "score_sheet": content["score_sheet"],
        "indicators": content["indicators"],
        "experts": sorted(inputs.experts),
        "bids": [_plain(asdict(bid)) for bid in sorted(inputs.bids, key=lambda bid: bid.bid)],
        "sheets": [_plain(asdict(one)) for one in sorted(inputs.sheets, key=lambda one: (one.bid, one.expert))],
    }


def inputs_from_json(data: Mapping[str, Any]) -> Inputs:
    """The inverse of ``inputs_json``."""
    content = from_json({"score_sheet": data["score_sheet"], "indicators": data["indicators"]})
    return Inputs(
        version=data["version"],
        demand=data["demand"],
        mode=data["mode"],
        tie_seed=data["tie_seed"],
        sheet=content.score_sheet,
        indicators=content.indicators,
        experts=tuple(data["experts"]),
        bids=tuple(
            BidInput(
                bid=item["bid"],
                answers=tuple(Answer(**answer) for answer in item["answers"]),
                price=None if item["price"] is None else Decimal(item["price"]),
                disqualified=item["disqualified"],
            )
            for item in data["bids"]
        ),
        sheets=tuple(
            SheetInput(
                bid=item["bid"],
                expert=item["expert"],
                scores={key: Decimal(score) for key, score in item["scores"].items()},
                proofs=tuple(item["proofs"]),
            )
            for item in data["sheets"]
        ),
    )


def disqualify(inputs: Inputs, bid: str, *, code: str) -> Inputs:
    """The same record with one bid out of the competition; its sheets stay on record."""
    if bid not in {one.bid for one in inputs.bids}:
        raise ValueError(f"no bid {bid}")
    return replace(
        inputs, bids=tuple(replace(one, disqualified=code) if one.bid == bid else one for one in inputs.bids)
    )
