"""From the last locked sheet to the award in a real browser: a plain road, and an objection that is upheld, after which
the panel scores again and another wins.

Sealing, opening, eligibility and the first scoring are written by the services; each person has a browser of his own.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.test_review import Site, ready, score_with_keys

WORDS = "检测报告编号在机构网站上查不到，机构书面答复没有出具过这份报告。"


class Town:
    """Everybody, each signed in once."""

    def __init__(self, browser: Browser, site: Site, told: dict[str, str]) -> None:
        self.browser, self.site, self.told = browser, site, told
        self.known: dict[str, tuple[BrowserContext, Page]] = {}

    def at(self, who: str, path: str) -> Page:
        """This person's page at an address."""
        if who not in self.known:
            context = self.browser.new_context(viewport={"width": 1280, "height": 900}, base_url=self.site.base)
            page = context.new_page()
            page.goto("/sign-in")
            page.fill("input[name=username]", who)
            page.fill("input[name=password]", self.told["password"])
            page.press("input[name=password]", "Enter")
            page.wait_for_url("**/desk**")
            self.known[who] = (context, page)
        page = self.known[who][1]
        page.goto(path)
        return page

    def close(self) -> None:
        for context, _page in self.known.values():
            context.close()

    def submit(self, who: str, path: str, button: str, **fields: str) -> Page:
        """Fill the page's form and press its button by name."""
        page = self.at(who, path)
        for name, value in fields.items():
            page.fill(f"main [name={name}]", value)
        page.locator("main").get_by_role("button", name=button, exact=True).click()
        return page

    def second(self, who: str, demand: str) -> None:
        """The second person finds the proposal on the demand's work page and agrees."""
        page = self.at(who, f"/demands/{demand}/work")
        page.locator("a[href*='/proposals/'][href$='/decision']").first.click()
        page.locator("main button[name=answer][value=yes]").click()
        expect(page.locator("body")).to_contain_text("已")

    def report(self, demand: str, experts: list[str]) -> None:
        page = self.submit("publisher", f"/demands/{demand}/report", "出具评审报告", conclusion="按名次推荐。")
        expect(page.locator("body")).to_contain_text("请组长先签署")
        for who in experts:
            page = self.submit(who, f"/demands/{demand}/report", "签署")
            expect(page.locator("body")).to_contain_text("已签署")

    def announce(self, demand: str) -> None:
        self.submit("publisher", f"/demands/{demand}/announcement", "提出公示", reason="报告已签署。")
        self.second("publisher2", demand)

    def wait_for_the_window(self, demand: str) -> None:
        """The demo clock goes on, moment by moment, until the notice's window is over."""
        page = self.at("publisher", f"/demands/{demand}")
        page.locator("main a", has_text="结果公示").first.click()
        for _ in range(12):
            if page.locator("main").inner_text().find("公示期满") >= 0:
                return
            page.get_by_role("button", name="+1天").click()
        raise AssertionError("the window does not end")

    def award(self, demand: str, winner: str) -> None:
        self.wait_for_the_window(demand)
        self.submit("publisher", f"/demands/{demand}/award", "提出定榜", reason="公示期满无异议。")
        self.second("supervisor", demand)
        page = self.at(winner, "/desk/awards")
        page.locator("main a[href*='/awards/']").first.click()
        page.locator("main button[name=answer][value=yes]").click()
        expect(page.locator("main")).to_contain_text("已接受")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, dict[str, str]]]:
    site = Site(tmp_path_factory.mktemp("results"))
    told = site.prepare("tests.browser.results_site")
    site.start()
    yield site, told
    site.kill()


@pytest.fixture
def town(browser: Browser, site: tuple[Site, dict[str, str]]) -> Iterator[Town]:
    made = Town(browser, *site)
    yield made
    made.close()


def test_an_upheld_objection_leads_to_another_review_and_another_winner(town: Town) -> None:
    demand, experts = town.told["objected"], town.told["objected-experts"].split(",")
    page = town.at("rival", f"/notices/{town.told['notice']}/objections/new")
    for name, text in (("name", "赵川"), ("phone", "13800001234"), ("email", "rival@example.test"), ("facts", WORDS)):
        page.fill(f"main [name={name}]", text)
    page.select_option("main [name=about]", index=1)
    page.locator("main form button.button").last.click()
    expect(page.locator("main")).to_contain_text("已提出")
    own = page.url.partition("?")[0].replace(town.site.base, "")
    work = f"/desk{own}"
    # Frozen: nobody may award now; then one drafts, another signs.
    expect(town.at("publisher", f"/notices/{town.told['notice']}").locator("main")).to_contain_text("异议")
    town.submit("screener", work, "受理")
    town.submit("screener", work, "保存答复稿", text="经核实，报告确系伪造，异议成立，取消资格并重新评审。")
    page = town.at("publisher", work)
    page.select_option("main [name=remedy]", "re_review")
    page.locator("main button[name=act][value=uphold]").click()
    page.get_by_role("link", name="提出处理措施").click()
    page.fill("main [name=reason]", "检测报告系伪造。")
    page.select_option("main [name=code]", "Z-11")
    page.check("main [name=out]")
    page.check("main [name=rescore]")
    page.locator("main").get_by_role("button", name="提出处理措施").click()
    town.second("supervisor", demand)
    expect(town.at("rival", f"/notices/{town.told['notice']}").locator("main")).to_contain_text("已撤销")
    # Another round: the bid that is left, every expert, the keyboard alone.
    for who in experts:
        page = town.at(who, f"/review/{demand}")
        ready(page, page.locator("main td a, main th a").first.evaluate("link => link.href"))
        score_with_keys(page)
        page.get_by_role("button", name="提交这一份").click()
        expect(page.locator("body")).to_contain_text("已提交")
    page = town.at("publisher", f"/demands/{demand}/ranking")
    for _ in range(20):  # the worker ranks within a second or two
        if "重新" in page.locator("main").inner_text() or page.locator("main tbody tr").count():
            break
        page.wait_for_timeout(300)
        page.reload()
    town.report(demand, experts)
    town.announce(demand)
    town.award(demand, "rival")


def test_a_plain_road_from_the_lock_to_the_award(town: Town) -> None:
    demand, experts = town.told["plain"], town.told["plain-experts"].split(",")
    town.report(demand, experts)
    town.announce(demand)
    town.award(demand, "bidder")
    letter = town.at("rival", "/desk/letters")
    letter.locator("main a[href$='/letter']").first.click()
    expect(letter.locator("main")).to_contain_text("候选名单")
