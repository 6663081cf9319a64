"""Reading saved searches and their hits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, func, or_, select

from marketplace import db
from marketplace.alerts.models import SavedSearch, SavedSearchHit
from marketplace.alerts.rules import Frequency
from marketplace.demands.clocks import CLOSING_WITHIN
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.platform.policy import Actor


def own(user_id: int) -> list[tuple[SavedSearch, int]]:
    """A person's saved searches with how many hits each has had, the newest on top: one query."""
    hits = select(SavedSearchHit.search_id, func.count().label("number")).group_by(SavedSearchHit.search_id).subquery()
    rows = db.session.execute(
        select(SavedSearch, func.coalesce(hits.c.number, 0))
        .outerjoin(hits, hits.c.search_id == SavedSearch.id)
        .where(SavedSearch.user_id == user_id)
        .order_by(SavedSearch.id.desc())
    )
    return [(row[0], row[1]) for row in rows]


def count_of(user_id: int) -> int:
    return db.session.scalar(select(func.count()).select_from(SavedSearch).where(SavedSearch.user_id == user_id)) or 0


def find(*, actor: Actor, now: datetime, key: str) -> SavedSearch | None:
    """One's own; anybody else's does not exist."""
    if not actor.signed_in:
        return None
    return db.session.scalar(select(SavedSearch).where(SavedSearch.key == key, SavedSearch.user_id == actor.id))


def by_key(key: str) -> SavedSearch | None:
    """For the signed link of a mail."""
    return db.session.scalar(select(SavedSearch).where(SavedSearch.key == key))


def listening() -> Select[SavedSearch]:
    """Searches whose people want to be told."""
    return select(SavedSearch).where(SavedSearch.frequency != Frequency.OFF).order_by(SavedSearch.id)


def known(documents: Sequence[str]) -> set[tuple[int, str]]:
    """Which of these documents have been found by which search already."""
    rows = db.session.execute(
        select(SavedSearchHit.search_id, SavedSearchHit.document).where(SavedSearchHit.document.in_(documents))
    )
    return {(row[0], row[1]) for row in rows}


def waiting_hits(search_id: int) -> list[SavedSearchHit]:
    """What a search has found and nobody was told, in order."""
    return list(
        db.session.scalars(
            select(SavedSearchHit)
            .where(SavedSearchHit.search_id == search_id, SavedSearchHit.sent_at.is_(None))
            .order_by(SavedSearchHit.id)
        )
    )


def instant_with_hits() -> list[SavedSearch]:
    """Searches of which somebody wants to be told at once, that have found something."""
    waiting = select(SavedSearchHit.search_id).where(SavedSearchHit.sent_at.is_(None))
    return list(
        db.session.scalars(
            select(SavedSearch)
            .where(SavedSearch.frequency == Frequency.INSTANT, SavedSearch.id.in_(waiting))
            .order_by(SavedSearch.id)
        )
    )


def due_digests(now: datetime, limit: int = 100) -> list[int]:
    """Ids of the searches whose digest is due."""
    return list(
        db.session.scalars(
            select(SavedSearch.id)
            .where(SavedSearch.next_at.is_not(None), SavedSearch.next_at <= now)
            .order_by(SavedSearch.next_at, SavedSearch.id)
            .limit(limit)
        )
    )


def last_hits(search_id: int, limit: int) -> list[SavedSearchHit]:
    """What it found last."""
    return list(
        db.session.scalars(
            select(SavedSearchHit)
            .where(SavedSearchHit.search_id == search_id)
            .order_by(SavedSearchHit.id.desc())
            .limit(limit)
        )
    )


def turned(after: datetime, upto: datetime, *, beyond: int, limit: int) -> list[int]:
    """The next demands by id, ``beyond`` one, that the clock alone changed in ``(after, upto]``: became visible, came
    within 72 hours of their deadline, or reached it.
    """
    instants = (Demand.visible_from, Demand.closes_at)
    windows = [(column > after) & (column <= upto) for column in instants]
    windows.append((Demand.closes_at > after + CLOSING_WITHIN) & (Demand.closes_at <= upto + CLOSING_WITHIN))
    return list(
        db.session.scalars(
            select(Demand.id)
            .where(Demand.state == State.PUBLISHED, Demand.id > beyond, or_(*windows))
            .order_by(Demand.id)
            .limit(limit)
        )
    )
