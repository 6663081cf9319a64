"""The person × fact × phase matrix, written out a second time by hand: what each may know in each phase."""

from itertools import product

import pytest

from marketplace.disclosure import FROM, ORDER, Fact, Person, Phase, Terms, known_from, may_know, phase_of

# One column a phase: BIDDING CLOSED OPENED REVIEWING LOCKED RANKED NOTICE AWARDED. "x" = may know.
# Persons: p public · o owner · b bidder · u unit · s screener · P publisher · k custodian · v supervisor ·
# e expert · a author · c chair · S substitute · f finance · 1 sysadmin · 2 secadmin · 3 auditadmin · j objector
LETTERS = dict(zip("pobusPkveacSf123j", Person, strict=True))
GRID = {
    Fact.BIDS_EXIST: ("o", "o", "ob sPkveac", "ob sPkveac", "ob sPkveac", "ob sPkveac", "*", "*"),
    Fact.BID_COUNT: ("", "", "ob sPkveac", "ob sPkveac", "ob sPkveac", "ob sPkveac", "*", "*"),
    Fact.PARTICIPANTS: ("", "", "ob sPveac", "ob sPveac", "ob sPveac", "ob sPveac", "*", "*"),
    Fact.BIDDER: ("o", "o", "ob sPv", "ob sPveac", "ob sPveac", "ob sPveac", "*", "*"),
    Fact.TECHNICAL: ("o", "o", "o sPv", "o sPveac", "o sPveac", "o sPveac", "o sPveac", "o sPveac"),
    Fact.PRICE: ("o", "o", "ob sPv", "ob sPv", "ob sPv", "ob sPveac", "*", "*"),
    Fact.ELIGIBILITY: ("", "", "o sPv", "o sPv", "o sPv", "o sPv", "*", "*"),
    Fact.EXCLUSION_REQUEST: ("o", "o", "ov", "ov", "ov", "ov", "ov", "ov"),
    Fact.PANEL: ("sPv", "sPv", "sPv", "sPveac", "sPveac", "sPveac", "*", "*"),
    Fact.CONFLICTS: ("", "", "sPva", "sPva", "sPva", "sPva", "sPva", "sPva"),
    Fact.RECUSALS: ("", "", "sPv", "sPveac", "sPveac", "sPveac", "*", "*"),
    Fact.PROGRESS: ("", "", "", "sPvc", "sPvc", "sPvc", "sPvc", "sPvc"),
    Fact.SINGLE_SCORES: ("", "", "", "a", "sPveac", "sPveac", "sPveac", "sPveac"),
    Fact.COMMENTS: ("", "", "", "a", "sPveac", "sPveac", "sPveaco", "sPveaco"),
    Fact.TOTALS: ("", "", "", "", "", "sPveac", "*", "*"),
    Fact.RANKS: ("", "", "", "", "", "sPveac", "*", "*"),
    Fact.LETTER: ("", "", "", "", "", "", "osPv", "osPv"),
    Fact.OBJECTIONS: ("", "", "", "", "", "", "*", "*"),
    Fact.OBJECTION_TEXT: ("", "", "", "", "", "", "sPvj", "sPvj"),
    Fact.OBJECTOR: ("", "", "", "", "", "", "sPvj", "sPvj"),
    Fact.ANSWER: ("", "", "", "", "", "", "*", "*"),
}
PHASES = list(ORDER)


def _people(cell: str) -> set[Person]:
    return set(Person) if cell == "*" else {LETTERS[letter] for letter in cell.replace(" ", "")}


def test_the_grid_has_every_fact_and_phase() -> None:
    assert list(GRID) == list(Fact) == list(FROM)
    assert all(len(row) == len(PHASES) == 8 for row in GRID.values())


@pytest.mark.parametrize("person", Person)
@pytest.mark.parametrize("fact", Fact)
def test_every_cell(fact: Fact, person: Person) -> None:
    """357 pairs × 8 phases = 2,856 cells."""
    assert [may_know(fact, phase, person) for phase in PHASES] == [person in _people(cell) for cell in GRID[fact]]


def test_before_the_opening_nobody_learns_who_bid_or_how_many_did() -> None:
    for phase, fact in product((Phase.BIDDING, Phase.CLOSED), Fact):
        for person in set(Person) - {Person.OWNER}:
            allowed = fact is Fact.PANEL and person in (Person.SCREENER, Person.PUBLISHER, Person.SUPERVISOR)
            assert may_know(fact, phase, person) is allowed


def test_the_three_administrators_the_unit_and_finance_know_no_more_than_the_public() -> None:
    for fact, phase, public_scores in product(Fact, Phase, (True, False)):
        terms = Terms(public_scores=public_scores)
        for person in (Person.SYSADMIN, Person.SECADMIN, Person.AUDITADMIN, Person.UNIT, Person.FINANCE):
            assert may_know(fact, phase, person, terms) is may_know(fact, phase, Person.PUBLIC, terms)


@pytest.mark.parametrize("person", [Person.EXPERT, Person.AUTHOR, Person.CHAIR])
def test_blind_review_hides_the_bidder_from_the_panel_until_the_notice(person: Person) -> None:
    known = [may_know(Fact.BIDDER, phase, person, Terms(blind=True)) for phase in PHASES]
    assert known == [False] * 6 + [True] * 2
    assert may_know(Fact.PARTICIPANTS, Phase.OPENED, person, Terms(blind=True)), "the declaration page stays"


def test_two_steps_hide_the_price_until_technical_sheets_are_locked() -> None:
    terms = Terms(two_step=True)
    for person in (Person.SCREENER, Person.PUBLISHER, Person.SUPERVISOR, Person.BIDDER, Person.EXPERT):
        assert known_from(Fact.PRICE, person, terms) is Phase.RANKED
    assert known_from(Fact.PRICE, Person.OWNER, terms) is Phase.BIDDING


def test_scores_that_were_not_promised_stay_with_those_who_judge_and_the_bidder_himself() -> None:
    terms = Terms(public_scores=False)
    knowing = {person for person in Person if may_know(Fact.TOTALS, Phase.AWARDED, person, terms)}
    assert knowing == _people("osPveac")
    assert may_know(Fact.RANKS, Phase.NOTICE, Person.PUBLIC, terms)


def test_a_competition_destroyed_unopened_leaves_everybody_with_what_he_knew_of_himself() -> None:
    for fact, person in product(Fact, Person):
        assert may_know(fact, Phase.DESTROYED, person) is may_know(fact, Phase.BIDDING, person)


def test_a_lapse_leaves_knowledge_where_it_stood_and_gives_scored_bidders_their_letter() -> None:
    for reached in (Phase.OPENED, Phase.REVIEWING, Phase.LOCKED, Phase.RANKED):
        for fact, person in product(Fact, Person):
            lapsed = may_know(fact, Phase.LAPSED, person, reached=reached)
            letter = person is Person.OWNER and fact in (Fact.LETTER, Fact.COMMENTS)
            scored = reached in (Phase.LOCKED, Phase.RANKED)
            assert lapsed is (scored if letter else may_know(fact, reached, person))


@pytest.mark.parametrize(
    ("state", "facts", "phase"),
    [
        ("published", {"closed": False, "opened": False}, Phase.BIDDING),
        ("suspended", {"closed": False, "opened": False}, Phase.BIDDING),
        ("published", {"closed": True, "opened": False}, Phase.CLOSED),
        ("opened", {"closed": True, "opened": True}, Phase.OPENED),
        ("reviewing", {"closed": True, "opened": True}, Phase.REVIEWING),
        ("reviewing", {"closed": True, "opened": True, "locked": True}, Phase.LOCKED),
        ("reviewing", {"closed": True, "opened": True, "locked": True, "ranked": True}, Phase.RANKED),
        ("notice", {"closed": True, "opened": True}, Phase.NOTICE),
        ("awarded", {"closed": True, "opened": True}, Phase.AWARDED),
        ("completed", {"closed": True, "opened": True}, Phase.AWARDED),
        ("lapsed", {"closed": True, "opened": True}, Phase.LAPSED),
        ("lapsed", {"closed": True, "opened": False}, Phase.DESTROYED),
        ("withdrawn", {"closed": False, "opened": False}, Phase.DESTROYED),
    ],
)
def test_phase_of_a_demand(state: str, facts: dict[str, bool], phase: Phase) -> None:
    assert phase_of(state, **facts) is phase


def test_before_publication_there_is_nothing_to_know() -> None:
    with pytest.raises(ValueError, match="no competition"):
        phase_of("draft", closed=False, opened=False)
