"""A slow client keeps nobody waiting: what is sent is there before a transaction begins, which on SQLite is the one
writer's place, and what is stored beside the database is stored before it, too.
"""

from __future__ import annotations

import io
import secrets
from pathlib import Path

import pytest

from marketplace import db
from marketplace.bids import queries
from marketplace.platform.files import LocalStorage
from marketplace.platform.sealing.wire import sha256
from tests.bids.conftest import Bidder
from tests.client import Client


class Sending(io.BytesIO):
    """A body on its way; notes whether a transaction was open while it was read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.waited: list[bool] = []

    def read(self, size: int | None = -1) -> bytes:
        self.waited.append(db.session().in_transaction())
        return super().read(size)

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def]
        self.waited.append(db.session().in_transaction())
        return super().readinto(buffer)

    def readline(self, size: int | None = -1) -> bytes:
        self.waited.append(db.session().in_transaction())
        return super().readline(size)


@pytest.mark.parametrize(
    ("method", "address", "kind"),
    [
        ("POST", "/demands/nothing/edit", "application/x-www-form-urlencoded"),
        ("POST", "/demands/nothing/edit", "multipart/form-data; boundary=x"),
        ("PUT", "/bids/nothing/pieces/1/price/0/0", "application/octet-stream"),
        ("POST", "/bids/nothing/parts", "application/json"),
    ],
)
def test_the_body_is_read_before_the_transaction(sign_in, method: str, address: str, kind: str) -> None:
    client: Client = sign_in("drafter")
    token = client.csrf_token()
    db.session.commit()
    sending = Sending(b'--x\r\nContent-Disposition: form-data; name="title"\r\n\r\nx\r\n--x--\r\n')
    response = client.http.open(
        address,
        method=method,
        input_stream=sending,
        content_type=kind,
        content_length=len(sending.getvalue()),
        headers={"X-CSRFToken": token},
    )
    assert response.status_code < 500
    assert sending.waited
    assert not any(sending.waited)


class Storing(LocalStorage):
    """The site's storage; notes whether one might write to the database while bytes were stored or read."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, durable=False)
        self.writing: list[bool] = []

    def put(self, chunks, *, limit=None):  # type: ignore[no-untyped-def]
        self.writing.append(not db.only_reads())
        return super().put(chunks, limit=limit)

    def stream(self, sha256: str):  # type: ignore[no-untyped-def]
        self.writing.append(not db.only_reads())
        return super().stream(sha256)


def test_ciphertext_is_stored_and_measured_before_the_transaction_that_writes(
    sign_in, stage, app, now, tmp_path: Path, monkeypatch
) -> None:
    storage = Storing(tmp_path)
    monkeypatch.setitem(app.extensions, "storage", storage)
    bid = Bidder("bidder", storage, now).start(stage.published())
    db.session.commit()
    client, url = sign_in("bidder"), f"/bids/{bid.public_id}"
    token = {"X-CSRFToken": client.csrf_token(), "Accept": "application/json"}
    cipher = b"JBS1\1\0\0\0" + secrets.token_bytes(64 + 16 + 4096)
    for _ in range(2):
        kept = client.http.put(
            f"{url}/pieces/1/price/0/0", data=cipher, headers={**token, "X-Chunk-SHA256": sha256(cipher)}
        )
        assert (kept.status_code, kept.json) == (200, {"stored": sha256(cipher)})
    said = {"part": 0, "length": len(cipher), "sha256": sha256(cipher), "pt_commit": "0" * 64}
    done = client.http.post(f"{url}/parts", json={**said, "version": 1, "envelope": "price"}, headers=token)
    assert (done.status_code, done.json) == (200, {"finished": True})
    assert storage.writing == [False, False]  # stored once, read once
    assert [row.sha256 for row in queries.parts(bid, 1)] == [sha256(cipher)]
