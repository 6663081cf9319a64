"""Who has finished, the ranking and its versions, the draw of ties, corrections, disqualification, the report."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal as D

import pytest
from sqlalchemy import select

from marketplace import db
from marketplace.bids.rules import BidState
from marketplace.panels.rules.seats import SeatState
from marketplace.platform import audit
from marketplace.platform.errors import Forbidden, Invalid, Refused, TooLate
from marketplace.results import queries, service
from marketplace.results.models import Ranking
from marketplace.results.rules import Cause, Pace, ReportState, forecast
from marketplace.scoring.models import Sheet
from marketplace.scoring.rules.sheets import SheetState
from marketplace.scoring.service.sheets import who_is_missing
from tests.demands.conftest import Stage
from tests.results.making import Review, actor


def order(ranking: Ranking | None) -> list[int]:
    assert ranking is not None
    return [line.bid_id for line in ranking.lines if line.rank is not None]


def test_a_locked_review_is_ranked_and_replays(review: Review) -> None:
    ranking = review.score_all()
    assert ranking is not None
    assert order(ranking) == [bid.id for bid in review.bids]
    assert (ranking.number, ranking.cause) == (1, Cause.LOCKED)
    again = service.replay(queries.with_lines(ranking.id) or ranking)
    assert again.same
    assert [line.total for line in again.ranking.lines] == [line.total for line in ranking.lines]
    assert ranking.log_seq is not None
    assert service.proceed(review.demand, now=review.now) is None, "once is enough"


def test_nothing_is_ranked_while_a_sheet_is_missing_and_the_page_names_it(review: Review) -> None:
    review.score(review.bids[0], 0, review.entry(D("0.9")))
    assert service.proceed(review.demand, now=review.now) is None
    with pytest.raises(Refused, match="还缺B-"):
        service.compute(review.demand, cause=Cause.LOCKED, actor=actor("publisher"), now=review.now)
    assert len(who_is_missing(review.demand.id)) == 14


def test_a_tampered_record_is_noticed(review: Review) -> None:
    ranking = review.score_all()
    assert ranking is not None
    full = queries.with_lines(ranking.id)
    assert full is not None
    full.record = full.record.replace(b'"plan":"', b'"plan":"1', 1)
    with pytest.raises(Refused, match="指纹不符"):
        service.replay(full)


def test_a_tie_waits_for_a_witnessed_draw(stage: Stage) -> None:
    review = Review(stage, bids=3, prices=(100, 100, 300))
    ranking = review.score_all({0: D("0.8"), 1: D("0.8"), 2: D("0.7")})
    assert ranking is not None
    assert [len(group) for group in ranking.undecided] == [2]
    with pytest.raises(Refused, match="抽签"):
        service.open_report(review.demand, actor=actor("publisher"), now=review.now)
    with pytest.raises(Forbidden):
        service.draw_ties(review.demand, number="20261123", actor=actor("publisher"), now=review.now)
    with pytest.raises(Invalid, match="4至20位"):
        service.draw_ties(review.demand, number="abc", actor=actor("supervisor"), now=review.now)
    drawn = service.draw_ties(review.demand, number="2026 1123", actor=actor("supervisor"), now=review.now)
    db.session.commit()
    assert (drawn.number, drawn.cause, drawn.undecided) == (2, Cause.DRAW, [])
    row = queries.tie_draw(review.demand.id, 1)
    assert row is not None
    assert row.number == "20261123"
    assert queries.with_lines(drawn.id).inputs["tie_seed"] == row.seed  # type: ignore[union-attr]
    assert service.replay(queries.with_lines(drawn.id) or drawn).same
    with pytest.raises(Refused, match="没有需要抽签"):
        service.draw_ties(review.demand, number="20261124", actor=actor("supervisor"), now=review.now)


def test_a_disqualification_needs_two_and_ranks_again(review: Review) -> None:
    first = review.score_all()
    with pytest.raises(Invalid, match="不少于5个字"):
        service.propose_out(
            review.demand, review.bids[0], code="Z-11", reason="假", actor=actor("publisher"), now=review.now
        )
    out = service.propose_out(
        review.demand, review.bids[0], code="Z-11", reason="检测报告系伪造。", actor=actor("publisher"), now=review.now
    )
    with pytest.raises(Forbidden):
        service.confirm_out(out, review.demand, actor=actor("publisher2"), now=review.now)
    with pytest.raises(Refused, match="等监督员"):
        service.open_report(review.demand, actor=actor("publisher"), now=review.now)
    service.confirm_out(out, review.demand, actor=actor("supervisor"), now=review.now)
    db.session.commit()
    second = queries.latest(review.demand.id)
    assert second is not None
    assert first is not None
    assert (second.number, second.cause) == (2, Cause.DISQUALIFIED)
    assert second.hash != first.hash
    assert order(second) == [bid.id for bid in review.bids[1:]]
    assert review.bids[0].state is BidState.VOID
    assert [item.number for item in queries.rankings(review.demand.id)] == [2, 1], "the old one is kept"


def test_a_disqualification_may_be_the_last_thing_a_review_waits_for(review: Review) -> None:
    for bid in review.bids[1:]:
        for expert in range(5):
            review.score(bid, expert, review.entry(D("0.8")))
    out = service.propose_out(
        review.demand, review.bids[0], code="Z-12", reason="与另一家串通。", actor=actor("publisher"), now=review.now
    )
    service.confirm_out(out, review.demand, actor=actor("supervisor"), now=review.now)
    assert queries.is_locked(review.demand.id)
    assert order(service.proceed(review.demand, now=review.now)) == [bid.id for bid in review.bids[1:]]


def test_the_supervisor_may_refuse_a_disqualification(review: Review) -> None:
    out = service.propose_out(
        review.demand, review.bids[0], code="Z-11", reason="检测报告存疑。", actor=actor("publisher"), now=review.now
    )
    service.refuse_out(out, review.demand, reason="证据不足，不予确认。", actor=actor("supervisor"), now=review.now)
    assert review.bids[0].state is BidState.ELIGIBLE
    assert queries.outs(review.demand.id) == {}


def test_a_correction_is_chair_and_supervisor_and_a_new_version(review: Review) -> None:
    first = review.score_all()
    sheet = review.sheet(review.bids[0], 2)
    key = next(iter(sheet.entry.scores))
    with pytest.raises(Forbidden):
        service.propose_mend(
            sheet,
            scores={key: D("1")},
            code="arithmetic",
            reason="加错了一行。",
            actor=actor("expert3"),
            now=review.now,
        )
    with pytest.raises(Invalid, match="四类"):
        service.propose_mend(
            sheet, scores={key: D("1")}, code="mood", reason="加错了一行。", actor=actor("expert1"), now=review.now
        )
    mend = service.propose_mend(
        sheet, scores={key: D("1")}, code="arithmetic", reason="加错了一行。", actor=actor("expert1"), now=review.now
    )
    with pytest.raises(Forbidden):
        service.decide_mend(mend, agreed=True, actor=actor("publisher"), now=review.now)
    service.decide_mend(mend, agreed=True, actor=actor("supervisor"), now=review.now)
    db.session.commit()
    second = queries.latest(review.demand.id)
    assert second is not None
    assert first is not None
    assert (second.cause, second.number) == (Cause.CORRECTED, 2)
    assert sheet.entry.scores[key] == D("1")
    assert [item.kind for item in sheet.versions][-1] == "mend"
    assert sheet.state is SheetState.LOCKED
    with pytest.raises(Refused, match="已经处理"):
        service.decide_mend(mend, agreed=True, actor=actor("supervisor"), now=review.now)


def test_a_refused_correction_changes_nothing(review: Review) -> None:
    review.score_all()
    sheet = review.sheet(review.bids[0], 2)
    before = dict(sheet.content)
    key = next(iter(sheet.entry.scores))
    mend = service.propose_mend(
        sheet, scores={key: D("1")}, code="objective", reason="口径不一致。", actor=actor("expert1"), now=review.now
    )
    service.decide_mend(mend, agreed=False, reason="不属于四类错误。", actor=actor("supervisor"), now=review.now)
    assert sheet.content == before
    assert [item.number for item in queries.rankings(review.demand.id)] == [1]


def test_the_chair_signs_first_and_everybody_must(review: Review) -> None:
    review.score_all()
    report = service.open_report(review.demand, actor=actor("publisher"), now=review.now)
    with pytest.raises(Refused, match="组长先签"):
        service.sign(report, actor=actor("expert2"), now=review.now)
    with pytest.raises(Forbidden):
        service.sign(report, actor=actor("publisher"), now=review.now)
    service.sign(report, actor=actor("expert1"), now=review.now)
    with pytest.raises(Refused, match="已经签署"):
        service.sign(report, actor=actor("expert1"), now=review.now)
    for number in (2, 3, 4):
        service.sign(
            report,
            dissent="对第二名的方案可行性有保留。" if number == 2 else "",
            actor=actor(f"expert{number}"),
            now=review.now,
        )
    assert report.state is ReportState.SIGNING
    service.sign(report, actor=actor("expert5"), now=review.now)
    assert report.state is ReportState.SIGNED
    assert [item.dissent for item in report.signatures if item.dissent] == ["对第二名的方案可行性有保留。"]


def test_a_later_ranking_overtakes_the_report(review: Review) -> None:
    review.score_all()
    review.sign_all()
    service.compute(review.demand, cause=Cause.CORRECTED, actor=actor("publisher"), now=review.now)
    db.session.expire_all()
    report = queries.report(review.demand.id)
    assert report is not None
    assert report.state is ReportState.OVERTAKEN


def test_a_reminder_goes_out_once_a_day_to_who_is_missing(review: Review) -> None:
    for bid in review.bids:
        review.score(bid, 0, review.entry(D("0.8")))
    sent = service.remind(review.demand, actor=actor("screener"), now=review.now)
    assert sent.people == 4
    with pytest.raises(TooLate, match="今天已经催办"):
        service.remind(review.demand, actor=actor("publisher"), now=review.now + timedelta(minutes=1))
    service.remind(review.demand, actor=actor("publisher"), now=review.now + timedelta(days=1))
    with pytest.raises(Forbidden):
        service.remind(review.demand, actor=actor("expert1"), now=review.now + timedelta(days=2))


def test_the_dashboard_says_who_and_how_far(review: Review) -> None:
    for bid in review.bids[:2]:
        review.score(bid, 0, review.entry(D("0.8")))
    found = queries.members(review.demand.id, expected=3)
    assert [(item.number, item.pace.done) for item in found][:2] == [("01", 2), ("02", 0)]
    assert found[0].chair
    page = queries.bid_page(
        review.demand.id, queries.Filters(), seats=[item.seat_id for item in found], ranking_id=None
    )
    assert page.total == 3
    assert [(row.code, len(row.missing)) for row in page.rows] == [("B-01", 4), ("B-02", 4), ("B-03", 5)]
    rest = queries.Filters(show="done")
    assert queries.bid_page(review.demand.id, rest, seats=[found[0].seat_id], ranking_id=None).total == 2
    named = queries.Filters(q="中原云图")
    assert queries.bid_page(review.demand.id, named, seats=[], ranking_id=None).total == 1


def test_the_forecast_follows_the_pace(now: datetime) -> None:
    began = now - timedelta(hours=4)
    assert forecast(Pace(2, 4, began), now=now) == now + timedelta(hours=4)
    assert forecast(Pace(0, 4, began), now=now) is None
    assert forecast(Pace(4, 4, began), now=now) is None


def test_everything_is_in_the_log(review: Review) -> None:
    review.score_all()
    review.sign_all()
    db.session.commit()
    kinds = set(db.session.scalars(select(audit.AuditDetail.kind)))
    assert {"ranking.compute", "report.open", "report.sign", "review.lock", "sheet.hand_in"} <= kinds
    assert db.session.scalar(select(Sheet).where(Sheet.state != SheetState.LOCKED)) is None


def test_the_count_in_sql_says_what_the_rules_say(review: Review) -> None:
    """``is_locked`` counts; ``scoring.queries.all_locked`` compares sets. They agree at every step of a review."""
    from marketplace.scoring.queries import all_locked

    assert queries.is_locked(review.demand.id) is all_locked(review.demand.id) is False
    for bid in review.bids:
        for expert in range(5):
            review.score(bid, expert, review.entry(D("0.8")))
            assert queries.is_locked(review.demand.id) is all_locked(review.demand.id)
    assert all_locked(review.demand.id)
    seat = review.panel.counted_seats[0]
    seat.state = SeatState.RECUSED
    db.session.flush()
    db.session.expire_all()
    assert queries.is_locked(review.demand.id) is all_locked(review.demand.id) is False, "a seat is vacant"
