"""Comma (or tab, semicolon, bar) separated text in whatever encoding an office saved it."""

from __future__ import annotations

import codecs
import csv
import io

from marketplace.exchange.reading.book import MAX_COLUMNS, MAX_ROWS, Book, ListUnreadable, Sheet
from marketplace.exchange.reading.text import Value

_DELIMITERS = ",\t;|，"
_FIELD_LIMIT = 1_000_000
_ENCODINGS = {"utf-8-sig": "UTF-8", "utf-16": "UTF-16", "gb18030": "GB 18030"}


def read_csv(data: bytes, name: str) -> Book:
    """One sheet named after the file. A row's number is that of its record, as a spreadsheet shows it."""
    text, encoding = _decoded(data)
    if "\x00" in text:
        raise ListUnreadable("这不是表格文件。请上传 .xlsx 或 .csv。")
    delimiter = _delimiter(text)
    rows: list[list[Value]] = []
    try:
        csv.field_size_limit(_FIELD_LIMIT)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        for record in reader:
            rows.append(list(record[:MAX_COLUMNS]))
            if len(rows) > MAX_ROWS:
                raise ListUnreadable(f"超过 {MAX_ROWS} 行，请分成几份再传。")
    except csv.Error as error:
        raise ListUnreadable(f"第 {len(rows) + 1} 行无法按 CSV 读取，可能有没配对的引号。") from error
    _refuse_open_quote(text, delimiter, rows)
    stem = name.replace("\\", "/").rsplit("/", 1)[-1]
    notes = [] if encoding == "utf-8-sig" else [f"按 {_ENCODINGS[encoding]} 编码读取"]
    return Book([Sheet(stem.rsplit(".", 1)[0] or "CSV", rows)], notes)


def _decoded(data: bytes) -> tuple[str, str]:
    """The text and its encoding; UTF-8 first because its mistakes show, GB 18030 last because it takes nearly all."""
    order = ["utf-8-sig", "gb18030"]
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        order = ["utf-16"]
    for encoding in order:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        controls = sum(1 for char in text[:20_000] if ord(char) < 32 and char not in "\t\r\n\x0b\x0c")
        if controls <= len(text[:20_000]) // 100:
            return text, encoding
    raise ListUnreadable("认不出这个文件的格式或文字编码。请在表格软件里另存为 .xlsx 后再传。")


def _delimiter(text: str) -> str:
    """The sign that splits most of the first lines into the same number of at least two fields."""
    sample = text[:100_000]

    def evenness(delimiter: str) -> int:
        try:
            widths = [
                len(record)
                for record, _ in zip(csv.reader(io.StringIO(sample), delimiter=delimiter), range(60), strict=False)
            ]
        except csv.Error:
            return 0
        counts = [widths.count(width) * min(width, 20) for width in set(widths) if width > 1]
        return max(counts, default=0)

    return max(_DELIMITERS, key=lambda delimiter: (evenness(delimiter), -_DELIMITERS.index(delimiter)))


def _refuse_open_quote(text: str, delimiter: str, rows: list[list[Value]]) -> None:
    """An opening quote that never closes would swallow the rest of the file into one cell: refuse, with the row."""
    if not rows or text.count('"') % 2 == 0:
        return
    last = rows[-1]
    if last and str(last[-1]).count("\n") >= 2 and delimiter in str(last[-1]):
        raise ListUnreadable(f"第 {len(rows)} 行有一个没有配对的引号，后面的内容都被它吞掉了。请改正后再传。")
