"""A pool of experts, drawn panels and reviews, made fast through the real services: what the tests of panels, scoring,
notices and awards start from.

    demand = making.reviewing(Stage(now), [complete(…), …], storage=storage)      # panel seated, declared, review begun
    making.fill_all(demand); making.hand_in_all(demand)
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sqlalchemy import select

from marketplace import db
from marketplace.accounts.models import Organisation, RoleAssignment, User
from marketplace.accounts.queries import actor_of
from marketplace.accounts.rules import OrganisationKind, OrganisationState, Role
from marketplace.bids import queries as bids
from marketplace.bids.rules import BidState
from marketplace.demands.models import Demand
from marketplace.panels import queries
from marketplace.panels import service as panels
from marketplace.panels.models import Expert, Panel, PanelSeat
from marketplace.panels.service import scanning
from marketplace.platform import clock
from marketplace.platform.credit_code import invented
from marketplace.platform.files import Storage
from marketplace.platform.policy import Actor
from marketplace.platform.working_days import beijing_day
from marketplace.scoring import queries as sheets
from marketplace.scoring import service as scoring
from marketplace.scoring.models import Sheet
from marketplace.scoring.rules.sheets import Entry, typed
from tests import factories
from tests.bids import making as opening
from tests.demands.conftest import Stage

FIELDS = ("living", "iot")


def actor(username: str) -> Actor:
    return actor_of(factories.person(username))


def pool(outside: int = 11, inside: int = 3) -> list[Expert]:
    """Experts with accounts of their own: ``pool1`` … outside the zone first, each of another university."""
    made = []
    for number in range(1, outside + inside + 1):
        home = Organisation(
            slug=f"college{number}",
            name=f"第{number}测试大学",
            short_name=f"第{number}大学",
            kind=OrganisationKind.UNIVERSITY,
            credit_code=invented(900 + number),
            state=OrganisationState.APPROVED,
            registered_at=factories.LONG_AGO,
            approved_at=factories.LONG_AGO,
        )
        user = User(
            username=f"pool{number}",
            name=f"评审人{number}",
            email=f"pool{number}@example.test",
            phone="",
            password_hash="!",
            organisation=home,
            created_at=factories.LONG_AGO,
            is_demo=True,
        )
        user.assignments = [
            RoleAssignment(
                organisation=home,
                role=Role.EXPERT,
                granted_at=factories.LONG_AGO,
                in_force_at=factories.LONG_AGO,
            )
        ]
        db.session.add_all([home, user])
        db.session.flush()
        card = panels.Card(
            name=user.name,
            email=user.email,
            employer=home.name,
            employer_code=home.credit_code,
            title="教授",
            outside=number <= outside,
            fields=FIELDS,
        )
        made.append(panels.add(card, actor=actor("screener"), now=clock.site_now()))
    return made


def settings(now: datetime) -> dict[str, Any]:
    """Terms of a panel, as the officer would type them."""
    day = beijing_day(now) + timedelta(days=5)
    return {
        "size": 5,
        "share": Fraction(2, 3),
        "fields": FIELDS,
        "meets_on": day,
        "score_by": now + timedelta(days=9),
    }


def fixed(demand: Demand, **changes: Any) -> Panel:
    """A panel whose pool is in the log."""
    now = clock.site_now()
    panel = panels.set_up(demand, **{**settings(now), **changes}, actor=actor("screener"), now=now)
    panels.fix_pool(panel, actor=actor("screener"), now=now)
    db.session.commit()
    return panel


def drawn(demand: Demand, *, number: str = "20261124", **changes: Any) -> Panel:
    """A panel with seats; the members are invited."""
    panel = fixed(demand, **changes)
    panels.draw(panel, number=number, actor=actor("supervisor"), now=clock.site_now())
    db.session.commit()
    return panel


def expert(seat: PanelSeat) -> Actor:
    """The person on a seat."""
    user = db.session.get(User, seat.expert_account_id)
    assert user is not None
    return actor_of(user)


def seat_members(panel: Panel) -> list[PanelSeat]:
    """Every invited member confirms and declares; returns those who count."""
    now = clock.site_now()
    for seat in panel.present_seats:
        if seat.is_sitting and not seat.is_declared:
            panels.confirm(seat, actor=expert(seat), now=now)
            scoring.declare(seat, conflicts=(), statement="", actor=expert(seat), now=now)
    return panel.counted_seats


def admit_all(demand: Demand) -> None:
    """Every opened bid is eligible. The decision itself is another feature's; here only its outcome matters."""
    for bid in bids.opened(demand):
        bid.state = BidState.ELIGIBLE
    db.session.flush()


def ready(stage: Stage, contents: Sequence[Any], *, storage: Storage, **changes: Any) -> Demand:
    """Opened, eligible, the panel seated and declared; the review has not begun."""
    if db.session.scalar(select(Expert.id).limit(1)) is None:
        pool()
    demand = opening.opened(stage, contents, storage=storage, **changes)
    admit_all(demand)
    panel = drawn(demand)
    seat_members(panel)
    if demand.said.blind:
        now = clock.site_now()
        row = scanning.scan(panel, storage=storage, actor=actor("screener"), now=now)
        scanning.note(row, panel, text="已逐份看过", actor=actor("screener"), now=now)
    db.session.commit()
    return demand


def reviewing(stage: Stage, contents: Sequence[Any], *, storage: Storage, **changes: Any) -> Demand:
    """A review that has just begun."""
    demand = ready(stage, contents, storage=storage, **changes)
    scoring.start_review(demand, actor=actor("publisher"), now=clock.site_now())
    db.session.commit()
    return demand


def panel_of(demand: Demand) -> Panel:
    panel = sheets.panel(demand.id)
    assert panel is not None
    return panel


def entry(demand: Demand, share: str = "0.8", *, comment: str = "", **scores: str) -> Entry:
    """A complete entry: ``share`` of every criterion's full marks, or the score given by key; all proved."""
    said = demand.said
    given = {item.key: Decimal(scores.get(item.key, item.weight * Decimal(share))) for item in typed(said.score_sheet)}
    comments = dict.fromkeys(given, comment) if comment else {}
    return Entry(given, comments, (True,) * len(said.indicators))


def sheets_of(seat: PanelSeat) -> list[Sheet]:
    return list(db.session.scalars(sheets.of_seat(seat)))


def fill(sheet: Sheet, filled: Entry) -> None:
    scoring.save(sheet, filled, serial=sheet.serial, actor=expert(sheet.seat), now=clock.site_now())


def fill_all(demand: Demand, share: str = "0.8") -> None:
    """Every member fills every sheet alike."""
    for seat in panel_of(demand).counted_seats:
        for sheet in sheets_of(seat):
            fill(sheet, entry(demand, share))


def hand_in_all(demand: Demand) -> None:
    """Every member hands in what he filled; without far-off scores this locks the review."""
    for seat in panel_of(demand).counted_seats:
        scoring.hand_in_all(sheets_of(seat), actor=expert(seat), now=clock.site_now())
    db.session.commit()


def locked(stage: Stage, contents: Sequence[Any], *, storage: Storage, **changes: Any) -> Demand:
    """A review in which every sheet is locked."""
    demand = reviewing(stage, contents, storage=storage, **changes)
    fill_all(demand)
    hand_in_all(demand)
    assert sheets.all_locked(demand.id)
    return demand


def seat_of(demand: Demand, username: str) -> PanelSeat:
    seat = queries.own_seat(actor=actor(username), now=clock.site_now(), ref=demand.ref)
    assert seat is not None
    return seat
