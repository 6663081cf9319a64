"""评审报告 as ``Paper``: what the panel signs. Pure: what is printed is what is passed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from marketplace.demands.content import DemandContent
from marketplace.demands.score_sheets import AGGREGATES
from marketplace.platform.formatting import moment_text
from marketplace.platform.money import trimmed
from marketplace.platform.rendering.paper import (
    Block,
    Column,
    Facts,
    Heading,
    Listing,
    Paper,
    Signatures,
    Table,
    Text,
    Verification,
)

_ORDINALS = "一二三四五六七八九十"


@dataclass(frozen=True, slots=True)
class Member:
    """One member of the panel as the report names him; ``signed_at`` and ``dissent`` once he has signed."""

    name: str
    employer: str
    outside: bool
    chair: bool
    signed_at: datetime | None = None
    dissent: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One bid: its rank, name or code, a figure per criterion, total, and why it stands there."""

    rank: int | None
    name: str
    criteria: tuple[str, ...]
    total: str
    standing: str


def review_report(
    content: DemandContent,
    *,
    number: str,
    title: str,
    unit: str,
    issuer: str,
    dated_at: datetime,
    members: Sequence[Member],
    rows: Sequence[Row],
    events: Sequence[str],
    conclusion: str,
    ranking_number: int,
    ranking_hash: str,
    record_sha256: str,
    verification: Verification | None,
    demo: bool = False,
) -> Paper:
    """The report. ``events``: what must be named: second draws, overrides, recusals, corrections, ties."""
    sheet = content.score_sheet
    parts: list[tuple[str, list[Block]]] = [
        ("评审组织", [_members(members)]),
        ("评分办法", [Text(_method(content))]),
        ("评分与排名", [_table(content, rows)]),
        ("须说明的事项", [Listing(tuple(events), numbered=True) if events else Text("无。")]),
        ("评审结论", [Text(conclusion or "按上述排名推荐候选单位。")]),
        ("不同意见", _dissents(members)),
    ]
    blocks: list[Block] = [
        Facts(
            (
                ("榜号", number),
                ("需求单位", unit),
                ("合格线", f"{trimmed(sheet.pass_line)}分"),
                ("排名版本", f"第{ranking_number}版"),
                ("结果指纹", ranking_hash),
                ("记录指纹", record_sha256),
            )
        )
    ]
    for place, (heading, body) in enumerate(parts):
        blocks += [Heading(f"{_ORDINALS[place]}、{heading}"), *body]
    blocks.append(Signatures(_lines(members)))
    return Paper(
        form="sheet",
        title=f"{title}评审报告",
        dated_at=dated_at,
        blocks=tuple(blocks),
        issuer=issuer,
        head="评审报告",
        number=number,
        watermark="演示数据" if demo else "",
        verification=verification,
    )


def _members(members: Sequence[Member]) -> Table:
    columns = (Column("姓名"), Column("单位", 3), Column("来源"), Column("职责"))
    rows = tuple(
        (item.name, item.employer, "区外" if item.outside else "区内", "组长" if item.chair else "成员")
        for item in members
    )
    return Table(columns, rows)


def _method(content: DemandContent) -> str:
    sheet = content.score_sheet
    return (
        f"按张榜时固定的评分表评分，{AGGREGATES[sheet.aggregate]}；指标响应按所引页是否证实由系统计算，"
        f"报价得分由系统计算。总分未达{trimmed(sheet.pass_line)}分的不推荐。名次按未取整的得分排列。"
    )


def _table(content: DemandContent, rows: Sequence[Row]) -> Table:
    columns = (
        *(Column("名次", 0, "center"), Column("揭榜单位", 3)),
        *(Column(item.name, 1, "right") for item in content.score_sheet.criteria),
        *(Column("总分", 0, "right"), Column("说明", 2)),
    )
    return Table(
        columns,
        tuple(
            ("—" if row.rank is None else str(row.rank), row.name, *row.criteria, row.total, row.standing)
            for row in rows
        ),
    )


def _dissents(members: Sequence[Member]) -> list[Block]:
    said = [f"{item.name}：{item.dissent}" for item in members if item.dissent]
    return [Listing(tuple(said))] if said else [Text("无。")]


def _lines(members: Sequence[Member]) -> tuple[str, ...]:
    """The chair's line first."""
    ordered = sorted(members, key=lambda item: not item.chair)
    return tuple(
        f"{'组长' if item.chair else '成员'}（签字）：{item.name}　{moment_text(item.signed_at)}电子签署"
        if item.signed_at
        else f"{'组长' if item.chair else '成员'}（签字）：　　　　　　　日期："
        for item in ordered
    )
