"""The life of an award and what its end means for the demand."""

from datetime import UTC, datetime, timedelta
from itertools import product
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.awards import rules
from marketplace.awards.rules import AwardAction, AwardState, DemandEnd
from marketplace.platform import policy
from marketplace.platform.policy import SYSTEM, Actor
from marketplace.platform.working_days import seeded

MOVES = {
    ("proposed", "notice", "noticed"),
    ("proposed", "void", "void"),
    ("noticed", "confirm", "confirmed"),
    ("noticed", "void", "void"),
    ("confirmed", "take_up", "confirmed"),
    ("confirmed", "decline", "declined"),
    ("confirmed", "expire", "declined"),
    ("confirmed", "void", "void"),
    ("confirmed", "contract", "contracted"),
    ("contracted", "start", "executing"),
    ("contracted", "terminate", "terminated"),
    ("contracted", "eliminate", "eliminated"),
    ("executing", "request_acceptance", "accepting"),
    ("executing", "terminate", "terminated"),
    ("executing", "eliminate", "eliminated"),
    ("accepting", "demand_rectification", "rectifying"),
    ("accepting", "accept", "accepted"),
    ("accepting", "fail", "failed"),
    ("rectifying", "resubmit", "accepting"),
    ("accepted", "settle", "settled"),
}


@pytest.mark.parametrize(("state", "action"), list(product(AwardState, AwardAction)))
def test_every_state_and_action(state: AwardState, action: AwardAction) -> None:
    target = rules.TABLE.get((state, action))
    assert ((state, action, target) in MOVES) if target else all((state, action) != move[:2] for move in MOVES)


def test_ended_states_are_exactly_those_without_a_way_on() -> None:
    assert {state for state in AwardState if not any(at == state for at, _ in rules.TABLE)} == rules.ENDED
    assert (set(rules.STATE_LABELS), set(rules.ACTION_LABELS)) == (set(AwardState), set(AwardAction))


NOW = datetime(2026, 11, 30, 2, tzinfo=UTC)
LI, CHEN = Actor(id=1, roles=frozenset({("publisher", 9)})), Actor(id=2, roles=frozenset({("supervisor", 9)}))
WANG = Actor(id=3, roles=frozenset({("org_admin", 20), ("bidder", 20)}))
CAST = {
    "publisher": LI,
    "supervisor": CHEN,
    "winner": WANG,
    "colleague": Actor(id=4, roles=frozenset({("bidder", 20)})),
    "rival": Actor(id=5, roles=frozenset({("org_admin", 21)})),
    "system": SYSTEM,
    "visitor": Actor(),
}
READY = SimpleNamespace(
    organisation_id=20,
    take_up_ends_at=NOW + timedelta(days=1),
    notice_ends_at=NOW,
    is_not_taken_up=True,
    has_no_open_objection=True,
    notice_is_published=True,
    has_cause_to_void=True,
    no_award_is_contracted=True,
    award_proposed_by_id=99,
    void_proposed_by_id=99,
    substitute_proposed_by_id=99,
)
WHO_MAY = {
    "award.see": "publisher supervisor winner colleague rival",  # which, is the query's matter
    "award.substitute_desk": "publisher supervisor",
    "objection.remedy": "publisher",
    "award.notice": "publisher supervisor",
    "award.confirm": "publisher supervisor",
    "award.take_up": "winner",
    "award.decline": "winner",
    "award.expire": "",  # the time is not over
    "award.void": "supervisor",
    "award.propose_substitute": "publisher",
    "award.substitute": "supervisor",
}


@pytest.mark.parametrize("who", CAST)
@pytest.mark.parametrize("permission", WHO_MAY)
def test_who_may_do_what_when_everything_is_ready(permission: str, who: str) -> None:
    assert (policy.why_not(permission, CAST[who], READY, NOW) is None) is (who in WHO_MAY[permission].split())


def test_the_table_of_permissions_is_complete() -> None:
    assert set(WHO_MAY) == set(rules.GRANTS)


@pytest.mark.parametrize(
    ("permission", "actor", "change", "sentence"),
    [
        ("award.confirm", LI, {"notice_ends_at": NOW + timedelta(seconds=1)}, "公示期未满。"),
        ("award.confirm", LI, {"has_no_open_objection": False}, "还有异议未答复，暂不能定榜。"),
        ("award.confirm", LI, {"award_proposed_by_id": 1}, "定榜须由一人提出、另一人确认。"),
        ("award.take_up", WANG, {"take_up_ends_at": NOW}, "接受的期限已过。"),
        (
            "award.take_up",
            WANG,
            {"is_not_taken_up": False},
            "贵单位已经接受中榜，不能再接受或放弃；确有变化请联系主管部门。",
        ),
        ("award.void", CHEN, {"no_award_is_contracted": False}, "已有中榜项目签约，不能重新评审。"),
        ("award.void", CHEN, {"has_cause_to_void": False}, "没有成立的异议或更正，不能作废。"),
        ("award.substitute", CHEN, {"substitute_proposed_by_id": None}, "递补须由发榜负责人提出、监督员确认。"),
    ],
)
def test_the_reason_is_told(permission: str, actor: Actor, change: dict[str, object], sentence: str) -> None:
    assert policy.why_not(permission, actor, SimpleNamespace(**{**vars(READY), **change}), NOW) == sentence


def test_the_system_ends_what_was_not_taken_up_in_time() -> None:
    late = SimpleNamespace(**{**vars(READY), "take_up_ends_at": NOW})
    assert policy.allows("award.expire", SYSTEM, late, NOW)
    taken = SimpleNamespace(**{**vars(late), "is_not_taken_up": False})
    assert (
        policy.why_not("award.expire", SYSTEM, taken, NOW)
        == "贵单位已经接受中榜，不能再接受或放弃；确有变化请联系主管部门。"
    )


def test_the_winner_has_five_working_days() -> None:
    confirmed = datetime(2026, 11, 30, 2, tzinfo=UTC)  # Monday
    assert rules.take_up_ends_at(confirmed, seeded()) == datetime(2026, 12, 7, 9, tzinfo=UTC)


@given(st.lists(st.sampled_from(AwardState), max_size=5), st.booleans())
def test_how_a_demand_ends(states: list[AwardState], substitute_left: bool) -> None:
    end = rules.demand_end(states, substitute_left=substitute_left)
    all_ended = bool(states) and all(state in rules.ENDED for state in states)
    if end is not None:
        assert all_ended
    if end is DemandEnd.COMPLETE:
        assert AwardState.SETTLED in states
    if end is DemandEnd.LAPSE:
        assert AwardState.SETTLED not in states
    if all_ended and not substitute_left:
        assert end is not None, "nothing hangs for ever"


@pytest.mark.parametrize(
    ("states", "left", "end"),
    [
        ("", False, None),
        ("declined", True, None),
        ("declined", False, "lapse"),
        ("declined void", True, None),
        ("terminated", True, "lapse"),  # it was contracted: no substitute takes over
        ("failed eliminated", False, "lapse"),
        ("settled eliminated declined", False, "complete"),
        ("settled declined", True, "complete"),
        ("settled executing", False, None),
        ("confirmed declined", False, None),
    ],
)
def test_examples_of_ends(states: str, left: bool, end: str | None) -> None:
    assert rules.demand_end([AwardState(state) for state in states.split()], substitute_left=left) == end


@given(st.lists(st.sampled_from(AwardState), max_size=4), st.integers(1, 3))
def test_substitutes_fill_only_places_that_fell_through(states: list[AwardState], awards: int) -> None:
    alive = [state for state in states if state not in (AwardState.VOID, AwardState.DECLINED)]
    assert rules.vacancies(states, awards=awards) == max(0, awards - len(alive))
