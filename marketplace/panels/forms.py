"""Forms of the pool and of panels: shape and wording of input."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import (
    BooleanField,
    DateField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from marketplace.panels.lists import field_labels, history_of, history_text, ties_of, ties_text
from marketplace.panels.models import Expert
from marketplace.panels.rules.draw import REDRAW_LABELS
from marketplace.panels.service.drawing import SIZES
from marketplace.panels.service.pool import Card
from marketplace.panels.service.scanning import TREATMENTS
from marketplace.platform.fields import RadioField, SelectField, SelectMultipleField
from marketplace.platform.forms import Form
from marketplace.platform.working_days import close_of


class Checks(SelectMultipleField):
    """Several of a list, as boxes."""

    option_widget = CheckboxInput()
    widget = ListWidget(prefix_label=False)


class ExpertForm(Form):
    name = StringField(_l("姓名"), [InputRequired(_l("请填写姓名。")), Length(max=40)])
    email = StringField(
        _l("邮箱"),
        [InputRequired(_l("请填写邮箱。")), Length(max=120)],
        description=_l("邀请发到这里；与评审专家账号的邮箱一致时自动关联。"),
    )
    phone = StringField(_l("电话"), [Length(max=30)])
    title = StringField(_l("职称"), [Length(max=60)])
    employer = StringField(_l("工作单位"), [InputRequired(_l("请填写工作单位。")), Length(max=80)])
    employer_code = StringField(_l("统一社会信用代码"), [Length(max=30)])
    outside = BooleanField(_l("区外专家（不在本区单位任职）"))
    fields = Checks(_l("领域"), choices=lambda: list(field_labels().items()))
    history = TextAreaField(
        _l("曾任职单位"),
        [Length(max=2000)],
        description=_l("写“单位（至2025-06-30）”，几家用分号分开。三年内的用于回避。"),
    )
    equity = TextAreaField(_l("持股单位"), [Length(max=2000)], description=_l("几家用分号分开。"))
    relations = TextAreaField(_l("利害关系"), [Length(max=2000)], description=_l("单位或人名，用分号分开。"))
    away_from = DateField(_l("不能参加，自"), [Optional()])
    away_until = DateField(_l("不能参加，至"), [Optional()])
    note = TextAreaField(_l("备注"), [Length(max=1000)])

    @classmethod
    def showing(cls, expert: Expert | None) -> ExpertForm:
        if expert is None:
            return cls(outside=True)
        form: ExpertForm = cls(
            obj=expert,
            history=history_text(expert.history),
            equity=ties_text(expert.equity),
            relations=ties_text(expert.relations),
        )
        if not form.is_submitted():
            form.history.data = history_text(expert.history)
            form.equity.data, form.relations.data = ties_text(expert.equity), ties_text(expert.relations)
        return form

    def card(self) -> Card:
        history, fault = history_of(self.history.data or "")
        return Card(
            name=self.name.data or "",
            email=self.email.data or "",
            employer=self.employer.data or "",
            phone=self.phone.data or "",
            title=self.title.data or "",
            employer_code=self.employer_code.data or "",
            outside=bool(self.outside.data),
            fields=tuple(self.fields.data or ()),
            history=history,
            equity=ties_of(self.equity.data or ""),
            relations=ties_of(self.relations.data or ""),
            away_from=self.away_from.data,
            away_until=self.away_until.data,
            note=self.note.data or "",
            extra={"history": fault} if fault else {},
        )


class ImportForm(Form):
    file = FileField(_l("名单文件"), description=_l(".xlsx，列与导出的一样。先逐行检查，全部无误才写入。"))


class TermsForm(Form):
    """Size, share and fields of a panel, and its days."""

    size = SelectField(_l("人数"), coerce=int, choices=[(size, f"{size}人") for size in SIZES])
    share = SelectField(
        _l("区外专家不少于"),
        choices=[("2/3", "三分之二"), ("3/4", "四分之三"), ("4/5", "五分之四"), ("1/1", "全部")],
    )
    fields = Checks(
        _l("领域"),
        choices=lambda: list(field_labels().items()),
        description=_l("专家至少符合其中一项；一项都不选则不按领域筛选。"),
    )
    meets_on = DateField(_l("评审日"), [InputRequired(_l("请选择评审日。"))])
    score_by = DateField(_l("评分提交期限"), [InputRequired(_l("请选择期限。"))], description=_l("当天17:00。"))

    @property
    def terms(self) -> dict[str, Any]:
        score_by: datetime = close_of(self.score_by.data)
        return {
            "size": self.size.data,
            "share": Fraction(self.share.data),
            "fields": tuple(self.fields.data or ()),
            "meets_on": self.meets_on.data,
            "score_by": score_by,
        }


class ReasonForm(Form):
    reason = TextAreaField(_l("理由"), [InputRequired(_l("请写明理由。")), Length(max=500)])


class NumberForm(Form):
    number = StringField(
        _l("当场产生的随机数"),
        [InputRequired(_l("请输入一个数。")), Length(max=60)],
        description=_l("由在场监督员当场产生，例如掷骰或摇号，只含数字。它与日志检查点一起决定抽取结果。"),
    )


class RedrawForm(Form):
    reason = RadioField(
        _l("重新抽取的原因"),
        [InputRequired(_l("请选择原因。"))],
        choices=[(str(code), label) for code, label in REDRAW_LABELS.items()],
    )
    note = TextAreaField(_l("具体情况"), [InputRequired(_l("请说明情况。")), Length(max=500)])


class DecisionForm(Form):
    upheld = RadioField(
        _l("决定"), [InputRequired(_l("请选择。"))], choices=[("yes", _l("同意，请他回避")), ("no", _l("不同意"))]
    )
    answer = TextAreaField(_l("理由"), [InputRequired(_l("请写明理由。")), Length(max=500)])


class TreatForm(Form):
    treatment = RadioField(_l("怎样给专家看"), [InputRequired()], choices=list(TREATMENTS.items()))
    note = StringField(_l("备注"), [Length(max=200)])


class NoteForm(Form):
    note = TextAreaField(_l("检查意见"), [Length(max=500)])
