"""Shapes of what people type about accounts."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from marketplace.platform.forms import Form


class SignInForm(Form):
    username = StringField(_l("用户名或邮箱"), [InputRequired(_l("请填写用户名或邮箱。")), Length(max=120)])
    password = PasswordField(_l("密码"), [InputRequired(_l("请填写密码。")), Length(max=128)])


class SecondFactorForm(Form):
    code = StringField(_l("动态验证码"), [InputRequired(_l("请填写验证器显示的 6 位数字。")), Length(max=12)])
