"""The page behind an invitation's signed link: two buttons, each a POST. Opening it does nothing."""

from __future__ import annotations

from flask import abort, redirect, render_template, url_for
from flask import g as context_g

from marketplace.accounts.queries import actor_of
from marketplace.panels import invitations
from marketplace.panels import service as panels
from marketplace.panels.forms import ReasonForm
from marketplace.panels.models import PanelSeat
from marketplace.panels.routes import invitations_bp as bp
from marketplace.panels.rules.seats import SEAT_STATE_LABELS, SeatState
from marketplace.platform.errors import Refused
from marketplace.platform.forms import ConfirmForm
from marketplace.platform.policy import Actor
from marketplace.web import ResponseValue, public


def _seat(token: str) -> PanelSeat:
    seat = invitations.seat_of(token)
    if seat is None or seat.expert.user is None or seat.expert.user.disabled_at is not None:
        abort(404)
    return seat


def _holder(seat: PanelSeat) -> Actor:
    """Who holds the link is the expert as far as this answer goes, and no further: his roles sleep."""
    assert seat.expert.user is not None
    return actor_of(seat.expert.user, second_factor=False)


@bp.get("/panel-invitations/<token>")
@public
def show(token: str) -> ResponseValue:
    return _page(token, _seat(token), ReasonForm())


def _page(token: str, seat: PanelSeat, form: ReasonForm) -> str:
    return render_template(
        "panels/invitation.html",
        token=token,
        seat=seat,
        demand=seat.panel.demand,
        panel=seat.panel,
        form=form,
        open=seat.state is SeatState.INVITED,
        state=SEAT_STATE_LABELS[seat.state],
    )


@bp.post("/panel-invitations/<token>/confirmation")
@public
def confirm(token: str) -> ResponseValue:
    seat = _seat(token)
    if not ConfirmForm().validate_on_submit():
        abort(400)
    panels.confirm(seat, actor=_holder(seat), now=context_g.now)
    return redirect(url_for(".show", token=token))


@bp.post("/panel-invitations/<token>/declination")
@public
def decline(token: str) -> ResponseValue:
    seat = _seat(token)
    form = ReasonForm()
    if not form.validate_on_submit():
        return _page(token, seat, form), 422
    try:
        panels.decline(seat, reason=form.reason.data or "", actor=_holder(seat), now=context_g.now)
    except Refused as refusal:
        form.refuse(refusal)
        context_g.failed = True
        return _page(token, seat, form), refusal.status
    return redirect(url_for(".show", token=token))
