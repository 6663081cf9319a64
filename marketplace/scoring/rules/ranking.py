"""Ranking as a pure, versioned function over stored inputs (product.md §4).

Order: total, indicator score, better price, higher plain mean, then a witnessed draw with a published seed. A function
that has ranked a published demand is never changed; a new rule is a new version beside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from typing import Any

from marketplace.demands.score_sheets import PRICE_BASES, PriceBasis
from marketplace.scoring.rules import formulas
from marketplace.scoring.rules.formulas import CONTEXT, ZERO, settled
from marketplace.scoring.rules.record import (
    BidInput,
    Decider,
    Inputs,
    Line,
    Ranking,
    SheetInput,
    Standing,
    inputs_from_json,
)
from marketplace.scoring.rules.sheets import expected, missing, typed

LATEST = 1


class Incomplete(ValueError):
    """Something expected is not there. ``places`` names it: (expert, bid) pairs, or ("price", bid)."""

    def __init__(self, places: tuple[tuple[str, str], ...]) -> None:
        super().__init__(f"missing: {places}")
        self.places = places


@dataclass(frozen=True, slots=True)
class Replay:
    """A recomputed ranking and whether it is the one on record."""

    ranking: Ranking
    same: bool


def rank(inputs: Inputs) -> Ranking:
    """The ranking by the version frozen in the inputs. Raises ``Incomplete`` where a sheet or a price is missing."""
    return _VERSIONS[inputs.version](inputs)


def replay(record: Mapping[str, Any], *, expected_hash: str) -> Replay:
    """Rank again from a stored record and compare with the hash that was published."""
    ranking = rank(inputs_from_json(record))
    return Replay(ranking, ranking.hash == expected_hash)


def ticket(seed: str, bid: str) -> str:
    """A bid's lot in the witnessed draw: SHA-256(seed | bid), hex; the lowest goes first."""
    return hashlib.sha256(f"{seed}|{bid}".encode()).hexdigest()


def _rank_v1(inputs: Inputs) -> Ranking:
    sheets = _counted(inputs)
    basis = _basis(inputs)
    _require_complete(inputs, sheets, basis)
    judged = [_judge(inputs, bid, sheets.get(bid.bid, ())) for bid in sorted(inputs.bids, key=lambda bid: bid.bid)]
    best = formulas.best_price((one.price for one in judged if one.standing is Standing.RANKED), basis)
    lines = [_line(inputs, one, basis, best) for one in judged]
    prices = {one.bid: -one.price if basis is PriceBasis.SHARE else one.price for one in judged}
    return _placed(inputs, lines, prices if basis is not PriceBasis.NONE else {})


def _basis(inputs: Inputs) -> PriceBasis:
    """What prices are compared by; ``NONE`` also where the sheet of a priced mode has no price criterion."""
    priced = any(item.kind == "price" for item in inputs.sheet.criteria)
    return PRICE_BASES[inputs.mode] if priced else PriceBasis.NONE


def _counted(inputs: Inputs) -> dict[str, tuple[SheetInput, ...]]:
    """Sheets of counted experts by bid, in the order of the experts' ids."""
    experts = set(inputs.experts)
    groups: dict[str, list[SheetInput]] = {}
    for one in sorted(inputs.sheets, key=lambda one: one.expert):
        if one.expert in experts:
            groups.setdefault(one.bid, []).append(one)
    return {bid: tuple(group) for bid, group in groups.items()}


def _is_complete(inputs: Inputs, sheet: SheetInput) -> bool:
    return len(sheet.proofs) == len(inputs.indicators) and all(item.key in sheet.scores for item in typed(inputs.sheet))


def _require_complete(inputs: Inputs, sheets: Mapping[str, tuple[SheetInput, ...]], basis: PriceBasis) -> None:
    """Every competing bid has a full sheet of every counted expert, its answers and, where it counts, a price."""
    competing = [bid for bid in inputs.bids if not bid.disqualified]
    done = [(one.expert, one.bid) for group in sheets.values() for one in group if _is_complete(inputs, one)]
    if len(done) != len(set(done)):
        raise ValueError("an expert has two sheets for one bid")
    lacking = missing(expected(inputs.experts, (bid.bid for bid in competing)), done)
    lacking += tuple(("answers", bid.bid) for bid in competing if len(bid.answers) != len(inputs.indicators))
    if basis is not PriceBasis.NONE:
        lacking += tuple(("price", bid.bid) for bid in competing if bid.price is None)
    if lacking or not inputs.experts:
        raise Incomplete(lacking)


@dataclass(frozen=True, slots=True)
class _Judged:
    """A bid before prices are compared. ``standing`` is RANKED when nothing yet speaks against it."""

    bid: str
    price: Decimal
    standing: Standing
    answers: tuple[formulas.Answer, ...]
    sheets: tuple[SheetInput, ...]
    proofs: tuple[bool, ...]
    vetoes: tuple[int, ...]


def _judge(inputs: Inputs, bid: BidInput, sheets: tuple[SheetInput, ...]) -> _Judged:
    """Majority on each indicator, vetoes, and whether the bid competes for the best price.

    A disqualified bid keeps its figures for the record where all its sheets are there; else it has none.
    """
    full = tuple(one for one in sheets if _is_complete(inputs, one))
    if bid.disqualified and (len(full) < len(inputs.experts) or len(bid.answers) != len(inputs.indicators)):
        return _Judged(bid.bid, ZERO, Standing.DISQUALIFIED, (), (), (), ())
    proofs = tuple(formulas.majority([one.proofs[i] for one in full]) for i in range(len(inputs.indicators)))
    vetoes = formulas.failed_vetoes(inputs.indicators, bid.answers, proofs)
    price = ZERO if bid.price is None else bid.price
    if bid.disqualified:
        standing = Standing.DISQUALIFIED
    elif vetoes:
        standing = Standing.VETO_FAILED
    elif _basis(inputs) is not PriceBasis.NONE and price <= 0:
        standing = Standing.PRICE_REFUSED
    else:
        standing = Standing.RANKED
    return _Judged(bid.bid, price, standing, bid.answers, full, proofs, vetoes)


def _figures(inputs: Inputs, one: _Judged, basis: PriceBasis, best: Decimal | None) -> dict[str, Decimal]:
    """The panel's figure of each criterion, in the sheet's order.

    A bid that does not compete may undercut the best price; it never gets more than full marks for it.
    """
    figures = {}
    for item in inputs.sheet.criteria:
        match item.kind:
            case "typed":
                figures[item.key] = formulas.mean([sheet.scores[item.key] for sheet in one.sheets])
            case "indicator":
                figures[item.key] = formulas.indicator_score(
                    inputs.indicators, one.answers, one.proofs, full=item.weight, rule=inputs.sheet.credit
                )
            case "price" if one.price > 0 and best is not None:
                score = formulas.price_score(one.price, best, full=item.weight, basis=basis)
                figures[item.key] = min(item.weight, score)
            case _:
                figures[item.key] = ZERO
    return figures


def _line(inputs: Inputs, one: _Judged, basis: PriceBasis, best: Decimal | None) -> Line:
    """All figures of one bid and whether it may be ranked; ranks come later."""
    if not one.sheets:
        return Line(one.bid, one.standing)
    keys = [item.key for item in typed(inputs.sheet)]
    figures = _figures(inputs, one, basis, best)
    with localcontext(CONTEXT):
        totals = [sum((sheet.scores[key] for key in keys), ZERO) for sheet in one.sheets]
        aggregate = formulas.aggregate(totals, rule=inputs.sheet.aggregate)
        computed = sum((figure for key, figure in figures.items() if key not in keys), ZERO)
        total, plain = settled(aggregate.value + computed), settled(aggregate.plain + computed)
    settled_figures = tuple((key, settled(figure)) for key, figure in figures.items())
    minimums = {item.key: item.minimum for item in inputs.sheet.criteria if item.minimum is not None}
    low = tuple(key for key, figure in settled_figures if key in minimums and figure < minimums[key])
    standing = one.standing
    if standing is Standing.RANKED and low:
        standing = Standing.BELOW_MINIMUM
    elif standing is Standing.RANKED and total < inputs.sheet.pass_line:
        standing = Standing.BELOW_LINE
    return Line(
        bid=one.bid,
        standing=standing,
        total=total,
        plain_total=plain,
        criteria=settled_figures,
        trimmed=tuple(one.sheets[i].expert for i in aggregate.dropped),
        few_sheets=aggregate.few,
        shortfalls=(*(f"indicator-{i + 1}" for i in one.vetoes), *low),
    )


_CHAIN = (Decider.TOTAL, Decider.INDICATORS, Decider.PRICE, Decider.PLAIN_MEAN)


def _placed(inputs: Inputs, lines: list[Line], prices: Mapping[str, Decimal]) -> Ranking:
    """Ranks along the tie chain. Equal bids share a rank, and stand in ``undecided``, until a draw was witnessed.

    ``prices``: smaller is better; empty where price does not count.
    """
    indicator_keys = {item.key for item in inputs.sheet.criteria if item.kind == "indicator"}
    keys: dict[str, tuple[Decimal, ...]] = {}
    for line in lines:
        if line.standing is Standing.RANKED and line.total is not None and line.plain_total is not None:
            indicators = next((figure for key, figure in line.criteria if key in indicator_keys), ZERO)
            keys[line.bid] = (-line.total, -indicators, prices.get(line.bid, ZERO), -line.plain_total)
    order = sorted(keys, key=lambda bid: (keys[bid], ticket(inputs.tie_seed, bid) if inputs.tie_seed else bid))
    by_bid = {line.bid: line for line in lines}
    placed: list[Line] = []
    groups: list[list[str]] = []  # bids that share a rank
    for bid, before in zip(order, [None, *order], strict=False):
        decider = _decider(keys[bid], None if before is None else keys[before], drawn=bool(inputs.tie_seed))
        if decider is Decider.UNDECIDED:
            groups[-1].append(bid)
        else:
            groups.append([bid])
        rank_of = len(placed) - len(groups[-1]) + 2
        placed.append(replace(by_bid[bid], rank=rank_of, decided_by=decider))
    rest = [line for line in lines if line.bid not in keys]
    return Ranking(
        version=inputs.version,
        lines=(*placed, *rest),
        undecided=tuple(tuple(group) for group in groups if len(group) > 1),
    )


def _decider(mine: tuple[Decimal, ...], before: tuple[Decimal, ...] | None, *, drawn: bool) -> Decider:
    """The first link of the chain on which a bid differs from the one before it."""
    if before is None:
        return Decider.FIRST
    links = zip(_CHAIN, mine, before, strict=True)
    return next((link for link, a, b in links if a != b), Decider.DRAW if drawn else Decider.UNDECIDED)


_VERSIONS: Mapping[int, Callable[[Inputs], Ranking]] = {1: _rank_v1}
