"""The work lists: who may read them, what stands in them, in which order, under which filters."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO

import pytest
from openpyxl import load_workbook

from marketplace import db
from marketplace.demands import service

NOUNS = ("screening", "appraisal", "pool")


@pytest.mark.parametrize("noun", NOUNS)
def test_only_those_who_process_demands_read_the_lists(visitor, sign_in, noun):
    answer = visitor.get(f"/desk/{noun}")
    assert (answer.status, "/sign-in" in answer.response.location) == (302, True)
    assert [sign_in(name).get(f"/desk/{noun}").status for name in ("bidder", "approver", "expert1")] == [403] * 3
    assert [sign_in(name).get(f"/desk/{noun}").status for name in ("screener", "publisher")] == [200] * 2


def test_each_demand_stands_in_the_list_of_its_state(stage, sign_in):
    made = {
        "screening": stage.submitted(title="等待审查的停车诱导需求"),
        "appraisal": stage.appraising(title="等待论证的停车诱导需求"),
        "pool": stage.pooled(title="已经入库的停车诱导需求"),
    }
    db.session.commit()
    client = sign_in("screener")
    for noun in NOUNS:
        page = client.get(f"/desk/{noun}")
        assert {key: page.has(demand.title) for key, demand in made.items()} == {key: key == noun for key in NOUNS}


def test_the_longest_waiting_is_on_top_and_the_list_is_paged(stage, sign_in):
    for number in range(22):
        demand = stage.submitted(title=f"第{number:02d}条等待审查的需求")
        demand.submitted_at = stage.now - timedelta(days=number)
    db.session.commit()
    client = sign_in("screener")
    first, second = client.get("/desk/screening"), client.get("/desk/screening?page=2")
    assert first.text.index("第21条") < first.text.index("第20条")
    assert first.has("等得最久的在最上面，共22条")
    assert first.has("21天")
    assert (first.has("第01条"), second.has("第01条"), second.has("第00条")) == (False, True, True)
    for odd in ("0", "-1", "9999", "x", "²"):
        assert client.get(f"/desk/screening?page={odd}").status == 200


def test_filters_by_word_direction_and_progress(stage, sign_in):
    begun, again = stage.submitted(title="河道水位监测预警需求"), stage.returned(title="道路照明节能改造需求")
    service.begin_screening(begun, actor=stage.actor("screener"), now=stage.now)
    service.submit(again, actor=stage.actor("approver"), now=stage.now)
    db.session.commit()
    client = sign_in("screener")

    def shown(query: str) -> tuple[bool, bool]:
        page = client.get(f"/desk/screening?{query}")
        return page.has(begun.title), page.has(again.title)

    assert shown("") == (True, True)
    assert shown("q=水位") == (True, False)
    assert shown("q=%25") == (False, False)
    assert shown("stage=begun") == (True, False)
    assert shown("stage=again") == (False, True)
    assert shown("direction=living") == (True, True)
    assert shown("direction=nonsense&stage=nonsense") == (True, True)
    assert client.get("/desk/screening?q=没有这样的").has("没有符合条件的需求")


def test_each_list_leaves_as_a_workbook_under_its_filters(stage, sign_in):
    stage.submitted(title="=HYPERLINK的河道水位监测需求")
    stage.submitted(title="道路照明节能改造需求")
    stage.pooled(title="已经入库的停车诱导需求")
    db.session.commit()
    client = sign_in("screener")

    def titles(url: str) -> list[str]:
        assert url.split("?")[0] in " ".join(client.get(url.replace("&export=xlsx", "")).links())
        book = load_workbook(BytesIO(client.get(url).response.data))
        cells = [row[0] for row in book.active.iter_rows(min_row=2)]
        assert {cell.data_type for cell in cells if cell.value} == {"s"}, "a title never becomes a formula"
        return [str(cell.value) for cell in cells if cell.value]

    assert titles("/desk/screening?q=水位&export=xlsx") == ["=HYPERLINK的河道水位监测需求"]
    assert len(titles("/desk/screening?q=&export=xlsx")) == 2
    assert titles("/desk/pool?q=&export=xlsx") == ["已经入库的停车诱导需求"]
    assert sign_in("bidder").get("/desk/pool?export=xlsx").status == 403
