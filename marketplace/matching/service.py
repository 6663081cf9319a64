"""Keeping the terms, telling firms once, and what a firm does not want to see: the only writer of these tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload, raiseload, undefer

from marketplace import db
from marketplace.accounts.models import Organisation
from marketplace.capabilities import queries as capabilities
from marketplace.capabilities.models import Capability
from marketplace.capabilities.rules import FIRM_ROLES
from marketplace.demands.models import Demand
from marketplace.matching import queries, terms
from marketplace.matching.models import MatchNote, MatchOffer, MatchRun, MatchTerm, MatchWord
from marketplace.matching.queries import CAPABILITY, DEMAND
from marketplace.notifications import queries as people
from marketplace.notifications import service as notifications
from marketplace.platform.errors import Refused
from marketplace.platform.policy import Actor, require

FRESH = timedelta(days=2)  # a demand or an approval that is older is news to nobody
RUN = 20  # demands, and capabilities, a run of the job looks at
PART = 200  # subjects read anew in one transaction
NAMED = 3  # demands that the message of a new capability names


def keep_capabilities(ids: Collection[int]) -> None:
    """Make the terms of these capabilities say what is public now."""
    public = {row.id: terms.of_capability(row.said_in_public) for row in capabilities.public_by_ids(ids)}
    _keep(CAPABILITY, {number: public.get(number, {}) for number in ids})


def keep_demands(ids: Collection[int]) -> None:
    """Make the terms of these demands say what they say; drafts have none, whatever they say."""
    rows = db.session.scalars(
        select(Demand)
        .where(Demand.id.in_(sorted(ids)), Demand.visible_from.is_not(None))
        .options(undefer(Demand.content), raiseload("*"))
    )
    said = {row.id: terms.of_demand(row.said) for row in rows}
    _keep(DEMAND, {number: said.get(number, {}) for number in ids})


def keep_everything() -> int:
    """All terms anew, with the words in use now; one transaction for each ``PART``. Returns how many subjects."""
    terms.look_again()
    number = 0
    for model, keep in ((Capability, keep_capabilities), (Demand, keep_demands)):
        after = 0
        while True:
            with db.transaction() as session:
                query = select(model.id).where(model.id > after).order_by(model.id).limit(PART)
                ids = list(session.scalars(query))
                keep(ids)
            if not ids:
                break
            after, number = ids[-1], number + len(ids)
    return number


def _keep(side: str, wanted: Mapping[int, Mapping[str, int]]) -> None:
    """Rewrite the terms of the subjects and count the words anew; again is nothing."""
    change: Counter[str] = Counter()
    known: dict[int, dict[str, MatchTerm]] = {number: {} for number in wanted}
    query = select(MatchTerm).where(MatchTerm.side == side, MatchTerm.subject_id.in_(sorted(wanted)))
    for row in db.session.scalars(query):
        known[row.subject_id][row.term] = row
    for number, weights in wanted.items():
        before = known[number]
        change[""] += bool(weights) - bool(before)
        for term in before.keys() - weights.keys():
            db.session.delete(before[term])
            change[term] -= 1
        for term, weight in weights.items():
            if term in before:
                before[term].weight = weight
            else:
                db.session.add(MatchTerm(side=side, term=term, subject_id=number, weight=weight))
                change[term] += 1
    db.session.flush()
    _count(side, {term: number for term, number in change.items() if number})


def _count(side: str, change: Mapping[str, int]) -> None:
    if not change:
        return
    query = select(MatchWord).where(MatchWord.side == side, MatchWord.term.in_(sorted(change)))
    known = {row.term: row for row in db.session.scalars(query)}
    for term, number in change.items():
        row = known.get(term)
        if row is None:
            db.session.add(MatchWord(side=side, term=term, number=number))
        elif row.number + number > 0:
            row.number += number
        else:
            db.session.delete(row)
    db.session.flush()


def forget() -> None:
    """Everything derived, for a new reading from the first outbox row."""
    for table in (MatchTerm, MatchWord):
        db.session.execute(delete(table))


# -- telling --------------------------------------------------------------------------------------------------------


def waiting_demands(now: datetime) -> list[int]:
    """Demands that can be bid for, whose terms are kept and whose firms nobody has told yet."""
    kept = select(MatchTerm.subject_id).where(MatchTerm.side == DEMAND, MatchTerm.subject_id == Demand.id)
    return list(
        db.session.scalars(
            queries.accepting(now)
            .where(~select(MatchRun).where(MatchRun.demand_id == Demand.id).exists(), kept.exists())
            .order_by(Demand.visible_from, Demand.id)
            .limit(RUN)
        )
    )


def tell_firms(demand_id: int, now: datetime) -> int:
    """Tell the members of each firm that a demand fits, once: note, message and the mark of the run in one transaction.

    The note is unique by firm and demand, the message by person and demand; a run that was killed begins again.
    Returns how many firms were told. Demands that are no news are only marked.
    """
    demand = db.session.scalar(
        select(Demand)
        .where(Demand.id == demand_id)
        .options(undefer(Demand.content), joinedload(Demand.unit).selectinload(Organisation.affiliates))
        .with_for_update(of=Demand)
    )
    if demand is None or db.session.get(MatchRun, demand_id) is not None:
        return 0
    fitting = queries.firms_for(demand.unit, demand.said, now) if _is_news(demand, now) else []
    told = 0
    for item in fitting:
        firm = item.capability.organisation
        if not _note_first(firm.id, demand_id, now):
            continue
        notifications.tell(
            people.holder_ids(*FIRM_ROLES, organisation_ids=[firm.id]),
            key=f"match:{demand_id}:{firm.id}",
            title=f"有一条需求可能适合贵单位：{demand.title}",
            text=f"与贵单位的能力“{item.capability.public_title}”有共同之处：{'、'.join(item.match.terms)}。"
            "不合适的可以在“适合本单位的需求”里忽略。",
            url=f"/demands/{demand.ref}",
            now=now,
            english=(
                f"A demand that may suit you: {demand.title}",
                f"It has in common with your capability “{item.capability.public_title}”: {', '.join(item.match.terms)}."
                " What does not suit you can be dismissed under “Demands for you”.",
            ),
        )
        told += 1
    db.session.add(MatchRun(demand_id=demand_id, at=now, firms=told))
    db.session.flush()
    return told


def _note_first(firm_id: int, demand_id: int, now: datetime) -> bool:
    """Note that the firm is told of the demand; ``False`` when it was told before, or wants to see it no more."""
    note = db.session.get(MatchNote, (firm_id, demand_id))
    if note is not None and (note.told_at or note.dismissed_at):
        return False
    if note is None:
        note = MatchNote(organisation_id=firm_id, demand_id=demand_id)
        db.session.add(note)
    note.told_at = now
    return True


def waiting_capabilities(now: datetime) -> list[int]:
    """Public capabilities whose terms are kept and of whose last approval the firm has not been told what fits."""
    kept = select(MatchTerm.subject_id).where(MatchTerm.side == CAPABILITY, MatchTerm.subject_id == Capability.id)
    looked_at = select(MatchOffer).where(
        MatchOffer.capability_id == Capability.id, MatchOffer.approved_at >= Capability.approved_at
    )
    return list(
        db.session.scalars(
            select(Capability.id)
            .join(Capability.organisation)
            .where(capabilities.is_public(), kept.exists(), ~looked_at.exists())
            .order_by(Capability.approved_at, Capability.id)
            .limit(RUN)
        )
    )


def tell_of_open(capability_id: int, now: datetime) -> int:
    """Tell a firm once of everything open that fits its newly approved capability: one message that names the best.

    Demands that it was told of, or dismissed, are not told again. Returns how many are new to it.
    """
    capability = db.session.scalar(
        select(Capability).where(Capability.id == capability_id).options(raiseload("*")).with_for_update()
    )
    if capability is None or not capability.is_public or capability.approved_at is None:
        return 0
    firm_id = capability.organisation_id
    fresh = now - capability.approved_at <= FRESH
    fitting = [item for item in (queries.demands_for([firm_id], now) if fresh else []) if item.match.fits]
    new = [item for item in fitting if _note_first(firm_id, item.demand.id, now)]
    if new:
        best = [item.demand.title for item in new[:NAMED]]
        title, more = capability.public_title, len(new) - len(best)
        notifications.tell(
            people.holder_ids(*FIRM_ROLES, organisation_ids=[firm_id]),
            key=f"match-offer:{capability_id}:{capability.content_version}",
            title=f"正在揭榜的需求中有{len(new)}条可能适合贵单位的能力“{title}”",
            text="；".join(best) + (f"；另有{more}条" if more else "") + "。理由和全部需求见“适合本单位的需求”。",
            url="/desk/matches",
            now=now,
            english=(
                f"{len(new)} open demand{'s' if len(new) > 1 else ''} may suit your capability “{title}”",
                "; ".join(best)
                + (f"; and {more} more" if more else "")
                + ". Reasons and all of them: “Demands for you”.",
            ),
        )
    _looked_at(capability, len(new), now)
    return len(new)


def _looked_at(capability: Capability, number: int, now: datetime) -> None:
    assert capability.approved_at is not None
    row = db.session.get(MatchOffer, capability.id)
    if row is None:
        row = MatchOffer(capability_id=capability.id)
        db.session.add(row)
    row.approved_at, row.at, row.demands = capability.approved_at, now, number
    db.session.flush()


def _is_news(demand: Demand, now: datetime) -> bool:
    return demand.visible_from is not None and now - demand.visible_from <= FRESH


def run(now: datetime) -> None:
    """The worker's job: one transaction a demand, then one a new capability."""
    with db.transaction():
        waiting, offered = waiting_demands(now), waiting_capabilities(now)
    for demand_id in waiting:
        with db.transaction():
            tell_firms(demand_id, now)
    for capability_id in offered:
        with db.transaction():
            tell_of_open(capability_id, now)


# -- what a firm does not want --------------------------------------------------------------------------------------


def dismiss(demand: Demand, firms: Iterable[Organisation], *, actor: Actor, now: datetime) -> None:
    """The firm sees it no more among its suggestions, and its colleagues neither. Again is nothing.

    Not in the log: its leaves are public, and how many firms looked at a demand is nobody's business before the opening.
    """
    _may_note(demand, actor, now)
    for firm in firms:
        note = db.session.get(MatchNote, (firm.id, demand.id))
        if note is None:
            note = MatchNote(organisation_id=firm.id, demand_id=demand.id)
            db.session.add(note)
        if note.dismissed_at is None:
            note.dismissed_at, note.dismissed_by_id = now, actor.id
    db.session.flush()


def restore(demand: Demand, firms: Iterable[Organisation], *, actor: Actor, now: datetime) -> None:
    """Bring it back. Again is nothing."""
    _may_note(demand, actor, now)
    for firm in firms:
        note = db.session.get(MatchNote, (firm.id, demand.id))
        if note is not None:
            note.dismissed_at, note.dismissed_by_id = None, None
    db.session.flush()


def _may_note(demand: Demand, actor: Actor, now: datetime) -> None:
    require("match.demands", actor, None, now)
    if demand.visible_from is None or demand.visible_from > now:
        raise Refused("这条需求还没有公布。")
