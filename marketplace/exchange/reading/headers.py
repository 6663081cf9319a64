"""Which row names the columns, and what each column holds.

A header row is recognised by its words, wherever it stands: under titles, repeated on a later page, in two storeys
with merged cells, in another order than in the template. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from marketplace.exchange.reading.amounts import unit_in_instruction, unit_named
from marketplace.exchange.reading.text import Value, as_text, compact, is_blank, tidy

# What a column is called, most telling name first; the first of a field's names wins where two columns claim it.
FIELDS: dict[str, str] = {
    "serial": "序号 编号 序 no no. 号 项次 行号 榜单编号 项目编号 需求编号 #",
    "title": "场景名称 需求名称 应用场景名称 场景需求名称 项目名称 需求标题 场景标题 榜题 榜单名称 课题名称 "
    "任务名称 揭榜任务 需求题目 "
    "技术需求名称 场景项目名称 场景名 项目 标题 题目 名称 应用场景 场景 title name scene demand",
    "unit": "需求单位 需求方 发榜单位 发布单位 提出单位 填报单位 申报单位 报送单位 建设单位 责任单位 牵头单位 "
    "业主单位 采购单位 实施单位 "
    "主管单位 需求主体 采购人 业主 企业名称 单位名称 牵头部门 责任部门 报送部门 所属单位 来源单位 机构名称 "
    "单位全称 单位 部门 "
    "主体 unit organisation organization department owner",
    "direction": "四大方向 场景方向 所属方向 应用方向 方向类别 方向名称 方向 场景类别 应用领域 场景领域 "
    "所属领域 领域 所属类别 类别 "
    "分类 板块 direction category",
    "industries": "所属产业 产业领域 产业方向 产业类别 涉及产业 相关产业 产业赛道 产业名称 所属行业 行业领域 "
    "行业名称 行业类别 技术领域 产业 行业 赛道 "
    "industry industries sector",
    "need": "需求概况 需求描述 需求内容 需求说明 需求简介 场景描述 场景简介 场景概述 场景概况 需求概述 "
    "主要需求 具体需求 技术需求 项目概况 "
    "项目简介 项目描述 建设内容 主要内容 主要建设内容 内容描述 内容简介 概况 概述 简介 描述 摘要 需求 内容 "
    "痛点 拟解决问题 拟解决的问题 "
    "痛点难点 need description summary content",
    "background": "需求背景 项目背景 场景背景 背景 background",
    "goal": "建设目标 预期目标 工作目标 场景目标 预期成效 预期效果 目标 成效 goal",
    "indicators": "技术指标 考核指标 主要指标 绩效指标 验收指标 指标要求 指标 indicators",
    "budget": "预算金额 项目预算 预算资金 资金预算 经费预算 预算总额 投资预算 最高限价 采购预算 榜金 悬赏金额 "
    "预算 拟投入资金 投入资金 "
    "资金规模 投资估算 估算投资 投资规模 投资金额 投资额 总投资 计划投资 预计投资 项目投资 项目资金 资金投入 "
    "资金需求 金额 经费 资金 概算 投资 投入 "
    "价格 费用 budget amount budgetwan",
    "amount_unit": "金额单位 计量单位 货币单位 预算单位 币种单位",
    "mode": "资金方式 合作方式 合作模式 出资方式 支持方式 资金来源方式 mode",
    "funds_source": "资金来源 经费来源 资金渠道 出资来源",
    "deadline": "截止时间 截止日期 揭榜截止时间 揭榜截止 完成时限 完成时间 完成日期 预计完成时间 预计时间 "
    "计划完成时间 要求完成时间 交付时间 "
    "交付日期 交付期限 落地时间 预计落地时间 时间要求 时限要求 需求时间 需求时限 时间节点 期限 时限 预计日期 "
    "计划时间 上线时间 "
    "时间 日期 deadline due duedate date",
    "period": "实施周期 建设周期 项目周期 合作周期 建设工期 实施期限 工期 周期 period",
    "place": "实施地点 建设地点 落地地点 应用地点 场景地点 项目地点 所在地 地点 地址 区域 城市 city place location",
    "kind": "场景类型 需求类型 场景性质 类型 kind",
    "classified": "是否涉密 涉密 密级",
    "contact": "联系人及电话 联系人及联系方式 联系人和电话 联系人/电话 联系人电话 联系人与电话 联系方式 "
    "联系信息 对接人及电话 对接人 联系人 责任人 负责人 经办人 填报人 contact",
    "contact_phone": "联系电话 手机号码 手机号 手机 电话 电话号码 办公电话 phone tel mobile",
    "contact_email": "电子邮箱 电子邮件 邮箱 邮件 e-mail email",
    "remark": "备注 备注说明 其他说明 附注 补充说明 说明 remark remarks note notes",
}
# Columns that look like one of the above and are not.
_OTHER = (
    "填报日期 填报时间 报送日期 报送时间 提交时间 登记时间 发布时间 发布日期 开始时间 启动时间 起始时间 "
    "开工时间 征集时间 更新时间 单位性质 "
    "单位类型 单位地址 企业性质 企业规模 信用代码 统一社会信用代码 支出金额 已投资 已到位资金 年度投资 职务 "
    "职称 是否 附件 完成情况 "
    "审核意见 处理意见 名称说明 项目状态 状态 级别 优先级 排序 数量"
)
LABELS = {"title": "名称", "unit": "需求单位", "direction": "方向", "industries": "产业", "need": "需求概况"}
_RANKED = {compact(word): (name, rank) for name, words in FIELDS.items() for rank, word in enumerate(words.split())}
_RANKED |= {compact(word): ("", 0) for word in _OTHER.split()}
_LENGTHS = sorted({len(word) for word in _RANKED if len(word) > 1}, reverse=True)
_BRACKETS = re.compile(r"[(\[【〔（](.*?)[)\]】〕）]")
_TAILS = {"人民币", "可多选", "简要说明", "及要求"}
_LONGEST_TAIL = max(map(len, _TAILS))
_NUMBERED = re.compile(r"^(?:\d+[.、)]|[(（]?[一二三四五六七八九十]+[)）、])")
_MONEY_END = re.compile(r"(?<=.)[/_:-]?(?:亿元|万元|千元|元)$")
HEADER_LENGTH = 40


@dataclass(frozen=True, slots=True)
class Column:
    """``field`` is a key of ``FIELDS`` or "" for a column kept under its own ``header``."""

    index: int
    header: str
    field: str
    unit: Decimal | None = None  # 元 per unit for bare figures, when the header names it


@dataclass(frozen=True, slots=True)
class Header:
    """``first``–``last``: the rows it takes; ``texts``: comparable words by column, to recognise a repetition."""

    first: int
    last: int
    columns: tuple[Column, ...]
    texts: dict[int, str] = field(default_factory=dict)

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.field == name), None)


def field_of(header: str) -> tuple[str, int, bool]:
    """(field, rank among the field's names, whether the whole header is that name); field "" when unknown.

    Inside a longer header the word that ends last decides (需求单位联系人 is a contact), then the longest.
    """
    flat = compact(header).replace("*", "").replace("※", "").replace("★", "").strip(":")
    plain = _MONEY_END.sub("", _NUMBERED.sub("", _BRACKETS.sub("", flat)).strip(":_- "))
    for form in (plain, plain.replace("/", ""), plain.replace("_", "").replace("-", "")):
        if form in _RANKED:
            return (*_RANKED[form], True)
    for behind in range(min(_LONGEST_TAIL + 1, len(plain))):
        end = len(plain) - behind
        for length in _LENGTHS:
            if length <= end and (word := plain[end - length : end]) in _RANKED:
                if behind > 2 and plain[end:] not in _TAILS:
                    return "", 0, False
                name, rank = _RANKED[word]
                return name, rank + 50, False
    return "", 0, False


def unit_of(header: str) -> Decimal | None:
    """元 per unit, when the header names it: 预算（万元）, 金额/元, budget_wan."""
    flat = compact(header)
    for match in _BRACKETS.finditer(flat):
        for piece in re.split(r"[:,，、;；]", match.group(1)):
            if (unit := unit_named(re.sub(r"^(?:单位|人民币|rmb)+", "", piece))) is not None:
                return unit
    if tail := re.search(r"(?:[/_:-]|单位)(亿元|万元|千元|元|wan)$", flat):
        return unit_named(tail.group(1))
    return unit_in_instruction(header) if _BRACKETS.search(flat) else None


def read_header(rows: Sequence[Sequence[Value]], first: int, last: int) -> Header | None:
    """The header that rows ``first``–``last`` (merged cells filled) make, or ``None`` when they make none."""
    width = max((len(rows[row]) for row in range(first, last + 1)), default=0)
    claims: dict[str, tuple[tuple[int, int, int], int]] = {}
    columns: list[Column] = []
    texts: dict[int, str] = {}
    for index in range(width):
        storeys: list[str] = []
        for row in range(first, last + 1):
            value = rows[row][index] if index < len(rows[row]) else ""
            text = tidy(as_text(value), one_line=True)[0] if not is_blank(value) else ""
            if text and (not storeys or storeys[-1] != text):
                storeys.append(text)
        if not storeys:
            continue
        if any(len(text) > HEADER_LENGTH for text in storeys):
            return None
        header = "/".join(storeys)
        name, rank, whole = field_of(storeys[-1])
        if len(storeys) > 1 and (not name or rank >= 50 or name in ("title", "remark")):
            joined = field_of(storeys[0] + storeys[-1])
            if joined[0] and not (name and joined[1] >= 50):
                name, rank, whole = joined
        texts[index] = compact(header)
        columns.append(Column(index, header, name, unit_of(header)))
        if name:
            claim = (0 if whole else 1, rank, index)
            if name not in claims or claim < claims[name][0]:
                claims[name] = (claim, index)
    certain = sum(1 for (doubt, _, _), _ in claims.values() if not doubt)
    if "title" not in claims or len(set(claims) - {"serial"}) < 2 or (certain < 2 and len(claims) < 4):
        return None
    if len(set(texts.values())) < max(2, len(texts) // 2):
        return None
    owners = {name: index for name, (_, index) in claims.items()}
    named = tuple(
        column if not column.field or owners[column.field] == column.index else Column(column.index, column.header, "")
        for column in columns
    )
    return Header(first, last, named, texts)


def repeats(header: Header, row: Sequence[Value]) -> bool:
    """Whether the row only says the header again, as at the top of each printed page."""
    same = other = 0
    for index, text in header.texts.items():
        value = row[index] if index < len(row) else ""
        if is_blank(value):
            continue
        if compact(as_text(value)).strip("*:") == text.split("/")[-1].strip("*:") or compact(as_text(value)) == text:
            same += 1
        else:
            other += 1
    return same >= 2 and same > 2 * other


def find_header(
    rows: Sequence[Sequence[Value]], merged: Sequence[tuple[int, int, int, int]], row: int
) -> Header | None:
    """The header that begins at ``row``, of one to three storeys, or ``None``. ``rows``: merged cells filled in;
    ``merged``: the ranges that begin in this row."""
    across = [left_right for top, left_right in _groups(merged) if top == row]
    width = len(rows[row])
    if len({compact(as_text(value)) for value in rows[row] if not is_blank(value)}) < 2:
        return None  # a title or note over the whole width
    down = max((bottom for top, _, bottom, _ in merged if top == row and row < bottom <= row + 2), default=row)
    if down > row and down < len(rows) and (found := read_header(rows, row, down)):
        return found
    below = row + 1
    if across and below < len(rows) and all(right - left + 1 < width for left, right in across):
        under = [
            rows[below][column]
            for left, right in across
            for column in range(left, right + 1)
            if column < len(rows[below])
        ]
        named = [value for value in under if isinstance(value, str) and field_of(value)[0]]
        if len(named) >= 2 and (found := read_header(rows, row, below)):
            return found
    return read_header(rows, row, row)


def _groups(merged: Sequence[tuple[int, int, int, int]]) -> list[tuple[int, tuple[int, int]]]:
    """Cells merged across columns within one row: (row, (left, right))."""
    return [(top, (left, right)) for top, left, bottom, right in merged if top == bottom and right > left]
