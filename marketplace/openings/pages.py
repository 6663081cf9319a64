"""Openings as templates show them: words for the hall and the lines of the record. No request, no query."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from marketplace.demands.models import Demand
from marketplace.demands.pages import word_for
from marketplace.openings.queries import Hall, Keeper, Record
from marketplace.openings.rules import STEP_LABELS, Step
from marketplace.platform.formatting import moment_exact, money_text, time_of_day
from marketplace.platform.sealing.reasons import Reason
from marketplace.platform.sentences import spoken

SENTENCES = {reason.code: reason.sentence for reason in Reason}
FAULT = ("平台处理时出错，正在查明，修复后重新开启", "The platform failed at it and will open it again once mended")
OUTCOMES = {"opened": ("有效", "Valid"), "unopenable": ("无法开启", "Unopenable"), "blocked": ("待开启", "Waiting")}
TONES = {"opened": "work", "unopenable": "alert", "blocked": "alert"}
ENVELOPE_WORDS = {"technical": ("技术", "technical"), "price": ("报价", "price")}


def lead(demand: Demand, hall: Hall, language: str) -> str:
    """The sentence under the title: what happened, what is needed."""
    word, count = word_for(language), len(hall.keepers)
    assert demand.closes_at is not None
    at = moment_exact(demand.closes_at, language).removesuffix(".000")
    match hall.step:
        case Step.BEFORE:
            begin = word(f"{at}截止。", f"Closes {at}.")
        case Step.LAPSED:
            return word(
                "有效揭榜少于公告规定的最少份数，本需求流榜。没有开启任何标书，已提交的均已销毁，揭榜单位可凭销毁回执核验。",
                "Fewer bids than the published minimum: the demand lapsed. Nothing was opened; whatever had been sealed is "
                "destroyed, with receipts.",
            )
        case Step.WITHDRAWN:
            return word(
                "本需求已撤榜。没有开启任何标书，已提交的均已销毁。",
                "The demand was withdrawn. Nothing was opened; whatever had been sealed is destroyed.",
            )
        case Step.SUSPENDED:
            return word("本需求已暂停，恢复后截止时间顺延。", "Suspended; the deadline moves on by the pause.")
        case _:
            begin = word(f"{at}截止并固定。", f"Closed and fixed {at}.")
    if hall.software:
        return begin + word(
            "由平台软件保管人在截止后自动释放。", " The platform's software custodian releases by itself."
        )
    return begin + word(
        f"以下{count}家中任意{hall.quorum}家释放，即可开启；少于{hall.quorum}家打不开任何一份。",
        f" Any {hall.quorum} of these {count} open the bids together; fewer open nothing.",
    )


def keepers(items: list[Keeper], hall: Hall, language: str, *, over: bool) -> list[dict[str, Any]]:
    """For components/custodians.html."""
    word = word_for(language)
    waiting = (
        word("未释放，已不影响开启", "not released; no longer needed") if over else word("尚未释放", "not released yet")
    )
    if hall.step is Step.BEFORE:
        waiting = word("截止后释放", "releases after the deadline")
    shown = []
    for item in items:
        said = (
            word(f"{time_of_day(item.released_at)} 已释放", f"released {time_of_day(item.released_at)}")
            if item.released_at
            else waiting
        )
        shown.append(
            {"name": item.name, "released": item.released_at is not None, "text": said, "key": item.fingerprint[:16]}
        )
    return shown


def quorum(items: list[Keeper], hall: Hall, language: str) -> str | None:
    """The red line: how many have released and what that means."""
    word, done = word_for(language), sum(item.released_at is not None for item in items)
    if hall.step in (Step.BEFORE, Step.SUSPENDED, Step.WITHDRAWN, Step.LAPSED):
        return None
    if hall.step is Step.OPENED:
        return word(f"{done}家已释放，已开启", f"{done} released: opened")
    if done >= hall.quorum:
        return word(f"已释放{done}家，正在开启", f"{done} released: being opened")
    return word(f"已释放{done}家，还需{hall.quorum - done}家", f"{done} released, {hall.quorum - done} more needed")


def state(hall: Hall, language: str) -> str:
    label = STEP_LABELS[hall.step]
    return label.en if language == "en" else label.zh


def price_text(price: dict[str, Any] | None, language: str) -> str:
    """What is read out: total, subsidy asked for, share offered — whichever the funding mode asks."""
    if price is None:
        return ""
    word, parts = word_for(language), []
    if price["total_fen"] is not None:
        parts.append(word(f"总价{money_text(price['total_fen'])}", f"total {money_text(price['total_fen'], 'en')}"))
    if price["subsidy_fen"] is not None:
        parts.append(
            word(f"申请补助{money_text(price['subsidy_fen'])}", f"subsidy {money_text(price['subsidy_fen'], 'en')}")
        )
    if price["share_percent"] is not None:
        parts.append(word(f"让利{price['share_percent']}%", f"share {price['share_percent']} %"))
    if not parts and not price.get("asked"):
        return word("不涉及报价", "no price asked")
    return word("，", ", ").join(parts) or word("未填报价", "no price given")


def why(code: str, detail: str, language: str) -> str:
    """Why a bid could not be opened; the detail (第3件) is for those who look into it, in Chinese."""
    chinese, english = FAULT if code == "X-01" else (SENTENCES.get(code, ""), spoken(SENTENCES.get(code, "")))
    return word_for(language)(f"{chinese}（{code}{'，' + detail if detail else ''}）", f"{english} ({code})")


def record_lines(record: Record, language: str) -> list[dict[str, Any]]:
    """The lines of the record's table."""
    word, lines = word_for(language), []
    document = record.document
    for place, line in enumerate(document["bids"], start=1):
        members = line["members"]
        name = line["bidder"]
        if members:
            name += word(
                f"（联合体，{len(members) + 1}家：{'、'.join(members)}）", f" (consortium with {', '.join(members)})"
            )
        outcome = OUTCOMES[line["outcome"]]
        price = price_text(line["price"], language) if record.prices else ""
        waiting = record.two_step_waiting and line["outcome"] == "opened"
        lines.append(
            {
                "place": place,
                "bidder": name,
                "version": word(f"第{line['version']}版", f"version {line['version']}"),
                "answers": word(f"答第{line['answers_version']}版", f"answers version {line['answers_version']}"),
                "stale": line["answers_version"] < document["demand_version"],
                "sealed_at": moment_exact(datetime.fromisoformat(line["sealed_at"]), language),
                "hash": line["manifest_hash"],
                "price": word("两步开启：报价另行开启", "two-step: price later") if waiting else price or "—",
                "outcome": word(*outcome),
                "tone": TONES[line["outcome"]],
                "fine": line["outcome"] == "opened",
                "why": why(line["code"], line["detail"], language) if line["code"] else "",
            }
        )
    return lines
