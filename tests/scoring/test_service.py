"""Sheets from the first key to the lock, on a real database."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import select

from marketplace import db
from marketplace.accounts.queries import actor_of
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.panels import service as panels
from marketplace.panels.rules.seats import SeatState
from marketplace.platform import clock
from marketplace.platform.audit.models import AuditDetail
from marketplace.platform.errors import Conflict, Forbidden, Invalid, Refused
from marketplace.platform.files import LocalStorage
from marketplace.scoring import queries, service
from marketplace.scoring.models import Sheet, SheetVersion
from marketplace.scoring.rules.sheets import Entry, SheetState
from tests.bids.contents import complete
from tests.demands.conftest import Stage
from tests.panels import making
from tests.panels.making import actor, entry, expert, fill, panel_of, sheets_of


@pytest.fixture
def demand(stage: Stage, storage: LocalStorage) -> Demand:
    """In review: two bids, five members."""
    said = stage.draft().said
    return making.reviewing(stage, [complete(said, "firm"), complete(said, "rival")], storage=storage)


def counts(demand: Demand) -> dict[str, int]:
    found: dict[str, int] = {}
    for state in db.session.scalars(select(Sheet.state).where(Sheet.demand_id == demand.id)):
        found[str(state)] = found.get(str(state), 0) + 1
    return found


def test_the_review_begins_only_when_all_is_there(stage: Stage, storage: LocalStorage) -> None:
    said = stage.draft().said
    making.pool()
    from tests.bids import making as opening

    demand = opening.opened(stage, [complete(said, "firm"), complete(said, "rival")], storage=storage)
    now = clock.site_now()
    with pytest.raises(Refused, match=r"2份标书没有作出资格审查决定.*专家组还没有抽取"):
        service.start_review(demand, actor=actor("publisher"), now=now)
    making.admit_all(demand)
    panel = making.drawn(demand)
    with pytest.raises(Refused, match="还有5名专家未确认或未完成回避申报"):
        service.start_review(demand, actor=actor("publisher"), now=now)
    making.seat_members(panel)
    with pytest.raises(Forbidden, match="只有发榜负责人"):
        service.start_review(demand, actor=actor("screener"), now=now)
    service.start_review(demand, actor=actor("publisher"), now=now)
    assert demand.state is State.REVIEWING
    assert counts(demand) == {"draft": 10}
    assert [item.code for item in queries.review_bids(demand.id)] == ["B-01", "B-02"]


def test_codes_and_addresses_are_random(stage: Stage, storage: LocalStorage) -> None:
    """Given again and again, the first bidder is not always the first code, and no address comes twice."""
    said = stage.draft().said
    demand = making.reviewing(stage, [complete(said, "firm"), complete(said, "rival")], storage=storage)
    firsts, keys = set(), set()
    for _ in range(60):
        bids = queries.review_bids(demand.id)
        firsts.add(bids[0].bid.organisation.slug)
        keys |= {item.key for item in bids}
        for item in bids:
            db.session.delete(item)
        db.session.flush()
        service.give_codes(demand)
    assert firsts == {"firm", "rival"}
    assert len(keys) == 120


def test_a_draft_is_saved_and_another_tab_is_noticed(demand: Demand) -> None:
    sheet = sheets_of(panel_of(demand).counted_seats[0])[0]
    some = Entry({"plan": Decimal("15.5")}, {"plan": "路线可行"}, (True,))
    service.save(sheet, some, serial=0, actor=expert(sheet.seat), now=clock.site_now())
    assert sheet.entry.scores == {"plan": Decimal("15.5")}
    assert sheet.entry.proofs[0] is True
    assert set(sheet.entry.proofs[1:]) <= {None}
    assert sheet.serial == 1
    with pytest.raises(Conflict, match="另一个窗口"):
        service.save(sheet, Entry(), serial=0, actor=expert(sheet.seat), now=clock.site_now())
    with pytest.raises(Invalid, match="0到20之间"):
        service.save(sheet, Entry({"plan": Decimal(21)}), serial=1, actor=expert(sheet.seat), now=clock.site_now())
    assert sheet.entry.scores == {"plan": Decimal("15.5")}


def test_computed_criteria_are_never_typed(demand: Demand) -> None:
    sheet = sheets_of(panel_of(demand).counted_seats[0])[0]
    full = entry(demand)
    fill(sheet, replace(full, scores={**full.scores, "indicators": Decimal(30), "price": Decimal(10)}))
    assert set(sheet.entry.scores) == {"plan", "innovation", "team", "safety", "operation"}


def test_only_the_author_while_he_sits(demand: Demand) -> None:
    panel = panel_of(demand)
    one, two = panel.counted_seats[:2]
    sheet = sheets_of(one)[0]
    now = clock.site_now()
    for other in (expert(two), actor("publisher"), actor("bidder"), actor("screener")):
        with pytest.raises(Forbidden):
            service.save(sheet, entry(demand), serial=0, actor=other, now=now)
    service.abstain(one, reason="身体原因", actor=expert(one), now=now)
    with pytest.raises(Forbidden, match="不在本需求的专家组内"):
        service.save(sheet, entry(demand), serial=0, actor=actor_of(one.expert.user), now=now)


def test_zero_is_a_score_and_missing_is_not(demand: Demand) -> None:
    sheet = sheets_of(panel_of(demand).counted_seats[0])[0]
    full = entry(demand)
    without = {key: score for key, score in full.scores.items() if key != "team"}
    fill(sheet, replace(full, scores=without))
    assert sheet.missing == 1
    with pytest.raises(Forbidden, match="还有未填"):
        service.hand_in(sheet, actor=expert(sheet.seat), now=clock.site_now())
    fill(sheet, replace(full, scores={**full.scores, "team": Decimal(0)}))
    assert sheet.missing == 1  # 差 asks for a comment
    fill(sheet, replace(full, scores={**full.scores, "team": Decimal(0)}, comments={"team": "未列明任何人员"}))
    service.hand_in(sheet, actor=expert(sheet.seat), now=clock.site_now())
    assert sheet.state is SheetState.HANDED_IN


def test_an_empty_or_partial_list_never_closes(demand: Demand) -> None:
    panel = panel_of(demand)
    for seat in panel.counted_seats[:4]:
        for sheet in sheets_of(seat):
            fill(sheet, entry(demand))
        service.hand_in_all(sheets_of(seat), actor=expert(seat), now=clock.site_now())
    service.settle(demand, now=clock.site_now())
    assert counts(demand) == {"handed_in": 8, "draft": 2}
    last = panel.counted_seats[4]
    with pytest.raises(Invalid, match="还有2份评分表没有填完"):
        service.hand_in_all(sheets_of(last), actor=expert(last), now=clock.site_now())
    for sheet in sheets_of(last):
        fill(sheet, entry(demand))
        service.hand_in(sheet, actor=expert(last), now=clock.site_now())
    assert counts(demand) == {"locked": 10}
    assert queries.all_locked(demand.id)


def _all_but(demand: Demand, far: str = "0.2") -> Sheet:
    """Everybody gives 0.8 but one expert, on one bid and criterion; everything is handed in."""
    panel = panel_of(demand)
    for seat in panel.counted_seats:
        for number, sheet in enumerate(sheets_of(seat)):
            full = entry(demand)
            if seat is panel.counted_seats[0] and number == 0:
                weight = next(c.weight for c in demand.said.score_sheet.criteria if c.key == "plan")
                scores = {**full.scores, "plan": weight * Decimal(far)}
                full = replace(full, scores=scores, comments={"plan": "照搬通用方案，未结合现场"})
            fill(sheet, full)
    making.hand_in_all(demand)
    return sheets_of(panel.counted_seats[0])[0]


def test_the_check_flags_without_a_direction_and_waits(demand: Demand) -> None:
    sheet = _all_but(demand)
    assert (sheet.state, sheet.flags) == (SheetState.FLAGGED, ["plan"])
    assert counts(demand) == {"flagged": 1, "handed_in": 9}
    assert not queries.all_locked(demand.id)
    leaf = db.session.scalar(select(AuditDetail).where(AuditDetail.kind == "sheet.flag"))
    assert leaf is not None
    assert set(leaf.facts) == {"from", "to", "demand_id", "round", "entry"}


def test_confirming_takes_a_reason_and_locks_all(demand: Demand) -> None:
    sheet = _all_but(demand)
    with pytest.raises(Invalid, match="请写明理由"):
        service.confirm(sheet, reason="是", actor=expert(sheet.seat), now=clock.site_now())
    service.confirm(sheet, reason="确认方案脱离现场", actor=expert(sheet.seat), now=clock.site_now())
    assert counts(demand) == {"locked": 10}


def test_a_correction_touches_what_was_flagged_and_is_kept_with_what_was_before(demand: Demand) -> None:
    sheet = _all_but(demand)
    better = entry(demand)
    with pytest.raises(Invalid, match="只能更正"):
        service.correct(
            sheet,
            replace(better, scores={**better.scores, "team": Decimal(7)}),
            reason="重新核对了方案",
            actor=expert(sheet.seat),
            now=clock.site_now(),
        )
    service.correct(sheet, better, reason="重新核对了方案", actor=expert(sheet.seat), now=clock.site_now())
    assert counts(demand) == {"locked": 10}
    kept = list(db.session.scalars(select(SheetVersion).where(SheetVersion.sheet_id == sheet.id).order_by("number")))
    assert [(row.kind, row.content["scores"]["plan"]) for row in kept] == [("hand_in", "4.0"), ("correct", "16.0")]
    with pytest.raises(Refused, match="已锁定"):
        service.correct(sheet, better, reason="再改一次试试", actor=expert(sheet.seat), now=clock.site_now())


def test_a_recused_members_sheets_stay_and_the_substitute_scores_all(demand: Demand) -> None:
    panel = panel_of(demand)
    gone = panel.counted_seats[0]
    for sheet in sheets_of(gone):
        fill(sheet, entry(demand, "0.8"))
    service.hand_in_all(sheets_of(gone), actor=expert(gone), now=clock.site_now())
    panels.recuse(gone, reason="发现与揭榜单位有合作", actor=expert(gone), now=clock.site_now())
    new = next(seat for seat in panel.present_seats if seat.state is SeatState.INVITED)
    making.fill_all(demand)
    making.hand_in_all(demand)
    assert not queries.all_locked(demand.id)  # the seat is not taken yet
    panels.confirm(new, actor=expert(new), now=clock.site_now())
    service.declare(new, conflicts=(), statement="", actor=expert(new), now=clock.site_now())
    assert len(sheets_of(new)) == 2
    for sheet in sheets_of(new):
        fill(sheet, entry(demand))
    service.hand_in_all(sheets_of(new), actor=expert(new), now=clock.site_now())
    assert queries.all_locked(demand.id)
    assert [sheet.state for sheet in sheets_of(gone)] == [SheetState.HANDED_IN] * 2
    assert gone.id not in {sheet.seat_id for sheet in queries.that_count(demand.id)}


def test_another_round_leaves_the_first_on_record(demand: Demand) -> None:
    making.fill_all(demand)
    making.hand_in_all(demand)
    service.begin_round(demand, now=clock.site_now())
    assert counts(demand) == {"locked": 10, "draft": 10}
    assert not queries.all_locked(demand.id)
