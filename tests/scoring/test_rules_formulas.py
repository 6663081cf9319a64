"""Figures of one criterion, the sheet's rules and the dispersion check."""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.demands.content import Indicator
from marketplace.demands.score_sheets import PriceBasis
from marketplace.scoring.rules import dispersion, formulas
from marketplace.scoring.rules.formulas import Answer

ACCURACY = Indicator(name="准确率", baseline="80", operator=">=", target="95", unit="%", weight=D(60))
DELAY = Indicator(name="时延", baseline="120", operator="<=", target="60", unit="秒", weight=D(40), veto=True)

scores = st.decimals(min_value=0, max_value=100, places=2)
panel = st.lists(scores, min_size=1, max_size=11)


@pytest.mark.parametrize(
    ("text", "unit", "figure"),
    [
        ("97.2%", "%", "97.2"),
        ("９７．２％", "%", "97.2"),
        ("≥97.2 %", "%", "97.2"),
        ("1,260处", "处", "1260"),
        ("-5", "℃", "-5"),
        ("−5℃", "℃", "-5"),
        ("36 个月", "个月", "36"),
        ("3年", "个月", None),
        ("≤97", "%", None),
        ("IP68", "", None),
        ("±18", "mm", None),
        ("12,60", "处", None),
        ("", "%", None),
        ("无", "%", None),
    ],
)
def test_number_is_read_only_in_the_indicators_unit(text: str, unit: str, figure: str | None) -> None:
    found = formulas.number(text, Indicator(operator=">=", unit=unit))
    assert found == (None if figure is None else D(figure))


@pytest.mark.parametrize(
    ("operator", "target", "high", "value", "deviation", "met"),
    [
        (">=", "95", "", "95", "-", True),  # figures outweigh the declared deviation
        (">=", "95", "", "94.99", "+", False),
        ("<=", "60", "", "60", "0", True),
        ("<=", "60", "", "85", "0", False),
        ("=", "3", "", "3.0", "0", True),
        ("=", "3", "", "4", "+", False),
        ("range", "1", "5", "5", "0", True),
        ("range", "1", "5", "5.1", "0", False),
        ("range", "1", "", "9", "0", True),
        ("=", "IP68", "", "IP68", "0", True),
        ("=", "IP68", "", "IP67", "-", False),
        ("=", "IP68", "", " ", "0", False),  # nothing said is nothing promised
    ],
)
def test_target_met(operator: str, target: str, high: str, value: str, deviation: str, met: bool) -> None:
    indicator = Indicator(operator=operator, target=target, target_high=high)
    assert formulas.target_met(indicator, Answer(value, deviation)) is met


@pytest.mark.parametrize(
    ("indicator", "value", "rule", "r"),
    [
        (ACCURACY, "95", "all_or_nothing", "1"),
        (ACCURACY, "94", "all_or_nothing", "0"),
        (ACCURACY, "87.5", "linear", "0.5"),
        (ACCURACY, "80", "linear", "0"),
        (ACCURACY, "70", "linear", "0"),
        (ACCURACY, "99", "linear", "1"),
        (DELAY, "90", "linear", "0.5"),
        (DELAY, "30", "linear", "1"),
        (Indicator(baseline="无", operator=">=", target="95"), "90", "linear", "0"),
        (Indicator(baseline="99", operator=">=", target="95"), "90", "linear", "0"),
        (Indicator(baseline="1", operator="=", target="3"), "2", "linear", "0"),
    ],
)
def test_credit(indicator: Indicator, value: str, rule: str, r: str) -> None:
    assert formulas.credit(indicator, Answer(value), proved=True, rule=rule) == D(r)
    assert formulas.credit(indicator, Answer(value), proved=False, rule=rule) == 0


def test_indicator_score_is_the_weighted_share() -> None:
    answers = (Answer("97.2"), Answer("85"))
    score = formulas.indicator_score((ACCURACY, DELAY), answers, (True, True), full=D(30), rule="all_or_nothing")
    assert score == D(18)
    assert formulas.failed_vetoes((ACCURACY, DELAY), answers, (True, True)) == (1,)
    assert formulas.failed_vetoes((ACCURACY, DELAY), (answers[0], Answer("50")), (True, False)) == (1,)
    assert formulas.failed_vetoes((ACCURACY, DELAY), (answers[0], Answer("50")), (False, True)) == ()


def test_indicators_without_weights_weigh_the_same_and_none_at_all_is_an_error() -> None:
    plain = (Indicator(target="1"), Indicator(target="1"))
    score = formulas.indicator_score(plain, (Answer("1"), Answer("0")), (True, True), full=D(30), rule="linear")
    assert score == D(15)
    with pytest.raises(ValueError, match="no indicators"):
        formulas.indicator_score((), (), (), full=D(30), rule="linear")


@given(st.lists(st.booleans(), max_size=11))
def test_majority_is_more_than_half(ticks: list[bool]) -> None:
    assert formulas.majority(ticks) is (ticks.count(True) > ticks.count(False))


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=8), st.integers(2, 10**6))
def test_price_scores_ignore_the_currency_unit(prices: list[int], factor: int) -> None:
    for basis in (PriceBasis.TOTAL, PriceBasis.SHARE):
        plain, scaled = ([D(price * k) for price in prices] for k in (1, factor))
        best, best_scaled = formulas.best_price(plain, basis), formulas.best_price(scaled, basis)
        assert best is not None
        assert best_scaled is not None
        for one, other in zip(plain, scaled, strict=True):
            score = formulas.price_score(one, best, full=D(10), basis=basis)
            assert score == formulas.price_score(other, best_scaled, full=D(10), basis=basis)
            assert 0 < score <= 10
            assert (score == 10) is (one == best)


def test_price_examples_and_refusal_of_zero() -> None:
    assert formulas.price_score(D(200), D(150), full=D(10), basis=PriceBasis.TOTAL) == D("7.5")
    assert formulas.price_score(D(15), D(20), full=D(10), basis=PriceBasis.SHARE) == D("7.5")
    assert formulas.best_price([D(0), D(-1)], PriceBasis.TOTAL) is None
    with pytest.raises(ValueError, match="zero"):
        formulas.price_score(D(0), D(1), full=D(10), basis=PriceBasis.TOTAL)


@given(panel, st.randoms())
def test_aggregate_does_not_depend_on_the_order_of_experts(totals: list[D], random) -> None:  # type: ignore[no-untyped-def]
    shuffled = list(totals)
    random.shuffle(shuffled)
    for rule in ("mean", "trimmed"):
        assert formulas.aggregate(totals, rule=rule).value == formulas.aggregate(shuffled, rule=rule).value


@given(panel)
def test_trimming_drops_one_lowest_and_one_highest_from_five_on(totals: list[D]) -> None:
    result = formulas.aggregate(totals, rule="trimmed")
    assert result.plain == formulas.mean(totals) == formulas.aggregate(totals, rule="mean").value
    if len(totals) < 5:
        assert (result.value, result.few, result.dropped) == (result.plain, True, ())
    else:
        assert (result.value, result.few) == (formulas.mean(sorted(totals)[1:-1]), False)
        assert sorted(totals[i] for i in result.dropped) == [min(totals), max(totals)]
        assert min(totals) <= result.value <= max(totals)


@given(st.lists(scores, min_size=5, max_size=9), st.decimals(min_value=100, max_value=1000, places=2))
def test_one_extreme_score_cannot_move_a_trimmed_mean_beyond_the_others(totals: list[D], extreme: D) -> None:
    high = formulas.aggregate([*totals[:-1], extreme], rule="trimmed").value
    assert min(totals[:-1]) <= high <= max(totals[:-1])


def test_nothing_to_aggregate_is_an_error_not_zero() -> None:
    with pytest.raises(ValueError, match="no sheet"):
        formulas.aggregate([], rule="mean")


@given(panel)
def test_median_has_as_many_below_as_above(values: list[D]) -> None:
    middle = formulas.median(values)
    assert sum(v < middle for v in values) <= len(values) / 2 >= sum(v > middle for v in values)


@pytest.mark.parametrize(
    ("values", "flagged"),
    [
        ("70 72 74 76 78", ""),
        ("70 72 74 76 90", "4"),  # one far from the middle
        ("40 40 80 80 80", "01"),  # no spread in the middle: both far ones
        ("40 50 60 70 80", "04"),  # wide set without a single outlier: the farthest
        ("45 52 60 68 75", "04"),  # range 30 is not > 30, but the standard deviation is 10.75
        ("48 53 60 67 72", ""),  # range 24, standard deviation 8.7
        ("60 90", ""),  # too few
        ("50 60 70", ""),  # 10 is not > 10
        ("50 50 61", "2"),
    ],
)
def test_outliers(values: str, flagged: str) -> None:
    by_expert = {str(i): D(value) for i, value in enumerate(values.split())}
    assert dispersion.outliers(by_expert) == set(flagged)


@given(st.lists(scores, min_size=3, max_size=9), st.decimals(min_value=-50, max_value=50, places=2))
def test_flags_do_not_depend_on_the_level_nor_on_the_direction(values: list[D], shift: D) -> None:
    flagged = dispersion.outliers({str(i): v for i, v in enumerate(values)})
    assert flagged == dispersion.outliers({str(i): v + shift for i, v in enumerate(values)})
    assert flagged == dispersion.outliers({str(i): -v for i, v in enumerate(values)})


def test_check_brings_scores_to_one_scale_and_keeps_bids_and_criteria_apart() -> None:
    rows = [("b1", f"e{i}", "team", D(score)) for i, score in enumerate(("7", "7", "7", "7", "4"))]
    rows += [("b2", f"e{i}", "team", D(7)) for i in range(5)]
    rows += [("b1", f"e{i}", "plan", D(15) + D(i) / 10) for i in range(5)]
    flags = dispersion.check(rows, {"team": D(10), "plan": D(20)})
    assert flags == {dispersion.Flag("b1", "e4", "team")}
    assert dispersion.Flag.__slots__ == ("bid", "expert", "criterion"), "neither direction nor distance leaves"


def test_a_range_of_exactly_thirty_is_not_wide() -> None:
    """Thirds of a scale of 15: 6.67 and 36.67 differ by 30, neither more nor less, however many digits are carried."""
    seven = ["1", "2.5", "3.25", "3.25", "3.25", "4", "5.5"]
    rows = [("b", str(i), "c", D(score)) for i, score in enumerate(seven)]
    assert {flag.expert for flag in dispersion.check(rows, {"c": D(15)})} == {"0", "6"}  # 15 > max(2.5 × 5, 10)
    wide = ["1", "2.35", "2.35", "2.35", "3.25", "4.15", "4.15", "4.15", "5.5"]
    rows = [("b", str(i), "c", D(score)) for i, score in enumerate(wide)]
    assert dispersion.check(rows, {"c": D(15)}) == frozenset()  # MAD 6, SD 8.6, range 30
