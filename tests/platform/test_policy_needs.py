"""The three ready-made needs: a fact, one's own, another person."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from marketplace.platform import policy
from marketplace.platform.policy import Actor

NOW = datetime(2026, 11, 23, tzinfo=UTC)
LI, VISITOR = Actor(id=7), Actor()


@pytest.mark.parametrize(
    ("holder", "actor", "is_own", "is_another"),
    [
        (7, LI, True, False),
        (8, LI, False, True),
        (None, LI, False, False),
        (7, VISITOR, False, False),
        (None, VISITOR, False, False),
    ],
)
def test_own_and_another(holder: int | None, actor: Actor, is_own: bool, is_another: bool) -> None:
    subject = SimpleNamespace(proposed_by_id=holder)
    assert policy.own("proposed_by_id", "").check(actor, subject, NOW) is is_own
    assert policy.another("proposed_by_id", "").check(actor, subject, NOW) is is_another


@pytest.mark.parametrize("value", [True, False])
def test_fact(value: bool) -> None:
    assert policy.fact("is_seated", "").check(LI, SimpleNamespace(is_seated=value), NOW) is value
