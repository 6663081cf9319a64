"""States as data: a literal table ``{(state, action): state}``; what is not listed is refused.

``perform`` is the only writer of a status, for administrators too: it asks the policy, advances the table, writes
the audit leaf and the outbox row — one transaction with the change itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from marketplace.platform import audit, outbox, policy
from marketplace.platform.errors import Refused, Sentence
from marketplace.platform.policy import Actor


class HasState(Protocol):
    """Anything with a life: ``audit_subject`` names it in the log (``demand:12``)."""

    state: Any

    @property
    def audit_subject(self) -> str: ...


MACHINES: dict[str, Machine] = {}  # by name, for those who read the log


@dataclass(frozen=True, slots=True)
class Machine:
    """A transition table with the words for its states and actions.

    ``name`` prefixes permissions and log kinds: ``demand.publish``.
    """

    name: str
    table: Mapping[Any, Any]  # {(state, action): state}, each feature with its own enums
    state_labels: Mapping[Any, str]
    action_labels: Mapping[Any, str]

    def __post_init__(self) -> None:
        MACHINES[self.name] = self

    def advance(self, state: StrEnum, action: StrEnum) -> StrEnum:
        """The next state. Raises ``Refused`` naming the state when the action has no place there."""
        try:
            after: StrEnum = self.table[state, action]
            return after
        except KeyError:
            raise Refused(
                "现在是“%(state)s”，不能“%(action)s”。请刷新页面查看最新状态。",
                state=Sentence(self.state_labels[state]),
                action=Sentence(self.action_labels[action]),
            ) from None

    def actions(self, state: StrEnum) -> list[StrEnum]:
        """Actions that have a place in this state, in table order."""
        return [action for (at, action) in self.table if at == state]

    def permission(self, action: StrEnum) -> str:
        return f"{self.name}.{action}"


@dataclass(frozen=True, slots=True)
class Offered:
    """An action as a page shows it: allowed, or with the reason why not."""

    action: StrEnum
    label: str
    refusal: str | None


def offered(machine: Machine, thing: HasState, *, actor: Actor, now: datetime) -> list[Offered]:
    """Every action that has a place in the present state, with the policy's word on this actor."""
    return [
        Offered(action, machine.action_labels[action], policy.why_not(machine.permission(action), actor, thing, now))
        for action in machine.actions(thing.state)
    ]


def perform(
    machine: Machine,
    thing: HasState,
    action: StrEnum,
    *,
    actor: Actor,
    now: datetime,
    reason: str = "",
    facts: Mapping[str, Any] | None = None,
    details: Mapping[str, Any] | None = None,
) -> audit.Leaf:
    """Check policy and table, write the state, the leaf and the outbox row.

    ``facts`` go into the public leaf (no personal data); ``reason`` and ``details`` into its erasable side record.
    Raises ``Forbidden`` (policy) or ``Refused`` (table).
    """
    # The table first: "already published" is the truer answer than "not your role" once the page is stale.
    before = thing.state
    after = machine.advance(before, action)
    policy.require(machine.permission(action), actor, thing, now)
    thing.state = after
    kind = machine.permission(action)
    leaf = audit.append(
        kind,
        subject=thing.audit_subject,
        actor=actor,
        at=now,
        facts={"from": str(before), "to": str(after), **(facts or {})},
        details={"reason": reason, **(details or {})},
    )
    outbox.emit(kind, {"subject": thing.audit_subject, "actor_id": actor.id, "reason": reason, **(facts or {})}, at=now)
    return leaf
