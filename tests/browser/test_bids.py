"""Bidding in the system's Chromium: from the first click to the receipt, over a cut line, by keyboard alone on a phone,
on a second computer, and where the browser cannot encrypt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from marketplace.accounts.rules import DEMO_PASSWORD
from marketplace.platform import clock
from marketplace.platform.sealing.orgkey import OrganisationKey
from marketplace.platform.sealing.seal_tool import SealingSheet, seal_folder
from tests.browser import bidding
from tests.browser.served import served
from tests.browser.test_site import errors_into, person, tab_to

JOURNEY, KEYBOARD, CUT, READ = "ZZGX-2026-02-023", "ZZGX-2026-02-009", "ZZGX-2026-02-017", "ZZGX-2026-02-008"
OFFLINE = "ZZGX-2026-02-002"
expect.set_options(timeout=40_000)  # a busy machine is no failure
CODES: dict[str, str] = {}
"""Key codes by user name, as the first browser of each organisation showed them."""


@pytest.fixture(scope="module")
def site(demo: Path) -> Iterator[str]:
    CODES.clear()
    with served(demo) as base:
        yield base


def test_draft_seal_replace_withdraw_seal(browser: Browser, site: str, tmp_path: Path) -> None:
    problems: list[str] = []
    page = person(browser, site, "bidder")
    page.on("console", errors_into(problems))
    bid = bidding.start(page, site, JOURNEY)
    bidding.unlock(page, CODES, "bidder")
    bidding.fill_form(page)
    bidding.saved(page)
    plan = tmp_path / "技术方案.pdf"
    plan.write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * 9000)
    bidding.attach(page, plan)
    with page.expect_response(lambda answer: answer.url.endswith("/parts") and answer.ok):  # this very choice is stored
        page.select_option("[name=technical-responses-0-file]", label="技术方案.pdf")
    bidding.saved(page)

    # A colleague on another computer enters the code once and finds the same draft.
    colleague = person(browser, site, "bidder_member")
    colleague.goto(f"{bid}/form")
    bidding.enter_key(colleague, "00000-00000-00000-00000-000000")
    expect(colleague.locator("[data-key-enter] [data-key-error]")).to_contain_text("不是贵单位现在的钥匙码")
    bidding.enter_key(colleague, CODES["bidder"].lower().replace("-", " "))
    bidding.opened(colleague)
    expect(colleague.locator("[name=price-lines-0-amount_fen]")).to_have_value("320000")
    expect(colleague.locator("[name=technical-responses-0-file]")).to_have_value("1")
    expect(colleague.locator("[data-file-list]")).to_contain_text("技术方案.pdf")

    # Both type at once: what one wrote reaches the other; where both wrote, each keeps his own and sees the other's.
    colleague.fill("[name=technical-innovation]", "同事写的创新点")
    bidding.saved(colleague)
    page.fill("[name=technical-risks]", "管理员写的风险与应对" * 3)
    expect(page.locator("[data-bid-merged]")).to_be_visible()
    bidding.saved(page)
    expect(page.locator("[name=technical-innovation]")).to_have_value("同事写的创新点")
    colleague.fill("[name=technical-risks]", theirs := "同事也写了风险与应对" * 3)
    expect(colleague.locator("[data-bid-both]")).to_contain_text("管理员写的风险与应对")
    bidding.saved(colleague)
    expect(colleague.locator("[name=technical-risks]")).to_have_value(theirs)

    page.get_by_role("link", name="去封口").click()
    page.wait_for_url("**/seal")
    first = bidding.seal(page)
    # The colleague's page is stale now: what he types is not lost silently, and never overwrites.
    colleague.fill("[name=technical-innovation]", "迟到的修改")
    expect(colleague.locator("[data-bid-status]")).to_contain_text(re.compile("同事刚刚保存|第2版"))

    page.goto(f"{bid}/form")
    bidding.opened(page)
    expect(page.locator("[data-bid-status]")).to_contain_text("上一版的文件都在")
    expect(page.locator("[name=technical-plan]")).to_have_value(bidding.PLAN)
    page.fill("[name=price-lines-0-amount_fen]", "310000")
    bidding.saved(page)
    page.get_by_role("link", name="去封口").click()
    page.wait_for_url("**/seal")
    second = bidding.seal(page)
    assert second != first
    expect(page.locator("main")).to_contain_text("第2版")

    page.goto(f"{bid}/reading")
    bidding.opened(page)
    expect(page.locator("main")).to_contain_text("310,000.00")
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile("解密下载")).click()
    assert Path(download.value.path()).read_bytes() == plan.read_bytes()

    page.goto(f"{bid}/withdrawal")
    page.get_by_role("button", name="撤回第2版").click()
    expect(page.locator("main")).to_contain_text("已撤回，已记入审计日志")
    page.goto(f"{bid}/form")
    bidding.opened(page)
    expect(page.locator("[data-bid-status]")).to_contain_text("上一版的文件都在")
    page.get_by_role("link", name="去封口").click()
    page.wait_for_url("**/seal")
    third = bidding.seal(page)
    expect(page.locator("main")).to_contain_text("第3版")

    text = page.request.get(f"{third}.txt").text()
    assert page.request.get(f"{third}.pdf").body().startswith(b"%PDF-")
    visitor = person(browser, site)
    visitor.goto(f"{site}/verify")
    visitor.fill("#receipt", text)
    visitor.get_by_role("button", name="核验回执").click()
    expect(visitor.locator("main")).to_contain_text("核验通过")
    assert [line for line in problems if "409" not in line] == []


def test_the_key_is_renewed_and_the_old_code_opens_nothing(browser: Browser, site: str) -> None:
    page = person(browser, site, "bidder")
    page.goto(f"{site}/bids")
    page.get_by_role("link", name=re.compile("管理钥匙")).click()
    bidding.unlock(page, CODES, "bidder")
    old = CODES["bidder"]
    page.get_by_role("button", name="生成新钥匙").click()
    CODES["bidder"] = page.locator("[data-key-code-new]").inner_text()
    page.get_by_role("button", name="换成这一把").click()
    expect(page.locator("[data-seal-error]")).to_contain_text("请先打印或抄下")
    page.locator("[data-key-kept-new]").check()
    page.get_by_role("button", name="换成这一把").click()
    expect(page.locator("[data-key-here]")).to_contain_text("这台电脑上有这把钥匙")
    bid = person(browser, site, "bidder_member")
    bid.goto(f"{site}/bids")
    bid.get_by_role("link", name="类脑视觉").first.click()
    bid.get_by_role("link", name="查看已封内容").click()
    bidding.enter_key(bid, old)
    expect(bid.locator("[data-key-enter] [data-key-error]")).to_contain_text("不是贵单位现在的钥匙码")
    bidding.enter_key(bid, CODES["bidder"])
    bidding.opened(bid)
    expect(bid.locator("main")).to_contain_text("310,000.00")


def test_a_cut_connection_and_a_reload_in_the_middle_of_an_upload(browser: Browser, site: str, tmp_path: Path) -> None:
    page = person(browser, site, "rival")
    bidding.start(page, site, CUT)
    bidding.unlock(page, CODES, "rival")
    bidding.fill_form(page)
    bidding.saved(page)
    film = tmp_path / "演示.mp4"
    film.write_bytes(bytes(range(256)) * 4096 * 6)
    sent: list[str] = []
    cut = True

    def line(route) -> None:
        """Two pieces get through, then nothing does until the line is back; told piece by piece, no race."""
        if cut and len(sent) == 2:
            route.abort("internetdisconnected")
        else:
            sent.append(route.request.url)
            route.continue_()

    page.route("**/pieces/*/technical/1/*", line)
    page.select_option("#file-role", "material")
    page.set_input_files("#file-pick", film)
    expect(page.locator("[data-bid-status]")).to_contain_text("网络中断，正在重试")
    assert len(sent) == 2
    cut = False
    expect(page.locator("[data-file-list]")).to_contain_text("已加密上传", timeout=40_000)
    assert len(sent) == len(set(sent)) == 6
    bidding.saved(page)

    # The page itself is lost, too: opened again, it goes on by itself with what the site does not have.
    second = tmp_path / "现场.mp4"
    second.write_bytes(bytes(range(255, -1, -1)) * 4096 * 6)
    arrived: list[str] = []

    def only_two(route) -> None:
        if len(arrived) < 2:
            arrived.append(route.request.url)
            route.continue_()
        else:
            route.abort()

    page.route("**/pieces/*/technical/2/*", only_two)
    page.set_input_files("#file-pick", second)
    expect(page.locator("[data-bid-status]")).to_contain_text("网络中断，正在重试")
    page.unroute("**/pieces/*/technical/2/*")
    page.on("request", lambda request: "/technical/2/" in request.url and arrived.append(request.url))
    page.on("dialog", lambda dialog: dialog.accept())  # "leave this page?"
    page.reload()
    bidding.opened(page)
    expect(page.locator("[data-file-list]")).to_contain_text(re.compile("现场.mp4.*已加密上传", re.S))
    expect(page.locator("[data-file-list] .icon--clock")).to_have_count(0)
    assert len(arrived) == len(set(arrived)) == 6  # nothing was sent twice, nothing chosen twice
    bidding.saved(page)
    page.get_by_role("link", name="去封口").click()
    page.wait_for_url("**/seal")
    bidding.seal(page)
    page.goto(f"{site}/bids")
    expect(page.locator("main")).to_contain_text("已封标")


def test_a_package_sealed_offline_goes_on_where_it_was_cut(browser: Browser, site: str, tmp_path: Path) -> None:
    page = person(browser, site, "bidder_member")
    bid = bidding.start(page, site, OFFLINE)
    bidding.unlock(page, CODES, "bidder")
    sheet = SealingSheet.from_json(page.request.get(f"{bid}/sheet.json").json())
    folder, package = tmp_path / "标书", tmp_path / "标书.zbq"
    (folder / "technical" / "plan").mkdir(parents=True)
    (folder / "technical.json").write_text('{"technical": {"plan": "离线封的标书"}}', "utf-8")
    (folder / "technical" / "plan" / "方案.pdf").write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * 4096 * 5)
    seal_folder(sheet, folder, OrganisationKey.from_code(CODES["bidder"]), package)
    sent: list[str] = []

    def cut(route) -> None:
        sent.append(route.request.url)
        route.continue_() if len(sent) <= 3 else route.abort()

    page.goto(f"{bid}/package")
    page.route("**/pieces/**", cut)
    page.set_input_files("#package", package)
    page.get_by_role("button", name="上传并封口").click()
    expect(page.locator("[data-bid-status]")).to_contain_text("网络中断，正在重试")
    page.unroute("**/pieces/**")
    page.reload()
    there = sent[:3]
    page.on("request", lambda request: "/pieces/" in request.url and there.append(request.url))
    page.set_input_files("#package", package)
    page.get_by_role("button", name="上传并封口").click()
    page.wait_for_url("**/receipts/*")
    expect(page.get_by_role("heading", name="揭榜回执")).to_be_visible()
    assert len(there) == len(set(there))


def typed(page: Page, values: dict[str, str], *, until: str) -> None:
    """Tab through the page once and type into each named control when the focus reaches it."""
    left, moved = dict(values), False
    for _ in range(400):
        if not moved:
            page.keyboard.press("Tab")
        moved = False
        name, kind, value = page.evaluate(
            "(e => [(e.tagName === 'BUTTON' ? '' : e.name) || e.textContent.trim(), e.type || e.tagName, e.value])"
            "(document.activeElement)"
        )
        key = f"{name}={value}" if kind == "checkbox" else name
        if key in left:
            text = left.pop(key)
            if kind == "checkbox":
                page.keyboard.press("Space")
            elif kind == "select-one":
                for _step in range(int(text)):
                    page.keyboard.press("ArrowDown")
            elif text == "Enter":
                page.keyboard.press("Enter")
                moved = True  # a new row takes the focus
            else:
                page.keyboard.type(text) if kind == "date" else page.keyboard.insert_text(text)
        if until in name:
            assert left == {}, f"never reached: {sorted(left)}"
            return
    raise AssertionError(f"{until} cannot be reached with the keyboard")


@pytest.mark.parametrize(("width", "lang", "mode"), [(1440, "zh", "normal"), (375, "en", "large")])
def test_every_page_of_a_bidder_is_accessible_and_fits(
    browser: Browser, site: str, width: int, lang: str, mode: str
) -> None:
    page = person(browser, site, "bidder", width=width, lang=lang, mode=mode)
    page.goto(f"{site}/bids")
    bid = f"{site}{page.get_by_role('link', name='类脑视觉').first.get_attribute('href')}"
    page.goto(bid)
    receipt = site + page.locator("a[href^='/receipts/']").first.get_attribute("href")
    page.goto(f"{site}/bids")
    key = site + page.locator("a[href*='/bids/keys/']").first.get_attribute("href")
    problems: list[str] = []
    page.on("console", errors_into(problems))

    def look(where: str) -> None:
        found = Axe().run(page).response["violations"]
        problems.extend(f"{where}: {item['id']} {item['nodes'][0]['target']}" for item in found)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            problems.append(f"{where}: scrolls sideways")

    for path in (f"{site}/demands/{READ}/bid", f"{site}/bids", bid, receipt, f"{bid}/withdrawal", f"{bid}/amendment",
                 f"{bid}/members", f"{bid}/package", f"{site}/verify", f"{site}/transparency"):  # fmt: skip
        page.goto(path)
        look(path)
    page.goto(f"{bid}/form")
    page.locator("[data-key-enter]:not([hidden])").wait_for()
    look("key")
    page.locator("#key-code").fill(CODES["bidder"])
    page.locator("[data-key-enter] [type=submit]").click()
    for path in (f"{bid}/form", f"{bid}/seal", f"{bid}/reading", key):
        if page.url != path:
            page.goto(path)
        bidding.opened(page)
        if path.endswith("/form"):  # it says: please keep this page open
            expect(page.locator("[data-bid-status]")).not_to_contain_text(re.compile("请勿关闭|keep this page open"))
        look(path)
    assert problems == []


def test_where_the_browser_cannot_encrypt_it_says_so_before_a_word_is_typed(browser: Browser, site: str) -> None:
    insecure = site.replace("127.0.0.1", "zhangbang.test")
    page = person(browser, insecure, "bidder")
    page.goto(f"{insecure}/bids")
    row = (
        page.get_by_role("row").filter(has=page.locator(".state-badge", has_text="草稿")).first
    )  # the demo's, or a test's
    draft = row.locator("a[href^='/bids/']").first.get_attribute("href")
    page.goto(f"{insecure}{draft}/form")
    expect(page.locator("[data-key-no]")).to_contain_text("不是https")
    expect(page.locator("[data-bid-body]")).to_be_hidden()


def test_from_draft_to_the_record_by_keyboard_alone_on_a_phone(browser: Browser, site: str) -> None:
    page = person(browser, site, "rival", width=375)
    page.goto(f"{site}/demands/{KEYBOARD}")
    tab_to(page, f"a[href$='/demands/{KEYBOARD}/bid']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/bid")
    tab_to(page, "main form .button--solemn")
    page.keyboard.press("Enter")
    page.wait_for_url("**/form")
    page.locator("[data-key-enter]:not([hidden]), [data-key-new]:not([hidden])").wait_for()
    if page.locator("[data-key-new]").is_visible():
        CODES["rival"] = page.locator("[data-key-code]").inner_text()
        tab_to(page, "[data-key-kept]")
        page.keyboard.press("Space")
        tab_to(page, "[data-key-new] [type=submit]")
    else:
        if page.locator("[data-key-demo]").count():
            CODES["rival"] = page.locator("[data-key-demo]").inner_text()
        tab_to(page, "#key-code")
        page.keyboard.type(CODES["rival"])
        tab_to(page, "[data-key-enter] [type=submit]")
    page.keyboard.press("Enter")
    bidding.opened(page)
    due = f"{clock.wall_now() + timedelta(days=30):%m%d%Y}"
    blank = lambda name: not page.input_value(f"[name={name}]")  # noqa: E731
    wanted = {f"technical-responses-{row}-value": "99" for row in range(page.locator("[data-response]").count())}
    wanted |= {
        name: text for name, text in bidding.VALUES.items() if page.locator(f"[name={name}]").count() and blank(name)
    }
    wanted |= {f"eligibility-statements={code}": "" for code in ("truth", "record", "secrecy", "independent")}
    wanted |= {
        "eligibility-promises-0-due_on": due,
        "eligibility-promises-0-reason": "年度审计尚未完成",
        "再加一项承诺": "Enter",
        "eligibility-promises-1-due_on": due,
        "eligibility-promises-1-reason": "信用报告正在申请",
    }
    wanted["eligibility-promises-1-document"] = "1"  # one step down in its list: not the document of the first promise
    typed(page, wanted, until="去封口")
    expect(page.locator("[data-missing-count]")).to_have_text("都齐了")
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.keyboard.press("Enter")
    page.wait_for_url("**/seal")
    bidding.opened(page)
    tab_to(page, "[data-seal]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/receipts/*")
    expect(page.get_by_role("heading", name="揭榜回执")).to_be_visible()
    fits(page)

    # Replace, withdraw, seal a third time.
    go(page, "main a[href^='/bids/']")
    bid = page.url
    go(page, "main a[href$='/form']")
    bidding.opened(page)
    tab_to(page, "[name=price-lines-0-item]")
    page.keyboard.press("Control+A")
    page.keyboard.insert_text("设备与三年服务")
    bidding.saved(page)
    seal_by_keyboard(page, "第2版")
    page.goto(bid)
    go(page, "main a[href$='/withdrawal']")
    fits(page)
    go(page, "main form button")
    expect(page.locator("main")).to_contain_text("已撤回，已记入审计日志")
    page.goto(bid)
    go(page, "main a[href$='/form']")
    bidding.opened(page)
    seal_by_keyboard(page, "第3版")
    page.context.close()
    release_by_keyboard(browser, site)


def fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def go(page: Page, selector: str) -> None:
    """Follow a link, or send a form, that the Tab key leads to."""
    tab_to(page, selector)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def seal_by_keyboard(page: Page, version: str) -> None:
    """From the form to the receipt."""
    tab_to(page, "a[href$='/seal']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/seal")
    bidding.opened(page)
    tab_to(page, "[data-seal]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/receipts/*")
    expect(page.locator("main")).to_contain_text(version)


def release_by_keyboard(browser: Browser, site: str) -> None:
    """The deadline passes by the demo clock; two custodians release on their phones; the record appears to the bidder."""
    reader = person(browser, site, "rival", width=375)
    hall = f"{site}/demands/{KEYBOARD}/opening"
    for _ in range(90):
        reader.goto(hall)
        if reader.locator("[data-module=hall]").get_attribute("data-state") != "before-0":
            break
        token = reader.locator("[name=csrf_token]").first.get_attribute("value") or ""
        answer = reader.request.post(
            f"{site}/demo/clock", form={"csrf_token": token, "to": "day"}, headers={"Referer": hall}
        )
        assert answer.ok
    fits(reader)
    for username in ("custodian1", "custodian2"):
        page = person(browser, site, username, width=375)
        page.goto(f"{site}/custody/release")
        for box in page.locator("input[name=demand]").all():
            if box.get_attribute("value") != KEYBOARD:
                tab_to(page, f"input[name=demand][value='{box.get_attribute('value')}']")
                page.keyboard.press("Space")
        tab_to(page, "[name=password]")
        page.keyboard.type(DEMO_PASSWORD)
        fits(page)
        tab_to(page, "main form .button--solemn")
        page.keyboard.press("Enter")
        page.wait_for_url("**/custody")
        page.context.close()
    expect(reader.get_by_role("heading", name="开启记录", exact=True)).to_be_visible(timeout=60_000)
    expect(reader.locator("main")).to_contain_text("有效")
    fits(reader)
    go(reader, "main a[href$='/opening/record']")
    expect(reader.locator("h1")).to_contain_text("开启记录")
    fits(reader)
    reader.context.close()
