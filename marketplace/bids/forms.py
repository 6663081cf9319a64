"""The bid's form, made from the shapes beside each field: one class draws the page and reads the opened form.

The page sends nothing by it (the browser encrypts what was typed), so it needs no rules of its own: after the opening
``opened`` fills the same class and puts each finding of ``validity`` beside its field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from flask_babel import get_locale
from flask_babel.speaklater import LazyString
from wtforms import (
    BooleanField,
    DateField,
    Field,
    FieldList,
    FormField,
    StringField,
    TextAreaField,
)
from wtforms import Form as PlainForm
from wtforms.validators import Optional
from wtforms.widgets import CheckboxInput, ListWidget

from marketplace.bids import content, shape
from marketplace.bids.content import FORMS, Eligibility, Price, Proposal
from marketplace.bids.shape import Shape
from marketplace.bids.validity import MESSAGES, Terms, findings
from marketplace.platform.fields import SelectField, SelectMultipleField
from marketplace.platform.forms import Form
from marketplace.platform.money import Unit, in_unit, trimmed
from marketplace.platform.sentences import spoken
from marketplace.taxonomy import Label

LONG = 200
"""Texts that may be longer stand in a box of several lines."""


def english() -> bool:
    return str(get_locale() or "zh").startswith("en")


def lazy(label: Label) -> Any:
    """The label in the reader's language, decided when it is drawn."""
    return LazyString(lambda: spoken(label))


class Needed(Optional):  # type: ignore[misc]
    """Marks the field as required; whether it is filled is ``validity``'s to say."""

    def __init__(self) -> None:
        super().__init__()
        self.field_flags = {"required": True}


class Plain(Field):  # type: ignore[misc]
    """A number or percentage as text: what was sealed is shown as it is, readable or not."""

    widget = StringField.widget

    def _value(self) -> str:
        return "" if self.data is None else str(self.data)


class Yuan(Plain):
    """分, shown in 元."""

    def _value(self) -> str:
        return trimmed(in_unit(self.data, Unit.YUAN)) if isinstance(self.data, int) else super()._value()


class Ticks(SelectMultipleField):
    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


def _choices(labels: Mapping[str, Label]) -> list[tuple[str, Any]]:
    return [(key, lazy(label)) for key, label in labels.items()]


def _field(name: str, rules: Shape) -> Any:
    label = lazy(rules.label)
    need = [Needed()] if rules.required else []
    match rules.kind:
        case "rows":
            assert rules.row is not None
            return FieldList(FormField(form_class(rules.row)), label, min_entries=1)
        case "ticks":
            return Ticks(label, choices=_choices(rules.choices or {}), validate_choice=False)
        case "choice":
            return SelectField(label, need, choices=_choices(rules.choices or {}), validate_choice=False)
        case "flag":
            return BooleanField(label)
        case "day":
            return DateField(label, need)
        case "money":
            return Yuan(label, need)
        case "count" if name == "file":
            return SelectField(label, need, choices=[], validate_choice=False, render_kw={"data-files": ""})
        case "count" | "percent":
            return Plain(label, need, render_kw={"inputmode": "decimal"})
        case _:
            if rules.most > LONG:
                return TextAreaField(
                    label, need, render_kw={"rows": 8 if rules.most > 4000 else 4 if rules.most > 500 else 2}
                )
            return StringField(label, need)


def form_class(kind: type[Any]) -> type[PlainForm]:
    """The form of one dataclass."""
    return _form_class(kind)  # type: ignore[arg-type]  # a class is hashable


@cache
def _form_class(kind: Any) -> type[PlainForm]:
    return type(kind.__name__ + "Form", (PlainForm,), {n: _field(n, rules) for n, rules in shape.shapes(kind).items()})


class BidForm(Form):
    """Both envelopes on one page; names of fields are the paths of findings with hyphens."""

    eligibility = FormField(form_class(Eligibility))
    technical = FormField(form_class(Proposal))
    price = FormField(form_class(Price))


def blank(terms: Terms) -> BidForm:
    """The empty page, one row of the response table for each indicator."""
    form = BidForm()
    responses = form.technical.form.responses
    while len(responses.entries) < len(terms.indicators):
        responses.append_entry()
    for row, name in zip(responses.entries, terms.indicators, strict=False):
        row.form.indicator.data = name
    return form


def opened(
    envelope: str, fields: Mapping[str, Any], *, terms: Terms, files: Sequence[tuple[int, str]] = ()
) -> PlainForm:
    """The opened form of an envelope with each finding beside its field; those of no field are ``form_errors``."""
    document = shape.written(shape.read(FORMS[envelope], fields))
    form = form_class(FORMS[envelope])(data=document)
    for finding in findings(envelope, fields, terms=terms, files=files):
        sentence = finding.sentence(MESSAGES, english=english())
        target = _at(form, finding.path.split("."))
        if target is None:
            form.form_errors.append(sentence)
        else:
            target.errors = [*target.errors, sentence]
    return form


def _at(form: Any, path: Sequence[str]) -> Any:
    """The field at a path, or ``None`` where the form has none (files, schema)."""
    here = form
    for step in path:
        if isinstance(here, FormField):
            here = here.form
        if isinstance(here, FieldList):
            here = here.entries[int(step)] if step.isdecimal() and int(step) < len(here.entries) else None
        elif isinstance(here, PlainForm):
            here = here._fields.get(step)
        else:
            return here  # one tick of several: the field itself
        if here is None:
            return None
    return here


SECTIONS = (
    ("eligibility-bidder", Label("单位与联系", "Bidder")),
    ("responses", Label("指标响应表", "Response table")),
    ("plan", Label("技术方案", "Technical plan")),
    ("team", Label("团队与业绩", "Team and track record")),
    ("consortium", Label("联合体", "Consortium")),
    ("milestones", Label("里程碑", "Milestones")),
    ("price", Label("报价", "Price")),
    ("files", Label("文件与容缺", "Files and promises")),
    ("statements", Label("声明与回避", "Statements")),
)
"""Parts of the page in order: id of the heading, label."""

__all__ = ["SECTIONS", "BidForm", "blank", "content", "form_class", "opened"]
