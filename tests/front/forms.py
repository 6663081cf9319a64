"""A demand form of every field kind, to draw templates/demands/form.html; names as in demands/content.py."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    DecimalField,
    FieldList,
    Form,
    FormField,
    IntegerField,
    MultipleFileField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from marketplace import taxonomy
from marketplace.platform.fields import RadioField, SelectField, SelectMultipleField


def choices(vocabulary: dict[str, taxonomy.Label]) -> list[tuple[str, str]]:
    return [(code, label.zh) for code, label in vocabulary.items()]


class IndicatorRow(Form):
    name = StringField("名称", [InputRequired("写上名称")])
    method = StringField("测试方法", [InputRequired("写明怎么测、测几次、由谁测")])
    baseline = StringField("现状")
    operator = SelectField("关系", choices=choices(taxonomy.OPERATORS))
    target = StringField("目标")
    target_high = StringField("区间上限")
    unit = StringField("单位")
    weight = DecimalField("权重", [Optional()])
    veto = BooleanField("否决项：达不到就不能中榜")


class OfferRow(Form):
    kind = SelectField("条件", choices=choices(taxonomy.OFFER_KINDS))
    sensitivity = SelectField("公开程度", choices=choices(taxonomy.SENSITIVITIES))
    text = TextAreaField("内容", [InputRequired("写明开放什么")])
    access = StringField("开放方式")


class MilestoneRow(Form):
    name = StringField("里程碑", [InputRequired("写上名称")])
    months = IntegerField("签约后", [InputRequired("写明期限")])
    percent = DecimalField("拨付比例", [InputRequired("写明比例")])
    deliverable = StringField("交付物")


class DemandForm(FlaskForm):
    title = StringField("需求名称", [InputRequired("写上名称"), Length(6, 60, "6至60个字")])
    kind = RadioField("类型", choices=choices(taxonomy.KINDS), validators=[InputRequired("选一项")])
    direction = SelectField("方向", choices=choices(taxonomy.DIRECTIONS), validators=[InputRequired("选一项")])
    place = StringField("实施地点")
    industries = SelectMultipleField(
        "产业",
        choices=choices(taxonomy.INDUSTRIES),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    contact_name = StringField("联系人", [InputRequired("写上联系人")])
    contact_phone = StringField("电话", [InputRequired("写上电话")])
    contact_email = StringField("邮箱")
    background = TextAreaField("背景", [InputRequired("写明背景"), Length(100, 3000, "不少于100个字")])
    goal = TextAreaField("目标", [InputRequired("写明目标")])
    content = TextAreaField("建设内容", [InputRequired("写明内容")])
    indicators = FieldList(FormField(IndicatorRow), label="技术指标", min_entries=1)
    offers = FieldList(FormField(OfferRow), label="开放条件")
    site_visit = StringField("踏勘与路演")
    mode = RadioField(
        "资金方式",
        choices=[
            ("procurement", ("政府采购", "公布不少于20日")),
            ("enterprise", ("企业出资", "公布不少于15日")),
            ("subsidy", ("政府后补助", "公布不少于20日")),
            ("trial", ("免费试用测试", "公布不少于10日")),
            ("cooperation", ("合作运营", "公布不少于20日")),
            ("opening", ("数据/场地开放", "公布不少于10日")),
        ],
        validators=[InputRequired("选一项")],
    )
    budget = StringField("预算", [InputRequired("写明预算")])
    budget_negotiable = BooleanField("面议（只在资金方式允许时）")
    budget_note = StringField("预算说明")
    funds_source = StringField("资金来源")
    period_months = IntegerField("实施周期", [InputRequired("写明周期")])
    deliver_by = DateField("最迟交付", [Optional()])
    ip_ownership = SelectField("知识产权", choices=choices(taxonomy.IP_OWNERSHIPS))
    procurement_number = StringField("采购项目编号")
    procurement_url = StringField("采购公告网址")
    conditions = TextAreaField("对揭榜单位的要求")
    consortium_max = IntegerField("联合体最多")
    security_level = SelectField("网络安全等级保护", choices=[("0", "不要求"), ("2", "二级"), ("3", "三级")])
    data_export = BooleanField("涉及数据出境")
    classified = BooleanField("涉及国家秘密（涉密需求不得在本平台发布）")
    score_sheet = SelectField("评分表", choices=[("living", "城市管理和民生服务（默认）")])
    award_count = SelectField("中榜数", choices=[("1", "1家，不赛马"), ("2", "2家赛马"), ("3", "3家赛马")])
    min_bids = IntegerField("最少有效揭榜数")
    blind = BooleanField("盲评：专家看不到揭榜单位名称")
    two_step = BooleanField("报价后开：技术分锁定后才打开价格封套")
    public_scores = BooleanField("公示时公布得分")
    milestones = FieldList(FormField(MilestoneRow), label="里程碑", min_entries=2)
    files = MultipleFileField("添加附件")


class ReasonForm(FlaskForm):
    reason = TextAreaField("公开的理由", [InputRequired("写明理由")], description="会原样公布")
