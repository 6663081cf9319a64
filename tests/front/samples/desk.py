"""The work desk and the demand form: mockups 04 and 05."""

from __future__ import annotations

from typing import Any

from werkzeug.datastructures import MultiDict

from tests.front import forms
from tests.front.samples.frame import LIVE, LIVING, Page, account
from tests.front.samples.public import pages


def menu(current: str = "待办") -> list[dict[str, Any]]:
    def item(label: str, count: int | None = None, *, hot: bool = False) -> dict[str, Any]:
        return {"url": "/desk", "label": label, "count": count, "hot": hot, "current": label == current}

    return [
        {"heading": "", "items": [item("待办", 14, hot=True), item("已办", 236), item("我发起的", 5), item("消息", 3)]},
        {
            "heading": "业务",
            "items": [item("需求受理", 9), item("论证入库", 6), item("批次编排", 1), item("答疑分办", 4), item("统计"), item("办事指南")],
        },
    ]  # fmt: skip


def desk() -> Page:
    submitted = {"label": "已提交", "tone": "work"}

    def task(title: str, note: str, matter: str, verb: str, due: str, due_note: str, **more: Any) -> dict[str, Any]:
        base = {
            "id": title,
            "title": title,
            "note": note,
            "url": "/t",
            "matter": matter,
            "verb": verb,
            "verb_url": "/t",
        }
        return base | {"due": due, "due_note": due_note, "state": submitted, "late": False, "quality": None} | more

    left = "剩2小时58分"
    return "desk/index.html", {
        "account": account(),
        "desk": menu(),
        "changed": "上次离开后，3件有变化：2件补正重报，1件新提问",
        "next": {
            "why": "今天17:30到期，已是第2轮", "title": "复核“独居老人居家安全无感监护”的补正材料",
            "text": "民政和社会事务局改了4个字段：基线、测试方法、预算依据、公平竞争自查。改动处已标出。",
            "url": "/t", "verb": "开始复核",
        },
        "dues": [("已逾期", 1, True), ("今天到期", 3, False), ("3日内", 6, False), ("更晚", 4, False)],
        "filters": [
            {"name": "q", "label": "需求名称、编号或单位", "value": ""},
            {"name": "matter", "label": "事项", "value": "", "choices": [("screen", "形式审查")], "all": "全部事项"},
            {"name": "direction", "label": "方向", "value": "", "choices": [("living", LIVING)], "all": "全部方向"},
            {"name": "due", "label": "到期", "value": "", "choices": [("today", "今天")], "all": "不限"},
        ],
        "reset_url": "/desk",
        "bulk": {"url": "/bulk", "label": "批量受理"},
        "tools": [{"label": "导入", "url": "/import", "icon": "upload"}, {"label": "导出14条", "url": "/x", "icon": "download"}],
        "count": 14,
        "tasks": [
            task("智慧停车诱导：既有地磁设备能否利旧", "城市管理局，问于11月17日", "答复提问", "催办", "逾期1个工作日", "11-20 17:30", late=True, state=LIVE),
            task("独居老人居家安全无感监护", "民政和社会事务局，第2轮", "补正复核", "复核", left, "今天17:30", late=True, quality=86),
            task("科研楼宇危化品全流程智能管控", "高校科技园管理办公室", "形式审查", "审查", left, "今天17:30", late=True, quality=78),
            task("超硬材料磨削产线视觉质检", "超硬材料产业园运营中心", "形式审查", "审查", left, "今天17:30", late=True, quality=91),
            task("氢能公交加注站安全态势感知", "交通运输局", "组织论证", "选专家", "剩2天", "11-25 17:30", quality=88, state={"label": "论证中", "tone": "work"}),
            task("政务大厅手语与方言智能导办", "政务服务中心", "形式审查", "审查", "剩2天", "11-25 17:30", quality=64),
            task("道路积水传感（与2025年第三批疑似重复）", "市政设施养护中心", "查重处理", "比对", "剩3天", "11-26 17:30", quality=82),
            task("充电桩负荷聚合数据开放测试", "智慧城市运营中心", "编入批次", "编批", "剩7天", "11-30 17:30", quality=93, state={"label": "已入库", "tone": "work"}),
        ],
        "pages": pages(14, 8, count=2),
    }  # fmt: skip


def desk_empty() -> Page:
    nothing = {
        "title": "没有要办的事",
        "text": "有需求提交、补正重报或新的提问时，会按到期先后列在这里。",
        "action": ("/demands", "看榜单"),
    }
    return "desk/index.html", {"account": account(), "desk": menu(), "tasks": [], "nothing": nothing}


def form() -> Page:
    data = MultiDict(
        {
            "title": "独居老人居家安全无感监护", "kind": "application", "direction": "living", "contact_name": "养老科",
            "contact_phone": "13800000016", "mode": "subsidy", "budget": "128.5", "period_months": "10",
            "background": "全区登记独居老人4126名，现有一键报警器日均误报率31%，2025年有7起跌倒超过2小时才被发现。" * 2,
            "goal": "跌倒等异常5分钟内被发现并有人到场，误报每户每月不超过1次，老人不必佩戴任何设备，也不安装摄像头。",
            "content": "在3个社区200户试点毫米波或其他非影像感知设备，接入街道值守平台，完成不少于12个月的运行与评估。" * 2,
            "indicators-0-name": "跌倒识别准确率", "indicators-0-method": "真人模拟200次，第三方计数", "indicators-0-baseline": "71",
            "indicators-0-operator": ">=", "indicators-0-target": "95", "indicators-0-unit": "%", "indicators-0-weight": "60",
            "indicators-1-name": "告警响应时间", "indicators-1-method": "", "indicators-1-baseline": "15",
            "indicators-1-operator": "<=", "indicators-1-target": "1", "indicators-1-unit": "分钟", "indicators-1-weight": "40",
            "offers-0-kind": "site", "offers-0-text": "3个社区200户，已取得住户书面同意", "offers-0-access": "签约后踏勘", "offers-0-sensitivity": "internal",
            "conditions": "在高新区注册满一年，具备适老化产品研发能力；能够提供不少于12个月的驻地运维。",
            "consortium_max": "3", "security_level": "2", "score_sheet": "living", "award_count": "1", "min_bids": "1",
            "ip_ownership": "bidder", "blind": "1", "public_scores": "1",
            "milestones-0-name": "样板户上线", "milestones-0-months": "2", "milestones-0-percent": "30",
            "milestones-1-name": "200户连续运行", "milestones-1-months": "8", "milestones-1-percent": "70",
        }
    )  # fmt: skip
    demand = forms.DemandForm(formdata=data)
    demand.validate()
    demand.budget.errors = ["分项合计126.5万元，相差2万元"]
    demand.conditions.errors = ["“在高新区注册满一年”涉嫌排除外地企业"]
    parts = ["basic 基本信息 已填", "need 背景与目标 已填", "indicators 技术指标 1处待改", "offers 开放条件 已填"]
    parts += ["money 资金与周期 1处待改", "conditions 揭榜条件 1处待改", "scoring 评分与里程碑 未填", "files 附件 1件"]
    split = [part.split(" ") for part in parts]
    return "demands/form.html", {
        "account": account("需求填报人", "民政局 陈**"),
        "crumbs": [("我发起的", "/desk"), ("填报需求", None)],
        "form": demand, "error_count": 3, "saved": "14:31已自动保存", "autosave_url": "/autosave", "lint_url": "/lint",
        "parts": [(f"#part-{code}", label, note, "待改" in note) for code, label, note in split],
        "here": "#part-indicators",
        "submit": {"label": "提交单位确认"}, "note": "提交后由本单位审核人确认，填报人不能自己确认。", "preview_url": "/preview",
        "files": [{"name": "试点社区名单.xlsx", "url": "/f", "kind": "XLSX", "size": 42_000}],
        "report": report(),
    }  # fmt: skip


def report() -> dict[str, Any]:
    def finding(kind: str, title: str, text: str, **more: str) -> dict[str, str]:
        return {"kind": kind, "title": title, "text": text, **more}

    return {
        "score": 72,
        "findings": [
            finding("block", "限定注册地", "可改为“故障2小时内到场处置”，不问注册在哪里。", law="公平竞争审查条例 第九条", href="#conditions"),
            finding("block", "指标2缺测试方法", "同类需求常用：端到端计时50次，取第95百分位。", href="#indicators-1-method", link="去填写"),
            finding("advice", "“准确率”宜同时写误报率", "只有准确率时，高误报也能达标。入库需求中87%两项同列。"),
            finding("advice", "与2025年第二批第5项相似", "相似度61%，那一项已办结。", href="/demands", link="对照看看"),
            finding("pass", "期限", "按12月15日张榜推算，截止不早于2027年1月4日。"),
        ],
    }  # fmt: skip


def review() -> Page:
    bands = [("d", "差", "60%以下"), ("c", "中", "60—74%"), ("b", "良", "75—89%"), ("a", "优", "90—100%")]
    typed = {"kind": "typed", "bands": bands, "comment": "", "score": None}
    return "review_page.html", {
        "account": account("评审专家", "专家 07"),
        "bids": [{"number": n, "url": f"/b/{n}", "done": n < 4, "current": n == 4} for n in range(1, 13)],
        "criteria": [
            {
                "key": "indicators",
                "name": "指标响应",
                "full": 40,
                "kind": "computed",
                "computed": "35.20",
                "note": "由系统按公式计算",
            },
            typed | {"key": "plan", "name": "技术方案", "full": 25, "score": "21.5", "band": "b"},
            typed
            | {
                "key": "run",
                "name": "实施与运维",
                "full": 15,
                "score": "8",
                "band": "d",
                "active": True,
                "comment_needed": "评在“差”一档，须写明理由",
            },
            typed | {"key": "safety", "name": "数据安全", "full": 10, "errors": ["分数应在0到10之间"]},
            {"key": "price", "name": "报价", "full": 10, "kind": "sealed", "note": "技术分锁定后开封计算"},
        ],
    }


def confirm() -> Page:
    return "confirm_page.html", {"account": account(), "form": forms.ReasonForm(formdata=MultiDict({"reason": ""}))}
