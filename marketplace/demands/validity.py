"""What must be there before a demand may be submitted (product.md §3). Pure: the form, the submit verb and the
importer ask the same function. Matters of judgement (vague words, fairness) are the lint's, not ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from marketplace import taxonomy
from marketplace.demands.clocks import MODES, Clocks
from marketplace.demands.content import DemandContent
from marketplace.demands.score_sheets import validate_sheet
from marketplace.platform.contacts import EMAIL, EMAIL_SAID, PHONE, PHONE_SAID
from marketplace.platform.money import missing_to_hundred, trimmed

LIMITS: dict[str, tuple[int, int]] = {
    "title": (6, 60),
    "background": (100, 5000),
    "goal": (50, 2000),
    "content": (100, 8000),
    "place": (2, 100),
    "funds_source": (2, 100),
    "contact_name": (2, 30),
}
OPTIONAL_LIMITS: dict[str, int] = {"conditions": 2000, "site_visit": 1000, "budget_note": 100, "contact_email": 120}
LABELS: dict[str, str] = {
    "title": "需求名称",
    "kind": "场景类型",
    "direction": "方向",
    "industries": "产业",
    "place": "实施地点",
    "background": "背景与现状",
    "goal": "目标",
    "content": "建设内容",
    "indicators": "技术指标",
    "offers": "开放条件",
    "security_level": "等级保护要求",
    "data_export": "数据出境",
    "classified": "涉密",
    "mode": "资金方式",
    "budget_fen": "预算",
    "budget_note": "预算说明",
    "funds_source": "资金来源",
    "period_months": "实施周期",
    "deliver_by": "交付日期",
    "ip_ownership": "知识产权归属",
    "conditions": "揭榜条件",
    "consortium_allowed": "允许联合体",
    "consortium_max": "联合体成员上限",
    "award_count": "中榜数",
    "min_bids": "最少有效揭榜",
    "two_step": "两步开启",
    "blind": "盲评",
    "site_visit": "踏勘与路演",
    "milestones": "里程碑",
    "score_sheet": "评分表",
    "contact_name": "联系人",
    "contact_phone": "联系电话",
    "contact_email": "联系邮箱",
    "public_scores": "公示得分",
    "procurement_number": "采购项目编号",
    "procurement_url": "采购公告链接",
}
NEGOTIABLE_MODES = frozenset({"enterprise", "trial", "cooperation", "opening"})  # where 面议 is an answer
MAX_BUDGET_FEN = 100_000_000_000_00  # 1000 亿元: beyond this it is a slip of the keyboard


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one field. ``field`` is a name of DemandContent, with ``-index-name`` inside tables."""

    field: str
    sentence: str


def faults(content: DemandContent, *, clocks: Clocks | None, today: date) -> list[Fault]:
    """Everything that must be mended before submission, in the order of the form. Empty: complete."""
    found = [*_texts(content), *_choices(content)]
    found += _indicators(content)
    found += _offers(content)
    found += _money(content)
    found += _time(content, today)
    found += _rules_of_play(content, clocks)
    found += _milestones(content)
    return found


def _texts(content: DemandContent) -> list[Fault]:
    found: list[Fault] = []
    for name, (low, high) in LIMITS.items():
        length = len(getattr(content, name).strip())
        if length == 0:
            found.append(Fault(name, f"请填写{LABELS[name]}。"))
        elif length < low:
            found.append(Fault(name, f"{LABELS[name]}至少 {low} 个字，现在 {length} 个字。"))
        elif length > high:
            found.append(Fault(name, f"{LABELS[name]}最多 {high} 个字，现在 {length} 个字。"))
    for name, high in OPTIONAL_LIMITS.items():
        if len(getattr(content, name)) > high:
            found.append(Fault(name, f"{LABELS[name]}最多 {high} 个字。"))
    if not content.contact_phone:
        found.append(Fault("contact_phone", "请填写联系电话，公开时会隐去中间四位。"))
    elif not PHONE.match(content.contact_phone):
        found.append(Fault("contact_phone", PHONE_SAID))
    if content.contact_email and not EMAIL.match(content.contact_email):
        found.append(Fault("contact_email", EMAIL_SAID))
    return found


def _choices(content: DemandContent) -> list[Fault]:
    found: list[Fault] = []
    for name, known in (
        ("kind", taxonomy.KINDS),
        ("direction", taxonomy.DIRECTIONS),
        ("mode", MODES),
        ("ip_ownership", taxonomy.IP_OWNERSHIPS),
    ):
        if getattr(content, name) not in known:
            found.append(Fault(name, f"请选择{LABELS[name]}。"))
    if not content.industries:
        found.append(Fault("industries", "请至少选择一个产业。"))
    if content.classified:
        found.append(Fault("classified", "涉密需求不能在本平台发布：请按保密规定通过专门渠道办理。"))
    return found


def _indicators(content: DemandContent) -> list[Fault]:
    found: list[Fault] = []
    if len(content.indicators) < 2:
        found.append(Fault("indicators", "技术指标至少 2 项，每项写明现状、目标、单位和测试方法。"))
    for index, item in enumerate(content.indicators):
        for name, label in (("name", "名称"), ("baseline", "现状"), ("target", "目标"), ("method", "测试方法")):
            if not getattr(item, name).strip():
                found.append(Fault(f"indicators-{index}-{name}", f"第 {index + 1} 项指标没有写{label}。"))
        if item.operator == "range" and not item.target_high.strip():
            found.append(Fault(f"indicators-{index}-target_high", f"第 {index + 1} 项指标是区间，请写上限。"))
        if item.weight <= 0:
            found.append(Fault(f"indicators-{index}-weight", f"第 {index + 1} 项指标的权重须大于 0。"))
    if content.indicators and (gap := missing_to_hundred([item.weight for item in content.indicators])):
        found.append(Fault("indicators", f"指标权重合计须为 100，{_gap(gap)}。"))
    return found


def _gap(gap: Decimal) -> str:
    return f"现在还差 {trimmed(gap)}" if gap > 0 else f"现在多出 {trimmed(-gap)}"


def _offers(content: DemandContent) -> list[Fault]:
    return [
        Fault(f"offers-{index}-text", f"第 {index + 1} 项开放条件没有写内容。")
        for index, offer in enumerate(content.offers)
        if not offer.text.strip()
    ]


def _money(content: DemandContent) -> list[Fault]:
    if content.budget_fen is None:
        if content.mode and content.mode not in NEGOTIABLE_MODES:
            return [
                Fault("budget_fen", f"{MODES[content.mode].zh}须写明预算，不能面议。" if content.mode in MODES else "")
            ]
        return []
    if content.budget_fen < 0 or (content.budget_fen == 0 and content.mode in ("procurement", "subsidy")):
        return [Fault("budget_fen", "预算须大于 0。")]
    if content.budget_fen > MAX_BUDGET_FEN:
        return [Fault("budget_fen", "预算超过 1000 亿元，请核对单位是元还是万元。")]
    return []


def _time(content: DemandContent, today: date) -> list[Fault]:
    found: list[Fault] = []
    if content.period_months is None or not 1 <= content.period_months <= 36:
        found.append(Fault("period_months", "实施周期须为 1 至 36 个月。"))
    if content.deliver_by is None:
        found.append(Fault("deliver_by", "请填写交付日期。"))
    elif content.deliver_by <= today:
        found.append(Fault("deliver_by", "交付日期须在今天之后，并晚于揭榜截止。"))
    elif content.deliver_by > today + timedelta(days=366 * 5):
        found.append(Fault("deliver_by", "交付日期在五年以后，请核对年份。"))
    return found


def _rules_of_play(content: DemandContent, clocks: Clocks | None) -> list[Fault]:
    found: list[Fault] = []
    if not 1 <= content.award_count <= 3:
        found.append(Fault("award_count", "中榜数为 1 至 3 家。"))
    if clocks is not None and content.min_bids < clocks.min_bids:
        found.append(Fault("min_bids", f"这种资金方式的有效揭榜不少于 {clocks.min_bids} 份。"))
    if content.consortium_allowed and not 2 <= content.consortium_max <= 10:
        found.append(Fault("consortium_max", "联合体成员上限为 2 至 10 家（含牵头单位）。"))
    if content.mode == "procurement" and not content.procurement_number.strip():
        found.append(Fault("procurement_number", "政府采购需求须写明采购项目编号。"))
    if content.mode in MODES:
        found += [Fault("score_sheet", problem) for problem in validate_sheet(content.score_sheet, mode=content.mode)]
    return found


def _milestones(content: DemandContent) -> list[Fault]:
    found: list[Fault] = []
    if len(content.milestones) < 2:
        found.append(Fault("milestones", "里程碑至少 2 个，比例合计 100%。"))
    for index, item in enumerate(content.milestones):
        if not item.name.strip():
            found.append(Fault(f"milestones-{index}-name", f"第 {index + 1} 个里程碑没有写名称。"))
        if content.period_months and not 0 < item.months <= content.period_months:
            found.append(
                Fault(
                    f"milestones-{index}-months",
                    f"第 {index + 1} 个里程碑的期限须在实施周期 1 至 {content.period_months} 个月之内。",
                )
            )
    if content.milestones and (gap := missing_to_hundred([item.percent for item in content.milestones])):
        found.append(Fault("milestones", f"里程碑比例合计须为 100%，{_gap(gap)}。"))
    return found
