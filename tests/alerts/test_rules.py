"""When digests are due, and since when something answers to a search."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from marketplace.alerts.rules import Frequency, became_at, filters_of, has_facets, next_digest, parameters
from marketplace.demands.queries import Filters
from marketplace.search.documents import Document

FRIDAY = datetime(2026, 11, 27, 0, 29, tzinfo=UTC)  # 08:29 in Beijing


@pytest.mark.parametrize(
    ("frequency", "now", "due"),
    [
        (Frequency.DAILY, FRIDAY, datetime(2026, 11, 27, 0, 30, tzinfo=UTC)),
        (Frequency.DAILY, FRIDAY + timedelta(minutes=1), datetime(2026, 11, 28, 0, 30, tzinfo=UTC)),
        (Frequency.WEEKLY, FRIDAY, datetime(2026, 11, 30, 0, 30, tzinfo=UTC)),
        (Frequency.WEEKLY, datetime(2026, 11, 30, 0, 30, tzinfo=UTC), datetime(2026, 12, 7, 0, 30, tzinfo=UTC)),
        (Frequency.INSTANT, FRIDAY, None),
        (Frequency.OFF, FRIDAY, None),
    ],
)
def test_the_next_digest(frequency, now, due):
    assert next_digest(frequency, now) == due


def test_a_search_survives_its_storing():
    filters = Filters.read({"q": ["停车 -收费"], "direction": ["living", "industry"], "year": ["2026"], "page": ["3"]})
    said = parameters(filters, "demand")
    assert said == {"q": "停车 -收费", "kind": "demand", "direction": ["living", "industry"], "year": ["2026"]}
    again = filters_of(said)
    assert (again.q, again.direction, again.year) == (filters.q, filters.direction, filters.year)
    assert parameters(Filters(), "") == {}


CLOSES = datetime(2026, 12, 10, 9, 0, tzinfo=UTC)
SEEN = datetime(2026, 11, 1, 1, 0, tzinfo=UTC)
DOCUMENT = Document(
    "demand:1", "demand", state="published", visible_at=SEEN, closes_at=CLOSES, industries=("iot", "newit")
)


@pytest.mark.parametrize(
    ("now", "states", "since"),
    [
        (SEEN + timedelta(days=1), (), SEEN),
        (SEEN + timedelta(days=1), ("open",), SEEN),
        (CLOSES - timedelta(hours=71), ("closing",), CLOSES - timedelta(hours=72)),
        (CLOSES, ("closed",), CLOSES),
    ],
)
def test_since_when_a_document_answers(now, states, since):
    assert became_at(DOCUMENT, states, now, now) == since


def test_another_state_counts_from_the_change():
    suspended = Document("demand:1", "demand", state="suspended", visible_at=SEEN, closes_at=CLOSES)
    changed = SEEN + timedelta(days=5)
    assert became_at(suspended, ("suspended",), changed + timedelta(days=1), changed) == changed


def test_facets_are_the_clocks_at_this_instant():
    assert has_facets(DOCUMENT, {"industry": ["newit", "other"], "state": ["open"]}, SEEN)
    assert not has_facets(DOCUMENT, {"industry": ["other"]}, SEEN)
    assert not has_facets(DOCUMENT, {"state": ["open"]}, CLOSES)
    assert has_facets(DOCUMENT, {"state": ["closed"]}, CLOSES)
    assert has_facets(DOCUMENT, {}, SEEN)
