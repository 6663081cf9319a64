"""What the pages of notices and letters show, as plain data; ``language`` is ``zh`` or ``en``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from marketplace.demands.pages import word_for
from marketplace.eligibility.rules import REASONS, Reason
from marketplace.notices.models import Letter, Notice, Objection
from marketplace.notices.rules.letters import OUTCOME_SENTENCES, Outcome
from marketplace.notices.rules.notices import NoticeState, window_days
from marketplace.notices.rules.objections import OPEN, ObjectionState
from marketplace.platform.formatting import weekday
from marketplace.platform.money import wan
from marketplace.platform.working_days import Calendar, beijing_day
from marketplace.results.pages import code_label, shown
from marketplace.taxonomy import Label

STATES: Mapping[str, tuple[Label, str]] = {
    "open": (Label("公示中", "On public notice"), "solemn"),
    "over": (Label("公示期满，待定榜", "Window over, award pending"), "work"),
    "standing": (Label("已定榜", "Awarded"), "winner"),
    "revoked": (Label("已撤销", "Revoked"), "ended"),
}
OBJECTION_STATES: Mapping[ObjectionState, Label] = {
    ObjectionState.FILED: Label("已提出，待受理", "Filed"),
    ObjectionState.ACCEPTED: Label("已受理，待答复", "Accepted, to be answered"),
    ObjectionState.NOT_ACCEPTED: Label("不予受理", "Not accepted"),
    ObjectionState.UPHELD: Label("异议成立", "Upheld"),
    ObjectionState.DISMISSED: Label("异议不成立", "Dismissed"),
    ObjectionState.ESCALATED: Label("已报监督员", "Before the supervisor"),
    ObjectionState.MAINTAINED: Label("监督员维持原答复", "Answer maintained by the supervisor"),
    ObjectionState.WITHDRAWN: Label("已撤回", "Withdrawn"),
}
OUTCOMES: Mapping[Outcome, str] = {
    Outcome.PROPOSED: "You are proposed as a winner; without an open objection the award follows after the notice.",
    Outcome.CANDIDATE: "You are a candidate and move up if a proposed winner does not sign.",
    Outcome.NOT_SELECTED: "You were ranked but are not among the candidates.",
    Outcome.BELOW_LINE: "Your total is below the pass line of the score sheet.",
    Outcome.BELOW_MINIMUM: "A criterion is below the minimum of the score sheet.",
    Outcome.VETO_FAILED: "A veto indicator was not met, or most experts found it not proved by the cited page.",
    Outcome.PRICE_REFUSED: "The price is zero or invalid and cannot be scored.",
    Outcome.DISQUALIFIED: "You were disqualified during the review.",
    Outcome.INELIGIBLE: "You did not pass the eligibility check and were not reviewed.",
    Outcome.RENOUNCED: "You withdrew from the competition and were not ranked.",
    Outcome.UNOPENABLE: "Your envelopes could not be opened; you were not ranked.",
    Outcome.NO_RESULT: "This demand ended without a winner.",
}


def instant(text: str) -> datetime:
    """An instant as the log writes it."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def state_key(notice: Notice, now: datetime) -> str:
    """A key of ``STATES``; exact at every instant."""
    if notice.state is NoticeState.PUBLISHED:
        return "open" if notice.ends_at is not None and now < notice.ends_at else "over"
    return "revoked" if notice.state is NoticeState.REVOKED else "standing"


def state_of(notice: Notice, now: datetime, language: str) -> dict[str, str]:
    label, tone = STATES[state_key(notice, now)]
    return {"label": label.en if language == "en" else label.zh, "tone": tone}


def title_of(notice: Notice, language: str) -> str:
    """The title in the reader's language; the demand's own name stays as written."""
    if language != "en":
        return notice.title
    kind = "Substitute winner" if notice.place else "Proposed winner"
    return f"{kind}: {notice.demand.title}"


def days(notice: Notice, calendar: Calendar, now: datetime, language: str) -> list[dict[str, Any]]:
    """The working days of the window for components/day_strip.html."""
    assert notice.published_at is not None
    assert notice.ends_at is not None
    today = beijing_day(now)
    found = []
    for day in window_days(notice.published_at, notice.ends_at, calendar):
        state = "now" if day == today else "done" if day < today else None
        name = weekday(day, language)
        found.append({"name": name if language == "en" else name.removeprefix("周"), "on": day, "state": state})
    return found


def last_day(notice: Notice) -> Any:
    """The last day of the window: ``ends_at`` is 24:00 of it."""
    assert notice.ends_at is not None
    return beijing_day(notice.ends_at - timedelta(seconds=1))


def candidates(content: Mapping[str, Any], language: str) -> list[dict[str, Any]]:
    """For components/ranking.html."""
    word = word_for(language)
    rows = []
    for item in content["candidates"]:
        notes = []
        if item["members"]:
            notes.append(word("联合体成员：", "Consortium: ") + word("、", ", ").join(item["members"]))
        price = price_words(content, item.get("price"), language)
        if price and not content["public_scores"]:
            notes.append(price)
        if item["decided_by"] == "draw":
            notes.append(word("同分，抽签决定", "equal, decided by a witnessed draw"))
        rows.append(
            {
                "rank": item["rank"],
                "name": item["name"],
                "note": word("；", "; ").join(notes),
                "technical": item.get("technical", ""),
                "price_score": item.get("price_score", ""),
                "price_wan": _price_cell(content, item.get("price")),
                "total": item.get("total", ""),
                "winner": word("拟中榜", "Proposed") if item["proposed"] else None,
            }
        )
    return rows


def _price_cell(content: Mapping[str, Any], price: str | None) -> str:
    if price is None:
        return "—"
    return f"{price}%" if content["price_basis"] == "share" else wan(int(Decimal(price)))


def price_words(content: Mapping[str, Any], price: str | None, language: str) -> str:
    """报价286.4万元 · 让利比例12% · 申请补助额80万元."""
    word = word_for(language)
    if price is None:
        return ""
    match content["price_basis"]:
        case "share":
            return word(f"让利比例{price}%", f"share offered {price}%")
        case "subsidy":
            return word(f"申请补助额{wan(int(Decimal(price)))}万元", f"subsidy asked CNY {wan(int(Decimal(price)))}0k")
        case _:
            return word(f"报价{wan(int(Decimal(price)))}万元", f"price CNY {int(Decimal(price)) // 100:,}")


def review_facts(content: Mapping[str, Any], language: str) -> list[tuple[str, str]]:
    """评审情况: how the result came about, in words anybody can check."""
    word = word_for(language)
    facts = _panel_facts(content["panel"], word) if content["panel"] else []
    facts.append((word("标书", "Bids"), _bids_told(content["counts"], word, language)))
    if draw := content["tie_draw"]:
        told = word(
            f"现场数字{draw['number']}，检查点{draw['checkpoint']}，种子{draw['seed']}",
            f"number {draw['number']}, checkpoint {draw['checkpoint']}, seed {draw['seed']}",
        )
        facts.append((word("并列抽签", "Draw of equals"), told))
    return facts


def _panel_facts(panel: Mapping[str, Any], word: Callable[[str, str], str]) -> list[tuple[str, str]]:
    """Who reviewed, how they were drawn, who left, what was looked at again and what must be named."""
    names = word("、", ", ").join(panel["experts"])
    seated = word(
        f"{panel['size']}人，其中区外{panel['outside']}人：{names}",
        f"{panel['size']} members, {panel['outside']} from outside the zone: {names}",
    )
    drawn = word("随机抽取", "Drawn at random")
    if panel["draws"] > 1:
        drawn += word(f"，共抽取{panel['draws']}次，理由见评审报告", f"; {panel['draws']} draws, reasons in the report")
    recused = word("没有专家回避", "Nobody was recused")
    if panel["recused"]:
        recused = word(f"{panel['recused']}人回避，由候补专家替换", f"{panel['recused']} recused and replaced")
    flags = word("没有触发", "Nothing was flagged")
    if panel["flags"]:
        flags = word(
            f"{panel['flags']}项触发，更正{panel['corrected']}份，其余维持并写明理由",
            f"{panel['flags']} flagged, {panel['corrected']} corrected, the rest confirmed with reasons",
        )
    facts = [
        (word("专家组", "Panel"), seated),
        (word("抽取", "Draw"), drawn),
        (word("回避", "Recusals"), recused),
        (word("离散核对", "Dispersion check"), flags),
    ]
    if panel["overrides"] or panel["mended"]:
        told = word(
            f"准予参加{panel['overrides']}人，锁定后更正{panel['mended']}份",
            f"{panel['overrides']} admitted by override, {panel['mended']} corrections after locking",
        )
        facts.append((word("须说明", "To be named"), told))
    return facts


def _bids_told(counts: Mapping[str, Any], word: Callable[[str, str], str], language: str) -> str:
    """How many bids came how far, and the coded reasons of those that did not."""
    told = word(f"开启{counts['opened']}份", f"{counts['opened']} opened")
    for key, zh, en in (
        ("unopenable", "无法开启{}份", "{} could not be opened"),
        ("ineligible", "资格不合格{}份", "{} ineligible"),
        ("renounced", "放弃{}份", "{} withdrew"),
    ):
        if counts[key]:
            told += word("，" + zh.format(counts[key]), ", " + en.format(counts[key]))
    if reasons := counts.get("reasons"):
        told += word("；资格不合格的原因：", "; reasons: ")
        told += word("、", ", ").join(reason_words(code, language) for code in reasons)
    if out := word("、", ", ").join(code_label(code) for code in counts["disqualified"]):
        told += word(f"；取消资格：{out}", f"; disqualified: {out}")
    return told


def objection_rows(notice: Notice, language: str) -> list[dict[str, Any]]:
    """What the public reads of each objection: masked name, day, state, answer."""
    rows = []
    for item in notice.objections:
        label = OBJECTION_STATES[item.state]
        rows.append(
            {
                "who": item.masked_name
                if language != "en"
                else ("An organisation" if item.organisation else "A person"),
                "filed_at": item.filed_at,
                "state": {
                    "label": label.en if language == "en" else label.zh,
                    "tone": "alert" if item.state in OPEN else "done",
                },
                "due_at": item.answer_due_at if item.state in OPEN else None,
                "answer": item.answer,
                "final": item.final_answer,
            }
        )
    return rows


def days_left(objection: Objection, calendar: Calendar, now: datetime) -> int:
    """Working days until the answer is due; negative once it is late."""
    today, due = beijing_day(now), beijing_day(objection.answer_due_at)
    if due >= today:
        return calendar.working_days_between(today, due)
    return -calendar.working_days_between(due, today)


def letter_view(letter: Letter, language: str) -> dict[str, Any]:
    """A result letter for page and PDF."""
    content = letter.content
    outcome = Outcome(content["outcome"])
    lines = [
        {
            "name": line["name"],
            "full": shown(Decimal(line["full"])).removesuffix(".00"),
            "own": shown(Decimal(line["own"])),
            "median": shown(Decimal(line["median"])) if line["median"] is not None else "—",
            "below": line["below_minimum"],
            "comments": line["comments"],
        }
        for line in content["lines"]
    ]
    return {
        "outcome": outcome,
        "good": outcome in (Outcome.PROPOSED, Outcome.CANDIDATE),
        "sentence": OUTCOMES[outcome] if language == "en" else OUTCOME_SENTENCES[outcome],
        "reason": reason_words(content["reason_code"], language),
        "finding": content.get("finding", ""),
        "rank": content["rank"],
        "total": shown(Decimal(content["total"])) if content["total"] is not None else None,
        "median_total": shown(Decimal(content["median_total"])) if content["median_total"] is not None else None,
        "lines": lines,
        "failed": content["failed_indicators"],
        "until": instant(content["objections_until"]),
        "lapsed": content["lapsed"],
        "organisation": content["organisation"],
    }


def reason_words(code: str, language: str = "zh") -> str:
    """What a coded reason says: of the eligibility check, of a disqualification, or of an envelope."""
    if code in set(Reason):
        label = REASONS[Reason(code)]
        return label.en if language == "en" else label.zh
    return code_label(code) if code else ""
