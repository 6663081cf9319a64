"""The whole file: every sheet, every row, each either a ``Row`` or a ``Skipped`` with its reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from marketplace.exchange.reading.amounts import YUAN, Note, Unit, unit_in_instruction, unit_named
from marketplace.exchange.reading.book import ListUnreadable, Sheet, read_book
from marketplace.exchange.reading.duplicates import Existing, mark_duplicates
from marketplace.exchange.reading.headers import HEADER_LENGTH, LABELS, Column, Header, find_header, repeats
from marketplace.exchange.reading.report import Message, Report, Skipped
from marketplace.exchange.reading.rows import PLACEHOLDERS, READERS, Cell, Context, read_row
from marketplace.exchange.reading.text import Value, address, as_text, column_letters, compact, is_blank, shorten, tidy
from marketplace.exchange.reading.vocabulary import DIRECTIONS, INDUSTRIES, KINDS, Vocabulary

Progress = Callable[[int, int], None]
_PROGRESS_EVERY = 100

_TOTAL = re.compile(
    r"^(?:本页|本表|以上|全部|总)?(?:合计|总计|小计|共计|累计|总和|合\s+计|total)(?:$|[:：(（\d项个条]|金额|预算|投资|项目)",
    re.IGNORECASE,
)
_COUNT = re.compile(r"^(?:以上)?(?:共|总共|合计)\d+(?:个|项|条)(?:需求|项目|场景)?[。.]?$")
_FOOTER = re.compile(
    r"^(?:注|备注|说明|填报说明|填表说明|填写说明|填报要求|填报单位|报送单位|填表单位|填表人|填报人|制表人?|审核人?|审批|复核|经办人|"
    r"负责人|单位负责人|主管领导|分管领导|领导签字|联系人|联系电话|填报日期|报送日期|日期|盖章|签字)(?:\(.*?\))?(?:签字|签名|盖章)?(?:\(.*?\))?[:：]"
)
_SIGNED = re.compile(
    r"^(?:\(?(?:单位)?(?:盖章|公章)\)?|以下空白|以下无正文|\d{0,4}年\d{0,2}月\d{0,2}日|第\d+页.*|—+完—+)$"
)
_SECTION = re.compile(
    r"^(?:[(（]?[一二三四五六七八九十]+[)）]?[、.．]|第[一二三四五六七八九十]+(?:部分|类|批)|[(（][一二三四五六七八九十]+[)）])"
)
_HINT = re.compile(
    r"必填|选填|必选|可选|单选|多选|下拉|格式|例如|如[:：]|不超过\d+个?字|\d+字(?:以内|左右|内)|请填|填写|不得为空|可不填|自动生成|"
    r"四选一|全称"
)
_EXAMPLE = re.compile(r"^\(?(?:填写|填报)?(?:示例|样例|范例|举例|例)\d*(?:$|[):：])")
_SAME = {"同上", "同前", "〃", "″", '"', "''", "“", "”", "仝上", "上同", "..", "ditto"}
_SHEET_UNIT = re.compile(
    r"(?:填报|报送|申报|需求|提出)单位(?:[（(].*?[)）])?\s*[:：]\s*(?P<unit>[^\s年月日:：]{3,60})(?:\s|$)"
)


def read_list(
    data: bytes,
    name: str,
    *,
    today: date | None = None,
    existing: Mapping[str, Sequence[Existing]] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Reads the file. ``existing``: ``title_key`` of every demand on the site → where it stands; ``progress``:
    called with (rows done, rows in all). Raises ``ListUnreadable`` when nothing of the file can be read."""
    book = read_book(data, name)
    report = Report(name, notes=list(book.notes))
    readers = [_SheetReader(sheet, report, today) for sheet in book.sheets]
    if not any(reader.header for reader in readers):
        raise ListUnreadable("没有找到表头：清单里要有一行列名，至少包括“场景名称”和另一列（如“需求单位”“预算金额”）。")
    elsewhere = _one({unit for reader in readers if not reader.header for unit in reader.instructed()})
    total = sum(len(reader.sheet.rows) for reader in readers)
    done = 0
    for reader in readers:
        for _ in reader.read(elsewhere):
            done += 1
            if progress is not None and (done % _PROGRESS_EVERY == 0 or done == total):
                progress(done, total)
    mark_duplicates(report, existing or {})
    return report


def _one(units: set[Decimal]) -> Decimal | None:
    return next(iter(units)) if len(units) == 1 else None


@dataclass
class _SheetReader:
    """Walks one sheet from top to bottom; ``header`` is the one in force, which a later row may replace."""

    sheet: Sheet
    report: Report
    today: date | None
    header: Header | None = None
    above: list[str] = field(default_factory=list)
    covered: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    filled: list[list[Value]] = field(default_factory=list)
    merged_at: dict[int, list[tuple[int, int, int, int]]] = field(default_factory=dict)
    section: str | None = None
    sheet_unit: Unit | None = None
    sheet_owner: str = ""
    above_cells: dict[str, Cell] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.filled = [list(row) for row in self.sheet.rows]
        for top, left, bottom, right in self.sheet.merged:
            self.merged_at.setdefault(top, []).append((top, left, bottom, right))
            for row in range(top, bottom + 1):
                for column in range(left, right + 1):
                    if (row, column) == (top, left):
                        continue
                    self.covered[row, column] = (top, left)
                    while len(self.filled[row]) <= column:
                        self.filled[row].append("")
                    if is_blank(self.filled[row][column]):
                        self.filled[row][column] = self.filled[top][left]
        for index in range(len(self.filled)):
            if found := find_header(self.filled, self.merged_at.get(index, ()), index):
                self.header = self._settled(found)
                break
            self.above += [text for _, text in self._own(index)]

    # -- what the sheet says about itself

    def instructed(self) -> set[Decimal]:
        """Units of money that the words above (or, in a sheet without a table, anywhere) prescribe."""
        return {unit for text in self.above if (unit := unit_in_instruction(text)) is not None}

    def _settled(self, header: Header) -> Header:
        """The header with ambiguous columns decided by what stands under them."""

        def settled(column: Column) -> Column:
            values = [
                as_text(row[column.index])
                for row in self.filled[header.last + 1 : header.last + 61]
                if column.index < len(row) and not is_blank(row[column.index])
            ]
            if column.field in ("unit", "") and values and all(unit_named(text) is not None for text in values):
                return replace(column, field="amount_unit") if header.column("amount_unit") is None else column
            if column.field in ("direction", "industries", "kind") and values:
                fits = {name: _fits(values, words) for name, words in _VOCABULARIES.items()}
                best = max(fits, key=lambda name: fits[name])
                taken = header.column(best) is not None and best != column.field
                if fits[best] > 0.5 > fits[column.field] and not taken:
                    return replace(column, field=best)
            return column

        return replace(header, columns=tuple(settled(column) for column in header.columns))

    def _own(self, index: int) -> list[tuple[int, str]]:
        """The row's own visible texts (not those that a merged cell lends it), by column."""
        return [
            (column, tidy(as_text(value), one_line=True)[0])
            for column, value in enumerate(self.sheet.rows[index])
            if not is_blank(value) and (index, column) not in self.covered
        ]

    # -- the walk

    def read(self, elsewhere: Decimal | None) -> Iterator[int]:
        """Reads the rows one by one into the report; yields the index of each that is done."""
        if self.header is not None:
            self._learn(elsewhere)
        first_header = self.header
        for index in range(len(self.sheet.rows)):
            own = self._own(index)
            if not own:
                self.report.blank_rows += 1
            elif first_header is None:
                self._skip(index, "sheet", own)
            elif index < first_header.first:
                self._skip(index, "title", own)
            elif index <= first_header.last:
                self._skip(index, "header", own)
            else:
                self._body(index, own)
            yield index

    def _learn(self, elsewhere: Decimal | None) -> None:
        """The unit of bare figures and the unit that reports, from the words around the table."""
        assert self.header is not None
        below = [
            text
            for index in range(self.header.last + 1, len(self.sheet.rows))
            if len(own := self._own(index)) <= 2
            for _, text in own
            if _FOOTER.match(compact(text))
        ]
        around = self.instructed() or {unit for text in below if (unit := unit_in_instruction(text)) is not None}
        if (unit := _one(around)) is not None:
            self.sheet_unit = Unit(unit, "表内说明")
        elif not around and elsewhere is not None:
            self.sheet_unit = Unit(elsewhere, "填写说明")
        if self.header.column("unit") is None:
            for text in self.above:
                if match := _SHEET_UNIT.search(text):
                    self.sheet_owner = match["unit"]
        for name in ("direction", "industries", "need"):
            if self.header.column(name) is None:
                self.report.notes.append(f"“{self.sheet.name}”没有{LABELS[name]}一列")
        if self.sheet.hidden:
            self.report.notes.append(f"“{self.sheet.name}”是隐藏的工作表，也读了，请核对是否需要")
        hidden = [c for c in self.header.columns if c.index in self.sheet.hints.hidden_columns]
        for column in hidden:
            self.report.notes.append(
                f"“{self.sheet.name}”第 {column_letters(column.index)} 列（{column.header}）是隐藏列，也读了"
            )

    def _skip(self, index: int, reason: str, own: Sequence[tuple[int, str]]) -> None:
        text = shorten(" | ".join(text for _, text in own), 200)
        self.report.skipped.append(Skipped(self.sheet.name, index + 1, reason, text))

    def _body(self, index: int, own: Sequence[tuple[int, str]]) -> None:
        header = self.header
        assert header is not None
        if index <= header.last:
            return self._skip(index, "header", own)
        if repeats(header, self.filled[index]):
            return self._skip(index, "header", own)
        short = len(own) >= 3 and all(len(text) <= HEADER_LENGTH for _, text in own)
        if short and (found := find_header(self.filled, self.merged_at.get(index, ()), index)) and _certain(found):
            self.header = self._settled(found)
            return self._skip(index, "header", own)
        if reason := self._no_demand(own):
            return self._skip(index, reason, own)
        self._demand(index)

    def _no_demand(self, own: Sequence[tuple[int, str]]) -> str:
        """Why the row is no demand; "" when it is one. Only rows that say next to nothing else are passed over."""
        assert self.header is not None
        fields = {column.index: column.field for column in self.header.columns}
        first = compact(own[0][1])
        named = {fields.get(column, "") for column, _ in own} - {""}
        if named == {"serial"} and len(own) == 1 and re.fullmatch(r"\d+(?:\.0)?", first):
            return "number"
        if self._hint(own):
            return "hint"
        if _EXAMPLE.match(first) and fields.get(own[0][0], "") in ("", "serial", "title"):
            return "example"
        filled = named & set(READERS) - {"budget", "deadline", "remark"}
        if (_TOTAL.match(first) or _COUNT.match(first)) and len(filled) <= 1:
            return "total"
        if _FOOTER.match(first) and "title" not in {fields.get(column) for column, _ in own[1:]}:
            return "footer"
        if len(own) <= 2 and any(_SIGNED.match(compact(text)) for _, text in own):
            return "footer"
        if len(own) == 1:
            column, text = own[0]
            if _SECTION.match(compact(text)) or (len(text) <= 20 and column == self._left() and DIRECTIONS.exact(text)):
                self.section = DIRECTIONS.exact(text)
                return "section"
            if fields.get(column, "") in ("", "serial"):
                return "note"
        if not named or all(compact(text) in PLACEHOLDERS for _, text in own):
            return "note"
        return ""

    def _hint(self, own: Sequence[tuple[int, str]]) -> bool:
        """A row right under the header that explains or numbers the columns: （必填）, 不超过60字; or 1, 2, 3, 4."""
        if len(own) < 3 or (self.report.rows and self.report.rows[-1].sheet == self.sheet.name):
            return False
        texts = [compact(text) for _, text in own]
        numbers = [re.sub(r"[()]|栏|列", "", text) for text in texts]
        if all(text.isdigit() for text in numbers):
            return [int(text) for text in numbers] == list(range(int(numbers[0]), int(numbers[0]) + len(numbers)))
        return sum(1 for text in texts if len(text) <= HEADER_LENGTH and _HINT.search(text)) * 2 > len(texts)

    def _left(self) -> int:
        assert self.header is not None
        return min(column.index for column in self.header.columns)

    # -- one demand

    def _demand(self, index: int) -> None:
        assert self.header is not None
        cells: dict[str, Cell] = {}
        extra: list[tuple[str, Cell]] = []
        known = {column.index for column in self.header.columns}
        unit_word = self._amount_unit(index)
        for column in self.header.columns:
            cell = self._cell(index, column, unit_word)
            if column.field in READERS:
                cells[column.field] = self._same_as_above(column.field, cell)
            elif column.field == "":
                extra.append((column.header, cell))
        for position, _ in self._own(index):
            if position not in known:
                stray = Column(position, f"{column_letters(position)} 列（无列名）", "")
                extra.append((stray.header, self._cell(index, stray, None)))
        if self.sheet_owner and "unit" not in cells:
            note = Note("unit.from_sheet", f"没有需求单位一列，按表头上方的“{self.sheet_owner}”理解")
            cells["unit"] = Cell(self.sheet_owner, "", notes=(note,))
        context = Context(self.today, self.sheet.epoch_1904, self.section)
        row = read_row(self.sheet.name, index + 1, cells, extra, context)
        if index in self.sheet.hints.hidden_rows:
            row.messages.append(Message("", "row.hidden", "这一行在表格里是隐藏的，请核对是否需要"))
        if self.sheet.hidden:
            row.messages.append(Message("", "sheet.hidden", "这一行在隐藏的工作表里，请核对是否需要"))
        self.above_cells = cells
        self.report.rows.append(row)

    def _cell(self, index: int, column: Column, unit_word: Unit | None) -> Cell:
        position = (index, column.index)
        row = self.sheet.rows[index]
        value: Value = row[column.index] if column.index < len(row) else ""
        at = address(*position)
        hints = self.sheet.hints
        anchor = self.covered.get(position)
        if anchor is not None and is_blank(value) and anchor[1] == column.index and anchor[0] > self._last_header():
            value = self.filled[index][column.index]
            if column.field == "budget" and not is_blank(value):
                text = f"与 {address(*anchor)} 合并填写（{shorten(as_text(value), 30)}），分不清各占多少，未取数"
                return Cell("", at, notes=(Note("amount.merged", text),), instead=text)
        unit = None
        if column.field == "budget":
            unit = self._format_unit(position) or unit_word
            if unit is None and column.unit is not None:
                unit = Unit(column.unit, "列名")
            unit = unit or self.sheet_unit
        return Cell(
            value,
            at,
            unit,
            month_only=hints.formats.get(position) == "month",
            formula=hints.formulas.get(position, ""),
            notes=self._shared_budget(position, column),
        )

    def _last_header(self) -> int:
        return -1 if self.header is None else self.header.last

    def _shared_budget(self, position: tuple[int, int], column: Column) -> tuple[Note, ...]:
        if column.field != "budget":
            return ()
        for top, left, bottom, _ in self.merged_at.get(position[0], ()):
            if (top, left) == position and bottom > top:
                return (Note("amount.merged", f"与下面 {bottom - top} 行合并填写，请核对是否为几项合计"),)
        return ()

    def _format_unit(self, position: tuple[int, int]) -> Unit | None:
        """A unit that only the number format shows: 1200000 formatted as 1,200,000元. Scaled formats count 元."""
        code = self.sheet.hints.formats.get(position, "").split(";")[0]
        match = re.search(r"亿元|万元|元|万|亿", code.replace('"', "").replace("\\", ""))
        if match is None:
            return None
        if re.search(r"[0#?],+(?![0#?])|!\.|\\\.", code):
            return Unit(YUAN, "单元格格式")
        named = unit_named(match.group())
        return None if named is None else Unit(named, "单元格格式")

    def _amount_unit(self, index: int) -> Unit | None:
        assert self.header is not None
        column = self.header.column("amount_unit")
        if column is None or column.index >= len(self.filled[index]):
            return None
        named = unit_named(as_text(self.filled[index][column.index]))
        return None if named is None else Unit(named, "金额单位列")

    def _same_as_above(self, name: str, cell: Cell) -> Cell:
        """同上 takes the cell above, saying so; with nothing above it stays as written."""
        if not isinstance(cell.value, str) or compact(cell.value) not in _SAME:
            return cell
        above = self.above_cells.get(name)
        if above is None or is_blank(above.value):
            return cell
        note = Note("cell.same_as_above", f"“{tidy(cell.value)[0]}”按 {above.address} 理解", "info")
        return replace(above, address=cell.address, notes=(note,))


_VOCABULARIES: dict[str, Vocabulary] = {"direction": DIRECTIONS, "industries": INDUSTRIES, "kind": KINDS}


def _fits(values: Sequence[str], words: Vocabulary) -> float:
    """The share of values that the vocabulary knows, in whole or (split at 、) in their first part."""
    known = sum(1 for text in values if words.exact(text) or words.exact(re.split(r"[、,，;；/\s]", text.strip())[0]))
    return known / len(values)


def _certain(header: Header) -> bool:
    """Whether a row inside the table is beyond doubt another header: at least three columns, none a long text."""
    named = [column for column in header.columns if column.field]
    return len(named) >= 3 and len(named) * 2 > len(header.columns)
