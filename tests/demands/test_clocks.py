"""The clocks of product.md §2.3, over the calendar of 2026 and the provisional one of 2027."""

from dataclasses import astuple
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.demands import clocks
from marketplace.demands.clocks import FLOORS, BadClocks, effective_clocks
from marketplace.platform.working_days import BEIJING, UnknownYear, beijing_day, seeded

CALENDAR = seeded()
INSTANTS = st.datetimes(datetime(2026, 1, 5), datetime(2027, 6, 1), timezones=st.just(UTC))
MODES = st.sampled_from(list(FLOORS.values()))


def at(month, day, hour=9, minute=0, year=2026):
    return datetime(year, month, day, hour, minute, tzinfo=BEIJING)


def test_the_table_of_the_paper():
    assert [astuple(row) for row in FLOORS.values()] == [
        ("procurement", 20, 15, 3, 5, 5),
        ("enterprise", 15, 5, 1, 5, 3),
        ("subsidy", 20, 5, 1, 5, 5),
        ("trial", 10, 3, 1, 5, 2),
        ("cooperation", 20, 5, 1, 5, 5),
        ("opening", 10, 3, 1, 5, 2),
    ]
    assert list(clocks.MODES) == list(FLOORS)


def test_only_four_figures_of_procurement_are_law():
    figures = [*clocks.FIGURES, "objection_working_days", "answer_working_days", "contract_days"]
    law = {(mode, figure) for mode in FLOORS for figure in figures if clocks.source(mode, figure) != "平台规则"}
    assert law == {
        ("procurement", "bidding_days"),
        ("procurement", "amendment_days"),
        ("procurement", "min_bids"),
        ("procurement", "objection_working_days"),
    }


def test_a_raised_figure_is_not_printed_as_law():
    assert clocks.source("procurement", "bidding_days", 20) == "《政府采购法》第三十五条"
    assert clocks.source("procurement", "bidding_days", 25) == "平台规则（法定下限20，《政府采购法》第三十五条）"
    assert clocks.source("subsidy", "bidding_days", 20) == "平台规则"


def test_figures_go_up_and_never_below():
    raised = effective_clocks({"trial": {"bidding_days": 12, "min_bids": 2}})
    assert astuple(raised["trial"]) == ("trial", 12, 3, 2, 5, 2)
    assert raised["opening"] == FLOORS["opening"]
    assert effective_clocks() == FLOORS
    with pytest.raises(
        BadClocks, match=r"政府采购的“揭榜期不少于（日）”不能低于20（《政府采购法》第三十五条），只能上调。"
    ):
        effective_clocks({"procurement": {"bidding_days": 19}})
    with pytest.raises(BadClocks, match="平台规则"):
        effective_clocks({"trial": {"notice_working_days": 4}})
    with pytest.raises(BadClocks, match="最多设为"):
        effective_clocks({"trial": {"bidding_days": 1000}})


@pytest.mark.parametrize("overrides", [{"gift": {"bidding_days": 20}}, {"trial": {"mode": 3}}, {"trial": {"x": 3}}])
def test_unknown_figures_are_refused(overrides):
    with pytest.raises(BadClocks, match="没有"):
        effective_clocks(overrides)


@pytest.mark.parametrize(
    ("mode", "published", "deadline"),
    [
        ("procurement", at(11, 3), at(11, 23, 17)),
        ("procurement", at(11, 3, 23, 59), at(11, 23, 17)),
        ("subsidy", at(11, 1), at(11, 23, 17)),  # the 21st is a Saturday
        ("enterprise", at(11, 23), at(12, 8, 17)),
        ("trial", at(11, 23), at(12, 3, 17)),
        ("procurement", at(12, 20), at(1, 11, 17, year=2027)),
        # 2026-02-13 is the last working day but one before the Spring Festival: ten days end in it, roll to the 24th,
        # and questions would close on the 13th; three working days (14th, 24th, 25th) push the deadline to the 27th.
        ("trial", at(2, 13), at(2, 27, 17)),
    ],
)
def test_first_possible_deadline(mode, published, deadline):
    first = clocks.first_possible_deadline(FLOORS[mode], published, CALENDAR)
    assert first == deadline
    assert first.tzinfo is UTC


def test_an_early_deadline_is_refused_with_the_source_and_the_first_possible_one():
    def why_not(deadline):
        return clocks.why_not_deadline(
            FLOORS["procurement"], published_at=at(11, 3), deadline_at=deadline, calendar=CALENDAR
        )

    assert why_not(at(11, 22, 17)) == (
        "政府采购的揭榜期不少于20日（《政府采购法》第三十五条），最早可设为2026年11月23日17:00。"
    )
    assert why_not(at(11, 23, 17) - timedelta(seconds=1)) is not None
    assert why_not(at(11, 23, 17)) is None
    assert why_not(at(11, 25, 12)) is None


def test_too_little_time_for_questions_is_refused_with_a_later_deadline():
    reason = clocks.why_not_deadline(
        FLOORS["trial"], published_at=at(2, 13), deadline_at=at(2, 24, 17), calendar=CALENDAR
    )
    assert reason == "按此截止时间，提问期只有0个工作日，少于3个（平台规则），最早可设为2026年2月27日17:00。"


@given(MODES, INSTANTS)
def test_the_first_possible_deadline_is_allowed_and_the_working_day_before_is_not(mode, published):
    first = clocks.first_possible_deadline(mode, published, CALENDAR)
    earlier = clocks.close_of(CALENDAR.subtract_working_days(beijing_day(first), 1))

    def why_not(deadline):
        return clocks.why_not_deadline(mode, published_at=published, deadline_at=deadline, calendar=CALENDAR)

    assert why_not(first) is None
    assert why_not(earlier) is not None
    assert CALENDAR.is_working_day(beijing_day(first))
    assert beijing_day(first) - beijing_day(published) >= timedelta(days=mode.bidding_days)


def test_a_deadline_beyond_the_known_years_is_refused():
    with pytest.raises(UnknownYear, match="2028年"):
        clocks.first_possible_deadline(FLOORS["procurement"], at(12, 20, year=2027), CALENDAR)


def test_questions_close():
    assert clocks.questions_close_at(FLOORS["procurement"], at(12, 8, 17), CALENDAR) == at(12, 1, 17)
    assert clocks.questions_close_at(FLOORS["trial"], at(10, 9, 17), CALENDAR) == at(9, 30, 17)


@pytest.mark.parametrize(
    ("mode", "amended", "before", "after"),
    [
        ("procurement", at(11, 20), at(12, 8, 17), at(12, 8, 17)),  # 18 days left: stays
        ("procurement", at(11, 23), at(12, 8, 17), at(12, 8, 17)),  # exactly 15
        ("procurement", at(11, 24), at(12, 8, 17), at(12, 9, 17)),
        ("enterprise", at(12, 7), at(12, 8, 17), at(12, 14, 17)),  # the 12th is a Saturday
        ("trial", at(12, 8, 16, 59), at(12, 8, 17), at(12, 11, 17)),
    ],
)
def test_an_amendment_moves_the_deadline_on_only_when_too_little_time_is_left(mode, amended, before, after):
    moved = clocks.deadline_after_amendment(FLOORS[mode], amended_at=amended, deadline_at=before, calendar=CALENDAR)
    assert moved == after
    assert moved.tzinfo is UTC


@pytest.mark.parametrize(
    ("suspended", "resumed", "deadline"),
    [
        (at(11, 25, 10), at(11, 25, 10), at(12, 8, 17)),
        (at(11, 25, 10), at(11, 27, 9), at(12, 10, 17)),  # 1 day 23 hours: the 10th at 16:00, rounded up
        (at(11, 25, 10), at(11, 27, 11), at(12, 11, 17)),
        (at(11, 25, 10), at(11, 28, 11), at(12, 14, 17)),  # Saturday, rolls to Monday
    ],
)
def test_a_pause_is_added_and_rounded_up(suspended, resumed, deadline):
    assert (
        clocks.deadline_after_pause(
            deadline_at=at(12, 8, 17), suspended_at=suspended, resumed_at=resumed, calendar=CALENDAR
        )
        == deadline
    )


def test_a_pause_is_not_negative():
    with pytest.raises(ValueError, match="after it was suspended"):
        clocks.deadline_after_pause(
            deadline_at=at(12, 8, 17), suspended_at=at(11, 25), resumed_at=at(11, 24), calendar=CALENDAR
        )


@pytest.mark.parametrize(
    ("asked", "deadline", "due"),
    [
        (at(11, 20), at(12, 8, 17), at(11, 25, 17)),
        (at(11, 21), at(12, 8, 17), at(11, 25, 17)),  # asked on a Saturday
        (at(12, 4), at(12, 8, 17), at(12, 7, 17)),  # at least one working day before the deadline
    ],
)
def test_answers(asked, deadline, due):
    assert clocks.answer_due_at(asked_at=asked, deadline_at=deadline, calendar=CALENDAR) == due


def test_the_notice_runs_to_midnight_of_its_last_working_day():
    assert clocks.notice_ends_at(FLOORS["subsidy"], at(11, 20), CALENDAR) == at(11, 28, 0)
    assert clocks.notice_ends_at(FLOORS["subsidy"], at(9, 28), CALENDAR) == at(10, 11, 0)  # ends on a worked Saturday


def test_contract_and_objection():
    assert clocks.contract_due_at(at(11, 20), CALENDAR) == at(12, 21, 17)  # the 20th is a Sunday
    assert clocks.objection_answer_due_at(at(11, 20), CALENDAR) == at(12, 1, 17)


@pytest.mark.parametrize(
    ("left", "phase"),
    [
        (timedelta(days=4), "open"),
        (timedelta(hours=72), "open"),
        (timedelta(hours=72) - timedelta(microseconds=1), "closing"),
        (timedelta(microseconds=1), "closing"),
        (timedelta(0), "closed"),
        (-timedelta(days=1), "closed"),
    ],
)
def test_phases_follow_the_clock_exactly(left, phase):
    deadline = at(12, 8, 17)
    assert clocks.phase(deadline, now=deadline - left) == phase
    assert clocks.PHASES[phase].zh
