"""What a bidder's result letter says: own score per criterion beside the median, anonymised comments, reasons.

Nothing in it says who wrote what, nor lets another bid's score be worked out: medians need at least three scored bids,
comments stand in an order of their own per criterion, and panel members' names are struck out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from marketplace.demands.content import Indicator, ScoreSheet
from marketplace.notices.rules.notices import Candidate
from marketplace.scoring.rules.formulas import median
from marketplace.scoring.rules.record import Ranking, Standing

MEDIAN_FROM = 3  # scored bids; with two, the median and one's own score give the other's
STRUCK_OUT = "（某专家）"


class Outcome(StrEnum):
    """How the competition ended for one bid."""

    PROPOSED = "proposed"
    CANDIDATE = "candidate"
    NOT_SELECTED = "not_selected"
    BELOW_LINE = "below_line"
    BELOW_MINIMUM = "below_minimum"
    VETO_FAILED = "veto_failed"
    PRICE_REFUSED = "price_refused"
    DISQUALIFIED = "disqualified"
    INELIGIBLE = "ineligible"
    RENOUNCED = "renounced"
    UNOPENABLE = "unopenable"
    NO_RESULT = "no_result"


OUTCOME_SENTENCES: Mapping[Outcome, str] = {
    Outcome.PROPOSED: "贵单位为拟中榜单位，公示期满无未决异议即定榜。",
    Outcome.CANDIDATE: "贵单位进入候选名单。如拟中榜单位未能签约，按名次递补。",
    Outcome.NOT_SELECTED: "贵单位已排名，未进入候选名单。",
    Outcome.BELOW_LINE: "总分未达到评分表写明的合格线。",
    Outcome.BELOW_MINIMUM: "有评分项未达到评分表写明的最低分。",
    Outcome.VETO_FAILED: "有否决指标未达到目标，或多数专家认为所引页码不能证实。",
    Outcome.PRICE_REFUSED: "报价为零或无效，不能计分。",
    Outcome.DISQUALIFIED: "评审期间被取消资格。",
    Outcome.INELIGIBLE: "资格审查未通过，未进入评审。",
    Outcome.RENOUNCED: "贵单位已放弃，未参加排名。",
    Outcome.UNOPENABLE: "标书封套无法开启，未参加排名。",
    Outcome.NO_RESULT: "本需求未产生中榜单位，流榜。",
}


@dataclass(frozen=True, slots=True)
class Comment:
    """One expert's words on one criterion of one bid."""

    expert: str
    criterion: str
    text: str


@dataclass(frozen=True, slots=True)
class LetterLine:
    """One criterion. ``own`` and ``median``: panel figures (unrounded), ``median`` of all scored bids or ``None``."""

    criterion: str
    name: str
    full: Decimal
    own: Decimal
    median: Decimal | None
    below_minimum: bool
    comments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResultLetter:
    """The letter as data; page, PDF and message draw the same. ``objections_until``: exclusive end, UTC."""

    bid: str
    outcome: Outcome
    sentence: str
    objections_until: datetime
    reason_code: str = ""
    rank: int | None = None
    total: Decimal | None = None
    median_total: Decimal | None = None
    lines: tuple[LetterLine, ...] = ()
    failed_indicators: tuple[str, ...] = ()


def result_letter(
    ranking: Ranking,
    bid: str,
    *,
    sheet: ScoreSheet,
    indicators: Collection[Indicator],
    candidates: Collection[Candidate],
    comments: Iterable[Comment],
    names: Collection[str],
    objections_until: datetime,
    reason_code: str = "",
) -> ResultLetter:
    """The letter to one scored bidder. ``comments``: those of counted experts on this bid; ``names``: the panel's."""
    line = ranking.line(bid)
    scored = [
        other for other in ranking.lines if other.total is not None and other.standing is not Standing.DISQUALIFIED
    ]
    outcome = _outcome(line.standing, bid, candidates)
    figures, own_comments = dict(line.criteria), tuple(comments)
    lines = tuple(
        LetterLine(
            criterion=item.key,
            name=item.name,
            full=item.weight,
            own=figures[item.key],
            median=_median([dict(other.criteria)[item.key] for other in scored]),
            below_minimum=item.key in line.shortfalls,
            comments=anonymised(
                [one for one in own_comments if one.criterion == item.key], names=names, salt=f"{bid}|{item.key}"
            ),
        )
        for item in sheet.criteria
        if item.key in figures
    )
    failed = {f"indicator-{place}": item.name for place, item in enumerate(indicators, start=1)}
    return ResultLetter(
        bid=bid,
        outcome=outcome,
        sentence=OUTCOME_SENTENCES[outcome],
        objections_until=objections_until,
        reason_code=reason_code,
        rank=line.rank,
        total=line.total,
        median_total=_median([other.total for other in scored if other.total is not None]),
        lines=lines,
        failed_indicators=tuple(failed[place] for place in line.shortfalls if place in failed),
    )


def refusal_letter(
    bid: str, *, reason_code: str, objections_until: datetime, outcome: Outcome = Outcome.INELIGIBLE
) -> ResultLetter:
    """The letter to a bidder who was never scored: found ineligible, renounced, or not to be opened."""
    return ResultLetter(bid, outcome, OUTCOME_SENTENCES[outcome], objections_until, reason_code=reason_code)


def anonymised(comments: Iterable[Comment], *, names: Collection[str], salt: str) -> tuple[str, ...]:
    """The texts without their authors: names of panel members struck out, in the order of SHA-256(salt | text).

    Another salt per criterion means that the second comment here and the second there are not the same person's.
    """
    texts = []
    for comment in comments:
        text = comment.text.strip()
        for name in sorted(filter(None, names), key=len, reverse=True):
            text = text.replace(name, STRUCK_OUT)
        if text:
            texts.append(text)
    return tuple(sorted(texts, key=lambda text: hashlib.sha256(f"{salt}|{text}".encode()).digest()))


def _median(values: list[Decimal]) -> Decimal | None:
    return median(values) if len(values) >= MEDIAN_FROM else None


def _outcome(standing: Standing, bid: str, candidates: Collection[Candidate]) -> Outcome:
    if standing is not Standing.RANKED:
        return Outcome(standing.value)
    found = next((one for one in candidates if one.bid == bid), None)
    if found is None:
        return Outcome.NOT_SELECTED
    return Outcome.PROPOSED if found.proposed else Outcome.CANDIDATE
