"""Working days, clocks, the site's names: raised, never lowered; confirmed, never shortened."""

from __future__ import annotations

import pytest

from marketplace import db
from marketplace.demands.clocks import FLOORS
from marketplace.platform.working_days import YearStatus, seed_rows
from marketplace.settings import queries
from tests.demands.conftest import now, stage

__all__ = ["now", "stage"]
PAGES = ("calendar", "calendar/2027", "clock", "clocks", "clocks/procurement", "site", "mail", "taxonomy")


@pytest.mark.parametrize("page", PAGES)
def test_who_may_open_the_pages(visitor, sign_in, page):
    url = f"/admin/settings/{page}"
    assert sign_in("sysadmin").get(url).status == 200
    assert "/sign-in" in visitor.get(url).response.location
    refused = sign_in("secadmin").get(url)
    assert refused.status == 403
    assert refused.has("只有系统管理员可以这样做")


def test_a_provisional_year_is_confirmed_and_open_deadlines_stay(sign_in, stage):
    demand = stage.published()
    before = demand.closes_at
    year = before.year
    page = sign_in("sysadmin").get(f"/admin/settings/calendar/{year}")
    line = f"{before.date().isoformat()} 休 临时放假"
    page = page.submit(days=line, confirmed="y")
    assert page.has("已保存")
    assert page.has("有1条需求的截止日落在休息日")
    db.session.refresh(demand)
    assert demand.closes_at == before
    assert not queries.calendar().is_working_day(before.date())
    assert {item.year: item.status for item in queries.working_days()[1]}[year] is YearStatus.CONFIRMED


def test_the_following_year_can_be_entered_and_no_other(sign_in, session):
    last = max(item.year for item in seed_rows()[1])
    browser = sign_in("sysadmin")
    page = browser.get(f"/admin/settings/calendar/{last + 1}").submit(days=f"{last + 1}-01-01 休 元旦", confirmed=None)
    assert page.has(str(last + 1))
    assert page.has("暂定")
    assert browser.get(f"/admin/settings/calendar/{last + 3}").status == 404


def test_a_line_that_cannot_be_read_is_named_and_kept(sign_in):
    page = sign_in("sysadmin").get("/admin/settings/calendar/2027").submit(days="2027-01-01 休\n2027-02-30 休")
    assert page.status == 422
    assert page.has("第2行看不懂")
    assert "2027-02-30" in page.text


def test_clocks_go_up_and_never_below_the_floor(sign_in):
    browser = sign_in("sysadmin")
    page = browser.get("/admin/settings/clocks/procurement").submit(bidding_days="30")
    assert page.has("已保存")
    assert queries.mode_clocks()["procurement"].bidding_days == 30
    page = browser.get("/admin/settings/clocks/procurement").submit(bidding_days="19")
    assert page.status == 422
    assert page.has("不能低于20（《政府采购法》第三十五条）")
    browser.get("/admin/settings/clocks/procurement").submit(bidding_days="20")
    assert queries.mode_clocks()["procurement"] == FLOORS["procurement"]
    assert browser.get("/admin/settings/clocks/nothing").status == 404


def test_the_foot_shows_what_is_set(sign_in, visitor):
    page = sign_in("sysadmin").get("/admin/settings/site").submit(host="某某高新区管委会", icp="某ICP备00000000号")
    assert page.has("已保存")
    foot = visitor.get("/transparency")
    assert "某某高新区管委会" in foot.text
    assert "某ICP备00000000号" in foot.text
    names = {"name": "揭榜台", "title": "某区场景需求平台", "title_en": "Scenes of a zone"}
    sign_in("sysadmin").get("/admin/settings/site").submit(**names)
    assert "某区场景需求平台" in visitor.get("/transparency").text
    english = visitor.get("/transparency?lang=en").text
    assert "揭榜台" in english  # whoever has no English name keeps his own
    assert "Scenes of a zone" in english
    assert "某区场景需求平台" not in english
    bad = sign_in("sysadmin").get("/admin/settings/site").submit(find_error_url="javascript:alert(1)")
    assert bad.status == 422
