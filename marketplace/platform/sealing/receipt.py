"""回执: what the bidder keeps, and how anyone verifies it without us.

A receipt states one act on one bid. The audit log's entry holds the hash of that statement (whoever reads the log
learns neither demand nor bid from it), the path leads from the entry to the root, and the checkpoint is that root
under the log's signature. The text form has one spelling: reading it and writing it again must give the same bytes,
so a change of any character is found, also in lines that only people read.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Self

from marketplace.platform.checkpoint import BadNote, Checkpoint, Verifier, open_note
from marketplace.platform.merkle import HASH_SIZE, leaf_hash, verify_inclusion
from marketplace.platform.sealing.reasons import SealError
from marketplace.platform.sealing.wire import BidRef, canonical, is_count, is_hex, read_canonical, sha256

ACTS = {"sealed": "封标", "withdrawn": "撤回", "confirmed": "确认变更", "destroyed": "未开启即销毁"}
"""What a receipt may state, in both spellings."""

_TITLE = "张榜 揭榜回执 JBS1"
_NOTE = "本回执不含标书内容，可以转发。核验：网站 /verify，或离线运行 verify_receipt.py。"
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_BEIJING = timezone(timedelta(hours=8), "北京时间")


class BadReceipt(ValueError):
    """The receipt does not hold; the message says what was found, in Chinese."""


def instant_text(at: datetime) -> str:
    """UTC to the millisecond: 2026-11-23T06:41:07.318Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


@dataclass(frozen=True, slots=True)
class Statement:
    """One act: which bid and version, the manifest it concerns, the instant that counts (UTC to the millisecond)."""

    act: str
    ref: BidRef
    manifest_hash: str
    at: str

    def __post_init__(self) -> None:
        if self.act not in ACTS or not is_hex(self.manifest_hash, HASH_SIZE) or not _INSTANT.fullmatch(self.at):
            raise BadReceipt("回执内容不合规")
        self.instant  # noqa: B018  (refuses 13 o'clock in the 25th hour)

    @property
    def instant(self) -> datetime:
        try:
            return datetime.fromisoformat(self.at)
        except ValueError as error:
            raise BadReceipt("回执上的时间不存在") from error

    @property
    def hash(self) -> str:
        """What the log's entry holds as ``facts.receipt``. The bid's 128 random bits keep it from being guessed."""
        return sha256(
            canonical(
                {
                    "format": "jbs1-receipt",
                    "act": self.act,
                    "demand": self.ref.demand,
                    "bid": self.ref.bid,
                    "version": self.ref.version,
                    "manifest": self.manifest_hash,
                    "at": self.at,
                }
            )
        )


@dataclass(frozen=True, slots=True)
class Receipt:
    """A statement with its proof. ``entry`` is the log's entry as stored, ``checkpoint`` a signed note."""

    statement: Statement
    entry: str
    leaf_index: int
    path: tuple[bytes, ...]
    checkpoint: str

    def to_text(self) -> str:
        """The receipt as a file: UTF-8, line feeds."""
        said, ref = self.statement, self.statement.ref
        beijing = said.instant.astimezone(_BEIJING)
        milliseconds = f"{beijing.microsecond // 1000:03d}"
        lines = [
            _TITLE,
            _NOTE,
            "",
            f"榜号: {ref.demand}",
            f"标书编号: {ref.bid}",
            f"版本: {ref.version}",
            f"事项: {ACTS[said.act]}",
            f"北京时间: {beijing:%Y年%m月%d日 %H:%M:%S}.{milliseconds}",
            f"协调世界时: {said.at}",
            f"清单指纹: {said.manifest_hash}",
            "",
            f"日志序号: {self.leaf_index}",
            f"日志条目: {self.entry}",
            f"包含路径: {len(self.path)}",
            *(base64.b64encode(node).decode() for node in self.path),
            "",
            "签名检查点:",
        ]
        return "\n".join(lines) + "\n" + self.checkpoint

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Reads a receipt file; Windows line ends and a byte order mark are forgiven, nothing else is."""
        text = text.removeprefix("\ufeff").replace("\r\n", "\n")
        head, separator, checkpoint = text.partition("\n签名检查点:\n")
        lines = head.split("\n")
        values = dict(line.partition(": ")[::2] for line in lines if ": " in line)
        acts = {label: act for act, label in ACTS.items()}
        try:
            version, index, depth = (int(values[name]) for name in ("版本", "日志序号", "包含路径"))
            ref = BidRef(values["榜号"], values["标书编号"], version)
            said = Statement(acts[values["事项"]], ref, values["清单指纹"], values["协调世界时"])
            start = lines.index(f"包含路径: {depth}") + 1
            path = tuple(base64.b64decode(line, validate=True) for line in lines[start : start + depth])
            receipt = cls(said, values["日志条目"], index, path, checkpoint)
        except (KeyError, ValueError, SealError, binascii.Error) as error:
            raise BadReceipt("不是完整的揭榜回执，或文字被改动") from error
        if not separator or receipt.to_text() != text:
            raise BadReceipt("回执文字被改动")
        return receipt


@dataclass(frozen=True, slots=True)
class Verified:
    """What a valid receipt proves, and under whose signature."""

    statement: Statement
    leaf_index: int
    checkpoint: Checkpoint


def verify(receipt: Receipt, verifiers: list[Verifier], *, manifest: bytes | None = None) -> Verified:
    """Check the whole chain: statement → entry → root → signature of one of ``verifiers``. Raises ``BadReceipt``.

    ``manifest``: the bidder's own copy of what he committed to; its hash must be the one stated.
    """
    entry = _read_entry(receipt.entry)
    said = receipt.statement
    if entry.get("seq") != receipt.leaf_index or not is_count(receipt.leaf_index):
        raise BadReceipt("日志序号与条目不符")
    facts = entry.get("facts")
    if not isinstance(facts, dict) or facts.get("receipt") != said.hash or entry.get("at") != said.at:
        raise BadReceipt("日志条目记的不是这份回执所说的事")
    try:
        checkpoint = Checkpoint.parse(open_note(receipt.checkpoint, verifiers))
    except BadNote as error:
        raise BadReceipt("检查点的签名无效，或不是这把公钥所签") from error
    leaf = leaf_hash(receipt.entry.encode())
    if not verify_inclusion(leaf, receipt.leaf_index, checkpoint.size, receipt.path, checkpoint.root):
        raise BadReceipt("包含路径通不到检查点的根")
    if manifest is not None and sha256(manifest) != said.manifest_hash:
        raise BadReceipt("这份清单不是回执所说的清单")
    return Verified(said, receipt.leaf_index, checkpoint)


def _read_entry(text: str) -> dict[str, Any]:
    try:
        entry = read_canonical(text.encode())
    except ValueError as error:
        raise BadReceipt("日志条目格式不符") from error
    if not isinstance(entry, dict):
        raise BadReceipt("日志条目格式不符")
    return entry
