"""A second messy list with other headers, order and tricks than the sample, built cell by cell.

Each trick stands beside what must come of it, so that the golden values need no second file.
"""

from __future__ import annotations

import io
from datetime import date, datetime
from typing import Any

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

NEED = "对园区道路、管廊和楼宇开展巡检，发现隐患后推送工单并跟踪处置，形成闭环。"

# 编号, 揭榜截止, 拟投入资金(万元), 拟解决的问题, 牵头部门, 项目名称, 类别, 产业领域, 金额备注, 对接人及电话
MAIN: list[tuple[Any, ...]] = [
    (
        1,
        "2026年12月",
        3200000,
        NEED + "一",
        "科技创新局",
        "园区管廊巡检机器人",
        "3.城市建设与城市更新",
        "传感器",
        "",
        "",
    ),
    (
        2,
        date(2026, 11, 1),
        "￥85.5",
        NEED + "二",
        "",
        "楼宇能耗诊断",
        "城市更新",
        "AI，大数据",
        "含税",
        "赵工 13900001111",
    ),
    (3, 46387, "五十万元", NEED + "三", "同上", "危化品车辆路径预警", "城管", "北斗/物联网", "", "钱 a@b.cn"),
    (
        4,
        "二〇二六年十月三十日",
        "不超过300万元",
        NEED + "四",
        "财政金融局",
        "惠企资金智能核验",
        "数字化转型",
        "区块链",
        "",
        "",
    ),
    (5, "26.12.1", "1,250.50", NEED + "五", "财政金融局", "税源画像分析平台", "产业数智化转型", "软件", "", ""),
    (
        6,
        "2026.11-2027.3",
        "财政200万，企业100万",
        NEED + "六",
        "建设局",
        "地下管线数字孪生",
        "城市建设",
        "数算",
        "",
        "",
    ),
    (7, "合同签订后60日", "120万元/年", NEED + "七", "建设局", "工地扬尘在线监测", "城市建设、民生服务", "", "", ""),
    (8, "2026/13/01", "@SUM(1+1)", NEED + "八", "建设局", "+智慧工地看板", "城市建设", "其它", "", ""),
]


def _header(sheet: Worksheet, row: int) -> None:
    """Two storeys: 需求信息 over three columns, the others merged down."""
    for column, text in enumerate(
        [
            "编号",
            "揭榜截止",
            "拟投入资金（万元）",
            "需求信息",
            None,
            None,
            "类别",
            "产业领域",
            "金额备注",
            "对接人及电话",
        ],
        1,
    ):
        sheet.cell(row, column, text)
    for column, text in zip((4, 5, 6), ("拟解决的问题\n（300字以内）", "牵头部门*", "项目名称*"), strict=True):
        sheet.cell(row + 1, column, text)
    sheet.merge_cells(start_row=row, end_row=row, start_column=4, end_column=6)
    for column in (1, 2, 3, 7, 8, 9, 10):
        sheet.merge_cells(start_row=row, end_row=row + 1, start_column=column, end_column=column)


def second_list() -> bytes:
    """The workbook as bytes. Rows (1-based) of the first sheet: header 3–4, demands 5–8, again 10–13, then tricks."""
    book = Workbook()
    notes = book.active
    assert notes is not None
    notes.title = "填写说明"
    notes["A1"] = "填写说明"
    notes["A2"] = "1. 未注明单位的金额一律以元计。"
    notes["A3"] = "2. 请勿填写涉密内容。"

    main = book.create_sheet("重点需求")
    main["A1"] = "附件2：2026年重点场景机会清单"
    main.merge_cells("A1:J1")
    _header(main, 3)
    for offset, values in enumerate(MAIN[:4]):
        for column, value in enumerate(values, 1):
            main.cell(5 + offset, column, value)
    main["C5"].number_format = '#,##0"元"'
    main["B6"].number_format = 'yyyy"年"m"月"'
    main.merge_cells("E5:E6")
    main["A9"] = "（二）续表"
    _header(main, 10)
    for offset, values in enumerate(MAIN[4:]):
        for column, value in enumerate(values, 1):
            main.cell(12 + offset, column, value)
    main.row_dimensions[13].hidden = True
    main["A16"] = 9  # a number and nothing else
    main["A17"] = "小计"
    main["C17"] = 9999
    main["F18"] = "园区管廊 巡检机器人（）"  # the first again, in other signs
    main["E18"] = "科技创新局"
    main["C18"], main["C19"] = "600万元", None
    main["F19"], main["E19"] = "共享充电桩选址优化", "建设局"
    main.merge_cells("C18:C19")
    main["A21"] = "注：以上为首批，后续滚动征集。"
    main["L8"] = "领导批示：优先"

    formulas = book.create_sheet("补充")
    formulas.append(["应用场景名称", "需求方", "四大方向", "总投资", "金额单位", "交付时间"])
    formulas.append(['=HYPERLINK("http://example.invalid","点我")', "高新区某中心", "民生", 5, "亿元", "Q4 2026"])
    formulas.append(["桥梁健康监测传感网", "高新区某中心", "民生", 800000, "元", datetime(2026, 10, 30, 17, 0)])
    formulas.append(["应用场景名称", "需求方", "四大方向", "总投资", "金额单位", "交付时间"])
    formulas.append(["隧道照明按需调光", "高新区某中心", "智慧农业", "=SUM(D2:D3)", "元", "2026-11-31"])

    hidden = book.create_sheet("旧稿")
    hidden.sheet_state = "hidden"
    hidden.append(["名称", "单位", "金额"])
    hidden.append(["老旧小区加装电梯监测", "住建中心", 2000000])

    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
