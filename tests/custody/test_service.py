"""A custodian's key from enrolment to retirement, and the sets that demands freeze."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace import db
from marketplace.custody import queries, service, software
from marketplace.custody.models import CustodianKey
from marketplace.custody.rules import CHALLENGE_LASTS, PROOF_LASTS, SOFTWARE_ID, custodian_id
from marketplace.demands.rules import CUSTODY
from marketplace.platform import audit, clock
from marketplace.platform.audit.models import AuditDetail
from marketplace.platform.errors import Forbidden, Invalid, Refused
from marketplace.platform.policy import Actor
from marketplace.platform.sealing.custodians import LEVELS, answer_challenge
from marketplace.platform.sealing.hpke import generate_private_key, public_bytes
from marketplace.platform.sealing.keyfile import read_key_file
from tests import factories

ActorOf = Callable[[str], Actor]


@pytest.fixture
def now(session: Session) -> datetime:
    return clock.site_now()


@pytest.fixture
def private() -> EllipticCurvePrivateKey:
    return generate_private_key()


@pytest.fixture
def key(private: EllipticCurvePrivateKey, actor: ActorOf, now: datetime) -> CustodianKey:
    person = factories.person("custodian2")
    return service.enrol(person, point=public_bytes(private), actor=actor("custodian2"), now=now)


def prove(key: CustodianKey, private: EllipticCurvePrivateKey, actor: Actor, now: datetime) -> None:
    asked = service.ask(key, actor=actor, now=now)
    name = custodian_id(key.user_id)
    answer = answer_challenge(private, custodian_id=name, nonce=asked.nonce, sealed=asked.sealed)
    service.prove(asked, answer, actor=actor, now=now)


def test_a_key_counts_after_confirmation_and_proof(
    key: CustodianKey, private: EllipticCurvePrivateKey, actor: ActorOf, now: datetime
) -> None:
    person = key.user
    with pytest.raises(Refused, match="第二人"):
        service._nameable(person, now)
    service.confirm(
        key, fingerprint=f"{key.fingerprint[:8]} {key.fingerprint[8:16].upper()}", actor=actor("secadmin"), now=now
    )
    with pytest.raises(Refused, match="证明"):
        service._nameable(person, now)
    prove(key, private, actor("custodian2"), now)
    assert service._nameable(person, now) == key.custodian
    assert service._nameable(person, now + PROOF_LASTS) == key.custodian
    with pytest.raises(Refused, match="超过90天"):
        service._nameable(person, now + PROOF_LASTS + timedelta(seconds=1))
    audit.write_pending(db.session())
    kinds = db.session.scalars(select(AuditDetail.kind).where(AuditDetail.subject == key.audit_subject)).all()
    assert kinds == ["custody.enrol", "custody.confirm", "custody.prove"]


def test_nobody_confirms_his_own_key(key: CustodianKey, actor: ActorOf, now: datetime) -> None:
    with pytest.raises(Forbidden, match="只有安全管理员"):
        service.confirm(key, fingerprint=key.fingerprint, actor=actor("custodian2"), now=now)
    both = Actor(id=key.user_id, roles=frozenset({("supervisor", 1)}))
    with pytest.raises(Forbidden, match="另一个人"):
        service.confirm(key, fingerprint=key.fingerprint, actor=both, now=now)
    key.confirmed_by_id, key.confirmed_at = key.user_id, now
    with pytest.raises(IntegrityError):
        db.session.flush()


@pytest.mark.parametrize("typed", ["", "0000000000000000", "short"])
def test_a_fingerprint_that_differs(key: CustodianKey, actor: ActorOf, now: datetime, typed: str) -> None:
    with pytest.raises(Invalid, match="不一致"):
        service.confirm(key, fingerprint=typed, actor=actor("supervisor"), now=now)
    assert key.confirmed_at is None


def test_only_custodians_enrol_and_only_themselves(actor: ActorOf, now: datetime) -> None:
    point = public_bytes(generate_private_key())
    for who in ("publisher", "bidder", "custodian1", "sysadmin"):
        with pytest.raises(Forbidden):
            service.enrol(factories.person("custodian2"), point=point, actor=actor(who), now=now)
    with pytest.raises(Invalid, match="公钥"):
        service.enrol(factories.person("custodian2"), point=bytes(65), actor=actor("custodian2"), now=now)


def test_one_live_key_each(key: CustodianKey, actor: ActorOf, now: datetime) -> None:
    point = public_bytes(generate_private_key())
    with pytest.raises(Refused, match="已登记"):
        service.enrol(key.user, point=point, actor=actor("custodian2"), now=now)
    with pytest.raises(Invalid):
        service.retire(key, reason=" ", actor=actor("custodian2"), now=now)
    service.retire(key, reason="密钥文件遗失", actor=actor("custodian2"), now=now)
    with pytest.raises(Refused, match="已经停用"):
        service.retire(key, reason="再来", actor=actor("supervisor"), now=now)
    new = service.enrol(key.user, point=point, actor=actor("custodian2"), now=now)
    assert queries.live_key(key.user_id) is new
    assert list(db.session.scalars(queries.awaiting_confirmation())) == [new]


def test_proofs_are_fresh_and_used_once(
    key: CustodianKey, private: EllipticCurvePrivateKey, actor: ActorOf, now: datetime
) -> None:
    me = actor("custodian2")
    asked = service.ask(key, actor=me, now=now)
    name = custodian_id(key.user_id)
    answer = answer_challenge(private, custodian_id=name, nonce=asked.nonce, sealed=asked.sealed)
    with pytest.raises(Refused, match="不符"):
        service.prove(asked, bytes(32), actor=me, now=now)
    with pytest.raises(Forbidden):
        service.prove(asked, answer, actor=actor("custodian1"), now=now)
    with pytest.raises(Refused, match="过期"):
        service.prove(asked, answer, actor=me, now=now + CHALLENGE_LASTS + timedelta(seconds=1))
    service.prove(asked, answer, actor=me, now=now)
    assert key.proved_at == now
    with pytest.raises(Refused, match="过期"):
        service.prove(asked, answer, actor=me, now=now)


def test_the_software_custodian(now: datetime) -> None:
    first, again = service.freeze("1-of-1", [], now=now), service.freeze("1-of-1", [], now=now)
    assert first == again == queries.custodian_set(first.hash)
    assert [custodian.id for custodian in first.custodians] == [SOFTWARE_ID]
    assert queries.custodian_set("0" * 64) is None


def test_demo_custodians_have_keys_by_themselves(now: datetime) -> None:
    people = [factories.person(f"custodian{i}") for i in (1, 2, 3)]
    assert service.demo_key_file(people[0]) is None
    frozen = service.freeze("2-of-3", people, now=now)
    assert frozen == service.freeze("2-of-3", people, now=now)
    assert (frozen.quorum, len(frozen.custodians)) == (2, 3)
    data = service.demo_key_file(people[0])
    assert data is not None
    custodian, _ = read_key_file(data, software.DEMO_PASSPHRASE)
    assert custodian == frozen.custodians[0]


def test_real_custodians_do_not(now: datetime, actor: ActorOf) -> None:
    people = [factories.person(f"custodian{i}") for i in (1, 2, 3)]
    people[2].is_demo = False
    with pytest.raises(Refused, match="郭三还没有登记密钥"):
        service.freeze("2-of-3", people, now=now)
    assert service.demo_key_file(people[2]) is None
    key = queries.live_key(people[1].id)
    assert key is not None
    service.retire(key, reason="遗失", actor=actor("supervisor"), now=now)
    with pytest.raises(Refused, match="郭二还没有登记密钥"):
        service.freeze("2-of-3", people, now=now)


def test_demands_and_the_protocol_know_the_same_levels() -> None:
    assert CUSTODY == LEVELS
