"""Everything that leaves the site as a file: papers (PDF, docx), lists (xlsx, csv), QR codes, feeds and calendars."""

from marketplace.platform.rendering.feeds import ATOM, ICALENDAR, Entry, Event, atom, ics
from marketplace.platform.rendering.glyphs import is_covered, shown, uncovered, visible
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
    Verification,
)
from marketplace.platform.rendering.pdf import pdf
from marketplace.platform.rendering.qr import qr_path, qr_png, qr_svg
from marketplace.platform.rendering.tables import Cell, Sheet, csv, workbook, xlsx
from marketplace.platform.rendering.word import docx_file

__all__ = [
    "ATOM", "ICALENDAR", "Block", "Cell", "Column", "Entry", "Event", "Facts", "Heading", "Listing", "PageBreak",
    "Paper", "Sheet", "Signatures", "Table", "Text", "Verification", "atom", "csv", "docx_file", "ics", "is_covered",
    "pdf", "qr_path", "qr_png", "qr_svg", "shown", "uncovered", "visible", "workbook", "xlsx",
]  # fmt: skip
