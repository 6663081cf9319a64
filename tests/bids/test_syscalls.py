"""SIGKILL at every system call by which one sealing writes: chunks to the storage, rows, log and receipt, the answer."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from sqlalchemy import Engine, select

from marketplace import db
from marketplace.bids.models import BidVersion
from marketplace.platform.audit import queries as log
from tests.bids.crowd import Tell
from tests.bids.test_crowd import Market, Shopper, check_whole
from tests.bids.tracing import traced
from tests.sizes import size

KILLS = size(12, 100_000)  # in CI evenly spread, in ``make soak`` every single one


def test_killed_at_every_system_call_of_one_sealing(real: Engine, tmp_path: Path) -> None:
    crowd = Market(real, tmp_path, 1)
    shopper = Shopper(crowd, crowd.names[0], tmp_path)
    with db.transaction():
        shopper.bid()
    url = real.url.render_as_string(hide_password=False)

    def seal(tell: Tell) -> None:
        db.configure(db.make_engine(url))  # with fsync, as in production
        shopper.once(tell, may_withdraw=False)

    answered: dict[str, str] = {}
    for _ in range(2):  # the first makes folders and so on; the second is like all that follow
        child, calls = traced(real, seal, kill_at=None)
        answered.update({thing["key"]: thing["receipt"] for thing in child.wait() if "receipt" in thing})
        assert child.status == 0
    assert len(answered) == 2
    made = Counter(calls)
    assert {"write", "fsync", "unlink"} <= set(made), made  # "link" may be its newer kin
    assert made["pwrite64"] > 5 if real.dialect.name == "sqlite" else made["sendto"] > 5
    step = max(1, len(calls) // KILLS)
    killed = 0
    for at in range(0, len(calls) + 20, step):  # a later run makes a few calls more or fewer
        child, _ = traced(real, seal, kill_at=at)
        said = child.wait()
        assert [thing for thing in said if "error" in thing] == []
        killed += child.status != 0
        answered.update({thing["key"]: thing["receipt"] for thing in said if "receipt" in thing})
        check_whole(crowd, answered)
        # The client asks again for what had no answer, under the same key: one version, whatever had been reached.
        if child.status != 0 and shopper.pending.exists():
            with db.transaction() as session:
                before = len(session.scalars(select(BidVersion.id)).all())
            again: list[dict[str, str]] = []
            shopper.once(again.append, may_withdraw=False)
            answered.update({thing["key"]: thing["receipt"] for thing in again if "receipt" in thing})
            check_whole(crowd, answered)
            with db.transaction() as session:
                assert len(session.scalars(select(BidVersion.id)).all()) - before in (0, 1)
    assert killed >= min(KILLS, len(calls)) * 0.9, (killed, len(calls))
    with db.transaction():
        assert log.verify().ok
