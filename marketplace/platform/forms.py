"""The base of every form: CSRF, trimmed input, and a place for what the rules refuse."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import Field, FieldList, FormField, StringField, TextAreaField
from wtforms.validators import Regexp

from marketplace.platform.contacts import EMAIL, PHONE
from marketplace.platform.errors import Refused
from marketplace.platform.sentences import spoken

TEXT_FIELDS = (StringField, TextAreaField)

email_address = Regexp(EMAIL, message=_l("请填写能收信的邮箱，如 name@example.com。"))
phone_number = Regexp(PHONE, message=_l("请填写电话号码，只用数字、空格和短横线，分机写“转801”。"))


def trimmed(value: Any) -> Any:
    """Text without white space at its ends and without NUL, which no database takes."""
    return value.replace("\x00", "").strip() if isinstance(value, str) else value


def speak(fields: Any) -> None:
    """Turn lazily translated error sentences into text, rows of lists included: templates print only text."""
    for field in fields:
        if isinstance(field, FormField):
            speak(field.form)
            continue
        if isinstance(field, FieldList):
            speak(field.entries)
        field.errors = [error if isinstance(error, (dict, list, tuple)) else str(error) for error in field.errors]


class Form(FlaskForm):  # type: ignore[misc]
    """Sentences about the whole act go to ``form_errors``; field errors stay with their fields."""

    class Meta:
        def bind_field(self, form: Any, unbound: Any, options: dict[str, Any]) -> Field:
            filters = list(unbound.kwargs.get("filters", ()))
            if issubclass(unbound.field_class, TEXT_FIELDS) and trimmed not in filters:
                options = {**options}
                unbound.kwargs["filters"] = [trimmed, *filters]
            return unbound.bind(form=form, **options)

    def validate(self, extra_validators: Any = None) -> bool:
        fine = bool(super().validate(extra_validators))
        speak(self)
        return fine

    def refuse(self, error: Refused) -> None:
        """Show a refusal: beside its fields where it names some, else on top."""
        placed = False
        for name, sentence in error.fields.items():
            if name in self:
                field = self[name]
                field.errors = [*field.errors, spoken(sentence)]
                placed = True
        if not placed or error.sentence not in error.fields.values():
            self.form_errors.append(spoken(error.sentence))


class ConfirmForm(Form):
    """Nothing but the act itself (with its CSRF token)."""
