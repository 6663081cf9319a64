"""The organisation's printed code, the custodian's key file, the proof that he holds it, the set's hash."""

import json
import random

import pytest

from marketplace.platform.sealing import keyfile
from marketplace.platform.sealing.custodians import (
    Custodian,
    CustodianSet,
    answer_challenge,
    challenge,
    index_of,
    unwrap_share,
)
from marketplace.platform.sealing.hpke import generate_private_key, public_bytes
from marketplace.platform.sealing.orgkey import ALPHABET, OrganisationKey
from marketplace.platform.sealing.reasons import Reason, SealError
from marketplace.platform.sealing.wire import BidRef
from tests.sealing.bench import REF, Office, Store, seal_small


def code_reason(code: str) -> Reason | None:
    try:
        OrganisationKey.from_code(code)
    except SealError as error:
        return error.reason
    return None


def test_codes_read_back_however_they_are_typed() -> None:
    for _ in range(200):
        key = OrganisationKey.generate()
        code = key.code
        assert [len(group) for group in code.split("-")] == [5, 5, 5, 5, 6]
        full_width = "".join(chr(ord(c) + 0xFEE0) for c in code)
        for typed in (code, code.lower(), code.replace("-", " "), f"\n {code.replace('-', '')}　", full_width):
            assert OrganisationKey.from_code(typed) == key
        misread = code.replace("1", "l").replace("0", "o")
        assert OrganisationKey.from_code(misread) == key


def test_every_wrong_character_and_every_swap_is_found() -> None:
    text = OrganisationKey.generate().code.replace("-", "")
    for place, right in enumerate(text):
        for wrong in set(ALPHABET) - {right}:
            assert code_reason(text[:place] + wrong + text[place + 1 :]) is Reason.KEY_CODE
        for other in range(place):
            swapped = list(text)
            swapped[place], swapped[other] = text[other], text[place]
            assert code_reason("".join(swapped)) is (Reason.KEY_CODE if text[other] != right else None)


@pytest.mark.parametrize("typed", ["", "U" * 26, "0" * 25, "0" * 27, "钥匙" * 13, "*" * 26])
def test_what_is_no_code(typed: str) -> None:
    assert code_reason(typed) is Reason.KEY_CODE


def test_own_wraps_are_bound_to_their_place() -> None:
    key, dek = OrganisationKey.generate(), random.Random(1).randbytes(32)
    wrapped = key.wrap(dek, ref=REF, envelope="technical")
    assert key.unwrap(wrapped, ref=REF, envelope="technical") == dek
    assert key.wrap(dek, ref=REF, envelope="technical") != wrapped
    for other_key, changed, ref, envelope in (
        (OrganisationKey.generate(), wrapped, REF, "technical"),
        (key, wrapped, REF, "price"),
        (key, wrapped, BidRef(REF.demand, REF.bid, 2), "technical"),
        (key, wrapped[:-1], REF, "technical"),
        (key, b"", REF, "technical"),
    ):
        with pytest.raises(SealError) as caught:
            other_key.unwrap(changed, ref=ref, envelope=envelope)
        assert caught.value.reason is Reason.KEY_WRONG


def test_the_server_only_gets_a_hash_and_reprs_say_nothing() -> None:
    key = OrganisationKey.generate()
    assert key.check_hash == OrganisationKey.from_code(key.code).check_hash != OrganisationKey.generate().check_hash
    assert key.seed.hex() not in repr(key)
    assert repr(key.seed) not in repr(key)


def test_key_files() -> None:
    key = generate_private_key()
    data = keyfile.write_key_file("c1", key, "正确的口令 horse battery")
    custodian, read = keyfile.read_key_file(data, "正确的口令 horse battery")
    assert custodian == Custodian("c1", public_bytes(key))
    assert public_bytes(read) == custodian.point
    document = json.loads(data)
    assert document["rounds"] == 600_000
    assert document["fingerprint"] == custodian.fingerprint
    other = Custodian("c2", public_bytes(generate_private_key()))
    for change, reason in (
        ({}, Reason.PASSPHRASE),
        ({"custodian": "c2"}, Reason.PASSPHRASE),
        ({"sealed": document["sealed"][:-2] + "00"}, Reason.PASSPHRASE),
        ({"key": other.point.hex(), "fingerprint": other.fingerprint}, Reason.PASSPHRASE),
        ({"fingerprint": "00" * 32}, Reason.KEY_FILE),
        ({"key": "04" + "11" * 64}, Reason.PUBLIC_KEY),
        ({"rounds": 10**9}, Reason.KEY_FILE),
        ({"rounds": 0}, Reason.KEY_FILE),
        ({"rounds": "many"}, Reason.KEY_FILE),
        ({"format": "pem"}, Reason.KEY_FILE),
        ({"salt": "zz"}, Reason.KEY_FILE),
    ):
        passphrase = "正确的口令 horse battery" if change else "错误的口令"
        with pytest.raises(SealError) as caught:
            keyfile.read_key_file(json.dumps({**document, **change}).encode(), passphrase)
        assert caught.value.reason is reason, change
    for nonsense in (b"", b"[]", b"{}", b"-----BEGIN EC PRIVATE KEY-----"):
        with pytest.raises(SealError) as caught:
            keyfile.read_key_file(nonsense, "x")
        assert caught.value.reason is Reason.KEY_FILE


def test_proof_of_possession() -> None:
    key, other = generate_private_key(), generate_private_key()
    custodian = Custodian("c1", public_bytes(key))
    asked = challenge(custodian)
    answer = answer_challenge(key, custodian_id="c1", nonce=asked.nonce, sealed=asked.sealed)
    assert asked.accepts(answer)
    assert not challenge(custodian).accepts(answer)
    for wrong, custodian_id, nonce in ((other, "c1", asked.nonce), (key, "c2", asked.nonce), (key, "c1", "0" * 32)):
        with pytest.raises(SealError) as caught:
            answer_challenge(wrong, custodian_id=custodian_id, nonce=nonce, sealed=asked.sealed)
        assert caught.value.reason is Reason.SHARE_UNREADABLE


def test_a_proof_never_opens_a_share() -> None:
    """A server that sends a wrapped share as a challenge gets nothing."""
    office = Office.of("1-of-1")
    submission, manifest = seal_small(office, Store())
    share = submission.share(manifest, "price", 1)
    assert unwrap_share(office.keys[0], share)[0] == 1
    with pytest.raises(SealError):
        answer_challenge(office.keys[0], custodian_id="c1", nonce="n", sealed=share.sealed)


def test_sets() -> None:
    office = Office.of("2-of-3")
    members = office.set.custodians
    assert CustodianSet.from_json(json.loads(json.dumps(office.set.to_json()))) == office.set
    assert [index_of(members, key) for key in (*office.keys, generate_private_key())] == [1, 2, 3, None]
    hashes = {
        office.set.hash,
        CustodianSet(3, members).hash,
        CustodianSet(2, members[::-1]).hash,
        CustodianSet(2, members[:2]).hash,
        CustodianSet(2, (Custodian("other", members[0].point), *members[1:])).hash,
    }
    assert len(hashes) == 5
    for quorum, custodians in (
        (0, members),
        (4, members),
        (1, ()),
        (2, (members[0], members[0])),
        (2, (members[0], Custodian("c9", members[0].point))),
    ):
        with pytest.raises(SealError) as caught:
            CustodianSet(quorum, custodians)
        assert caught.value.reason is Reason.MANIFEST_CUSTODIANS
    for broken in (None, {}, {**office.set.to_json(), "suite": 2}, {**office.set.to_json(), "custodians": [1]}):
        with pytest.raises(SealError) as caught:
            CustodianSet.from_json(broken)
        assert caught.value.reason is Reason.MANIFEST_CUSTODIANS
