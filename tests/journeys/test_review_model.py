"""A review under random acts of twelve people (and the clock): whatever they try, in whatever order, the rules hold.

Four kinds of review at six depths; a deep one is made once and walked often, each walk taken back by a savepoint. Then
the same walks with one rule broken on purpose, rule by rule: each time they must notice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from sqlalchemy.orm import Session

from marketplace.notices.rules.objections import Remedy
from marketplace.platform.audit import queries as log
from tests.demands.conftest import Stage
from tests.journeys.review_walk import CAST, DEPTHS, KINDS, Deep, Kind, Walk, build, deepen, undone, upheld
from tests.sizes import size

WALKS, STEPS, SEED = size(24, 500), size(30, 50), 20261127
GOES_TO = {
    "sheet locked",
    "panel_seat recused",
    "demand notice",
    "award confirmed",
    "bid void",
    "notice revoked",
    "price called",
}


def reviews(stage: Stage, session: Session, kinds: Sequence[Kind] = KINDS) -> Iterator[tuple[Deep, str]]:
    """Every kind at every depth, each taken back when the next one is asked for."""
    connection = session.connection()
    for kind in kinds:
        with undone(connection):
            deep = build(Stage(stage.now), kind)
            for depth in DEPTHS:
                if depth != "upheld":
                    deepen(deep.afresh(), kind, depth)
                    yield deep, depth
                    continue
                for remedy in Remedy:
                    with undone(connection):
                        upheld(deep.afresh(), remedy)
                        yield deep, f"upheld, {remedy}"


def walk_on(walk: Walk) -> None:
    """``STEPS`` acts; who fails says which walk it was and how it came there."""
    try:
        for _ in range(STEPS):
            any(walk.step() for _ in range(20))
    except Exception as error:
        raise AssertionError(f"{error}; seed {walk.seed}: " + " | ".join(walk.history)) from error


def test_no_rule_breaks_whatever_twelve_people_try(session: Session, stage: Stage) -> None:
    assert len(CAST) >= 12
    done = refused = seed = 0
    reached: set[str] = set()
    acts: Counter[str] = Counter()
    connection = session.connection()
    places = len(KINDS) * (len(DEPTHS) - 1 + len(Remedy))
    for place, (deep, depth) in enumerate(reviews(stage, session)):
        for _ in range(WALKS * (place + 1) // places - WALKS * place // places):
            with undone(connection):
                walk = Walk(deep, depth, SEED + seed)
                walk_on(walk)
                seed += 1
                done, refused = done + walk.done, refused + walk.refused
                reached |= walk.reached
                acts.update(item for item in walk.history if ":" not in item)
                assert seed % 10 or log.verify().ok
    assert seed == WALKS
    # The walks go somewhere: otherwise nothing was checked.
    assert done > WALKS * STEPS // 4
    assert refused > WALKS
    missing = GOES_TO - reached
    assert not missing, (missing, acts)
