"""The life of a question. Who asked stays unknown to the public and to the unit, before and after the answer. Pure."""

from __future__ import annotations

from enum import StrEnum

from marketplace.accounts.rules import Role, screener
from marketplace.demands.rules import is_public
from marketplace.platform import policy
from marketplace.platform.policy import Need, signed_in
from marketplace.platform.workflow import Machine

TEXT_MIN, TEXT_MAX = 5, 1000


class QuestionState(StrEnum):
    ASKED = "asked"
    ROUTED = "routed"
    DRAFTED = "drafted"
    ANSWERED = "answered"
    REFUSED = "refused"


class QuestionAction(StrEnum):
    ROUTE = "route"
    DRAFT = "draft"
    PUBLISH = "publish"
    ANSWER = "answer"
    REFUSE = "refuse"


_S, _A = QuestionState, QuestionAction
TABLE: dict[tuple[QuestionState, QuestionAction], QuestionState] = {
    (_S.ASKED, _A.ROUTE): _S.ROUTED,
    (_S.ASKED, _A.ANSWER): _S.ANSWERED,
    (_S.ASKED, _A.REFUSE): _S.REFUSED,
    (_S.ROUTED, _A.DRAFT): _S.DRAFTED,
    (_S.ROUTED, _A.ANSWER): _S.ANSWERED,
    (_S.ROUTED, _A.REFUSE): _S.REFUSED,
    (_S.DRAFTED, _A.DRAFT): _S.DRAFTED,
    (_S.DRAFTED, _A.PUBLISH): _S.ANSWERED,
    (_S.DRAFTED, _A.ROUTE): _S.ROUTED,
}
STATE_LABELS: dict[QuestionState, str] = {
    _S.ASKED: "待转办",
    _S.ROUTED: "待单位答复",
    _S.DRAFTED: "待公布",
    _S.ANSWERED: "已答复",
    _S.REFUSED: "不予答复",
}
ACTION_LABELS: dict[QuestionAction, str] = {
    _A.ROUTE: "转需求单位",
    _A.DRAFT: "提交答复稿",
    _A.PUBLISH: "公布答复",
    _A.ANSWER: "直接答复",
    _A.REFUSE: "不予答复",
}
TONES = {"asked": "alert", "routed": "work", "drafted": "work", "answered": "done", "refused": "ended"}
MACHINE = Machine("question", TABLE, STATE_LABELS, ACTION_LABELS)

questions_open = Need(
    "questions_open",
    "提问已经截止，或需求现在不在揭榜中，不再接受新的提问。已公布的问答仍可查看。",
    lambda actor, demand, now: bool(
        demand.accepts_bids(now) and demand.questions_close_at is not None and now < demand.questions_close_at
    ),
)
answers_for_unit = Need(
    "answers_for_unit",
    "只有本需求单位的填报人或审核人可以答复。",
    lambda actor, question, now: actor.has(Role.DRAFTER, Role.APPROVER, at=question.demand.unit_id),
)
works_on_questions = policy.role(Role.SCREENER, Role.DRAFTER, Role.APPROVER, refusal="答疑由受理员和需求单位办理。")

GRANTS = policy.declare(
    {
        "question.ask": [[signed_in, is_public, questions_open]],
        "question.desk": [[works_on_questions]],
        "question.work": [[screener], [answers_for_unit]],
        "question.route": [[screener]],
        "question.draft": [[answers_for_unit]],
        "question.publish": [[screener]],
        "question.answer": [[screener]],
        "question.refuse": [[screener]],
    }
)
