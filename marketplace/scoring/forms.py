"""Forms of the expert's desk: shape and wording of input. Scores themselves are read by ``pages.entry_from``."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import (
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from marketplace.platform.fields import RadioField, SelectMultipleField
from marketplace.platform.forms import Form


class DeclareForm(Form):
    """Against the list of participants: none, or which."""

    verdict = RadioField(
        _l("申报"),
        [InputRequired(_l("请选择一项。"))],
        choices=[
            ("clean", _l("我与名单中的单位和人员都没有利害关系")),
            ("conflict", _l("我与下面勾选的单位或人员有利害关系，申请回避")),
        ],
    )
    conflicts = SelectMultipleField(
        _l("有利害关系的单位或人员"),
        [Optional()],
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
        validate_choice=False,
    )
    statement = TextAreaField(
        _l("是什么关系"), [Length(max=1000)], description=_l("例如：三年内曾任职、持有股权、近亲属、师生、合作项目。")
    )


class ReasonForm(Form):
    reason = TextAreaField(_l("原因"), [InputRequired(_l("请写明原因。")), Length(max=500)])


class VoteForm(Form):
    choice = RadioField(_l("推选组长"), [InputRequired(_l("请选一位专家。"))], coerce=int, validate_choice=False)


class QuestionForm(Form):
    text = TextAreaField(
        _l("向组长提问"),
        [InputRequired(_l("请写下问题。")), Length(max=1000)],
        description=_l("全组都能看到问题和答复。请不要写分数，也不要猜测揭榜单位是谁。"),
    )


class AnswerForm(Form):
    answer = TextAreaField(_l("答复"), [InputRequired(_l("请写下答复。")), Length(max=1000)])
