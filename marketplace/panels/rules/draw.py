"""The draw: deterministic, replayable by hand with nothing but SHA-256 (product.md §4).

1. The filtered pool is written down and its hash becomes a log leaf. 2. Only then the seed is made, from the newest
checkpoint root and a number typed by the supervisor who is present, so nobody can try seeds or pools. 3. Each
candidate's lot is SHA-256(seed | expert); lots in ascending order take the seats.

The two seats out of three for outside experts are 平台规则. Substitutes are outside experts, so that whoever leaves,
the share of outside experts never falls.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

from marketplace.demands.content import fingerprint

LEAST_MEMBERS = 5
OUTSIDE_SHARE = Fraction(2, 3)
SUBSTITUTES = 3
VERSION = 1


class RedrawReason(StrEnum):
    """Why a second draw was allowed; each is listed in the review report."""

    TOO_FEW_LEFT = "too_few_left"
    POOL_WRONG = "pool_wrong"
    UPHELD_OBJECTION = "upheld_objection"
    DATE_MOVED = "date_moved"


REDRAW_LABELS: Mapping[RedrawReason, str] = {
    RedrawReason.TOO_FEW_LEFT: "候补用尽，人数不足",
    RedrawReason.POOL_WRONG: "抽取范围有误",
    RedrawReason.UPHELD_OBJECTION: "异议成立，重新评审",
    RedrawReason.DATE_MOVED: "评审改期，多数专家不能参加",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One expert in the filtered pool: an opaque id, and whether he works outside the zone."""

    expert: str
    outside: bool


@dataclass(frozen=True, slots=True)
class Pool:
    """What is drawn from, after field filter and hard blocks. ``size``: members; ``share``: least share of outside."""

    demand: str
    size: int
    candidates: tuple[Candidate, ...]
    share: Fraction = OUTSIDE_SHARE

    @property
    def outside_needed(self) -> int:
        """Least number of outside members: the share of the size, rounded up."""
        return -(-self.size * self.share.numerator // self.share.denominator)


@dataclass(frozen=True, slots=True)
class Draw:
    """Who sits, and who moves up, both in the order of their lots."""

    members: tuple[str, ...]
    substitutes: tuple[str, ...]


def pool_json(pool: Pool) -> dict[str, Any]:
    """The pool as JSON-ready data, experts in the order of their ids; no names."""
    return {
        "version": VERSION,
        "demand": pool.demand,
        "size": pool.size,
        "share": f"{pool.share.numerator}/{pool.share.denominator}",
        "substitutes": SUBSTITUTES,
        "candidates": [[one.expert, one.outside] for one in sorted(pool.candidates, key=lambda one: one.expert)],
    }


def pool_from_json(data: Mapping[str, Any]) -> Pool:
    """The inverse of ``pool_json``."""
    if (data["version"], data["substitutes"]) != (VERSION, SUBSTITUTES):
        raise ValueError("a pool of another version")
    candidates = tuple(Candidate(expert, outside) for expert, outside in data["candidates"])
    return Pool(data["demand"], data["size"], candidates, Fraction(data["share"]))


def pool_hash(pool: Pool) -> str:
    """SHA-256 of the pool's canonical JSON, lower-case hex: the leaf written before the seed exists."""
    return fingerprint(pool_json(pool))


def shortfalls(pool: Pool) -> list[str]:
    """Sentences for what keeps this pool from being drawn from; empty when it may be."""
    faults = []
    if pool.size < LEAST_MEMBERS or pool.size % 2 == 0:
        faults.append(f"专家组须为不少于{LEAST_MEMBERS}人的单数。")
    if not OUTSIDE_SHARE <= pool.share <= 1:
        faults.append("区外专家不得少于三分之二。")
    if len({one.expert for one in pool.candidates}) < len(pool.candidates):
        faults.append("抽取范围内有重复的专家。")
    outside = sum(one.outside for one in pool.candidates)
    inside = min(len(pool.candidates) - outside, pool.size - pool.outside_needed)
    needed = pool.size - inside + SUBSTITUTES
    if outside < needed:
        faults.append(f"符合条件的区外专家只有{outside}人，含{SUBSTITUTES}名候补至少需要{needed}人，请放宽领域。")
    return faults


def seed_of(*, demand: str, checkpoint_root: str, number: str) -> str:
    """SHA-256(demand | newest checkpoint root | the supervisor's number), lower-case hex."""
    return hashlib.sha256(f"{demand}|{checkpoint_root}|{number}".encode()).hexdigest()


def lot(seed: str, expert: str) -> str:
    """SHA-256(seed | expert), lower-case hex."""
    return hashlib.sha256(f"{seed}|{expert}".encode()).hexdigest()


def draw(pool: Pool, *, seed: str) -> Draw:
    """Members and substitutes for a seed, in the order of their lots. As many outside experts as substitutes are always
    left over, so that a scarce pool seats its inside members rather than run short. Raises ``ValueError`` where ``shortfalls`` has something to say."""
    if faults := shortfalls(pool):
        raise ValueError(" ".join(faults))
    outside = sum(one.outside for one in pool.candidates)
    room = {True: min(pool.size, outside - SUBSTITUTES), False: pool.size - pool.outside_needed}
    members: list[str] = []
    substitutes: list[str] = []
    for one in sorted(pool.candidates, key=lambda one: lot(seed, one.expert)):
        if len(members) < pool.size and room[one.outside]:
            members.append(one.expert)
            room[one.outside] -= 1
        elif one.outside and len(substitutes) < SUBSTITUTES:
            substitutes.append(one.expert)
    return Draw(tuple(members), tuple(substitutes))


def replay(record: Mapping[str, Any], *, pool_leaf: str, checkpoint_root: str, number: str, drawn: Draw) -> list[str]:
    """Draw again from the stored pool; sentences for every difference, empty when all agrees."""
    pool = pool_from_json(record)
    differences = []
    if pool_hash(pool) != pool_leaf:
        differences.append("抽取范围与日志中的指纹不一致。")
    again = draw(pool, seed=seed_of(demand=pool.demand, checkpoint_root=checkpoint_root, number=number))
    if again.members != drawn.members:
        differences.append("重放得到的成员与记录不一致。")
    if again.substitutes != drawn.substitutes:
        differences.append("重放得到的候补与记录不一致。")
    return differences


def elected_chair(votes: Mapping[str, str], members: Sequence[Candidate]) -> str | None:
    """The chair: an outside expert with the most votes once more than half of the members voted, else ``None``.

    ``votes``: voter → expert; ``members`` in the order of their lots, which breaks a tie. Votes by or for anyone who
    is not (or no longer) an eligible member are not counted.
    """
    eligible = {one.expert: position for position, one in enumerate(members) if one.outside}
    voters = {one.expert for one in members}
    counted = [choice for voter, choice in votes.items() if voter in voters and choice in eligible]
    if 2 * len(counted) <= len(members):
        return None
    return min(eligible, key=lambda expert: (-counted.count(expert), eligible[expert]))
