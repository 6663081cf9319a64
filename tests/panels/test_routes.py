"""The office's pages: the pool, a panel from its settings to the start, the invitation's link, requests, the replay."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from marketplace import db
from marketplace.bids.content import Exclusion
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.notifications.models import Mail, Message
from marketplace.panels import invitations, lists, queries, telling
from marketplace.panels import service as panels
from marketplace.panels.models import Expert
from marketplace.panels.rules.seats import SeatState
from marketplace.platform import clock
from marketplace.platform.files import LocalStorage
from marketplace.platform.outbox import OutboxRow
from marketplace.platform.rendering import xlsx
from marketplace.platform.working_days import beijing_day
from tests.bids import making as opening
from tests.bids.contents import complete
from tests.client import Client
from tests.demands.conftest import Stage
from tests.panels import making
from tests.panels.making import actor

SignIn = Callable[[str], Client]


@pytest.fixture
def storage(app: Flask) -> LocalStorage:
    found: LocalStorage = app.extensions["storage"]
    return found


@pytest.fixture
def demand(stage: Stage, storage: LocalStorage) -> Demand:
    making.pool()
    said = stage.draft().said
    return opening.opened(stage, [complete(said, "firm"), complete(said, "rival")], storage=storage)


def deliver() -> None:
    """Let the consumer read everything that was written."""
    telling.handle(list(db.session.scalars(select(OutboxRow).order_by(OutboxRow.id))), clock.site_now())


def upload(client: Client, data: bytes, name: str = "专家.xlsx") -> Any:
    return client.post("/experts/import", {"file": (io.BytesIO(data), name)}, content_type="multipart/form-data")


@pytest.mark.parametrize("path", ["/experts", "/experts/new", "/experts/import", "/panels"])
def test_the_pool_is_the_offices(visitor: Client, sign_in: SignIn, path: str) -> None:
    assert "/sign-in" in visitor.get(path).response.location
    for username in ("bidder", "drafter", "expert1", "finance"):
        assert sign_in(username).get(path).status == 403
    assert sign_in("screener").get(path).status == 200


def test_a_card_is_written_and_mistakes_stay_on_it(sign_in: SignIn) -> None:
    client = sign_in("screener")
    page = client.get("/experts/new")
    bad = page.submit("", name="周二", email="不是邮箱", employer="测试学院", history="某公司（至去年）")
    assert bad.status == 422
    assert bad.has("请填写邮箱")
    assert bad.has("日期无法识别")
    assert bad.html.xpath("//input[@name='name']/@value") == ["周二"]
    done = bad.submit("", email="zhou2@example.test", fields=["iot"], history="某公司（至2025-06-30）；老单位")
    assert done.has("周二")
    expert = db.session.scalar(select(Expert))
    assert expert is not None
    assert [job["until_on"] for job in expert.history] == ["2025-06-30", ""]
    again = client.get(f"/experts/{expert.id}")
    assert "某公司（至2025-06-30）；老单位" in again.text
    assert client.get("/experts?q=周二&field=iot&outside=yes").has("周二")
    assert client.get("/experts?field=quantum").has("没有符合条件的专家")
    gone = client.get(f"/experts/{expert.id}/retirement").submit("", reason="本人申请")
    assert not gone.html.xpath("//table")


def test_a_list_goes_out_and_comes_in_again(sign_in: SignIn) -> None:
    making.pool(3, 1)
    client = sign_in("screener")
    book = client.get("/experts?export=xlsx").response.data
    rows = lists.read(book, [expert.email for expert in db.session.scalars(select(Expert))])
    assert [row.faults for row in rows] == [()] * 4
    assert all(row.known for row in rows)
    assert rows[0].card.fields == ("living", "iot")
    page = upload(client, book)
    assert page.status == 200
    assert page.has("确认导入4人")
    assert "更新4人" in page.submit("confirmation").html.text_content()


def test_a_list_with_one_bad_row_writes_nothing(sign_in: SignIn) -> None:
    head = list(lists.COLUMNS.values())
    good = ["周二", "zhou2@example.test", "", "教授", "测试学院", "", "是", "物联网·传感器", "", "", "", None, None, ""]
    bad = ["周三", "", "", "", "测试学院", "", "也许", "炼金术", "", "", "", None, None, ""]
    client = sign_in("screener")
    page = upload(client, xlsx(head, [good, bad, good]))
    assert page.status == 422
    assert page.has("没有“炼金术”这个领域")
    assert page.has("邮箱与第2行相同")
    assert page.has("只能写是或否")
    assert page.has("2行须更正")
    assert not page.has("确认导入")
    assert db.session.scalar(select(Expert)) is None
    assert upload(client, b"nothing").has("已损坏")
    forged = client.post("/experts/import/confirmation", {"token": "x.y"})
    assert forged.status == 422


def test_a_panel_from_the_settings_to_the_seats(demand: Demand, sign_in: SignIn) -> None:
    screener, supervisor, publisher = sign_in("screener"), sign_in("supervisor"), sign_in("publisher")
    base = f"/panels/{demand.ref}"
    assert screener.get("/desk").has("组建专家组")
    page = screener.get(f"{base}/settings")
    soon = beijing_day(clock.site_now()) + timedelta(days=7)
    past = page.submit("", meets_on="2026-01-02", score_by=soon.isoformat(), fields=["iot"])
    assert past.status == 422
    assert past.has("评审日不能早于今天")
    page.submit("", meets_on=soon.isoformat(), score_by=soon.isoformat(), size="5", share="2/3", fields=["iot"])
    fixing = screener.get(f"{base}/pool")
    assert fixing.has("14人，其中区外11人")
    fixing.submit("")
    db.session.commit()
    assert screener.get(base).has("由在场的监督员抽取")
    assert screener.get(f"{base}/draw").status == 403
    assert supervisor.get("/desk").has("到场抽取")
    drawing = supervisor.get(f"{base}/draw")
    bad = drawing.submit("", number="七")
    assert bad.status == 422
    assert bad.html.xpath("//input[@name='number']/@value") == ["七"]
    drawing.submit("", number="5 27 14")
    db.session.commit()
    shown = supervisor.get(base)
    assert shown.has("待确认")
    record = publisher.get(f"{base}/draws/1")
    assert record.has("重放一致")
    assert record.has("52714")
    panel = making.panel_of(demand)
    assert record.has(panel.draw.seed)  # type: ignore[union-attr]
    assert publisher.get(f"{base}/draws/2").status == 404
    assert publisher.get(base).has("责令回避") is False


def test_a_changed_draw_does_not_replay(demand: Demand, sign_in: SignIn, app: Flask) -> None:
    panel = making.drawn(demand)
    runner = app.test_cli_runner()
    fine = runner.invoke(args=["panel", "replay", str(panel.id)])
    assert (fine.exit_code, "重放一致" in fine.output) == (0, True)
    panel.draw.members = list(reversed(panel.draw.members))  # type: ignore[union-attr]
    db.session.commit()
    assert sign_in("supervisor").get(f"/panels/{demand.ref}/draws/1").has("重放不一致")
    bad = runner.invoke(args=["panel", "replay", str(panel.id)])
    assert (bad.exit_code, "成员与记录不一致" in bad.output) == (1, True)
    assert runner.invoke(args=["panel", "replay", "999"]).exit_code == 1


def test_an_invitation_opens_a_page_and_acts_on_nothing(demand: Demand, visitor: Client) -> None:
    panel = making.drawn(demand)
    deliver()
    seat, other = panel.present_seats[:2]
    mail = db.session.scalar(select(Mail).where(Mail.to_address == seat.expert.email))
    assert mail is not None
    link = f"/panel-invitations/{invitations.token(seat)}"
    assert link in mail.body
    page = visitor.get(link)
    assert page.has(demand.title)
    assert page.has(seat.expert.name)
    db.session.refresh(seat)
    assert seat.state is SeatState.INVITED
    assert visitor.get(link[:-2]).status == 404
    assert visitor.get(f"{link}/confirmation").status == 405
    done = page.submit("confirmation")
    assert done.has("您的答复已收到")
    assert seat.state is SeatState.CONFIRMED
    assert visitor.post(f"{link}/confirmation").status == 409
    page = visitor.get(f"/panel-invitations/{invitations.token(other)}")
    empty = page.submit("declination")
    assert empty.status == 422
    page.submit("declination", reason="出差在外")
    assert other.state is SeatState.DECLINED
    assert sum(item.state is SeatState.INVITED for item in panel.present_seats) == 4


def test_no_mail_or_message_says_who_bids_or_sits(demand: Demand) -> None:
    panel = making.drawn(demand)
    deliver()
    making.seat_members(panel)
    panels.recuse(
        panel.counted_seats[0], reason="发现合作关系", actor=making.expert(panel.counted_seats[0]), now=clock.site_now()
    )
    db.session.commit()
    deliver()
    texts = [f"{row.title} {row.text}" for row in db.session.scalars(select(Message))]
    texts += [f"{row.subject} {row.body}" for row in db.session.scalars(select(Mail))]
    assert len(texts) > 10
    experts = [seat.expert for seat in panel.seats]
    for word in ("河洛智感", "中原云图", *(item.name for item in experts), *(item.employer for item in experts)):
        assert not [text for text in texts if word in text]


def test_requests_are_read_and_decided_by_the_supervisor_alone(
    stage: Stage, storage: LocalStorage, sign_in: SignIn
) -> None:
    pool = making.pool()
    said = stage.draft().said
    wanted = (Exclusion("person", pool[0].name, "曾与我方有合同纠纷"),)
    demand = opening.opened(stage, [complete(said, exclusions=wanted), complete(said, "rival")], storage=storage)
    base = f"/panels/{demand.ref}"
    for username in ("screener", "publisher"):
        assert sign_in(username).get(f"{base}/requests").status == 403
        assert not sign_in(username).get(base).has(pool[0].name)
    panels.set_up(demand, **making.settings(clock.site_now()), actor=actor("screener"), now=clock.site_now())
    db.session.commit()
    early = sign_in("screener").get(f"{base}/pool").submit("")
    assert early.status == 409
    assert early.has("监督员还有待决定的事项")
    client = sign_in("supervisor")
    assert client.get("/desk").has("回避请求")
    page = client.get(f"{base}/requests")
    assert page.has("曾与我方有合同纠纷")
    link = page.html.xpath("//a[contains(@href,'/requests/')]/@href")[0]
    short = client.get(link).submit("", upheld="yes", answer="好")
    assert short.status == 422
    done = client.get(link).submit("", upheld="yes", answer="情况属实，同意回避")
    assert done.has("情况属实，同意回避")
    assert client.get(link).status == 404
    sign_in("screener").get(f"{base}/pool").submit("")
    assert dict(making.panel_of(demand).draw.left_out)[pool[0].key] == "excluded"  # type: ignore[union-attr]


def test_an_override_over_the_pages(demand: Demand, sign_in: SignIn) -> None:
    panel = making.drawn(demand)
    base = f"/panels/{demand.ref}"
    seat = panel.present_seats[0]
    sign_in("supervisor").get(f"{base}/seats/{seat.id}/recusal").submit("", reason="收到实名举报")
    for other in panel.present_seats[5:]:
        if other.is_sitting:
            panels.decline(other, reason="时间冲突", actor=making.expert(other), now=clock.site_now())
    db.session.commit()
    publisher = sign_in("publisher")
    publisher.get(f"{base}/seats/{seat.id}/override-proposal").submit("", reason="经核查举报不实")
    own = publisher.get(f"{base}/seats/{seat.id}/override").submit("")
    assert own.status == 403
    assert sign_in("supervisor").get("/desk").has("确认准予参加")
    sign_in("supervisor").get(f"{base}/seats/{seat.id}/override").submit("")
    assert seat.state is SeatState.CONFIRMED
    assert publisher.get(base).has("经两人准予参加：经核查举报不实")
    assert sign_in("supervisor").get(f"/panels/ZZGX-2026-99-001/seats/{seat.id}/recusal").status == 404


def test_a_second_draw_over_the_pages(demand: Demand, sign_in: SignIn) -> None:
    making.drawn(demand)
    base = f"/panels/{demand.ref}"
    one, two = sign_in("publisher"), sign_in("publisher2")
    assert one.get(f"{base}/redraw").submit("", note="没选原因").status == 422
    one.get(f"{base}/redraw").submit("", reason="date_moved", note="改到下月")
    assert one.get(f"{base}/redraw-confirmation").submit("").status == 403
    assert two.get("/desk").has("确认重新抽取")
    two.get(f"{base}/redraw-confirmation").submit("")
    assert making.panel_of(demand).present_seats == []
    assert two.get(base).has("以前抽取的席位")


def test_the_publisher_starts(demand: Demand, sign_in: SignIn) -> None:
    panel = making.drawn(demand)
    client = sign_in("publisher")
    page = client.get(f"/panels/{demand.ref}/start")
    assert page.has("还有2份标书没有作出资格审查决定")
    refused = page.submit("")
    assert refused.status == 409
    assert sign_in("screener").get(f"/panels/{demand.ref}/start").status == 403
    making.admit_all(demand)
    making.seat_members(panel)
    db.session.commit()
    assert client.get("/desk").has("开始评审")
    client.get(f"/panels/{demand.ref}/start").submit("")
    assert demand.state is State.REVIEWING


def test_costs(demand: Demand, sign_in: SignIn, count_queries: list[str]) -> None:
    """As many queries with a pool of two as with thirty more, and on a panel with three draws as with one."""
    making.drawn(demand)
    client = sign_in("screener")
    found = {}
    for page in ("/experts", "/panels", f"/panels/{demand.ref}"):
        client.get(page)
        count_queries.clear()
        client.get(page)
        found[page] = len(count_queries)
    for number in range(30):
        card = panels.Card(name=f"专家{number}", email=f"more{number}@example.test", employer="某校", fields=("iot",))
        panels.add(card, actor=actor("screener"), now=clock.site_now())
    db.session.commit()
    for page, before in found.items():
        client.get(page)
        count_queries.clear()
        client.get(page)
        assert len(count_queries) == before, page
    assert found["/experts"] <= 8


def test_who_finds_a_panel(demand: Demand, sign_in: SignIn, visitor: Client) -> None:
    making.drawn(demand)
    for path in ("", "/settings", "/pool", "/draw", "/requests", "/draws/1"):
        assert "/sign-in" in visitor.get(f"/panels/{demand.ref}{path}").response.location
        for username in ("bidder", "drafter", "expert1"):
            assert sign_in(username).get(f"/panels/{demand.ref}{path}").status in (403, 404)
    assert sign_in("screener").get("/panels/ZZGX-2026-99-001").status == 404
    assert queries.find(actor=actor("screener"), now=clock.site_now(), ref="x") is None
