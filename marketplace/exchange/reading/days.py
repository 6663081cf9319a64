"""Reading a day as offices write it: ``2026.8.15``, ``2026年第四季度``, ``2027/3``, ``三个月内``.

Pure. The rule (interface.md): a month or a quarter means its last day, with the warning ``date.coarse``; a relative
or impossible day is none, with a warning. Days are calendar days in Beijing; a time of day is reported, not kept.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from marketplace.exchange.reading.amounts import Note
from marketplace.exchange.reading.numerals import CHARACTERS, with_arabic_digits
from marketplace.exchange.reading.text import Value, as_text, compact, shorten, tidy

FIRST_YEAR, LAST_YEAR = 2000, 2100
_EPOCH = date(1899, 12, 30)  # day 0 of spreadsheets that count from 1900 (their 29 February 1900 included)
_EPOCH_1904 = date(1904, 1, 1)


@dataclass(frozen=True, slots=True)
class Day:
    """``value`` or ``None``; ``note`` keeps what was written wherever the value says less or more than it."""

    value: date | None
    note: str = ""
    notes: tuple[Note, ...] = ()


_EMPTY = {"-", "--", "—", "——", "–", "/", "\\", "无", "暂无", "n/a", "na", "none", "null", "空"}
_OPEN = re.compile("待定|未定|待明确|另行|另定|再定|暂不|暂未|不详|tbd|长期|常年|不限|协商|面议|商定")
_RELATIVE = re.compile(
    r"个月|个工作日|天内|日内|周内|年内$|^年|工作日|星期|合同|签订|签约|中标|中榜|立项|揭榜后|发布后|公告后|验收后|尽快|近期|"
    r"下个?月|本月|月内|下周|本周|本季|下季|下半年内|今年|明年|后年|去年|当年|次年|本年|之后\d|后\d|起\d+|以来|期满|半年内|\d+年内"
)
_MONTHS = {"janfebmaraprmayjunjulaugsepoctnovdec"[at : at + 3]: at // 3 + 1 for at in range(0, 36, 3)}
_DECADES = {"上旬": 10, "中旬": 20}
_Y = r"(?P<y>\d{4}|'?\d{2})"
_SEP = r"[-/.。、_]"
_CLOCK = (
    r"(?:t?(?:上午|下午|晚上?|中午|am|pm)?(?P<clock>\d{1,2}(?::\d{2}){1,2}|\d{1,2}(?:时|点)(?:\d{1,2}分|整|半)?)z?)?"
)
_TAIL = r"(?:\((?:星期|周).\)|星期.|周.)?" + _CLOCK + r"(?:\((?:星期|周).\)|\(北京时间\))?"
_BEFORE = r"(?:截止时间?|截至|截止到|截止|至|于|到|在|不晚于|不迟于|最迟|最晚|预计|计划|拟于|拟|力争|争取|约|大约|:)*"
_AFTER = r"(?:之前|以前|前|止|为止|完成|交付|建成|验收|截止|左右|完工|竣工|上线|投用|投入使用|投运|[。.,;])*"
_FULL = (
    re.compile(rf"{_Y}年(?P<m>\d{{1,2}})月(?P<d>\d{{1,2}})[日号]?{_TAIL}"),
    re.compile(rf"{_Y}(?P<sep>{_SEP})(?P<m>\d{{1,2}})(?P=sep)(?P<d>\d{{1,2}})[日号]?{_TAIL}"),
    re.compile(rf"(?P<y>(?:20|19)\d{{2}})(?P<m>\d{{2}})(?P<d>\d{{2}}){_TAIL}"),
)
_YEAR_LAST = re.compile(rf"(?P<a>\d{{1,2}})(?P<sep>[-/.])(?P<b>\d{{1,2}})(?P=sep)(?P<y>\d{{4}}){_TAIL}")
_ENGLISH = (
    re.compile(rf"(?P<d>\d{{1,2}})[-/.,]?(?P<name>[a-z]{{3,9}})[-/.,]?(?P<y>\d{{4}}){_TAIL}"),
    re.compile(rf"(?P<name>[a-z]{{3,9}})[-/.]?(?P<d>\d{{1,2}}),(?P<y>\d{{4}}){_TAIL}"),
    re.compile(r"(?P<name>[a-z]{3,9})[-/.,]?(?P<y>\d{4})"),
    re.compile(r"(?P<y>\d{4})[-/.,]?(?P<name>[a-z]{3,9})"),
)
_QUARTER = (
    re.compile(rf"{_Y}年?(?:的)?{_SEP}?第?(?P<q>\d)季度?[末底]?"),
    re.compile(rf"{_Y}年?{_SEP}?(?:q(?P<q>\d)|(?P<q2>\d)q)"),
    re.compile(r"q(?P<q>\d)[-/.,]?(?P<y>\d{4})"),
)
_MONTH = (
    re.compile(rf"{_Y}年(?P<m>\d{{1,2}})月?份?(?P<part>上旬|中旬|下旬|月?底|月?末)?"),
    re.compile(rf"(?P<y>\d{{4}}){_SEP}(?P<m>\d{{1,2}})月?份?(?P<part>上旬|中旬|下旬|底|末)?"),
    re.compile(r"(?P<y>(?:20|19)\d{2})(?P<m>\d{2})"),
)
_HALF = re.compile(rf"{_Y}年?(?P<half>上半年|下半年|年中|中期|年?底|年?末|全年|年度)?年?")
_SPAN = re.compile(
    r"(?:\d|月|日|年|号|季度|半年)(?:至|到|~|～|—|–|―|─)+(?:\d|第|上|下|q|年底)|[月日]-\d|\d-\d{1,2}月|"
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}-\d{2}|\d{4}[./]\d{1,2}-\d{4}"
)
_NO_YEAR = re.compile(r"^第?(?:\d{1,2}月|\d季|q\d|[上下]半年|年[底末中]|月[底末]|\d{1,2}[-/.]\d{1,2}$)")


def parse_day(value: Value, *, today: date | None = None, epoch_1904: bool = False, month_only: bool = False) -> Day:
    """What the cell says. ``month_only``: the cell shows a real date by year and month alone."""
    written = shorten(tidy(as_text(value), one_line=True)[0], 200)
    if isinstance(value, datetime | date):
        return _checked(_real(value, written, month_only=month_only), today)
    if isinstance(value, bool | time | timedelta):
        return _none(written, "date.unreadable", "不是日期")
    if isinstance(value, int | float):
        return _checked(_number(float(value), written, epoch_1904=epoch_1904), today)
    return _checked(_words(compact(value), written, epoch_1904=epoch_1904), today)


def _none(written: str, code: str, text: str) -> Day:
    return Day(None, written, (Note(code, text),))


def _real(value: date, written: str, *, month_only: bool) -> Day:
    if month_only:
        return _period(value.year, value.month, f"{value.year}年{value.month}月")
    if isinstance(value, datetime):
        extra = () if value.time() == time() else (Note("date.time", f"只取日期，原文为 {written}", "info"),)
        return Day(value.date(), written if extra else "", extra)
    return Day(value)


def _number(value: float, written: str, *, epoch_1904: bool) -> Day:
    """A bare number: a serial day, a year, 202609, 20260930, or 2026.9, which may have been 2026.10 only for .1."""
    if value == int(value):
        return _words(str(int(value)), written, epoch_1904=epoch_1904)
    if FIRST_YEAR <= value < LAST_YEAR:
        if re.fullmatch(r"\d{4}\.1", written):
            return _none(written, "date.ambiguous", "分不清是 1 月还是 10 月")
        return _words(written, written, epoch_1904=epoch_1904)
    return _serial(value, written, epoch_1904=epoch_1904) or _none(written, "date.unreadable", "看不出日期")


def _serial(value: float, written: str, *, epoch_1904: bool) -> Day | None:
    if not 25_000 <= value <= 80_000:  # 1968 to 2119
        return None
    day = (_EPOCH_1904 if epoch_1904 else _EPOCH) + timedelta(days=int(value))
    return Day(day, written, (Note("date.serial", f"表格软件的日期序号，即 {day.isoformat()}", "info"),))


def _words(flat: str, written: str, *, epoch_1904: bool) -> Day:
    if flat in _EMPTY:
        return Day(None, written, (Note("date.none", "未填日期", "info"),))
    if any(char in CHARACTERS for char in flat):
        flat = with_arabic_digits(flat)
    flat = flat.replace("０", "0")
    if _OPEN.search(flat):
        return _none(written, "date.open", "日期未定")
    if re.fullmatch(r"\d{5}(\.\d+)?", flat) and (serial := _serial(float(flat), written, epoch_1904=epoch_1904)):
        return serial
    core = re.sub(rf"{_AFTER}$", "", re.sub(rf"^{_BEFORE}", "", flat))
    if found := _absolute(core, written):
        return found
    if _SPAN.search(flat):
        return _none(written, "date.range", "是一段时间，分不清以哪一天为准")
    if _RELATIVE.search(flat):
        return _none(written, "date.relative", "是相对的时间，不是日期")
    if _NO_YEAR.search(core):
        return _none(written, "date.relative", "没有写年份")
    return _none(written, "date.unreadable", "看不出日期")


def _absolute(core: str, written: str) -> Day | None:
    """A day or a period that names its year; ``None`` when the words are neither."""
    for pattern in _FULL:
        if match := pattern.fullmatch(core):
            return _day(match["y"], int(match["m"]), int(match["d"]), match["clock"], written)
    if match := _YEAR_LAST.fullmatch(core):
        return _year_last(match, written)
    for pattern in _ENGLISH:
        if (match := pattern.fullmatch(core)) and (month := _MONTHS.get(match["name"][:3])):
            groups = match.groupdict()
            if groups.get("d"):
                return _day(groups["y"], month, int(groups["d"]), groups.get("clock"), written)
            return _period(int(groups["y"]), month, written)
    for pattern in _QUARTER:
        if match := pattern.fullmatch(core):
            quarter = int(match["q"] or match["q2"])
            year, notes = _year(match["y"])
            if not 1 <= quarter <= 4:
                return _none(written, "date.impossible", "没有这样的季度")
            return _period(year, quarter * 3, written, notes=notes)
    for pattern in _MONTH:
        if match := pattern.fullmatch(core):
            year, notes = _year(match["y"])
            return _period(year, int(match["m"]), written, part=match.groupdict().get("part"), notes=notes)
    if (match := _HALF.fullmatch(core)) and (len(match["y"]) == 4 or "年" in core):
        year, notes = _year(match["y"])
        return _period(year, 6 if match["half"] in ("上半年", "年中", "中期") else 12, written, notes=notes)
    return None


def _year(text: str) -> tuple[int, tuple[Note, ...]]:
    digits = text.lstrip("'")
    if len(digits) == 4:
        return int(digits), ()
    year = 2000 + int(digits)
    return year, (Note("date.two_digit_year", f"两位年份按 {year} 年理解"),)


def _day(year_text: str, month: int, day: int, clock: str | None, written: str) -> Day:
    year, notes = _year(year_text)
    if notes and not 20 <= year - 2000 <= 49:
        return _none(written, "date.ambiguous", "分不清年、月、日的次序")
    try:
        value = date(year, month, day)
    except ValueError:
        return _none(written, "date.impossible", "没有这一天")
    if clock:
        notes += (Note("date.time", f"只取日期，原文为 {written}", "info"),)
    return Day(value, written if notes else "", notes)


def _year_last(match: re.Match[str], written: str) -> Day:
    """8/15/2026 or 15/8/2026: readable only where one of the two cannot be a month."""
    first, second = int(match["a"]), int(match["b"])
    if first > 12 >= second:
        first, second = second, first
    elif first <= 12 and second <= 12 and first != second:
        return _none(written, "date.ambiguous", "分不清月和日的次序")
    return _day(match["y"], first, second, match["clock"], written)


def _period(year: int, month: int, written: str, *, part: str | None = None, notes: tuple[Note, ...] = ()) -> Day:
    """The last day of a month, or of a third of it."""
    if not 1 <= month <= 12:
        return _none(written, "date.impossible", "没有这个月份")
    if not FIRST_YEAR <= year < LAST_YEAR:
        return _none(written, "date.impossible", "年份不合理")
    last = _DECADES.get(part or "", calendar.monthrange(year, month)[1])
    value = date(year, month, last)
    return Day(value, written, (Note("date.coarse", f"“{written}”按最后一天 {value.isoformat()} 理解"), *notes))


def _checked(day: Day, today: date | None) -> Day:
    if day.value is None:
        return day
    if not FIRST_YEAR <= day.value.year < LAST_YEAR:
        return _none(day.note or day.value.isoformat(), "date.impossible", "年份不合理")
    if today is not None and day.value < today:
        return Day(day.value, day.note, (*day.notes, Note("date.past", f"{day.value.isoformat()} 已经过去")))
    return day
