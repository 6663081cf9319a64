"""A receipt holds by itself, in text, offline; one changed byte and it does not."""

import random
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from marketplace.platform.checkpoint import Checkpoint, Signer, sign_checkpoint
from marketplace.platform.merkle import Frontier, Tree, inclusion_proof, leaf_hash
from marketplace.platform.sealing.receipt import BadReceipt, Receipt, Statement, instant_text, verify
from marketplace.platform.sealing.verify_tool import main
from marketplace.platform.sealing.wire import canonical, sha256
from tests.sealing.bench import REF

SIGNER = Signer("zhangbang.example/log", Ed25519PrivateKey.from_private_bytes(bytes(32)))
STRANGER = Signer("zhangbang.example/log", Ed25519PrivateKey.from_private_bytes(b"\1" * 32))
MANIFEST = b'{"format":"jbs1-manifest"}'


def statement(**changes: object) -> Statement:
    return replace(Statement("sealed", REF, sha256(MANIFEST), "2026-11-23T06:41:07.318Z"), **changes)


def issue(said: Statement, *, index: int = 37, size: int = 100, signer: Signer = SIGNER, **entry: object) -> Receipt:
    """A receipt out of a log of ``size`` entries, as the site makes it."""
    stored = canonical({"seq": index, "at": said.at, "kind": "bid.sealed", "facts": {"receipt": said.hash}, **entry})
    leaves = [leaf_hash(stored if i == index else str(i).encode()) for i in range(size)]
    checkpoint = Checkpoint(signer.name, size, Frontier.of(leaves).root(), ("epoch 1",))
    path = tuple(inclusion_proof(Tree(leaves), index, size))
    return Receipt(said, stored.decode(), index, path, sign_checkpoint(checkpoint, signer))


@pytest.mark.parametrize(("index", "size"), [(0, 1), (0, 2), (1, 2), (37, 100), (99, 100), (64, 65)])
def test_a_true_receipt(index: int, size: int) -> None:
    receipt = issue(statement(), index=index, size=size)
    text = receipt.to_text()
    assert Receipt.from_text(text) == receipt
    assert Receipt.from_text("\ufeff" + text.replace("\n", "\r\n")) == receipt
    verified = verify(receipt, [STRANGER.verifier, SIGNER.verifier], manifest=MANIFEST)
    assert verified.statement == statement()
    assert (verified.leaf_index, verified.checkpoint.size) == (index, size)


def test_what_a_person_reads() -> None:
    lines = issue(statement()).to_text().splitlines()
    assert "榜号: ZZGX-2026-01-003" in lines
    assert "北京时间: 2026年11月23日 14:41:07.318" in lines
    assert "协调世界时: 2026-11-23T06:41:07.318Z" in lines
    assert "事项: 封标" in lines


def test_the_log_does_not_say_which_demand() -> None:
    receipt = issue(statement())
    assert REF.demand not in receipt.entry
    assert REF.bid not in receipt.entry


def holds(data: bytes) -> bool:
    try:
        verify(Receipt.from_text(data.decode()), [SIGNER.verifier])
    except (BadReceipt, UnicodeDecodeError):
        return False
    return True


def test_any_changed_byte_fails() -> None:
    data = issue(statement()).to_text().encode()
    assert holds(data)
    chance = random.Random(3)
    for position in range(len(data)):
        for flipped in {data[position] ^ 1, data[position] ^ 0x20, data[position] ^ chance.randint(1, 255)}:
            assert not holds(data[:position] + bytes((flipped,)) + data[position + 1 :]), position
        assert not holds(data[:position] + data[position + 1 :])
    assert not holds(data + b"\n")
    assert not holds(b"")


@pytest.mark.parametrize(
    ("receipt", "sentence"),
    [
        (issue(statement(), signer=STRANGER), "签名"),
        (replace(issue(statement()), leaf_index=38), "序号"),
        (replace(issue(statement()), statement=statement(act="withdrawn")), "所说的事"),
        (replace(issue(statement()), statement=statement(at="2026-11-23T06:41:07.319Z")), "所说的事"),
        (replace(issue(statement()), statement=statement(manifest_hash="0" * 64)), "所说的事"),
        (replace(issue(statement()), path=issue(statement()).path[:-1]), "包含路径"),
        (replace(issue(statement()), path=(*issue(statement()).path, bytes(32))), "包含路径"),
        (replace(issue(statement()), checkpoint=issue(statement(), size=101).checkpoint), "包含路径"),
        (issue(statement(), at="2026-11-23T06:41:07.999Z"), "所说的事"),
        (issue(statement(), facts={}), "所说的事"),
        (replace(issue(statement()), entry="[]"), "条目"),
        (replace(issue(statement()), entry='{"a": 1}'), "条目"),
    ],
)
def test_forgeries(receipt: Receipt, sentence: str) -> None:
    with pytest.raises(BadReceipt, match=sentence):
        verify(receipt, [SIGNER.verifier])


def test_another_manifest() -> None:
    with pytest.raises(BadReceipt, match="清单"):
        verify(issue(statement()), [SIGNER.verifier], manifest=MANIFEST + b" ")


@pytest.mark.parametrize("changes", [{"act": "lost"}, {"manifest_hash": "X" * 64}, {"at": "2026-13-01T00:00:00.000Z"}])
def test_statements_that_say_nothing(changes: dict[str, str]) -> None:
    with pytest.raises(BadReceipt):
        statement(**changes)


def test_instants_are_cut_to_the_millisecond_in_utc() -> None:
    at = datetime(2026, 12, 8, 16, 59, 59, 999_999, timezone(timedelta(hours=8)))
    assert instant_text(at) == "2026-12-08T08:59:59.999Z"
    assert statement(at=instant_text(at)).instant == at.astimezone(UTC).replace(microsecond=999_000)


def test_the_tool_in_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paper, manifest, key = tmp_path / "回执.txt", tmp_path / "manifest.json", tmp_path / "key.txt"
    paper.write_text(issue(statement()).to_text(), "utf-8")
    manifest.write_bytes(MANIFEST)
    key.write_text(f"{SIGNER.verifier}\n")
    assert main([str(paper), "--key", str(SIGNER.verifier), "--manifest", str(manifest)]) == 0
    assert "第 37 号" in capsys.readouterr().out
    assert main([str(paper), "--key", str(key)]) == 0
    assert main([str(paper), "--key", str(STRANGER.verifier)]) == 1
    assert "签名" in capsys.readouterr().err
    assert main([str(paper), "--key", "no key"]) == 1
    assert main([str(tmp_path / "none"), "--key", str(key)]) == 1


def test_the_published_script_alone(tmp_path: Path) -> None:
    """The file that bidders download, far from this repository."""
    paper = tmp_path / "回执.txt"
    paper.write_text(issue(statement()).to_text(), "utf-8")
    script = tmp_path / "verify_receipt.py"
    script.write_bytes(Path("static/tools/verify_receipt.py").read_bytes())

    def run() -> int:
        command = [sys.executable, "-I", "-X", "utf8", script, paper, "--key", str(SIGNER.verifier)]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode

    assert run() == 0
    data = bytearray(paper.read_bytes())
    data[len(data) // 2] ^= 1
    paper.write_bytes(data)
    assert run() == 1
