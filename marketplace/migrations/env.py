"""Alembic's entry: migrations run on the application's own engine, or on ``DATABASE_URL`` from the shell."""

from __future__ import annotations

from alembic import context

from marketplace import db, features
from marketplace.config import from_environment

features.load_models()


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
            user_module_prefix="db.",
        )
        with context.begin_transaction():
            context.run_migrations()


run()
