"""Default score sheets (product.md §4): what a unit clones and edits before publication, which freezes it.

Pure data and three functions. Every criterion carries four anchored texts from worst to best, so that two experts who
read the same page land in the same band; the texts of computed criteria say what the computed figure means.
The weights are 平台规则, no law.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from enum import StrEnum

from marketplace.demands.content import Criterion, ScoreSheet

HUNDRED = Decimal(100)
BAND_COUNT = 4
AGGREGATES = {"trimmed": "去掉一个最高分和一个最低分后取平均", "mean": "取平均"}
CREDITS = {"all_or_nothing": "达标且证实得满分，否则不得分", "linear": "基线与目标之间按比例得分"}
CRITERION_KINDS = {"typed": "专家打分", "indicator": "按指标响应计算", "price": "按报价计算"}


class PriceBasis(StrEnum):
    """What a bid is compared by where price counts; ``NONE``: there is no price criterion."""

    TOTAL = "total"  # total price, 分, lowest best
    SUBSIDY = "subsidy"  # subsidy asked for, 分, lowest best
    SHARE = "share"  # share offered to the district, percent, highest best
    NONE = "none"


PRICE_BASES: Mapping[str, PriceBasis] = {
    "procurement": PriceBasis.TOTAL,
    "enterprise": PriceBasis.TOTAL,
    "subsidy": PriceBasis.SUBSIDY,
    "cooperation": PriceBasis.SHARE,
    "trial": PriceBasis.NONE,
    "opening": PriceBasis.NONE,
}

PRICE_NAMES: Mapping[PriceBasis, str] = {
    PriceBasis.TOTAL: "报价",
    PriceBasis.SUBSIDY: "申请补助额",
    PriceBasis.SHARE: "让利比例",
    PriceBasis.NONE: "",
}

# Share of a criterion's full marks from which each band begins, worst to best.
BAND_STARTS: tuple[tuple[str, Decimal], ...] = (
    ("差", Decimal(0)),
    ("中", Decimal("0.60")),
    ("良", Decimal("0.75")),
    ("优", Decimal("0.90")),
)


def _typed(key: str, name: str, weight: int, *bands: str) -> Criterion:
    return Criterion(key=key, name=name, weight=Decimal(weight), kind="typed", bands=bands)


def _indicators(weight: int) -> Criterion:
    return Criterion(
        key="indicators",
        name="指标响应",
        weight=Decimal(weight),
        kind="indicator",
        bands=(
            "证实达标的指标，权重合计不到六成，核心承诺缺少证据。",
            "证实达标的指标，权重合计六成以上、不到七成五。",
            "证实达标的指标，权重合计七成五以上、不到九成。",
            "证实达标的指标，权重合计九成以上，所引页码可直接核对。",
        ),
    )


_PRICE_BANDS: Mapping[PriceBasis, tuple[str, ...]] = {
    PriceBasis.TOTAL: (
        "报价高于最低有效报价的1.67倍。",
        "报价约为最低有效报价的1.33至1.67倍。",
        "报价约为最低有效报价的1.11至1.33倍。",
        "最低有效报价，或高出不超过约11%。",
    ),
    PriceBasis.SUBSIDY: (
        "申请补助额高于最低申请额的1.67倍。",
        "申请补助额约为最低申请额的1.33至1.67倍。",
        "申请补助额约为最低申请额的1.11至1.33倍。",
        "最低申请额，或高出不超过约11%。",
    ),
    PriceBasis.SHARE: (
        "让利比例不到最高者的六成。",
        "让利比例为最高者的六成以上、不到七成五。",
        "让利比例为最高者的七成五以上、不到九成。",
        "让利比例最高，或达到最高者的九成以上。",
    ),
}


def price_criterion(basis: PriceBasis, weight: Decimal = Decimal(10)) -> Criterion:
    """The computed price line for a basis other than ``NONE``."""
    return Criterion(key="price", name=PRICE_NAMES[basis], weight=weight, kind="price", bands=_PRICE_BANDS[basis])


OPERATION = _typed(
    "operation",
    "运营与可持续",
    10,
    "只讲建设不讲运营，交付后由谁维护、钱从哪里来没有说法。",
    "有运维安排，但人手或费用只给总数，质保期后的做法含糊。",
    "列明运维岗位、响应时限与逐年费用，质保期后有续费或移交两种方案。",
    "运营三年以上的收支可以算平，接口、数据与文档可移交，换一家单位也能接着用。",
)

_LIVING = (
    _indicators(30),
    _typed(
        "plan",
        "方案可行与落地",
        20,
        "照搬通用方案，没有对应本需求的点位、流程或数据，关键环节说不清怎样做。",
        "技术路线可行，但与现有业务系统怎样衔接、由谁配合只写了原则。",
        "按现场条件逐项设计，衔接的系统、所需权限和进度到周，主要风险有对策。",
        "已做现场踏勘或小样验证，逐点位给出做法与退路，需求单位无须新增人手即可接住。",
    ),
    _typed(
        "innovation",
        "创新",
        10,
        "现成产品直接搬用，所称创新与本需求无关。",
        "在现成产品上作了适配，改进之处能说明，效果未验证。",
        "有针对本需求的新方法或新组合，附对照试验或试用数据。",
        "解决了同类场景公认未解决的问题，有可复核的对照数据或第三方检测。",
    ),
    _typed(
        "team",
        "团队",
        10,
        "未列明人员，或主要人员与所承担的工作不相称。",
        "人员齐备，但负责人投入不足三成工时，关键岗位无替补。",
        "负责人和关键岗位有同类工作经历，投入工时明确，驻场与远程分工清楚。",
        "关键岗位均有替补，负责人全程投入，本地现场响应有具名人员和时限。",
    ),
    _typed(
        "safety",
        "安全合规",
        10,
        "未识别个人信息、公共安全或施工安全问题，或做法与要求相抵触。",
        "列出了法规与等级保护要求，但未落到具体设备、岗位和时间。",
        "数据最小化采集、权限、留痕、演练均有安排，与需求写明的等级相符。",
        "逐项给出控制措施与核验办法，事件处置到人到分钟，居民知情与退出途径清楚。",
    ),
    OPERATION,
)

_INDUSTRY = (
    _indicators(30),
    _typed(
        "fit",
        "产线适配与改造代价",
        20,
        "须长时间停产或更换主机设备，方案未提停机损失。",
        "可在现有产线上实施，但停机时间、接口协议或场地改动估算偏粗。",
        "逐工位说明改动、停机窗口和回退办法，兼容现有控制系统与网络。",
        "利用计划检修即可完成，不改主机设备，随时可退回原状，代价逐项列价。",
    ),
    _typed(
        "technology",
        "技术先进",
        15,
        "所用技术落后于行业通行做法，或只有概念没有实现。",
        "达到行业通行水平，主要部件为成熟产品。",
        "关键性能优于通行水平，有检测报告或产线数据支持。",
        "关键性能明显领先且可复现，核心技术自有，升级路线清楚。",
    ),
    _typed(
        "team",
        "团队",
        10,
        "没有懂工艺的人员，或主要人员未到位。",
        "信息化人员齐备，工艺人员依赖需求单位。",
        "工艺、自动化、软件人员配齐，负责人做过同类产线改造。",
        "各专业负责人均有同类产线投产经历，投产期驻厂，跟班到达产为止。",
    ),
    _typed(
        "benefit",
        "效益测算",
        15,
        "没有测算，或测算结果与所列数据对不上。",
        "给出了投入产出，但基线取值无来源，未计运行费用。",
        "以需求单位基线数据测算，口径、公式、敏感因素清楚，回收期可信。",
        "测算可由需求单位自行复算，最不利情形仍能收回投入，并约定了效益核验办法。",
    ),
)

_CARRIER = (
    _indicators(25),
    _typed(
        "plan",
        "方案",
        20,
        "载体定位与园区条件脱节，建设内容是清单堆砌。",
        "定位与内容基本对应，分期与开放共享的安排较粗。",
        "建设、运营、开放三方面成体系，分期目标可检查，与已有平台不重复。",
        "每期独立可用，开放目录、收费与排期规则现成，能带动其他需求落地。",
    ),
    _typed(
        "drive",
        "产业带动",
        15,
        "只服务自身业务，没有带动对象。",
        "列出了拟服务的企业，但多为意向，带动数量没有依据。",
        "有具名合作企业与服务量承诺，本地配套环节明确。",
        "已有签约用户或共建方，带动的企业数、产值与人才逐年可核。",
    ),
    _typed(
        "resources",
        "团队与资源",
        15,
        "缺少建设或运营一方的人员，场地、设备没有着落。",
        "团队齐备，部分设备或场地仍待落实。",
        "团队、场地、设备、算力或数据来源落实到协议，缺口有时间表。",
        "核心资源自有或已签约到位，运营团队有同类载体稳定运行三年以上的经历。",
    ),
    _typed(
        "funding",
        "资金与风险",
        15,
        "资金来源不明，或主要依靠尚未申报的补助。",
        "有资金构成，到位时间与建设进度不完全对应。",
        "自筹资金有证明，分期到位与进度对应，主要风险有预案。",
        "不依赖补助也能建成首期，最不利情形下的退出与资产处置办法清楚。",
    ),
)

_BUILDING = (
    _indicators(25),
    _typed(
        "method",
        "方案与工法",
        20,
        "未结合结构、管线或地质条件，工法不适用或缺少依据。",
        "工法成熟可用，对既有建筑、管线的调查不全。",
        "有现场调查，工序、工期、质量控制点对应具体部位。",
        "做过样板段或数值复核，关键部位有两套工法，工期受天气影响的安排也已列明。",
    ),
    _typed(
        "residents",
        "居民影响与安全",
        20,
        "未考虑断水断电、噪声、通行或消防，安全措施只有口号。",
        "列出了影响与措施，但时段、范围和告知方式不具体。",
        "按楼栋或路段列明影响时段与替代措施，安全监测与应急到人。",
        "居民不搬离、不长时间中断生活服务，有意见收集与当日答复办法，监测数据公开。",
    ),
    _typed(
        "lifecycle",
        "全寿命成本",
        15,
        "只报建设费用，未计运行、维修和更换。",
        "给出了运行维护费用，但年限与单价缺少依据。",
        "按设计年限列出建设、运行、维修、更换费用，与常规做法作了比较。",
        "全寿命费用低于常规做法且可逐项核对，易损件通用，拆除与回收也计在内。",
    ),
    _typed(
        "team",
        "团队",
        10,
        "缺少设计、施工或监测中的主要专业，人员未到位。",
        "专业齐备，负责人同时承担多个项目，投入说不清。",
        "各专业负责人有同类改造经历，现场负责人常驻。",
        "设计、施工、监测一体组织，负责人全程常驻，抢修队伍具名并可两小时到场。",
    ),
)

TYPED_CRITERIA: Mapping[str, tuple[Criterion, ...]] = {
    "carrier": _CARRIER,
    "industry": _INDUSTRY,
    "building": _BUILDING,
    "living": _LIVING,
}


def default_sheet(direction: str, mode: str) -> ScoreSheet:
    """The sheet a new demand of this direction starts from; ``mode`` is a funding mode.

    Where the mode knows no price (trial, opening) the price's weight goes to 运营与可持续, which is added if absent.
    """
    criteria = list(TYPED_CRITERIA[direction])
    basis = PRICE_BASES[mode]
    spare = HUNDRED - sum((item.weight for item in criteria), Decimal(0))
    if basis is not PriceBasis.NONE:
        criteria.append(price_criterion(basis, spare))
    elif OPERATION in criteria:
        criteria[criteria.index(OPERATION)] = replace(OPERATION, weight=OPERATION.weight + spare)
    else:
        criteria.append(replace(OPERATION, weight=spare))
    return ScoreSheet(template=direction, criteria=tuple(criteria))


def band_of(score: Decimal, weight: Decimal) -> int:
    """0 差, 1 中, 2 良, 3 优: the band in which ``score`` of ``weight`` full marks lies."""
    return max(i for i, (_, start) in enumerate(BAND_STARTS) if score >= start * weight or i == 0)


def validate_sheet(sheet: ScoreSheet, *, mode: str) -> list[str]:
    """Sentences for what keeps this sheet from being published; empty when it may be."""
    faults = [fault for item in sheet.criteria for fault in _criterion_faults(item)]
    keys = [item.key for item in sheet.criteria]
    names = [item.name.strip() for item in sheet.criteria]
    if len(set(keys)) < len(keys) or len(set(names)) < len(names):
        faults.append("评分项不能重名。")
    total = sum((item.weight for item in sheet.criteria if item.weight.is_finite()), Decimal(0))
    if total != HUNDRED:
        faults.append(f"各评分项满分合计须为100，现为{format(total, 'f')}。")
    kinds = [item.kind for item in sheet.criteria]
    if kinds.count("indicator") != 1:
        faults.append("评分表须有且只有一项“指标响应”。")
    if "typed" not in kinds:
        faults.append("评分表至少有一项由专家打分。")
    prices = kinds.count("price")
    if PRICE_BASES[mode] is PriceBasis.NONE and prices:
        faults.append("免费试用和开放类需求不设报价分，请把分值并入“运营与可持续”。")
    elif prices > 1 or (mode == "procurement" and not prices):
        faults.append("报价分须有且只有一项。" if mode == "procurement" else "报价分至多一项。")
    if not (sheet.pass_line.is_finite() and 0 <= sheet.pass_line <= HUNDRED):
        faults.append("合格线须在0到100之间。")
    if sheet.aggregate not in AGGREGATES:
        faults.append("请选择汇总办法：取平均，或去掉最高最低后取平均。")
    if sheet.credit not in CREDITS:
        faults.append("请选择指标得分办法：达标得分，或按比例得分。")
    return faults


def _criterion_faults(item: Criterion) -> list[str]:
    """What is wrong with one line of the sheet."""
    name = item.name.strip() or item.key or "未命名"
    faults = []
    if not item.key.strip() or not item.name.strip():
        faults.append(f"评分项“{name}”缺少名称。")
    if not item.weight.is_finite() or item.weight <= 0:
        faults.append(f"评分项“{name}”的满分须大于0。")
    if item.kind not in CRITERION_KINDS:
        faults.append(f"评分项“{name}”的类型无法识别。")
    if len(item.bands) != BAND_COUNT or not all(text.strip() for text in item.bands):
        faults.append(f"评分项“{name}”须写全差、中、良、优四档说明。")
    if item.minimum is not None and not (item.minimum.is_finite() and 0 <= item.minimum <= item.weight):
        faults.append(f"评分项“{name}”的最低分须在0与满分之间。")
    return faults
