"""What the report names and says, gathered from the record of the review; and the one obvious next step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from marketplace import db
from marketplace.demands.rules import State
from marketplace.panels.models import Panel, PanelSeat
from marketplace.panels.rules.seats import SeatState
from marketplace.platform.formatting import moment_text
from marketplace.platform.policy import Actor
from marketplace.platform.rendering import Paper, Verification
from marketplace.results import pages, papers, queries
from marketplace.results.models import Ranking, Report
from marketplace.results.offers import prices_open
from marketplace.results.queries import Reviewed
from marketplace.results.rules import SIGN_SENTENCES, ReportState
from marketplace.results.rules import why_not_sign as rule
from marketplace.scoring.rules.sheets import MEND_LABELS
from marketplace.settings import queries as settings


@dataclass(frozen=True, slots=True)
class Gathered:
    """The report as data: page and PDF draw the same."""

    members: list[papers.Member]
    rows: list[papers.Row]
    events: list[str]


def gather(reviewed: Reviewed, report: Report, *, actor: Actor, now: datetime) -> Gathered:
    """Everything the report says, in the words this reader may see (codes, in blind review, for the panel)."""
    demand, content = reviewed.demand, reviewed.demand.said
    panel = db.session.scalar(
        select(Panel)
        .where(Panel.demand_id == demand.id)
        .options(
            selectinload(Panel.seats).options(
                joinedload(PanelSeat.expert),
                joinedload(PanelSeat.overridden_by),
                joinedload(PanelSeat.override_proposed_by),
            ),
            selectinload(Panel.draws),
        )
    )
    signed = {item.seat_id: item for item in report.signatures}
    members = [
        papers.Member(
            name=seat.expert.name,
            employer=seat.expert.employer,
            outside=seat.outside,
            chair=seat.chaired_at is not None,
            signed_at=signed[seat.id].signed_at if seat.id in signed else None,
            dissent=signed[seat.id].dissent if seat.id in signed else "",
        )
        for seat in (panel.counted_seats if panel else ())
    ]
    full = queries.with_lines(report.ranking_id)
    assert full is not None
    names = queries.names(reviewed, actor, now=now)
    rows = [
        papers.Row(row["rank"], row["name"], tuple(row["criteria"]), row["total"], row["standing"])
        for row in pages.ranking_rows(full.lines, content, names=names, outs=queries.outs(demand.id))
    ]
    return Gathered(members, rows, _events(demand.id, panel, full, names))


def _events(demand_id: int, panel: Panel | None, ranking: Ranking, names: dict[int, str]) -> list[str]:
    """Second draws, overrides, recusals, abstentions, corrections, disqualifications and ties: each by name."""
    found = []
    for draw in panel.draws if panel else ():
        if draw.round > 1:
            found.append(f"第{draw.round}次抽取专家：{draw.note or draw.reason}。")
    for seat in panel.seats if panel else ():
        if seat.overridden_at is not None:
            by = "、".join(
                person.name for person in (seat.override_proposed_by, seat.overridden_by) if person is not None
            )
            found.append(f"{seat.expert.name}有应回避的情形，经{by}两人准予参加：{seat.override_reason}。")
        if seat.state is SeatState.RECUSED:
            found.append(f"专家{seat.number}回避，由候补专家评全部标书，其评分表留档不计。")
        if seat.state is SeatState.ABSTAINED:
            found.append(f"专家{seat.number}弃权，由候补专家评全部标书，其评分表留档不计。")
    for mend in queries.mends(demand_id):
        if mend.confirmed:
            found.append(
                f"锁定后更正：专家{mend.sheet.seat.number}对{names.get(mend.sheet.bid_id, '—')}的评分，"
                f"{MEND_LABELS[mend.code]}，组长提出、监督员会签：{mend.reason}"
            )
    for bid_id, code in queries.outs(demand_id).items():
        found.append(f"取消资格：{names.get(bid_id, '—')}，{pages.code_label(code)}。")
    drawn = queries.tie_draw(demand_id, ranking.round)
    if drawn is not None:
        found.append(
            f"并列名次于{moment_text(drawn.drawn_at)}抽签决定：现场数字{drawn.number}，"
            f"检查点{drawn.checkpoint_size}，种子{drawn.seed}。"
        )
    if any(line.few_sheets for line in ranking.lines):
        found.append("计分的评分表不足5份，未去掉最高、最低分，取平均。")
    return found


def paper(
    said: Gathered, reviewed: Reviewed, report: Report, *, verification: Verification, demo: bool = False
) -> Paper:
    """评审报告 as ``Paper``."""
    demand = reviewed.demand
    return papers.review_report(
        demand.said,
        number=demand.number or "",
        title=demand.title,
        unit=demand.unit.name,
        issuer=str(settings.setting("site").get("host") or "高新区管委会"),
        dated_at=report.signed_at or report.opened_at,
        members=said.members,
        rows=said.rows,
        events=said.events,
        conclusion=report.conclusion,
        ranking_number=report.ranking.number,
        ranking_hash=report.ranking.hash,
        record_sha256=report.ranking.record_sha256,
        verification=verification,
        demo=demo,
    )


def why_not_sign(reviewed: Reviewed, report: Report | None, seat: PanelSeat | None) -> str | None:
    """The sentence, or ``None`` when this member may sign now."""
    if report is None or seat is None:
        return "" if seat is None else "评审报告还没有出具。"
    members = {item.id for item in seat.panel.counted_seats}
    chair = seat.panel.chair
    signed = {item.seat_id for item in report.signatures}
    refusal = rule(seat.id, members=members, chair=chair.id if chair else None, signed=signed, state=report.state)
    return None if refusal is None else SIGN_SENTENCES[refusal]


def next_step(reviewed: Reviewed, *, until: datetime | None) -> dict[str, Any]:
    """Where the review stands and who acts next: ``{text, kind}``; the page has a button for each kind."""
    demand = reviewed.demand
    if demand.state is not State.REVIEWING:
        return {"kind": "over", "text": ""}
    if not reviewed.is_locked:
        return {"kind": "wait", "text": "", "until": until}
    if not reviewed.ranked:
        if demand.said.two_step and not prices_open(demand):
            return {"kind": "prices", "text": "技术评分已全部锁定，等待保管人开启报价封套。"}
        return {"kind": "rank", "text": "评分已全部锁定，可以计算排名。"}
    if reviewed.undecided:
        return {"kind": "draw", "text": "有并列名次，等待监督员在场抽签。"}
    if reviewed.report_ranking_id != reviewed.ranking_id:
        return {"kind": "report", "text": "排名已算出，请出具评审报告。"}
    if reviewed.report_state is ReportState.SIGNING:
        return {"kind": "signing", "text": "评审报告签署中，组长先签。"}
    return {"kind": "announce", "text": "评审报告已签署，可以提出公示。"}
