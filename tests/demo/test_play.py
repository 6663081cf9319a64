"""The story is played by the rules alone."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from marketplace import db
from marketplace.demands.models import Demand
from marketplace.demo import play
from marketplace.demo.content import story
from marketplace.platform import clock
from marketplace.platform.audit import queries as log


@pytest.fixture
def played(session):
    """The demo in an otherwise empty transaction."""
    for table in reversed(db.Base.metadata.sorted_tables):
        if table.name in {"audit_leaf", "audit_node", "audit_checkpoint"}:
            continue
        session.execute(delete(table))
    session.commit()
    scenes = play.play()
    session.commit()
    return scenes


def test_every_demand_stands_where_the_story_says(played, session):
    assert clock.offset() == timedelta(0)
    now = clock.site_now()
    phases = Counter(demand.phase(now) for demand in session.scalars(select(Demand)))
    wanted = Counter(part.state for part in story.parts().values() if part.state != "published")
    wanted["draft"] += 1  # the lapsed demand that was published again is a new draft
    published = sum(part.state == "published" for part in story.parts().values())
    assert {state: phases[state] for state in wanted} == dict(wanted)
    assert phases["open"] + phases["closing"] + phases["closed"] == published
    assert min(phases["open"], phases["closing"], phases["closed"]) >= 2
    assert sum(phases.values()) >= 60


def test_every_state_was_reached_through_the_log(played, session):
    for demand in session.scalars(select(Demand)):
        last = [entry for entry in session.scalars(log.history(demand.audit_subject)) if "to" in entry.facts]
        assert (last[-1].facts["to"] if last else "draft") == str(demand.state), demand.title


def test_a_second_run_finds_it(played):
    assert play.is_there()
