"""Blind review: canaries of every bidder's identity in all that an expert can reach, the declaration page aside: none.

The bids say their names wherever a bidder could think of: in every text, in several spellings, in file names, in the
text and the properties of PDF, docx and xlsx, in the chunks of pictures.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import numpy as np
import pytest
from docx import Document
from flask import Flask
from sqlalchemy import select

from marketplace import db
from marketplace.accounts.models import User
from marketplace.bids import queries as bids
from marketplace.bids.content import KeyPerson
from marketplace.demands.models import Demand
from marketplace.notifications import consumer
from marketplace.notifications.models import Mail, Message
from marketplace.panels import reading, telling
from marketplace.panels.blind import Identities, core_of
from marketplace.panels.models import LeakScan
from marketplace.panels.service import scanning
from marketplace.platform import clock
from marketplace.platform.errors import Refused
from marketplace.platform.files import LocalStorage
from marketplace.platform.outbox import OutboxRow
from marketplace.platform.rendering import pages, xlsx
from marketplace.platform.rendering import pages as drawing
from marketplace.platform.rendering.paper import Paper, Text
from marketplace.platform.rendering.pdf import pdf
from marketplace.scoring import queries, service
from marketplace.scoring import telling as scoring_telling
from tests import factories
from tests.bids.contents import attachment, envelopes, price, technical
from tests.client import Client, Page
from tests.demands.conftest import Stage
from tests.panels import making
from tests.panels.making import actor, panel_of
from tests.scoring.test_routes import name_of

SignIn = Callable[[str], Client]
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def spellings(key: str) -> dict[str, str]:
    """How a bidder writes itself; every one is a canary."""
    firm = factories.organisation(key)
    person = {"firm": "孟晓霖", "rival": "欧阳初霁"}[key]
    phone = {"firm": "13912345678", "rival": "13887654321"}[key]
    return {
        "name": firm.name,
        "core": core_of(firm.name),
        "short": firm.short_name,
        "spaced": " ".join(firm.short_name),
        "code": firm.credit_code,
        "person": person,
        "phone": phone,
        "dashed": f"{phone[:3]}-{phone[3:7]}-{phone[7:]}",
        "email": f"sales@{key}-canary.example",
        "site": f"www.{key}-canary.example",
        "contact": "王珂" if key == "firm" else "赵川",
    }


def confession(key: str) -> str:
    return "我方为" + "，".join(spellings(key).values()) + "。"


def everywhere(value: Any, words: str) -> Any:
    """Every text of a proposal with the confession at its end, as far as it fits."""
    if isinstance(value, str):
        return value + words
    if isinstance(value, tuple):
        return tuple(everywhere(item, words) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        kept = {"indicator", "value", "deviation", "page"}
        return replace(
            value,
            **{
                item.name: everywhere(getattr(value, item.name), words)
                for item in fields(value)
                if item.name not in kept
            },
        )
    return value


def png_that_talks(words: str) -> bytes:
    """A small picture with the words in a text chunk and behind its end."""
    plain = pages.png(np.full((8, 8, 3), 200, dtype=np.uint8))
    body = b"Author\0" + words.encode()
    chunk = struct.pack(">I", len(body)) + b"tEXt" + body + struct.pack(">I", zlib.crc32(b"tEXt" + body))
    return plain[:33] + chunk + plain[33:] + words.encode()


def docx_that_talks(words: str) -> bytes:
    document = Document()
    document.core_properties.author = words[:200]
    document.core_properties.title = words[:200]
    document.add_paragraph(f"技术说明。{words}")
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def archive_that_talks(words: str, **parts: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.comment = words.encode()[:200]
        for name, text in {f"{words[:40]}.txt": words, **parts}.items():
            archive.writestr(name, text)
    return out.getvalue()


def slides_that_talk(words: str) -> bytes:
    parts = {"[Content_Types].xml": "<Types/>", "ppt/presentation.xml": "<p/>", "docProps/core.xml": f"<c>{words}</c>"}
    return archive_that_talks(words, **parts)


def contents(said: Any, key: str) -> Any:
    words, who = confession(key), spellings(key)
    firm = factories.organisation(key)
    made = technical(said, key, contact_phone=who["phone"], contact_email=who["email"])
    people = (*made.eligibility.people, KeyPerson(who["person"], "总工程师", firm.name, "教授"))
    proposal = everywhere(made.technical, words)
    proposal = replace(proposal, responses=tuple(replace(row, file=2, page="1") for row in proposal.responses))
    talking = pdf(
        Paper(
            form="sheet",
            title=f"{firm.name}检测报告",
            dated_at=clock.wall_now(),
            blocks=(Text(words * 3),),
            issuer=firm.name,
        )
    )
    name = firm.short_name
    files = (
        attachment(f"{name}技术方案.pdf", "plan", talking),
        attachment(f"{who['phone']}佐证.pdf", "evidence", talking),
        attachment(f"{name}标志.png", "material", png_that_talks(words), "image/png"),
        attachment(f"{name}说明.docx", "material", docx_that_talks(words), DOCX),
        attachment(f"{name}参数.xlsx", "material", xlsx(["参数"], [[words]]), XLSX),
        attachment(f"{name}.txt", "material", words.encode(), "text/plain"),
        attachment(f"{name}路演.pptx", "material", slides_that_talk(words), PPTX),
        attachment(f"{name}原始数据.zip", "material", archive_that_talks(words), "application/zip"),
        attachment(f"{name}版式.ofd", "evidence", archive_that_talks(words, **{"OFD.xml": "<x/>"}), "application/ofd"),
    )
    return envelopes(
        replace(made, eligibility=replace(made.eligibility, people=people), technical=proposal), price(said), files
    )


@pytest.fixture
def storage(app: Flask) -> LocalStorage:
    found: LocalStorage = app.extensions["storage"]
    return found


@pytest.fixture
def demand(stage: Stage, storage: LocalStorage) -> Demand:
    for key in ("firm", "rival"):
        firm = factories.organisation(key)
        firm.website = f"https://{spellings(key)['site']}/"
        firm.contact_name, firm.contact_phone = spellings(key)["contact"], spellings(key)["phone"]
    said = stage.draft().said
    return making.reviewing(stage, [contents(said, "firm"), contents(said, "rival")], storage=storage, blind=True)


def folded(text: str) -> str:
    return "".join(text.split()).replace("-", "").lower()


def canaries() -> dict[str, str]:
    return {f"{key}:{kind}": folded(word) for key in ("firm", "rival") for kind, word in spellings(key).items()}


def leaks(page: Page) -> list[str]:
    """The canaries in an answer: its text, its bytes, its headers as a browser reads them."""
    headers = unquote(str(page.response.headers))
    found = folded(page.text) + folded(inside(page.response.data)) + folded(headers)
    return [name for name, word in canaries().items() if word in found]


def inside(data: bytes) -> str:
    """Everything that a curious reader finds in a file: its bytes, its members, its deflated streams."""
    parts = [data]
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as book:
            parts += [book.comment, *(book.read(name) for name in book.namelist())]
            parts += [name.encode() for name in book.namelist()]
    elif data.startswith(b"%PDF"):
        for found in re.finditer(rb"stream\r?\n", data):
            try:
                parts.append(zlib.decompressobj().decompress(data[found.end() :]))
            except zlib.error:
                continue
    return "".join(part.decode(code, "ignore") for part in parts for code in ("utf-8", "utf-16-be"))


def traces(demand: Demand) -> dict[str, str]:
    """What says nothing by itself and could be compared with a receipt, an opening record or the log."""
    found = {}
    for bid in bids.opened(demand):
        found[f"id:{bid.organisation.slug}"] = bid.public_id
        for file in bids.opened_files(bid):
            place = f"{bid.organisation.slug}:{file.part}"
            found |= {f"hash:{place}": file.sha256, f"stored:{place}": file.stored_sha256}
        for version in bid.versions:
            found[f"manifest:{bid.organisation.slug}:{version.version}"] = version.manifest_hash
    return found


def compared(page: Page, hidden: dict[str, str]) -> list[str]:
    """Which traces stand in an answer."""
    said = page.text + inside(page.response.data) + unquote(str(page.response.headers))
    return [name for name, word in hidden.items() if word in said]


def reachable(client: Client, start: list[str]) -> dict[str, Page]:
    """Every page and file that links, pictures and forms' addresses lead to inside the review and the own desk."""
    seen: dict[str, Page] = {}
    waiting = list(start)
    while waiting and len(seen) < 300:
        url = waiting.pop(0)
        if url in seen or urlsplit(url).path.endswith("/declaration"):
            continue
        page = seen[url] = client.get(url)
        if not page.is_html:
            continue
        for found in page.html.xpath("//@href | //@src | //@data-next | //form/@action"):
            target = urljoin(url, found).split("#")[0]
            if target.startswith(("/review", "/desk", "/messages", "/panel", "/demands/ZZGX")):
                waiting.append(target)
    return seen


def test_an_expert_reaches_no_bidders_identity(demand: Demand, sign_in: SignIn) -> None:
    rows = list(db.session.scalars(select(OutboxRow).order_by(OutboxRow.id)))
    for handler in (consumer.handle, telling.handle, scoring_telling.handle):
        handler(rows, clock.site_now())
    db.session.commit()
    seat = panel_of(demand).counted_seats[0]
    client = sign_in(name_of(seat))
    words = ["河洛智感", "13912345678", "孟晓霖"]
    hidden = traces(demand)
    assert len(hidden) >= 30
    start = ["/review", "/desk", "/messages", f"/review/{demand.ref}", f"/demands/{demand.ref}"]
    start += [f"/search?q={word}" for word in words] + [f"/demands?q={word}" for word in words]
    about = f"/demands/{demand.ref}"
    start += [
        f"{about}/opening",
        f"{about}/opening/record",
        f"{about}/opening/state.json",
        f"/api/v1{about}",
        "/feed.atom",
    ]
    start += [
        "/calendar.ics",
        "/suggest?q=heluo",
        "/suggest?q=河洛",
        f"/panels/{demand.ref}",
        f"{about}/work",
        "/notices",
    ]
    start += [f"{about}/review", f"{about}/ranking", f"{about}/eligibility", "/transparency", "/bids", "/desk/letters"]
    found = reachable(client, start)
    assert len([url for url in found if "/files/" in url]) >= 20
    assert len([url for url in found if url.endswith(".png")]) >= 4
    echoed = [url for url in found if "q=" in url]  # a search page repeats what was asked
    told = {url: names for url, page in found.items() if (names := leaks(page)) and url not in echoed}
    assert told == {}
    read = {url: page for url, page in found.items() if url.startswith(("/review", about, f"/api/v1{about}", "/desk"))}
    told = {url: names for url, page in read.items() if (names := compared(page, hidden))}
    assert told == {}
    for url, page in read.items():  # neither when a file was made nor what it was called
        given = {"Last-Modified", "Content-Disposition"} & set(page.response.headers.keys())
        assert not given or not url.startswith("/review"), url
    # Whoever guesses an address learns nothing from the refusal.
    for bid in bids.opened(demand):
        for path in ("", "/eligibility", "/opened", "/letter", "/check", "/sheet.json"):
            there, none = client.get(f"/bids/{bid.public_id}{path}"), client.get(f"/bids/{'0' * 32}{path}")
            # But for the address itself, the request's number and the time.
            one, other = (re.sub(r"[0-9a-f]{8,}|[\d:.]{12}", "", page.main) for page in (there, none))
            assert (there.status, one) == (404, other), path
    for url in echoed:
        links = [href for href in found[url].links() if href.startswith(("/review/", "/organisations/"))]
        assert links == [], url
    mails = db.session.scalars(select(Mail).where(Mail.to_address == seat.expert.email))
    own = db.session.scalars(select(Message).where(Message.user_id == seat.expert_account_id))
    texts = [f"{row.subject}{row.body}" for row in mails] + [f"{row.title}{row.text}{row.url}" for row in own]
    assert len(texts) >= 2
    assert [name for text in texts for name, word in canaries().items() if word in folded(text)] == []


def test_json_answers_tell_nothing(demand: Demand, sign_in: SignIn) -> None:
    seat = panel_of(demand).counted_seats[0]
    client = sign_in(name_of(seat))
    key = queries.review_bids(demand.id)[0].key
    address = f"/review/{demand.ref}/bids/{key}"
    values = client.get(address).form("")
    for data in (values | {"score-plan": "17"}, values | {"score-plan": "x"}, values | {"serial": "9"}, {}):
        answer = Page(client, client.http.post(address, data=data, headers={"Accept": "application/json"}), address)
        assert leaks(answer) == []


def test_a_file_that_cannot_be_drawn_is_not_offered(demand: Demand, sign_in: SignIn) -> None:
    """Slides, archives and OFD: a sentence instead of a link, and nothing under their addresses."""
    client = sign_in(name_of(panel_of(demand).counted_seats[0]))
    key = queries.review_bids(demand.id)[0].key
    address = f"/review/{demand.ref}/bids/{key}"
    page = client.get(address)
    assert page.text.count("这种格式不能在页面内阅读。盲评中不提供下载。") >= 3
    for part in (7, 8, 9):
        assert leaks(client.get(f"{address}/files/{part}")) == []
        assert client.get(f"{address}/files/{part}/pages/1.png").status == 404


def test_the_chair_learns_nobodys_name_after_the_lock(demand: Demand, sign_in: SignIn) -> None:
    """Progress, ranking, its export and record, the report and its PDF; nor does a search or an order tell."""
    from marketplace.panels import service as panels
    from marketplace.results import service as results

    seats = panel_of(demand).counted_seats
    choice = next(seat for seat in seats if seat.outside)
    for seat in seats:
        if panel_of(demand).chair is None:
            panels.vote(seat, choice=choice, actor=making.expert(seat), now=clock.site_now())
    client = sign_in(making.expert(choice).username)
    review = f"/demands/{demand.ref}/review"
    for word in (spellings("firm")["short"], spellings("rival")["short"], spellings("firm")["core"]):
        page = client.get(f"{review}?q={word}")
        assert page.status == 200
        assert page.html.xpath("//section[@aria-labelledby='s-bids']//tbody/tr") == [], "found by its name"
    best = queries.review_bids(demand.id)[0].bid_id
    for seat in seats:
        for sheet in making.sheets_of(seat):
            share = "0.9" if sheet.bid_id == best else "0.8"
            making.fill(sheet, making.entry(demand, share, comment="证据充分，可以落地。"))
    making.hand_in_all(demand)
    results.proceed(demand, now=clock.site_now())
    db.session.commit()
    made = results.open_report(demand, actor=actor("publisher"), now=clock.site_now())
    results.sign(made, actor=making.expert(choice), now=clock.site_now())
    db.session.commit()
    ranking = f"/demands/{demand.ref}/ranking"
    for address in (review, f"{review}?sort=rank", ranking, f"{ranking}.xlsx", f"{ranking}/record.json"):
        answer = client.get(address)
        assert answer.status == 200, address
        assert leaks(answer) == [], address
    page, paper = client.get(f"/demands/{demand.ref}/report"), client.get(f"/demands/{demand.ref}/report.pdf")
    assert (page.status, paper.status, leaks(page), leaks(paper)) == (200, 200, [], [])
    read = folded("".join(item.text for item in drawing.facts(paper.response.data)))
    assert [name for name, word in canaries().items() if word in read] == []


def test_what_the_bidder_wrote_is_still_readable(demand: Demand, sign_in: SignIn) -> None:
    """Masking takes the names and leaves the plan."""
    client = sign_in(name_of(panel_of(demand).counted_seats[0]))
    key = queries.review_bids(demand.id)[0].key
    page = client.get(f"/review/{demand.ref}/bids/{key}")
    assert page.has("以地磁与视频双模感知识别泊位占用")
    assert page.has("〔已隐去〕")
    assert page.has("单位名称已隐去")


def test_without_blindness_the_name_is_shown(stage: Stage, storage: LocalStorage, sign_in: SignIn) -> None:
    """The test above would notice: the same bids, not blind, do tell."""
    said = stage.draft().said
    demand = making.reviewing(stage, [contents(said, "firm"), contents(said, "rival")], storage=storage)
    client = sign_in(name_of(panel_of(demand).counted_seats[0]))
    key = queries.review_bids(demand.id)[0].key
    found = leaks(client.get(f"/review/{demand.ref}/bids/{key}"))
    assert len(found) >= 6


def test_the_scan_names_places_and_never_the_word(demand: Demand, sign_in: SignIn, storage: LocalStorage) -> None:
    row = db.session.scalar(select(LeakScan))
    assert row is not None
    kinds = {item["kind"] for item in row.findings}
    assert {"organisation", "phone", "email", "credit_code", "person", "url", "picture"} <= kinds
    places = {item["place"] for item in row.findings}
    assert any("技术方案" in place for place in places)
    assert any("第1页" in place for place in places)
    assert [name for name, word in canaries().items() if word in folded(str(row.findings))] == []
    page = sign_in("screener").get(f"/panels/{demand.ref}/scan")
    assert page.has("图片，可能有标志或印章")
    assert page.has("已自动隐去")


def test_a_blind_review_waits_for_the_scan(stage: Stage, storage: LocalStorage) -> None:
    said = stage.draft().said
    demand = making.ready(stage, [contents(said, "firm"), contents(said, "rival")], storage=storage, blind=True)
    now = clock.site_now()
    panel = panel_of(demand)
    scanning.scan(panel, storage=storage, actor=actor("screener"), now=now)  # a newer one nobody has looked at
    with pytest.raises(Refused, match="检查身份泄露"):
        service.start_review(demand, actor=actor("publisher"), now=now)
    row = scanning.newest(panel)
    assert row is not None
    scanning.note(row, panel, text="", actor=actor("screener"), now=now)
    service.start_review(demand, actor=actor("publisher"), now=now)


def test_a_withheld_file_is_nobodys(stage: Stage, storage: LocalStorage, sign_in: SignIn) -> None:
    said = stage.draft().said
    demand = making.ready(stage, [contents(said, "firm"), contents(said, "rival")], storage=storage, blind=True)
    panel, now = panel_of(demand), clock.site_now()
    bid = scanning.competing(panel)[0]
    picture = next(paper for paper in reading.papers(bid, demand) if paper.kind == "picture")
    office = sign_in("screener")
    page = office.get(f"/panels/{demand.ref}/bids/{bid.public_id}/files/{picture.part}")
    assert page.has("下面就是专家看到的样子")
    page.submit("", treatment="withhold", note="左上角有标志")
    assert office.get(f"/panels/{demand.ref}/preview/{bid.public_id}").has("已由受理员隐去")
    service.start_review(demand, actor=actor("publisher"), now=now)
    db.session.commit()
    client = sign_in(name_of(panel_of(demand).counted_seats[0]))
    key = next(item.key for item in queries.review_bids(demand.id) if item.bid_id == bid.id)
    assert client.get(f"/review/{demand.ref}/bids/{key}/files/{picture.part}/pages/1.png").status == 404
    with pytest.raises(Refused, match="评审已经开始"):
        scanning.treat(panel, bid, picture.part, treatment="show", note="", actor=actor("screener"), now=now)


def test_masking_reads_as_people_write() -> None:
    words = Identities.of([("organisation", "河洛智感科技有限公司"), ("person", "孟晓霖"), ("phone", "03716789012")])
    for text in (
        "河 洛 智 感",
        "（河洛智感）",
        "河洛・智感",
        "孟　晓霖",
        "０３７１－６７８９０１２",
        "河洛智感科技有限公司",
    ):
        assert words.mask(f"前{text}后") in ("前〔已隐去〕后", "前（〔已隐去〕）后"), text
    assert words.mask("河水洛阳智慧感知") == "河水洛阳智慧感知"
    assert words.mask("") == ""
    assert Identities.of([("person", "王"), ("organisation", "AI")]).words == ()  # too short to mean anybody


def test_the_experts_own_account_is_nobody_elses(demand: Demand, sign_in: SignIn) -> None:
    """Another member's sheet, whatever its address, is not there."""
    one, two = panel_of(demand).counted_seats[:2]
    key = queries.review_bids(demand.id)[0].key
    page = sign_in(name_of(one)).get(f"/review/{demand.ref}/bids/{key}")
    page.submit("", go="stay", **{"score-plan": "13.5"})
    other = sign_in(name_of(two)).get(f"/review/{demand.ref}/bids/{key}")
    assert other.html.xpath("//input[@name='score-plan']/@value") == [""]
    assert db.session.scalar(select(User.username).where(User.id == one.expert_account_id)) != name_of(two)
