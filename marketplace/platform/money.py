"""Money is integer 分 (``_fen``); what people type and read is 元 or 万元, with the unit always said.

Nothing here touches a float: text → Decimal → 分, exactly, or a sentence why not. Percentages are Decimals that sum to
exactly 100. The capital form follows 《正确填写票据和结算凭证的基本规定》 (中国人民银行《支付结算办法》附一).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Final

FEN_PER_YUAN: Final = 100
FEN_PER_WAN: Final = 1_000_000
MAX_FEN: Final = 10**14 - 1  # below 一万亿元: no amount here is larger, and the capital form ends there
HUNDRED: Final = Decimal(100)


class Unit(StrEnum):
    """The unit a bare number is in."""

    YUAN = "yuan"  # 元
    WAN = "wan"  # 万元


FEN_PER: Final = {Unit.YUAN: FEN_PER_YUAN, Unit.WAN: FEN_PER_WAN}
UNIT_LABELS: Final = {Unit.YUAN: "元", Unit.WAN: "万元"}
_SUFFIXES: Final = {"亿元": FEN_PER_WAN * 10_000, "亿": FEN_PER_WAN * 10_000, "万元": FEN_PER_WAN, "万": FEN_PER_WAN}
_YUAN_SUFFIXES: Final = {"元整": FEN_PER_YUAN, "元": FEN_PER_YUAN, "圆": FEN_PER_YUAN}
_AMOUNT = re.compile(
    r"(?:人民币|RMB|CNY|¥)?(?P<number>[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
    r"(?P<unit>亿元|亿|万元|万|元整|元|圆)?",
    re.IGNORECASE,
)
_PERCENT = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)%?")


class BadAmount(ValueError):
    """The text is not an amount. ``zh`` and ``en`` are sentences for the person who typed it."""

    def __init__(self, zh: str, en: str) -> None:
        self.zh, self.en = zh, en
        super().__init__(zh)


def _plain(text: str) -> str:
    """Full-width digits and signs as ASCII, without any white space."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def parse(text: str, *, unit: Unit, places: int | None = None) -> int:
    """分 from what a person typed: ``1,234.5``, ``３８６``, ``￥3 860 000元``, ``215.6万元``, ``1.2亿``.

    ``unit`` is the unit that the field names; a unit in the text wins over it. ``places`` limits the decimals of the
    number as typed (a budget in 万元 has at most 4). Raises ``BadAmount`` for anything that is not exactly one amount
    of zero or more, and for fractions of a 分; whether zero will do is the caller's question.
    """
    plain = _plain(text)
    if not plain:
        raise BadAmount("请填写金额。", "Please enter an amount.")
    if plain.startswith(("-", "−")):
        raise BadAmount("金额不能是负数。", "An amount cannot be negative.")
    match = _AMOUNT.fullmatch(plain)
    if match is None:
        raise BadAmount(
            f"“{text.strip()[:30]}”不是一个金额。请只填数字，例如386或215.6，千分位逗号可以有。",
            f"“{text.strip()[:30]}” is not an amount. Please enter a number such as 386 or 215.6.",
        )
    number = Decimal(match["number"].replace(",", ""))
    factor = (_SUFFIXES | _YUAN_SUFFIXES).get(match["unit"] or "", FEN_PER[unit])
    decimals = -int(number.as_tuple().exponent)
    if places is not None and decimals > places:
        raise BadAmount(f"最多{places}位小数。", f"No more than {places} decimals.")
    if decimals > 20 or len(match["number"]) > 40 or (fen := number * factor) > MAX_FEN:
        raise BadAmount("金额超出范围，请核对单位。", "The amount is out of range, please check the unit.")
    if fen != fen.to_integral_value():
        raise BadAmount("金额最小到分，请减少小数位。", "Amounts go down to 0.01 yuan, please use fewer decimals.")
    return int(fen)


def in_unit(fen: int, unit: Unit) -> Decimal:
    """The exact number of 元 or 万元."""
    return Decimal(fen) / FEN_PER[unit]


def trimmed(number: Decimal, *, grouped: bool = False) -> str:
    """A number without trailing zeros or an exponent: ``215.6``, ``386``, ``0``; ``grouped``: ``1,689``."""
    text = format(number, ",f" if grouped else "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


def wan(fen: int, *, grouped: bool = False) -> str:
    """The number of 万元 with trailing zeros cut, without the unit: ``386``, ``215.6``, ``0.0001``."""
    return trimmed(in_unit(fen, Unit.WAN), grouped=grouped)


def wan_yuan(fen: int, *, grouped: bool = False) -> str:
    """``215.6万元``."""
    return f"{wan(fen, grouped=grouped)}万元"


def yuan(fen: int) -> str:
    """The number of 元 with two decimals and thousands marked, without the unit: ``3,860,000.00``."""
    return f"{in_unit(fen, Unit.YUAN):,.2f}"


_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")
_GROUPS = ("", "万", "亿")


def capital(fen: int) -> str:
    """人民币大写 of an amount in 分: 240000000 → 贰佰肆拾万元整.

    整 closes an amount that ends at 元 or 角, never one that ends at 分. ``static/js/modules/capital.js`` writes the
    same.
    """
    if fen < 0:
        return "负" + capital(-fen)
    yuan, jiao, cents = fen // 100, fen // 10 % 10, fen % 10
    if fen > MAX_FEN:
        raise ValueError("no budget reaches a million million yuan")
    whole = _capital_integer(yuan)
    text = f"{whole}元" if whole else ""
    if not jiao and not cents:
        return (text or "零元") + "整"
    if jiao:
        text += f"{_DIGITS[jiao]}角"
    elif text:
        text += "零"
    return text + (f"{_DIGITS[cents]}分" if cents else "整")


def _capital_integer(number: int) -> str:
    """The integer in capital numerals, empty for zero. Groups of four digits; one 零 for any run of zeros inside."""
    groups: list[int] = []
    while number:
        number, group = divmod(number, 10_000)
        groups.append(group)
    text = ""
    gap = False  # zeros passed since the last written digit
    for index in range(len(groups) - 1, -1, -1):
        group = groups[index]
        for place in (3, 2, 1, 0):
            digit = group // 10**place % 10
            if digit:
                text += ("零" if gap and text else "") + _DIGITS[digit] + _PLACES[place]
                gap = False
            else:
                gap = True
        if group:
            text += _GROUPS[index]
    return text


def parse_percent(text: str, *, places: int = 2) -> Decimal:
    """A percentage from 0 to 100 as typed (``30``, ``33.3%``, ``１２．５％``), with at most ``places`` decimals."""
    match = _PERCENT.fullmatch(_plain(text))
    if match is None:
        raise BadAmount("请填写百分比，例如30或33.3。", "Please enter a percentage such as 30 or 33.3.")
    number = Decimal(match["number"])
    if number > HUNDRED:
        raise BadAmount("百分比不能大于100。", "A percentage cannot exceed 100.")
    if -int(number.as_tuple().exponent) > places:
        raise BadAmount(f"百分比最多{places}位小数。", f"A percentage has no more than {places} decimals.")
    return number


def missing_to_hundred(percents: Iterable[Decimal]) -> Decimal:
    """What is missing to exactly 100 (negative: too much); zero is the only right answer."""
    return HUNDRED - sum(percents, Decimal(0))


def split(total_fen: int, percents: Sequence[Decimal]) -> list[int]:
    """``total_fen`` divided by percentages that sum to 100, in whole 分 that sum to it: largest remainders first."""
    if missing_to_hundred(percents):
        raise ValueError("percentages sum to exactly 100")
    exact = [total_fen * percent / HUNDRED for percent in percents]
    parts = [int(share // 1) for share in exact]
    order = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for place in order[: total_fen - sum(parts)]:
        parts[place] += 1
    return parts
