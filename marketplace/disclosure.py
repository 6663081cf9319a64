"""Who may know what of a competition, and from when (issue "Judge it": the person × fact × phase matrix).

Pure data and one function, for every feature: queries and pages ask ``may_know`` instead of each knowing its own rule.
``FROM[fact][person]`` is the first phase in which the person may know the fact; who is not listed learns it when the
public does. Nothing once known becomes secret again, except that a competition that ends before the opening
(``DESTROYED``) tells nobody anything more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """Phases of a competition, in order; the last two lie aside."""

    BIDDING = "bidding"  # published, before the deadline
    CLOSED = "closed"  # the deadline has passed, nothing is decrypted
    OPENED = "opened"  # eligibility is decided
    REVIEWING = "reviewing"  # experts score
    LOCKED = "locked"  # every expected sheet is locked
    RANKED = "ranked"  # prices are open, the ranking exists
    NOTICE = "notice"  # public notice
    AWARDED = "awarded"
    LAPSED = "lapsed"  # ended without a result after the opening
    DESTROYED = "destroyed"  # withdrawn or lapsed before the opening


ORDER: Mapping[Phase, int] = {phase: place for place, phase in enumerate(list(Phase)[:8])}


class Person(StrEnum):
    """Who asks, in relation to one demand and, where the fact is about one bid, to that bid."""

    PUBLIC = "public"
    OWNER = "owner"  # the bidder whose bid the fact is about, and its confirmed members
    BIDDER = "bidder"  # another bidder on the same demand
    UNIT = "unit"
    SCREENER = "screener"
    PUBLISHER = "publisher"
    CUSTODIAN = "custodian"
    SUPERVISOR = "supervisor"
    EXPERT = "expert"  # a seated member of this demand's panel, about others' doings
    AUTHOR = "author"  # the expert who wrote the sheet the fact is about
    CHAIR = "chair"
    SUBSTITUTE = "substitute"  # drawn, not called
    FINANCE = "finance"
    SYSADMIN = "sysadmin"
    SECADMIN = "secadmin"
    AUDITADMIN = "auditadmin"
    OBJECTOR = "objector"  # who filed the objection the fact is about


class Fact(StrEnum):
    """What may be known. Facts about one bid or one sheet are asked for that bid or sheet."""

    BIDS_EXIST = "bids_exist"  # that anybody bid at all
    BID_COUNT = "bid_count"
    PARTICIPANTS = "participants"  # names of organisations and key people, shuffled, linked to nothing
    BIDDER = "bidder"  # which organisation a bid is from
    TECHNICAL = "technical"  # contents of a technical envelope
    PRICE = "price"
    ELIGIBILITY = "eligibility"
    EXCLUSION_REQUEST = "exclusion_request"  # whom a bidder asked to keep away
    PANEL = "panel"  # experts' names
    CONFLICTS = "conflicts"  # what experts declared
    RECUSALS = "recusals"  # how many were recused, without names
    PROGRESS = "progress"  # which expert has finished how much
    SINGLE_SCORES = "single_scores"  # one expert's sheet
    COMMENTS = "comments"  # experts' words on a bid, without names
    TOTALS = "totals"  # panel figures of a candidate
    RANKS = "ranks"  # ranks of the candidates
    LETTER = "letter"  # a bid's result letter
    OBJECTIONS = "objections"  # that one was filed, and its state
    OBJECTION_TEXT = "objection_text"
    OBJECTOR = "objector"  # who filed it
    ANSWER = "answer"


_P = Person


def _for(phase: Phase, *people: Person) -> dict[Person, Phase]:
    return dict.fromkeys(people, phase)


_OFFICE = (_P.SCREENER, _P.PUBLISHER, _P.SUPERVISOR)
_PANEL = (_P.EXPERT, _P.AUTHOR, _P.CHAIR)

# fact → person → first phase. PUBLIC gives the phase for everybody who is not listed; absent PUBLIC means never.
FROM: Mapping[Fact, Mapping[Person, Phase]] = {
    Fact.BIDS_EXIST: {
        **_for(Phase.BIDDING, _P.OWNER),  # of his own
        **_for(Phase.OPENED, *_OFFICE, _P.BIDDER, _P.CUSTODIAN, *_PANEL),
        _P.PUBLIC: Phase.NOTICE,
    },
    Fact.BID_COUNT: {
        **_for(Phase.OPENED, *_OFFICE, _P.OWNER, _P.BIDDER, _P.CUSTODIAN, *_PANEL),
        _P.PUBLIC: Phase.NOTICE,
    },
    Fact.PARTICIPANTS: {
        **_for(Phase.OPENED, *_OFFICE, _P.OWNER, _P.BIDDER, *_PANEL),  # experts: the declaration page
        _P.PUBLIC: Phase.NOTICE,
    },
    Fact.BIDDER: {
        **_for(Phase.BIDDING, _P.OWNER),
        **_for(Phase.OPENED, *_OFFICE, _P.BIDDER),  # the opening record
        **_for(Phase.REVIEWING, *_PANEL),  # blind review: NOTICE, see ``may_know``
        _P.PUBLIC: Phase.NOTICE,
    },
    Fact.TECHNICAL: {
        **_for(Phase.BIDDING, _P.OWNER),
        **_for(Phase.OPENED, *_OFFICE),
        **_for(Phase.REVIEWING, *_PANEL),
    },
    Fact.PRICE: {
        **_for(Phase.BIDDING, _P.OWNER),
        **_for(Phase.OPENED, *_OFFICE, _P.BIDDER),  # two-step: RANKED, see ``may_know``
        **_for(Phase.RANKED, *_PANEL),
        _P.PUBLIC: Phase.NOTICE,
    },
    Fact.ELIGIBILITY: {
        **_for(Phase.OPENED, *_OFFICE, _P.OWNER),
        _P.PUBLIC: Phase.NOTICE,
    },
    Fact.EXCLUSION_REQUEST: {
        **_for(Phase.BIDDING, _P.OWNER),
        **_for(Phase.OPENED, _P.SUPERVISOR),
    },
    Fact.PANEL: {
        **_for(Phase.BIDDING, *_OFFICE),
        **_for(Phase.REVIEWING, *_PANEL),
        _P.PUBLIC: Phase.NOTICE,
    },
    Fact.CONFLICTS: {
        **_for(Phase.OPENED, *_OFFICE, _P.AUTHOR),
    },
    Fact.RECUSALS: {
        **_for(Phase.OPENED, *_OFFICE),
        **_for(Phase.REVIEWING, *_PANEL),
        _P.PUBLIC: Phase.NOTICE,
    },
    Fact.PROGRESS: {
        **_for(Phase.REVIEWING, *_OFFICE, _P.CHAIR),
    },
    Fact.SINGLE_SCORES: {
        **_for(Phase.REVIEWING, _P.AUTHOR),
        **_for(Phase.LOCKED, *_OFFICE, _P.EXPERT, _P.CHAIR),
    },
    Fact.COMMENTS: {
        **_for(Phase.REVIEWING, _P.AUTHOR),
        **_for(Phase.LOCKED, *_OFFICE, _P.EXPERT, _P.CHAIR),
        **_for(Phase.NOTICE, _P.OWNER),
    },
    Fact.TOTALS: {
        **_for(Phase.RANKED, *_OFFICE, *_PANEL),
        **_for(Phase.NOTICE, _P.OWNER),
        _P.PUBLIC: Phase.NOTICE,  # where the demand promised it, see ``may_know``
    },
    Fact.RANKS: {
        **_for(Phase.RANKED, *_OFFICE, *_PANEL),
        _P.PUBLIC: Phase.NOTICE,
    },
    Fact.LETTER: {
        **_for(Phase.NOTICE, *_OFFICE, _P.OWNER),
    },
    Fact.OBJECTIONS: {
        _P.PUBLIC: Phase.NOTICE,
    },
    Fact.OBJECTION_TEXT: {
        **_for(Phase.NOTICE, *_OFFICE, _P.OBJECTOR),
    },
    Fact.OBJECTOR: {
        **_for(Phase.NOTICE, *_OFFICE, _P.OBJECTOR),
    },
    Fact.ANSWER: {
        _P.PUBLIC: Phase.NOTICE,
    },
}


@dataclass(frozen=True, slots=True)
class Terms:
    """What the published demand promised: blind review, prices in a second step, scores in the notice."""

    blind: bool = False
    two_step: bool = False
    public_scores: bool = True


def known_from(fact: Fact, person: Person, terms: Terms = Terms()) -> Phase | None:
    """The first phase in which this person may know this fact, or ``None``: never."""
    people = FROM[fact]
    listed = person in people and person is not Person.PUBLIC
    first = people[person] if listed else people.get(Person.PUBLIC)
    if fact is Fact.BIDDER and terms.blind and person in _PANEL:
        return Phase.NOTICE
    if fact is Fact.PRICE and terms.two_step and first is Phase.OPENED:
        return Phase.RANKED
    if fact is Fact.TOTALS and not terms.public_scores and not listed:
        return None
    return first


def may_know(
    fact: Fact,
    phase: Phase,
    person: Person,
    terms: Terms = Terms(),
    *,
    reached: Phase = Phase.OPENED,
) -> bool:
    """Whether ``person`` may know ``fact`` in ``phase``.

    ``reached``: where a competition stood when it lapsed. Then knowledge stays as it was; only a bidder whose bid was
    scored to the end still learns his own letter and comments.
    """
    first = known_from(fact, person, terms)
    if first is None:
        return False
    if phase is Phase.DESTROYED:
        return first is Phase.BIDDING
    if phase is Phase.LAPSED:
        letter = person is Person.OWNER and fact in (Fact.LETTER, Fact.COMMENTS)
        return ORDER[reached] >= ORDER[Phase.LOCKED if letter else first]
    return ORDER[phase] >= ORDER[first]


def phase_of(state: str, *, closed: bool, opened: bool, locked: bool = False, ranked: bool = False) -> Phase:
    """The phase of a published demand. ``state``: its stored state; ``closed``: the deadline has passed.

    ``opened``: envelopes were ever opened; ``locked``, ``ranked``: of the present review. Raises ``ValueError`` for
    states before publication, when there is no competition to know anything about.
    """
    match state:
        case "published" | "suspended":
            return Phase.CLOSED if closed else Phase.BIDDING
        case "opened":
            return Phase.OPENED
        case "reviewing":
            return Phase.RANKED if ranked else Phase.LOCKED if locked else Phase.REVIEWING
        case "notice":
            return Phase.NOTICE
        case "awarded" | "completed":
            return Phase.AWARDED
        case "lapsed" | "withdrawn":
            return Phase.LAPSED if opened else Phase.DESTROYED
    raise ValueError(f"no competition in state {state!r}")
