"""Changing a published demand: preview first, exactly the preview is published, the frozen things stay."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace import db
from marketplace.demands.pages import FIELDS_EN
from marketplace.demands.validity import LABELS
from marketplace.platform import clock
from marketplace.platform.working_days import beijing_day


@pytest.fixture
def published(stage):
    demand = stage.published()
    db.session.commit()
    return demand


def address(demand) -> str:
    return f"/demands/{demand.ref}/amendment"


def test_preview_then_publish(published, sign_in):
    publisher = sign_in("publisher")
    assert publisher.get(f"/demands/{published.ref}/work").has("变更")
    page = publisher.get(address(published)).submit("amendment", place="科学大道全线", reason="范围扩大")
    assert (page.status, published.content_version) == (200, 1)
    assert page.has("将要公布的变更")
    assert "全线" in page.text
    page = page.submit("amendment", post="1", preview=None)
    assert (published.content_version, published.said.place) == (2, "科学大道全线")
    assert page.has("现为第2版")
    assert [change["field"] for change in published.versions[-1].changes] == ["place"]


def test_what_was_not_previewed_is_not_published(published, sign_in):
    publisher = sign_in("publisher")
    page = publisher.get(address(published)).submit("amendment", post="1", place="科学大道全线", reason="范围扩大")
    assert (page.has("将要公布的变更"), published.content_version) == (True, 1)
    page = page.submit("amendment", post="1", preview=None, place="又改了一处地点")
    assert published.content_version == 1
    assert "又改了一处地点" in page.text


def test_indicators_keep_their_weight_and_veto(published, sign_in):
    before = published.said.indicators[0]
    page = sign_in("publisher").get(address(published))
    page = page.submit("amendment", **{"indicators-0-target": "99", "reason": "提高要求"})
    page.submit("amendment", post="1", preview=None)
    after = published.said.indicators[0]
    assert (before.target, after.target) == ("98", "99")
    assert (after.weight, after.veto, after.operator) == (before.weight, before.veto, before.operator)


def test_of_a_table_only_the_rows_that_differ_are_shown_in_both_languages(published, sign_in, visitor):
    before = published.said.indicators
    page = sign_in("publisher").get(address(published))
    page = page.submit("amendment", **{"indicators-0-target": "99", "reason": "提高要求"})
    page.submit("amendment", post="1", preview=None)
    shown = visitor.get(f"/demands/{published.ref}/history?lang=en")
    lines = {row.findtext("dt"): row.find("dd").text_content() for row in shown.html.xpath("//dl[@class='diff']/div")}
    assert before[0].name in lines["Indicators"]
    assert before[1].name not in lines["Indicators"]


def test_every_field_has_a_name_in_english():
    assert set(LABELS) <= set(FIELDS_EN)


def test_near_the_deadline_the_preview_says_that_it_moves(published, sign_in):
    before = published.closes_at
    clock.move_to(before - timedelta(days=1))
    db.session.commit()
    page = sign_in("publisher").get(address(published)).submit("amendment", place="科学大道全线", reason="范围扩大")
    assert page.has("截止时间自动顺延到")
    page.submit("amendment", post="1", preview=None)
    assert published.closes_at > before


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({}, "没有任何改动"),
        ({"goal": "太短"}, "50"),
        ({"budget": "很多"}, "不是一个金额"),
        ({"deliver_by": "2020-01-01"}, "交付日期须在今天之后"),
        ({"place": "科学大道全线", "reason": ""}, "请写明变更的原因"),
    ],
)
def test_what_cannot_be_is_refused_and_stays_typed(published, sign_in, typed, said):
    page = sign_in("publisher").get(address(published)).submit("amendment", **({"reason": "试改"} | typed))
    assert page.status in (409, 422)
    assert page.has(said)
    assert published.content_version == 1
    assert all(value in page.text for value in typed.values())


def test_rows_are_neither_added_nor_lost(published, sign_in):
    page = sign_in("publisher").get(address(published))
    page = page.submit("amendment", **{"indicators-7-name": "多出一项", "reason": "试"})
    assert page.has("条数在张榜之后不能增减")


def test_who_may(published, stage, sign_in, visitor):
    assert visitor.get(address(published)).status == 302
    answer = sign_in("screener").get(address(published))
    assert answer.status == 403
    assert answer.has("只有发榜负责人可以这样做")
    assert sign_in("rival").get(address(published)).status == 403
    pooled = stage.pooled(title="另一条还在库中的需求")
    db.session.commit()
    assert sign_in("rival").get(address(pooled)).status == 404
    clock.move_to(published.closes_at)
    db.session.commit()
    assert sign_in("publisher").get(address(published)).has("揭榜已经截止")
    assert beijing_day(published.closes_at) == beijing_day(clock.site_now())
