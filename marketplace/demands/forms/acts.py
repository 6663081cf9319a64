"""Short forms of the acts on a demand. Shape and wording only; the rules are the service's."""

from __future__ import annotations

from datetime import datetime

from flask_babel import lazy_gettext as _l
from wtforms import (
    DateField,
    DateTimeLocalField,
    FieldList,
    FormField,
    StringField,
    TextAreaField,
)
from wtforms import Form as PlainForm
from wtforms.validators import InputRequired, Length, Optional

from marketplace.demands.validity import LABELS
from marketplace.platform.fields import SelectField
from marketplace.platform.forms import Form, trimmed
from marketplace.platform.working_days import BEIJING, close_of


class ReasonForm(Form):
    """An act that needs a reason."""

    reason = TextAreaField(_l("原因"), [InputRequired(_l("请写明原因。")), Length(max=1000)])


class PublicReasonForm(Form):
    """An act whose reason is published."""

    reason = TextAreaField(
        _l("原因"),
        [InputRequired(_l("请写明原因。")), Length(max=1000)],
        description=_l("会原样公开，请不要写个人信息。"),
    )


class ExtendForm(PublicReasonForm):
    closes_on = DateField(
        _l("新的截止日"),
        [InputRequired(_l("请选择新的截止日。"))],
        description=_l("截止时间为当日17:00，遇休息日顺延到下一个工作日。"),
    )

    @property
    def closes_at(self) -> datetime:
        return close_of(self.closes_on.data)


class ReopenForm(PublicReasonForm):
    """The outage that lay over the deadline."""

    began_at = DateTimeLocalField(
        _l("中断开始（北京时间）"), [InputRequired(_l("请填写中断开始的时间。"))], description=_l("以监测记录为准。")
    )
    ended_at = DateTimeLocalField(
        _l("中断结束（北京时间）"),
        [InputRequired(_l("请填写中断结束的时间。"))],
        description=_l("重开的时间不短于中断的时间，到工作日17:00为止。"),
    )

    @property
    def outage(self) -> dict[str, datetime]:
        return {name: self[name].data.replace(tzinfo=BEIJING) for name in ("began_at", "ended_at")}


class DefectRow(PlainForm):  # type: ignore[misc]
    field = SelectField(_l("位置"), choices=[("", "整体"), *LABELS.items()])
    text = TextAreaField(_l("需要补正的问题"), [Length(max=500)], filters=[trimmed])


class ReturnForm(Form):
    """Back to the unit: one row for each defect."""

    defects = FieldList(FormField(DefectRow), label=_l("问题"), min_entries=3, max_entries=20)

    def listed(self) -> list[dict[str, str]]:
        return [{"field": row.form.field.data or "", "text": row.form.text.data or ""} for row in self.defects]


class AppraiseForm(Form):
    remark = TextAreaField(_l("审查意见"), [Optional(), Length(max=1000)])


class LookAlikesForm(Form):
    remark = TextAreaField(_l("比对意见"), [InputRequired(_l("请写明为什么不是重复的需求。")), Length(max=1000)])


class PoolForm(Form):
    """The two reviews without which nothing is pooled."""

    fair_competition = TextAreaField(
        _l("公平竞争审查结论"),
        [InputRequired(_l("请写明审查结论。")), Length(max=1000)],
        description=_l("《公平竞争审查条例》"),
    )
    secrecy = TextAreaField(_l("保密审查结论"), [InputRequired(_l("请写明审查结论。")), Length(max=1000)])
    remark = TextAreaField(_l("论证意见"), [Optional(), Length(max=1000)])


class ProposeForm(Form):
    reason = TextAreaField(_l("理由"), [InputRequired(_l("请写明理由。")), Length(max=1000)])


class DecideForm(Form):
    reason = StringField(_l("说明"), [Optional(), Length(max=500)], description=_l("不同意时请写明理由。"))


class RepublishForm(Form):
    changed = TextAreaField(
        _l("改变了什么"),
        [InputRequired(_l("请写明与上次相比改变了什么。")), Length(max=1000)],
        description=_l("随新的需求公开。"),
    )
