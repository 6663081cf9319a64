"""Forms of running a batch."""

from __future__ import annotations

from datetime import UTC, datetime

from flask_babel import lazy_gettext as _l
from wtforms import (
    DateField,
    DateTimeLocalField,
    IntegerField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from marketplace.demands.rules import CUSTODY
from marketplace.platform.fields import SelectField, SelectMultipleField
from marketplace.platform.forms import Form
from marketplace.platform.working_days import BEIJING, close_of


class ChecklistField(SelectMultipleField):
    """Several choices as boxes to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class BatchForm(Form):
    """``year`` only counts when the batch is made."""

    year = IntegerField(
        _l("年度"), [InputRequired(_l("请填写年度。")), NumberRange(2020, 2099, _l("请填写四位年份。"))]
    )
    theme = StringField(_l("主题"), [InputRequired(_l("请填写主题。")), Length(2, 60)])
    document_number = StringField(_l("公告文号"), [Optional(), Length(max=40)])
    call_text = TextAreaField(_l("征集公告"), [Optional(), Length(max=4000)])
    collects_from = DateField(_l("征集开始"), [Optional()])
    collects_until = DateField(_l("征集截止"), [Optional()], description=_l("当日17:00截止。"))
    units = ChecklistField(_l("邀请的单位"), coerce=int)

    def window(self) -> tuple[datetime | None, datetime | None]:
        start = self.collects_from.data
        end = self.collects_until.data
        return (
            datetime(start.year, start.month, start.day, tzinfo=BEIJING).astimezone(UTC) if start else None,
            close_of(end) if end else None,
        )


class PostForm(Form):
    """The list: which demands, from when on, who keeps the bids. Deadlines are fields of their own (``closes-<id>``)."""

    demands = ChecklistField(_l("编入本批的需求"), coerce=int)
    visible_from = DateTimeLocalField(
        _l("公布时间"),
        [Optional()],
        format=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
        description=_l("北京时间；不填为立即公布。"),
    )
    document_number = StringField(_l("公告文号"), [Optional(), Length(max=40)])
    custody = SelectField(
        _l("保管级别"),
        choices=[
            (level, f"{n}家保管，任意{k}家共同开启" if n > 1 else "平台单方保管（仅演示）")
            for level, (k, n) in CUSTODY.items()
        ],
    )
    custodians = ChecklistField(_l("保管人"), coerce=int, description=_l("须来自至少两个单位。"))

    def instant(self) -> datetime | None:
        at = self.visible_from.data
        return at.replace(tzinfo=BEIJING).astimezone(UTC) if at else None
