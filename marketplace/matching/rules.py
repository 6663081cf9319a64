"""How well a capability answers to a demand, and why. Pure arithmetic over weighted terms.

A term's *rarity* says how much it tells: what stands in every demand (系统, 平台) tells nothing, 管网漏损 a lot. The
share of the demand's telling terms that the capability has decides; a shared industry, direction or a certificate that
the demand names add to it. Not a verdict and not a rank: it decides who hears of what, never who may bid.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from typing import Any

from marketplace.accounts.rules import Role
from marketplace.capabilities.rules import firm_member
from marketplace.platform import policy
from marketplace.platform.policy import Need

# How much a term counts by the place where it stands; a title is told apart by its weight alone.
TITLE, HEAD, BODY_MOST = 8, 3, 3

KEY_TERMS = 24  # of a demand: the ones that tell most
TERMS_MOST = 60  # kept of one demand or capability
FULL_COVER = 0.4  # this share of the telling terms is as good as all of them
SYNONYM = 0.7  # what a synonym is worth beside the word itself

POINTS_TERMS, POINTS_TITLE, POINTS_INDUSTRY, POINTS_DIRECTION, POINTS_PAPER = 60, 10, 12, 8, 10
FITS = 45  # points from which on somebody is told; 平台规则, editable here and nowhere else
TERMS_LEAST = 2  # one word alone is a coincidence
SHOWN_TERMS = 6


@dataclass(frozen=True, slots=True)
class Wanted:
    """A demand: term → weight, and what else is compared. ``text`` is squeezed, for the names of certificates."""

    terms: Mapping[str, int]
    direction: str = ""
    industries: frozenset[str] = frozenset()
    text: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """A capability. ``papers``: (name as written, squeezed name) of certificates valid today."""

    terms: Mapping[str, int]
    directions: frozenset[str] = frozenset()
    industries: frozenset[str] = frozenset()
    papers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """Why a firm is not told of a demand whatever the words say; gathered by ``queries``."""

    own: bool = False
    affiliated: bool = False
    procurement_off: bool = False
    accepts: bool = True


def excluded(standing: Standing) -> bool:
    """Nobody is told of what he may not bid for: own or affiliated units, procurement that is only announced here."""
    return standing.own or standing.affiliated or standing.procurement_off or not standing.accepts


@dataclass(frozen=True, slots=True)
class Match:
    """``score`` 0–100. ``terms``: shared words, the most telling first; ``industries``, ``directions``: codes shared;
    ``papers``: certificates that the demand names.
    """

    score: int
    terms: tuple[str, ...] = ()
    industries: tuple[str, ...] = ()
    directions: tuple[str, ...] = ()
    papers: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        return self.score >= FITS


@dataclass(frozen=True, slots=True)
class Corpus:
    """What is known of all demands: how many there are, and in how many each term stands (capped)."""

    size: int = 0
    frequencies: Mapping[str, int] = field(default_factory=dict)
    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def rarity(self, term: str) -> float:
        return log(1 + (self.size + 1) / (self.frequencies.get(term, 0) + 0.5))


def key_terms(terms: Mapping[str, int], corpus: Corpus, most: int = KEY_TERMS) -> list[str]:
    """The terms that tell most, in order; equal ones by their text, so that the same input gives the same answer."""
    return sorted(terms, key=lambda term: (-terms[term] * corpus.rarity(term), term))[:most]


def match(wanted: Wanted, offer: Offer, corpus: Corpus) -> Match | None:
    """``None`` when they share less than ``TERMS_LEAST`` telling terms."""
    keys = key_terms(wanted.terms, corpus)
    worth = {term: wanted.terms[term] * corpus.rarity(term) for term in keys}
    shared = {term: part for term in keys if (part := _has(offer.terms, term, corpus.synonyms)) > 0}
    if len(shared) < TERMS_LEAST:
        return None
    cover = sum(worth[term] * part for term, part in shared.items()) / sum(worth.values())
    points = POINTS_TERMS * min(1.0, cover / FULL_COVER)
    if any(wanted.terms[term] >= TITLE and offer.terms.get(term, 0) >= TITLE for term in shared):
        points += POINTS_TITLE
    industries = tuple(sorted(wanted.industries & offer.industries))
    directions = (wanted.direction,) if wanted.direction in offer.directions else ()
    papers = tuple(name for name, squeezed in offer.papers if squeezed and squeezed in wanted.text)
    points += POINTS_INDUSTRY if industries else 0
    points += POINTS_DIRECTION if directions else 0
    points += POINTS_PAPER if papers else 0
    return Match(min(100, round(points)), tuple(list(shared)[:SHOWN_TERMS]), industries, directions, papers)


def _has(terms: Mapping[str, int], term: str, synonyms: Mapping[str, tuple[str, ...]]) -> float:
    if term in terms:
        return 1.0
    return SYNONYM if any(other in terms for other in synonyms.get(term, ())) else 0.0


def best(matches: Iterable[tuple[Any, Match | None]]) -> list[tuple[Any, Match]]:
    """Those that fit, the best first; equal ones stay in the order given."""
    fitting = [(thing, found) for thing, found in matches if found is not None and found.fits]
    return sorted(fitting, key=lambda pair: -pair[1].score)


def weighed(
    title: Collection[str], heads: Sequence[Collection[str]], body: Sequence[str], most: int = TERMS_MOST
) -> dict[str, int]:
    """Terms by the places where they stand → term → weight, the heaviest ``most``."""
    weights: dict[str, int] = {}
    for term in body:
        weights[term] = min(weights.get(term, 0) + 1, BODY_MOST)
    for term in dict.fromkeys(term for head in heads for term in head):
        weights[term] = weights.get(term, 0) + HEAD
    for term in dict.fromkeys(title):
        weights[term] = weights.get(term, 0) + TITLE
    return dict(sorted(weights.items(), key=lambda item: (-item[1], item[0]))[:most])


unit_or_officer = Need(
    "unit_or_officer",
    "只有本需求单位和受理、发榜人员可以看。",
    lambda actor, demand, now: (
        actor.has(Role.DRAFTER, Role.APPROVER, at=demand.unit_id) or actor.has(Role.SCREENER, Role.PUBLISHER)
    ),
)

GRANTS = policy.declare({"match.firms": [[unit_or_officer]], "match.demands": [[firm_member]]})
