"""For the demo: every step of a demand's life with a demand that stands right before it and an account that may take
it. The transition table says which steps there are, the policy who may; nothing here is a list of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from flask import g, url_for
from sqlalchemy import select
from sqlalchemy.orm import defaultload, joinedload, selectinload, undefer

from marketplace import db
from marketplace.accounts.models import User
from marketplace.accounts.queries import actor_of
from marketplace.accounts.rules import Role
from marketplace.batches.models import Batch
from marketplace.batches.rules import ACTION_LABELS as BATCH_LABELS
from marketplace.batches.rules import PHASE_LABELS, BatchAction, BatchState
from marketplace.demands.clocks import Clocks
from marketplace.demands.lint import lint
from marketplace.demands.look_alikes import Comparison
from marketplace.demands.models import Demand, DemandProposal
from marketplace.demands.queries import open_now
from marketplace.demands.routes.staff import NOUNS, look_alikes, may_decide_as
from marketplace.demands.rules import ACTION_LABELS, STATE_LABELS, TABLE, Action, State
from marketplace.demands.validity import faults
from marketplace.platform import errands, policy
from marketplace.platform.policy import Actor
from marketplace.platform.working_days import beijing_day
from marketplace.questions.models import Question
from marketplace.questions.rules import MACHINE as QUESTIONS
from marketplace.questions.rules import QuestionAction, QuestionState
from marketplace.settings import queries as settings

CANDIDATES = 12  # of each state
# Further acts on a demand that have a page: state, noun, permission, label, and where a proposal leads to.
BESIDES: tuple[tuple[State, str, str, str, str], ...] = (
    (State.SUBMITTED, "screening", "demand.screen", "开始审查", ""),
    (State.SUBMITTED, "comparison", "demand.lookalikes", "比对相似需求", ""),
    (State.PUBLISHED, "proposal", "demand.propose", "截止后提出撤榜", "published:withdraw"),
    (State.PUBLISHED, "reopening", "demand.propose", "平台中断后提出重开揭榜", "published:reopen"),
    (State.LAPSED, "republication", "demand.republish", "重新张榜", ""),
    (State.OPENED, "proposal", "demand.propose", "提出流榜", "opened:lapse"),
    (State.REVIEWING, "proposal", "demand.propose", "提出流榜", "reviewing:lapse"),
)
TOLD_ABOVE = frozenset({"答疑"})  # errands that have steps of their own


@dataclass(frozen=True, slots=True)
class Step:
    """``stage``: where the thing stands; ``label``: the act; ``username`` may do it at ``url``.

    ``leads``: the place in the demand's transition table that it leads to, ``state:action``; none where it has no place.
    """

    stage: str
    label: str
    title: str
    username: str
    url: str
    leads: str = ""


@dataclass(frozen=True, slots=True)
class _Site:
    """What all steps ask for, read once."""

    cast: list[tuple[str, Actor]]
    now: datetime
    clocks: Mapping[str, Clocks]
    among: Comparison


def steps(users: Sequence[User], now: datetime) -> list[Step]:
    """All steps in the order of the table, each with one demand, as different ones as there are."""
    site = _Site([(user.username, actor_of(user)) for user in users], now, settings.mode_clocks(), Comparison())
    found: list[Step] = []
    for state in State:
        wanted = [action for (at, action) in TABLE if at is state and (action in NOUNS or action is Action.PUBLISH)]
        if wanted or any(item[0] is state for item in BESIDES):
            found += _of_state(state, wanted, site)
    return found + _of_batches(site.cast, now) + _of_questions(site.cast, now) + _of_errands(users, now)


def _of_state(state: State, wanted: list[Action], site: _Site) -> list[Step]:
    rows = _standing(state)
    used: set[int] = set()
    found: list[Step] = []
    for action in wanted:
        permission, label = f"demand.{action}", ACTION_LABELS[action].zh
        hit = _first(rows, used, permission, site.cast, site.now, partial(_ready, action=action, site=site))
        if hit is not None:
            demand, username = hit
            url = _batch_url() if action is Action.PUBLISH else url_for(f"demands.act_{NOUNS[action]}", ref=demand.ref)
            if url:
                leads = f"{state}:{action}"
                found.append(Step(STATE_LABELS[state].zh, label, demand.title, username, url, leads))
    for at, noun, permission, label, leads in BESIDES:
        if at is not state:
            continue
        hit = _first(rows, used, permission, site.cast, site.now, partial(_fits, noun=noun, site=site))
        if hit is not None:
            url = url_for(f"demands.act_{noun}", ref=hit[0].ref)
            found.append(Step(STATE_LABELS[state].zh, label, hit[0].title, hit[1], url, leads))
    return found + _of_proposals(rows, site.cast)


def _standing(state: State) -> list[Demand]:
    """Demands in a state, the most complete first: those are what an act goes through for."""
    return list(
        db.session.scalars(
            select(Demand)
            .where(Demand.state == state)
            .order_by(Demand.quality.desc(), Demand.id)
            .limit(CANDIDATES if state is not State.PUBLISHED else 60)
            .options(undefer(Demand.content), joinedload(Demand.unit), selectinload(Demand.proposals))
        )
    )


def _first(
    rows: list[Demand],
    used: set[int],
    permission: str,
    cast: list[tuple[str, Actor]],
    now: datetime,
    fits: Callable[[Demand], bool] = bool,
) -> tuple[Demand, str] | None:
    """A demand not offered yet for another step, if there is one, with the first account that may."""
    for row in sorted(rows, key=lambda item: item.id in used):
        for username, actor in cast:
            if policy.allows(permission, actor, row, now) and fits(row):
                used.add(row.id)
                return row, username
    return None


def _ready(demand: Demand, action: Action, site: _Site) -> bool:
    """Whether what the act itself demands, beyond the right to it, is there."""
    match action:
        case Action.SUBMIT:
            said = demand.said
            return not faults(said, clocks=site.clocks.get(said.mode), today=beijing_day(site.now))
        case Action.APPRAISE:
            return not lint(demand.said).blocking and not _to_compare(demand, site)
        case Action.WITHDRAW | Action.AMEND | Action.EXTEND | Action.SUSPEND:
            return demand.open_proposal is None
        case _:
            return True


def _to_compare(demand: Demand, site: _Site) -> bool:
    return demand.lookalikes_resolved_at is None and bool(look_alikes(demand, site.among))


def _fits(demand: Demand, noun: str, site: _Site) -> bool:
    match noun:
        case "screening":
            return demand.screening_begun_at is None
        case "comparison":
            return _to_compare(demand, site)
        case "proposal" | "reopening":
            return demand.open_proposal is None and demand.closes_at is not None and demand.closes_at <= site.now
        case _:
            return True


def _of_proposals(rows: list[Demand], cast: list[tuple[str, Actor]]) -> list[Step]:
    """The first act that waits for a second person."""
    for demand in rows:
        for username, actor in cast:
            proposal: DemandProposal | None = demand.open_proposal
            if proposal is not None and may_decide_as(actor, demand):
                url = url_for("demands.decide", ref=demand.ref, proposal_id=proposal.id)
                label = f"第二人确认{ACTION_LABELS[proposal.action].zh}"
                return [Step(STATE_LABELS[demand.state].zh, label, demand.title, username, url)]
    return []


def _batch_url() -> str | None:
    code = db.session.scalar(select(Batch.code).where(Batch.state == BatchState.ASSEMBLING).limit(1))
    return url_for("demands.post_batch", code=code) if code else None


def _of_batches(cast: list[tuple[str, Actor]], now: datetime) -> list[Step]:
    """A whole list that nobody has seen yet can be called back."""
    for batch in db.session.scalars(select(Batch).where(Batch.state == BatchState.POSTED, Batch.visible_from > now)):
        for username, actor in cast:
            if policy.allows("batch.call_back", actor, batch, now):
                url = url_for("demands.call_back_batch", code=batch.code)
                stage, label = PHASE_LABELS["scheduled"], BATCH_LABELS[BatchAction.CALL_BACK]
                return [Step(stage, label, batch.theme, username, url, "published:call_back")]
    return []


def _of_questions(cast: list[tuple[str, Actor]], now: datetime) -> list[Step]:
    found: list[Step] = []
    askers = [(name, actor) for name, actor in cast if actor.has(Role.BIDDER)]
    if (open_one := _first(list(open_now(now, 40)), set(), "question.ask", askers, now)) is not None:
        demand, username = open_one
        found.append(Step("答疑", "提问", demand.title, username, url_for("questions.ask", ref=demand.ref)))
    rows = list(
        db.session.scalars(
            select(Question)
            .where(Question.state.in_([QuestionState.ASKED, QuestionState.ROUTED, QuestionState.DRAFTED]))
            .order_by(Question.due_at, Question.id)
            .limit(60)
            .options(defaultload(Question.demand).joinedload(Demand.unit))
        )
    )
    for state, action in (
        (QuestionState.ASKED, QuestionAction.ROUTE),
        (QuestionState.ROUTED, QuestionAction.DRAFT),
        (QuestionState.DRAFTED, QuestionAction.PUBLISH),
    ):
        hit = next(
            (
                (row, username)
                for row in rows
                if row.state is state
                for username, actor in cast
                if policy.allows(f"question.{action}", actor, row, now)
            ),
            None,
        )
        if hit is not None:
            url = url_for("questions.work", question_id=hit[0].id)
            found.append(Step("答疑", QUESTIONS.action_labels[action], hit[0].demand.title, hit[1], url))
    return found


def waiting_for(user: User, now: datetime) -> list[errands.Errand]:
    """What the features say waits for this account; asked once a request, cards and steps both show it."""
    known: dict[int, list[errands.Errand]] = g.setdefault("demo_errands", {})
    if user.id not in known:
        calendar = g.setdefault("demo_calendar", None) or settings.calendar()
        g.demo_calendar = calendar
        known[user.id] = errands.waiting(actor_of(user), now, calendar)
    return known[user.id]


def _of_errands(users: Sequence[User], now: datetime) -> list[Step]:
    """From the opening on, what waits is told by the features: the first of each kind, for whom it waits."""
    found: dict[tuple[str, str, str], Step] = {}
    for user in users:
        for item in waiting_for(user, now):
            kind = str(item.matter), str(item.verb), item.leads
            if kind[0] not in TOLD_ABOVE:
                found.setdefault(kind, Step(*kind[:2], item.title, user.username, item.url, item.leads))
    return list(found.values())
