"""Permissions as data: ``GRANTS = {permission: [[need, need], [need]]}`` is an OR of ANDs of named needs.

``why_not`` guards the route, the service *and* decides whether the page shows the button. Default deny: a
permission nobody declared is a ``KeyError``, never a yes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marketplace.platform.errors import Forbidden, Sentence


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. ``roles`` are (role, organisation id) pairs that are in force now. A visitor has no id."""

    id: int | None = None
    name: str = ""
    username: str = ""
    organisation_id: int | None = None
    roles: frozenset[tuple[str, int]] = frozenset()
    session_id: int | None = None
    is_system: bool = False

    @property
    def signed_in(self) -> bool:
        return self.id is not None

    def has(self, *roles: str, at: int | None = None) -> bool:
        """Holds one of the roles, in organisation ``at`` if given."""
        return any(role in roles and (at is None or at == where) for role, where in self.roles)

    def organisations(self, *roles: str) -> frozenset[int]:
        """Organisations in which the actor holds one of the roles (any role when none is named)."""
        return frozenset(where for role, where in self.roles if not roles or role in roles)


VISITOR = Actor()
SYSTEM = Actor(name="系统", username="system", is_system=True)

Check = Callable[[Actor, Any, datetime], bool]


@dataclass(frozen=True, slots=True)
class Need:
    """One named condition and the sentence that says, when it fails, what, why and what to do."""

    name: str
    refusal: str
    check: Check


Grants = Mapping[str, Sequence[Sequence[Need]]]

_declared: dict[str, Sequence[Sequence[Need]]] = {}


def declare(grants: Grants) -> Grants:
    """Register a feature's grants; each permission is declared once."""
    for permission, alternatives in grants.items():
        known = _declared.get(permission)
        assert known is None or known is alternatives, f"{permission} is declared twice"
        _declared[permission] = alternatives
    return grants


def declared() -> Grants:
    """Every permission of the product."""
    return _declared


def why_not(permission: str, actor: Actor, subject: Any, now: datetime) -> str | None:
    """``None`` when allowed, else the refusal of the alternative that came closest (fewest failing needs)."""
    closest: list[str] | None = None
    for needs in _declared[permission]:
        failed = [need.refusal for need in needs if not need.check(actor, subject, now)]
        if not failed:
            return None
        if closest is None or len(failed) < len(closest):
            closest = failed
    return closest[0] if closest else Sentence("没有人可以这样做。")


def allows(permission: str, actor: Actor, subject: Any, now: datetime) -> bool:
    return why_not(permission, actor, subject, now) is None


def require(permission: str, actor: Actor, subject: Any, now: datetime) -> None:
    """Raise ``Forbidden`` with the reason unless allowed."""
    if (reason := why_not(permission, actor, subject, now)) is not None:
        raise Forbidden(reason)


def _is_anyone(actor: Actor, subject: Any, now: datetime) -> bool:
    return True


def _is_signed_in(actor: Actor, subject: Any, now: datetime) -> bool:
    return actor.signed_in


anyone = Need("anyone", "", _is_anyone)
signed_in = Need("signed_in", "请先登录。", _is_signed_in)


def role(*roles: str, refusal: str) -> Need:
    """The actor holds one of these roles, wherever."""

    def check(actor: Actor, subject: Any, now: datetime) -> bool:
        return actor.has(*roles)

    return Need("role:" + "|".join(roles), refusal, check)


def fact(name: str, refusal: str) -> Need:
    """The subject says so itself: its boolean property ``name`` is true."""
    return Need(name, refusal, lambda actor, subject, now: bool(getattr(subject, name)))


def own(attribute: str, refusal: str) -> Need:
    """The subject belongs to the actor: ``attribute`` holds his account id."""
    return Need(
        f"own:{attribute}",
        refusal,
        lambda actor, subject, now: actor.id is not None and getattr(subject, attribute) == actor.id,
    )


def another(attribute: str, refusal: str) -> Need:
    """Two persons: ``attribute`` holds the account id of somebody, and it is not the actor."""
    return Need(
        f"another:{attribute}",
        refusal,
        lambda actor, subject, now: getattr(subject, attribute) not in (None, actor.id) and actor.id is not None,
    )
