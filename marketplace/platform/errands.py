"""What waits for whom, told by the features themselves: one line on the work desk and on the demo's sign-in cards.

A feature registers, in its ``install``, for the roles that it concerns a query and how one of its rows is told:

    errands.register(("screener",), ask, tell)
    # ask(actor, now) -> errands.line(number=…, ref=…, title=…).where(…), or None when nothing can wait for him
    # tell(row) -> Errand, or None when a closer look says that nothing waits

Every query has the columns of ``line``, so the desk asks all of them in one statement (docs/adr/errands.md): however many
features there are, a desk costs the same. A query finds only what this actor may know and has to act on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, String, cast, func, literal, null, select, type_coerce, union_all

from marketplace import db
from marketplace.platform.policy import Actor
from marketplace.platform.working_days import Calendar, beijing_day, close_of

MOST = 50
FAR = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Errand:
    """``matter``: the kind of work (开启标书); ``verb``: what the button says; ``state``: (label, tone) of its badge.

    ``leads``: which step of the thing's life it is, as ``state:action`` of its transition table, where it is one.
    ``working_days``: it falls due at 17:00 of so many working days after ``due_at``; ``waiting`` answers with that.
    """

    title: str
    matter: str
    verb: str
    url: str
    note: str = ""
    due_at: datetime | None = None
    state: tuple[str, str] | None = None
    working_days: int = 0
    leads: str = ""

    def dated(self, calendar: Calendar) -> Errand:
        """With the instant at which it really falls due."""
        if self.due_at is None or not self.working_days:
            return self
        last = calendar.add_working_days(beijing_day(self.due_at), self.working_days)
        return replace(self, due_at=close_of(last), working_days=0)


Ask = Callable[[Actor, datetime], Select[Any] | None]
Tell = Callable[[Any], Errand | None]


@dataclass(frozen=True, slots=True)
class Source:
    roles: frozenset[str]
    ask: Ask
    tell: Tell


_sources: dict[str, Source] = {}


def register(roles: Sequence[str], ask: Ask, tell: Tell) -> None:
    """Ask for everybody who holds one of ``roles``. Registering it again changes nothing."""
    _sources[f"{ask.__module__}.{ask.__qualname__}"] = Source(frozenset(roles), ask, tell)


def line(*, number: Any, ref: Any, title: Any, note: Any = "", word: Any = "", due: Any = None) -> Select[Any]:
    """The columns that every source answers with. ``number``: the age where nothing is due, the lowest first;
    ``ref``: what the address is made of; ``word``: anything else that ``tell`` needs, several of them by ``words``.
    """
    return select(
        number.label("number"),
        _plain(ref).label("ref"),
        _plain(title).label("title"),
        _plain(note).label("note"),
        _plain(word).label("word"),
        (cast(null(), db.UtcDateTime()) if due is None else due).label("due_at"),
    )


def words(*parts: Any) -> ColumnElement[str]:
    """Several codes and figures in the one column ``word``; ``row.word.split("|")`` takes them apart."""
    joined: ColumnElement[str] = func.coalesce(_plain(parts[0]), "")
    for part in parts[1:]:
        joined = joined.concat("|").concat(func.coalesce(_plain(part), ""))
    return joined


def _plain(value: Any) -> ColumnElement[str]:
    """As it is stored: a code's own type would not take what the other queries of the union answer."""
    if isinstance(value, str):
        return literal(str(value))
    kind = value.type
    return (
        value
        if isinstance(kind, String)
        else type_coerce(value, String)
        if isinstance(kind, db.Code)
        else cast(value, String)
    )


def waiting(actor: Actor, now: datetime, calendar: Calendar, *, roles: frozenset[str] | None = None) -> list[Errand]:
    """What waits for the actor in these roles (all of his, when none are given), the soonest due first: one query."""
    held = roles if roles is not None else frozenset(role for role, _ in actor.roles)
    asked = {name: source.ask(actor, now) for name, source in _sources.items() if held & source.roles}
    parts = [query.add_columns(literal(name).label("kind")) for name, query in asked.items() if query is not None]
    if not parts:
        return []
    rows = union_all(*parts).subquery()
    order = (rows.c.due_at.is_(None), rows.c.due_at, rows.c.kind, rows.c.number)
    told = (_sources[row.kind].tell(row) for row in db.session.execute(select(rows).order_by(*order).limit(MOST)))
    found = [errand.dated(calendar) for errand in told if errand is not None]
    return sorted(found, key=lambda errand: errand.due_at or FAR)  # again, now that the working days are counted
