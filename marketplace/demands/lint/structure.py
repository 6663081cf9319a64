"""The lint beyond words: what is missing, unwise or contradictory, and the calendar against the mode's clocks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation

from marketplace.demands.clocks import MODES, first_possible_deadline, source, why_not_deadline
from marketplace.demands.content import DemandContent, Indicator
from marketplace.demands.lint.findings import Dates, Finding
from marketplace.demands.lint.rules import ADVICE, BLOCKING, PASSED
from marketplace.demands.validity import LABELS, faults
from marketplace.platform.working_days import UnknownYear, beijing_day

_PLAN = {
    "budget_fen",
    "budget_note",
    "period_months",
    "deliver_by",
    "award_count",
    "min_bids",
    "milestones",
    "score_sheet",
}
_HOW = {
    "indicators": "要改善什么、现在多少、做到多少、怎样测。",
    "indicators.baseline": "尚无此项的写“无”。",
    "indicators.method": "写明怎么测、测几次、由谁测，例如：真人模拟 200 次，第三方计数。",
    "milestones": "每个里程碑写明交付物、第几个月、付款比例。",
}
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
    """What keeps the demand from being submitted (``validity.faults``), then what is unwise or does not fit."""
    found = list(_faults(content, dates))
    for check in (_advice, _security, _indicators, _money, _milestones):
        found += check(content)
    found += _calendar(content, dates)
    return found


def _faults(content: DemandContent, dates: Dates | None) -> Iterator[Finding]:
    """The faults as findings: one list of what is required, whoever asks. Without dates no day is too early."""
    day_before = content.deliver_by - timedelta(days=1) if content.deliver_by else date.min
    today = beijing_day(dates.publish_at) if dates else day_before
    for fault in faults(_finite(content), clocks=dates.clocks if dates else None, today=today):
        base = fault.field.split("-")[0]
        code = re.sub(r"-\d+-", ".", fault.field)
        part = "indicators" if base == "indicators" else "plan" if base in _PLAN else "complete"
        yield Finding(
            fault.field, code, BLOCKING, LABELS.get(base, base), fault.sentence, "", _HOW.get(code, ""), part=part
        )


def _finite(content: DemandContent) -> DemandContent:
    """Weights that are no numbers count as 0: half-typed content must never break the lint."""

    def number(value: Decimal) -> Decimal:
        return value if value.is_finite() else Decimal(0)

    return replace(
        content,
        indicators=tuple(replace(item, weight=number(item.weight)) for item in content.indicators),
        milestones=tuple(replace(item, percent=number(item.percent)) for item in content.milestones),
    )


def _advice(content: DemandContent) -> Iterator[Finding]:
    if not content.offers:
        suggestion = "写明数据、场地、设备、接口、人员中开放哪些、怎样取得。"
        yield Finding("offers", "offers.none", ADVICE, "没有写开放条件", "揭榜单位不知道能用到什么。", "", suggestion)


def _security(content: DemandContent) -> Iterator[Finding]:
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
    for number, item in enumerate(items):
        for field, code, severity, title, message, suggestion in _one_indicator(item, number + 1):
            yield say(f"indicators-{number}-{field}", f"indicators.{code}", severity, title, message, suggestion)
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
    if not item.unit.strip() and not re.search(r"[%％‰℃]", item.target) and not (worded and item.operator == "="):
        yield "unit", "unit", BLOCKING, f"{label}缺单位", "数没有单位无法核对。", "没有量纲的写“无量纲”，比率写“%”。"
    if 0 < len(re.sub(r"\s", "", item.method)) < 6:
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


def _range(item: Indicator, label: str, target: Decimal | None) -> Iterator[tuple[str, str, str, str, str, str]]:
    high = _number(item.target_high)
    if target is not None and high is not None and high <= target:
        yield "target_high", "range", BLOCKING, f"{label}区间上下限颠倒", "上限应大于下限。", ""


# --- money, plan, calendar -----------------------------------------------------------------------------------------


def _money(content: DemandContent) -> Iterator[Finding]:
    if content.budget_fen is not None:
        for match in _SUMS_IN_TEXT.finditer(content.content.replace(",", "")):
            scale = {"万元": 1_000_000, "亿元": 10_000_000_000, "元": 100}[match[2]]
            try:
                named = int(Decimal(match[1].rstrip(".")) * scale)
            except InvalidOperation:
                continue
            if named != content.budget_fen:
                text = f"内容里写“{match.group()}”，与预算一栏不一致。"
                yield Finding("budget_fen", "budget.differs", ADVICE, "预算前后不一致", text, part="plan")
                break


def _milestones(content: DemandContent) -> Iterator[Finding]:
    last = 0
    for number, item in enumerate(content.milestones):
        if not item.deliverable.strip():
            field, text = f"milestones-{number}-deliverable", f"第 {number + 1} 个里程碑没有写交付物，付款时无从核对。"
            yield Finding(field, "milestones.deliverable", ADVICE, "里程碑缺交付物", text, part="plan")
        if item.months < last:
            field, text = f"milestones-{number}-months", f"第 {number + 1} 个里程碑早于前一个。"
            yield Finding(field, "milestones.order", ADVICE, "里程碑次序颠倒", text, part="plan")
        last = max(last, item.months)


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
