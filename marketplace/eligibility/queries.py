"""Reading eligibility: what was opened and is decided or not, for officers; a bidder's own cure and decision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import joinedload, selectinload

from marketplace import db
from marketplace.accounts.models import Organisation
from marketplace.accounts.rules import Role
from marketplace.bids import queries as bids
from marketplace.bids import validity
from marketplace.bids.content import DOCUMENTS, Eligibility, Technical, technical_from
from marketplace.bids.models import Bid, BidFile, BidMember
from marketplace.bids.rules import WAS_OPENED, BidState
from marketplace.capabilities import queries as capabilities
from marketplace.custody import software
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.disclosure import Fact, Person, Phase, Terms, may_know, phase_of
from marketplace.eligibility.models import EligibilityCure, EligibilityDecision, EligibilityFile, EligibilityReview
from marketplace.eligibility.rules import PromiseState, Standing
from marketplace.eligibility.signals import Asked, BidFacts, Certificate, Mistake, Party, Signal, signals
from marketplace.platform.files.storage import ChunkReader, Storage
from marketplace.platform.policy import Actor
from marketplace.platform.sealing.container import decrypt
from marketplace.platform.working_days import beijing_day, midnight_after

LATER = "later"
"""What a later file's encryption is bound to in place of an envelope's name."""
UNDECIDED = (BidState.OPENED, BidState.CURE)
OFFICERS = (Role.SCREENER, Role.PUBLISHER, Role.SUPERVISOR)


def eligible(demand: Demand) -> list[Bid]:
    """Bids that may be scored, in the order of the opening record."""
    return [bid for bid in bids.opened(demand) if bid.state is BidState.ELIGIBLE]


def all_decided(demand: Demand) -> bool:
    """Every bid that was opened is admitted, refused or given up."""
    states = list(db.session.scalars(select(Bid.state).where(Bid.demand_id == demand.id, Bid.state.in_(WAS_OPENED))))
    return bool(states) and not set(states) & set(UNDECIDED)


@dataclass(frozen=True, slots=True)
class Line:
    """One opened demand on the screener's list, with how far its bids have come."""

    demand: Demand
    waiting: int
    cures: int
    overdue: int
    admitted: int
    refused: int
    opened_at: datetime | None


def _sum(*where: ColumnElement[bool]) -> Any:
    condition = where[0]
    for other in where[1:]:
        condition = condition & other
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


_UNANSWERED = EligibilityCure.answered_at.is_(None) & (Bid.state == BidState.CURE)
# Figures of one demand among ``of_opened``.
WAITING = _sum(Bid.state.in_(UNDECIDED))
ADMITTED = _sum(Bid.state == BidState.ELIGIBLE)


def overdue(now: datetime) -> Any:
    """How many cures of the demand are late."""
    return _sum(_UNANSWERED, EligibilityCure.due_at <= now)


def of_opened(query: Select[Any]) -> Select[Any]:
    """``query`` over the opened bids, one row for each demand that is being checked."""
    return (
        query.select_from(Demand)
        .join(Bid, Bid.demand_id == Demand.id)
        .outerjoin(EligibilityCure, EligibilityCure.bid_id == Bid.id)
        .where(Demand.state == State.OPENED, Bid.state.in_(WAS_OPENED))
        .group_by(Demand.id)
    )


def worklist(now: datetime) -> list[Line]:
    """Opened demands whose bids are being checked, the longest opened on top: at most two statements."""
    refused = _sum(Bid.state.in_([BidState.INELIGIBLE, BidState.RENOUNCED]))
    rows = db.session.execute(
        of_opened(select(Demand.id, WAITING, _sum(_UNANSWERED), overdue(now), ADMITTED, refused))
    ).all()
    if not rows:
        return []
    found = {
        demand.id: demand
        for demand in db.session.scalars(
            select(Demand).where(Demand.id.in_([row[0] for row in rows])).options(joinedload(Demand.unit))
        )
    }
    lines = [Line(found[key], a, b, c, d, e, found[key].released_at) for key, a, b, c, d, e in rows]
    return sorted(lines, key=lambda line: (line.opened_at or now, line.demand.id))


def _whole(query: Select[Bid]) -> Select[Bid]:
    return query.options(
        joinedload(Bid.demand).joinedload(Demand.unit),
        joinedload(Bid.organisation).selectinload(Organisation.affiliates),
        selectinload(Bid.members).joinedload(BidMember.organisation),
    )


def for_officer(*, actor: Actor, now: datetime, public_id: str) -> Bid | None:
    """An opened bid for those who process it; nobody else learns that it exists."""
    if not actor.has(*OFFICERS):
        return None
    return db.session.scalar(_whole(select(Bid).where(Bid.public_id == public_id, Bid.state.in_(WAS_OPENED))))


def demand_for_officer(*, actor: Actor, now: datetime, ref: str) -> Demand | None:
    """A demand that was opened; before that there is no such page for anybody."""
    if not actor.has(*OFFICERS):
        return None
    opened = select(Bid.id).where(Bid.demand_id == Demand.id, Bid.state.in_(WAS_OPENED)).exists()
    return db.session.scalar(select(Demand).where(Demand.number == ref, opened).options(joinedload(Demand.unit)))


def for_bidder(*, actor: Actor, now: datetime, public_id: str) -> Bid | None:
    """An opened bid of the actor's own organisation as its lead."""
    mine = actor.organisations(Role.BIDDER, Role.ORG_ADMIN)
    wanted = select(Bid).where(Bid.public_id == public_id, Bid.organisation_id.in_(mine), Bid.state.in_(WAS_OPENED))
    return db.session.scalar(_whole(wanted))


def review_of(bid: Bid) -> EligibilityReview | None:
    return db.session.get(EligibilityReview, bid.id)


def cure_of(bid: Bid) -> EligibilityCure | None:
    return db.session.get(EligibilityCure, bid.id)


def decision_of(bid: Bid) -> EligibilityDecision | None:
    return db.session.scalar(
        select(EligibilityDecision)
        .where(EligibilityDecision.bid_id == bid.id)
        .options(joinedload(EligibilityDecision.decided_by))
    )


@dataclass(frozen=True, slots=True)
class About:
    """Cures and decisions of many bids, by bid id."""

    cures: Mapping[int, EligibilityCure]
    decisions: Mapping[int, EligibilityDecision]


def all_about(opened: Sequence[Bid]) -> About:
    """Two statements for however many bids."""
    ids = [bid.id for bid in opened]
    cures = db.session.scalars(select(EligibilityCure).where(EligibilityCure.bid_id.in_(ids)))
    decisions = db.session.scalars(select(EligibilityDecision).where(EligibilityDecision.bid_id.in_(ids)))
    return About({row.bid_id: row for row in cures}, {row.bid_id: row for row in decisions})


def later_files(bid: Bid) -> list[EligibilityFile]:
    """What was handed in after the opening, oldest first."""
    return list(
        db.session.scalars(
            select(EligibilityFile)
            .where(EligibilityFile.bid_id == bid.id, EligibilityFile.removed_at.is_(None))
            .order_by(EligibilityFile.part)
        )
    )


def file_of(bid: Bid, key: str) -> EligibilityFile | None:
    return db.session.scalar(
        select(EligibilityFile)
        .where(EligibilityFile.bid_id == bid.id, EligibilityFile.key == key, EligibilityFile.removed_at.is_(None))
        .options(joinedload(EligibilityFile.bid).joinedload(Bid.demand))
    )


def technical(bid: Bid) -> Technical | None:
    """The technical envelope as it was sealed; ``None`` where it could not be opened."""
    fields = bids.opened_fields(bid, "technical")
    return technical_from(fields) if fields is not None else None


def promises(bid: Bid) -> list[PromiseState]:
    """The documents promised in the form, each with the day it is due and when it came."""
    document = technical(bid)
    if document is None:
        return []
    rows = db.session.execute(
        select(EligibilityFile.document, func.min(EligibilityFile.added_at))
        .where(EligibilityFile.bid_id == bid.id, EligibilityFile.document != "", EligibilityFile.removed_at.is_(None))
        .group_by(EligibilityFile.document)
    )
    came = {row[0]: row[1] for row in rows}
    return [
        PromiseState(
            document=item.document,
            label=DOCUMENTS[item.document].zh,
            reason=item.reason,
            due_at=midnight_after(item.due_on) if item.due_on is not None else None,
            met_at=came.get(item.document),
        )
        for item in document.eligibility.promises
        if item.document in DOCUMENTS
    ]


def standing(bid: Bid) -> Standing:
    """Everything that ``rules.why_not_admit`` and ``why_not_reject`` ask."""
    review, cure = review_of(bid), cure_of(bid)
    return Standing(
        state=bid.state,
        checks={name: said["verdict"] for name, said in (review.checks if review else {}).items()},
        promises=promises(bid),
        cure_due_at=cure.due_at if cure is not None else None,
        cured_at=cure.answered_at if cure is not None else None,
    )


# --- what the officer may read --------------------------------------------------------------------------------------


def phase(demand: Demand, now: datetime) -> Phase:
    """Where the competition stands, for ``disclosure``."""
    closed = demand.closes_at is not None and demand.closes_at <= now
    return phase_of(demand.state, closed=closed, opened=demand.released_at is not None)


def knows(fact: Fact, actor: Actor, demand: Demand, now: datetime) -> bool:
    """Whether one of the actor's offices may know the fact now."""
    content = demand.said
    terms, at = Terms(blind=content.blind, two_step=content.two_step), phase(demand, now)
    people = {Role.SCREENER: Person.SCREENER, Role.PUBLISHER: Person.PUBLISHER, Role.SUPERVISOR: Person.SUPERVISOR}
    return any(actor.has(role) and may_know(fact, at, person, terms) for role, person in people.items())


# --- signals --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Known:
    """What this site knows of an organisation: its profile, and the certificates that its capabilities name."""

    profile: Organisation
    certificates: Sequence[Certificate] = ()


def _party(name: str, code: str, known: _Known | None, **more: Any) -> Party:
    profile = known.profile if known is not None else None
    ties = {item.credit_code: item.name for item in profile.affiliates} if profile is not None else {}
    registered = profile.legal_representative if profile is not None else ""
    return Party(
        name=name,
        credit_code=code,
        legal_representative=more.get("legal_representative") or registered,
        controller_name=profile.controller_name if profile else "",
        controller_code=profile.controller_code if profile else "",
        affiliates=ties | more.get("affiliates", {}),
        phone=more.get("phone", ""),
        email=more.get("email", ""),
        address=more.get("address", ""),
        profile_name=profile.name if profile else None,
        profile_representative=registered,
        certificates=known.certificates if known is not None else (),
    )


def _known(codes: set[str]) -> dict[str, _Known]:
    """By credit code: three statements for however many."""
    profiles = db.session.scalars(
        select(Organisation)
        .where(Organisation.credit_code.in_(codes - {""}))
        .options(selectinload(Organisation.affiliates))
    ).all()
    certificates: dict[int, set[Certificate]] = {}
    for key, said in capabilities.public_words([row.id for row in profiles]):
        dated = {Certificate(item.name, item.valid_until) for item in said.qualifications if item.valid_until}
        certificates.setdefault(key, set()).update(dated)
    return {row.credit_code: _Known(row, tuple(certificates.get(row.id, ()))) for row in profiles}


def _facts(
    bid: Bid, said: Eligibility, known: Mapping[str, _Known], mistakes: Sequence[Mistake], files: Sequence[BidFile]
) -> BidFacts:
    lead = _party(
        said.bidder or bid.organisation.name,
        said.credit_code,
        known.get(said.credit_code),
        legal_representative=said.legal_representative,
        phone=said.contact_phone,
        email=said.contact_email,
        address=said.address,
        affiliates={item.credit_code: item.name for item in said.affiliates},
    )
    others = [
        _party(member.name, member.credit_code, known.get(member.credit_code))
        for member in said.members
        if member.credit_code != said.credit_code
    ]
    confirmed = [item.organisation for item in bid.members if item.confirmed_at is not None]
    return BidFacts(
        key=bid.public_id,
        name=lead.name,
        parties=(lead, *others),
        mistakes=mistakes,
        confirmed={row.credit_code: row.name for row in confirmed},
        people=[person.name for person in said.people if person.name.strip()],
        attached=frozenset(file.role for file in files),
        promised={item.document: item.due_on for item in said.promises},
        files={file.sha256: file.name for file in files if file.size},
    )


FILE_FINDINGS: dict[str, str] = {
    "name": "文件名里有不可见或改变方向的字符",
    "empty": "文件是空的",
    "polyglot": "文件后面藏着一个压缩包",
    "type": "文件类型不在接收范围内",
    "mismatch": "扩展名与内容不符",
    "damaged": "文件已损坏，打不开",
    "bomb": "压缩包解开后过大或结构异常",
    "encrypted": "文件设了密码，无法检查",
    "path": "压缩包里的文件名会写到包外",
    "macro": "文档带有宏或控件",
    "dtd": "文档含有外部实体定义",
    "infected": "查毒发现带有病毒，请勿打开",
}


def file_findings(file: BidFile | EligibilityFile) -> list[str]:
    """What was found in one file, in words."""
    return [FILE_FINDINGS.get(code, code) for code in file.finding.split(",") if code]


def _form_mistakes(
    demand: Demand, envelope: str, fields: Mapping[str, Any], files: Sequence[BidFile]
) -> Iterator[Mistake]:
    """What an opened form lacks, as the bidder's browser would have said it."""
    asked = validity.terms(demand.said)
    mine = [(file.part, file.role) for file in files if file.envelope == envelope]
    for item in validity.findings(envelope, fields, terms=asked, files=mine):
        yield Mistake(item.path, item.sentence(validity.MESSAGES))


def _mistakes(demand: Demand, forms: Mapping[str, Mapping[str, Any]], files: Sequence[BidFile]) -> list[Mistake]:
    said = [item for name, fields in forms.items() for item in _form_mistakes(demand, name, fields, files)]
    return said + [Mistake("", f"文件“{file.name}”：{text}。") for file in files for text in file_findings(file)]


def all_signals(demand: Demand, opened: Sequence[Bid]) -> dict[str, list[Signal]]:
    """What the machine points at, by public id: six statements for however many bids. Prices only where opened."""
    fields = {name: bids.all_opened_fields(opened, name) for name in ("technical", "price")}
    files = bids.all_opened_files(opened)
    said = {key: technical_from(form).eligibility for key, form in fields["technical"].items()}
    codes = {code for one in said.values() for code in (one.credit_code, *(item.credit_code for item in one.members))}
    known = _known(codes | {demand.unit.credit_code})
    asked = Asked(
        unit=_party(demand.unit.name, demand.unit.credit_code, known.get(demand.unit.credit_code)),
        closed_on=beijing_day(demand.closes_at) if demand.closes_at is not None else None,
        conditions=bool(demand.said.conditions.strip()),
    )
    facts = []
    for bid in opened:
        if bid.id in said:
            forms = {name: found[bid.id] for name, found in fields.items() if bid.id in found}
            mine = files.get(bid.id, [])
            facts.append(_facts(bid, said[bid.id], known, _mistakes(demand, forms, mine), mine))
    return {one.key: signals(one, facts, asked) for one in facts}


def chunks(file: EligibilityFile, *, storage: Storage) -> Iterator[bytes]:
    """The bytes of a later file, piece by piece, decrypted on the way."""
    return decrypt(
        ChunkReader(storage.stream(file.stored_sha256)),
        dek=software.keyring().storage_key(),
        ref=file.bid.ref(file.bid.version),
        envelope=LATER,
        part=file.part,
    )


def content(file: EligibilityFile, *, storage: Storage) -> bytes:
    return b"".join(chunks(file, storage=storage))
