"""Fields of the demand form. A draft may stay incomplete, so nothing here insists; what cannot be read says so."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from wtforms import (
    DateField,
    Field,
    IntegerField,
    StringField,
)
from wtforms import Form as PlainForm
from wtforms.validators import Optional

from marketplace.platform.fields import RadioField, SelectField
from marketplace.platform.forms import Form
from marketplace.platform.money import BadAmount, Unit, parse, parse_percent, trimmed, wan


class Wanted(Optional):  # type: ignore[misc]
    """Must be filled before submission, which ``validity.faults`` checks; a draft may leave it empty."""

    def __init__(self) -> None:
        super().__init__()
        self.field_flags = {"required": True}


class Row(PlainForm):  # type: ignore[misc]
    """A row of a table inside a form; its texts are trimmed like those of the form."""

    class Meta:
        bind_field = Form.Meta.bind_field


class Radio(RadioField):
    """One of several; none yet is an answer in a draft."""

    def pre_validate(self, form: Any) -> None:
        if self.data:
            super().pre_validate(form)


class Choice(SelectField):
    """A drop-down; a form that does not send it leaves it as it was."""

    def pre_validate(self, form: Any) -> None:
        if self.data:
            super().pre_validate(form)


class Number(IntegerField):  # type: ignore[misc]
    """A whole number from 0 to 999."""

    def process_formdata(self, values: list[str]) -> None:
        text = values[0].strip() if values else ""
        self.data = None
        if not text:
            return
        if not (text.isdecimal() and len(text) <= 3):
            raise ValueError(_("请填写0到999之间的整数。"))
        self.data = int(text)


class Percent(Field):  # type: ignore[misc]
    """0 to 100 with at most two decimals, as an exact Decimal."""

    widget = StringField.widget

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return trimmed(self.data) if self.data else ""

    def process_formdata(self, values: list[str]) -> None:
        text = values[0].strip() if values else ""
        self.data = None
        if text:
            try:
                self.data = parse_percent(text)
            except BadAmount as error:
                raise ValueError(_(error.zh)) from None


class Day(DateField):  # type: ignore[misc]
    """A calendar day (Beijing)."""

    def process_formdata(self, values: list[str]) -> None:
        if not values or not values[0].strip():
            self.data = None
            return
        try:
            super().process_formdata([values[0].strip()])
        except ValueError:
            raise ValueError(_("请填写日期，例如2027-10-29。")) from None


class WanAmount(Field):  # type: ignore[misc]
    """An amount typed in 万元 (a unit in the text wins), held in 分."""

    widget = StringField.widget

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return wan(self.data) if self.data is not None else ""

    def process_formdata(self, values: list[str]) -> None:
        text = values[0].strip() if values else ""
        self.data = None
        if text:
            try:
                self.data = parse(text, unit=Unit.WAN)
            except BadAmount as error:
                raise ValueError(_(error.zh)) from None


def number_of(value: Any) -> Decimal:
    """A percentage as stored: an empty one counts as zero."""
    return value if isinstance(value, Decimal) else Decimal(0)
