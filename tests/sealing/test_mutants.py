"""Lies and accidents, each with the one reason it must be refused for.

A bidder who lies may choose everything he hashes: ``Lie`` seals a bid honestly and lets a mutant change it *before*
the commitments are made over it, so that only the check that is meant for it can find it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any

import pytest

from marketplace.platform.sealing.container import CHUNK_SIZE, HEADER_SIZE, TAG_SIZE, ciphertext_length, encrypt
from marketplace.platform.sealing.form import FORM_STEP, Form, frame
from marketplace.platform.sealing.hpke import seal_to
from marketplace.platform.sealing.manifest import (
    FILE_LIMIT,
    FILES_LIMIT,
    Manifest,
    Submission,
    accept,
)
from marketplace.platform.sealing.opening import open_envelope, recover_key
from marketplace.platform.sealing.orgkey import OrganisationKey
from marketplace.platform.sealing.reasons import Reason, SealError
from marketplace.platform.sealing.seal import Content, seal
from marketplace.platform.sealing.shamir import split
from marketplace.platform.sealing.wire import (
    ENVELOPES,
    BidRef,
    canonical,
    dek_commitment,
    sha256,
    share_commitment,
    share_info,
)
from tests.sealing.bench import REF, Office, Store, attachment

OFFICE = Office.of("2-of-3")
OTHER_OFFICE = Office.of("2-of-3")
OWN = OrganisationKey.generate()
BIG = bytes(CHUNK_SIZE) * 2 + b"end"


def sealed(ref: BidRef = REF) -> tuple[Submission, Store]:
    store = Store()
    content = {
        "technical": Content({"plan": "x"}, (attachment("a.pdf", BIG), attachment("b.pdf", b"same size A"))),
        "price": Content({"total_fen": 100}, (attachment("c.xlsx", b"same size B"),)),
    }
    submission = seal(content, ref=ref, replaces=None, custodians=OFFICE.set, own_key=OWN, store=store.put)
    return submission, store


@dataclass
class Case:
    """A sealed bid on its way through the office; mutants change it in place."""

    submission: Submission
    store: Store
    manifest: Manifest
    releases: dict[str, dict[int, bytes | None]] = field(default_factory=dict)

    @classmethod
    def fresh(cls) -> Case:
        submission, store = sealed()
        return cls(submission, store, Manifest.parse(submission.manifest))

    def dek(self, envelope: str) -> bytes:
        return OWN.unwrap(self.submission.own_wraps[envelope], ref=REF, envelope=envelope)

    def commit(self, envelope: str, **changes: Any) -> None:
        """Change an envelope of the manifest and commit to the change."""
        envelopes = tuple(replace(e, **changes) if e.name == envelope else e for e in self.manifest.envelopes)
        self.manifest = replace(self.manifest, envelopes=envelopes)
        self.submission = replace(self.submission, manifest=self.manifest.to_bytes())

    def commit_part(self, envelope: str, number: int, ciphertext: bytes | None = None, **changes: Any) -> None:
        """Store another ciphertext and commit to it, keeping ``pt_commit`` unless it is given."""
        if ciphertext is not None:
            self.store.blobs[envelope, number] = ciphertext
            changes = {"length": len(ciphertext), "sha256": sha256(ciphertext), **changes}
        parts = self.manifest.envelope(envelope).parts
        self.commit(envelope, parts=tuple(replace(p, **changes) if p.part == number else p for p in parts))

    def commit_form(self, plaintext: bytes, envelope: str = "price") -> None:
        """Another frame as part 0, encrypted and committed to as the protocol asks."""
        pieces = encrypt(BytesIO(plaintext), dek=self.dek(envelope), ref=REF, envelope=envelope, part=0)
        self.commit_part(envelope, 0, b"".join(pieces), pt_commit=sha256(plaintext))

    def commit_shares(self, envelope: str, dek: bytes, shares: tuple[bytes, ...], ref: BidRef = REF) -> None:
        """Deal other shares, with true commitments over them."""
        wrapped = tuple(
            seal_to(custodian.point, share, share_info(OFFICE.set.hash, ref, envelope, index))
            for index, (custodian, share) in enumerate(zip(OFFICE.set.custodians, shares, strict=True), start=1)
        )
        self.submission = replace(self.submission, wrapped_shares={**self.submission.wrapped_shares, envelope: wrapped})
        self.commit(
            envelope,
            dek_commit=dek_commitment(REF, envelope, dek),
            share_commits=tuple(share_commitment(REF, envelope, share) for share in shares),
            wrapped_shares=tuple(sha256(share) for share in wrapped),
        )

    def edit(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the manifest as JSON and spell it canonically again."""
        document = json.loads(self.submission.manifest)
        change(document)
        self.submission = replace(self.submission, manifest=canonical(document))

    def run(self, who: tuple[int, ...]) -> None:
        """Everything from the commit to the last file."""
        manifest = accept(self.submission, ref=REF, replaces=None, custodians=OFFICE.set)
        for envelope in ENVELOPES:
            shares = dict(zip(who, OFFICE.released(self.submission, manifest, envelope, who), strict=True))
            shares.update(self.releases.get(envelope, {}))
            dek = recover_key(manifest, envelope, shares.values(), quorum=2)
            open_envelope(
                manifest, envelope, dek=dek, fetch=self.store.fetch, keep=lambda _file, chunks: [*chunks].clear()
            )


Mutant = Callable[[Case], object]
MUTANTS: dict[str, tuple[Reason, Mutant]] = {}


def mutant(reason: Reason) -> Callable[[Mutant], Mutant]:
    def register(change: Mutant) -> Mutant:
        MUTANTS[change.__name__] = (reason, change)
        return change

    return register


def bytes_of_manifest(case: Case, data: bytes) -> None:
    case.submission = replace(case.submission, manifest=data)


for name, change in {
    "no_json": lambda data: b"manifest",
    "a_space": lambda data: data.replace(b":", b": ", 1),
    "a_line_feed_after": lambda data: data + b"\n",
    "a_key_twice": lambda data: data.replace(b'{"bid"', b'{"bid":"x","bid"', 1),
    "upper_case_hash": lambda data: data.replace(b'"sha256":"', b'"sha256":"A', 1),
    "utf_16": lambda data: data.decode().encode("utf-16"),
    "escaped_letter": lambda data: data.replace(b"jbs1-manifest", b"\\u006abs1-manifest"),
    "nothing": lambda data: b"",
    "deep": lambda data: b"[" * 100_000,
}.items():
    MUTANTS[f"manifest_{name}"] = (
        Reason.MANIFEST_MALFORMED,
        lambda case, change=change: bytes_of_manifest(case, change(case.submission.manifest)),
    )

EDITS: dict[str, tuple[Reason, Callable[[dict[str, Any]], object]]] = {
    "an_extra_key": (Reason.MANIFEST_MALFORMED, lambda m: m.update(note="hi")),
    "a_missing_key": (Reason.MANIFEST_MALFORMED, lambda m: m.pop("replaces")),
    "version_true": (Reason.MANIFEST_MALFORMED, lambda m: m.update(version=True)),
    "version_zero": (Reason.MANIFEST_MALFORMED, lambda m: m.update(version=0)),
    "a_bar_in_the_demand": (Reason.MANIFEST_MALFORMED, lambda m: m.update(demand="a|b")),
    "an_unknown_suite": (Reason.SUITE_UNKNOWN, lambda m: m.update(suite=2)),
    "another_format": (Reason.MANIFEST_MALFORMED, lambda m: m.update(format="jbs2-manifest")),
    "another_demand": (Reason.MANIFEST_MISPLACED, lambda m: m.update(demand="ZZGX-2026-01-004")),
    "another_bid": (Reason.MANIFEST_MISPLACED, lambda m: m.update(bid="0" * 32)),
    "another_version": (Reason.MANIFEST_MISPLACED, lambda m: m.update(version=2, replaces="0" * 64)),
    "replaces_in_version_1": (Reason.MANIFEST_MALFORMED, lambda m: m.update(replaces="0" * 64)),
    "another_set": (Reason.MANIFEST_CUSTODIANS, lambda m: m.update(set_hash=OTHER_OFFICE.set.hash)),
    "envelopes_swapped": (Reason.MANIFEST_MALFORMED, lambda m: m["envelopes"].reverse()),
    "one_envelope": (Reason.MANIFEST_MALFORMED, lambda m: m["envelopes"].pop()),
    "an_envelope_twice": (Reason.MANIFEST_MALFORMED, lambda m: m["envelopes"].append(m["envelopes"][0])),
    "no_form": (Reason.MANIFEST_MALFORMED, lambda m: m["envelopes"][0]["parts"].pop(0)),
    "parts_unordered": (Reason.MANIFEST_MALFORMED, lambda m: m["envelopes"][0]["parts"].reverse()),
    "a_part_twice": (
        Reason.MANIFEST_MALFORMED,
        lambda m: m["envelopes"][0]["parts"].append(m["envelopes"][0]["parts"][-1]),
    ),
    "an_impossible_length": (Reason.MANIFEST_MALFORMED, lambda m: m["envelopes"][0]["parts"][1].update(length=41)),
    "a_form_without_padding": (
        Reason.MANIFEST_MALFORMED,
        lambda m: m["envelopes"][0]["parts"][0].update(length=ciphertext_length(FORM_STEP - 1)),
    ),
    "an_empty_form": (
        Reason.MANIFEST_MALFORMED,
        lambda m: m["envelopes"][0]["parts"][0].update(length=ciphertext_length(0)),
    ),
    "a_short_hash": (Reason.MANIFEST_MALFORMED, lambda m: m["envelopes"][0].update(dek_commit="00")),
    "a_commitment_less": (Reason.MANIFEST_SHARES, lambda m: m["envelopes"][0]["share_commits"].pop()),
    "a_wrapped_hash_less": (Reason.MANIFEST_SHARES, lambda m: m["envelopes"][0]["wrapped_shares"].pop()),
    "a_file_too_big": (
        Reason.PART_LIMITS,
        lambda m: m["envelopes"][0]["parts"][1].update(length=ciphertext_length(FILE_LIMIT + 1)),
    ),
    "too_big_in_all": (
        Reason.PART_LIMITS,
        lambda m: m["envelopes"][0]["parts"].extend(
            {**m["envelopes"][0]["parts"][1], "part": number, "length": ciphertext_length(FILE_LIMIT)}
            for number in range(3, 7)
        ),
    ),
    "too_many_files": (
        Reason.PART_LIMITS,
        lambda m: m["envelopes"][0]["parts"].extend(
            {**m["envelopes"][0]["parts"][2], "part": number} for number in range(3, FILES_LIMIT + 3)
        ),
    ),
}
for name, (reason, edit) in EDITS.items():
    MUTANTS[name] = (reason, lambda case, edit=edit: case.edit(edit))


def wrapped(case: Case, change: Callable[[list[bytes]], object], envelope: str = "technical") -> None:
    shares = list(case.submission.wrapped_shares[envelope])
    change(shares)
    case.submission = replace(case.submission, wrapped_shares={**case.submission.wrapped_shares, envelope: shares})


@mutant(Reason.MANIFEST_SHARES)
def wrapped_shares_swapped(case: Case) -> None:
    wrapped(case, list.reverse)


@mutant(Reason.MANIFEST_SHARES)
def a_wrapped_share_missing(case: Case) -> None:
    wrapped(case, list.pop)


@mutant(Reason.MANIFEST_SHARES)
def a_wrapped_share_too_many(case: Case) -> None:
    wrapped(case, lambda shares: shares.append(shares[0]))


@mutant(Reason.MANIFEST_SHARES)
def a_wrapped_share_cut(case: Case) -> None:
    wrapped(case, lambda shares: shares.__setitem__(1, shares[1][:-1]))


@mutant(Reason.MANIFEST_SHARES)
def a_wrapped_share_of_the_other_envelope(case: Case) -> None:
    wrapped(case, lambda shares: shares.__setitem__(0, case.submission.wrapped_shares["price"][0]))


@mutant(Reason.MANIFEST_MALFORMED)
def an_own_wrap_that_is_none(case: Case) -> None:
    case.submission = replace(case.submission, own_wraps={**case.submission.own_wraps, "price": b"short"})


# --- what our own storage may do ----------------------------------------------------------------------------------


@mutant(Reason.PART_MISSING)
def a_part_gone(case: Case) -> None:
    del case.store.blobs["technical", 2]


@mutant(Reason.PART_LENGTH)
def a_part_cut_in_storage(case: Case) -> None:
    case.store.blobs["technical", 1] = case.store.blobs["technical", 1][:-5]


@mutant(Reason.PART_LENGTH)
def a_part_longer_in_storage(case: Case) -> None:
    case.store.blobs["technical", 1] += b"\0"


@mutant(Reason.PART_LENGTH)
def an_empty_part_in_storage(case: Case) -> None:
    case.store.blobs["technical", 0] = b""


@mutant(Reason.PART_HASH)
def two_parts_of_one_length_swapped_in_storage(case: Case) -> None:
    blobs = case.store.blobs
    blobs["technical", 2], blobs["price", 1] = blobs["price", 1], blobs["technical", 2]


@mutant(Reason.PART_HASH)
def chunks_reordered_in_storage(case: Case) -> None:
    case.store.blobs["technical", 1] = reordered(case.store.blobs["technical", 1])


@mutant(Reason.PART_HASH)
def a_header_spoilt_in_storage(case: Case) -> None:
    blob = case.store.blobs["technical", 1]
    case.store.blobs["technical", 1] = b"X" + blob[1:]


# --- what a custodian may do --------------------------------------------------------------------------------------


@mutant(Reason.SHARES_SHORT)
def a_custodian_invents_his_share(case: Case) -> None:
    case.releases["technical"] = {2: b"\2" + bytes(32)}


@mutant(Reason.SHARES_SHORT)
def a_custodian_repeats_anothers_share(case: Case) -> None:
    case.releases["price"] = {2: OFFICE.released(case.submission, case.manifest, "price", (1,))[0]}


@mutant(Reason.SHARES_SHORT)
def a_custodian_renames_anothers_share(case: Case) -> None:
    first = OFFICE.released(case.submission, case.manifest, "price", (1,))[0]
    case.releases["price"] = {2: b"\2" + (first or b"")[1:]}


@mutant(Reason.SHARES_SHORT)
def a_custodian_gives_the_other_envelopes_share(case: Case) -> None:
    case.releases["technical"] = {2: OFFICE.released(case.submission, case.manifest, "price", (2,))[0]}


@mutant(Reason.SHARES_SHORT)
def a_custodian_gives_another_bids_share(case: Case) -> None:
    submission, _ = sealed()
    case.releases["technical"] = {2: OFFICE.released(submission, case.manifest, "technical", (2,))[0]}


@mutant(Reason.SHARES_SHORT)
def a_custodian_cuts_his_share(case: Case) -> None:
    share = OFFICE.released(case.submission, case.manifest, "technical", (2,))[0]
    case.releases["technical"] = {2: (share or b"")[:-1]}


@mutant(Reason.SHARES_SHORT)
def a_custodian_gives_an_index_beyond_the_set(case: Case) -> None:
    case.releases["technical"] = {2: b"\x09" + bytes(32)}


@mutant(Reason.SHARES_SHORT)
def a_custodian_gives_nothing(case: Case) -> None:
    case.releases["technical"] = {2: None}


# --- what a bidder may do -----------------------------------------------------------------------------------------


@mutant(Reason.SHARES_SHORT)
def a_share_wrapped_for_another_demand(case: Case) -> None:
    dek = case.dek("technical")
    shares = split(dek, quorum=2, count=3)
    case.commit_shares("technical", dek, shares, ref=BidRef("ZZGX-2026-01-004", REF.bid, 1))


@mutant(Reason.SHARES_INCONSISTENT)
def the_third_share_is_off_the_line(case: Case) -> None:
    dek = case.dek("technical")
    first, second, _ = split(dek, quorum=2, count=3)
    case.commit_shares("technical", dek, (first, second, b"\3" + bytes(32)))


@mutant(Reason.SHARES_INCONSISTENT)
def the_shares_are_of_a_higher_degree(case: Case) -> None:
    dek = case.dek("technical")
    case.commit_shares("technical", dek, split(dek, quorum=3, count=3))


@mutant(Reason.SHARES_INCONSISTENT)
def the_shares_give_another_key(case: Case) -> None:
    case.commit_shares("technical", case.dek("technical"), split(bytes(32), quorum=2, count=3))


@mutant(Reason.SHARES_INCONSISTENT)
def the_key_commitment_is_of_another_key(case: Case) -> None:
    case.commit("price", dek_commit=dek_commitment(REF, "price", bytes(32)))


@mutant(Reason.CONTAINER_CHUNK)
def another_key_dealt_than_used(case: Case) -> None:
    case.commit_shares("technical", bytes(32), split(bytes(32), quorum=2, count=3))


def reordered(blob: bytes) -> bytes:
    step = CHUNK_SIZE + TAG_SIZE
    first, second = HEADER_SIZE + step, HEADER_SIZE + 2 * step
    return blob[:HEADER_SIZE] + blob[first:second] + blob[HEADER_SIZE:first] + blob[second:]


@mutant(Reason.CONTAINER_CHUNK)
def chunks_reordered_and_committed_to(case: Case) -> None:
    case.commit_part("technical", 1, reordered(case.store.blobs["technical", 1]))


@mutant(Reason.FILE_LIST)
def the_last_chunk_dropped_and_committed_to(case: Case) -> None:
    case.commit_part("technical", 1, case.store.blobs["technical", 1][: HEADER_SIZE + 2 * (CHUNK_SIZE + TAG_SIZE)])


@mutant(Reason.FILE_LIST)
def a_chunk_replayed_and_committed_to(case: Case) -> None:
    blob, step = case.store.blobs["technical", 1], CHUNK_SIZE + TAG_SIZE
    case.commit_part("technical", 1, blob[: HEADER_SIZE + step] + blob[HEADER_SIZE:])


@mutant(Reason.CONTAINER_CHUNK)
def a_part_of_another_place_committed_to(case: Case) -> None:
    case.commit_part("technical", 2, case.store.blobs["price", 1])


@mutant(Reason.CONTAINER_CHUNK)
def a_part_of_another_demand_committed_to(case: Case) -> None:
    elsewhere = BidRef("ZZGX-2026-01-004", REF.bid, 1)
    pieces = encrypt(BytesIO(b"same size A"), dek=case.dek("technical"), ref=elsewhere, envelope="technical", part=2)
    case.commit_part("technical", 2, b"".join(pieces))


@mutant(Reason.CONTAINER_CHUNK)
def a_part_of_another_version_committed_to(case: Case) -> None:
    earlier = BidRef(REF.demand, REF.bid, 7)
    pieces = encrypt(BytesIO(b"same size A"), dek=case.dek("technical"), ref=earlier, envelope="technical", part=2)
    case.commit_part("technical", 2, b"".join(pieces))


@mutant(Reason.CONTAINER_HEADER)
def another_magic_committed_to(case: Case) -> None:
    case.commit_part("technical", 2, b"JBS9" + case.store.blobs["technical", 2][4:])


@mutant(Reason.CONTAINER_HEADER)
def another_suite_byte_committed_to(case: Case) -> None:
    case.commit_part("technical", 2, b"JBS1\2" + case.store.blobs["technical", 2][5:])


@mutant(Reason.CONTENT_COMMITMENT)
def a_file_commitment_of_other_content(case: Case) -> None:
    case.commit_part("technical", 2, pt_commit=sha256(b"something better"))


@mutant(Reason.CONTENT_COMMITMENT)
def a_form_commitment_of_other_content(case: Case) -> None:
    case.commit_part("price", 0, pt_commit=sha256(b"a lower price"))


@mutant(Reason.CONTENT_COMMITMENT)
def a_file_replaced_after_its_commitment(case: Case) -> None:
    pieces = encrypt(BytesIO(b"same size Z"), dek=case.dek("technical"), ref=REF, envelope="technical", part=2)
    case.commit_part("technical", 2, b"".join(pieces))


def raw_frame(text: bytes) -> bytes:
    return (bytes(32) + len(text).to_bytes(4, "big") + text).ljust(FORM_STEP, b"\0")


for name, frame_bytes in {
    "no_json": raw_frame(b"price: 100"),
    "a_list": raw_frame(b"[]"),
    "no_utf_8": raw_frame(b'{"format":"\xff"}'),
    "another_envelopes": frame(Form("technical")),
    "no_fields": raw_frame(b'{"format":"jbs1-form","envelope":"price","files":[]}'),
    "files_no_list": raw_frame(b'{"format":"jbs1-form","envelope":"price","fields":{},"files":{}}'),
    "hidden_bytes_after_it": frame(Form("price"))[:-1] + b"x",
    "a_length_beyond_it": bytes(32) + b"\xff\xff\xff\xff" + bytes(FORM_STEP - 36),
    "too_deep": raw_frame(b"[" * 9000),
}.items():
    MUTANTS[f"form_{name}"] = (
        Reason.FORM_UNREADABLE,
        lambda case, frame_bytes=frame_bytes: case.commit_form(frame_bytes),
    )

HONEST_FILE = {"part": 1, "name": "c.xlsx", "type": "x", "size": 11, "salt": "00" * 32, "role": ""}
for name, files in {
    "lists_no_file": [],
    "lists_a_file_twice": [HONEST_FILE, HONEST_FILE],
    "lists_a_file_that_is_not_there": [HONEST_FILE, {**HONEST_FILE, "part": 2}],
    "lies_about_a_size": [{**HONEST_FILE, "size": 12}],
    "lists_itself": [{**HONEST_FILE, "part": 0}],
    "has_a_short_salt": [{**HONEST_FILE, "salt": "00"}],
    "has_a_nameless_file": [{**HONEST_FILE, "name": ""}],
    "has_an_endless_name": [{**HONEST_FILE, "name": "x" * 300}],
    "has_text_for_a_file": ["c.xlsx"],
}.items():
    text = json.dumps({"format": "jbs1-form", "envelope": "price", "fields": {}, "files": files}).encode()
    MUTANTS[f"form_{name}"] = (Reason.FILE_LIST, lambda case, text=text: case.commit_form(raw_frame(text)))

MUTANTS["form_gives_a_wrong_salt"] = (
    Reason.CONTENT_COMMITMENT,
    lambda case: case.commit_form(
        raw_frame(
            json.dumps({"format": "jbs1-form", "envelope": "price", "fields": {}, "files": [HONEST_FILE]}).encode()
        )
    ),
)


@pytest.mark.parametrize("name", MUTANTS)
def test_each_is_refused_for_its_reason(name: str) -> None:
    reason, change = MUTANTS[name]
    case = Case.fresh()
    change(case)
    with pytest.raises(SealError) as caught:
        case.run((1, 2))
    assert caught.value.reason is reason


def test_an_unchanged_bid_opens_and_there_are_enough_mutants() -> None:
    Case.fresh().run((1, 2))
    assert len(MUTANTS) >= 70


@pytest.mark.parametrize("name", ["the_third_share_is_off_the_line", "the_shares_are_of_a_higher_degree"])
@pytest.mark.parametrize("who", [(1, 2), (1, 3), (2, 3), (1, 2, 3)])
def test_the_verdict_does_not_depend_on_who_released(name: str, who: tuple[int, ...]) -> None:
    case = Case.fresh()
    MUTANTS[name][1](case)
    with pytest.raises(SealError) as caught:
        case.run(who)
    assert caught.value.reason is Reason.SHARES_INCONSISTENT


def test_one_lying_custodian_among_three_is_passed_over() -> None:
    case = Case.fresh()
    case.releases = {envelope: {2: b"\2" + bytes(32)} for envelope in ENVELOPES}
    case.run((1, 2, 3))
