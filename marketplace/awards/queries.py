"""Reading awards: a demand's places, a winner's own, and who is next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from marketplace import db
from marketplace.accounts.rules import Role
from marketplace.awards.models import Award
from marketplace.awards.rules import ENDED, FELL_THROUGH, AwardState
from marketplace.bids.models import Bid
from marketplace.bids.rules import BidState
from marketplace.demands.models import Demand
from marketplace.notices.models import Notice
from marketplace.platform.policy import Actor
from marketplace.results import queries as results
from marketplace.results.models import Ranking, RankingLine

OFFICE = (Role.SCREENER, Role.PUBLISHER, Role.SUPERVISOR, Role.FINANCE)
# A bid in one of these may still move up; what was void, declined or renounced may not.
CAN_MOVE_UP = (BidState.CANDIDATE, BidState.NOT_SELECTED)


def of_demand(demand_id: int) -> list[Award]:
    """Every award ever made on a demand, by place, the newest of a place last."""
    return list(
        db.session.scalars(
            select(Award)
            .where(Award.demand_id == demand_id)
            .order_by(Award.place, Award.id)
            .options(
                joinedload(Award.organisation),
                joinedload(Award.bid),
                joinedload(Award.notice),
                joinedload(Award.demand),
            )
        )
    )


def present(demand_id: int) -> list[Award]:
    """The newest award of each place of the newest result, by place."""
    newest: dict[int, Award] = {}
    for award in of_demand(demand_id):
        newest[award.place] = award
    return [newest[place] for place in sorted(newest)]


def visible(actor: Actor, now: datetime) -> Select[Award]:
    """A winner's own once it was noticed, and all of them for the office."""
    query = select(Award)
    if actor.has(*OFFICE):
        return query
    mine = actor.organisations(Role.BIDDER, Role.ORG_ADMIN)
    return query.where(Award.organisation_id.in_(mine), Award.state != AwardState.PROPOSED)


def find(*, actor: Actor, now: datetime, award_id: int) -> Award | None:
    return db.session.scalar(
        visible(actor, now)
        .where(Award.id == award_id)
        .options(
            joinedload(Award.demand).joinedload(Demand.unit),
            joinedload(Award.organisation),
            joinedload(Award.bid),
            joinedload(Award.notice),
        )
    )


def own(actor: Actor, now: datetime) -> list[Award]:
    """Awards of the actor's organisations, the newest first."""
    mine = actor.organisations(Role.BIDDER, Role.ORG_ADMIN)
    return list(
        db.session.scalars(
            select(Award)
            .where(Award.organisation_id.in_(mine), Award.state != AwardState.PROPOSED)
            .order_by(Award.id.desc())
            .options(joinedload(Award.demand), joinedload(Award.organisation))
        )
    )


def overdue(now: datetime) -> Sequence[Award]:
    """Confirmed, not taken up, and the time is over."""
    return db.session.scalars(
        select(Award)
        .where(Award.state == AwardState.CONFIRMED, Award.taken_up_at.is_(None), Award.take_up_ends_at <= now)
        .order_by(Award.id)
        .options(joinedload(Award.demand), joinedload(Award.bid))
    ).all()


def moves_up(demand_id: Any) -> ColumnElement[bool]:
    """Whether a line (joined with its bid) is ranked, may still move up and holds no award that lives or went on."""
    award = aliased(Award)  # not the award that a query around this one is about
    held = select(award.bid_id).where(award.demand_id == demand_id)
    return and_(
        RankingLine.rank.is_not(None),
        Bid.state.in_(CAN_MOVE_UP),
        or_(Bid.id.not_in(held), Bid.state == BidState.NOT_SELECTED),
    )


def next_line(demand_id: int) -> RankingLine | None:
    """The best ranked bid that may still move up and holds no award that lives or was contracted."""
    ranking = results.latest(demand_id)
    if ranking is None:
        return None
    return db.session.scalar(
        select(RankingLine)
        .join(Bid, Bid.id == RankingLine.bid_id)
        .where(RankingLine.ranking_id == ranking.id, moves_up(demand_id))
        .order_by(RankingLine.position)
        .limit(1)
        .options(joinedload(RankingLine.bid).joinedload(Bid.organisation))
    )


def vacant(demand_id: int) -> list[Award]:
    """Places whose newest award fell through before a contract."""
    return [award for award in present(demand_id) if award.state in FELL_THROUGH]


def contracted(demand_id: int) -> int:
    """How many awards came to a contract or went on from there."""
    before = (AwardState.PROPOSED, AwardState.NOTICED, AwardState.CONFIRMED, AwardState.VOID, AwardState.DECLINED)
    return (
        db.session.scalar(
            select(func.count()).select_from(Award).where(Award.demand_id == demand_id, Award.state.not_in(before))
        )
        or 0
    )


def alive(demand_id: int) -> list[Award]:
    return [award for award in of_demand(demand_id) if award.state not in ENDED]


def of_notice(notice: Notice) -> list[Award]:
    return [award for award in of_demand(notice.demand_id) if award.notice_id == notice.id]


def ranking_of(demand_id: int) -> Ranking | None:
    """The ranking in force, with its lines."""
    return db.session.scalar(
        select(Ranking)
        .where(Ranking.demand_id == demand_id)
        .order_by(Ranking.number.desc())
        .limit(1)
        .options(selectinload(Ranking.lines))
    )


def due_next(now: datetime) -> Award | None:
    """The confirmed award whose time for taking it up ends next."""
    query = select(Award).where(Award.state == AwardState.CONFIRMED, Award.take_up_ends_at > now)
    return db.session.scalars(query.order_by(Award.take_up_ends_at, Award.id).limit(1)).first()
