"""What people type about questions; lengths are checked by the service, which says so beside the field."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import TextAreaField

from marketplace.platform.forms import Form


class AskForm(Form):
    text = TextAreaField(_l("您的问题"))


class WorkForm(Form):
    """One form for every act on a question; the button says which."""

    answer = TextAreaField(_l("答复"))
    reason = TextAreaField(_l("理由或修改意见"))
