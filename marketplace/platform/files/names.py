"""File names as people gave them, made safe to show, store and download. The stored path never depends on them."""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import quote

MAX_BYTES: Final = 200  # of UTF-8: file systems end at 255, and a copy may be prefixed with a list number
UNNAMED: Final = "未命名"
_RESERVED = re.compile(r'[<>:"|?*\\/]')
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
_SPACES = re.compile(r"\s+")
_HIDDEN: Final = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}  # control, format (RLO, zero width), private, unassigned


def safe_name(text: str) -> str:
    """The last part of a path without anything hidden, reserved or leading; at most 200 bytes, the ending kept.

    Direction marks go (``报价<RLO>fdp.exe`` shows as ``报价exe.pdf`` and becomes ``报价fdp.exe``), so the ending that
    is checked is the one that is read.
    """
    last = re.split(r"[\\/]", unicodedata.normalize("NFC", text))[-1]
    visible = "".join(" " if char.isspace() else char for char in last if char.isspace() or not _hidden(char))
    name = _RESERVED.sub("_", _SPACES.sub(" ", visible)).strip(" .")
    if _DEVICES.fullmatch(name):
        name = f"_{name}"
    return _shortened(name) or UNNAMED


def disposition(name: str, *, inline: bool = False) -> str:
    """The ``Content-Disposition`` of a download (RFC 6266): the name as written for browsers, percent-encoded, and an
    ASCII one for old tools. A header is ASCII on the wire; servers refuse anything else.
    """
    safe = safe_name(name)
    how = "inline" if inline else "attachment"
    if safe.isascii():
        return f'{how}; filename="{safe}"'
    ending = extension(safe)
    plain = f"download.{ending}" if ending.isascii() and ending else "download"
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(safe, safe='')}"


def extension(name: str) -> str:
    """The ending in lower case without its dot, ``""`` when there is none."""
    stem, dot, ending = name.rpartition(".")
    return ending.lower() if dot and stem else ""


def tricks_in(text: str) -> str | None:
    """What a name hides from its reader, as a sentence for the one who checks the file; ``None``: nothing."""
    if any(char in "\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200e\u200f" for char in text):
        return "文件名含有改变文字方向的控制符，显示的扩展名可能是假的。"
    if any(_hidden(char) and not char.isspace() for char in text):
        return "文件名含有看不见的字符。"
    if re.search(r"(^|[\\/])\.\.([\\/]|$)", text) or text.startswith(("/", "\\")):
        return "文件名含有路径。"
    return None


def _hidden(char: str) -> bool:
    return unicodedata.category(char) in _HIDDEN


def _shortened(name: str) -> str:
    """At most ``MAX_BYTES`` of UTF-8, cut before the ending and between characters."""
    if len(name.encode()) <= MAX_BYTES:
        return name
    ending = extension(name)
    tail = f".{ending}" if 0 < len(ending.encode()) <= 16 else ""
    stem = name.removesuffix(name[len(name) - len(tail) :]) if tail else name
    return stem.encode()[: MAX_BYTES - len(tail.encode())].decode(errors="ignore").rstrip(" .") + tail
