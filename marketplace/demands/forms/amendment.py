"""What may still be changed once a demand is on the list. What is not here stays as it was published: the score sheet,
the mode, the minimum, and of each indicator its weight and veto, because they decide how bids are scored.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import DateField, FieldList, FormField, HiddenField, IntegerField, StringField, TextAreaField
from wtforms import Form as PlainForm
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from marketplace.demands.content import DemandContent
from marketplace.demands.validity import LABELS, LIMITS, OPTIONAL_LIMITS
from marketplace.platform import money
from marketplace.platform.errors import Invalid
from marketplace.platform.forms import Form, trimmed
from marketplace.platform.working_days import close_of


def _text(name: str, kind: type[StringField] = TextAreaField) -> Any:
    if name in LIMITS:
        return kind(LABELS[name], [InputRequired(_l("请填写。")), Length(*LIMITS[name])])
    return kind(LABELS[name], [Optional(), Length(max=OPTIONAL_LIMITS.get(name, 120))])


def _line(label: str, limit: int = 200) -> StringField:
    return StringField(label, [Length(max=limit)], filters=[trimmed])


class IndicatorRow(PlainForm):  # type: ignore[misc]
    name = _line(_l("指标"), 60)
    baseline = _line(_l("现状"), 60)
    target = _line(_l("目标"), 60)
    target_high = _line(_l("目标上限"), 60)
    unit = _line(_l("单位"), 20)
    method = _line(_l("测试方法"), 500)


class OfferRow(PlainForm):  # type: ignore[misc]
    text = TextAreaField(_l("内容"), [Length(max=500)], filters=[trimmed])
    access = _line(_l("取得方式"))


ROWS = {"indicators": ("name", "baseline", "target", "target_high", "unit", "method"), "offers": ("text", "access")}
PLAIN = (
    "title", "place", "background", "goal", "content", "budget_note", "funds_source", "period_months", "deliver_by",
    "conditions", "site_visit", "contact_name", "contact_phone", "contact_email",
)  # fmt: skip


class AmendForm(Form):
    """``seen`` is the fingerprint of what was previewed: nothing is published that was not shown first."""

    title = _text("title", StringField)
    place = _text("place", StringField)
    background = _text("background")
    goal = _text("goal")
    content = _text("content")
    indicators = FieldList(FormField(IndicatorRow))
    offers = FieldList(FormField(OfferRow))
    site_visit = _text("site_visit")
    budget = StringField(LABELS["budget_fen"], [Optional(), Length(max=30)], description=_l("不填为面议。"))
    budget_note = _text("budget_note", StringField)
    funds_source = _text("funds_source", StringField)
    period_months = IntegerField(LABELS["period_months"], [Optional(), NumberRange(1, 60)])
    deliver_by = DateField(LABELS["deliver_by"], [InputRequired(_l("请填写交付日期。"))])
    conditions = _text("conditions")
    contact_name = _text("contact_name", StringField)
    contact_phone = _text("contact_phone", StringField)
    contact_email = _text("contact_email", StringField)
    closes_on = DateField(
        _l("同时顺延截止日"),
        [Optional()],
        description=_l("不填则不变；离截止不足规定天数时系统自动顺延。只能延后，截止时间为当日17:00。"),
    )
    reason = TextAreaField(
        _l("变更原因"),
        [InputRequired(_l("请写明变更的原因。")), Length(max=1000)],
        description=_l("会原样公开，请不要写个人信息。"),
    )
    seen = HiddenField()

    def validate_budget(self, field: StringField) -> None:
        try:
            self.budget_fen()
        except money.BadAmount as error:
            raise ValidationError(error.zh) from error

    def budget_fen(self) -> int | None:
        text = self.budget.data or ""
        return money.parse(text, unit=money.Unit.WAN, places=4) if text else None

    def closes_at(self) -> datetime | None:
        return close_of(self.closes_on.data) if self.closes_on.data else None

    def apply(self, before: DemandContent) -> DemandContent:
        """``before`` with what was typed. Text that reads the same but for its line ends counts as unchanged."""
        values: dict[str, Any] = {name: _kept(getattr(before, name), self[name].data) for name in PLAIN}
        for table, columns in ROWS.items():
            old, typed = getattr(before, table), self[table].entries
            if len(old) != len(typed):
                raise Invalid("指标和开放条件的条数在张榜之后不能增减。请刷新页面后重填。")
            values[table] = tuple(
                replace(item, **{name: _kept(getattr(item, name), row.form[name].data) for name in columns})
                for item, row in zip(old, typed, strict=True)
            )
        return replace(before, budget_fen=self.budget_fen(), **values)


def _kept(old: Any, typed: Any) -> Any:
    """Browsers send CRLF: the stored text wins when nothing else differs."""
    if isinstance(old, str):
        new = (typed or "").replace("\r\n", "\n")
        return old if new == old.strip().replace("\r\n", "\n") else new
    return typed


def typed_from(content: DemandContent) -> dict[str, Any]:
    """What the form shows at first."""
    values = {name: getattr(content, name) for name in PLAIN}
    for table, columns in ROWS.items():
        values[table] = [{name: getattr(item, name) for name in columns} for item in getattr(content, table)]
    return values | {"budget": "" if content.budget_fen is None else money.wan(content.budget_fen)}
