"""What somebody says about a saved search; what it asks for stands in the address."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    StringField,
)

from marketplace.alerts.rules import FREQUENCY_LABELS, Frequency
from marketplace.platform.fields import RadioField
from marketplace.platform.forms import Form


def frequency_choices() -> list[tuple[str, str]]:
    """Rhythms in the reader's language, as plain text: the component looks into what is none."""
    return [(str(code), str(_(label))) for code, label in FREQUENCY_LABELS.items()]


class SearchForm(Form):
    name = StringField(_l("名称"), description=_l("1至60个字，提醒里会写明"))
    frequency = RadioField(
        _l("提醒"),
        choices=frequency_choices,
        default=str(Frequency.DAILY),
    )
    by_mail = BooleanField(_l("同时发邮件（每封都可以一键退订）"), default=True)
