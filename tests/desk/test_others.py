"""Questions, registrations, roles and erasures stand on the desk of whoever has to act, with their dates."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO

from openpyxl import load_workbook

from marketplace import db
from marketplace.accounts import service as accounts
from marketplace.accounts.models import Organisation
from marketplace.accounts.rules import OrganisationState, Role
from marketplace.demands import service
from marketplace.platform import clock
from marketplace.questions import service as questions
from tests import factories

TEXT = "三处路口的供电由谁负责？是否需要我方自备电源？"


def test_a_question_goes_from_desk_to_desk(stage, sign_in):
    demand = stage.published()
    row = questions.ask(demand, text=TEXT, actor=stage.actor("bidder"), now=stage.now)
    db.session.commit()
    assert sign_in("screener").get("/desk").has("转办")
    assert not sign_in("drafter").get("/desk").has("三处路口"), "nothing of it before it is sent to the unit"
    questions.route(row, actor=stage.actor("screener"), now=stage.now)
    db.session.commit()
    assert sign_in("drafter").get("/desk").has("三处路口")
    assert not sign_in("other_drafter").get("/desk").has("三处路口")
    assert not sign_in("screener").get("/desk").has("三处路口")
    clock.move_to(row.due_at + timedelta(minutes=1))
    db.session.commit()
    page = sign_in("drafter").get("/desk")
    assert page.has("已逾期1")
    assert not page.has("河洛智感"), "who asked is named nowhere"


def test_the_export_has_what_the_page_has(stage, sign_in):
    questions.ask(stage.published(), text=TEXT, actor=stage.actor("bidder"), now=stage.now)
    waiting = stage.submitted(title="甲乙丙丁戊己庚辛")
    db.session.commit()
    answer = sign_in("screener").get("/desk?export=xlsx").response
    sheet = load_workbook(BytesIO(answer.data)).active
    titles = [row[1] for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert TEXT in titles
    assert waiting.title in titles


def test_a_registration_waits_for_the_screener_only(stage, sign_in):
    host = db.session.get(Organisation, stage.actor("bidder").organisation_id)
    host.state = OrganisationState.PENDING
    db.session.commit()
    assert sign_in("screener").get("/desk").has(host.name)
    assert sign_in("screener").get("/desk").has("审核")
    for other in ("publisher", "drafter", "supervisor"):
        assert not sign_in(other).get("/desk").has(host.name)


def test_a_grant_waits_for_the_second_administrator(stage, sign_in):
    granter = stage.actor("secadmin")
    user = factories.person("other_drafter")
    accounts.grant_role(user, Role.SCREENER, factories.organisation("host"), actor=granter, now=stage.now)
    db.session.commit()
    assert sign_in("secadmin2").get("/desk").has("许诺：受理员")
    assert not sign_in("secadmin").get("/desk").has("许诺：受理员"), "never to whoever granted it"


def test_following_is_a_list_of_ones_own(stage, sign_in):
    demand = stage.published()
    service.follow(demand, actor=stage.actor("bidder"), now=stage.now)
    db.session.commit()
    page = sign_in("bidder").get("/desk/following")
    assert page.has(demand.title)
    assert f"/demands/{demand.number}" in page.links()
    assert not sign_in("rival").get("/desk/following").has(demand.title)
