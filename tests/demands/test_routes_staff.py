"""The acts over HTTP: each is a page that says what will happen, and a POST that the same rules guard."""

from __future__ import annotations

import pytest

from marketplace import db
from marketplace.demands import service
from marketplace.demands.models import Demand
from marketplace.demands.routes.staff import ACTS
from marketplace.demands.rules import Action, State
from marketplace.platform import clock


def url(demand: Demand, noun: str) -> str:
    return f"/demands/{demand.ref}/{noun}"


def test_from_submission_to_the_pool_over_http(stage, sign_in):
    demand = stage.draft()
    db.session.commit()
    sign_in("approver").get(url(demand, "submission")).submit("submission")
    assert demand.state is State.SUBMITTED
    screener = sign_in("screener")
    screener.get(url(demand, "screening")).submit("screening")
    page = screener.get(url(demand, "work"))
    assert page.has("转入论证")
    screener.get(url(demand, "appraisal")).submit("appraisal", remark="问题真实")
    assert demand.state is State.APPRAISING
    page = (
        sign_in("publisher").get(url(demand, "pooling")).submit("pooling", fair_competition="同意", secrecy="同意公开")
    )
    assert (demand.state, page.status) == (State.POOLED, 200)


def test_a_return_needs_a_defect_and_keeps_what_was_typed(stage, sign_in):
    demand = stage.submitted()
    db.session.commit()
    page = sign_in("screener").get(url(demand, "return")).submit("return")
    assert page.status == 422
    assert page.has("至少一条")
    assert demand.state is State.SUBMITTED
    page = page.submit("return", **{"defects-0-field": "goal", "defects-0-text": "目标须可测"})
    assert demand.state is State.RETURNED
    assert page.has("目标须可测")


def test_rows_are_added_without_javascript(stage, sign_in):
    demand = stage.submitted()
    db.session.commit()
    page = sign_in("screener").get(url(demand, "return")).submit("return", add="defects")
    assert (page.status, page.text.count('name="defects-3-text"')) == (200, 1)
    assert demand.state is State.SUBMITTED


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.noun)
def test_every_act_asks_the_standard_questions(stage, sign_in, visitor, act):
    demand = stage.published()
    address = url(demand, act.noun)
    answer = visitor.get(address)
    assert (answer.status, "/sign-in" in answer.response.location) == (302, True)
    assert sign_in("rival").get(address).status == 403
    assert sign_in("other_drafter").get(address).status == 403
    assert visitor.http.delete(address).status_code == 405


def test_other_units_do_not_see_a_draft(stage, sign_in, visitor):
    demand = stage.draft()
    db.session.commit()
    assert sign_in("other_drafter").get(url(demand, "work")).status == 404
    assert sign_in("rival").get(url(demand, "work")).status == 404
    assert visitor.get(url(demand, "work")).status == 404


def test_a_refusal_is_said_on_the_page_with_the_reason_kept(stage, sign_in):
    demand = stage.published()
    publisher = sign_in("publisher")
    page = publisher.get(url(demand, "extension")).submit("extension", closes_on="2026-01-01", reason="写错的日期")
    assert page.status == 422
    assert page.has("须晚于现在的截止时间")
    assert "写错的日期" in page.text


def test_withdrawing_late_takes_a_second_person(stage, sign_in):
    demand = stage.published()
    clock.move_to(demand.closes_at)
    db.session.commit()
    publisher = sign_in("publisher")
    assert publisher.get(url(demand, "withdrawal")).status == 403
    publisher.get(url(demand, "proposal")).submit("proposal", reason="项目取消")
    proposal = demand.open_proposal
    address = url(demand, f"proposals/{proposal.id}/decision")
    page = publisher.get(address).submit("decision", answer="yes")
    assert page.status == 403
    assert demand.state is State.PUBLISHED
    sign_in("supervisor").get(address).submit("decision", answer="yes")
    assert demand.state is State.WITHDRAWN


def test_a_proposal_is_bound_to_its_demand(stage, sign_in):
    one, other = stage.published(), None
    service.propose(one, Action.WITHDRAW, reason="试", actor=stage.actor("publisher"), now=one.closes_at)
    other = stage.pooled(title="另一条名称够长的需求")
    db.session.commit()
    assert sign_in("supervisor").get(url(other, f"proposals/{one.open_proposal.id}/decision")).status == 404
