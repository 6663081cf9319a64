"""A review with any number of bids and sheets, written straight into the tables: what sizes and figures are tried on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Any

from sqlalchemy import insert, select

from marketplace import db
from marketplace.accounts.models import Organisation
from marketplace.accounts.rules import OrganisationKind, OrganisationState
from marketplace.bids.models import Bid
from marketplace.bids.rules import BidState
from marketplace.demands.models import Demand
from marketplace.panels.models import Panel, ReviewBid
from marketplace.platform.credit_code import invented
from marketplace.results.models import Offer
from marketplace.scoring.models import Sheet
from marketplace.scoring.rules.sheets import SheetState, typed


@dataclass(frozen=True)
class Case:
    """One bid as it was made up: its sheets as {criterion: score}, proofs per expert, answers met, price."""

    bid_id: int
    public_id: str
    scores: tuple[dict[str, Decimal], ...]
    proofs: tuple[tuple[bool, ...], ...]
    met: tuple[bool, ...]
    price: Decimal


def fill(
    demand: Demand, panel: Panel, *, count: int, random: Random, now: datetime, state: SheetState = SheetState.LOCKED
) -> list[Case]:
    """``count`` bids beside those that are there, each with a sheet of every member who counts."""
    start = db.session.scalar(select(Organisation.id).order_by(Organisation.id.desc()).limit(1)) or 0
    db.session.execute(
        insert(Organisation),
        [
            {
                "slug": f"crowd-{start}-{n}",
                "name": f"揭榜群{start}之{n}号有限公司",
                "short_name": f"群{n}号",
                "kind": OrganisationKind.ENTERPRISE,
                "credit_code": invented(100_000 + start * 10_000 + n),
                "state": OrganisationState.APPROVED,
                "registered_at": now,
                "approved_at": now,
                "may_bid": True,
            }
            for n in range(count)
        ],
    )
    firms = db.session.scalars(
        select(Organisation.id).where(Organisation.slug.startswith(f"crowd-{start}-")).order_by(Organisation.id)
    ).all()
    names = [f"{random.getrandbits(128):032x}" for _ in range(count)]
    db.session.execute(
        insert(Bid),
        [
            {
                "public_id": name,
                "demand_id": demand.id,
                "organisation_id": firm,
                "state": BidState.ELIGIBLE,
                "version": 1,
                "answers_version": 1,
                "created_at": now,
                "lock_version": 1,
            }
            for name, firm in zip(names, firms, strict=True)
        ],
    )
    ids = dict(db.session.execute(select(Bid.public_id, Bid.id).where(Bid.demand_id == demand.id)).all())
    cases = [_case(demand, ids[name], name, len(panel.counted_seats), random) for name in names]
    _write(demand, panel, cases, now=now, state=state)
    db.session.commit()
    return cases


def _case(demand: Demand, bid_id: int, name: str, seats: int, random: Random) -> Case:
    content = demand.said
    keys = typed(content.score_sheet)
    coarse = random.random() < 0.3  # equal totals must happen
    scores = tuple(
        {
            item.key: Decimal(random.choice((6, 7, 8))) / 10 * item.weight
            if coarse
            else Decimal(random.randrange(int(item.weight * 100) + 1)) / 100
            for item in keys
        }
        for _ in range(seats)
    )
    proofs = tuple(tuple(random.random() < 0.8 for _ in content.indicators) for _ in range(seats))
    met = tuple(random.random() < 0.9 for _ in content.indicators)
    return Case(bid_id, name, scores, proofs, met, Decimal(random.choice((0, 5000, 10000, random.randrange(1, 10**9)))))


def _write(demand: Demand, panel: Panel, cases: list[Case], *, now: datetime, state: SheetState) -> None:
    content = demand.said
    db.session.execute(
        insert(ReviewBid),
        [
            {"bid_id": case.bid_id, "demand_id": demand.id, "code": f"C-{place:05d}"[:8], "key": case.public_id}
            for place, case in enumerate(cases)
        ],
    )
    db.session.execute(
        insert(Offer),
        [
            {
                "bid_id": case.bid_id,
                "demand_id": demand.id,
                "answers": [
                    [item.target, "0"] if met else ["", "-"]
                    for item, met in zip(content.indicators, case.met, strict=True)
                ],
                "price": case.price,
                "read_at": now,
            }
            for case in cases
        ],
    )
    rows: list[dict[str, Any]] = [
        {
            "demand_id": demand.id,
            "bid_id": case.bid_id,
            "seat_id": seat.id,
            "round": panel.review_round,
            "state": state,
            "content": {
                "scores": {key: format(score, "f") for key, score in case.scores[place].items()},
                "comments": {},
                "proofs": list(case.proofs[place]),
            },
            "missing": 0,
            "handed_in_at": None if state is SheetState.DRAFT else now,
            "locked_at": now if state is SheetState.LOCKED else None,
        }
        for case in cases
        for place, seat in enumerate(panel.counted_seats)
    ]
    for first in range(0, len(rows), 2000):
        db.session.execute(insert(Sheet), rows[first : first + 2000])
