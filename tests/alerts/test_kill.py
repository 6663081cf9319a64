"""kill -9 of the worker: every new hit is told, and none twice."""

from __future__ import annotations

from sqlalchemy import create_engine, text

from tests.sizes import size
from tests.storm import calm, database, rage

ROUNDS = size(5, 50)


def test_each_hit_exactly_once_whatever_is_killed(tmp_path):
    acknowledged = rage("tests.alerts.storm", tmp_path, ROUNDS)
    calm(tmp_path, 'worker.run("outbox"); worker.run("outbox"); worker.run("alerts by the clock")')

    engine = create_engine(database(tmp_path))
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
