"""The sketch: never more people than there were, nobody's name, the same whatever process counted."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.unfound.counting import BITS, Tally, bit_of, counted_text, people

NOW = datetime(2026, 11, 27, 1, 0, tzinfo=UTC)
MONTH = date(2026, 11, 1)


@given(st.lists(st.text(min_size=1, max_size=8), max_size=80))
def test_set_bits_never_exceed_the_people(searchers):
    bits = 0
    for searcher in searchers:
        bits |= bit_of(b"key", MONTH, "停车", searcher)
    assert people(bits) <= len(set(searchers))
    assert 0 <= bits < 1 << BITS


def test_five_different_people_are_usually_five_and_one_is_always_one():
    seen = [people(_or(bit_of(b"key", MONTH, f"词{n}", f"账号{i}") for i in range(12))) for n in range(200)]
    assert sum(number >= 5 for number in seen) == 200
    assert people(_or(bit_of(b"key", MONTH, "停车", "一个人") for _i in range(99))) == 1


def _or(bits):
    found = 0
    for bit in bits:
        found |= bit
    return found


def test_two_texts_two_months_and_two_keys_cannot_be_joined():
    def mine(key, month, text):
        return [bit_of(key, month, text, f"账号{n}") for n in range(40)]

    base = mine(b"a", MONTH, "停车")
    for other in (mine(b"a", MONTH, "水质"), mine(b"a", date(2026, 12, 1), "停车"), mine(b"b", MONTH, "停车")):
        assert sum(left == right for left, right in zip(base, other, strict=True)) <= 6


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("  智慧　停车 ", "智慧 停车"),
        ("５Ｇ", "5g"),
        ("車", None),
        ("13912345678", None),
        ("张三 139-1234-5678", None),
        ("a@example.com", None),
        ("https://example.com", None),
        ("长" * 41, None),
        ("——", None),
        ("GB/T 37668", "gb/t 37668"),
    ],
)
def test_what_is_counted(typed, text):
    assert counted_text(typed) == text


def test_the_tally_keeps_no_searcher_and_begins_anew():
    tally = Tally("secret")
    for _n in range(3):
        tally.note("停车楼", "account 77", NOW)
    tally.note("停车楼", "account 78", NOW + timedelta(days=1))
    assert "77" not in repr(vars(tally))
    taken = tally.take()
    assert taken.times == {(date(2026, 11, 27), "停车楼"): 3, (date(2026, 11, 28), "停车楼"): 1}
    assert people(taken.bits[MONTH, "停车楼"]) <= 2
    assert tally.take().times == {}


def test_a_storm_of_rubbish_is_bounded(monkeypatch):
    monkeypatch.setattr("marketplace.unfound.counting.IN_MEMORY_MOST", 3)
    tally = Tally("secret")
    for n in range(50):
        tally.note(f"乱词{n}", "x", NOW)
    assert len(tally.take().times) == 3
