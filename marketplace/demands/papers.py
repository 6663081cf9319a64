"""The official papers of this feature as ``Paper``: the announcement of a batch, and the sheet of one demand.

Pure: what is printed is what is passed in, so a paper made from a snapshot says what the snapshot says. Both show
public facts alone; the contact's telephone is masked. Figures of the clocks carry their source, and only law is called
law.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from marketplace import taxonomy
from marketplace.demands.clocks import CONTRACT_DAYS, MODES, OBJECTION_WORKING_DAYS, Clocks, source
from marketplace.demands.content import Criterion, DemandContent, Indicator, Milestone, Offer
from marketplace.demands.score_sheets import AGGREGATES, BAND_STARTS, CREDITS, CRITERION_KINDS
from marketplace.platform.formatting import date_text, day_of, masked_phone, moment_text, money_text
from marketplace.platform.money import capital, trimmed, wan_yuan
from marketplace.platform.rendering.paper import (
    Block,
    Column,
    Facts,
    Heading,
    Listing,
    Paper,
    Table,
    Text,
    Verification,
)

_ORDINALS = "一二三四五六七八九十"
DEMO_MARK = "演示数据"


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the list. ``deadline_at`` is aware."""

    number: str
    unit: str
    content: DemandContent
    deadline_at: datetime


@dataclass(frozen=True, slots=True)
class Custody:
    """Who keeps the sealed bids: ``quorum`` of these custodians open them together."""

    custodians: tuple[str, ...]
    quorum: int

    def sentence(self) -> str:
        if len(self.custodians) == 1:
            return f"标书由{self.custodians[0]}保管，截止后释放开启。"
        named = "、".join(self.custodians)
        return f"标书由{named}共{len(self.custodians)}家保管，任意{self.quorum}家共同释放后开启。"


def announcement(
    demands: Sequence[Listed],
    *,
    title: str,
    number: str,
    district: str,
    issuer: str,
    published_at: datetime,
    clocks: Iterable[Clocks],
    custody: Custody | None = None,
    procurement_intent: bool = True,
    preface: str = "",
    verification: Verification | None = None,
    demo: bool = False,
) -> Paper:
    """榜单公告: the red-head paper that publishes a batch, with its list.

    ``title``: e.g. 关于公布2026年第二批应用场景需求榜单的公告; ``number``: 郑开榜〔2026〕2号; ``district`` heads it,
    ``issuer`` signs it. ``clocks``: those in force for the modes on the list. Without ``custody`` nothing is said about
    sealing. ``procurement_intent``: procurement demands are only announced here (政府采购法 §11 names the medium).
    """
    opening = preface or "为以开放式创新方式调动社会各界力量，现将本批应用场景需求榜单予以公布。"
    blocks: list[Block] = [Text(f"{opening}{_total(demands)}有关事项公告如下。")]
    intent = procurement_intent and any(item.content.mode == "procurement" for item in demands)
    for place, (heading, text) in enumerate(_rules_of_the_game(clocks, custody, procurement_intent=intent)):
        blocks += [Heading(f"{_ORDINALS[place]}、{heading}"), Text(text)]
    blocks.append(_list_table(demands, published_at))
    return Paper(
        form="announcement",
        title=title,
        dated_at=published_at,
        blocks=tuple(blocks),
        issuer=district,
        head="应用场景需求榜单公告",
        number=number,
        addressee="各有关企业、高等学校、科研院所：",
        signed_by=issuer,
        issued_on=date_text(published_at),
        seal_note="（加盖电子印章处）",
        watermark=DEMO_MARK if demo else "",
        verification=verification,
        keywords=("应用场景", "需求榜单", "揭榜挂帅"),
    )


def _rules_of_the_game(
    clocks: Iterable[Clocks], custody: Custody | None, *, procurement_intent: bool
) -> list[tuple[str, str]]:
    """(heading, text) of what an announcement says about bidding, opening, review and objections."""
    notice = sorted({item.notice_working_days for item in clocks})
    window = f"{notice[0]}个" if len(notice) == 1 else f"{notice[0]}至{notice[-1]}个"
    sealing = "并在本单位浏览器内加密后提交。截止前，任何单位和个人不能读取标书，也不能获知份数。"
    sections = [
        ("揭榜时间", "自公布之日起受理。各项截止时间见附表，以平台服务器北京时间为准；截止之后的揭榜一律不予接受。"),
        ("揭榜方式", f"揭榜单位登录平台，按需求书的要求填报{sealing if custody else '并提交。'}"),
        (
            "开启与评审",
            f"{custody.sentence() if custody else ''}专家随机抽取，按随榜公布、评审期间不作调整的评分办法打分。",
        ),
        (
            "公示与异议",
            f"评审结果公示{window}工作日。对结果有异议的，可在公示期内实名提出，"
            f"{OBJECTION_WORKING_DAYS}个工作日内书面答复；异议未办结的，不予定榜。",
        ),
    ]
    if procurement_intent:
        intent = "资金方式为政府采购的，本榜仅作采购意向公开，采购活动以法定媒体发布的公告为准。"
        sections.append(("政府采购项目", intent))
    return sections


def _total(demands: Sequence[Listed]) -> str:
    """The count and the sum, saying how many are not part of it."""
    budgets = [item.content.budget_fen for item in demands if item.content.budget_fen is not None]
    text = f"本批共{len(demands)}项"
    if budgets:
        text += f"，预算合计{wan_yuan(sum(budgets))}"
        if len(budgets) < len(demands):
            text += f"（另有{len(demands) - len(budgets)}项面议，未计入）"
    return text + "。"


def _list_table(demands: Sequence[Listed], published_at: datetime) -> Table:
    """Numbers are cut to their last part where all share the rest; years are shown where any is not this one."""
    prefixes = {item.number.rpartition("-")[0] for item in demands}
    prefix = prefixes.pop() + "-" if len(prefixes) == 1 and demands[0].number.count("-") else ""
    closings = [day_of(item.deadline_at) for item in demands]
    with_year = any(day.year != day_of(published_at).year for day in closings)
    hours = {moment_text(item.deadline_at)[-5:] for item in demands}
    rows = tuple(
        (
            item.number.removeprefix(prefix),
            item.content.title,
            item.unit,
            MODES[item.content.mode].zh,
            "面议" if item.content.budget_fen is None else wan_yuan(item.content.budget_fen).removesuffix("万元"),
            (f"{day:%Y-%m-%d}" if with_year else f"{day:%m-%d}")
            + ("" if len(hours) == 1 else f"\n{moment_text(item.deadline_at)[-5:]}"),
        )
        for item, day in zip(demands, closings, strict=True)
    )
    notes = [f"榜号前缀为{prefix}" if prefix else "", f"截止时刻均为当日{hours.pop()}" if len(hours) == 1 else ""]
    note = "，".join(filter(None, notes))
    return Table(
        (
            *(Column("榜号"), Column("需求名称", 3), Column("需求单位", 1.9), Column("资金方式", 1.5)),
            *(Column("预算\n（万元）", align="right"), Column("截止", align="right")),
        ),
        rows,
        caption="附表　应用场景需求榜单",
        note=f"{note}。" if note else "",
    )


def demand_sheet(
    content: DemandContent,
    *,
    number: str,
    unit: str,
    issuer: str,
    version: int,
    clocks: Clocks,
    dated_at: datetime,
    published_at: datetime | None = None,
    deadline_at: datetime | None = None,
    questions_close_at: datetime | None = None,
    verification: Verification | None = None,
    provisional_note: str = "",
    demo: bool = False,
) -> Paper:
    """需求书: all that a demand says, for bidders and for the file. Before publication it is marked as a draft."""
    parts: list[tuple[str, list[Block]]] = [
        ("需求背景", [Text(content.background)]),
        ("需求目标", [Text(content.goal)]),
        ("需求内容", [Text(content.content)]),
        ("考核指标", [_indicators(content.indicators)]),
        ("开放条件", _offers(content.offers)),
        ("约束条件", [Listing(_constraints(content))]),
        ("资金与成果", [Facts(_money(content))]),
        ("里程碑", [_milestones(content.milestones, content.budget_fen)]),
        ("揭榜条件", _conditions(content)),
        ("评分办法", _scoring(content)),
        ("时间安排", _timetable(clocks, published_at, deadline_at, questions_close_at, provisional_note)),
        ("联系方式", [Facts(_contact(content))]),
    ]
    blocks: list[Block] = [Facts(_facts(content, number=number, unit=unit, version=version, deadline_at=deadline_at))]
    for place, (heading, body) in enumerate(part for part in parts if _says_something(part[1])):
        blocks += [Heading(f"{_numeral(place + 1)}、{heading}"), *body]
    marks = [DEMO_MARK if demo else "", "" if published_at else "草稿"]
    return Paper(
        form="sheet",
        title=content.title or "未命名需求",
        dated_at=dated_at,
        blocks=tuple(blocks),
        issuer=issuer,
        head="应用场景需求书",
        number=number,
        watermark=" ".join(filter(None, marks)),
        verification=verification,
        keywords=tuple(taxonomy.INDUSTRIES[code].zh for code in content.industries),
    )


def _numeral(number: int) -> str:
    return _ORDINALS[number - 1] if number <= 10 else f"十{_ORDINALS[number - 11]}"


def _says_something(blocks: list[Block]) -> bool:
    for block in blocks:
        match block:
            case Text(text):
                if text.strip():
                    return True
            case Table(rows=rows) | Facts(rows=rows):
                if rows:
                    return True
            case Listing(items):
                if items:
                    return True
            case _:
                return True
    return False


def _facts(
    content: DemandContent, *, number: str, unit: str, version: int, deadline_at: datetime | None
) -> tuple[tuple[str, str], ...]:
    rows = [
        ("榜号", f"{number}（第{version}版）" if version > 1 else number),
        ("需求单位", unit),
        ("场景类型", taxonomy.KINDS[content.kind].zh),
        ("方向", taxonomy.DIRECTIONS[content.direction].zh if content.direction else ""),
        ("产业领域", "、".join(taxonomy.INDUSTRIES[code].zh for code in content.industries)),
        ("实施地点", content.place),
        ("资金方式", MODES[content.mode].zh if content.mode else ""),
        ("预算", _budget(content)),
        ("揭榜截止", moment_text(deadline_at) if deadline_at else ""),
    ]
    return tuple(row for row in rows if row[1])


def _budget(content: DemandContent) -> str:
    if content.budget_fen is None:
        text = money_text(None)
    else:
        text = f"{wan_yuan(content.budget_fen)}（人民币{capital(content.budget_fen)}）"
    return f"{text}\n{content.budget_note}" if content.budget_note else text


def _indicators(indicators: tuple[Indicator, ...]) -> Table:
    rows = tuple(
        (
            f"{item.name}（一票否决）" if item.veto else item.name,
            item.baseline or "—",
            _target(item),
            item.unit or "—",
            item.method,
            trimmed(item.weight),
        )
        for item in indicators
    )
    return Table(
        (
            *(Column("指标", 2), Column("基线", 1, "center"), Column("目标", 1, "center"), Column("单位", 0, "center")),
            *(Column("检验方法", 3), Column("权重", 0, "right")),
        ),
        rows,
    )


def _target(item: Indicator) -> str:
    if item.operator == "range":
        return f"{item.target}–{item.target_high}"
    return f"{taxonomy.OPERATORS[item.operator].zh} {item.target}"


def _offers(offers: tuple[Offer, ...]) -> list[Block]:
    rows = tuple(
        (taxonomy.OFFER_KINDS[item.kind].zh, item.text, item.access or "—", taxonomy.SENSITIVITIES[item.sensitivity].zh)
        for item in offers
    )
    return [Table((Column("类别"), Column("开放内容", 3), Column("使用方式", 2), Column("敏感级别")), rows)]


def _constraints(content: DemandContent) -> tuple[str, ...]:
    items = []
    if content.security_level:
        items.append(f"系统须达到网络安全等级保护第{_ORDINALS[content.security_level - 1]}级要求。")
    items.append("涉及数据出境，须依法办理评估或备案。" if content.data_export else "数据不得出境。")
    if content.site_visit:
        items.append(f"现场踏勘或路演：{content.site_visit}")
    return tuple(items)


def _money(content: DemandContent) -> tuple[tuple[str, str], ...]:
    rows = [
        ("资金来源", content.funds_source),
        ("实施周期", f"{content.period_months}个月" if content.period_months else ""),
        ("交付期限", date_text(content.deliver_by) if content.deliver_by else ""),
        ("知识产权", taxonomy.IP_OWNERSHIPS[content.ip_ownership].zh if content.ip_ownership else ""),
        ("采购项目编号", content.procurement_number),
        ("采购公告", content.procurement_url),
    ]
    return tuple(row for row in rows if row[1])


def _milestones(milestones: tuple[Milestone, ...], budget_fen: int | None) -> Table:
    rows = tuple(
        (item.name, f"签约后{item.months}个月", item.deliverable or "—", f"{trimmed(item.percent)}%")
        for item in milestones
    )
    note = "付款比例以合同价款为基数。" if budget_fen is not None else ""
    columns = (Column("节点", 2), Column("时间", 0), Column("交付物", 3), Column("付款比例", 0, "right"))
    return Table(columns, rows, note=note if rows else "")


def _conditions(content: DemandContent) -> list[Block]:
    items = []
    if content.consortium_allowed:
        items.append(f"接受联合体揭榜，成员（含牵头单位）不超过{content.consortium_max}家。")
    else:
        items.append("不接受联合体揭榜。")
    items.append(f"有效揭榜不足{content.min_bids}份的，本需求流榜。")
    if content.award_count > 1:
        items.append(f"实行赛马制，至多产生{content.award_count}家中榜单位，各自签约并按里程碑评估去留。")
    if content.two_step:
        items.append("技术标与价格标分两步开启：技术评分全部锁定后，再开启价格标。")
    if content.blind:
        items.append("实行盲评，技术标中不得出现单位名称、人员姓名等可识别身份的信息。")
    return [Text(content.conditions), Listing(tuple(items), numbered=True)]


def _scoring(content: DemandContent) -> list[Block]:
    sheet = content.score_sheet
    if not sheet.criteria:
        return []
    with_minimum = any(item.minimum is not None for item in sheet.criteria)
    rows = tuple(
        (item.name, trimmed(item.weight), CRITERION_KINDS[item.kind], _bands(item), _minimum(item.minimum))[
            : 5 if with_minimum else 4
        ]
        for item in sheet.criteria
    )
    columns = (
        *(Column("评分项", 1.4), Column("满分", 0, "right"), Column("方式", 0), Column("分档说明", 4)),
        *((Column("最低均分", 0, "right"),) if with_minimum else ()),
    )
    rule = (
        f"汇总办法：{AGGREGATES[sheet.aggregate]}。指标得分：{CREDITS[sheet.credit]}。"
        f"合格线{trimmed(sheet.pass_line)}分，低于合格线的不推荐。本办法随榜公布，公布后不作调整。"
    )
    return [Table(columns, rows), Text(rule)]


def _bands(item: Criterion) -> str:
    return "\n".join(f"{name}：{text}" for (name, _), text in zip(BAND_STARTS, item.bands, strict=False)) or "—"


def _minimum(minimum: Decimal | None) -> str:
    return "—" if minimum is None else trimmed(minimum)


def _timetable(
    clocks: Clocks,
    published_at: datetime | None,
    deadline_at: datetime | None,
    questions_close_at: datetime | None,
    provisional_note: str,
) -> list[Block]:
    def by(figure: str) -> str:
        return source(clocks.mode, figure, getattr(clocks, figure, None))

    rows = [
        ("张榜", date_text(published_at) if published_at else "", ""),
        ("提问截止", moment_text(questions_close_at) if questions_close_at else "", by("questions_close_working_days")),
        (
            "揭榜截止",
            moment_text(deadline_at) if deadline_at else "",
            f"不少于{clocks.bidding_days}日，{by('bidding_days')}",
        ),
        ("变更公告", f"距截止不足{clocks.amendment_days}日的，截止顺延", by("amendment_days")),
        ("结果公示", f"{clocks.notice_working_days}个工作日", by("notice_working_days")),
        ("异议答复", f"{OBJECTION_WORKING_DAYS}个工作日内", by("objection_working_days")),
        ("签订合同", f"定榜后{CONTRACT_DAYS}日内", by("contract_days")),
    ]
    columns = (Column("事项"), Column("时间", 2), Column("依据", 3))
    return [Table(columns, tuple(row for row in rows if row[1]), note=provisional_note)]


def _contact(content: DemandContent) -> tuple[tuple[str, str], ...]:
    phone = masked_phone(content.contact_phone) if content.contact_phone else ""
    rows = [("联系人", content.contact_name), ("电话", f"{phone}（登录后在平台提问，答复公开）" if phone else "")]
    return tuple(row for row in rows if row[1])
