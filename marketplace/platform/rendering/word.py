"""Papers as docx, for those that people go on editing: the same blocks as ``pdf`` sets, in the fonts that Office and
WPS have for official papers (GB/T 9704: 小标宋 titles, 黑体 headings, 仿宋 text).

Whoever edits it has left the verified text, so the file carries no QR code; the PDF is the one that is filed.
"""

from __future__ import annotations

import io
import zipfile
from datetime import UTC
from typing import Any, Final

import docx
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_BREAK, WD_TAB_ALIGNMENT, WD_TAB_LEADER
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from marketplace.platform.rendering.glyphs import visible
from marketplace.platform.rendering.paper import (
    Block,
    Column,
    Facts,
    Heading,
    Listing,
    PageBreak,
    Paper,
    Signatures,
    Table,
    Text,
)

_RED: Final = RGBColor(0xC8, 0x10, 0x2E)
_TITLE_FONT: Final = "方正小标宋简体"
_HEADING_FONT: Final = "黑体"
_TEXT_FONT: Final = "仿宋"
_LATIN: Final = "Times New Roman"
_ALIGN: Final = {
    "left": WD_ALIGN_PARAGRAPH.LEFT,
    "center": WD_ALIGN_PARAGRAPH.CENTER,
    "right": WD_ALIGN_PARAGRAPH.RIGHT,
}


def docx_file(paper: Paper) -> bytes:
    """The paper as a docx file; the same paper gives the same bytes."""
    return _Writer(paper).written()


class _Writer:
    def __init__(self, paper: Paper) -> None:
        self.paper = paper
        self.official = paper.form == "announcement"
        self.size = 16 if self.official else 10.5
        self.document: Any = docx.Document()

    def written(self) -> bytes:
        self._page()
        self._head()
        if self.paper.addressee:
            self._paragraphs(self.paper.addressee, indent=False)
        for block in self.paper.blocks:
            self._block(block)
        self._closing()
        out = io.BytesIO()
        self.document.save(out)
        return _settled(out.getvalue())

    def _page(self) -> None:
        """GB/T 9704: 版心 156 mm × 225 mm; properties say who and when instead of python-docx's template."""
        section = self.document.sections[0]
        section.orientation = WD_ORIENT.PORTRAIT
        section.page_width, section.page_height = Mm(210), Mm(297)
        if self.official:
            section.top_margin, section.bottom_margin = Mm(37), Mm(35)
            section.left_margin, section.right_margin = Mm(28), Mm(26)
        else:
            section.top_margin = section.bottom_margin = Mm(26)
            section.left_margin = section.right_margin = Mm(22)
        self.width = section.page_width - section.left_margin - section.right_margin
        style = self.document.styles["Normal"]
        style.font.size, style.font.name = Pt(self.size), _LATIN
        style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), _TEXT_FONT)
        style.paragraph_format.space_after = Pt(0)
        style.paragraph_format.line_spacing = Pt(28) if self.official else 1.5
        for level in (1, 2):
            heading = self.document.styles[f"Heading {level}"]
            heading.font.size, heading.font.bold, heading.font.name = Pt(self.size), False, _LATIN
            heading.font.color.rgb = RGBColor(0, 0, 0)
            heading.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), _HEADING_FONT)
            heading.paragraph_format.space_before = heading.paragraph_format.space_after = Pt(0)
        footer = section.footer.paragraphs[0]
        footer.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        self._run(footer, "— ", size=12)
        _field(footer, "PAGE", size=12)
        self._run(footer, " —", size=12)
        properties = self.document.core_properties
        properties.title, properties.author = _line(self.paper.title), visible(self.paper.issuer)
        properties.comments, properties.language = "", "zh-CN" if self.paper.language == "zh" else "en-GB"
        moment = self.paper.dated_at.astimezone(UTC).replace(tzinfo=None)
        properties.created = properties.modified = moment
        properties.last_modified_by = ""

    def _head(self) -> None:
        paper, center = self.paper, WD_ALIGN_PARAGRAPH.CENTER
        if self.official:
            self._line(paper.issuer, font=_TITLE_FONT, size=26, color=_RED, align=center, exact=False)
            self._line(paper.head, font=_TITLE_FONT, size=38, color=_RED, align=center, exact=False)
            self._line(paper.number, align=center)
            if self.document.paragraphs:
                _rule(self.document.paragraphs[-1])
            self._line(" ")
            self._title(22, center)
            self._line(" ")
        else:
            self._line(paper.head, font=_HEADING_FONT, size=10, color=_RED)
            self._title(19, WD_ALIGN_PARAGRAPH.LEFT)
            self._line(paper.subtitle)

    def _title(self, size: float, align: Any) -> None:
        paragraph = self.document.add_paragraph(style="Title")
        paragraph.alignment = align
        paragraph.paragraph_format.line_spacing = 1.3
        for border in paragraph._p.get_or_add_pPr().findall(qn("w:pBdr")):
            paragraph._p.pPr.remove(border)
        self._run(paragraph, self.paper.title, font=_TITLE_FONT, size=size, color=RGBColor(0, 0, 0))

    def _line(
        self,
        text: str,
        *,
        font: str = _TEXT_FONT,
        size: float | None = None,
        color: RGBColor | None = None,
        align: Any = None,
        exact: bool = True,
    ) -> None:
        """One paragraph, nothing when there is no text. ``exact`` keeps the page's line pitch."""
        if not text:
            return
        paragraph = self.document.add_paragraph()
        paragraph.alignment = align
        if not exact:
            paragraph.paragraph_format.line_spacing = 1.2
        self._run(paragraph, text, font=font, size=size, color=color)

    def _run(
        self,
        paragraph: Any,
        text: str,
        *,
        font: str = _TEXT_FONT,
        size: float | None = None,
        color: RGBColor | None = None,
        bold: bool = False,
    ) -> None:
        run = paragraph.add_run(visible(text))
        run.font.name, run.font.bold = _LATIN, bold
        run._r.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), font)
        if size is not None:
            run.font.size = Pt(size)
        if color is not None:
            run.font.color.rgb = color

    def _paragraphs(self, text: str, *, indent: bool, strong: bool = False) -> None:
        for part in text.splitlines():
            if part.strip():
                paragraph = self.document.add_paragraph()
                paragraph.alignment = WD_ALIGN_PARAGRAPH.JUSTIFY
                if indent and self.paper.language == "zh":
                    paragraph.paragraph_format.first_line_indent = Pt(2 * self.size)
                self._run(paragraph, part, bold=strong)

    def _block(self, block: Block) -> None:
        match block:
            case Heading(text, level):
                paragraph = self.document.add_heading(level=level)
                if self.official and self.paper.language == "zh":
                    paragraph.paragraph_format.first_line_indent = Pt(2 * self.size)
                self._run(paragraph, text, font=_HEADING_FONT)
            case Text(text, indent, strong):
                self._paragraphs(text, indent=indent, strong=strong)
            case Listing(items, numbered):
                for place, item in enumerate(items, start=1):
                    self._paragraphs(f"{place}. {item}" if numbered else f"• {item}", indent=True)
            case Facts(rows):
                self._table((Column("", 1), Column("", 3)), rows, head=False)
            case Table(columns, rows, caption, note):
                self._line(caption, font=_HEADING_FONT, size=11, align=WD_ALIGN_PARAGRAPH.CENTER)
                if caption:
                    self.document.paragraphs[-1].paragraph_format.keep_with_next = True
                self._table(columns, rows, head=True)
                self._line(note, size=9.5)
            case Signatures(lines):
                for label in lines:
                    paragraph = self.document.add_paragraph()
                    paragraph.paragraph_format.space_before = Pt(14)
                    paragraph.paragraph_format.tab_stops.add_tab_stop(
                        self.width, WD_TAB_ALIGNMENT.RIGHT, WD_TAB_LEADER.LINES
                    )
                    self._run(paragraph, f"{label}\t")
            case PageBreak():
                self.document.add_paragraph().add_run().add_break(WD_BREAK.PAGE)

    def _table(self, columns: tuple[Column, ...], rows: tuple[tuple[str, ...], ...], *, head: bool) -> None:
        table = self.document.add_table(rows=0, cols=len(columns), style="Table Grid")
        table.alignment, table.autofit = WD_TABLE_ALIGNMENT.CENTER, False
        widths = _widths(columns, rows, self.width)
        if head:
            cells = table.add_row().cells
            for cell, column in zip(cells, columns, strict=True):
                self._cell(cell, column.label, font=_HEADING_FONT, align="center")
            _repeat(table.rows[0])
        for row in rows:
            for place, (cell, text) in enumerate(zip(table.add_row().cells, row, strict=True)):
                font = _HEADING_FONT if not head and place == 0 else _TEXT_FONT
                self._cell(cell, text, font=font, align=columns[place].align)
        for row in table.rows:
            _whole(row)
            for cell, width in zip(row.cells, widths, strict=True):
                cell.width = width

    def _cell(self, cell: Any, text: str, *, font: str, align: str) -> None:
        paragraph = cell.paragraphs[0]
        paragraph.alignment = _ALIGN[align]
        paragraph.paragraph_format.line_spacing = 1.15
        self._run(paragraph, text, font=font, size=10.5 if self.official else 9.5)

    def _closing(self) -> None:
        paper = self.paper
        if paper.signed_by or paper.issued_on:
            self._line(" ")
            for text in (paper.signed_by, paper.issued_on, paper.seal_note):
                self._line(text, align=WD_ALIGN_PARAGRAPH.RIGHT)


def _line(text: str) -> str:
    return "".join(visible(text).split("\n"))


def _widths(columns: tuple[Column, ...], rows: tuple[tuple[str, ...], ...], width: int) -> list[int]:
    """Columns with a share divide what the others, as wide as their longest line, leave."""

    def measured(place: int) -> float:
        texts = [columns[place].label, *(row[place] for row in rows)]
        longest = max((len(line.encode("gb18030")) for text in texts for line in text.split("\n")), default=0)
        return Pt(5.5) * longest + Pt(14)

    fixed = [0.0 if column.share else measured(place) for place, column in enumerate(columns)]
    shares = sum(column.share for column in columns)
    left = max(width - sum(fixed), width * 0.4)
    return [int(own or left * column.share / shares) for own, column in zip(fixed, columns, strict=True)]


def _property(row: Any, name: str) -> None:
    row._tr.get_or_add_trPr().append(OxmlElement(name))


def _repeat(row: Any) -> None:
    """The head row appears again on every page."""
    _property(row, "w:tblHeader")


def _whole(row: Any) -> None:
    """A row is not torn over two pages."""
    _property(row, "w:cantSplit")


def _rule(paragraph: Any) -> None:
    """The red separating line of the head."""
    borders = OxmlElement("w:pBdr")
    bottom = OxmlElement("w:bottom")
    for name, value in (("val", "single"), ("sz", "16"), ("space", "6"), ("color", "C8102E")):
        bottom.set(qn(f"w:{name}"), value)
    borders.append(bottom)
    paragraph._p.get_or_add_pPr().append(borders)


def _field(paragraph: Any, code: str, *, size: float) -> None:
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), code)
    run = paragraph.add_run("1")
    run.font.size = Pt(size)
    field.append(run._r)
    paragraph._p.append(field)


def _settled(data: bytes) -> bytes:
    """The same archive with all entries dated 1980-01-01, so that the same paper gives the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(zipfile.ZipInfo(name), source.read(name), zipfile.ZIP_DEFLATED)
    return out.getvalue()
