"""离线封标：在不联网的电脑上把标书加密成一个文件，再拿到网站上传。需要 Python ≥ 3.11 和 cryptography ≥ 50。

    python seal_bid.py 封标参数.json 标书目录 标书.zbq

封标参数在标书页下载，里面只有公开的东西：榜号、标书编号、版本、保管人公钥。标书目录：

    technical.json   技术封套的表单          price.json   价格封套的表单
    technical/       技术封套的文件          price/       价格封套的文件
                     子目录名是文件的用途，例如 technical/plan/方案.pdf

单位标书钥匙从键盘输入，或用 --own-key 指定存有它的文件；第一次使用加 --new-key，会生成并显示一把，请打印保存。
"""

from __future__ import annotations

import argparse
import json
import mimetypes
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Self

from marketplace.platform.sealing.custodians import CustodianSet
from marketplace.platform.sealing.manifest import Submission, accept
from marketplace.platform.sealing.orgkey import OrganisationKey
from marketplace.platform.sealing.package import Package, write_package
from marketplace.platform.sealing.reasons import Reason, SealError
from marketplace.platform.sealing.seal import Attachment, Content, Store, seal
from marketplace.platform.sealing.wire import ENVELOPES, BidRef, sha256


@dataclass(frozen=True, slots=True)
class SealingSheet:
    """封标参数: everything a sealer must be told, all of it public."""

    ref: BidRef
    replaces: str | None
    custodians: CustodianSet

    def to_json(self) -> dict[str, Any]:
        return {
            "format": "jbs1-sheet",
            "demand": self.ref.demand,
            "bid": self.ref.bid,
            "version": self.ref.version,
            "replaces": self.replaces,
            "custodians": self.custodians.to_json(),
            "set_hash": self.custodians.hash,
        }

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Also checks that the set is the one whose hash it names."""
        try:
            ref = BidRef(data["demand"], data["bid"], data["version"])
            custodians = CustodianSet.from_json(data["custodians"])
            if data["format"] != "jbs1-sheet" or data["set_hash"] != custodians.hash:
                raise SealError(Reason.MANIFEST_CUSTODIANS)
            return cls(ref, data["replaces"], custodians)
        except (KeyError, TypeError) as error:
            raise SealError(Reason.MANIFEST_MALFORMED, "封标参数") from error


def read_content(folder: Path) -> dict[str, Content]:
    """The two envelopes as they lie in a folder. Files keep their names; hidden ones are left out."""
    contents = dict[str, Content]()
    for envelope in ENVELOPES:
        form = folder / f"{envelope}.json"
        fields = json.loads(form.read_text("utf-8")) if form.exists() else {}
        if not isinstance(fields, dict):
            raise ValueError(f"{form.name} 应是一个 JSON 对象")
        contents[envelope] = Content(fields, tuple(_attachments(folder / envelope)))
    return contents


def _attachments(folder: Path) -> Iterator[Attachment]:
    if not folder.is_dir():
        return
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and not any(name.startswith(".") for name in inside.parts):
            role = inside.parts[0] if len(inside.parts) > 1 else ""
            media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            yield Attachment(path.name, partial(_binary, path), media_type, role)


def _binary(path: Path) -> BinaryIO:
    return path.open("rb")


def seal_folder(sheet: SealingSheet, folder: Path, own_key: OrganisationKey, target: Path) -> Submission:
    """Seal a folder into the package ``target`` and read it back to see that the site will take it."""

    def seal_into(store: Store) -> Submission:
        return seal(
            read_content(folder),
            ref=sheet.ref,
            replaces=sheet.replaces,
            custodians=sheet.custodians,
            own_key=own_key,
            store=store,
        )

    submission = write_package(target, seal_into)
    accept(submission, ref=sheet.ref, replaces=sheet.replaces, custodians=sheet.custodians)
    with Package(target) as package:
        package.check()
    return submission


def _own_key(options: argparse.Namespace) -> OrganisationKey:
    if options.new_key:
        key = OrganisationKey.generate()
        sys.stdout.write(f"新的单位标书钥匙（请打印保存，平台不保存）：\n\n    {key.code}\n\n")
        return key
    if options.own_key:
        return OrganisationKey.from_code(options.own_key.read_text("utf-8"))
    sys.stdout.write("单位标书钥匙（26位）：")
    sys.stdout.flush()
    return OrganisationKey.from_code(sys.stdin.readline())


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="seal_bid.py", description="离线封标")
    parser.add_argument("sheet", type=Path, help="封标参数（JSON）")
    parser.add_argument("folder", type=Path, help="标书目录")
    parser.add_argument("target", type=Path, help="写出的封标包，不得已存在")
    parser.add_argument("--own-key", type=Path, help="存有单位标书钥匙的文件")
    parser.add_argument("--new-key", action="store_true", help="生成一把新的单位标书钥匙")
    options = parser.parse_args(arguments)
    try:
        sheet = SealingSheet.from_json(json.loads(options.sheet.read_text("utf-8")))
        if not options.folder.is_dir():
            raise NotADirectoryError(f"没有这个目录：{options.folder}")
        submission = seal_folder(sheet, options.folder, _own_key(options), options.target)
    except (SealError, OSError, ValueError) as error:
        sys.stderr.write(f"没有封成：{error}\n")
        return 1
    sys.stdout.write(
        f"已封入 {options.target}\n"
        f"榜号 {sheet.ref.demand}，标书 {sheet.ref.bid}，第 {sheet.ref.version} 版\n"
        f"保管人集合指纹 {sheet.custodians.hash}（应与公告一致）\n"
        f"清单指纹 {sha256(submission.manifest)}（应与回执一致）\n"
        "请在截止前到标书页上传此文件并封口；只有封口的时刻算数。\n"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
