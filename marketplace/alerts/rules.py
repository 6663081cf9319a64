"""When a saved search is told of, and what a document must be to be new to it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any

from marketplace.demands.queries import FACETS, Filters
from marketplace.platform import policy
from marketplace.platform.policy import Need, signed_in
from marketplace.platform.working_days import BEIJING
from marketplace.search.documents import CLOSED, CLOSING, CLOSING_WINDOW, OPEN, Document, phase

SEARCHES_MOST = 50  # of one person
NAME_MAX = 60
LISTED_MOST = 20  # hits named in one message; the rest is counted
DIGEST_AT = time(8, 30)  # Beijing; a weekly digest comes on Mondays


def N_(text: str) -> str:
    """Mark a label for the catalogue (scripts/words.py); it is translated where it is shown."""
    return text


class Frequency(StrEnum):
    INSTANT = "instant"
    DAILY = "daily"
    WEEKLY = "weekly"
    OFF = "off"


FREQUENCY_LABELS: dict[Frequency, str] = {
    Frequency.INSTANT: N_("有新结果立即提醒"),
    Frequency.DAILY: N_("每天汇总（8:30）"),
    Frequency.WEEKLY: N_("每周汇总（周一8:30）"),
    Frequency.OFF: N_("只保存，不提醒"),
}

own_search = Need(
    "own_search",
    "这是别人保存的检索。",
    lambda actor, search, now: search is None or search.user_id == actor.id,
)
GRANTS = policy.declare({"alert.own": [[signed_in, own_search]]})


def next_digest(frequency: Frequency, now: datetime) -> datetime | None:
    """The next instant at which a digest is due, after ``now``; ``None`` where there is none."""
    if frequency not in (Frequency.DAILY, Frequency.WEEKLY):
        return None
    local = now.astimezone(BEIJING)
    due = datetime.combine(local.date(), DIGEST_AT, BEIJING)
    while due <= local or (frequency is Frequency.WEEKLY and due.weekday() != 0):
        due += timedelta(days=1)
    return due.astimezone(now.tzinfo)


def parameters(filters: Filters, kind: str) -> dict[str, Any]:
    """What a search asks for, as it is stored and as it stands in an address; empty ones are left out."""
    said: dict[str, Any] = {"q": filters.q, "kind": kind}
    said |= {name: list(getattr(filters, name)) for name in FACETS}
    return {name: value for name, value in said.items() if value}


def filters_of(said: Mapping[str, Any]) -> Filters:
    """The list's filters of a stored search."""
    return Filters.read({name: [value] if isinstance(value, str) else value for name, value in said.items()})


def has_facets(document: Document, chosen: Mapping[str, Sequence[str]], now: datetime) -> bool:
    """Whether the document has one of the chosen values of each facet; the state is the clock's at this instant."""
    for name, values in chosen.items():
        own = (phase(document.state, document.closes_at, now),) if name == "state" else document.facet(name)
        if values and not set(own) & set(values):
            return False
    return True


def became_at(document: Document, states: Sequence[str], now: datetime, changed_at: datetime) -> datetime:
    """Since when the document answers to a search: since it is visible; where a state was asked for, since it is in
    that state (a phase by its instant, another state by the instant of the change).
    """
    visible = document.visible_at or document.published_at or changed_at
    if not states:
        return visible
    match phase(document.state, document.closes_at, now):
        case str(at) if at == OPEN:
            return visible
        case str(at) if at == CLOSING and document.closes_at is not None:
            return max(visible, document.closes_at - CLOSING_WINDOW)
        case str(at) if at == CLOSED and document.closes_at is not None:
            return max(visible, document.closes_at)
        case _:
            return max(visible, changed_at)
