"""What waits for the office: panels to form, draws to witness, requests to decide, proposals to confirm."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from threading import Lock

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from marketplace import db
from marketplace.accounts.rules import Role
from marketplace.bids import queries as bids
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.panels.models import ExclusionDecision, Panel, PanelSeat
from marketplace.panels.queries import technical_of
from marketplace.panels.rules.seats import PanelState, SeatState
from marketplace.platform.errands import MOST, Errand
from marketplace.platform.policy import Actor

_asked: OrderedDict[str, int] = OrderedDict()
_guard = Lock()


def requests_made(demand: Demand) -> int:
    """How many requests the opened bids hold. What was opened does not change: counted once per process."""
    with _guard:
        if demand.key in _asked:
            return _asked[demand.key]
    forms = (technical_of(bid) for bid in bids.opened(demand))
    count = sum(len(form.eligibility.exclusions) for form in forms if form is not None)
    with _guard:
        _asked[demand.key] = count
        while len(_asked) > 500:
            _asked.popitem(last=False)
    return count


def undecided(demands: list[Demand]) -> dict[int, int]:
    """Demand id → requests that nobody has decided."""
    rows = db.session.scalars(
        select(ExclusionDecision.demand_id).where(ExclusionDecision.demand_id.in_([demand.id for demand in demands]))
    ).all()
    return {demand.id: requests_made(demand) - rows.count(demand.id) for demand in demands}


def waiting(actor: Actor, now: datetime) -> list[Errand]:
    """For screener, publisher and supervisor: what a panel asks of him."""
    rows = db.session.execute(
        select(Demand, Panel)
        .outerjoin(Panel, Panel.demand_id == Demand.id)
        .where(Demand.state.in_((State.OPENED, State.REVIEWING)))
        .order_by(Demand.closes_at, Demand.id)
        .limit(MOST)
        .options(joinedload(Demand.unit))
    ).all()
    found = []
    asked = (
        undecided([demand for demand, _ in rows if demand.state is State.OPENED]) if actor.has(Role.SUPERVISOR) else {}
    )
    for demand, panel in rows:
        url, note = f"/panels/{demand.ref}", demand.unit.display_name
        state = panel.state if panel is not None else None
        if actor.has(Role.SUPERVISOR) and asked.get(demand.id, 0) > 0:
            text = f"{note}，{asked[demand.id]}项"
            found.append(Errand(demand.title, "回避请求", "决定", f"{url}/requests", text))
        if actor.has(Role.SCREENER) and state in (None, PanelState.PREPARING):
            found.append(Errand(demand.title, "组建专家组", "组建", url, note))
        if actor.has(Role.SUPERVISOR) and state is PanelState.POOL_FIXED:
            found.append(Errand(demand.title, "抽取专家", "到场抽取", f"{url}/draw", note))
        proposed = panel is not None and panel.redraw_proposed_by_id not in (None, actor.id)
        if proposed and actor.has(Role.PUBLISHER, Role.SUPERVISOR):
            found.append(Errand(demand.title, "第二人确认", "确认重新抽取", f"{url}/redraw-confirmation", note))
    return [*found, *_overrides(actor)]


def _overrides(actor: Actor) -> list[Errand]:
    """Overrides that another person proposed."""
    if not actor.has(Role.PUBLISHER, Role.SUPERVISOR):
        return []
    seats = db.session.scalars(
        select(PanelSeat)
        .where(
            PanelSeat.state == SeatState.RECUSED,
            PanelSeat.override_proposed_by_id.is_not(None),
            PanelSeat.override_proposed_by_id != actor.id,
            PanelSeat.overridden_at.is_(None),
        )
        .limit(MOST)
        .options(joinedload(PanelSeat.panel).joinedload(Panel.demand).joinedload(Demand.unit))
    )
    return [
        Errand(
            seat.panel.demand.title,
            "第二人确认",
            "确认准予参加",
            f"/panels/{seat.panel.demand.ref}/seats/{seat.id}/override",
            seat.panel.demand.unit.display_name,
        )
        for seat in seats
    ]
