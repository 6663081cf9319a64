"""A sheet's states, completeness and who is missing."""

from datetime import UTC, datetime
from decimal import Decimal as D
from itertools import product
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.demands.content import Indicator
from marketplace.demands.score_sheets import default_sheet
from marketplace.platform import policy
from marketplace.platform.policy import SYSTEM, Actor
from marketplace.scoring.rules import sheets
from marketplace.scoring.rules.sheets import Entry, SheetAction, SheetState

SHEET = default_sheet("living", "enterprise")
INDICATORS = (Indicator(name="准确率"), Indicator(name="时延"))
MIDDLE = {item.key: item.weight * D("0.8") for item in sheets.typed(SHEET)}
FULL = Entry(scores=MIDDLE, proofs=(True, False))

ALLOWED = {
    ("draft", "save", "draft"),
    ("draft", "hand_in", "handed_in"),
    ("handed_in", "flag", "flagged"),
    ("flagged", "confirm", "confirmed"),
    ("flagged", "correct", "corrected"),
    ("handed_in", "lock", "locked"),
    ("confirmed", "lock", "locked"),
    ("corrected", "lock", "locked"),
    ("locked", "mend", "locked"),
}


@pytest.mark.parametrize(("state", "action"), list(product(SheetState, SheetAction)))
def test_every_state_and_action(state: SheetState, action: SheetAction) -> None:
    target = sheets.TABLE.get((state, action))
    assert ((state, action, target) in ALLOWED) if target else all((state, action) != row[:2] for row in ALLOWED)


def test_every_action_has_a_grant_and_every_word_a_label() -> None:
    assert set(sheets.GRANTS) == {f"sheet.{action}" for action in SheetAction} | {"sheet.see", "sheet.propose_mend"}
    assert set(sheets.ACTION_LABELS) == set(SheetAction)
    assert set(sheets.STATE_LABELS) == set(SheetState)


NOW = datetime(2026, 11, 23, tzinfo=UTC)
ZHOU, CHAIR = Actor(id=3, roles=frozenset({("expert", 8)})), Actor(id=5, roles=frozenset({("expert", 8)}))
CHEN, LI = Actor(id=2, roles=frozenset({("supervisor", 9)})), Actor(id=1, roles=frozenset({("publisher", 9)}))
CAST = {"expert": ZHOU, "chair": CHAIR, "supervisor": CHEN, "publisher": LI, "system": SYSTEM, "visitor": Actor()}
READY = SimpleNamespace(
    expert_account_id=3,
    is_seated=True,
    is_declared=True,
    is_under_review=True,
    is_complete=True,
    all_handed_in=True,
    no_flag_open=True,
    is_unannounced=True,
    chair_account_id=5,
    mend_proposed_by_id=5,
)
WHO_MAY = {
    "sheet.see": "expert",
    "sheet.save": "expert",
    "sheet.hand_in": "expert",
    "sheet.flag": "system",
    "sheet.confirm": "expert",
    "sheet.correct": "expert",
    "sheet.lock": "system",
    "sheet.propose_mend": "chair",
    "sheet.mend": "supervisor",
}


@pytest.mark.parametrize("who", CAST)
@pytest.mark.parametrize("permission", WHO_MAY)
def test_who_may_do_what_when_everything_else_is_ready(permission: str, who: str) -> None:
    assert (policy.why_not(permission, CAST[who], READY, NOW) is None) is (who == WHO_MAY[permission])


@pytest.mark.parametrize(
    ("permission", "actor", "change", "sentence"),
    [
        ("sheet.save", ZHOU, {"is_seated": False}, "您不在本需求的专家组内，或已回避、弃权。"),
        ("sheet.see", ZHOU, {"is_declared": False}, "请先完成回避申报，再查看标书和评分。"),
        ("sheet.hand_in", ZHOU, {"is_complete": False}, "评分表还有未填的项目。"),
        ("sheet.lock", SYSTEM, {"all_handed_in": False}, "还有专家未提交全部评分表。"),
        ("sheet.lock", SYSTEM, {"no_flag_open": False}, "还有评分项等待专家核对。"),
        ("sheet.mend", CHEN, {"mend_proposed_by_id": None}, "锁定后的更正由组长提出、监督员会签，须是两个人。"),
        ("sheet.mend", CHEN, {"is_unannounced": False}, "结果已公示，请通过异议程序处理。"),
    ],
)
def test_the_reason_is_told(permission: str, actor: Actor, change: dict[str, object], sentence: str) -> None:
    assert policy.why_not(permission, actor, SimpleNamespace(**{**vars(READY), **change}), NOW) == sentence


def test_a_full_sheet_has_no_gaps() -> None:
    assert sheets.gaps(SHEET, INDICATORS, FULL) == ()


def test_an_empty_sheet_names_everything_in_the_order_of_the_page() -> None:
    places = [gap.place for gap in sheets.gaps(SHEET, INDICATORS, Entry())]
    assert places == ["proof-1", "proof-2", "plan", "innovation", "team", "safety", "operation"]


def test_zero_is_a_score_and_missing_is_not_zero() -> None:
    zero = Entry({**MIDDLE, "team": D(0)}, {"team": "没有列出任何人员"}, FULL.proofs)
    assert sheets.gaps(SHEET, INDICATORS, zero) == ()
    without = {key: score for key, score in MIDDLE.items() if key != "team"}
    assert [gap.sentence for gap in sheets.gaps(SHEET, INDICATORS, Entry(without, {}, FULL.proofs))] == [
        "“团队”尚未打分。"
    ]


@pytest.mark.parametrize(
    ("score", "sentence"),
    [
        ("-0.01", "“团队”须在0到10之间。"),
        ("10.01", "“团队”须在0到10之间。"),
        ("NaN", "“团队”须在0到10之间。"),
        ("Infinity", "“团队”须在0到10之间。"),
        ("1E+40", "“团队”须在0到10之间。"),
        ("7.125", "“团队”最多两位小数。"),
        ("5.99", "“团队”评在“差”一档，须写明理由。"),
        ("9", "“团队”评在“优”一档，须写明理由。"),
    ],
)
def test_scores_that_stop_a_sheet(score: str, sentence: str) -> None:
    entry = Entry({**MIDDLE, "team": D(score)}, {"team": " 好 "}, FULL.proofs)
    assert [gap.sentence for gap in sheets.gaps(SHEET, INDICATORS, entry)] == [sentence]


@given(st.decimals(min_value=0, max_value=20, places=2))
def test_comments_are_required_exactly_outside_the_middle_bands(score: D) -> None:
    assert sheets.comment_required(score, D(20)) is not (D(12) <= score < D(18))


def test_a_correction_touches_only_what_was_flagged() -> None:
    after = Entry({**MIDDLE, "team": D(7)}, {"team": "人数已核对"}, FULL.proofs)
    assert sheets.changed_elsewhere(FULL, after, {"team"}) == ()
    assert sheets.changed_elsewhere(FULL, after, {"plan"}) == ("team",)
    assert sheets.changed_elsewhere(FULL, Entry(MIDDLE, {}, (True, True)), {"team"}) == ("proofs",)
    assert sheets.changed_elsewhere(FULL, Entry({}, {}, FULL.proofs), set(MIDDLE)) == ()


ids = st.sampled_from("abcdefg")


@given(st.frozensets(ids), st.frozensets(ids), st.frozensets(st.tuples(ids, ids)))
def test_a_phase_closes_only_when_nothing_expected_is_missing(
    experts: frozenset[str], bids: frozenset[str], done: frozenset[tuple[str, str]]
) -> None:
    wanted = sheets.expected(experts, bids)
    assert len(wanted) == len(experts) * len(bids)
    closes = sheets.may_close(wanted, done)
    assert closes is (bool(wanted) and wanted <= done)
    assert set(sheets.missing(wanted, done)) == wanted - done
    assert not sheets.may_close(frozenset(), done)
