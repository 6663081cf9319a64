"""The demand form: what a unit types ↔ ``DemandContent``, in both directions.

Saving takes anything that can be read at all; whether it is complete is asked at submission (``validity.faults``).
A field that cannot be read keeps its earlier value in the content and its typed text on the page.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, fields, replace
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    FieldList,
    FormField,
    HiddenField,
    MultipleFileField,
    StringField,
    TextAreaField,
)
from wtforms.validators import Length
from wtforms.widgets import CheckboxInput, ListWidget

from marketplace import taxonomy
from marketplace.demands.clocks import FLOORS, MODES
from marketplace.demands.content import Criterion, DemandContent, Indicator, Milestone, Offer, ScoreSheet
from marketplace.demands.forms.fields import Choice, Day, Number, Percent, Radio, Row, WanAmount, Wanted, number_of
from marketplace.demands.score_sheets import (
    AGGREGATES,
    CREDITS,
    PRICE_BASES,
    TYPED_CRITERIA,
    default_sheet,
)
from marketplace.demands.validity import NEGOTIABLE_MODES, Fault
from marketplace.platform.fields import SelectField, SelectMultipleField
from marketplace.platform.forms import Form

LISTS = ("indicators", "offers", "milestones")
MOST_ROWS = 30
FORM_NAMES = {"budget_fen": "budget", "consortium_allowed": "consortium_max"}  # where the form's name differs


def _choices(vocabulary: dict[str, taxonomy.Label]) -> list[tuple[str, str]]:
    return [(code, label.zh) for code, label in taxonomy.offered(vocabulary)]


def _directions() -> list[tuple[str, str]]:
    return _choices(taxonomy.DIRECTIONS)


def _industries() -> list[tuple[str, str]]:
    return _choices(taxonomy.INDUSTRIES)


def _sheets() -> list[tuple[str, str]]:
    return [("", "按方向选用"), *((code, taxonomy.DIRECTIONS[code].zh) for code in TYPED_CRITERIA)]


def _mode_choices() -> list[tuple[str, tuple[str, str]]]:
    return [(code, (label.zh, f"公布不少于{FLOORS[code].bidding_days}日")) for code, label in MODES.items()]


class IndicatorRow(Row):
    name = StringField(_l("名称"), [Wanted(), Length(max=100)])
    method = StringField(_l("测试方法"), [Wanted(), Length(max=300)])
    baseline = StringField(_l("现状"), [Length(max=60)])
    operator = Choice(_l("关系"), choices=_choices(taxonomy.OPERATORS))
    target = StringField(_l("目标"), [Length(max=60)])
    target_high = StringField(_l("区间上限"), [Length(max=60)])
    unit = StringField(_l("单位"), [Length(max=30)])
    weight = Percent(_l("权重"))
    veto = BooleanField(_l("否决项：达不到就不能中榜"))


class OfferRow(Row):
    kind = Choice(_l("条件"), choices=_choices(taxonomy.OFFER_KINDS))
    sensitivity = Choice(_l("公开程度"), choices=_choices(taxonomy.SENSITIVITIES), default="internal")
    text = TextAreaField(_l("内容"), [Wanted(), Length(max=500)])
    access = StringField(_l("开放方式"), [Length(max=200)])


class MilestoneRow(Row):
    name = StringField(_l("里程碑"), [Wanted(), Length(max=60)])
    months = Number(_l("签约后"), [Wanted()])
    percent = Percent(_l("拨付比例"), [Wanted()])
    deliverable = StringField(_l("交付物"), [Wanted(), Length(max=300)])


class CriterionRow(Row):
    """One line of the score sheet: its weight and lowest mark; the texts of its bands belong to the template."""

    key = HiddenField()
    weight = Percent(_l("满分"))
    minimum = Percent(_l("最低分"))


class DemandForm(Form):
    """Names as in ``DemandContent``; ``version`` is the lock version that the editor started from."""

    version = HiddenField()
    title = StringField(_l("需求名称"), [Wanted(), Length(max=60)])
    kind = Radio(_l("类型"), [Wanted()], choices=_choices(taxonomy.KINDS))
    direction = Radio(_l("方向"), [Wanted()], choices=_directions)
    place = StringField(_l("实施地点"), [Wanted(), Length(max=100)])
    industries = SelectMultipleField(
        _l("产业"),
        [Wanted()],
        choices=_industries,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    contact_name = StringField(_l("联系人"), [Wanted(), Length(max=30)])
    contact_phone = StringField(_l("电话"), [Wanted(), Length(max=30)])
    contact_email = StringField(_l("邮箱"), [Length(max=120)])
    background = TextAreaField(_l("背景"), [Wanted(), Length(max=5000)])
    goal = TextAreaField(_l("目标"), [Wanted(), Length(max=2000)])
    content = TextAreaField(_l("建设内容"), [Wanted(), Length(max=8000)])
    indicators = FieldList(FormField(IndicatorRow), label=_l("技术指标"), min_entries=1, max_entries=MOST_ROWS)
    offers = FieldList(FormField(OfferRow), label=_l("开放条件"), max_entries=MOST_ROWS)
    site_visit = StringField(_l("踏勘与路演"), [Length(max=1000)])
    mode = Radio(_l("资金方式"), [Wanted()], choices=_mode_choices())
    budget = WanAmount(_l("预算"), [Wanted()])
    budget_negotiable = BooleanField(_l("面议（只在资金方式允许时）"))
    budget_note = StringField(_l("预算说明"), [Length(max=100)])
    funds_source = StringField(_l("资金来源"), [Wanted(), Length(max=100)])
    period_months = Number(_l("实施周期"), [Wanted()])
    deliver_by = Day(_l("最迟交付"), [Wanted()])
    ip_ownership = Choice(_l("知识产权"), [Wanted()], choices=[("", "请选择"), *_choices(taxonomy.IP_OWNERSHIPS)])
    procurement_number = StringField(_l("采购项目编号"), [Length(max=60)])
    procurement_url = StringField(_l("采购公告网址"), [Length(max=300)])
    conditions = TextAreaField(_l("对揭榜单位的要求"), [Length(max=2000)])
    consortium_max = Number(_l("联合体最多"))
    security_level = Choice(
        _l("网络安全等级保护"),
        choices=[("0", "不要求"), ("1", "一级"), ("2", "二级"), ("3", "三级"), ("4", "四级")],
    )
    data_export = BooleanField(_l("涉及数据出境"))
    classified = BooleanField(_l("涉及国家秘密（涉密需求不得在本平台发布）"))
    score_sheet = Choice(_l("评分表"), choices=_sheets)
    criteria = FieldList(FormField(CriterionRow), label=_l("评分项"), max_entries=MOST_ROWS)
    pass_line = Percent(_l("合格线"))
    aggregate = Choice(_l("专家得分汇总"), choices=list(AGGREGATES.items()))
    credit = Choice(_l("指标得分"), choices=list(CREDITS.items()))
    award_count = Choice(_l("中榜数"), choices=[("1", "1家，不赛马"), ("2", "2家赛马"), ("3", "3家赛马")])
    min_bids = Number(_l("最少有效揭榜数"))
    blind = BooleanField(_l("盲评：专家看不到揭榜单位名称"))
    two_step = BooleanField(_l("报价后开：技术分锁定后才打开价格封套"))
    public_scores = BooleanField(_l("公示时公布得分"))
    milestones = FieldList(FormField(MilestoneRow), label=_l("里程碑"), min_entries=2, max_entries=MOST_ROWS)
    files = MultipleFileField(_l("添加附件"))

    @classmethod
    def showing(cls, content: DemandContent, *, version: int) -> DemandForm:
        """The form as a stored demand fills it; what was posted, if anything, wins."""
        form = cls(data=shown(content) | {"version": str(version)})
        kept = [code for code in content.industries if code in taxonomy.RETIRED]
        form.industries.choices = [*form.industries.choices, *((code, taxonomy.INDUSTRIES[code].zh) for code in kept)]
        return form

    def said(self, before: DemandContent) -> DemandContent:
        """What was typed, over ``before`` where something cannot be read."""
        content = replace(before, **{name: value for name, value in self._read().items() if name not in self._bad()})
        return replace(content, score_sheet=self._sheet(before, content.direction, content.mode))

    def _bad(self) -> set[str]:
        named = {"budget": "budget_fen"}
        return {named.get(name, name) for name in self.errors if name}

    def _read(self) -> dict[str, Any]:
        plain = {
            item.name: self[item.name].data
            for item in fields(DemandContent)
            if item.name in self and item.name not in LISTS
        }
        plain.pop("score_sheet")
        members = self.consortium_max.data
        return plain | {
            "kind": self.kind.data or "application",
            "direction": self.direction.data or "",
            "mode": self.mode.data or "",
            "industries": tuple(self.industries.data or ()),
            "indicators": tuple(Indicator(**_row(row, weight=True)) for row in self.indicators if _filled(row)),
            "offers": tuple(Offer(**_row(row)) for row in self.offers if _filled(row)),
            "milestones": tuple(Milestone(**_row(row, percent=True)) for row in self.milestones if _filled(row)),
            "budget_fen": None if self.budget_negotiable.data else self.budget.data,
            "security_level": int(self.security_level.data) if self.security_level.data in set("01234") else 0,
            "award_count": int(self.award_count.data) if self.award_count.data in set("123") else 1,
            "consortium_allowed": members is None or members > 1,
            "consortium_max": 3 if members is None else members,
            "min_bids": 1 if self.min_bids.data is None else self.min_bids.data,
        }

    def _sheet(self, before: DemandContent, direction: str, mode: str) -> ScoreSheet:
        """The sheet as edited, while it suits the template and the mode; else the template's own."""
        old, template = before.score_sheet, self.score_sheet.data or direction
        if template not in TYPED_CRITERIA or mode not in PRICE_BASES:
            return old
        same_basis = before.mode in PRICE_BASES and PRICE_BASES[before.mode] is PRICE_BASES[mode]
        suits = bool(old.criteria) and old.template == template and same_basis
        sheet = old if suits else default_sheet(template, mode)
        typed = {row.form.key.data: row.form for row in self.criteria if not row.form.errors} if suits else {}
        return replace(
            sheet,
            criteria=tuple(_criterion(item, typed.get(item.key)) for item in sheet.criteria),
            pass_line=sheet.pass_line if self.pass_line.data is None else self.pass_line.data,
            aggregate=self.aggregate.data if self.aggregate.data in AGGREGATES else sheet.aggregate,
            credit=self.credit.data if self.credit.data in CREDITS else sheet.credit,
        )

    def find(self, name: str) -> Any:
        """The field of a fault or finding: ``budget_fen``, ``indicators-1-method``; ``None`` for the whole demand."""
        head, _, rest = name.partition("-")
        if not rest:
            wanted = FORM_NAMES.get(name, name)
            return self._fields.get(wanted)
        index, _, inner = rest.partition("-")
        if head not in LISTS or not index.isdecimal() or int(index) >= len(self[head].entries):
            return self._fields.get(head)
        row = self[head].entries[int(index)].form
        return row[inner] if inner in row else self[head]

    def blame(self, faults: Iterable[Fault]) -> int:
        """Put each fault beside its field; the number of them."""
        count = 0
        for fault in faults:
            count += 1
            field = self.find(fault.field)
            if field is None:
                self.form_errors.append(fault.sentence)
            else:
                field.errors = [*field.errors, fault.sentence]
        return count

    def change_rows(self, add: str, remove: str) -> bool:
        """The ``add`` and ``remove`` buttons of the tables, without JavaScript; whether one was pressed."""
        if add in LISTS:
            if len(self[add].entries) < MOST_ROWS:
                self[add].append_entry()
            return True
        name, _, index = remove.partition("-")
        if name in LISTS and index.isdecimal() and len(index) < 3:
            if int(index) < len(self[name].entries):
                del self[name].entries[int(index)]
            return True
        return False


def _row(row: Any, **decimals: bool) -> dict[str, Any]:
    """The values of one row as its dataclass takes them."""
    values = {name: value for name, value in row.form.data.items() if value is not None}
    return {name: value for name, value in values.items() if name not in decimals} | {
        name: number_of(values.get(name)) for name in decimals
    }


def _filled(row: Any) -> bool:
    """Whether anything was typed into this row: choices alone say nothing."""
    return any(value for name, value in row.form.data.items() if name not in ("operator", "kind", "sensitivity"))


def _criterion(item: Criterion, typed: Any) -> Criterion:
    if typed is None:
        return item
    return replace(item, weight=number_of(typed.weight.data), minimum=typed.minimum.data)


def shown(content: DemandContent) -> dict[str, Any]:
    """The values of the form's fields for a stored demand."""
    values = {name: value for name, value in asdict(content).items() if name != "score_sheet"}
    sheet = content.score_sheet
    values |= {
        "industries": list(content.industries),
        "budget": content.budget_fen,
        "budget_negotiable": content.budget_fen is None
        and content.mode in NEGOTIABLE_MODES
        and bool(content.funds_source),
        "consortium_max": content.consortium_max if content.consortium_allowed else 1,
        "security_level": str(content.security_level),
        "award_count": str(content.award_count),
        "score_sheet": sheet.template,
        "criteria": [{"key": item.key, "weight": item.weight, "minimum": item.minimum} for item in sheet.criteria],
        "pass_line": sheet.pass_line,
        "aggregate": sheet.aggregate,
        "credit": sheet.credit,
    }
    for name in LISTS:
        values[name] = [asdict(item) for item in getattr(content, name)]
    return values


class NewForm(Form):
    """The beginning of a demand: its kind decides score sheet and clocks, all of it can be changed later."""

    unit = SelectField(_l("需求单位"), coerce=int)
    title = StringField(_l("需求名称"), [Wanted(), Length(max=60)])
    direction = Radio(_l("方向"), [Wanted()], choices=_directions)
    mode = Radio(_l("资金方式"), [Wanted()], choices=_mode_choices())


class CloneForm(Form):
    """For which of one's units a demand is written anew."""

    unit = SelectField(_l("需求单位"), coerce=int)
