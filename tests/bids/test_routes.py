"""A bidder's pages and what the scripts speak to: the same questions of every address, and what nobody else learns."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from marketplace import db
from marketplace.bids import notices, queries, service
from marketplace.bids.models import Bid
from marketplace.bids.rules import BidState
from marketplace.demands import service as demands
from marketplace.demands.models import Demand
from marketplace.notifications.models import Mail, Message
from marketplace.platform.outbox.models import OutboxRow
from marketplace.platform.sealing.orgkey import OrganisationKey
from marketplace.platform.sealing.package import Package
from marketplace.platform.sealing.wire import sha256
from tests import factories
from tests.bids.conftest import Bidder, after, travel_to
from tests.bids.contents import complete
from tests.client import Client, Page
from tests.demands.conftest import Stage

SignIn = Callable[[str], Client]
JSON = {"Accept": "application/json"}


@pytest.fixture
def bidder(app: Flask, now: Any, demand: Demand) -> Bidder:
    """The bidder, whose ciphertext lies in the site's own storage."""
    return Bidder("bidder", app.extensions["storage"], now)


@pytest.fixture
def sealed(bidder: Bidder, demand: Demand) -> Bid:
    return bidder.seal(demand, complete(demand.said)).bid


def send(client: Client, method: str, url: str, *, headers: dict[str, str] | None = None, **options: Any) -> Page:
    """As the scripts do: the token in a header, JSON in the answer."""
    token = {"X-CSRFToken": client.csrf_token()} if method != "GET" else {}
    response = client.http.open(url, method=method, headers={**JSON, **token, **(headers or {})}, **options)
    return Page(client, response, url)


# --- whether one may bid ------------------------------------------------------------------------------------------


def test_the_demand_says_at_once_whether_one_may_bid(demand: Demand, visitor: Client, sign_in: SignIn) -> None:
    url = f"/demands/{demand.number}"
    assert f"{url}/bid" in visitor.get(url).links()
    assert "/sign-in" in visitor.get(f"{url}/bid").response.headers["Location"]
    assert f"{url}/bid" in sign_in("bidder").get(url).links()
    for staff in ("publisher", "screener", "drafter", "supervisor", "expert1"):
        page = sign_in(staff).get(url)
        assert f"{url}/bid" not in page.links()
        assert sign_in(staff).get(f"{url}/bid").status == 403
    factories.organisation("rival").may_bid = False
    db.session.commit()
    refused = sign_in("rival").get(url)
    assert refused.has("没有登记为揭榜单位")
    assert f"{url}/bid" not in refused.links()
    assert sign_in("rival").get(f"{url}/bid").has("请由单位管理员在单位资料页申请揭榜资格")
    assert sign_in("rival").get(f"{url}/bid?lang=en").has("Its administrator can apply on the profile page")
    assert sign_in("rival").post(f"{url}/bid").status == 409


def test_start_is_one_draft_for_the_whole_organisation(demand: Demand, sign_in: SignIn) -> None:
    page = sign_in("bidder").get(f"/demands/{demand.number}/bid")
    assert page.has("逐项响应2项指标")
    assert page.has("别人看不到您在填写")
    started = page.submit(follow=False)
    assert started.status == 302
    bid = db.session.query(Bid).one()
    assert started.response.headers["Location"] == f"/bids/{bid.public_id}/form"
    again = sign_in("bidder_member").get(f"/demands/{demand.number}/bid")
    assert again.response.headers["Location"] == f"/bids/{bid.public_id}"
    assert f"/bids/{bid.public_id}" in sign_in("bidder").get(f"/demands/{demand.number}").links()


# --- nobody else --------------------------------------------------------------------------------------------------

PAGES = ("", "/form", "/seal", "/reading", "/withdrawal", "/amendment", "/members", "/package", "/draft.json", "/sheet.json",
         "/parts/1/technical/0")  # fmt: skip


def test_every_address_of_a_bid_is_nothing_to_others(sealed: Bid, visitor: Client, sign_in: SignIn) -> None:
    receipt = queries.receipts(sealed)[0]
    addresses = [f"/bids/{sealed.public_id}{page}" for page in PAGES]
    addresses += [f"/receipts/{receipt.public_id}{kind}" for kind in ("", ".txt", ".pdf")]
    nowhere = sealed.public_id[::-1]
    for who in ("rival", "publisher", "sysadmin", "auditadmin", "custodian1", "supervisor", "drafter", "expert1"):
        client = sign_in(who)
        for address in addresses:
            found, missing = client.get(address), client.get(address.replace(sealed.public_id, nowhere))
            assert (found.status, address) == (404, address)
            if sealed.public_id in address:
                assert masked(found.main) == masked(missing.main)
    for address in addresses:
        assert "/sign-in" in visitor.get(address).response.headers["Location"]
        assert visitor.get(address, headers=JSON).status == 403
    for method, path in (
        ("PUT", "/pieces/2/price/0/0"), ("POST", "/parts"), ("DELETE", "/parts/2/price/0"), ("PUT", "/draft"),
        ("POST", "/sealing"),
    ):  # fmt: skip
        assert send(sign_in("rival"), method, f"/bids/{sealed.public_id}{path}", json={}).status == 404
    for who in ("bidder", "bidder_member"):
        assert {sign_in(who).get(address).status for address in addresses} == {200}


def test_no_page_tells_that_somebody_bid(
    demand: Demand, bidder: Bidder, app: Flask, now: Any, visitor: Client, sign_in: SignIn
) -> None:
    """Byte for byte the same, tokens and clocks aside, with no bid and with two sealed ones."""
    addresses = ["/", "/demands", f"/demands/{demand.number}", f"/demands/{demand.number}/bid", "/bids", "/desk",
                 f"/demands/{demand.number}/history", "/messages", "/feed.atom"]  # fmt: skip

    def seen() -> dict[tuple[str, str], tuple[int, str]]:
        answers = {}
        for who in ("", "university", "publisher", "drafter", "custodian1", "sysadmin"):
            client = visitor if not who else sign_in("expert1" if who == "university" else who)
            for address in addresses:
                page = client.get(address)
                answers[who, address] = (page.status, masked(page.text))
        return answers

    before = seen()
    bidder.seal(demand, complete(demand.said))
    Bidder("rival", app.extensions["storage"], now).seal(demand, complete(demand.said, "rival"))
    assert seen() == before


def masked(text: str) -> str:
    import re

    text = re.sub(r'(name="csrf_token"[^>]*value=")[^"]*', r"\1", text)
    text = re.sub(r'nonce="[^"]*"', "", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00|\+08:00)", "", text)
    return re.sub(r"\d{1,2}:\d\d(?::\d\d)?(?:\.\d+)?|剩[^<]*", "", text)


# --- the scripts' side --------------------------------------------------------------------------------------------


def test_a_draft_is_uploaded_kept_and_given_back(demand: Demand, bidder: Bidder, sign_in: SignIn) -> None:
    bid = bidder.start(demand)
    db.session.commit()
    client, url = sign_in("bidder"), f"/bids/{bid.public_id}"
    state = json.loads(send(client, "GET", f"{url}/draft.json").text)
    assert (state["draft"], state["sealed"], state["key"], state["sheet"]["version"]) == (None, None, None, 1)
    assert state["profile"]["bidder"] == "河洛智感科技有限公司"
    assert state["rules"]["terms"]["indicators"] == [item.name for item in demand.said.indicators]
    wraps = {"technical": "11" * 60, "price": "22" * 60}
    assert send(client, "PUT", f"{url}/draft", json={"version": 1, "own_wraps": wraps}).status == 200
    other = {"technical": "33" * 60, "price": "22" * 60}
    clash = send(sign_in("bidder_member"), "PUT", f"{url}/draft", json={"version": 1, "own_wraps": other})
    assert (clash.status, "同事刚刚开始" in json.loads(clash.text)["detail"]) == (409, True)
    chunk = b"JBS1\1\0\0\0" + bytes(range(256)) * 80
    place = f"{url}/pieces/1/price/0/0"
    for _ in range(2):
        assert send(client, "PUT", place, data=chunk, headers={"X-Chunk-SHA256": sha256(chunk)}).status == 200
    newer = chunk[::-1].replace(b"", b"")[:-40]
    newer = b"JBS1\1\0\0\0" + newer
    stale = send(client, "PUT", place, data=newer, headers={"X-Chunk-SHA256": sha256(newer), "X-Replaces": "0" * 64})
    assert (stale.status, "同事刚刚保存" in json.loads(stale.text)["detail"]) == (409, True)
    fresh = send(
        client, "PUT", place, data=newer, headers={"X-Chunk-SHA256": sha256(newer), "X-Replaces": sha256(chunk)}
    )
    assert fresh.status == 200
    back = client.http.get(f"{url}/parts/1/price/0")
    assert back.data == newer
    said = json.loads(send(client, "GET", f"{url}/draft.json").text)
    assert said["draft"] == {"own_wraps": wraps}
    assert said["uploaded"] == {"technical": {}, "price": {"0": [sha256(newer)]}}


def test_plaintext_and_oversize_are_refused_in_json(demand: Demand, bidder: Bidder, sign_in: SignIn) -> None:
    bid = bidder.start(demand)
    db.session.commit()
    client, url = sign_in("bidder"), f"/bids/{bid.public_id}"
    plain = '{"total_fen": 320000000, "note": "报价"}'.encode() * 400
    refused = send(client, "PUT", f"{url}/pieces/1/price/0/0", data=plain, headers={"X-Chunk-SHA256": sha256(plain)})
    assert (refused.status, refused.response.mimetype) == (422, "application/problem+json")
    assert "不是密文" in json.loads(refused.text)["detail"]
    assert send(client, "PUT", f"{url}/pieces/1/price/0/0", data=bytes((1 << 20) + 57)).status == 413
    assert send(client, "POST", f"{url}/sealing", data=b" " * (64 * 1024 + 1)).status == 413
    for junk in (b"", b"[]", b"{", b'{"manifest": 7}', b"[" * 5000):
        assert send(client, "POST", f"{url}/sealing", data=junk).status == 422
    response = client.http.put(f"{url}/pieces/1/price/0/0", data=plain, headers=JSON)
    assert response.status_code == 400  # without the token nothing is read
    assert client.http.post(f"{url}/pieces/1/price/0/0").status_code in (400, 405)
    assert list(queries.pieces(bid.id, 1, "price", 0)) == []


def test_the_commit_gives_the_same_receipt_for_the_same_key(demand: Demand, bidder: Bidder, sign_in: SignIn) -> None:
    bid = bidder.start(demand)
    submission = bidder.prepare(bid, complete(demand.said))
    db.session.commit()
    client, url = sign_in("bidder"), f"/bids/{bid.public_id}/sealing"
    key = {"Idempotency-Key": "k1"}
    first = send(client, "POST", url, json=submission.to_json(), headers=key)
    assert first.status == 201
    answer = json.loads(first.text)
    assert answer["manifest_hash"] == sha256(submission.manifest)
    assert json.loads(send(client, "POST", url, json=submission.to_json(), headers=key).text) == answer
    other = {**submission.to_json(), "own_wraps": {"technical": "00" * 60, "price": "00" * 60}}
    assert send(client, "POST", url, json=other, headers=key).status == 422
    assert send(client, "POST", url, json=submission.to_json()).status == 422  # no key at all
    assert sign_in("bidder").get(answer["url"]).has("已封口，已记入审计日志")


def test_late_is_410_with_both_times_and_only_a_leaf(demand: Demand, bidder: Bidder, sign_in: SignIn) -> None:
    bid = bidder.start(demand)
    submission = bidder.prepare(bid, complete(demand.said))
    db.session.commit()
    travel_to(after(demand, milliseconds=1))
    client = sign_in("bidder")
    late = send(
        client, "POST", f"/bids/{bid.public_id}/sealing", json=submission.to_json(), headers={"Idempotency-Key": "k"}
    )
    assert late.status == 410
    said = json.loads(late.text)
    assert said["arrived_at"] > said["closes_at"]
    assert "没有保存任何内容" in said["detail"]
    assert (bid.version, queries.receipts(bid)) == (0, [])
    assert client.get(f"/bids/{bid.public_id}/form").has("揭榜已经截止或暂停")
    assert client.get(f"/bids/{bid.public_id}").has("截止前没有封口")


# --- receipts -----------------------------------------------------------------------------------------------------


def test_a_receipt_is_page_text_and_paper_and_verifies(sealed: Bid, sign_in: SignIn, visitor: Client) -> None:
    row = queries.receipts(sealed)[0]
    client = sign_in("bidder")
    page = client.get(f"/receipts/{row.public_id}")
    for text in ("揭榜回执", sealed.public_id, "河洛智感科技有限公司", "第1版", "协调世界时", "1名保管人中的1名"):
        assert page.has(text)
    assert client.http.get(f"/receipts/{row.public_id}.pdf").data.startswith(b"%PDF-")
    text = client.http.get(f"/receipts/{row.public_id}.txt").get_data(as_text=True)
    assert text == queries.receipt(row).to_text()
    verified = visitor.get("/verify").submit(receipt=text)
    assert (verified.status, verified.has("核验通过"), verified.has(sealed.public_id)) == (200, True, True)
    windows = visitor.get("/verify").submit(receipt=text.replace("\n", "\r\n"))
    assert windows.has("核验通过")
    changed = text.replace("版本: 1", "版本: 2")
    refused = visitor.get("/verify").submit(receipt=changed)
    assert refused.html.get_element_by_id("receipt").text.strip() == changed.strip()  # what was pasted stays
    assert (refused.status, refused.has("核验不通过"), refused.has("核验通过。")) == (422, True, False)
    linked = next(link for link in page.links() if link.startswith("/verify?"))
    assert sealed.public_id not in linked
    assert visitor.get(linked).has("审计日志里有这份回执的记录")
    assert visitor.get(linked.replace("leaf=", "leaf=9")).status == 422
    assert visitor.get("/verify?leaf=x&statement=y").status == 422
    uploaded = visitor.http.post(
        "/verify",
        data={"csrf_token": visitor.csrf_token(), "receipt_file": (BytesIO(text.encode()), "r.txt")},
    )
    assert "核验通过" in uploaded.get_data(as_text=True)


def test_any_changed_character_of_a_receipt_is_found(sealed: Bid, visitor: Client) -> None:
    text = queries.receipt(queries.receipts(sealed)[0]).to_text()
    page = visitor.get("/verify")
    for place in range(60, len(text), 97):
        other = "0" if text[place] != "0" else "1"
        assert page.submit(receipt=text[:place] + other + text[place + 1 :]).status == 422, text[
            place - 10 : place + 10
        ]


def test_the_tools_are_published_with_their_fingerprints(visitor: Client) -> None:
    page = visitor.get("/transparency")
    for name in ("verify_receipt.py", "seal_bid.py"):
        data = visitor.http.get(f"/transparency/tools/{name}").data
        assert data.startswith(b"#!/usr/bin/env python3")
        assert page.has(sha256(data))
    assert visitor.get("/transparency/tools/../routes.py").status == 404
    assert visitor.get("/transparency/tools/wsgi.py").status == 404


# --- withdrawing and amendments -----------------------------------------------------------------------------------


def test_withdrawing_names_what_happens_and_gives_a_receipt(sealed: Bid, sign_in: SignIn) -> None:
    client, url = sign_in("bidder_member"), f"/bids/{sealed.public_id}/withdrawal"
    page = client.get(url)
    assert page.has("密钥分片立即销毁")
    done = page.submit()
    assert (done.status, done.has("已撤回，已记入审计日志")) == (200, True)
    db.session.refresh(sealed)
    assert sealed.state is BidState.WITHDRAWN
    assert client.get(url).has("现在没有封口")
    again = page.submit()  # the same form sent twice: the same receipt, nothing more
    assert again.has("已撤回，已记入审计日志")
    assert [row.act for row in queries.receipts(sealed)] == ["withdrawn", "sealed"]


def test_a_late_withdrawal_is_410(sealed: Bid, demand: Demand, sign_in: SignIn) -> None:
    travel_to(after(demand))
    late = sign_in("bidder").post(f"/bids/{sealed.public_id}/withdrawal", {"key": "k"})
    assert (late.status, late.has("到达"), late.has("17:00:00.000")) == (410, True, True)
    db.session.refresh(sealed)
    assert sealed.state is BidState.SEALED


def test_an_amendment_is_told_and_confirmed(sealed: Bid, demand: Demand, stage: Stage, sign_in: SignIn) -> None:
    client, url = sign_in("bidder"), f"/bids/{sealed.public_id}"
    assert client.get(f"{url}/amendment").has("不用再办什么")
    changed = dataclasses.replace(demand.said, conditions="具备相关产品的研发、部署和运行维护能力。")
    demands.amend(demand, changed, reason="补充条件", actor=stage.actor("publisher"), now=stage.now)
    db.session.commit()
    assert client.get(url).has("需求在您封口之后有变更")
    assert client.get("/bids").has("需求有变更")
    assert client.get("/desk").has("确认或替换")
    page = client.get(f"{url}/amendment")
    assert page.has("补充条件")
    assert page.submit().has("揭榜回执")
    db.session.refresh(sealed)
    assert sealed.answers_version == 2
    assert not client.get(url).has("需求在您封口之后有变更")


# --- members ------------------------------------------------------------------------------------------------------


def test_a_member_is_asked_and_answers_in_its_own_account(demand: Demand, bidder: Bidder, sign_in: SignIn) -> None:
    bid = bidder.start(demand)
    db.session.commit()
    lead, url = sign_in("bidder"), f"/bids/{bid.public_id}/members"
    rival = factories.organisation("rival")
    assert lead.get(url).submit(credit_code="12345").status == 422
    unknown = lead.get(url).submit(credit_code="91410100MA9K000005")
    assert unknown.status in (409, 422)
    asked = lead.get(url).submit(credit_code=rival.credit_code.lower())
    assert (asked.has("已邀请"), asked.has("中原云图"), asked.has("待答复")) == (True, True, True)
    member = sign_in("rival")
    assert member.get("/bids").has("联合体邀请")
    assert member.get("/desk").has("河洛智感邀请加入")
    page = member.get(f"/bids/{bid.public_id}/membership")
    assert page.has("同一需求不能再单独揭榜")
    assert member.get(f"/bids/{bid.public_id}").status == 403
    assert sign_in("expert1").get(f"/bids/{bid.public_id}/membership").status == 404
    joined = page.submit(answer="join")
    assert joined.has("已确认")
    assert lead.get(url).has("已确认")
    assert member.get(f"/bids/{bid.public_id}/membership").submit(answer="decline").status == 200
    assert lead.get(url).has("已谢绝")


# --- the key ------------------------------------------------------------------------------------------------------


def test_the_key_is_made_once_and_renewed_with_everything(sealed: Bid, bidder: Bidder, sign_in: SignIn) -> None:
    client, url = sign_in("bidder"), "/bids/keys/firm"
    first, second = bidder.key, OrganisationKey.generate()
    assert send(client, "POST", url, json={"check_hash": first.check_hash}).status == 200
    assert send(sign_in("bidder_member"), "POST", url, json={"check_hash": second.check_hash}).status == 409
    assert client.get(url).has(first.check_hash[:16])
    assert sign_in("rival").get(url).status == 404
    assert sign_in("publisher").get(url).status == 403 or sign_in("publisher").get(url).status == 404
    told = json.loads(send(client, "GET", f"{url}.json").text)
    assert [wrap["ref"]["bid"] for wrap in told["wraps"]] == [sealed.public_id]
    body = {"check_hash": second.check_hash, "former": first.check_hash, "wraps": []}
    assert send(client, "POST", url, json=body).status == 409  # one would be left behind
    ref = sealed.ref(1)
    anew = {}
    for name, wrap in told["wraps"][0]["own_wraps"].items():
        dek = first.unwrap(bytes.fromhex(wrap), ref=ref, envelope=name)
        anew[name] = second.wrap(dek, ref=ref, envelope=name).hex()
    body["wraps"] = [{"bid": sealed.public_id, "version": 1, "own_wraps": anew}]
    assert send(client, "POST", url, json=body).status == 200
    assert send(client, "POST", url, json=body).status == 409  # a colleague was faster
    key = queries.bidder_key(sealed.organisation_id)
    assert key is not None
    assert key.check_hash == second.check_hash
    version = queries.sealed_version(sealed)
    assert version is not None
    assert version.own_wraps == anew


def test_a_colleague_who_leaves_calls_for_a_new_key(bidder: Bidder, now: Any, sign_in: SignIn) -> None:
    firm = factories.organisation("firm")
    service.announce_key(firm, check_hash="1" * 64, actor=bidder.actor, now=now)
    assignment = factories.person("bidder_member").assignments[0]
    db.session.commit()
    assert not sign_in("bidder").get("/bids").has("请换一把单位标书钥匙")
    assignment.revoked_at = now + timedelta(seconds=1)
    db.session.commit()
    assert sign_in("bidder").get("/bids").has("请换一把单位标书钥匙")
    assert sign_in("bidder").get("/bids/keys/firm").has("该换钥匙了")


# --- lists and odd browsers ---------------------------------------------------------------------------------------


def test_the_list_costs_the_same_with_many_bids(
    demand: Demand, bidder: Bidder, stage: Stage, sign_in: SignIn, count_queries: list[str]
) -> None:
    bidder.start(demand)
    db.session.commit()
    client = sign_in("bidder")
    client.get("/bids")
    count_queries.clear()
    assert client.get("/bids").has(demand.title)
    one = len(count_queries)
    batch = stage.batch()
    for number in range(5):
        bidder.start(stage.published(batch=batch, title=f"另一条需求用于列表{number}"))
        batch = None
    db.session.commit()
    db.session.expire_all()
    count_queries.clear()
    assert client.get("/bids").has("另一条需求用于列表4")
    assert len(count_queries) == one


def test_inside_wechat_the_form_shows_the_way_out(sealed: Bid, sign_in: SignIn) -> None:
    client = sign_in("bidder")
    wechat = {"User-Agent": "Mozilla/5.0 MicroMessenger/8.0.44"}
    for page in ("form", "seal", "reading", "package"):
        shown = client.get(f"/bids/{sealed.public_id}/{page}", headers=wechat)
        assert shown.has("请在系统浏览器打开")
        assert shown.has(f"http://localhost/bids/{sealed.public_id}/{page}")
    assert client.get(f"/bids/{sealed.public_id}/withdrawal", headers=wechat).has("密钥分片立即销毁")


def test_an_error_under_these_routes_is_logged_without_path_or_person(
    app: Flask, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    secret = "f" * 32
    with app.test_request_context(f"/bids/{secret}"):
        try:
            raise RuntimeError(f"unforeseen {secret}")
        except RuntimeError:
            import sys

            app.log_exception(sys.exc_info())
    said = capsys.readouterr()
    logged = said.out + said.err + caplog.text
    assert "RuntimeError" in logged
    assert secret not in logged


# --- messages and the command ---------------------------------------------------------------------------------------


def test_messages_go_to_the_organisation_alone_and_mails_say_nothing(
    demand: Demand, bidder: Bidder, sign_in: SignIn, now: Any
) -> None:
    bid = bidder.start(demand)
    service.invite(bid, factories.organisation("rival"), actor=bidder.actor, now=now)
    member = bid.members[0]
    service.join(member, actor=Bidder("rival", bidder.storage, now).actor, now=now)
    db.session.commit()
    bidder.seal(demand, complete(demand.said))
    rows = list(db.session.scalars(select(OutboxRow).where(OutboxRow.topic.startswith("bid.")).order_by(OutboxRow.id)))
    assert [row.topic for row in rows] == ["bid.invited", "bid.joined", "bid.sealed"]
    for _ in range(2):  # read again after a crash: told once
        notices.handle(rows, now)
    db.session.commit()
    told = {(row.user_id, row.title.partition("：")[0]) for row in db.session.scalars(select(Message))}
    ids = {name: factories.person(name).id for name in ("bidder", "bidder_member", "rival")}
    assert told == {
        (ids["rival"], "河洛智感邀请贵单位加入联合体"),
        (ids["bidder"], "中原云图已确认加入联合体"),
        (ids["bidder_member"], "中原云图已确认加入联合体"),
        *((who, "标书已封口") for who in ids.values()),
    }
    mails = list(db.session.scalars(select(Mail)))
    assert len(mails) == 6
    for mail in mails:
        for secret in (demand.title, str(demand.number), bid.public_id, "封口", "联合体", "/bids", "/receipts"):
            assert secret not in mail.subject + mail.body
    assert sign_in("rival").get("/messages").has("邀请贵单位加入联合体")


def test_the_command_seals_a_folder_as_the_tool_does(
    app: Flask, demand: Demand, bidder: Bidder, tmp_path: Path
) -> None:
    bid = bidder.start(demand)
    (tmp_path / "sheet.json").write_text(json.dumps(service.sheet(bid).to_json()), "utf-8")
    folder = tmp_path / "bid"
    (folder / "technical" / "plan").mkdir(parents=True)
    (folder / "technical" / "plan" / "方案.pdf").write_bytes(b"%PDF-1.7\n")
    (folder / "key").write_text(bidder.key.code, "utf-8")
    arguments = ["bids", "seal", str(tmp_path / "sheet.json"), str(folder), str(tmp_path / "bid.zbq")]
    result = app.test_cli_runner().invoke(args=[*arguments, "--own-key", str(folder / "key")])
    assert result.exit_code == 0
    with Package(tmp_path / "bid.zbq") as package:
        package.check()
        assert package.manifest.ref == bid.ref(1)
    assert app.test_cli_runner().invoke(args=[*arguments, "--own-key", str(folder / "key")]).exit_code == 1
