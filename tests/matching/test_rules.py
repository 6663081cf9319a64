"""The score by hand: what adds to it, what keeps somebody out, and that the same input gives the same answer."""

from __future__ import annotations

from datetime import date

import pytest

from marketplace.capabilities.content import Qualification
from marketplace.matching import terms
from marketplace.matching.rules import (
    BODY_MOST,
    FITS,
    HEAD,
    POINTS_DIRECTION,
    POINTS_INDUSTRY,
    POINTS_PAPER,
    POINTS_TERMS,
    POINTS_TITLE,
    TERMS_MOST,
    TITLE,
    Corpus,
    Match,
    Offer,
    Standing,
    Wanted,
    best,
    excluded,
    key_terms,
    match,
    weighed,
)
from marketplace.matching.terms import of, of_capability, of_demand
from tests.capabilities.making import content as capability
from tests.demands.samples import content as demand

PLAIN = Corpus(10, {"管网": 1, "漏损": 1, "系统": 10})


def wanted(**changes):
    return Wanted(**{"terms": {"管网": 3, "漏损": 3, "夜间": 3, "听漏": 3, "开挖": 3}, **changes})


def test_two_words_are_needed_and_one_is_a_coincidence():
    assert match(wanted(), Offer({"管网": 1}), PLAIN) is None
    assert match(wanted(), Offer({"管网": 1, "漏损": 1}), PLAIN) is not None
    assert match(wanted(terms={}), Offer({"管网": 1}), PLAIN) is None


def test_each_reason_adds_its_points():
    offer = {"管网": 1, "漏损": 1}
    plain = match(wanted(), Offer(offer), PLAIN)
    for change, more, points in (
        ({"industries": frozenset({"iot"})}, {"industries": frozenset({"iot", "other"})}, POINTS_INDUSTRY),
        ({"direction": "living"}, {"directions": frozenset({"living"})}, POINTS_DIRECTION),
        ({"text": "须具备乙级测绘资质"}, {"papers": (("乙级测绘资质", "乙级测绘资质"),)}, POINTS_PAPER),
    ):
        found = match(wanted(**change), Offer(offer, **more), PLAIN)
        assert found.score == plain.score + points
    titled = {"管网": TITLE + 3, "漏损": 3, "夜间": 3, "听漏": 3, "开挖": 3}
    with_title = match(wanted(terms=titled), Offer({"管网": TITLE, "漏损": 1}), PLAIN)
    without = match(wanted(terms=titled), Offer({"管网": 1, "漏损": 1}), PLAIN)
    assert with_title.score == without.score + POINTS_TITLE


def test_everything_shared_is_a_hundred_at_most():
    everything = wanted(direction="living", industries=frozenset({"iot"}), text="甲证")
    offer = Offer(dict.fromkeys(everything.terms, 1), frozenset({"living"}), frozenset({"iot"}), (("甲证", "甲证"),))
    found = match(everything, offer, PLAIN)
    assert found == Match(
        POINTS_TERMS + POINTS_INDUSTRY + POINTS_DIRECTION + POINTS_PAPER,
        tuple(key_terms(everything.terms, PLAIN)[:6]),
        ("iot",),
        ("living",),
        ("甲证",),
    )
    assert found.score <= 100


def test_rare_words_tell_more_than_common_ones():
    known = Corpus(100, {"系统": 100, "漏损": 1, "管网": 1})
    assert known.rarity("漏损") > known.rarity("系统")
    assert key_terms({"系统": 3, "漏损": 3, "甲": 1, "乙": 1}, known)[0] == "漏损"
    offers = {"rare": {"漏损": 1, "管网": 1}, "common": {"系统": 1, "管网": 1}}
    said = Wanted({"系统": 3, "漏损": 3, "管网": 3, **{f"别的{n}": 3 for n in range(9)}})
    scores = {name: match(said, Offer(has), known).score for name, has in offers.items()}
    assert scores["rare"] > scores["common"]


def test_a_synonym_counts_nearly_as_the_word():
    known = Corpus(10, {}, {"低空": ("无人机",)})
    said = Wanted({"低空": 3, "巡检": 3, **{f"别的{n}": 3 for n in range(9)}})
    same = match(said, Offer({"低空": 1, "巡检": 1}), known)
    other = match(said, Offer({"无人机": 1, "巡检": 1}), known)
    assert match(said, Offer({"飞机": 1, "巡检": 1}), known) is None
    assert same.score > other.score > 0
    assert "低空" in other.terms


@pytest.mark.parametrize(
    "standing",
    [Standing(own=True), Standing(affiliated=True), Standing(procurement_off=True), Standing(accepts=False)],
)
def test_what_keeps_a_firm_out(standing):
    assert excluded(standing)
    assert not excluded(Standing())


def test_the_best_come_first_and_those_that_do_not_fit_never():
    found = best([("a", Match(FITS)), ("b", None), ("c", Match(FITS - 1)), ("d", Match(100)), ("e", Match(FITS))])
    assert [name for name, _ in found] == ["d", "a", "e"]


def test_weights_by_place_are_bounded():
    found = weighed(["停车"], [["停车", "泊位"], ["泊位"]], ["泊位"] * 50 + [f"词{n:03}" for n in range(500)])
    assert found["停车"] == TITLE + HEAD
    assert found["泊位"] == HEAD + BODY_MOST
    assert len(found) == TERMS_MOST
    assert max(HEAD + BODY_MOST, 0) < TITLE


def test_words_that_say_nothing_are_no_terms():
    assert of("系统平台不低于百分之九十，提供技术支持 2026 的 5G 与 GB/T 37668") == ["5g", "gbt37668"]


def test_the_same_text_gives_the_same_terms_and_a_demand_meets_its_capability():
    assert of_demand(demand()) == of_demand(demand())
    said = demand()
    found = match(
        Wanted(of_demand(said), said.direction, frozenset(said.industries)),
        Offer(of_capability(capability()), frozenset(capability().directions), frozenset(capability().industries)),
        Corpus(1, {}, {term: terms.synonyms(term) for term in of_demand(said)}),
    )
    assert found.fits
    assert {"泊位", "诱导"} <= set(found.terms)


def test_an_expired_certificate_is_no_reason(app, now):
    from marketplace.matching.queries import offer_of

    papers = (Qualification("甲证", "1", date(2020, 1, 1)), Qualification("乙证", "2", None))
    assert offer_of(capability(qualifications=papers), {}, now).papers == (("乙证", "乙证"),)
