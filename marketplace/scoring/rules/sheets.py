"""One expert's sheet for one bid: what it holds, when it is complete, how it moves (product.md §4).

draft → handed in → (flagged → confirmed | corrected once, with a reason) → locked.
Zero is a score; missing is not zero.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from marketplace.accounts.rules import supervisor, system
from marketplace.demands.content import Criterion, Indicator, ScoreSheet
from marketplace.demands.score_sheets import BAND_COUNT, BAND_STARTS, band_of
from marketplace.platform import policy

COMMENT_MIN = 5  # characters without blanks of a comment or reason that must be given; 平台规则
STEP = Decimal("0.01")  # finest score that can be given


class SheetState(StrEnum):
    """Where one sheet stands."""

    DRAFT = "draft"
    HANDED_IN = "handed_in"
    FLAGGED = "flagged"
    CONFIRMED = "confirmed"
    CORRECTED = "corrected"
    LOCKED = "locked"


class SheetAction(StrEnum):
    """What happens to a sheet."""

    SAVE = "save"
    HAND_IN = "hand_in"
    FLAG = "flag"
    CONFIRM = "confirm"
    CORRECT = "correct"
    LOCK = "lock"
    MEND = "mend"


STATE_LABELS: Mapping[SheetState, str] = {
    SheetState.DRAFT: "评分中",
    SheetState.HANDED_IN: "已提交",
    SheetState.FLAGGED: "待核对",
    SheetState.CONFIRMED: "已维持",
    SheetState.CORRECTED: "已更正",
    SheetState.LOCKED: "已锁定",
}

ACTION_LABELS: Mapping[SheetAction, str] = {
    SheetAction.SAVE: "保存",
    SheetAction.HAND_IN: "提交",
    SheetAction.FLAG: "提示核对",
    SheetAction.CONFIRM: "维持",
    SheetAction.CORRECT: "更正",
    SheetAction.LOCK: "锁定",
    SheetAction.MEND: "锁定后更正",
}

_S, _A = SheetState, SheetAction
TABLE: dict[tuple[SheetState, SheetAction], SheetState] = {
    (_S.DRAFT, _A.SAVE): _S.DRAFT,
    (_S.DRAFT, _A.HAND_IN): _S.HANDED_IN,
    (_S.HANDED_IN, _A.FLAG): _S.FLAGGED,
    (_S.FLAGGED, _A.CONFIRM): _S.CONFIRMED,
    (_S.FLAGGED, _A.CORRECT): _S.CORRECTED,
    (_S.HANDED_IN, _A.LOCK): _S.LOCKED,
    (_S.CONFIRMED, _A.LOCK): _S.LOCKED,
    (_S.CORRECTED, _A.LOCK): _S.LOCKED,
    (_S.LOCKED, _A.MEND): _S.LOCKED,
}

REASONED = frozenset({_A.CONFIRM, _A.CORRECT, _A.MEND})  # a written reason comes with it (``has_words``)

own_sheet = policy.own("expert_account_id", "只能填写自己的评分表。")
seated = policy.fact("is_seated", "您不在本需求的专家组内，或已回避、弃权。")
declared = policy.fact("is_declared", "请先完成回避申报，再查看标书和评分。")
under_review = policy.fact("is_under_review", "现在不是评审阶段。")
complete = policy.fact("is_complete", "评分表还有未填的项目。")
all_handed_in = policy.fact("all_handed_in", "还有专家未提交全部评分表。")
no_flag_open = policy.fact("no_flag_open", "还有评分项等待专家核对。")
unannounced = policy.fact("is_unannounced", "结果已公示，请通过异议程序处理。")
chair = policy.own("chair_account_id", "只有专家组组长可以提出更正。")
proposed_by_chair = policy.another("mend_proposed_by_id", "锁定后的更正由组长提出、监督员会签，须是两个人。")
_mine = [own_sheet, seated, declared, under_review]

GRANTS = policy.declare(
    {
        "sheet.see": [[own_sheet, seated, declared]],
        "sheet.save": [_mine],
        "sheet.hand_in": [[*_mine, complete]],
        "sheet.flag": [[system, all_handed_in]],
        "sheet.confirm": [_mine],
        "sheet.correct": [[*_mine, complete]],
        "sheet.lock": [[system, all_handed_in, no_flag_open]],
        "sheet.propose_mend": [[chair, seated, unannounced]],
        "sheet.mend": [[supervisor, proposed_by_chair, unannounced]],
    }
)


class MendReason(StrEnum):
    """The only errors that may be mended after locking (政府采购法实施条例 §44 forbids any other second review)."""

    ARITHMETIC = "arithmetic"
    OUT_OF_RANGE = "out_of_range"
    OBJECTIVE = "objective"
    ELIGIBILITY = "eligibility"


MEND_LABELS: Mapping[MendReason, str] = {
    MendReason.ARITHMETIC: "汇总计算有误",
    MendReason.OUT_OF_RANGE: "分值超出评分标准范围",
    MendReason.OBJECTIVE: "客观评审因素评分不一致",
    MendReason.ELIGIBILITY: "资格审查结果更正",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """What an expert has put on one sheet. An absent key, or ``None`` for a tick, is missing; it is never zero.

    ``scores`` and ``comments`` by criterion key; ``proofs`` one tick per indicator: proved by the cited page?
    """

    scores: Mapping[str, Decimal] = field(default_factory=dict)
    comments: Mapping[str, str] = field(default_factory=dict)
    proofs: tuple[bool | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that keeps a sheet from being handed in: where (criterion key, or ``proof-n``) and the sentence."""

    place: str
    sentence: str


def typed(sheet: ScoreSheet) -> tuple[Criterion, ...]:
    """The criteria experts score themselves, in the sheet's order."""
    return tuple(item for item in sheet.criteria if item.kind == "typed")


def score_error(score: Decimal, criterion: Criterion) -> str | None:
    """Why this score cannot be given, or ``None``."""
    if not score.is_finite() or not 0 <= score <= criterion.weight:
        return f"“{criterion.name}”须在0到{format(criterion.weight.normalize(), 'f')}之间。"
    if score != score.quantize(STEP):
        return f"“{criterion.name}”最多两位小数。"
    return None


def comment_required(score: Decimal, weight: Decimal) -> bool:
    """Outside the middle bands (中, 良), so in 差 and 优, the score needs a comment."""
    return band_of(score, weight) in (0, BAND_COUNT - 1)


def has_words(text: str) -> bool:
    """Whether a comment or reason says something: ``COMMENT_MIN`` characters besides blanks."""
    return len("".join(text.split())) >= COMMENT_MIN


def gaps(sheet: ScoreSheet, indicators: Collection[Indicator], entry: Entry) -> tuple[Gap, ...]:
    """Everything still missing or wrong on a sheet, in the order of the page; empty when it may be handed in."""
    found = []
    ticks = (*entry.proofs, *[None] * len(indicators))
    for position, (indicator, tick) in enumerate(zip(indicators, ticks, strict=False), start=1):
        if tick is None:
            found.append(Gap(f"proof-{position}", f"指标“{indicator.name}”尚未核对证据。"))
    for criterion in typed(sheet):
        score = entry.scores.get(criterion.key)
        if score is None:
            found.append(Gap(criterion.key, f"“{criterion.name}”尚未打分。"))
        elif fault := score_error(score, criterion):
            found.append(Gap(criterion.key, fault))
        elif comment_required(score, criterion.weight) and not has_words(entry.comments.get(criterion.key, "")):
            band = BAND_STARTS[band_of(score, criterion.weight)][0]
            found.append(Gap(criterion.key, f"“{criterion.name}”评在“{band}”一档，须写明理由。"))
    return tuple(found)


def changed_elsewhere(before: Entry, after: Entry, flagged: Collection[str]) -> tuple[str, ...]:
    """Places a correction touched although it was not asked to: criterion keys, or ``proofs``."""
    keys = {*before.scores, *after.scores, *before.comments, *after.comments} - set(flagged)
    touched = [
        key
        for key in keys
        if before.scores.get(key) != after.scores.get(key)
        or before.comments.get(key, "") != after.comments.get(key, "")
    ]
    return tuple(sorted(touched)) + (("proofs",) if before.proofs != after.proofs else ())


def expected(experts: Iterable[str], bids: Iterable[str]) -> frozenset[tuple[str, str]]:
    """Every (expert, bid): each counted member scores each eligible bid."""
    bids = tuple(bids)
    return frozenset((expert, bid) for expert in experts for bid in bids)


def missing(wanted: Iterable[tuple[str, str]], done: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """expected − done, sorted, so that a page can name who is missing."""
    return tuple(sorted(frozenset(wanted) - frozenset(done)))


def may_close(wanted: Collection[tuple[str, str]], done: Iterable[tuple[str, str]]) -> bool:
    """A phase closes only when something was expected and nothing of it is missing."""
    return bool(wanted) and not missing(wanted, done)
