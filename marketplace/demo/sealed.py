"""The scenes of sealing and opening, between publication and review."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from marketplace.bids import service as bids
from marketplace.demands import views
from marketplace.demands.models import Demand
from marketplace.demo.bidding import Desk, Firm, by_industry, chance_of, may_bid
from marketplace.demo.content import people, story
from marketplace.demo.content.story import Bidding, Moment, Part
from marketplace.platform import clock
from marketplace.platform.files import Storage

if TYPE_CHECKING:
    from marketplace.demo.play import Scene, Stage

SEAL, OPEN = 20, 21  # after everything else of the same instant
CUSTODIANS = ("custodian1", "custodian2", "custodian3")


@dataclass(frozen=True, slots=True)
class Act:
    """The bids of the story, played on a stage."""

    stage: Stage
    desk: Desk

    @classmethod
    def on(cls, stage: Stage, storage: Storage) -> Act:
        return cls(stage, Desk(storage))

    def scenes(self) -> Iterator[Scene]:
        for part in story.parts().values():
            if part.closes is None or part.state in ("suspended", "scheduled"):
                continue
            plan = story.bidding().get(part.demand, Bidding(part.demand))
            yield from self._sealing(part, plan)
            if "opened" in part.stations:
                at = self.after_deadline(part.demand, part.stations["opened"])
                yield self.stage.scene(at, OPEN, partial(self._open, part), part.demand)
            elif plan.released:
                yield self.stage.scene(
                    self.stage.at(Moment(0, "08:40")), OPEN, partial(self._release, part, plan), part.demand
                )

    def after_deadline(self, key: str, when: Moment) -> datetime:
        """The instant of a moment, but after the deadline as the calendar rolled it: nobody's clock is moved for it."""
        closes = story.parts()[key].closes
        assert closes is not None
        moved = [change.closes for change in story.changes() if change.demand == key and change.closes is not None]
        last = max(self.stage.deadline(item) for item in (closes, *moved))
        return max(self.stage.at(when), min(last + timedelta(minutes=2), self.stage.now - timedelta(minutes=1)))

    def _count(self, part: Part, plan: Bidding) -> int:
        """How many bids: as told, else the minimum and, where they are opened already, up to two more."""
        if plan.count is not None:
            return plan.count
        least = self.stage.entries[part.demand].content.min_bids
        opened = part.closes is not None and part.closes.day < 0
        more = chance_of("count", part.demand).randrange(3) if opened else 0
        return max(len(plan.firms), least + more)

    def _sealing(self, part: Part, plan: Bidding) -> Iterator[Scene]:
        """One bid a day, the last one the day before the deadline or the withdrawal."""
        ends = [
            change.when.day
            for change in story.changes()
            if change.demand == part.demand and change.kind == "withdrawal"
        ]
        assert part.closes is not None
        last = min([part.closes.day, 0, *ends])
        for place in range(self._count(part, plan)):
            when = Moment(last - 1 - place, f"1{place % 6}:{(17 * place + 8) % 60:02d}")
            yield self.stage.scene(self.stage.at(when), SEAL, partial(self._seal, part.demand, plan), part.demand)
        for firm in plan.draft:
            yield self.stage.scene(
                self.stage.at(Moment(-1, "16:20")), SEAL, partial(self._draft, part.demand, firm), part.demand
            )

    def firm(self, key: str) -> Firm:
        user = next(p.username for p in people().values() if p.org == key and "bidder" in p.roles)
        return Firm(self.stage.units[key], self.stage.users[user])

    def _firms(self) -> list[Firm]:
        keys = dict.fromkeys(p.org for p in people().values() if p.org and "bidder" in p.roles)
        return [self.firm(key) for key in keys if self.stage.units[key].may_bid]

    def _seal(self, key: str, plan: Bidding, at: datetime) -> None:
        demand = self.stage.rows[key]
        named = [self.firm(name) for name in plan.firms]
        for firm in [*named, *by_industry(demand, self._firms())]:
            if firm.organisation.slug not in plan.draft and may_bid(demand, firm, now=at):
                self.desk.seal(demand, firm)
                return

    def _draft(self, key: str, firm: str, at: datetime) -> None:
        self.desk.draft(self.stage.rows[key], self.firm(firm))

    def _open(self, part: Part, at: datetime) -> None:
        demand = self.stage.rows[part.demand]
        self.pass_deadline(demand)
        who = chance_of("custodians", part.demand).sample(CUSTODIANS, 2)
        self.desk.open(demand, [self.stage.users[name] for name in who])

    def lapse(self, demand: Demand) -> None:
        """Too few have bid: the custodians release, and nothing is opened. People had looked: the diagnosis counts it."""
        chance, now = chance_of("looks", demand.title), clock.site_now()
        for _ in range(chance.randrange(90, 260)):
            views.count(demand.id, now)
        for _ in range(chance.randrange(12, 40)):
            views.count_download(demand.id, now)
        views.flush()
        self.pass_deadline(demand)
        self.desk.open(demand, [self.stage.users[name] for name in CUSTODIANS[:2]])

    def _release(self, part: Part, plan: Bidding, at: datetime) -> None:
        demand = self.stage.rows[part.demand]
        self.pass_deadline(demand)
        for name in plan.released:
            self.desk.release(demand, self.stage.users[name])

    @staticmethod
    def pass_deadline(demand: Demand) -> None:
        assert demand.closes_at is not None
        if (after := demand.closes_at + timedelta(minutes=1)) > clock.site_now():
            clock.move_to(after)

    @staticmethod
    def end(demand: Demand) -> Any:
        """Withdrawn: what was sealed is destroyed unread."""
        return bids.end(demand, now=clock.site_now())
