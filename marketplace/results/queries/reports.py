"""The report and who signs it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from marketplace import db
from marketplace.panels.models import Panel, PanelSeat
from marketplace.panels.rules.seats import SeatState
from marketplace.platform.policy import Actor
from marketplace.results.models import Report, Signature


def report(demand_id: int) -> Report | None:
    """The newest report with its signatures."""
    return db.session.scalar(
        select(Report)
        .where(Report.demand_id == demand_id)
        .order_by(Report.id.desc())
        .limit(1)
        .options(
            selectinload(Report.signatures).joinedload(Signature.seat).joinedload(PanelSeat.expert),
            joinedload(Report.ranking),
        )
    )


def my_seat(demand_id: int, actor: Actor) -> PanelSeat | None:
    """The actor's counting seat on this demand's panel."""
    if actor.id is None:
        return None
    return db.session.scalar(
        select(PanelSeat)
        .join(Panel, Panel.id == PanelSeat.panel_id)
        .where(
            Panel.demand_id == demand_id,
            PanelSeat.round == Panel.round,
            PanelSeat.expert_account_id == actor.id,
            PanelSeat.state == SeatState.DECLARED,
        )
        .options(joinedload(PanelSeat.panel), joinedload(PanelSeat.expert))
    )
