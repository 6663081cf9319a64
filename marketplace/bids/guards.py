"""What the database itself refuses about bids, whoever asks: late rows, and changes of what was committed to.

The triggers use the site's clock as ``platform.clock.decided_at`` does: the database's own plus ``site_clock.offset_s``.
The instant that counts is the row's ``decided_at``, read after the demand was locked; the second comparison, with five
seconds for the statement to arrive, keeps anybody from writing a row with an instant of his choice later on.
"""

from __future__ import annotations

from marketplace import db
from marketplace.bids.models import BidFreeze, BidReceipt, BidVersion

LATE = "bid_version is late"
FIXED = "is fixed"

_SQLITE_LATE = """
CREATE TRIGGER bid_version_in_time BEFORE INSERT ON bid_version
WHEN NOT EXISTS (
  SELECT 1 FROM demand WHERE id = NEW.demand_id AND state = 'published'
  AND substr(NEW.decided_at, 1, 23) < substr(closes_at, 1, 23)
  AND strftime('%Y-%m-%d %H:%M:%f', 'now', printf('%+.3f seconds',
    coalesce((SELECT offset_s FROM site_clock WHERE id = 1), 0) - 5)) < substr(closes_at, 1, 23))
BEGIN SELECT RAISE(ABORT, 'bid_version is late'); END
"""
_POSTGRES_LATE = """
CREATE OR REPLACE FUNCTION bid_version_in_time() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (
    SELECT 1 FROM demand WHERE id = NEW.demand_id AND state = 'published' AND NEW.decided_at < closes_at
    AND clock_timestamp() + make_interval(secs =>
      coalesce((SELECT offset_s FROM site_clock WHERE id = 1), 0) - 5) < closes_at)
  THEN RAISE EXCEPTION 'bid_version is late'; END IF;
  RETURN NEW;
END $$
"""
_POSTGRES_LATE_TRIGGER = """
CREATE TRIGGER bid_version_in_time BEFORE INSERT ON bid_version
FOR EACH ROW EXECUTE FUNCTION bid_version_in_time()
"""

_FIXED_COLUMNS = {
    "bid_version": "bid_id, demand_id, version, manifest, manifest_hash, demand_version, decided_at",
    "bid_receipt": "public_id, bid_id, act, version, manifest_hash, at",
    "bid_freeze": "demand_id, document, hash",
}


def statements() -> list[tuple[str, str]]:
    """(dialect, statement) pairs in order; the migration executes them."""
    made = [("sqlite", _SQLITE_LATE), ("postgresql", _POSTGRES_LATE), ("postgresql", _POSTGRES_LATE_TRIGGER)]
    for table, columns in _FIXED_COLUMNS.items():
        for name, verb in ((f"{table}_fixed", f"UPDATE OF {columns}"), (f"{table}_kept", "DELETE")):
            refusal = f"BEGIN SELECT RAISE(ABORT, '{table} {FIXED}'); END"
            made.append(("sqlite", f"CREATE TRIGGER {name} BEFORE {verb} ON {table} {refusal}"))
        function = f"CREATE OR REPLACE FUNCTION {table}_fixed() RETURNS trigger LANGUAGE plpgsql AS "
        made.append(("postgresql", f"{function}$$ BEGIN RAISE EXCEPTION '{table} {FIXED}'; END $$"))
        trigger = f"CREATE TRIGGER {table}_fixed BEFORE UPDATE OF {columns} OR DELETE ON {table} "
        made.append(("postgresql", f"{trigger}FOR EACH ROW EXECUTE FUNCTION {table}_fixed()"))
    return made


FUNCTIONS = ("bid_version_in_time", *(f"{table}_fixed" for table in _FIXED_COLUMNS))

_TABLES = {model.__tablename__: model.__table__ for model in (BidVersion, BidReceipt, BidFreeze)}
for _dialect, _statement in statements():
    db.trigger(next(table for name, table in _TABLES.items() if name in _statement), _dialect, _statement)
