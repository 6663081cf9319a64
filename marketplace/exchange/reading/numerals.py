"""Chinese numerals: 三百二十 → 320, 壹佰贰拾 → 120, 二〇二六 → 2026. Pure."""

from __future__ import annotations

import re
from decimal import Decimal

_DIGITS = {
    char: value
    for value, chars in enumerate(("零〇○", "一壹", "二贰两", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖"))
    for char in chars
}
_UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
CHARACTERS = "".join(_DIGITS) + "".join(_UNITS)
_RUN = re.compile(f"[{CHARACTERS}]+")


def chinese_integer(text: str) -> int | None:
    """The whole number below 10,000 that the characters spell, or ``None`` when they spell none."""
    if not text or any(char not in _DIGITS and char not in _UNITS for char in text):
        return None
    if not any(char in _UNITS for char in text):
        return int("".join(str(_DIGITS[char]) for char in text))
    total, digit, last_unit = 0, None, 10_000
    for char in text:
        if char in _DIGITS:
            if digit not in (None, 0):
                return None
            digit = _DIGITS[char]
            continue
        unit = _UNITS[char]
        if unit >= last_unit:
            return None
        if digit is None and not (unit == 10 and total == 0):
            return None
        total += (1 if digit is None else digit) * unit
        digit, last_unit = None, unit
    return total + (digit or 0)


def with_arabic_digits(text: str) -> str:
    """The text with each run of Chinese numerals written in digits, where the run can be read.

    A lone unit after digits stays (``5千万``: the amount reader multiplies).
    """

    def replace(match: re.Match[str]) -> str:
        run = match.group()
        before = text[match.start() - 1 : match.start()]
        if before and (before.isdigit() or before == "."):
            return run
        number = chinese_integer(run)
        return run if number is None else str(Decimal(number))

    return _RUN.sub(replace, text)
