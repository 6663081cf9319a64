"""The worker that opens what was released: bid by bid, resumable at any point, no bid stopping another.

    load       what the database knows of one bid                (reads)
    examine    combine → check → decrypt → parse → check files   (no database: this is where the time goes)
    keep       one row per envelope, unless there is one already (a short transaction)
    conclude   when every bid has its rows: states, record, demand, in one transaction

Killed anywhere, it goes on with the bids that have no rows yet. A file stored for a row that was never written is an
orphan that the storage's sweep removes. States and the record appear in ``conclude`` alone, to all bidders at once.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import select, update

from marketplace import db
from marketplace.bids import queries
from marketplace.bids.models import (
    BidFile,
    BidOpening,
    BidPiece,
    BidRelease,
    BidReleasedShare,
    BidStage,
    BidVersion,
)
from marketplace.bids.rules import BidAction, Stage, envelopes_of
from marketplace.bids.service.moving import move
from marketplace.bids.service.opening import custodian_set, lock
from marketplace.bids.service.record import compose
from marketplace.custody import software
from marketplace.demands import service as demands
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.platform import audit, outbox
from marketplace.platform.clock import decided_at
from marketplace.platform.files import ALLOWED, BadFile, Storage, Verdict, check, safe_name, scan, tricks_in
from marketplace.platform.files.storage import ChunkReader, Missing
from marketplace.platform.policy import SYSTEM
from marketplace.platform.sealing.container import CHUNK_SIZE, Readable, encrypt
from marketplace.platform.sealing.form import Form, SealedFile
from marketplace.platform.sealing.opening import open_envelope, read_manifest, recover_key
from marketplace.platform.sealing.reasons import Fault, Reason, SealError
from marketplace.platform.sealing.wire import BidRef, canonical, sha256

log = structlog.get_logger(__name__)
UNFORESEEN = "X-01"
"""The code of an accident nobody thought of: blocked, never the bidder's fault, kept in the application's log."""


@dataclass(frozen=True, slots=True)
class Task:
    """One bid to open, as the database knows it."""

    version_id: int
    ref: BidRef
    manifest: bytes
    manifest_hash: str
    quorum: int
    everybody: bool  # all custodians have released: nobody is left whose share could help
    shares: dict[str, list[bytes | None]]  # by envelope to open
    pieces: dict[tuple[str, int], list[str]]  # (envelope, part) → hashes in the storage, in order


@dataclass(frozen=True, slots=True)
class Opened:
    """A file as it is kept: nothing of it lies anywhere in clear."""

    part: int
    name: str
    media_type: str
    role: str
    size: int
    sha256: str
    stored_sha256: str
    finding: str
    scan: str


@dataclass(slots=True)
class Outcome:
    """What became of one envelope."""

    envelope: str
    outcome: str
    reason: str = ""
    detail: str = ""
    form: bytes | None = None
    files: list[Opened] = field(default_factory=list)


def undecided(demand: Demand, stage: Stage) -> list[int]:
    """Versions that still lack a row for an envelope of this stage."""
    wanted = envelopes_of(stage, two_step=demand.said.two_step)
    ids = [version.id for version in queries.versions_to_open(demand, stage)]
    rows = db.session.execute(
        select(BidOpening.version_id, BidOpening.envelope).where(
            BidOpening.version_id.in_(ids), BidOpening.envelope.in_(wanted)
        )
    )
    done = {(row.version_id, row.envelope) for row in rows}
    return [key for key in ids if any((key, envelope) not in done for envelope in wanted)]


def load(version_id: int, stage: Stage) -> Task:
    """Gather what ``examine`` needs."""
    version = db.session.get_one(BidVersion, version_id)
    demand = version.bid.demand
    released = db.session.execute(
        select(BidReleasedShare.envelope, BidReleasedShare.share)
        .join(BidRelease, BidRelease.id == BidReleasedShare.release_id)
        .where(BidReleasedShare.version_id == version_id, BidRelease.stage == stage)
        .order_by(BidRelease.position)
    )
    shares: dict[str, list[bytes | None]] = {
        envelope: [] for envelope in envelopes_of(stage, two_step=demand.said.two_step)
    }
    for envelope, share in released:
        shares[envelope].append(share)
    pieces: dict[tuple[str, int], list[str]] = {}
    for piece in db.session.scalars(
        select(BidPiece).filter_by(bid_id=version.bid_id, version=version.version).order_by(BidPiece.piece)
    ):
        pieces.setdefault((piece.envelope, piece.part), []).append(piece.sha256)
    custodians = custodian_set(demand)
    return Task(
        version_id=version_id,
        ref=version.ref,
        manifest=version.manifest,
        manifest_hash=version.manifest_hash,
        quorum=custodians.quorum,
        everybody=len(queries.releases(demand, stage)) == len(custodians.custodians),
        shares=shares,
        pieces=pieces,
    )


def _from_storage(storage: Storage, hashes: Sequence[str]) -> Iterator[bytes]:
    """The stored pieces of a part one after the other; what the storage lost or spoilt is the storage's fault."""
    for digest in hashes:
        try:
            yield from storage.stream(digest)
        except Missing as error:
            raise SealError(Reason.PART_MISSING) from error
        except OSError as error:
            raise SealError(Reason.PART_HASH) from error


def examine(task: Task, *, storage: Storage, scanner: str | None) -> list[Outcome]:
    """Open the envelopes of one bid. Never raises for what is in them."""
    return [_examine(task, envelope, storage, scanner) for envelope in task.shares]


def _examine(task: Task, envelope: str, storage: Storage, scanner: str | None) -> Outcome:
    files = list[Opened]()

    def fetch(name: str, part: int) -> Readable:
        return ChunkReader(_from_storage(storage, task.pieces[name, part]))

    def keep(file: SealedFile, chunks: Iterator[bytes]) -> None:
        files.append(_keep_file(task, envelope, file, chunks, storage, scanner))

    try:
        manifest = read_manifest(task.manifest, manifest_hash=task.manifest_hash)
        dek = recover_key(manifest, envelope, task.shares[envelope], quorum=task.quorum)
        form = open_envelope(manifest, envelope, dek=dek, fetch=fetch, keep=keep)
        return Outcome(envelope, "opened", form=_sealed_again(task, envelope, form), files=files)
    except SealError as error:
        # Shares short although everybody has released: what the bidder had wrapped for them was junk.
        final = error.reason.fault is Fault.BIDDER or (error.reason is Reason.SHARES_SHORT and task.everybody)
        return Outcome(envelope, "unopenable" if final else "blocked", error.reason.code, error.detail)
    except Exception as error:  # one bid never stops the others
        log.exception("opening", version=task.version_id, envelope=envelope)
        return Outcome(envelope, "blocked", UNFORESEEN, type(error).__name__)


def _sealed_again(task: Task, envelope: str, form: Form) -> bytes:
    """The form under the storage key. ASCII, so that even half a surrogate in a field comes back as it was."""
    said = {
        "fields": dict(form.fields),
        "files": [[f.part, f.name, f.media_type, f.size, f.role] for f in form.files],
    }
    return b"".join(_encrypted(task, envelope, 0, io.BytesIO(json.dumps(said).encode("ascii"))))


def _encrypted(task: Task, envelope: str, part: int, source: Readable) -> Iterator[bytes]:
    key = software.keyring().storage_key()
    return encrypt(source, dek=key, ref=task.ref, envelope=envelope, part=part)


def _keep_file(
    task: Task, envelope: str, file: SealedFile, chunks: Iterator[bytes], storage: Storage, scanner: str | None
) -> Opened:
    """Check, scan and store one file. It lies in memory alone (50 MiB at most), never in a temporary file."""
    clear = io.BytesIO()
    for chunk in chunks:  # to the end: only there is it known that this is what was committed to
        clear.write(chunk)
    media_type, findings = "application/octet-stream", list[str]()
    if tricks_in(file.name) is not None:
        findings.append("name")
    try:
        media_type = check(file.name, clear, allowed=ALLOWED).mime
    except BadFile as error:
        findings.append(error.code)
    view = clear.getbuffer()
    verdict = scan((bytes(view[at : at + CHUNK_SIZE]) for at in range(0, len(view), CHUNK_SIZE)), address=scanner)
    if verdict.verdict is Verdict.INFECTED:
        findings.append("infected")
    digest, size = hashlib.sha256(view).hexdigest(), len(view)
    view.release()
    clear.seek(0)
    stored = storage.put(_encrypted(task, envelope, file.part, clear))
    return Opened(
        part=file.part,
        name=safe_name(file.name),
        media_type=media_type,
        role=_plain(file.role),
        size=size,
        sha256=digest,
        stored_sha256=stored.sha256,
        finding=",".join(findings),
        scan=str(verdict.verdict),
    )


def _plain(text: str) -> str:
    """Text that every database takes."""
    return text.encode(errors="ignore").decode().replace("\0", "")


def keep(task: Task, outcomes: Sequence[Outcome], *, at: datetime) -> None:
    """Write the rows of one bid, once: whoever comes second changes nothing."""
    known = set(db.session.scalars(select(BidOpening.envelope).where(BidOpening.version_id == task.version_id)))
    for outcome in outcomes:
        if outcome.envelope in known:
            continue
        row = BidOpening(
            version_id=task.version_id,
            envelope=outcome.envelope,
            outcome=outcome.outcome,
            reason=outcome.reason,
            detail=outcome.detail,
            form=outcome.form,
            decided_at=at,
        )
        row.files = [BidFile(**{name: getattr(file, name) for name in Opened.__slots__}) for file in outcome.files]
        db.session.add(row)
    db.session.flush()


def conclude(demand: Demand, stage: Stage, *, now: datetime) -> bool:
    """Every bid has its rows: advance them and the demand, write the record. Returns whether it is concluded.

    Log: one leaf for each bid, ``opening.record`` with the record's hash, ``demand.open``; outbox: ``opening.record``.
    While a custodian's wrong shares block every bid and another may still release, nothing happens yet.
    """
    at = lock(demand)
    row = db.session.get_one(BidStage, (demand.id, stage), with_for_update=True)
    if not row.due or undecided(demand, stage):
        return False
    row.due = False
    versions = queries.versions_to_open(demand, stage)
    outcomes = queries.outcomes([version.id for version in versions], stage, two_step=demand.said.two_step)
    if row.concluded_at is None and not _worth_concluding(demand, stage, outcomes):
        db.session.flush()
        return False
    moved = [version for version in versions if _advance(version, outcomes[version.id], stage, at)]
    if row.concluded_at is not None and not moved:
        return True
    first_time = row.concluded_at is None
    row.concluded_at = row.concluded_at or at
    _forget_used_shares([version.id for version in moved], stage)
    db.session.flush()
    former = row.record_hash
    document = compose(demand, stage, at=at, former=former)
    row.record, row.record_hash = document, sha256(canonical(document))
    facts = {"stage": str(stage), "record": row.record_hash}
    audit.append("opening.record", subject=demand.audit_subject, actor=SYSTEM, at=at, facts=facts)
    outbox.emit("opening.record", {"subject": demand.audit_subject, **facts}, at=at)
    if first_time and stage is Stage.FIRST:
        demands.mark_opened(demand, facts=facts, now=at)
    elif first_time:
        demands.mark_prices_opened(demand, facts=facts, now=at)
    db.session.flush()
    return True


def _worth_concluding(demand: Demand, stage: Stage, outcomes: dict[int, list[BidOpening]]) -> bool:
    """A bid was decided: with every one blocked, other custodians or a restored storage are waited for."""
    if demand.state is not (State.PUBLISHED if stage is Stage.FIRST else State.REVIEWING):
        return False
    said = [{row.outcome for row in rows} for rows in outcomes.values()]
    return not said or any("unopenable" in bid or "blocked" not in bid for bid in said)


def _advance(version: BidVersion, rows: list[BidOpening], stage: Stage, at: datetime) -> bool:
    """The bid's state by what became of its envelopes; a blocked one waits."""
    failed = next((row for row in rows if row.outcome == "unopenable"), None)
    bid = version.bid
    if failed is not None:
        bid.reason = failed.reason
        move(bid, BidAction.FAIL, actor=SYSTEM, now=at, facts={"code": failed.reason})
        return True
    if any(row.outcome == "blocked" for row in rows):
        return False
    if stage is Stage.FIRST:
        move(bid, BidAction.OPEN, actor=SYSTEM, now=at)
    return True


def _forget_used_shares(version_ids: list[int], stage: Stage) -> None:
    """What was opened lies under the storage key now; right shares in clear would only be one more thing to steal."""
    opened = select(BidOpening.version_id).where(BidOpening.version_id.in_(version_ids), BidOpening.outcome == "opened")
    releases = select(BidRelease.id).where(BidRelease.stage == stage)
    db.session.execute(
        update(BidReleasedShare)
        .where(
            BidReleasedShare.version_id.in_(opened),
            BidReleasedShare.release_id.in_(releases),
            BidReleasedShare.right.is_(True),
        )
        .values(share=None)
    )


def open_waiting(now: datetime, *, storage: Storage, scanner: str | None) -> int:
    """The job: open whatever custodians have released. Returns how many stages were concluded."""
    with db.transaction():
        due = [(row.demand_id, row.stage) for row in db.session.scalars(select(BidStage).where(BidStage.due))]
    concluded = 0
    for demand_id, stage in due:
        try:
            concluded += _open(demand_id, stage, storage=storage, scanner=scanner, unit=db.transaction)
        except Exception:  # a full disk, say: tried again in the next round, and nobody else waits for it
            log.exception("opening", demand=demand_id)
    return concluded


def open_now(demand: Demand, *, stage: Stage, storage: Storage, scanner: str | None = None) -> bool:
    """The same inside the present transaction: the demo's story, and tests that make an opened demand."""
    return _open(demand.id, stage, storage=storage, scanner=scanner, unit=nullcontext)


def _open(demand_id: int, stage: Stage, *, storage: Storage, scanner: str | None, unit: Any) -> bool:
    with _unit(unit):
        row = db.session.get(BidStage, (demand_id, stage))
        if row is None or not row.due:
            return False
        waiting = undecided(db.session.get_one(Demand, demand_id), stage)
    for version_id in waiting:
        with _unit(unit):
            task = load(version_id, stage)
        outcomes = examine(task, storage=storage, scanner=scanner)
        with _unit(unit):
            keep(task, outcomes, at=decided_at())
    with _unit(unit):
        return conclude(db.session.get_one(Demand, demand_id), stage, now=decided_at())


def _unit(unit: Any) -> AbstractContextManager[Any]:
    made: AbstractContextManager[Any] = unit()
    return made
