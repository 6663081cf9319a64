"""Lists as files: xlsx for people, csv for programs. Cells never become formulas or links, whatever they say."""

from __future__ import annotations

import csv as standard_csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

import xlsxwriter

from marketplace.platform.rendering.glyphs import visible
from marketplace.platform.working_days import BEIJING

Cell = str | int | Decimal | bool | date | datetime | None
"""An instant is aware and shown in Beijing time; a Decimal is shown as it is written; ``None`` is an empty cell."""

_EPOCH: Final = datetime(1980, 1, 1, tzinfo=UTC)
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
_MAX_CELL: Final = 32_767  # Excel's limit of a cell's text
_BOOLEANS: Final = {True: "是", False: "否"}


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of a workbook. ``name`` ≤ 31 characters; ``note`` is a line under the table."""

    name: str
    headers: Sequence[str]
    rows: Iterable[Sequence[Cell]]
    note: str = ""


def xlsx(headers: Sequence[str], rows: Iterable[Sequence[Cell]], *, name: str = "清单", note: str = "") -> bytes:
    """A workbook with one sheet: bold frozen head, filter, columns as wide as their content."""
    return workbook([Sheet(name, headers, rows, note)])


def workbook(sheets: Iterable[Sheet], *, created_at: datetime = _EPOCH) -> bytes:
    """A workbook of several sheets; ``created_at`` is its property, so that the same content gives the same bytes."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, options) as book:
        book.set_properties({"created": created_at.astimezone(UTC).replace(tzinfo=None)})
        formats = {
            "head": book.add_format({"bold": True, "bg_color": "#E5EDF5", "border": 1, "text_wrap": True}),
            "text": book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"}),
            "number": book.add_format({"valign": "top", "num_format": "General"}),
            "day": book.add_format({"valign": "top", "num_format": "yyyy-mm-dd"}),
            "instant": book.add_format({"valign": "top", "num_format": "yyyy-mm-dd hh:mm"}),
        }
        for sheet in sheets:
            _write(book.add_worksheet(_sheet_name(sheet.name)), sheet, formats)
    return out.getvalue()


def csv(headers: Sequence[str], rows: Iterable[Sequence[Cell]], *, for_people: bool = True) -> bytes:
    """UTF-8 with a byte order mark (Excel needs it), CRLF. ``for_people`` disarms texts that Excel would calculate by a
    leading apostrophe and writes Beijing time; otherwise texts stay as they are and instants are ISO 8601 in UTC.
    """
    out = io.StringIO(newline="")
    writer = standard_csv.writer(out, lineterminator="\r\n")
    writer.writerow(headers)
    writer.writerows([_plain(cell, for_people) for cell in row] for row in rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _sheet_name(name: str) -> str:
    cleaned = "".join("_" if char in "[]:*?/\\" else char for char in visible(name)).strip("' ")
    return cleaned[:31] or "清单"


def _write(page: Any, sheet: Sheet, formats: dict[str, Any]) -> None:
    for column, header in enumerate(sheet.headers):
        page.write_string(0, column, visible(header), formats["head"])
    widths = [_width(header) + 2 for header in sheet.headers]
    last = 0
    for last, row in enumerate(sheet.rows, start=1):
        for column, cell in enumerate(row):
            _write_cell(page, last, column, cell, formats)
            widths[column] = max(widths[column], _width(_plain(cell, True)) + 1)
    for column, width in enumerate(widths):
        page.set_column(column, column, min(width, 60))
    page.freeze_panes(1, 0)
    if last and sheet.headers:
        page.autofilter(0, 0, last, len(sheet.headers) - 1)
    if sheet.note:
        page.write_string(last + 2, 0, visible(sheet.note))


def _write_cell(page: Any, row: int, column: int, cell: Cell, formats: dict[str, Any]) -> None:
    match cell:
        case None | "":
            return
        case bool():
            page.write_string(row, column, _BOOLEANS[cell], formats["text"])
        case int() if abs(cell) < 10**15:  # Excel keeps 15 digits; longer numbers stay text
            page.write_number(row, column, cell, formats["number"])
        case Decimal() if abs(cell) < 10**15:
            page.write_number(row, column, cell, formats["number"])
        case datetime():
            page.write_datetime(row, column, cell.astimezone(BEIJING).replace(tzinfo=None), formats["instant"])
        case date():
            page.write_datetime(row, column, cell, formats["day"])
        case _:
            page.write_string(row, column, visible(str(cell))[:_MAX_CELL], formats["text"])


def _plain(cell: Cell, for_people: bool) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return _BOOLEANS[cell] if for_people else str(cell).lower()
        case Decimal():
            return format(cell, "f")
        case datetime():
            return f"{cell.astimezone(BEIJING):%Y-%m-%d %H:%M}" if for_people else f"{cell.astimezone(UTC):%FT%TZ}"
        case date():
            return cell.isoformat()
        case str():
            return f"'{cell}" if for_people and cell.startswith(_FORMULA_STARTS) else cell
        case _:
            return str(cell)


def _width(text: str) -> int:
    """The longest line in half-width characters: a Chinese character takes two."""
    return max((sum(1 + (char > "\u2e7f") for char in line) for line in text.split("\n")), default=0)
