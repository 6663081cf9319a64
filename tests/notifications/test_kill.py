"""kill -9 loses nothing and sends nothing twice."""

from __future__ import annotations

import json
import subprocess
import sys
from email import policy as mail_policy
from email.parser import BytesParser
from pathlib import Path

from sqlalchemy import create_engine, text

from tests.sizes import size

ROUNDS = size(20, 200)
FINISH = """
import sys
from pathlib import Path
from marketplace import create_app, db, worker
from marketplace.platform.audit import queries
from tests.notifications.storm import config
create_app(config(Path(sys.argv[1])))
worker.run("outbox"); worker.run("outbox")
for _ in range(400): worker.run("mails")
with db.transaction():
    verdict = queries.verify()
assert verdict.ok, verdict
"""


def test_kill_loses_nothing_and_sends_none_twice(tmp_path):
    root = Path(__file__).resolve().parents[2]
    storm = subprocess.run(
        [sys.executable, "-m", "tests.notifications.storm", str(tmp_path), str(ROUNDS)],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    acknowledged = json.loads(storm.stdout)["acknowledged"]
    assert list((tmp_path / "mail").glob("*.eml")), "the worker delivered nothing while it was being killed"
    subprocess.run([sys.executable, "-c", FINISH, str(tmp_path)], cwd=root, check=True, capture_output=True)

    engine = create_engine(f"sqlite:///{tmp_path / 'storm.sqlite'}")
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
