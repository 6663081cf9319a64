"""Random cases: what is stored is what the pure functions say, figure for figure, on whichever database this runs."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from decimal import Decimal as D
from random import Random

import pytest

from marketplace import db
from marketplace.results import queries, service
from marketplace.results.rules import Cause
from marketplace.scoring.rules import formulas
from marketplace.scoring.rules.formulas import Answer
from marketplace.scoring.rules.record import Standing
from tests.client import Client
from tests.demands.conftest import Stage
from tests.demands.samples import content
from tests.results import crowd
from tests.results.making import Review, actor
from tests.sizes import size

CASES = size(200, 10_000)
AT_ONCE = 1_000


@pytest.mark.parametrize("seed", range(max(1, CASES // AT_ONCE)))
def test_stored_aggregates_are_what_the_formulas_say(seed: int, stage: Stage) -> None:
    random = Random(seed)
    sheet = content().score_sheet.__class__(
        template="",
        criteria=content().score_sheet.criteria,
        pass_line=D(random.choice((0, 60))),
        aggregate=random.choice(("mean", "trimmed")),
        credit=random.choice(("all_or_nothing", "linear")),
    )
    review = Review(stage, bids=0, experts=random.choice((5, 7)), score_sheet=sheet)
    cases = crowd.fill(review.demand, review.panel, count=min(CASES, AT_ONCE), random=random, now=review.now)
    ranking = service.compute(review.demand, cause=Cause.LOCKED, actor=actor("publisher"), now=review.now)
    db.session.commit()
    db.session.expire_all()
    said = review.demand.said
    stored = {line.bid_id: line for line in queries.with_lines(ranking.id).lines}  # type: ignore[union-attr]
    indicator = next(item for item in said.score_sheet.criteria if item.kind == "indicator")
    for case in cases:
        line = stored[case.bid_id]
        totals = [sum(scores.values(), D(0)) for scores in case.scores]
        expected = formulas.aggregate(totals, rule=sheet.aggregate)
        proved = [formulas.majority([ticks[n] for ticks in case.proofs]) for n in range(len(said.indicators))]
        answers = [
            Answer(i.target, "0") if met else Answer("", "-") for i, met in zip(said.indicators, case.met, strict=True)
        ]
        earned = formulas.indicator_score(said.indicators, answers, proved, full=indicator.weight, rule=sheet.credit)
        figures = line.figures
        assert figures[indicator.key] == formulas.settled(earned)
        price = sum((figures[item.key] for item in said.score_sheet.criteria if item.kind == "price"), D(0))
        assert line.total is not None
        assert abs(line.total - (expected.value + earned + price)) < D("1E-18")
        assert abs((line.plain_total or D(0)) - (expected.plain + earned + price)) < D("1E-18")
        if formulas.failed_vetoes(said.indicators, answers, proved):
            assert line.standing is Standing.VETO_FAILED
        elif case.price == 0:
            assert line.standing is Standing.PRICE_REFUSED
        else:
            assert line.standing is (Standing.RANKED if line.total >= sheet.pass_line else Standing.BELOW_LINE)
    assert service.replay(queries.with_lines(ranking.id)).same  # type: ignore[arg-type]


def test_the_dashboard_loads_no_more_than_it_shows(
    stage: Stage, sign_in: Callable[[str], Client], count_queries: list[str]
) -> None:
    """With 300 bids and 1,500 sheets: 8 statements, and objects loaded do not grow with the page."""
    from sqlalchemy import event

    review = Review(stage, bids=0, experts=5)
    crowd.fill(review.demand, review.panel, count=300, random=Random(1), now=review.now)
    service.compute(review.demand, cause=Cause.LOCKED, actor=actor("publisher"), now=review.now)
    db.session.commit()
    browser = sign_in("screener")
    loaded: list[object] = []
    found = {}
    event.listen(db.Base, "load", lambda row, *_: loaded.append(row), propagate=True)
    for wanted in (50, 250):
        url = f"/demands/{review.demand.number}/review?per_page={wanted}&sort=rank"
        browser.get(url)
        count_queries.clear()
        loaded.clear()
        page = browser.get(url)
        assert len(page.html.xpath("//section[@aria-labelledby='s-bids']//tbody/tr")) == wanted
        found[wanted] = (len([one for one in count_queries if one.startswith("SELECT")]), len(loaded))
        assert len(loaded) <= 3 * wanted
    assert found[50] == found[250]
    assert found[50][0] == 8
    address = f"/demands/{review.demand.number}/ranking"
    for number in (1, 6):
        loaded.clear()
        page = browser.get(f"{address}?page={number}")
        assert len(page.html.xpath("//section[.//*[@id='s-rank']]//tbody/tr")) == 50
        assert len(page.html.xpath("//section[.//*[@id='s-single']]//tbody/tr")) == 5 * 50, "their sheets and no others"
        assert len(loaded) <= 3 * 50
        assert len(gzip.compress(page.response.data)) <= 100 * 1024
        assert page.has("现在重新计算一遍")  # so many are computed again when somebody asks
    assert browser.get(f"{address}?page=7").status == 404
    assert browser.get(f"{address}?replay=1").has("复算一致")
