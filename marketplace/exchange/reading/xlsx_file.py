"""An xlsx workbook: guarded before it is parsed, read by calamine, annotated from its XML.

The guard measures what the archive really inflates to and hands calamine a fresh archive of just the parts that it
measured, so a lying directory or a bomb is met here. calamine gives the values; one pass of expat over each sheet
gives what calamine does not tell: hidden rows, formulas, error values, number formats, and the size of the area.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from marketplace.exchange.reading.book import MAX_COLUMNS, MAX_ROWS, Book, Hints, ListUnreadable, Sheet

MAX_UNPACKED_BYTES = 100 * 1024 * 1024
_MAX_PARTS = 2_000
_MAX_CELLS = 600_000
_MAX_AREA = 4_000_000
_MAX_TEXT = 60_000_000
_WANTED = re.compile(
    r"^(\[Content_Types\]\.xml|_rels/\.rels|xl/workbook\.xml|xl/_rels/workbook\.xml\.rels|xl/styles\.xml|"
    r"xl/sharedStrings\.xml|xl/(?:worksheets|chartsheets|dialogsheets)/[^/]+\.xml|docProps/[^/]+\.xml)$",
    re.IGNORECASE,
)
_BUILTIN_MONTHS = {17, 27, 36, 50, 52, 54, 57}  # mmm-yy and the Chinese built-in 年月 formats
_DAMAGED = "文件已损坏，不能作为 xlsx 打开。请在表格软件里打开并另存后再传。"


def read_xlsx(data: bytes) -> Book:
    """Raises ``ListUnreadable`` for locked, damaged, over-large archives, macros, and other formats in a zip."""
    parts = _parts(data)
    layout = _layout(parts)
    scans = {path.lower(): _hints(content, layout) for path, content in parts.items() if "sheets/" in path.lower()}
    hints = {name: scans[path.lower()] for name, path in layout.paths.items() if path.lower() in scans}
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(_packed(parts)))
        sheets = []
        for meta in book.sheets_metadata:
            if meta.typ is not SheetTypeEnum.WorkSheet:
                continue
            sheets.append(_sheet(book, meta.name, meta.visible is not SheetVisibleEnum.Visible, hints, layout))
        return Book(sheets)
    except (CalamineError, ValueError, OSError) as error:
        raise ListUnreadable(_DAMAGED) from error


def _sheet(book: CalamineWorkbook, name: str, hidden: bool, hints: Mapping[str, Hints], layout: _Layout) -> Sheet:
    source = book.get_sheet_by_name(name)
    rows = [list(row[:MAX_COLUMNS]) for row in source.to_python(skip_empty_area=False)]
    width = max((len(row) for row in rows), default=0)
    merged = tuple(
        (top, left, min(bottom, len(rows) - 1), min(right, width - 1))
        for (top, left), (bottom, right) in source.merged_cell_ranges or ()
        if top < len(rows) and left < width
    )
    found = hints.get(name, Hints())
    for (row, column), text in {**found.formulas, **found.errors}.items():
        if row < MAX_ROWS and column < MAX_COLUMNS:  # a formula without a cached value is "" for calamine
            while len(rows) <= row:
                rows.append([])
            rows[row].extend([""] * (column + 1 - len(rows[row])))
            if rows[row][column] == "":
                rows[row][column] = text
    return Sheet(name, rows, hidden, merged, found, layout.epoch_1904)


# --- the archive ---------------------------------------------------------------------------------------------------


def _parts(data: bytes) -> dict[str, bytes]:
    """The parts that matter, inflated under a common ceiling."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        infos = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise ListUnreadable(_DAMAGED) from error
    names = {info.filename.lower() for info in infos}
    _refuse_other_formats(names)
    if any(info.flag_bits & 1 for info in infos):
        raise ListUnreadable("文件加了密码，无法读取。请去掉密码后再传。")
    if len(infos) > _MAX_PARTS or sum(info.file_size for info in infos) > MAX_UNPACKED_BYTES:
        raise ListUnreadable("文件解压后过大，为安全起见不予读取。请只保留需求清单，另存后再传。")
    parts: dict[str, bytes] = {}
    room = MAX_UNPACKED_BYTES
    for info in infos:
        if not _WANTED.match(info.filename):
            continue
        try:
            with archive.open(info) as stream:
                content = stream.read(room + 1)
        except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError, ValueError) as error:
            raise ListUnreadable(_DAMAGED) from error
        except Exception as error:  # zlib.error and its kin have no common base
            raise ListUnreadable(_DAMAGED) from error
        room -= len(content)
        if room < 0:
            raise ListUnreadable("文件解压后过大，为安全起见不予读取。请只保留需求清单，另存后再传。")
        parts[info.filename] = content
    return parts


def _refuse_other_formats(names: set[str]) -> None:
    if any(name.endswith("vbaproject.bin") or "/macrosheets/" in name for name in names):
        raise ListUnreadable("文件含有宏，为安全起见不予读取。请另存为不含宏的 .xlsx 后再传。")
    if any(name.startswith("word/") for name in names):
        raise ListUnreadable("这是 Word 文档，不是表格。请把清单放进 .xlsx 或 .csv 再传。")
    if any(name.startswith("ppt/") for name in names):
        raise ListUnreadable("这是演示文稿，不是表格。请把清单放进 .xlsx 或 .csv 再传。")
    if "xl/workbook.bin" in names:
        raise ListUnreadable("这是二进制工作簿（.xlsb）。请另存为 .xlsx 后再传。")
    if "content.xml" in names:
        raise ListUnreadable("这是 OpenDocument 表格（.ods）。请另存为 .xlsx 后再传。")
    if "xl/workbook.xml" not in names:
        raise ListUnreadable("这个压缩文件不是 xlsx 工作簿。请上传 .xlsx 或 .csv。")


def _part(parts: Mapping[str, bytes], path: str) -> bytes:
    """A part by its name (some writers spell it in another case); nothing for an absent one."""
    return next((content for name, content in parts.items() if name.lower() == path.lower()), b"")


def _packed(parts: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


# --- the XML -------------------------------------------------------------------------------------------------------

_Start = Callable[[str, dict[str, str]], None]


def _walk(
    content: bytes,
    start: _Start,
    text: Callable[[str], None] | None = None,
    end: Callable[[str], None] | None = None,
) -> None:
    """One pass over a part; names come without prefixes. A DOCTYPE (entities) is refused."""
    if not content:
        return
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise ListUnreadable(_DAMAGED)

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = lambda name, attributes: start(name.rpartition(":")[2], attributes)
    if text is not None:
        parser.CharacterDataHandler = text
    if end is not None:
        parser.EndElementHandler = lambda name: end(name.rpartition(":")[2])
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise ListUnreadable(_DAMAGED) from error


@dataclass
class _Layout:
    """``paths``: sheet name → part; ``formats``: style index → number format worth knowing."""

    paths: dict[str, str] = field(default_factory=dict)
    formats: dict[int, str] = field(default_factory=dict)
    text_lengths: list[int] = field(default_factory=list)
    epoch_1904: bool = False


def _layout(parts: Mapping[str, bytes]) -> _Layout:
    layout = _Layout()
    targets: dict[str, str] = {}
    by_id: dict[str, str] = {}

    def relation(name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship":
            target = attributes.get("Target", "")
            path = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join("xl", target))
            targets[attributes.get("Id", "")] = path

    def workbook(name: str, attributes: dict[str, str]) -> None:
        if name == "workbookPr":
            layout.epoch_1904 = attributes.get("date1904") in ("1", "true")
        elif name == "sheet":
            identity = next((value for key, value in attributes.items() if key.endswith(":id")), "")
            by_id[attributes.get("name", "")] = identity

    _walk(_part(parts, "xl/_rels/workbook.xml.rels"), relation)
    _walk(_part(parts, "xl/workbook.xml"), workbook)
    layout.paths = {name: targets.get(identity, "") for name, identity in by_id.items()}
    layout.formats = _formats(_part(parts, "xl/styles.xml"))
    layout.text_lengths = _text_lengths(_part(parts, "xl/sharedStrings.xml"))
    return layout


def _formats(content: bytes) -> dict[int, str]:
    """Formats that name a unit of money (``0"万元"``), are a percentage, or show a date without its day."""
    codes: dict[int, str] = {}
    styles: list[int] = []
    inside = False

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal inside
        if name == "numFmt":
            codes[int(attributes.get("numFmtId", "0"))] = attributes.get("formatCode", "")
        elif name in ("cellXfs", "cellStyleXfs"):
            inside = name == "cellXfs"
        elif name == "xf" and inside:
            styles.append(int(attributes.get("numFmtId", "0")))

    _walk(content, start)
    result = {}
    for index, number in enumerate(styles):
        code = codes.get(number, "")
        if "元" in code or "万" in code or "亿" in code or "%" in code or number in (9, 10):
            result[index] = code or "0%"
        elif (number in _BUILTIN_MONTHS and not code) or _month_only(code):
            result[index] = "month"
    return result


def _month_only(code: str) -> bool:
    letters = re.sub(r'"[^"]*"|\\.|\[[^\]]*\]', "", code).lower()
    return "y" in letters and "m" in letters and "d" not in letters and "h" not in letters


def _text_lengths(content: bytes) -> list[int]:
    lengths: list[int] = []

    def start(name: str, _: dict[str, str]) -> None:
        if name == "si":
            lengths.append(0)

    def text(data: str) -> None:
        if lengths:
            lengths[-1] += len(data)

    _walk(content, start, text)
    return lengths


class _SheetScan:
    """Collects ``Hints`` and keeps the counts that bound what calamine will allocate."""

    def __init__(self, layout: _Layout) -> None:
        self.hints = Hints()
        self.layout = layout
        self.row = -1
        self.column = -1
        self.kind = ""
        self.style = 0
        self.inside = ""
        self.buffer: list[str] = []
        self.formula: str | None = None
        self.value = ""
        self.filled = False
        self.cells = self.text = self.last_row = self.last_column = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        match name:
            case "row":
                self.row = int(attributes["r"]) - 1 if "r" in attributes else self.row + 1
                self.column = -1
                if attributes.get("hidden") in ("1", "true"):
                    self.hints.hidden_rows.add(self.row)
            case "col" if attributes.get("hidden") in ("1", "true"):
                low, high = int(attributes.get("min", "1")), int(attributes.get("max", "1"))
                self.hints.hidden_columns.update(range(low - 1, min(high, MAX_COLUMNS)))
            case "c":
                self.column += 1
                if "r" in attributes:
                    self.row, self.column = _place_of(attributes["r"])
                self.kind, self.style = attributes.get("t", "n"), int(attributes.get("s", "0"))
                self.formula, self.value, self.filled = None, "", False
            case "is":
                self.filled = True
            case "f" | "v" | "t":
                self.filled = True
                self.inside, self.buffer = name, []

    def characters(self, data: str) -> None:
        if self.inside:
            self.buffer.append(data)

    def end(self, name: str) -> None:
        if name == self.inside:
            content = "".join(self.buffer)
            if name == "f":
                self.formula = content
            else:
                self.value += content
            self.inside = ""
        elif name == "c" and self.filled:
            self._cell()

    def _cell(self) -> None:
        at = (self.row, self.column)
        self.cells += 1
        if self.kind == "s" and self.value.isdigit() and int(self.value) < len(self.layout.text_lengths):
            self.text += self.layout.text_lengths[int(self.value)]
        else:
            self.text += len(self.value)
        self.last_row, self.last_column = max(self.last_row, self.row), max(self.last_column, self.column)
        if self.cells > _MAX_CELLS or self.text > _MAX_TEXT or (self.last_row + 1) * (self.last_column + 1) > _MAX_AREA:
            raise ListUnreadable("表里有内容的区域过大，为安全起见不予读取。请只保留需求清单，另存后再传。")
        if self.formula is not None:
            self.hints.formulas[at] = "=" + self.formula
        if self.kind == "e":
            self.hints.errors[at] = self.value
        if (code := self.layout.formats.get(self.style)) and self.kind in ("n", "d"):
            self.hints.formats[at] = code


def _place_of(reference: str) -> tuple[int, int]:
    """Row and column, both from 0. calamine trusts the cell's own reference, so the guard must measure by it."""
    match = re.fullmatch(r"([A-Za-z]{1,3})([1-9]\d{0,6})", reference)
    if match is None:
        raise ListUnreadable(_DAMAGED)
    column = 0
    for char in match[1].upper():
        column = column * 26 + ord(char) - 64
    return int(match[2]) - 1, column - 1


def _hints(content: bytes, layout: _Layout) -> Hints:
    scan = _SheetScan(layout)
    try:
        _walk(content, scan.start, scan.characters, scan.end)
    except (ValueError, KeyError) as error:
        raise ListUnreadable(_DAMAGED) from error
    if scan.last_row >= MAX_ROWS and scan.cells:
        raise ListUnreadable(f"内容超过第 {MAX_ROWS} 行，请删去表格下方远处的内容，或分成几份再传。")
    return scan.hints
