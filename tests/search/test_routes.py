"""The pages of search on both engines: what is found, what is said, what it costs, and what nobody finds."""

from __future__ import annotations

import io
import json
import re
import shutil
import zipfile
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlparse

import pytest
from flask import Flask
from markupsafe import escape

from marketplace import db
from marketplace.batches import service as batches
from marketplace.demands import service
from marketplace.demands.content import Indicator, Offer
from marketplace.demands.models import Demand
from marketplace.platform import clock
from marketplace.questions import service as questions
from marketplace.search import listing
from tests import factories
from tests.bids.test_leaks import addresses
from tests.client import Client, Page
from tests.search.conftest import Site, Stage


def numbers(page: Page) -> list[str]:
    return [number.text_content().strip() for number in page.html.xpath("//p[contains(@class,'demand-row__no')]")]


def api(client: Client, query: str) -> dict[str, object]:
    page = client.get(f"/api/v1/demands?{query}")
    assert page.status == 200
    answer = json.loads(page.text)
    assert isinstance(answer, dict)
    return answer


WATER = "断面氨氮短时超标，赶到现场已经恢复，人工采样每周一次，看不出变化的过程，需要连续的水质数据。" * 3
SKY = "园区到社区的末端配送耗时长，楼宇密集，起降点难选，需要一条合规的低空物流航线和运行规则。" * 3
ELSE: dict[str, Any] = {
    "place": "须水河片区",
    "indicators": (
        Indicator("数据完整率", "80", ">=", "95", "", "%", "连续三十天对照", True, Decimal(60)),
        Indicator("告警时延", "60", "<=", "10", "", "分钟", "抽样一百次", False, Decimal(40)),
    ),
    "offers": (Offer("site", "试验场地与供电", "书面申请后开放", "internal"),),
}


@pytest.fixture
def demands(stage: Stage, site: Site) -> list[Demand]:
    """Three public demands in one batch: parking, water, low altitude."""
    water = {"background": WATER, "goal": WATER, "content": WATER, "conditions": "联合单位代码91419999MA9KQ0A014。"}
    sky = {"background": SKY, "goal": SKY, "content": SKY, "budget_fen": 40_0000_00, "industries": ("beidou",)}
    batch = stage.batch()
    pooled = [
        stage.pooled(title="科学大道智慧停车诱导"),
        stage.pooled(title="须水河水质在线监测", direction="building", **(ELSE | water)),
        stage.pooled(title="低空物流航线示范", **(ELSE | sky)),
    ]
    first = service.first_deadlines(pooled, visible_from=stage.now)
    service.post_batch(
        batch, pooled, visible_from=None, deadlines=first, custody="1-of-1", custodians=[], document_number="",
        actor=stage.actor("publisher"), now=stage.now,
    )  # fmt: skip
    site.catch_up()
    return [db.session.get_one(Demand, demand.id) for demand in pooled]


def test_what_is_published_is_found_with_its_words_marked(visitor: Client, demands: list[Demand]) -> None:
    for url in ("/search?q=停车诱导", "/demands?q=停车诱导"):
        page = visitor.get(url)
        assert page.status == 200
        assert numbers(page) == [demands[0].number], url
        assert "<mark>停车</mark>" in page.text or "<mark>停车诱导</mark>" in page.text, url


def test_every_kind_of_query_of_the_issue(visitor: Client, demands: list[Demand]) -> None:
    parking, water, sky = (demand.number for demand in demands)
    unit = factories.organisation("unit")
    for q, expected in {
        "水质 -泊位": [water],
        '"在线监测"': [water],
        "UAV": [sky],
        "unit:城市管理局 水质": [water],
        "shuizhi": [water],
        "91419999MA9KQ0A014": [water],
        f"{sky}": [sky],
    }.items():
        assert numbers(visitor.get(f"/demands?q={q}")) == expected, q
    assert set(numbers(visitor.get(f"/demands?q={unit.credit_code}"))) == {parking, water, sky}


def test_facets_chips_and_sorting_live_in_the_address(visitor: Client, demands: list[Demand]) -> None:
    page = visitor.get("/demands?q=unit:城市管理局&direction=living&direction=building&sort=budget")
    assert len(numbers(page)) == 3
    assert numbers(page)[-1] == demands[2].number
    narrowed = visitor.get("/demands?q=unit:城市管理局&direction=building")
    assert numbers(narrowed) == [demands[1].number]
    assert narrowed.has("城市管理和民生服务2")  # what choosing it as well would add
    chip = narrowed.html.xpath("//a[contains(@class,'chip')]/@href")[0]
    assert "direction" not in parse_qs(urlparse(chip).query)
    hidden = {(i.get("name"), i.get("value")) for i in narrowed.html.xpath("//main//form//input[@type='hidden']")}
    assert ("direction", "building") in hidden


def test_several_kinds_in_tabs_with_counts(visitor: Client, demands: list[Demand], stage: Stage, site: Site) -> None:
    question = questions.ask(demands[0], text="泊位流水从哪一年起？", actor=stage.actor("bidder"), now=stage.now)
    questions.answer(question, text="自2024年起，共两年。", actor=stage.actor("screener"), now=stage.now)
    site.catch_up()
    page = visitor.get("/search?q=流水")
    tabs = [" ".join(tab.text_content().split()) for tab in page.html.xpath("//nav[contains(@class,'tabs')]/a")]
    assert tabs == ["全部 2", "榜单 1", "问答 1"]
    only = visitor.get("/search?q=流水&kind=answer")
    assert [link for link in only.links() if "#q-" in link] == [
        f"/demands/{demands[0].number}/questions#q-{question.id}"
    ]
    assert not only.has(factories.organisation("firm").name)


def test_did_you_mean_and_searching_for_it_anyway(visitor: Client, demands: list[Demand]) -> None:
    page = visitor.get("/demands?q=tingcheyoudao")
    assert page.has("没有找到“tingcheyoudao”，下面是“停车诱导”的结果")
    assert numbers(page) == [demands[0].number]
    anyway = visitor.get("/demands?q=tingcheyoudao&exact=1")
    assert numbers(anyway) == []
    assert anyway.has("没有符合条件的需求")


def test_near_misses_are_told_apart(visitor: Client, demands: list[Demand]) -> None:
    page = visitor.get("/demands?q=停车 水质")
    assert page.has("以下只含部分检索词或意思相近")
    assert set(numbers(page)[:2]) == {demands[0].number, demands[1].number}


def test_an_empty_result_says_what_there_is_without_filters(visitor: Client, demands: list[Demand]) -> None:
    page = visitor.get("/demands?q=水质在线&year=2019")
    assert numbers(page) == []
    assert page.has("不加筛选条件有1项符合这些词")


def test_pages_beyond_the_end_show_the_last(visitor: Client, demands: list[Demand]) -> None:
    assert len(numbers(visitor.get("/demands?q=unit:城市管理局&page=500"))) == 3
    assert api(visitor, "q=unit:城市管理局&page=2&per_page=2")["page"] == 2


def test_the_api_answers_as_interface_md_says(visitor: Client, demands: list[Demand]) -> None:
    answer = api(visitor, "q=水质&per_page=5")
    assert (answer["total"], answer["page"], answer["per_page"]) == (1, 1, 5)
    (item,) = answer["items"]  # type: ignore[misc]
    assert item["number"] == demands[1].number
    assert item["phase"] == "open"
    assert {"value": "building", "label": "城市建设与城市更新", "count": 1} in answer["facets"]["direction"]  # type: ignore[index]
    marked = api(visitor, "q=泊位&per_page=1")["items"][0]["highlight"]  # type: ignore[index]
    assert "<mark>泊位</mark>" in marked
    assert "<" not in marked.replace("<mark>", "").replace("</mark>", "")


def test_feed_calendar_and_sheet_follow_the_words(visitor: Client, demands: list[Demand]) -> None:
    feed = visitor.get("/feed.atom?q=水质").text
    assert demands[1].number in feed
    assert demands[0].number not in feed
    calendar = visitor.http.get("/calendar.ics?q=水质").get_data(as_text=True)
    assert f"{demands[1].number}-closes" in calendar
    assert demands[0].number not in calendar
    assert visitor.get("/demands.xlsx?q=水质").status == 200


def test_a_list_number_is_suggested_as_it_is_typed_and_leads_to_its_demand(
    visitor: Client, demands: list[Demand]
) -> None:
    number = demands[0].number
    assert number is not None
    for q in (number[:10], number.lower(), number.replace("-", " ")):
        items = json.loads(visitor.get(f"/search/suggest?q={q}").text)["items"]
        assert {"text": f"{number} {demands[0].title}", "url": f"/demands/{number}"} in items
        assert len({item["text"] for item in items}) == len(items)
    assert json.loads(visitor.get("/search/suggest?q=zzgx-1999").text) == {"items": []}


def test_suggestions_for_words_pinyin_and_titles(visitor: Client, demands: list[Demand]) -> None:
    def texts(q: str, more: str = "") -> list[tuple[str, str | None]]:
        page = visitor.get(f"/search/suggest?q={q}{more}")
        assert page.status == 200
        return [(item["text"], item["url"]) for item in json.loads(page.text)["items"]]

    assert ("水质", None) in texts("shuiz")
    assert ("水质", None) in texts("sz")
    assert ("须水河水质在线监测", f"/demands/{demands[1].number}") in texts("须水河")
    assert all(url is None for _, url in texts("须水河", "&kind=answer"))
    assert texts("") == []
    assert texts("%00%25") == []


def test_what_is_not_public_leaks_nowhere(
    visitor: Client, sign_in: Callable[[str], Client], stage: Stage, site: Site, demands: list[Demand]
) -> None:
    """The rival's, the unit's own draft and what is pooled: in no page of anybody's search, not even the unit's."""
    secret = "绝密量子雷达"
    for make in (stage.draft, stage.submitted, stage.pooled):
        make(title=f"{secret}{make.__name__}")
    site.catch_up()
    for client in (visitor, sign_in("drafter"), sign_in("rival"), sign_in("publisher")):
        for q in (secret, "量子雷达", '"绝密量子"', "liangzileida", "lzld", "量子雷哒"):
            for url in (f"/search?q={q}", f"/demands?q={q}", f"/api/v1/demands?q={q}", f"/feed.atom?q={q}"):
                page = client.get(url)
                assert page.status == 200
                body = page.text.replace(q, "").replace(str(escape(q)), "").replace(quote(q), "")
                assert "量子" not in body, url
                assert "雷达" not in body, url
            assert "量子" not in json.dumps(json.loads(client.get(f"/search/suggest?q={q}").text), ensure_ascii=False)
    assert api(visitor, "q=城市管理局&per_page=1")["total"] == 3


def words_of(body: bytes) -> str:
    """What an answer says, a spreadsheet taken apart."""
    if body.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(body)) as sheet:
            body = b"".join(sheet.read(name) for name in sheet.namelist())
    return body.decode("utf-8", "replace")


@pytest.mark.parametrize("backend", ["whoosh"])
def test_a_list_that_waits_for_its_hour_is_nowhere_and_then_everywhere(
    app: Flask, visitor: Client, sign_in: Callable[[str], Client], stage: Stage, site: Site, demands: list[Demand]
) -> None:
    """Every address of the site, for the public and for a firm that would fit: as if the list did not exist; at its
    hour, by the clock alone, it stands wherever one looks.
    """
    at = stage.now + timedelta(days=3)
    batch = batches.create(zone="GXQX", year=2026, theme="深海潜航", actor=stage.actor("publisher"), now=stage.now)
    batches.assemble(batch, actor=stage.actor("publisher"), now=stage.now)
    hidden = stage.pooled(title="声呐浮标巡海", **(ELSE | {"background": "声呐浮标" * 30}))
    service.post_batch(
        batch, [hidden], visible_from=at, deadlines=service.first_deadlines([hidden], visible_from=at),
        custody="1-of-1", custodians=[], document_number="高科〔2026〕77号", actor=stage.actor("publisher"), now=stage.now,
    )  # fmt: skip
    site.catch_up()
    number, code = str(hidden.number), batch.code
    secrets = ("声呐", "浮标", "潜航", number, code, hidden.key, "〔2026〕77")
    typed = (
        "/search?q=声呐浮标", "/demands?q=shengnafubiao", "/search?q=声呐浮镖", "/search?q=batch:潜航", f"/search?q={number}",
        "/search/suggest?q=声呐", "/search/suggest?q=sn", f"/search/suggest?q={number[:12]}", f"/demands?batch={code}",
        "/feed.atom?q=巡海", "/feed.atom?kind=all", "/api/v1/demands?q=巡海", "/demands.xlsx?q=巡海", "/search?kind=notice&q=巡海",
        f"/alerts/new?batch={code}", "/desk/matches", "/desk/matches/panel",
    )  # fmt: skip
    # Random bytes; the demo's cards, which name what stands before each step in whatever state.
    everything = [place for place in addresses(app) if place not in ("/custody/key/file", "/sign-in")]
    no_such = {"number": "ZZGX-2026-77-001", "batch": "ZZGX-2026-77", "bid": "f" * 32}
    rival, as_program = sign_in("rival"), {"Accept": "application/json"}
    for client, places in ((visitor, (*everything, *typed)), (rival, typed)):
        for place in places:
            here = place.format(number=number, batch=code, bid="f" * 32)
            answer = client.http.get(here, headers=as_program)
            if "{" in place:  # as if there were no such list
                unknown = client.http.get(place.format(**no_such), headers=as_program)
                assert answer.status_code == unknown.status_code, here
            asked = unquote(here)
            said = words_of(answer.data).replace(here, "").replace(quote(here), "").replace(urlparse(here).query, "")
            for word in (number, code) if "{" in place or "?" in place else ():  # what was asked for may be said back
                said = said.replace(word, "")
            assert [secret for secret in secrets if secret in said and secret not in asked] == [], here
    clock.move_to(at)
    db.session.commit()
    site.now = at
    site.catch_up()
    for place in (
        "/", "/demands", "/search?q=声呐浮标", "/search?q=声呐浮镖", "/search?q=shengnafubiao", "/search?q=batch:潜航",
        f"/demands?batch={code}", f"/demands/{number}", f"/batches/{code}", "/feed.atom?q=巡海",
    ):  # fmt: skip
        answer = visitor.http.get(place)
        assert (answer.status_code, "声呐浮标" in re.sub("</?mark>", "", answer.text)) == (200, True), place
    assert api(visitor, "q=巡海")["total"] == 1
    for q in ("声呐", "snfb", number[:12]):
        assert "声呐浮标" in json.dumps(json.loads(visitor.get(f"/search/suggest?q={q}").text), ensure_ascii=False), q


def test_a_deadline_moves_the_facet_at_its_second(visitor: Client, demands: list[Demand], site: Site) -> None:
    def phases() -> dict[str, int]:
        counts = api(visitor, "q=水质")["facets"]
        return {item["value"]: item["count"] for item in counts["state"]}  # type: ignore[index]

    closes = demands[1].closes_at
    assert closes is not None
    assert phases() == {"open": 1}
    clock.move_to(closes - timedelta(seconds=30))
    db.session.commit()
    assert phases() == {"closing": 1}
    clock.move_to(closes)
    db.session.commit()
    assert phases() == {"closed": 1}
    assert numbers(visitor.get("/demands?q=水质&state=closing")) == []


@pytest.mark.parametrize("damage", ["missing", "truncated", "locked"])
def test_without_its_index_the_site_says_so_and_lists_from_the_database(
    visitor: Client, demands: list[Demand], site: Site, damage: str
) -> None:
    site.indexer.close()
    path = site.place.current()
    assert path is not None
    if damage == "missing":
        shutil.rmtree(site.place.root)
    elif damage == "truncated":
        for file in path.rglob("*"):
            if file.is_file():
                file.write_bytes(file.read_bytes()[: file.stat().st_size // 3])
    else:
        for file in path.rglob("*"):
            file.unlink() if file.is_file() else None
            if not file.is_dir():
                file.mkdir()  # nothing there can be opened
    site.search._finder = site.search._reading = None
    site.search._looked = -1e9
    for url in ("/search?q=水质", "/demands?q=水质"):
        page = visitor.get(url)
        assert page.status == 200
        assert page.has("检索正在重建")
        assert numbers(page) == [demands[1].number]
    assert visitor.get("/demands").status == 200
    assert json.loads(visitor.get("/search/suggest?q=shui").text) == {"items": []}
    answer = api(visitor, "q=水质")
    assert (answer["total"], answer["notice"]) == (1, "rebuilding")
    assert visitor.get("/feed.atom?q=水质").status == 200


def test_a_large_site_without_index_filters_without_words(
    visitor: Client, demands: list[Demand], site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "LIKE_MOST", 2)
    shutil.rmtree(site.place.root)
    site.search._finder = site.search._reading = None
    page = visitor.get("/demands?q=水质&direction=living")
    assert page.has("没有按检索词过滤")
    assert set(numbers(page)) == {demands[0].number, demands[2].number}


def test_a_query_that_takes_too_long_is_stopped_with_a_word(
    visitor: Client, demands: list[Demand], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketplace.search.finder.BUDGET_S", -1.0)
    page = visitor.get("/demands?q=水质")
    assert page.status == 200
    assert page.has("这次检索花的时间太长，已经停下")
    assert len(numbers(page)) == 3


def test_a_long_query_is_cut_and_the_page_says_so(visitor: Client, demands: list[Demand]) -> None:
    page = visitor.get("/demands?q=" + "水质 " * 90)
    assert page.status == 200
    assert page.has("只按前200个字符检索")
    assert demands[1].number in numbers(page)


def test_rubbish_is_answered(visitor: Client, demands: list[Demand]) -> None:
    for q in (
        "%00",
        "'",
        '"',
        "((",
        "a:b:c",
        "-",
        '-"',
        "direction:",
        "%F0%9F%98%80",
        "*" * 300,
        "<script>",
        "NOT 水质",
    ):
        for url in (f"/search?q={q}&page=-3&kind=x", f"/demands?q={q}&sort=zzz", f"/search/suggest?q={q}"):
            assert visitor.get(url).status == 200, url


def test_english(visitor: Client, demands: list[Demand]) -> None:
    page = visitor.get("/search?q=tingcheyoudao&lang=en")
    assert page.has("Nothing found for “tingcheyoudao”")
    assert visitor.get("/search?q=停车 水质&lang=en").has("Below: only some of the words")
    assert "Search" in page.html.findtext(".//title")


def test_query_counts_do_not_grow_with_rows(
    visitor: Client, demands: list[Demand], stage: Stage, site: Site, count_queries: list[str]
) -> None:
    def cost(url: str) -> int:
        visitor.get(url)
        count_queries.clear()
        assert visitor.get(url).status == 200
        return len(count_queries)

    urls = ("/demands?q=水质", "/search?q=水质", "/api/v1/demands?q=水质")
    one = [cost(url) for url in urls]
    batch = stage.batch()
    pooled = [stage.pooled(title=f"第{n}断面水质监测") for n in range(12)]
    service.post_batch(
        batch, pooled, visible_from=None, deadlines=service.first_deadlines(pooled, visible_from=stage.now),
        custody="1-of-1", custodians=[], document_number="", actor=stage.actor("publisher"), now=stage.now,
    )  # fmt: skip
    site.catch_up()
    assert len(numbers(visitor.get("/demands?q=水质"))) == 13
    assert [cost(url) for url in urls] == one
    assert max(one) <= 6


def test_searching_writes_nothing(visitor: Client, demands: list[Demand], count_queries: list[str]) -> None:
    count_queries.clear()
    visitor.get("/search?q=水质")
    visitor.get("/search/suggest?q=shui")
    assert [sql for sql in count_queries if not sql.lstrip().upper().startswith(("SELECT", "WITH"))] == []
