"""``flask demo --stage``: nobody goes past the stage, and what does not reach it stays as told."""

from __future__ import annotations

from collections import Counter

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.demo import play
from tests.demo.empty import empty


@pytest.mark.parametrize("upto", [State.SUBMITTED, State.POOLED])
def test_no_demand_goes_past_the_stage(app: Flask, session: Session, upto: State) -> None:
    empty(session)
    with app.app_context():
        played = play.play(upto=upto)
    found = Counter(session.scalars(select(Demand.state)))
    assert played > 200
    beyond = play.ROAD[play.ROAD.index(upto) + 1 :]
    assert [state for state in beyond if found[state]] == []
    assert found[upto] > 40
    assert found[State.DRAFT] >= 4
    assert found[State.RETURNED] == 3


def test_an_unknown_stage_is_refused_in_words(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["demo", "--stage", "elsewhere"])
    assert result.exit_code == 2
    assert "published" in result.output
