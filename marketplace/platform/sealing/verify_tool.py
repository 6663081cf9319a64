"""核验揭榜回执：不联网，只用 Python 标准库和 cryptography。

    python verify_receipt.py 回执.txt --key "zhangbang.example+1a2b3c4d+AT…"

公钥印在网站 /transparency 和每份发榜公告上；请从两处以上取得并比对。通过时退出码为 0，不通过为 1。
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from marketplace.platform.checkpoint import BadNote, Verifier
from marketplace.platform.sealing.receipt import ACTS, BadReceipt, Receipt, Verified, verify


def describe(verified: Verified) -> str:
    """What a valid receipt proves, in plain words."""
    said, checkpoint = verified.statement, verified.checkpoint
    beijing = said.instant + timedelta(hours=8)
    return (
        f"回执有效：{ACTS[said.act]}\n"
        f"榜号 {said.ref.demand}，标书 {said.ref.bid}，第 {said.ref.version} 版\n"
        f"时间 {beijing:%Y-%m-%d %H:%M:%S}.{beijing.microsecond // 1000:03d}（北京时间）\n"
        f"清单指纹 {said.manifest_hash}\n"
        f"这件事是审计日志 {checkpoint.origin} 的第 {verified.leaf_index} 号；"
        f"该日志当时共 {checkpoint.size} 条，根 {checkpoint.root.hex()}，签名有效。\n"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="verify_receipt.py", description="核验揭榜回执（离线）")
    parser.add_argument("receipt", type=Path, help="文本回执")
    parser.add_argument("--key", required=True, help="日志公钥（名称+编号+公钥），或存有它的文件")
    parser.add_argument("--manifest", type=Path, help="自己留存的标书清单 manifest.json，一并核对指纹")
    options = parser.parse_args(arguments)
    try:
        key = Path(options.key)
        verifier = Verifier.parse(key.read_text("utf-8") if "+" not in options.key and key.is_file() else options.key)
        manifest = options.manifest.read_bytes() if options.manifest else None
        receipt = Receipt.from_text(options.receipt.read_bytes().decode("utf-8"))
        verified = verify(receipt, [verifier], manifest=manifest)
    except (BadReceipt, BadNote, OSError, UnicodeError) as error:
        sys.stderr.write(f"不通过：{'公钥格式不符' if isinstance(error, BadNote) else error}\n")
        return 1
    sys.stdout.write(describe(verified))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
