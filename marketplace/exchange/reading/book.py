"""Opening a file of unknown origin as a book of sheets, or saying in a sentence why not.

``read_book`` decides by the bytes, not by the name. Sheets count rows and columns from 0. What a spreadsheet shows
but its values do not say (hidden rows, merged cells, formulas, error values, units inside number formats) is kept
beside the values in ``Hints``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from marketplace.exchange.reading.text import Value

MAX_FILE_BYTES = 20 * 1024 * 1024
MAX_ROWS = 20_000
MAX_COLUMNS = 200


class ListUnreadable(Exception):
    """The file as a whole cannot be read; the message is a sentence for the person who sent it."""


Position = tuple[int, int]


@dataclass(slots=True)
class Hints:
    """``formulas``: text behind the =; ``errors``: #REF! and the like; ``formats``: number formats worth knowing."""

    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    formulas: dict[Position, str] = field(default_factory=dict)
    errors: dict[Position, str] = field(default_factory=dict)
    formats: dict[Position, str] = field(default_factory=dict)


@dataclass(slots=True)
class Sheet:
    """``merged``: inclusive corners (top, left, bottom, right), clipped to the filled area."""

    name: str
    rows: list[list[Value]]
    hidden: bool = False
    merged: tuple[tuple[int, int, int, int], ...] = ()
    hints: Hints = field(default_factory=Hints)
    epoch_1904: bool = False


@dataclass(slots=True)
class Book:
    """``notes``: sentences about the file as a whole, e.g. the encoding that was guessed."""

    sheets: list[Sheet]
    notes: list[str] = field(default_factory=list)


def read_book(data: bytes, name: str) -> Book:
    """All sheets of an xlsx or csv. Raises ``ListUnreadable`` for anything else, too large, locked or damaged."""
    from marketplace.exchange.reading.csv_file import read_csv
    from marketplace.exchange.reading.xlsx_file import read_xlsx

    if not data.strip():
        raise ListUnreadable("文件是空的。")
    if len(data) > MAX_FILE_BYTES:
        raise ListUnreadable(f"文件超过 {MAX_FILE_BYTES // 1024 // 1024} MB，请删去图片或分成几份再传。")
    if data.startswith(b"PK\x03\x04") or data.startswith(b"PK\x05\x06"):
        return read_xlsx(data)
    if data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise ListUnreadable("文件加了密码，无法读取。请去掉打开密码后再传。")
        raise ListUnreadable("这是旧版 Excel（.xls）文件。请在表格软件里另存为 .xlsx 后再传。")
    if data.startswith(b"%PDF"):
        raise ListUnreadable("这是 PDF 文件，不是表格。请上传 .xlsx 或 .csv。")
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<html", b"<!doctype", b"<?xml", b"<table", b"{\\rtf")):
        raise ListUnreadable("这是网页或文档，只是改了扩展名。请在表格软件里另存为 .xlsx 后再传。")
    return read_csv(data, name)
