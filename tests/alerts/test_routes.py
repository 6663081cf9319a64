"""Saving from the list, one's own searches, leaving by a mail's link, feeds of any search."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import lxml.etree
import pytest
from sqlalchemy import select

from marketplace import db
from marketplace.alerts import service
from marketplace.alerts.models import SavedSearch
from marketplace.alerts.rules import Frequency
from marketplace.demands.queries import Filters
from marketplace.notifications.models import Mail
from tests.alerts.test_service import happen
from tests.capabilities.making import capability
from tests.search.conftest import backend, site  # noqa: F401


def only() -> SavedSearch:
    found = db.session.scalars(select(SavedSearch)).one()
    db.session.refresh(found)
    return found


def test_from_the_list_to_the_mail_and_out_again(visitor, sign_in, stage, now):
    bidder = sign_in("bidder")
    link = next(url for url in bidder.get("/demands?direction=living").links() if url.startswith("/alerts/new"))
    page = bidder.get(link)
    assert page.has("城市管理和民生服务")
    assert page.has("每天汇总（8:30）")
    assert "Daily (8:30)" in bidder.get(link + "&lang=en").text
    saved = page.submit(name="城市治理", frequency="instant", by_mail="y")
    assert saved.has("已保存")
    assert saved.has("城市治理")
    search = only()
    assert search.query == {"kind": "demand", "direction": ["living"]}
    search.since = stage.now.replace(year=2020)
    demand = stage.published()
    happen(now)
    assert bidder.get(f"/alerts/{search.key}").has(demand.title)
    mail = db.session.scalar(select(Mail).where(Mail.to_address == "bidder@example.test"))
    path = urlsplit(re.search(r"https?://\S+/unsubscribe/\S+", mail.body).group()).path
    asked = visitor.get(path)
    assert asked.has("退订检索提醒")
    assert asked.has("城市治理")
    assert only().frequency is Frequency.INSTANT  # reading changes nothing
    done = asked.submit()
    assert done.has("已退订")
    assert only().frequency is Frequency.OFF


def test_a_mail_program_posts_without_a_session(visitor, stage, now, actor):
    search = service.save(
        Filters(q="停车"), "", name="停车", frequency=Frequency.DAILY, by_mail=True, actor=actor("bidder"), now=now
    )
    db.session.commit()
    url = f"/unsubscribe/{service.token_of(search)}"
    answer = visitor.http.post(url, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert only().frequency is Frequency.OFF
    assert visitor.http.post("/unsubscribe/forged.token").status_code == 400
    assert visitor.get("/unsubscribe/forged.token").status == 404


def test_the_search_page_keeps_its_kind_and_words(sign_in, stage, now):
    bidder = sign_in("bidder")
    page = bidder.get("/search?kind=capability&q=停车")
    link = next(url for url in page.links() if url.startswith("/alerts/new"))
    bidder.get(link).submit(name="能做停车的")
    assert only().query == {"q": "停车", "kind": "capability"}
    assert bidder.get("/alerts").has("能做停车的")


def test_the_standard_questions(visitor, sign_in, stage, now, actor):
    search = service.save(
        Filters(q="停车"), "", name="停车", frequency=Frequency.DAILY, by_mail=True, actor=actor("bidder"), now=now
    )
    db.session.commit()
    for url in ("/alerts", "/alerts/new?q=x"):
        answer = visitor.get(url)
        assert "/sign-in" in answer.response.location
    assert sign_in("drafter").get("/alerts").has("还没有保存过检索")
    for url in (f"/alerts/{search.key}", f"/alerts/{search.key}/deletion"):
        assert sign_in("rival").get(url).status == 404
        assert sign_in("rival").post(url).status == 404
        assert visitor.get(url).status == 404
        assert sign_in("bidder").get(url).status == 200
    assert sign_in("bidder").post("/alerts").status == 405


def test_bad_input_is_kept(sign_in, stage, now):
    page = sign_in("bidder").get("/alerts/new?q=停车").submit(name="长" * 61, frequency="daily")
    assert page.status == 422
    assert page.has("1至60个字")
    assert page.html.xpath("//input[@name='name']/@value") == ["长" * 61]
    bad = sign_in("bidder").get("/alerts/new?q=停车").submit(frequency="hourly")
    assert bad.status == 422
    assert db.session.scalars(select(SavedSearch)).all() == []


def test_change_and_delete(sign_in, stage, now, actor):
    service.save(
        Filters(q="停车"), "", name="停车", frequency=Frequency.DAILY, by_mail=True, actor=actor("bidder"), now=now
    )
    db.session.commit()
    bidder = sign_in("bidder")
    page = bidder.get(f"/alerts/{only().key}").submit(name="新名", frequency="weekly", by_mail=None)
    assert page.has("已保存")
    assert (only().name, only().frequency, only().by_mail) == ("新名", Frequency.WEEKLY, False)
    gone = bidder.get(f"/alerts/{only().key}/deletion").submit()
    assert gone.has("已删除")
    assert db.session.scalars(select(SavedSearch)).all() == []


def test_the_number_of_queries_does_not_grow(sign_in, stage, now, actor, count_queries):
    def save(number: int) -> None:
        for _n in range(number):
            service.save(
                Filters(q="停车"), "demand", name="停车", frequency=Frequency.DAILY, by_mail=True,
                actor=actor("bidder"), now=now,
            )  # fmt: skip
        db.session.commit()

    def queries(client) -> int:
        client.get("/alerts")
        count_queries.clear()
        assert client.get("/alerts").status == 200
        return len(count_queries)

    bidder = sign_in("bidder")
    save(1)
    few = queries(bidder)
    save(29)
    assert queries(bidder) - few <= 29  # the name of a kind is no query
    assert few <= 8


@pytest.mark.parametrize("backend", ["whoosh"], indirect=True)
def test_feeds_of_any_search(visitor, stage, site, now):  # noqa: F811
    demand = stage.published()
    title, number = demand.title, demand.number
    made = capability("listed", now)
    key, name = made.key, made.public_title
    site.catch_up()

    def entries(url: str) -> list[str]:
        answer = visitor.http.get(url)
        assert answer.status_code == 200
        tree = lxml.etree.fromstring(answer.data)
        return tree.xpath("//a:entry/a:title/text()", namespaces={"a": "http://www.w3.org/2005/Atom"})

    assert entries("/feed.atom?q=泊位") == [f"{number} {title}"]
    assert entries("/feed.atom?q=氢能储运装备") == []
    assert entries("/feed.atom?kind=capability&q=泊位") == [name]
    assert sorted(entries("/feed.atom?kind=all&q=泊位")) == sorted([name, title])
    assert f"/capabilities/firm/{key}" in visitor.http.get("/feed.atom?kind=capability&q=泊位").get_data(as_text=True)
