"""The home page, the list and one demand: mockups 01, 02 and 03."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import segno
from markupsafe import Markup

from tests.front.samples.frame import BUILDING, INDUSTRY, LIVE, LIVING, Page, close


def row(
    number: str, title: str, unit: str, direction: str, mode: str, wan: float | None, at: datetime, **more: Any
) -> Any:
    fen = None if wan is None else round(wan * 1_000_000)
    base = {"number": f"ZZGX-{number}", "title": title, "url": "/page/show", "unit": unit, "direction": direction}
    return base | {"mode": mode, "budget_fen": fen, "closes_at": at, "state": LIVE} | more


def home() -> Page:
    rows = [
        row(
            "2026-02-005",
            "校园食堂明厨亮灶视频的违规行为智能识别",
            "市场监督管理局",
            LIVING,
            "免费试用测试",
            None,
            close(11, 24),
        ),
        row("2026-02-003", "在建工地扬尘与裸土低空巡检", "建设局", BUILDING, "合作运营", 120, close(11, 26)),
        row("2026-02-012", "人工湿地水质净化效果遥感监测", "生态环境分局", BUILDING, "政府后补助", 60, close(11, 27)),
        row(
            "2026-02-001",
            "科学大道沿线路内泊位智慧停车诱导与无感支付",
            "城市管理局",
            LIVING,
            "政府采购",
            386,
            close(12, 1),
        ),
        row(
            "2026-02-004", "产业园冷站群控与分项能耗监测", "智慧产业园运营中心", INDUSTRY, "企业出资", 168, close(12, 4)
        ),
        row(
            "2026-02-002",
            "须水河—天健湖水质在线监测与污染溯源",
            "生态环境分局",
            LIVING,
            "政府后补助",
            240,
            close(12, 8),
        ),
    ]
    numbers = [("征集", 214, ""), ("入库", 131, "61%"), ("张榜", 98, "75%"), ("定榜", 71, "72%"), ("签约", 68, "96%")]
    numbers += [("验收", 43, "63%"), ("推广", 19, "44%")]
    return "home/index.html", {
        "head": {"open": 12, "closing_soon": 3, "in_notice": 2},
        "posted": {"rows": rows, "total": 12, "batch": "二〇二六年第二批"},
        "funnel": {
            "note": "2024年以来，百分比为上一步的留存",
            "url": "/statistics",
            "steps": [{"name": name, "number": number, "share": share} for name, number, share in numbers],
        },
        "promises": {
            "note": "近12个月",
            "url": "/promises",
            "items": [
                {"name": "提问3个工作日内答复", "figure": "98.2%", "note": "应答复221件，平均1.4个工作日"},
                {"name": "公示期满30日内签约", "figure": "95.6%", "note": "应签约68项，均有日期可查"},
                {"name": "验收后30日内付款", "figure": "91.3%", "note": "已拨付1.86亿元，其中奖补3180万元"},
                {"name": "当前逾期", "figure": "3项", "note": "签约1项、付款2项，最长逾期9天", "late": True},
            ],
        },
        "news": [
            news(11, 20, "公示", "北斗桥梁健康监测（ZZGX-2026-01-007）拟中榜单位公示", solemn=True),
            news(11, 20, "答疑", "冷站群控与能耗监测：关于既有仪表利旧的三点答复"),
            news(11, 18, "变更", "水质在线监测：总磷检出限调整，截止顺延至12月8日"),
            news(11, 16, "定榜", "楼宇消防水压联网预警，合同已签订"),
            news(11, 12, "流榜", "地下管廊巡检机器人：有效揭榜不足，诊断与重新出题"),
        ],
        "news_url": "/notices",
        "dates": [
            {"on": date(2026, 11, 24), "text": "食堂明厨亮灶识别截止揭榜"},
            {"on": date(2026, 11, 25), "text": "井盖与积水传感现场踏勘，9:30集合"},
            {"on": date(2026, 11, 26), "text": "工地低空巡检截止并开启"},
            {"on": date(2026, 11, 27), "text": "人工湿地遥感监测截止；北斗桥梁健康监测公示期满"},
            {"on": date(2026, 12, 1), "text": "2027年第一批需求开始征集"},
        ],
        "calendar_url": "/calendar.ics",
    }


def news(month: int, day: int, kind: str, text: str, *, solemn: bool = False) -> dict[str, Any]:
    return {"on": date(2026, month, day), "kind": kind, "text": text, "url": "/notices", "solemn": solemn}


def home_empty() -> Page:
    """A district that has just started: nothing is open, nothing to count, no news."""
    return "home/index.html", {
        "head": {"open": 0, "closing_soon": 0, "in_notice": None},
        "posted": {"rows": [], "total": 0, "batch": None},
    }


def marked(text: str) -> Markup:
    """``[word]`` stands for a hit."""
    return Markup(text.replace("[", "<mark>").replace("]", "</mark>"))


def option(label: str, count: int, *, current: bool = False) -> dict[str, Any]:
    return {"label": label, "count": count, "url": "/page/list", "current": current}


def options(text: str, current: str = "") -> list[dict[str, Any]]:
    pairs = [part.rsplit(" ", 1) for part in text.split("，")]
    return [option(label, int(count), current=label == current) for label, count in pairs]


def demand_list() -> Page:
    water, subsidy = "生态环境分局", "政府后补助"
    rows = [
        row("2026-02-002", marked("须水河—天健湖[水质]在线[监测]与污染溯源"), water, LIVING, subsidy, 240, close(12, 8),
            snippet=marked("在须水河、天健湖布设6处微型站，对氨氮、总磷、浊度连续[监测]，[水质]异常后6小时内给出300米范围的溯源结论…")),
        row("2026-02-009", marked("二次供水泵房[水质]与能耗一体[监测]"), "市政设施养护中心", LIVING, subsidy, 88.4, close(12, 14),
            snippet=marked("42处泵房的余氯、浊度、pH在线[监测]，与水泵电耗同屏呈现；[水质]越限1分钟内告警到值班手机…")),
        row("2026-02-011", marked("雨污混接管段排查与排口[水质]溯源"), "城市管理局", BUILDING, subsidy, 156, close(12, 10),
            snippet=marked("对科学大道以北31公里管网逐段判别混接点，排口[水质]指纹比对准确率不低于85%…")),
        row("2026-02-012", marked("人工湿地[水质]净化效果遥感[监测]"), water, BUILDING, subsidy, 60, close(11, 27),
            snippet=marked("以多光谱无人机按周巡测，叶绿素a反演误差不高于20%，与地面[监测]站交叉验证…")),
        row("2026-01-004", marked("工业园区废水预处理设施运行[监测]"), "智慧产业园运营中心", INDUSTRY, subsidy, 132, close(7, 20),
            state={"label": "评审中", "tone": "work"},
            snippet=marked("近义词匹配：废水、污水、[水质]。12家企业预处理设施的工况与出水联动判别…")),
        row("2025-03-008", marked("学校直饮水机滤芯寿命与[水质]预警"), "教育文化卫生体育局", LIVING, subsidy, 46,
            close(10, 15, 2025), word="已签约", state={"label": "已定榜", "tone": "winner"},
            snippet=marked("23所学校318台直饮水机，电导率与流量联合[监测]，滤芯失效提前7天预警…")),
    ]  # fmt: skip
    states = "揭榜中 4，已截止待开启 1，评审中 2，公示中 1，已定榜 5，已办结 4，流榜 1"
    modes = "政府后补助 18，政府采购 12，企业出资 7，免费试用测试 4，合作运营 2，数据/场地开放 1"
    directions = f"{LIVING} 9，{BUILDING} 5，{INDUSTRY} 3，重大项目载体 1"
    budgets = "50万元以下 3，50—200万元 7，200—500万元 6，500万元以上 1，面议 1"
    return "demands/list.html", {
        "q": "水质 监测",
        "tips": [("污染溯源", "/page/list"), ("在线监测", "/page/list"), ("szjc", "/page/list")],
        "facets": [
            {"title": "状态", "options": options(states)},
            {"title": "方向", "options": options(directions)},
            {"title": "资金方式", "options": options(modes, "政府后补助")},
            {"title": "预算", "options": options(budgets)},
            {"title": "产业", "options": options("物联网·传感器 11"), "open": False},
            {"title": "批次", "options": options("2026年第二批 4"), "open": False},
        ],
        "chosen": 2,
        "chips": [("政府后补助", "/page/list"), ("2025年以来", "/page/list")],
        "clear_url": "/page/list",
        "sorts": [
            ("相关", "#", True),
            ("截止", "/page/list", False),
            ("最新", "/page/list", False),
            ("预算", "/page/list", False),
        ],
        "rows": rows,
        "pages": pages(18, 6),
        "subscribe": {"alert_url": "/a", "atom_url": "/b", "calendar_url": "/c", "export_url": "/d"},
    }


def pages(total: int, size: int, page: int = 1, count: int = 3) -> dict[str, Any]:
    return {
        "page": page, "pages": count, "first": (page - 1) * size + 1, "last": min(page * size, total), "total": total,
        "urls": {number: f"/page/list?page={number}" for number in range(1, count + 1)},
        "previous": None, "next": "/page/list?page=2",
    }  # fmt: skip


def list_empty() -> Page:
    template, context = demand_list()
    nothing = {"total": 0, "urls": {}, "page": 1, "pages": 0}
    return template, context | {"rows": [], "pages": nothing, "nearby": context["rows"][:1], "subscribe": None}


def life() -> dict[str, Any]:
    def phase(name: str, state: str | None, steps: list[tuple[str, str | None, str]]) -> dict[str, Any]:
        return {"name": name, "state": state, "steps": [{"name": n, "state": s, "note": t} for n, s, t in steps]}

    done = "done"
    return {
        "label": "办理进度：第7步，揭榜中",
        "phases": [
            phase("立榜", done, [("征集", done, "09-01"), ("审查", done, "09-16"), ("论证", done, "10-13"), ("入库", done, "10-22")]),
            phase("揭榜", "current", [("张榜", done, "11-03"), ("变更", done, "11-18"), ("揭榜", "current", "至12-08"), ("开启", None, "12-08后")]),
            phase("评定", None, [("资格", None, ""), ("评审", None, ""), ("公示", None, "5工作日"), ("定榜", None, "")]),
            phase("挂帅", None, [("签约", None, "30日内"), ("实施", None, "8个月"), ("验收", None, ""), ("拨付", None, "30日内")]),
        ],
        "now": {"strong": "揭榜中", "text": "，可提交、替换、撤回"},
        "next": {"strong": "开启", "text": "，12月8日17:00以后"},
        "who": {"text": "3家保管单位中任意2家共同释放"},
    }  # fmt: skip


def qr(text: str) -> dict[str, Any]:
    """Path data of a QR code, one run of dark modules after the other."""
    matrix = [list(line) for line in segno.make(text, error="m").matrix]
    path = "".join(f"M{x} {y}h1v1h-1z" for y, line in enumerate(matrix) for x, dark in enumerate(line) if dark)
    return {"size": len(matrix), "path": path}


def show() -> Page:
    def indicator(
        name: str, baseline: str, operator: str, target: str, unit: str, method: str, weight: int, **more: Any
    ) -> Any:
        base = {"name": name, "baseline": baseline, "operator": operator, "target": target, "unit": unit}
        return base | {"method": method, "weight": weight} | more

    question = {
        "id": 1,
        "question": "微型站能否利用既有岸边监控立杆，是否需要重新报批？",
        "answer": "可以。4处立杆产权属城市管理局，已取得书面同意，荷载与取电条件见附件3第二节；不需另行报批。",
        "footer": "11月10日提问，11月11日由生态环境分局答复",
    }
    second = {
        "id": 2,
        "question": "示踪试验由谁组织，费用是否计入报价？",
        "answer": "由需求单位统一组织，费用由我方承担，不计入报价；揭榜单位派员参加即可。",
        "footer": "11月12日提问，11月13日由生态环境分局答复",
    }
    return "demands/show.html", {
        "crumbs": [("榜单", "/demands"), ("2026年第二批", "/demands"), ("ZZGX-2026-02-002", None)],
        "demand": {
            "number": "ZZGX-2026-02-002", "title": "须水河—天健湖水质在线监测与污染溯源", "url": "/page/show",
            "version": 2, "kind": "应用场景", "state": LIVE,
            "lead": "在两处水体布设6座微型站，连续监测氨氮、总磷与浊度，异常后6小时内把来源锁定到300米以内。",
            "unit": "郑州高新区生态环境分局", "mode": "政府后补助", "budget_fen": 240_000_000, "budget_note": "",
            "period": "8个月", "consortium": "允许，不超过3家", "contact": "水环境科 138****0016",
            "closes_at": close(12, 8), "closes_word": None,
            "background": "须水河高新段与天健湖现有3座人工采样点，每周取样一次，数据有效率82.4%。2025年共发生14次氨氮短时超标，其中9次在结果出来时源头已经消失，无法追溯。",
            "goal": "希望通过小型化、低运维的在线站点与水动力模型，让值班人员在异常出现后6小时内知道“从哪来、往哪去、还有多久到湖口”，并形成可供执法取证的记录。",
            "content": "",
        },
        "life": life(),
        "bid": {"url": "/page/show"},
        "act_row": [
            {"url": "/q", "label": "提问", "icon": "question"},
            {"url": "/f", "label": "关注", "icon": "star", "method": "post"},
            {"url": "/p", "label": "打印", "icon": "print"},
        ],
        "indicators": {
            "note": "共6项，其中否决项1项；权重合计100",
            "rows": [
                indicator("氨氮示值误差", "±18", "≤", "±10", "%", "HJ 101—2019，标准样品比对20次", 20),
                indicator("总磷检出限", "0.05", "≤", "0.01", "mg/L", "HJ/T 103—2003，空白样重复11次", 15, note="第2版由0.02调整"),
                indicator("数据有效率", "82.4", "≥", "95", "%", "HJ 915—2017，连续90日", 20, veto=True),
                indicator("溯源定位半径", "无", "≤", "300", "m", "示踪试验6次，取最大偏差", 25),
                indicator("预警提前量", "0", "≥", "6", "h", "回放2024—2025年14次事件", 10),
                indicator("单站年运维费", "9.8", "≤", "6.5", "万元", "按合同期运维台账核算", 10),
            ],
        },
        "offers": [
            ("数据", "2022—2025年人工监测记录1.2万条，雨量站5分钟数据", "签保密承诺后下载"),
            ("场地", "须水河4处、天健湖2处点位，含市电与立杆", "11月12日、26日踏勘"),
            ("接口", "城市运行管理平台消息接口，国密传输", "中榜后开通测试环境"),
        ],
        "terms": [
            ("方向", LIVING), ("产业", "物联网·传感器"), ("中榜数", "1家，不赛马"), ("计分规则", "去掉最高、最低分后取平均"),
            ("知识产权", "归揭榜单位，需求单位免费使用"), ("保管单位", "科技创新局、纪检监察工委、公证处，3家中2家可开启"),
        ],
        "criteria": {
            "url": "/page/show",
            "rows": [("指标响应", "按公式计算", 40), ("技术方案", "专家打分", 25), ("实施与运维", "专家打分", 15), ("数据安全", "专家打分", 10), ("报价", "最低价÷报价", 10)],
        },
        "milestones": [
            ("2座样站上线", "签约后2个月", "20%"), ("6座站连续运行", "签约后5个月", "40%"),
            ("示踪试验达标", "签约后7个月", "30%"), ("验收移交", "签约后8个月", "10%"),
        ],
        "questions": {
            "note": "已答7问，平均1.4个工作日；12月1日前可提问", "ask_url": "/q", "items": [question, second], "more": ("/q", 5),
        },
        "events": [
            {
                "at": datetime(2026, 11, 18, 2, 5, tzinfo=UTC), "note": "第2版，郑开榜变〔2026〕6号", "solemn": True,
                "what": "调整总磷检出限，截止时间顺延4天",
                "changes": [
                    {"label": "总磷检出限", "parts": [("same", "≤ "), ("del", "0.02"), ("ins", "0.01"), ("same", " mg/L，HJ/T 103—2003，空白样重复"), ("del", "7"), ("ins", "11"), ("same", "次")]},
                    {"label": "截止时间", "before": "2026年12月4日17:00", "after": "2026年12月8日17:00"},
                    {"label": "理由", "text": "与省控断面考核限值保持一致；已提交的揭榜单位可在新截止时间前替换标书。"},
                ],
            },
            {"at": datetime(2026, 11, 3, 1, 0, tzinfo=UTC), "note": "第1版，郑开榜〔2026〕2号", "solemn": True, "what": "张榜公布"},
        ],
        "files": [
            {"name": "榜单公告（第2版）", "url": "/f1", "kind": "PDF", "size": 400_000},
            {"name": "附件1 需求任务书", "url": "/f2", "kind": "PDF", "size": 1_100_000},
            {"name": "附件2 评分表（已冻结）", "url": "/f3", "kind": "PDF", "size": 200_000},
            {"name": "附件3 点位、立杆与取电条件", "url": "/f4", "kind": "PDF", "size": 8_700_000},
            {"name": "附件4 揭榜承诺书范本", "url": "/f5", "kind": "DOCX", "size": 100_000},
        ],
        "files_all": ("/all", 14_600_000),
        "fingerprint": {"sha256": "49b84c8c7e7b970e8058a288ae0b9e395b9c3ea9bb8e952cbc07c71df3b74a80", "version": 2, "leaf": "18,402", "url": "/verify"},
        "qr": qr("https://zhangbang.example/demands/ZZGX-2026-02-002"),
    }  # fmt: skip
