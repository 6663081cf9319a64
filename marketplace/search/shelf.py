"""What stands beside an engine's files: ids, texts for phrases, words for suggestions, and how far it has read.

One SQLite file in the index's directory. It is derived like the index itself, so nothing is synced to disk, and
without a write-ahead log, because that would map a file into memory (a map of a file that is cut short kills the
process). What nobody may see yet waits with nothing but its id and its instant: no word of it lies where a search looks,
so that neither a result nor the time that a result takes can tell of it.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from marketplace.search.analysis import STOPWORDS, Analyzer, normalise, squeeze
from marketplace.search.documents import Document, micros
from marketplace.search.index import Unavailable
from marketplace.search.pinyin import initials, letters, sound

FILE = "shelf.sqlite"
WORDS_MAX = 3  # words of a phrase that is suggested
WAIT_S = 2.0  # a reader waits for a commit in progress, which takes milliseconds; a page with a lock before it is not waited for

TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE document (
  nid INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, version INTEGER NOT NULL,
  title TEXT NOT NULL, tags TEXT NOT NULL, text TEXT NOT NULL);
CREATE INDEX document_title ON document (title);
CREATE TABLE waiting (id TEXT PRIMARY KEY, version INTEGER NOT NULL, visible INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE number (text TEXT NOT NULL, nid INTEGER NOT NULL, shown TEXT NOT NULL, PRIMARY KEY (text, nid)) WITHOUT ROWID;
CREATE INDEX number_document ON number (nid);
CREATE TABLE phrase (
  text TEXT PRIMARY KEY, pinyin TEXT NOT NULL, sound TEXT NOT NULL, initials TEXT NOT NULL,
  words INTEGER NOT NULL, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX phrase_pinyin ON phrase (pinyin);
CREATE INDEX phrase_sound ON phrase (sound);
CREATE INDEX phrase_initials ON phrase (initials);
CREATE TABLE variant (key TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (key, text)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that stand together in titles or tags; ``number`` of times."""

    text: str
    words: int
    number: int


def phrases(texts: Iterable[str], analyzer: Analyzer) -> Counter[tuple[str, ...]]:
    """Up to ``WORDS_MAX`` words in a row, none of them a stop word, not beginning with a single character; and the
    words inside a word (渣土 in 渣土车), which people type as well.
    """
    found: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        row: list[str] = []
        end = -1
        for word in analyzer.words(normalise(text)):
            if word.start != end or word.text in STOPWORDS:
                row = []
            if word.text not in STOPWORDS:
                row.append(word.text)
                for length in range(1, min(WORDS_MAX, len(row)) + 1):
                    part = tuple(row[-length:])
                    if len(part[0]) > 1:
                        found[part] += 1
                if not word.latin and len(word.text) > 2:
                    inner = {(piece,) for piece in analyzer.search_cut(word.text) if 1 < len(piece) < len(word.text)}
                    found.update(inner)
            end = word.end
    return found


def variants(text: str) -> set[str]:
    """The text without one of its characters: two texts that share such a key differ by one slip."""
    if len(text) < (4 if text.isascii() else 3):
        return set()
    return {text[:place] + text[place + 1 :] for place in range(len(text))}


class Shelf:
    """One shelf file. Connections are per thread; the indexer alone writes."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE
        self._local = threading.local()
        if not self._path.is_file() or not self._path.stat().st_size:
            raise Unavailable("the shelf is missing")

    @classmethod
    def create(cls, directory: Path, meta: Mapping[str, str]) -> Shelf:
        with sqlite3.connect(directory / FILE) as connection:
            connection.executescript(TABLES)
            connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
        connection.close()
        return cls(directory)

    @contextmanager
    def _open(self, *, write: bool = False) -> Iterator[sqlite3.Connection]:
        try:
            connection = getattr(self._local, "connection", None)
            if connection is None:
                uri = f"file:{self._path}?mode=rw"
                connection = sqlite3.connect(uri, uri=True, timeout=WAIT_S, isolation_level=None)
                connection.execute("PRAGMA synchronous = OFF")
                connection.execute("PRAGMA journal_mode = TRUNCATE")
                connection.execute("PRAGMA cache_size = -16000")
                self._local.connection = connection
            if not write:
                yield connection
                return
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
        except sqlite3.Error as problem:
            self._local.connection = None
            raise Unavailable(f"the shelf failed: {problem}") from problem

    def meta(self) -> dict[str, str]:
        with self._open() as connection:
            return dict(connection.execute("SELECT name, value FROM meta").fetchall())

    def set_meta(self, **values: str) -> None:
        with self._open(write=True) as connection:
            connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())

    def put(self, documents: Sequence[Document], removed: Sequence[str], analyzer: Analyzer) -> list[int]:
        """Take documents that everybody may see in and others out; answers the number of each document, old ones keep
        theirs.
        """
        with self._open(write=True) as connection:
            change: Counter[tuple[str, ...]] = Counter()
            ids = [document.id for document in documents]
            known = dict(_rows(connection, "SELECT id, nid FROM document WHERE id IN", ids))
            for title, tags in _rows(connection, "SELECT title, tags FROM document WHERE id IN", [*ids, *removed]):
                change.subtract(phrases([title, *tags.split("\n")], analyzer))
            gone = [nid for _, nid in _rows(connection, "SELECT id, nid FROM document WHERE id IN", removed)]
            _each(connection, "DELETE FROM number WHERE nid IN", [*known.values(), *gone])
            _each(connection, "DELETE FROM document WHERE id IN", removed)
            numbers: list[int] = []
            for document in documents:
                change.update(phrases([document.title, *document.tags], analyzer))
                said = (document.title, "\n".join(document.tags), text_of(document))
                row = (document.id, document.kind, document.version, *said)
                numbers.append(_insert(connection, known.get(document.id), row))
                connection.executemany(
                    "INSERT OR IGNORE INTO number VALUES (?, ?, ?)",
                    [(squeeze(number), numbers[-1], number) for number in document.identifiers if "-" in number],
                )
            _count(connection, change)
            return numbers

    def wait(self, documents: Sequence[Document], others: Sequence[str]) -> None:
        """Let documents wait for their instant, and others no more."""
        with self._open(write=True) as connection:
            _each(connection, "DELETE FROM waiting WHERE id IN", others)
            rows = [(item.id, item.version, micros(item.visible_at)) for item in documents if item.visible_at]
            connection.executemany("INSERT OR REPLACE INTO waiting VALUES (?, ?, ?)", rows)

    def waiting(self) -> dict[str, int]:
        """id → version of everything that waits for its instant."""
        with self._open() as connection:
            return dict(connection.execute("SELECT id, version FROM waiting").fetchall())

    def due(self, now: datetime, limit: int) -> list[str]:
        """The ids whose instant has come while they waited."""
        with self._open() as connection:
            rows = connection.execute("SELECT id FROM waiting WHERE visible <= ? LIMIT ?", (micros(now), limit))
            return [id_ for (id_,) in rows]

    def ids(self, nids: Sequence[int]) -> dict[int, str]:
        with self._open() as connection:
            return dict(_rows(connection, "SELECT nid, id FROM document WHERE nid IN", nids))

    def numbers(self, ids: Sequence[str]) -> dict[str, int]:
        with self._open() as connection:
            return dict(_rows(connection, "SELECT id, nid FROM document WHERE id IN", ids))

    def size(self) -> int:
        with self._open() as connection:
            return int(connection.execute("SELECT count(*) FROM document").fetchone()[0])

    def sound(self) -> bool:
        """Whether SQLite finds its file whole."""
        with self._open() as connection:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")

    def close(self) -> None:
        """Close this thread's connection."""
        connection, self._local.connection = getattr(self._local, "connection", None), None
        if connection is not None:
            connection.close()

    def versions(self) -> dict[str, tuple[int, int]]:
        """id → (nid, version) of everything on the shelf."""
        with self._open() as connection:
            rows = connection.execute("SELECT id, nid, version FROM document")
            return {id_: (nid, version) for id_, nid, version in rows}

    def holding(self, nids: Sequence[int], phrase: str) -> list[int]:
        """Those of the documents, in the order given, in whose text the (squeezed) phrase stands."""
        found: set[int] = set()
        with self._open() as connection:
            for part in _parts(nids):
                marks = ",".join("?" * len(part))
                sql = f"SELECT nid, text FROM document WHERE nid IN ({marks}) AND instr(text, ?)"  # noqa: S608
                rows = connection.execute(sql, (*part, phrase))
                found.update(nid for nid, text in rows if at_edges(phrase, text))
        return [nid for nid in nids if nid in found]

    def known(self, texts: Iterable[str]) -> dict[str, Phrase]:
        """The texts that are phrases here."""
        return {phrase.text: phrase for phrase in self._phrases("text", texts).get("", [])}

    def sounding(self, column: str, keys: Iterable[str]) -> dict[str, list[Phrase]]:
        """Phrases by ``pinyin``, ``sound`` or ``initials``, the most frequent first."""
        assert column in ("pinyin", "sound", "initials")
        return self._phrases(column, keys)

    def near(self, texts: Iterable[str]) -> dict[str, list[Phrase]]:
        """Phrases that differ from a text by one character too many, too few, other or moved by one place."""
        keys = {text: {text, *variants(text)} for text in texts}
        wanted = sorted({key for group in keys.values() for key in group})
        with self._open() as connection:
            sql = "SELECT key, v.text, p.words, p.number FROM variant v JOIN phrase p ON p.text = v.text WHERE key IN"
            found: dict[str, list[Phrase]] = {}
            for key, text, words, number in _rows(connection, sql, wanted):
                found.setdefault(key, []).append(Phrase(text, words, number))
            known = {row[0]: Phrase(*row) for row in _rows(connection, _BY_TEXT, wanted)}
        result: dict[str, list[Phrase]] = {}
        for text, group in keys.items():
            matches = {phrase.text: phrase for key in group for phrase in found.get(key, [])}
            matches |= {key: known[key] for key in group if key in known}
            if len(text) < 3 or not matches:
                continue
            result[text] = [
                phrase for phrase in matches.values() if phrase.text != text and _one_slip(text, phrase.text)
            ]
        return result

    def starting(self, column: str, prefix: str, limit: int) -> list[Phrase]:
        """Phrases whose ``text``, ``pinyin`` or ``initials`` begin with the prefix, the most frequent first."""
        assert column in ("text", "pinyin", "initials")
        sql = f"SELECT text, words, number FROM phrase WHERE {column} >= ? AND {column} < ?"  # noqa: S608
        with self._open() as connection:
            rows = connection.execute(
                sql + " ORDER BY number DESC, length(text), text LIMIT ?", (prefix, prefix + "\U0010ffff", limit)
            )
            return [Phrase(*row) for row in rows]

    def titles(self, prefix: str, limit: int, kind: str = "") -> list[tuple[str, str]]:
        """(id, title) of documents (of a kind) whose title begins so."""
        sql = "SELECT id, title FROM document WHERE title >= ? AND title < ?"
        sql += " AND kind = ?" if kind else ""
        values = (prefix, prefix + "\U0010ffff", *([kind] if kind else []), limit)
        with self._open() as connection:
            return connection.execute(f"{sql} LIMIT ?", values).fetchall()

    def numbered(self, prefix: str, limit: int, kind: str = "") -> list[tuple[str, str, str]]:
        """(id, number, title) of documents (of a kind) whose list number begins so, one for each number: the demand
        itself rather than what is said about it.
        """
        sql = "SELECT d.id, n.shown, d.title FROM number n JOIN document d ON d.nid = n.nid"
        sql += " WHERE n.text >= ? AND n.text < ?" + (" AND d.kind = ?" if kind else "")
        values = (prefix, prefix + "\U0010ffff", *([kind] if kind else []), limit * 8)
        with self._open() as connection:
            found = connection.execute(f"{sql} ORDER BY n.text, d.kind != 'demand', d.nid LIMIT ?", values).fetchall()
        first = {number: (id_, number, title) for id_, number, title in reversed(found)}
        return [first[number] for number in sorted(first)][:limit]

    def _phrases(self, column: str, keys: Iterable[str]) -> dict[str, list[Phrase]]:
        result: dict[str, list[Phrase]] = {}
        wanted = sorted(set(keys))
        sql = f"SELECT {column}, text, words, number FROM phrase WHERE {column} IN"  # noqa: S608
        with self._open() as connection:
            for key, text, words, number in _rows(connection, sql, wanted):
                result.setdefault("" if column == "text" else key, []).append(Phrase(text, words, number))
        for found in result.values():
            found.sort(key=lambda phrase: (-phrase.number, phrase.text))
        return result


_BY_TEXT = "SELECT text, words, number FROM phrase WHERE text IN"
_PART = 900  # values in one statement


def _parts(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (values[start : start + _PART] for start in range(0, len(values), _PART))


def _rows(connection: sqlite3.Connection, sql: str, values: Sequence[Any]) -> Iterator[Any]:
    for part in _parts(values):
        yield from connection.execute(f"{sql} ({','.join('?' * len(part))})", part).fetchall()


def _each(connection: sqlite3.Connection, sql: str, values: Sequence[Any]) -> None:
    for part in _parts(values):
        connection.execute(f"{sql} ({','.join('?' * len(part))})", part)


def _insert(connection: sqlite3.Connection, nid: int | None, row: tuple[Any, ...]) -> int:
    sql = "INSERT OR REPLACE INTO document (nid, id, kind, version, title, tags, text) VALUES"
    done = connection.execute(f"{sql} (?, ?, ?, ?, ?, ?, ?)", (nid, *row))
    assert done.lastrowid is not None
    return done.lastrowid


def _count(connection: sqlite3.Connection, change: Counter[tuple[str, ...]]) -> None:
    """Add the change to the counts; phrases that nobody says any more go, with their variants."""
    new: list[tuple[str, ...]] = []
    for words, number in change.items():
        text = "".join(words)
        if number:
            sql = "UPDATE phrase SET number = number + ? WHERE text = ?"
            if not connection.execute(sql, (number, text)).rowcount and number > 0:
                new.append(words)
    for words in new:
        text, pinyin = "".join(words), letters(words)
        row = (text, pinyin, sound(pinyin), initials(words), len(words), change[words])
        connection.execute(
            "INSERT INTO phrase VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET number = number + excluded.number",
            row,
        )
        if len(words) < WORDS_MAX:
            rows = [(key, text) for key in variants(text)]
            connection.executemany("INSERT OR IGNORE INTO variant VALUES (?, ?)", rows)
    fewer = ["".join(words) for words, number in change.items() if number < 0]
    gone = list(_rows(connection, "SELECT text FROM phrase WHERE number <= 0 AND text IN", fewer))
    if gone:
        _each(connection, "DELETE FROM phrase WHERE text IN", [text for (text,) in gone])
        for (text,) in gone:
            connection.executemany(
                "DELETE FROM variant WHERE key = ? AND text = ?", [(key, text) for key in variants(text)]
            )


def text_of(document: Document) -> str:
    """The squeezed text in which phrases are looked for."""
    parts = (
        document.title,
        *document.tags,
        *document.identifiers,
        document.unit_name or document.unit,
        document.summary,
        document.body,
    )
    return "\n".join(squeeze(part) for part in parts if part)


def at_edges(phrase: str, text: str) -> bool:
    """A Latin phrase does not begin or end inside a word: ``"data"`` is not in ``database``."""
    left = r"(?<![a-z0-9])" if phrase[0].isascii() and phrase[0].isalnum() else ""
    right = r"(?![a-z0-9])" if phrase[-1].isascii() and phrase[-1].isalnum() else ""
    return not (left or right) or re.search(left + re.escape(phrase) + right, text) is not None


def _one_slip(left: str, right: str) -> bool:
    """One character replaced, added, left out, or two neighbours swapped."""
    if abs(len(left) - len(right)) > 1:
        return False
    if len(left) != len(right):
        short, long = sorted((left, right), key=len)
        return any(long[:place] + long[place + 1 :] == short for place in range(len(long)))
    wrong = [place for place, pair in enumerate(zip(left, right, strict=True)) if pair[0] != pair[1]]
    if len(wrong) == 2 and wrong[1] == wrong[0] + 1:
        first, second = wrong
        return left[first] == right[second] and left[second] == right[first]
    return len(wrong) == 1
