"""What waits for the office: panels to form, draws to witness, requests to decide, proposals to confirm."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from threading import Lock
from typing import Any

from sqlalchemy import Select, func, or_, select

from marketplace import db
from marketplace.accounts.models import Organisation
from marketplace.accounts.queries import shown_name
from marketplace.accounts.rules import Role
from marketplace.bids import queries as bids
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.panels.models import ExclusionDecision, Panel, PanelSeat
from marketplace.panels.queries import technical_of
from marketplace.panels.rules.seats import PanelState, SeatState
from marketplace.platform import errands
from marketplace.platform.errands import Errand
from marketplace.platform.policy import Actor

_asked: OrderedDict[str, int] = OrderedDict()
_guard = Lock()


def requests_made(demand: Demand) -> int:
    """How many requests the opened bids hold. What was opened does not change: counted once per process."""
    if (known := _known(demand.key)) is not None:
        return known
    forms = (technical_of(bid) for bid in bids.opened(demand))
    count = sum(len(form.eligibility.exclusions) for form in forms if form is not None)
    with _guard:
        _asked[demand.key] = count
        while len(_asked) > 500:
            _asked.popitem(last=False)
    return count


def _known(key: str) -> int | None:
    with _guard:
        return _asked.get(key)


def undecided(demands: list[Demand]) -> dict[int, int]:
    """Demand id → requests that nobody has decided."""
    rows = db.session.scalars(
        select(ExclusionDecision.demand_id).where(ExclusionDecision.demand_id.in_([demand.id for demand in demands]))
    ).all()
    return {demand.id: requests_made(demand) - rows.count(demand.id) for demand in demands}


def _of_demand(actor: Actor, **columns: Any) -> Select[Any]:
    """Opened and reviewed demands with their panel, where there is one; in order of their closing."""
    ref = func.coalesce(Demand.number, Demand.key)
    return (
        errands.line(number=Demand.id, ref=ref, title=Demand.title, note=shown_name(), **columns)
        .select_from(Demand)
        .join(Organisation, Organisation.id == Demand.unit_id)
        .outerjoin(Panel, Panel.demand_id == Demand.id)
        .where(Demand.state.in_((State.OPENED, State.REVIEWING)))
    )


def requests(actor: Actor, now: datetime) -> Select[Any]:
    """For the supervisor: opened demands with how many requests were decided. How many there are, only bids say."""
    decided = (
        select(func.count())
        .select_from(ExclusionDecision)
        .where(ExclusionDecision.demand_id == Demand.id)
        .scalar_subquery()
    )
    return _of_demand(actor, word=errands.words(Demand.key, decided)).where(Demand.state == State.OPENED)


def _requests(row: Any) -> Errand | None:
    key, decided = row.word.split("|")
    made = _known(key)
    if made is None:
        demand = db.session.scalar(select(Demand).where(Demand.key == key))
        made = requests_made(demand) if demand is not None else 0
    left = made - int(decided)
    if left <= 0:
        return None
    return Errand(row.title, "回避请求", "决定", f"/panels/{row.ref}/requests", f"{row.note}，{left}项")


def to_form(actor: Actor, now: datetime) -> Select[Any]:
    """For the screener: panels to be put together."""
    return _of_demand(actor).where(or_(Panel.id.is_(None), Panel.state == PanelState.PREPARING))


def to_draw(actor: Actor, now: datetime) -> Select[Any]:
    """For the supervisor: draws to be witnessed."""
    return _of_demand(actor).where(Panel.state == PanelState.POOL_FIXED)


def redraws(actor: Actor, now: datetime) -> Select[Any]:
    """Second draws that another person proposed."""
    return _of_demand(actor).where(Panel.redraw_proposed_by_id.is_not(None), Panel.redraw_proposed_by_id != actor.id)


def overrides(actor: Actor, now: datetime) -> Select[Any]:
    """Overrides that another person proposed."""
    ref = func.coalesce(Demand.number, Demand.key)
    seat = PanelSeat
    return (
        errands.line(number=seat.id, ref=ref, title=Demand.title, note=shown_name(), word=seat.id)
        .select_from(seat)
        .join(Panel, Panel.id == seat.panel_id)
        .join(Demand, Demand.id == Panel.demand_id)
        .join(Organisation, Organisation.id == Demand.unit_id)
        .where(
            seat.state == SeatState.RECUSED,
            seat.override_proposed_by_id.is_not(None),
            seat.override_proposed_by_id != actor.id,
            seat.overridden_at.is_(None),
        )
    )


def _override(row: Any) -> Errand:
    return Errand(row.title, "第二人确认", "确认准予参加", f"/panels/{row.ref}/seats/{row.word}/override", row.note)


def _telling(matter: str, verb: str, end: str = "") -> errands.Tell:
    return lambda row: Errand(row.title, matter, verb, f"/panels/{row.ref}{end}", row.note)


def install() -> None:
    second = (Role.PUBLISHER, Role.SUPERVISOR)
    errands.register((Role.SUPERVISOR,), requests, _requests)
    errands.register((Role.SCREENER,), to_form, _telling("组建专家组", "组建"))
    errands.register((Role.SUPERVISOR,), to_draw, _telling("抽取专家", "到场抽取", "/draw"))
    errands.register(second, redraws, _telling("第二人确认", "确认重新抽取", "/redraw-confirmation"))
    errands.register(second, overrides, _override)
