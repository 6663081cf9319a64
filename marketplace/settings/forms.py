"""What a system administrator types."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    FieldList,
    FormField,
    HiddenField,
    IntegerField,
    StringField,
    TextAreaField,
)
from wtforms import Form as PlainForm
from wtforms.validators import InputRequired, Length, NumberRange, Optional, Regexp, ValidationError

from marketplace.demands.clocks import FIGURES
from marketplace.platform.fields import SelectField
from marketplace.platform.forms import Form, email_address
from marketplace.platform.working_days import DayKind, SpecialDay

LINE = re.compile(r"(\d{4}-\d{2}-\d{2})\s*(休|班)\s*(.*)")
WORDS = {"休": DayKind.HOLIDAY, "班": DayKind.WORKDAY}


class YearForm(Form):
    days = TextAreaField(
        _l("与平常不同的日子"),
        description=_l("每行一天，例如：2027-10-01 休 国庆节；2027-10-09 班 调休上班。周末和平日不用写。"),
    )
    confirmed = BooleanField(_l("国务院办公厅的放假通知已经公布，以上内容已与通知核对"))

    def validate_days(self, field: TextAreaField) -> None:
        self.parsed: list[SpecialDay] = []
        for number, line in enumerate((field.data or "").splitlines(), start=1):
            if not line.strip():
                continue
            match = LINE.fullmatch(line.strip())
            try:
                if match is None:
                    raise ValueError
                day = date.fromisoformat(match[1])
            except ValueError:
                raise ValidationError(_("第%(number)s行看不懂：%(line)s", number=number, line=line[:40])) from None
            self.parsed.append(SpecialDay(day, WORDS[match[2]], match[3].strip()[:40]))

    @staticmethod
    def text_of(days: list[SpecialDay]) -> str:
        words = {kind: word for word, kind in WORDS.items()}
        return "\n".join(f"{day.on.isoformat()} {words[day.kind]} {day.note}".strip() for day in sorted(days, key=_on))


def _on(day: SpecialDay) -> date:
    return day.on


class ClocksForm(Form):
    """One mode's five figures."""


for _figure, _label in FIGURES.items():
    setattr(ClocksForm, _figure, IntegerField(_label.zh, [InputRequired(_l("请填写整数。"))]))


class DirectionRow(PlainForm):  # type: ignore[misc]
    """``code`` says which; it is not typed."""

    code = HiddenField()
    zh = StringField(_l("名称"), [Length(max=40)])
    en = StringField(_l("英文"), [Length(max=60)])


class IndustryRow(DirectionRow):
    offered = BooleanField(_l("可选"))


class TaxonomyForm(Form):
    """The last row of the industries is empty: a new one is written there."""

    directions = FieldList(FormField(DirectionRow))
    industries = FieldList(FormField(IndustryRow))


class MailForm(Form):
    host = StringField(_l("邮件服务器"), [Length(max=120)], description=_l("留空时邮件存为文件，不寄出。"))
    port = IntegerField(_l("端口"), [Optional(), NumberRange(1, 65535, _l("请填写1至65535之间的端口。"))])
    security = SelectField(
        _l("连接"), choices=[("starttls", _l("STARTTLS（常用端口587）")), ("tls", _l("TLS（常用端口465）"))]
    )
    user = StringField(
        _l("用户名"), [Length(max=120)], description=_l("密码由环境变量ZHANGBANG_SMTP_PASSWORD给出，不存入数据库。")
    )
    sender = StringField(
        _l("发件人"),
        [
            Optional(),
            Length(max=160),
            Regexp(r"^([^<>@]*<)?[^\s@<>]+@[^\s@<>]+>?$", message=_l("请填写发信地址，可在前面加名称。")),
        ],
        description=_l("只写地址，或写名称加尖括号括起的地址。"),
    )
    test_to = StringField(
        _l("测试信寄到"),
        [Optional(), email_address],
        description=_l("填写后点“保存并寄测试信”，一两分钟内应收到。"),
    )

    def values(self) -> dict[str, Any]:
        return {name: self[name].data for name in ("host", "port", "security", "user", "sender")}


class ClockForm(Form):
    reason = TextAreaField(
        _l("怎样核对的"),
        [InputRequired(_l("请写明核对的方式和结果。")), Length(max=500)],
        description=_l("记入审计日志，例如：与国家授时中心比对，误差在0.1秒内。"),
    )


class SiteForm(Form):
    name = StringField(_l("站点简称"), [Length(max=20)], description=_l("页眉左上角，默认“张榜”"))
    name_en = StringField(_l("站点简称（英文）"), [Length(max=30)])
    title = StringField(_l("站点全称"), [Length(max=40)])
    title_en = StringField(_l("站点全称（英文）"), [Length(max=80)])
    host = StringField(_l("主办单位"), [Length(max=60)])
    organiser = StringField(_l("承办单位"), [Length(max=60)])
    phone = StringField(_l("联系电话"), [Length(max=40)])
    site_code = StringField(_l("网站标识码"), [Length(max=20)])
    icp = StringField(_l("ICP备案号"), [Length(max=40)])
    police = StringField(_l("公安备案号"), [Length(max=40)])
    find_error_url = StringField(
        _l("“网站找错”链接"),
        [Optional(), Length(max=300), Regexp(r"^https://\S+$", message=_l("请填写https://开头的地址。"))],
    )

    def values(self) -> dict[str, str]:
        return {field.short_name: field.data or "" for field in self if field.short_name != "csrf_token"}
