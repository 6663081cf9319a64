"""Shapes of what people type about accounts and organisations."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import get_locale
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired
from wtforms import (
    FieldList,
    FormField,
    PasswordField,
    StringField,
    TextAreaField,
    ValidationError,
    widgets,
)
from wtforms import Form as PlainForm
from wtforms.validators import InputRequired, Length, Optional, Regexp

from marketplace.accounts.rules import ORGANISATION_KIND_LABELS, SIZES
from marketplace.platform import credit_code
from marketplace.platform.fields import SelectField, SelectMultipleField
from marketplace.platform.forms import Form, email_address, phone_number, trimmed
from marketplace.taxonomy import INDUSTRIES, offered

_USERNAME = Regexp(
    re.compile(r"^[a-z][a-z0-9_.-]{2,39}$", re.IGNORECASE),
    message=_l("3至40个字符，以字母开头，只用字母、数字、点、短横线和下划线。"),
)


def credit_code_field(form: Any, field: Any) -> None:
    """Normalise a 统一社会信用代码 and refuse a wrong one with the reason."""
    try:
        field.data = credit_code.parse(field.data or "")
    except credit_code.BadCreditCode as problem:
        raise ValidationError(problem.zh) from problem


def industry_choices() -> list[tuple[str, str]]:
    """Industries in the reader's language."""
    english = str(get_locale()).startswith("en")
    return [(code, label.en if english else label.zh) for code, label in offered(INDUSTRIES)]


class SignInForm(Form):
    username = StringField(_l("用户名或邮箱"), [InputRequired(_l("请填写用户名或邮箱。")), Length(max=120)])
    password = PasswordField(_l("密码"), [InputRequired(_l("请填写密码。")), Length(max=128)])


class SecondFactorForm(Form):
    code = StringField(_l("动态验证码"), [InputRequired(_l("请填写验证器显示的 6 位数字。")), Length(max=12)])


class PasswordPair(Form):
    """A new password, twice."""

    password = PasswordField(
        _l("新密码"),
        [InputRequired(_l("请填写新密码。")), Length(max=128)],
        description=_l("至少12个字符，可以用一句只有自己知道的话"),
        render_kw={"autocomplete": "new-password"},
    )
    again = PasswordField(
        _l("再填一次"), [InputRequired(_l("请再填一次密码。"))], render_kw={"autocomplete": "new-password"}
    )

    def validate_again(self, field: Any) -> None:
        if field.data != self.password.data:
            raise ValidationError(_l("两次填写的密码不同。"))


class ChangePasswordForm(PasswordPair):
    current = PasswordField(
        _l("现在的密码"),
        [InputRequired(_l("请填写现在的密码。")), Length(max=128)],
        render_kw={"autocomplete": "current-password"},
    )
    field_order = ("current", "password", "again")


class ForgottenForm(Form):
    address = StringField(
        _l("邮箱或用户名"),
        [InputRequired(_l("请填写邮箱或用户名。")), Length(max=120)],
        render_kw={"autocomplete": "username"},
    )


class ErasureForm(Form):
    reason = TextAreaField(_l("申请说明"), [Optional(), Length(max=500, message=_l("最多500字。"))])


class DecisionForm(Form):
    reason = TextAreaField(_l("理由"), [Optional(), Length(max=500, message=_l("最多500字。"))])


class PersonPart(PasswordPair):
    """The person who opens an account."""

    person_name = StringField(_l("姓名"), [InputRequired(_l("请填写姓名。")), Length(max=60)])
    username = StringField(_l("用户名"), [InputRequired(_l("请填写用户名。")), _USERNAME])
    phone = StringField(_l("手机或电话"), [InputRequired(_l("请填写电话。")), phone_number])


class AffiliateRow(PlainForm):  # type: ignore[misc]
    """One firm under the same control; an empty row is nothing."""

    name = StringField(_l("单位名称"), [Optional(), Length(max=80)], filters=[trimmed])
    credit_code = StringField(_l("统一社会信用代码"), [Optional(), credit_code_field], filters=[trimmed])
    relation = StringField(_l("关系"), [Optional(), Length(max=40)], filters=[trimmed])

    def validate(self, extra_validators: Any = None) -> bool:
        fine = bool(super().validate(extra_validators))
        if bool(self.name.data) != bool(self.credit_code.data):
            wanting = self.credit_code if self.name.data else self.name
            wanting.errors = [*wanting.errors, _l("名称和代码须同时填写。")]
            return False
        return fine


class ProfileForm(Form):
    """What an organisation says about itself; filled once, used in every bid."""

    name = StringField(_l("单位全称"), [InputRequired(_l("请按营业执照填写全称。")), Length(max=80)])
    short_name = StringField(_l("简称"), [Optional(), Length(max=30)])
    credit_code = StringField(
        _l("统一社会信用代码"), [InputRequired(_l("请填写统一社会信用代码。")), credit_code_field]
    )
    kind = SelectField(
        _l("单位类型"),
        choices=[(str(code), _l(label)) for code, label in ORGANISATION_KIND_LABELS.items()],
        default="enterprise",
    )
    size = SelectField(_l("企业规模"), choices=[(code, _l(label)) for code, label in SIZES.items()], default="na")
    legal_representative = StringField(_l("法定代表人"), [InputRequired(_l("请填写法定代表人。")), Length(max=40)])
    address = StringField(_l("地址"), [InputRequired(_l("请填写地址。")), Length(max=120)])
    website = StringField(
        _l("网址"), [Optional(), Length(max=200), Regexp(r"^https?://", message=_l("网址以http://或https://开头。"))]
    )
    introduction = TextAreaField(_l("单位简介"), [Optional(), Length(max=1000, message=_l("最多1000字。"))])
    capabilities = TextAreaField(
        _l("能力清单"),
        [Optional(), Length(max=2000, message=_l("最多2000字。"))],
        description=_l("能做什么、做过什么、有哪些设备和资质；审核通过后在能力目录公开"),
    )
    industries = SelectMultipleField(
        _l("产业方向"),
        choices=industry_choices,
        option_widget=widgets.CheckboxInput(),
        widget=widgets.ListWidget(prefix_label=False),
    )
    contact_name = StringField(_l("联系人"), [InputRequired(_l("请填写联系人。")), Length(max=40)])
    contact_phone = StringField(_l("联系电话"), [InputRequired(_l("请填写联系电话。")), phone_number])
    contact_email = StringField(_l("联系邮箱"), [InputRequired(_l("请填写联系邮箱。")), email_address, Length(max=120)])
    controller_name = StringField(_l("控股单位或实际控制人"), [Optional(), Length(max=80)])
    controller_code = StringField(_l("控股单位信用代码"), [Optional(), credit_code_field])
    affiliates = FieldList(FormField(AffiliateRow), max_entries=30)
    licence = FileField(_l("营业执照或法人证书"), description=_l("PDF、PNG或JPG，最大10MB"))

    def profile(self) -> dict[str, Any]:
        """The columns of ``Organisation``."""
        return {
            f.short_name: f.data or ([] if f.short_name == "industries" else "")
            for f in self
            if f.short_name in PROFILE_FIELDS
        }

    def affiliate_rows(self) -> list[dict[str, str]]:
        return [row.data for row in self.affiliates.entries if row.data["credit_code"]]

    def rows_changed(self, add: str | None, remove: str | None) -> bool:
        """Do what a row's button asks without JavaScript; says whether one was pressed."""
        if add == "affiliates":
            self.affiliates.append_entry()
        elif remove and remove.startswith("affiliates-"):
            index = remove.removeprefix("affiliates-")
            if index.isdigit() and int(index) < len(self.affiliates.entries):
                del self.affiliates.entries[int(index)]
        else:
            return False
        return True


PROFILE_FIELDS = (
    *("name", "short_name", "credit_code", "kind", "size", "legal_representative", "address", "website"),
    *("introduction", "capabilities", "industries", "contact_name", "contact_phone", "contact_email"),
    *("controller_name", "controller_code"),
)


class RegisterForm(ProfileForm, PersonPart):
    """A new organisation and its first person."""

    licence = FileField(
        _l("营业执照或法人证书"),
        [FileRequired(_l("请上传营业执照或法人证书。"))],
        description=_l("PDF、PNG或JPG，最大10MB"),
    )
    email = StringField(_l("登录邮箱"), [InputRequired(_l("请填写邮箱。")), email_address, Length(max=120)])


class InviteForm(Form):
    email = StringField(_l("邮箱"), [InputRequired(_l("请填写邮箱。")), email_address, Length(max=120)])
    role = SelectField(_l("角色"))


class RolesForm(Form):
    roles = SelectMultipleField(_l("角色"), option_widget=widgets.CheckboxInput(), widget=widgets.ListWidget())
