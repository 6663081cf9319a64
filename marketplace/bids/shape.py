"""How a typed document declares its own rules of shape: beside each field, once, as data.

A field of a frozen dataclass is declared with ``text``, ``money``, ``rows`` … From that come three things which must
never disagree: the reader (tolerant: a mistake in an opened bid is a finding and never a refusal), the findings, and
the JSON by which the browser applies the same rules before anything is sealed (``static/js/bids/rules.js``).

Pure. Documents are canonical JSON: integers, text, lists, objects; a percentage is text, a day ISO text, money 分.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from marketplace.platform.credit_code import BadCreditCode, parse
from marketplace.taxonomy import Label

NO_LABEL = Label("", "")
T = TypeVar("T")

ROWS_READ = 200
"""Rows of one table that are ever looked at: a hostile document costs no more than an honest one."""

MONEY_MOST = 10**14 - 1
_PERCENT = re.compile(r"[0-9]{1,3}(\.[0-9]{1,2})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_AROUND = " \t\r\n\u00a0\u3000"  # what counts as nothing around a text, the same characters in the browser

MESSAGES: dict[str, Label] = {
    "missing": Label("请填写{label}。", "Please fill in: {label}."),
    "choose": Label("请选择{label}。", "Please choose: {label}."),
    "short": Label("{label}至少{least}个字，现在{n}个字。", "{label}: at least {least} characters, now {n}."),
    "long": Label("{label}最多{most}个字，现在{n}个字。", "{label}: at most {most} characters, now {n}."),
    "format": Label("{label}的格式不对，请核对。", "{label} is not in the right form, please check it."),
    "range": Label("{label}须在{least}至{most}之间。", "{label} must lie between {least} and {most}."),
    "few": Label("{label}至少{least}项。", "{label}: at least {least} row(s)."),
    "many": Label("{label}最多{most}项。", "{label}: at most {most} row(s)."),
    "promise": Label("请勾选：{label}。", "Please tick: {label}."),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """The rules of one field. ``when``: asked for only where the demand's terms name this condition."""

    kind: str
    label: Label
    least: int = 0
    most: int = 0
    pattern: str = ""
    required: bool = False
    when: str = ""
    choices: Mapping[str, Label] | None = None
    must: tuple[str, ...] = ()
    row: type[Any] | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at. ``path``: ``technical.team.0.duty``; ``values`` fill the message of ``code``."""

    path: str
    code: str
    values: Mapping[str, str | int] = field(default_factory=dict)
    label: Label = NO_LABEL
    place: tuple[Label, int] | None = None  # in which row of which list, counted from 1

    def sentence(self, messages: Mapping[str, Label], *, english: bool = False) -> str:
        said = messages[self.code][english].format(label=self.label[english], **self.values)
        if self.place is None:
            return said
        label, number = self.place
        return f"{label.en}, {number}: {said}" if english else f"{label.zh}第{number}项：{said}"


def _declare(shape: Shape, default: Any) -> Any:
    return field(default=default, metadata={"shape": shape})


def text(
    zh: str, en: str, *, most: int, least: int = 0, pattern: str = "", when: str = "", required: bool | None = None
) -> Any:
    """Text of at most ``most`` characters; required when ``least`` is above zero or said so."""
    needed = least > 0 if required is None else required
    return _declare(Shape("text", Label(zh, en), least, most, pattern, needed, when), "")


def code(zh: str, en: str, *, required: bool = True) -> Any:
    """A 统一社会信用代码."""
    return _declare(Shape("credit_code", Label(zh, en), 0, 18, "", required), "")


def count(zh: str, en: str, *, least: int, most: int, required: bool = True) -> Any:
    return _declare(Shape("count", Label(zh, en), least, most, "", required), None if not required else 0)


def money(zh: str, en: str, *, when: str = "", required: bool = True, least: int = 0) -> Any:
    """分; ``least`` 1 where zero is no answer. ``None`` only where a demand need not ask for it."""
    return _declare(Shape("money", Label(zh, en), least, MONEY_MOST, "", required, when), None if when else 0)


def percent(zh: str, en: str, *, when: str = "", required: bool = True) -> Any:
    """Above 0, at most 100, two decimals. ``None`` only where a demand need not ask for it."""
    return _declare(Shape("percent", Label(zh, en), 0, 100, "", required, when), None if when else Decimal(0))


def day(zh: str, en: str, *, required: bool = True) -> Any:
    return _declare(Shape("day", Label(zh, en), required=required), None)


def choice(zh: str, en: str, choices: Mapping[str, Label], default: str = "", *, required: bool = True) -> Any:
    return _declare(Shape("choice", Label(zh, en), required=required, choices=choices), default)


def flag(zh: str, en: str) -> Any:
    return _declare(Shape("flag", Label(zh, en)), False)


def ticks(zh: str, en: str, choices: Mapping[str, Label], *, must: Sequence[str] = ()) -> Any:
    """Any of several, those in ``must`` in any case."""
    return _declare(Shape("ticks", Label(zh, en), choices=choices, must=tuple(must)), ())


def rows(zh: str, en: str, row: type[Any], *, most: int, least: int = 0) -> Any:
    return _declare(Shape("rows", Label(zh, en), least, most, row=row), ())


def section(row: type[T]) -> Any:
    return field(default_factory=row, metadata={"shape": Shape("section", NO_LABEL, row=row)})


def shapes(kind: type[Any]) -> dict[str, Shape]:
    """Declared fields in order."""
    return {item.name: item.metadata["shape"] for item in fields(kind)}


def place(kind: type[Any], path: str) -> tuple[Label, int] | None:
    """The list and the row that a finding's path leads into, so that two rows with one mistake read differently."""
    name, _, rest = path.partition(".")
    shape = shapes(kind).get(name)
    if shape is None or shape.row is None:
        return None
    if shape.kind == "section":
        return place(shape.row, rest)
    number = rest.partition(".")[0]
    return (shape.label, int(number) + 1) if number.isdecimal() else None


def exported(kind: type[Any]) -> list[dict[str, Any]]:
    """The rules as JSON for the browser."""
    return [
        {
            "name": name,
            "kind": shape.kind,
            "label": list(shape.label),
            "least": shape.least,
            "most": shape.most,
            "pattern": shape.pattern,
            "required": shape.required,
            "when": shape.when,
            "choices": {key: list(label) for key, label in (shape.choices or {}).items()},
            "must": list(shape.must),
            "fields": exported(shape.row) if shape.row else [],
        }
        for name, shape in shapes(kind).items()
    ]


# --- writing and reading ------------------------------------------------------------------------------------------


def plain_percent(value: Decimal) -> str:
    """33.3, 40, 0."""
    return format(value.normalize(), "f") if value else "0"


def written(document: Any) -> dict[str, Any]:
    """The JSON of a document: Decimal and date as text, tuples as lists."""

    def plain(value: Any) -> Any:
        match value:
            case Decimal():
                return plain_percent(value)
            case date():
                return value.isoformat()
            case tuple():
                return [plain(item) for item in value]
            case None | bool() | int() | str():
                return value
            case _:
                return written(value)

    return {item.name: plain(getattr(document, item.name)) for item in fields(document)}


def read(kind: type[T], data: object) -> T:
    """The document in ``data``; what cannot be read takes its default and is named by ``findings``. Never raises."""
    source: Mapping[str, Any] = data if isinstance(data, dict) else {}
    values = {}
    for item in fields(kind):  # type: ignore[arg-type]
        shape: Shape = item.metadata["shape"]
        default = item.default if item.default is not MISSING else None
        values[item.name] = _read_one(shape, source.get(item.name), default)
    return kind(**values)


def _read_one(shape: Shape, value: object, default: Any) -> Any:
    match shape.kind:
        case "section":
            return read(shape.row or type(None), value)
        case "rows":
            listed = value if isinstance(value, list) else []
            return tuple(read(shape.row or type(None), item) for item in listed[:ROWS_READ])
        case "ticks":
            listed = value if isinstance(value, list) else []
            return tuple(item for item in (shape.choices or {}) if item in listed)
        case "flag":
            return value is True
        case "percent":
            return Decimal(value) if isinstance(value, str) and _PERCENT.fullmatch(value) else default
        case "day":
            return _day(value)
        case "count" | "money":
            return value if _is_whole(value) else default
        case _:
            return value if isinstance(value, str) else default


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 2**53 - 1


def _day(value: object) -> date | None:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


# --- findings -----------------------------------------------------------------------------------------------------


def findings(kind: type[Any], data: object, *, asked: frozenset[str], path: str = "") -> Iterator[Finding]:
    """Everything that is not as declared, in the order of the fields. ``asked``: conditions the demand makes."""
    source: Mapping[str, Any] = data if isinstance(data, dict) else {}
    for name, shape in shapes(kind).items():
        yield from _check(shape, source.get(name), f"{path}{name}", asked)


def stripped(value: str) -> str:
    return value.strip(_AROUND)


def _check(shape: Shape, value: Any, path: str, asked: frozenset[str]) -> Iterator[Finding]:
    required = shape.required and (not shape.when or shape.when in asked)

    def found(code: str, **values: str | int) -> Finding:
        return Finding(path, code, values, shape.label)

    match shape.kind:
        case "section":
            yield from findings(shape.row or type(None), value, asked=asked, path=f"{path}.")
        case "rows":
            yield from _check_rows(shape, value, path, asked)
        case "ticks":
            listed = value if isinstance(value, list) else []
            for item in shape.must:
                if item not in listed:
                    label = (shape.choices or {})[item]
                    yield Finding(f"{path}.{item}", "promise", {}, label)
        case "flag":
            if value is not None and not isinstance(value, bool):
                yield found("format")
        case "choice":
            if value in (None, "") and required:
                yield found("choose")
            elif value not in (None, "") and value not in (shape.choices or {}):
                yield found("format")
        case _:
            if value is None or (isinstance(value, str) and not stripped(value)):
                if required:
                    yield found("missing")
            else:
                yield from _check_value(shape, value, found)


def _check_rows(shape: Shape, value: Any, path: str, asked: frozenset[str]) -> Iterator[Finding]:
    listed = value if isinstance(value, list) else []
    if value is not None and not isinstance(value, list):
        yield Finding(path, "format", {}, shape.label)
    if len(listed) < shape.least:
        yield Finding(path, "few", {"least": shape.least}, shape.label)
    if len(listed) > shape.most:
        yield Finding(path, "many", {"most": shape.most}, shape.label)
    for index, item in enumerate(listed[:ROWS_READ]):
        yield from findings(shape.row or type(None), item, asked=asked, path=f"{path}.{index}.")


def _check_value(shape: Shape, value: Any, found: Any) -> Iterator[Finding]:
    match shape.kind:
        case "text":
            if not isinstance(value, str):
                yield found("format")
                return
            length = len(stripped(value))
            if length < shape.least:
                yield found("short", least=shape.least, n=length)
            elif length > shape.most:
                yield found("long", most=shape.most, n=length)
            elif shape.pattern and re.fullmatch(shape.pattern, stripped(value)) is None:
                yield found("format")
        case "credit_code":
            if not isinstance(value, str) or not _is_credit_code(value):
                yield found("format")
        case "count" | "money":
            if not _is_whole(value):
                yield found("format")
            elif not shape.least <= value <= shape.most:
                yield found("range", least=shape.least, most=shape.most)
        case "percent":
            if not isinstance(value, str) or not _PERCENT.fullmatch(value):
                yield found("format")
            elif not 0 < Decimal(value) <= 100:
                yield found("range", least=0, most=100)
        case "day":
            if _day(value) is None:
                yield found("format")


def _is_credit_code(value: str) -> bool:
    """As stored: normalised already."""
    try:
        return parse(value) == value
    except BadCreditCode:
        return False
