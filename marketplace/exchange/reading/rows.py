"""One row of a list: from its cells to ``Values`` and messages. The same readers serve the file and a correction."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from marketplace.exchange.reading.amounts import WAN, Note, Unit, parse_amount
from marketplace.exchange.reading.days import parse_day
from marketplace.exchange.reading.headers import LABELS
from marketplace.exchange.reading.numerals import with_arabic_digits
from marketplace.exchange.reading.report import ERROR, Message, Row, Values
from marketplace.exchange.reading.text import Value, as_text, compact, is_blank, looks_like_formula, shorten, tidy
from marketplace.exchange.reading.vocabulary import DIRECTIONS, INDUSTRIES, KINDS, MODES, read_many, read_one

TITLE_MIN, TITLE_MAX = 6, 60  # product.md §3
PERIOD_MAX = 36  # months, product.md §3
_LIMITS = {"title": 200, "unit": 200, "place": 200, "funds_source": 500, "remark": 2_000}
_LONG_TEXT = 20_000
PLACEHOLDERS = frozenset({"-", "--", "—", "——", "–", "/", "\\", "n/a", "na", "null", "none"})


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell with what the sheet knows about it. ``unit``: what bare figures count in; ``None`` = not written."""

    value: Value
    address: str
    unit: Unit | None = None
    month_only: bool = False
    formula: str = ""
    instead: str = ""  # what stands for a budget that cannot be told apart from its neighbours
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """``today`` (Beijing) marks past days; ``section_direction``: named by a heading above the row."""

    today: date | None = None
    epoch_1904: bool = False
    section_direction: str | None = None


Read = tuple[dict[str, Any], tuple[Note, ...]]


def read_row(
    sheet: str,
    number: int,
    cells: Mapping[str, Cell],
    extra: Sequence[tuple[str, Cell]],
    context: Context,
) -> Row:
    """``number`` counts from 1. ``cells``: field → cell (present even when blank, for its address)."""
    row = Row(sheet, number, Values())
    changes: dict[str, Any] = {}
    for name in READERS:
        if (cell := cells.get(name)) is None:
            continue
        row.cells[name] = cell.address
        found, notes = _read(name, cell, context)
        changes |= found
        row.messages += [Message(cell.address, note.code, note.text, note.level) for note in (*cell.notes, *notes)]
    changes["extra"] = _extra(row, extra)
    for cell in [*cells.values(), *(item for _, item in extra)]:
        if not is_blank(cell.value):
            row.raw[cell.address] = shorten(as_text(cell.value), _LONG_TEXT)
    row.values = replace(row.values, **changes)
    _complete(row, cells, context)
    return row


# Codes of the messages that a field's correction settles, where they do not begin with its own name.
_CODES = {"budget": ("amount",), "deadline": ("date",), "industries": ("industry", "industries")}


def reread(row: Row, changes: Mapping[str, str], *, today: date | None = None) -> Row:
    """The row after an officer typed over some fields; bare amounts are 万元. Untouched fields keep their messages."""
    context = Context(today=today)
    touched = {row.cells[name] for name in changes if name in row.cells}
    prefixes = tuple(f"{prefix}." for name in changes for prefix in _CODES.get(name, (name,)))
    kept = [
        item
        for item in row.messages
        if item.cell not in touched and not item.code.startswith(prefixes) and item.level != "duplicate"
    ]
    result = Row(row.sheet, row.row, row.values, kept, row.raw, row.cells)
    values: dict[str, Any] = {}
    for name, text in changes.items():
        cell = Cell(text, row.cells.get(name, ""), Unit(WAN, "更正"))
        found, notes = _read(name, cell, context)
        values |= found
        result.messages += [Message(cell.address, note.code, note.text, note.level) for note in notes]
    result.values = replace(row.values, **values)
    _require(result, {name: Cell("", address) for name, address in row.cells.items()})
    return result


def _read(name: str, cell: Cell, context: Context) -> Read:
    if isinstance(cell.value, str) and re.fullmatch(
        r"#(?:REF!|N/A|VALUE!|DIV/0!|NAME\?|NUM!|NULL!|SPILL!|CALC!)", cell.value.strip()
    ):
        note = Note("cell.error", f"表格公式出错（{cell.value.strip()}），未取数")
        return ({"budget_note": cell.value.strip()} if name == "budget" else {}), (note,)
    if cell.instead:
        return {"budget_wan": None, "budget_note": cell.instead}, ()
    if is_blank(cell.value) or (name not in ("budget", "deadline") and compact(as_text(cell.value)) in PLACEHOLDERS):
        return _blank(name)
    return READERS[name](cell, context)


def _blank(name: str) -> Read:
    empty: dict[str, dict[str, Any]] = {
        "budget": {"budget_wan": None, "budget_note": ""},
        "deadline": {"deadline": None, "deadline_note": ""},
        "period": {"period_months": None},
        "industries": {"industries": ()},
        "contact": {"contact_name": ""},
        "classified": {},
    }
    changes = empty.get(name, {name: None if name in ("direction", "mode", "kind") else ""})
    blank_notes = {"budget": ("amount.blank", "未填金额"), "deadline": ("date.blank", "未填时间")}
    notes = (Note(*blank_notes[name], "info"),) if name in blank_notes else ()
    return changes, notes


# --- readers, one for each kind of field ---------------------------------------------------------------------------


def _text(name: str, cell: Cell, *, one_line: bool) -> tuple[str, list[Note]]:
    notes: list[Note] = []
    text, removed = tidy(as_text(cell.value), one_line=one_line)
    if removed:
        notes.append(Note("text.control", "去掉了看不见的控制字符"))
    if cell.formula and cell.formula != text:
        notes.append(Note("text.formula", f"单元格是公式 {shorten(cell.formula)}，只取显示的文字"))
    elif looks_like_formula(text):
        notes.append(Note("text.formula", "像公式，一律按文字保存"))
    limit = _LIMITS.get(name, _LONG_TEXT)
    if len(text) > limit:
        notes.append(Note("text.too_long", f"共 {len(text)} 字，超过 {limit} 字的上限，请删减", ERROR))
    return text, notes


def _line(name: str) -> Callable[[Cell, Context], Read]:
    def read(cell: Cell, _: Context) -> Read:
        text, notes = _text(name, cell, one_line=True)
        if name == "title" and len(text) > TITLE_MAX:
            notes.append(Note("title.long", f"名称共 {len(text)} 字，提交前须缩到 {TITLE_MAX} 字以内"))
        if name == "title" and 0 < len(text) < TITLE_MIN:
            notes.append(Note("title.short", f"名称只有 {len(text)} 字，提交前须有 {TITLE_MIN} 字"))
        return {name: text}, tuple(notes)

    return read


def _lines(name: str) -> Callable[[Cell, Context], Read]:
    def read(cell: Cell, _: Context) -> Read:
        text, notes = _text(name, cell, one_line=False)
        return {name: text}, tuple(notes)

    return read


def _direction(cell: Cell, _: Context) -> Read:
    text, removed = _text("direction", cell, one_line=True)
    code, notes = read_one(text, DIRECTIONS, code="direction")
    return {"direction": code}, (*removed, *notes)


def _industries(cell: Cell, _: Context) -> Read:
    codes, notes = read_many(tidy(as_text(cell.value))[0], INDUSTRIES, code="industry")
    return {"industries": codes}, notes


def _mode(cell: Cell, _: Context) -> Read:
    text = tidy(as_text(cell.value), one_line=True)[0]
    code, notes = read_one(text, MODES, code="mode")
    return {"mode": code}, notes


def _kind(cell: Cell, _: Context) -> Read:
    text = tidy(as_text(cell.value), one_line=True)[0]
    code, notes = read_one(text, KINDS, code="kind")
    return {"kind": code}, notes


def _budget(cell: Cell, _: Context) -> Read:
    if cell.formula and cell.value == cell.formula:
        note = Note("amount.unreadable", "公式没有保存结果，未取数；请填写数值")
        return {"budget_wan": None, "budget_note": shorten(cell.formula, 200)}, (note,)
    amount = parse_amount(cell.value, unit=cell.unit)
    notes = amount.notes
    if cell.formula:
        notes += (Note("amount.formula", f"单元格是公式 {shorten(cell.formula)}，取其结果", "info"),)
    return {"budget_wan": amount.wan, "budget_note": amount.note}, notes


def _deadline(cell: Cell, context: Context) -> Read:
    day = parse_day(cell.value, today=context.today, epoch_1904=context.epoch_1904, month_only=cell.month_only)
    return {"deadline": day.value, "deadline_note": day.note}, day.notes


def _period(cell: Cell, _: Context) -> Read:
    flat = with_arabic_digits(compact(as_text(cell.value)))
    notes: tuple[Note, ...] = ()
    if match := re.fullmatch(r"(\d+(?:\.5)?)年(半)?", flat):
        months = Decimal(match[1]) * 12 + (6 if match[2] else 0)
    elif flat == "半年":
        months = Decimal(6)
    elif match := re.fullmatch(r"(?:约)?(\d+)个?月", flat):
        months = Decimal(match[1])
    elif match := re.fullmatch(r"(\d+)", flat):
        months = Decimal(match[1])
        notes = (Note("period.unit_assumed", "没有写单位，按月理解，请核对"),)
    else:
        return {"period_months": None}, (Note("period.unreadable", f"“{shorten(flat, 30)}”看不出是几个月"),)
    if not 1 <= months <= PERIOD_MAX:
        return {"period_months": None}, (
            Note("period.range", f"周期应为 1–{PERIOD_MAX} 个月，原文“{shorten(flat, 30)}”"),
        )
    return {"period_months": int(months)}, notes


_PHONE = re.compile(
    r"(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}|\(?0\d{2,3}\)?[- ]?\d{7,8}(?:[-转]\d{1,5})?|"
    r"400[- ]?\d{3}[- ]?\d{4}|(?<!\d)\d{7,8}(?!\d)"
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


def _contact(cell: Cell, _: Context) -> Read:
    """A name, a phone and an e-mail address from one cell; what is left after both is the name."""
    text, notes = _text("contact", cell, one_line=True)
    emails, phones = _EMAIL.findall(text), _PHONE.findall(_EMAIL.sub("", text))
    name = _PHONE.sub(" ", _EMAIL.sub(" ", text))
    name = re.sub(r"(?:联系人|联系电话|联系方式|电话|手机|邮箱|电子邮箱)\s*[:：]?", " ", name)
    found: dict[str, Any] = {"contact_name": re.sub(r"[\s,，;；/、|:：]+", " ", name).strip(" ()（）-")}
    if phones:
        found["contact_phone"] = "、".join(phone.strip() for phone in phones)
    if emails:
        found["contact_email"] = emails[0]
    return found, tuple(note for note in notes if note.code != "text.formula" or not phones)


def _classified(cell: Cell, _: Context) -> Read:
    flat = compact(as_text(cell.value))
    if flat in {"否", "不涉密", "非涉密", "无", "no", "n", "false", "0", "-", "公开", "×", "不涉及", "非密"}:
        return {}, ()
    if re.search(r"^(是|涉密|有|yes|y|true|1|√|秘密|机密|绝密)", flat):
        return {}, (Note("classified", "写明涉密：涉密需求不得在本平台流转，请线下办理", ERROR),)
    return {}, (Note("classified.unclear", f"“{shorten(flat, 30)}”看不出是否涉密，请核实"),)


READERS: dict[str, Callable[[Cell, Context], Read]] = {
    "title": _line("title"),
    "unit": _line("unit"),
    "direction": _direction,
    "industries": _industries,
    "need": _lines("need"),
    "background": _lines("background"),
    "goal": _lines("goal"),
    "indicators": _lines("indicators"),
    "budget": _budget,
    "mode": _mode,
    "funds_source": _line("funds_source"),
    "deadline": _deadline,
    "period": _period,
    "place": _line("place"),
    "kind": _kind,
    "classified": _classified,
    "contact": _contact,
    "contact_name": _line("contact_name"),
    "contact_phone": _line("contact_phone"),
    "contact_email": _line("contact_email"),
    "remark": _lines("remark"),
}


def _extra(row: Row, extra: Sequence[tuple[str, Cell]]) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for header, cell in extra:
        if is_blank(cell.value):
            continue
        text, notes = _text("extra", cell, one_line=False)
        same = sum(1 for name, _ in found if name == header or name.startswith(f"{header}（"))
        found.append((f"{header}（{same + 1}）" if same else header, text))
        row.messages += [Message(cell.address, note.code, note.text, note.level) for note in (*cell.notes, *notes)]
    return tuple(found)


def _complete(row: Row, cells: Mapping[str, Cell], context: Context) -> None:
    """What is missing, what a heading above supplies, and what the remark says about the row itself."""
    values = row.values
    if (
        values.direction is None
        and context.section_direction
        and is_blank(cells["direction"].value if "direction" in cells else None)
    ):
        row.values = replace(values, direction=context.section_direction)
        text = f"按上方小标题理解为“{DIRECTIONS.labels[context.section_direction]}”"
        row.messages.append(Message(row.cells.get("direction", ""), "direction.from_section", text))
    if "重复" in values.remark:
        text = f"备注写有“{shorten(values.remark, 20)}”，请核对是否已经报过"
        row.messages.append(Message(row.cells.get("remark", ""), "remark.repeated", text, "info"))
    _require(row, cells)


def _require(row: Row, cells: Mapping[str, Cell]) -> None:
    """A title and a unit are what a draft cannot be made without; direction, industry and need may follow later."""

    def missing(name: str, level: str) -> None:
        at = cells[name].address if name in cells else ""
        if not any(item.code == f"{name}.missing" for item in row.messages):
            row.messages.append(Message(at, f"{name}.missing", f"没有{LABELS[name]}", level))

    def level(name: str) -> str:
        """A list without the column says so once, for the whole sheet."""
        return "warning" if name in cells else "info"

    values = row.values
    for name in ("title", "unit"):
        if not getattr(values, name):
            missing(name, ERROR)
    if values.direction is None and not any(item.code.startswith("direction.") for item in row.messages):
        missing("direction", level("direction"))
    if not values.industries and not any(item.code.startswith("industry.") for item in row.messages):
        missing("industries", level("industries"))
    if not (values.need or values.background or values.goal):
        missing("need", level("need"))
