"""Emitting and consuming.

``emit`` queues a row on the session; it is inserted just before the commit, after the audit head is locked, so that
ids are in commit order on both databases and a reader that keeps one position never overtakes a slow writer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace import db
from marketplace.platform.outbox.models import OutboxConsumer, OutboxRow

log = structlog.get_logger(__name__)
PENDING = "outbox_pending"
BATCH = 200


def emit(topic: str, payload: Mapping[str, Any], *, at: datetime) -> None:
    """Queue a row for the present transaction. The payload is plain JSON and carries ids, not texts."""
    db.session().info.setdefault(PENDING, []).append((topic, dict(payload), at))


def write_pending(session: Session) -> None:
    """Insert the queued rows; called from the commit hook with the audit head locked."""
    for topic, payload, at in session.info.pop(PENDING, []):
        session.add(OutboxRow(topic=topic, payload=payload, at=at))
    session.flush()


@dataclass(frozen=True, slots=True)
class Consumer:
    """``handle`` gets a batch in order and the present instant, inside one transaction with the position.

    ``topics`` is matched by prefix (``demand.``); an empty tuple takes all.
    """

    name: str
    topics: tuple[str, ...]
    handle: Callable[[list[OutboxRow], datetime], None]


_consumers: dict[str, Consumer] = {}


def subscribe(name: str, handle: Callable[[list[OutboxRow], datetime], None], *, topics: tuple[str, ...] = ()) -> None:
    """Register a consumer by name; called once per process from the feature that listens."""
    _consumers[name] = Consumer(name, topics, handle)


def consumers() -> list[Consumer]:
    return list(_consumers.values())


def drain(now: datetime, *, only: str | None = None, breath: float = 0) -> int:
    """Let every consumer read on until nothing is left; returns how many rows were handled.

    A consumer that raises keeps its position, is retried with a growing pause, and never stops the others. ``breath``:
    seconds between two full batches, so that on SQLite people who write find the one writer's place free.
    """
    handled = 0
    for consumer in consumers():
        if only is None or consumer.name == only:
            while done := _step(consumer, now):
                handled += done
                if done == BATCH:  # a flood; a trickle leaves room enough
                    time.sleep(breath)
    return handled


def _step(consumer: Consumer, now: datetime) -> int:
    try:
        with db.transaction() as session:
            place = session.get(OutboxConsumer, consumer.name, with_for_update={"skip_locked": True})
            if place is None:
                if session.scalar(select(OutboxConsumer.name).where(OutboxConsumer.name == consumer.name)):
                    return 0  # another worker holds it
                place = OutboxConsumer(name=consumer.name)
                session.add(place)
                session.flush()
            if place.retry_at is not None and place.retry_at > now:
                return 0
            rows = list(
                session.scalars(
                    select(OutboxRow).where(OutboxRow.id > place.position).order_by(OutboxRow.id).limit(BATCH)
                )
            )
            if not rows:
                return 0
            wanted = [row for row in rows if not consumer.topics or row.topic.startswith(consumer.topics)]
            if wanted:
                consumer.handle(wanted, now)
            place.position, place.failures, place.retry_at, place.last_error = rows[-1].id, 0, None, ""
            return len(rows)
    except Exception as error:
        log.exception("outbox consumer failed", consumer=consumer.name)
        _note_failure(consumer.name, now, error)
        return 0


def _note_failure(name: str, now: datetime, error: Exception) -> None:
    with db.transaction() as session:
        place = session.get(OutboxConsumer, name)
        if place is None:
            place = OutboxConsumer(name=name, position=0, failures=0)
            session.add(place)
        place.failures += 1
        place.retry_at = now + timedelta(seconds=min(2**place.failures, 3600))
        place.last_error = f"{type(error).__name__}: {error}"[:500]


def lag(*, without: str) -> dict[str, int]:
    """Rows each consumer has still to read, those of one family of topics left out: how many bids came in is not told
    by how much work they made."""
    places = {place.name: place.position for place in db.session.scalars(select(OutboxConsumer))}
    told = select(func.count()).select_from(OutboxRow).where(OutboxRow.topic.not_like(f"{without}%"))
    waiting = {at: db.session.scalar(told.where(OutboxRow.id > at)) or 0 for at in {0, *places.values()}}
    return {consumer.name: waiting[places.get(consumer.name, 0)] for consumer in consumers()}
