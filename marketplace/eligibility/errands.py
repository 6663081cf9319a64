"""What of checking opened bids waits for whom, for the work desk."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import Select, func

from marketplace.accounts.models import Organisation
from marketplace.accounts.queries import shown_name
from marketplace.accounts.rules import Role
from marketplace.bids.models import Bid
from marketplace.bids.rules import BidState
from marketplace.demands.models import Demand
from marketplace.demands.rules import STATE_LABELS, State
from marketplace.eligibility import queries
from marketplace.eligibility.models import EligibilityCure
from marketplace.eligibility.rules import DECISION_WORKING_DAYS
from marketplace.platform import errands
from marketplace.platform.errands import Errand
from marketplace.platform.policy import Actor


def _checked(now: datetime) -> Select[Any]:
    figures = errands.words(queries.WAITING, queries.ADMITTED, queries.overdue(now))
    ref = func.coalesce(Demand.number, Demand.key)
    line = errands.line(number=Demand.id, ref=ref, title=Demand.title, word=figures, due=Demand.released_at)
    return queries.of_opened(line)


def undecided(actor: Actor, now: datetime) -> Select[Any]:
    """Opened demands with bids that wait for a decision, the longest opened on top."""
    return _checked(now).having(queries.WAITING > 0)


def decided(actor: Actor, now: datetime) -> Select[Any]:
    """Opened demands whose bids are all decided."""
    return _checked(now).having(queries.WAITING == 0)


def _tell(row: Any) -> Errand:
    waiting, admitted, overdue = (int(figure) for figure in row.word.split("|"))
    note = _("待定%(waiting)s份，合格%(admitted)s份", waiting=waiting, admitted=admitted)
    if overdue:
        note = _("%(note)s，补正逾期%(overdue)s份", note=note, overdue=overdue)
    return Errand(
        title=row.title,
        matter=_("资格审查"),
        verb=_("资格审查") if waiting else _("看审查结果"),
        url=url_for("eligibility.demand", ref=row.ref),
        note=note,
        due_at=row.due_at if waiting else None,
        state=(STATE_LABELS[State.OPENED].zh, "work"),
        working_days=DECISION_WORKING_DAYS,
    )


def cures(actor: Actor, now: datetime) -> Select[Any]:
    """A bidder's cures that are not answered yet."""
    own = EligibilityCure
    return (
        errands.line(number=Bid.id, ref=Bid.public_id, title=Demand.title, note=shown_name(), due=own.due_at)
        .select_from(own)
        .join(Bid, Bid.id == own.bid_id)
        .join(Demand, Demand.id == Bid.demand_id)
        .join(Organisation, Organisation.id == Bid.organisation_id)
        .where(
            Bid.organisation_id.in_(actor.organisations(Role.BIDDER, Role.ORG_ADMIN)),
            Bid.state == BidState.CURE,
            own.answered_at.is_(None),
        )
    )


def _cure(row: Any) -> Errand:
    url = url_for("eligibility.mine", public_id=row.ref)
    return Errand(row.title, _("补正"), _("去补正"), url, row.note, row.due_at, (_("补正中"), "alert"))


def install() -> None:
    errands.register((Role.SCREENER,), undecided, _tell)
    errands.register((Role.PUBLISHER,), decided, _tell)
    errands.register((Role.BIDDER, Role.ORG_ADMIN), cures, _cure)
