"""A question from asking to its public answer, and what others never learn."""

from __future__ import annotations

from collections.abc import Callable

from marketplace import db
from marketplace.platform.working_days import beijing_day
from marketplace.questions import queries, service
from marketplace.questions.models import Question
from marketplace.settings import queries as settings
from tests.client import Client
from tests.demands.conftest import Stage, now, stage

__all__ = ["now", "stage"]
SignIn = Callable[[str], Client]
TEXT = "泊位传感器能否利用既有的立杆取电？"


def only() -> Question:
    found = db.session.query(Question).one()
    db.session.refresh(found)
    return found


def test_from_question_to_public_answer(visitor: Client, sign_in: SignIn, stage: Stage) -> None:
    demand = stage.published()
    url = f"/demands/{demand.number}"
    assert "/sign-in" in visitor.get(f"{url}/questions/new").response.headers["Location"]
    assert sign_in("bidder").get(f"{url}/questions/new").submit(text=TEXT).has("提问已收到")
    question = only()
    assert settings.calendar().working_days_between(beijing_day(question.asked_at), beijing_day(question.due_at)) <= 3
    assert not visitor.get(f"{url}/questions").has(TEXT)
    assert sign_in("drafter").get(f"/desk/questions/{question.id}").status == 404
    assert sign_in("screener").get("/desk/questions").has(TEXT)
    assert sign_in("screener").get(f"/desk/questions/{question.id}").submit(act="route").status == 200
    assert sign_in("other_drafter").get(f"/desk/questions/{question.id}").status == 404
    desk = sign_in("drafter").get("/desk/questions")
    assert desk.has(TEXT)
    assert "王珂" not in desk.text
    sign_in("drafter").get(f"/desk/questions/{question.id}").submit(act="draft", answer="可以，立杆荷载见附件三。")
    assert not visitor.get(url).has("立杆荷载")
    sign_in("screener").get(f"/desk/questions/{question.id}").submit(act="publish")
    for page in (visitor.get(url), visitor.get(f"{url}/questions")):
        assert page.has(TEXT)
        assert page.has("可以，立杆荷载见附件三。")
        assert "王珂" not in page.text
        assert "河洛智感" not in page.text


def test_a_refusal_needs_a_reason_that_only_the_asker_reads(sign_in: SignIn, visitor: Client, stage: Stage) -> None:
    demand = stage.published()
    service.ask(demand, text=TEXT, actor=stage.actor("bidder"), now=stage.now)
    db.session.commit()
    page = sign_in("screener").get(f"/desk/questions/{only().id}")
    assert page.submit(act="refuse", answer="已经写了一半").status == 422
    page.submit(act="refuse", reason="与本需求无关")
    assert sign_in("bidder").get(f"/demands/{demand.number}/questions").has("与本需求无关")
    assert not sign_in("rival").get(f"/demands/{demand.number}/questions").has("与本需求无关")
    assert not visitor.get(f"/demands/{demand.number}/questions").has(TEXT)


def test_bad_input_is_kept_and_late_questions_are_refused(sign_in: SignIn, stage: Stage) -> None:
    demand = stage.published()
    page = sign_in("bidder").get(f"/demands/{demand.number}/questions/new").submit(text="短")
    assert page.status == 422
    assert page.html.xpath("//textarea")[0].text.strip() == "短"
    demand.questions_close_at = stage.now
    db.session.commit()
    late = sign_in("bidder").get(f"/demands/{demand.number}/questions/new")
    assert late.status == 403
    assert late.has("提问已经截止")


def test_only_those_who_answer_have_the_desk(sign_in: SignIn, visitor: Client, stage: Stage) -> None:
    assert "/sign-in" in visitor.get("/desk/questions").response.headers["Location"]
    assert sign_in("bidder").get("/desk/questions").status == 403
    assert list(db.session.scalars(queries.awaiting_answer(stage.actor("screener")))) == []
