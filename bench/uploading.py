"""Memory of the served site while several clients upload: master, workers, and the embedded worker that then opens.

    python -m bench.uploading [--clients N] [--rounds N] [--megabytes M]

Floor (issue 4): + ≤ 100 MB over idle during upload and opening. The real server (gunicorn.conf.py), SQLite with fsync,
each client an organisation of its own which encrypts, sends chunks of 1 MiB over HTTP and commits. Idle is after one
small bid of each, so that everything is loaded. Measured is the proportional set size of all processes together: what
they really take, shared pages once.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from http.cookiejar import CookieJar
from pathlib import Path
from typing import TYPE_CHECKING

from bench.opening import content
from bench.tables import finish, table
from marketplace.accounts.rules import DEMO_PASSWORD
from marketplace.platform.sealing.manifest import Manifest
from marketplace.platform.sealing.orgkey import OrganisationKey
from marketplace.platform.sealing.seal import seal
from marketplace.platform.sealing.seal_tool import SealingSheet
from marketplace.platform.sealing.wire import sha256

if TYPE_CHECKING:
    from collections.abc import Iterator

FLOOR_MB = 100.0
ROOT = Path(__file__).resolve().parent.parent


class Client:
    """A bidder's browser, as far as uploading goes."""

    def __init__(self, base: str, username: str) -> None:
        self.base, self.key = base, OrganisationKey.generate()
        self.http = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        page = self.get("/sign-in").decode()
        self.csrf = self._token(page)
        self.post_form("/sign-in", username=username, password=DEMO_PASSWORD)

    @staticmethod
    def _token(page: str) -> str:
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        assert found is not None, page[:2000]
        return found[1]

    def _send(self, path: str, method: str = "GET", data: bytes | None = None, **headers: str) -> tuple[str, bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.base + path, data=data, method=method, headers=named)  # noqa: S310
        try:
            with self.http.open(request, timeout=120) as answer:
                return answer.url, answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError((path, error.code, error.read()[:500])) from error

    def get(self, path: str) -> bytes:
        return self._send(path)[1]

    def post_form(self, path: str, **fields: str) -> str:
        body = urllib.parse.urlencode({"csrf_token": self.csrf, **fields}).encode()
        return self._send(path, "POST", body, Referer=self.base + path)[0]

    def send(self, path: str, method: str, body: bytes, kind: str = "application/json", **headers: str) -> None:
        self._send(path, method, body, X_CSRFToken=self.csrf, Content_Type=kind, **headers)

    def start(self, number: str) -> None:
        """A draft for the demand."""
        path = f"/demands/{number}/bid"
        self.csrf = self._token(self.get(path).decode())
        self.bid = urllib.parse.urlsplit(self.post_form(path)).path.removesuffix("/form")

    def bid_once(self, size: int) -> None:
        """Encrypt, upload every chunk, finish every part, commit."""
        sheet = SealingSheet.from_json(json.loads(self.get(f"{self.bid}/sheet.json")))
        uploaded: dict[tuple[str, int], list[bytes]] = {}
        submission = seal(
            content(size),
            ref=sheet.ref,
            replaces=sheet.replaces,
            custodians=sheet.custodians,
            own_key=self.key,
            store=lambda envelope, part, pieces: uploaded.__setitem__((envelope, part), list(pieces)),
        )
        manifest = Manifest.parse(submission.manifest)
        for (envelope, number), pieces in uploaded.items():
            for place, data in enumerate(pieces):
                path = f"{self.bid}/pieces/{sheet.ref.version}/{envelope}/{number}/{place}"
                self.send(path, "PUT", data, "application/octet-stream", X_Chunk_SHA256=sha256(data))
            part = manifest.envelope(envelope).part(number)
            assert part is not None
            said = {
                "version": sheet.ref.version,
                "envelope": envelope,
                "part": number,
                "length": part.length,
                "sha256": part.sha256,
                "pt_commit": part.pt_commit,
            }
            self.send(f"{self.bid}/parts", "POST", json.dumps(said).encode())
        body = json.dumps(submission.to_json()).encode()
        self.send(f"{self.bid}/sealing", "POST", body, Idempotency_Key=secrets.token_hex(16))


def make_site(folder: Path, origin: str, clients: int) -> tuple[int, list[str]]:
    """The database of a site with one published demand and so many bidders: (the demand's id, user names)."""
    from sqlalchemy import select

    from marketplace import db, features, migrate
    from marketplace.accounts.models import User
    from marketplace.accounts.service.people import hash_password
    from marketplace.custody import software
    from marketplace.platform import audit, clock
    from tests import factories
    from tests.bids.crowd import gather
    from tests.demands.conftest import Stage

    engine = db.make_engine(f"sqlite:///{folder / 'zhangbang.sqlite'}")
    features.load_models()
    migrate.upgrade(engine)
    audit.configure(folder / "keys", origin)
    software.configure(folder / "keys", demo=True)
    db.configure(engine)
    factories.make_cast()
    with db.transaction() as session:
        demand = Stage(clock.site_now()).published()
        names = gather(clients)
        hashed = hash_password(DEMO_PASSWORD)
        for user in session.scalars(select(User).where(User.username.in_(names))):
            user.password_hash = hashed
        session.flush()
        key = demand.id
    return key, names


@contextmanager
def serving(folder: Path, port: int) -> Iterator[int]:
    """The real server over that folder; gives the master's process id."""
    env = {**os.environ, "ZHANGBANG_DEMO": "1", "ZHANGBANG_INSTANCE": str(folder), "PORT": str(port)}
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"]
    server = subprocess.Popen(command, cwd=ROOT, env=env)  # noqa: S603
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2)
                break
            except OSError:
                time.sleep(0.2)
        yield server.pid
    finally:
        server.terminate()
        server.wait(30)


def taken(master: int) -> float:
    """Megabytes that the master and its children take, shared pages counted once."""
    children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    total = 0
    for pid in (master, *map(int, children)):
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:  # a worker that has just been replaced
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total * 1024 / 1e6


@contextmanager
def growth(master: int, idle: float) -> Iterator[list[float]]:
    """The most that was taken above ``idle`` while the block ran, looked at ten times a second."""
    most, done = [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.1):
            most[0] = max(most[0], taken(master) - idle)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield most
    finally:
        done.set()
        thread.join()


def opened(key: int) -> None:
    """Let the deadline pass and wait until the server's own worker has opened everything."""
    from marketplace import db
    from marketplace.demands.models import Demand
    from marketplace.platform import clock

    with db.transaction() as session:
        closes_at = session.get_one(Demand, key).closes_at
        assert closes_at is not None
        clock.move_to(closes_at + timedelta(minutes=1))
    until = datetime.now(UTC) + timedelta(minutes=5)
    while datetime.now(UTC) < until:
        with db.transaction() as session:
            if str(session.get_one(Demand, key).state) == "opened":
                return
        time.sleep(0.5)
    raise AssertionError("the server's worker has not opened the demand in five minutes")


def measure(clients: int, rounds: int, size: int, folder: Path) -> list[tuple[str, float]]:
    from marketplace import db
    from marketplace.demands.models import Demand

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    key, names = make_site(folder, f"127.0.0.1:{port}/log", clients)
    with db.transaction() as session:
        number = session.get_one(Demand, key).number
    assert number is not None
    with serving(folder, port) as master, ThreadPoolExecutor(clients) as pool:
        people = list(pool.map(partial(Client, base), names))
        for client in people:
            client.start(number)
        list(pool.map(lambda client: client.bid_once(0), people))
        time.sleep(3)
        idle = taken(master)
        with growth(master, idle) as uploading:
            for _ in range(rounds):
                list(pool.map(lambda client: client.bid_once(size), people))
        with growth(master, idle) as opening:
            opened(key)
    return [("idle", idle), ("upload", uploading[0]), ("opening", opening[0])]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--megabytes", type=int, default=20)
    parser.add_argument("--write", action="store_true", help="renew the table in docs/benchmarks.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = dict(measure(options.clients, options.rounds, options.megabytes << 20, Path(folder)))
    work = f"{options.clients} clients × {options.rounds} × {options.megabytes} MiB"
    rows, missed = [[f"idle, after {options.clients} small bids", f"{found['idle']:.0f}", "", ""]], list[str]()
    for name, what in (
        ("upload", f"upload: {work}"),
        ("opening", f"opening of the last {options.clients} by its worker"),
    ):
        rows.append([what, f"{found['idle'] + found[name]:.0f}", f"{found[name]:.0f}", f"{FLOOR_MB:.0f}"])
        if found[name] > FLOOR_MB:
            missed.append(f"{name}: memory + {found[name]:.0f} MB > {FLOOR_MB:.0f} MB")
    head = ("the served site: master, two workers", "MB at most", "+ MB over idle", "floor")
    return finish("uploading", table(head, rows), missed, write=options.write)


if __name__ == "__main__":
    sys.exit(main())
