"""Playing the demo's story through the services: every state is reached by the rules, at the site clock's own instants.

The site clock starts half a year back (a negative offset, possible only in an empty database) and is moved forward
from scene to scene to 0. All of it is one transaction: a demo is there whole or not at all, and a second run finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial

from sqlalchemy import event, select

from marketplace import db
from marketplace.accounts import queries as accounts
from marketplace.accounts import service as accounts_service
from marketplace.accounts.models import Affiliate, User
from marketplace.accounts.models import Organisation as OrganisationRow
from marketplace.accounts.rules import DEMO_PASSWORD, OrganisationKind, OrganisationState, Role
from marketplace.batches import service as batches
from marketplace.batches.models import Batch
from marketplace.capabilities import service as capabilities
from marketplace.capabilities.models import Capability
from marketplace.capabilities.rules import CapabilityAction
from marketplace.custody import software
from marketplace.demands import service
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.demands.service import first_deadlines
from marketplace.demo import office, searches
from marketplace.demo.checking import Checks
from marketplace.demo.content import DemandEntry, demands, organisations, people, story
from marketplace.demo.content.abilities import Ability, abilities
from marketplace.demo.content.parties import Contact
from marketplace.demo.content.story import Change, Moment, Part
from marketplace.demo.review import Review
from marketplace.demo.reviewed import Play
from marketplace.demo.sealed import Act
from marketplace.platform import clock
from marketplace.platform.errors import Refused
from marketplace.platform.files import LocalStorage, Storage
from marketplace.platform.policy import SYSTEM, Actor
from marketplace.platform.working_days import BEIJING, beijing_day, close_of
from marketplace.questions import service as questions
from marketplace.questions.models import Question
from marketplace.settings import queries as settings

ZONE = "ZZGX"
# Scenes of one instant in the order in which an office works through them.
CREATE, WRITE, SCREEN, POOL, BATCH, CHANGE, ASK, ABLE = range(8)
SOON = 2  # days
# The way of a demand; what leaves it (returned, suspended, lapsed …) stays where it left.
ROAD = (
    State.DRAFT,
    State.SUBMITTED,
    State.APPRAISING,
    State.POOLED,
    State.PUBLISHED,
    State.OPENED,
    State.REVIEWING,
    State.NOTICE,
    State.AWARDED,
)
HOST_ROLES = frozenset({"authority", "supervisor", "finance", "operator"})


@dataclass(order=True, frozen=True)
class Scene:
    """One act of the story at one instant. ``about``: keys of the demands it moves or needs."""

    at: datetime
    order: int
    serial: int
    act: Callable[[datetime], None]
    about: tuple[str, ...] = ()


def is_there() -> bool:
    """Whether this database already holds the demo (or anything else)."""
    return db.session.scalar(select(User.id).limit(1)) is not None


class Beyond(Exception):
    """A scene would take its demand past the stage that was asked for."""


def play(*, today: date | None = None, storage: Storage | None = None, upto: State | None = None) -> int:
    """Write the cast and play the story up to now; returns how many scenes were played. The caller commits.

    ``storage``: where ciphertext and opened files go, by default the folder of the embedded instance. ``upto``: a
    state of ``ROAD`` that no demand goes past; what would is left out, and all that follows from it.
    """
    now = clock.wall_now()
    stage = Stage(today or beijing_day(now), now, storage)
    scenes = sorted(stage.scenes())
    begins = min(scene.at for scene in scenes) - timedelta(days=1)
    db.session.add(clock.SiteClock(id=1, offset_s=(begins - now).total_seconds()))
    stage.make_cast(begins)
    played = _play_all(scenes) if upto is None else _play_upto(scenes, upto)
    clock.set_offset(max(0.0, clock.offset().total_seconds()))
    return played


def _play_all(scenes: Sequence[Scene]) -> int:
    for scene in scenes:
        travel(scene.at)
        scene.act(clock.site_now())
    return len(scenes)


def _play_upto(scenes: Sequence[Scene], upto: State) -> int:
    """Each scene in a savepoint: one that would go too far is undone, and its demand is left where it stands."""
    played, left = 0, set[str]()

    def watch(_demand: Demand, state: State, _old: object, _event: object) -> None:
        if state in ROAD and ROAD.index(state) > ROAD.index(upto):
            raise Beyond

    event.listen(Demand.state, "set", watch)
    try:
        for scene in scenes:
            if scene.about and left.issuperset(scene.about):
                continue
            travel(scene.at)
            try:
                with db.session.begin_nested():
                    scene.act(clock.site_now())
                played += 1
            except (Beyond, Refused):
                left.update(scene.about)
    finally:
        event.remove(Demand.state, "set", watch)
    return played


def mended(part: Part) -> Moment | None:
    """When the last round of correction was answered: as told, or two days before the appraisal that followed."""
    if part.resubmitted is not None or part.appraised is None:
        return part.resubmitted
    return Moment(part.appraised.day - 2)


def travel(to: datetime) -> None:
    """Move the site clock on to an instant, unless it is already past it."""
    if to > clock.site_now():
        clock.move_to(to)


class Stage:
    """What the scenes share: the cast by key, the demands by key, the calendar."""

    def __init__(self, today: date, now: datetime, storage: Storage | None = None) -> None:
        self.today, self.now = today, now
        self.bids = Act.on(self, storage or LocalStorage(software.keyring().folder.parent / "files", durable=False))
        self.entries: dict[str, DemandEntry] = demands(today, published=story.published_days())
        self.units: dict[str, OrganisationRow] = {}
        self.users: dict[str, User] = {}
        self.rows: dict[str, Demand] = {}
        self.batches: dict[str, Batch] = {}
        self.calendar = settings.calendar()
        self._serial = 0

    # -- the cast -----------------------------------------------------------------------------------------------

    def make_cast(self, at: datetime) -> None:
        """Organisations, people and their roles; one password hash serves all."""
        known = organisations()
        for key, said in known.items():
            row = OrganisationRow(
                slug=key,
                name=said.name,
                short_name=said.short,
                credit_code=said.credit_code,
                kind=OrganisationKind(said.kind),
                size=said.size,
                legal_representative=said.legal_representative,
                address=said.address,
                capabilities=said.capabilities,
                industries=list(said.industries),
                controller_name=known[said.controller].name if said.controller else said.controller_name,
                controller_code=known[said.controller].credit_code if said.controller else "",
                may_post="unit" in said.roles,
                may_bid="bidder" in said.roles,
                is_host=bool(HOST_ROLES & set(said.roles)),
                state=OrganisationState.APPROVED,
                registered_at=at,
                approved_at=at,
            )
            if said.contacts:
                row.contact_name, row.contact_phone, row.contact_email = said.contacts[0]
            row.affiliates = [
                Affiliate(credit_code=known[other].credit_code, name=known[other].name, relation="同一控制人")
                for other in said.affiliates
            ]
            db.session.add(row)
            self.units[key] = row
        db.session.flush()
        password = accounts_service.hash_password(DEMO_PASSWORD)
        host = self.units["tech"]
        for said_person in people().values():
            home = self.units.get(said_person.org) or self.units.get(said_person.employer_org) or host
            user = accounts_service.create_user(
                username=said_person.username,
                name=said_person.name,
                email=said_person.email,
                phone=said_person.phone,
                organisation=home,
                now=at,
            )
            user.title, user.password_hash, user.is_demo = said_person.title, password, True
            for role in said_person.roles:
                accounts_service.give_role(user, Role(role), home, actor=SYSTEM, now=at, in_force=True)
            self.users[user.username] = user
        db.session.flush()

    def actor(self, username: str) -> Actor:
        return accounts.actor_of(self.users[username])

    def writer(self, entry: DemandEntry) -> Actor:
        return self.actor("drafter" if entry.unit == "urban" else f"{entry.unit}_drafter")

    def approver(self, entry: DemandEntry) -> Actor:
        return self.actor("approver" if entry.unit == "urban" else f"{entry.unit}_approver")

    # -- the script ---------------------------------------------------------------------------------------------

    def at(self, when: Moment, *, rolled: bool = False) -> datetime:
        """The instant of a moment, never after now; ``rolled``: on to a working day, as offices publish."""
        instant = self.office_hour(when) if rolled else story.moment(self.today, when)
        return min(instant, self.now - timedelta(minutes=1))

    def office_hour(self, when: Moment) -> datetime:
        """The instant of a moment, rolled on to a working day; it may be still to come."""
        instant = story.moment(self.today, when)
        return datetime.combine(self.calendar.roll_on(beijing_day(instant)), instant.astimezone(BEIJING).timetz())

    def scene(self, at: datetime, order: int, act: Callable[[datetime], None], *about: str) -> Scene:
        self._serial += 1
        return Scene(at, order, self._serial, act, about)

    def scenes(self) -> Iterator[Scene]:
        for plan in story.batches().values():
            yield from self._batch(plan)
        for part in story.parts().values():
            yield from self._road(part)
        for change in story.changes():
            late = change.kind == "lapse"
            at = self.bids.after_deadline(change.demand, change.when) if late else self.at(change.when)
            yield self.scene(at, CHANGE, partial(self._change, change), change.demand)
        for asked in story.questions():
            yield from self._question(asked)
        yield from self.bids.scenes()
        yield from Review(self, self.bids.desk.storage).scenes()
        yield from Checks(self).scenes()
        yield from Play(self).scenes()
        for ability in abilities(self.today, self.firm_contacts()):
            yield from self._ability(ability)
        for number, kept in enumerate(searches.SAVED):
            yield self.scene(self.at(Moment(kept[1])), ABLE, partial(self._keep, kept[0], number))
        for number, vain in enumerate(searches.IN_VAIN):
            yield self.scene(self.at(Moment(vain[2])), ABLE, partial(searches.search_in_vain, number))
        for at, act in office.acts(self):
            yield self.scene(at, ASK, act)

    def _batch(self, plan: story.BatchPlan) -> Iterator[Scene]:
        def create(at: datetime) -> None:
            published = self.office_hour(plan.listed or Moment(0))
            batch = batches.create(
                zone=ZONE,
                year=published.astimezone(BEIJING).year,
                theme=plan.theme,
                call_text=plan.call_text,
                document_number=plan.document_number,
                collects_from=story.moment(self.today, plan.collects_from),
                collects_until=story.moment(self.today, plan.collects_until),
                actor=self.actor(plan.by),
                now=at,
            )
            batches.invite(batch, [self.units[key] for key in plan.invited], actor=self.actor(plan.by), now=at)
            self.batches[plan.key] = batch

        def post(at: datetime) -> None:
            self._post(plan, at)

        yield self.scene(self.at(plan.created), BATCH, create)
        yield self.scene(
            self.at(plan.collects_from),
            BATCH,
            lambda at: batches.collect(self.batches[plan.key], actor=self.actor(plan.by), now=at),
        )
        yield self.scene(
            self.at(plan.assembled),
            BATCH,
            lambda at: batches.assemble(self.batches[plan.key], actor=self.actor(plan.by), now=at),
        )
        if plan.published is not None:
            listed = [part.demand for part in story.parts().values() if part.batch == plan.key]
            yield self.scene(self.at(plan.published, rolled=True), BATCH, post, *listed)

    def _post(self, plan: story.BatchPlan, at: datetime) -> None:
        listed = [part for part in story.parts().values() if part.batch == plan.key and part.closes is not None]
        rows = [self.rows[part.demand] for part in listed]
        shown = None if plan.visible is None else self.office_hour(plan.visible)
        first = first_deadlines(rows, visible_from=shown or at)
        deadlines = {
            row.id: max(self.deadline(part.closes), first[row.id])
            for row, part in zip(rows, listed, strict=True)
            if part.closes is not None
        }
        service.post_batch(
            self.batches[plan.key],
            rows,
            visible_from=shown,
            deadlines=deadlines,
            custody="2-of-3",
            custodians=[self.users[f"custodian{n}"] for n in (1, 2, 3)],
            document_number=plan.document_number,
            actor=self.actor(plan.by),
            now=at,
        )

    def deadline(self, when: Moment) -> datetime:
        """17:00 of a working day, whatever day the demo is made on: what the story has closed is closed by now, and
        what it closes within two days closes at the next possible instant, so that something is always closing."""
        if 0 < when.day <= SOON:
            return self.calendar.round_up(self.now + timedelta(minutes=2))
        closes = self.calendar.round_up(story.moment(self.today, when))
        day = beijing_day(closes)
        while when.day < 0 and closes >= self.now:
            day -= timedelta(days=1)
            closes = self.calendar.round_up(close_of(day))
        return closes

    def _road(self, part: Part) -> Iterator[Scene]:
        entry = self.entries[part.demand]
        rounds = [item for item in story.rounds() if item.demand == part.demand]
        first_words = story.edited(entry.content, rounds[0].was) if rounds else entry.content

        def create(at: datetime) -> None:
            self.rows[part.demand] = service.create(
                unit=self.units[entry.unit], content=first_words, actor=self.writer(entry), now=at
            )

        yield self.scene(self.at(part.created), CREATE, create, part.demand)
        if part.submitted is None:
            return
        if part.demand in office.PAPERS:
            yield self.scene(self.at(part.created), WRITE, lambda at: office.attach(self, part.demand, at), part.demand)
        yield self.scene(self.at(part.submitted), WRITE, lambda at: self._submit(entry, at), part.demand)
        for place, item in enumerate(rounds):
            yield self.scene(self.at(item.returned), SCREEN, partial(self._return, item), part.demand)
            last = place == len(rounds) - 1
            mended_at = mended(part) if last else rounds[place + 1].returned
            if mended_at is not None:
                words = story.edited(entry.content, rounds[place + 1].was) if place + 1 < len(rounds) else entry.content
                yield self.scene(
                    self.at(Moment(mended_at.day, "09:40")), WRITE, partial(self._mend, entry, words), part.demand
                )
        if part.screening:
            yield self.scene(
                self.at(Moment(part.submitted.day + 1)),
                SCREEN,
                lambda at: service.begin_screening(self.rows[part.demand], actor=self.actor("screener"), now=at),
                part.demand,
            )
        if part.appraised is not None:
            yield self.scene(self.at(part.appraised), SCREEN, partial(self._appraise, part), part.demand)
        if part.pooled is not None:
            yield self.scene(self.at(part.pooled), POOL, partial(self._pool, part), part.demand)
        if part.state in ("rejected", "dropped") and part.ended is not None:
            yield self.scene(self.at(part.ended), CHANGE, partial(self._end, part, entry), part.demand)

    def _question(self, said: story.Question) -> Iterator[Scene]:
        """Asked by a firm, sent to the unit by the screener, drafted there, published by the screener."""
        rows: list[Question] = []
        entry = self.entries[said.demand]
        asker = next(
            person.username for person in people().values() if person.org == said.by and "bidder" in person.roles
        )

        def ask(at: datetime) -> None:
            demand = self.rows[said.demand]
            rows.append(questions.ask(demand, text=said.text, actor=self.actor(asker), now=at))

        def answer(at: datetime) -> None:
            (row,) = rows
            screener = self.actor("screener")
            questions.route(row, actor=screener, now=at)
            questions.draft(row, text=said.answer, actor=self.writer(entry), now=at)
            questions.publish(row, text=said.answer, actor=screener, now=at)

        def on_the_way(at: datetime) -> None:
            (row,) = rows
            questions.route(row, actor=self.actor("screener"), now=at)
            if said.drafted:
                questions.draft(row, text=said.drafted, actor=self.writer(entry), now=at)

        yield self.scene(self.at(said.asked), ASK, ask, said.demand)
        if said.answered is not None:
            yield self.scene(self.at(said.answered), ASK, answer, said.demand)
        elif said.routed is not None:
            yield self.scene(self.at(said.routed), ASK, on_the_way, said.demand)

    def _keep(self, who: str, number: int, at: datetime) -> None:
        searches.save(number, actor=self.actor(who), now=at)

    def firm_contacts(self) -> dict[str, Contact]:
        """Whom each firm names: the first of its people who may write for it."""
        found: dict[str, Contact] = {}
        for person in people().values():
            if "bidder" in person.roles and person.org not in found:
                found[person.org] = Contact(person.name, person.phone, person.email)
        return found

    def firm_writer(self, firm: str) -> Actor:
        return self.actor(next(p.username for p in people().values() if p.org == firm and "bidder" in p.roles))

    def _ability(self, said: Ability) -> Iterator[Scene]:
        """A capability from its draft to where it stands, by its firm and the screener."""
        rows: list[Capability] = []

        def submit(at: datetime) -> None:
            writer = self.firm_writer(said.firm)
            rows.append(capabilities.create(self.units[said.firm], said.content, actor=writer, now=at))
            capabilities.act(rows[0], CapabilityAction.SUBMIT, actor=writer, now=at)

        def decide(at: datetime) -> None:
            returned = said.state == "returned"
            action = CapabilityAction.RETURN if returned else CapabilityAction.APPROVE
            capabilities.act(rows[0], action, reason=said.reason, actor=self.actor("screener"), now=at)

        def change(at: datetime) -> None:
            (row,) = rows
            writer = self.firm_writer(said.firm)
            new = replace(said.content, summary=said.new_summary)
            capabilities.save(row, new, seen_version=row.version, actor=writer, now=at)
            capabilities.act(row, CapabilityAction.SUBMIT, actor=writer, now=at)

        def retire(at: datetime) -> None:
            capabilities.act(rows[0], CapabilityAction.RETIRE, actor=self.firm_writer(said.firm), now=at)

        for when, scene in (
            (said.submitted, submit),
            (said.decided, decide),
            (said.changed, change),
            (said.ended, retire),
        ):
            if when is not None:
                yield self.scene(self.at(when), ABLE, scene)

    def _submit(self, entry: DemandEntry, at: datetime) -> None:
        service.submit(self.rows[entry.key], actor=self.approver(entry), now=at)

    def _mend(self, entry: DemandEntry, words: object, at: datetime) -> None:
        row = self.rows[entry.key]
        assert isinstance(words, type(entry.content))
        service.save(row, words, seen_version=row.lock_version, actor=self.writer(entry), now=at)
        self._submit(entry, at)

    def _return(self, item: story.Round, at: datetime) -> None:
        row = self.rows[item.demand]
        if item.by == "screener":
            service.begin_screening(row, actor=self.actor(item.by), now=at)
        service.return_for_correction(
            row,
            defects=[{"field": defect.field, "text": defect.text} for defect in item.defects],
            actor=self.actor(item.by),
            now=at,
        )

    def _appraise(self, part: Part, at: datetime) -> None:
        row = self.rows[part.demand]
        screener = self.actor("screener")
        service.begin_screening(row, actor=screener, now=at)
        if part.lookalike:
            service.resolve_lookalikes(row, remark=part.lookalike, actor=screener, now=at)
        service.appraise(row, actor=screener, now=at, remark=part.appraisal)

    def _pool(self, part: Part, at: datetime) -> None:
        by = "科技创新局"
        reviews = {
            "fair_competition": {"passed": True, "by": by, "text": part.fair_competition},
            "secrecy": {"passed": True, "by": by, "text": part.secrecy},
        }
        service.pool(
            self.rows[part.demand], reviews=reviews, actor=self.actor("publisher"), now=at, remark=part.appraisal
        )

    def _end(self, part: Part, entry: DemandEntry, at: datetime) -> None:
        row = self.rows[part.demand]
        if part.state == "rejected":
            service.reject(row, reason=part.reason, actor=self.actor("publisher"), now=at)
        else:
            who = self.actor("publisher") if part.dropped_from == "pooled" else self.approver(entry)
            service.drop(row, reason=part.reason, actor=who, now=at)

    def _change(self, change: Change, at: datetime) -> None:
        row = self.rows[change.demand]
        match change.kind:
            case "amendment":
                closes = self.deadline(change.closes) if change.closes else None
                service.amend(
                    row,
                    story.edited(row.said, change.edits),
                    reason=change.reason,
                    closes_at=closes,
                    actor=self.actor(change.by),
                    now=at,
                )
            case "extension":
                assert change.closes is not None
                assert row.closes_at is not None
                later = max(self.deadline(change.closes), close_of(beijing_day(row.closes_at) + timedelta(days=1)))
                service.extend(row, closes_at=later, reason=change.reason, actor=self.actor(change.by), now=at)
            case "suspension":
                service.suspend(row, reason=change.reason, actor=self.actor(change.by), now=at)
            case "withdrawal":
                service.withdraw(row, reason=change.reason, actor=self.actor(change.by), now=at)
                self.bids.end(row)
            case "lapse":
                self.bids.lapse(row)
            case "republication":
                new = service.republish(
                    row, changed=change.reason or "调整目标与指标后重新张榜", actor=self.actor(change.by), now=at
                )
                words = story.edited(new.said, change.edits)
                entry = self.entries[change.demand]
                service.save(new, words, seen_version=new.lock_version, actor=self.writer(entry), now=at)
