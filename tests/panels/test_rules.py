"""The draw, the seats, the chair and the conflicts of interest."""

import hashlib
import json
from collections import Counter
from datetime import UTC, date, datetime
from fractions import Fraction
from itertools import product
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace import taxonomy
from marketplace.panels import lists
from marketplace.panels.rules import conflicts, draw, seats
from marketplace.panels.rules.conflicts import BlockKind, Employment, ExpertFacts, Party, PartyRole, Tie
from marketplace.panels.rules.draw import Candidate, Draw, Pool
from marketplace.panels.rules.seats import PanelAction, PanelState, Seat, SeatAction, SeatState
from marketplace.platform import policy
from marketplace.platform.policy import SYSTEM, Actor

ROOT = "5a8460f6" * 8


def pool_of(outside: int, inside: int, size: int = 5, share: Fraction = Fraction(2, 3)) -> Pool:
    people = [Candidate(f"x{i:03}", True) for i in range(outside)] + [
        Candidate(f"y{i:03}", False) for i in range(inside)
    ]
    return Pool("ZZGX-2026-01-003", size, tuple(people), share)


pools = st.builds(
    pool_of,
    outside=st.integers(0, 30),
    inside=st.integers(0, 30),
    size=st.sampled_from([5, 7, 9]),
    share=st.sampled_from([Fraction(2, 3), Fraction(4, 5), Fraction(1)]),
)
seeds = st.text("0123456789abcdef", min_size=64, max_size=64)


@given(pools, seeds)
def test_every_possible_draw_keeps_the_rules(pool: Pool, seed: str) -> None:
    outside = {one.expert for one in pool.candidates if one.outside}
    if draw.shortfalls(pool):
        with pytest.raises(ValueError, match="区外专家只有"):
            draw.draw(pool, seed=seed)
        assert len(outside) < pool.size + 3
        return
    drawn = draw.draw(pool, seed=seed)
    everyone = drawn.members + drawn.substitutes
    assert (len(drawn.members), len(drawn.substitutes)) == (pool.size, 3)
    assert len(set(everyone)) == len(everyone)
    assert set(everyone) <= {one.expert for one in pool.candidates}
    assert len(outside.intersection(drawn.members)) >= pool.size * pool.share
    assert outside.issuperset(drawn.substitutes)


@given(pools, seeds, st.randoms())
def test_the_order_of_the_pool_changes_nothing(pool: Pool, seed: str, random) -> None:  # type: ignore[no-untyped-def]
    mixed = Pool(pool.demand, pool.size, tuple(random.sample(pool.candidates, len(pool.candidates))), pool.share)
    assert draw.pool_hash(mixed) == draw.pool_hash(pool)
    if not draw.shortfalls(pool):
        assert draw.draw(mixed, seed=seed) == draw.draw(pool, seed=seed)


def test_the_recipe_can_be_followed_by_hand() -> None:
    seed = hashlib.sha256(f"ZZGX-2026-01-003|{ROOT}|4711".encode()).hexdigest()
    assert draw.seed_of(demand="ZZGX-2026-01-003", checkpoint_root=ROOT, number="4711") == seed
    order = sorted((f"x{i:03}" for i in range(12)), key=lambda e: hashlib.sha256(f"{seed}|{e}".encode()).hexdigest())
    assert draw.draw(pool_of(12, 0), seed=seed) == Draw(tuple(order[:5]), tuple(order[5:8]))


def test_a_scarce_pool_never_runs_short_of_substitutes() -> None:
    """Seven outside experts for five seats and three substitutes: the one inside must sit, wherever his lot falls."""
    pool = pool_of(7, 1)
    assert draw.shortfalls(pool) == []
    for number in range(200):
        drawn = draw.draw(pool, seed=draw.seed_of(demand="d", checkpoint_root=ROOT, number=str(number)))
        assert (len(drawn.members), len(drawn.substitutes)) == (5, 3)


def test_every_candidate_has_the_same_chance() -> None:
    """2,000 draws of 5 out of 20 outside experts: each expected 500 times, standard deviation 19."""
    counts: Counter[str] = Counter()
    for number in range(2000):
        seed = draw.seed_of(demand="d", checkpoint_root=ROOT, number=str(number))
        counts.update(draw.draw(pool_of(20, 0), seed=seed).members)
    assert len(counts) == 20
    assert all(400 < count < 600 for count in counts.values())


@given(pools.filter(lambda pool: not draw.shortfalls(pool)), st.text("0123456789", min_size=1, max_size=6))
def test_replay_from_the_record(pool: Pool, number: str) -> None:
    record = json.loads(json.dumps(draw.pool_json(pool)))
    assert draw.pool_from_json(record) == Pool(
        pool.demand, pool.size, tuple(sorted(pool.candidates, key=lambda one: one.expert)), pool.share
    )
    leaf = draw.pool_hash(pool)
    drawn = draw.draw(pool, seed=draw.seed_of(demand=pool.demand, checkpoint_root=ROOT, number=number))
    assert draw.replay(record, pool_leaf=leaf, checkpoint_root=ROOT, number=number, drawn=drawn) == []
    swapped = Draw(drawn.members, drawn.substitutes[::-1])
    assert draw.replay(record, pool_leaf=leaf, checkpoint_root=ROOT, number=number, drawn=swapped) == [
        "重放得到的候补与记录不一致。"
    ]
    record["candidates"].append(["z999", True])
    differences = draw.replay(record, pool_leaf=leaf, checkpoint_root=ROOT, number=number, drawn=drawn)
    assert differences[0] == "抽取范围与日志中的指纹不一致。"


def test_a_pool_of_another_version_is_not_guessed_at() -> None:
    with pytest.raises(ValueError, match="another version"):
        draw.pool_from_json({**draw.pool_json(pool_of(9, 0)), "version": 2})


@pytest.mark.parametrize(
    ("pool", "sentence"),
    [
        (pool_of(20, 0, size=3), "专家组须为不少于5人的单数。"),
        (pool_of(20, 0, size=6), "专家组须为不少于5人的单数。"),
        (pool_of(20, 5, share=Fraction(1, 2)), "区外专家不得少于三分之二。"),
        (Pool("d", 5, pool_of(9, 0).candidates * 2), "抽取范围内有重复的专家。"),
        (pool_of(6, 30), "符合条件的区外专家只有6人，含3名候补至少需要7人，请放宽领域。"),
        (pool_of(7, 0), "符合条件的区外专家只有7人，含3名候补至少需要8人，请放宽领域。"),
    ],
)
def test_what_a_pool_lacks(pool: Pool, sentence: str) -> None:
    assert sentence in draw.shortfalls(pool)


MEMBERS = tuple(Candidate(name, name != "e") for name in "abcde")


@pytest.mark.parametrize(
    ("votes", "chair"),
    [
        ({}, None),
        ({"a": "b", "b": "b"}, None),  # two of five voted
        ({"a": "b", "b": "b", "c": "c"}, "b"),
        ({"a": "c", "b": "b", "c": "c", "d": "b"}, "b"),  # tie: the earlier lot
        ({"a": "e", "b": "e", "c": "e"}, None),  # e is not outside
        ({"a": "b", "z": "c", "y": "c", "c": "c", "d": "b"}, "b"),  # strangers do not vote
    ],
)
def test_the_chair_is_an_outside_expert_with_most_votes(votes: dict[str, str], chair: str | None) -> None:
    assert draw.elected_chair(votes, MEMBERS) == chair


SEAT_MOVES = {
    ("substitute", "call", "invited"),
    ("substitute", "decline", "declined"),
    ("substitute", "order_recusal", "recused"),
    ("invited", "confirm", "confirmed"),
    ("invited", "decline", "declined"),
    ("invited", "expire", "expired"),
    ("invited", "order_recusal", "recused"),
    ("confirmed", "declare", "declared"),
    ("confirmed", "recuse", "recused"),
    ("confirmed", "order_recusal", "recused"),
    ("confirmed", "abstain", "abstained"),
    ("declared", "recuse", "recused"),
    ("declared", "order_recusal", "recused"),
    ("declared", "abstain", "abstained"),
    ("recused", "override", "confirmed"),
}
PANEL_MOVES = {
    ("preparing", "fix_pool", "pool_fixed"),
    ("pool_fixed", "reopen_pool", "preparing"),
    ("pool_fixed", "draw", "drawn"),
    ("drawn", "draw_again", "preparing"),
    ("drawn", "discharge", "discharged"),
}


@pytest.mark.parametrize(("state", "action"), list(product(SeatState, SeatAction)))
def test_every_seat_state_and_action(state: SeatState, action: SeatAction) -> None:
    target = seats.SEAT_TABLE.get((state, action))
    assert ((state, action, target) in SEAT_MOVES) if target else all((state, action) != m[:2] for m in SEAT_MOVES)


@pytest.mark.parametrize(("state", "action"), list(product(PanelState, PanelAction)))
def test_every_panel_state_and_action(state: PanelState, action: PanelAction) -> None:
    target = seats.PANEL_TABLE.get((state, action))
    assert ((state, action, target) in PANEL_MOVES) if target else all((state, action) != m[:2] for m in PANEL_MOVES)


def test_every_action_has_a_grant_and_every_word_a_label() -> None:
    permissions = {f"seat.{action}" for action in SeatAction} | {f"panel.{action}" for action in PanelAction}
    others = {
        *(
            "expert.keep",
            "expert.see",
            "panel.see",
            "panel.prepare",
            "panel.scan",
            "panel.decide_request",
            "panel.propose",
        ),
        *("panel.answer", "panel.propose_redraw", "seat.see", "seat.vote", "seat.ask", "seat.propose_override"),
    }
    assert set(seats.GRANTS) == permissions | others
    assert set(seats.SEAT_ACTION_LABELS) == set(SeatAction)
    assert set(seats.PANEL_ACTION_LABELS) == set(PanelAction)
    assert set(seats.SEAT_STATE_LABELS) == set(SeatState)
    assert set(seats.PANEL_STATE_LABELS) == set(PanelState)


NOW = datetime(2026, 11, 23, tzinfo=UTC)
LI, CHEN = Actor(id=1, roles=frozenset({("publisher", 9)})), Actor(id=2, roles=frozenset({("supervisor", 9)}))
ZHOU = Actor(id=3, roles=frozenset({("expert", 8)}))
OFFICER = Actor(id=4, roles=frozenset({("screener", 9)}))
CAST = {"publisher": LI, "supervisor": CHEN, "expert": ZHOU, "screener": OFFICER, "system": SYSTEM, "visitor": Actor()}
READY = SimpleNamespace(
    review_is_open=True,
    pool_suffices=True,
    has_checkpoint_after_pool=True,
    redraw_proposed_by_id=99,
    review_is_over=True,
    expert_account_id=3,
    has_no_hard_block=True,
    has_hard_block=True,
    panel_has_vacancy=True,
    is_next_in_order=True,
    confirmation_is_overdue=True,
    override_proposed_by_id=99,
    sheets_not_locked=True,
)
WHO_MAY = {
    "panel.fix_pool": "screener",
    "panel.reopen_pool": "screener",
    "panel.draw": "supervisor",
    "panel.propose_redraw": "publisher",
    "panel.draw_again": "publisher supervisor",
    "panel.discharge": "system",
    "seat.call": "system",
    "seat.confirm": "expert",
    "seat.decline": "expert",
    "seat.expire": "system",
    "seat.declare": "expert",
    "seat.recuse": "expert",
    "seat.order_recusal": "system supervisor",
    "seat.propose_override": "publisher",
    "seat.override": "publisher supervisor",
    "seat.abstain": "expert",
}


@pytest.mark.parametrize("who", CAST)
@pytest.mark.parametrize("permission", WHO_MAY)
def test_who_may_do_what_when_everything_else_is_ready(permission: str, who: str) -> None:
    reason = policy.why_not(permission, CAST[who], READY, NOW)
    assert (reason is None) is (who in WHO_MAY[permission].split())
    assert reason is None or reason.endswith("。")


@pytest.mark.parametrize(
    ("permission", "actor", "change", "sentence"),
    [
        ("panel.draw_again", LI, {"redraw_proposed_by_id": 1}, "重新抽取须由一人提出、另一人确认。"),
        ("panel.draw", CHEN, {"has_checkpoint_after_pool": False}, "请等待日志检查点晚于抽取范围的固定时间，再抽取。"),
        ("panel.fix_pool", OFFICER, {"review_is_open": False}, "标书开启后、结果公示前才能组建专家组。"),
        ("seat.override", LI, {"override_proposed_by_id": None}, "准予参加须由一人提出、另一人确认。"),
        ("seat.override", LI, {"panel_has_vacancy": False}, "席位已由候补递补，不能恢复。"),
        ("seat.declare", ZHOU, {"has_no_hard_block": False}, "您与参与单位有利害关系，不能参加本需求的评审。"),
        ("seat.confirm", ZHOU, {"expert_account_id": 5}, "只能处理自己的邀请。"),
        ("seat.abstain", ZHOU, {"sheets_not_locked": False}, "评分已锁定，不能弃权。"),
        ("seat.call", SYSTEM, {"is_next_in_order": False}, "须按候补顺序递补。"),
    ],
)
def test_the_reason_is_told(permission: str, actor: Actor, change: dict[str, object], sentence: str) -> None:
    assert policy.why_not(permission, actor, SimpleNamespace(**{**vars(READY), **change}), NOW) == sentence


def drawn_seats() -> list[Seat]:
    """Five members, the fourth inside the zone, and three outside substitutes."""
    return [Seat(f"e{i}", i, i != 3, SeatState.DECLARED if i < 5 else SeatState.SUBSTITUTE) for i in range(8)]


def _with(where: list[Seat], expert: str, state: SeatState) -> list[Seat]:
    return [Seat(s.expert, s.order, s.outside, state if s.expert == expert else s.state) for s in where]


leaving = st.sampled_from([SeatState.RECUSED, SeatState.ABSTAINED])


@given(st.lists(st.tuples(st.integers(0, 7), leaving), max_size=6))
def test_whoever_leaves_the_next_in_order_moves_up_and_the_panel_stays_sound(
    events: list[tuple[int, SeatState]],
) -> None:
    where = drawn_seats()
    for who, state in events:
        member = f"e{who}"
        if member in {seat.expert for seat in seats.sitting(where)}:
            where = _with(where, member, state)
        for called in seats.next_substitutes(where, size=5):
            where = _with(where, called.expert, SeatState.DECLARED)
        waiting = [seat for seat in where if seat.state is SeatState.SUBSTITUTE]
        assert seats.next_substitutes(where, size=5) == ()
        members = seats.counted(where)
        assert len(members) == 5 or not waiting
        assert (seats.faults(where, size=5) == []) is (len(members) == 5)
        if len(members) == 5:  # a panel that is not full any more has no share to keep: faults() stops it anyway
            assert sum(seat.outside for seat in members) * 3 >= 2 * len(members)
        moved_up = [seat.order for seat in where if seat.order >= 5 and seat.state is not SeatState.SUBSTITUTE]
        assert moved_up == list(range(5, 5 + len(moved_up)))


def test_only_declared_members_count_and_waiting_ones_stop_the_review() -> None:
    where = _with(drawn_seats(), "e0", SeatState.CONFIRMED)
    assert [seat.expert for seat in seats.counted(where)] == ["e1", "e2", "e3", "e4"]
    assert seats.faults(where, size=5) == [
        "还有1名专家未确认或未完成回避申报。",
        "专家组应有5人，已完成申报4人。",
        "专家组须为不少于5人的单数。",
    ]
    assert seats.next_substitutes(where, size=5) == (), "a seat that is offered is not vacant"


def test_an_inside_majority_is_named() -> None:
    inside = [Seat(f"e{i}", i, i < 3, SeatState.DECLARED) for i in range(5)]
    assert seats.faults(inside, size=5) == ["区外专家不得少于三分之二。"]


ON = date(2026, 11, 23)
BIDDER = Party("郑州北落信息技术有限公司", "91410100MA3X0001X1", PartyRole.BIDDER, ("王启明", "李 静"))


def expert(**facts: object) -> ExpertFacts:
    return ExpertFacts("e1", "周和", **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        (expert(employments=(Employment("郑州北落信息技术有限公司"),)), BlockKind.EMPLOYER),
        (expert(employments=(Employment(" 郑州北落信息技术有限公司　", "", date(2023, 11, 23)),)), BlockKind.EMPLOYER),
        (expert(employments=(Employment("郑州北落信息技术有限公司", "", date(2023, 11, 22)),)), None),
        (expert(employments=(Employment("旧名", "91410100MA3X0001X1", date(2025, 1, 1)),)), BlockKind.EMPLOYER),
        (expert(employments=(Employment("郑州北落信息技术有限公司", "91410100MA3X0002X2"),)), None),  # namesake
        (expert(equity=(Tie("", "91410100MA3X0001X1"),)), BlockKind.EQUITY),
        (expert(relations=(Tie("王启明"),)), BlockKind.RELATION),
        (expert(relations=(Tie("李静"),)), BlockKind.RELATION),
        (expert(relations=(Tie("郑州北落信息技术有限公司"),)), BlockKind.RELATION),
        (expert(relations=(Tie("赵远"),)), None),
        (expert(employments=(Employment(""),), relations=(Tie(" "),)), None),
    ],
)
def test_hard_blocks(facts: ExpertFacts, kind: BlockKind | None) -> None:
    blocks = conflicts.hard_blocks(facts, [BIDDER], on=ON)
    assert blocks == (() if kind is None else (conflicts.Block("e1", kind, BIDDER.name),))


def test_an_expert_who_is_named_in_a_bid_is_blocked_and_every_party_counts() -> None:
    unit = Party("郑州高新区城市管理局（综合执法局）", "", PartyRole.UNIT)
    member = Party("云台大学", "", PartyRole.MEMBER, ("周和",))
    facts = expert(employments=(Employment("郑州高新区城市管理局(综合执法局)"),))
    assert conflicts.hard_blocks(facts, [BIDDER, unit, member], on=ON) == (
        conflicts.Block("e1", BlockKind.EMPLOYER, unit.name),
        conflicts.Block("e1", BlockKind.RELATION, member.name),
    )


def test_three_years_before_a_leap_day() -> None:
    assert conflicts.years_before(date(2028, 2, 29), 3) == date(2025, 2, 28)


@given(st.randoms(), st.text(min_size=1))
def test_the_declaration_list_says_nothing_about_bids(random, salt: str) -> None:  # type: ignore[no-untyped-def]
    parties = [Party(f"单位{i}", "", PartyRole.BIDDER, (f"人员{i}", "共同人员")) for i in range(6)]
    shown = conflicts.declaration_list(parties, salt=salt)
    assert set(shown) == {f"单位{i}" for i in range(6)} | {f"人员{i}" for i in range(6)} | {"共同人员"}
    assert len(shown) == 13
    assert conflicts.declaration_list(random.sample(parties, 6), salt=salt) == shown


def test_another_salt_another_order() -> None:
    parties = [Party(f"单位{i}", "", PartyRole.BIDDER) for i in range(12)]
    assert len({conflicts.declaration_list(parties, salt=str(i)) for i in range(20)}) == 20


def test_an_industry_that_an_administrator_added_is_a_field_of_experts_at_once():
    taxonomy.use({"industry": [["low_altitude", "低空经济", "Low-altitude economy", True]]})
    try:
        assert lists.fields_of("低空经济") == (("low_altitude",), None)
        assert lists.field_labels()["low_altitude"] == "低空经济"
    finally:
        taxonomy.use({})
    assert lists.fields_of("低空经济")[1] == "没有“低空经济”这个领域。"
