"""From the first click to the last uploaded chunk: nothing of this is a bid yet, and nothing of it is readable."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, func, select

from marketplace import db
from marketplace.accounts.models import Organisation
from marketplace.bids import queries
from marketplace.bids.models import Bid, BidderKey, BidDraft, BidPart, BidPiece
from marketplace.bids.rules import why_not_bid
from marketplace.bids.service.sweeping import give_up
from marketplace.custody import queries as custody
from marketplace.demands import service as demands
from marketplace.demands.models import Demand
from marketplace.platform.errors import Conflict, Invalid, Refused, Sentence
from marketplace.platform.files import Storage
from marketplace.platform.policy import Actor, require
from marketplace.platform.sealing.container import (
    CHUNK_SIZE,
    HEADER_SIZE,
    TAG_SIZE,
    ciphertext_length,
    piece_count,
    piece_length,
    plaintext_length,
    require_ciphertext,
)
from marketplace.platform.sealing.manifest import FILE_LIMIT, FILES_LIMIT, OWN_WRAP_SIZE, TOTAL_LIMIT, Part
from marketplace.platform.sealing.reasons import Reason, SealError
from marketplace.platform.sealing.seal_tool import SealingSheet
from marketplace.platform.sealing.wire import ENVELOPES, is_count, is_hex, sha256
from marketplace.taxonomy import Label

_PIECE_LIMIT = HEADER_SIZE + CHUNK_SIZE + TAG_SIZE
_PARTS_LIMIT = 2 * (FILES_LIMIT + 1)
_STORED_LIMIT = ciphertext_length(TOTAL_LIMIT) + 4 * CHUNK_SIZE  # all files of a bid and its two forms


def start(demand: Demand, *, organisation: Organisation, actor: Actor, now: datetime) -> Bid:
    """The organisation's bid on a demand: a new draft, or the one there is. Makes the starter a follower.

    Refused with what to do when the organisation may not bid (own or affiliated demand, not approved, closed …).
    """
    require("bid.start", actor, demand, now)
    if not actor.has("bidder", "org_admin", at=organisation.id):
        raise Refused("您不是这家单位的揭榜成员，请由该单位的成员办理。")
    if (reason := why_not_bid(queries.standing(demand, organisation, now=now))) is not None:
        raise Refused(reason)
    bid = queries.of_organisation(demand, organisation.id)
    if bid is None:
        bid = Bid(
            public_id=secrets.token_hex(16),
            demand=demand,
            organisation=organisation,
            created_at=now,
            created_by_id=actor.id,
        )
        db.session.add(bid)
        db.session.flush()
        demands.follow(demand, actor=actor, now=now)
    return bid


def sheet(bid: Bid) -> SealingSheet:
    """封标参数 of the next version: all that a sealer must be told, all of it public."""
    custodians = custody.custodian_set(bid.demand.set_hash)
    if custodians is None:
        raise Refused("这条需求还没有固定保管人，暂不能封标。请联系发榜单位。")
    before = queries.sealed_version(bid)
    return SealingSheet(bid.ref(bid.next_version), before.manifest_hash if before else None, custodians)


def announce_key(organisation: Organisation, *, check_hash: str, actor: Actor, now: datetime) -> BidderKey:
    """The organisation's browser has made a key (or a new one): keep the hash of its check value, retire the former."""
    if not actor.has("bidder", "org_admin", at=organisation.id):
        raise Refused("只有本单位的揭榜成员可以登记单位标书钥匙。")
    if not is_hex(check_hash, 32):
        raise Invalid("钥匙校验值格式不符，请刷新页面后重试。")
    former = queries.bidder_key(organisation.id)
    if former is not None and former.check_hash == check_hash:
        return former
    if former is not None:
        former.retired_at = now
    key = BidderKey(organisation_id=organisation.id, check_hash=check_hash, made_at=now, made_by_id=actor.id)
    db.session.add(key)
    db.session.flush()
    return key


def not_accepted(error: SealError) -> Invalid:
    """The refusal of what ``error`` found, with its code. In English without a place that is named in Chinese."""
    place = error.detail
    where = Label(f"（{place}）", f" ({place})" if place.isascii() else "") if place else ""
    return Invalid(
        "%(code)s %(why)s%(where)s", code=error.reason.code, why=Sentence(error.reason.sentence), where=where
    )


def _require_place(bid: Bid, version: int, envelope: str, part: int) -> None:
    if version != bid.next_version:
        raise Conflict("正在准备的是第%(version)s版。别的同事可能刚刚封口，请刷新页面。", version=bid.next_version)
    if envelope not in ENVELOPES or not is_count(part, most=9999):
        raise Invalid("上传的位置不对，请刷新页面后重试。")


def put_piece(
    bid: Bid,
    *,
    version: int,
    envelope: str,
    part: int,
    piece: int,
    data: bytes,
    piece_hash: str,
    replaces: str | None = None,
    storage: Storage,
    actor: Actor,
    now: datetime,
) -> None:
    """Keep one chunk of ciphertext. The same PUT twice changes nothing; other bytes in its place re-open the part.

    ``replaces``: hash of the chunk this one was made from. Refused: plaintext (``NOT_SEALED``), a wrong hash (a damaged
    upload: send it again), too much in all, a chunk that a colleague has replaced meanwhile (409). The bytes are
    stored before the writing transaction (``db.write_from_here``); who may and where is asked on both sides of it.
    """
    require("bid.draft", actor, bid, now)
    _require_place(bid, version, envelope, part)
    if not is_count(piece, most=piece_count(ciphertext_length(FILE_LIMIT)) - 1) or len(data) > _PIECE_LIMIT:
        raise Invalid(Reason.PART_LIMITS.sentence)
    if sha256(data) != piece_hash:
        raise Invalid("这一块在传输中损坏，请重传。")
    try:
        require_ciphertext(data, first=piece == 0)
    except SealError as error:
        raise Invalid(error.reason.sentence) from error
    place = {"bid_id": bid.id, "version": version, "envelope": envelope, "part": part}

    def there() -> BidPiece | None:
        require("bid.draft", actor, bid, now)
        _require_place(bid, version, envelope, part)
        row = db.session.get(BidPiece, {**place, "piece": piece})
        if replaces is not None and row is not None and row.sha256 not in (replaces, piece_hash):
            raise Conflict("同事刚刚保存了这份草稿，您的修改还没有保存。请刷新页面，对照后再改。")
        if row is None or row.sha256 != piece_hash:
            _require_room(bid, version, len(data) - (row.size if row is not None else 0))
        return row

    if (row := there()) is not None and row.sha256 == piece_hash:
        return
    storage.put((data,))
    db.write_from_here()
    row = there()
    if row is None:
        row = BidPiece(**place, piece=piece)
        db.session.add(row)
    else:
        give_up([row.sha256], now=now)
    row.sha256, row.size, row.uploaded_at = piece_hash, len(data), now
    db.session.execute(delete(BidPart).filter_by(**place))
    db.session.flush()


def _require_room(bid: Bid, version: int, more: int) -> None:
    per_part = (
        select(func.sum(BidPiece.size).label("size"))
        .where(BidPiece.bid_id == bid.id, BidPiece.version == version)
        .group_by(BidPiece.envelope, BidPiece.part)
        .subquery()
    )
    stored, parts = db.session.execute(select(func.coalesce(func.sum(per_part.c.size), 0), func.count())).one()
    if stored + more > _STORED_LIMIT or parts > _PARTS_LIMIT:
        raise Invalid(Reason.PART_LIMITS.sentence)


def finish_part(
    bid: Bid, part: Part, *, version: int, envelope: str, storage: Storage, actor: Actor, now: datetime
) -> None:
    """All pieces of a part are there: compare them with its length and SHA-256, so that the commit needs no file.

    Pieces beyond the length (of a longer former upload) are dropped. The bytes are read before the writing transaction;
    whether the pieces are still the same ones is asked in it (409).
    """
    if plaintext_length(part.length) is None or part.length > ciphertext_length(FILE_LIMIT):
        raise Invalid(Reason.PART_LIMITS.sentence)
    if not (is_hex(part.sha256, 32) and is_hex(part.pt_commit, 32)):
        raise Invalid(Reason.MANIFEST_MALFORMED.sentence)
    wanted = [piece_length(part.length, piece) for piece in range(piece_count(part.length))]

    def uploaded() -> Sequence[BidPiece]:
        require("bid.draft", actor, bid, now)
        _require_place(bid, version, envelope, part.part)
        rows = queries.pieces(bid.id, version, envelope, part.part)
        there = {row.piece: row for row in rows}
        missing = [piece for piece, size in enumerate(wanted) if piece not in there or there[piece].size != size]
        if missing:
            raise Refused("还有%(count)s块没有传到，请继续上传。", count=len(missing))
        return rows

    hashes = [row.sha256 for row in uploaded()[: len(wanted)]]
    digest = hashlib.sha256()
    for piece_hash in hashes:
        for chunk in storage.stream(piece_hash):
            digest.update(chunk)
    if digest.hexdigest() != part.sha256:
        raise Invalid("上传的内容与清单指纹不符，请重新加密上传这一件。")
    db.write_from_here()
    rows = uploaded()
    if [row.sha256 for row in rows[: len(wanted)]] != hashes:
        raise Conflict("这一件刚刚又有新的内容传到，请重新上传。")
    give_up((surplus.sha256 for surplus in rows[len(wanted) :]), now=now)
    for surplus in rows[len(wanted) :]:
        db.session.delete(surplus)
    db.session.merge(
        BidPart(
            bid_id=bid.id,
            version=version,
            envelope=envelope,
            part=part.part,
            length=part.length,
            sha256=part.sha256,
            pt_commit=part.pt_commit,
            completed_at=now,
        )
    )
    db.session.flush()


def drop_part(bid: Bid, *, version: int, envelope: str, part: int, actor: Actor, now: datetime) -> None:
    """Take a file out of the draft. The browser never uses its number again in this version."""
    require("bid.draft", actor, bid, now)
    _require_place(bid, version, envelope, part)
    place = {"bid_id": bid.id, "version": version, "envelope": envelope, "part": part}
    give_up((row.sha256 for row in queries.pieces(bid.id, version, envelope, part)), now=now)
    db.session.execute(delete(BidPart).filter_by(**place))
    db.session.execute(delete(BidPiece).filter_by(**place))


def save_draft(bid: Bid, *, version: int, own_wraps: Mapping[str, bytes], actor: Actor, now: datetime) -> BidDraft:
    """Keep the envelope keys of the draft, wrapped under the organisation's key: without it nobody reads the draft."""
    require("bid.draft", actor, bid, now)
    _require_place(bid, version, ENVELOPES[0], 0)
    if set(own_wraps) != set(ENVELOPES) or any(len(wrap) != OWN_WRAP_SIZE for wrap in own_wraps.values()):
        raise Invalid(Reason.MANIFEST_MALFORMED.sentence)
    row = db.session.get(BidDraft, bid.id) or BidDraft(bid_id=bid.id)
    row.version, row.saved_at, row.saved_by_id = version, now, actor.id
    row.own_wraps = {name: wrap.hex() for name, wrap in own_wraps.items()}
    db.session.add(row)
    db.session.flush()
    return row


def clear_preparation(bid: Bid, version: int, *, keep: set[tuple[str, int]], now: datetime) -> None:
    """After a sealing: forget the draft and what was uploaded for this version but not committed to."""
    db.session.execute(delete(BidDraft).where(BidDraft.bid_id == bid.id))
    parts = db.session.scalars(select(BidPart).filter_by(bid_id=bid.id, version=version))
    pieces = db.session.scalars(select(BidPiece).filter_by(bid_id=bid.id, version=version))
    for row in (*parts, *pieces):
        if (row.envelope, row.part) not in keep:
            if isinstance(row, BidPiece):
                give_up([row.sha256], now=now)
            db.session.delete(row)
