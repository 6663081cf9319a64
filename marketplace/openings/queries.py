"""Reading openings: a custodian's calendar, the hall anybody may see, the record for those who may know it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from marketplace import db, disclosure
from marketplace.accounts.rules import Role
from marketplace.bids import queries as bids
from marketplace.bids.models import (
    Bid,
    BidFreeze,
    BidOpening,
    BidRelease,
    BidReleasedShare,
    BidStage,
    OpeningObjection,
)
from marketplace.bids.rules import Stage
from marketplace.custody import queries as custody
from marketplace.custody.rules import SOFTWARE_ID
from marketplace.demands import queries as demands
from marketplace.demands.models import Demand, DemandCustodian
from marketplace.demands.rules import State
from marketplace.disclosure import Fact, Person, Phase, Terms
from marketplace.openings.rules import Step, in_quarters
from marketplace.platform.policy import Actor


@dataclass(frozen=True, slots=True)
class Duty:
    """One opening in a custodian's calendar. ``due``: he can release it now."""

    demand: Demand
    stage: Stage
    at: datetime
    due: bool
    released: bool


def duties(actor: Actor, now: datetime) -> list[Duty]:
    """The openings that name this custodian and are not over, what waits for him first."""
    named = select(DemandCustodian.demand_id).where(DemandCustodian.user_id == actor.id)
    rows = list(
        db.session.scalars(
            select(Demand)
            .where(Demand.id.in_(named), Demand.state.in_([State.PUBLISHED, State.SUSPENDED, State.REVIEWING]))
            .order_by(Demand.closes_at, Demand.number)
            .options(joinedload(Demand.unit))
            .limit(200)
        )
    )
    ids = [row.id for row in rows]
    stages = {
        (row.demand_id, row.stage): row
        for row in db.session.scalars(select(BidStage).where(BidStage.demand_id.in_(ids)))
    }
    wrong = select(BidReleasedShare.release_id).where(BidReleasedShare.right.is_(False))
    own = {
        (row.demand_id, row.stage)
        for row in db.session.scalars(
            select(BidRelease).where(
                BidRelease.demand_id.in_(ids), BidRelease.user_id == actor.id, BidRelease.id.not_in(wrong)
            )
        )
    }
    found = []
    for demand in rows:
        assert demand.closes_at is not None
        stage = Stage.PRICE if demand.state is State.REVIEWING else Stage.FIRST
        row = stages.get((demand.id, stage))
        if stage is Stage.PRICE and (row is None or row.concluded_at is not None):
            continue
        at = row.called_at if row is not None and stage is Stage.PRICE else demand.closes_at
        released = (demand.id, stage) in own
        open_now = demand.state is not State.SUSPENDED and at <= now and (row is None or row.reached_at is None)
        found.append(Duty(demand, stage, at, open_now and not released, released))
    return sorted(found, key=lambda duty: (not duty.due, duty.at))


def to_freeze(now: datetime) -> Select[Demand]:
    """Demands whose deadline has passed and whose set is not written down yet."""
    frozen = select(BidFreeze.demand_id).where(BidFreeze.superseded_at.is_(None))
    return (
        select(Demand)
        .where(Demand.state == State.PUBLISHED, Demand.closes_at <= now, Demand.id.not_in(frozen))
        .order_by(Demand.closes_at)
        .limit(50)
    )


def for_software() -> Select[BidStage]:
    """Stages that the platform's own custodian has still to release."""
    return (
        select(BidStage)
        .join(Demand, Demand.id == BidStage.demand_id)
        .where(
            Demand.custody == "1-of-1",
            BidStage.reached_at.is_(None),
            BidStage.concluded_at.is_(None),
            Demand.state.in_([State.PUBLISHED, State.REVIEWING]),
        )
        .limit(50)
    )


def closing_soon(now: datetime, within: timedelta) -> list[Demand]:
    """Demands that close within so long, with their custodians."""
    query = select(Demand).where(
        Demand.state == State.PUBLISHED, Demand.closes_at > now, Demand.closes_at <= now + within
    )
    return list(db.session.scalars(query.options(selectinload(Demand.custodians))))


# -- the hall --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Keeper:
    """A custodian as the hall shows him: by his organisation, never by name."""

    name: str
    fingerprint: str
    released_at: datetime | None


@dataclass(frozen=True, slots=True)
class Hall:
    """Where an opening stands; the same for everybody and for any number of bids."""

    step: Step
    keepers: list[Keeper]
    quorum: int
    software: bool
    percent: int
    frozen: BidFreeze | None = None
    opened_at: datetime | None = None
    price_step: Step | None = None
    price_keepers: list[Keeper] = field(default_factory=list)

    @property
    def mark(self) -> str:
        """Changes exactly when the page would look different: the open page compares its own with the present one."""
        price = f"-{self.price_step}" if self.price_step is not None else ""
        released = sum(item.released_at is not None for item in (*self.keepers, *self.price_keepers))
        return f"{self.step}{price}-{released}"


def hall(demand: Demand, now: datetime) -> Hall:
    """Everything the public hall says."""
    found = custody.custodian_set(demand.set_hash)
    first, price = bids.stage_of(demand, Stage.FIRST), bids.stage_of(demand, Stage.PRICE)
    step = step_of(demand, first, now)
    released = {(row.stage, row.position): row.released_at for row in bids.all_releases(demand)}
    members = found.custodians if found is not None else ()
    homes = [item.organisation.display_name for item in demand.custodians]

    def keepers(stage: Stage) -> list[Keeper]:
        return [
            Keeper(
                homes[place - 1] if place <= len(homes) else "平台软件保管人",
                custodian.fingerprint,
                released.get((stage, place)),
            )
            for place, custodian in enumerate(members, start=1)
        ]

    price_step = None
    if price is not None:
        price_step = Step.OPENED if price.concluded_at else Step.RUNNING if price.reached_at else Step.CLOSED
    stage = Stage.PRICE if price_step is Step.RUNNING else Stage.FIRST
    running = step is Step.RUNNING or price_step is Step.RUNNING
    return Hall(
        step=step,
        keepers=keepers(Stage.FIRST),
        quorum=found.quorum if found is not None else 0,
        software=[custodian.id for custodian in members] == [SOFTWARE_ID],
        percent=progress(demand, stage) if running else 100 if step is Step.OPENED else 0,
        frozen=bids.freeze_of(demand),
        opened_at=first.concluded_at if first is not None and step is Step.OPENED else None,
        price_step=price_step,
        price_keepers=keepers(Stage.PRICE) if price_step is not None else [],
    )


def step_of(demand: Demand, first: BidStage | None, now: datetime) -> Step:
    """One word for where it stands."""
    match demand.state:
        case State.WITHDRAWN:
            return Step.WITHDRAWN
        case State.LAPSED if first is None or first.record_hash == "":
            return Step.LAPSED
        case State.SUSPENDED:
            return Step.SUSPENDED
        case State.PUBLISHED if demand.closes_at is None or now < demand.closes_at:
            return Step.BEFORE
        case State.PUBLISHED:
            return Step.RUNNING if demand.released_at is not None else Step.CLOSED
    return Step.OPENED


def progress(demand: Demand, stage: Stage) -> int:
    """Percent in quarters of what this stage has decided."""
    ids = [version.id for version in bids.versions_to_open(demand, stage)]
    done = db.session.scalar(
        select(func.count(func.distinct(BidOpening.version_id))).where(
            BidOpening.version_id.in_(ids), BidOpening.envelope == ("price" if stage is Stage.PRICE else "technical")
        )
    )
    return in_quarters(done or 0, len(ids))


# -- the record ------------------------------------------------------------------------------------------------------


def terms_of(demand: Demand) -> Terms:
    """What the published demand promised."""
    said = demand.said
    return Terms(blind=said.blind, two_step=said.two_step)


def phase_of(demand: Demand, now: datetime) -> Phase:
    """The phase that ``disclosure`` asks about."""
    first, price = bids.stage_of(demand, Stage.FIRST), bids.stage_of(demand, Stage.PRICE)
    return disclosure.phase_of(
        str(demand.state),
        closed=demand.closes_at is not None and now >= demand.closes_at,
        opened=first is not None and first.record_hash != "",
        ranked=price is not None and price.concluded_at is not None,
    )


def own_bid(demand: Demand, actor: Actor) -> Bid | None:
    """The bid that took part in the opening and that the actor's organisation leads or joined."""
    mine = actor.organisations(Role.BIDDER, Role.ORG_ADMIN)
    if not mine:
        return None
    for version in bids.recorded_versions(demand):
        members = {item.organisation_id for item in version.bid.members if item.confirmed_at is not None}
        if ({version.bid.organisation_id} | members) & mine:
            return version.bid
    return None


_OFFICES = ((Role.SCREENER, Person.SCREENER), (Role.PUBLISHER, Person.PUBLISHER), (Role.SUPERVISOR, Person.SUPERVISOR))


def persons_of(demand: Demand, actor: Actor) -> list[Person]:
    """Everything the actor is to this demand; the public is always among it."""
    found = [person for role, person in _OFFICES if actor.has(role)]
    if own_bid(demand, actor) is not None:
        found.append(Person.BIDDER)
    return [*found, Person.PUBLIC]


@dataclass(frozen=True, slots=True)
class Record:
    """The record as one person may read it: ``prices`` says whether what is read out of the price is shown."""

    document: dict[str, Any]
    hash: str
    concluded_at: datetime
    prices: bool
    two_step_waiting: bool
    objections: list[OpeningObjection]
    own: Bid | None


def record_of(demand: Demand, actor: Actor, now: datetime) -> Record | None:
    """The newest record, where this person may know who bid; else ``None``, as if there were none."""
    first, price = bids.stage_of(demand, Stage.FIRST), bids.stage_of(demand, Stage.PRICE)
    if first is None or first.concluded_at is None or not first.record_hash or demand.visible_from is None:
        return None
    newest = price if price is not None and price.record_hash else first
    phase, persons, terms = phase_of(demand, now), persons_of(demand, actor), terms_of(demand)
    reached = Phase.RANKED if newest is price else Phase.OPENED

    def knows(fact: Fact) -> bool:
        return any(disclosure.may_know(fact, phase, person, terms, reached=reached) for person in persons)

    if not knows(Fact.BIDDER) or newest.record is None:
        return None
    return Record(
        document=newest.record,
        hash=newest.record_hash,
        concluded_at=first.concluded_at,
        prices=knows(Fact.PRICE),
        two_step_waiting=terms.two_step and newest is first,
        objections=objections(demand),
        own=own_bid(demand, actor),
    )


def objections(demand: Demand) -> list[OpeningObjection]:
    """What bidders objected to at the opening, as it came."""
    return list(
        db.session.scalars(
            select(OpeningObjection)
            .join(Bid, Bid.id == OpeningObjection.bid_id)
            .where(Bid.demand_id == demand.id)
            .order_by(OpeningObjection.id)
            .options(joinedload(OpeningObjection.bid).joinedload(Bid.organisation))
        )
    )


def unanswered() -> Select[OpeningObjection]:
    """Objections that wait for an officer, oldest first."""
    return (
        select(OpeningObjection)
        .where(OpeningObjection.answered_at.is_(None))
        .order_by(OpeningObjection.filed_at)
        .options(joinedload(OpeningObjection.bid).joinedload(Bid.demand))
    )


def find_objection(*, actor: Actor, now: datetime, public_id: str) -> OpeningObjection | None:
    """For those who answer; others find it in the record."""
    if not actor.has(Role.SCREENER, Role.PUBLISHER):
        return None
    return db.session.scalar(select(OpeningObjection).where(OpeningObjection.public_id == public_id))


def find(*, actor: Actor, now: datetime, ref: str) -> Demand | None:
    """A published demand: its hall is public."""
    demand = demands.find(actor=actor, now=now, ref=ref)
    visible = demand is not None and demand.visible_from is not None and demand.visible_from <= now
    return demand if visible else None


def with_record(*, actor: Actor, now: datetime, ref: str) -> Demand | None:
    """A demand whose record this person may read."""
    demand = find(actor=actor, now=now, ref=ref)
    return demand if demand is not None and record_of(demand, actor, now) is not None else None


def own_in_record(*, actor: Actor, now: datetime, ref: str) -> Bid | None:
    """The actor's own bid in a record that he may read."""
    demand = with_record(actor=actor, now=now, ref=ref)
    return own_bid(demand, actor) if demand is not None else None


def bidders_to_tell(demand: Demand) -> set[int]:
    """Organisations that took part: leads and confirmed members."""
    found = set()
    for version in bids.recorded_versions(demand):
        found.add(version.bid.organisation_id)
        found |= {item.organisation_id for item in version.bid.members if item.confirmed_at is not None}
    return found
