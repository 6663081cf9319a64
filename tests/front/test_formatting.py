from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from marketplace import taxonomy
from marketplace.platform import formatting as f

LATE = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)  # half past midnight of the 23rd in Beijing
CLOSE = datetime(2026, 12, 8, 9, 0, tzinfo=UTC)


def test_dates_are_beijing_dates() -> None:
    assert f.date_text(LATE) == "2026年11月23日"
    assert f.date_text(LATE, "en") == "23 Nov 2026"
    assert f.date_short(LATE) == "11月23日"
    assert f.date_table(LATE) == "2026-11-23"
    assert f.date_table_short(LATE) == "11-23"
    assert f.time_of_day(LATE) == "00:30"
    assert f.moment_text(CLOSE) == "2026年12月8日17:00"
    assert f.moment_short(CLOSE) == "12月8日17:00"
    assert f.moment_long(CLOSE) == "2026年12月8日（周二）17:00"
    assert f.moment_long(CLOSE, "en") == "Tue 8 Dec 2026 17:00"
    assert f.moment_table(CLOSE) == "2026-12-08 17:00"
    assert f.iso(CLOSE) == "2026-12-08T17:00:00+08:00"


def test_a_day_stays_that_day() -> None:
    assert f.date_text(date(2026, 12, 8)) == "2026年12月8日"
    assert f.weekday(date(2026, 12, 8)) == "周二"
    assert f.iso(date(2026, 12, 8)) == "2026-12-08"


def test_the_zone_of_an_instant_makes_no_difference() -> None:
    assert f.moment_text(CLOSE.astimezone(timezone(timedelta(hours=-5)))) == f.moment_text(CLOSE)


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        f.date_text(datetime(2026, 11, 23, 0, 0))


def test_milliseconds_are_cut_not_rounded() -> None:
    assert f.moment_exact(datetime(2026, 11, 23, 6, 41, 7, 318999, tzinfo=UTC)) == "2026年11月23日14:41:07.318"


@pytest.mark.parametrize(
    ("left", "zh", "en"),
    [
        (timedelta(0), "已截止", "closed"),
        (timedelta(seconds=-1), "已截止", "closed"),
        (timedelta(seconds=1), "剩00分01秒", "00 min 01 s left"),
        (timedelta(minutes=59, seconds=59), "剩59分59秒", "59 min 59 s left"),
        (timedelta(hours=1), "剩1小时0分", "1 h 0 min left"),
        (timedelta(hours=26, minutes=27), "剩26小时27分", "26 h 27 min left"),
        (timedelta(hours=48), "剩2天", "2 days left"),
        (timedelta(days=15, hours=2, minutes=59), "剩15天2小时", "15 days 2 h left"),
    ],
)
def test_countdown(left: timedelta, zh: str, en: str) -> None:
    assert f.countdown(CLOSE, CLOSE - left) == zh
    assert f.countdown(CLOSE, CLOSE - left, "en") == en


def test_red_only_under_seven_days_and_only_ahead() -> None:
    assert [f.is_soon(CLOSE, CLOSE - timedelta(days=days)) for days in (8, 7, 6, 0, -1)] == [
        False,
        False,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (0, "0"),
        (240_000_000, "240"),
        (88_400_000, "88.4"),
        (1, "0.000001"),
        (1_234_567_800, "1234.5678"),
        (10_000, "0.01"),
    ],
)
def test_wan_is_cut_of_zeros_and_exact(fen: int, text: str) -> None:
    assert f.wan(fen) == text


def test_money() -> None:
    assert f.money_text(None) == "面议"
    assert f.money_text(None, "en") == "Negotiable"
    assert f.money_text(240_000_000) == "240万元"
    assert f.money_text(240_000_000, "en") == "CNY 2,400,000"
    assert f.money_text(123_456, "en") == "CNY 1,234.56"


@pytest.mark.parametrize(
    ("fen", "words"),
    [
        (0, "零元整"),
        (5, "伍分"),
        (50, "伍角整"),
        (105, "壹元零伍分"),
        (160_042, "壹仟陆佰元肆角贰分"),
        (1_000, "壹拾元整"),
        (1_050_000, "壹万零伍佰元整"),
        (10_050_000, "壹拾万零伍佰元整"),
        (100_000_100, "壹佰万零壹元整"),
        (128_500_000, "壹佰贰拾捌万伍仟元整"),
        (240_000_000, "贰佰肆拾万元整"),
        (215_600_000, "贰佰壹拾伍万陆仟元整"),
        (10_100_000_000, "壹亿零壹佰万元整"),
        (10_000_000_100, "壹亿零壹元整"),
        (10_010_000_000, "壹亿零壹拾万元整"),
        (99_999_999_999_999, "玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"),
        (-100, "负壹元整"),
    ],
)
def test_capital_form(fen: int, words: str) -> None:
    assert f.capital(fen) == words


def test_capital_form_refuses_what_is_no_budget() -> None:
    with pytest.raises(ValueError, match="million million"):
        f.capital(10**14)


def test_private_data_is_masked() -> None:
    assert f.masked_phone("13800000016") == "138****0016"
    assert f.masked_phone("0371-67981234") == "0371-6798****"
    assert f.masked_phone("110") == "****"
    assert f.masked_name("李明") == "李**"
    assert f.masked_name("") == ""
    assert f.masked_code("91410100MA9K123456") == "91410100MA9K******"


def test_small_words() -> None:
    assert f.file_size(0) == "0 kB"
    assert f.file_size(400) == "1 kB"
    assert f.file_size(42_000) == "42 kB"
    assert f.file_size(14_600_000) == "14.6 MB"
    assert f.grouped_hash("49b84c8c7e7b970e80") == "49b84c8c 7e7b970e 80"
    assert f.chinese_year(2026) == "二〇二六"
    assert f.label(taxonomy.DIRECTIONS["living"], "en") == "City management and public services"
    assert f.label("自己写的", "en") == "自己写的"


def test_filters_speak_the_language_of_the_page() -> None:
    spoken = {"now": "zh_Hans_CN"}
    filters = f.filters(lambda: spoken["now"])
    assert filters["bj"](CLOSE) == "2026年12月8日"
    spoken["now"] = "en"
    assert filters["bj"](CLOSE) == "8 Dec 2026"
    assert filters["countdown"](CLOSE, CLOSE - timedelta(days=3)) == "3 days left"
