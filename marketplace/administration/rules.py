"""Who may open which part of the administration. Pure."""

from __future__ import annotations

from datetime import timedelta

from marketplace.accounts.rules import auditadmin, secadmin, supervisor, sysadmin
from marketplace.batches.rules import ACTION_LABELS as BATCH_LABELS
from marketplace.batches.rules import BatchAction
from marketplace.demands.rules import ACTION_LABELS, Action
from marketplace.platform import policy

GRANTS = policy.declare({"admin.see": [[secadmin], [sysadmin], [auditadmin], [supervisor]]})

INVITATION_LIFE = timedelta(days=7)

# Who bids is nobody's to know before the opening, the readers of the log included (sealing.md, head).
SEALED_KINDS = ("bid.", "receipt.")

# What a reader of the log sees for a kind; kinds that are not here are shown as they stand.
KIND_LABELS: dict[str, str] = {
    "account.sign_in": "登录",
    "account.sign_in_failed": "登录失败",
    "account.sign_out": "退出登录",
    "account.sessions_ended": "退出全部登录",
    "account.password_set": "设置密码",
    "account.invite": "邀请人员",
    "account.withdraw_invitation": "收回邀请",
    "account.accept_invitation": "接受邀请",
    "account.second_factor": "启用动态验证码",
    "account.second_factor_reset": "重置动态验证码",
    "role.grant": "提出授权",
    "role.confirm": "确认授权",
    "role.revoke": "收回授权",
    "batch.create": "新建批次",
    "settings.calendar": "修改工作日历",
    "settings.mode_clocks": "修改时限",
    "settings.site": "修改站点设置",
    "settings.taxonomy": "修改方向与产业",
    "settings.mail": "修改邮件设置",
    "settings.clock": "核对时钟",
    "demo.clock": "拨动演示时钟",
    "demand.create": "新建需求",
    "demand.edit": "修改需求",
    "demand.attach": "添加附件",
    "demand.remove_file": "移除附件",
    "demand.propose": "提议",
    "demand.refuse_proposal": "不同意提议",
    "demand.republish": "重新张榜",
}


def kind_label(kind: str) -> str:
    """登录, 需求：张榜 …"""
    if kind in KIND_LABELS:
        return KIND_LABELS[kind]
    family, _, action = kind.partition(".")
    if family == "demand" and action in set(Action):
        return f"需求：{ACTION_LABELS[Action(action)].zh}"
    if family == "batch" and action in set(BatchAction):
        return f"批次：{BATCH_LABELS[BatchAction(action)]}"
    return kind
