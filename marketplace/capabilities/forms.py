"""The shape of what a firm types about a capability. Completeness is asked for by the submission, not by the form."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import get_locale
from flask_babel import lazy_gettext as _l
from wtforms import (
    FieldList,
    FormField,
    HiddenField,
    StringField,
    TextAreaField,
    ValidationError,
    widgets,
)
from wtforms import Form as PlainForm
from wtforms.validators import Length, Optional, Regexp

from marketplace.accounts.forms import industry_choices
from marketplace.capabilities.content import (
    LISTS_MOST,
    TEXT_MAX,
    CapabilityContent,
    Fault,
    Qualification,
    Reference,
)
from marketplace.platform.fields import SelectField, SelectMultipleField
from marketplace.platform.forms import Form, email_address, phone_number, trimmed
from marketplace.platform.sentences import spoken
from marketplace.taxonomy import DIRECTIONS


def direction_choices() -> list[tuple[str, str]]:
    """Directions in the reader's language."""
    english = str(get_locale()).startswith("en")
    return [(code, label.en if english else label.zh) for code, label in DIRECTIONS.items()]


def _at_most(number: int) -> Length:
    return Length(max=number, message=_l("最多%(max)d个字。"))


class ReferenceRow(PlainForm):  # type: ignore[misc]
    """Work done before; a row without a name is nothing."""

    name = StringField(_l("项目名称"), [Optional(), _at_most(60)], filters=[trimmed])
    client = StringField(_l("委托单位"), [Optional(), _at_most(60)], filters=[trimmed])
    year = StringField(
        _l("年份"),
        [Optional(), Regexp(r"^(19|20)[0-9]{2}$", message=_l("请写四位年份，如2025。"))],
        filters=[trimmed],
    )
    result = StringField(_l("成效"), [Optional(), _at_most(200)], filters=[trimmed])


class QualificationRow(PlainForm):  # type: ignore[misc]
    """A certificate; a row without a name is nothing."""

    name = StringField(_l("资质名称"), [Optional(), _at_most(60)], filters=[trimmed])
    number = StringField(_l("编号"), [Optional(), _at_most(40)], filters=[trimmed])
    valid_until = StringField(_l("有效期至"), [Optional()], filters=[trimmed])

    def validate_valid_until(self, field: Any) -> None:
        try:
            date.fromisoformat(field.data)
        except ValueError:
            raise ValidationError(_l("请写成2027-12-31这样的日期；长期有效的留空。")) from None


class CapabilityForm(Form):
    title = StringField(_l("名称"), [Optional(), _at_most(60)], description=_l("4至40个字，说清能做什么"))
    summary = StringField(_l("一句话介绍"), [Optional(), _at_most(200)], description=_l("10至100个字，列表里显示"))
    text = TextAreaField(
        _l("能力说明"),
        [Optional(), _at_most(TEXT_MAX)],
        description=_l("80至3000个字：能解决什么问题、用什么技术、达到什么指标、需要什么条件"),
    )
    directions = SelectMultipleField(
        _l("适用方向"),
        choices=direction_choices,
        option_widget=widgets.CheckboxInput(),
        widget=widgets.ListWidget(prefix_label=False),
    )
    industries = SelectMultipleField(
        _l("产业方向"),
        choices=industry_choices,
        option_widget=widgets.CheckboxInput(),
        widget=widgets.ListWidget(prefix_label=False),
    )
    references = FieldList(FormField(ReferenceRow), _l("做过的项目"), max_entries=LISTS_MOST)
    qualifications = FieldList(FormField(QualificationRow), _l("资质"), max_entries=LISTS_MOST)
    contact_name = StringField(_l("联系人"), [Optional(), _at_most(40)])
    contact_phone = StringField(_l("联系电话"), [Optional(), phone_number])
    contact_email = StringField(_l("联系邮箱"), [Optional(), email_address, _at_most(120)])
    version = HiddenField()

    @classmethod
    def showing(cls, content: CapabilityContent, *, version: int) -> CapabilityForm:
        """The form with what was said."""
        return cls(
            data={
                **{name: getattr(content, name) for name in _PLAIN},
                "directions": list(content.directions),
                "industries": list(content.industries),
                "references": [
                    {"name": item.name, "client": item.client, "year": item.year, "result": item.result}
                    for item in content.references
                ],
                "qualifications": [
                    {
                        "name": item.name,
                        "number": item.number,
                        "valid_until": item.valid_until.isoformat() if item.valid_until else "",
                    }
                    for item in content.qualifications
                ],
                "version": str(version),
            }
        )

    def said(self) -> CapabilityContent:
        """What stands in the form; it must be valid."""
        return CapabilityContent(
            **{name: self[name].data or "" for name in _PLAIN},
            directions=tuple(self.directions.data or ()),
            industries=tuple(self.industries.data or ()),
            references=tuple(
                Reference(**{name: value or "" for name, value in row.data.items()})
                for row in self.references.entries
                if row.data["name"]
            ),
            qualifications=tuple(
                Qualification(
                    row.data["name"],
                    row.data["number"] or "",
                    date.fromisoformat(row.data["valid_until"]) if row.data["valid_until"] else None,
                )
                for row in self.qualifications.entries
                if row.data["name"]
            ),
        )

    def blame(self, faults: list[Fault]) -> None:
        """Show what is missing beside its field."""
        for fault in faults:
            field = self[fault.field]
            field.errors = [*field.errors, spoken(fault.sentence)]

    def rows_changed(self, add: str | None, remove: str | None) -> bool:
        """Do what a row's button asks without JavaScript; says whether one was pressed."""
        lists = {"references": self.references, "qualifications": self.qualifications}
        if add in lists:
            if len(lists[add].entries) < LISTS_MOST:
                lists[add].append_entry()
            return True
        name, _dash, index = (remove or "").partition("-")
        if name in lists and index.isdigit():
            if int(index) < len(lists[name].entries):
                del lists[name].entries[int(index)]
            return True
        return False


_PLAIN = ("title", "summary", "text", "contact_name", "contact_phone", "contact_email")


class NewForm(Form):
    """Whose capability, where somebody belongs to several firms, and its name."""

    firm = SelectField(_l("单位"), coerce=int)
    title = StringField(_l("名称"), [Optional(), _at_most(60)], description=_l("4至40个字，说清能做什么"))


class ActForm(Form):
    """One form for every act; the button says which."""

    reason = TextAreaField(_l("理由"), [Optional()])
