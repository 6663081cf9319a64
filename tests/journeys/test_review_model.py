"""A review under random acts of twelve people (and the clock): whatever they try, in whatever order, the rules hold.

Four kinds of review at six depths; a deep one is made once and walked often, each walk taken back by a savepoint. Then
the same walks with one rule broken on purpose, rule by rule: each time they must notice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from marketplace.awards.service import deciding
from marketplace.notices import queries as notice_queries
from marketplace.notices.rules.objections import Remedy
from marketplace.platform import audit, policy
from marketplace.platform.audit import queries as log
from marketplace.platform.audit.service import Leaf
from marketplace.platform.policy import SYSTEM
from marketplace.results import queries as results
from marketplace.results.service import outs, ranking, report
from marketplace.scoring.rules import sheets as sheet_rules
from marketplace.scoring.rules.sheets import SheetAction, SheetState
from marketplace.scoring.service import sheets
from tests.demands.conftest import Stage
from tests.journeys.review_walk import CAST, DEPTHS, KINDS, Deep, Kind, Walk, build, deepen, undone, upheld
from tests.sizes import size

WALKS, STEPS, SEED = size(12, 500), size(30, 50), 20261127
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


@pytest.mark.timeout(size(300, 3600))
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
    # Twelve short walks need not come everywhere: the breaks below show that they look. Five hundred do.
    missing = GOES_TO - reached if WALKS * STEPS > 10_000 else set()
    assert not missing, (missing, acts)


# -- each rule broken on purpose -------------------------------------------------------------------------------------


class Blind:
    """Stands for a module or a row; what is set on it hides what is there, for those who ask it here."""

    def __init__(self, real: Any, **said: Any) -> None:
        self._real = real
        self.__dict__.update(said)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def everybody(permission: str) -> Callable[[pytest.MonkeyPatch], None]:
    """Whoever wants may do this."""
    return lambda patch: patch.setitem(policy._declared, permission, [[policy.anyone]])


def gone(module: Any, name: str, answer: Any) -> Callable[[pytest.MonkeyPatch], None]:
    """A question that is always answered alike."""
    return lambda patch: patch.setattr(module, name, lambda *args, **more: answer)


def without(permission: str, need: str) -> Callable[[pytest.MonkeyPatch], None]:
    """One need of a permission is forgotten."""

    def broken(patch: pytest.MonkeyPatch) -> None:
        kept = [[item for item in needs if item.name != need] for needs in policy.declared()[permission]]
        assert kept != policy.declared()[permission], (permission, need)
        patch.setitem(policy._declared, permission, kept)

    return broken


def both(*breaks: Callable[[pytest.MonkeyPatch], None]) -> Callable[[pytest.MonkeyPatch], None]:
    """Several guards of one rule at once."""
    return lambda patch: [item(patch) for item in breaks] and None


def _partial_lists_close(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sheets, "may_close", lambda wanted, done: bool(done))
    patch.setitem(sheet_rules.TABLE, (SheetState.DRAFT, SheetAction.LOCK), SheetState.LOCKED)


def _locked_sheets_open(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(sheet_rules.TABLE, (SheetState.LOCKED, SheetAction.SAVE), SheetState.LOCKED)


def _no_draw_is_needed(patch: pytest.MonkeyPatch) -> None:
    def latest(demand_id: int) -> Any:
        found = results.latest(demand_id)
        return None if found is None else Blind(found, undecided=())

    patch.setattr(report, "queries", Blind(results, latest=latest))
    without("notice.propose", "ranking_is_decided")(patch)


def _one_may_do_both(patch: pytest.MonkeyPatch) -> None:
    """Nobody asks any more whether a proposal is confirmed by another."""
    for permission in ("demand.announce", "demand.award", "notice.publish", "notice.stand", "award.confirm"):
        patch.setitem(policy._declared, permission, [[policy.anyone]])


def believes(user: Any, name: str, question: str, answer: Any) -> Callable[[pytest.MonkeyPatch], None]:
    """``user``'s own module of questions answers one of them alike; everybody else's does not."""

    def broken(patch: pytest.MonkeyPatch) -> None:
        told = {question: lambda *args, **more: answer}
        patch.setattr(user, name, Blind(getattr(user, name), **told))

    return broken


class Everything:
    """Contains whatever is asked for."""

    def __contains__(self, item: object) -> bool:
        return True


# rule → how it is broken, what the walk says, kind and depth at which it is to be seen
BROKEN: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], str, str, str]] = {
    "an objection freezes the award": (
        gone(notice_queries, "open_objections", 0),
        "awarded while an objection was open",
        "plain",
        "noticed",
    ),
    "no award inside the window": (
        both(
            without("notice.propose_award", "window_over"),
            without("notice.stand", "window_over"),
            without("award.confirm", "window_over"),
        ),
        "awarded inside the window",
        "racing",
        "noticed",
    ),
    "objections are filed inside the window": (
        everybody("objection.file"),
        "filed outside the window",
        "plain",
        "noticed",
    ),
    "an answer takes two": (
        both(*(everybody(f"objection.{act}") for act in ("uphold", "dismiss"))),
        "two_people",  # the database says it before the walk does
        "plain",
        "noticed",
    ),
    "a partial list never closes": (_partial_lists_close, "", "plain", "fresh"),
    "a locked sheet stays": (
        both(_locked_sheets_open, everybody("sheet.save")),
        "a locked sheet changed",
        "plain",
        "scored",
    ),
    "only the expert writes": (
        both(everybody("sheet.save"), everybody("sheet.hand_in")),
        "",
        "plain",
        "fresh",
    ),
    "corrections are countersigned": (
        both(everybody("sheet.propose_mend"), everybody("sheet.mend")),
        "corrected",
        "plain",
        "scored",
    ),
    "prices come after the scores": (
        believes(ranking, "queries", "is_locked", True),
        "prices were called for while something was missing",
        "two-step",
        "fresh",
    ),
    "who leaves does not count": (
        both(
            believes(ranking, "queries", "is_current", True),
            believes(report, "queries", "is_current", True),
            believes(deciding, "results", "is_current", True),
        ),
        "",  # announced while a seat is vacant, or with a ranking of who left
        "plain",
        "ranked",
    ),
    "who is recused during the notice stops the award": (
        believes(deciding, "results", "counted_no_more", []),
        "awarded on sheets of who left",
        "plain",
        "noticed",
    ),
    "a disqualified bid is ranked no more": (
        gone(outs, "compute", None),
        "",  # the ranking in force is not of what is stored, or ranked though disqualified
        "plain",
        "scored",
    ),
    "equal bids are drawn": (_no_draw_is_needed, "a tie was announced without a draw", "tie", "scored"),
    "the report is signed first": (
        both(without("notice.propose", "report_is_signed"), without("notice.publish", "report_is_signed")),
        "announced without",
        "plain",
        "scored",
    ),
    "two people decide": (_one_may_do_both, "two_people", "plain", "noticed"),
    "no more awards than promised": (
        believes(deciding, "queries", "vacant", Everything()),
        "",
        "plain",
        "awarded",
    ),
    "everybody has a letter": (gone(deciding.notices, "send_letters", []), "letter", "plain", "ranked"),
    "state and leaf are one": (
        gone(audit, "append", Leaf("", "", SYSTEM, datetime.now(UTC), {})),
        "is not in the log",
        "plain",
        "fresh",
    ),
}
IN_CI = ("an objection freezes the award", "a partial list never closes", "prices come after the scores")


def noticed(walk: Walk) -> str | None:
    """What the walk finds broken."""
    try:
        walk_on(walk)
    except AssertionError as error:
        return str(error).partition("; seed")[0]
    return None


@pytest.mark.timeout(size(300, 1200))
@pytest.mark.parametrize("rule", tuple(BROKEN) if size(0, 1) else IN_CI)
def test_a_broken_rule_is_noticed(rule: str, session: Session, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, said, kind, where = BROKEN[rule]
    connection = session.connection()
    for deep, depth in reviews(stage, session, [item for item in KINDS if item.name == kind]):
        for seed in range(60 if depth == where else 0):
            with undone(connection), monkeypatch.context() as patch:
                walk = Walk(deep, depth, SEED + seed)
                broken(patch)
                if (found := noticed(walk)) is not None:
                    assert said in found
                    return
        if depth == where:
            break
    raise AssertionError(f"nobody noticed: {rule}")
