"""The reference: SQLite FTS5 over the same tokens, carrying out the same plans as well as SQL can."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path

from marketplace.search.documents import CLOCKED, CLOSED, CLOSING, CLOSING_WINDOW, NEVER, OPEN, micros
from marketplace.search.index import ENOUGH, Clause, Entry, Group, Plan, Request

COMBINATIONS_MAX = 64  # of the words of a relaxed query; above that any of them
PLAIN = ("kind", "direction", "mode", "budget", "unit", "batch", "year")
TABLES = """
CREATE VIRTUAL TABLE bag USING fts5(tokens, content='', tokenize="unicode61 remove_diacritics 0 tokenchars '~^.'");
CREATE TABLE doc (id INTEGER PRIMARY KEY, kind, direction, mode, state, budget, unit, batch, year,
                  visible INTEGER, closes INTEGER, published INTEGER, money INTEGER);
CREATE TABLE industry (code TEXT, id INTEGER, PRIMARY KEY (code, id)) WITHOUT ROWID;
"""
INDEXES = """
CREATE INDEX industry_id ON industry (id, code);
CREATE INDEX doc_facets ON doc (id, direction, mode, state, closes, visible, published, money);
INSERT INTO bag(bag) VALUES ('optimize');
ANALYZE;
"""
COUNT = "SELECT count(*) FROM hit"


class Fts5:
    """One database file; writes for building only."""

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-200000;")
        self.db.executescript("PRAGMA temp_store=MEMORY;" + TABLES)

    def build(self, entries: Iterable[Entry]) -> None:
        self.db.execute("BEGIN")
        for entry in entries:
            d, nid = entry.document, entry.nid
            tokens = " ".join(" ".join([token] * number) for token, number in entry.bag.items())
            self.db.execute("INSERT INTO bag(rowid, tokens) VALUES (?, ?)", (nid, tokens))
            numbers = (
                micros(d.visible_at) if d.visible_at else 0,
                micros(d.closes_at) if d.closes_at else NEVER,
                micros(d.published_at) if d.published_at else 0,
                d.budget_fen or 0,
            )
            row = (nid, d.kind, d.direction, d.mode, d.state, d.budget, d.unit, d.batch, d.year, *numbers)
            self.db.execute(f"INSERT INTO doc VALUES ({','.join('?' * len(row))})", row)  # noqa: S608
            self.db.executemany("INSERT INTO industry VALUES (?, ?)", [(code, nid) for code in d.industries])
        self.db.execute("COMMIT")
        self.db.executescript(INDEXES)

    def search(self, plan: Plan, request: Request) -> tuple[list[int], int, dict[str, dict[str, int]]]:
        """Page, total and facets: the hits of the level once into a temporary table, then one statement each."""
        now = micros(request.now)
        soon = micros(request.now + CLOSING_WINDOW)
        phase = (
            f"CASE WHEN state='{CLOCKED}' AND closes<{NEVER} THEN CASE WHEN closes<={now} THEN '{CLOSED}' "
            f"WHEN closes<{soon} THEN '{CLOSING}' ELSE '{OPEN}' END ELSE state END"
        )
        self.db.execute("DROP TABLE IF EXISTS temp.hit")
        levels = plan.levels()
        for level in levels:
            match = _match(plan, level)
            self.db.execute("DROP TABLE IF EXISTS temp.hit")
            source = (
                "SELECT rowid AS id, bm25(bag) AS score FROM bag WHERE bag MATCH ?"
                if match
                else "SELECT id, 0 AS score FROM doc"
            )
            self.db.execute(
                f"CREATE TEMP TABLE hit AS SELECT h.id, h.score, d.direction, d.mode, {phase} AS phase, d.closes, "  # noqa: S608
                f"d.published, d.money FROM ({source}) h JOIN doc d ON d.id=h.id WHERE d.visible<={now}",
                (match,) if match else (),
            )
            if level == levels[-1] or self.db.execute(COUNT).fetchone()[0] >= ENOUGH:
                break
        where = {
            {"state": "phase"}.get(name, name): "({})".format(",".join(f"'{value}'" for value in sorted(values)))
            for name, values in request.filters.items()
        }

        def narrowed(without: str = "") -> str:
            parts = [f"{name} IN {values}" for name, values in where.items() if name != without]
            return " AND ".join(parts) or "1"

        order = {
            "relevance": "score",
            "newest": "published DESC",
            "budget": "money DESC",
            "deadline": f"closes<={now}, CASE WHEN closes>{now} THEN closes ELSE -closes END",
        }[request.sort]
        total = self.db.execute(f"{COUNT} WHERE {narrowed()}").fetchone()[0]
        page = self.db.execute(
            f"SELECT id FROM hit WHERE {narrowed()} ORDER BY {order}, id LIMIT ? OFFSET ?",  # noqa: S608
            (request.limit, request.offset),
        ).fetchall()
        facets = {}
        for name in request.facets:
            if name == "industry":
                sql = f"SELECT code, count(*) FROM hit JOIN industry USING (id) WHERE {narrowed()} GROUP BY code"  # noqa: S608
            else:
                column = {"state": "phase"}.get(name, name)
                sql = f"SELECT {column}, count(*) FROM hit WHERE {narrowed(column)} GROUP BY 1"  # noqa: S608
            facets[name] = dict(self.db.execute(sql).fetchall())
        return [row[0] for row in page], total, facets


def _match(plan: Plan, level: int) -> str:
    parts = [_all_of(clause) for clause in plan.required]
    needed = [_group(group, loose=level > 0) for group in plan.needed]
    minimum = plan.minimum(level)
    if needed and minimum == len(needed):
        parts += needed
    elif needed:
        chosen = list(combinations(needed, minimum))
        if len(chosen) > COMBINATIONS_MAX:
            chosen = [(word,) for word in needed]
        parts.append("(" + " OR ".join("(" + " AND ".join(words) + ")" for words in chosen) + ")")
    if not parts:
        return ""
    unwanted = "".join(f" NOT {_all_of(clause)}" for clause in plan.excluded)
    return "(" + " AND ".join(parts) + ")" + unwanted


def _all_of(clause: Clause) -> str:
    return "(" + " AND ".join(f'"{token}"' for token in clause.tokens) + ")"


def _group(group: Group, *, loose: bool) -> str:
    clauses = group.exact + group.similar + (group.loose if loose else ())
    return "(" + " OR ".join(_all_of(clause) for clause in clauses) + ")"
