"""Many bidders at once, on real connections: organisations of their own, processes forked from a warm parent."""

from __future__ import annotations

import json
import os
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine

from marketplace import db
from marketplace.accounts.models import Organisation, RoleAssignment, User
from marketplace.accounts.rules import OrganisationKind, OrganisationState, Role
from marketplace.platform.credit_code import invented
from tests.factories import LONG_AGO


def gather(count: int) -> list[str]:
    """``count`` approved firms with one bidder each; returns the user names."""
    names = [f"crowd{number:03d}" for number in range(count)]
    for number, name in enumerate(names):
        organisation = Organisation(
            slug=name,
            name=f"众揭{number:03d}号科技有限公司",
            short_name=f"众揭{number:03d}",
            kind=OrganisationKind.ENTERPRISE,
            credit_code=invented(5_000 + number),
            state=OrganisationState.APPROVED,
            registered_at=LONG_AGO,
            approved_at=LONG_AGO,
            may_bid=True,
        )
        user = User(
            username=name,
            name=f"众{number}",
            email=f"{name}@example.test",
            phone="13800001234",
            password_hash="",
            organisation=organisation,
            created_at=LONG_AGO,
            is_demo=True,
        )
        user.assignments = [
            RoleAssignment(organisation=organisation, role=Role.BIDDER, granted_at=LONG_AGO, in_force_at=LONG_AGO)
        ]
        db.session.add_all([organisation, user])
    db.session.flush()
    return names


@dataclass
class Child:
    """A forked process and what it told its parent: whole lines of JSON, each written before the next act began."""

    pid: int
    pipe: int
    said: bytes = b""
    status: int | None = None

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def first(self) -> Any:
        """The first thing it says, while it goes on."""
        while b"\n" not in self.said:
            self.said += os.read(self.pipe, 1 << 16)
        return json.loads(self.said.partition(b"\n")[0])

    def wait(self) -> list[Any]:
        """Everything it said until it ended. A line that the kill cut off was not said."""
        while data := os.read(self.pipe, 1 << 16):
            self.said += data
        os.close(self.pipe)
        if self.status is None:  # else its tracer has waited for it
            self.status = os.waitpid(self.pid, 0)[1]
        return [json.loads(line) for line in self.said.splitlines(keepends=True) if line.endswith(b"\n")]


Tell = Callable[[Any], None]


def fork(engine: Engine, act: Callable[[Tell], None]) -> Child:
    """Run ``act`` in a child that shares the code and nothing of the database connections."""
    db.session.remove()
    engine.dispose()  # the child must find no open connection of its parent's
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return Child(pid, reading)
    os.close(reading)

    def tell(thing: Any) -> None:
        os.write(writing, json.dumps(thing).encode() + b"\n")

    code = 1
    try:
        act(tell)
        code = 0
    except BaseException:
        tell({"error": traceback.format_exc()})
    os._exit(code)
