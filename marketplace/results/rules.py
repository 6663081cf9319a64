"""The officer's side of a review: pace, reminders, the report's signatures, who may (product.md §4). Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from marketplace.accounts.rules import publisher, screener, supervisor, system
from marketplace.platform import policy
from marketplace.platform.policy import Actor, Need
from marketplace.scoring.rules.ranking import LATEST

RANKING_VERSION = LATEST
REASON_MIN = 5


class Cause(StrEnum):
    """Why a ranking was computed. Each is a new version; the one before stays."""

    LOCKED = "locked"
    DRAW = "draw"
    DISQUALIFIED = "disqualified"
    CORRECTED = "corrected"
    RE_REVIEW = "re_review"


CAUSE_LABELS: Mapping[Cause, str] = {
    Cause.LOCKED: "评分全部锁定",
    Cause.DRAW: "并列名次抽签",
    Cause.DISQUALIFIED: "取消资格",
    Cause.CORRECTED: "锁定后更正",
    Cause.RE_REVIEW: "重新评审",
}


class Disqualification(StrEnum):
    """Coded reasons for which a bid leaves the competition after it was admitted; the letter and the notice name it."""

    FALSE_STATEMENT = "Z-11"
    COLLUSION = "Z-12"
    UNPROMISED = "Z-13"
    CONFLICT = "Z-14"
    RENOUNCED = "Z-15"
    PRICE_UNOPENABLE = "Z-16"


DISQUALIFICATION_LABELS: Mapping[Disqualification, str] = {
    Disqualification.FALSE_STATEMENT: "承诺或证明材料不实",
    Disqualification.COLLUSION: "与其他揭榜单位串通",
    Disqualification.UNPROMISED: "容缺事项逾期未补",
    Disqualification.CONFLICT: "与需求单位或专家有应回避的关系",
    Disqualification.RENOUNCED: "揭榜单位放弃",
    Disqualification.PRICE_UNOPENABLE: "报价封套无法开启",
}


class ReportState(StrEnum):
    """``OVERTAKEN``: the ranking it reports was replaced by a later one before everybody had signed, or after."""

    SIGNING = "signing"
    SIGNED = "signed"
    OVERTAKEN = "overtaken"


REPORT_LABELS: Mapping[ReportState, str] = {
    ReportState.SIGNING: "签署中",
    ReportState.SIGNED: "已签署",
    ReportState.OVERTAKEN: "已被新的排名取代",
}


class SignRefusal(StrEnum):
    """Why a member does not sign now."""

    NOT_SEATED = "not_seated"
    CHAIR_FIRST = "chair_first"
    TWICE = "twice"
    CLOSED = "closed"


SIGN_SENTENCES: Mapping[SignRefusal, str] = {
    SignRefusal.NOT_SEATED: "只有本需求专家组现任成员可以签署报告。",
    SignRefusal.CHAIR_FIRST: "报告由组长先签，其他专家随后签署。",
    SignRefusal.TWICE: "您已经签署过这份报告。",
    SignRefusal.CLOSED: "这份报告已经签署完毕，或已被新的排名取代。",
}


def why_not_sign(
    seat: int, *, members: Collection[int], chair: int | None, signed: Collection[int], state: ReportState
) -> SignRefusal | None:
    """Who signs when: members only, the chair first, each once. Seats by id."""
    if seat not in members:
        return SignRefusal.NOT_SEATED
    if state is not ReportState.SIGNING:
        return SignRefusal.CLOSED
    if seat in signed:
        return SignRefusal.TWICE
    if seat != chair and chair not in signed:
        return SignRefusal.CHAIR_FIRST
    return None


def is_signed(members: Collection[int], signed: Iterable[int]) -> bool:
    """Every present member has signed; an empty panel has signed nothing."""
    return bool(members) and not set(members) - set(signed)


@dataclass(frozen=True, slots=True)
class Pace:
    """How far one expert is. ``done`` of ``expected`` sheets; instants of the first and the last that was finished."""

    done: int
    expected: int
    began_at: datetime | None = None
    last_at: datetime | None = None

    @property
    def left(self) -> int:
        return max(0, self.expected - self.done)

    @property
    def finished(self) -> bool:
        return self.expected > 0 and self.left == 0


def forecast(pace: Pace, *, now: datetime) -> datetime | None:
    """When this expert will be through at the pace so far; ``None`` while nothing can be said.

    Time since the last finished sheet counts, so that who has stopped moves away instead of staying in sight.
    """
    if pace.finished or pace.done == 0 or pace.began_at is None:
        return None
    spent = max(now - pace.began_at, timedelta(minutes=1))
    return now + spent / pace.done * pace.left


def panel_forecast(paces: Iterable[Pace], *, now: datetime) -> datetime | None:
    """When the last one will be through; ``None`` as soon as one cannot be told."""
    ends = [forecast(pace, now=now) for pace in paces if not pace.finished]
    if not ends or any(end is None for end in ends):
        return None
    return max(end for end in ends if end is not None)


def _is_member(actor: Actor, subject: Any, now: datetime) -> bool:
    return actor.id is not None and actor.id in subject.member_account_ids


def _not_the_screener(actor: Actor, subject: Any, now: datetime) -> bool:
    return bool(actor.id != subject.screener_id)


def _is_chair(actor: Actor, subject: Any, now: datetime) -> bool:
    return actor.id is not None and actor.id == subject.chair_account_id


def _is_locked(actor: Actor, subject: Any, now: datetime) -> bool:
    return bool(subject.is_locked)


locked = Need("sheets_locked", "评分锁定之前，任何人看不到别人的分数和排名。", _is_locked)
chair = Need("panel_chair", "只有本需求专家组的组长可以这样做。", _is_chair)
member = Need("panel_member", "只有本需求专家组现任成员可以这样做。", _is_member)
not_the_screener = Need(
    "not_the_screener", "受理过这项需求的人不能单独决定，请由另一位发榜负责人办理。", _not_the_screener
)
disqualification_proposed = policy.another("proposed_by_id", "取消资格须由一人提出、监督员确认，不能自己确认。")
office = policy.role("screener", "publisher", "supervisor", refusal="评审情况由主管部门和监督员查看。")

GRANTS = policy.declare(
    {
        "review.see": [[office], [chair]],
        "review.lock": [[screener], [publisher], [system]],
        "review.remind": [[screener], [publisher]],
        "review.call_prices": [[screener], [publisher], [system]],
        "ranking.see": [[office, locked], [member, locked]],
        "ranking.compute": [[screener], [publisher], [supervisor], [system]],
        "ranking.draw": [[supervisor]],
        "ranking.propose_disqualification": [[publisher, not_the_screener]],
        "ranking.disqualify": [[supervisor, disqualification_proposed]],
        "report.open": [[screener], [publisher]],
        "report.see": [[office, locked], [member, locked]],
        "report.sign": [[member]],
        "mend.propose": [[chair]],
        "mend.see": [[office, locked], [chair, locked]],
        "mend.decide": [[supervisor]],
        "oversight.see": [[supervisor]],
    }
)
