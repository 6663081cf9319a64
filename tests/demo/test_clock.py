"""The demo clock's "next": to the nearest instant at which something public changes by the clock alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from marketplace import db
from marketplace.awards import service as awards
from marketplace.platform import clock
from tests.client import Client
from tests.demands.conftest import Stage, now, stage
from tests.results.making import Review

__all__ = ["now", "stage"]
SECOND = timedelta(seconds=1)


def test_next_is_questions_then_deadline_then_a_day(stage: Stage, sign_in: Callable[[str], Client]) -> None:
    demand = stage.published()
    db.session.commit()
    browser = sign_in("drafter")
    for column, word in (("questions_close_at", "截止提问"), ("closes_at", "截止揭榜")):
        page = browser.post("/demo/clock", {"to": "next", "next": "/help"}, follow=True)
        assert page.has(f"“{demand.title}”{word}")
        assert getattr(demand, column) + SECOND <= clock.site_now() < getattr(demand, column) + 60 * SECOND
        db.session.commit()
    before = clock.site_now()
    browser.post("/demo/clock", {"to": "next", "next": "/help"}, follow=True)
    assert clock.site_now() - before >= timedelta(days=1)


def test_next_knows_the_end_of_a_notice_and_of_taking_up(stage: Stage, sign_in: Callable[[str], Client]) -> None:
    awards.install()
    review = Review(stage)
    notice = review.announced()
    clock.move_to(review.now)
    db.session.commit()
    browser = sign_in("drafter")
    page = browser.post("/demo/clock", {"to": "next", "next": "/help"}, follow=True)
    assert page.has(f"“{review.demand.title}”公示期满")
    assert notice.ends_at is not None
    assert notice.ends_at < clock.site_now() < notice.ends_at + 60 * SECOND
    db.session.commit()
    review.awarded_of(notice)
    clock.move_to(review.now)
    db.session.commit()
    page = browser.post("/demo/clock", {"to": "next", "next": "/help"}, follow=True)
    assert page.has(f"“{review.demand.title}”接受期满")
