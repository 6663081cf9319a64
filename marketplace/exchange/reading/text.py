"""Small readings of text that every other part of the importer needs. Pure string functions."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache

Value = str | int | float | bool | date | datetime | time | timedelta

_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\u00ad]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SPACES = re.compile(r"[ \t\u00a0\u3000\u2000-\u200a]+")
_WHITE = re.compile(r"\s+")
_FORMULA_START = frozenset("=+-@＝＋－＠")
_PHONE = re.compile(r"^\+\d[\d\s()-]{6,}")
_BULLET = re.compile(r"^[-－]\s*\S*[\u4e00-\u9fff]")


def column_letters(index: int) -> str:
    """0 → A, 25 → Z, 26 → AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def address(row: int, column: int) -> str:
    """The cell's address as a spreadsheet shows it; both numbers count from 0."""
    return f"{column_letters(column)}{row + 1}"


def as_text(value: Value) -> str:
    """A cell as a person reads it: whole numbers without ``.0``, dates as ISO text."""
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case float():
            return plain_number(value)
        case datetime():
            return value.strftime("%Y-%m-%d" if value.time() == time() else "%Y-%m-%d %H:%M")
        case date() | time():
            return value.isoformat()
        case _:
            return str(value)


def plain_number(value: float) -> str:
    """A float without exponent and without binary noise (15 significant digits, as spreadsheets keep)."""
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    text = format(Decimal(f"{value:.15g}"), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def tidy(text: str, *, one_line: bool = False) -> tuple[str, bool]:
    """The text without invisible and control characters and outer blanks, and whether such were taken out."""
    if text.isprintable() and "  " not in text and "_x000D_" not in text:
        return text.strip(), False  # nearly every cell: nothing invisible, no line break, no blank but single spaces
    text = text.replace("_x000D_", "\r").replace("\r\n", "\n").replace("\r", "\n").replace("\v", "\n")
    kept = _CONTROL.sub("", _INVISIBLE.sub("", text))
    removed = kept != text
    if one_line:
        return _WHITE.sub(" ", _SPACES.sub(" ", kept)).strip(), removed
    lines = [_SPACES.sub(" ", line).strip() for line in kept.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip(), removed


def is_blank(value: Value | None) -> bool:
    """True for nothing, and for text of which nothing visible is left."""
    if not isinstance(value, str):
        return value is None
    return not (value[:1].isalnum() or tidy(value)[0])


def looks_like_formula(text: str) -> bool:
    """Whether a spreadsheet would take the text for a formula. Phone numbers and dashed Chinese lists are not."""
    start = text[:1]
    return start in _FORMULA_START and len(text) > 1 and not _PHONE.match(text) and not _BULLET.match(text)


@lru_cache(maxsize=256)  # the cells of a row are asked several times, then never again
def compact(text: str) -> str:
    """NFKC, no white space, lower case: the form in which figures, dates and labels are compared."""
    return _WHITE.sub("", unicodedata.normalize("NFKC", tidy(text)[0])).casefold()


def letters_only(text: str) -> str:
    """``compact`` without punctuation and symbols: the form in which names are compared."""
    return "".join(char for char in compact(text) if unicodedata.category(char)[0] in "LN")


def shorten(text: str, limit: int = 60) -> str:
    """At most ``limit`` characters on one line, for messages."""
    line = _WHITE.sub(" ", text).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"
