"""The schema the migrations make is the schema the models mean, up and down."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect

from marketplace import db, migrate


def test_one_head():
    assert len(ScriptDirectory.from_config(migrate.alembic_config()).get_heads()) == 1


def test_models_equal_migrations(engine: Engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, db.Base.metadata) == []


@pytest.fixture
def scratch(tmp_path):
    engine = db.make_engine(f"sqlite:///{tmp_path / 'scratch.sqlite'}", durable=False)
    yield engine
    engine.dispose()


def test_every_step_goes_up_and_down(scratch):
    script = ScriptDirectory.from_config(migrate.alembic_config())
    revisions = [revision.revision for revision in script.walk_revisions()][::-1]
    for revision in revisions:
        migrate.upgrade(scratch, revision)
    for revision in [*revisions[-2::-1], "base"]:
        migrate.downgrade(scratch, revision)
    assert inspect(scratch).get_table_names() == ["alembic_version"]
    migrate.upgrade(scratch)
