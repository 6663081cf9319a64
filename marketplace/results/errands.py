"""What of a review waits for office, supervisor and members, for the work desk."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, String, and_, cast, or_, select
from sqlalchemy.orm import aliased

from marketplace.accounts.models import Organisation
from marketplace.accounts.rules import Role
from marketplace.bids.models import Bid
from marketplace.demands.models import Demand
from marketplace.panels.models import Panel, PanelSeat
from marketplace.panels.rules.seats import SeatState
from marketplace.platform import errands
from marketplace.platform.errands import Errand
from marketplace.platform.policy import Actor
from marketplace.results.models import BidOut, Mend, Ranking, Report, Signature
from marketplace.results.queries import newest
from marketplace.results.rules import ReportState
from marketplace.scoring.models import Sheet

_TIED = cast(Ranking.undecided, String) != "[]"  # the same text of an empty list on both databases


def _in_force() -> Select[Any]:
    """The ranking in force of every demand under review."""
    line = errands.line(number=Ranking.id, ref=Demand.number, title=Demand.title, note=Demand.number)
    return line.select_from(Ranking).join(Demand, Demand.id == Ranking.demand_id).where(Ranking.id.in_(newest()))


def reports(actor: Actor, now: datetime) -> Select[Any]:
    """For the office: decided rankings whose report has to be put before the panel."""
    panel = and_(Panel.demand_id == Ranking.demand_id, Panel.review_round == Ranking.round)
    return _in_force().join(Panel, panel).where(~_TIED, Ranking.id.not_in(select(Report.ranking_id)))


def _report(row: Any) -> Errand:
    return Errand(row.title, _("出具评审报告"), _("出具"), f"/demands/{row.ref}/report", row.note or "")


def ties(actor: Actor, now: datetime) -> Select[Any]:
    """For the supervisor: ties to draw."""
    return _in_force().where(_TIED)


def _tie(row: Any) -> Errand:
    return Errand(row.title, _("并列抽签"), _("抽签"), f"/demands/{row.ref}/ranking/draw", row.note or "")


def outs(actor: Actor, now: datetime) -> Select[Any]:
    """For the supervisor: disqualifications to confirm."""
    line = errands.line(number=BidOut.id, ref=Demand.number, title=Demand.title, note=Organisation.name, word=BidOut.id)
    return (
        line.select_from(BidOut)
        .join(Bid, Bid.id == BidOut.bid_id)
        .join(Organisation, Organisation.id == Bid.organisation_id)
        .join(Demand, Demand.id == Bid.demand_id)
        .where(BidOut.decided_at.is_(None))
    )


def _out(row: Any) -> Errand:
    url = f"/demands/{row.ref}/review/disqualifications/{row.word}"
    return Errand(row.title, _("确认取消资格"), _("确认"), url, row.note)


def mends(actor: Actor, now: datetime) -> Select[Any]:
    """For the supervisor: corrections to countersign."""
    line = errands.line(number=Mend.id, ref=Demand.number, title=Demand.title, word=Mend.sheet_id)
    return (
        line.select_from(Mend)
        .join(Sheet, Sheet.id == Mend.sheet_id)
        .join(Demand, Demand.id == Sheet.demand_id)
        .where(Mend.decided_at.is_(None))
    )


def _mend(row: Any) -> Errand:
    url = f"/demands/{row.ref}/review/sheets/{row.word}/mend/decision"
    return Errand(row.title, _("会签更正"), _("会签"), url)


def signatures(actor: Actor, now: datetime) -> Select[Any]:
    """For a member: reports that he may sign now, the chair first, the others after him."""
    signed = aliased(Signature)
    line = errands.line(number=Report.id, ref=Demand.number, title=Demand.title, note=Demand.number)
    return (
        line.select_from(Report)
        .join(Demand, Demand.id == Report.demand_id)
        .join(Panel, Panel.demand_id == Report.demand_id)
        .join(PanelSeat, and_(PanelSeat.panel_id == Panel.id, PanelSeat.round == Panel.round))
        .where(
            Report.state == ReportState.SIGNING,
            PanelSeat.expert_account_id == actor.id,
            PanelSeat.state == SeatState.DECLARED,
            PanelSeat.id.not_in(select(signed.seat_id).where(signed.report_id == Report.id)),
            or_(
                PanelSeat.chaired_at.is_not(None),
                Report.id.in_(select(Signature.report_id).where(Signature.chair)),
            ),
        )
    )


def _signature(row: Any) -> Errand:
    return Errand(row.title, _("签署评审报告"), _("签署"), f"/demands/{row.ref}/report", row.note or "")


def install() -> None:
    errands.register((Role.SCREENER, Role.PUBLISHER), reports, _report)
    errands.register((Role.SUPERVISOR,), ties, _tie)
    errands.register((Role.SUPERVISOR,), outs, _out)
    errands.register((Role.SUPERVISOR,), mends, _mend)
    errands.register((Role.EXPERT,), signatures, _signature)
