"""One real database per worker, migrated, with the cast; every test runs inside a transaction that is rolled back.

``TEST_DATABASE_URL`` (a PostgreSQL server's URL with the right to create databases) runs the same suite there.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from zlib import crc32

import pytest
from flask import Flask
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.orm import Session

from marketplace import create_app, db, features, migrate
from marketplace.accounts import queries
from marketplace.accounts.routes import sign_in as sign_in_page
from marketplace.config import Config
from marketplace.custody import software
from marketplace.demands import look_alikes, views
from marketplace.home import queries as home
from marketplace.platform import audit
from marketplace.platform.policy import Actor
from tests import factories
from tests.client import Client

# A busy machine is no fault of what is tested: examples made slowly are as good.
hypothesis_settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("house")

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


def pytest_configure(config: pytest.Config) -> None:
    """Files are given to the workers in the order made below."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The browsers' files first, they take minutes: begun last, one worker would wait for the other. Then files by size."""
    sizes = Counter(item.path for item in items)
    items.sort(key=lambda item: ("browser" not in item.path.parts, -sizes[item.path]))


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("instance")


def _fresh_database(instance: Path, worker: str) -> str:
    server = os.environ.get("TEST_DATABASE_URL")
    if not server:
        return f"sqlite:///{instance / 'test.sqlite'}"
    url = make_url(server.replace("postgresql://", "postgresql+psycopg://", 1))
    checkout = crc32(str(Path.cwd()).encode())  # two checkouts may share a server
    name = f"zhangbang_test_{checkout:08x}_{worker}"
    with create_engine(url, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    return url.set(database=name).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def config(instance: Path, worker_id: str) -> Config:
    return Config(
        instance=instance,
        keys=instance / "keys",
        database_url=_fresh_database(instance, worker_id),
        secret_key="test-secret-that-is-long-enough-0123456789",
        demo=True,
        testing=True,
        embedded_worker=False,
    )


@pytest.fixture(scope="session")
def engine(config: Config) -> Iterator[Engine]:
    engine = db.make_engine(config.database_url, durable=False)
    features.load_models()
    migrate.upgrade(engine)
    audit.configure(config.keys, config.log_origin)
    software.configure(config.keys, demo=config.demo)
    db.configure(engine)
    factories.make_cast()
    db.session.remove()
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def app(config: Config, engine: Engine) -> Flask:
    return create_app(config, engine=engine)


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """The process's session inside an outer transaction: whatever is committed is rolled back at the end."""
    db.session.remove()
    views._counts.clear()  # ids repeat after a rollback: looks at an earlier test's demand are not this one's
    look_alikes.forget()
    home.forget()
    sign_in_page.forget_demo()
    connection = engine.connect()
    outer = connection.begin()
    db.session.configure(bind=connection, join_transaction_mode="create_savepoint")
    try:
        yield db.session()
    finally:
        db.session.remove()
        outer.rollback()
        connection.close()
        db.session.configure(bind=engine, join_transaction_mode="conditional_savepoint")


@pytest.fixture
def real(tmp_path: Path, config: Config, worker_id: str) -> Iterator[Engine]:
    """A database of its own whose transactions really commit: for several connections, threads and processes."""
    engine = db.make_engine(_fresh_database(tmp_path, f"real_{worker_id}"), durable=False, pool_size=70)
    before = db.session.session_factory.kw.get("bind")
    features.load_models()
    migrate.upgrade(engine)
    audit.configure(config.keys, config.log_origin)
    software.configure(config.keys, demo=config.demo)
    db.configure(engine)
    factories.make_cast()
    db.session.remove()
    yield engine
    db.session.remove()
    db.session.configure(bind=before)
    engine.dispose()


@pytest.fixture
def actor(session: Session) -> Callable[[str], Actor]:
    """``actor("screener")``: the cast member as the rules see him."""
    return lambda username: queries.actor_of(factories.person(username))


@pytest.fixture
def visitor(app: Flask, session: Session) -> Client:
    return Client(app)


@pytest.fixture
def sign_in(app: Flask, session: Session) -> Callable[[str], Client]:
    """``sign_in("publisher")``: a browser of that cast member."""
    return lambda username: Client(app).sign_in(username)


@pytest.fixture
def count_queries(engine: Engine) -> Iterator[list[str]]:
    """Every statement sent while the fixture lives (savepoints aside); clear it before the act that counts."""
    seen: list[str] = []

    def note(_c: Connection, _cursor: object, statement: str, *_rest: object) -> None:
        if "SAVEPOINT" not in statement:
            seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One real Chromium for the whole process: the one installed on the machine, never a download of its own.

    ``zhangbang.test`` is this machine by a name that no browser trusts without https."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: set CHROMIUM to its path")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--host-resolver-rules=MAP zhangbang.test 127.0.0.1"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()
