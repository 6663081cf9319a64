"""kill -9 of the worker: every new hit is told, and none twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from sqlalchemy import create_engine, text

from tests.sizes import size

ROUNDS = size(5, 50)
FINISH = """
import sys
from pathlib import Path
from marketplace import create_app, worker
from tests.notifications.storm import config
create_app(config(Path(sys.argv[1])))
worker.run("outbox"); worker.run("outbox"); worker.run("alerts by the clock")
"""


def test_each_hit_exactly_once_whatever_is_killed(tmp_path):
    root = Path(__file__).resolve().parents[2]
    storm = subprocess.run(
        [sys.executable, "-m", "tests.alerts.storm", str(tmp_path), str(ROUNDS)],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    acknowledged = json.loads(storm.stdout.splitlines()[-1])["acknowledged"]  # logs come before
    subprocess.run([sys.executable, "-c", FINISH, str(tmp_path)], cwd=root, check=True, capture_output=True)

    engine = create_engine(f"sqlite:///{tmp_path / 'storm.sqlite'}")
    with engine.connect() as connection:

        def rows(sql: str) -> list[tuple[object, ...]]:
            return [tuple(row) for row in connection.execute(text(sql))]

        ((public,),) = rows("SELECT count(*) FROM capability WHERE state = 'listed'")
        assert acknowledged <= public <= acknowledged + ROUNDS
        hits = rows(
            "SELECT search_id, count(*), count(DISTINCT document), count(sent_at) FROM saved_search_hit GROUP BY 1"
        )
        assert hits == [(1, public, public, public), (2, public, public, public)]
        told = rows("SELECT user_id, title FROM message WHERE \"key\" LIKE 'alert:%'")
        for user in {row[0] for row in told}:
            numbers = [int(str(title).split("有")[1].split("条")[0]) for who, title in told if who == user]
            assert sum(numbers) == public
        assert len({row[0] for row in told}) == 2
        mails = rows("SELECT to_address, subject FROM mail WHERE \"key\" LIKE 'alert:%'")
        assert len(mails) == len(told)
    engine.dispose()
