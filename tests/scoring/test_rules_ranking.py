"""Properties of the ranking: permutation, scaling, skipping, trimming, ties, disqualification, replay."""

import json
from dataclasses import replace
from decimal import Decimal as D
from itertools import pairwise
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from marketplace.demands.content import Criterion, Indicator, ScoreSheet
from marketplace.scoring.rules import formulas, sheets
from marketplace.scoring.rules.formulas import Answer
from marketplace.scoring.rules.ranking import Incomplete, rank, replay, ticket
from marketplace.scoring.rules.record import (
    BidInput,
    Decider,
    Inputs,
    Ranking,
    SheetInput,
    Standing,
    disqualify,
    inputs_from_json,
    inputs_json,
)

INDICATORS = (
    Indicator(name="准确率", baseline="80", operator=">=", target="95", unit="%", weight=D(60)),
    Indicator(name="时延", baseline="120", operator="<=", target="60", unit="秒", weight=D(40)),
)
BANDS = ("差", "中", "良", "优")
SHEET = ScoreSheet(
    criteria=(
        Criterion("indicators", "指标响应", D(30), "indicator", BANDS),
        Criterion("plan", "方案", D(40), "typed", BANDS),
        Criterion("team", "团队", D(20), "typed", BANDS),
        Criterion("price", "报价", D(10), "price", BANDS),
    ),
    pass_line=D(40),
    aggregate="trimmed",
)
MET = (Answer("97"), Answer("50"))


def give(bid: str, *pairs: tuple[str, str], proofs: tuple[bool, ...] = (True, True)) -> tuple[SheetInput, ...]:
    """Sheets of experts e0, e1, … who gave (plan, team)."""
    return tuple(
        SheetInput(bid, f"e{i}", {"plan": D(plan), "team": D(team)}, proofs) for i, (plan, team) in enumerate(pairs)
    )


def case(bids: tuple[BidInput, ...], given_sheets: tuple[SheetInput, ...], **change: object) -> Inputs:
    """Inputs whose counted experts are those who gave a sheet."""
    experts = tuple(sorted({one.expert for one in given_sheets}))
    inputs = Inputs("ZZGX-2026-01-003", "enterprise", SHEET, INDICATORS, bids, experts, given_sheets)
    return replace(inputs, **change)  # type: ignore[arg-type]


@st.composite
def cases(draw: st.DrawFn, *, coarse: bool = False) -> Inputs:
    """Complete inputs. ``coarse`` draws from few values, so that ties are frequent."""
    bids = [f"b{i}" for i in range(draw(st.integers(1, 5)))]
    experts = [f"e{i}" for i in range(draw(st.integers(1, 7)))]
    plan = st.sampled_from([D(20), D(30)]) if coarse else st.decimals(min_value=0, max_value=40, places=2)
    team = st.sampled_from([D(10), D(20)]) if coarse else st.decimals(min_value=0, max_value=20, places=2)
    price = st.sampled_from([100, 200]) if coarse else st.integers(1, 10**10)
    value = st.sampled_from(["95", "80"]) if coarse else st.integers(70, 100).map(str)
    return Inputs(
        demand="ZZGX-2026-01-003",
        mode=draw(st.sampled_from(["enterprise", "subsidy", "cooperation"])),
        sheet=replace(
            SHEET,
            aggregate=draw(st.sampled_from(["mean", "trimmed"])),
            credit=draw(st.sampled_from(["all_or_nothing", "linear"])),
            pass_line=draw(st.sampled_from([D(0), D(60)])),
        ),
        indicators=INDICATORS,
        bids=tuple(BidInput(b, (Answer(draw(value)), Answer("60")), D(draw(price))) for b in bids),
        experts=tuple(experts),
        sheets=tuple(
            SheetInput(b, e, {"plan": draw(plan), "team": draw(team)}, (draw(st.booleans()), True))
            for b in bids
            for e in experts
        ),
    )


def order(ranking: Ranking) -> list[str]:
    return [line.bid for line in ranking.ranked]


@given(cases(), st.integers())
def test_order_of_bids_experts_and_sheets_changes_nothing(inputs: Inputs, seed: int) -> None:
    random = Random(seed)

    def mixed(items: tuple) -> tuple:  # type: ignore[type-arg]
        return tuple(random.sample(items, len(items)))

    other = replace(inputs, bids=mixed(inputs.bids), experts=mixed(inputs.experts), sheets=mixed(inputs.sheets))
    assert rank(other) == rank(inputs)
    assert rank(other).hash == rank(inputs).hash


@given(cases(), st.permutations([f"e{i}" for i in range(7)]))
def test_who_gave_which_sheet_changes_no_figure(inputs: Inputs, names: list[str]) -> None:
    renamed = replace(
        inputs,
        experts=tuple(names[int(e[1:])] for e in inputs.experts),
        sheets=tuple(replace(one, expert=names[int(one.expert[1:])]) for one in inputs.sheets),
    )
    plain = [replace(line, trimmed=()) for line in rank(inputs).lines]
    assert [replace(line, trimmed=()) for line in rank(renamed).lines] == plain


@given(cases(), st.integers(2, 1000))
def test_prices_in_another_unit_change_no_figure(inputs: Inputs, factor: int) -> None:
    scaled = replace(inputs, bids=tuple(replace(bid, price=bid.price * factor) for bid in inputs.bids if bid.price))
    assert rank(scaled).lines == rank(inputs).lines


@given(cases(), st.integers(2, 20))
def test_weights_and_scores_scaled_together_keep_the_order(inputs: Inputs, factor: int) -> None:
    scaled = replace(
        inputs,
        sheet=replace(
            inputs.sheet,
            pass_line=inputs.sheet.pass_line * factor,
            criteria=tuple(replace(item, weight=item.weight * factor) for item in inputs.sheet.criteria),
        ),
        sheets=tuple(
            replace(one, scores={key: score * factor for key, score in one.scores.items()}) for one in inputs.sheets
        ),
    )
    assert [(line.bid, line.rank) for line in rank(scaled).lines] == [
        (line.bid, line.rank) for line in rank(inputs).lines
    ]


@given(cases(), st.data())
def test_a_skipped_sheet_or_score_stops_the_ranking_and_is_named(inputs: Inputs, data: st.DataObject) -> None:
    gone = data.draw(st.sampled_from(inputs.sheets))
    with pytest.raises(Incomplete) as error:
        rank(replace(inputs, sheets=tuple(one for one in inputs.sheets if one is not gone)))
    assert error.value.places == ((gone.expert, gone.bid),)
    half = replace(gone, scores={"plan": gone.scores["plan"]})
    with pytest.raises(Incomplete) as error:
        rank(replace(inputs, sheets=tuple(half if one is gone else one for one in inputs.sheets)))
    assert error.value.places == ((gone.expert, gone.bid),)


def test_what_else_must_be_there() -> None:
    whole = case((BidInput("b0", MET, D(5)),), give("b0", ("30", "15")))
    for lacking, places in (
        (replace(whole, bids=(BidInput("b0", MET),)), (("price", "b0"),)),
        (replace(whole, bids=(BidInput("b0", MET[:1], D(5)),)), (("answers", "b0"),)),
        (replace(whole, experts=()), ()),
    ):
        with pytest.raises(Incomplete) as error:
            rank(lacking)
        assert error.value.places == places
    with pytest.raises(ValueError, match="two sheets"):
        rank(replace(whole, sheets=whole.sheets * 2))
    with pytest.raises(ValueError, match="not complete"):
        SheetInput.of("b0", "e0", sheets.Entry({"plan": D(1)}, {}, (True, None)))
    assert SheetInput.of("b0", "e0", sheets.Entry({"plan": D(1)}, {}, (True, False))).proofs == (True, False)


@given(cases(), st.data())
def test_zero_is_counted_where_missing_is_not(inputs: Inputs, data: st.DataObject) -> None:
    target = data.draw(st.sampled_from(inputs.sheets))
    zeroed = replace(target, scores=dict.fromkeys(target.scores, D(0)))
    before = rank(inputs).line(target.bid).plain_total
    after = rank(replace(inputs, sheets=tuple(zeroed if one is target else one for one in inputs.sheets)))
    drop = sum(target.scores.values(), D(0)) / len(inputs.experts)
    assert before is not None
    assert abs((before - drop) - (after.line(target.bid).plain_total or D(0))) < D("1E-15")


@given(cases())
def test_totals_are_what_the_formulas_say(inputs: Inputs) -> None:
    for line in rank(inputs).lines:
        mine = [one for one in sorted(inputs.sheets, key=lambda one: one.expert) if one.bid == line.bid]
        totals = [one.scores["plan"] + one.scores["team"] for one in mine]
        figures = dict(line.criteria)
        expected = formulas.aggregate(totals, rule=inputs.sheet.aggregate)
        assert line.total is not None
        assert abs(line.total - expected.value - figures["indicators"] - figures["price"]) < D("1E-15")
        assert line.trimmed == tuple(mine[i].expert for i in expected.dropped)
        assert line.few_sheets is (inputs.sheet.aggregate == "trimmed" and len(totals) < 5)
        assert 0 <= line.total <= 100
        assert line.standing is (Standing.RANKED if line.total >= inputs.sheet.pass_line else Standing.BELOW_LINE)


@given(cases(coarse=True))
def test_ranks_follow_the_tie_chain_and_only_the_equal_share_one(inputs: Inputs) -> None:
    ranking = rank(inputs)
    price = {bid.bid: (bid.price or D(0)) * (1 if inputs.mode == "cooperation" else -1) for bid in inputs.bids}

    def chain(bid: str) -> tuple[D, ...]:
        line = ranking.line(bid)
        return line.total or D(0), dict(line.criteria)["indicators"], price[bid], line.plain_total or D(0)

    for before, after in pairwise(ranking.ranked):
        assert chain(before.bid) >= chain(after.bid)
        assert (before.rank == after.rank) is (chain(before.bid) == chain(after.bid))
        assert (after.decided_by is Decider.UNDECIDED) is (before.rank == after.rank)
    assert {bid for group in ranking.undecided for bid in group} == {
        line.bid for line in ranking.ranked if [one.rank for one in ranking.ranked].count(line.rank) > 1
    }
    for position, line in enumerate(ranking.ranked, start=1):
        assert line.rank is not None
        assert line.rank <= position


@given(cases(coarse=True), st.text("0123456789", min_size=1, max_size=8))
def test_a_witnessed_draw_decides_what_is_equal_and_nothing_else(inputs: Inputs, seed: str) -> None:
    open_ranking, drawn = rank(inputs), rank(replace(inputs, tie_seed=seed))
    assert [line.rank for line in drawn.ranked] == list(range(1, len(drawn.ranked) + 1))
    assert drawn.undecided == ()
    for line in drawn.ranked:
        assert open_ranking.line(line.bid).rank <= line.rank  # type: ignore[operator]
    for group in open_ranking.undecided:
        drawn_order = [bid for bid in order(drawn) if bid in group]
        assert drawn_order == sorted(group, key=lambda bid: ticket(seed, bid))


def _tied(**second: object) -> Inputs:
    """Two bids alike but for ``second``: 30 indicators, 50 typed, 10 price."""
    bids = (BidInput("b0", MET, D(100)), replace(BidInput("b1", MET, D(100)), **second))  # type: ignore[arg-type]
    return case(bids, give("b0", *[("35", "15")] * 5) + give("b1", *[("35", "15")] * 5))


def test_each_link_of_the_tie_chain() -> None:
    # equal totals, b1 stronger in indicators: 18 + 12 more typed against 30
    weak = replace(_tied(answers=(Answer("97"), Answer("85"))), experts=tuple(f"e{i}" for i in range(5)))
    more = tuple(replace(one, scores={"plan": D(40), "team": D(20)}) if one.bid == "b1" else one for one in weak.sheets)
    even = replace(
        weak,
        sheets=tuple(replace(one, scores={"plan": D(32), "team": D(16)}) if one.bid == "b0" else one for one in more),
    )
    assert [(line.bid, line.total, line.decided_by) for line in rank(even).ranked] == [
        ("b0", D(88), Decider.FIRST),
        ("b1", D(88), Decider.INDICATORS),
    ]
    # equal totals and indicators, b1 dearer by what it gains in the typed part: 100/200 of 10 = 5 less
    dear = _tied(price=D(200))
    dear = replace(
        dear,
        sheets=tuple(
            replace(one, scores={"plan": D(40), "team": D(15)}) if one.bid == "b1" else one for one in dear.sheets
        ),
    )
    assert [(line.bid, line.total, line.decided_by) for line in rank(dear).ranked] == [
        ("b0", D(90), Decider.FIRST),
        ("b1", D(90), Decider.PRICE),
    ]
    # equal trimmed totals, the plain mean differs by a dropped extreme
    plain = _tied()
    extreme = replace(plain.sheets[5], scores={"plan": D(40), "team": D(20)})
    plain = replace(plain, sheets=(*plain.sheets[:5], extreme, *plain.sheets[6:]))
    assert [(line.bid, line.decided_by) for line in rank(plain).ranked] == [
        ("b1", Decider.FIRST),
        ("b0", Decider.PLAIN_MEAN),
    ]
    equal = rank(_tied())
    assert [(line.rank, line.decided_by) for line in equal.ranked] == [(1, Decider.FIRST), (1, Decider.UNDECIDED)]
    assert equal.undecided == (("b0", "b1"),)
    drawn = rank(replace(_tied(), tie_seed="20261123"))
    assert [line.decided_by for line in drawn.ranked] == [Decider.FIRST, Decider.DRAW]


def test_thirds_that_sum_to_one_tie_with_one() -> None:
    """10/3 typed + 20/3 price is 10, however many digits are carried."""
    sheet = replace(SHEET, aggregate="mean", pass_line=D(0))
    thirds = give("b0", ("10", "0"), ("0", "0"), ("0", "0"))
    whole = give("b1", ("0", "0"), ("0", "0"), ("0", "0"))
    inputs = case((BidInput("b0", MET, D(3)), BidInput("b1", MET, D(2))), thirds + whole, sheet=sheet)
    assert [(line.bid, line.total, line.decided_by) for line in rank(inputs).ranked] == [
        ("b1", D(40), Decider.FIRST),
        ("b0", D(40), Decider.PRICE),
    ]


@given(cases(), st.data())
def test_disqualification_removes_one_and_keeps_the_rest_in_order_unless_it_set_the_price(
    inputs: Inputs, data: st.DataObject
) -> None:
    assume(len(inputs.bids) > 1)
    out = data.draw(st.sampled_from(inputs.bids))
    before, after = rank(inputs), rank(disqualify(inputs, out.bid, code="Z-03"))
    assert after.line(out.bid).standing is Standing.DISQUALIFIED
    assert after.line(out.bid).rank is None
    assert {line.bid for line in after.lines} == {line.bid for line in before.lines}
    assert after.hash != before.hash
    best = max if inputs.mode == "cooperation" else min
    others = [bid.price for bid in inputs.bids if bid is not out]
    if best(bid.price for bid in inputs.bids) == best(others):  # type: ignore[type-var]
        assert order(after) == [bid for bid in order(before) if bid != out.bid]
        for line in after.lines:
            if line.bid != out.bid:
                assert line.total == before.line(line.bid).total
    else:  # the next best price now earns full marks; nobody loses by it
        for line in after.lines:
            old = before.line(line.bid).total
            assert line.bid == out.bid or (line.total is not None and old is not None and line.total >= old)


def test_a_disqualified_bid_needs_no_sheets_and_does_not_set_the_price() -> None:
    inputs = case((BidInput("b0", MET, D(100)), BidInput("b1", MET, D(1))), give("b0", *[("35", "15")] * 5))
    with pytest.raises(Incomplete):
        rank(inputs)
    ranking = rank(disqualify(inputs, "b1", code="Z-03"))
    assert [(line.bid, line.total, line.standing) for line in ranking.lines] == [
        ("b0", D(90), Standing.RANKED),
        ("b1", None, Standing.DISQUALIFIED),
    ]
    with pytest.raises(ValueError, match="no bid"):
        disqualify(inputs, "b9", code="Z-03")


def test_why_a_bid_has_no_rank() -> None:
    veto = (replace(INDICATORS[0], veto=True), INDICATORS[1])
    minimum = replace(
        SHEET, criteria=tuple(replace(c, minimum=D(10)) if c.key == "team" else c for c in SHEET.criteria)
    )
    bids = (
        BidInput("good", MET, D(100)),
        BidInput("veto", (Answer("94.9"), Answer("50")), D(50)),
        BidInput("thin", MET, D(100)),
        BidInput("free", MET, D(0)),
        BidInput("weak", MET, D(100)),
    )
    given_sheets = (
        give("good", *[("35", "15")] * 5)
        + give("veto", *[("40", "20")] * 5)
        + give("thin", *[("40", "9.99")] * 5)
        + give("free", *[("40", "20")] * 5)
        + give("weak", *[("0", "10")] * 5, proofs=(True, False))
    )
    ranking = rank(case(bids, given_sheets, sheet=minimum, indicators=veto))
    assert [(line.bid, line.standing, line.shortfalls) for line in ranking.lines] == [
        ("good", Standing.RANKED, ()),
        ("free", Standing.PRICE_REFUSED, ()),
        ("thin", Standing.BELOW_MINIMUM, ("team",)),
        ("veto", Standing.VETO_FAILED, ("indicator-1",)),
        ("weak", Standing.BELOW_LINE, ()),
    ]
    assert dict(ranking.line("good").criteria)["price"] == D(10), "a bid that cannot be ranked sets no price"
    assert dict(ranking.line("veto").criteria)["price"] == D(10), "nor does it get more than full marks"


def test_experts_who_do_not_count_stay_on_record_and_change_no_figure() -> None:
    inputs = case((BidInput("b0", MET, D(100)),), give("b0", ("35", "15"), ("30", "10"), ("0", "0")))
    without = replace(inputs, experts=("e0", "e1"))
    assert dict(rank(without).line("b0").criteria)["plan"] == D("32.5")
    assert len(inputs_json(without)["sheets"]) == 3


def test_without_a_price_criterion_prices_decide_nothing() -> None:
    sheet = replace(SHEET, criteria=tuple(c for c in SHEET.criteria if c.kind != "price"))
    inputs = case(
        (BidInput("b0", MET), BidInput("b1", MET)),
        give("b0", *[("35", "15")] * 5) + give("b1", *[("35", "15")] * 5),
        sheet=sheet,
        mode="trial",
    )
    assert rank(inputs).undecided == (("b0", "b1"),)


@settings(max_examples=200)
@given(cases())
def test_replay_from_the_stored_record_gives_the_same_order_and_hash(inputs: Inputs) -> None:
    ranking = rank(inputs)
    stored = json.loads(json.dumps(inputs_json(inputs)))
    again = replay(stored, expected_hash=ranking.hash)
    assert (again.same, again.ranking) == (True, ranking)
    assert inputs_json(inputs_from_json(stored)) == stored
    stored["sheets"][0]["scores"]["plan"] = "41"
    assert not replay(stored, expected_hash=ranking.hash).same


def test_the_hash_of_version_one_never_changes() -> None:
    """A published notice prints it: if this fails, a new version is needed, not a new constant."""
    inputs = _tied(price=D(300))
    assert rank(inputs).hash == "99a9739d9c456bb2f1be66498064c7a5bdcca9d140a7824479369832008b5753"
    assert str(rank(inputs).line("b1").total) == "83.33333333333333333333"
    with pytest.raises(KeyError):
        rank(replace(inputs, version=2))
