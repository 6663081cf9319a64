"""Setting up a panel, fixing the pool, drawing, drawing again (product.md §4).

The order is the whole point: the pool's hash is a leaf before the seed can exist; the seed needs a checkpoint signed
after that leaf and a number typed by the supervisor who is present.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from fractions import Fraction

from sqlalchemy import select

from marketplace import db, taxonomy
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.panels import queries
from marketplace.panels.models import Conflict, Expert, Panel, PanelDraw, PanelSeat
from marketplace.panels.rules import draw as rules
from marketplace.panels.rules.conflicts import Block
from marketplace.panels.rules.draw import OUTSIDE_SHARE, Candidate, Pool, RedrawReason
from marketplace.panels.rules.seats import PANEL, PanelAction, PanelState, SeatState
from marketplace.panels.service import pool as keeping
from marketplace.panels.service import seating
from marketplace.platform.audit import queries as log
from marketplace.platform.errors import Invalid, Refused
from marketplace.platform.policy import SYSTEM, Actor, require
from marketplace.platform.workflow import perform
from marketplace.platform.working_days import beijing_day

LEFT_OUT = {
    "no_account": "没有评审专家账号",
    "field": "不在所选领域",
    "away": "评审日不能参加",
    "conflict": "与参与单位有利害关系",
    "excluded": "监督员同意的回避申请",
    "left": "本需求此前已回避、谢绝或弃权",
}
SIZES = (5, 7, 9, 11)


def set_up(
    demand: Demand,
    *,
    size: int,
    share: Fraction,
    fields: Sequence[str],
    meets_on: date,
    score_by: datetime,
    actor: Actor,
    now: datetime,
) -> Panel:
    """Make the panel of an opened demand, or change its terms while the pool is not fixed."""
    require("panel.prepare", actor, demand, now)
    panel = queries.find(actor=actor, now=now, ref=demand.ref)
    if demand.state not in queries.FORMABLE:
        raise Refused("标书开启后、结果公示前才能组建专家组。")
    if panel is not None and panel.state is not PanelState.PREPARING:
        raise Refused("抽取范围已经固定，人数和领域不能再改。需要改时请先重新划定范围。")
    faults = {}
    if size not in SIZES:
        faults["size"] = "专家组须为5至11人的单数。"
    if not OUTSIDE_SHARE <= share <= 1:
        faults["share"] = "区外专家不得少于三分之二。"
    if unknown := [code for code in fields if code not in taxonomy.DIRECTIONS and code not in taxonomy.INDUSTRIES]:
        faults["fields"] = f"没有这个领域：{unknown[0]}。"
    if meets_on < beijing_day(now):
        faults["meets_on"] = "评审日不能早于今天。"
    if beijing_day(score_by) < meets_on:
        faults["score_by"] = "提交期限不能早于评审日。"
    if faults:
        raise Invalid("请更正标出的项目。", fields=faults)
    if panel is None:
        panel = Panel(demand_id=demand.id, demand=demand, created_at=now, created_by_id=actor.id)
        db.session.add(panel)
    panel.size, panel.share, panel.fields = size, f"{share.numerator}/{share.denominator}", list(fields)
    panel.meets_on, panel.score_by = meets_on, score_by
    db.session.flush()
    return panel


def candidates(panel: Panel) -> tuple[list[Expert], list[tuple[Expert, str]], dict[int, tuple[Block, ...]]]:
    """Who may be drawn, who may not and why (a code of ``LEFT_OUT``), and the blocks that were found."""
    everybody = list(db.session.scalars(select(Expert).where(Expert.retired_at.is_(None)).order_by(Expert.key)))
    day = panel.meets_on
    assert day is not None
    blocks = queries.blocks_for(panel.demand, everybody, on=day)
    gone = {seat.expert_id for seat in panel.seats if seat.ended_at is not None}
    wanted = set(panel.fields)
    free, left = [], []
    for expert in everybody:
        kinds = {block.kind for block in blocks[expert.id]}
        if expert.user_id is None:
            left.append((expert, "no_account"))
        elif expert.id in gone:
            left.append((expert, "left"))
        elif kinds:
            left.append((expert, "excluded" if kinds == {"excluded"} else "conflict"))
        elif wanted and not wanted & set(expert.fields):
            left.append((expert, "field"))
        elif expert.away(day):
            left.append((expert, "away"))
        else:
            free.append(expert)
    return free, left, blocks


def pool_of(panel: Panel, experts: Sequence[Expert]) -> Pool:
    """The pool as it is hashed: opaque keys and whether somebody works outside, no names."""
    found = tuple(Candidate(expert.key, expert.outside) for expert in experts)
    return Pool(panel.demand.ref, panel.size, found, panel.outside_share)


def _ask_for(panel: Panel) -> None:
    """Fill in the facts that the policy asks of a panel."""
    panel.review_is_open = panel.demand.state in queries.FORMABLE
    panel.review_is_over = panel.demand.state not in (*queries.FORMABLE, State.NOTICE)
    made, newest = panel.draw, log.newest_checkpoint()
    panel.has_checkpoint_after_pool = bool(
        made and made.pool_seq is not None and newest is not None and newest.size > made.pool_seq
    )


def fix_pool(panel: Panel, *, actor: Actor, now: datetime) -> PanelDraw:
    """Filter the pool, write it down and put its hash into the log. Log: ``panel.fix_pool``. The blocks are kept.

    Refused with the shortfalls where it could not be drawn from.
    """
    keeping.link_accounts(now=now)
    free, left, blocks = candidates(panel)
    pool = pool_of(panel, free)
    faults = rules.shortfalls(pool)
    _ask_for(panel)
    panel.pool_suffices = not faults
    if faults:
        raise Refused("".join(faults))
    facts = {"demand_id": panel.demand_id, "round": _next_round(panel), "pool_hash": rules.pool_hash(pool)}
    leaf = perform(PANEL, panel, PanelAction.FIX_POOL, actor=actor, now=now, facts=facts)
    panel.round = _next_round(panel)
    made = PanelDraw(
        panel=panel,
        round=panel.round,
        pool=rules.pool_json(pool),
        left_out=[[expert.key, code] for expert, code in left],
        pool_hash=rules.pool_hash(pool),
        fixed_at=now,
        fixed_by_id=actor.id,
        reason=panel.redraw_reason,
        note=panel.redraw_note,
    )
    db.session.add(made)
    leaf.on_numbered.append(lambda seq: _numbered(made, seq))
    panel.redraw_proposed_by_id, panel.redraw_reason, panel.redraw_note = None, "", ""
    found_by_key = {expert.key: expert.id for expert, _ in left}
    keep_blocks(panel, [block for some in blocks.values() for block in some], found_by_key, source="pool", now=now)
    db.session.flush()
    return made


def _next_round(panel: Panel) -> int:
    return max((made.round for made in panel.draws), default=0) + 1


def _numbered(made: PanelDraw, seq: int) -> None:
    made.pool_seq = seq
    db.session.flush()


def keep_blocks(panel: Panel, blocks: Sequence[Block], ids: dict[str, int], *, source: str, now: datetime) -> None:
    """Write down blocks that are not on record yet."""
    known = {
        (row.expert_id, row.kind, row.party)
        for row in db.session.scalars(select(Conflict).where(Conflict.panel_id == panel.id))
    }
    for block in blocks:
        key = (ids[block.expert], block.kind, block.party[:80])
        if key not in known:
            known.add(key)
            db.session.add(
                Conflict(panel_id=panel.id, expert_id=key[0], kind=key[1], party=key[2], source=source, found_at=now)
            )


def reopen_pool(panel: Panel, *, reason: str, actor: Actor, now: datetime) -> None:
    """Give up a fixed pool that was not drawn from; its leaf stays, the next one has the next round's number."""
    if not reason.strip():
        raise Invalid("请写明重新划定范围的理由。", fields={"reason": "请写明理由"})
    _ask_for(panel)
    perform(PANEL, panel, PanelAction.REOPEN_POOL, actor=actor, now=now, reason=reason)
    db.session.flush()


def draw(panel: Panel, *, number: str, actor: Actor, now: datetime) -> PanelDraw:
    """Draw members and substitutes. ``number``: what the supervisor who is present types, digits.

    Log: ``panel.draw`` with pool hash, checkpoint, number, seed and the keys drawn. The members are invited at once.
    """
    number = "".join(number.split())
    if not (number.isascii() and number.isdigit() and 1 <= len(number) <= 40):
        raise Invalid("请输入一个由数字组成的随机数，1至40位，例如当场掷骰所得。", fields={"number": "只能是数字"})
    _ask_for(panel)
    newest = log.newest_checkpoint()
    made = panel.draw
    if made is None or newest is None:
        raise Refused("抽取范围还没有固定。请先由受理员固定抽取范围。")
    root = newest.root.hex()
    seed = rules.seed_of(demand=made.as_pool.demand, checkpoint_root=root, number=number)
    drawn = rules.draw(made.as_pool, seed=seed)
    facts = {
        "demand_id": panel.demand_id,
        "round": made.round,
        "pool_hash": made.pool_hash,
        "checkpoint_size": newest.size,
        "checkpoint_root": root,
        "number": number,
        "seed": seed,
        "reason_code": made.reason,
    }
    perform(PANEL, panel, PanelAction.DRAW, actor=actor, now=now, facts=facts)
    made.checkpoint_size, made.checkpoint_root, made.number, made.seed = newest.size, root, number, seed
    made.members, made.substitutes = list(drawn.members), list(drawn.substitutes)
    made.drawn_at, made.drawn_by_id = now, actor.id
    _seat(panel, made, now=now)
    return made


def _seat(panel: Panel, made: PanelDraw, *, now: datetime) -> None:
    keys = [*made.members, *made.substitutes]
    experts = {row.key: row for row in db.session.scalars(select(Expert).where(Expert.key.in_(keys)))}
    for order, key in enumerate(keys):
        expert = experts[key]
        panel.seats.append(
            PanelSeat(
                round=made.round,
                expert=expert,
                expert_account_id=expert.user_id,
                order=order,
                outside=expert.outside,
                state=SeatState.SUBSTITUTE,
            )
        )
    db.session.flush()
    seating.fill(panel, now=now)


def propose_redraw(panel: Panel, *, reason: RedrawReason, note: str, actor: Actor, now: datetime) -> None:
    """Ask for a second draw, with a coded reason; another person confirms. Log: ``panel.propose_redraw``."""
    _ask_for(panel)
    require("panel.propose_redraw", actor, panel, now)
    if panel.state is not PanelState.DRAWN:
        raise Refused("还没有抽取过，不需要重新抽取。")
    if not note.strip():
        raise Invalid("请说明具体情况，报告里会列出。", fields={"note": "请说明情况"})
    panel.redraw_proposed_by_id, panel.redraw_reason, panel.redraw_note = actor.id, str(reason), note.strip()
    db.session.flush()
    seating.tell(
        "panel.propose_redraw", panel, actor=actor, now=now, facts={"reason_code": str(reason)}, reason=note.strip()
    )


def confirm_redraw(panel: Panel, *, actor: Actor, now: datetime) -> None:
    """The second person: the seats of the old draw end, the pool is to be fixed anew. Sheets written stay on record."""
    _ask_for(panel)
    facts = {"demand_id": panel.demand_id, "round": panel.round, "reason_code": panel.redraw_reason}
    perform(PANEL, panel, PanelAction.DRAW_AGAIN, actor=actor, now=now, reason=panel.redraw_note, facts=facts)
    panel.round = _next_round(panel)  # from here on nobody of the old draw sits
    db.session.flush()


def discharge(panel: Panel, *, now: datetime) -> None:
    """The review is over: the panel's work is done."""
    _ask_for(panel)
    perform(PANEL, panel, PanelAction.DISCHARGE, actor=SYSTEM, now=now, facts={"demand_id": panel.demand_id})
    db.session.flush()
