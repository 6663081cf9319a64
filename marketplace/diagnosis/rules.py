"""Who reads the diagnosis of a lapsed demand, and what it counts. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

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


@dataclass(frozen=True, slots=True)
class Funnel:
    """From looking to bidding. ``bids`` is ``None`` where nobody may learn the number: too few, nothing opened."""

    views: int
    follows: int
    downloads: int
    questions: int
    drafts: int
    bids: int | None

    def steps(self) -> list[tuple[str, int]]:
        """(code, number), from the widest to the narrowest."""
        known = [
            ("views", self.views),
            ("follows", self.follows),
            ("downloads", self.downloads),
            ("questions", self.questions),
            ("drafts", self.drafts),
        ]
        return known + ([("bids", self.bids)] if self.bids is not None else [])

    def narrowest(self) -> str | None:
        """The step before which most of the interest was lost, where there was enough to say so."""
        wide = [(code, number) for code, number in self.steps() if code in ("views", "follows", "drafts", "bids")]
        losses = [(after[1] / before[1], after[0]) for before, after in pairwise(wide) if before[1] >= 5]
        return min(losses)[1] if losses else None


def share(number: int, before: int) -> str:
    """ "61%" of the step before; nothing to compare with is a dash. Never more than the truth: rounded down."""
    return f"{number * 100 // before}%" if before else "—"


def advice(funnel: Funnel) -> str:
    """One sentence to start from, per place where interest was lost."""
    return {
        "follows": "看的人多、关注的少：先看标题和概要是否说清了需求，预算和条件是否让人止步。",
        "drafts": "关注的多、动手的少：多半是指标、期限或条件让企业觉得做不到，可对照提问逐条放宽或说明。",
        "bids": "开始填写的多、提交的少：看看材料要求和截止时间，准备时间可能不够。",
    }.get(funnel.narrowest() or "", "数字还少，说明不了什么。可以看看提问，再问问关注过的企业。")
