"""The list template for units: an xlsx with headers, drop-downs, checks and a page of instructions.

Pure. Lists written into it are read back by ``marketplace.exchange.reading`` without a single message.
"""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import xlsxwriter

from marketplace.demands.clocks import MODES
from marketplace.taxonomy import DIRECTIONS, INDUSTRIES

ROWS = 500
_FIRST_ROW = 3  # 0-based: title, note, header, then rows

# header, width, hint shown beside the cell, example
COLUMNS: tuple[tuple[str, int, str, Any], ...] = (
    ("序号", 6, "", "示例"),
    ("场景名称 *", 34, "6–60 字，写清对象和要解决的事", "二次供水泵房无人值守改造"),
    ("需求单位 *", 24, "单位全称，每行都填，不要合并单元格", "高新区城市管理局"),
    ("方向 *", 20, "从下拉中选一个", DIRECTIONS["building"].zh),
    ("所属产业 *", 26, "可填多个，用顿号分开", f"{INDUSTRIES['iot'].zh}、{INDUSTRIES['computing'].zh}"),
    ("需求概况 *", 60, "背景、目标、内容；不得含涉密信息", "辖区 40 座泵房靠人工巡检，停机发现慢……"),
    ("预算金额（万元）", 16, "只填数字，单位万元；可填“面议”", 120),
    ("资金方式", 16, "从下拉中选一个", MODES["procurement"].zh),
    ("截止时间", 14, "写到日，如 2026-10-30", date(2026, 10, 30)),
    ("联系人及电话", 24, "不对外公开", "王某 13800000000"),
    ("备注", 24, "", ""),
)
_NOTES = (
    "填写说明",
    "1. 一行一项需求，带 * 的必填；不要合并单元格，不要改动列名。",
    "2. 金额单位：万元。不确定的写“面议”，不要写区间或估算式。",
    "3. 日期写到日。只写月份或季度的，系统按最后一天理解并请受理员核对。",
    "4. 方向和资金方式从下拉中选；产业可填多个，用顿号分开，名称如下。",
    "5. 涉密需求不得填入本表，不得在平台流转。",
    "6. 第 4 行是示例，不会被导入，可以删去。",
)


def demand_list_template(*, example: bool = True) -> bytes:
    """The workbook as bytes. ``example``: with one filled row, marked 示例, which the importer passes over."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(out, options)
    sheet = book.add_worksheet("需求清单")
    notes = book.add_worksheet("填写说明")
    title = book.add_format({"bold": True, "font_size": 16, "align": "center", "valign": "vcenter"})
    hint = book.add_format({"font_color": "#555555", "text_wrap": True, "valign": "vcenter"})
    head = book.add_format(
        {"bold": True, "bg_color": "#1B3A5C", "font_color": "#FFFFFF", "border": 1, "text_wrap": True}
    )
    text = book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})
    number = book.add_format({"valign": "top", "num_format": "0.00##"})
    day = book.add_format({"valign": "top", "num_format": "yyyy-mm-dd"})

    last = len(COLUMNS) - 1
    sheet.merge_range(0, 0, 0, last, "应用场景需求清单", title)
    sheet.merge_range(1, 0, 1, last, "金额单位：万元；带 * 的必填；一行一项需求，不要合并单元格。", hint)
    for column, (header, width, tip, value) in enumerate(COLUMNS):
        style = number if "预算" in header else day if "时间" in header else text
        sheet.set_column(column, column, width, style)
        sheet.write_string(2, column, header, head)
        if tip:
            sheet.data_validation(_FIRST_ROW, column, _FIRST_ROW + ROWS - 1, column, _check(header, tip))
        if example and value != "":
            if isinstance(value, date):
                sheet.write_datetime(_FIRST_ROW, column, value, day)
            else:
                sheet.write(_FIRST_ROW, column, value, style)
    sheet.freeze_panes(_FIRST_ROW, 2)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(2)

    notes.set_column(0, 0, 90)
    for row, line in enumerate((*_NOTES, *(f"　　{label.zh}" for label in INDUSTRIES.values()))):
        notes.write_string(row, 0, line, title if row == 0 else hint)
    book.close()
    return out.getvalue()


def _check(header: str, tip: str) -> dict[str, Any]:
    """The check beside a column: drop-downs are binding, the others only advise (面议 must stay possible)."""
    shown = {"input_title": header.strip(" *")[:32], "input_message": tip}
    if header.startswith("方向"):
        return {"validate": "list", "source": [label.zh for label in DIRECTIONS.values()], **shown}
    if header == "资金方式":
        return {"validate": "list", "source": [label.zh for label in MODES.values()], **shown}
    if "时间" in header:
        bounds = {"criteria": "between", "minimum": date(2020, 1, 1), "maximum": date(2099, 12, 31)}
        return {
            "validate": "date",
            **bounds,
            "error_type": "warning",
            "error_message": "请写到日，如 2026-10-30",
            **shown,
        }
    if header.startswith("场景名称"):
        bounds = {"criteria": "between", "minimum": 6, "maximum": 60}
        return {"validate": "length", **bounds, "error_type": "warning", "error_message": "名称应为 6–60 字", **shown}
    return {"validate": "any", **shown}
