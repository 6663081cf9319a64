"""The lint's arithmetic: what is missing, what does not add up, and the calendar against the mode's clocks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation

from marketplace import taxonomy
from marketplace.demands.clocks import MODES, first_possible_deadline, source, why_not_deadline
from marketplace.demands.content import DemandContent, Indicator
from marketplace.demands.lint.findings import Dates, Finding
from marketplace.demands.lint.rules import ADVICE, BLOCKING, PASSED
from marketplace.demands.score_sheets import validate_sheet
from marketplace.platform.working_days import UnknownYear, beijing_day

HUNDRED = Decimal(100)
_LENGTHS = {  # field: (label, least, most), product.md §3
    "title": ("名称", 6, 60),
    "background": ("背景", 100, None),
    "goal": ("目标", 50, None),
    "content": ("内容", 100, None),
}
_NEEDED = {
    "place": "实施地点",
    "funds_source": "资金来源",
    "ip_ownership": "知识产权归属",
    "contact_name": "联系人",
    "contact_phone": "联系电话",
}
_PROSE_TARGETS = re.compile(r"支持|通过|具备|实现|完成|无|有|是|全部|不发生|零|达标|合格|满足")
_NONE_YET = {"无", "没有", "暂无", "空白", "新建", "尚无", "-", "—", "0"}
_PERSONAL = re.compile(
    r"人脸|身份证|个人信息|病历|健康档案|医疗记录|指纹|声纹|行踪轨迹|学生信息|居民信息|患者数据|个人隐私"
)
_ONE_SIDED = re.compile(r"准确率|识别率|检出率|查准率|命中率")
_OTHER_SIDE = re.compile(r"误报|漏报|误检|漏检|召回|查全|虚警|误识")
_SUMS_IN_TEXT = re.compile(
    r"(?:预算|总投资|最高限价)(?:金额|资金)?(?:为|约|共|合计|：|:)?([0-9][0-9,.]*)(万元|亿元|元)"
)


def structure_findings(content: DemandContent, dates: Dates | None) -> list[Finding]:
    """Findings in the order of the form."""
    found: list[Finding] = []
    for check in (_complete, _security, _indicators, _money, _plan):
        found += check(content)
    found += _calendar(content, dates)
    return found


def _missing(field: str, label: str, severity: str = BLOCKING, *, title: str = "", suggestion: str = "") -> Finding:
    return Finding(field, f"missing.{field}", severity, title or f"未填{label}", f"请填写{label}。", "", suggestion)


def _complete(content: DemandContent) -> Iterator[Finding]:
    for field, (label, least, most) in _LENGTHS.items():
        count = len(re.sub(r"\s", "", getattr(content, field)))
        if not count:
            yield _missing(field, label)
        elif count < least:
            text = f"{label}现有 {count} 字，至少写 {least} 字。"
            yield Finding(field, f"short.{field}", BLOCKING, f"{label}太短", text)
        elif most is not None and count > most:
            text = f"{label}现有 {count} 字，最多 {most} 字。"
            yield Finding(field, f"long.{field}", BLOCKING, f"{label}太长", text)
    if content.direction not in taxonomy.DIRECTIONS:
        yield _missing("direction", "方向")
    if not set(content.industries) & set(taxonomy.INDUSTRIES):
        yield _missing("industries", "产业")
    if content.mode not in MODES:
        yield _missing("mode", "资金方式")
    for field, label in _NEEDED.items():
        if not getattr(content, field).strip():
            yield _missing(field, label, ADVICE if field in ("place", "funds_source") else BLOCKING)
    if not content.offers:
        suggestion = "写明数据、场地、设备、接口、人员中开放哪些、怎样取得。"
        yield _missing("offers", "开放的资源", ADVICE, suggestion=suggestion)
    if content.mode == "procurement" and not content.procurement_number.strip():
        yield _missing("procurement_number", "采购项目编号", ADVICE)


def _security(content: DemandContent) -> Iterator[Finding]:
    if content.classified:
        text = "选择了“涉密”。涉密需求不得在本平台填报、流转，请改走线下渠道。"
        yield Finding("classified", "classified", BLOCKING, "涉密需求", text, "《保守国家秘密法》")
    if content.data_export:
        yield Finding(
            "data_export", "data_export", ADVICE, "涉及数据出境",
            "可能涉及数据出境的安全评估、标准合同或认证，请先确认适用哪一种。",
            "《数据安全法》第三十一条；《个人信息保护法》第三十八条",
            "写明出境的数据种类、数量和接收方；能在境内完成的改为境内处理。",
        )  # fmt: skip
    texts = " ".join([content.content, content.background, *(offer.text for offer in content.offers)])
    if content.security_level == 0 and (match := _PERSONAL.search(texts)):
        yield Finding(
            "security_level", "personal_data", ADVICE, "提到个人信息，未写安全要求",
            f"文中提到“{match.group()}”，可能涉及敏感个人信息，须事前做影响评估。",
            "《个人信息保护法》第五十五条",
            "选定等级保护级别，并写明脱敏、最少够用和销毁的要求。",
        )  # fmt: skip


# --- indicators ----------------------------------------------------------------------------------------------------


def _number(text: str) -> Decimal | None:
    """The figure in a baseline or target, or ``None``; signs and units around it do not matter."""
    match = re.fullmatch(r"[^\d+\-−.]*([+\-−±]?\d[\d,]*(?:\.\d+)?)\s*[^\d]*", text.strip())
    if match is None:
        return None
    try:
        return Decimal(match[1].lstrip("±").replace(",", "").replace("−", "-"))
    except InvalidOperation:  # pragma: no cover - the pattern admits no such text
        return None


def _indicators(content: DemandContent) -> Iterator[Finding]:
    def say(field: str, code: str, severity: str, title: str, message: str, suggestion: str = "") -> Finding:
        return Finding(field, code, severity, title, message, "", suggestion, part="indicators")

    items = content.indicators
    if not items:
        suggestion = "至少写两项：要改善什么、现在多少、做到多少、怎样测。"
        yield say("indicators", "indicators.none", BLOCKING, "没有指标", "没有指标就无法评分和验收。", suggestion)
        return
    if len(items) == 1:
        yield say("indicators", "indicators.one", ADVICE, "只有一项指标", "一项指标难以反映效果，建议至少两项。")
    for number, item in enumerate(items):
        for field, code, severity, title, message, suggestion in _one_indicator(item, number + 1):
            yield say(f"indicators-{number}-{field}", f"indicators.{code}", severity, title, message, suggestion)
    total = sum((item.weight for item in items if item.weight.is_finite()), Decimal(0))
    if total != HUNDRED:
        text = f"各项指标权重合计为 {_plain(total)}，应为 100。"
        yield say("indicators", "indicators.weights", BLOCKING, "指标权重合计不是 100", text)
    names = [item.name.strip() for item in items if item.name.strip()]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield say("indicators", "indicators.repeated", ADVICE, "指标重名", f"“{name}”出现了不止一次。")
    joined = " ".join(names)
    if (match := _ONE_SIDED.search(joined)) and not _OTHER_SIDE.search(joined):
        text = f"只有“{match.group()}”时，高误报也能达标。"
        yield say(
            "indicators", "indicators.one_sided", ADVICE, "宜同时写误报率或漏报率", text, "再加一项误报率或漏报率。"
        )
    if len(items) > 2 and all(item.veto for item in items):
        yield say("indicators", "indicators.all_veto", ADVICE, "每项都是否决项", "一项未证实即不能排名，请只留必须的。")


def _one_indicator(item: Indicator, number: int) -> Iterator[tuple[str, str, str, str, str, str]]:
    """(sub-field, code, severity, title, message, suggestion) of one line of the table."""
    label = f"指标{number}"
    target, baseline = _number(item.target), _number(item.baseline)
    worded = target is None and bool(item.target.strip())
    if not item.name.strip():
        yield "name", "name", BLOCKING, f"{label}缺名称", "写明衡量什么。", ""
    if not item.baseline.strip():
        yield "baseline", "baseline", BLOCKING, f"{label}缺现状", "没有现状就看不出改善多少。", "尚无此项的写“无”。"
    if not item.target.strip():
        yield "target", "target", BLOCKING, f"{label}缺目标", "写明做到多少算达标。", ""
    if not item.unit.strip() and not re.search(r"[%％‰℃]", item.target) and not (worded and item.operator == "="):
        yield "unit", "unit", BLOCKING, f"{label}缺单位", "数没有单位无法核对。", "没有量纲的写“无量纲”，比率写“%”。"
    if not item.method.strip():
        suggestion = "例如：真人模拟 200 次，第三方计数。"
        yield "method", "method", BLOCKING, f"{label}缺测试方法", "写明怎么测、测几次、由谁测。", suggestion
    elif len(re.sub(r"\s", "", item.method)) < 6:
        yield "method", "method_short", ADVICE, f"{label}测试方法太简", "看不出怎么测、测几次、由谁测。", ""
    if worded and item.operator in (">=", "<=", "range") and not (item.unit.strip() and re.search(r"\d", item.target)):
        yield "target", "target_words", ADVICE, f"{label}目标不是数", "写了“≥、≤、区间”，目标应是一个数。", ""
    if item.operator == "range":
        yield from _range(item, label, target)
    elif target is not None and baseline is not None and item.baseline.strip() not in _NONE_YET:
        worse = target < baseline if item.operator == ">=" else target > baseline if item.operator == "<=" else False
        if worse:
            text = (
                f"现状 {item.baseline}，目标却是 {item.operator.replace('>=', '≥').replace('<=', '≤')} {item.target}。"
            )
            yield "target", "target_worse", ADVICE, f"{label}目标不如现状", text, "请核对大小关系和单位。"
    if not item.weight.is_finite() or item.weight <= 0:
        yield "weight", "weight", BLOCKING, f"{label}缺权重", "每项权重须大于 0，合计 100。", ""


def _range(item: Indicator, label: str, target: Decimal | None) -> Iterator[tuple[str, str, str, str, str, str]]:
    high = _number(item.target_high)
    if not item.target_high.strip():
        yield "target_high", "range", BLOCKING, f"{label}区间缺上限", "区间要写下限和上限。", ""
    elif target is not None and high is not None and high <= target:
        yield "target_high", "range", BLOCKING, f"{label}区间上下限颠倒", "上限应大于下限。", ""


def _plain(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


# --- money, plan, calendar -----------------------------------------------------------------------------------------


def _money(content: DemandContent) -> Iterator[Finding]:
    def say(field: str, code: str, severity: str, title: str, message: str, article: str = "") -> Finding:
        return Finding(field, code, severity, title, message, article, part="plan")

    if content.budget_fen is None and content.mode == "procurement":
        text = "政府采购须有经批准的预算，不能面议。"
        yield say("budget_fen", "budget.missing", BLOCKING, "没有预算", text, "《政府采购法》第六条")
    if content.budget_fen is not None and content.budget_fen < 0:
        yield say("budget_fen", "budget.negative", BLOCKING, "预算为负", "请核对预算金额。")
    if content.budget_fen == 0 and content.mode in ("procurement", "enterprise", "subsidy"):
        yield say("budget_fen", "budget.zero", BLOCKING, "预算为 0", "这种资金方式须写明预算。")
    if content.budget_fen is not None:
        for match in _SUMS_IN_TEXT.finditer(content.content.replace(",", "")):
            scale = {"万元": 1_000_000, "亿元": 10_000_000_000, "元": 100}[match[2]]
            try:
                named = int(Decimal(match[1].rstrip(".")) * scale)
            except InvalidOperation:
                continue
            if named != content.budget_fen:
                text = f"内容里写“{match.group()}”，与预算一栏不一致。"
                yield say("budget_fen", "budget.differs", ADVICE, "预算前后不一致", text)
                break
    if content.period_months is None:
        yield say("period_months", "period.missing", BLOCKING, "未填实施周期", "请填 1–36 个月。")
    elif not 1 <= content.period_months <= 36:
        yield say("period_months", "period.range", BLOCKING, "实施周期超出范围", "实施周期应为 1–36 个月。")
    if not 1 <= content.award_count <= 3:
        yield say("award_count", "award_count", BLOCKING, "赛马名额超出范围", "同时支持 1–3 家。")


def _plan(content: DemandContent) -> Iterator[Finding]:
    def say(field: str, code: str, severity: str, title: str, message: str) -> Finding:
        return Finding(field, code, severity, title, message, part="plan")

    items = content.milestones
    if len(items) < 2:
        yield say(
            "milestones", "milestones.few", BLOCKING, "里程碑不足两个", "至少写两个里程碑，各有交付物和付款比例。"
        )
    total = sum((item.percent for item in items if item.percent.is_finite()), Decimal(0))
    if items and total != HUNDRED:
        text = f"各里程碑比例合计为 {_plain(total)}%，应为 100%。"
        yield say("milestones", "milestones.sum", BLOCKING, "里程碑比例合计不是 100%", text)
    last = 0
    for number, item in enumerate(items):
        if not item.deliverable.strip():
            text = f"里程碑{number + 1}没有写交付物，付款时无从核对。"
            yield say(f"milestones-{number}-deliverable", "milestones.deliverable", ADVICE, "里程碑缺交付物", text)
        if item.months < last:
            text = f"里程碑{number + 1}早于前一个。"
            yield say(f"milestones-{number}-months", "milestones.order", ADVICE, "里程碑次序颠倒", text)
        last = max(last, item.months)
    if content.period_months and last > content.period_months:
        text = f"最后一个里程碑在第 {last} 个月，实施周期只有 {content.period_months} 个月。"
        yield say("milestones", "milestones.late", BLOCKING, "里程碑超出实施周期", text)
    if not content.score_sheet.criteria:
        yield say("score_sheet", "score_sheet.none", BLOCKING, "没有评分表", "请选一张评分表，再按需要修改。")
    elif content.mode in MODES:
        for sentence in validate_sheet(content.score_sheet, mode=content.mode):
            yield say("score_sheet", "score_sheet", BLOCKING, "评分表须改", sentence)


def _calendar(content: DemandContent, dates: Dates | None) -> Iterable[Finding]:
    """The deadline and the delivery day against the clocks of the mode."""
    if content.mode not in MODES:
        return []
    found: list[Finding] = []

    def say(field: str, code: str, severity: str, title: str, message: str, article: str = "") -> None:
        found.append(Finding(field, code, severity, title, message, article, part="plan"))

    if dates is None:
        return found
    clocks = dates.clocks
    if content.min_bids < clocks.min_bids:
        article = source(clocks.mode, "min_bids", clocks.min_bids)
        text = f"{MODES[clocks.mode].zh}的有效揭榜不少于 {clocks.min_bids} 份，现填 {content.min_bids} 份。"
        say("min_bids", "calendar.min_bids", BLOCKING, "最少揭榜数不够", text, article)
    try:
        earliest = first_possible_deadline(clocks, dates.publish_at, dates.calendar)
        first, published = beijing_day(earliest), beijing_day(dates.publish_at)
        if dates.deadline_at is not None and (
            refusal := why_not_deadline(
                clocks, published_at=dates.publish_at, deadline_at=dates.deadline_at, calendar=dates.calendar
            )
        ):
            say("deadline", "calendar.deadline", BLOCKING, "截止时间太早", refusal)
        closes = first if dates.deadline_at is None else max(first, beijing_day(dates.deadline_at))
        if content.deliver_by is not None and content.deliver_by <= closes:
            text = f"交付日期 {content.deliver_by:%Y-%m-%d} 不晚于揭榜截止 {closes:%Y-%m-%d}。"
            say("deliver_by", "calendar.delivery", BLOCKING, "交付日期早于截止", text)
        elif content.deliver_by is not None and content.period_months:
            needed = dates.calendar.add_months(closes, content.period_months)
            if content.deliver_by < needed:
                text = f"从截止 {closes:%Y-%m-%d} 起算 {content.period_months} 个月，到 {needed:%Y-%m-%d} 才满周期。"
                say("deliver_by", "calendar.period", ADVICE, "交付日期与周期不合", text)
        note = dates.calendar.provisional_note(published, closes)
    except UnknownYear as error:
        say("deadline", "calendar.unknown", ADVICE, "无法推算日期", error.zh)
        return found
    if not any(item.severity == BLOCKING for item in found):
        text = f"按{published:%Y年%m月%d日}张榜推算，截止不早于{first:%Y年%m月%d日}。{note or ''}"
        article = source(clocks.mode, "bidding_days", clocks.bidding_days)
        say("deadline", "calendar.passed", PASSED, "期限", text, article)
    return found
