"""What people type about openings and keys."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, PasswordField, StringField, TextAreaField
from wtforms.validators import InputRequired

from marketplace.platform.forms import Form


class ObjectionForm(Form):
    text = TextAreaField(_l("您的疑问"), [InputRequired(_l("请写明疑问。"))])


class AnswerForm(Form):
    text = TextAreaField(_l("答复"), [InputRequired(_l("请写明答复。"))])


class EnrolForm(Form):
    """Filled by the page's script: the private half never comes here."""

    point = HiddenField(_l("公钥"))


class ConfirmKeyForm(Form):
    fingerprint = StringField(
        _l("指纹"),
        [InputRequired(_l("请输入保管人打印件上的指纹。"))],
        description=_l("请保管人出示打印件，当面照录前16位或全部；空格可有可无。"),
    )


class RetireForm(Form):
    reason = TextAreaField(_l("停用原因"), [InputRequired(_l("请写明停用的原因。"))])


class ReleaseForm(Form):
    """For its token and the field of the password; the shares travel as JSON."""

    password = PasswordField(_l("登录密码"), description=_l("释放前再次确认是您本人。"))
