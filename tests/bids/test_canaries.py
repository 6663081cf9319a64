"""A random canary in price, free text, file name, file body and contact person of 20 bids, sealed over HTTP as browsers
do: nothing that the server keeps, holds in memory, writes, logs, sends or shows before the opening contains any of
them, in any usual spelling.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import secrets
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest
from flask import Flask
from sqlalchemy import Engine, select, text
from werkzeug.serving import make_server

from marketplace import create_app, db
from marketplace.bids import queries, service
from marketplace.bids.models import Bid
from marketplace.config import Config
from marketplace.demands.models import Demand
from marketplace.platform import clock
from marketplace.platform.outbox.service import drain
from marketplace.platform.sealing.manifest import Manifest
from marketplace.platform.sealing.seal import seal
from marketplace.platform.sealing.wire import sha256
from tests.bids import making
from tests.bids.conftest import Bidder
from tests.bids.contents import attachment, envelopes, price, technical
from tests.bids.crowd import Tell, fork, gather
from tests.bids.test_leaks import NO_BID, addresses
from tests.client import Client
from tests.demands.conftest import Stage

BIDS = 20


@pytest.fixture
def app(real: Engine, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """A site of its own: every file that it writes lies below ``tmp_path``, temporary ones too."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return create_app(dataclasses.replace(config, instance=tmp_path / "instance"), engine=real)


@dataclass(frozen=True)
class Stem:
    """What all canaries of one run have in common, in every spelling in which it could come to light."""

    word: str = field(default_factory=lambda: secrets.token_hex(6).upper())
    number: int = field(default_factory=lambda: secrets.randbelow(8 * 10**6) + 10**6)  # seven digits of nine

    @property
    def needles(self) -> list[bytes]:
        plain = self.word.encode()
        found = [plain, plain.hex().encode(), plain[::-1], self.word.encode("utf-16-le"), str(self.number).encode()]
        # The middle of the base64 of the text at each of the three places it can stand at.
        found += [base64.b64encode(b"x" * shift + plain)[4:-4] for shift in range(3)]
        return found + [needle.lower() for needle in found if needle.lower() != needle]


class Canaries:
    """What one bidder types and attaches."""

    def __init__(self, stem: Stem, mark: int) -> None:
        self.word, self.number = f"{stem.word}{mark:02d}", stem.number * 100 + mark
        self.lines = 2_000 if mark else 60_000  # the first one in several chunks
        self.texts = {place: f"金丝雀{place}{self.word}" for place in ("文", "名", "体", "人")}

    def contents(self, said: Any, organisation: str) -> Any:
        body = b"%PDF-1.7\n" + (self.texts["体"].encode() + b"\n") * self.lines
        files = (attachment(f"{self.texts['名']}.pdf", "plan", body), attachment(f"报价{self.word}.pdf", "offer"))
        plan = f"{self.texts['文']}：" + "以双模感知识别泊位占用，只上传状态，不上传图像。" * 20
        filled = technical(said, organisation, plan=plan, contact_name=self.texts["人"])
        return envelopes(filled, price(said, self.number), files)


class Server:
    """The site in a process of its own that never saw a canary: what it holds in memory, a core dump would hold."""

    def __init__(self, engine: Engine, app: Flask) -> None:
        def serve(tell: Tell) -> None:
            app.extensions["release_session"] = db.session.remove
            server = make_server("127.0.0.1", 0, app)
            tell({"port": server.port})
            server.serve_forever()

        self.child = fork(engine, serve)
        self.base = f"http://127.0.0.1:{self.child.first()['port']}"

    def memory(self) -> Iterator[tuple[str, bytes]]:
        """Every page that the process may write."""
        with Path(f"/proc/{self.child.pid}/mem").open("rb", 0) as memory:
            for line in Path(f"/proc/{self.child.pid}/maps").read_text().splitlines():
                span, rights, *_ = line.split()
                if rights.startswith("rw"):
                    start, end = (int(part, 16) for part in span.split("-"))
                    memory.seek(start)
                    with suppress(OSError, ValueError):  # what the kernel shows nobody
                        yield f"memory {span}", memory.read(end - start)

    def stop(self) -> None:
        self.child.kill()
        self.child.wait()


class Browser:
    """One signed-in person who speaks to the server over a socket."""

    def __init__(self, server: Server, app: Flask, username: str) -> None:
        client = Client(app).sign_in(username)
        self.server = server
        self.headers = {"X-CSRFToken": client.csrf_token(), "Accept": "application/json"}
        cookie = client.http.get_cookie("zhangbang")
        assert cookie is not None
        self.headers["Cookie"] = f"zhangbang={cookie.value}"

    def send(self, method: str, url: str, data: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        kind = {"Content-Type": "application/octet-stream"}
        request = Request(self.server.base + url, data=data, method=method, headers={**self.headers, **kind, **headers})
        try:
            with urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except HTTPError as error:
            return error.code, error.read()

    def send_json(self, method: str, url: str, value: Any, **headers: str) -> tuple[int, bytes]:
        return self.send(method, url, json.dumps(value).encode(), **{"Content-Type": "application/json", **headers})


def upload(browser: Browser, bid: str, submission: Any, uploaded: dict[tuple[str, int], list[bytes]]) -> None:
    """As the browser does: piece by piece, each part finished, then the commit."""
    url, version = f"/bids/{bid}", 1
    manifest = Manifest.parse(submission.manifest)
    for (envelope, part), pieces in uploaded.items():
        for number, data in enumerate(pieces):
            place = f"{url}/pieces/{version}/{envelope}/{part}/{number}"
            status, said = browser.send("PUT", place, data, **{"X-Chunk-SHA256": sha256(data)})
            assert status == 200, said
        finished = manifest.envelope(envelope).part(part)
        assert finished is not None
        whole = {"version": version, "envelope": envelope, **dataclasses.asdict(finished)}
        assert browser.send_json("POST", f"{url}/parts", whole)[0] == 200
    key = {"Idempotency-Key": secrets.token_hex(8)}
    status, said = browser.send_json("POST", f"{url}/sealing", submission.to_json(), **key)
    assert status == 201, said


def unpacked(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """An answer, and what is inside it when it is a workbook or a document."""
    yield name, data
    if data.startswith(b"PK"):
        with zipfile.ZipFile(BytesIO(data)) as archive:
            yield from ((f"{name}/{inside}", archive.read(inside)) for inside in archive.namelist())


def files_below(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield str(path.relative_to(folder)), path.read_bytes()


def kept_by(engine: Engine) -> Iterator[tuple[str, bytes]]:
    """Every row of every table as text and bytes; on PostgreSQL its heap files and write-ahead log as well."""
    with engine.connect() as connection:
        for table in db.Base.metadata.sorted_tables:
            rows = connection.execute(text(f'SELECT * FROM "{table.name}"')).all()
            values = (v if isinstance(v, bytes) else str(v).encode() for row in rows for v in row if v is not None)
            yield table.name, b"\n".join(values)
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("CHECKPOINT"))
            heaps = connection.execute(
                text(
                    "SELECT relname, pg_read_binary_file(pg_relation_filepath(oid)) FROM pg_class WHERE relkind IN ('r','t') AND relnamespace = 'public'::regnamespace"
                )
            ).all()
            yield from ((f"heap {name}", bytes(data)) for name, data in heaps)
            newest = connection.execute(
                text(
                    "SELECT name, pg_read_binary_file('pg_wal/' || name) FROM pg_ls_waldir() ORDER BY modification DESC LIMIT 2"
                )
            ).all()
            yield from ((f"wal {name}", bytes(data)) for name, data in newest)


def backup(engine: Engine, folder: Path) -> None:
    """As README says; on PostgreSQL a dump is the rows as text, which ``kept_by`` reads."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            path = connection.exec_driver_sql("PRAGMA database_list").one()[2]
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(folder / "backup.sqlite")) as target:
            source.backup(target)


def test_before_the_opening_no_canary_is_anywhere(
    app: Flask, real: Engine, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    storage = app.extensions["storage"]
    with db.transaction():
        now = clock.site_now()
        demand = Stage(now).published()
        assert demand.batch is not None
        demand_id, said = demand.id, demand.said
        where = {"number": demand.number, "batch": demand.batch.code, "bid": NO_BID}
        names = gather(BIDS)
    pages = [page for page in addresses(app) if not page.endswith((".pdf", ".docx"))]
    server = Server(real, app)
    stem = Stem()
    canaries = {name: Canaries(stem, mark) for mark, name in enumerate(names)}
    try:
        for name, canary in canaries.items():
            with db.transaction():
                bidder = Bidder(name, storage, now)
                bid = bidder.start(db.session.get_one(Demand, demand_id))
                sheet, where["bid"] = service.sheet(bid), bid.public_id
            uploaded: dict[tuple[str, int], list[bytes]] = {}
            submission = seal(
                canary.contents(said, name),
                ref=sheet.ref,
                replaces=sheet.replaces,
                custodians=sheet.custodians,
                own_key=bidder.key,
                store=lambda envelope, part, pieces, to=uploaded: to.__setitem__((envelope, part), list(pieces)),  # type: ignore[misc]
            )
            browser = Browser(server, app, name)
            upload(browser, where["bid"], submission, uploaded)
            assert browser.send("GET", f"/bids/{where['bid']}", Accept="text/html")[0] == 200
        answers = []
        for who in ("publisher", "auditadmin"):
            reader = Browser(server, app, who)
            for page in pages:
                answers += unpacked(f"{who} {page}", reader.send("GET", quote(page.format(**where), safe="/?=&"))[1])
        with db.transaction():
            drain(clock.site_now())
        backup(real, tmp_path)
        printed = "".join(capfd.readouterr()).encode()
        memory = list(server.memory())
    finally:
        server.stop()
    assert sum(len(data) for _, data in memory) > 50_000_000
    places = [("standard output", printed), *answers, *memory, *files_below(tmp_path), *kept_by(real)]
    assert sum(len(data) for _, data in files_below(tmp_path / "instance" / "files")) > 3_000_000
    if real.dialect.name == "sqlite":
        for wanted in ("-wal", "backup.sqlite"):
            assert any(name.endswith(wanted) for name, _ in places)
    assert [(name, needle) for name, data in places for needle in stem.needles if needle in data] == []
    _they_were_really_there(demand_id, canaries, storage)


def test_the_search_finds_what_is_there() -> None:
    """Every spelling that could come to light is one that is looked for."""
    stem = Stem()
    canary = Canaries(stem, 7)
    text = canary.texts["文"]
    spellings = [
        text.encode(), text.encode().hex().encode(), text.encode("utf-16-le"), text.encode("gb18030"),
        quote(text).encode(), json.dumps(text).encode(), text.lower().encode(), text.encode()[::-1],
        *(base64.b64encode(b"x" * shift + text.encode()) for shift in range(3)),
        str(canary.number).encode(), f"{canary.number / 100:.2f}".encode(),
    ]  # fmt: skip
    assert [spelling for spelling in spellings if not any(needle in spelling for needle in stem.needles)] == []


def _they_were_really_there(demand_id: int, canaries: dict[str, Canaries], storage: Any) -> None:
    """The opening reads each of them: the search above looked for what had been sealed."""
    with db.transaction():
        demand = db.session.get_one(Demand, demand_id)
        making.close(demand)
        assert making.open_stage(demand, storage=storage)
        for bid in db.session.scalars(select(Bid)):
            canary = canaries[bid.organisation.slug]
            fields = {name: queries.opened_fields(bid, name) or {} for name in ("technical", "price")}
            assert canary.texts["文"] in fields["technical"]["technical"]["plan"]
            assert fields["technical"]["eligibility"]["contact_name"] == canary.texts["人"]
            assert fields["price"]["total_fen"] == canary.number
            files = queries.opened_files(bid)
            assert f"{canary.texts['名']}.pdf" in [file.name for file in files]
            body = b"".join(queries.file_chunks(bid, files[0], storage=storage))
            assert canary.texts["体"].encode() in body
