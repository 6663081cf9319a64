"""The dispersion check (product.md §4), run once when all sheets of a demand are handed in.

Scores are brought to 0–100 of their criterion. A flag names an expert and a criterion and nothing else: the expert is
told "please check criterion X again", neither direction nor distance, so that nobody is steered towards the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext

from marketplace.scoring.rules.formulas import CONTEXT, mean, median, settled

RANGE_LIMIT = Decimal(30)
SD_LIMIT = Decimal(10)
MAD_FACTOR = Decimal("2.5")
NEAR = Decimal(10)  # never flagged alone when as close as this to the median
FEWEST = 3  # below three sheets there is no middle to be far from


@dataclass(frozen=True, slots=True, order=True)
class Flag:
    """One criterion one expert is asked to look at again, for one bid."""

    bid: str
    expert: str
    criterion: str


def outliers(scores: Mapping[str, Decimal]) -> frozenset[str]:
    """Experts to ask again about one criterion of one bid; ``scores`` on the 0–100 scale.

    Each farther from the median than max(2.5 MAD, 10); and where the whole set is wide (range > 30 or standard
    deviation > 10) without such a one, those farthest from the median. The deviation is the population's, because
    the panel is the whole population; it is compared squared, so no root is taken.
    """
    if len(scores) < FEWEST:
        return frozenset()
    values = list(scores.values())
    with localcontext(CONTEXT):
        middle = median(values)
        distances = {expert: abs(score - middle) for expert, score in scores.items()}
        limit = max(MAD_FACTOR * median(list(distances.values())), NEAR)
        far = frozenset(expert for expert, distance in distances.items() if distance > limit)
        centre = mean(values)
        variance = settled(mean([(value - centre) ** 2 for value in values]))
        if far or not (max(values) - min(values) > RANGE_LIMIT or variance > SD_LIMIT**2):
            return far
        farthest = max(distances.values())
        return frozenset(expert for expert, distance in distances.items() if distance == farthest)


def check(scores: Iterable[tuple[str, str, str, Decimal]], weights: Mapping[str, Decimal]) -> frozenset[Flag]:
    """Flags over all counted sheets: rows of (bid, expert, criterion, score); ``weights`` of the typed criteria."""
    groups: dict[tuple[str, str], dict[str, Decimal]] = {}
    for bid, expert, criterion, score in scores:
        with localcontext(CONTEXT):
            share = settled(100 * score / weights[criterion])  # 20 decimals, so that a range of exactly 30 is 30
        groups.setdefault((bid, criterion), {})[expert] = share
    return frozenset(
        Flag(bid, expert, criterion) for (bid, criterion), group in groups.items() for expert in outliers(group)
    )
