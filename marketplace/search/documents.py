"""What the index holds: one shape for every kind of thing that can be found (product.md §6).

Pure. The database is the truth; a ``Document`` is what it says about one demand, answer, notice, case or
capability at one version. Instants are aware UTC datetimes, money is integer 分.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

# The facets in the order in which the page shows them. ``kind`` is the tab; every other one takes several values.
FACETS = ("kind", "direction", "industry", "mode", "state", "budget", "unit", "batch", "year")

# A stored state that the clock refines into the phases below (product.md §2.1).
CLOCKED = "published"
OPEN, CLOSING, CLOSED = "open", "closing", "closed"
PHASES = (OPEN, CLOSING, CLOSED)
CLOSING_WINDOW = timedelta(hours=72)

SORTS = ("relevance", "deadline", "newest", "budget")


@dataclass(frozen=True, slots=True)
class Document:
    """One thing that can be found.

    ``id`` is unique over all kinds (``demand:ZZGX-2026-01-003``). ``version`` changes whenever anything here does;
    the drift check compares (id, version). ``identifiers`` are numbers and codes by which people look it up.
    ``visible_at``: before it the document is in no result, count or suggestion (``None`` = already visible).
    ``closes_at`` makes the clock phases together with ``state``; nothing that changes with time is stored.
    Facet values are codes; what a person reads for them is the caller's business. ``unit_name`` is what is searched for
    where ``unit`` is a code.
    """

    id: str
    kind: str
    version: int = field(default=0, kw_only=True)
    title: str = ""
    summary: str = ""
    body: str = ""
    tags: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    unit: str = ""
    unit_name: str = ""
    direction: str = ""
    industries: tuple[str, ...] = ()
    mode: str = ""
    state: str = ""
    budget_fen: int | None = None
    budget: str = ""
    batch: str = ""
    year: str = ""
    visible_at: datetime | None = None
    closes_at: datetime | None = None
    published_at: datetime | None = None

    def facet(self, name: str) -> tuple[str, ...]:
        """The stored values of a facet; ``state`` without its clock phases."""
        if name == "industry":
            return self.industries
        value = getattr(self, name)
        return (value,) if value else ()


def stamped(document: Document) -> Document:
    """The document with its version: a digest of all it says, so that whatever changes it, changes that."""
    said = repr(astuple(replace(document, version=0))).encode()
    return replace(document, version=int.from_bytes(blake2b(said, digest_size=8).digest()) >> 2)


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEVER = 2**62  # an instant after every other one, in microseconds: the absent deadline


def micros(instant: datetime) -> int:
    """Whole microseconds since 1970 UTC: exact, so that 17:00:00 is 17:00:00 in every index."""
    return (instant - EPOCH) // timedelta(microseconds=1)


def phase(state: str, closes_at: datetime | None, now: datetime) -> str:
    """The state a person is shown: ``published`` becomes open, closing (< 72 h left) or closed at the instant."""
    if state != CLOCKED or closes_at is None:
        return state
    if now >= closes_at:
        return CLOSED
    return CLOSING if closes_at - now < CLOSING_WINDOW else OPEN
