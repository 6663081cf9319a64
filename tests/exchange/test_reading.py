"""Whole files: the sample, a second list of other tricks, csv in several spellings, and files that must be refused."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from marketplace.exchange.reading import Existing, ListUnreadable, Report, read_list, reread
from marketplace.exchange.reading.report import Row
from marketplace.exchange.template import demand_list_template
from tests.exchange.messy import second_list

DATA = Path(__file__).parents[1] / "data"
TODAY = date(2026, 6, 1)


@pytest.fixture(scope="module")
def sample() -> Report:
    return read_list((DATA / "scenes-messy.xlsx").read_bytes(), "scenes-messy.xlsx", today=TODAY)


@pytest.fixture(scope="module")
def second() -> Report:
    return read_list(second_list(), "second.xlsx", today=TODAY)


def row(report: Report, number: int, sheet: str | None = None) -> Row:
    return next(item for item in report.rows if item.row == number and sheet in (None, item.sheet))


def codes(item: Row) -> dict[str, str]:
    return {message.code: message.cell for message in item.messages}


def book(rows: list[list[Any]], merges: tuple[str, ...] = ()) -> bytes:
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    for values in rows:
        sheet.append(values)
    for area in merges:
        sheet.merge_cells(area)
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


HEADER = ["场景名称", "需求单位", "方向", "所属产业", "需求概况", "预算金额", "截止时间"]
GOOD = ["园区停车诱导", "高新区城管局", "民生服务", "物联网", "诱导屏联网", "120万元", "2026-10-30"]


# --- the sample ----------------------------------------------------------------------------------------------------


def test_every_one_of_the_53_rows_is_accounted_for(sample: Report) -> None:
    assert [item.row for item in sample.rows] == [
        number for number in range(5, 63) if number not in (14, 24, 34, 44, 54)
    ]
    assert sample.counts == {"ok": 14, "warning": 37, "error": 1, "duplicate": 1}
    assert [(item.row, item.reason) for item in sample.skipped] == [
        (1, "title"),
        (2, "title"),
        (4, "header"),
        (64, "total"),
        (65, "footer"),
    ]
    assert sample.blank_rows == 7


def test_no_unit_of_money_is_assumed_where_the_sheet_names_it(sample: Report) -> None:
    assert not [item for item in sample.rows if "amount.unit_assumed" in codes(item)]


@pytest.mark.parametrize(
    ("number", "wan", "note"),
    [
        (5, "120", ""),
        (7, "300", ""),
        (8, "120", ""),
        (9, None, "80-120万元"),
        (10, "0", ""),
        (11, "500", "上限"),
        (12, None, "面议"),
        (15, "240", ""),
        (17, "139.4", ""),
        (22, "4000", "近"),
        (35, "71.9595", ""),
        (37, "32000", "约"),
        (46, None, "***"),
        (53, None, ""),
        (61, None, "abc"),
        (62, None, "-5"),
    ],
)
def test_amounts_of_the_sample(sample: Report, number: int, wan: str | None, note: str) -> None:
    values = row(sample, number).as_json()["values"]
    assert (values["budget_wan"], values["budget_note"]) == (wan, note)


@pytest.mark.parametrize(
    ("number", "day", "code"),
    [
        (5, "2026-10-30", "date.time"),
        (6, "2026-08-15", None),
        (7, "2027-03-31", "date.coarse"),
        (8, "2026-09-30", "date.coarse"),
        (9, "2026-12-31", None),
        (15, None, "date.relative"),
        (31, "2026-12-31", "date.coarse"),
        (53, None, "date.blank"),
        (61, None, "date.open"),
        (62, None, "date.impossible"),
    ],
)
def test_days_of_the_sample(sample: Report, number: int, day: str | None, code: str | None) -> None:
    item = row(sample, number)
    assert item.as_json()["values"]["deadline"] == day
    assert [name for name in codes(item) if name.startswith("date.")] == ([code] if code else [])
    if code:
        assert codes(item)[code] == f"H{number}"


def test_merged_units_are_filled_down(sample: Report) -> None:
    assert {row(sample, number).values.unit for number in (12, 13, 15, 16, 17)} == {"四川天府新区"}
    assert row(sample, 9).values.unit == row(sample, 8).values.unit != ""
    assert row(sample, 56).values.unit.startswith("重庆市科学技术局")


def test_words_become_codes(sample: Report) -> None:
    assert [row(sample, number).values.direction for number in (5, 8, 11, 21)] == [
        "living",
        "industry",
        "building",
        "carrier",
    ]
    assert row(sample, 7).values.industries == ("iot",)
    assert row(sample, 9).values.industries == ("iot", "newit")
    assert row(sample, 27).values.industries == ("newit",)
    assert not [item for item in sample.rows if {"direction.unknown", "industry.unknown"} & codes(item).keys()]


def test_titles_are_tidied_and_contacts_taken_apart(sample: Report) -> None:
    values = row(sample, 5).values
    assert (values.title, values.contact_name, values.contact_phone) == ("公共交通特征调查", "王主任", "13800001033")
    assert row(sample, 7).values.contact_phone == "0371-67981537"


def test_the_repeated_row_is_a_duplicate_and_says_of_what(sample: Report) -> None:
    item = row(sample, 60)
    assert (item.status, item.duplicate_of) == ("duplicate", "征集汇总!7")
    text = next(message.text for message in item.messages if message.code == "duplicate")
    assert text.endswith("（不同之处：预算 300 / 100；时间 2027-03-31 / 未定）")
    assert row(sample, 7).status == "warning"


def test_a_remark_alone_makes_no_duplicate(sample: Report) -> None:
    assert row(sample, 18).values.remark == "重复报送"
    assert row(sample, 18).status == "ok"


def test_the_row_without_a_title_is_an_error_at_its_cell(sample: Report) -> None:
    item = row(sample, 61)
    assert item.status == "error"
    assert codes(item)["title.missing"] == "B61"


def test_formula_like_text_stays_text(sample: Report) -> None:
    item = row(sample, 62)
    assert item.values.title == '=HYPERLINK("http://example.invalid","智慧停车")'
    assert codes(item)["text.formula"] == "B62"


def test_the_json_has_the_shape_of_the_interface(sample: Report) -> None:
    found = json.loads(json.dumps(sample.as_json(), ensure_ascii=False))
    assert set(found) == {"rows", "summary"}
    first = found["rows"][0]
    assert {"sheet", "row", "status", "values", "messages"} <= set(first)
    assert first["values"]["direction"] == "城市管理和民生服务"
    assert first["values"]["industries"] == ["数算产业", "新一代信息技术"]
    assert all(set(message) >= {"cell", "code", "text"} for item in found["rows"] for message in item["messages"])
    assert found["summary"]["rows"] == 53
    assert found["summary"]["error"] == 1


def test_the_clean_csv_has_no_errors() -> None:
    report = read_list((DATA / "scenes.csv").read_bytes(), "scenes.csv", today=TODAY)
    assert report.counts == {"ok": 46, "warning": 4, "error": 0, "duplicate": 0}
    assert {message.code for item in report.rows for message in item.messages if message.level == "warning"} == {
        "date.coarse",
        "date.past",
    }
    assert row(report, 41).values.budget_wan == Decimal("139.4")


# --- the second list -----------------------------------------------------------------------------------------------

MAIN = "重点需求"
SECOND: list[tuple[str, int, str, str, str, str | None, tuple[str, ...], str | None, str, str | None]] = [
    # sheet, row, status, title, unit, direction, industries, 万元, note, day
    (MAIN, 5, "warning", "园区管廊巡检机器人", "科技创新局", "building", ("iot",), "320", "", "2026-12-31"),
    (MAIN, 6, "warning", "楼宇能耗诊断", "科技创新局", "building", ("newit", "computing"), "85.5", "", "2026-11-30"),
    (MAIN, 7, "ok", "危化品车辆路径预警", "科技创新局", "living", ("beidou", "iot"), "50", "", "2026-12-31"),
    (MAIN, 8, "warning", "惠企资金智能核验", "财政金融局", "industry", (), "300", "上限", "2026-10-30"),
    (MAIN, 12, "warning", "税源画像分析平台", "财政金融局", "industry", ("newit",), "1250.5", "", "2026-12-01"),
    (MAIN, 13, "warning", "地下管线数字孪生", "建设局", "building", ("computing",), None, "财政200万，企业100万", None),
    (MAIN, 14, "warning", "工地扬尘在线监测", "建设局", None, (), None, "120万元/年", None),
    (MAIN, 15, "warning", "+智慧工地看板", "建设局", "building", ("other",), None, "@SUM(1+1)", None),
    (MAIN, 18, "duplicate", "园区管廊 巡检机器人（）", "科技创新局", None, (), "600", "", None),
    (
        MAIN, 19, "warning", "共享充电桩选址优化", "建设局", None, (), None,
        "与 C18 合并填写（600万元），分不清各占多少，未取数", None,
    ),
    (
        "补充", 2, "warning", '=HYPERLINK("http://example.invalid","点我")', "高新区某中心", "living", (),
        "50000", "", "2026-12-31",
    ),
    ("补充", 3, "ok", "桥梁健康监测传感网", "高新区某中心", "living", (), "80", "", "2026-10-30"),
    ("补充", 5, "warning", "隧道照明按需调光", "高新区某中心", None, (), None, "=SUM(D2:D3)", None),
    ("旧稿", 2, "warning", "老旧小区加装电梯监测", "住建中心", None, (), "200", "", None),
]  # fmt: skip


def test_the_second_list_is_read_as_meant(second: Report) -> None:
    found = []
    for item in second.rows:
        values = item.as_json()["values"]
        found.append(
            (
                item.sheet,
                item.row,
                item.status,
                values["title"],
                values["unit"],
                values["direction_code"],
                tuple(values["industry_codes"]),
                values["budget_wan"],
                values["budget_note"],
                values["deadline"],
            )
        )
    assert found == SECOND


def test_the_second_list_passes_over_only_what_is_no_demand(second: Report) -> None:
    assert [(item.sheet, item.row, item.reason) for item in second.skipped] == [
        ("填写说明", 1, "sheet"),
        ("填写说明", 2, "sheet"),
        ("填写说明", 3, "sheet"),
        ("重点需求", 1, "title"),
        ("重点需求", 3, "header"),
        ("重点需求", 4, "header"),
        ("重点需求", 9, "section"),
        ("重点需求", 10, "header"),
        ("重点需求", 11, "header"),
        ("重点需求", 16, "number"),
        ("重点需求", 17, "total"),
        ("重点需求", 21, "footer"),
        ("补充", 1, "header"),
        ("补充", 4, "header"),
        ("旧稿", 1, "header"),
    ]


def test_the_second_list_says_its_doubts_at_the_cells(second: Report) -> None:
    assert codes(row(second, 6, "重点需求"))["date.coarse"] == "B6"
    assert codes(row(second, 7, "重点需求")) == {"cell.same_as_above": "E7", "date.serial": "B7"}
    assert codes(row(second, 8, "重点需求"))["industry.unknown"] == "H8"
    assert codes(row(second, 12, "重点需求"))["date.two_digit_year"] == "B12"
    assert "row.hidden" in codes(row(second, 13, "重点需求"))
    assert codes(row(second, 14, "重点需求"))["direction.several"] == "G14"
    assert codes(row(second, 18, "重点需求"))["amount.merged"] == "C18"
    assert "sheet.hidden" in codes(row(second, 2, "旧稿"))
    assert row(second, 8, "重点需求").values.extra == (("L 列（无列名）", "领导批示：优先"),)
    assert (row(second, 7, "重点需求").values.contact_name, row(second, 7, "重点需求").values.contact_email) == (
        "钱",
        "a@b.cn",
    )


def _every_non_blank_row(data: bytes) -> set[tuple[str, int]]:
    found = set()
    for sheet in load_workbook(io.BytesIO(data)):
        for cells in sheet.iter_rows():
            if any(cell.value not in (None, "") for cell in cells):
                found.add((sheet.title, cells[0].row))
    return found


@pytest.mark.parametrize("data", [(DATA / "scenes-messy.xlsx").read_bytes(), second_list()], ids=["sample", "second"])
def test_nothing_is_dropped_and_nothing_counted_twice(data: bytes) -> None:
    report = read_list(data, "x.xlsx")
    places = [(item.sheet, item.row) for item in report.rows] + [(item.sheet, item.row) for item in report.skipped]
    assert len(places) == len(set(places))
    assert set(places) == _every_non_blank_row(data)


# --- single tricks -------------------------------------------------------------------------------------------------


def test_without_any_word_about_the_unit_wan_is_assumed_aloud() -> None:
    report = read_list(book([HEADER, [*GOOD[:5], 120, GOOD[6]]]), "x.xlsx")
    assert report.rows[0].values.budget_wan == 120
    assert codes(report.rows[0]) == {"amount.unit_assumed": "F2"}


@pytest.mark.parametrize(
    ("header", "figure", "wan"),
    [
        ("预算（元）", 1_200_000, 120),
        ("预算/万元", 120, 120),
        ("budget_wan", 120, 120),
        ("总投资（单位：亿元）", 1.2, 12_000),
    ],
)
def test_the_header_names_the_unit(header: str, figure: float, wan: int) -> None:
    report = read_list(book([[*HEADER[:5], header, HEADER[6]], [*GOOD[:5], figure, GOOD[6]]]), "x.xlsx")
    assert report.rows[0].values.budget_wan == wan
    assert report.rows[0].status == "ok"


def test_a_note_below_the_table_names_the_unit() -> None:
    report = read_list(book([HEADER, [*GOOD[:5], 1_200_000, GOOD[6]], [None], ["注：金额单位为元"]]), "x.xlsx")
    assert report.rows[0].values.budget_wan == 120
    assert report.rows[0].status == "ok"


def test_the_same_title_of_another_unit_is_only_a_warning() -> None:
    report = read_list(book([HEADER, GOOD, [GOOD[0], "经开区城管局", *GOOD[2:4], "别的内容", *GOOD[5:]]]), "x.xlsx")
    assert [item.status for item in report.rows] == ["ok", "warning"]
    assert codes(report.rows[1]) == {"duplicate.title": "A3"}


def test_demands_on_the_site_are_recognised_through_other_signs() -> None:
    existing = {"园区停车诱导": [Existing("高新区城管局", "ZZGX-2026-01-003")]}
    report = read_list(book([HEADER, ["园区 停车·诱导", *GOOD[1:]]]), "x.xlsx", existing=existing)
    assert (report.rows[0].status, report.rows[0].duplicate_of) == ("duplicate", "ZZGX-2026-01-003")


def test_a_blank_unit_that_is_not_merged_is_an_error_and_not_filled() -> None:
    report = read_list(book([HEADER, GOOD, ["另一个停车需求", None, *GOOD[2:]]]), "x.xlsx")
    assert report.rows[1].status == "error"
    assert codes(report.rows[1])["unit.missing"] == "B3"


def test_a_section_names_the_direction_of_the_rows_below() -> None:
    rows = [HEADER, ["一、城市管理和民生服务"], [*GOOD[:2], None, *GOOD[3:]]]
    report = read_list(book(rows, ("A2:G2",)), "x.xlsx")
    assert report.rows[0].values.direction == "living"
    assert codes(report.rows[0]) == {"direction.from_section": "C3"}


def test_the_unit_above_a_table_without_such_a_column() -> None:
    rows = [["填报单位：高新区应急局    日期：2026年5月"], HEADER[:1] + HEADER[2:], GOOD[:1] + GOOD[2:]]
    report = read_list(book(rows), "x.xlsx")
    assert report.rows[0].values.unit == "高新区应急局"
    assert "unit.from_sheet" in codes(report.rows[0])


@pytest.mark.parametrize(
    ("value", "status"), [("否", "ok"), ("不涉密", "ok"), ("是", "error"), ("秘密", "error"), ("？", "warning")]
)
def test_classified_demands_are_refused(value: str, status: str) -> None:
    report = read_list(book([[*HEADER, "是否涉密"], [*GOOD, value]]), "x.xlsx")
    assert report.rows[0].status == status


@pytest.mark.parametrize(
    ("title", "code", "status"),
    [
        ("停车", "title.short", "warning"),
        ("停" * 61, "title.long", "warning"),
        ("停" * 201, "text.too_long", "error"),
        ("园区\u202e停车\u200b诱导", "text.control", "warning"),
        ("@SUM(A1)停车诱导", "text.formula", "warning"),
        ("－1+2 停车诱导", "text.formula", "warning"),
    ],
)
def test_awkward_titles(title: str, code: str, status: str) -> None:
    item = read_list(book([HEADER, [title, *GOOD[1:]]]), "x.xlsx").rows[0]
    assert item.status == status
    assert code in codes(item)


def test_error_values_are_not_data() -> None:
    data = book([HEADER, [*GOOD[:5], "#REF!", GOOD[6]]])
    item = read_list(data, "x.xlsx").rows[0]
    assert item.values.budget_wan is None
    assert codes(item)["cell.error"] == "F2"


def test_progress_is_told_and_ends_complete() -> None:
    calls: list[tuple[int, int]] = []
    read_list(
        book([HEADER, *([f"{GOOD[0]}{n}", *GOOD[1:]] for n in range(450))]),
        "x.xlsx",
        progress=lambda *c: calls.append(c),
    )
    assert calls == [(100, 451), (200, 451), (300, 451), (400, 451), (451, 451)]


def test_the_template_comes_back_clean() -> None:
    workbook = load_workbook(io.BytesIO(demand_list_template()))
    sheet = workbook["需求清单"]
    assert len(sheet.data_validations.dataValidation) >= 3
    sheet.append([1, *GOOD[:5], 120, "政府采购", date(2026, 10, 30), "王某 13800000000", ""])
    out = io.BytesIO()
    workbook.save(out)
    report = read_list(out.getvalue(), "x.xlsx", today=TODAY)
    assert report.counts == {"ok": 1, "warning": 0, "error": 0, "duplicate": 0}
    assert report.rows[0].values.mode == "procurement"
    assert ("需求清单", "example") in [(item.sheet, item.reason) for item in report.skipped]


# --- corrections ---------------------------------------------------------------------------------------------------


def test_a_correction_clears_the_error_and_keeps_the_rest(sample: Report) -> None:
    mended = reread(
        row(sample, 61), {"title": "高新区停车诱导", "budget": "约120万元", "direction": "民生服务"}, today=TODAY
    )
    assert mended.status == "warning"  # the deadline is still open
    assert mended.values.title == "高新区停车诱导"
    assert (mended.values.budget_wan, mended.values.budget_note) == (Decimal(120), "约")
    assert set(codes(mended)) == {"amount.qualified", "date.open", "industries.missing"}
    assert row(sample, 61).status == "error"


def test_a_correction_may_make_it_worse(sample: Report) -> None:
    assert reread(row(sample, 5), {"title": ""}, today=TODAY).status == "error"


# --- csv -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_in_every_spelling(encoding: str, delimiter: str) -> None:
    lines = [["2026年需求汇总"], HEADER, GOOD, [], ["合计"]]
    text = "\r\n".join(delimiter.join(line) for line in lines)
    report = read_list(text.encode(encoding), "清单.csv", today=TODAY)
    assert [(item.sheet, item.row, item.status) for item in report.rows] == [("清单", 3, "ok")]


def test_csv_with_line_breaks_inside_a_field() -> None:
    text = (
        ",".join(HEADER) + '\n园区停车诱导,高新区城管局,民生服务,物联网,"第一行\n第二行, 含逗号",120万元,2026-10-30\n'
    )
    report = read_list(text.encode(), "x.csv")
    assert report.rows[0].values.need == "第一行\n第二行, 含逗号"
    assert report.rows[0].row == 2


def test_csv_with_an_open_quote_is_refused_rather_than_swallowed() -> None:
    bad = ",".join(GOOD).replace("诱导屏联网", '"诱导屏')
    text = "\n".join([",".join(HEADER), ",".join(GOOD), bad, *[",".join(GOOD)] * 5])
    with pytest.raises(ListUnreadable, match="引号"):
        read_list(text.encode(), "x.csv")


# --- files that cannot be read -------------------------------------------------------------------------------------


def zipped(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/").replace("_DOT_", "."), content)
    return out.getvalue()


def with_part(name: str, content: bytes) -> bytes:
    out = io.BytesIO(book([HEADER, GOOD]))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.getvalue()


def replaced(name: str, old: bytes, new: bytes) -> bytes:
    source, out = zipfile.ZipFile(io.BytesIO(book([HEADER, GOOD]))), io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for info in source.infolist():
            content = source.read(info)
            archive.writestr(info.filename, content.replace(old, new) if info.filename == name else content)
    return out.getvalue()


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600
SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "空的"),
        (b"  \n", "空的"),
        (OLE, "旧版"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "密码"),
        (b"%PDF-1.7\n", "PDF"),
        (b"<html><table><tr><td>x</td></tr></table></html>", "网页"),
        (b"PK\x03\x04 not a zip at all", "损坏"),
        (zipped(word__document_DOT_xml=b"<x/>"), "Word"),
        (zipped(content_DOT_xml=b"<x/>"), "OpenDocument"),
        (zipped(readme=b"x"), "不是 xlsx"),
        (with_part("xl/vbaProject.bin", b"x"), "宏"),
        (with_part("xl/media/bomb.bin", b"\0" * (101 * 1024 * 1024)), "过大"),
        (replaced(SHEET, b"<sheetData>", b"<sheetData><oops>"), "损坏"),
        (replaced(SHEET, b"<worksheet", b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet'), "损坏"),
        (replaced(SHEET, b'r="A2"', b'r="XFD1048576"'), "过大"),
        (replaced(SHEET, b'r="A2"', b'r="A30000"'), "远处"),
        (book([["只有一列"], ["没有表头"]]), "没有找到表头"),
        (bytes(range(256)) * 20, "认不出"),
        ("今天天气不错\n没有表格\n".encode(), "没有找到表头"),
        (b"x" * (21 * 1024 * 1024), "20 MB"),
    ],
    ids=[
        "empty", "blank", "xls", "encrypted", "pdf", "html", "torn", "docx", "ods", "zip", "macro", "bomb", "xml",
        "doctype", "area", "far", "headless", "binary", "prose", "huge",
    ],
)  # fmt: skip
def test_bad_files_get_a_sentence(data: bytes, word: str) -> None:
    with pytest.raises(ListUnreadable, match=word) as caught:
        read_list(data, "x.xlsx")
    assert str(caught.value).endswith("。")


def test_a_directory_that_lies_about_sizes_is_not_believed() -> None:
    data = bytearray(replaced(SHEET, b"<sheetData>", b"<sheetData>" + b" " * 3_000_000))
    at = data.rfind(SHEET.encode()) - 46  # the central directory entry of the sheet
    assert data[at : at + 4] == b"PK\x01\x02"
    data[at + 24 : at + 28] = (1_000).to_bytes(4, "little")
    with pytest.raises(ListUnreadable):
        read_list(bytes(data), "x.xlsx")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_torn_or_twisted_file_never_breaks_the_reader(data: st.DataObject) -> None:
    whole = bytearray((DATA / "scenes-messy.xlsx").read_bytes())
    for _ in range(data.draw(st.integers(1, 12))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        read_list(bytes(whole[: data.draw(st.integers(1, len(whole)))]), "x.xlsx")
    except ListUnreadable:
        return


_CELL = st.one_of(
    st.none(), st.text(max_size=12), st.integers(-10, 10**9), st.floats(allow_nan=False), st.booleans(), st.dates(),
    st.sampled_from([*HEADER, *GOOD, "合计", "注：", "同上", "80-120", "面议", "=A1"]),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(_CELL, min_size=1, max_size=8), max_size=12))
def test_any_rows_under_a_header_are_all_accounted_for(rows: list[list[Any]]) -> None:
    lines = [
        "\t".join(
            ""
            if v is None
            else str(v).replace("\t", " ").replace("\n", " ").replace("\r", " ").replace('"', "”").replace("\0", "")
            for v in r
        )
        for r in rows
    ]
    text = "\t".join(HEADER) + "\n" + "\n".join(lines) + "\n" + "\t".join(GOOD)
    try:
        report = read_list(text.encode("utf-8", "replace"), "x.csv", today=TODAY)
    except ListUnreadable:
        return
    places = [item.row for item in report.rows] + [item.row for item in report.skipped]
    assert len(places) == len(set(places))


# --- rows that explain instead of ask ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (["（必填，60字以内）", "（必填）全称", "四选一", "可多选", "300字以内", "", "格式：2026-10-30"], "hint"),
        (["1", "2", "3", "4", "5", "6", "7"], "hint"),
        (["示例：智慧停车场景", "XX局", "民生服务", "物联网", "略", "100", "2026-10-30"], "example"),
        (["本页小计", "", "", "", "", "300", ""], "total"),
        (["合 计", "", "", "", "", "300", ""], "total"),
        (["填表人：李四", "", "联系电话：0371-67980000", "", "", "", ""], "footer"),
    ],
)
def test_rows_that_explain_or_close_are_passed_over_by_name(line: list[str], reason: str) -> None:
    report = read_list(book([HEADER, line, GOOD]), "x.xlsx")
    assert [(item.row, item.reason) for item in report.skipped] == [(1, "header"), (2, reason)]
    assert [item.row for item in report.rows] == [3]


def test_a_title_that_begins_like_a_footer_is_a_demand() -> None:
    report = read_list(book([HEADER, GOOD, ["合计算力统筹调度", *GOOD[1:]], ["说明书自动生成", *GOOD[1:]]]), "x.xlsx")
    assert len(report.rows) == 3
