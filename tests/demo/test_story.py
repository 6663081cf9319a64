"""The story of the demo can be played by the rules: order of events, deadlines, answers, everything in its place."""

from collections import Counter
from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest

from marketplace.demands import clocks
from marketplace.demands.content import DemandContent, diff
from marketplace.demo.content import demands, organisations, people, story
from marketplace.platform.working_days import Calendar, seeded

TODAY = date(2026, 11, 24)  # a Tuesday; the story is relative, this day is only where the tests stand
NOON = story.Moment(0, "12:00")
CALENDAR: Calendar = seeded()
PARTS = story.parts()
BATCHES = story.batches()
QUESTIONS = story.questions()
CHANGES = story.changes()
DEMANDS = demands(TODAY, published=story.published_days())
PEOPLE = people()


def of(kind: str) -> list[story.Change]:
    return [change for change in CHANGES if change.kind == kind]


def instant(when: story.Moment) -> datetime:
    return story.moment(TODAY, when)


def last_deadline(part: story.Part) -> story.Moment:
    assert part.closes is not None
    moved = [change.closes for change in CHANGES if change.demand == part.demand and change.closes is not None]
    return max([part.closes, *moved])


def test_every_demand_has_one_part() -> None:
    assert set(PARTS) == set(DEMANDS)


def test_the_cast_has_every_state() -> None:
    states = Counter(part.state for part in PARTS.values())
    assert states == {
        "draft": 4,
        "submitted": 6,
        "returned": 3,
        "appraising": 4,
        "rejected": 2,
        "pooled": 4,
        "scheduled": 2,
        "dropped": 2,
        "published": 43,
        "suspended": 2,
        "withdrawn": 2,
        "lapsed": 3,
    }
    assert {part.later for part in PARTS.values()} == {"", "opened", "reviewing", "notice", "awarded", "completed"}


def test_accepting_closing_soon_and_closed() -> None:
    published = [part for part in PARTS.values() if part.state == "published" and not part.later]
    days = [last_deadline(part).day for part in published]
    assert sum(day > 3 for day in days) >= 16
    assert sum(0 < day <= 2 for day in days) == 3
    assert sum(day < 0 for day in days) == 3
    assert max(days) == 30


def test_three_batches_the_last_one_still_open_and_a_list_that_waits_for_its_hour() -> None:
    assert [plan.published is not None for plan in BATCHES.values()] == [True, True, False, True]
    assert [plan.key for plan in BATCHES.values() if plan.visible is not None and plan.visible > NOON] == ["fourth"]
    for plan in BATCHES.values():
        assert plan.created < plan.collects_from < plan.collects_until < plan.assembled
        assert plan.published is None or plan.assembled < plan.published
        assert set(plan.invited) <= set(organisations())
        assert len(plan.theme) <= 60
        assert len(plan.call_text) >= 50
        assert plan.by in PEOPLE
        members = [part for part in PARTS.values() if part.batch == plan.key]
        assert len(members) >= (12 if plan.visible is None else 2)
        assert {DEMANDS[part.demand].unit for part in members} <= set(plan.invited)


@pytest.mark.parametrize("key", PARTS)
def test_stations_follow_each_other(key: str) -> None:
    part = PARTS[key]
    road = [part.created, part.submitted, part.appraised, part.pooled]
    plan = BATCHES.get(part.batch)
    if part.closes is not None:
        assert plan is not None
        road += [plan.published, plan.visible, last_deadline(part)]
    road += list(part.stations.values())
    seen = [station for station in road if station is not None]
    assert all(before <= after for before, after in pairwise(seen)), seen
    to_come = {last_deadline(part), plan.visible if plan else None} if part.closes else set()
    done = [station for station in seen if station not in to_come]
    assert all(station < NOON for station in done)
    assert not part.later or part.later in part.stations
    assert bool(part.reason) == (part.state in {"rejected", "dropped"})
    assert bool(part.dropped_from) == (part.state == "dropped")


@pytest.mark.parametrize("key", [key for key, part in PARTS.items() if part.closes])
def test_the_calendar_allows_the_deadline(key: str) -> None:
    part = PARTS[key]
    published = BATCHES[part.batch].listed
    assert published is not None
    assert part.closes is not None
    listed = CALENDAR.roll_on(TODAY + timedelta(days=published.day))
    closes = CALENDAR.round_up(instant(part.closes))
    known = clocks.effective_clocks()[DEMANDS[key].content.mode]
    at = story.moment(listed, story.Moment(0, published.time))
    assert clocks.why_not_deadline(known, published_at=at, deadline_at=closes, calendar=CALENDAR) is None
    content = DEMANDS[key].content
    assert content.deliver_by is not None
    assert content.deliver_by > TODAY + timedelta(days=part.closes.day)


def test_rounds_have_defects_in_known_fields() -> None:
    names = set(DemandContent.__dataclass_fields__)
    returned = {part.demand for part in PARTS.values() if part.state == "returned"}
    assert returned <= {item.demand for item in story.rounds()}
    for item in story.rounds():
        part = PARTS[item.demand]
        assert item.defects
        assert {defect.field for defect in item.defects} <= names
        assert part.submitted is not None
        assert part.submitted < item.returned
        if item.was:
            before = story.edited(DEMANDS[item.demand].content, item.was)
            assert len(diff(before, DEMANDS[item.demand].content)) >= 1
    assert all(part.resubmitted is None or part.state == "submitted" for part in PARTS.values())


def test_questions_are_many_and_asked_in_time() -> None:
    assert len(QUESTIONS) >= 40
    assert len({item.text for item in QUESTIONS}) == len(QUESTIONS)
    bidders = {key for key, item in organisations().items() if "bidder" in item.roles}
    for item in QUESTIONS:
        part = PARTS[item.demand]
        published = BATCHES[part.batch].published
        assert item.by in bidders
        assert item.by != DEMANDS[item.demand].unit
        assert published is not None
        assert published < item.asked < NOON
        known = clocks.effective_clocks()[DEMANDS[item.demand].content.mode]
        deadline = CALENDAR.round_up(instant(last_deadline(part)))
        assert instant(item.asked) < clocks.questions_close_at(known, deadline, CALENDAR), item.text


def test_answers_are_in_time_but_for_one_that_is_overdue() -> None:
    def due(item: story.Question) -> datetime:
        deadline = CALENDAR.round_up(instant(last_deadline(PARTS[item.demand])))
        return clocks.answer_due_at(asked_at=instant(item.asked), deadline_at=deadline, calendar=CALENDAR)

    late = [(item.demand, item.asked) for item in QUESTIONS if item.answered and instant(item.answered) > due(item)]
    assert late == []
    assert all(item.asked < item.answered < NOON for item in QUESTIONS if item.answered)
    assert all(bool(item.answer) == (item.answered is not None) for item in QUESTIONS)
    still_open = [item for item in QUESTIONS if not item.answer]
    assert len(still_open) >= 5
    assert [item.demand for item in still_open if due(item) < instant(NOON)] == ["parking"]


def test_changes_happen_while_the_demand_is_listed() -> None:
    kinds = Counter(change.kind for change in CHANGES)
    assert kinds["amendment"] >= 5
    assert kinds["extension"] >= 2
    for change in CHANGES:
        part = PARTS[change.demand]
        assert part.closes is not None
        published = BATCHES[part.batch].published
        assert published is not None
        assert published < change.when < NOON
        assert len(change.reason) >= 15 or change.kind == "republication"
        assert change.kind in {"lapse"} or change.by in PEOPLE
        if change.kind in {"amendment", "extension", "suspension", "withdrawal"}:
            assert change.when < last_deadline(part)


def test_each_ended_demand_says_why() -> None:
    for state, kind in (("withdrawn", "withdrawal"), ("suspended", "suspension"), ("lapsed", "lapse")):
        wanted = {part.demand for part in PARTS.values() if part.state == state}
        assert {change.demand for change in of(kind)} == wanted


@pytest.mark.parametrize("change", [*of("amendment"), *of("republication")], ids=lambda change: change.demand)
def test_edits_change_something_and_never_the_frozen(change: story.Change) -> None:
    before = DEMANDS[change.demand].content
    changed = {item.field for item in diff(before, story.edited(before, change.edits))}
    assert changed
    if change.kind == "amendment":
        assert not changed & {"score_sheet", "mode", "min_bids", "two_step", "blind", "award_count"}


def test_a_wrong_path_is_refused() -> None:
    content = DEMANDS["parking"].content
    with pytest.raises(KeyError):
        story.edited(content, (story.Edit("indicators.0.nothing", ""),))
    with pytest.raises(IndexError):
        story.edited(content, (story.Edit("indicators.99.name", ""),))
