"""What a reader of the log is told for a kind: the words of the state machines, and a table for all other acts."""

from __future__ import annotations

from marketplace.administration.rules import SEALED_KINDS
from marketplace.platform.workflow import MACHINES

FAMILIES: dict[str, str] = {
    "award": "中榜",
    "batch": "批次",
    "bid": "标书",
    "capability": "能力",
    "demand": "需求",
    "notice": "公示",
    "objection": "异议",
    "organisation": "单位",
    "panel": "专家组",
    "question": "答疑",
    "seat": "专家席位",
    "sheet": "评分表",
}
KIND_LABELS: dict[str, str] = {
    "account.accept_invitation": "接受邀请",
    "account.erasure_asked": "申请擦除个人信息",
    "account.erasure_decided": "处理擦除申请",
    "account.invite": "邀请人员",
    "account.password_set": "设置密码",
    "account.reset_asked": "申请重设密码",
    "account.second_factor": "启用动态验证码",
    "account.second_factor_reset": "重置动态验证码",
    "account.sessions_ended": "退出全部登录",
    "account.sign_in": "登录",
    "account.sign_in_failed": "登录失败",
    "account.sign_out": "退出登录",
    "account.withdraw_invitation": "收回邀请",
    "batch.create": "批次：新建",
    "bid.list": "查看标书清单",
    "bid.read": "查看标书",
    "capability.create": "能力：新建",
    "custody.confirm": "确认保管密钥的指纹",
    "custody.enrol": "登记保管密钥",
    "custody.prove": "验证保管密钥",
    "custody.retire": "停用保管密钥",
    "demand.attach": "需求：添加附件",
    "demand.begin_screening": "需求：开始审查",
    "demand.create": "需求：新建",
    "demand.propose": "需求：提议",
    "demand.refuse_proposal": "需求：不同意提议",
    "demand.remove_file": "需求：移除附件",
    "demand.republish": "需求：重新张榜",
    "demand.resolve_lookalikes": "需求：比对相似需求",
    "demand.save": "需求：保存",
    "demo.clock": "拨动演示时钟",
    "eligibility.answer": "资格：提交补正",
    "eligibility.check": "资格：逐项审查",
    "eligibility.hand_in": "资格：补交文件",
    "eligibility.remove_file": "资格：取回补交的文件",
    "exclusion.read": "查看回避请求",
    "expert.add": "专家库：添加",
    "expert.edit": "专家库：修改",
    "expert.retire": "专家库：停用",
    "import.cancel": "导入：放弃",
    "import.confirm": "导入：建草稿",
    "import.correct": "导入：更正一行",
    "import.keep": "导入：确认不是重复",
    "import.match_units": "导入：对应单位",
    "import.merged": "导入：合并重复",
    "import.refused": "导入：不予导入",
    "import.restore": "导入：恢复一行",
    "import.upload": "导入：上传清单",
    "invitation.send": "邀请同事",
    "invitation.withdraw": "收回对同事的邀请",
    "letter.read": "查看结果通知书",
    "letter.send": "发出结果通知书",
    "notice.prepare": "公示：准备",
    "notice.propose_award": "公示：提出定榜",
    "objection.draft_answer": "异议：拟写答复",
    "objection.file": "异议：提出",
    "objection.read": "查看异议",
    "offer.read": "读取报价",
    "opening.answer": "开启：答复现场异议",
    "opening.freeze": "开启：固定标书集合",
    "opening.object": "开启：提出现场异议",
    "opening.prices_called": "开启：启动报价开启",
    "opening.record": "开启：形成开启记录",
    "opening.release": "开启：保管人释放",
    "organisation.edit": "单位：修改资料",
    "organisation.register": "单位：注册",
    "panel.decide_request": "专家组：决定回避请求",
    "panel.elect": "专家组：推选组长",
    "panel.note_scan": "专家组：处理身份线索",
    "panel.scan": "专家组：检查身份线索",
    "question.ask": "答疑：提问",
    "ranking.compute": "排名：计算",
    "ranking.disqualify": "排名：取消资格",
    "ranking.draw": "排名：并列抽签",
    "ranking.propose_disqualification": "排名：提出取消资格",
    "ranking.refuse_disqualification": "排名：不同意取消资格",
    "report.open": "评审报告：出具",
    "report.sign": "评审报告：签署",
    "review.lock": "评审：锁定",
    "review.read": "查看评审",
    "review.remind": "评审：提醒专家",
    "role.confirm": "确认授权",
    "role.grant": "提出授权",
    "role.revoke": "收回授权",
    "score.read": "查看评分",
    "sealed.record": "封存凭据",
    "settings.calendar": "修改工作日历",
    "settings.clock": "核对时钟",
    "settings.mail": "修改邮件设置",
    "settings.mode_clocks": "修改时限",
    "settings.site": "修改站点设置",
    "settings.taxonomy": "修改方向与产业",
    "sheet.propose_mend": "评分表：提出更正",
    "sheet.refuse_mend": "评分表：不同意更正",
}


def offered() -> list[tuple[str, str]]:
    """(what a kind begins with, its name): every family, then every kind, for a field to choose from."""
    acts = {machine.permission(action) for machine in MACHINES.values() for action in machine.action_labels}
    names = {f"{code}.": name for code, name in FAMILIES.items()}
    names |= {kind: kind_label(kind) for kind in sorted(acts | KIND_LABELS.keys())}
    return [(code, name) for code, name in names.items() if not code.startswith(SEALED_KINDS)]


def kind_label(kind: str) -> str:
    """登录, 需求：张榜 …"""
    if kind in KIND_LABELS:
        return KIND_LABELS[kind]
    family, _, action = kind.partition(".")
    machine = MACHINES.get(family)
    label = machine.action_labels.get(action) if machine is not None else None
    return kind if label is None else f"{FAMILIES[family]}：{label}"
