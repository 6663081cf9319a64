"""Which characters the papers' fonts can show, and what stands for the others.

The fonts are subsets (scripts/fonts.py). A character outside them would print as an empty box; it is written as its
code point instead, so that nothing vanishes from an official paper and a clerk can add it by hand.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from functools import cache
from pathlib import Path
from typing import Final

FONTS: Final = Path(__file__).parent / "fonts"
_LONG_ASCII = re.compile(r"[!-~]{29,}")  # hashes and addresses that would run out of their column
_EIGHT = re.compile(r"(.{8})(?=.)")
_BREAK = "\u200b"


# Set by the template: the fonts have no raised or lowered figures beyond ¹²³.
RAISED: Final = dict(zip("⁰⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", "0456789+−n", strict=True))
LOWERED: Final = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋ₓ", "0123456789+−x", strict=True))
_LOOKS_LIKE: Final = {
    "☐": "□",
    "☑": "√",
    "✔": "✓",
    "✗": "×",
    "✘": "×",
    "►": "▶",
    "➜": "→",
    "‣": "•",
    "⌀": "Ø",
    "‾": "¯",
}


@cache
def _ranges() -> tuple[list[int], list[int]]:
    pairs = [line.split("-") for line in (FONTS / "coverage.txt").read_text(encoding="ascii").split()]
    return [int(first, 16) for first, _ in pairs], [int(last, 16) for _, last in pairs]


def is_covered(char: str) -> bool:
    """Whether one of the fonts has a glyph for this character."""
    firsts, lasts = _ranges()
    place = bisect_right(firsts, ord(char)) - 1
    return place >= 0 and ord(char) <= lasts[place]


def uncovered(text: str) -> list[str]:
    """The characters of which a paper can only name the code point, each once, in the order of the text."""
    composed = unicodedata.normalize("NFC", visible(text))
    return list(dict.fromkeys(char for char in composed if _settable(char) is None))


def shown(text: str, *, breakable: bool = True) -> str:
    """The text as it can be set: composed, without invisible characters, ``〔U+2A6D6〕`` for what has no glyph.

    ``breakable`` lets long runs of Latin letters and digits break after every eighth.
    """
    composed = unicodedata.normalize("NFC", visible(text))
    result = "".join(_settable(char) or f"〔U+{ord(char):04X}〕" for char in composed)
    return _LONG_ASCII.sub(lambda run: _EIGHT.sub(rf"\1{_BREAK}", run[0]), result) if breakable else result


def _settable(char: str) -> str | None:
    """What stands for a character: itself, a look-alike, what it is composed of (``⅓`` is ``1/3``), or nothing."""
    if char == "\n" or is_covered(char) or char in RAISED or char in LOWERED:
        return char
    if char in _LOOKS_LIKE:
        return _LOOKS_LIKE[char]
    parts = unicodedata.normalize("NFKC", char).replace("\u2044", "/")
    return parts if parts != char and all(map(is_covered, parts)) else None


def visible(text: str) -> str:
    """The text without invisible characters; line feeds stay, tabs become spaces. For formats that bring no fonts."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(char for char in plain if not _silent(char))


def _silent(char: str) -> bool:
    """Nothing to see: control and format characters, variation selectors; a line feed is not one of them."""
    if char == "\n":
        return False
    return unicodedata.category(char) in {"Cc", "Cf"} or "\ufe00" <= char <= "\ufe0f" or char >= "\U000e0100"
