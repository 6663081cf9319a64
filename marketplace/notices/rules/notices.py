"""The public notice 公示: who is proposed, how long, when it may stand (product.md §2.1, §2.3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from marketplace.accounts.rules import publisher, screener, supervisor, system
from marketplace.platform import policy
from marketplace.platform.policy import Actor, Need, role, signed_in
from marketplace.platform.working_days import Calendar, beijing_day
from marketplace.scoring.rules.record import Ranking

CANDIDATES_PER_AWARD = 3


class NoticeState(StrEnum):
    """``STANDING``: the window is over and the result was confirmed. ``REVOKED``: a re-review or void followed."""

    PROPOSED = "proposed"
    PUBLISHED = "published"
    STANDING = "standing"
    REVOKED = "revoked"
    DROPPED = "dropped"


class NoticeAction(StrEnum):
    PUBLISH = "publish"
    DROP = "drop"
    STAND = "stand"
    REVOKE = "revoke"


STATE_LABELS: dict[NoticeState, str] = {
    NoticeState.PROPOSED: "待确认发布",
    NoticeState.PUBLISHED: "公示中",
    NoticeState.STANDING: "已定榜",
    NoticeState.REVOKED: "已撤销",
    NoticeState.DROPPED: "未发布",
}

ACTION_LABELS: dict[NoticeAction, str] = {
    NoticeAction.PUBLISH: "确认发布公示",
    NoticeAction.DROP: "退回不发布",
    NoticeAction.STAND: "公示期满，定榜",
    NoticeAction.REVOKE: "撤销公示",
}

_S, _A = NoticeState, NoticeAction
TABLE: dict[tuple[NoticeState, NoticeAction], NoticeState] = {
    (_S.PROPOSED, _A.PUBLISH): _S.PUBLISHED,
    (_S.PROPOSED, _A.DROP): _S.DROPPED,
    (_S.PUBLISHED, _A.STAND): _S.STANDING,
    (_S.PUBLISHED, _A.REVOKE): _S.REVOKED,
    (_S.STANDING, _A.REVOKE): _S.REVOKED,
}

REASONED = frozenset({_A.DROP, _A.REVOKE})


def _window_over(actor: Actor, subject: Any, now: datetime) -> bool:
    return subject.ends_at is not None and bool(now >= subject.ends_at)


def _not_the_screener(actor: Actor, subject: Any, now: datetime) -> bool:
    return bool(actor.id != subject.screened_by_id)


bids_for_a_firm = role("bidder", "org_admin", refusal="结果通知书发给揭榜单位的成员。")
proposed_by_another = policy.another("proposed_by_id", "公示须由一人提出、另一人确认，不能自己确认。")
not_the_screener = Need(
    "not_the_screener", "受理过这项需求的人不能单独决定，请由另一位发榜负责人办理。", _not_the_screener
)
report_signed = policy.fact("report_is_signed", "评审报告尚未签署完毕。")
decided = policy.fact("ranking_is_decided", "还有并列名次等待抽签。")
window_over = Need("window_over", "公示期未满。", _window_over)
nothing_open = policy.fact("has_no_open_objection", "还有异议未答复，暂不能定榜。")
award_proposed = policy.another("award_proposed_by_id", "定榜须由一人提出、另一人确认。")
cause = policy.fact("has_cause_to_revoke", "没有成立的异议或更正，不能撤销公示。")
uncontracted = policy.fact("has_no_contract", "已有中榜项目签约，不能撤销公示。")

GRANTS = policy.declare(
    {
        "notice.propose": [[publisher, not_the_screener, report_signed, decided]],
        "notice.publish": [
            [publisher, proposed_by_another, report_signed],
            [supervisor, proposed_by_another, report_signed],
        ],
        "notice.drop": [[publisher, proposed_by_another], [supervisor, proposed_by_another]],
        "notice.propose_award": [[publisher, not_the_screener, window_over, nothing_open]],
        "notice.stand": [
            [publisher, award_proposed, window_over, nothing_open],
            [supervisor, award_proposed, window_over, nothing_open],
        ],
        "notice.desk": [[screener], [publisher], [supervisor]],  # which, is queries.office_listing
        "letter.see": [[signed_in]],  # whose, is queries.find_letter
        "letter.mine": [[bids_for_a_firm]],
        "notice.revoke": [[supervisor, cause, uncontracted], [system, cause, uncontracted]],
    }
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A ranked bid in the notice; ``proposed``: among the first as many as there are awards."""

    bid: str
    rank: int
    proposed: bool


def candidates(ranking: Ranking, *, awards: int) -> tuple[Candidate, ...]:
    """Up to three ranked candidates per award. Raises while a tie waits for its draw."""
    if ranking.undecided:
        raise ValueError("a tie is not decided")
    lines = ranking.ranked[: CANDIDATES_PER_AWARD * awards]
    return tuple(Candidate(line.bid, place, place <= awards) for place, line in enumerate(lines, start=1))


def window_days(published_at: datetime, ends_at: datetime, calendar: Calendar) -> tuple[date, ...]:
    """The working days on which objections are taken: those after the day of publication, Beijing days.

    ``ends_at`` is exclusive (24:00 of the last day), as ``demands.clocks.notice_ends_at`` gives it.
    """
    first, last = beijing_day(published_at), beijing_day(ends_at - timedelta(microseconds=1))
    days = (first + timedelta(days=number) for number in range(1, (last - first).days + 1))
    return tuple(day for day in days if calendar.is_working_day(day))
