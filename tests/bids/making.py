"""Demands with sealed or opened bids, made fast through the real services: what every later feature's tests start from.

    demand = making.opened(Stage(now), [contents(), contents()], storage=storage)        # 1-of-1, opens by itself
    demand = making.sealed(Stage(now), [None] * 3, storage=storage, custody="2-of-3")    # then making.release_as(…)

Bidders are ``bidder`` and ``rival`` of the cast, then ``firm3``, ``firm4`` … made on the way. ``None``: some small bid.
The site clock moves past the deadline; take ``clock.site_now()`` for what happens afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from marketplace import db
from marketplace.accounts.models import Organisation, RoleAssignment, User
from marketplace.accounts.queries import actor_of
from marketplace.accounts.rules import OrganisationKind, OrganisationState, Role
from marketplace.bids import queries, service
from marketplace.bids.models import Bid, BidRelease
from marketplace.bids.rules import Stage as OpeningStage
from marketplace.custody import software
from marketplace.custody.rules import custodian_id
from marketplace.demands.models import Demand
from marketplace.platform import clock
from marketplace.platform.credit_code import invented
from marketplace.platform.files import Storage
from marketplace.platform.sealing.custodians import LEVELS
from marketplace.platform.sealing.custodians import release as unwrap
from marketplace.platform.sealing.seal import Content
from tests import factories
from tests.bids.conftest import Bidder, after, travel_to
from tests.demands.conftest import Stage

Contents = dict[str, Content] | None


def _someone(username: str, name: str, organisation: Organisation, *roles: Role) -> User:
    user = User(
        username=username,
        name=name,
        email=f"{username}@example.test",
        phone="13800001234",
        password_hash="!",
        organisation=organisation,
        created_at=factories.LONG_AGO,
        is_demo=True,
    )
    user.assignments = [
        RoleAssignment(
            organisation=organisation, role=role, granted_at=factories.LONG_AGO, in_force_at=factories.LONG_AGO
        )
        for role in roles
    ]
    db.session.add(user)
    db.session.flush()
    return user


def _organisation(slug: str, name: str, kind: OrganisationKind, number: int, **flags: Any) -> Organisation:
    made = Organisation(
        slug=slug,
        name=name,
        short_name=name[:6],
        kind=kind,
        credit_code=invented(number),
        state=OrganisationState.APPROVED,
        registered_at=factories.LONG_AGO,
        approved_at=factories.LONG_AGO,
        **flags,
    )
    db.session.add(made)
    return made


def firms(count: int) -> list[str]:
    """User names of so many bidders, each of another organisation."""
    names = ["bidder", "rival", *(f"firm{number}" for number in range(3, count + 1))][:count]
    known = set(db.session.scalars(select(User.username).where(User.username.in_(names))))
    for number, username in enumerate(names, start=1):
        if username not in known:
            firm = _organisation(
                username, f"揭榜{number}号科技有限公司", OrganisationKind.ENTERPRISE, 500 + number, may_bid=True
            )
            _someone(username, f"揭榜人{number}", firm, Role.BIDDER, Role.ORG_ADMIN)
    return names


def custodians(level: str) -> list[str]:
    """User names of the custodians of a level; the platform holds their keys, as in the demo."""
    _, count = LEVELS[level]
    names = [f"custodian{number}" for number in range(1, count + 1)] if count > 1 else []
    for number, username in enumerate(names, start=1):
        if db.session.scalar(select(User.id).where(User.username == username)) is None:
            home = _organisation(username, f"第{number}保管单位", OrganisationKind.PUBLIC, 800 + number)
            _someone(username, f"保管{number}", home, Role.CUSTODIAN)
    return names


def bidders(count: int, storage: Storage) -> list[Bidder]:
    """What seals for them."""
    now = clock.site_now()
    return [Bidder(username, storage, now) for username in firms(count)]


def seal_all(demand: Demand, contents: Sequence[Contents], *, storage: Storage) -> list[Bid]:
    """One sealed bid for each content, in the order of the list."""
    made = []
    for bidder, content in zip(bidders(len(contents), storage), contents, strict=True):
        receipt = bidder.seal(demand, content)
        made.append(receipt.bid)
    return made


def sealed(
    stage: Stage, contents: Sequence[Contents], *, storage: Storage, custody: str = "1-of-1", **changes: Any
) -> Demand:
    """A published demand with these bids; the deadline is still ahead."""
    demand = stage.published(custody=custody, custodians=custodians(custody), **changes)
    seal_all(demand, contents, storage=storage)
    return demand


def close(demand: Demand) -> None:
    """Let the deadline pass."""
    travel_to(after(demand, minutes=1))


def shares_of(demand: Demand, username: str, *, stage: OpeningStage = OpeningStage.FIRST) -> dict[Any, bytes | None]:
    """What this custodian's browser would send: everything it fetched, decrypted."""
    user = factories.person(username)
    wrapped = service.shares_for(demand, stage=stage, actor=actor_of(user), now=clock.site_now())
    key = software.keyring().key(custodian_id(user.id))
    return dict(zip([(item.ref.bid, item.envelope) for item in wrapped], unwrap(key, wrapped), strict=True))


def release_as(
    demand: Demand,
    username: str,
    *,
    stage: OpeningStage = OpeningStage.FIRST,
    shares: dict[Any, bytes | None] | None = None,
) -> BidRelease | None:
    """One custodian releases, by his own key or with the given shares."""
    shares = shares_of(demand, username, stage=stage) if shares is None else shares
    user = actor_of(factories.person(username))
    return service.release(demand, shares, stage=stage, actor=user, now=clock.site_now())


def open_stage(
    demand: Demand, *, storage: Storage, stage: OpeningStage = OpeningStage.FIRST, scanner: str | None = None
) -> bool:
    """Enough custodians release, and everything is opened within this session."""
    quorum, count = LEVELS[demand.custody]
    if count == 1:
        service.release_by_software(demand, stage=stage, now=clock.site_now())
    else:
        for username in custodians(demand.custody)[:quorum]:
            release_as(demand, username, stage=stage)
    done = service.open_now(demand, stage=stage, storage=storage, scanner=scanner)
    db.session.commit()
    return done


def opened(
    stage: Stage, contents: Sequence[Contents], *, storage: Storage, custody: str = "1-of-1", **changes: Any
) -> Demand:
    """A demand in ``opened`` with these bids read (two-step: their technical envelopes)."""
    demand = sealed(stage, contents, storage=storage, custody=custody, **changes)
    close(demand)
    assert open_stage(demand, storage=storage)
    return demand


def bid_of(demand: Demand, username: str) -> Bid:
    """The bid that this person's organisation leads."""
    bid = queries.of_organisation(demand, factories.person(username).organisation_id or 0)
    assert bid is not None
    return bid
