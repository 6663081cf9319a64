"""Computing the ranking, keeping every version of it, and the witnessed draw of what is equal in all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, select, update

from marketplace import db
from marketplace.bids.models import Bid
from marketplace.demands.content import canonical
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.panels.models import Panel, ReviewBid
from marketplace.panels.rules.draw import seed_of
from marketplace.platform import audit, outbox
from marketplace.platform.audit import queries as log
from marketplace.platform.errors import Invalid, Refused
from marketplace.platform.policy import SYSTEM, Actor, require
from marketplace.results import queries
from marketplace.results.models import Offer, Ranking, RankingLine, Report, TieDraw
from marketplace.results.rules import CAUSE_LABELS, Cause, ReportState
from marketplace.scoring.rules import ranking as rules
from marketplace.scoring.rules.formulas import Answer
from marketplace.scoring.rules.ranking import Incomplete, Replay
from marketplace.scoring.rules.record import Inputs, Line, inputs_json
from marketplace.scoring.rules.record import Ranking as Result


def keep_offer(bid: Bid, *, answers: Sequence[Answer], price: Decimal | None, now: datetime) -> Offer:
    """Keep what was read of an opened bid for the ranking. Called by the system with the opened forms."""
    row = db.session.get(Offer, bid.id)
    if row is None:
        row = Offer(bid_id=bid.id, demand_id=bid.demand_id, read_at=now)
        db.session.add(row)
    row.answers = [[answer.value, answer.deviation] for answer in answers]
    row.price, row.read_at = price, now
    db.session.flush()
    return row


def hold(demand: Demand) -> None:
    """One at a time per demand: a ranking must see the change it follows from."""
    db.session.execute(select(Demand.id).where(Demand.id == demand.id).with_for_update())


def proceed(demand: Demand, *, now: datetime) -> Ranking | None:
    """What follows by itself once all sheets are locked: two-step prices are called for, else the ranking is made.

    Does nothing while something is missing, nor where the ranking in force says what is stored: when a substitute has
    scored in the place of somebody recused, it does not any more. Called after each act that may have been the last one.
    """
    from marketplace.results.offers import call_prices, prices_open, read_offers

    if demand.state is not State.REVIEWING or not queries.is_locked(demand.id):
        return None
    content = demand.said
    if content.two_step and not prices_open(demand):
        call_prices(demand, now=now)
        return None
    read_offers(demand, now=now)
    if queries.is_current(demand):
        return None
    return compute(demand, cause=Cause.LOCKED, actor=SYSTEM, now=now)


def _review_round(demand_id: int) -> int:
    return db.session.scalar(select(Panel.review_round).where(Panel.demand_id == demand_id)) or 1


def compute(demand: Demand, *, cause: Cause, actor: Actor, now: datetime, note: str = "") -> Ranking:
    """Rank from what is stored and keep record, lines and hashes as the next version; the ones before stay.

    Refused while anything expected is missing, naming it, and outside the review. Log and outbox:
    ``ranking.compute`` with both hashes. A report of the ranking before is overtaken.
    """
    hold(demand)
    require("ranking.compute", actor, demand, now)
    if demand.state is not State.REVIEWING:
        raise Refused("现在不是评审阶段，不能计算排名。")
    round_ = _review_round(demand.id)
    drawn = queries.tie_draw(demand.id, round_)
    inputs = queries.inputs(demand, tie_seed=drawn.seed if drawn is not None else "")
    try:
        result = rules.rank(inputs)
    except Incomplete as error:
        raise Refused(_missing_words(demand, error)) from None
    if not queries.is_locked(demand.id):
        raise Refused("专家组有席位空缺，不能计算排名。递补的专家评完全部标书并锁定后会自动计算。")
    row = _version(demand, inputs, result, cause=cause, round_=round_, note=note, actor=actor, now=now)
    db.session.execute(update(Report).where(Report.demand_id == demand.id).values(state=ReportState.OVERTAKEN))
    facts = {
        "demand_id": demand.id,
        "number": row.number,
        "cause": str(cause),
        "hash": row.hash,
        "record_sha256": row.record_sha256,
        "version": row.version,
    }
    leaf = audit.append(
        "ranking.compute", subject=demand.audit_subject, actor=actor, at=now, facts=facts, details={"note": row.note}
    )
    leaf.on_numbered.append(lambda seq: setattr(row, "log_seq", seq))
    outbox.emit("ranking.compute", {"subject": demand.audit_subject, **facts}, at=now)
    db.session.flush()
    db.session.expire(row, ["lines"])
    return row


def _version(
    demand: Demand,
    inputs: Inputs,
    result: Result,
    *,
    cause: Cause,
    round_: int,
    note: str,
    actor: Actor,
    now: datetime,
) -> Ranking:
    """The next version with its lines, and the record it was computed from, byte for byte."""
    record = canonical(inputs_json(inputs))
    row = Ranking(
        demand_id=demand.id,
        number=(db.session.scalar(select(func.max(Ranking.number)).where(Ranking.demand_id == demand.id)) or 0) + 1,
        round=round_,
        cause=cause,
        note=note.strip(),
        version=result.version,
        record=record,
        record_sha256=hashlib.sha256(record).hexdigest(),
        hash=result.hash,
        undecided=[list(group) for group in result.undecided],
        made_at=now,
        made_by_id=actor.id,
    )
    db.session.add(row)
    db.session.flush()
    known = select(Bid.public_id, Bid.id).join(ReviewBid, ReviewBid.bid_id == Bid.id)
    ids = dict(db.session.execute(known.where(ReviewBid.demand_id == demand.id)).all())
    db.session.add_all(_line(row, ids[line.bid], position, line) for position, line in enumerate(result.lines))
    return row


def _line(ranking: Ranking, bid_id: int, position: int, line: Line) -> RankingLine:
    return RankingLine(
        ranking_id=ranking.id,
        bid_id=bid_id,
        position=position,
        rank=line.rank,
        standing=line.standing,
        total=line.total,
        plain_total=line.plain_total,
        criteria=[[key, format(figure, "f")] for key, figure in line.criteria],
        trimmed=list(line.trimmed),
        few_sheets=line.few_sheets,
        shortfalls=list(line.shortfalls),
        decided_by=line.decided_by,
    )


def _missing_words(demand: Demand, error: Incomplete) -> str:
    """Who or what is missing, by the names the office knows."""
    codes = dict(
        db.session.execute(
            select(Bid.public_id, ReviewBid.code)
            .join(ReviewBid, ReviewBid.bid_id == Bid.id)
            .where(ReviewBid.demand_id == demand.id)
        ).all()
    )
    if not error.places:
        return "专家组没有计分的成员，不能计算排名。"
    words = {"price": "报价", "answers": "指标响应"}
    named = [f"{codes.get(bid, bid)}的{words.get(who, f'评分表（专家{who}）')}" for who, bid in error.places[:5]]
    more = f"等{len(error.places)}项" if len(error.places) > 5 else ""
    return f"还缺{'、'.join(named)}{more}，不能计算排名。补齐后会自动计算。"


def draw_ties(demand: Demand, *, number: str, actor: Actor, now: datetime) -> Ranking:
    """The supervisor, present, types a number; with a checkpoint newer than the ranking it makes the seed, once.

    Log and outbox: ``ranking.draw`` with checkpoint, number and seed. The ranking is computed anew with it.
    """
    hold(demand)
    require("ranking.draw", actor, demand, now)
    last = queries.latest(demand.id)
    if last is None or not last.undecided:
        raise Refused("没有需要抽签决定的并列名次。")
    number = "".join(number.split())
    if not number.isascii() or not number.isdigit() or not 4 <= len(number) <= 20:
        sentence = "请在现场写下4至20位数字，作为抽签种子的一部分。"
        raise Invalid(sentence, fields={"number": sentence})
    checkpoint = log.newest_checkpoint()
    if last.log_seq is None or checkpoint is None or checkpoint.size <= last.log_seq:
        raise Refused("请等待日志检查点晚于这次排名，再抽签。稍后刷新即可。")
    root = checkpoint.root.hex()
    row = TieDraw(
        demand_id=demand.id,
        round=last.round,
        number=number,
        checkpoint_size=checkpoint.size,
        checkpoint_root=root,
        seed=seed_of(demand=demand.number or "", checkpoint_root=root, number=number),
        drawn_at=now,
        drawn_by_id=actor.id,
    )
    db.session.add(row)
    db.session.flush()
    facts = {"number": number, "checkpoint": checkpoint.size, "root": root, "seed": row.seed, "ranking": last.number}
    audit.append("ranking.draw", subject=demand.audit_subject, actor=actor, at=now, facts=facts)
    return compute(demand, cause=Cause.DRAW, actor=actor, now=now, note=CAUSE_LABELS[Cause.DRAW])


def replay(ranking: Ranking) -> Replay:
    """Compute again from the stored record and compare with the stored hash. Reads only."""
    if hashlib.sha256(ranking.record).hexdigest() != ranking.record_sha256:
        raise Refused("排名的原始记录与其指纹不符，请核验数据库和审计日志。")
    return rules.replay(json.loads(ranking.record), expected_hash=ranking.hash)
