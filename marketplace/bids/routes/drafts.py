"""What the sealing scripts speak to: ciphertext in, ciphertext out, one commit. Answers are JSON; plaintext is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, abort, g, jsonify, request, url_for
from flask_babel import gettext as _

from marketplace.bids import own, queries, service
from marketplace.bids.models import Bid
from marketplace.bids.routes import bp
from marketplace.bids.routes.pages import storage, terms_of
from marketplace.bids.service import Late
from marketplace.bids.validity import exported
from marketplace.platform.errors import Conflict, Invalid
from marketplace.platform.files.names import disposition
from marketplace.platform.policy import Actor
from marketplace.platform.sealing.container import CHUNK_SIZE, HEADER_SIZE, TAG_SIZE
from marketplace.platform.sealing.manifest import Part, Submission
from marketplace.platform.sealing.reasons import Reason, SealError
from marketplace.platform.sealing.wire import sha256
from marketplace.platform.sentences import spoken
from marketplace.web import ResponseValue, allow, reads_first


@dataclass(frozen=True, slots=True)
class Place:
    """One part, or one chunk of it, of a bid that the actor may see."""

    bid: Bid
    version: int
    envelope: str
    part: int
    piece: int

    @property
    def organisation_id(self) -> int:
        """What the permission asks."""
        return self.bid.organisation_id


def _placed(
    *, actor: Actor, now: datetime, public_id: str, version: int, envelope: str, part: int, piece: int = 0
) -> Place | None:
    bid = queries.find(actor=actor, now=now, public_id=public_id)
    return None if bid is None else Place(bid, version, envelope, part, piece)


COMMIT_LIMIT = 64 * 1024
PIECE_LIMIT = HEADER_SIZE + CHUNK_SIZE + TAG_SIZE


def _body(limit: int) -> bytes:
    if (request.content_length or 0) > limit:
        abort(413)
    data = request.get_data(cache=False)
    if len(data) > limit:
        abort(413)
    return data


def _json(limit: int = COMMIT_LIMIT) -> dict[str, Any]:
    try:
        value = json.loads(_body(limit))
    except (ValueError, RecursionError) as error:
        raise Invalid(Reason.MANIFEST_MALFORMED.sentence) from error
    if not isinstance(value, dict):
        raise Invalid(Reason.MANIFEST_MALFORMED.sentence)
    return value


def wraps_from(value: Any) -> dict[str, bytes]:
    try:
        return {str(name): bytes.fromhex(wrap) for name, wrap in value.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise Invalid(Reason.MANIFEST_MALFORMED.sentence) from error


def _pieces(bid: Bid, version: int) -> dict[str, dict[str, list[str]]]:
    """envelope → part → hashes of its pieces in order."""
    found: dict[str, dict[str, list[str]]] = {"technical": {}, "price": {}}
    for row in own.stored(bid, version):
        found[row.envelope].setdefault(str(row.part), []).append(row.sha256)
    return found


@bp.get("/bids/<public_id>/draft.json")
@allow("bid.see", queries.find)
def state(bid: Bid) -> ResponseValue:
    """All that the scripts need: parameters, wraps, hashes, rules, and the profile to begin with. No plaintext of a bid."""
    draft, sealed, key = queries.draft(bid), queries.sealed_version(bid), queries.bidder_key(bid.organisation_id)
    last = own.last_read(bid)
    organisation = bid.organisation
    return jsonify(
        {
            "sheet": service.sheet(bid).to_json(),
            "key": key.check_hash if key else None,
            "organisation": organisation.display_name,
            "uploaded": _pieces(bid, bid.next_version),  # so that an upload that was cut goes on
            "draft": {"own_wraps": draft.own_wraps} if draft else None,
            "sealed": {
                "version": sealed.version,
                "manifest": sealed.manifest.decode(),
                "manifest_hash": sealed.manifest_hash,
                "own_wraps": sealed.own_wraps,
            }
            if sealed
            else None,
            "last": {
                "ref": {"demand": last[0].demand.number, "bid": last[0].public_id, "version": last[1]},
                "own_wraps": last[2],
            }
            if last
            else None,
            "profile": {
                "bidder": organisation.name,
                "credit_code": organisation.credit_code,
                "legal_representative": organisation.legal_representative,
                "address": organisation.address,
                "contact_name": organisation.contact_name or g.user.name,
                "contact_phone": organisation.contact_phone or g.user.phone,
                "contact_email": organisation.contact_email or g.user.email,
                "affiliates": [
                    {"name": item.name, "credit_code": item.credit_code, "relation": item.relation}
                    for item in queries.affiliates(organisation)
                ],
            },
            "milestones": [
                {"name": item.name, "months": item.months, "percent": format(item.percent.normalize(), "f"),
                 "deliverable": item.deliverable}
                for item in bid.demand.said.milestones
            ],
            "members": [
                {"name": item.organisation.name, "credit_code": item.organisation.credit_code}
                for item in bid.members
                if item.declined_at is None
            ],
            "rules": exported(terms_of(bid.demand)),
        }
    )  # fmt: skip


@bp.get("/bids/<public_id>/sheet.json")
@allow("bid.draft", queries.find)
def sheet(bid: Bid) -> ResponseValue:
    """封标参数 for the offline sealer: public things only."""
    response = jsonify(service.sheet(bid).to_json())
    response.headers["Content-Disposition"] = disposition(f"封标参数-{bid.demand.number}-v{bid.next_version}.json")
    return response


@bp.put("/bids/<public_id>/draft")
@allow("bid.see", queries.find)
def save_draft(bid: Bid) -> ResponseValue:
    """The wrapped envelope keys of a new draft, once. A colleague who began in the same moment is told."""
    said = _json()
    wraps = wraps_from(said.get("own_wraps"))
    there = queries.draft(bid)
    if there is not None and there.own_wraps != {name: wrap.hex() for name, wrap in wraps.items()}:
        raise Conflict("同事刚刚开始了同一份草稿。请刷新页面，接着他的内容填写。")
    service.save_draft(bid, version=_number(said, "version"), own_wraps=wraps, actor=g.actor, now=g.now)
    return jsonify({"saved": True})


@bp.put("/bids/<public_id>/pieces/<int:version>/<envelope>/<int:part>/<int:piece>")
@allow("bid.see", _placed)
@reads_first
def put_piece(place: Place) -> ResponseValue:
    """One chunk. ``X-Replaces``: hash of the chunk this one was made from, so that no colleague's work is overwritten."""
    data = _body(PIECE_LIMIT)
    service.put_piece(
        place.bid,
        version=place.version,
        envelope=place.envelope,
        part=place.part,
        piece=place.piece,
        data=data,
        piece_hash=request.headers.get("X-Chunk-SHA256", ""),
        replaces=request.headers.get("X-Replaces"),
        storage=storage(),
        actor=g.actor,
        now=g.now,
    )
    return jsonify({"stored": sha256(data)})


def _number(said: dict[str, Any], name: str) -> int:
    value = said.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Invalid(Reason.MANIFEST_MALFORMED.sentence)
    return value


@bp.post("/bids/<public_id>/parts")
@allow("bid.see", queries.find)
@reads_first
def finish_part(bid: Bid) -> ResponseValue:
    """All pieces of a part are there: check them against its length and hash."""
    said = _json()
    part = Part(
        _number(said, "part"), _number(said, "length"), str(said.get("sha256", "")), str(said.get("pt_commit", ""))
    )
    service.finish_part(
        bid,
        part,
        version=_number(said, "version"),
        envelope=str(said.get("envelope", "")),
        storage=storage(),
        actor=g.actor,
        now=g.now,
    )
    return jsonify({"finished": True})


@bp.delete("/bids/<public_id>/parts/<int:version>/<envelope>/<int:part>")
@allow("bid.see", _placed)
def drop_part(place: Place) -> ResponseValue:
    service.drop_part(
        place.bid, version=place.version, envelope=place.envelope, part=place.part, actor=g.actor, now=g.now
    )
    return jsonify({"dropped": True})


@bp.get("/bids/<public_id>/parts/<int:version>/<envelope>/<int:part>")
@allow("bid.see", _placed)
def part(place: Place) -> ResponseValue:
    """The ciphertext of one part, to its own organisation."""
    rows = queries.pieces(place.bid.id, place.version, place.envelope, place.part)
    if not rows:
        abort(404)
    hashes = [row.sha256 for row in rows]
    store = storage()

    def stream() -> Iterator[bytes]:
        for piece in hashes:
            yield from store.stream(piece)

    response = Response(stream(), mimetype="application/octet-stream")
    response.content_length = sum(row.size for row in rows)
    return response


@bp.post("/bids/<public_id>/sealing")
@allow("bid.see", queries.find)
def commit(bid: Bid) -> ResponseValue:
    """The commit: ≤ 64 KiB, one idempotency key. 201 with the receipt; 410 with both instants when late."""
    try:
        submission = Submission.from_json(_json())
    except SealError as error:
        raise service.not_accepted(error) from error
    key = request.headers.get("Idempotency-Key", "")
    outcome = service.seal(bid, submission, idempotency_key=key, actor=g.actor)
    if isinstance(outcome, Late):
        answer = jsonify(
            {
                "type": "about:blank",
                "title": _("已经过了时间"),
                "status": 410,
                "detail": spoken(outcome.sentence),
                "arrived_at": outcome.decided_at.isoformat(timespec="milliseconds"),
                "closes_at": outcome.closes_at.isoformat(timespec="milliseconds"),
            }
        )
        answer.content_type = "application/problem+json"
        answer.status_code = 410
        return answer
    response = jsonify(
        {
            "receipt": outcome.public_id,
            "url": url_for(".receipt", public_id=outcome.public_id),
            "manifest_hash": outcome.manifest_hash,
            "version": outcome.version,
        }
    )
    response.status_code = 201
    return response
