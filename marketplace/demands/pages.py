"""What the public pages of a demand show, as plain data for the templates. ``language`` is ``zh`` or ``en``; addresses
are handed in, so nothing here knows of a request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any

from marketplace import taxonomy
from marketplace.demands.clocks import MODES
from marketplace.demands.content import DemandContent
from marketplace.demands.models import Demand, DemandVersion
from marketplace.demands.rules import CUSTODY, PHASES, TONES, State
from marketplace.demands.score_sheets import AGGREGATES, CRITERION_KINDS
from marketplace.demands.validity import LABELS
from marketplace.platform.formatting import (
    beijing,
    date_table_short,
    date_text,
    masked_phone,
    moment_text,
    money_text,
)
from marketplace.platform.money import trimmed
from marketplace.taxonomy import Label

Word = Callable[[str, str], str]
SCHEDULED = Label("待公布", "Scheduled")


def word_for(language: str) -> Word:
    """``word("中文", "English")``."""
    return lambda zh, en: en if language == "en" else zh


def label(vocabulary: Mapping[str, Label], code: str, language: str) -> str:
    found = vocabulary.get(code)
    return code if found is None else (found.en if language == "en" else found.zh)


def state_of(demand: Demand, now: datetime, language: str) -> dict[str, str]:
    """``{label, tone}`` of the phase at this instant."""
    phase = demand.phase(now)
    shown = SCHEDULED if phase == "scheduled" else PHASES[phase]
    return {"label": shown.en if language == "en" else shown.zh, "tone": TONES[phase]}


def closes_word(demand: Demand, now: datetime, language: str) -> str | None:
    """What stands instead of the countdown once the deadline no longer says where the demand is."""
    return None if demand.state is State.PUBLISHED else state_of(demand, now, language)["label"]


def row(demand: Demand, now: datetime, *, url: str, language: str) -> dict[str, Any]:
    """One line of a list (components/demand_row.html)."""
    return {
        "number": demand.number or "",
        "title": demand.title,
        "url": url,
        "unit": demand.unit.display_name,
        "direction": label(taxonomy.DIRECTIONS, demand.direction, language),
        "mode": label(MODES, demand.mode, language),
        "budget_fen": demand.budget_fen,
        "closes_at": demand.closes_at,
        "word": closes_word(demand, now, language),
        "state": state_of(demand, now, language),
        "snippet": demand.summary,
    }


def page_numbers(page: int, pages: int) -> list[int]:
    """First, last, and two around the present one."""
    return sorted({1, pages, *range(max(1, page - 2), min(pages, page + 2) + 1)})


def pagination(page: int, pages: int, total: int, per_page: int, url: Callable[[int], str]) -> dict[str, Any]:
    """For components/pagination.html."""
    return {
        "page": page,
        "pages": pages,
        "total": total,
        "first": (page - 1) * per_page + 1 if total else 0,
        "last": min(page * per_page, total),
        "urls": {number: url(number) for number in page_numbers(page, pages)} if pages > 1 else {},
        "previous": url(page - 1) if page > 1 else None,
        "next": url(page + 1) if page < pages else None,
    }


STEPS: tuple[tuple[Label, tuple[Label, ...]], ...] = (
    (
        Label("立榜", "Prepare"),
        (Label("征集", "Collect"), Label("审查", "Screen"), Label("论证", "Appraise"), Label("入库", "Pool")),
    ),
    (
        Label("揭榜", "Bid"),
        (Label("张榜", "Publish"), Label("变更", "Amend"), Label("揭榜", "Bid"), Label("开启", "Open")),
    ),
    (
        Label("评定", "Decide"),
        (Label("资格", "Eligibility"), Label("评审", "Review"), Label("公示", "Notice"), Label("定榜", "Award")),
    ),
    (
        Label("挂帅", "Deliver"),
        (Label("签约", "Contract"), Label("实施", "Carry out"), Label("验收", "Accept"), Label("拨付", "Pay")),
    ),
)
# Phase → (place of the current step, what happens now, what comes next, by whom). 16: everything is done.
PLACES: dict[str, tuple[int, Label, Label, Label]] = {
    "draft": (0, Label("填报", "writing"), Label("单位审核人提交", "the unit's approver submits"), Label("需求单位", "the unit")),
    "returned": (0, Label("补正", "correcting"), Label("补正后重新提交", "submit again"), Label("需求单位", "the unit")),
    "submitted": (1, Label("形式审查", "formal check"), Label("论证", "appraisal"), Label("受理员", "the screener")),
    "appraising": (2, Label("论证", "appraisal"), Label("入库", "pooling"), Label("发榜负责人", "the publisher")),
    "pooled": (3, Label("已入库", "pooled"), Label("张榜", "publication"), Label("发榜负责人", "the publisher")),
    "scheduled": (4, Label("待公布", "scheduled"), Label("到时自动公布", "published by the clock"), Label("系统", "the system")),
    "open": (6, Label("揭榜中", "accepting bids"), Label("截止后开启", "opening after the deadline"), Label("揭榜单位", "bidders")),
    "closing": (6, Label("揭榜中，即将截止", "accepting bids, closing soon"), Label("截止后开启", "opening after the deadline"), Label("揭榜单位", "bidders")),
    "suspended": (6, Label("已暂停，不收标书", "suspended, no bids are taken"), Label("恢复或撤榜", "resumption or withdrawal"), Label("发榜负责人", "the publisher")),
    "closed": (7, Label("已截止，待开启", "closed, to be opened"), Label("开启", "opening"), Label("保管人共同释放", "the custodians together")),
    "opened": (8, Label("已开启，资格审查", "opened, eligibility check"), Label("评审", "review"), Label("受理员", "the screener")),
    "reviewing": (9, Label("评审中", "under review"), Label("公示", "public notice"), Label("评审专家", "the experts")),
    "notice": (10, Label("公示中", "public notice"), Label("期满无异议定榜", "award when no objection is open"), Label("发榜负责人", "the publisher")),
    "awarded": (12, Label("已定榜", "awarded"), Label("30日内签约", "contract within 30 days"), Label("需求单位与中榜单位", "the unit and the winner")),
}  # fmt: skip
ENDED_AT = {"withdrawn": 6, "lapsed": 7, "rejected": 2, "dropped": 0, "completed": 16}


def life(demand: Demand, now: datetime, language: str) -> dict[str, Any]:
    """The step bar: sixteen steps in four phases, the present one, what comes next and by whom."""
    word, phase = word_for(language), demand.phase(now)
    here = PLACES[phase][0] if phase in PLACES else ENDED_AT[phase]
    running = phase in PLACES
    notes, number, phases = _step_notes(demand, word), 0, []
    for name, steps in STEPS:
        drawn = []
        for step in steps:
            state = "done" if number < here else ("current" if number == here and running else None)
            note = notes.get(number, "") if running or number < here else ""
            drawn.append({"name": step.en if language == "en" else step.zh, "state": state, "note": note})
            number += 1
        states = {item["state"] for item in drawn}
        group = "current" if "current" in states else ("done" if states == {"done"} else None)
        phases.append({"name": name.en if language == "en" else name.zh, "state": group, "steps": drawn})
    shown = state_of(demand, now, language)["label"]
    result: dict[str, Any] = {"label": word(f"办理进度：{shown}", f"Progress: {shown}"), "phases": phases}
    result["now"] = {"strong": shown}
    if running:
        _, present, after, who = PLACES[phase]
        result["now"] = {"strong": present.en if language == "en" else present.zh}
        result["next"] = {"text": after.en if language == "en" else after.zh}
        result["who"] = {"text": who.en if language == "en" else who.zh}
    return result


def _step_notes(demand: Demand, word: Word) -> dict[int, str]:
    """Days below the steps: what has happened by its day, what is to come by its term."""
    days = {0: demand.created_at, 1: demand.submitted_at, 2: demand.appraising_at, 3: demand.pooled_at}
    days[4] = demand.visible_from
    if demand.content_version > 1:
        days[5] = demand.versions[-1].published_at
    notes = {place: date_table_short(at) for place, at in days.items() if at is not None}
    if demand.closes_at is not None:
        day = date_table_short(demand.closes_at)
        notes[6], notes[7] = word(f"至{day}", f"to {day}"), word(f"{day}后", f"from {day}")
    notes[12] = word("30日内", "30 days")
    return notes


def facts(demand: Demand, content: DemandContent, now: datetime, *, url: str, language: str) -> dict[str, Any]:
    """The ``demand`` of demands/show.html."""
    word = word_for(language)
    consortium = word("不接受", "Not accepted")
    if content.consortium_allowed:
        most = content.consortium_max
        consortium = word(f"允许，不超过{most}家", f"Allowed, up to {most} members")
    return {
        "number": demand.number,
        "title": demand.title or word("未命名需求", "Untitled demand"),
        "url": url,
        "version": demand.content_version or None,
        "kind": label(taxonomy.KINDS, content.kind, language),
        "lead": demand.summary,
        "state": state_of(demand, now, language),
        "unit": demand.unit.name,
        "mode": label(MODES, content.mode, language),
        "budget_fen": content.budget_fen,
        "budget_note": content.budget_note,
        "period": word(f"{content.period_months}个月", f"{content.period_months} months")
        if content.period_months
        else "",
        "consortium": consortium,
        "contact": f"{content.contact_name} {masked_phone(content.contact_phone)}" if content.contact_phone else "",
        "closes_at": demand.closes_at,
        "closes_word": closes_word(demand, now, language),
        "background": content.background,
        "goal": content.goal,
        "content": content.content,
    }


def indicators(content: DemandContent, language: str) -> dict[str, Any] | None:
    """The table of indicators with its note."""
    if not content.indicators:
        return None
    word, veto = word_for(language), sum(item.veto for item in content.indicators)
    count = len(content.indicators)
    rows = [
        {
            "name": item.name,
            "veto": item.veto,
            "baseline": item.baseline or "—",
            "operator": "" if item.operator == "range" else label(taxonomy.OPERATORS, item.operator, language),
            "target": f"{item.target}–{item.target_high}" if item.operator == "range" else item.target,
            "unit": item.unit,
            "method": item.method,
            "weight": trimmed(item.weight),
        }
        for item in content.indicators
    ]
    note = word(
        f"共{count}项，其中否决项{veto}项；权重合计100", f"{count} in all, {veto} of them vetoes; weights add up to 100"
    )
    return {"note": note, "rows": rows}


def offers(content: DemandContent, language: str) -> list[tuple[str, str, str]]:
    kinds = taxonomy.OFFER_KINDS
    return [(label(kinds, item.kind, language), item.text, item.access or "—") for item in content.offers]


def terms(demand: Demand, content: DemandContent, language: str) -> list[tuple[str, str]]:
    """What is agreed beforehand, as pairs; empty ones are left out."""
    word = word_for(language)
    industries = word("、", ", ").join(label(taxonomy.INDUSTRIES, code, language) for code in content.industries)
    races = content.award_count > 1
    awards = word(
        f"{content.award_count}家，赛马" if races else "1家，不赛马",
        f"{content.award_count}, in a race" if races else "1, no race",
    )
    holders = list(dict.fromkeys(item.organisation.display_name for item in demand.custodians))
    custody = ""
    if holders and demand.custody in CUSTODY:
        k, n = CUSTODY[demand.custody]
        custody = word("、".join(holders) + f"，{n}位中{k}位可开启", ", ".join(holders) + f"; {k} of {n} open")
    level = content.security_level
    pairs = [
        (word("方向", "Direction"), label(taxonomy.DIRECTIONS, content.direction, language)),
        (word("产业", "Industries"), industries),
        (word("实施地点", "Place"), content.place),
        (word("交付日期", "Delivery"), date_text(content.deliver_by, language) if content.deliver_by else ""),
        (word("资金来源", "Source of funds"), content.funds_source),
        (word("中榜数", "Awards"), awards),
        (word("有效揭榜", "Valid bids"), word(f"不少于{content.min_bids}家", f"at least {content.min_bids}")),
        (word("计分规则", "Aggregation"), word(AGGREGATES.get(content.score_sheet.aggregate, ""), "Trimmed mean" if content.score_sheet.aggregate == "trimmed" else "Mean")),
        (word("评审方式", "Review"), _review_ways(content, word)),
        (word("知识产权", "Intellectual property"), label(taxonomy.IP_OWNERSHIPS, content.ip_ownership, language)),
        (word("数据出境", "Data export"), word("涉及，须依法评估", "Yes, to be assessed") if content.data_export else word("不得出境", "Not allowed")),
        (word("等级保护", "Security level"), word(f"第{level}级", f"Level {level}") if level else ""),
        (word("揭榜条件", "Conditions"), content.conditions),
        (word("踏勘与路演", "Site visit"), content.site_visit),
        (word("保管单位", "Custodians"), custody),
        (word("采购项目编号", "Procurement number"), content.procurement_number),
    ]  # fmt: skip
    return [(term, value) for term, value in pairs if value]


def _review_ways(content: DemandContent, word: Word) -> str:
    ways = [word("盲评", "Blind")] if content.blind else []
    if content.two_step:
        ways.append(word("技术、报价分两步开启", "technical first, prices later"))
    return word("，", ", ").join(ways)


_KINDS_EN = {"typed": "Scored by experts", "indicator": "Computed from indicators", "price": "Computed from prices"}


def criteria(content: DemandContent, language: str) -> dict[str, Any] | None:
    rows = [
        (item.name, word_for(language)(CRITERION_KINDS[item.kind], _KINDS_EN[item.kind]), trimmed(item.weight))
        for item in content.score_sheet.criteria
    ]
    return {"rows": rows} if rows else None


def milestones(content: DemandContent, language: str) -> list[tuple[str, str, str]]:
    word = word_for(language)
    return [
        (
            item.name,
            word(f"签约后{item.months}个月", f"{item.months} months after signing"),
            f"{trimmed(item.percent)}%",
        )
        for item in content.milestones
    ]


def events(versions: Iterable[DemandVersion], language: str, *, limit: int | None = None) -> list[dict[str, Any]]:
    """The versions as a timeline, newest first, each with what changed and why."""
    word = word_for(language)
    newest = sorted(versions, key=lambda item: -item.version)[:limit]
    result = []
    for item in newest:
        changes = [change_shown(change, language) for change in item.changes]
        if item.reason:
            changes.append({"label": word("理由", "Reason"), "text": item.reason})
        result.append(
            {
                "at": item.published_at,
                "note": word(f"第{item.version}版", f"version {item.version}"),
                "what": word("张榜公布", "Published") if item.version == 1 else word("发布变更", "Amended"),
                "solemn": True,
                "changes": changes,
            }
        )
    return result


FIELDS_EN = {
    "closes_at": "Deadline",
    "title": "Title",
    "kind": "Kind",
    "direction": "Direction",
    "industries": "Industries",
    "place": "Place",
    "background": "Background",
    "goal": "Goal",
    "content": "Content",
    "indicators": "Indicators",
    "offers": "What is opened up",
    "security_level": "Protection level",
    "data_export": "Data leaves the country",
    "classified": "Classified",
    "mode": "Funding mode",
    "budget_fen": "Budget",
    "budget_note": "Note on the budget",
    "funds_source": "Source of funds",
    "period_months": "Months",
    "deliver_by": "Delivery",
    "ip_ownership": "Intellectual property",
    "conditions": "Conditions for bidders",
    "consortium_allowed": "Consortium allowed",
    "consortium_max": "Members at most",
    "award_count": "Awards",
    "min_bids": "Bids at least",
    "two_step": "Prices opened later",
    "blind": "Blind review",
    "site_visit": "Site visit",
    "milestones": "Milestones",
    "score_sheet": "Score sheet",
    "contact_name": "Contact",
    "contact_phone": "Telephone",
    "contact_email": "E-mail",
    "public_scores": "Scores are public",
    "procurement_number": "Procurement number",
    "procurement_url": "Procurement notice",
}


def change_shown(change: Mapping[str, Any], language: str) -> dict[str, Any]:
    """One stored change for components/diff.html, with the differing words marked; of a table only the rows that
    differ."""
    name = change["field"]
    zh = "揭榜截止" if name == "closes_at" else LABELS.get(name, name)
    shown = {"label": word_for(language)(zh, FIELDS_EN.get(name, zh))}
    before, after = (value_text(name, value, language) for value in _differing(change["before"], change["after"]))
    if not before or not after or name in ("closes_at", "budget_fen") or len(before) + len(after) > 6000:
        return shown | {"before": before, "after": after}
    return shown | {"parts": word_diff(before, after)}


def _differing(before: Any, after: Any) -> tuple[Any, Any]:
    """Two tables without the rows that both have; anything else as it is."""
    if not (isinstance(before, list) and isinstance(after, list)):
        return before, after
    gone, come = [row for row in before if row not in after], [row for row in after if row not in before]
    return (gone, come) if gone or come else (before, after)  # only their order changed


def value_text(name: str, value: Any, language: str) -> str:
    """A stored value as people read it: codes by their labels, rows of tables as lines."""
    word = word_for(language)
    match value:
        case None:
            return money_text(None, language) if name == "budget_fen" else ""
        case bool():
            return word("是", "Yes") if value else word("否", "No")
        case int() if name == "budget_fen":
            return money_text(value, language)
        case str() if name == "closes_at":
            return f"{beijing(datetime.fromisoformat(value)):%Y-%m-%d %H:%M}"
        case list():
            return word("；", "; ").join(value_text(name, item, language) for item in value)
        case dict():
            told = (value_text(key, item, language) for key, item in value.items() if item not in ("", None, False))
            return word("，", ", ").join(text for text in told if text)
        case _:
            return _code_label(name, str(value), language)


def _code_label(name: str, value: str, language: str) -> str:
    vocabularies: dict[str, Mapping[str, Label]] = {
        "direction": taxonomy.DIRECTIONS,
        "industries": taxonomy.INDUSTRIES,
        "kind": {**taxonomy.KINDS, **taxonomy.OFFER_KINDS},
        "mode": MODES,
        "operator": taxonomy.OPERATORS,
        "sensitivity": taxonomy.SENSITIVITIES,
        "ip_ownership": taxonomy.IP_OWNERSHIPS,
    }
    return label(vocabularies.get(name, {}), value, language)


_TOKENS = re.compile(r"[A-Za-z0-9.]+|.", re.DOTALL)


def word_diff(before: str, after: str) -> list[tuple[str, str]]:
    """``(same | del | ins, text)`` by characters, with words and figures kept whole."""
    old, new = _TOKENS.findall(before), _TOKENS.findall(after)
    parts: list[tuple[str, str]] = []
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            parts.append(("same", "".join(old[i1:i2])))
            continue
        if i2 > i1:
            parts.append(("del", "".join(old[i1:i2])))
        if j2 > j1:
            parts.append(("ins", "".join(new[j1:j2])))
    return parts


def boxes(demand: Demand, now: datetime, language: str) -> list[dict[str, str]]:
    """Boxes above the text: what a reader must know before he reads on."""
    word, found = word_for(language), []
    match demand.phase(now):
        case "suspended":
            found.append(
                (
                    word("已暂停", "Suspended"),
                    word(
                        "暂停期间不接受任何揭榜操作。恢复后截止时间相应顺延。",
                        "No bid can be written while suspended. The deadline moves on by the pause.",
                    ),
                    "alert",
                )
            )
        case "withdrawn":
            found.append(
                (
                    word("已撤榜", "Withdrawn"),
                    word(
                        "本需求已经撤榜，已提交的标书不会开启。",
                        "This demand was withdrawn; sealed bids will not be opened.",
                    ),
                    "alert",
                )
            )
        case "lapsed":
            found.append(
                (
                    word("流榜", "Lapsed"),
                    word(
                        "本需求没有产生结果，标书未予公开。可关注重新张榜的公告。",
                        "This demand ended without a result.",
                    ),
                    "info",
                )
            )
    if demand.mode == "procurement":
        found.append(
            (
                word("采购意向公开", "Procurement intention"),
                word(
                    "资金方式为政府采购的，本榜仅作采购意向公开，采购活动以法定媒体发布的公告为准。",
                    "Only the intention is announced here; the official notice on the statutory medium governs.",
                ),
                "info",
            )
        )
    return [{"title": title, "text": text, "tone": tone} for title, text, tone in found]  # fmt: skip


_LOGGED = {
    "demand.extend": Label("延期", "Extended"),
    "demand.suspend": Label("暂停", "Suspended"),
    "demand.resume": Label("恢复", "Resumed"),
    "demand.reopen": Label("重开揭榜", "Reopened for bids"),
    "demand.withdraw": Label("撤榜", "Withdrawn"),
    "demand.lapse": Label("流榜", "Lapsed"),
    "demand.open": Label("开启", "Opened"),
}


def acts_of_log(entries: Iterable[Any], language: str) -> list[dict[str, Any]]:
    """Public acts between versions, as told by the audit log's readable side: what, when, why."""
    word, result = word_for(language), []
    for entry in entries:
        if entry.kind not in _LOGGED:
            continue
        before, after = entry.facts.get("before"), entry.facts.get("closes_at")
        changes = []
        if before and after:
            change = {"field": "closes_at", "before": before, "after": after}
            changes.append(change_shown(change, language))
        if entry.facts.get("outage_from"):
            span = "—".join(
                moment_text(datetime.fromisoformat(entry.facts[end])) for end in ("outage_from", "outage_until")
            )
            changes.append({"label": word("平台中断", "Platform outage"), "text": span})
        if entry.data.get("reason"):
            changes.append({"label": word("理由", "Reason"), "text": entry.data["reason"]})
        what = label(_LOGGED, entry.kind, language)
        result.append(
            {
                "at": entry.at,
                "what": what,
                "note": word(f"审计日志第{entry.seq}号", f"log entry {entry.seq}"),
                "changes": changes,
            }
        )
    return result
