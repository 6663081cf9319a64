"""Preparing, publishing, standing and revoking a notice. What the demand and its bids do belongs to ``awards``."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import select

from marketplace import db
from marketplace.demands import clocks
from marketplace.demands.content import canonical
from marketplace.demands.models import Demand
from marketplace.notices import queries
from marketplace.notices.models import Notice
from marketplace.notices.rules.notices import ACTION_LABELS, STATE_LABELS, TABLE, NoticeAction, NoticeState
from marketplace.notices.service.composing import chosen_lines, compose, window_words
from marketplace.platform import audit
from marketplace.platform.errors import Invalid, Refused
from marketplace.platform.policy import SYSTEM, Actor, require
from marketplace.platform.workflow import Machine, perform
from marketplace.platform.working_days import beijing_day
from marketplace.results.models import Ranking, RankingLine
from marketplace.settings import queries as settings

MACHINE = Machine("notice", TABLE, STATE_LABELS, ACTION_LABELS)
NUMBER_PREFIX = "榜示"


def prepare(
    demand: Demand,
    ranking: Ranking,
    *,
    text: str = "",
    place: int = 0,
    line: RankingLine | None = None,
    actor: Actor,
    now: datetime,
) -> Notice:
    """Put a notice together for a second person to publish. ``place`` and ``line``: of one substitute.

    Refused without a signed report of this very ranking, while a tie waits, and by the one who screened the demand.
    """
    if any(item.state is NoticeState.PROPOSED for item in _of(demand.id)):
        raise Refused("已有一份公示在等第二人确认，请先处理它。")
    content = demand.said
    chosen = [line] if line is not None else chosen_lines(ranking, awards=content.award_count)
    if not chosen:
        raise Refused("没有达到合格线的候选单位，不能公示中榜结果；请按流榜办理。")
    title = f"“{demand.title}”{'递补' if place else '拟'}中榜单位公示"
    proposed = 1 if line is not None else min(content.award_count, len(chosen))
    data = compose(demand, ranking, place=place, chosen=chosen, proposed=proposed, text=text)
    frozen = canonical(data)
    notice = Notice(
        demand=demand,
        demand_id=demand.id,
        ranking=ranking,
        ranking_id=ranking.id,
        place=place,
        title=title[:120],
        frozen=frozen,
        sha256=hashlib.sha256(frozen).hexdigest(),
        proposed_by_id=actor.id,
    )
    with db.session.no_autoflush:
        queries.fill_facts(notice)
        if not place:
            require("notice.propose", actor, notice, now)
        db.session.add(notice)
    db.session.flush()
    facts = {"demand_id": demand.id, "ranking": ranking.hash, "place": place}
    audit.append("notice.prepare", subject=notice.audit_subject, actor=actor, at=now, facts=facts)
    return notice


def _of(demand_id: int) -> list[Notice]:
    return list(db.session.scalars(select(Notice).where(Notice.demand_id == demand_id)))


def publish(notice: Notice, *, actor: Actor, now: datetime) -> Notice:
    """Make it public: number, window in working days, the bytes that are hashed. Log and outbox: ``notice.publish``."""
    queries.fill_facts(notice)
    demand = notice.demand
    known = settings.mode_clocks()[demand.mode]
    ends_at = clocks.notice_ends_at(known, now, settings.calendar())
    year = beijing_day(now).year
    data = notice.content | window_words(now, ends_at)
    with db.session.no_autoflush:
        # Numbers of a year are gapless: whoever takes one holds the newest row.
        newest = db.session.scalar(
            select(Notice).where(Notice.year == year).order_by(Notice.sequence.desc()).limit(1).with_for_update()
        )
        sequence = (newest.sequence or 0) + 1 if newest is not None else 1
        number = f"{NUMBER_PREFIX}〔{year}〕{sequence}号"
        frozen = canonical(data | {"number": number})
        sha256 = hashlib.sha256(frozen).hexdigest()
        leaf = perform(
            MACHINE,
            notice,
            NoticeAction.PUBLISH,
            actor=actor,
            now=now,
            facts={
                "demand_id": demand.id,
                "number": number,
                "sha256": sha256,
                "ranking": notice.ranking.hash,
                "ends_at": audit.timestamp(ends_at),
            },
        )
        notice.year, notice.sequence, notice.number = year, sequence, number
        notice.frozen, notice.sha256 = frozen, sha256
        notice.published_at, notice.ends_at, notice.published_by_id = now, ends_at, actor.id
    leaf.on_numbered.append(lambda seq: setattr(notice, "log_seq", seq))
    db.session.flush()
    return notice


def drop(notice: Notice, *, reason: str, actor: Actor, now: datetime) -> None:
    """The second person does not publish it."""
    perform(MACHINE, notice, NoticeAction.DROP, actor=actor, now=now, reason=reason)
    db.session.flush()


def stand(notice: Notice, *, actor: Actor, now: datetime) -> None:
    """The window is over and nothing is open: the result stands."""
    queries.fill_facts(notice)
    facts = {"demand_id": notice.demand_id, "sha256": notice.sha256}
    perform(MACHINE, notice, NoticeAction.STAND, actor=actor, now=now, facts=facts)
    notice.ended_at = now
    db.session.flush()


def revoke(notice: Notice, *, reason: str, now: datetime) -> None:
    """Take the result back, with a public reason: the notice stays where it is and says so. By the system, as the
    consequence of what publisher and supervisor decided."""
    if not reason.strip():
        raise Invalid("请写明撤销公示的理由，理由会公开。", fields={"reason": "请写明理由"})
    notice.has_cause_to_revoke = notice.has_no_contract = True
    facts = {"demand_id": notice.demand_id, "sha256": notice.sha256}
    perform(MACHINE, notice, NoticeAction.REVOKE, actor=SYSTEM, now=now, reason=reason, facts=facts)
    notice.reason, notice.ended_at = reason.strip(), now
    db.session.flush()
