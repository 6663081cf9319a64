"""The pool, the draw, the seats and the conflicts, on a real database."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from marketplace import db
from marketplace.bids.content import Exclusion
from marketplace.demands.models import Demand
from marketplace.panels import queries
from marketplace.panels import service as panels
from marketplace.panels.models import Conflict, Panel, PanelSeat
from marketplace.panels.rules import draw as rules
from marketplace.panels.rules.conflicts import BlockKind
from marketplace.panels.rules.draw import RedrawReason
from marketplace.panels.rules.seats import PanelState, SeatState
from marketplace.platform import clock
from marketplace.platform.audit import queries as log
from marketplace.platform.audit.models import AuditDetail
from marketplace.platform.errors import Forbidden, Invalid, Refused
from marketplace.platform.files import LocalStorage
from marketplace.scoring import service as scoring
from tests import factories
from tests.bids import making as opening
from tests.bids.contents import complete
from tests.demands.conftest import Stage
from tests.panels import making
from tests.panels.making import actor


@pytest.fixture
def demand(stage: Stage, storage: LocalStorage) -> Demand:
    """Opened, with two complete bids, and a pool of fourteen."""
    making.pool()
    said = stage.draft().said
    return opening.opened(stage, [complete(said, "firm"), complete(said, "rival")], storage=storage)


def states(panel: Panel) -> list[str]:
    return [str(seat.state) for seat in panel.present_seats]


def leaf_kinds(prefix: str) -> list[str]:
    rows = db.session.scalars(
        select(AuditDetail.kind).where(AuditDetail.kind.startswith(prefix)).order_by(AuditDetail.seq)
    )
    return list(rows)


def test_the_pools_hash_is_in_the_log_before_the_seed(demand: Demand) -> None:
    panel = making.fixed(demand)
    made = panel.draw
    assert made is not None
    assert made.seed == ""
    detail = db.session.scalar(select(AuditDetail).where(AuditDetail.seq == made.pool_seq))
    assert detail is not None
    assert detail.kind == "panel.fix_pool"
    assert detail.facts["pool_hash"] == rules.pool_hash(made.as_pool)
    panels.draw(panel, number="7 31", actor=actor("supervisor"), now=clock.site_now())
    db.session.commit()
    newest = log.newest_checkpoint()
    assert newest is not None
    assert made.checkpoint_size > made.pool_seq
    seed = hashlib.sha256(f"{demand.number}|{made.checkpoint_root}|731".encode()).hexdigest()
    assert made.seed == seed
    by_hand = sorted(made.pool["candidates"], key=lambda one: hashlib.sha256(f"{seed}|{one[0]}".encode()).hexdigest())
    assert made.members[0] == by_hand[0][0]
    again = rules.draw(made.as_pool, seed=made.seed)
    assert (
        rules.replay(
            made.pool, pool_leaf=made.pool_hash, checkpoint_root=made.checkpoint_root, number=made.number, drawn=again
        )
        == []
    )
    assert states(panel) == ["invited"] * 5 + ["substitute"] * 3
    assert sum(seat.outside for seat in panel.present_seats[:5]) >= 4
    assert not any(expert.name in str(made.pool) for expert in db.session.scalars(queries.experts()))


def test_who_draws_and_when(demand: Demand) -> None:
    panel = making.fixed(demand)
    now = clock.site_now()
    with pytest.raises(Forbidden, match="只有监督员"):
        panels.draw(panel, number="1", actor=actor("screener"), now=now)
    with pytest.raises(Invalid, match="数字"):
        panels.draw(panel, number="七", actor=actor("supervisor"), now=now)
    panel.draw.pool_seq = 10**6  # no checkpoint covers the leaf yet
    with pytest.raises(Forbidden, match="检查点"):
        panels.draw(panel, number="1", actor=actor("supervisor"), now=now)
    assert panel.draw.seed == ""
    assert panel.state is PanelState.POOL_FIXED


def test_a_pool_too_small_is_refused_with_the_number(demand: Demand) -> None:
    now = clock.site_now()
    panel = panels.set_up(demand, **{**making.settings(now), "fields": ("quantum",)}, actor=actor("screener"), now=now)
    with pytest.raises(Refused, match="区外专家只有0人"):
        panels.fix_pool(panel, actor=actor("screener"), now=now)
    assert panel.state is PanelState.PREPARING
    assert panel.draws == []


def test_a_colleague_of_a_bidder_is_left_out_of_the_pool(demand: Demand) -> None:
    firm = factories.organisation("firm")
    one, two, three = list(db.session.scalars(queries.experts()))[:3]
    one.history = [{"employer": firm.name, "credit_code": firm.credit_code, "until_on": "2026-01-31"}]
    two.name = "孟晓"  # the algorithm lead in the bids
    three.history = [{"employer": firm.name, "credit_code": "", "until_on": "2019-01-31"}]  # long ago
    db.session.flush()
    panel = making.fixed(demand)
    left = dict(panel.draw.left_out)
    assert (left[one.key], left[two.key]) == ("conflict", "conflict")
    assert three.key not in left
    found = {(row.expert_id, row.kind) for row in db.session.scalars(select(Conflict))}
    assert (one.id, BlockKind.EMPLOYER) in found
    assert (two.id, BlockKind.RELATION) in found


def test_the_bidders_own_people_and_the_unit_never_sit(demand: Demand) -> None:
    """By the organisation of the account too, whatever the card says."""
    one, two = list(db.session.scalars(queries.experts()))[:2]
    for expert, home in ((one, "rival"), (two, "unit")):
        expert.user.assignments[0].organisation = factories.organisation(home)
    db.session.flush()
    left = dict(making.fixed(demand).draw.left_out)
    assert (left[one.key], left[two.key]) == ("conflict", "conflict")


def test_declining_calls_the_next_in_order(demand: Demand) -> None:
    panel = making.drawn(demand)
    seat = panel.present_seats[0]
    now = clock.site_now()
    with pytest.raises(Forbidden, match="只能处理自己"):
        panels.decline(seat, reason="出差在外", actor=making.expert(panel.present_seats[1]), now=now)
    panels.decline(seat, reason="出差在外", actor=making.expert(seat), now=now)
    assert states(panel) == ["declined", *["invited"] * 5, *["substitute"] * 2]
    assert panel.present_seats[5].confirm_by > now


def test_an_unanswered_invitation_expires_by_itself(demand: Demand) -> None:
    panel = making.drawn(demand)
    late = panel.present_seats[0].confirm_by
    for seat in panel.present_seats[1:5]:
        panels.confirm(seat, actor=making.expert(seat), now=clock.site_now())
    assert panels.expire_overdue(late - timedelta(seconds=1)) == 0
    assert panels.expire_overdue(late) == 1
    assert states(panel) == ["expired", *["confirmed"] * 4, "invited", *["substitute"] * 2]
    assert panels.expire_overdue(late) == 0


def test_the_declaration_list_names_everybody_and_links_nothing(demand: Demand) -> None:
    panel = making.drawn(demand)
    one, two = panel.present_seats[:2]
    for seat in (one, two):
        panels.confirm(seat, actor=making.expert(seat), now=clock.site_now())
    from marketplace.panels.service.seating import shown_to

    names = shown_to(one)
    assert {"河洛智感科技有限公司", "中原云图信息技术有限公司", "孟晓", "王珂", demand.unit.name} <= set(names)
    assert sorted(names) == sorted(shown_to(two))
    assert names != shown_to(two)  # another order for another expert
    made = scoring.declare(one, conflicts=(), statement="", actor=making.expert(one), now=clock.site_now())
    assert made.clean
    assert one.state is SeatState.DECLARED
    with pytest.raises(Refused, match="不能申报"):
        scoring.declare(one, conflicts=(), statement="", actor=making.expert(one), now=clock.site_now())


def test_naming_a_conflict_removes_him_and_says_why(demand: Demand) -> None:
    panel = making.drawn(demand)
    seat = panel.present_seats[0]
    panels.confirm(seat, actor=making.expert(seat), now=clock.site_now())
    with pytest.raises(Invalid, match="什么关系"):
        scoring.declare(seat, conflicts=["孟晓"], statement="", actor=making.expert(seat), now=clock.site_now())
    scoring.declare(seat, conflicts=["孟晓"], statement="师生", actor=making.expert(seat), now=clock.site_now())
    assert states(panel)[0] == "recused"
    assert states(panel)[5] == "invited"
    assert seat.declarations[0].conflicts == ["孟晓"]


def test_a_block_found_at_the_declaration_is_the_systems_word(demand: Demand) -> None:
    panel = making.drawn(demand)
    seat = panel.present_seats[0]
    panels.confirm(seat, actor=making.expert(seat), now=clock.site_now())
    seat.expert.equity = [{"name": "中原云图信息技术有限公司", "credit_code": ""}]
    scoring.declare(seat, conflicts=(), statement="", actor=making.expert(seat), now=clock.site_now())
    assert (str(seat.state), seat.reason) == ("recused", "持有股权")


def test_an_override_takes_a_reason_and_two_people(demand: Demand) -> None:
    panel = making.drawn(demand)
    for seat in panel.present_seats[1:8]:
        if seat.is_sitting:
            panels.confirm(seat, actor=making.expert(seat), now=clock.site_now())
    seat, now = panel.present_seats[0], clock.site_now()
    panels.confirm(seat, actor=making.expert(seat), now=now)
    panels.order_recusal(seat, reason="监督员收到举报", actor=actor("supervisor"), now=now)
    with pytest.raises(Forbidden, match="候补递补"):  # his place was given on
        panels.propose_override(seat, reason="举报不实，经核查", actor=actor("publisher"), now=now)
    for other in panel.present_seats[5:]:
        if other.is_sitting:
            panels.decline(other, reason="时间冲突", actor=making.expert(other), now=now)
    panels.propose_override(seat, reason="举报不实，经核查", actor=actor("publisher"), now=now)
    with pytest.raises(Forbidden, match="另一人确认"):
        panels.override(seat, actor=actor("publisher"), now=now)
    panels.override(seat, actor=actor("supervisor"), now=now)
    assert seat.state is SeatState.CONFIRMED
    assert seat.overridden_by_id == factories.person("supervisor").id
    scoring.declare(seat, conflicts=(), statement="", actor=making.expert(seat), now=now)
    assert seat.is_declared


def test_a_bidders_request_is_the_supervisors_to_decide(stage: Stage, storage: LocalStorage) -> None:
    pool = making.pool()
    said = stage.draft().said
    wanted = tuple(Exclusion("person", expert.name, "曾与我方有合同纠纷") for expert in pool[:2])
    demand = opening.opened(stage, [complete(said, exclusions=wanted), complete(said, "rival")], storage=storage)
    requests = queries.requests(demand)
    assert [(item.person, item.decision) for item in requests] == [(pool[0].name, None), (pool[1].name, None)]
    now = clock.site_now()
    with pytest.raises(Forbidden, match="只有监督员"):
        panels.decide_request(requests[0], upheld=True, answer="情况属实，同意", actor=actor("publisher"), now=now)
    panels.decide_request(requests[0], upheld=True, answer="情况属实，同意", actor=actor("supervisor"), now=now)
    panels.decide_request(requests[1], upheld=False, answer="没有证据，不同意", actor=actor("supervisor"), now=now)
    left = dict(making.fixed(demand).draw.left_out)
    assert left[pool[0].key] == "excluded"
    assert pool[1].key not in left
    with pytest.raises(Refused, match="已经决定过"):
        panels.decide_request(
            queries.requests(demand)[0], upheld=False, answer="再想一想不行", actor=actor("supervisor"), now=now
        )


def test_granting_a_request_after_the_draw_empties_the_seat(stage: Stage, storage: LocalStorage) -> None:
    pool = making.pool()
    said = stage.draft().said
    wanted = tuple(Exclusion("employer", expert.employer, "与该校存在诉讼") for expert in pool[:10])
    demand = opening.opened(stage, [complete(said, exclusions=wanted), complete(said, "rival")], storage=storage)
    panel = making.drawn(demand)
    seat = next(item for item in panel.present_seats[:5] if item.expert in pool[:10])
    request = next(item for item in queries.requests(demand) if item.employer == seat.expert.employer)
    panels.decide_request(
        request, upheld=True, answer="情况属实，同意", actor=actor("supervisor"), now=clock.site_now()
    )
    assert seat.state is SeatState.RECUSED
    assert sum(item.state is SeatState.INVITED for item in panel.present_seats) == 5


def test_a_second_draw_takes_a_code_and_two_people(demand: Demand) -> None:
    panel = making.drawn(demand)
    first = {seat.expert_id for seat in panel.present_seats}
    gone = panel.present_seats[0]
    now = clock.site_now()
    panels.decline(gone, reason="长期出国", actor=making.expert(gone), now=now)
    panels.propose_redraw(panel, reason=RedrawReason.DATE_MOVED, note="评审改到下月", actor=actor("publisher"), now=now)
    with pytest.raises(Forbidden, match="另一人确认"):
        panels.confirm_redraw(panel, actor=actor("publisher"), now=now)
    panels.confirm_redraw(panel, actor=actor("publisher2"), now=now)
    assert panel.state is PanelState.PREPARING
    assert panel.present_seats == []
    panels.fix_pool(panel, actor=actor("screener"), now=now)
    db.session.commit()
    panels.draw(panel, number="99", actor=actor("supervisor"), now=clock.site_now())
    assert (panel.round, panel.draw.reason, panel.draw.note) == (2, "date_moved", "评审改到下月")
    assert gone.expert_id not in {seat.expert_id for seat in panel.present_seats}
    assert {seat.expert_id for seat in queries.seats_before(panel)} == first


def test_the_chair_is_elected_by_the_members(demand: Demand) -> None:
    panel = making.drawn(demand)
    members = making.seat_members(panel)
    outside = [seat for seat in members if seat.outside]
    inside = [seat for seat in members if not seat.outside]
    now = clock.site_now()
    if inside:
        with pytest.raises(Invalid, match="区外专家"):
            panels.vote(members[0], choice=inside[0], actor=making.expert(members[0]), now=now)
    for voter in members[:2]:
        panels.vote(voter, choice=outside[1], actor=making.expert(voter), now=now)
        assert panel.chair is None
    panels.vote(members[2], choice=outside[1], actor=making.expert(members[2]), now=now)
    assert panel.chair is outside[1]
    with pytest.raises(Refused, match="已经选出"):
        panels.vote(members[3], choice=outside[0], actor=making.expert(members[3]), now=now)


def test_no_leaf_names_an_expert_or_a_bidder(demand: Demand) -> None:
    panel = making.drawn(demand)
    making.seat_members(panel)
    db.session.commit()
    names = {seat.expert.name for seat in panel.seats} | {seat.expert.employer for seat in panel.seats}
    facts = "".join(str(row) for row in db.session.scalars(select(AuditDetail.facts)))
    assert leaf_kinds("seat.").count("seat.declare") == 5
    assert not [name for name in names if name in facts]


def _card(**changes: Any) -> panels.Card:
    return panels.Card(
        **{"name": "周二", "email": "zhou2@example.test", "employer": "测试学院", "fields": ("iot",), **changes}
    )


def test_the_pool_keeps_one_card_per_address(session: Any) -> None:
    now = clock.site_now()
    with pytest.raises(Forbidden):
        panels.add(_card(), actor=actor("publisher"), now=now)
    made = panels.add(_card(email="Expert1@example.test"), actor=actor("screener"), now=now)
    assert made.user_id == factories.person("expert1").id  # linked to the account of the same address
    with pytest.raises(Invalid, match="已在库中"):
        panels.add(_card(email="expert1@example.test"), actor=actor("screener"), now=now)
    with pytest.raises(Invalid) as refusal:
        panels.add(_card(email="x", fields=(), employer_code="123"), actor=actor("screener"), now=now)
    assert set(refusal.value.fields) == {"email", "fields", "employer_code"}
    assert panels.take_over(
        [_card(email="expert1@example.test", title="教授"), _card()], actor=actor("screener"), now=now
    ) == (1, 1)
    assert made.title == "教授"
    panels.retire(made, reason="本人申请", actor=actor("screener"), now=now)
    assert [row.email for row in db.session.scalars(queries.experts())] == ["zhou2@example.test"]


def test_seats_keep_the_states_the_table_knows(demand: Demand) -> None:
    """Whatever happened, the database refuses a seat that one person alone admitted."""
    panel = making.drawn(demand)
    seat: PanelSeat = panel.present_seats[0]
    person = factories.person("publisher").id
    seat.override_proposed_by_id = seat.overridden_by_id = person
    seat.override_reason = "一个人"
    with pytest.raises(IntegrityError, match="two_people"):
        db.session.flush()
    db.session.rollback()
