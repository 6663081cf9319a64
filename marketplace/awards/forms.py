"""What people type about an award; the rules are the service's."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, Optional

from marketplace.platform.fields import SelectField
from marketplace.platform.forms import Form
from marketplace.results.rules import DISQUALIFICATION_LABELS


class AnnounceForm(Form):
    reason = TextAreaField(
        _l("提请理由"), [InputRequired(_l("请写明理由。")), Length(max=1000)], description=_l("给第二人看，不公开。")
    )
    text = TextAreaField(
        _l("公示附言"), [Optional(), Length(max=2000)], description=_l("写在候选单位之后，公开；可以留空。")
    )


class ReasonForm(Form):
    reason = TextAreaField(_l("理由"), [InputRequired(_l("请写明理由。")), Length(max=1000)])


class DeclineForm(Form):
    reason = TextAreaField(
        _l("放弃的原因"),
        [Optional(), Length(max=1000)],
        description=_l("只有放弃时填写，不少于5个字，主管部门可见。"),
    )


class RemedyForm(Form):
    reason = TextAreaField(
        _l("理由"),
        [InputRequired(_l("请写明理由。")), Length(max=1000)],
        description=_l("撤销公示时会原样公开，请不要写个人信息。"),
    )
    out = BooleanField(_l("取消所针对的候选单位的资格"))
    code = SelectField(
        _l("取消资格的原因"),
        [Optional()],
        choices=[
            ("", _l("不取消资格")),
            *((str(code), f"{code}　{text}") for code, text in DISQUALIFICATION_LABELS.items()),
        ],
    )
    rescore = BooleanField(
        _l("专家组重新评分"), description=_l("不选则用已锁定的评分表重新排名；选了则开始新的一轮评分，原评分表留档。")
    )
