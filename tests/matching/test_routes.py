"""Beside the form, on the work page, on the firm's desk: who sees what, in which words, and what is dismissed."""

from __future__ import annotations

import pytest

from marketplace import db
from tests.capabilities.making import capability, content
from tests.matching.test_service import catch_up


@pytest.fixture
def draft(stage, now):
    capability("listed", now)
    demand = stage.draft()
    catch_up(now)
    return demand


def test_the_unit_sees_firms_with_reasons_while_it_writes(sign_in, draft):
    for path in ("/edit", "/work", "/firms", "/firms/panel"):
        page = sign_in("drafter").get(f"/demands/{draft.ref}{path}")
        assert page.status == 200, path
        assert "河洛智感科技有限公司" in page.text, path
        assert "共同的内容：" in page.text, path
        assert "同属产业：物联网·传感器、新一代信息技术" in page.text, path
    assert sign_in("drafter").get(f"/demands/{draft.ref}/edit").has("1家单位可能能做")


def test_autosave_changes_what_the_panel_says(sign_in, draft):
    browser = sign_in("drafter")
    page = browser.get(f"/demands/{draft.ref}/edit")
    values = page.form("")
    other = "把氢气储运装备的检测周期从三十天降到七天，形成可复制的检测标准和第三方报告。" * 3
    values |= {"title": "氢气储运装备在线检测", "goal": other, "content": other, "background": other}
    for name in list(values):
        if name.startswith("indicators-") and name.endswith("-name"):
            values[name] = "检测周期"
        if name.startswith(("offers-",)) and name.endswith("-text"):
            values[name] = "储运装备一套"
    assert browser.post(f"/demands/{draft.ref}/autosave", data=values, csrf=False).status == 200
    panel = browser.get(f"/demands/{draft.ref}/firms/panel")
    assert "河洛智感" not in panel.text
    assert "还没有找到能力相近的单位" in panel.text


def test_who_else_may_look(visitor, sign_in, draft, stage, now):
    url = f"/demands/{draft.ref}/firms"
    assert visitor.get(url).status == 404
    for who in ("bidder", "rival", "other_drafter", "screener"):  # nobody else knows of a draft
        assert sign_in(who).get(url).status == 404, who
    published = stage.published()
    catch_up(now)
    page = sign_in("bidder").get(f"/demands/{published.number}/firms")
    assert page.status == 403
    assert page.has("只有本需求单位")
    assert sign_in("publisher").get(f"/demands/{published.number}/firms").status == 200
    assert "/sign-in" in visitor.get(f"/demands/{published.number}/firms").response.location


def test_a_firm_finds_its_demands_and_dismisses_one(sign_in, stage, now):
    capability("listed", now)
    demand = stage.published()
    catch_up(now)
    bidder = sign_in("bidder")
    assert bidder.get("/desk/matches/panel").has("适合本单位的需求 1")
    page = bidder.get("/desk/matches")
    assert page.has(demand.title)
    assert page.has("共同的内容：")
    assert page.has(f"依据能力{content().title}")
    gone = page.submit("/dismissal")
    assert gone.has("已忽略")
    assert not gone.has("共同的内容：")
    colleague = sign_in("bidder_member").get("/desk/matches")
    assert not colleague.has("共同的内容：")
    assert colleague.has("已忽略的")
    assert bidder.get("/desk/matches/panel").has("现在没有适合的在榜需求")
    back = colleague.submit("/restoration")
    assert back.has("共同的内容：")


def test_the_standard_questions(visitor, sign_in, stage, now):
    demand, draft = stage.published(), stage.draft()
    db.session.commit()
    assert "/sign-in" in visitor.get("/desk/matches").response.location
    assert sign_in("drafter").get("/desk/matches").status == 403
    bidder = sign_in("bidder")
    assert bidder.get("/desk/matches").has("现在没有适合的在榜需求")
    assert bidder.get(f"/desk/matches/{demand.number}/dismissal").status == 405
    for ref in (draft.ref, "ZZGX-2026-09-999", demand.key):
        assert bidder.post(f"/desk/matches/{ref}/dismissal").status == 404, ref
    assert sign_in("drafter").post(f"/desk/matches/{demand.number}/dismissal").status == 403


def test_english_readers_read_the_reasons(sign_in, stage, now):
    capability("listed", now)
    stage.published()
    catch_up(now)
    page = sign_in("bidder").get("/desk/matches?lang=en")
    assert page.has("IoT and sensors")
    assert not page.has("共同的内容")
