"""A unit writes its demand over HTTP: begin, save, mend, attach, submit; nobody's words are lost."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from sqlalchemy import select

from marketplace import db
from marketplace.demands import service
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.platform import clock
from marketplace.platform.working_days import beijing_day

PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


@pytest.fixture
def draft(stage):
    demand = stage.draft()
    db.session.commit()
    return demand


def edit(demand: Demand) -> str:
    return f"/demands/{demand.ref}/edit"


def test_a_demand_begins_with_its_name_and_has_its_score_sheet(sign_in):
    page = sign_in("drafter").get("/demands/new")
    page = page.submit(title="积水点智能监测预警", direction="living", mode="trial")
    demand = db.session.scalar(select(Demand).where(Demand.title == "积水点智能监测预警"))
    assert page.status == 200
    assert demand.said.score_sheet.template == "living"
    assert page.has("校核")


def test_the_standard_questions(visitor, sign_in, stage, draft):
    assert "/sign-in" in visitor.get("/demands/new").response.location
    assert sign_in("bidder").get("/demands/new").status == 403
    assert sign_in("other_drafter").get(edit(draft)).status == 404
    assert sign_in("screener").get(edit(draft)).status == 404
    service.submit(draft, actor=stage.actor("approver"), now=stage.now)
    db.session.commit()
    page = sign_in("drafter").get(edit(draft))
    assert page.status == 403
    assert page.has("提交之后内容不能直接修改")
    assert sign_in("drafter").post(f"/demands/{draft.ref}/autosave").status == 403


def test_saving_takes_an_incomplete_draft(sign_in, draft):
    page = sign_in("drafter").get(edit(draft)).submit(goal="", budget="", save="1")
    assert page.status == 200
    assert draft.said.goal == ""
    assert draft.said.title
    assert page.has("已暂存")


def test_what_cannot_be_read_stays_on_the_page(sign_in, draft):
    before = draft.said
    page = sign_in("drafter").get(edit(draft)).submit(budget="四百来万", goal="新的目标", save="1")
    assert page.status == 422
    assert 'value="四百来万"' in page.text
    assert "新的目标" in page.text
    assert draft.said == before


def test_autosave_stores_the_rest_and_hands_on_the_version(sign_in, draft):
    client = sign_in("drafter")
    values = client.get(edit(draft)).form("/")
    answer = client.post(f"/demands/{draft.ref}/autosave", values | {"budget": "x", "place": "西四环"}, csrf=False)
    body = answer.response.get_json()
    assert (answer.status, body["fields"]) == (200, {"version": str(draft.lock_version)})
    assert "预算" in body["message"]
    assert (draft.said.place, draft.said.budget_fen) == ("西四环", 386_0000_00)
    stale = client.post(f"/demands/{draft.ref}/autosave", values, csrf=False)
    assert stale.status == 409
    assert "已停止" in stale.response.get_json()["message"]


def test_two_editors_see_both_versions(sign_in, draft):
    mine = sign_in("drafter").get(edit(draft))
    sign_in("approver").get(edit(draft)).submit(place="他改的地点", save="1")
    page = mine.submit(place="我改的地点", save="1")
    assert page.status == 409
    assert page.has("他改的地点")
    assert page.has("我改的地点")
    assert draft.said.place == "他改的地点"
    page.submit(save="1")
    assert draft.said.place == "我改的地点"


def test_rows_come_and_go_without_javascript(sign_in, draft):
    page = sign_in("drafter").get(edit(draft))
    page = page.submit(add="indicators")
    assert 'name="indicators-2-name"' in page.text
    page = page.submit(remove="indicators-0")
    assert 'name="indicators-0-name"' not in page.text
    assert len(draft.said.indicators) == 2


@pytest.mark.parametrize("bad", ["indicators", "indicators-", "indicators-99", "indicators-²", "x-1", "\x00"])
def test_odd_row_buttons_do_no_harm(sign_in, draft, bad):
    assert sign_in("drafter").get(edit(draft)).submit(remove=bad).status < 500


def test_submission_names_what_is_missing_and_saves_it(sign_in, draft):
    page = sign_in("approver").get(edit(draft)).submit(goal="太短", submit="1")
    assert page.status == 422
    assert page.html.xpath("//*[@role='alert']//a[@href='#goal']")
    assert draft.said.goal == "太短"
    assert draft.state is State.DRAFT


def test_a_complete_draft_goes_on_to_the_page_of_submission(sign_in, draft):
    page = sign_in("approver").get(edit(draft)).submit(submit="1")
    assert page.url.endswith("/submission")
    page.submit()
    assert draft.state is State.SUBMITTED


def test_the_drafter_reads_why_he_cannot_submit(sign_in, draft):
    assert sign_in("drafter").get(edit(draft)).has("审核人")


def test_defects_stand_beside_the_fields(sign_in, stage):
    demand = stage.returned()
    db.session.commit()
    page = sign_in("drafter").get(edit(demand))
    assert page.has("目标写具体些")
    assert page.has("补正需求")


def test_the_live_check_answers_a_piece_of_html(sign_in, draft):
    client = sign_in("drafter")
    values = client.get(edit(draft)).form("/")
    answer = client.post(f"/demands/{draft.ref}/lint", values | {"conditions": "仅限本地企业"}, csrf=False)
    assert answer.status == 200
    assert "必须改" in answer.text
    assert "<html" not in answer.text
    assert draft.said.conditions != "仅限本地企业"


def test_the_live_check_reckons_with_the_calendar_and_looks_at_the_contact(sign_in, draft):
    client = sign_in("drafter")
    values = client.get(edit(draft)).form("/")

    def check(**typed):
        return client.post(f"/demands/{draft.ref}/lint", values | typed, csrf=False).text

    soon = f"{beijing_day(clock.site_now()) + timedelta(days=3):%Y-%m-%d}"
    assert "不晚于揭榜截止" in check(deliver_by=soon)
    assert "不晚于揭榜截止" not in check()
    assert "截止不早于" in check()
    assert "请填写电话号码" in check(contact_phone="12")
    assert "请填写能收信的邮箱" in check(contact_email="wang@")
    assert "电话号码" not in check(contact_phone="0371-6789 1234转801")


def test_files_are_checked_kept_and_removed(sign_in, draft):
    client = sign_in("drafter")
    values = client.get(edit(draft)).form("/") | {"save": "1"}
    page = client.post(
        edit(draft), values | {"files": (io.BytesIO(PDF), "说明.pdf")}, csrf=False, follow=True,
        content_type="multipart/form-data",
    )  # fmt: skip
    assert page.has("说明.pdf")
    key = draft.files[-1].key
    assert client.get(edit(draft)).submit(remove_file=key).status == 200
    assert draft.files[-1].removed_at is not None
    values = client.get(edit(draft)).form("/") | {"save": "1"}
    page = client.post(
        edit(draft), values | {"files": (io.BytesIO(b"MZ\x90"), "说明.pdf")}, csrf=False,
        content_type="multipart/form-data",
    )  # fmt: skip
    assert page.status in (409, 422)
    assert page.has("说明.pdf")


def test_a_clone_is_a_new_draft(sign_in, draft):
    page = sign_in("drafter").get(f"/demands/{draft.ref}/clone").submit()
    copy = db.session.scalar(select(Demand).where(Demand.origin_id == draft.id))
    assert page.status == 200
    assert (copy.title, copy.deliver_by, copy.state) == (draft.title, None, State.DRAFT)


def test_every_save_rates_the_quality(sign_in, draft):
    sign_in("drafter").get(edit(draft)).submit(save="1")
    assert 0 < draft.quality <= 100
