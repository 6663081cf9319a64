"""Default score sheets and what publication refuses."""

from dataclasses import replace
from decimal import Decimal as D

import pytest

from marketplace.demands import score_sheets as sheets
from marketplace.demands.content import Criterion, DemandContent, ScoreSheet, from_json, to_json
from marketplace.taxonomy import DIRECTIONS

PRODUCT_WEIGHTS = {  # product.md §4
    "living": {
        "指标响应": 30,
        "方案可行与落地": 20,
        "创新": 10,
        "团队": 10,
        "安全合规": 10,
        "运营与可持续": 10,
        "报价": 10,
    },
    "industry": {"指标响应": 30, "产线适配与改造代价": 20, "技术先进": 15, "团队": 10, "效益测算": 15, "报价": 10},
    "carrier": {"指标响应": 25, "方案": 20, "产业带动": 15, "团队与资源": 15, "资金与风险": 15, "报价": 10},
    "building": {"指标响应": 25, "方案与工法": 20, "居民影响与安全": 20, "全寿命成本": 15, "团队": 10, "报价": 10},
}
MODES = list(sheets.PRICE_BASES)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_weights_are_those_of_the_product(direction: str) -> None:
    sheet = sheets.default_sheet(direction, "enterprise")
    assert {item.name: int(item.weight) for item in sheet.criteria} == PRODUCT_WEIGHTS[direction]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_every_default_sheet_may_be_published_and_survives_storage(direction: str, mode: str) -> None:
    sheet = sheets.default_sheet(direction, mode)
    assert sheets.validate_sheet(sheet, mode=mode) == []
    assert from_json(to_json(DemandContent(score_sheet=sheet))).score_sheet == sheet
    texts = [text for item in sheet.criteria for text in item.bands]
    assert len(texts) == len(set(texts)), "no band text says the same as another"


@pytest.mark.parametrize("mode", ["trial", "opening"])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_without_price_its_weight_goes_to_operation(direction: str, mode: str) -> None:
    criteria = {item.name: item for item in sheets.default_sheet(direction, mode).criteria}
    assert "price" not in {item.kind for item in criteria.values()}
    assert criteria["运营与可持续"].weight == D(20 if direction == "living" else 10)


@pytest.mark.parametrize(
    ("score", "band"), [("0", 0), ("5.99", 0), ("6", 1), ("7.49", 1), ("7.5", 2), ("8.99", 2), ("9", 3), ("10", 3)]
)
def test_band_of_ten(score: str, band: int) -> None:
    assert sheets.band_of(D(score), D(10)) == band


GOOD = sheets.default_sheet("living", "procurement")
BANDS = ("甲", "乙", "丙", "丁")


def _changed(index: int, **change: object) -> ScoreSheet:
    items = list(GOOD.criteria)
    items[index] = replace(items[index], **change)  # type: ignore[arg-type]
    return replace(GOOD, criteria=tuple(items))


@pytest.mark.parametrize(
    ("sheet", "mode", "sentence"),
    [
        (ScoreSheet(), "trial", "各评分项满分合计须为100，现为0。"),
        (_changed(1, weight=D("20.5")), "enterprise", "各评分项满分合计须为100，现为100.5。"),
        (_changed(1, weight=D(0)), "enterprise", "评分项“方案可行与落地”的满分须大于0。"),
        (_changed(1, weight=D("NaN")), "enterprise", "评分项“方案可行与落地”的满分须大于0。"),
        (_changed(2, bands=("甲", "乙", "丙")), "enterprise", "评分项“创新”须写全差、中、良、优四档说明。"),
        (_changed(2, bands=("甲", "乙", " ", "丁")), "enterprise", "评分项“创新”须写全差、中、良、优四档说明。"),
        (_changed(2, minimum=D(11)), "enterprise", "评分项“创新”的最低分须在0与满分之间。"),
        (_changed(2, name="团队"), "enterprise", "评分项不能重名。"),
        (_changed(2, name=" "), "enterprise", "评分项“innovation”缺少名称。"),
        (_changed(2, kind="guess"), "enterprise", "评分项“创新”的类型无法识别。"),
        (_changed(0, kind="typed"), "enterprise", "评分表须有且只有一项“指标响应”。"),
        (GOOD, "trial", "免费试用和开放类需求不设报价分，请把分值并入“运营与可持续”。"),
        (_changed(6, kind="typed"), "procurement", "报价分须有且只有一项。"),
        (_changed(1, kind="price"), "enterprise", "报价分至多一项。"),
        (replace(GOOD, pass_line=D(101)), "enterprise", "合格线须在0到100之间。"),
        (replace(GOOD, aggregate="median"), "enterprise", "请选择汇总办法：取平均，或去掉最高最低后取平均。"),
        (replace(GOOD, credit="all"), "enterprise", "请选择指标得分办法：达标得分，或按比例得分。"),
        (
            ScoreSheet(criteria=(Criterion("i", "指标", D(100), "indicator", BANDS),)),
            "enterprise",
            "评分表至少有一项由专家打分。",
        ),
    ],
)
def test_what_publication_refuses(sheet: ScoreSheet, mode: str, sentence: str) -> None:
    assert sentence in sheets.validate_sheet(sheet, mode=mode)
