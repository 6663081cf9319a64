"""Who may bid, and the consortium: nobody takes part twice, nobody is named without his word."""

from __future__ import annotations

import dataclasses

import pytest
from sqlalchemy import update

from marketplace import db
from marketplace.accounts.models import Affiliate, Organisation
from marketplace.accounts.rules import OrganisationState
from marketplace.bids import queries, service
from marketplace.bids.models import BidReceipt
from marketplace.bids.rules import Standing, why_not_bid
from marketplace.demands.models import Demand
from marketplace.platform.errors import Forbidden, Refused
from tests import factories
from tests.bids.conftest import Bidder, actor

GOOD = Standing(
    approved=True,
    may_bid=True,
    own_demand=False,
    affiliated_with="",
    consortium_of="",
    phase="open",
    procurement_off=False,
    sealable=True,
)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"phase": "closed"}, "截止"),
        ({"phase": "awarded"}, "截止"),
        ({"phase": "suspended"}, "暂停"),
        ({"phase": "scheduled"}, "不接受"),
        ({"phase": "withdrawn"}, "不接受"),
        ({"procurement_off": True}, "政府采购意向"),
        ({"sealable": False}, "保管人"),
        ({"approved": False}, "审核"),
        ({"may_bid": False}, "揭榜资格"),
        ({"own_demand": True}, "自己"),
        ({"affiliated_with": "某集团"}, "某集团"),
        ({"consortium_of": "某公司"}, "某公司"),
    ],
)
def test_why_not(changes: dict[str, object], sentence: str) -> None:
    reason = why_not_bid(dataclasses.replace(GOOD, **changes))
    assert reason is not None
    assert sentence in reason


def test_why() -> None:
    assert why_not_bid(GOOD) is None
    assert why_not_bid(dataclasses.replace(GOOD, phase="closing")) is None


def test_starting_twice_is_one_draft_and_one_follower(demand: Demand, bidder: Bidder) -> None:
    bid = bidder.start(demand)
    assert bidder.start(demand) is bid
    assert Bidder("bidder_member", bidder.storage, bidder.now).start(demand) is bid
    assert (bid.version, len(bid.public_id)) == (0, 32)


def test_strangers_start_nothing(demand: Demand, bidder: Bidder) -> None:
    firm = factories.organisation("firm")
    for who in ("publisher", "drafter", "expert1"):
        with pytest.raises(Forbidden):
            service.start(demand, organisation=firm, actor=actor(who), now=bidder.now)
    with pytest.raises(Refused, match="不是这家单位"):
        service.start(demand, organisation=firm, actor=actor("rival"), now=bidder.now)


def test_affiliates_do_not_bid(demand: Demand, bidder: Bidder) -> None:
    unit, firm = demand.unit, factories.organisation("firm")
    assert queries.affiliation(unit, firm) == ""
    firm.controller_code, firm.controller_name = unit.credit_code, unit.name
    assert queries.affiliation(unit, firm) == unit.name
    firm.controller_code = ""
    code = factories.organisation("notary").credit_code
    for organisation in (unit, firm):
        organisation.affiliates.append(Affiliate(credit_code=code, name="同一控制人"))
    assert queries.affiliation(unit, firm) == "同一控制人"
    with pytest.raises(Refused, match="同一控制人"):
        bidder.start(demand)


def test_what_the_profile_lacks_is_said(demand: Demand, bidder: Bidder) -> None:
    firm = factories.organisation("firm")
    firm.may_bid = False
    with pytest.raises(Refused, match="揭榜资格"):
        bidder.start(demand)
    firm.state = OrganisationState.PENDING
    with pytest.raises(Refused, match="审核"):
        bidder.start(demand)


def test_a_member_confirms_before_the_sealing(demand: Demand, bidder: Bidder, rival: Bidder) -> None:
    bid = bidder.start(demand)
    member = service.invite(bid, factories.organisation("rival"), actor=bidder.actor, now=bidder.now)
    submission = bidder.prepare(bid)
    with pytest.raises(Refused, match="还没有确认：中原云图"):
        bidder.commit(bid, submission)
    with pytest.raises(Forbidden):
        service.join(member, actor=bidder.actor, now=bidder.now)
    service.join(member, actor=rival.actor, now=bidder.now)
    assert isinstance(bidder.commit(bid, submission), BidReceipt)
    db.session.commit()
    assert queries.find(actor=rival.actor, now=rival.now, public_id=bid.public_id) is bid
    with pytest.raises(Refused, match="河洛智感牵头"):
        rival.start(demand)
    with pytest.raises(Refused, match="封标前"):
        service.decline(member, actor=rival.actor, now=rival.now)
    service.withdraw(bid, idempotency_key="w", actor=bidder.actor)
    service.decline(member, actor=rival.actor, now=rival.now)
    rival.start(demand)


def test_nobody_takes_part_in_two_bids(demand: Demand, bidder: Bidder, rival: Bidder) -> None:
    """Both were asked and confirmed before either was sealed: the database decides."""
    university = factories.organisation("university")
    bids = {}
    for lead in (bidder, rival):
        bids[lead.username] = bid = lead.start(demand)
        member = service.invite(bid, university, actor=lead.actor, now=lead.now)
        member.confirmed_at = lead.now
    first, second = bidder.prepare(bids["bidder"]), rival.prepare(bids["rival"])
    assert isinstance(bidder.commit(bids["bidder"], first), BidReceipt)
    with pytest.raises(Refused, match="另一份揭榜"):
        rival.commit(bids["rival"], second)
    assert bids["rival"].version == 0
    db.session.commit()


def test_limits_of_a_consortium(demand: Demand, bidder: Bidder) -> None:
    bid = bidder.start(demand)
    rival, university = factories.organisation("rival"), factories.organisation("university")
    with pytest.raises(Refused, match="已经在"):
        service.invite(bid, factories.organisation("firm"), actor=bidder.actor, now=bidder.now)
    service.invite(bid, rival, actor=bidder.actor, now=bidder.now)
    with pytest.raises(Refused, match="已经在"):
        service.invite(bid, rival, actor=bidder.actor, now=bidder.now)
    with pytest.raises(Refused, match="不能加入"):
        service.invite(bid, demand.unit, actor=bidder.actor, now=bidder.now)
    member = service.invite(bid, university, actor=bidder.actor, now=bidder.now)
    with pytest.raises(Refused, match="最多3家"):
        service.invite(bid, factories.organisation("notary"), actor=bidder.actor, now=bidder.now)
    service.uninvite(member, actor=bidder.actor, now=bidder.now)
    assert [item.organisation_id for item in bid.members] == [rival.id]


def test_a_firm_that_lost_its_standing_does_not_seal(demand: Demand, bidder: Bidder) -> None:
    bid = bidder.start(demand)
    submission = bidder.prepare(bid)
    db.session.execute(update(Organisation).where(Organisation.id == bid.organisation_id).values(may_bid=False))
    db.session.expire_all()
    with pytest.raises(Refused, match="揭榜资格"):
        bidder.commit(bid, submission)


def test_the_organisations_key_is_known_by_a_hash(bidder: Bidder) -> None:
    firm = factories.organisation("firm")
    first = service.announce_key(firm, check_hash=bidder.key.check_hash, actor=bidder.actor, now=bidder.now)
    again = service.announce_key(firm, check_hash=bidder.key.check_hash, actor=bidder.actor, now=bidder.now)
    assert first is again
    second = service.announce_key(firm, check_hash="0" * 64, actor=bidder.actor, now=bidder.now)
    assert queries.bidder_key(firm.id) is second
    assert first.retired_at == bidder.now
    with pytest.raises(Refused):
        service.announce_key(firm, check_hash="0" * 64, actor=actor("rival"), now=bidder.now)
