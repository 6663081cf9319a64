"""Reading capabilities: the public directory, a firm's own, what waits for the screener."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload, undefer

from marketplace import db
from marketplace.accounts.models import Organisation
from marketplace.accounts.rules import OrganisationState, Role
from marketplace.capabilities.content import CapabilityContent
from marketplace.capabilities.models import Capability, CapabilityTag
from marketplace.capabilities.rules import FIRM_ROLES, PUBLIC, WAITING, CapabilityState
from marketplace.platform.policy import Actor

WORDS_MOST = 5


def is_public() -> ColumnElement[bool]:
    """The words of a firm in good standing; join ``Organisation`` to it."""
    return and_(
        Capability.state.in_(sorted(PUBLIC)),
        Organisation.state == OrganisationState.APPROVED,
        Organisation.may_bid,
    )


def public() -> Select[Capability]:
    """Everything anybody may read, with its firm."""
    return (
        select(Capability)
        .join(Capability.organisation)
        .where(is_public())
        .options(contains_eager(Capability.organisation))
    )


def has_words(text: str) -> list[ColumnElement[bool]]:
    """Each word stands in the title, the summary or the firm's name."""
    columns = (Capability.public_title, Capability.public_summary, Organisation.name)
    return [
        or_(*(func.lower(column).contains(word.lower(), autoescape=True) for column in columns))
        for word in text.split()[:WORDS_MOST]
    ]


def _tagged(kind: str, code: str) -> ColumnElement[bool]:
    tags = select(CapabilityTag.capability_id).where(CapabilityTag.kind == kind, CapabilityTag.code == code)
    return Capability.id.in_(tags)


@dataclass(frozen=True, slots=True)
class Filters:
    """What the directory is filtered by; the codes are known ones or empty."""

    text: str = ""
    direction: str = ""
    industry: str = ""


def filtered(filters: Filters) -> Select[Capability]:
    """The directory under these filters, the last approved on top."""
    query = public().where(*has_words(filters.text))
    if filters.direction:
        query = query.where(_tagged("direction", filters.direction))
    if filters.industry:
        query = query.where(_tagged("industry", filters.industry))
    return query.order_by(Capability.approved_at.desc(), Capability.id.desc())


def count(query: Select[Capability]) -> int:
    rows = query.order_by(None).with_only_columns(Capability.id).subquery()
    return db.session.scalar(select(func.count()).select_from(rows)) or 0


def page(query: Select[Capability], *, limit: int, offset: int) -> list[Capability]:
    """One page with its tags: two queries."""
    return list(db.session.scalars(query.options(selectinload(Capability.tags)).limit(limit).offset(offset)))


def public_of(organisation_id: int) -> list[Capability]:
    """A firm's public capabilities."""
    query = public().where(Capability.organisation_id == organisation_id).options(selectinload(Capability.tags))
    return list(db.session.scalars(query.order_by(Capability.public_title)))


def public_words(organisations: Collection[int]) -> Iterator[tuple[int, CapabilityContent]]:
    """(organisation's id, what it says in public) of every public capability of these: one statement."""
    wanted = public().where(Capability.organisation_id.in_(organisations)).options(undefer(Capability.public_content))
    for row in db.session.scalars(wanted):
        yield row.organisation_id, row.said_in_public


def find_public(slug: str, key: str) -> Capability | None:
    """One public capability at its firm's address."""
    return db.session.scalar(
        public().where(Organisation.slug == slug, Capability.key == key).options(undefer(Capability.public_content))
    )


def public_by_ids(ids: Collection[int]) -> list[Capability]:
    """The public ones among these, with what they say."""
    if not ids:
        return []
    return list(
        db.session.scalars(public().where(Capability.id.in_(sorted(ids))).options(undefer(Capability.public_content)))
    )


def find(*, actor: Actor, now: datetime, key: str) -> Capability | None:
    """For those who work on it: the firm, and the screener once it was handed in. Others do not know of it."""
    found = db.session.scalar(
        select(Capability)
        .where(Capability.key == key)
        .options(
            joinedload(Capability.organisation),
            undefer(Capability.content),
            undefer(Capability.public_content),
            selectinload(Capability.tags),
        )
    )
    if found is None or actor.has(*FIRM_ROLES, at=found.organisation_id):
        return found
    private = found.state in (CapabilityState.DRAFT, CapabilityState.DROPPED)
    return found if actor.has(Role.SCREENER) and not private else None


def own(actor: Actor) -> Select[Capability]:
    """The actor's firms' own, the last touched on top."""
    firms = actor.organisations(*FIRM_ROLES)
    return (
        select(Capability)
        .where(Capability.organisation_id.in_(firms), Capability.state != CapabilityState.DROPPED)
        .order_by(Capability.updated_at.desc(), Capability.id.desc())
    )


def awaiting_review() -> Select[Capability]:
    """The screener's queue, the longest waiting on top."""
    return (
        select(Capability)
        .where(Capability.state.in_(sorted(WAITING)))
        .order_by(Capability.submitted_at, Capability.id)
        .options(joinedload(Capability.organisation))
    )
