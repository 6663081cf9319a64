"""Finding who fits: candidates from the term table at a bounded cost, then the pure score.

Never all rows: a demand is compared by its ``KEY_TERMS`` most telling terms, words that more than ``COMMON_FROM``
subjects share find nobody, and at most ``CANDIDATES`` are scored. The queries are the same number whatever there is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import contains_eager, joinedload, raiseload, selectinload, undefer

from marketplace import db
from marketplace.accounts.models import Organisation
from marketplace.bids.queries import affiliation
from marketplace.capabilities import queries as capabilities
from marketplace.capabilities.content import CapabilityContent
from marketplace.capabilities.models import Capability
from marketplace.demands.content import DemandContent
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.matching import terms
from marketplace.matching.models import MatchNote, MatchTerm, MatchWord
from marketplace.matching.rules import (
    KEY_TERMS,
    Corpus,
    Match,
    Offer,
    Standing,
    Wanted,
    best,
    excluded,
    key_terms,
    match,
)
from marketplace.platform.working_days import beijing_day
from marketplace.search.analysis import squeeze
from marketplace.settings import queries as settings

CANDIDATES = 60
COMMON_FROM = 400  # subjects; a word that more of them have finds nobody
FIRM_TERMS = 60  # terms by which a firm's demands are looked for
FIRM_CAPABILITIES = 30
PART = 5_000  # terms asked for in one statement: more than any page has
CAPABILITY, DEMAND = "capability", "demand"


@dataclass(frozen=True, slots=True)
class Fitting:
    """One firm that could do it, by the best of its capabilities."""

    capability: Capability
    match: Match


@dataclass(frozen=True, slots=True)
class Suggested:
    """One demand for a firm, and by which of its capabilities."""

    demand: Demand
    capability: Capability
    match: Match


def _frequencies(side: str, wanted: Collection[str]) -> dict[str, int]:
    """In how many subjects each term stands: one look into the table of words for every ``PART`` of them."""
    ordered, found = sorted(wanted), {}
    for start in range(0, len(ordered), PART):
        part = ordered[start : start + PART]
        query = select(MatchWord.term, MatchWord.number).where(MatchWord.side == side, MatchWord.term.in_(part))
        found.update({row.term: row.number for row in db.session.execute(query)})
    return found


def corpus(wanted: Iterable[str]) -> Corpus:
    """Rarity among the published demands, and the synonyms of these terms."""
    known = set(wanted)
    synonyms = {term: found for term in known if (found := terms.synonyms(term))}
    frequencies = _frequencies(DEMAND, known | {""})
    return Corpus(frequencies.pop("", 0), frequencies, synonyms)


def _candidates(side: str, wanted: Sequence[str], subjects: Select[int] | None = None) -> list[int]:
    """The subjects that share most of these terms; common words find nobody."""
    numbers = _frequencies(side, wanted)
    telling = [term for term in wanted if 0 < numbers.get(term, 0) <= COMMON_FROM]
    if not telling:
        return []
    query = select(MatchTerm.subject_id).where(MatchTerm.side == side, MatchTerm.term.in_(telling))
    if subjects is not None:
        query = query.where(MatchTerm.subject_id.in_(subjects))
    return list(
        db.session.scalars(
            query.group_by(MatchTerm.subject_id)
            .order_by(func.count().desc(), func.sum(MatchTerm.weight).desc(), MatchTerm.subject_id)
            .limit(CANDIDATES)
        )
    )


def _terms_of(side: str, ids: Collection[int]) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = {number: {} for number in ids}
    if ids:
        query = select(MatchTerm).where(MatchTerm.side == side, MatchTerm.subject_id.in_(sorted(ids)))
        for row in db.session.scalars(query):
            found[row.subject_id][row.term] = row.weight
    return found


def _with_synonyms(wanted: Sequence[str], known: Corpus) -> list[str]:
    return list(dict.fromkeys([*wanted, *(other for term in wanted for other in known.synonyms.get(term, ()))]))


def wanted_of(content: DemandContent) -> Wanted:
    """A demand as it is compared."""
    text = squeeze("\n".join((content.conditions, content.content, content.goal, content.background)))
    return Wanted(terms.of_demand(content), content.direction, frozenset(content.industries), text)


def offer_of(content: CapabilityContent, weights: Mapping[str, int], now: datetime) -> Offer:
    """A capability as it is compared; certificates count through their last day."""
    today = beijing_day(now)
    papers = tuple((item.name, squeeze(item.name)) for item in content.qualifications if item.valid_on(today))
    return Offer(weights, frozenset(content.directions), frozenset(content.industries), papers)


def procurement_off(mode: str) -> bool:
    """Procurement is only announced here until bidding for it is switched on (product.md §2.3)."""
    return mode == "procurement" and not settings.setting("procurement_bidding").get("consent")


def firms_for(unit: Organisation, content: DemandContent, now: datetime) -> list[Fitting]:
    """Firms that could do what a demand says, draft or public, the best first: one line a firm."""
    wanted = wanted_of(content)
    if procurement_off(content.mode) or not wanted.terms:
        return []
    known = corpus(wanted.terms)
    ids = _candidates(CAPABILITY, _with_synonyms(key_terms(wanted.terms, known, KEY_TERMS), known))
    rows = capabilities.public_by_ids(ids)
    weights = _terms_of(CAPABILITY, [row.id for row in rows])
    barred = _barred(unit, {row.organisation_id for row in rows})
    scored = [
        (row, match(wanted, offer_of(row.said_in_public, weights[row.id], now), known))
        for row in sorted(rows, key=lambda row: row.id)
        if row.organisation_id not in barred
    ]
    firms: dict[int, Fitting] = {}
    for row, found in best(scored):
        firms.setdefault(row.organisation_id, Fitting(row, found))
    return list(firms.values())


def _barred(unit: Organisation, firm_ids: Collection[int]) -> set[int]:
    """The firms that are the unit itself or affiliated with it, by credit codes in either profile."""
    if not firm_ids:
        return set()
    firms = db.session.scalars(
        select(Organisation)
        .where(Organisation.id.in_(sorted({*firm_ids, unit.id})))
        .options(selectinload(Organisation.affiliates))
    )
    return {
        firm.id
        for firm in firms
        if excluded(Standing(own=firm.id == unit.id, affiliated=bool(affiliation(unit, firm))))
    }


def accepting(now: datetime) -> Select[int]:
    """Ids of the demands that can be bid for now."""
    return select(Demand.id).where(Demand.state == State.PUBLISHED, Demand.visible_from <= now, Demand.closes_at > now)


def dismissed(firm_ids: Collection[int]) -> Select[int]:
    """Ids of the demands that these firms do not want to see."""
    return select(MatchNote.demand_id).where(
        MatchNote.organisation_id.in_(sorted(firm_ids)), MatchNote.dismissed_at.is_not(None)
    )


def demands_for(firm_ids: Collection[int], now: datetime) -> list[Suggested]:
    """Demands that fit these firms (one person's), the best first, without those dismissed."""
    rows = list(
        db.session.scalars(
            capabilities.public()
            .where(Capability.organisation_id.in_(sorted(firm_ids)))
            .order_by(Capability.approved_at.desc(), Capability.id)
            .limit(FIRM_CAPABILITIES)
            .options(
                undefer(Capability.public_content),
                contains_eager(Capability.organisation).selectinload(Organisation.affiliates),
            )
        )
    )
    if not rows:
        return []
    weights = _terms_of(CAPABILITY, [row.id for row in rows])
    return _scored(rows, weights, _candidates_for(weights, firm_ids, now), now)


def _candidates_for(weights: Mapping[int, Mapping[str, int]], firm_ids: Collection[int], now: datetime) -> list[int]:
    """Open demands that share the firm's most telling terms."""
    merged: dict[str, int] = {}
    for found in weights.values():
        for term, weight in found.items():
            merged[term] = max(weight, merged.get(term, 0))
    known = corpus(merged)
    looked_for = _with_synonyms(key_terms(merged, known, FIRM_TERMS), known)
    return _candidates(DEMAND, looked_for, accepting(now).where(Demand.id.not_in(dismissed(firm_ids))))


def _scored(
    rows: Sequence[Capability], weights: Mapping[int, Mapping[str, int]], ids: Sequence[int], now: datetime
) -> list[Suggested]:
    demands = list(
        db.session.scalars(
            select(Demand)
            .where(Demand.id.in_(ids))
            .options(
                undefer(Demand.content),
                joinedload(Demand.unit).selectinload(Organisation.affiliates),
                raiseload("*"),
            )
        )
    )
    demand_terms = _terms_of(DEMAND, [demand.id for demand in demands])
    known = corpus({term for found in demand_terms.values() for term in found})
    offers = {row.id: offer_of(row.said_in_public, weights[row.id], now) for row in rows}
    off = procurement_off("procurement")
    found: list[tuple[tuple[Demand, Capability], Match | None]] = []
    for demand in sorted(demands, key=lambda demand: demand.id):
        content = demand.said
        wanted = Wanted(
            demand_terms[demand.id],
            content.direction,
            frozenset(content.industries),
            squeeze("\n".join((content.conditions, content.content, content.goal, content.background))),
        )
        for row in rows:
            firm = row.organisation
            standing = Standing(
                own=firm.id == demand.unit_id,
                affiliated=bool(affiliation(demand.unit, firm)),
                procurement_off=off and demand.mode == "procurement",
                accepts=demand.accepts_bids(now),
            )
            if not excluded(standing):
                found.append(((demand, row), match(wanted, offers[row.id], known)))
    chosen: dict[int, Suggested] = {}
    for (demand, row), how in best(found):
        chosen.setdefault(demand.id, Suggested(demand, row, how))
    return list(chosen.values())


def dismissed_rows(firm_ids: Collection[int], now: datetime) -> list[Demand]:
    """What was dismissed and could still be bid for, so that it can be brought back."""
    return list(
        db.session.scalars(
            select(Demand)
            .where(Demand.id.in_(accepting(now)), Demand.id.in_(dismissed(firm_ids)))
            .order_by(Demand.closes_at, Demand.id)
            .limit(50)
            .options(joinedload(Demand.unit), raiseload("*"))
        )
    )
