"""Who reads the diagnosis of a lapsed demand, and what it counts. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from marketplace.accounts.rules import Role, publisher, supervisor
from marketplace.demands.rules import State
from marketplace.platform import policy
from marketplace.platform.policy import Need

of_unit = Need(
    "of_unit",
    "流榜诊断只给需求单位、发榜负责人和监督员看。",
    lambda actor, demand, now: actor.has(Role.DRAFTER, Role.APPROVER, at=demand.unit_id),
)
has_lapsed = Need(
    "has_lapsed",
    "需求流榜之后才有诊断；之前任何人都看不到这些数字。",
    lambda actor, demand, now: demand.state is State.LAPSED,
)

GRANTS = policy.declare({"diagnosis.see": [[of_unit, has_lapsed], [publisher, has_lapsed], [supervisor, has_lapsed]]})


LOOKS_A_FIRM = 10
"""平台规则: a firm that is interested looks about so often; only then do looks say anything about firms."""
LOOKS_LEAST, FIRMS_LEAST = 5, 3
"""平台规则: with fewer than so many before a step, nothing is said about what was lost at it."""


@dataclass(frozen=True, slots=True)
class Funnel:
    """From looking to bidding. Looks and downloads are counted as often as they happened, everything else in firms.

    ``interested``: firms that followed, asked or began to write; each later figure is a part of them. ``bids`` is
    ``None`` where nobody may learn the number: too few, nothing opened.
    """

    views: int
    follows: int
    downloads: int
    questions: int
    drafts: int
    bids: int | None
    interested: int

    def steps(self) -> list[tuple[str, int, bool]]:
        """(code, number, whether it counts firms), in the order in which a firm comes closer."""
        known = [
            ("views", self.views, False),
            ("follows", self.follows, True),
            ("downloads", self.downloads, False),
            ("questions", self.questions, True),
            ("drafts", self.drafts, True),
        ]
        return known + ([("bids", self.bids, True)] if self.bids is not None else [])

    def narrowest(self) -> str | None:
        """The step at which most of the interest was lost, where there was enough to say so."""
        left = list[tuple[float, str]]()
        if self.views >= LOOKS_LEAST:
            left.append((min(1.0, self.interested * LOOKS_A_FIRM / self.views), "follows"))
        if self.interested >= FIRMS_LEAST:
            left.append((self.drafts / self.interested, "drafts"))
        if self.drafts >= FIRMS_LEAST and self.bids is not None:
            left.append((self.bids / self.drafts, "bids"))
        worst = min(left, default=None)
        return worst[1] if worst is not None and worst[0] < 1 else None


def share(number: int, whole: int) -> str:
    """ "61%" of the whole it is a part of; of nothing a dash. Never more than the truth: rounded down."""
    return f"{number * 100 // whole}%" if whole else "—"


def advice(funnel: Funnel) -> str:
    """One sentence to start from, per place where interest was lost."""
    return {
        "follows": "看的人多、有意向的少：先看标题和概要是否说清了需求，预算和条件是否让人止步。",
        "drafts": "有意向的多、动手的少：多半是指标、期限或条件让企业觉得做不到，可对照提问逐条放宽或说明。",
        "bids": "开始填写的多、提交的少：看看材料要求和截止时间，准备时间可能不够。",
    }.get(funnel.narrowest() or "", "数字还少，说明不了什么。可以看看提问，再问问关注过的企业。")
