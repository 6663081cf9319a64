"""The database: engine, session, column types. One writer at a time on SQLite, any number on PostgreSQL.

Every transaction that may write begins with ``BEGIN IMMEDIATE`` on SQLite (386 of 400 contended read-then-write
transactions failed with the plain ``BEGIN``, none with this); pages that only read use a plain snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    DDL,
    JSON,
    BigInteger,
    DateTime,
    Engine,
    Integer,
    MetaData,
    String,
    TextClause,
    create_engine,
    event,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.orm import DeclarativeBase, Session, scoped_session, sessionmaker
from sqlalchemy.types import TypeDecorator

_reads_only: ContextVar[bool] = ContextVar("reads_only", default=False)

session: scoped_session[Session] = scoped_session(sessionmaker(expire_on_commit=False))


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware in Python, UTC in the database. A naive value is a programming error."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant without a time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Exact(TypeDecorator[Decimal]):
    """A Decimal kept digit for digit, as text: SQLite has no such type, and a score must not pass through a float."""

    impl = String(40)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        return None if value is None else format(value, "f")

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


class Code(TypeDecorator[StrEnum]):
    """A StrEnum stored as its value; pair it with a CHECK through ``codes()``."""

    impl = String(32)
    cache_ok = True

    def __init__(self, enum: type[StrEnum]) -> None:
        super().__init__()
        self.enum = enum

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else str(self.enum(value))

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else self.enum(value)


def codes(column: str, enum: type[StrEnum]) -> str:
    """The CHECK expression that admits exactly the codes of ``enum``."""
    return f"{column} IN ({', '.join(repr(str(member)) for member in enum)})"


def null(column: str) -> TextClause:
    """The WHERE of a partial index over rows where ``column`` is not filled yet."""
    return text(f"{column} IS NULL")


# Serial keys stay 64-bit on PostgreSQL; SQLite only auto-increments plain INTEGER.
Key = BigInteger().with_variant(Integer, "sqlite")
Json = JSON().with_variant(JSONB, "postgresql")


class Base(DeclarativeBase):
    """All tables. Constraint names are fixed so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime, dict[str, Any]: Json, list[Any]: Json}


def trigger(table: Any, dialect: str, statement: str) -> None:
    """Make ``create_all`` run the trigger that the migration runs too. DDL reads % as a placeholder."""
    ddl = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
    event.listen(table, "after_create", ddl.execute_if(dialect=dialect))


def _sqlite_module() -> Any:
    """pysqlite3 where it exists: it bundles a SQLite without the WAL-reset bug of 3.7.0–3.51.2."""
    try:
        import pysqlite3.dbapi2 as module
    except ImportError:
        import sqlite3 as module
    return module


def make_engine(url: str, *, durable: bool = True, **options: Any) -> Engine:
    """An engine with this product's pragmas. ``durable=False`` (tests only) skips fsync."""
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True, hide_parameters=True, **options)
    engine = create_engine(url, module=_sqlite_module(), hide_parameters=True, **options)  # errors quote no value

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the "begin" hook below speaks for itself
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(f"PRAGMA synchronous={'FULL' if durable else 'OFF'}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA busy_timeout=20000")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if _reads_only.get() else "BEGIN IMMEDIATE")

    return engine


def configure(engine: Engine) -> None:
    """Bind the process's session to ``engine``."""
    session.remove()
    session.configure(bind=engine)


def reads_only(value: bool) -> None:
    """Say whether transactions begun from here on in this context only read (web pages answering GET)."""
    _reads_only.set(value)


def only_reads() -> bool:
    """Whether transactions of this context only read."""
    return _reads_only.get()


def write_from_here() -> None:
    """End a reading snapshot and go on in a transaction that may write. What was read is read anew, so whoever decided
    by it decides again. Nothing happens where one may write already."""
    if only_reads():
        session.rollback()
        reads_only(False)


def lock(row: Base) -> None:
    """Lock one row and read it anew. The lock is on its table alone: how the row was first loaded may have brought an
    outer join along, whose far side PostgreSQL cannot lock."""
    session.refresh(row, with_for_update={"of": type(row)})


@contextmanager
def transaction(*, reads_first: bool = False) -> Iterator[Session]:
    """A unit of work outside a request (worker, commands): commits on return, rolls back on raise. ``reads_first``: it
    writes only after ``write_from_here``."""
    reads_only(reads_first)
    try:
        yield session()
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.remove()
