"""Every state × every action × every member of the cast, against a grid written by hand from the description of the
product, not from the rules' own tables: what is not written here is refused, and a refusal changes nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from marketplace import db
from marketplace.accounts.queries import actor_of
from marketplace.demands.models import Demand, DemandProposal
from marketplace.demands.rules import Action, State
from marketplace.demands.service import MACHINE
from marketplace.platform.errors import Forbidden, Refused
from marketplace.platform.policy import SYSTEM, VISITOR
from marketplace.platform.workflow import offered, perform
from tests import factories
from tests.sizes import size

CAST = (*factories.PEOPLE, "visitor", "SYSTEM")
PUBLISHERS = {"publisher", "publisher2"}
SCREENERS = {"screener", "screener2"}

# Before the deadline, visible, screened by ``screener``, drafted by ``drafter``, nothing proposed.
# "state action": (who may, state afterwards)
BEFORE: dict[str, tuple[set[str], str]] = {
    "draft submit": ({"approver"}, "submitted"),
    "draft drop": ({"approver"}, "dropped"),
    "returned submit": ({"approver"}, "submitted"),
    "returned drop": ({"approver"}, "dropped"),
    "submitted recall": ({"approver"}, "draft"),
    "submitted return": (SCREENERS, "returned"),
    "submitted appraise": (SCREENERS, "appraising"),
    "appraising return": (PUBLISHERS, "returned"),
    "appraising reject": (PUBLISHERS, "rejected"),
    "appraising pool": (PUBLISHERS, "pooled"),
    "pooled return": (PUBLISHERS, "returned"),
    "pooled drop": (PUBLISHERS, "dropped"),
    "pooled publish": (PUBLISHERS, "published"),
    "published amend": (PUBLISHERS, "published"),
    "published extend": (PUBLISHERS, "published"),
    "published suspend": (PUBLISHERS, "suspended"),
    "published withdraw": (PUBLISHERS, "withdrawn"),
    "suspended resume": (PUBLISHERS, "published"),
    "suspended withdraw": (PUBLISHERS, "withdrawn"),
    "opened start_review": (PUBLISHERS, "reviewing"),
    "reviewing open_prices": ({"SYSTEM"}, "reviewing"),
    "awarded complete": ({"SYSTEM"}, "completed"),
}
# The deadline has passed, nothing proposed: only the system ends or opens, nobody changes or withdraws alone.
AFTER = {
    key: value
    for key, value in BEFORE.items()
    if key not in ("published amend", "published extend", "published suspend", "published withdraw")
} | {
    "published lapse": ({"SYSTEM"}, "lapsed"),
    "published open": ({"SYSTEM"}, "opened"),
    "opened lapse": ({"SYSTEM"}, "lapsed"),
    "reviewing lapse": ({"SYSTEM"}, "lapsed"),
    "awarded lapse": ({"SYSTEM"}, "lapsed"),
}
# What ``publisher`` has proposed, a second person may do; the proposer himself never.
CONFIRMED: dict[str, tuple[set[str], str]] = {
    "published withdraw": ({"supervisor"}, "withdrawn"),
    "published reopen": ({"supervisor"}, "published"),
    "suspended withdraw": ({"supervisor"}, "withdrawn"),  # beside the publishers: a pause holds the deadline back
    "opened lapse": ({"publisher2", "supervisor"}, "lapsed"),
    "reviewing lapse": ({"publisher2", "supervisor"}, "lapsed"),
    "reviewing announce": ({"publisher2", "supervisor"}, "notice"),
    "notice award": ({"publisher2", "supervisor"}, "awarded"),
    "notice re_review": ({"supervisor"}, "reviewing"),
    "notice void": ({"supervisor"}, "lapsed"),
    "awarded re_review": ({"supervisor"}, "reviewing"),
    "awarded substitute": ({"supervisor"}, "awarded"),
}
PLACES = {key for grid in (BEFORE, AFTER, CONFIRMED) for key in grid} | {"published call_back"}


@pytest.fixture
def cast(session) -> dict[str, Any]:
    people = {name: actor_of(factories.person(name)) for name in factories.PEOPLE}
    return people | {"visitor": VISITOR, "SYSTEM": SYSTEM}


class Thing(SimpleNamespace):
    """What the rules may ask of a demand, without a row: the grid has thousands of squares."""

    audit_subject = "demand:0"


@pytest.fixture
def thing(now: datetime, cast: dict[str, Any]):
    def make(state: State, *, closes_at: datetime, proposal: Any = None) -> Thing:
        return Thing(
            state=state,
            unit_id=factories.organisation("unit").id,
            drafter_id=cast["drafter"].id,
            screener_id=cast["screener"].id,
            screening_begun_at=None,
            visible_from=now - timedelta(days=2),
            closes_at=closes_at,
            open_proposal=proposal,
            released_at=None,
        )

    return make


def outcomes(make: Any, cast: dict[str, Any], now: datetime) -> dict[str, tuple[set[str], str]]:
    """The grid as the product really behaves: every square is tried, also those of the empty fields."""
    found: dict[str, tuple[set[str], str]] = {}
    reasons: set[str] = set()
    unmoved: set[bool] = set()
    for state in State:
        for action in Action:
            for name in CAST:
                subject = make(state, action)
                try:
                    perform(MACHINE, subject, action, actor=cast[name], now=now)
                except (Refused, Forbidden) as error:
                    reasons.add(error.sentence.strip())
                    unmoved.add(subject.state is state)
                    continue
                who, after = found.setdefault(f"{state} {action}", (set(), str(subject.state)))
                assert after == str(subject.state)
                who.add(name)
    assert "" not in reasons, "refused without a reason"
    assert unmoved == {True}
    return found


def test_before_the_deadline(thing, cast, now):
    assert outcomes(lambda state, _action: thing(state, closes_at=now + timedelta(days=9)), cast, now) == BEFORE


@pytest.mark.parametrize("late", [timedelta(0), timedelta(days=3)], ids=["at the deadline", "days after it"])
def test_after_the_deadline(thing, cast, now, late):
    assert outcomes(lambda state, _action: thing(state, closes_at=now - late), cast, now) == AFTER


def test_what_one_proposed_another_confirms(thing, cast, now):
    def make(state: State, action: Action) -> Thing:
        proposal = SimpleNamespace(action=action, proposed_by_id=cast["publisher"].id)
        return thing(state, closes_at=now - timedelta(days=1), proposal=proposal)

    expected = dict(AFTER)
    for key, (who, after) in CONFIRMED.items():
        expected[key] = (who | AFTER.get(key, (set(), ""))[0], after)
    assert outcomes(make, cast, now) == expected


def test_once_the_bids_are_being_opened_nobody_withdraws(thing, cast, now):
    proposal = SimpleNamespace(action=Action.WITHDRAW, proposed_by_id=cast["publisher"].id)
    subject = thing(State.PUBLISHED, closes_at=now - timedelta(days=1), proposal=proposal)
    subject.released_at = now
    with pytest.raises(Forbidden, match="保管人已共同释放"):
        perform(MACHINE, subject, Action.WITHDRAW, actor=cast["supervisor"], now=now)


def test_one_proposal_confirms_nothing_else(thing, cast, now):
    """A proposal to withdraw does not let anybody lapse, award or void."""

    def make(state: State, action: Action) -> Thing:
        other = Action.WITHDRAW if action is not Action.WITHDRAW else Action.LAPSE
        return thing(
            state,
            closes_at=now - timedelta(days=1),
            proposal=SimpleNamespace(action=other, proposed_by_id=cast["publisher"].id),
        )

    assert outcomes(make, cast, now) == AFTER


def test_until_it_is_visible_the_only_way_is_back(thing, cast, now):
    def make(state: State, _action: Action) -> Thing:
        subject = thing(state, closes_at=now + timedelta(days=30))
        subject.visible_from = now + timedelta(days=1)
        return subject

    found = {key: value for key, value in outcomes(make, cast, now).items() if key.startswith("published ")}
    assert found == {"published call_back": (PUBLISHERS, "pooled")}


def test_persons_who_touched_it_before(thing, cast, now):
    """Drafter ≠ approver of it; screener ≠ publisher of it; recalled only before the screening began."""
    own = thing(State.DRAFT, closes_at=now)
    own.drafter_id = cast["approver"].id
    with pytest.raises(Forbidden):
        perform(MACHINE, own, Action.SUBMIT, actor=cast["approver"], now=now)
    pooled = thing(State.POOLED, closes_at=now)
    pooled.screener_id = cast["publisher"].id
    with pytest.raises(Forbidden):
        perform(MACHINE, pooled, Action.PUBLISH, actor=cast["publisher"], now=now)
    perform(MACHINE, pooled, Action.PUBLISH, actor=cast["publisher2"], now=now)
    begun = thing(State.SUBMITTED, closes_at=now)
    begun.screening_begun_at = now
    with pytest.raises(Forbidden):
        perform(MACHINE, begun, Action.RECALL, actor=cast["approver"], now=now)


def test_buttons_offer_what_the_grid_has_a_place_for(thing, now, cast):
    for state in State:
        shown = {
            f"{state} {item.action}" for item in offered(MACHINE, thing(state, closes_at=now), actor=VISITOR, now=now)
        }
        assert shown == {key for key in PLACES if key.split()[0] == state}


# Over HTTP: the page of an act is 200 exactly for those the grid names, 403 with a reason for whoever sees the demand,
# 404 for whoever does not, and the sign-in page for visitors.
PAGES = {
    "submission": "submit", "recall": "recall", "return": "return", "appraisal": "appraise", "rejection": "reject",
    "pooling": "pool", "drop": "drop", "amendment": "amend", "extension": "extend", "suspension": "suspend",
    "resumption": "resume", "withdrawal": "withdraw",
}  # fmt: skip
MAKERS = ("draft", "submitted", "returned", "appraising", "pooled", "published", "suspended")
# Nobody has any of these pages there; tried by who could most, by everybody in ``make soak``.
ENDED_OR_OPENED = (
    "rejected",
    "dropped",
    "withdrawn",
    "lapsed",
    "opened",
    "reviewing",
    "notice",
    "awarded",
    "completed",
)
KINDS = {"publisher", "supervisor"}
UNSEEN = {"rejected", "dropped"}
INSIDE = {"drafter", "approver", "screener", "screener2", "publisher", "publisher2", "supervisor", "finance"}


DOUBLES = {"screener2", "publisher2", "custodian2", "custodian3", "secadmin2", "bidder_member"}  # roles tried already


@pytest.mark.parametrize("name", [*(name for name in factories.PEOPLE if name not in DOUBLES), "visitor"])
def test_pages_over_http(stage, sign_in, visitor, name):
    browser = visitor if name == "visitor" else sign_in(name)
    for maker in (*MAKERS, *(ENDED_OR_OPENED if name in KINDS or size(0, 1) else ())):
        demand = standing(stage, maker)
        before_publication = maker in MAKERS[:5] or maker in UNSEEN
        sees = not before_publication or (name in INSIDE and (maker != "draft" or name in ("drafter", "approver")))
        for noun, action in PAGES.items():
            page = browser.get(f"/demands/{demand.ref}/{noun}")
            square = BEFORE.get(f"{maker} {action}")
            if not sees:
                assert page.status == 404, (maker, noun)
            elif name == "visitor":
                assert "/sign-in" in page.response.location, (maker, noun)
            elif square is not None:
                assert page.status == (200 if name in square[0] else 403), (maker, noun)
                assert page.status == 200 or "。" in page.main
            else:
                before = demand.state
                answer = browser.post(f"/demands/{demand.ref}/{noun}", data=FILLED)
                assert answer.status in (403, 409, 422), (maker, noun, answer.status)
                assert demand.state is before


def standing(stage, maker: str) -> Demand:
    """A demand in that state; where bids and reviews would lead, its state alone is set."""
    title = f"逐格检查的需求：{maker}"
    if maker in MAKERS[:6]:
        demand: Demand = getattr(stage, maker)(title=title)
    else:
        demand = stage.appraising(title=title) if maker in UNSEEN else stage.published(title=title)
        demand.state = State(maker)
        demand.suspended_at = stage.now if maker == "suspended" else None
    db.session.commit()
    return demand


FILLED = {
    "reason": "逐格检查", "remark": "逐格检查", "fair_competition": "同意", "secrecy": "同意", "closes_on": "2027-12-01",
    "defects-0-text": "写清楚些", "changed": "改了期限",
}  # fmt: skip


def test_the_database_too_wants_two_people(stage, now):
    """Proposer and decider in one person fail a CHECK, whatever the code above would say."""
    demand = stage.published()
    proposal = DemandProposal(
        demand=demand, action=Action.WITHDRAW, reason="试", payload={},
        proposed_by_id=stage.actor("publisher").id, proposed_at=now,
    )  # fmt: skip
    db.session.add(proposal)
    db.session.flush()
    proposal.decided_by_id, proposal.decided_at, proposal.confirmed = proposal.proposed_by_id, now, True
    with pytest.raises(Exception, match=r"two_people|CHECK"):
        db.session.flush()
    db.session.rollback()
