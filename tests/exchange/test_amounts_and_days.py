"""Amounts and days as offices write them: interface.md, and the ways around it."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.exchange.reading.amounts import WAN, YUAN, Unit, parse_amount, show_wan, unit_in_instruction
from marketplace.exchange.reading.days import parse_day
from marketplace.exchange.reading.numerals import chinese_integer

TABLE = Unit(WAN, "表内说明")


@pytest.mark.parametrize(
    ("written", "wan", "note"),
    [
        (120, "120", ""),
        (274246.2, "274246.2", ""),
        ("300万", "300", ""),
        ("１２０万元", "120", ""),
        ("2,400,000.00元", "240", ""),
        ("1 200 000元", "120", ""),
        ("71.9595", "71.9595", ""),
        ("0", "0", ""),
        ("约3.2亿元", "32000", "约"),
        ("3.2亿元左右", "32000", "约"),
        ("近4000万元", "4000", "近"),
        ("将近4000万", "4000", "近"),
        ("300余万元", "300", "余"),
        ("≤500万元", "500", "上限"),
        ("＜＝５００万元", "500", "上限"),
        ("不超过 200 万元", "200", "上限"),
        ("500万元（最高限价）", "500", "上限"),
        ("300万以内", "300", "上限"),
        ("不低于80万元", "80", "下限"),
        ("企业自筹300万", "300", "企业自筹300万"),
        ("三百二十万元", "320", ""),
        ("人民币壹佰贰拾万元整", "120", ""),
        ("人民币叁佰万元整（￥3000000.00）", "300", ""),
        ("1亿2千万元", "12000", ""),
        ("5百万元", "500", ""),
        ("3万5千元", "3.5", ""),
        ("120w", "120", ""),
        ("1.2E+02", "120", ""),
        ("1200000元", "120", ""),
    ],
)
def test_a_figure_is_taken(written: Any, wan: str, note: str) -> None:
    amount = parse_amount(written, unit=TABLE)
    assert amount.wan is not None
    assert (show_wan(amount.wan), amount.note) == (wan, note)
    assert "amount.unit_assumed" not in [item.code for item in amount.notes]


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("80-120万元", "amount.range"),
        ("80～120万", "amount.range"),
        ("80万至120万", "amount.range"),
        ("约80—120万元", "amount.range"),
        ("1.5亿-2亿元", "amount.range"),
        ("不少于50万且不超过100万", "amount.several"),
        ("面议", "amount.negotiable"),
        ("面议（约300万）", "amount.negotiable"),
        ("***", "amount.masked"),
        ("XX万元", "amount.masked"),
        ("待定", "amount.open"),
        ("-5", "amount.negative"),
        ("－５万元", "amount.negative"),
        ("（500）", "amount.negative"),
        ("负5万", "amount.negative"),
        ("abc", "amount.unreadable"),
        ("120万元/年", "amount.unreadable"),
        ("每套5万元", "amount.unreadable"),
        ("几十万", "amount.unreadable"),
        ("上千万", "amount.unreadable"),
        ("80 120", "amount.unreadable"),
        ("12,00,000", "amount.several"),
        ("总投资500万元，其中财政200万元", "amount.several"),
        ("100万美元", "amount.currency"),
        ("12万5", "amount.several"),
        ("=100+20", "amount.several"),
        ("—", "amount.none"),
    ],
)
def test_no_figure_is_guessed_and_the_words_are_kept(written: str, code: str) -> None:
    amount = parse_amount(written, unit=TABLE)
    assert (amount.wan, amount.note) == (None, written)
    assert [item.code for item in amount.notes] == [code]


@pytest.mark.parametrize("written", [-5, -0.01, float("nan"), float("inf"), True, date(2026, 8, 12), time(8)])
def test_cells_that_are_no_amount(written: Any) -> None:
    assert parse_amount(written, unit=TABLE).wan is None


def test_the_unit_comes_from_the_cell_then_the_table_then_is_assumed_aloud() -> None:
    assert parse_amount("120万元", unit=Unit(YUAN, "列名")).wan == 120
    assert parse_amount("1200000", unit=Unit(YUAN, "列名")).wan == 120
    assumed = parse_amount("120", unit=None)
    assert assumed.wan == 120
    assert [item.code for item in assumed.notes] == ["amount.unit_assumed"]


@pytest.mark.parametrize(
    ("written", "unit", "code"),
    [
        (0, TABLE, "amount.zero"),
        (1_200_000, TABLE, "amount.implausible"),
        (120, Unit(YUAN, "列名"), "amount.implausible"),
        (99_999_999, TABLE, "amount.implausible"),
    ],
)
def test_doubtful_sizes_are_said(written: int, unit: Unit, code: str) -> None:
    assert [item.code for item in parse_amount(written, unit=unit).notes] == [code]


@pytest.mark.parametrize(
    ("text", "yuan"),
    [
        ("填报说明：预算金额未注明单位的按万元计；方向按四大方向填写。", 10_000),
        ("单位：万元", 10_000),
        ("（单位：亿元）", 100_000_000),
        ("金额单位：元", 1),
        ("预算以元为单位", 1),
        ("未注明单位者一律以元计", 1),
        ("资金单位为万元，面积单位为平方米", 10_000),
        ("2026年需求汇总表（万元）", 10_000),
        ("单位：元创科技有限公司", None),
        ("填报单位：高新区管委会", None),
        ("单位：个", None),
        ("金额单位：元或万元，单位：元、单位：万元", None),
    ],
)
def test_instructions_about_the_unit(text: str, yuan: int | None) -> None:
    assert unit_in_instruction(text) == (None if yuan is None else Decimal(yuan))


@given(st.text(max_size=40))
def test_no_text_breaks_the_amount_reader(text: str) -> None:
    amount = parse_amount(text, unit=None)
    assert amount.wan is None or amount.wan >= 0


@given(st.integers(min_value=1, max_value=99_999_999), st.sampled_from(["{}万元", "约{}万", "≤{}万元", "{} 万元"]))
def test_what_is_written_comes_back(wan: int, pattern: str) -> None:
    amount = parse_amount(pattern.format(wan), unit=None)
    assert amount.wan == (wan if wan <= 10_000_000 else None)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-10-30", date(2026, 10, 30)),
        ("2026-10-30 17:00", date(2026, 10, 30)),
        ("2026.8.15", date(2026, 8, 15)),
        ("2026年8月15日前", date(2026, 8, 15)),
        ("２０２６年８月１５日", date(2026, 8, 15)),
        ("二〇二六年九月三十日", date(2026, 9, 30)),
        ("20261030", date(2026, 10, 30)),
        ("2026年10月30日（周五）17:00", date(2026, 10, 30)),
        ("15/8/2026", date(2026, 8, 15)),
        ("30-Oct-2026", date(2026, 10, 30)),
        ("26.8.15", date(2026, 8, 15)),
        (46295, date(2026, 9, 30)),
        ("46295", date(2026, 9, 30)),
        (datetime(2026, 12, 31), date(2026, 12, 31)),
        (date(2026, 12, 31), date(2026, 12, 31)),
        ("2028-02-29", date(2028, 2, 29)),
    ],
)
def test_days(written: Any, day: date) -> None:
    found = parse_day(written)
    assert found.value == day
    assert "date.coarse" not in [item.code for item in found.notes]


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2027/3", date(2027, 3, 31)),
        ("2026年9月", date(2026, 9, 30)),
        ("2026年9月底前", date(2026, 9, 30)),
        ("2026-02", date(2026, 2, 28)),
        ("2028年2月", date(2028, 2, 29)),
        ("202609", date(2026, 9, 30)),
        (2026.9, date(2026, 9, 30)),
        ("2026年第四季度", date(2026, 12, 31)),
        ("2026年二季度", date(2026, 6, 30)),
        ("2026Q1", date(2026, 3, 31)),
        ("Q4 2026", date(2026, 12, 31)),
        ("2026年上半年", date(2026, 6, 30)),
        ("2026年底", date(2026, 12, 31)),
        ("二零二六年九月", date(2026, 9, 30)),
        ("2026年9月中旬", date(2026, 9, 20)),
    ],
)
def test_coarse_days_are_their_last_and_say_so(written: Any, day: date) -> None:
    found = parse_day(written)
    assert found.value == day
    assert "date.coarse" in [item.code for item in found.notes]


def test_a_cell_that_shows_only_the_month_is_coarse() -> None:
    assert parse_day(date(2026, 9, 1), month_only=True).value == date(2026, 9, 30)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("三个月内", "date.relative"),
        ("合同签订后90天", "date.relative"),
        ("年底前", "date.relative"),
        ("8月15日", "date.relative"),
        ("明年3月", "date.relative"),
        ("2026-02-30", "date.impossible"),
        ("2026年13月", "date.impossible"),
        ("2026年9月31日", "date.impossible"),
        ("2026年第五季度", "date.impossible"),
        ("1900-01-01", "date.impossible"),
        ("3/4/2026", "date.ambiguous"),
        ("10/11/12", "date.ambiguous"),
        (2026.1, "date.ambiguous"),
        ("2026年9月1日—2026年12月31日", "date.range"),
        ("2026.9-2027.3", "date.range"),
        ("待定", "date.open"),
        ("长期", "date.open"),
        ("尽早", "date.unreadable"),
        ("—", "date.none"),
        (True, "date.unreadable"),
    ],
)
def test_no_day_is_guessed(written: Any, code: str) -> None:
    found = parse_day(written)
    assert found.value is None
    assert [item.code for item in found.notes] == [code]


def test_a_past_day_is_kept_and_said() -> None:
    found = parse_day("2024-12-31", today=date(2026, 6, 1))
    assert (found.value, [item.code for item in found.notes]) == (date(2024, 12, 31), ["date.past"])


@given(st.text(max_size=40))
def test_no_text_breaks_the_day_reader(text: str) -> None:
    parse_day(text)


@given(st.dates(min_value=date(2000, 1, 1), max_value=date(2099, 12, 31)), st.sampled_from(["-", "/", "."]))
def test_every_day_is_read_as_written(day: date, sign: str) -> None:
    assert parse_day(f"{day.year}{sign}{day.month}{sign}{day.day}").value == day


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("十", 10),
        ("十二", 12),
        ("二十", 20),
        ("三百二十", 320),
        ("一千零五", 1005),
        ("壹佰贰拾", 120),
        ("二〇二六", 2026),
    ],
)
def test_chinese_numerals(text: str, number: int) -> None:
    assert chinese_integer(text) == number


@pytest.mark.parametrize("text", ["", "百", "十百", "百十千", "甲"])
def test_what_is_no_numeral(text: str) -> None:
    assert chinese_integer(text) is None
