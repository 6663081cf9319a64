"""One figure at a time: indicator score, price score, aggregate of typed totals (product.md §4).

Every result is a Decimal on the scale of its criterion (0 … weight). Divisions carry 50 digits (``CONTEXT``); what is
stored, compared and hashed is quantised to 20 decimals (``settled``), so that 1/3 + 2/3 ties with 1.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext

from marketplace.demands.content import Indicator
from marketplace.demands.score_sheets import PriceBasis

CONTEXT = Context(prec=50, rounding=ROUND_HALF_EVEN)
QUANTUM = Decimal("1E-20")
ZERO = Decimal(0)
ONE = Decimal(1)
TRIM_FROM = 5  # sheets that must count before one highest and one lowest are dropped
BELOW = "-"  # deviation code of an answer that falls short of the target; "+" above, "0" as asked

_NUMBER = re.compile(r"(?P<bound>>=|<=|≥|≤|>|<)?(?P<number>[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)(?P<unit>.*)")
_BOUNDS = {"≥": ">=", ">": ">=", "≤": "<=", "<": "<="}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a bid promises for one indicator: the typed ``value`` and the declared ``deviation`` (+, 0, −)."""

    value: str = ""
    deviation: str = "0"


@dataclass(frozen=True, slots=True)
class Aggregate:
    """``value``: mean or trimmed mean; ``dropped``: positions left out; ``few``: trimming asked for, too few sheets."""

    value: Decimal
    plain: Decimal
    dropped: tuple[int, ...] = ()
    few: bool = False


def settled(value: Decimal) -> Decimal:
    """The value as it is stored and compared: 20 decimals."""
    with localcontext(CONTEXT):
        return value.quantize(QUANTUM)


def number(text: str, indicator: Indicator) -> Decimal | None:
    """The figure in ``text``, or ``None`` where it is not one figure in the indicator's own unit.

    Reads full-width digits, thousands commas and a bound that points the same way as the indicator ("≥97%" under ≥).
    Another unit is never converted: "3年" under 个月 is ``None`` and the declared deviation decides.
    """
    plain = "".join(unicodedata.normalize("NFKC", text).split()).replace("−", "-")
    found = _NUMBER.fullmatch(plain)
    if found is None:
        return None
    bound = found["bound"]
    unit = "".join(unicodedata.normalize("NFKC", indicator.unit).split()).casefold()
    if found["unit"].casefold() not in ("", unit) or (bound and _BOUNDS.get(bound, bound) != indicator.operator):
        return None
    return Decimal(found["number"].replace(",", ""))


def target_met(indicator: Indicator, answer: Answer) -> bool:
    """Whether the promised value reaches the target: by arithmetic where both are figures, else as declared."""
    value, target = number(answer.value, indicator), number(indicator.target, indicator)
    if value is None or target is None:
        return bool(answer.value.strip()) and answer.deviation != BELOW
    match indicator.operator:
        case ">=":
            return value >= target
        case "<=":
            return value <= target
        case "=":
            return value == target
        case "range":
            high = number(indicator.target_high, indicator)
            return target <= value and (high is None or value <= high)
    raise ValueError(f"unknown operator {indicator.operator!r}")


def credit(indicator: Indicator, answer: Answer, *, proved: bool, rule: str) -> Decimal:
    """r of one indicator, 0 … 1. ``rule``: ``all_or_nothing`` or ``linear`` (between baseline and target)."""
    if not proved:
        return ZERO
    if target_met(indicator, answer):
        return ONE
    if rule != "linear" or indicator.operator not in (">=", "<="):
        return ZERO
    value, target = number(answer.value, indicator), number(indicator.target, indicator)
    baseline = number(indicator.baseline, indicator)
    if value is None or target is None or baseline is None or baseline == target:
        return ZERO
    if (baseline < target) != (indicator.operator == ">="):
        return ZERO  # a baseline beyond the target leaves nothing to interpolate
    with localcontext(CONTEXT):
        return min(ONE, max(ZERO, (value - baseline) / (target - baseline)))


def majority(ticks: Sequence[bool]) -> bool:
    """Proved when more than half of the counted experts ticked so; half is not enough."""
    return 2 * sum(ticks) > len(ticks)


def failed_vetoes(
    indicators: Sequence[Indicator], answers: Sequence[Answer], proved: Sequence[bool]
) -> tuple[int, ...]:
    """Positions of veto indicators not proved or not met. Linear credit never saves one."""
    rows = zip(indicators, answers, proved, strict=True)
    return tuple(i for i, (item, answer, ok) in enumerate(rows) if item.veto and not (ok and target_met(item, answer)))


def indicator_score(
    indicators: Sequence[Indicator],
    answers: Sequence[Answer],
    proved: Sequence[bool],
    *,
    full: Decimal,
    rule: str,
) -> Decimal:
    """full × Σ wⱼrⱼ / Σ wⱼ; where every weight is zero, all indicators weigh the same."""
    if not indicators:
        raise ValueError("no indicators to score")
    weights = [item.weight for item in indicators]
    if not any(weights):
        weights = [ONE] * len(indicators)
    with localcontext(CONTEXT):
        earned = sum(
            (
                weight * credit(item, answer, proved=ok, rule=rule)
                for weight, item, answer, ok in zip(weights, indicators, answers, proved, strict=True)
            ),
            ZERO,
        )
        return full * earned / sum(weights, ZERO)


def best_price(prices: Iterable[Decimal], basis: PriceBasis) -> Decimal | None:
    """The price that earns full marks: the lowest, or the highest share. Prices of zero or less are left out."""
    valid = [price for price in prices if price > 0]
    if not valid:
        return None
    return max(valid) if basis is PriceBasis.SHARE else min(valid)


def price_score(price: Decimal, best: Decimal, *, full: Decimal, basis: PriceBasis) -> Decimal:
    """lowest / this × full marks; for a share this / highest × full marks. Both must be above zero."""
    if price <= 0 or best <= 0:
        raise ValueError("a price of zero cannot be scored")
    with localcontext(CONTEXT):
        share = price / best if basis is PriceBasis.SHARE else best / price
        return full * share


def aggregate(totals: Sequence[Decimal], *, rule: str) -> Aggregate:
    """Mean of the experts' typed totals of one bid; ``trimmed`` drops one highest and one lowest of five or more.

    Which of several equal extremes is dropped changes no figure; the first in the given order is named.
    """
    if not totals:
        raise ValueError("no sheet counts")
    with localcontext(CONTEXT):
        plain = sum(totals, ZERO) / len(totals)
        if rule != "trimmed" or len(totals) < TRIM_FROM:
            return Aggregate(plain, plain, few=rule == "trimmed")
        low = min(range(len(totals)), key=lambda i: totals[i])
        high = max((i for i in range(len(totals)) if i != low), key=lambda i: totals[i])
        kept = [total for i, total in enumerate(totals) if i not in (low, high)]
        return Aggregate(sum(kept, ZERO) / len(kept), plain, dropped=tuple(sorted((low, high))))


def mean(values: Sequence[Decimal]) -> Decimal:
    """Plain mean, 50 digits."""
    with localcontext(CONTEXT):
        return sum(values, ZERO) / len(values)


def median(values: Sequence[Decimal]) -> Decimal:
    """The middle value, or the mean of the two middle ones."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    with localcontext(CONTEXT):
        return (ordered[middle - 1] + ordered[middle]) / 2
