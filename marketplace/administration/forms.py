"""What administrators and newcomers type."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import (
    PasswordField,
    StringField,
)
from wtforms.validators import EqualTo, InputRequired, Length, Regexp

from marketplace.accounts.rules import ROLE_LABELS, Role
from marketplace.administration import queries
from marketplace.platform.fields import SelectField
from marketplace.platform.forms import Form, email_address


class GrantForm(Form):
    role = SelectField(_l("角色"), [InputRequired(_l("请选择角色。"))])
    organisation = SelectField(_l("在哪个单位"), [InputRequired(_l("请选择单位。"))], coerce=int)

    def offer(self) -> None:
        """Fill the choices; a plain list of organisations is short enough on a district's site."""
        self.role.choices = [(str(role), label) for role, label in ROLE_LABELS.items()]
        self.organisation.choices = [(item.id, item.name) for item in queries.organisations()]

    @property
    def wanted(self) -> Role:
        return Role(self.role.data)


class InviteForm(GrantForm):
    email = StringField(
        _l("邮箱"),
        [
            InputRequired(_l("请填写邮箱。")),
            email_address,
            Length(max=120),
        ],
    )


class JoinForm(Form):
    name = StringField(_l("姓名"), [InputRequired(_l("请填写姓名。")), Length(max=60)])
    username = StringField(
        _l("用户名"),
        [
            InputRequired(_l("请填写用户名。")),
            Length(min=3, max=60, message=_l("用户名3到60个字符。")),
            Regexp(r"^[A-Za-z0-9._-]+$", message=_l("用户名只用字母、数字、点、横线。")),
        ],
    )
    password = PasswordField(_l("密码"), [InputRequired(_l("请填写密码。")), Length(max=128)])
    again = PasswordField(
        _l("再输一次密码"),
        [InputRequired(_l("请再输一次密码。")), EqualTo("password", message=_l("两次输入的密码不同。"))],
    )


class CodeForm(Form):
    code = StringField(_l("验证器显示的6位数字"), [InputRequired(_l("请填写6位数字。")), Length(max=12)])
