"""From searches in vain to the officers' page and its file."""

from __future__ import annotations

import io

import pytest
from python_calamine import CalamineWorkbook

from marketplace import db
from marketplace.unfound import service
from tests.search.conftest import backend, site  # noqa: F401
from tests.unfound.test_service import search

PEOPLE = ("drafter", "approver", "other_drafter", "bidder", "bidder_member", "rival", "screener", "publisher", "supervisor",
          "expert1", "finance", "secadmin")  # fmt: skip


@pytest.mark.parametrize("backend", ["whoosh"], indirect=True)
def test_searches_in_vain_are_counted_and_others_are_not(app, sign_in, visitor, stage, site):  # noqa: F811
    stage.published()
    site.catch_up()
    app.extensions["unfound"].take()
    for who in PEOPLE:
        browser = sign_in(who)
        browser.get("/search?q=机器狗排爆")
        browser.get("/search?q=机器狗排爆&page=2")
        browser.get("/demands?q=泊位")
        browser.get("/search?q=泊位&direction=carrier")
    visitor.get("/search?q=13912345678")
    taken = app.extensions["unfound"].take()
    assert {text for _day, text in taken.times} == {"机器狗排爆"}
    assert taken.times.total() == len(PEOPLE)
    assert all(str(value).isdigit() for value in taken.bits.values())


def test_the_page_its_range_and_its_file(sign_in, session, now):
    search("=cmd|' /C calc'!A0", 12, now=now)
    search("机器狗排爆", 12, now=now)
    search("只有四人", 4, now=now)
    for who in ("screener", "publisher"):
        page = sign_in(who).get("/desk/unfound")
        assert page.has("机器狗排爆"), who
        assert not page.has("只有四人"), who
    browser = sign_in("screener")
    assert browser.get("/desk/unfound?since=2020-01-01&until=2020-01-31").has("这段时间没有可看的检索")
    assert browser.get("/desk/unfound?since=昨天").has("日期写法不对")
    assert browser.get("/desk/unfound?since=2000-01-01").has("一次最多看400天")
    answer = browser.get("/desk/unfound?export=xlsx").response
    rows = CalamineWorkbook.from_filelike(io.BytesIO(answer.data)).get_sheet_by_index(0).to_python()
    texts = {row[0] for row in rows}
    assert {"=cmd|' /c calc'!a0", "机器狗排爆"} <= texts
    assert "只有四人" not in str(rows)
    assert b"<f>" not in answer.data


def test_others_are_told_why_not(visitor, sign_in, session):
    assert "/sign-in" in visitor.get("/desk/unfound").response.location
    for who in ("bidder", "drafter", "secadmin"):
        page = sign_in(who).get("/desk/unfound")
        assert page.status == 403
        assert page.has("只有受理员和发榜负责人")
    assert sign_in("screener").post("/desk/unfound").status == 405


def test_the_number_of_queries_does_not_grow(sign_in, session, now, count_queries):
    def queries(client) -> int:
        client.get("/desk/unfound")
        count_queries.clear()
        assert client.get("/desk/unfound").status == 200
        return len(count_queries)

    browser = sign_in("screener")
    search("第一个词语", 12, now=now)
    few = queries(browser)
    for n in range(29):
        search(f"另一个词语{n}", 12, now=now)
    assert queries(browser) == few
    assert few <= 8


def test_the_job_writes_what_this_process_counted(app, session, now):
    tally = app.extensions["unfound"]
    tally.take()
    for n in range(12):
        tally.note("机器狗排爆", f"account {n}", now)
    assert service.flush(tally) == 12
    assert service.flush(tally) == 0
    db.session.commit()
