"""Writing the log.

``append`` queues an entry on the session. Just before the commit ``write_pending`` locks the head row — last of all
locks, so that nobody waits for anything while holding it —, gives the entries their numbers and writes leaves, inner
nodes, details and one signed checkpoint. The change, its leaf and its outbox row stand or fall together.

The first entry after a checkpoint names the hash of its signed note (``after``): the newest signature thereby covers
every note before it, and verifying the whole log needs no signature but that one (ADR: audit-chain).
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import event, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from marketplace import db
from marketplace.platform import outbox
from marketplace.platform.audit.models import AuditCheckpoint, AuditDetail, AuditHead, AuditLeaf, AuditNode
from marketplace.platform.checkpoint import Checkpoint, Signer, sign_checkpoint
from marketplace.platform.merkle import Frontier, leaf_hash
from marketplace.platform.policy import Actor

PENDING = "audit_pending"
_signer: Signer | None = None


@dataclass(slots=True)
class Leaf:
    """An entry on its way into the log; ``seq`` is known after ``write_pending``."""

    kind: str
    subject: str
    actor: Actor
    at: datetime
    facts: dict[str, Any]
    details: dict[str, Any] = field(default_factory=dict)
    seq: int | None = None
    on_numbered: list[Callable[[int], None]] = field(default_factory=list)  # told the seq, inside the transaction


def configure(keys: Path, origin: str) -> None:
    """Load (or make, 0600) the log's signing key. The log keeps the name it got with its key (``log_name``), whatever
    address the site moves to: the name is part of every signature, so a new one would turn old receipts away."""
    global _signer
    path = keys / "log_ed25519"
    if not path.exists():
        keys.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(Ed25519PrivateKey.generate().private_bytes_raw())
    named = keys / "log_name"
    if not named.exists():
        with suppress(OSError):  # a folder that only gives: the name then follows the address
            fresh = keys / f"log_name.{os.getpid()}"
            fresh.touch(mode=0o600)
            fresh.write_text(origin + "\n", encoding="utf-8")
            fresh.replace(named)
    name = named.read_text(encoding="utf-8").strip() if named.exists() else origin
    _signer = Signer(name, Ed25519PrivateKey.from_private_bytes(path.read_bytes()))


def signer() -> Signer:
    assert _signer is not None, "audit.configure() has not run"
    return _signer


def timestamp(at: datetime) -> str:
    """UTC with milliseconds, as entries and receipts write it: 2026-11-24T09:00:00.000Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def canonical(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def append(
    kind: str,
    *,
    subject: str,
    actor: Actor,
    at: datetime,
    facts: Mapping[str, Any] | None = None,
    details: Mapping[str, Any] | None = None,
) -> Leaf:
    """Queue an entry. ``facts`` are public for ever: ids, hashes, instants, never personal data."""
    leaf = Leaf(kind, subject, actor, at, dict(facts or {}), {k: v for k, v in (details or {}).items() if v != ""})
    db.session().info.setdefault(PENDING, []).append(leaf)
    return leaf


def note_read(kind: str, *, subject: str, actor: Actor, at: datetime, facts: Mapping[str, Any] | None = None) -> None:
    """A leaf for somebody's reading of sealed or personal material: once per person, object and hour."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    known = select(AuditDetail.seq).where(
        AuditDetail.subject == subject,
        AuditDetail.actor_id == actor.id,
        AuditDetail.kind == kind,
        AuditDetail.at >= hour,
    )
    if db.session.scalar(known.limit(1)) is None:
        append(kind, subject=subject, actor=actor, at=at, facts=facts)


def write_pending(session: Session) -> None:
    """Number and write what is queued. Runs by itself before each commit; call it earlier to learn a ``seq``."""
    leaves: list[Leaf] = session.info.pop(PENDING, [])
    if not leaves and not session.info.get(outbox.service.PENDING):
        return
    session.flush()  # constraints speak before the head is locked
    dialect_insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    session.execute(dialect_insert(AuditHead).values(id=1, size=0, frontier=b"", epoch=1).on_conflict_do_nothing())
    head = session.execute(
        select(AuditHead.size, AuditHead.frontier, AuditHead.epoch).where(AuditHead.id == 1).with_for_update()
    ).one()
    if leaves:
        _write(session, leaves, Frontier.from_bytes(head.size, head.frontier), head.epoch)
    outbox.write_pending(session)


def _note_before(session: Session, size: int) -> str | None:
    """The hash of the newest signed note over exactly ``size`` entries. After the head is locked nobody adds another."""
    newest = select(AuditCheckpoint.note).where(AuditCheckpoint.size == size).order_by(AuditCheckpoint.epoch.desc())
    note = session.scalar(newest.limit(1))
    return hashlib.sha256(note.encode()).hexdigest() if note is not None else None


def _write(session: Session, leaves: list[Leaf], frontier: Frontier, epoch: int) -> None:
    after = _note_before(session, frontier.size)
    rows: list[dict[str, Any]] = []
    details: list[dict[str, Any]] = []
    nodes: list[dict[str, Any]] = []
    for leaf in leaves:
        leaf.seq = frontier.size
        salt = secrets.token_bytes(16)
        entry = canonical(
            {
                "v": 1,
                "seq": leaf.seq,
                "at": timestamp(leaf.at),
                "kind": leaf.kind,
                "subject": leaf.subject,
                "actor": leaf.actor.id,
                "facts": leaf.facts,
                "details_sha256": hashlib.sha256(salt + canonical(leaf.details)).hexdigest(),
                **({"after": after} if after is not None else {}),
            }
        )
        after = None  # the first entry speaks for all of this transaction
        digest = leaf_hash(entry)
        frontier, completed = frontier.grow(digest)
        rows.append({"seq": leaf.seq, "entry": entry, "leaf_hash": digest})
        nodes += [{"level": node.level, "index": node.index, "hash": node.hash} for node in completed if node.level]
        details.append(
            {
                "seq": leaf.seq,
                "kind": leaf.kind,
                "subject": leaf.subject,
                "actor_id": leaf.actor.id,
                "actor_name": leaf.actor.name,
                "at": leaf.at,
                "facts": leaf.facts,
                "data": leaf.details,
                "salt": salt,
            }
        )
    session.execute(insert(AuditLeaf), rows)
    if nodes:
        session.execute(insert(AuditNode), nodes)
    session.execute(insert(AuditDetail), details)
    session.execute(update(AuditHead).where(AuditHead.id == 1).values(size=frontier.size, frontier=frontier.to_bytes()))
    checkpoint = Checkpoint(signer().name, frontier.size, frontier.root(), (f"epoch {epoch}",))
    session.execute(
        insert(AuditCheckpoint).values(
            size=frontier.size,
            epoch=epoch,
            root=frontier.root(),
            note=sign_checkpoint(checkpoint, signer()),
            at=leaves[-1].at,
        )
    )
    for leaf in leaves:
        for tell in leaf.on_numbered:
            tell(leaf.seq or 0)


def erase_details(*, actor_id: int, now: datetime) -> int:
    """Erase a person's name and texts from the readable side of the log; the tree stays valid. Returns the count."""
    result = db.session.execute(
        update(AuditDetail)
        .where(AuditDetail.actor_id == actor_id, AuditDetail.erased_at.is_(None))
        .values(actor_name="", data={}, salt=b"", erased_at=now)
    )
    return int(result.rowcount)  # type: ignore[attr-defined]


@event.listens_for(Session, "before_commit")
def _before_commit(session: Session) -> None:
    write_pending(session)


@event.listens_for(Session, "after_rollback")
def _after_rollback(session: Session) -> None:
    """What was rolled back did not happen: its queued leaves and outbox rows go with it."""
    session.info.pop(PENDING, None)
    session.info.pop(outbox.service.PENDING, None)
