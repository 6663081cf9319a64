"""Signed notes and checkpoints, with the published example of the format (golang.org/x/mod/sumdb/note)."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from marketplace.platform.checkpoint import (
    BadNote,
    Checkpoint,
    Signer,
    Verifier,
    open_checkpoint,
    open_note,
    sign_checkpoint,
    sign_note,
)
from marketplace.platform.merkle import EMPTY_ROOT, leaf_hash

VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
NOTE = (
    TEXT + "\n— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
PETER = Signer("PeterNeumann", Ed25519PrivateKey.from_private_bytes(SEED))
OURS = Signer("zhangbang.example/log", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
HEAD = Checkpoint("zhangbang.example/log/1", 7, leaf_hash(b"head"))


def test_the_published_example():
    assert str(PETER.verifier) == VKEY
    assert Verifier.parse(VKEY) == PETER.verifier
    assert sign_note(TEXT, PETER) == NOTE
    assert open_note(NOTE, [Verifier.parse(VKEY)]) == TEXT


def test_a_checkpoint_comes_back():
    note = sign_checkpoint(HEAD, OURS)
    assert note.startswith("zhangbang.example/log/1\n7\n")
    assert open_checkpoint(note, [PETER.verifier, OURS.verifier], origin=HEAD.origin) == HEAD


def test_extensions_and_an_empty_tree():
    head = Checkpoint("o", 0, EMPTY_ROOT, ("time 2026-11-23T09:00:00Z",))
    assert open_checkpoint(sign_checkpoint(head, OURS), [OURS.verifier], origin="o") == head


def test_a_witness_may_sign_too_and_is_passed_over_when_unknown():
    note = sign_checkpoint(HEAD, OURS) + PETER.sign(HEAD.body())
    assert open_checkpoint(note, [OURS.verifier], origin=HEAD.origin) == HEAD
    assert open_checkpoint(note, [PETER.verifier], origin=HEAD.origin) == HEAD


def test_another_log_is_refused():
    with pytest.raises(BadNote, match="another log"):
        open_checkpoint(sign_checkpoint(HEAD, OURS), [OURS.verifier], origin="zhangbang.example/log/2")


def test_an_unknown_key_is_refused():
    with pytest.raises(BadNote, match="no known key"):
        open_note(NOTE, [OURS.verifier])


def test_a_wrong_signature_beside_a_right_one_is_refused():
    note = sign_checkpoint(HEAD, OURS) + PETER.sign("something else\n")
    with pytest.raises(BadNote, match="signature is wrong"):
        open_note(note, [OURS.verifier, PETER.verifier])


@given(st.data())
def test_no_changed_character_goes_through(data):
    note = sign_checkpoint(HEAD, OURS)
    place = data.draw(st.integers(0, len(note) - 1))
    char = data.draw(st.characters(min_codepoint=0x0A, max_codepoint=0x7E).filter(lambda c: c != note[place]))
    changed = note[:place] + char + note[place + 1 :]
    with pytest.raises(BadNote):
        open_checkpoint(changed, [OURS.verifier], origin=HEAD.origin)


ROOT = "A" * 43 + "="


@pytest.mark.parametrize(
    "body",
    [
        *("", "o\n", "o\n1\n", "o\n1\nAAAA\n", "o\n1\n***\n"),
        *(f"o\n01\n{ROOT}\n", f"o\n-1\n{ROOT}\n", f"o\n1\n{ROOT}", f"\n1\n{ROOT}\n", f"o\n1\n{ROOT}\n\n"),
    ],
)
def test_malformed_checkpoints(body):
    with pytest.raises(BadNote):
        Checkpoint.parse(body)


@pytest.mark.parametrize(
    "vkey", ["", "a+b", "a b+00000000+AAAA", VKEY.replace("c74f20a3", "c74f20a4"), "n+00000000+***"]
)
def test_malformed_verifier_keys(vkey):
    with pytest.raises(BadNote):
        Verifier.parse(vkey)


@pytest.mark.parametrize("text", ["no line feed", "tab\there\n", "\x00\n"])
def test_notes_that_may_not_be_signed(text):
    with pytest.raises(BadNote):
        sign_note(text, OURS)
