"""The table by hand: what each act does in each state; everything else is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from marketplace.capabilities.content import CapabilityContent, Qualification, changed, faults, from_json, to_json
from marketplace.capabilities.rules import (
    ACTION_LABELS,
    EDITABLE,
    GRANTS,
    MACHINE,
    PUBLIC,
    STATE_LABELS,
    TABLE,
    TONES,
    CapabilityAction,
    CapabilityState,
)
from marketplace.platform.errors import Refused
from tests.capabilities.making import content

BY_HAND = """
draft             submit→submitted drop→dropped
submitted         recall→draft approve→listed return→returned
returned          submit→submitted drop→dropped
listed            change→changing retire→retired take_down→taken_down
changing          submit→change_submitted discard→listed retire→retired take_down→taken_down
change_submitted  recall→changing approve→listed return→change_returned take_down→taken_down
change_returned   submit→change_submitted discard→listed retire→retired take_down→taken_down
retired           reopen→draft
taken_down        reopen→draft
dropped
"""
GRID = {
    (line.split()[0], pair.partition("→")[0]): pair.partition("→")[2]
    for line in BY_HAND.strip().splitlines()
    for pair in line.split()[1:]
}


@pytest.mark.parametrize("state", CapabilityState)
@pytest.mark.parametrize("action", CapabilityAction)
def test_every_state_and_action(state, action):
    expected = GRID.get((str(state), str(action)))
    if expected is None:
        with pytest.raises(Refused, match="不能"):
            MACHINE.advance(state, action)
    else:
        assert MACHINE.advance(state, action) == expected


def test_every_state_and_act_has_its_words_and_its_permission():
    assert set(STATE_LABELS) == set(TONES) == set(CapabilityState)
    assert set(ACTION_LABELS) == set(CapabilityAction)
    assert {f"capability.{action}" for action in CapabilityAction} <= set(GRANTS)
    assert {action for _state, action in TABLE} == set(CapabilityAction)


def test_what_is_public_stays_public_through_a_change():
    for state in PUBLIC:
        for action in (CapabilityAction.SUBMIT, CapabilityAction.APPROVE, CapabilityAction.RETURN):
            if (state, action) in TABLE:
                assert TABLE[state, action] in PUBLIC
    assert not EDITABLE & {CapabilityState.SUBMITTED, CapabilityState.CHANGE_SUBMITTED}


def test_a_complete_one_has_no_faults_and_survives_json():
    assert faults(content()) == []
    assert from_json(to_json(content())) == content()
    assert from_json({}) == CapabilityContent()


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"title": "停车"}, "title", "名称须为4至40个字，现在2个字"),
        ({"summary": ""}, "summary", "现在0个字"),
        ({"text": "短"}, "text", "80至3000"),
        ({"directions": ()}, "directions", "至少选择一个"),
        ({"industries": ()}, "industries", "1至5个"),
        ({"industries": ("iot", "newit", "beidou", "health", "brain", "other")}, "industries", "1至5个"),
        ({"contact_name": ""}, "contact_name", "联系人"),
        ({"contact_phone": ""}, "contact_phone", "联系电话"),
    ],
)
def test_what_is_missing_is_said_beside_its_field(changes, field, words):
    (fault,) = faults(content(**changes))
    assert fault.field == field
    assert words in fault.sentence


def test_changes_are_named_in_order():
    assert changed(content(), replace(content(), text="别的", title="另一个名称")) == ["title", "text"]
    assert changed(content(), content()) == []


def test_a_certificate_counts_through_its_last_day():
    paper = Qualification("甲级", "1", date(2026, 5, 31))
    assert paper.valid_on(date(2026, 5, 31))
    assert not paper.valid_on(date(2026, 6, 1))
    assert Qualification("长期").valid_on(date(2099, 1, 1))
