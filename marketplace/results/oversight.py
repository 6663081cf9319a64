"""The supervisor's timeline: every draw, override, recusal, correction and objection of a demand, with what it changed.

It is drawn from the audit log's readable side, so that nothing can be missing here that was logged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import String, cast, literal, or_, select
from sqlalchemy.orm import joinedload

from marketplace import db
from marketplace.accounts.models import Organisation
from marketplace.bids.models import Bid
from marketplace.demands.models import Demand
from marketplace.demands.rules import ACTION_LABELS, Action
from marketplace.panels.models import Panel, PanelSeat, ReviewBid
from marketplace.platform.audit import AuditDetail
from marketplace.platform.formatting import moment_text
from marketplace.results import pages, queries
from marketplace.results.models import Mend
from marketplace.results.rules import CAUSE_LABELS, Cause
from marketplace.scoring.models import Sheet
from marketplace.scoring.rules.sheets import MEND_LABELS, MendReason

KINDS: dict[str, str] = {
    "draw": "抽取与抽签",
    "recusal": "回避、弃权与替换",
    "override": "准予参加",
    "correction": "锁定与更正",
    "out": "取消资格",
    "objection": "异议",
    "decision": "公示与定榜",
}
# Log kinds by what the supervisor looks for, with the words for each.
LOGGED: dict[str, tuple[str, str]] = {
    "panel.fix_pool": ("draw", "固定抽取范围"),
    "panel.reopen_pool": ("draw", "重新划定范围"),
    "panel.draw": ("draw", "抽取专家"),
    "panel.propose_redraw": ("draw", "提出重新抽取"),
    "panel.draw_again": ("draw", "确认重新抽取"),
    "ranking.draw": ("draw", "并列名次抽签"),
    "seat.recuse": ("recusal", "专家申请回避"),
    "seat.order_recusal": ("recusal", "责令回避"),
    "seat.abstain": ("recusal", "专家弃权"),
    "seat.decline": ("recusal", "专家谢绝"),
    "seat.expire": ("recusal", "专家逾期未确认"),
    "seat.call": ("recusal", "候补专家递补"),
    "seat.propose_override": ("override", "提出准予参加"),
    "seat.override": ("override", "准予参加"),
    "review.lock": ("correction", "评分全部锁定"),
    "sheet.flag": ("correction", "提示核对"),
    "sheet.confirm": ("correction", "维持原分"),
    "sheet.correct": ("correction", "核对后更正"),
    "sheet.propose_mend": ("correction", "组长提出锁定后更正"),
    "sheet.mend": ("correction", "会签锁定后更正"),
    "sheet.refuse_mend": ("correction", "不同意锁定后更正"),
    "ranking.compute": ("correction", "计算排名"),
    "ranking.propose_disqualification": ("out", "提出取消资格"),
    "ranking.disqualify": ("out", "取消资格"),
    "ranking.refuse_disqualification": ("out", "不同意取消资格"),
    "objection.file": ("objection", "提出异议"),
    "objection.accept": ("objection", "受理异议"),
    "objection.draft_answer": ("objection", "拟写答复"),
    "objection.refuse": ("objection", "不予受理"),
    "objection.uphold": ("objection", "异议成立"),
    "objection.dismiss": ("objection", "异议不成立"),
    "objection.escalate": ("objection", "报监督员"),
    "objection.overrule": ("objection", "监督员改为成立"),
    "objection.maintain": ("objection", "监督员维持原答复"),
    "objection.withdraw": ("objection", "撤回异议"),
    "report.open": ("decision", "出具评审报告"),
    "report.sign": ("decision", "签署评审报告"),
    "demand.announce": ("decision", "公示"),
    "demand.award": ("decision", "定榜"),
    "demand.re_review": ("decision", "重新评审"),
    "demand.void": ("decision", "作废"),
    "demand.substitute": ("decision", "递补"),
    "notice.revoke": ("decision", "撤销公示"),
    "award.decline": ("decision", "放弃中榜"),
    "award.expire": ("decision", "逾期未接受"),
    "award.void": ("decision", "中榜作废"),
}


def _entries(demand: Demand) -> Iterable[AuditDetail]:
    """Log entries about the demand, its panel, seats and sheets, and whatever says that it belongs to it."""
    panel = select(literal("panel:") + cast(Panel.id, String)).where(Panel.demand_id == demand.id)
    seats = (
        select(literal("panel_seat:") + cast(PanelSeat.id, String))
        .join(Panel, Panel.id == PanelSeat.panel_id)
        .where(Panel.demand_id == demand.id)
    )
    sheets = select(literal("sheet:") + cast(Sheet.id, String)).where(Sheet.demand_id == demand.id)
    belongs = AuditDetail.facts["demand_id"].as_integer() == demand.id
    loose = AuditDetail.kind.startswith("objection.") | AuditDetail.kind.startswith("notice.")
    loose = loose | AuditDetail.kind.startswith("award.")
    return db.session.scalars(
        select(AuditDetail)
        .where(
            AuditDetail.kind.in_(LOGGED),
            or_(
                AuditDetail.subject == demand.audit_subject,
                AuditDetail.subject.in_(panel),
                AuditDetail.subject.in_(seats),
                AuditDetail.subject.in_(sheets),
                loose & belongs,
            ),
        )
        .order_by(AuditDetail.seq.desc())
    )


def events(demand: Demand) -> list[dict[str, Any]]:
    """For components/timeline.html, newest first; ``kind`` is a key of ``KINDS``."""
    rankings = {item.number: item for item in queries.rankings(demand.id)}
    mends = {item.sheet_id: item for item in queries.mends(demand.id)}
    codes = queries.codes(demand.id)
    said = _Said.of(demand)
    found = []
    for entry in _entries(demand):
        kind, what = LOGGED[entry.kind]
        changes = []
        if entry.data.get("reason"):
            changes.append({"label": "理由", "text": entry.data["reason"]})
        if entry.kind == "ranking.compute":
            number = int(entry.facts.get("number", 0))
            if number in rankings:
                changes += pages.moved(rankings.get(number - 1), rankings[number], codes)
        if entry.kind in ("sheet.propose_mend", "sheet.mend", "sheet.refuse_mend"):
            sheet_id = int(entry.subject.partition(":")[2])
            changes += _mend_changes(mends.get(sheet_id), demand)
        found.append(
            {
                "kind": kind,
                "at": entry.at,
                "what": said.what(entry, what),
                "note": f"{entry.actor_name or '系统'}，审计日志第{entry.seq}号",
                "text": said.facts(entry),
                "changes": changes,
                "solemn": kind in ("override", "out"),
            }
        )
    return found


@dataclass(frozen=True, slots=True)
class _Said:
    """What the keys and ids of a log entry mean to the supervisor."""

    seats: Mapping[str, PanelSeat]  # by the log's subject
    bids: Mapping[str, str]  # public id → code and bidder

    @classmethod
    def of(cls, demand: Demand) -> _Said:
        seats = db.session.scalars(
            select(PanelSeat)
            .join(Panel, Panel.id == PanelSeat.panel_id)
            .where(Panel.demand_id == demand.id)
            .options(joinedload(PanelSeat.expert), joinedload(PanelSeat.panel))
        )
        bids = db.session.execute(
            select(Bid.public_id, ReviewBid.code, Organisation.name)
            .join(Organisation, Organisation.id == Bid.organisation_id)
            .outerjoin(ReviewBid, ReviewBid.bid_id == Bid.id)
            .where(Bid.demand_id == demand.id)
        )
        return cls(
            {seat.audit_subject: seat for seat in seats},
            {public_id: f"{code or ''} {name}".strip() for public_id, code, name in bids},
        )

    def what(self, entry: AuditDetail, what: str) -> str:
        """With the expert's name; the members who were drawn are invited, only who waited moves up."""
        seat = self.seats.get(entry.subject)
        if seat is None:
            return what
        if entry.kind == "seat.call" and seat.order < seat.panel.size:
            what = "邀请专家"
        return f"{what}：专家{seat.number} {seat.expert.name}"

    def facts(self, entry: AuditDetail) -> str:
        """The facts of an entry that say something to a reader, in the order of ``tell``."""
        facts = entry.facts
        tell: dict[str, Callable[[Any], str]] = {
            "number": lambda value: f"第{value}版" if entry.kind == "ranking.compute" else f"现场数字{value}",
            "cause": lambda value: CAUSE_LABELS[Cause(value)] if value in set(Cause) else "",
            "seed": lambda value: f"种子{value}",
            "checkpoint": lambda value: f"检查点{value}",
            "code": lambda value: (
                MEND_LABELS[MendReason(value)] if value in set(MendReason) else pages.code_label(value)
            ),
            "bid": lambda value: self.bids.get(str(value), ""),
            "sheets": lambda value: f"共{value}份评分表",
            "due_at": lambda value: f"答复期限{moment_text(datetime.fromisoformat(value.replace('Z', '+00:00')))}",
            "remedy": lambda value: f"处理：{ACTION_LABELS[Action(value)].zh}",
        }
        return "；".join(text for key, say in tell.items() if facts.get(key) and (text := say(facts[key])))


def _mend_changes(mend: Mend | None, demand: Demand) -> list[dict[str, Any]]:
    if mend is None:
        return []
    names = {item.key: item.name for item in demand.said.score_sheet.criteria}
    before, after = mend.before["scores"], mend.after["scores"]
    return [
        {"label": names.get(key, key), "before": before.get(key, "—"), "after": score}
        for key, score in after.items()
        if before.get(key) != score
    ]
