"""Reading the pool, panels and seats; the parties of a demand and who among the pool must not sit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, String, cast, func, or_, select
from sqlalchemy.orm import joinedload, selectinload, undefer

from marketplace import db
from marketplace.accounts.models import Organisation, RoleAssignment, User
from marketplace.accounts.rules import Role
from marketplace.bids import queries as bids
from marketplace.bids.content import Technical, technical_from
from marketplace.bids.models import Bid
from marketplace.demands.models import Demand
from marketplace.demands.queries import escaped
from marketplace.demands.rules import State
from marketplace.panels.models import Conflict, ExclusionDecision, Expert, Panel, PanelDraw, PanelSeat
from marketplace.panels.rules.conflicts import (
    Block,
    BlockKind,
    Employment,
    ExpertFacts,
    Party,
    PartyRole,
    hard_blocks,
    same_name,
)
from marketplace.panels.rules.seats import SeatState
from marketplace.platform.policy import Actor

FORMABLE = (State.OPENED, State.REVIEWING)  # when a panel may be formed or changed


def experts(*, q: str = "", field: str = "", outside: str = "", retired: bool = False) -> Select[Expert]:
    """The pool under the list's filters, by name."""
    query = select(Expert).order_by(Expert.name, Expert.id)
    query = query.where(Expert.retired_at.is_not(None) if retired else Expert.retired_at.is_(None))
    if q:
        pattern = f"%{escaped(q)}%"
        query = query.where(
            or_(
                Expert.name.ilike(pattern, escape="\\"),
                Expert.employer.ilike(pattern, escape="\\"),
                Expert.title.ilike(pattern, escape="\\"),
            )
        )
    if outside in ("yes", "no"):
        query = query.where(Expert.outside.is_(outside == "yes"))
    if field:
        # Codes hold letters only, so the quoted code in the JSON text is the code and nothing else.
        query = query.where(cast(Expert.fields, String).like(f'%"{escaped(field)}"%', escape="\\"))
    return query


def expert(*, actor: Actor, now: datetime, expert_id: int) -> Expert | None:
    return db.session.get(Expert, expert_id)


def by_email(addresses: Iterable[str]) -> dict[str, Expert]:
    """Experts of the pool by lower-case e-mail."""
    rows = db.session.scalars(select(Expert).where(Expert.email.in_([text.lower() for text in addresses])))
    return {row.email: row for row in rows}


def accounts(addresses: Iterable[str]) -> dict[str, int]:
    """Accounts that hold the expert's role, by lower-case e-mail."""
    rows = db.session.execute(
        select(func.lower(User.email), User.id)
        .join(RoleAssignment, RoleAssignment.user_id == User.id)
        .where(
            func.lower(User.email).in_([text.lower() for text in addresses]),
            RoleAssignment.role == Role.EXPERT,
            RoleAssignment.revoked_at.is_(None),
            RoleAssignment.in_force_at.is_not(None),
            User.disabled_at.is_(None),
        )
    )
    return {row[0]: row[1] for row in rows}


def find(*, actor: Actor, now: datetime, ref: str) -> Panel | None:
    """A demand's panel with all that its page shows."""
    return db.session.scalar(
        select(Panel)
        .join(Panel.demand)
        .where(Demand.number == ref)
        .options(
            joinedload(Panel.demand).options(joinedload(Demand.unit), undefer(Demand.content)),
            selectinload(Panel.draws).joinedload(PanelDraw.drawn_by),
            selectinload(Panel.seats).options(joinedload(PanelSeat.expert), joinedload(PanelSeat.overridden_by)),
        )
    )


def by_id(panel_id: int) -> Panel | None:
    """A panel by its number, for the command that replays its draws."""
    return db.session.get(Panel, panel_id, options=[selectinload(Panel.draws), joinedload(Panel.demand)])


def demand_for_panel(*, actor: Actor, now: datetime, ref: str) -> Demand | None:
    """A demand that has come as far as a panel."""
    return db.session.scalar(
        select(Demand)
        .where(Demand.number == ref, Demand.state.in_(FORMABLE))
        .options(joinedload(Demand.unit), undefer(Demand.content))
    )


def demand_with_panel(*, actor: Actor, now: datetime, ref: str) -> Demand | None:
    """A demand that needs a panel or has one, for the office."""
    return db.session.scalar(
        select(Demand)
        .outerjoin(Panel, Panel.demand_id == Demand.id)
        .where(Demand.number == ref, or_(Demand.state.in_(FORMABLE), Panel.id.is_not(None)))
        .options(joinedload(Demand.unit), undefer(Demand.content))
    )


def names_of(keys: Sequence[str]) -> dict[str, str]:
    """Expert key → name, for the office's page of a draw."""
    rows = db.session.execute(select(Expert.key, Expert.name).where(Expert.key.in_(keys)))
    return {row.key: row.name for row in rows}


def seat_by_id(*, actor: Actor, now: datetime, seat_id: int) -> PanelSeat | None:
    """A seat for its own expert and for those who form panels; others do not learn that it exists."""
    seat = db.session.scalar(select(PanelSeat).where(PanelSeat.id == seat_id).options(*_SEAT))
    if seat is None or actor.has(Role.SCREENER, Role.PUBLISHER, Role.SUPERVISOR):
        return seat
    return seat if actor.id is not None and seat.expert_account_id == actor.id else None


_SEAT = (
    joinedload(PanelSeat.expert),
    joinedload(PanelSeat.panel).options(
        joinedload(Panel.demand).options(joinedload(Demand.unit), undefer(Demand.content)),
        selectinload(Panel.seats).joinedload(PanelSeat.expert),
    ),
)


def own_seat(*, actor: Actor, now: datetime, ref: str) -> PanelSeat | None:
    """The actor's seat on a demand's panel, of the newest draw; a waiting substitute has none yet."""
    if actor.id is None:
        return None
    return db.session.scalar(
        select(PanelSeat)
        .join(PanelSeat.panel)
        .join(Panel.demand)
        .where(
            Demand.number == ref,
            PanelSeat.expert_account_id == actor.id,
            PanelSeat.round == Panel.round,
            PanelSeat.state != SeatState.SUBSTITUTE,
        )
        .options(*_SEAT)
    )


def seats_of(actor: Actor) -> Select[PanelSeat]:
    """Every seat an expert has or had, except where he only waits as a substitute; the newest first."""
    return (
        select(PanelSeat)
        .join(PanelSeat.panel)
        .where(
            PanelSeat.expert_account_id == actor.id,
            PanelSeat.round == Panel.round,
            PanelSeat.state != SeatState.SUBSTITUTE,
        )
        .order_by(PanelSeat.id.desc())
        .options(joinedload(PanelSeat.panel).joinedload(Panel.demand).joinedload(Demand.unit))
    )


def overdue_seats(now: datetime) -> list[PanelSeat]:
    """Invitations whose answer is late."""
    return list(
        db.session.scalars(
            select(PanelSeat)
            .join(PanelSeat.panel)
            .where(PanelSeat.state == SeatState.INVITED, PanelSeat.confirm_by <= now, PanelSeat.round == Panel.round)
            .options(*_SEAT)
        )
    )


def parties(demand: Demand) -> list[Party]:
    """Everybody who takes part: the unit, each bidder and member with its key people, and their affiliates."""
    found = [Party(demand.unit.name, demand.unit.credit_code, PartyRole.UNIT)]
    for bid in bids.opened(demand):
        found += _of_bid(bid)
    seen: set[tuple[str, str]] = set()
    result = []
    for party in found:
        key = (party.credit_code, "" if party.credit_code else party.name)
        if key not in seen:
            seen.add(key)
            result.append(party)
    return result


def technical_of(bid: Bid) -> Technical | None:
    """What a bidder wrote into his technical envelope, once it is opened."""
    fields = bids.opened_fields(bid, "technical")
    return technical_from(fields) if fields is not None else None


def _of_bid(bid: Bid) -> list[Party]:
    """The bidder as registered and as it wrote itself; people count for the organisation that employs them."""
    firm = bid.organisation
    form = technical_of(bid)
    said = form.eligibility if form is not None else None
    people: dict[str, list[str]] = {firm.name: [firm.legal_representative, firm.contact_name]}
    if said is not None:
        people[firm.name] += [said.legal_representative, said.contact_name]
        for person in said.people:
            people.setdefault(person.employer or firm.name, []).append(person.name)
    made = [Party(firm.name, firm.credit_code, PartyRole.BIDDER, _names(people.pop(firm.name)))]
    members = said.members if said is not None else ()
    for member in members:
        if member.name and not same_name(member.name, firm.name):
            made.append(Party(member.name, member.credit_code, PartyRole.MEMBER, _names(people.pop(member.name, []))))
    made += [Party(name, "", PartyRole.MEMBER, _names(names)) for name, names in people.items() if name]
    made += [Party(item.name, item.credit_code, PartyRole.AFFILIATE) for item in (*firm.affiliates,)]
    if firm.controller_name or firm.controller_code:
        made.append(Party(firm.controller_name or firm.controller_code, firm.controller_code, PartyRole.AFFILIATE))
    if said is not None:
        made += [Party(item.name, item.credit_code, PartyRole.AFFILIATE) for item in said.affiliates if item.name]
    return made


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))


def facts_of(found: Sequence[Expert]) -> dict[int, ExpertFacts]:
    """What speaks against each: the pool's record, and the organisation of his account."""
    user_ids = [item.user_id for item in found if item.user_id is not None]
    homes: dict[int, list[Organisation]] = {}
    for user_id, organisation in db.session.execute(
        select(RoleAssignment.user_id, Organisation)
        .join(Organisation, Organisation.id == RoleAssignment.organisation_id)
        .where(RoleAssignment.user_id.in_(user_ids), RoleAssignment.revoked_at.is_(None))
    ):
        homes.setdefault(user_id, []).append(organisation)
    result = {}
    for item in found:
        facts = item.facts
        more = tuple(Employment(home.name, home.credit_code) for home in homes.get(item.user_id or 0, ()))
        result[item.id] = ExpertFacts(
            facts.expert, facts.name, (*facts.employments, *more), facts.equity, facts.relations
        )
    return result


def upheld_exclusions(demand_id: int) -> list[ExclusionDecision]:
    """Requests of bidders that the supervisor granted."""
    return list(
        db.session.scalars(
            select(ExclusionDecision).where(ExclusionDecision.demand_id == demand_id, ExclusionDecision.upheld)
        )
    )


def blocks_for(demand: Demand, found: Sequence[Expert], *, on: date) -> dict[int, tuple[Block, ...]]:
    """Every hard block of each of these experts, by his id: facts on record, and requests that were granted."""
    taking_part, facts, granted = parties(demand), facts_of(found), upheld_exclusions(demand.id)
    return {
        item.id: (
            *hard_blocks(facts[item.id], taking_part, on=on),
            *(Block(item.key, BlockKind.EXCLUDED, "") for request in granted if is_meant(facts[item.id], request)),
        )
        for item in found
    }


def is_meant(facts: ExpertFacts, request: ExclusionDecision) -> bool:
    if request.person:
        return same_name(request.person, facts.name)
    return any(same_name(request.employer, job.employer) for job in facts.employments if job.until_on is None)


@dataclass(frozen=True, slots=True)
class Request:
    """One bidder's request to keep somebody away, with the supervisor's answer once there is one."""

    bid: Bid
    position: int
    person: str
    employer: str
    reason: str
    decision: ExclusionDecision | None


def requests(demand: Demand) -> list[Request]:
    """All requests in the opened bids of a demand, in the bids' order."""
    decided = {
        (row.bid_id, row.position): row
        for row in db.session.scalars(select(ExclusionDecision).where(ExclusionDecision.demand_id == demand.id))
    }
    found = []
    for bid in bids.opened(demand):
        form = technical_of(bid)
        for position, item in enumerate(form.eligibility.exclusions if form is not None else ()):
            person, employer = (item.name, "") if item.kind == "person" else ("", item.name)
            found.append(Request(bid, position, person, employer, item.reason, decided.get((bid.id, position))))
    return found


def conflicts(panel_id: int) -> list[Conflict]:
    """What was found against experts of the pool, for the office."""
    return list(
        db.session.scalars(
            select(Conflict)
            .where(Conflict.panel_id == panel_id)
            .order_by(Conflict.id)
            .options(joinedload(Conflict.expert))
        )
    )


def seats_before(panel: Panel) -> list[PanelSeat]:
    """Seats of earlier draws."""
    return [seat for seat in panel.seats if seat.round < panel.round]


def counts() -> dict[str, Any]:
    """The pool in figures: all, outside, without an account."""
    row = db.session.execute(
        select(
            func.count(),
            func.count().filter(Expert.outside),
            func.count().filter(Expert.user_id.is_(None)),
        ).where(Expert.retired_at.is_(None))
    ).one()
    return {"all": row[0], "outside": row[1], "no_account": row[2]}
