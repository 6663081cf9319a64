"""What people type about a review's result; the rules are the service's."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import (
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, Optional

from marketplace.platform.fields import SelectField
from marketplace.platform.forms import Form
from marketplace.results.rules import DISQUALIFICATION_LABELS
from marketplace.scoring.rules.sheets import MEND_LABELS


class DrawForm(Form):
    number = StringField(
        _l("现场数字"),
        [InputRequired(_l("请写下现场数字。")), Length(max=40)],
        description=_l("4至20位数字，由在场的监督员当场写下，与日志检查点一起构成抽签种子，只抽一次。"),
    )


class OutForm(Form):
    code = SelectField(
        _l("原因"),
        [InputRequired(_l("请选择原因。"))],
        choices=[
            ("", _l("请选择")),
            *((str(code), f"{code}　{text}") for code, text in DISQUALIFICATION_LABELS.items()),
        ],
    )
    reason = TextAreaField(_l("事实和依据"), [InputRequired(_l("请写明事实和依据。")), Length(max=1000)])


class DecideForm(Form):
    """The second person's page: yes needs no words, no does."""

    reason = TextAreaField(_l("不同意的理由"), [Optional(), Length(max=1000)])


class ReportForm(Form):
    conclusion = TextAreaField(
        _l("评审结论"),
        [Optional(), Length(max=4000)],
        description=_l("写在评分和排名之后，随报告由专家签署。"),
    )


class SignForm(Form):
    dissent = TextAreaField(
        _l("不同意见"),
        [Optional(), Length(max=2000)],
        description=_l("有不同意见的写在这里，原样载入评审报告；没有则留空。"),
    )


class MendForm(Form):
    """The criteria are added by the page: one box each."""

    code = SelectField(
        _l("错误的种类"),
        [InputRequired(_l("请选择错误的种类。"))],
        choices=[("", _l("请选择")), *((str(code), text) for code, text in MEND_LABELS.items())],
        description=_l("锁定之后只有这四类错误可以更正，其他一律不得改动。"),
    )
    reason = TextAreaField(_l("错在哪里、依据是什么"), [InputRequired(_l("请写明理由。")), Length(max=1000)])
