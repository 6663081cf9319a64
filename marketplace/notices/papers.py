"""公示 and 结果通知书 as ``Paper``. Pure: what is printed is what is passed in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from marketplace.demands.clocks import OBJECTION_WORKING_DAYS
from marketplace.platform.formatting import date_text, moment_text
from marketplace.platform.rendering.paper import Block, Column, Facts, Heading, Paper, Table, Text, Verification

DEMO_MARK = "演示数据"


def notice_paper(
    *,
    title: str,
    number: str,
    demand: str,
    issuer: str,
    published_at: datetime,
    last_day: Any,
    days: int,
    rows: Sequence[Mapping[str, Any]],
    scores: bool,
    facts: Sequence[tuple[str, str]],
    text: str,
    aggregate: str,
    ranking_hash: str,
    verification: Verification | None,
    demo: bool = False,
) -> Paper:
    """公示 with the red head. ``rows`` as the page shows them; figures only where the demand promised them."""
    columns: tuple[Column, ...] = (Column("名次", 0, "center"), Column("单位", 3))
    if scores:
        columns += (
            *(Column("技术分", 0, "right"), Column("价格分", 0, "right"), Column("报价\n（万元）", 0, "right")),
            Column("总分", 0, "right"),
        )
    table = Table(
        columns,
        tuple(_row(row, scores) for row in rows),
        caption="候选单位",
        note=f"{aggregate}。名次按未取整的得分排列。结果指纹{ranking_hash}。",
    )
    blocks: list[Block] = [
        Text(
            f"经资格审查与专家评审，现将“{demand}”的候选单位公示如下。公示期{days}个工作日，"
            f"至{date_text(last_day)}24:00止。"
        ),
        table,
        *((Text(text),) if text else ()),
        Heading("一、评审情况"),
        Facts(tuple(facts)),
        Heading("二、异议"),
        Text(
            f"任何单位和个人可在公示期内实名提出异议，写明事实和依据；自提出之日起{OBJECTION_WORKING_DAYS}个工作日内书面答复，"
            "答复公开，提出人的身份不公开。异议未办结的，不予定榜。对答复不服的，可在5个工作日内报监督员。"
        ),
    ]
    return Paper(
        form="announcement",
        title=title,
        dated_at=published_at,
        blocks=tuple(blocks),
        issuer=issuer,
        head="应用场景揭榜结果公示",
        number=number,
        signed_by=issuer,
        issued_on=date_text(published_at),
        seal_note="（加盖电子印章处）",
        watermark=DEMO_MARK if demo else "",
        verification=verification,
    )


def _row(row: Mapping[str, Any], scores: bool) -> tuple[str, ...]:
    name = row["name"] + (f"（{row['winner']}）" if row["winner"] else "") + (f"\n{row['note']}" if row["note"] else "")
    cells = (str(row["rank"]), name)
    return (*cells, row["technical"], row["price_score"], row["price_wan"], row["total"]) if scores else cells


def letter_paper(
    view: Mapping[str, Any],
    *,
    demand: str,
    number: str,
    issuer: str,
    sent_at: datetime,
    verification: Verification | None,
    demo: bool = False,
) -> Paper:
    """结果通知书: own score beside the median, comments, reason, how and until when to object."""
    facts = [("榜号", number), ("需求", demand), ("结果", view["sentence"])]
    if view["reason"]:
        facts.append(("原因", view["reason"]))
    if view["finding"]:
        facts.append(("审查意见", view["finding"]))
    if view["rank"]:
        facts.append(("名次", f"第{view['rank']}名"))
    if view["total"] is not None:
        median = f"（已评标书的中位数{view['median_total']}分）" if view["median_total"] is not None else ""
        facts.append(("总分", f"{view['total']}分{median}"))
    if view["failed"]:
        facts.append(("未证实或未达标的否决指标", "、".join(view["failed"])))
    blocks: list[Block] = [Facts(tuple(facts))]
    if view["lines"]:
        blocks += [
            Heading("一、各项得分"),
            Table(
                (
                    *(Column("评分项", 2), Column("满分", 0, "right"), Column("贵单位", 0, "right")),
                    *(Column("中位数", 0, "right"), Column("评语", 4)),
                ),
                tuple(
                    (item["name"], item["full"], item["own"], item["median"], "\n".join(item["comments"]) or "—")
                    for item in view["lines"]
                ),
                note="评语不署名，顺序与专家无关；已评标书不足三份的不列中位数。",
            ),
        ]
    blocks += [Heading("二、异议"), Text(how_to_object(view))]
    return Paper(
        form="sheet",
        title="结果通知书",
        dated_at=sent_at,
        blocks=tuple(blocks),
        issuer=issuer,
        head="结果通知书",
        number=number,
        addressee=f"{view['organisation']}：",
        signed_by=issuer,
        issued_on=date_text(sent_at),
        seal_note="（加盖电子印章处）",
        watermark=DEMO_MARK if demo else "",
        verification=verification,
    )


def how_to_object(view: Mapping[str, Any]) -> str:
    """The last paragraph of a letter."""
    if view["lapsed"]:
        return "本需求未产生中榜单位。对本结果有疑问的，可向主管部门或监督员书面提出。"
    return (
        f"对结果有异议的，可在{moment_text(view['until'])}之前在公示页实名提出，写明事实和依据；"
        f"{OBJECTION_WORKING_DAYS}个工作日内书面答复。"
    )
