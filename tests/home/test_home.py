"""The front page counts what is public and no more, in the same number of queries however much there is."""

from __future__ import annotations

from datetime import timedelta

from marketplace import db
from marketplace.awards import service as awards
from marketplace.demands import service
from marketplace.home import queries
from marketplace.platform import clock
from marketplace.questions import service as questions
from tests.demands.conftest import now, stage
from tests.results.making import Review

__all__ = ["now", "stage"]
TEXT = "泊位传感器能否利用既有的立杆取电？"


def test_the_funnel_counts_how_far_each_demand_has_come(stage, visitor):
    stage.draft()
    stage.submitted()
    stage.appraising()
    stage.pooled()
    stage.published()
    db.session.commit()
    assert queries.funnel(stage.now) == [("征集", 4), ("论证", 3), ("入库", 2), ("张榜", 1)]
    page = visitor.get("/")
    assert page.has("办成了多少")
    assert page.has("征集4项")
    assert page.has("张榜150%")


def test_news_of_every_kind_and_nothing_before_its_hour(stage, visitor):
    quiet = stage.pooled(title="还没有公布的停车诱导需求")
    demand = stage.published()
    asked = questions.ask(demand, text=TEXT, actor=stage.actor("bidder"), now=stage.now)
    db.session.commit()
    kinds = [item.kind for item in queries.news(stage.now, 6)]
    assert kinds == ["batch"]
    questions.answer(asked, text="可以，立杆荷载见附件三。", actor=stage.actor("screener"), now=stage.now)
    service.suspend(demand, reason="点位待定", actor=stage.actor("publisher"), now=stage.now)
    db.session.commit()
    found = queries.news(stage.now, 6)
    assert sorted(item.kind for item in found) == ["answer", "batch", "suspended"]
    page = visitor.get("/")
    assert page.has("答疑")
    assert page.has("暂停")
    assert not page.has(quiet.title)


def test_notice_and_award_are_news_and_lead_to_the_notice(stage, visitor):
    awards.install()
    review = Review(stage)
    review.score_all()
    assert {item.kind for item in queries.news(review.now, 6)} == {"batch"}
    notice = review.announced()
    assert [item.kind for item in queries.news(review.now, 6)] == ["notice", "batch"]
    review.awarded_of(notice)
    assert [item.kind for item in queries.news(review.now, 6)] == ["awarded", "notice", "batch"]
    clock.move_to(review.now)
    db.session.commit()
    page = visitor.get("/")
    assert page.html.xpath(f"//a[@href='/notices/{notice.id}']/preceding-sibling::span/text()") == ["定榜", "公示"]


def test_answers_are_counted_by_their_due_day(stage):
    demand = stage.published()
    first = questions.ask(demand, text=TEXT, actor=stage.actor("bidder"), now=stage.now)
    questions.ask(demand, text=TEXT + "另一问", actor=stage.actor("rival"), now=stage.now)
    questions.answer(first, text="可以，立杆荷载见附件三。", actor=stage.actor("screener"), now=stage.now)
    assert queries.answers_kept(stage.now) == (1, 1, 0)
    later = first.due_at + timedelta(minutes=1)
    assert queries.answers_kept(later) == (2, 1, 1)
    assert queries.answers_kept(later + timedelta(days=366)) == (0, 0, 0)


def test_how_far_all_came_is_counted_once_a_minute(stage, count_queries):
    stage.published()
    db.session.commit()
    count_queries.clear()
    first = queries.funnel_this_minute(stage.now.replace(second=1))
    stage.published()
    assert queries.funnel_this_minute(stage.now.replace(second=59)) == first
    assert len([said for said in count_queries if "appraising_at IS NOT NULL" in said]) == 1
    later = queries.funnel_this_minute(stage.now + timedelta(minutes=1))
    assert dict(later)["入库"] == 2 * dict(first)["入库"]


def test_queries_do_not_grow_with_the_list(stage, visitor, count_queries):
    def asked() -> int:
        count_queries.clear()
        queries.forget()
        assert visitor.get("/").status == 200
        return len(count_queries)

    stage.published()
    db.session.commit()
    clock.site_now()
    few = asked()
    for _number in range(8):
        stage.published()
    db.session.commit()
    assert asked() == few <= 9
