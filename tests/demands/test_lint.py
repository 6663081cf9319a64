"""The lint: wordings that must be flagged, wordings that must not, arithmetic, calendar and score."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.demands.clocks import FLOORS
from marketplace.demands.content import DemandContent, Indicator, Milestone, Offer
from marketplace.demands.lint import ADVICE, BLOCKING, PARTS, PASSED, Dates, Finding, lint
from marketplace.demands.score_sheets import default_sheet
from marketplace.platform.working_days import seeded
from marketplace.taxonomy import DIRECTIONS
from tests.demands.lint_sentences import CLEAN, FLAGGED, STORY_CLEAN

GOOD = DemandContent(
    title="二次供水泵房无人值守改造",
    direction="building",
    industries=("iot",),
    place="高新区枫杨办事处",
    background="辖区四十座二次供水泵房由三个班组轮流巡检，停机多由居民来电才被发现。" * 4,
    goal="把停机发现时间从平均九十分钟缩短到五分钟以内，巡检人次减少一半，水质数据每十分钟公开一次。" * 2,
    content="改造四十座泵房的传感与控制，接入现有水务平台，完成三个月试运行，交付数据接口与运维手册。" * 3,
    indicators=(
        Indicator("停机发现时间", "90", "<=", "5", "", "分钟", "断电模拟20次，取最长一次", True, Decimal(60)),
        Indicator("巡检人次", "1200", "<=", "600", "", "人次/年", "调取巡检台账，连续90天", False, Decimal(40)),
    ),
    offers=(Offer("site", "四十座泵房", "预约后进入", "internal"),),
    mode="procurement",
    budget_fen=120_000_000,
    funds_source="区财政年度预算",
    period_months=6,
    deliver_by=date(2026, 12, 31),
    ip_ownership="shared",
    conditions="具有独立承担民事责任的能力；故障2小时内到场处置，不问注册在哪里。",
    min_bids=3,
    milestones=(
        Milestone("样板泵房", 2, Decimal(40), "两座泵房验收记录"),
        Milestone("全部完成", 6, Decimal(60), "验收报告与接口文档"),
    ),
    score_sheet=default_sheet("building", "procurement"),
    contact_name="王某",
    contact_phone="13800000000",
    procurement_number="ZZGX-CG-2026-001",
)
DATES = Dates(FLOORS["procurement"], seeded(), datetime(2026, 4, 1, 2, 0, tzinfo=UTC))
FAIR = {
    "local_only", "branch", "chosen_subsidy", "named_brand", "named_patent", "one_product", "local_record", "ownership",
    "unrelated", "past_sales", "honours", "classified_words",
}  # fmt: skip


def codes(content: DemandContent, dates: Dates | None = None) -> set[str]:
    return {item.code for item in lint(content, dates=dates).findings if item.severity != PASSED}


def only(content: DemandContent, code: str, dates: Dates | None = None) -> Finding:
    found = [item for item in lint(content, dates=dates).findings if item.code == code]
    assert len(found) == 1
    return found[0]


# --- a demand in order ---------------------------------------------------------------------------------------------


def test_a_good_demand_has_nothing_against_it_and_full_marks() -> None:
    result = lint(GOOD, dates=DATES)
    assert (result.blocking, result.advice, result.score) == ((), (), 100)
    assert {item.code for item in result.passed} == {f"{name}.passed" for name in PARTS} | {"calendar.passed"}


def test_an_empty_demand_is_told_what_to_write_and_scores_low() -> None:
    result = lint(DemandContent())
    assert {"title", "background", "mode", "indicators", "milestones"} <= {item.code for item in result.blocking}
    assert result.score <= 50
    assert result.parts["complete"] == (0, 25)


def test_the_score_is_the_sum_of_its_parts() -> None:
    for content in (GOOD, DemandContent(), replace(GOOD, conditions="仅限本地企业揭榜。国企优先。")):
        result = lint(content)
        assert result.score == sum(points for points, _ in result.parts.values())
        assert sum(worth for _, worth in result.parts.values()) == 100


# --- words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sentence", "code"), FLAGGED)
def test_a_doubtful_condition_is_flagged_with_its_article(sentence: str, code: str) -> None:
    found = [item for item in lint(replace(GOOD, conditions=sentence)).findings if item.code == code]
    assert found, sentence
    first = found[0]
    assert first.field == "conditions"
    assert sentence[first.start : first.end] == first.quote != ""
    assert "可能涉及" in first.message
    assert first.article
    assert first.suggestion


@pytest.mark.parametrize("sentence", CLEAN)
@pytest.mark.parametrize("field", ["conditions", "content"])
def test_an_innocent_sentence_is_left_alone(sentence: str, field: str) -> None:
    assert codes(replace(GOOD, **{field: getattr(GOOD, field) + sentence})) & FAIR == set()


@pytest.mark.parametrize("sentence", STORY_CLEAN)
def test_a_story_may_speak_of_local_firms(sentence: str) -> None:
    assert codes(replace(GOOD, background=GOOD.background + sentence)) & FAIR == set()


@pytest.mark.parametrize(
    ("sentence", "code"),
    [
        ("揭榜单位须为本市企业。", "local_only"),
        ("优先选用本地企业。", "local_only"),
        ("中榜单位须在本市设立分公司。", "branch"),
        ("摄像机须采用海康威视品牌。", "named_brand"),
        ("供应商注册资本不低于500万元。", "unrelated"),
        ("揭榜单位须具有类似项目业绩。", "past_sales"),
    ],
)
def test_conditions_hidden_in_the_content_are_found(sentence: str, code: str) -> None:
    assert only(replace(GOOD, content=GOOD.content + sentence), code).field == "content"


def test_the_default_score_sheets_are_clean() -> None:
    for direction in DIRECTIONS:
        for mode in FLOORS:
            content = replace(GOOD, direction=direction, mode=mode, score_sheet=default_sheet(direction, mode))
            assert codes(content) & FAIR == set()


def test_a_score_line_may_not_favour_local_firms() -> None:
    sheet = GOOD.score_sheet
    line = replace(sheet.criteria[1], name="本地企业加分")
    content = replace(GOOD, score_sheet=replace(sheet, criteria=(sheet.criteria[0], line, *sheet.criteria[2:])))
    assert only(content, "local_only").field == "score_sheet-criteria-1-name"


def test_an_enterprise_spending_its_own_money_is_only_advised() -> None:
    sheet = default_sheet("building", "enterprise")
    content = replace(GOOD, mode="enterprise", score_sheet=sheet, conditions="仅限国有企业揭榜。")
    assert only(content, "ownership").severity == ADVICE
    assert only(replace(GOOD, conditions="仅限国有企业揭榜。"), "ownership").severity == BLOCKING


def test_the_quote_counts_in_the_text_as_typed() -> None:
    text = "一、资格。\n二、揭榜单位须为　本市 企业；三、其他。"
    found = only(replace(GOOD, conditions=text), "local_only")
    assert text[found.start : found.end] == found.quote == "须为　本市 企业"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("显著提升巡检效率。", {"vague"}),
        ("技术水平国内领先。", {"vague"}),
        ("尽快完成改造。", {"vague"}),
        ("显著降低能耗，降幅不低于30%。", set()),
        ("巡检人次大幅减少50%以上。", set()),
        ("采用高效液相色谱检测。", set()),
        ("由90分钟缩短到5分钟。", set()),
    ],
)
def test_vague_words_without_a_figure(text: str, expected: set[str]) -> None:
    content = replace(GOOD, goal="把停机发现时间从九十分钟缩短到五分钟，巡检人次减半并公开水质数据。" * 2 + "\n" + text)
    assert codes(content) == expected


# --- structure -----------------------------------------------------------------------------------------------------


def with_indicator(**changes: object) -> DemandContent:
    return replace(GOOD, indicators=(replace(GOOD.indicators[0], **changes), GOOD.indicators[1]))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"name": " "}, "indicators.name", "indicators-0-name"),
        ({"baseline": ""}, "indicators.baseline", "indicators-0-baseline"),
        ({"target": ""}, "indicators.target", "indicators-0-target"),
        ({"unit": ""}, "indicators.unit", "indicators-0-unit"),
        ({"method": ""}, "indicators.method", "indicators-0-method"),
        ({"method": "测试"}, "indicators.method_short", "indicators-0-method"),
        ({"target": "很快", "unit": "分钟"}, "indicators.target_words", "indicators-0-target"),
        ({"baseline": "3"}, "indicators.target_worse", "indicators-0-target"),
        ({"operator": "range", "target_high": ""}, "indicators.target_high", "indicators-0-target_high"),
        ({"operator": "range", "target_high": "4"}, "indicators.range", "indicators-0-target_high"),
    ],
)
def test_each_indicator_needs_all_its_parts(changes: dict[str, object], code: str, field: str) -> None:
    assert only(with_indicator(**changes), code).field == field


@pytest.mark.parametrize(
    "changes",
    [
        {"baseline": "无"},
        {"target": "5%", "unit": ""},
        {"operator": "=", "target": "通过三级测评", "unit": ""},
        {"operator": "range", "target": "18", "target_high": "26"},
        {"baseline": "约90", "target": "±5"},
    ],
)
def test_answers_of_other_kinds_are_accepted(changes: dict[str, object]) -> None:
    assert codes(with_indicator(**changes)) == set()


@pytest.mark.parametrize("weight", [Decimal(50), Decimal("60.1")])
def test_indicator_weights_sum_to_exactly_100(weight: Decimal) -> None:
    assert codes(with_indicator(weight=weight)) == {"indicators"}


def test_accuracy_alone_invites_false_alarms() -> None:
    assert codes(with_indicator(name="识别准确率", operator=">=", baseline="71", target="95", unit="%")) == {
        "indicators.one_sided"
    }


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"milestones": GOOD.milestones[:1]}, "milestones"),
        ({"milestones": (GOOD.milestones[0], replace(GOOD.milestones[1], percent=Decimal("59.99")))}, "milestones"),
        ({"milestones": (GOOD.milestones[0], replace(GOOD.milestones[1], months=9))}, "milestones.months"),
        ({"milestones": (GOOD.milestones[0], replace(GOOD.milestones[1], deliverable=""))}, "milestones.deliverable"),
        ({"score_sheet": replace(GOOD.score_sheet, criteria=GOOD.score_sheet.criteria[:-1])}, "score_sheet"),
        ({"score_sheet": replace(GOOD.score_sheet, criteria=())}, "score_sheet"),
        ({"budget_fen": None}, "budget_fen"),
        ({"content": GOOD.content + "预算金额为80万元。"}, "budget.differs"),
        ({"period_months": 48}, "period_months"),
        ({"classified": True}, "classified"),
        ({"data_export": True}, "data_export"),
        ({"content": GOOD.content + "采集人脸照片。"}, "personal_data"),
        ({"title": "泵房"}, "title"),
        ({"goal": "短"}, "goal"),
        ({"title": "泵" * 61}, "title"),
        ({"industries": ()}, "industries"),
    ],
)
def test_what_does_not_add_up_is_found(changes: dict[str, object], code: str) -> None:
    assert code in codes(replace(GOOD, **changes))  # type: ignore[arg-type]


# --- calendar ------------------------------------------------------------------------------------------------------


def test_the_first_possible_deadline_is_told() -> None:
    found = only(GOOD, "calendar.passed", DATES)
    assert found.severity == PASSED
    assert found.message.startswith("按2026年04月01日张榜推算，截止不早于2026年04月2")
    assert found.article == "《政府采购法》第三十五条"


def test_a_deadline_before_the_modes_minimum_blocks() -> None:
    early = replace(DATES, deadline_at=datetime(2026, 4, 10, 9, 0, tzinfo=UTC))
    found = only(GOOD, "calendar.deadline", early)
    assert (found.severity, found.field) == (BLOCKING, "deadline")
    assert "最早可设为" in found.message


def test_a_delivery_before_the_deadline_blocks() -> None:
    assert only(replace(GOOD, deliver_by=date(2026, 4, 10)), "calendar.delivery", DATES).severity == BLOCKING


def test_a_delivery_too_soon_for_the_period_is_advised() -> None:
    assert only(replace(GOOD, deliver_by=date(2026, 6, 30)), "calendar.period", DATES).severity == ADVICE


def test_too_few_bids_for_procurement() -> None:
    assert only(replace(GOOD, min_bids=1), "min_bids", DATES).severity == BLOCKING


def test_an_unknown_year_is_said_and_not_guessed() -> None:
    far = replace(DATES, publish_at=datetime(2035, 4, 1, 2, 0, tzinfo=UTC))
    assert only(GOOD, "calendar.unknown", far).severity == ADVICE


# --- robustness ----------------------------------------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=200), st.text(max_size=60), st.sampled_from(["", "procurement", "trial", "nonsense"]))
def test_no_text_breaks_the_lint(long: str, short: str, mode: str) -> None:
    content = DemandContent(
        title=short, background=long, goal=long, content=long, conditions=long, mode=mode, place=short,
        indicators=(Indicator(short, short, "range", short, short, short, short, False, Decimal("NaN")),),
        milestones=(Milestone(short, -3, Decimal("NaN"), short),),
    )  # fmt: skip
    result = lint(content, dates=DATES)
    assert 0 <= result.score <= 100
    for item in result.findings:
        if item.quote and hasattr(content, item.field):
            assert getattr(content, item.field)[item.start : item.end] == item.quote


def test_long_texts_stay_fast_enough_for_typing() -> None:
    from time import process_time

    content = replace(GOOD, content=GOOD.content * 40, background=GOOD.background * 40, conditions=GOOD.conditions * 40)
    lint(content)
    began = process_time()
    lint(content)
    assert process_time() - began < 1.5
