"""Result letters: one per bid and decision, frozen as sent. The message that points to them follows by the outbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from marketplace import db
from marketplace.bids.models import Bid
from marketplace.bids.rules import BidState
from marketplace.demands.content import DemandContent, fingerprint
from marketplace.demands.models import Demand
from marketplace.eligibility.models import EligibilityDecision
from marketplace.notices.models import Letter, Notice
from marketplace.notices.rules.letters import Comment, Outcome, ResultLetter, refusal_letter, result_letter
from marketplace.notices.rules.notices import Candidate
from marketplace.notices.service.composing import NEVER_OPENED
from marketplace.panels.models import Panel, PanelSeat
from marketplace.platform import audit, outbox
from marketplace.platform.policy import Actor
from marketplace.results import queries as results
from marketplace.results.models import Ranking
from marketplace.scoring.models import Sheet
from marketplace.scoring.rules import record as rules

UNSCORED = {BidState.RENOUNCED: Outcome.RENOUNCED, BidState.UNOPENABLE: Outcome.UNOPENABLE}


def send_letters(
    demand: Demand,
    ranking: Ranking | None,
    *,
    notice: Notice | None,
    objections_until: datetime,
    actor: Actor,
    now: datetime,
    only: Bid | None = None,
) -> list[Letter]:
    """Write the letter of every bid that was ever opened or tried, or of one. Log and outbox: ``letter.send`` for each.

    ``notice`` is ``None`` when the demand lapsed after its review: then there is no candidate. ``only``: the substitute
    whom a later notice proposes; nobody else's letter changes by it.
    """
    known = _known(demand, ranking, notice)
    made = []
    for bid in _bids(demand, only):
        decision = known.decisions.get(bid.id)
        finding = decision.text if decision is not None and bid.state is BidState.INELIGIBLE else ""
        letter = _letter(bid, known, demand.said, objections_until)
        made.append(_send(demand, bid, letter, notice=notice, finding=finding, actor=actor, now=now))
    return made


def _bids(demand: Demand, only: Bid | None) -> Sequence[Bid]:
    query = (
        select(Bid)
        .where(Bid.demand_id == demand.id, Bid.state.not_in(NEVER_OPENED))
        .order_by(Bid.public_id)
        .options(joinedload(Bid.organisation))
    )
    return db.session.scalars(query if only is None else query.where(Bid.id == only.id)).all()


@dataclass(frozen=True, slots=True)
class _Known:
    """What the letters of one demand are written from."""

    result: rules.Ranking | None
    comments: Mapping[int, Sequence[Comment]]  # by bid
    names: Sequence[str]  # of the panel, to be struck out
    candidates: Sequence[Candidate]
    reasons: Mapping[int, str]  # coded, of disqualified bids
    decisions: Mapping[int, EligibilityDecision]

    @property
    def scored(self) -> set[str]:
        return {line.bid for line in self.result.lines} if self.result is not None else set()


def _known(demand: Demand, ranking: Ranking | None, notice: Notice | None) -> _Known:
    decisions = db.session.scalars(
        select(EligibilityDecision).join(EligibilityDecision.bid).where(Bid.demand_id == demand.id)
    )
    shown = notice.content["candidates"] if notice is not None else ()
    return _Known(
        result=as_ranking(ranking) if ranking is not None else None,
        comments=_comments(demand),
        names=_panel_names(demand.id),
        candidates=[Candidate(item["bid"], item["rank"], item["proposed"]) for item in shown],
        reasons=results.outs(demand.id),
        decisions={item.bid_id: item for item in decisions},
    )


def _letter(bid: Bid, known: _Known, content: DemandContent, until: datetime) -> ResultLetter:
    """Of a scored bid, else of one that was refused, renounced, could not be opened, or was left without a result."""
    out = known.reasons.get(bid.id, "")
    if known.result is not None and bid.public_id in known.scored:
        return result_letter(
            known.result,
            bid.public_id,
            sheet=content.score_sheet,
            indicators=content.indicators,
            candidates=known.candidates,
            comments=known.comments.get(bid.id, ()),
            names=known.names,
            objections_until=until,
            reason_code=out,
        )
    other = Outcome.INELIGIBLE if bid.state is BidState.INELIGIBLE else Outcome.NO_RESULT
    return refusal_letter(
        bid.public_id,
        reason_code=_reason(bid, known.decisions.get(bid.id), out),
        objections_until=until,
        outcome=UNSCORED.get(bid.state, other),
    )


def _reason(bid: Bid, decision: EligibilityDecision | None, out: str) -> str:
    """The coded reason of a bid that was not scored."""
    if bid.state is BidState.INELIGIBLE and decision is not None:
        return decision.reason
    return bid.reason or out


def _send(
    demand: Demand, bid: Bid, letter: ResultLetter, *, notice: Notice | None, finding: str, actor: Actor, now: datetime
) -> Letter:
    data = letter_json(letter) | {
        "demand": demand.number,
        "title": demand.title,
        "organisation": bid.organisation.name,
        "lapsed": notice is None,
        "finding": finding,
        "notice": notice.id if notice is not None else None,
    }
    row = Letter(
        demand_id=demand.id,
        bid_id=bid.id,
        notice_id=notice.id if notice is not None else None,
        content=data,
        sha256=fingerprint(data),
        sent_at=now,
    )
    db.session.add(row)
    db.session.flush()
    facts = {"demand_id": demand.id, "bid": bid.public_id, "outcome": str(letter.outcome), "sha256": row.sha256}
    audit.append("letter.send", subject=row.audit_subject, actor=actor, at=now, facts=facts)
    outbox.emit("letter.send", {"subject": row.audit_subject, **facts}, at=now)
    return row


def as_ranking(ranking: Ranking) -> rules.Ranking:
    """A stored ranking as the rules know it."""
    public = dict(
        db.session.execute(
            select(Bid.id, Bid.public_id).where(Bid.id.in_([line.bid_id for line in ranking.lines]))
        ).all()
    )
    return rules.Ranking(
        version=ranking.version,
        lines=tuple(
            rules.Line(
                bid=public[line.bid_id],
                standing=line.standing,
                rank=line.rank,
                total=line.total,
                plain_total=line.plain_total,
                criteria=tuple((key, Decimal(figure)) for key, figure in line.criteria),
                trimmed=tuple(line.trimmed),
                few_sheets=line.few_sheets,
                shortfalls=tuple(line.shortfalls),
                decided_by=line.decided_by,
            )
            for line in ranking.lines
        ),
        undecided=tuple(tuple(group) for group in ranking.undecided),
    )


def letter_json(letter: ResultLetter) -> dict[str, Any]:
    """JSON-ready, figures as exact text, the instant as the log writes it."""

    def plain(value: Any) -> Any:
        match value:
            case Decimal():
                return format(value, "f")
            case datetime():
                return audit.timestamp(value)
            case dict():
                return {key: plain(item) for key, item in value.items()}
            case list() | tuple():
                return [plain(item) for item in value]
            case _:
                return value

    data = plain(asdict(letter))
    assert isinstance(data, dict)
    return data


def _comments(demand: Demand) -> dict[int, list[Comment]]:
    """What counted members wrote in the present round, by bid."""
    rows = db.session.execute(
        select(Sheet.bid_id, Sheet.seat_id, Sheet.content)
        .join(PanelSeat, PanelSeat.id == Sheet.seat_id)
        .join(Panel, Panel.id == PanelSeat.panel_id)
        .where(
            Sheet.demand_id == demand.id,
            Sheet.round == Panel.review_round,
            PanelSeat.round == Panel.round,
            PanelSeat.state == "declared",
        )
        .order_by(Sheet.id)
    )
    found: dict[int, list[Comment]] = {}
    for bid_id, seat_id, content in rows:
        for key, text in content.get("comments", {}).items():
            found.setdefault(bid_id, []).append(Comment(str(seat_id), key, text))
    return found


def _panel_names(demand_id: int) -> list[str]:
    panel = db.session.scalar(select(Panel).where(Panel.demand_id == demand_id))
    return [seat.expert.name for seat in panel.seats] if panel is not None else []
