"""A random canary in price, free text, file name, file body and contact person of 20 bids, sealed over HTTP as browsers
do: nothing that the server keeps, writes, logs or sends before the opening holds any of them, in any usual spelling.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import Engine, select, text

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
from tests.bids.crowd import gather
from tests.client import Client
from tests.demands.conftest import Stage
from tests.sizes import size

BIDS = size(5, 20)


@pytest.fixture
def app(real: Engine, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """A site of its own: every file that it writes lies below ``tmp_path``, temporary ones too."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return create_app(dataclasses.replace(config, instance=tmp_path / "instance"), engine=real)


class Canaries:
    """What one bidder types and attaches, and the spellings in which it could come to light."""

    def __init__(self) -> None:
        self.word, self.number = secrets.token_hex(6).upper(), secrets.randbelow(8 * 10**8) + 10**8
        self.texts = {place: f"金丝雀{place}{self.word}" for place in ("文", "名", "体", "人")}

    def contents(self, said: Any, organisation: str) -> Any:
        body = b"%PDF-1.7\n" + (self.texts["体"].encode() + b"\n") * 40_000
        files = (attachment(f"{self.texts['名']}.pdf", "plan", body), attachment(f"报价{self.word}.pdf", "offer"))
        plan = f"{self.texts['文']}：" + "以双模感知识别泊位占用，只上传状态，不上传图像。" * 20
        filled = technical(said, organisation, plan=plan, contact_name=self.texts["人"])
        return envelopes(filled, price(said, self.number), files)

    @property
    def needles(self) -> list[bytes]:
        found = [self.word.encode(), str(self.number).encode(), f"{self.number / 100:.2f}".encode()]
        for said in self.texts.values():
            plain = said.encode()
            found += [plain, plain.hex().encode(), plain[::-1], said.encode("utf-16-le"), said.encode("gb18030")]
            found += [quote(said).encode(), json.dumps(said).strip('"').encode()]
            # The middle of the base64 of the text at each of the three places it can stand at.
            found += [base64.b64encode(b"x" * shift + plain)[4:-4] for shift in range(3)]
        return found + [needle.lower() for needle in found if needle.isascii()]


def upload(client: Client, bid: Bid, submission: Any, uploaded: dict[tuple[str, int], list[bytes]]) -> None:
    """As the browser does: piece by piece, each part finished, then the commit."""
    token = {"X-CSRFToken": client.csrf_token(), "Accept": "application/json"}
    url, version = f"/bids/{bid.public_id}", 1
    manifest = Manifest.parse(submission.manifest)
    for (envelope, part), pieces in uploaded.items():
        for number, data in enumerate(pieces):
            answer = client.http.put(
                f"{url}/pieces/{version}/{envelope}/{part}/{number}",
                data=data,
                headers={**token, "X-Chunk-SHA256": sha256(data)},
            )
            assert answer.status_code == 200, answer.data
        said = manifest.envelope(envelope).part(part)
        assert said is not None
        whole = {"version": version, "envelope": envelope, **dataclasses.asdict(said)}
        assert client.http.post(f"{url}/parts", json=whole, headers=token).status_code == 200
    answer = client.http.post(
        f"{url}/sealing", json=submission.to_json(), headers={**token, "Idempotency-Key": secrets.token_hex(8)}
    )
    assert answer.status_code == 201, answer.data


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


def test_before_the_opening_no_canary_is_anywhere(
    app: Flask, real: Engine, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    storage = app.extensions["storage"]
    with db.transaction():
        now = clock.site_now()
        demand = Stage(now).published()
        demand_id, said = demand.id, demand.said
        names = gather(BIDS)
    canaries = {name: Canaries() for name in names}
    for name, canary in canaries.items():
        with db.transaction():
            bid = Bidder(name, storage, now).start(db.session.get_one(Demand, demand_id))
            sheet, key = service.sheet(bid), Bidder(name, storage, now).key
        uploaded: dict[tuple[str, int], list[bytes]] = {}
        submission = seal(
            canary.contents(said, name),
            ref=sheet.ref,
            replaces=sheet.replaces,
            custodians=sheet.custodians,
            own_key=key,
            store=lambda envelope, part, pieces, to=uploaded: to.__setitem__((envelope, part), list(pieces)),  # type: ignore[misc]
        )
        client = Client(app).sign_in(name)
        upload(client, bid, submission, uploaded)
        assert client.get(f"/bids/{bid.public_id}").status == 200
    with db.transaction():
        drain(clock.site_now())
    printed = "".join(capfd.readouterr()).encode()
    places = [("standard output", printed), *files_below(tmp_path), *kept_by(real)]
    assert sum(len(data) for _, data in places) > BIDS * 1_000_000
    if real.dialect.name == "sqlite":
        assert any(name.endswith("-wal") for name, _ in places)
    found = [
        (where, needle)
        for name, canary in canaries.items()
        for needle in canary.needles
        for where, data in places
        if needle in data
    ]
    assert found == []
    _they_were_really_there(demand_id, canaries, storage)


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
