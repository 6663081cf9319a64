"""The whole road in a real browser, from the first draft to the accepted award, everybody at his own: two demands
collected and listed together, one goes straight on, over the other an objection is upheld, the panel scores again and
another wins. Drafting, screening, pooling and listing by keyboard alone. Time is moved by the demo clock and by nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from marketplace.accounts.rules import DEMO_PASSWORD
from marketplace.demo.content import people
from marketplace.platform import clock
from marketplace.platform.rendering import Paper, Text, pdf
from tests.browser import bidding
from tests.browser.served import served
from tests.browser.test_review import score_with_keys
from tests.browser.test_site import person, press, tab_to

BATCH = "ZZGX-2026-03"
TITLES = ("只用键盘填报的泵房水质监测", "泵房水质与能耗监测第二期")
OFFERS = {"bidder": "320000", "rival": "350000"}  # all else is equal, and the lower price comes first
FACTS = "检测报告编号在机构网站上查不到，机构书面答复没有出具过这份报告。"
expect.set_options(timeout=40_000)  # a busy machine is no failure
NAMES = {item.name: item.username for item in people().values()}


@pytest.fixture(scope="module")
def site(demo: Path) -> Iterator[str]:
    with served(demo) as base:
        yield base


class Town:
    """Everybody, each signed in once, in a browser of his own."""

    def __init__(self, browser: Browser, site: str) -> None:
        self.browser, self.site = browser, site
        self.known: dict[str, Page] = {}

    def at(self, who: str, path: str) -> Page:
        """This person's page at an address."""
        if who not in self.known:
            self.known[who] = self.enter(who)
        page = self.known[who]
        page.goto(path if path.startswith("http") else self.site + path)
        return page

    def enter(self, who: str) -> Page:
        """A browser of his own, signed in as the demo's card does it."""
        page = person(self.browser, self.site)
        page.set_default_timeout(60_000)
        page.goto(f"{self.site}/help")
        form = {"csrf_token": page.locator("input[name=csrf_token]").first.get_attribute("value") or ""}
        address = f"{self.site}/sign-in/demo/{who}"
        for _ in range(60):  # a site that has just started may still be telling everybody its news
            answer = page.request.post(address, form=form, headers={"Referer": page.url}, max_redirects=0)
            if answer.status == 302:
                return page
            page.wait_for_timeout(500)
        raise AssertionError(f"{who} cannot sign in: {answer.status}")

    def send(self, who: str, path: str, button: str, **fields: str) -> Page:
        """Fill the page's form and press its button by name."""
        page = self.at(who, path)
        for name, value in fields.items():
            page.fill(f"main [name={name}]", value)
        self.press(page, button)
        return page

    @staticmethod
    def press(page: Page, button: str) -> None:
        with page.expect_navigation():
            page.locator("main").get_by_role("button", name=button, exact=True).first.click()

    def second(self, who: str, demand: str) -> None:
        """The second person finds the proposal on the demand's work page and agrees."""
        page = self.at(who, f"/demands/{demand}/work")
        page.locator("a[href*='/proposals/'][href$='/decision']").first.click()
        with page.expect_navigation():
            page.locator("main button[name=answer][value=yes]").click()

    def until(self, who: str, path: str, seen: Callable[[Page], bool]) -> Page:
        """Look again until the worker has done what is waited for."""
        page = self.at(who, path)
        for _ in range(60):
            if seen(page):
                return page
            page.wait_for_timeout(250)
            page.reload()
        raise AssertionError(f"{path} still says: {page.locator('main').inner_text()[:400]}")

    def wait(self, path: str, says: str) -> None:
        """The demo clock goes on, day by day, until a public page says what is waited for. Meanwhile sessions end."""
        page = person(self.browser, self.site)  # a visitor of the demo may turn its clock
        page.goto(self.site + path)
        token = page.locator("input[name=csrf_token]").first.get_attribute("value") or ""
        for _ in range(40):
            if says in page.request.get(self.site + path).text().partition("<main")[2]:
                break
            form = {"csrf_token": token, "to": "day"}
            page.request.post(f"{self.site}/demo/clock", form=form, headers={"Referer": page.url}, max_redirects=0)
        else:
            raise AssertionError(f"{path} never says {says}")
        for known in (page, *self.known.values()):
            known.context.close()
        self.known.clear()


# -- from the first draft to the list --------------------------------------------------------------------------------


def draft(town: Town, title: str) -> str:
    """A unit copies a listed demand and makes it its own, by keyboard alone; gives its key."""
    drafter = town.at("drafter", "/demands/ZZGX-2026-02-014/clone")
    press(drafter, "main form button")
    drafter.wait_for_url(lambda url: "/clone" not in url)
    key = drafter.url.split("/demands/")[1].split("/")[0]
    town.at("drafter", f"/demands/{key}/edit")
    tab_to(drafter, "#title")
    drafter.keyboard.press("Control+A")
    drafter.keyboard.type(title)
    tab_to(drafter, "#deliver_by")
    day = clock.wall_now() + timedelta(days=330)
    drafter.keyboard.type(f"{day:%m%d%Y}")  # the order of the browser's own language
    expect(drafter.locator("#deliver_by")).to_have_value(f"{day:%Y-%m-%d}")
    press(drafter, "button[name=save]")
    expect(drafter.locator("[data-autosave-status]")).to_contain_text("保存")
    press(town.at("approver", f"/demands/{key}/submission"), "main form button")
    expect(town.known["approver"].locator("main")).to_contain_text("已提交")
    return key


def pool(town: Town, key: str) -> None:
    """Screened, compared, appraised, pooled, by keyboard alone."""
    for noun, field, text in (
        ("screening", "", ""),
        ("comparison", "#remark", "与原需求分属不同泵房，不重复。"),
        ("appraisal", "#remark", "问题真实。"),
    ):
        screener = town.at("screener", f"/demands/{key}/{noun}")
        if field:
            tab_to(screener, field)
            screener.keyboard.type(text)
        press(screener, "main form .form-actions button")
    publisher = town.at("publisher", f"/demands/{key}/pooling")
    for field in ("#fair_competition", "#secrecy"):
        tab_to(publisher, field)
        publisher.keyboard.type("审查通过，同意。")
    press(publisher, "main form .form-actions button")
    expect(publisher.locator("main")).to_contain_text("已入库")


def publish(town: Town) -> list[str]:
    """Both on the list of one batch, by keyboard alone; gives their numbers."""
    publisher = town.at("publisher", f"/desk/batches/{BATCH}/publication")
    for title in TITLES:
        box = publisher.get_by_role("checkbox", name=title).get_attribute("id")
        tab_to(publisher, f"#{box}")
        publisher.keyboard.press("Space")
    press(publisher, "button[name=preview]")
    expect(publisher.locator("main").get_by_text("可以张榜")).to_have_count(2)
    press(publisher, "button[name=post]")
    numbers = [f"{BATCH}-00{place}" for place in (1, 2)]
    visitor = person(town.browser, town.site, width=375)
    for number, title in zip(numbers, TITLES, strict=True):
        expect(publisher.locator("main")).to_contain_text(number)
        visitor.goto(f"{town.site}/demands/{number}")
        expect(visitor.locator("h1")).to_contain_text(title)
    visitor.context.close()
    return numbers


# -- bids, opening, eligibility ---------------------------------------------------------------------------------------


def seal(town: Town, who: str, number: str, codes: dict[str, str]) -> str:
    """Encrypted and sealed in the bidder's browser; gives the bid's address."""
    page = town.at(who, f"/demands/{number}")
    bid = bidding.start(page, town.site, number)
    if who in codes:
        bidding.opened(page)  # this browser knows the organisation's key by now
    else:
        bidding.unlock(page, codes, who)
    bidding.fill_form(page)
    page.fill("[name=price-lines-0-amount_fen]", OFFERS[who])
    bidding.saved(page)
    page.get_by_role("link", name="去封口").click()
    page.wait_for_url("**/seal")
    bidding.seal(page)
    return bid


def release(town: Town, numbers: list[str]) -> None:
    """The deadline passes; two custodians release both demands at once; the halls show the record."""
    town.wait(f"/demands/{numbers[0]}/opening", "已截止")
    for who in ("custodian1", "custodian2"):
        page = town.at(who, "/custody/release")
        for box in page.locator("input[name=demand]").all():
            box.set_checked(box.get_attribute("value") in numbers)
        page.get_by_label("登录密码").fill(DEMO_PASSWORD)
        page.get_by_role("button", name="释放").click()
        page.wait_for_url("**/custody")
    for number in numbers:
        seen = town.until("publisher", f"/demands/{number}/opening", lambda page: page.locator("tbody tr").count() == 2)
        expect(seen.locator("tbody")).to_contain_text("有效")


def admit(town: Town, who: str, bid: str) -> None:
    """What was promised is handed in; the officer checks every point and admits the bid."""
    page = town.at(who, f"{bid}/check")
    paper = pdf(Paper("sheet", "补交材料", clock.wall_now(), blocks=(Text("审计报告、信用报告。"),)))
    while (waiting := page.locator("input[type=file][name=file]")).count():
        waiting.first.set_input_files({"name": "材料.pdf", "mimeType": "application/pdf", "buffer": paper})
        town.press(page, "补交")
    page = town.at("screener", f"{bid}/eligibility")
    for box in page.locator("input[type=radio][value=passed]").all():
        box.check()
    town.press(page, "保存核对表")
    page.get_by_role("link", name="判为合格").click()
    town.press(page, "判为合格")
    expect(page.locator("main")).to_contain_text("资格合格")


# -- panel, scores, report --------------------------------------------------------------------------------------------


def seat_panel(town: Town, number: str) -> list[str]:
    """Drawn before the supervisor's eyes, confirmed, declared, the review begun, a chair elected; the chair first."""
    page = town.at("screener", f"/panels/{number}/settings")
    for box in page.locator("input[type=checkbox][name=fields]").all():
        box.uncheck()
    town.press(page, "保存")
    town.send("screener", f"/panels/{number}/pool", "固定抽取范围")
    page = town.at("supervisor", f"/panels/{number}")
    for _ in range(60):  # the log's next checkpoint is newer than the pool within a second or two
        page = town.send("supervisor", f"/panels/{number}/draw", "抽取", number="20261127")
        if page.url.endswith(number):
            break
        page.wait_for_timeout(250)
    rows = page.locator("#seats-h ~ table tbody tr, section[aria-labelledby=seats-h] tbody tr").all()
    drawn = [(row.locator("th").inner_text(), row.inner_text()) for row in rows]
    members = [NAMES[name.split()[0]] for name, text in drawn if "待确认" in text]
    assert len(members) == 5
    for who in members:
        town.send(who, f"/review/{number}", "确认参加")
        page = town.known[who]
        page.check("input[name=verdict][value=clean]")
        town.press(page, "提交申报")
        expect(page.locator("body")).to_contain_text("申报完成")
    town.send("publisher", f"/panels/{number}/start", "开始评审")
    chair = ""
    for who in members[:3]:
        page = town.at(who, f"/review/{number}/chair")
        page.locator("input[name=choice]").first.check()
        chair = NAMES[
            re.sub(r"^专家 ?\d+\s*", "", page.locator("label.choice").first.inner_text()).partition("，")[0].strip()
        ]
        town.press(page, "投票")
    return sorted(members, key=lambda who: who != chair)


def score(town: Town, who: str, number: str) -> None:
    """Every bid of the desk, every criterion, with the keyboard; then all handed in."""
    page = town.at(who, f"/review/{number}")
    count = page.locator("main tbody tr").count()
    page.goto(town.site + str(page.locator("main tbody th a").first.get_attribute("href")))
    page.wait_for_selector("html[data-ready]")
    for place in range(count):
        score_with_keys(page)
        if place + 1 < count:
            before = page.url
            page.keyboard.press("ArrowRight")
            page.wait_for_url(lambda url, before=before: url != before)
            page.wait_for_selector("html[data-ready]")
    town.send(who, f"/review/{number}/submission", f"提交{count}份")
    expect(page.locator("body")).to_contain_text(f"已提交{count}份评分表")


def announce(town: Town, number: str, experts: list[str], ranked: int) -> str:
    """The ranking is there by itself; report, signatures, two persons; gives the notice's address."""
    town.until("publisher", f"/demands/{number}/ranking", lambda page: page.locator("main tbody tr").count() >= ranked)
    page = town.send("publisher", f"/demands/{number}/report", "出具", conclusion="按名次推荐。")
    expect(page.locator("body")).to_contain_text("请组长先签署")
    for who in experts:
        page = town.send(who, f"/demands/{number}/report", "签署")
        expect(page.locator("body")).to_contain_text("已签署")
    town.send("publisher", f"/demands/{number}/announcement", "提出公示", reason="报告已签署。")
    town.second("publisher2", number)
    page = town.at("publisher", f"/demands/{number}")
    page.locator("main a", has_text="结果公示").first.click()
    expect(page.locator("main")).to_contain_text("公示")
    return page.url.removeprefix(town.site)


def award(town: Town, number: str, notice: str, winner: str) -> None:
    """The window passes, two persons award, the winner accepts."""
    town.wait(notice, "公示期满")
    town.send("publisher", f"/demands/{number}/award", "提出定榜", reason="公示期满无异议。")
    town.second("supervisor", number)
    page = town.at(winner, "/desk/awards")
    page.locator("main tr", has_text=number).locator("a").first.click()
    with page.expect_navigation():
        page.locator("main button[name=answer][value=yes]").click()
    expect(page.locator("main")).to_contain_text("已接受")
    expect(town.at("publisher", f"/demands/{number}").locator("main")).to_contain_text("已定榜")


@pytest.mark.timeout(1200)
def test_from_collection_to_the_award_plain_and_over_an_upheld_objection(browser: Browser, site: str) -> None:
    town = Town(browser, site)
    for key in [draft(town, title) for title in TITLES]:
        pool(town, key)
    numbers = publish(town)
    codes: dict[str, str] = {}
    bids = [(who, seal(town, who, number, codes)) for number in numbers for who in OFFERS]
    release(town, numbers)
    for who, bid in bids:
        admit(town, who, bid)
    notices, panels = [], []
    for number in numbers:
        panels.append(seat_panel(town, number))
        for who in panels[-1]:
            score(town, who, number)
        notices.append(announce(town, number, panels[-1], ranked=2))
    object_and_review_again(town, numbers[1], notices[1], panels[1])
    award(town, numbers[0], notices[0], "bidder")
    letter = town.at("rival", "/desk/letters")
    letter.locator("main tr", has_text=numbers[0]).locator("a[href$='/letter']").first.click()
    expect(letter.locator("main")).to_contain_text("候选名单")
    award(town, numbers[1], announce(town, numbers[1], panels[1], ranked=1), "rival")


def object_and_review_again(town: Town, number: str, notice: str, experts: list[str]) -> None:
    """The loser objects, one drafts the answer, another upholds it, two decide on a re-review, the panel scores anew."""
    page = town.at("rival", f"{notice}/objections/new")
    for name, text in (("name", "赵北辰"), ("phone", "13800001234"), ("email", "rival@example.test"), ("facts", FACTS)):
        page.fill(f"main [name={name}]", text)
    page.select_option("main [name=about]", index=1)
    town.press(page, "提出异议")
    expect(page.locator("main")).to_contain_text("已提出")
    work = "/desk" + page.url.partition("?")[0].removeprefix(town.site)
    # Frozen: nobody may award now; then one drafts, another signs.
    expect(town.at("publisher", notice).locator("main")).to_contain_text("异议")
    town.send("screener", work, "受理")
    town.send("screener", work, "保存答复稿", text="经核实，报告确系伪造，异议成立，取消资格并重新评审。")
    page = town.at("publisher", work)
    page.select_option("main [name=remedy]", "re_review")
    with page.expect_navigation():
        page.locator("main button[name=act][value=uphold]").click()
    page.get_by_role("link", name="提出处理措施").click()
    page.fill("main [name=reason]", "检测报告系伪造。")
    page.select_option("main [name=code]", "Z-11")
    page.check("main [name=out]")
    page.check("main [name=rescore]")
    town.press(page, "提出处理措施")
    town.second("supervisor", number)
    expect(town.at("rival", notice).locator("main")).to_contain_text("已撤销")
    for who in experts:
        score(town, who, number)
