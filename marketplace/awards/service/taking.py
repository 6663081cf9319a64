"""The winner accepts or declines in time; silence counts as declining."""

from __future__ import annotations

from datetime import datetime

from marketplace import db
from marketplace.awards import queries
from marketplace.awards.models import Award
from marketplace.awards.rules import AwardAction, AwardState
from marketplace.awards.service.deciding import MACHINE, lock, settle_end
from marketplace.bids import service as bids
from marketplace.bids.rules import BidAction, BidState
from marketplace.platform.errors import Invalid, Sentence
from marketplace.platform.policy import SYSTEM, Actor
from marketplace.platform.workflow import perform

REASON_MIN = 5
EXPIRED = "expired"
DECLINED = "declined"


def take_up(award: Award, *, actor: Actor, now: datetime) -> None:
    """Accept. The bid is awarded; the contract falls due from the award. Log and outbox: ``award.take_up``."""
    lock(award.demand)
    facts = {"demand_id": award.demand_id, "place": award.place}
    perform(MACHINE, award, AwardAction.TAKE_UP, actor=actor, now=now, facts=facts)
    award.taken_up_at, award.taken_up_by_id = now, actor.id
    bids.move(award.bid, BidAction.AWARD, actor=SYSTEM, now=now, facts=facts)
    db.session.flush()


def decline(award: Award, *, reason: str, actor: Actor, now: datetime) -> None:
    """The winner does not want it, with a reason that the office reads. The next in line may move up."""
    lock(award.demand)
    if len("".join(reason.split())) < REASON_MIN:
        sentence = Sentence("请写明放弃的原因，不少于%(least)s个字。", least=REASON_MIN)
        raise Invalid(sentence, fields={"reason": sentence})
    _fall(award, AwardAction.DECLINE, code=DECLINED, reason=reason.strip(), actor=actor, now=now)


def _fall(award: Award, action: AwardAction, *, code: str, reason: str, actor: Actor, now: datetime) -> None:
    facts = {"demand_id": award.demand_id, "place": award.place, "code": code}
    perform(MACHINE, award, action, actor=actor, now=now, reason=reason, facts=facts)
    award.ended_at, award.reason, award.code = now, reason, code
    if award.bid.state is BidState.CANDIDATE:
        bids.move(award.bid, BidAction.DECLINE, actor=SYSTEM, now=now, facts=facts)
    db.session.flush()
    settle_end(award.demand, now=now)


def expire_due(now: datetime) -> int:
    """Let what was not accepted in time fall through. Called by the worker once a minute; gives how many."""
    done = 0
    for award in queries.overdue(now):
        lock(award.demand)
        if award.state is AwardState.CONFIRMED and award.taken_up_at is None:
            _fall(award, AwardAction.EXPIRE, code=EXPIRED, reason="逾期未接受", actor=SYSTEM, now=now)
            done += 1
    return done
