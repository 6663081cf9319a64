"""The expert's desk over HTTP: the same questions of every page, the form without scripts, the saving while one types."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal as D
from random import Random
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from marketplace import db
from marketplace.accounts.models import User
from marketplace.bids import queries as bids
from marketplace.bids.rules import BidState
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.panels import service as panels
from marketplace.panels.models import PanelSeat
from marketplace.panels.rules.seats import SeatState
from marketplace.platform import clock
from marketplace.platform.files import LocalStorage
from marketplace.platform.rendering.paper import Paper, Text
from marketplace.platform.rendering.pdf import pdf
from marketplace.scoring import queries
from marketplace.scoring.models import Sheet
from marketplace.scoring.rules.sheets import SheetState
from tests.bids.contents import attachment, envelopes, price, technical
from tests.client import Client, squeeze
from tests.demands.conftest import Stage
from tests.panels import making
from tests.panels.making import expert, panel_of, sheets_of
from tests.results import crowd

SignIn = Callable[[str], Client]


def paper() -> bytes:
    return pdf(
        Paper(form="sheet", title="检测报告", dated_at=clock.wall_now(), blocks=(Text("位移识别准确率实测97.2%。"),))
    )


def contents(said: Any, firm: str) -> Any:
    """A bid whose first indicator cites page 1 of its evidence."""
    from dataclasses import replace

    made = technical(said, firm)
    first, *rest = made.technical.responses
    responses = (replace(first, file=2, page="1"), *rest)
    files = (attachment("技术方案.pdf", "plan", paper()), attachment("佐证.pdf", "evidence", paper()))
    return envelopes(replace(made, technical=replace(made.technical, responses=responses)), price(said), files)


@pytest.fixture
def storage(app: Flask) -> Any:
    """The site's own, so that pages find the files."""
    found: LocalStorage = app.extensions["storage"]
    return found


@pytest.fixture
def demand(stage: Stage, storage: LocalStorage) -> Demand:
    said = stage.draft().said
    return making.reviewing(stage, [contents(said, "firm"), contents(said, "rival")], storage=storage)


def name_of(seat: PanelSeat) -> str:
    user = db.session.get(User, seat.expert_account_id)
    assert user is not None
    return user.username


def says(page: Any, text: str) -> bool:
    """Anywhere on the page: the desk shows progress and messages above its main part."""
    return squeeze(text) in squeeze(page.html.text_content())


def first(demand: Demand) -> PanelSeat:
    return panel_of(demand).counted_seats[0]


def url(demand: Demand, place: int = 0) -> str:
    return f"/review/{demand.ref}/bids/{queries.review_bids(demand.id)[place].key}"


def filled(page: Any, share: float = 0.8, **changes: Any) -> dict[str, Any]:
    """What a browser sends with every box filled."""
    values = page.form("")
    for name in list(values):
        if name.startswith("score-"):
            full = page.html.xpath(f"//fieldset[@data-key='{name[6:]}']/@data-full")[0]
            values[name] = str(float(full) * share)
    for name in set(page.html.xpath("//input[starts-with(@name,'proof-')]/@name")):
        values[name] = "yes"
    return values | changes


def test_the_list_names_what_is_asked(demand: Demand, sign_in: SignIn) -> None:
    seat = first(demand)
    client = sign_in(name_of(seat))
    listed = client.get("/review")
    assert listed.has(demand.title)
    assert listed.has("0/2已提交")
    page = client.get(f"/review/{demand.ref}")
    assert page.has("0/2已评")
    assert page.has("B-01")
    assert page.has("推选组长")
    desk = client.get("/desk")
    assert desk.has("评审打分")


@pytest.mark.parametrize("place", ["", "/declaration", "/recusal", "/chair", "/questions", "/submission"])
def test_visitors_sign_in_and_others_find_nothing(demand: Demand, visitor: Client, sign_in: SignIn, place: str) -> None:
    address = f"/review/{demand.ref}{place}"
    answer = visitor.get(address)
    assert answer.status == 302
    assert "/sign-in" in answer.response.location
    for username in ("bidder", "publisher", "drafter", "expert1"):
        assert sign_in(username).get(address).status == 404


def test_a_bid_is_for_those_who_sit_and_declared(demand: Demand, visitor: Client, sign_in: SignIn) -> None:
    address = url(demand)
    assert visitor.get(address).status == 302
    for username in ("bidder", "screener", "publisher", "supervisor", "expert1"):
        assert sign_in(username).get(address).status == 404
    waiting = next(seat for seat in panel_of(demand).present_seats if seat.state is SeatState.SUBSTITUTE)
    assert sign_in(name_of(waiting)).get(address).status == 404
    assert sign_in(name_of(waiting)).get(f"/review/{demand.ref}").status == 404  # he has no seat yet
    seat = first(demand)
    client = sign_in(name_of(seat))
    assert client.get(address).status == 200
    assert client.get(address.replace(demand.ref, "ZZGX-2026-99-001")).status == 404
    panels.recuse(seat, reason="发现合作关系", actor=expert(seat), now=clock.site_now())
    db.session.commit()
    gone = client.get(address)
    assert gone.status == 403
    assert gone.has("已回避")
    part = f"{address}/files/1"
    assert client.get(part).status == 404


def test_the_sheet_shows_the_bid_beside_the_bands(demand: Demand, sign_in: SignIn) -> None:
    page = sign_in(name_of(first(demand))).get(url(demand))
    said = demand.said
    for item in said.score_sheet.criteria:
        assert page.has(item.name)
        if item.kind == "typed":
            for text in item.bands:
                assert page.has(text)
    assert page.has("由系统") or page.has("按您的核对计算")
    assert page.html.xpath("//input[@name='score-plan']")
    assert not page.html.xpath("//input[@name='score-indicators' or @name='score-price']")
    assert page.html.xpath("//a[@data-evidence][contains(@href,'page=1')]")
    assert page.has("双模感知识别泊位占用")
    assert says(page, "0/2已评")


def test_it_works_as_a_form(demand: Demand, sign_in: SignIn) -> None:
    """Without scripts: save and next, hand in, until everything is handed in."""
    seat = first(demand)
    client = sign_in(name_of(seat))
    page = client.get(url(demand))
    answer = client.post(url(demand), data=filled(page, go="next"), csrf=False)
    assert answer.status == 302
    assert answer.response.location.endswith(url(demand, 1))
    second = client.get(url(demand, 1))
    assert says(second, "1/2已评")
    assert says(client.post(url(demand, 1), data=filled(second, go="hand_in"), csrf=False, follow=True), "评分表已提交")
    done = client.get(f"/review/{demand.ref}/submission")
    assert done.has("提交1份")
    assert says(done.submit(), "已提交1份评分表")
    assert [sheet.state for sheet in sheets_of(seat)] == [SheetState.HANDED_IN] * 2
    closed = client.get(url(demand))
    assert not closed.html.xpath("//input[starts-with(@name,'score-')]")
    assert closed.has("这份评分表：已提交")


def test_a_band_alone_gives_its_middle(demand: Demand, sign_in: SignIn) -> None:
    client = sign_in(name_of(first(demand)))
    page = client.get(url(demand))
    values = {**page.form(""), "band-plan": "2", "go": "stay"}
    client.post(url(demand), data=values, csrf=False)
    again = client.get(url(demand))
    assert again.html.xpath("//input[@name='score-plan']/@value") == ["16.5"]
    values = {**again.form(""), "band-plan": "1", "go": "stay"}
    client.post(url(demand), data=values, csrf=False)
    assert client.get(url(demand)).html.xpath("//input[@name='score-plan']/@value") == ["13.5"]


def test_bad_input_stays_on_the_page(demand: Demand, sign_in: SignIn) -> None:
    client = sign_in(name_of(first(demand)))
    page = client.get(url(demand))
    values = filled(page, go="stay", **{"score-plan": "25", "comment-team": "写了很久的评语"})
    answer = client.post(url(demand), data=values, csrf=False)
    assert answer.status == 422
    assert answer.has("须在0到20之间")
    assert answer.html.xpath("//input[@name='score-plan']/@value") == ["25"]
    assert answer.has("写了很久的评语")
    letters = client.post(url(demand), data=values | {"score-plan": "很好"}, csrf=False)
    assert letters.status == 422
    assert letters.has("不是数字")
    wide = client.post(url(demand), data=values | {"score-plan": "１５．５"}, csrf=False)
    assert wide.status == 302


def saved(client: Client, address: str, values: dict[str, Any]) -> Any:
    return client.http.post(address, data=values, headers={"Accept": "application/json"})


def test_saving_while_one_types(demand: Demand, sign_in: SignIn) -> None:
    client = sign_in(name_of(first(demand)))
    values = client.get(url(demand)).form("")
    one = saved(client, url(demand), values | {"score-plan": "17"})
    assert one.status_code == 200
    assert one.json["message"].startswith("已保存 ")
    assert (one.json["serial"], one.json["total"]) == (1, "17.00")
    two = saved(client, url(demand), values | {"score-plan": "3"})  # another tab, drawn before
    assert two.status_code == 409
    assert "另一个窗口" in two.json["message"]
    bad = saved(client, url(demand), values | {"serial": "1", "score-plan": "17", "score-team": "八"})
    assert bad.status_code == 200
    assert bad.json["bad"] == ["score-team"]
    stale = client.post(url(demand), data=values | {"score-plan": "3", "go": "stay"}, csrf=False)
    assert stale.status == 409
    assert stale.html.xpath("//input[@name='score-plan']/@value") == ["3"]  # what was typed is still there
    lost = client.http.post(url(demand), data={"score-plan": "3"}, headers={"Accept": "application/json"})
    assert lost.status_code == 400
    sheet = sheets_of(first(demand))[0]
    assert str(sheet.entry.scores["plan"]) == "17"


def test_the_indicator_score_follows_the_ticks(demand: Demand, sign_in: SignIn) -> None:
    client = sign_in(name_of(first(demand)))
    page = client.get(url(demand))
    values = filled(page)
    assert saved(client, url(demand), values).json["indicators"] == "30.00"
    values |= {"serial": "1", "proof-1": "no"}
    assert float(saved(client, url(demand), values).json["indicators"]) < 30


def test_the_next_keeps_the_filter(demand: Demand, sign_in: SignIn) -> None:
    client = sign_in(name_of(first(demand)))
    page = client.get(f"{url(demand)}?only=open")
    assert all("only=open" in href for href in page.html.xpath("//nav[@class='bid-switch']/a/@href"))
    answer = client.post(f"{url(demand)}?only=open", data=filled(page, go="next"), csrf=False)
    assert answer.response.location.endswith(f"{url(demand, 1)}?only=open")
    second = client.get(f"{url(demand, 1)}?only=open")
    after = client.post(f"{url(demand, 1)}?only=open", data=filled(second, go="next"), csrf=False)
    assert after.response.location.endswith(f"/review/{demand.ref}")  # nothing is left to do


def test_files_are_read_in_the_page(demand: Demand, sign_in: SignIn) -> None:
    client = sign_in(name_of(first(demand)))
    page = client.get(f"{url(demand)}/files/2?page=1")
    assert page.has("第1页，共1页")
    assert page.has("位移识别准确率实测97.2%")
    picture = client.get(f"{url(demand)}/files/2/pages/1.png")
    assert picture.response.mimetype == "image/png"
    assert picture.response.data.startswith(b"\x89PNG")
    assert client.get(f"{url(demand)}/files/9").status == 404
    assert client.get(f"{url(demand)}/files/2/pages/7.png").status == 404


def test_looking_again(demand: Demand, sign_in: SignIn) -> None:
    """The flagged expert learns the criterion and his own figures; keeps it with a reason; all is locked."""
    from tests.scoring.test_service import _all_but

    sheet = _all_but(demand)
    client = sign_in(name_of(sheet.seat))
    key = next(item.key for item in queries.review_bids(demand.id) if item.bid_id == sheet.bid_id)
    address = f"/review/{demand.ref}/bids/{key}"
    assert client.get("/desk").has("核对评分")
    page = client.get(address)
    assert page.has("请再核对“方案可行与落地”")
    words = page.html.xpath("//section[@class='dispersion']")[0].text_content()
    assert not [word for word in ("高", "低", "偏", "其他专家", "平均") if word in words]
    short = page.submit("", go="keep", reason="是", follow=False)
    assert short.status == 422
    assert short.has("请写明理由")
    assert says(page.submit("", go="keep", reason="方案确实没有结合现场"), "已核对")
    assert queries.all_locked(demand.id)


def test_a_correction_over_the_form(demand: Demand, sign_in: SignIn) -> None:
    from tests.scoring.test_service import _all_but

    sheet = _all_but(demand)
    client = sign_in(name_of(sheet.seat))
    key = next(item.key for item in queries.review_bids(demand.id) if item.bid_id == sheet.bid_id)
    page = client.get(f"/review/{demand.ref}/bids/{key}")
    assert page.html.xpath("//input[starts-with(@name,'score-')]/@name") == ["score-plan"]
    page.submit("", go="correct", reason="重新看了第三章", **{"score-plan": "15"})
    db.session.expire_all()
    assert str(db.session.get(Sheet, sheet.id).entry.scores["plan"]) == "15"  # type: ignore[union-attr]


def test_the_whole_way_of_one_expert(stage: Stage, storage: LocalStorage, sign_in: SignIn) -> None:
    """Invited, confirmed, declared, over the pages; before the declaration nothing of a bid is said."""
    from tests.bids import making as opening

    making.pool()
    said = stage.draft().said
    demand = opening.opened(stage, [contents(said, "firm"), contents(said, "rival")], storage=storage)
    making.admit_all(demand)
    panel = making.drawn(demand)
    seat = panel.present_seats[0]
    client = sign_in(name_of(seat))
    page = client.get(f"/review/{demand.ref}")
    assert page.has("请答复是否参加")
    for secret in ("河洛智感", "中原云图", "B-0", "2份"):
        assert not page.has(secret)
    declaration = page.submit("confirmation")
    assert declaration.has("申报利害关系")
    assert declaration.has("河洛智感科技有限公司")
    nothing = declaration.submit("")
    assert nothing.status == 422
    odd = declaration.submit("", verdict="conflict")
    assert odd.status == 422
    assert odd.has("请勾选有利害关系的单位或人员")
    done = declaration.submit("", verdict="clean")
    assert done.has("评审还没有开始")
    assert client.get(f"/review/{demand.ref}/declaration").status == 302  # once
    other = panel.present_seats[1]
    client = sign_in(name_of(other))
    left = client.get(f"/review/{demand.ref}/declination").submit("", reason="出差")
    assert left.has("已谢绝")


def test_the_chair_and_questions(demand: Demand, sign_in: SignIn) -> None:
    seats = panel_of(demand).counted_seats
    outside = next(seat for seat in seats if seat.outside)
    for seat in seats[:3]:
        client = sign_in(name_of(seat))
        client.get(f"/review/{demand.ref}/chair").submit("", choice=str(outside.id))
    assert panel_of(demand).chair.id == outside.id  # type: ignore[union-attr]
    asker = next(seat for seat in seats if seat is not outside)
    page = sign_in(name_of(asker)).get(f"/review/{demand.ref}/questions")
    assert page.submit("", text="第二项指标的测试方法怎样理解").has("第二项指标的测试方法怎样理解")
    chair = sign_in(name_of(outside))
    listed = chair.get(f"/review/{demand.ref}/questions")
    link = listed.html.xpath("//a[contains(@href,'/answer')]/@href")[0]
    assert sign_in(name_of(asker)).get(link).status == 403
    assert chair.get(link).submit("", answer="按公布的测试方法").has("按公布的测试方法")


def test_costs(demand: Demand, sign_in: SignIn, count_queries: list[str], stage: Stage, storage: LocalStorage) -> None:
    """Pages ask the database as often with many bids as with two."""
    client = sign_in(name_of(first(demand)))
    found = {}
    for page in (f"/review/{demand.ref}", url(demand), "/review"):
        client.get(page)
        count_queries.clear()
        client.get(page)
        found[page] = len(count_queries)
    later = Stage(clock.site_now())
    said = demand.said
    many = making.reviewing(later, [contents(said, "firm"), *[contents(said, "rival")] * 6], storage=storage)
    seat = panel_of(many).counted_seats[0]
    client = sign_in(name_of(seat))
    more = {}
    for page in (f"/review/{many.ref}", url(many), "/review"):
        client.get(page)
        count_queries.clear()
        client.get(page)
        more[page] = len(count_queries)
    assert list(more.values()) == list(found.values())
    assert max(found.values()) <= 16


def test_reading_a_bid_is_in_the_log_once_an_hour(demand: Demand, sign_in: SignIn) -> None:
    from marketplace.platform.audit.models import AuditDetail

    seat = first(demand)
    client = sign_in(name_of(seat))
    for _ in range(3):
        client.get(url(demand))
    rows = list(db.session.scalars(select(AuditDetail).where(AuditDetail.kind == "review.read")))
    assert [row.actor_id for row in rows] == [seat.expert_account_id]


def test_a_long_list_is_paged_and_costs_the_same(demand: Demand, sign_in: SignIn, count_queries: list[str]) -> None:
    """One page of fifty, however many bids there are; the row of bids shows the neighbours alone."""
    seat = first(demand)
    client = sign_in(name_of(seat))
    found = {}
    for more in (0, 150):
        if more:
            closes_at = demand.closes_at
            assert closes_at is not None
            panel = making.panel_of(demand)
            crowd.fill(demand, panel, count=more, random=Random(1), now=closes_at, state=SheetState.DRAFT)
        for address in (f"/review/{demand.ref}", url(demand)):
            client.get(address)
            count_queries.clear()
            page = client.get(address)
            found.setdefault(address, []).append(len(count_queries))
            assert len(page.html.xpath("//section[@aria-labelledby='bids-h']//tbody/tr")) <= 50
            assert len(page.html.xpath("//nav[@class='bid-switch']//a")) <= 30
    assert all(len(set(counts)) == 1 for counts in found.values()), found
    second = client.get(f"/review/{demand.ref}?page=4")
    assert second.has("第151—152项，共152项")
    rest = client.get(f"/review/{demand.ref}?only=open&page=2")
    assert all(
        "only=open" in href for href in rest.html.xpath("//section[@aria-labelledby='bids-h']//tbody//th/a/@href")
    )


def test_after_the_notice_the_desk_says_that_it_is_over(demand: Demand, sign_in: SignIn) -> None:
    """A bid that has left the competition, or become a candidate, has no place in the row any more; its sheet stays."""
    seat = first(demand)
    client = sign_in(name_of(seat))
    address = url(demand)
    for bid in bids.opened(demand):
        bid.state = BidState.CANDIDATE
    demand.state = State.NOTICE
    db.session.commit()
    assert client.get(address).status == 200
    assert client.get(f"/review/{demand.ref}").has("评审已经结束")


def test_points_of_the_price_stand_on_the_sheet_once_they_are_computed(demand: Demand, sign_in: SignIn) -> None:
    from marketplace.results import queries as results
    from marketplace.results import service

    client = sign_in(name_of(first(demand)))
    assert client.get(url(demand)).has("锁定后由系统计算")
    for seat in panel_of(demand).counted_seats:
        for sheet in sheets_of(seat):
            making.fill(sheet, making.entry(demand, "0.8", comment="证据充分，可以落地。"))
    making.hand_in_all(demand)
    assert client.get(url(demand)).has("锁定后由系统计算"), "locked, but nothing is computed yet"
    service.proceed(demand, now=clock.site_now())
    db.session.commit()
    line = results.line_of(demand.id, queries.review_bids(demand.id)[0].bid_id)
    assert line is not None
    priced = next(item for item in demand.said.score_sheet.criteria if item.kind == "price")
    page = client.get(url(demand))
    assert page.has("按各家报价计算")
    assert page.has(f"{line.figures[priced.key].quantize(D('0.01'))}")
