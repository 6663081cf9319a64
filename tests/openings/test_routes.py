"""The hall for everybody, the record for those who may know it, the custodians' pages for custodians."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask_babel import force_locale
from sqlalchemy import update
from sqlalchemy.orm import Session

from marketplace import db
from marketplace.bids import service
from marketplace.bids.rules import BidAction
from marketplace.bids.rules import Stage as OpeningStage
from marketplace.custody import queries as custody
from marketplace.custody import software
from marketplace.custody.rules import custodian_id
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.openings import pages, queries
from marketplace.openings.rules import Step
from marketplace.platform import clock
from marketplace.platform.files import LocalStorage
from marketplace.platform.sealing.custodians import WrappedShare, answer_challenge, unwrap_share
from marketplace.platform.sealing.hpke import generate_private_key, public_bytes
from marketplace.platform.sealing.reasons import Reason
from marketplace.platform.sealing.wire import BidRef
from tests import factories
from tests.bids import contents, making
from tests.bids.conftest import actor
from tests.client import Client, Page
from tests.demands.conftest import Stage
from tests.sealing.bench import small_bid

SignIn = Callable[[str], Client]
FIRM, RIVAL = "河洛智感科技有限公司", "中原云图信息技术有限公司"
LEVEL = {"custody": "2-of-3", "title": "科学大道路内泊位停车诱导系统"}


def hall(client: Client, demand: Demand) -> Page:
    return client.get(f"/demands/{demand.number}/opening")


@pytest.fixture
def closed(stage: Stage, storage: LocalStorage) -> Demand:
    demand = making.sealed(stage, [None, None], storage=storage, **LEVEL)
    making.close(demand)
    service.freeze(demand, now=clock.site_now())
    db.session.commit()
    return demand


@pytest.fixture
def opened(stage: Stage, storage: LocalStorage) -> Demand:
    demand = stage.published(custody="2-of-3", custodians=making.custodians("2-of-3"))
    making.seal_all(
        demand,
        [contents.complete(demand.said), contents.complete(demand.said, "rival", total_fen=111_2222_00)],
        storage=storage,
    )
    making.close(demand)
    assert making.open_stage(demand, storage=storage)
    return demand


def test_the_hall_counts_down_and_says_how(stage: Stage, visitor: Client) -> None:
    demand = stage.published(**LEVEL, custodians=making.custodians("2-of-3"))
    page = hall(visitor, demand)
    assert page.status == 200
    assert page.has("以下3家中任意2家释放，即可开启")
    assert page.html.xpath("//time[@data-module='countdown']")
    assert [row.get("data-state") for row in page.html.xpath("//li[@class='custodian']")] == ["waiting"] * 3


def test_the_hall_shows_who_has_released_and_no_count(closed: Demand, visitor: Client) -> None:
    making.release_as(closed, "custodian1")
    db.session.commit()
    page = hall(visitor, closed)
    assert page.has("已释放1家，还需1家")
    assert [row.get("data-state") for row in page.html.xpath("//li[@class='custodian']")] == [
        "released",
        "waiting",
        "waiting",
    ]
    assert page.has("科创局")
    assert not page.has("郭一")
    assert FIRM not in page.text
    making.release_as(closed, "custodian2")
    db.session.commit()
    page = hall(visitor, closed)
    assert page.has("开启进度")
    assert page.html.xpath("//*[@data-module='hall']")[0].get("data-state") == "running-2"
    state = visitor.get(f"/demands/{closed.number}/opening/state.json")
    assert state.response.get_json() == {"state": "running-2", "percent": 0}


def test_before_the_opening_the_hall_is_the_same_for_no_bid_and_for_two(
    stage: Stage, storage: LocalStorage, sign_in: SignIn
) -> None:
    batch, shown = stage.batch(), []
    for count in (0, 1, 2):
        demand = making.sealed(stage, [None] * count, storage=storage, batch=batch, **LEVEL)
        making.close(demand)
        making.release_as(demand, "custodian1")
        db.session.commit()
        for username in ("publisher", "custodian2", "supervisor", "auditadmin"):
            shown.append((username, hall(sign_in(username), demand).main.replace(demand.number or "", "")))
        stage.now = clock.site_now()
    import re

    masked = [(who, re.sub(r"[\d:年月日]+", "", text)) for who, text in shown]
    assert masked[:4] == masked[4:8] == masked[8:]


def test_all_bidders_read_the_record_and_the_public_does_not(opened: Demand, visitor: Client, sign_in: SignIn) -> None:
    for username in ("bidder", "bidder_member", "rival", "screener", "publisher", "supervisor"):
        page = hall(sign_in(username), opened)
        for text in (FIRM, RIVAL, "320万元", "111.2222万元", "第1版"):
            assert page.has(text), (username, text)
    for client in (visitor, sign_in("drafter"), sign_in("expert1"), sign_in("custodian1"), sign_in("sysadmin")):
        page = hall(client, opened)
        assert page.status == 200
        assert page.has("记录已同时向全体揭榜单位公布")
        for secret in (FIRM, RIVAL, "320万元", "111.2222"):
            assert secret not in page.text
        assert client.get(f"/demands/{opened.number}/opening/record.pdf").status == 404
        assert client.get(f"/demands/{opened.number}/opening/record").status == 404


def test_why_a_bid_could_not_be_opened_is_said_in_both_languages(app: Flask, session: Session) -> None:
    with app.test_request_context("/"), force_locale("en"):
        for code in [reason.code for reason in Reason] + ["X-01"]:
            said = pages.why(code, "第3件", "en")
            assert said.endswith(f"({code})")
            assert not re.search("[\u4e00-\u9fff]", said), said
            assert pages.why(code, "第3件", "zh").endswith(f"（{code}，第3件）")


def test_the_record_prints_and_is_a_pdf(opened: Demand, sign_in: SignIn) -> None:
    client = sign_in("rival")
    page = client.get(f"/demands/{opened.number}/opening/record")
    assert page.has(FIRM)
    answer = client.get(f"/demands/{opened.number}/opening/record.pdf").response
    assert answer.data.startswith(b"%PDF")


def test_two_step_shows_no_price_yet(stage: Stage, storage: LocalStorage, sign_in: SignIn) -> None:
    demand = making.opened(stage, [small_bid(1)], storage=storage, two_step=True, **LEVEL)
    page = hall(sign_in("bidder"), demand)
    assert page.has("两步开启：报价另行开启")
    assert page.has("报价封套仍然密封")


def test_a_lapse_says_fewer_and_nothing_more(stage: Stage, storage: LocalStorage, sign_in: SignIn) -> None:
    demand = making.sealed(stage, [None, None], storage=storage, min_bids=3, **LEVEL)
    making.close(demand)
    making.open_stage(demand, storage=storage)
    for username in ("publisher", "bidder", "supervisor"):
        page = hall(sign_in(username), demand)
        assert page.has("少于公告规定的最少份数")
        assert FIRM not in page.main
        assert RIVAL not in page.main


def test_objecting_on_the_spot(opened: Demand, sign_in: SignIn) -> None:
    url = f"/demands/{opened.number}/opening/objection"
    assert sign_in("screener").get(url).status == 404
    bidder = sign_in("rival")
    short = bidder.get(url).submit(text="不")
    assert short.status == 422
    assert short.has("5至1000字")
    page = bidder.get(url).submit(text="河洛智感的封口时间与公告不一致，请核对。")
    assert page.has("疑问已记入开启记录")
    assert hall(sign_in("bidder"), opened).has("请核对")
    (row,) = queries.objections(opened)
    answer = f"/openings/objections/{row.public_id}"
    assert sign_in("bidder").get(answer).status == 404
    officer = sign_in("screener")
    assert any("答复对开启的疑问" in line for line in [officer.get("/desk").main])
    assert officer.get(answer).submit(text="已核对审计日志，封口时间无误。").has("答复已记入")
    assert hall(bidder, opened).has("封口时间无误")
    assert officer.get(answer).submit(text="再答一次，应被拒绝。").status == 409


# -- custodians --------------------------------------------------------------------------------------------------------


def released_by(client: Client, demand: Demand, username: str, password: str = factories.PASSWORD) -> Any:
    """What the page's script does."""
    headers = {"X-CSRFToken": client.csrf_token()}
    wanted = {"releases": [{"demand": demand.number, "stage": "first"}], "password": password}
    answer = client.http.post("/custody/releases/shares", json=wanted, headers=headers)
    if answer.status_code != 200:
        return answer
    (found,) = answer.get_json()["sets"]
    key = software.keyring().key(custodian_id(factories.person(username).id))
    assert found["key"] == public_bytes(key).hex()
    shares = []
    for item in found["shares"]:
        ref = BidRef(found["demand"], item["bid"], item["version"])
        wrapped = WrappedShare(found["setHash"], ref, item["envelope"], item["index"], bytes.fromhex(item["sealed"]))
        shares.append({"bid": item["bid"], "envelope": item["envelope"], "share": unwrap_share(key, wrapped).hex()})
    body = {"releases": [{"demand": demand.number, "stage": "first", "shares": shares}]}
    return client.http.post("/custody/releases", json=body, headers=headers)


def test_two_custodians_release_in_the_browser(closed: Demand, storage: LocalStorage, sign_in: SignIn) -> None:
    for username in ("custodian1", "custodian3"):
        client = sign_in(username)
        assert client.get("/custody").has("释放1条需求")
        assert client.get("/custody/release").has(closed.title)
        assert released_by(client, closed, username).get_json() == {"next": "/custody"}
        assert not client.get("/custody").has("释放1条需求")
    assert service.open_now(closed, stage=OpeningStage.FIRST, storage=storage)
    assert queries.hall(closed, clock.site_now()).step is Step.OPENED


def test_the_desk_asks_for_exactly_what_is_due(stage: Stage, storage: LocalStorage, sign_in: SignIn) -> None:
    """Before the deadline nothing, then the first stage until one has released, later the prices; as ``duties`` says."""
    demand = making.sealed(stage, [small_bid(1)], storage=storage, two_step=True, **LEVEL)
    everybody = {"custodian1", "custodian2", "custodian3"}

    def asked(verb: str) -> set[str]:
        db.session.commit()
        found = {username for username in everybody if sign_in(username).get("/desk").has(verb)}
        now = clock.site_now()
        assert found == {who for who in everybody if any(duty.due for duty in queries.duties(stage.actor(who), now))}
        return found

    assert asked("释放标书") == set()
    making.close(demand)
    service.freeze(demand, now=clock.site_now())
    assert asked("释放标书") == everybody
    making.release_as(demand, "custodian1")
    assert asked("释放标书") == {"custodian2", "custodian3"}
    making.release_as(demand, "custodian3")
    assert asked("释放") == set(), "enough have released"
    assert service.open_now(demand, stage=OpeningStage.FIRST, storage=storage)
    service.move(making.bid_of(demand, "bidder"), BidAction.ADMIT, actor=actor("screener"), now=clock.site_now())
    db.session.execute(update(Demand).where(Demand.id == demand.id).values(state=State.REVIEWING))
    assert asked("释放报价") == set(), "not called yet"
    service.call_prices(demand, now=clock.site_now())
    assert asked("释放报价") == everybody
    making.release_as(demand, "custodian2", stage=OpeningStage.PRICE)
    assert asked("释放报价") == {"custodian1", "custodian3"}


def test_the_password_is_asked_again(closed: Demand, sign_in: SignIn) -> None:
    answer = released_by(sign_in("custodian1"), closed, "custodian1", password="wrong")
    assert answer.status_code == 403
    assert "message" in answer.get_json()


def test_nobody_else_gets_shares(closed: Demand, sign_in: SignIn) -> None:
    for username in ("publisher", "bidder", "sysadmin"):
        assert released_by(sign_in(username), closed, username).status_code == 403
    wanted = {"releases": [{"demand": "ZZGX-2026-99-001", "stage": "first"}], "password": factories.PASSWORD}
    client = sign_in("custodian1")
    headers = {"X-CSRFToken": client.csrf_token()}
    assert client.http.post("/custody/releases/shares", json=wanted, headers=headers).status_code == 409
    assert (
        client.http.post("/custody/releases/shares", json={"password": factories.PASSWORD}, headers=headers).status_code
        == 422
    )
    assert client.http.post("/custody/releases/shares", json=wanted).status_code == 400


def test_a_key_is_enrolled_confirmed_by_another_and_proved(sign_in: SignIn) -> None:
    key = generate_private_key()
    custodian = sign_in("custodian1")
    assert custodian.get("/custody").has("还没有登记密钥")
    assert custodian.get("/desk").has("登记保管人密钥")
    assert custodian.get("/custody/key").submit(point="00").status == 422
    assert custodian.get("/custody/key").submit(point=public_bytes(key).hex()).has("公钥已登记")
    user = factories.person("custodian1")
    row = custody.live_key(user.id)
    assert row is not None
    confirm = f"/custody/keys/{row.id}/confirmation"
    assert custodian.get(confirm).status == 403
    assert sign_in("bidder").get(confirm).status == 403
    second = sign_in("secadmin")
    assert second.get("/desk").has("核对郭一的密钥指纹")
    assert not custodian.get("/desk").has("密钥指纹")
    page = second.get("/custody/keys")
    assert page.has("郭一")
    assert row.fingerprint[:16] not in page.text
    assert second.get(confirm).submit(fingerprint="0" * 16).status == 422
    assert second.get(confirm).submit(fingerprint=row.fingerprint[:16]).has("密钥已确认")
    assert not second.get("/desk").has("密钥指纹")
    assert custodian.get("/desk").has("证明仍持有密钥")
    asked = custodian.post("/custody/challenges").response.get_json()
    answer = answer_challenge(
        key, custodian_id=asked["custodian"], nonce=asked["nonce"], sealed=bytes.fromhex(asked["sealed"])
    )
    page = custodian.post("/custody/proofs", {"nonce": asked["nonce"], "answer": answer.hex()}, follow=True)
    assert page.has("90天内有效")
    assert not custodian.get("/desk").has("证明仍持有密钥")
    assert custodian.get("/custody/key/file").status == 404  # his own key: the platform has no file of it
    assert custodian.get("/custody/key/retirement").submit(reason="更换").has("旧密钥已停用")


def test_a_demo_custodian_takes_his_file_from_his_own_desk(closed: Demand, sign_in: SignIn) -> None:
    answer = sign_in("custodian2").get("/custody/key/file").response
    assert answer.status_code == 200
    assert answer.get_json()["format"] == "jbs1-custodian-key"
    assert sign_in("publisher").get("/custody/key/file").status in (403, 404)


def test_level_one_says_what_it_does_not_protect_from(stage: Stage, visitor: Client) -> None:
    demand = stage.published()
    assert hall(visitor, demand).has("不能防止管理员提前读取")
    assert visitor.get(f"/demands/{demand.number}").has("不能防止平台管理员提前读取")


def test_an_unpublished_demand_has_no_hall(stage: Stage, visitor: Client, sign_in: SignIn) -> None:
    demand = stage.pooled()
    db.session.commit()
    for client in (visitor, sign_in("publisher")):
        assert client.get(f"/demands/{demand.key}/opening").status == 404
    assert actor("custodian1").signed_in
