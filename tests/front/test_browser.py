"""The sample pages in the system's Chromium: accessible, still, small, and at work."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from urllib.parse import quote_plus

import brotli
import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, Response, Route, expect

from marketplace.platform import formatting
from tests.front import samples
from tests.front.samples.frame import NOW

# zh in normal print on a desktop, en in large print on a phone: the two variants of every page in CI.
VARIANTS = {"1440": (1440, "zh", False), "375-large": (375, "en", True)}
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def context_for(
    chromium: Browser, address: str, *, width: int, large: bool = False, lang: str = "zh"
) -> BrowserContext:
    context = chromium.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce")
    cookies = [{"name": "lang", "value": lang, "url": address}]
    if large:
        cookies.append({"name": "mode", "value": "large", "url": address})
    context.add_cookies(cookies)  # type: ignore[arg-type]
    return context


@pytest.fixture(scope="module", params=list(VARIANTS))
def variant(request: pytest.FixtureRequest, chromium: Browser, address: str) -> Iterator[Page]:
    width, lang, large = VARIANTS[request.param]
    context = context_for(chromium, address, width=width, large=large, lang=lang)
    yield context.new_page()
    context.close()


@pytest.fixture
def page(chromium: Browser, address: str) -> Iterator[Page]:
    context = context_for(chromium, address, width=1440)
    opened = context.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    yield opened
    context.close()
    assert [fault for fault in faults if "409" not in fault] == []  # a refusal that a test asked for


def ready(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for_selector("html[data-ready]", state="attached")


@pytest.mark.parametrize("name", list(samples.PAGES))
def test_axe_finds_nothing(variant: Page, address: str, name: str) -> None:
    ready(variant, f"{address}/page/{name}")
    result = Axe().run(variant, options=WCAG)
    found = [(item["id"], [node["target"] for node in item["nodes"]][:3]) for item in result.response["violations"]]
    assert found == []


@pytest.mark.parametrize(
    "name", ["home", "list", "show", "desk", "form", "style-guide", "error-404", "review", "confirm"]
)
@pytest.mark.parametrize("width", [320, 375, 768, 1024, 1440, 1920])
def test_no_page_scrolls_sideways(chromium: Browser, address: str, name: str, width: int) -> None:
    context = context_for(chromium, address, width=width)
    opened = context.new_page()
    ready(opened, f"{address}/page/{name}")
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


@pytest.mark.parametrize("name", ["home", "list", "show", "desk", "form"])
@pytest.mark.parametrize("width", [375, 1440])
def test_nothing_jumps(chromium: Browser, address: str, name: str, width: int) -> None:
    context = context_for(chromium, address, width=width)
    opened = context.new_page()
    opened.add_init_script(
        "window.shift = 0; new PerformanceObserver((list) => { for (const entry of list.getEntries()) "
        "window.shift += entry.value; }).observe({ type: 'layout-shift', buffered: true });"
    )
    ready(opened, f"{address}/page/{name}")
    opened.evaluate("new Promise((done) => setTimeout(done, 1100))")  # what is watched: the countdowns' first tick
    assert opened.evaluate("window.shift") == 0
    context.close()


def test_the_first_visit_is_small_and_asks_nobody_else(chromium: Browser, address: str, house: Flask) -> None:
    context = context_for(chromium, address, width=1440)
    opened = context.new_page()
    seen: list[Response] = []
    opened.on("response", lambda response: seen.append(response))
    ready(opened, f"{address}/page/home")
    assert {response.url.split("/", 3)[2] for response in seen} == {address.split("/")[2]}
    # The fixture server compresses static files only; count the page itself as the real server sends it.
    total = sum(
        len(brotli.compress(response.body(), quality=5))
        if "/page/" in response.url
        else int(response.header_value("content-length") or 0)
        for response in seen
    )
    assert total <= 60_000
    context.close()


def test_countdown_says_what_the_server_said(page: Page, address: str) -> None:
    ready(page, f"{address}/page/home")
    random = Random(7)
    seconds = [0, 1, 3599, 3600, 86400, 172799, 172800, *(random.randrange(1, 40 * 86400) for _ in range(200))]
    module = page.locator("script[type=module]").get_attribute("src") or ""
    folder = module.rsplit("/", 1)[0]
    said = page.evaluate(
        "([folder, all]) => import(folder + '/modules/countdown.js').then((m) => all.map((s) => m.left(s * 1000)))",
        [folder, seconds],
    )
    assert said == [formatting.countdown(NOW + timedelta(seconds=second), NOW) for second in seconds]


def test_capital_form_is_the_server_s(page: Page, address: str) -> None:
    ready(page, f"{address}/page/form")
    random = Random(11)
    fens = [
        0,
        5,
        50,
        105,
        1000,
        1_050_000,
        10_000_000_100,
        *(random.randrange(10**exponent) for exponent in range(1, 14)),
    ]
    fens += [random.randrange(10**6) * 10 ** random.randrange(8) for _ in range(300)]
    folder = (page.locator("script[type=module]").get_attribute("src") or "").rsplit("/", 1)[0]
    said = page.evaluate(
        "([folder, all]) => import(folder + '/modules/capital.js').then((m) => all.map((f) => m.capital(BigInt(f))))",
        [folder, [str(fen) for fen in fens]],
    )
    assert said == [formatting.capital(fen) for fen in fens]


def test_the_form_answers_while_one_types(page: Page, address: str) -> None:
    ready(page, f"{address}/page/form")
    budget = page.get_by_label("预算必填")
    expect(page.locator("#budget-say output")).to_have_text("壹佰贰拾捌万伍仟元整")
    budget.fill("１２０万")
    expect(page.locator("#budget-say output")).to_have_text("壹佰贰拾万元整")
    budget.fill("面议")
    expect(page.locator("#budget-say output")).to_have_text("—")
    title = page.get_by_label("需求名称必填")
    title.fill("水质")
    expect(page.locator("[data-for=title]")).to_have_text("2 / 60")


def test_rows_can_be_added_and_removed_in_place(page: Page, address: str) -> None:
    ready(page, f"{address}/page/form")
    rows = page.locator("#indicators [data-row]")
    expect(rows).to_have_count(2)
    page.get_by_role("button", name="再加一项指标").click()
    expect(rows).to_have_count(3)
    third = rows.nth(2)
    expect(third.locator("legend")).to_have_text("指标 3")
    expect(third.locator("#indicators-2-name")).to_be_focused()
    expect(third.locator("#indicators-2-name")).to_have_value("")
    expect(third.locator(".error")).to_have_count(0)
    third.locator("#indicators-2-name").fill("误报率")
    rows.nth(1).locator("[data-remove]").click()
    expect(rows).to_have_count(2)
    expect(rows.nth(1).locator("legend")).to_have_text("指标 2")
    expect(rows.nth(1).locator("[name=indicators-1-name]")).to_have_value("误报率")


def test_a_refused_form_leads_to_its_fields(page: Page, address: str) -> None:
    ready(page, f"{address}/page/form")
    expect(page.locator(".error-summary")).to_be_focused()
    page.get_by_role("link", name="技术指标2 测试方法").click()
    expect(page.locator("#indicators-1-method")).to_be_focused()


def test_the_form_saves_itself_and_stops_at_a_conflict(page: Page, address: str) -> None:
    answers = [
        (200, {"message": "14:33已自动保存", "fields": {}}),
        (409, {"message": "别人刚刚改过，请打开新内容对照"}),
    ]
    asked: list[str] = []

    def answer(route: object) -> None:
        status, body = answers[min(len(asked), 1)]
        asked.append("once")
        route.fulfill(status=status, content_type="application/json", body=json.dumps(body))  # type: ignore[attr-defined]

    page.route("**/autosave", answer)
    page.route("**/lint", lambda route: route.fulfill(status=200, body='<p class="lint__score"><b>80</b></p>'))
    ready(page, f"{address}/page/form")
    status = page.locator("[data-autosave-status]")
    page.get_by_label("需求名称必填").fill("独居老人居家安全")
    expect(status).to_have_text("14:33已自动保存")
    expect(page.locator("[data-lint-score]")).to_have_text("80")
    page.get_by_label("需求名称必填").fill("独居老人居家安全监护")
    expect(status).to_have_text("别人刚刚改过，请打开新内容对照")


def test_a_save_under_way_is_waited_for_when_one_saves_oneself(page: Page, address: str) -> None:
    """Else the form would name a version that its own autosave has just made old, and conflict with itself."""
    held: list[Route] = []
    posted: list[str] = []
    page.route("**/autosave", lambda route: held.append(route))
    page.route("**/lint", lambda route: route.fulfill(status=200, body='<p class="lint__score"><b>80</b></p>'))
    page.on("request", lambda sent: posted.append(sent.post_data or "") if sent.is_navigation_request() else None)
    ready(page, f"{address}/page/form")
    posted.clear()
    with page.expect_request("**/autosave"):
        page.get_by_label("需求名称必填").fill("独居老人居家安全")
    page.locator("button[name=save]").last.click()
    expect(page.get_by_label("需求名称必填")).to_have_value("独居老人居家安全")
    assert posted == []
    with page.expect_navigation():
        held[0].fulfill(status=200, json={"message": "14:33已自动保存", "fields": {"title": "自动保存之后"}})
    assert len(posted) == 1
    assert quote_plus("自动保存之后") in posted[0] or "自动保存之后" in posted[0]


def test_large_print_switches_without_a_new_page_and_stays(page: Page, address: str) -> None:
    ready(page, f"{address}/page/home")
    with page.expect_response("**/preferences"):
        page.get_by_role("button", name="大字版").click()
    expect(page.locator("html")).to_have_attribute("data-mode", "large")
    ready(page, f"{address}/page/list")
    expect(page.locator("html")).to_have_attribute("data-mode", "large")
    with page.expect_response("**/preferences"):
        page.get_by_role("button", name="标准版").click()
    expect(page.locator("html")).not_to_have_attribute("data-mode", "large")


def test_the_language_changes_without_a_script(chromium: Browser, address: str) -> None:
    context = chromium.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(f"{address}/page/home?x=1")
    opened.get_by_role("button", name="English").click()
    expect(opened).to_have_url(f"{address}/page/home?x=1")
    expect(opened.get_by_role("link", name="Sign in")).to_be_visible()
    context.close()


def test_filters_open_on_a_phone_without_a_script(chromium: Browser, address: str) -> None:
    context = chromium.new_context(viewport={"width": 375, "height": 800}, java_script_enabled=False)
    opened = context.new_page()
    opened.goto(f"{address}/page/list")
    link = opened.get_by_role("link", name="政府采购 12")
    expect(link).to_be_hidden()
    opened.locator(".facets__button").click()
    expect(link).to_be_visible()
    context.close()


def test_credit_code_is_checked_at_once(page: Page, address: str) -> None:
    ready(page, f"{address}/page/style-guide")
    field, say = page.get_by_label("统一社会信用代码"), page.locator("#contact_name-say")
    field.fill("91410100O")
    expect(say).to_have_text("第9位是字母O，代码里没有这个字母，可能是0")
    field.fill("91350100M000100Y43")
    expect(say).to_have_text("代码校验通过")
    field.fill("91350100M000100Y44")
    expect(say).to_have_text("校验位不符，请逐位核对")


def test_rows_of_a_queue_are_ticked_together(page: Page, address: str) -> None:
    ready(page, f"{address}/page/desk")
    page.get_by_label("全选").check()
    expect(page.get_by_role("button", name="批量受理（8）")).to_be_visible()
    expect(page.get_by_label("选择：充电桩负荷聚合数据开放测试")).to_be_checked()
