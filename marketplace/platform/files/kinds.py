"""What a file really is: the ending must be on the allow-list, and the content must be what the ending says.

Nothing here parses a document. An archive (docx, xlsx, pptx, ofd and zip are archives) is judged by its directory
before anybody opens it: number of entries, summed size, ratio, paths, overlaps, macros, document type definitions.
"""

from __future__ import annotations

import codecs
import io
import os
import zipfile
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import BinaryIO, Final

import puremagic

from marketplace.platform.files.names import extension, safe_name

MAX_ENTRIES: Final = 5_000
MAX_UNPACKED: Final = 500 * 1024 * 1024  # bytes, summed over an archive
MAX_RATIO: Final = 200  # unpacked to packed, over 1 MiB unpacked; deflate reaches 1,032 only on zeros
_HEAD: Final = 4096


@dataclass(frozen=True, slots=True)
class Kind:
    """``parts``: entries without which an archive is not of this kind."""

    extension: str
    mime: str
    zh: str
    en: str
    parts: tuple[str, ...] = ()


_OOXML = "application/vnd.openxmlformats-officedocument."
KINDS: Final[dict[str, Kind]] = {
    kind.extension: kind
    for kind in (
        Kind("pdf", "application/pdf", "PDF文档", "PDF document"),
        Kind(
            *("docx", f"{_OOXML}wordprocessingml.document", "Word文档", "Word document"),
            parts=("[Content_Types].xml", "word/document.xml"),
        ),
        Kind(
            *("xlsx", f"{_OOXML}spreadsheetml.sheet", "Excel表格", "Excel workbook"),
            parts=("[Content_Types].xml", "xl/workbook.xml"),
        ),
        Kind(
            *("pptx", f"{_OOXML}presentationml.presentation", "PowerPoint演示文稿", "PowerPoint presentation"),
            parts=("[Content_Types].xml", "ppt/presentation.xml"),
        ),
        Kind("ofd", "application/ofd", "OFD版式文档", "OFD document", parts=("OFD.xml",)),  # GB/T 33190
        Kind("png", "image/png", "PNG图片", "PNG image"),
        Kind("jpg", "image/jpeg", "JPEG图片", "JPEG image"),
        Kind("jpeg", "image/jpeg", "JPEG图片", "JPEG image"),
        Kind("csv", "text/csv", "CSV表格", "CSV table"),
        Kind("txt", "text/plain", "文本", "Text"),
        Kind("zip", "application/zip", "压缩包", "Archive"),
    )
}
DOCUMENTS: Final = frozenset({"pdf", "docx", "xlsx", "pptx", "ofd"})
IMAGES: Final = frozenset({"png", "jpg", "jpeg"})
TEXTS: Final = frozenset({"csv", "txt"})
ARCHIVES: Final = frozenset({"zip"})
ALLOWED: Final = DOCUMENTS | IMAGES | TEXTS | ARCHIVES
_OLD_OFFICE: Final = {"doc": "docx", "wps": "docx", "xls": "xlsx", "et": "xlsx", "ppt": "pptx", "dps": "pptx"}
_MACRO_PARTS: Final = ("vbaproject.bin", "vbadata.xml", "activex", "macrosheets/", "attachedtoolbars")


class BadFile(ValueError):
    """A file that is not taken. ``code`` is stable (findings store it); ``zh`` and ``en`` are sentences."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        self.code, self.zh, self.en = code, zh, en
        super().__init__(zh)


def check(name: str, file: BinaryIO, *, allowed: Collection[str] = ALLOWED) -> Kind:
    """The kind of an uploaded file (seekable, left at its start); raises ``BadFile`` with the reason otherwise."""
    kind = _kind_of(name, allowed)
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if not size:
        raise BadFile("empty", f"“{safe_name(name)}”是空文件。", "The file is empty.")
    head = file.read(_HEAD)
    try:
        if kind.extension in TEXTS:
            _check_text(kind, head, file)
        elif kind.parts or kind.extension in ARCHIVES:
            _check_archive(kind, head, file, size)
        else:
            _check_magic(kind, head)
        if kind.extension not in ARCHIVES and not kind.parts and _holds_archive(file):
            raise BadFile(
                "polyglot",
                f"这个{kind.extension}文件后面还藏着一个压缩包，不能接收。请重新导出后上传。",
                "An archive is hidden behind this file. Please export it again.",
            )
    finally:
        file.seek(0)
    return kind


def _kind_of(name: str, allowed: Collection[str]) -> Kind:
    ending = extension(safe_name(name))
    if ending in allowed and ending in KINDS:
        return KINDS[ending]
    choice = "、".join(key for key in KINDS if key in allowed)
    if ending in _OLD_OFFICE and _OLD_OFFICE[ending] in allowed:
        raise BadFile(
            "type",
            f"不接收旧格式.{ending}（可能带宏）。请在Office或WPS中另存为.{_OLD_OFFICE[ending]}或PDF后上传。",
            f"The old format .{ending} is not taken. Please save it as .{_OLD_OFFICE[ending]} or PDF.",
        )
    shown = f"不接收.{ending}文件" if ending else "文件名没有扩展名"
    raise BadFile(
        "type",
        f"{shown}。可以上传：{choice}。",
        f"This type of file is not taken. You can upload: {choice.replace('、', ', ')}.",
    )


def _mismatch(kind: Kind, head: bytes) -> BadFile:
    found = _candidates(head)
    actual = f"看起来是.{found[0]}" if found else "无法识别"
    return BadFile(
        "mismatch",
        f"扩展名是.{kind.extension}，内容却{actual}。请检查文件，不要直接改扩展名。",
        f"The name says .{kind.extension}, the content does not. Please check the file.",
    )


def _candidates(head: bytes) -> list[str]:
    """Endings that the first bytes fit, likeliest first."""
    try:
        return [match.extension.lstrip(".") for match in puremagic.magic_string(head) if match.extension]
    except (puremagic.PureError, ValueError):
        return []


def _check_magic(kind: Kind, head: bytes) -> None:
    if kind.extension not in _candidates(head):
        raise _mismatch(kind, head)


def _check_text(kind: Kind, head: bytes, file: BinaryIO) -> None:
    """UTF-8 or GB18030 throughout, without control characters, and not a page that a browser would run."""
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<", b"%PDF", b"{\\rtf")):
        raise _mismatch(kind, head)
    if not any(_reads_as(encoding, file) for encoding in ("utf-8", "gb18030")):
        raise BadFile(
            "mismatch",
            f"这个.{kind.extension}文件不是文本，或编码不是UTF-8 / GB18030。请另存后上传。",
            "This is not a text file in UTF-8 or GB18030.",
        )


def _reads_as(encoding: str, file: BinaryIO) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    try:
        while piece := file.read(1024 * 1024):
            if any(char < " " and char not in "\t\r\n\f" for char in decoder.decode(piece)):
                return False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _holds_archive(file: BinaryIO) -> bool:
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            return bool(archive.infolist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return False


def _check_archive(kind: Kind, head: bytes, file: BinaryIO, size: int) -> None:
    if not head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        raise _mismatch(kind, head)
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            _check_directory(entries, size, archive.start_dir)
            names = {entry.filename for entry in entries}
            if not names.issuperset(kind.parts):
                raise _mismatch(kind, head)
            if kind.parts:
                _check_document(archive, entries)
    except BadFile:
        raise
    except (zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError, EOFError, OSError, RuntimeError) as error:
        raise BadFile(
            "damaged", "文件已损坏，打不开。请重新导出后上传。", "The file is damaged. Please export it again."
        ) from error


def _check_directory(entries: list[zipfile.ZipInfo], size: int, directory_at: int) -> None:
    """Refuses bombs, encryption, paths that leave the archive, and entries that share bytes (Fifield's bomb)."""
    bomb = BadFile(
        "bomb", "压缩包解开后过大或结构异常，不能接收。", "The archive is too large when unpacked, or malformed."
    )
    unpacked = sum(entry.file_size for entry in entries)
    if len(entries) > MAX_ENTRIES or unpacked > MAX_UNPACKED:
        raise bomb
    if unpacked > 1024 * 1024 and unpacked > size * MAX_RATIO:
        raise bomb
    end = 0
    for entry in sorted(entries, key=lambda item: item.header_offset):
        if entry.header_offset < end:
            raise bomb
        end = entry.header_offset + 30 + entry.compress_size
    if end > directory_at:
        raise bomb
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise BadFile(
            "encrypted", "压缩包或文档设了密码，无法检查。请去掉密码后上传。", "The file is protected by a password."
        )
    for entry in entries:
        parts = entry.filename.replace("\\", "/").split("/")
        if ".." in parts or entry.filename.startswith(("/", "\\")) or (len(parts[0]) == 2 and parts[0][1] == ":"):
            raise BadFile(
                "path", "压缩包里的文件名会写到包外，不能接收。", "A name inside the archive points outside of it."
            )


def _check_document(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> None:
    """Refuses macros, and document type definitions, which Office formats never have and entity attacks need."""
    for entry in entries:
        name = entry.filename.lower()
        if any(part in name for part in _MACRO_PARTS):
            raise BadFile(
                "macro", "文档带有宏或控件，不能接收。请另存为不含宏的文档后上传。", "The document contains macros."
            )
        if name.endswith((".xml", ".rels")):
            with archive.open(entry) as part:
                start = part.read(_HEAD).replace(b"\x00", b"")  # UTF-16 as well
            if b"<!DOCTYPE" in start or b"<!ENTITY" in start:
                raise BadFile(
                    "dtd", "文档含有外部实体定义，不能接收。请重新导出后上传。", "The document defines XML entities."
                )


def check_bytes(name: str, data: bytes, *, allowed: Collection[str] = ALLOWED) -> Kind:
    """``check`` of bytes in memory."""
    return check(name, io.BytesIO(data), allowed=allowed)
