"""Opens exactly when k custodians release; every lie and every accident has its own answer; no bid stops another."""

import itertools
import random

import pytest

from marketplace.platform.sealing.custodians import LEVELS
from marketplace.platform.sealing.manifest import Manifest, accept
from marketplace.platform.sealing.opening import open_envelope, read_manifest, share_is_right
from marketplace.platform.sealing.orgkey import OrganisationKey
from marketplace.platform.sealing.reasons import Fault, Reason, SealError
from marketplace.platform.sealing.wire import ENVELOPES, BidRef
from tests.sealing.bench import REF, Office, Store, content_of, open_bid, seal_small, small_bid


@pytest.mark.parametrize("level", LEVELS)
def test_every_subset_of_releases(level: str) -> None:
    office, store = Office.of(level), Store()
    submission, manifest = seal_small(office, store)
    assert accept(submission, ref=REF, replaces=None, custodians=office.set) == manifest
    quorum, count = LEVELS[level]
    places = range(1, count + 1)
    every = {name: office.released(submission, manifest, name, places) for name in ENVELOPES}
    for size in range(count + 1):
        for who in itertools.combinations(places, size):
            shares = {name: [every[name][place - 1] for place in who] for name in ENVELOPES}
            if size >= quorum:
                assert open_bid(manifest, shares, store, quorum=quorum) == content_of(small_bid())
            else:
                with pytest.raises(SealError) as caught:
                    open_bid(manifest, shares, store, quorum=quorum)
                assert caught.value.reason is Reason.SHARES_SHORT


def test_the_price_stays_shut_while_only_technical_shares_are_out() -> None:
    office, store = Office.of("2-of-3"), Store()
    submission, manifest = seal_small(office, store)
    technical = office.released(submission, manifest, "technical", (1, 2))
    with pytest.raises(SealError) as caught:
        open_bid(manifest, {"technical": technical, "price": technical}, store, quorum=2)
    assert caught.value.reason is Reason.SHARES_SHORT


def test_the_bidder_reads_his_own_bid_again() -> None:
    office, store, own = Office.of("1-of-1"), Store(), OrganisationKey.generate()
    submission, manifest = seal_small(office, store, own_key=own)
    dek = own.unwrap(submission.own_wraps["price"], ref=REF, envelope="price")
    kept: dict[str, bytes] = {}
    form = open_envelope(
        manifest, "price", dek=dek, fetch=store.fetch, keep=lambda file, data: kept.update({file.name: b"".join(data)})
    )
    assert (dict(form.fields), kept) == content_of(small_bid())["price"]


def test_two_thousand_flipped_bytes() -> None:
    """Anywhere in what is stored or released: refused with the reason of the place, and the other bid opens."""
    office, store, rival_store = Office.of("2-of-3"), Store(), Store()
    submission, manifest = seal_small(office, store)
    rival, rival_manifest = seal_small(office, rival_store, ref=BidRef(REF.demand, "0" * 32, 1), seed=1)
    released = {name: office.released(submission, manifest, name, (1, 3)) for name in ENVELOPES}
    rival_released = {name: office.released(rival, rival_manifest, name, (1, 3)) for name in ENVELOPES}
    rival_content = content_of(small_bid(1))
    chance = random.Random(20_261_124)

    def flip(data: bytes) -> bytes:
        position = chance.randrange(len(data))
        return data[:position] + bytes((data[position] ^ chance.randint(1, 255),)) + data[position + 1 :]

    def flip_part() -> Reason:
        place = chance.choice(list(store.blobs))
        damaged = Store({**store.blobs, place: flip(store.blobs[place])})
        return refusal(lambda: open_bid(manifest, released, damaged, quorum=2))

    def flip_manifest() -> Reason:
        return refusal(lambda: read_manifest(flip(submission.manifest), manifest_hash=manifest.hash))

    def flip_wrapped() -> Reason:
        name, index = chance.choice(ENVELOPES), chance.randrange(3)
        shares = list(submission.wrapped_shares[name])
        shares[index] = flip(shares[index])
        changed = type(submission)(
            submission.manifest, {**submission.wrapped_shares, name: shares}, submission.own_wraps
        )
        assert office.released(changed, manifest, name, (index + 1,)) == [None]
        return refusal(lambda: accept(changed, ref=REF, replaces=None, custodians=office.set))

    def flip_release() -> Reason:
        name, index = chance.choice(ENVELOPES), chance.randrange(2)
        shares = list(released[name])
        shares[index] = flip(shares[index] or b"")
        assert not share_is_right(manifest, name, (1, 3)[index], shares[index])
        return refusal(lambda: open_bid(manifest, {**released, name: shares}, store, quorum=2))

    expected = {
        flip_part: Reason.PART_HASH,
        flip_manifest: Reason.MANIFEST_HASH,
        flip_wrapped: Reason.MANIFEST_SHARES,
        flip_release: Reason.SHARES_SHORT,
    }
    for round_number in range(500):
        for spoil, reason in expected.items():
            assert spoil() is reason
        if round_number % 25 == 0:
            assert open_bid(rival_manifest, rival_released, rival_store, quorum=2) == rival_content
    assert open_bid(manifest, released, store, quorum=2) == content_of(small_bid())


def refusal(act: object) -> Reason:
    assert callable(act)
    with pytest.raises(SealError) as caught:
        act()
    return caught.value.reason


def test_only_a_bidders_own_fault_voids_a_bid() -> None:
    assert {reason for reason in Reason if reason.fault is Fault.BIDDER} == {
        Reason.SHARES_INCONSISTENT,
        Reason.CONTAINER_HEADER,
        Reason.CONTAINER_CHUNK,
        Reason.CONTENT_COMMITMENT,
        Reason.FORM_UNREADABLE,
        Reason.FILE_LIST,
    }
    assert len({reason.code for reason in Reason}) == len(Reason)


def test_a_manifest_has_one_spelling() -> None:
    _, manifest = seal_small(Office.of("1-of-1"), Store())
    assert Manifest.parse(manifest.to_bytes()) == manifest
    assert b" " not in manifest.to_bytes()
