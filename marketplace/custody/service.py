"""Enrolling, confirming, proving and retiring custodians' keys; freezing the set that a demand names."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import datetime

from marketplace import db
from marketplace.accounts.models import User
from marketplace.custody import queries, software
from marketplace.custody.models import CustodianKey, CustodyChallenge, CustodySet
from marketplace.custody.rules import CHALLENGE_LASTS, custodian_id, why_not_nameable
from marketplace.platform import audit, outbox
from marketplace.platform.errors import Invalid, Refused
from marketplace.platform.policy import SYSTEM, Actor, require
from marketplace.platform.sealing import keyfile
from marketplace.platform.sealing.custodians import LEVELS, Custodian, CustodianSet, challenge
from marketplace.platform.sealing.hpke import public_bytes
from marketplace.platform.sealing.reasons import SealError
from marketplace.platform.sealing.wire import sha256


def enrol(user: User, *, point: bytes, actor: Actor, now: datetime) -> CustodianKey:
    """Keep the public half of a key that the custodian's browser made. Log: ``custody.enrol`` with the fingerprint.

    Refused while he has another live key: that one is retired first, so that nobody names two.
    """
    require("custody.enrol", actor, user, now)
    return _enrol(user, point, actor=actor, now=now)


def _enrol(user: User, point: bytes, *, actor: Actor, now: datetime) -> CustodianKey:
    try:
        custodian = Custodian(custodian_id(user.id), point)
    except SealError as error:
        raise Invalid(error.reason.sentence) from error
    if queries.live_key(user.id) is not None:
        raise Refused("您已登记过密钥。如果钥匙丢失，请先停用旧密钥，再登记新的。")
    if user.organisation_id is None:
        raise Refused("保管人须隶属一个单位，请先由安全管理员登记所在单位。")
    key = CustodianKey(
        user=user,
        organisation_id=user.organisation_id,
        point=point,
        fingerprint=custodian.fingerprint,
        enrolled_at=now,
    )
    db.session.add(key)
    db.session.flush()
    _log("custody.enrol", key, actor=actor, now=now)
    return key


def _log(kind: str, key: CustodianKey, *, actor: Actor, now: datetime, reason: str = "") -> None:
    facts = {"fingerprint": key.fingerprint}
    audit.append(kind, subject=key.audit_subject, actor=actor, at=now, facts=facts, details={"reason": reason})
    outbox.emit(kind, {"subject": key.audit_subject, **facts}, at=now)


def confirm(key: CustodianKey, *, fingerprint: str, actor: Actor, now: datetime) -> None:
    """A second person has compared the fingerprint with the custodian's own print. Log: ``custody.confirm``.

    ``fingerprint``: what he typed or scanned from the sheet, blanks allowed; the first 16 digits suffice.
    """
    require("custody.confirm", actor, key, now)
    if key.retired_at is not None or key.confirmed_at is not None:
        raise Refused("这把密钥已经确认或停用，请刷新页面。")
    typed = "".join(fingerprint.split()).lower()
    if len(typed) < 16 or not key.fingerprint.startswith(typed):
        raise Invalid(
            "指纹与登记的不一致。请与保管人当面核对打印件；若确实不同，请勿确认并通知监督员。",
            fields={"fingerprint": "与登记的不一致"},
        )
    key.confirmed_at, key.confirmed_by_id = now, actor.id
    _log("custody.confirm", key, actor=actor, now=now)


def ask(key: CustodianKey, *, actor: Actor, now: datetime) -> CustodyChallenge:
    """A fresh secret that only this key opens; the custodian's browser answers with ``prove``."""
    require("custody.prove", actor, key, now)
    made = challenge(key.custodian)
    row = CustodyChallenge(key=key, nonce=made.nonce, sealed=made.sealed, answer_sha256=made.answer_hash, asked_at=now)
    db.session.add(row)
    db.session.flush()
    return row


def prove(asked: CustodyChallenge, answer: bytes, *, actor: Actor, now: datetime) -> None:
    """Accept the right answer, once, within ten minutes. Log: ``custody.prove``."""
    require("custody.prove", actor, asked.key, now)
    if asked.answered_at is not None or now - asked.asked_at > CHALLENGE_LASTS or asked.key.retired_at is not None:
        raise Refused("这次证明已过期，请重新点“证明我仍持有密钥”。")
    if not hmac.compare_digest(sha256(answer), asked.answer_sha256):
        raise Refused("这把密钥与登记的不符。请检查所选的密钥文件是否为本人最近登记的那一份。")
    asked.answered_at = asked.key.proved_at = now
    _log("custody.prove", asked.key, actor=actor, now=now)


def retire(key: CustodianKey, *, reason: str, actor: Actor, now: datetime) -> None:
    """The key is lost or its holder leaves: no new demand names it. Shares dealt to it stay as they are."""
    require("custody.retire", actor, key, now)
    if not reason.strip():
        raise Invalid("请写明停用的原因。", fields={"reason": "请写明原因"})
    if key.retired_at is not None:
        raise Refused("这把密钥已经停用。")
    key.retired_at, key.retired_reason = now, reason.strip()
    _log("custody.retire", key, actor=actor, now=now, reason=reason.strip())


def freeze(level: str, users: Sequence[User], *, now: datetime) -> CustodianSet:
    """The set that a demand publishes, kept for ever under its hash.

    ``level`` 1-of-1 is the software custodian whoever is named. Refused, by name and reason, when somebody has no
    key, nobody has confirmed it, or he has not proved for 90 days that he holds it.
    """
    quorum, count = LEVELS[level]
    if count == 1:
        frozen = CustodianSet(quorum, (software.keyring().software_custodian(),))
    else:
        frozen = CustodianSet(quorum, tuple(_nameable(user, now) for user in users[:count]))
    if db.session.get(CustodySet, frozen.hash) is None:
        db.session.add(CustodySet(hash=frozen.hash, document=frozen.to_json(), frozen_at=now))
        db.session.flush()
    return frozen


def _nameable(user: User, now: datetime) -> Custodian:
    key = _demo_key(user, now) or queries.live_key(user.id)
    if key is None:
        raise Refused(f"保管人{user.name}还没有登记密钥。请他在工作台登记，并由另一人核对指纹后再张榜。")
    reason = why_not_nameable(confirmed_at=key.confirmed_at, proved_at=key.proved_at, now=now)
    if reason is not None:
        raise Refused(f"暂不能由{user.name}保管：{reason}。")
    return key.custodian


def _demo_key(user: User, now: datetime) -> CustodianKey | None:
    """The key that the platform holds for a demo custodian, made at the first need and proved by holding it.

    ``None`` for everybody else, and for a demo custodian who retired it or enrolled one of his own.
    """
    if not (user.is_demo and software.keyring().demo):
        return None
    key = queries.live_key(user.id)
    if key is None and queries.ever_enrolled(user.id):
        return None
    private = software.keyring().key(custodian_id(user.id))
    if key is None:
        key = _enrol(user, public_bytes(private), actor=SYSTEM, now=now)
        key.confirmed_at = now
        _log("custody.confirm", key, actor=SYSTEM, now=now, reason="demo")
    elif key.point != public_bytes(private):
        return None
    key.proved_at = now
    return key


def demo_key_file(user: User) -> bytes | None:
    """The key file of a demo custodian under the demo passphrase; ``None`` for everybody else."""
    key = queries.live_key(user.id)
    if not (user.is_demo and software.keyring().demo) or key is None:
        return None
    name = custodian_id(user.id)
    private = software.keyring().key(name)
    if public_bytes(private) != key.point:
        return None  # he has enrolled a key of his own
    return keyfile.write_key_file(name, private, software.DEMO_PASSPHRASE)
