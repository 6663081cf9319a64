"""开启记录 as a paper. Pure: it prints the record that is hashed in the log, and what was objected to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from marketplace.openings.pages import record_lines
from marketplace.openings.queries import Record
from marketplace.platform.formatting import moment_exact, moment_text
from marketplace.platform.rendering.paper import (
    Block,
    Column,
    Facts,
    Heading,
    Paper,
    Signatures,
    Table,
    Text,
    Verification,
)

DEMO_MARK = "演示数据"


def record_paper(
    record: Record, *, custodians: list[str], issuer: str, url: str, log_seq: int | None, demo: bool
) -> Paper:
    """What all bidders may read, with the custodians who released and room for the witnesses' names."""
    said: dict[str, Any] = record.document

    def at(name: str) -> str:
        return moment_exact(datetime.fromisoformat(said[name]))

    releases = "；".join(
        f"{custodians[item['position'] - 1]} {moment_exact(datetime.fromisoformat(item['at']))}"
        + ("（报价）" if item["stage"] == "price" else "")
        for item in said["releases"]
    )
    place = f"，审计日志第{log_seq}号" if log_seq is not None else ""
    blocks: list[Block] = [
        Facts(
            (
                ("需求", f"{said['demand']}　{said['title']}"),
                ("揭榜截止", at("closes_at")),
                ("开启完成", at("opened_at")),
                ("释放", releases),
                ("需求版本", f"第{said['demand_version']}版"),
                ("固定集合指纹", f"{said['frozen']}{place}"),
            )
        ),
        _table(record),
        Text("“答第n版”指标书所答的需求版本；未确认变更的标书仍然有效，按变更后的需求评审。"),
    ]
    if record.objections:
        blocks.append(Heading("揭榜单位的疑问与答复"))
        for item in record.objections:
            blocks.append(
                Text(f"{item.bid.organisation.name}（{moment_text(item.filed_at)}）：{item.text}", indent=False)
            )
            answer = f"答复（{moment_text(item.answered_at)}）：{item.answer}" if item.answered_at else "尚未答复。"
            blocks.append(Text(answer, indent=False))
    blocks.append(Signatures(("保管人", "监督员", "记录人")))
    return Paper(
        form="sheet",
        title="开启记录",
        dated_at=record.concluded_at,
        blocks=tuple(blocks),
        issuer=issuer,
        head="开启记录",
        number=said["demand"],
        subtitle=said["title"],
        watermark=DEMO_MARK if demo else "",
        verification=Verification(url, record.hash),
    )


def _table(record: Record) -> Table:
    rows = tuple(
        (
            str(line["place"]),
            line["bidder"],
            f"{line['version']}\n{line['answers']}",
            line["sealed_at"],
            f"{line['hash'][:8]}\n{line['hash'][8:16]}…",
            line["price"],
            line["outcome"] + (f"\n{line['why']}" if line["why"] else ""),
        )
        for line in record_lines(record, "zh")
    )
    return Table(
        (
            Column("序"),
            Column("揭榜单位", 2.2),
            Column("版本", 1.1),
            Column("封口时间", 2),
            Column("清单指纹", 1.3),
            Column("报价", 1.8),
            Column("结果", 1.8),
        ),
        rows,
        caption="开启结果",
    )
