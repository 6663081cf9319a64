"""The demand form and ``DemandContent`` say the same thing, there and back."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from werkzeug.datastructures import MultiDict

from marketplace.demands.content import DemandContent
from marketplace.demands.forms.writing import DemandForm
from marketplace.demands.score_sheets import default_sheet
from marketplace.demands.validity import Fault
from tests.demands.samples import content


def posted(form: DemandForm) -> MultiDict[str, str]:
    """What a browser would send for this form."""
    values: MultiDict[str, str] = MultiDict()

    def add(field: object) -> None:
        if hasattr(field, "entries"):
            for entry in field.entries:
                add(entry)
        elif field.type == "FormField":
            for inner in field.form:
                add(inner)
        elif field.type == "BooleanField":
            if field.data:
                values.add(field.name, "y")
        elif field.type == "SelectMultipleField":
            for code in field.data or ():
                values.add(field.name, code)
        elif field.type != "MultipleFileField" and field.name != "csrf_token":
            values.add(field.name, field._value() if hasattr(field, "_value") else field.data or "")

    for field in form:
        add(field)
    return values


@pytest.fixture
def fill(app):
    """``fill(before, changes)``: the form of ``before`` as posted with some values changed."""

    def fill(before: DemandContent, **changes: str | None) -> DemandForm:
        with app.test_request_context(method="GET"):
            values = posted(DemandForm.showing(before, version=1))
        for name, value in changes.items():
            values.pop(name, None)
            if value is not None:
                values[name] = value
        with app.test_request_context(method="POST", data=values):
            form = DemandForm.showing(before, version=1)
            form.validate()
            form.ctx = form.said(before)
            return form

    return fill


@pytest.mark.parametrize(
    "said",
    [
        content(),
        content(budget_fen=None, mode="enterprise", score_sheet=default_sheet("living", "enterprise")),
        content(consortium_allowed=False, consortium_max=1, security_level=3, two_step=True, public_scores=False),
        DemandContent(),
    ],
    ids=["complete", "negotiable", "alone", "empty"],
)
def test_there_and_back(fill, said):
    form = fill(said)
    assert not {name for name in form.errors if name != "csrf_token"}
    assert form.ctx == said


def test_money_is_typed_in_wan_and_kept_in_fen(fill):
    assert fill(content(), budget="1,234.5").ctx.budget_fen == 1_234_5000_00
    assert fill(content(), budget="３８６万元").ctx.budget_fen == 386_0000_00


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("budget", "约四百万"),
        ("period_months", "8个月"),
        ("period_months", "9" * 5000),
        ("deliver_by", "2027-13-40"),
        ("pass_line", "NaN"),
        ("mode", "gift"),
        ("ip_ownership", "x"),
        ("title", "长" * 61),
    ],
)
def test_what_cannot_be_read_keeps_what_was_there(fill, name, text):
    before = content()
    form = fill(before, **{name: text})
    assert name in form.errors
    assert form.ctx == before


def test_a_bad_figure_in_a_row_keeps_the_table(fill):
    form = fill(content(), **{"indicators-0-weight": "Infinity"})
    assert form.ctx.indicators == content().indicators
    assert form.errors["indicators"]


def test_weights_of_the_sheet_are_edited_and_a_new_template_starts_afresh(fill):
    form = fill(content(), **{"criteria-0-weight": "30"})
    assert form.ctx.score_sheet.criteria[0].weight == Decimal(30)
    assert form.ctx.score_sheet.criteria[0].bands == content().score_sheet.criteria[0].bands
    form = fill(content(), score_sheet="industry")
    assert form.ctx.score_sheet.criteria == default_sheet("industry", "subsidy").criteria
    form = fill(content(), mode="trial")
    assert all(item.kind != "price" for item in form.ctx.score_sheet.criteria)


def test_faults_stand_beside_their_fields(fill):
    form = fill(replace(content(), offers=()))
    assert form.blame([Fault("budget_fen", "甲"), Fault("indicators-1-method", "乙"), Fault("offers", "丙")]) == 3
    assert form.budget.errors == ["甲"]
    assert "乙" in form.indicators.entries[1].form.method.errors
    assert "丙" in form.offers.errors
