"""Lists as xlsx and csv."""

import io
from datetime import UTC, date, datetime
from decimal import Decimal

import openpyxl
import pytest

from marketplace.platform.rendering import Sheet, csv, workbook, xlsx

HEADERS = ["榜号", "名称", "预算（万元）", "截止", "交付", "多家"]
ROW = ["001", "智慧停车", Decimal("215.6"), datetime(2026, 12, 1, 9, tzinfo=UTC), date(2027, 3, 1), True]


def read(data: bytes, sheet: int = 0):
    return openpyxl.load_workbook(io.BytesIO(data)).worksheets[sheet]


def test_cells_have_their_types():
    page = read(xlsx(HEADERS, [ROW, [None] * 6]))
    assert [cell.value for cell in page[1]] == HEADERS
    assert [cell.value for cell in page[2]] == [
        *("001", "智慧停车", 215.6, datetime(2026, 12, 1, 17), datetime(2027, 3, 1), "是"),
    ]
    assert page["D2"].number_format == "yyyy-mm-dd hh:mm"
    assert page["E2"].number_format == "yyyy-mm-dd"
    assert page.freeze_panes == "A2"
    assert page.auto_filter.ref == "A1:F3"


@pytest.mark.parametrize(
    "text",
    ["=1+1", '=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "http://example.org", "mailto:a@b", "00123", "1e5"],
)
def test_text_stays_text(text):
    cell = read(xlsx(["a"], [[text]]))["A2"]
    assert (cell.value, cell.data_type, cell.hyperlink) == (text, "s", None)


def test_long_numbers_and_long_texts_survive():
    page = read(xlsx(["a", "b"], [[12345678901234567890, "长" * 40_000]]))
    assert page["A2"].value == "12345678901234567890"
    assert len(page["B2"].value) == 32_767


def test_invisible_characters_do_not_break_the_file():
    assert read(xlsx(["a\x00"], [["b\x0b\u202ec"]], name="x[y]:*?/\\", note="注\x00"))["A2"].value == "bc"


def test_several_sheets_and_the_same_bytes():
    sheets = [Sheet("一", HEADERS, [ROW]), Sheet("二", ["a"], [])]
    data = workbook(sheets)
    assert openpyxl.load_workbook(io.BytesIO(data)).sheetnames == ["一", "二"]
    assert workbook(sheets) == data


def test_rows_may_be_a_generator():
    assert read(xlsx(["a"], ([number] for number in range(3)), note="共3行")).max_row == 6


def test_csv_for_people_is_disarmed():
    text = csv(["名称", "数"], [["=1+1", -3], ["智慧,停车", Decimal("-0.50")], [None, False]]).decode("utf-8-sig")
    assert text == '名称,数\r\n\'=1+1,-3\r\n"智慧,停车",-0.50\r\n,否\r\n'


def test_csv_for_programs_says_what_is_stored():
    data = csv(["a", "b", "c"], [["=1+1", ROW[3], True]], for_people=False)
    assert data.decode("utf-8-sig") == "a,b,c\r\n=1+1,2026-12-01T09:00:00Z,true\r\n"
