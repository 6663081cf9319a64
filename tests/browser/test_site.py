"""The served demo in the system's Chromium: suggestions, downloads, custodians."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from marketplace.accounts.rules import DEMO_PASSWORD
from tests.browser.served import served


@pytest.fixture(scope="module")
def site(demo: Path) -> Iterator[str]:
    with served(demo) as base:
        yield base


def person(
    browser: Browser, site: str, username: str = "", *, width: int = 1440, lang: str = "zh", mode: str = "normal"
) -> Page:
    context = browser.new_context(viewport={"width": width, "height": 900}, locale="zh-CN", reduced_motion="reduce")
    context.add_cookies([{"name": "lang", "value": lang, "url": site}, {"name": "mode", "value": mode, "url": site}])
    page = context.new_page()
    page.set_default_timeout(20_000)
    if username:
        page.goto(f"{site}/sign-in")
        page.locator(f"form[action$='/sign-in/demo/{username}'] button").last.click()  # the others lead on to an act
        page.wait_for_url(lambda url: "/sign-in" not in url)
    return page


def errors_into(problems: list[str]) -> Callable[[ConsoleMessage], None]:
    """A listener that notes what the browser complains about, the content policy included."""

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            problems.append(f"{message.text} {message.location.get('url', '')}")

    return note


def test_suggestions_are_chosen_with_the_keyboard(browser: Browser, site: str):
    """From the box of any page: pinyin typed, an offered word taken with the arrow keys, its results on the page."""
    page = person(browser, site)
    page.goto(f"{site}/help")
    page.locator("header input[name=q]").focus()
    page.keyboard.type("shuizhi")
    offered = page.locator("header .suggest [role=option]")
    expect(offered.first).to_have_text("水质")
    page.keyboard.press("ArrowDown")
    expect(page.locator("header input[name=q]")).to_have_attribute("aria-activedescendant", "suggest-1-0")
    page.keyboard.press("Enter")
    expect(page.locator("main mark").first).to_have_text("水质")
    expect(page.locator("main input[name=q]")).to_have_value("水质")


def tab_to(page: Page, selector: str) -> None:
    """Move the focus with the Tab key until it is on ``selector``."""
    for _ in range(400):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(
        f"{selector} cannot be reached with the keyboard on {page.url}: {page.inner_text('main')[:300]}"
    )


def press(page: Page, selector: str) -> None:
    tab_to(page, selector)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_every_download_leaves_the_real_server(browser: Browser, site: str) -> None:
    """Names of downloads are Chinese; a header that is not ASCII would be a 500 of the server, not of the program."""
    page = person(browser, site, "screener")
    for path, starts in (
        ("/demands.xlsx?state=open", b"PK"),
        ("/batches/ZZGX-2026-02/list.xlsx", b"PK"),
        ("/batches/ZZGX-2026-02/announcement.pdf", b"%PDF"),
        ("/batches/ZZGX-2026-02/announcement.docx", b"PK"),
        ("/demands/ZZGX-2026-02-001/sheet.pdf", b"%PDF"),
        ("/demands/ZZGX-2026-02-001/sheet.docx", b"PK"),
        ("/desk?export=xlsx", b"PK"),
        ("/imports/template.xlsx", b"PK"),
        ("/verify/ZZGX-2026-02-001/1.json", b"{"),
    ):
        answer = page.request.get(site + path)
        assert (answer.status, answer.body()[: len(starts)]) == (200, starts), path
        assert answer.headers["content-disposition"].isascii()


def test_two_custodians_release_in_their_browsers_and_the_record_appears(browser: Browser, site: str) -> None:
    """2-of-3: after the first nothing can be read; after the second the hall draws itself anew with the record."""
    number = "ZZGX-2026-02-027"
    hall = f"{site}/demands/{number}/opening"
    reader = person(browser, site, "publisher")
    reader.goto(hall)
    for released, username in enumerate(("custodian2", "custodian3")):
        expect(reader.locator(".custodian[data-state=released]")).to_have_count(released)
        expect(reader.get_by_role("heading", name="开启记录", exact=True)).to_have_count(0)
        page = person(browser, site, username)
        page.goto(f"{site}/custody/release")
        for box in page.locator("input[name=demand]").all():
            box.set_checked(box.get_attribute("value") == number)
        page.get_by_label("登录密码").fill("a wrong one")
        page.get_by_role("button", name="释放").click()
        expect(page.locator("[data-part=status]")).to_contain_text("密码")
        page.get_by_label("登录密码").fill(DEMO_PASSWORD)
        page.get_by_role("button", name="释放").press("Enter")
        page.wait_for_url("**/custody")
        page.context.close()
        expect(reader.locator(".custodian[data-state=released]")).to_have_count(released + 1, timeout=30_000)
    expect(reader.get_by_role("heading", name="开启记录", exact=True)).to_be_visible(timeout=60_000)
    assert reader.locator("tbody tr").count() >= 1
    expect(reader.locator("tbody tr").first).to_contain_text("有效")
    reader.context.close()


def test_a_hall_that_was_drawn_just_before_a_change_draws_itself_anew(browser: Browser, site: str) -> None:
    """The opening may be over before the open page asks for the first time: it compares with what it shows itself."""
    page = person(browser, site)
    asked: list[str] = []
    page.route(
        "**/opening/state.json",
        lambda route: (asked.append("x"), route.fulfill(json={"state": "opened", "percent": 100})),
    )
    page.goto(f"{site}/demands/ZZGX-2026-02-026/opening")
    expect(page.locator("[data-module=hall]")).to_have_attribute("data-state", re.compile("^closed-"))
    with page.expect_navigation(timeout=10_000):
        pass
    assert asked == ["x"]
    page.context.close()


def test_a_custodian_makes_his_key_and_proves_it(browser: Browser, site: str) -> None:
    """The file is downloaded, the fingerprint shown; another person confirms it; then the key is proved with the file."""
    page = person(browser, site, "custodian1")
    page.goto(f"{site}/custody/key/retirement")
    page.get_by_label("停用原因").fill("改用自己的密钥")
    page.get_by_role("button", name="停用").click()
    page.get_by_role("link", name="登记密钥").click()
    page.get_by_label("密钥文件的口令").fill("一句只有自己知道的口令话")
    page.get_by_label("再输一次").fill("一句只有自己知道的口令话")
    with page.expect_download() as download:
        page.get_by_role("button", name="生成密钥").click()
    path = download.value.path()
    fingerprint = page.locator("[data-part=fingerprint]").inner_text()
    page.get_by_label("密钥文件已另存").check()
    page.get_by_role("button", name="登记公钥").click()
    page.wait_for_url("**/custody")
    second = person(browser, site, "secadmin")
    second.goto(f"{site}/custody/keys")
    second.locator("tbody a.button").first.click()
    second.get_by_label("指纹").fill(fingerprint[:17])
    second.get_by_role("button", name="指纹一致，确认").click()
    expect(second.get_by_text("密钥已确认")).to_be_visible()
    second.context.close()
    page.reload()
    page.locator("#key-file").set_input_files(path)
    page.locator("#key-passphrase").fill("一句只有自己知道的口令话")
    page.get_by_role("button", name="证明我仍持有密钥").click()
    expect(page.get_by_text("已证明您持有这把密钥")).to_be_visible()
    page.context.close()
