"""How instants, days, money and private data read on a page, in Chinese and in English.

Pure functions. Instants are aware ``datetime`` values in any zone and always shown in 北京时间; days are
``datetime.date`` in the Beijing calendar; money is integer 分. ``locale`` is ``"zh"`` or ``"en"``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from marketplace.platform.money import capital, wan

BEIJING = ZoneInfo("Asia/Shanghai")
SOON = timedelta(days=7)  # mockups/README.md: "countdown red only under 7 days"

_WEEKDAYS = {
    "zh": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NUMERALS = "〇一二三四五六七八九"


def beijing(instant: datetime) -> datetime:
    """The same instant on a Beijing clock. A naive value raises: nobody can say what it means."""
    if instant.tzinfo is None:
        raise ValueError(f"naive datetime {instant!r}")
    return instant.astimezone(BEIJING)


def day_of(value: date) -> date:
    """The Beijing calendar day of an instant; a day stays itself."""
    return beijing(value).date() if isinstance(value, datetime) else value


def date_text(value: date, locale: str = "zh") -> str:
    """2026年11月23日, as dates stand in running text; 23 Nov 2026 in English."""
    day = day_of(value)
    if locale == "en":
        return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
    return f"{day.year}年{day.month}月{day.day}日"


def date_short(value: date, locale: str = "zh") -> str:
    """11月23日, where the year is beyond doubt."""
    day = day_of(value)
    return f"{day.day} {_MONTHS[day.month - 1]}" if locale == "en" else f"{day.month}月{day.day}日"


def date_table(value: date) -> str:
    """2026-11-23, as dates stand in tables."""
    return day_of(value).isoformat()


def date_table_short(value: date) -> str:
    """11-23, in tables where the year is beyond doubt."""
    return f"{day_of(value):%m-%d}"


def time_of_day(instant: datetime) -> str:
    """17:00, the 24-hour clock."""
    return f"{beijing(instant):%H:%M}"


def weekday(value: date, locale: str = "zh") -> str:
    """周二, Tue."""
    return _WEEKDAYS[locale][day_of(value).weekday()]


def moment_text(instant: datetime, locale: str = "zh") -> str:
    """2026年11月23日17:00."""
    return _joined(date_text(instant, locale), time_of_day(instant), locale)


def moment_short(instant: datetime, locale: str = "zh") -> str:
    """11月23日17:00, where the year is beyond doubt."""
    return _joined(date_short(instant, locale), time_of_day(instant), locale)


def moment_long(instant: datetime, locale: str = "zh") -> str:
    """2026年12月8日（周二）17:00, for the one deadline a page is about."""
    if locale == "en":
        return f"{weekday(instant, locale)} {date_text(instant, locale)} {time_of_day(instant)}"
    return f"{date_text(instant)}（{weekday(instant)}）{time_of_day(instant)}"


def moment_table(instant: datetime) -> str:
    """2026-11-23 17:00."""
    return f"{beijing(instant):%Y-%m-%d %H:%M}"


def moment_exact(instant: datetime, locale: str = "zh") -> str:
    """2026年11月23日14:41:07.318, for receipts and opening records, to the millisecond."""
    local = beijing(instant)
    return _joined(date_text(local, locale), f"{local:%H:%M:%S}.{local.microsecond // 1000:03d}", locale)


def iso(value: date) -> str:
    """The ``datetime`` attribute of a ``time`` element: a day, or an instant to the second with its offset."""
    return beijing(value).isoformat(timespec="seconds") if isinstance(value, datetime) else value.isoformat()


def _joined(day: str, clock: str, locale: str) -> str:
    return f"{day} {clock}" if locale == "en" else f"{day}{clock}"


def is_soon(until: datetime, now: datetime) -> bool:
    """Whether a deadline still ahead deserves red."""
    return now < until < now + SOON


def countdown(until: datetime, now: datetime, locale: str = "zh") -> str:
    """剩15天2小时 · 剩26小时27分 · 剩09分05秒 · 已截止.

    ``static/js/modules/countdown.js`` says the same of the same two instants, so the text does not move when the
    script takes over; ``tests/front/test_browser.py`` compares them.
    """
    left = until - now
    if left <= timedelta(0):
        return "closed" if locale == "en" else "已截止"
    seconds = int(left.total_seconds())
    days, hours, minutes = seconds // 86_400, seconds // 3600 % 24, seconds // 60 % 60
    if locale == "en":
        if seconds < 3600:
            return f"{minutes:02d} min {seconds % 60:02d} s left"
        if days >= 2:
            return f"{days} days {hours} h left" if hours else f"{days} days left"
        return f"{seconds // 3600} h {minutes} min left"
    if seconds < 3600:
        return f"剩{minutes:02d}分{seconds % 60:02d}秒"
    if days >= 2:
        return f"剩{days}天{hours}小时" if hours else f"剩{days}天"
    return f"剩{seconds // 3600}小时{minutes}分"


def chinese_year(year: int) -> str:
    """二〇二六, as years stand in vertical titles."""
    return "".join(_NUMERALS[int(digit)] for digit in str(year))


def money_text(fen: int | None, locale: str = "zh") -> str:
    """240万元 · 面议; CNY 2,400,000 · Negotiable."""
    if fen is None:
        return "Negotiable" if locale == "en" else "面议"
    if locale == "en":
        yuan = Decimal(fen) / 100
        return f"CNY {yuan:,.0f}" if fen % 100 == 0 else f"CNY {yuan:,.2f}"
    return f"{wan(fen)}万元"


def masked_phone(phone: str) -> str:
    """138****0016; a landline keeps its area code and loses its last four: 0371-6798****."""
    digits = phone.strip()
    if len(digits) == 11 and digits.isdigit() and digits.startswith("1"):
        return f"{digits[:3]}****{digits[-4:]}"
    return f"{digits[:-4]}****" if len(digits) > 6 else "****"


def masked_name(name: str) -> str:
    """李**: the family name of a person on a public or shared screen."""
    return f"{name[:1]}**" if name else ""


def masked_code(code: str) -> str:
    """91410100MA9K******: a credit code on a paper that travels."""
    return f"{code[:-6]}******" if len(code) > 6 else "******"


def file_size(size: int) -> str:
    """0.4 MB, 231.2 MB; below 50 kB in whole kB. Decimal units, as phones and mail programs show them."""
    if size < 50_000:
        return f"{max(1, round(size / 1000))} kB" if size else "0 kB"
    return f"{size / 1_000_000:.1f} MB"


def grouped_hash(value: str) -> str:
    """A hex digest in groups of eight, so that two people can compare it aloud."""
    return " ".join(value[start : start + 8] for start in range(0, len(value), 8))


class TwoTongues(Protocol):
    """A vocabulary's label, ``taxonomy.Label`` for one."""

    @property
    def zh(self) -> str: ...

    @property
    def en(self) -> str: ...


def label(value: TwoTongues | str, locale: str = "zh") -> str:
    """A label in the reader's language; plain text stays as written."""
    return value if isinstance(value, str) else (value.en if locale == "en" else value.zh)


def filters(locale_of: Callable[[], str]) -> dict[str, Callable[..., Any]]:
    """The template filters of this module by name; ``locale_of`` tells the language of the page being drawn."""

    def spoken(function: Callable[..., str]) -> Callable[..., str]:
        return lambda *args: function(*args, "en" if locale_of() == "en" else "zh")

    return {
        "bj": spoken(date_text),
        "bj_short": spoken(date_short),
        "bj_weekday": spoken(weekday),
        "bj_moment": spoken(moment_text),
        "bj_moment_short": spoken(moment_short),
        "bj_moment_long": spoken(moment_long),
        "bj_exact": spoken(moment_exact),
        "bj_date": date_table,
        "bj_date_short": date_table_short,
        "bj_time": time_of_day,
        "bj_moment_table": moment_table,
        "iso": iso,
        "countdown": spoken(countdown),
        "soon": is_soon,
        "money": spoken(money_text),
        "label": spoken(label),
        "wan": wan,
        "capital": capital,
        "masked_phone": masked_phone,
        "masked_name": masked_name,
        "masked_code": masked_code,
        "file_size": file_size,
        "grouped": grouped_hash,
        "chinese_year": chinese_year,
    }
