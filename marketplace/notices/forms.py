"""What people type about notices and objections; the rules are the service's."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import (
    MultipleFileField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, Optional

from marketplace.notices.rules.objections import REMEDY_LABELS
from marketplace.platform.fields import SelectField
from marketplace.platform.forms import Form, email_address, phone_number


class ObjectionForm(Form):
    """By real name: who, how to reach him, what and on what ground."""

    name = StringField(_l("姓名"), [InputRequired(_l("请填写真实姓名。")), Length(max=40)])
    organisation = StringField(
        _l("单位"), [Optional(), Length(max=80)], description=_l("以单位名义提出的填写单位全称；个人提出的留空。")
    )
    phone = StringField(
        _l("电话"),
        [
            InputRequired(_l("请填写电话。")),
            phone_number,
        ],
    )
    email = StringField(
        _l("邮箱"),
        [
            InputRequired(_l("请填写邮箱，答复会发到这里。")),
            email_address,
        ],
    )
    about = SelectField(_l("针对的候选单位"), [Optional()], description=_l("对评审过程或其他事项提出异议的不用选。"))
    facts = TextAreaField(
        _l("事实和依据"),
        [InputRequired(_l("请写明事实和依据。")), Length(max=5000)],
        description=_l("写明什么地方不对、根据是什么；不少于20个字。"),
    )
    wish = TextAreaField(_l("请求"), [Optional(), Length(max=1000)], description=_l("希望怎样处理。"))
    files = MultipleFileField(_l("证据文件"), description=_l("最多10个，每个不超过20 MB。"))


class EscalateForm(Form):
    reason = TextAreaField(
        _l("不服的理由"), [InputRequired(_l("请写明不服的理由。")), Length(max=2000)], description=_l("不少于10个字。")
    )


class WorkForm(Form):
    """One form for every act on an objection; the button says which."""

    text = TextAreaField(_l("答复"), [Length(max=5000)], description=_l("签发之后公开，请不要写提出人的身份。"))
    remedy = SelectField(
        _l("异议成立时的处理"),
        [Optional()],
        choices=[("", _l("请选择")), *((str(code), text) for code, text in REMEDY_LABELS.items())],
    )
