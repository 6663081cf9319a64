"""A notice is found from the instant it is public, by what stands on it for everybody, and never before."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from marketplace import db
from marketplace.notices import source
from marketplace.notices.models import Notice
from marketplace.platform import clock
from marketplace.platform.outbox import OutboxRow
from marketplace.search.index import Request
from tests.client import Client, Page
from tests.results.making import Review
from tests.search.conftest import Site, backend, site  # noqa: F401

WINNER = "河洛智感"
SignIn = Callable[[str], Client]
ALL = ("", "&kind=notice")


def tabs(page: Page) -> list[str]:
    return [" ".join(tab.text_content().split()) for tab in page.html.xpath("//nav[@class='tabs']/a")]


def suggested(browser: Client, words: str) -> list[dict[str, str]]:
    return json.loads(browser.get(f"/search/suggest?q={words}").text)["items"]


def titles(page: Page) -> list[str]:
    return [
        " ".join(item.text_content().split()) for item in page.html.xpath("//*[contains(@class,'demand-row__title')]")
    ]


@pytest.fixture
def decided(site: Site, review: Review) -> Review:  # noqa: F811 - the index first: it leaves no row of its session behind
    """Ranked, and not announced."""
    review.score_all()
    site.now = review.now
    return review


def test_an_unannounced_ranking_is_in_no_result_count_or_suggestion(
    decided: Review,
    visitor: Client,
    sign_in: SignIn,
    site: Site,  # noqa: F811
) -> None:
    decided.sign_all()
    decided.propose_announcement()
    db.session.commit()
    prepared = db.session.query(Notice).one()
    assert WINNER in prepared.frozen.decode()  # it is there to leak
    key, secret, number = prepared.id, prepared.title, decided.demand.number
    clock.move_to(decided.now + timedelta(hours=1))
    db.session.commit()
    for step in (site.catch_up, site.rebuild):
        step()
        assert list(source.load([key])) == []
        assert source.keys(0, 10) == []
        for browser in (visitor, sign_in("bidder"), sign_in("publisher")):
            for words in (WINNER, "拟中榜", secret, number):
                for kind in ALL:
                    page = browser.get(f"/search?q={words}{kind}")
                    assert page.status == 200
                    assert not [title for title in titles(page) if "拟中榜" in title], (words, kind)
                    assert not [tab for tab in tabs(page) if tab.startswith("公示") and not tab.endswith(" 0")]
                    assert f"/notices/{key}" not in page.text
            for words in ("拟中", WINNER, secret[:8]):
                assert not [item for item in suggested(browser, words) if "拟中榜" in item["text"]], words


def test_found_once_announced_by_title_candidate_and_number(
    decided: Review,
    visitor: Client,
    site: Site,  # noqa: F811
) -> None:
    notice = decided.announced()
    url, title, key, instant = f"/notices/{notice.id}", notice.title, notice.id, notice.published_at
    second, number, demand = decided.bids[1].organisation.name, notice.number, decided.demand.number
    assert instant is not None
    assert instant > clock.site_now()
    site.catch_up()
    assert url not in visitor.get(f"/search?q={WINNER}").links()  # the site's clock is not there yet
    clock.move_to(instant)
    db.session.commit()
    for words in (WINNER, "拟中榜单位公示", number, demand, second):
        for kind in ALL:
            assert url in visitor.get(f"/search?q={words}{kind}").links(), (words, kind)
    page = visitor.get(f"/search?q={WINNER}&kind=notice")
    assert titles(page) == [title]
    assert "<mark>" in page.text
    assert "公示 1" in tabs(visitor.get(f"/search?q={demand}"))
    assert title in [item["text"] for item in suggested(visitor, title[:6])]
    [made] = source.load([key])
    assert made.visible_at == instant
    assert "专家1" not in repr(made), "who reviewed stands on the notice and leads nowhere"
    assert "外地第1研究院" not in repr(made)
    early = instant - timedelta(microseconds=1)
    assert source.rows([key], source.View(early, "zh", lambda *_a, **_k: "")) == {}
    assert source.document_id("notice", key) not in site.search.find(WINNER, Request(now=early)).ids
    assert source.document_id("notice", key) in site.search.find(WINNER, Request(now=instant)).ids


def test_what_touches_a_notice(review: Review) -> None:
    notice = review.announced()

    def touched(topic: str, subject: str) -> list[int]:
        return list(source.touched(OutboxRow(topic=topic, payload={"subject": subject}, at=review.now)))

    assert touched("notice.revoke", f"notice:{notice.id}") == [notice.id]
    assert touched("demand.award", f"demand:{review.demand.id}") == [notice.id]
    assert touched("sheet.save", f"sheet:{notice.id}") == []


def test_rows_cost_one_query_however_many(review: Review, count_queries: list[str]) -> None:
    key = review.announced().id
    view = source.View(review.now + timedelta(days=1), "en", lambda endpoint, **values: endpoint)
    db.session.expire_all()
    count_queries.clear()
    rows = source.rows([key, key + 1, key + 2], view)
    assert len(count_queries) == 1, count_queries
    assert list(rows) == [key]
    assert rows[key]["title"].startswith("Proposed winner")
    assert rows[key]["kind_label"] == "Notices"
