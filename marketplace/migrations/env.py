"""Alembic's entry: migrations run on the application's own engine, or on ``DATABASE_URL`` from the shell."""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context

from marketplace import db, features
from marketplace.config import from_environment

features.load_models()


def render_item(kind: str, item: Any, autogen_context: Any) -> str | Literal[False]:
    """Write our column types by their short names."""
    if kind == "type":
        if isinstance(item, db.UtcDateTime):
            return "db.UtcDateTime()"
        if isinstance(item, db.Exact):
            return "db.Exact()"
        if isinstance(item, db.Code):
            return "sa.String(32)"
        if item is db.Json or (isinstance(item, sa.JSON) and item._variant_mapping):
            return "db.Json"
        if isinstance(item, sa.BigInteger) and item._variant_mapping:
            return "db.Key"
    return False


def run() -> None:
    engine = context.config.attributes.get("engine")
    if engine is None:
        engine = db.make_engine(from_environment().database_url)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=db.Base.metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            compare_type=False,
            render_item=render_item,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
