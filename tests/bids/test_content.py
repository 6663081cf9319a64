"""What a bid says: it survives its JSON, no mistake raises, and each mistake is named once."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from wtforms import FormField

from marketplace.bids.content import Line, Price, Technical, price_from, technical_from, to_fields
from marketplace.bids.validity import MESSAGES, Terms, exported, findings, terms
from marketplace.platform.sealing.wire import canonical, read_canonical
from tests.bids import contents
from tests.demands.samples import content as demand_content

SAID = demand_content()
TERMS = terms(SAID, closes_on=date(2026, 12, 8))


@pytest.fixture
def technical(session: Session) -> Technical:
    return contents.technical(SAID)


def codes(envelope: str, document: Technical | Price, files: Any = ((1, "plan"),), use: Terms = TERMS) -> list[str]:
    listed = files if envelope == "technical" else ()
    return [f"{one.path}: {one.code}" for one in findings(envelope, to_fields(document), terms=use, files=listed)]


def test_a_bid_survives_its_canonical_json(technical: Technical) -> None:
    assert technical_from(read_canonical(canonical(to_fields(technical)))) == technical
    priced = contents.price(SAID)
    assert price_from(read_canonical(canonical(to_fields(priced)))) == priced


def test_a_complete_bid_has_no_findings(technical: Technical) -> None:
    assert codes("technical", technical) == []
    for mode in ("procurement", "enterprise", "subsidy", "cooperation", "trial", "opening"):
        said = dataclasses.replace(SAID, mode=mode)
        assert codes("price", contents.price(said), use=terms(said)) == []


def test_an_empty_bid_is_told_everything() -> None:
    found = findings("technical", {"schema": 1}, terms=TERMS)
    assert [(one.path, one.code) for one in found if "responses" in one.path] == [
        ("technical.responses", "few"),
        ("technical.responses", "responses"),
    ]
    assert len(found) == 22
    assert all("{" not in one.sentence(MESSAGES, english=english) for one in found for english in (False, True))
    assert [(one.path, one.code) for one in findings("price", {"schema": 1}, terms=TERMS)] == [
        ("total_fen", "missing"),
        ("subsidy_fen", "missing"),
        ("lines", "few"),
    ]


@pytest.mark.parametrize(
    "junk",
    [None, 7, "x", [], [[]], {"eligibility": 3, "technical": {"team": {"0": 1}, "milestones": [None, 1, "x"]}},
     {"lines": [{"amount_fen": "12"}, {"amount_fen": 1.5}, {"amount_fen": True}], "total_fen": 10**30}],
)  # fmt: skip
def test_junk_is_read_as_nothing_and_found(junk: Any) -> None:
    fields = junk if isinstance(junk, dict) else {"eligibility": junk, "technical": junk, "lines": junk, "schema": junk}
    assert isinstance(technical_from(fields), Technical)
    assert isinstance(price_from(fields), Price)
    assert findings("technical", fields, terms=TERMS)
    assert findings("price", fields, terms=TERMS)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"partners": [("rival", "40")]}, ["files.agreement: agreement"]),
        ({"plan": "短"}, ["technical.plan: short"]),
        ({"statements": ("truth", "record", "secrecy")}, ["eligibility.statements.independent: promise"]),
        ({"promises": ()}, ["files.audit: document", "files.credit: document"]),
        ({"credit_code": "91410100MA12345678"}, ["eligibility.credit_code: format", "eligibility.members: lead"]),
        ({"contact_phone": "call me"}, ["eligibility.contact_phone: format"]),
        ({"responses": ()}, ["technical.responses: few", "technical.responses: responses"]),
    ],
)
def test_each_mistake_is_named(session: Session, changes: dict[str, Any], found: list[str]) -> None:
    assert codes("technical", contents.technical(SAID, **changes)) == found


def test_what_concerns_several_fields(technical: Technical) -> None:
    said = technical.technical
    wrong = dataclasses.replace(said.responses[0], indicator="另一项", file=3)
    late = tuple(dataclasses.replace(row, months=12, percent=Decimal("33.3")) for row in said.milestones)
    changed = dataclasses.replace(
        technical, technical=dataclasses.replace(said, responses=(wrong, said.responses[1]), milestones=late)
    )
    assert codes("technical", changed) == [
        "technical.responses.0.indicator: response_name",
        "technical.responses.0.file: no_file",
        "technical.milestones: hundred",
        "technical.milestones: period",
    ]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"lines": (Line("全部", "", 1),)}, ["total_fen: sum"]),
        (
            {"total_fen": 0, "subsidy_fen": 0, "lines": (Line("全部", "", 0),)},
            ["total_fen: range", "subsidy_fen: range"],
        ),
        (
            {"total_fen": 400_0000_00, "lines": (Line("全部", "", 400_0000_00),), "subsidy_fen": 390_0000_00},
            ["subsidy_fen: over_subsidy"],
        ),
        ({"subsidy_fen": 400_0000_00}, ["subsidy_fen: over_total", "subsidy_fen: over_subsidy"]),
        ({"subsidy_fen": None}, ["subsidy_fen: missing"]),
        ({"lines": ()}, ["lines: few"]),
    ],
)
def test_prices(changes: dict[str, Any], found: list[str]) -> None:
    assert codes("price", contents.price(SAID, **changes)) == found


def test_names_in_a_blind_technical_part(session: Session) -> None:
    blind = dataclasses.replace(TERMS, blind=True)
    named = contents.technical(SAID, risks="由河洛智感科技有限公司负责协调，工期预留两周，另设夜间施工。")
    assert codes("technical", named) == []
    assert codes("technical", named, use=blind) == ["technical.risks: named"]
    assert codes("technical", contents.technical(SAID), use=blind) == []


def test_the_rules_go_to_the_browser_as_plain_json() -> None:
    data = exported(TERMS)
    assert read_canonical(canonical(data)) == data
    assert {one["name"] for one in data["shapes"]["technical"]} == {"eligibility", "technical"}


def test_a_hundred_cases_are_read_by_the_same_form_class(app: Flask, session: Session) -> None:
    """Every finding of every case stands beside its field of the form that reads the opened bid, or on top of it."""
    from marketplace.bids.forms import opened
    from tests.bids.rule_cases import cases

    seen = 0
    with app.test_request_context():
        for name, envelope, fields, use, files in cases():
            found = findings(envelope, fields, terms=use, files=files)
            form = opened(envelope, fields, terms=use, files=files)
            sentences = sorted(one.sentence(MESSAGES) for one in found)
            assert sorted([*form.form_errors, *sentences_of(form)]) == sentences, name
            seen += 1
    assert seen >= 100


def sentences_of(form: Any) -> list[str]:
    """The errors of all fields, rows included."""
    found: list[str] = []
    for field in form:
        if hasattr(field, "entries"):
            for entry in field.entries:
                found += sentences_of(entry.form)
        if isinstance(field, FormField):
            found += sentences_of(field.form)
            continue
        found += [error for error in field.errors if isinstance(error, str)]
    return found
