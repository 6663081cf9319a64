"""kill -9 loses nothing and sends nothing twice."""

from __future__ import annotations

from email import policy as mail_policy
from email.parser import BytesParser

from sqlalchemy import create_engine, text

from tests.sizes import size
from tests.storm import calm, database, rage

ROUNDS = size(20, 200)
FINISH = """
from marketplace.platform.audit import queries
worker.run("outbox"); worker.run("outbox")
for _ in range(400): worker.run("mails")
with db.transaction():
    verdict = queries.verify()
assert verdict.ok, verdict
"""


def test_kill_loses_nothing_and_sends_none_twice(tmp_path):
    acknowledged = rage("tests.notifications.storm", tmp_path, ROUNDS)
    assert list((tmp_path / "mail").glob("*.eml")), "the worker delivered nothing while it was being killed"
    calm(tmp_path, FINISH)

    engine = create_engine(database(tmp_path))
    with engine.connect() as connection:

        def one(sql: str) -> int:
            return connection.execute(text(sql)).scalar_one()

        changes = one("SELECT version - 1 FROM batch")
        kinds = "('batch.collect', 'batch.assemble')"
        leaves = one(f"SELECT count(*) FROM audit_detail WHERE kind IN {kinds}")
        rows = one(f"SELECT count(*) FROM outbox WHERE topic IN {kinds}")
        assert changes == leaves == rows
        assert acknowledged <= changes <= acknowledged + ROUNDS  # a kill may fall between the commit and its byte
        collects = one("SELECT count(*) FROM outbox WHERE topic = 'batch.collect'")
        people = 2  # the unit's drafter and approver
        assert one("SELECT count(*) FROM message") == collects * people
        assert one("SELECT count(*) FROM mail") == collects * people
        assert one("SELECT count(*) FROM mail WHERE sent_at IS NULL") == 0
        assert one("SELECT count(*) - count(DISTINCT user_id || key) FROM message") == 0
    engine.dispose()

    files = sorted((tmp_path / "mail").glob("*.eml"))
    parser = BytesParser(policy=mail_policy.default)
    identities = {parser.parsebytes(file.read_bytes())["Message-ID"] for file in files}
    assert len(files) == len(identities) == collects * people
