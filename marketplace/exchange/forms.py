"""Forms of the importer: shape and wording of input; what a text means is the reader's business."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import (
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from marketplace.accounts.models import Organisation
from marketplace.exchange.reading.amounts import show_wan
from marketplace.exchange.reading.report import Values
from marketplace.exchange.reading.vocabulary import DIRECTIONS, INDUSTRIES, MODES
from marketplace.exchange.rules import MAX_REASON
from marketplace.platform.fields import SelectField, SelectMultipleField
from marketplace.platform.forms import Form


class UploadForm(Form):
    """A list, and the batch its drafts go into."""

    file = FileField(
        _l("清单文件"), description=_l(".xlsx 或 .csv，不超过 20 MB。表头上方的标题、合并的单位、落款都不用删。")
    )
    batch = SelectField(_l("归入批次"), description=_l("可以先不选，以后再编入批次。"))


class RefuseForm(Form):
    reason = TextAreaField(
        _l("理由"),
        [InputRequired(_l("请写明不予导入的理由。")), Length(max=MAX_REASON)],
        description=_l("理由随清单存档。"),
    )


class UnitField(SelectField):
    """A unit of the site; "" = not matched yet."""

    def offer(self, units: Sequence[Organisation]) -> None:
        self.choices = [("", "尚未对应"), *((str(unit.id), unit.name) for unit in units)]


class RowForm(Form):
    """What a row was understood to say. Only fields that were changed are read anew, as if they stood in the file."""

    title = StringField(_l("场景名称"), [Length(max=200)])
    unit = StringField(_l("需求单位（清单上的写法）"), [Length(max=200)])
    unit_id = UnitField(_l("对应平台上的单位"))
    direction = SelectField(_l("方向"), choices=lambda: [("", "未填"), *DIRECTIONS.labels.items()])
    industries = SelectMultipleField(
        _l("所属产业"),
        choices=lambda: list(INDUSTRIES.labels.items()),
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )
    need = TextAreaField(_l("需求概况"), [Length(max=20_000)])
    budget = StringField(_l("预算"), [Length(max=200)], description=_l("如 120万元、1200000元、面议；不写单位按万元。"))
    mode = SelectField(_l("资金方式"), choices=[("", "未填"), *MODES.labels.items()])
    deadline = StringField(_l("时间"), [Length(max=60)], description=_l("如 2026-10-30。"))
    place = StringField(_l("地点"), [Length(max=200)])
    contact_name = StringField(_l("联系人"), [Length(max=60)])
    contact_phone = StringField(_l("联系电话"), [Length(max=60)])
    remark = TextAreaField(_l("备注"), [Length(max=2_000)])

    def changes(self, values: Values) -> dict[str, str]:
        """Field → new text, for those that differ from what was understood."""
        before = shown(values)
        after = {name: getattr(self, name).data or "" for name in before if name != "industries"}
        changed = {
            name: text
            for name, text in after.items()
            if text.split() != before[name].split()  # type: ignore[union-attr]
        }
        if tuple(self.industries.data or ()) != values.industries:
            changed["industries"] = "、".join(INDUSTRIES.labels[code] for code in self.industries.data or ())
        for name, words in (("direction", DIRECTIONS), ("mode", MODES)):
            if name in changed:
                changed[name] = words.labels.get(changed[name], "")
        return changed


def shown(values: Values) -> dict[str, str | list[str]]:
    """The row as the form shows it first."""
    budget = values.budget_note if values.budget_wan is None else _amount(values)
    return {
        "title": values.title,
        "unit": values.unit,
        "direction": values.direction or "",
        "industries": list(values.industries),
        "need": values.need,
        "budget": budget,
        "mode": values.mode or "",
        "deadline": values.deadline_note if values.deadline is None else values.deadline.isoformat(),
        "place": values.place,
        "contact_name": values.contact_name,
        "contact_phone": values.contact_phone,
        "remark": values.remark,
    }


_BEFORE = {"约": "约", "近": "近", "上限": "不超过", "下限": "不低于"}


def _amount(values: Values) -> str:
    """The amount with its note in words that the reader understands again."""
    assert values.budget_wan is not None
    figure = f"{show_wan(values.budget_wan)}万元"
    return f"{_BEFORE.get(values.budget_note, '')}{figure}"
