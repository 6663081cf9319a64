"""The signed link of an invitation: it opens a page with two buttons and acts on nothing by itself."""

from __future__ import annotations

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from marketplace import db
from marketplace.demands.models import Demand
from marketplace.panels.models import Panel, PanelSeat

_serializer: URLSafeSerializer | None = None


def configure(secret: str) -> None:
    """The key links are signed with; called once at start."""
    global _serializer
    _serializer = URLSafeSerializer(secret, salt="panel-invitation")


def token(seat: PanelSeat) -> str:
    """The link's last part. It names the seat and when it was called, so that an old one stays an old one."""
    assert _serializer is not None
    text: str = _serializer.dumps([seat.id, int(seat.called_at.timestamp()) if seat.called_at else 0])
    return text


def seat_of(text: str) -> PanelSeat | None:
    """The seat a link was made for, if the link is genuine and of its last invitation."""
    assert _serializer is not None
    try:
        seat_id, called = _serializer.loads(text)
    except (BadSignature, ValueError, TypeError):
        return None
    seat = db.session.scalar(
        select(PanelSeat)
        .where(PanelSeat.id == seat_id)
        .options(
            joinedload(PanelSeat.expert),
            joinedload(PanelSeat.panel).joinedload(Panel.demand).joinedload(Demand.unit),
        )
    )
    if seat is None or seat.called_at is None or int(seat.called_at.timestamp()) != called:
        return None
    return seat
