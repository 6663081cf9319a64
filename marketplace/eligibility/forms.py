"""What is typed about eligibility; lengths and terms are checked by the service, which says so beside the field."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import (
    DateField,
    HiddenField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Optional

from marketplace.eligibility.rules import CHECKS, HINTS, REASONS, VERDICTS, Check, Reason
from marketplace.platform.fields import RadioField, SelectField
from marketplace.platform.forms import Form


class ChecklistForm(Form):
    """For each point a verdict (or none yet) and a note. The fields are made from ``rules.CHECKS``."""

    version = HiddenField()

    def said(self) -> dict[str, dict[str, str]]:
        """What the service takes."""
        return {
            str(check): {"verdict": self[f"{check}_verdict"].data or "", "note": self[f"{check}_note"].data or ""}
            for check in Check
        }


for _check in Check:
    _verdict = RadioField(
        CHECKS[_check].zh,
        [Optional()],
        choices=[(str(verdict), label.zh) for verdict, label in VERDICTS.items()],
        description=HINTS[_check],
    )
    setattr(ChecklistForm, f"{_check}_verdict", _verdict)
    setattr(ChecklistForm, f"{_check}_note", StringField(f"{CHECKS[_check].zh}：说明"))


class AskCureForm(Form):
    text = TextAreaField("补正要求", description="逐条写明哪里不符合、怎样补正。按规则只能要求一次。")
    due_on = DateField("补正期限", [InputRequired("请选择补正期限。")], description="到当日17:00。")


class AdmitForm(Form):
    text = TextAreaField("说明", [Optional()], description="选填，揭榜单位会看到。")


class RejectForm(Form):
    reason = SelectField("理由", choices=[(str(code), label.zh) for code, label in REASONS.items()])
    text = TextAreaField("具体理由", description="写明事实和依据，揭榜单位会看到。")

    @property
    def code(self) -> Reason:
        return Reason(self.reason.data)


class AnswerForm(Form):
    text = TextAreaField(_l("补正说明"), description=_l("写明逐条怎样补正的。提交后不能再改。"))


class FileForm(Form):
    """One more file; ``document`` names the promised document, nothing means the cure."""

    document = HiddenField()
    file = FileField(_l("选择文件"))


class RenounceForm(Form):
    text = TextAreaField(_l("放弃的原因"))
