"""A small list in good order, for tests that are about what happens after the reading."""

from __future__ import annotations

import io
from typing import Any

from openpyxl import Workbook

HEADER = ["场景名称", "需求单位", "方向", "所属产业", "需求概况", "预算金额（万元）", "截止时间", "资金方式", "备注"]
GOOD = ["园区停车诱导改造", "城市管理局", "民生服务", "物联网", "诱导屏联网", 120, "2029-10-30", "企业出资", "可联合体"]


def workbook(*rows: list[Any]) -> bytes:
    book = Workbook()
    assert book.active is not None
    for row in (HEADER, *rows):
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
