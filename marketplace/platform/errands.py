"""What waits for whom, told by the features themselves: one line on the work desk and on the demo's sign-in cards.

A feature registers, in its ``install``, a function for the roles that it concerns:

    errands.register(("custodian",), releases.waiting)      # waiting(actor, now) -> list[Errand]

The function answers with at most ``MOST`` errands of this actor, the soonest due first, in one query; it names only
what the actor may know. The desk asks the functions of the roles that somebody holds and no others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from marketplace.platform.policy import Actor

MOST = 50
FAR = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Errand:
    """``matter``: the kind of work (开启标书); ``verb``: what the button says; ``state``: (label, tone) of its badge."""

    title: str
    matter: str
    verb: str
    url: str
    note: str = ""
    due_at: datetime | None = None
    state: tuple[str, str] | None = None


Source = Callable[[Actor, datetime], Sequence[Errand]]

_sources: dict[str, tuple[tuple[str, ...], Source]] = {}


def register(roles: Sequence[str], source: Source) -> None:
    """Ask ``source`` for everybody who holds one of ``roles``. Registering it again changes nothing."""
    _sources[f"{source.__module__}.{source.__qualname__}"] = (tuple(roles), source)


def waiting(actor: Actor, now: datetime, *, roles: frozenset[str] | None = None) -> list[Errand]:
    """Everything that waits for the actor in these roles (all of his, when none are given), the soonest due first."""
    held = roles if roles is not None else frozenset(role for role, _ in actor.roles)
    found = [errand for wanted, source in _sources.values() if held & set(wanted) for errand in source(actor, now)]
    return sorted(found, key=lambda errand: errand.due_at or FAR)
