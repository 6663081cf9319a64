"""What of an opening waits for whom, for the work desk."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import url_for
from sqlalchemy import Select, and_, case, or_, select

from marketplace.accounts.models import Organisation, User
from marketplace.accounts.queries import shown_name
from marketplace.accounts.rules import Role
from marketplace.bids.models import Bid, BidRelease, BidReleasedShare, BidStage, OpeningObjection
from marketplace.bids.rules import Stage
from marketplace.custody.models import CustodianKey
from marketplace.demands.models import Demand, DemandCustodian
from marketplace.demands.rules import State
from marketplace.openings.rules import PROVE_AGAIN_AFTER
from marketplace.platform import errands
from marketplace.platform.errands import Errand
from marketplace.platform.policy import Actor


def releases(actor: Actor, now: datetime) -> Select[Any]:
    """Openings that this custodian can release now: the due ones of ``queries.duties``."""
    price = Demand.state == State.REVIEWING
    stage = case((price, str(Stage.PRICE)), else_=str(Stage.FIRST))
    at = case((price, BidStage.called_at), else_=Demand.closes_at)
    wrong = select(BidReleasedShare.release_id).where(BidReleasedShare.right.is_(False))
    released = select(BidRelease.id).where(
        BidRelease.demand_id == Demand.id,
        BidRelease.user_id == actor.id,
        BidRelease.stage == stage,
        BidRelease.id.not_in(wrong),
    )
    named = select(DemandCustodian.demand_id).where(DemandCustodian.user_id == actor.id)
    query = errands.line(
        number=Demand.id,
        ref=Demand.number,
        title=Demand.title,
        note=shown_name(),
        word=stage,
        due=at,
    )
    return (
        query.select_from(Demand)
        .join(Organisation, Organisation.id == Demand.unit_id)
        .outerjoin(BidStage, and_(BidStage.demand_id == Demand.id, BidStage.stage == stage))
        .where(
            Demand.id.in_(named),
            Demand.state.in_([State.PUBLISHED, State.REVIEWING]),
            or_(Demand.state == State.PUBLISHED, and_(BidStage.stage.is_not(None), BidStage.concluded_at.is_(None))),
            at <= now,
            BidStage.reached_at.is_(None),
            ~released.exists(),
        )
    )


def _release(row: Any) -> Errand:
    return Errand(
        title=row.title,
        matter="释放标书" if row.word == Stage.FIRST else "释放报价",
        verb="释放",
        url=url_for("openings.release"),
        note=f"{row.ref}，{row.note}",
        due_at=row.due_at,
        state=("已截止，待开启", "solemn"),
        leads="published:open" if row.word == Stage.FIRST else "reviewing:open_prices",
    )


def keys(actor: Actor, now: datetime) -> Select[Any]:
    """His own key: to be enrolled, or to be proved again."""
    key = CustodianKey
    old = and_(key.confirmed_at.is_not(None), or_(key.proved_at.is_(None), key.proved_at < now - PROVE_AGAIN_AFTER))
    word = case((key.id.is_(None), "enrol"), else_="prove")
    return (
        errands.line(number=User.id, ref=User.id, title=User.name, word=word)
        .select_from(User)
        .outerjoin(key, and_(key.user_id == User.id, key.retired_at.is_(None)))
        .where(User.id == actor.id, or_(key.id.is_(None), old))
    )


def _key(row: Any) -> Errand:
    if row.word == "enrol":
        note = "登记并由另一人核对指纹后，才能被指定为保管人"
        return Errand("登记保管人密钥", "密钥", "登记", url_for("openings.enrol"), note)
    note = "超过90天未证明的，不能被新的需求指定"
    return Errand("证明仍持有密钥", "密钥", "证明", url_for("openings.desk"), note)


def confirmations(actor: Actor, now: datetime) -> Select[Any]:
    """Fingerprints that a second person has to compare."""
    key = CustodianKey
    return (
        errands.line(number=key.id, ref=key.id, title=User.name)
        .select_from(key)
        .join(User, User.id == key.user_id)
        .where(key.confirmed_at.is_(None), key.retired_at.is_(None), key.user_id != actor.id)
    )


def _confirmation(row: Any) -> Errand:
    url = url_for("openings.confirm_key", key_id=row.ref)
    return Errand(f"核对{row.title}的密钥指纹", "密钥", "核对", url, "请保管人当面出示打印件")


def objections(actor: Actor, now: datetime) -> Select[Any]:
    """What bidders objected to and nobody has answered, oldest first."""
    own = OpeningObjection
    return (
        errands.line(number=own.id, ref=own.public_id, title=Demand.title, note=Demand.number)
        .select_from(own)
        .join(Bid, Bid.id == own.bid_id)
        .join(Demand, Demand.id == Bid.demand_id)
        .where(own.answered_at.is_(None))
    )


def _objection(row: Any) -> Errand:
    url = url_for("openings.answer", public_id=row.ref)
    return Errand(f"答复对开启的疑问：{row.title}", "开启", "答复", url, row.note or "")


def install() -> None:
    errands.register((Role.CUSTODIAN,), releases, _release)
    errands.register((Role.CUSTODIAN,), keys, _key)
    errands.register((Role.SECADMIN, Role.SUPERVISOR, Role.PUBLISHER), confirmations, _confirmation)
    errands.register((Role.SCREENER, Role.PUBLISHER), objections, _objection)
