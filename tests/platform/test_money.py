"""Amounts as people type and read them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.platform import money
from marketplace.platform.money import BadAmount, Unit


@pytest.mark.parametrize(
    ("text", "unit", "fen"),
    [
        ("386", Unit.WAN, 386_000_000),
        ("215.6", Unit.WAN, 215_600_000),
        ("0.0001", Unit.WAN, 100),
        ("0.000001", Unit.WAN, 1),
        (".5", Unit.WAN, 500_000),
        ("３８６．５", Unit.WAN, 386_500_000),
        ("1,689", Unit.WAN, 1_689_000_000),
        ("１，６８９", Unit.WAN, 1_689_000_000),
        ("3 860 000", Unit.YUAN, 386_000_000),
        ("￥3,860,000.00元", Unit.WAN, 386_000_000),
        ("人民币 3860000 元整", Unit.WAN, 386_000_000),
        ("215.6万元", Unit.YUAN, 215_600_000),
        ("1.2亿", Unit.WAN, 12_000_000_000),
        ("rmb 12.34", Unit.YUAN, 1234),
        ("0", Unit.WAN, 0),
        ("007", Unit.YUAN, 700),
    ],
)
def test_reads(text, unit, fen):
    assert money.parse(text, unit=unit) == fen


@pytest.mark.parametrize(
    ("text", "unit", "sentence"),
    [
        ("", Unit.WAN, "请填写金额。"),
        ("　", Unit.WAN, "请填写金额。"),
        ("-3", Unit.WAN, "金额不能是负数。"),
        ("－3", Unit.WAN, "金额不能是负数。"),
        ("0.0000001", Unit.WAN, "金额最小到分，请减少小数位。"),
        ("0.001", Unit.YUAN, "金额最小到分，请减少小数位。"),
        ("1" * 13, Unit.YUAN, "金额超出范围，请核对单位。"),
        ("9" * 500, Unit.YUAN, "金额超出范围，请核对单位。"),
        ("0." + "0" * 60 + "1", Unit.YUAN, "金额超出范围，请核对单位。"),
    ],
)
def test_says_why_not(text, unit, sentence):
    with pytest.raises(BadAmount, match=f"^{sentence}$"):
        money.parse(text, unit=unit)


@pytest.mark.parametrize(
    "text",
    ["面议", "***", "约100", "100-200", "1,23", "1,2345", "1e5", "1.2.3", "12万5千", "=1+1", "NaN", "Infinity", "½"],
)
def test_what_is_not_exactly_one_amount_is_refused(text):
    with pytest.raises(BadAmount, match="不是一个金额"):
        money.parse(text, unit=Unit.WAN)


def test_decimals_are_limited_where_the_field_says_so():
    assert money.parse("1.2345", unit=Unit.WAN, places=4) == 1_234_500
    with pytest.raises(BadAmount, match="最多4位小数"):
        money.parse("1.23456", unit=Unit.WAN, places=4)


@pytest.mark.parametrize(
    ("fen", "shown"),
    [(386_000_000, "386"), (215_600_000, "215.6"), (100, "0.0001"), (0, "0"), (100_000_000, "100"), (-500_000, "-0.5")],
)
def test_wan_without_trailing_zeros(fen, shown):
    assert money.wan(fen) == shown
    assert money.wan_yuan(fen) == f"{shown}万元"


def test_grouping_and_yuan():
    assert money.wan(1_689_000_000, grouped=True) == "1,689"
    assert money.yuan(386_000_000) == "3,860,000.00"
    assert money.yuan(-1) == "-0.01"


@given(st.integers(0, money.MAX_FEN))
def test_what_is_shown_reads_back(fen):
    assert money.parse(money.wan(fen), unit=Unit.WAN) == fen
    assert money.parse(money.wan_yuan(fen, grouped=True), unit=Unit.YUAN) == fen
    assert money.parse(money.yuan(fen), unit=Unit.YUAN) == fen
    assert money.in_unit(fen, Unit.WAN) * 1_000_000 == fen


@pytest.mark.parametrize(
    ("fen", "words"),
    [
        # The examples of the rule itself (附一, 第五条), with 零 written where it says 也可以不写
        (140_950, "壹仟肆佰零玖元伍角整"),
        (600_714, "陆仟零柒元壹角肆分"),
        (168_032, "壹仟陆佰捌拾元叁角贰分"),
        (10_700_053, "壹拾万零柒仟元伍角叁分"),
        (1_640_902, "壹万陆仟肆佰零玖元零贰分"),
        (32_504, "叁佰贰拾伍元零肆分"),
        # and more
        (0, "零元整"),
        (5, "伍分"),
        (50, "伍角整"),
        (100, "壹元整"),
        (1_000, "壹拾元整"),
        (386_000_000, "叁佰捌拾陆万元整"),
        (215_600_000, "贰佰壹拾伍万陆仟元整"),
        (10_000_000_100, "壹亿零壹元整"),
        (10_001_000_000, "壹亿零壹万元整"),
        (10_000_100_000_000, "壹仟亿零壹佰万元整"),
        (2_000_500_000, "贰仟万零伍仟元整"),
        (2_000_005_000, "贰仟万零伍拾元整"),
        (-100, "负壹元整"),
    ],
)
def test_capital_form(fen, words):
    assert money.capital(fen) == words


def test_no_amount_reaches_a_million_million():
    assert money.capital(money.MAX_FEN).startswith("玖仟玖佰玖拾玖亿")
    with pytest.raises(ValueError, match="million million"):
        money.capital(money.MAX_FEN + 1)


_VALUES = {char: number for number, char in enumerate("零壹贰叁肆伍陆柒捌玖")} | {"拾": 10, "佰": 100, "仟": 1000}


def read_capital(text: str) -> int:
    """A reader of its own, to hold the writer against: 分."""
    total = section = digit = 0
    for char in text.removesuffix("整"):
        match char:
            case "万":
                section, digit = (section + digit) * 10_000, 0
            case "亿":
                total, section, digit = (total + section + digit) * 10**8, 0, 0
            case "元":
                total, section, digit = (total + section + digit) * 100, 0, 0
            case "角":
                total, digit = total + digit * 10, 0
            case "分":
                total, digit = total + digit, 0
            case "拾" | "佰" | "仟":
                section, digit = section + digit * _VALUES[char], 0
            case _:
                digit = _VALUES[char]
    return total


@given(st.integers(0, money.MAX_FEN) | st.integers(0, 10**9) | st.sampled_from([10**n for n in range(14)]))
def test_the_capital_form_reads_back(fen):
    words = money.capital(fen)
    assert read_capital(words) == fen
    assert "零零" not in words
    assert not words.startswith("零") or fen == 0


@pytest.mark.parametrize(("text", "value"), [("30", "30"), ("33.3%", "33.3"), ("１２．５％", "12.5"), ("0", "0")])
def test_percentages(text, value):
    assert money.parse_percent(text) == Decimal(value)


@pytest.mark.parametrize("text", ["", "101", "1.234", "-1", "三十", "30%%"])
def test_what_is_no_percentage(text):
    with pytest.raises(BadAmount):
        money.parse_percent(text)


def test_what_is_missing_to_one_hundred():
    assert money.missing_to_hundred([Decimal("33.3"), Decimal("33.3"), Decimal("33.4")]) == 0
    assert money.missing_to_hundred([Decimal("33.33")] * 3) == Decimal("0.01")
    assert money.missing_to_hundred([Decimal(60), Decimal("40.5")]) == Decimal("-0.5")
    assert money.missing_to_hundred([]) == 100


@given(st.integers(0, 10**14 - 1), st.lists(st.integers(1, 1000), min_size=1, max_size=8))
def test_splitting_loses_nothing(total, weights):
    percents = [Decimal(100 * weight // sum(weights)) for weight in weights]
    percents[0] += money.missing_to_hundred(percents)
    parts = money.split(total, percents)
    assert sum(parts) == total
    assert all(abs(part - total * percent / 100) < 1 for part, percent in zip(parts, percents, strict=True))


def test_splitting_gives_the_odd_fen_to_the_largest_remainder():
    assert money.split(100, [Decimal("33.3"), Decimal("33.3"), Decimal("33.4")]) == [33, 33, 34]
    assert money.split(1, [Decimal(50), Decimal(50)]) == [1, 0]
    with pytest.raises(ValueError, match="exactly 100"):
        money.split(100, [Decimal(50)])
