"""Who is told what when something happened: data, read by ``consumer``. Pure.

``discreet`` mails say neither which demand nor what happened ("张榜有一条新消息"): whoever has a draft follows the
demand, so that a mail about it would tell a mail server's reader who bids (sealing.md, head).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from marketplace.platform import policy
from marketplace.platform.policy import signed_in


class Audience(StrEnum):
    """Groups of people, resolved for one demand."""

    UNIT = "unit"  # its drafters and approvers
    FOLLOWERS = "followers"
    SCREENERS = "screeners"
    PUBLISHERS = "publishers"
    SUPERVISORS = "supervisors"
    CONFIRMERS = "confirmers"  # who may be the second person of the open proposal
    CUSTODIANS = "custodians"


@dataclass(frozen=True, slots=True)
class Telling:
    """One message: ``title`` and ``text`` may name {title} (of the demand), {reason} and {action}."""

    audiences: tuple[Audience, ...]
    title: str
    text: str = ""
    discreet: bool = False


_A = Audience
_PUBLIC = (_A.FOLLOWERS,)
DEMAND: dict[str, tuple[Telling, ...]] = {
    "demand.submit": (Telling((_A.SCREENERS,), "有需求待受理：{title}", "请核对内容，受理或退回补正。"),),
    "demand.recall": (Telling((_A.SCREENERS,), "需求单位收回了：{title}", "无需再审，改好后会重新提交。"),),
    "demand.return": (
        Telling((_A.UNIT,), "需求退回补正：{title}", "{reason}请打开需求查看逐条意见，改好后重新提交。"),
    ),
    "demand.appraise": (
        Telling((_A.UNIT,), "需求已受理，进入论证：{title}"),
        Telling((_A.PUBLISHERS,), "有需求待论证入库：{title}"),
    ),
    "demand.reject": (Telling((_A.UNIT,), "需求未通过：{title}", "{reason}"),),
    "demand.pool": (Telling((_A.UNIT,), "需求已入库：{title}", "编入批次后张榜，届时另行通知。"),),
    "demand.drop": (Telling((_A.UNIT,), "需求已作罢：{title}", "{reason}"),),
    "demand.publish": (
        Telling((_A.UNIT,), "需求已编入张榜批次：{title}", "公布后请及时答复企业提问。"),
        Telling((_A.CUSTODIANS,), "您是保管人：{title}", "截止后请按时登录，与其他保管人共同开启。"),
    ),
    "demand.call_back": (Telling((_A.UNIT,), "待发布的批次已撤回：{title}", "{reason}"),),
    "demand.amend": (
        Telling(_PUBLIC, "需求有变更公告：{title}", "{reason}请对照变更内容。", discreet=True),
        Telling((_A.UNIT,), "需求已变更：{title}", "{reason}"),
    ),
    "demand.extend": (
        Telling(_PUBLIC, "揭榜截止时间已延长：{title}", "{reason}", discreet=True),
        Telling((_A.UNIT,), "揭榜截止时间已延长：{title}", "{reason}"),
    ),
    "demand.suspend": (
        Telling(_PUBLIC, "需求已暂停揭榜：{title}", "{reason}", discreet=True),
        Telling((_A.UNIT, _A.SUPERVISORS), "需求已暂停揭榜：{title}", "{reason}"),
    ),
    "demand.resume": (
        Telling(_PUBLIC, "需求已恢复揭榜：{title}", "截止时间已相应顺延，请查看新的截止时间。", discreet=True),
        Telling((_A.UNIT,), "需求已恢复揭榜：{title}"),
    ),
    "demand.reopen": (
        Telling(
            _PUBLIC, "平台中断，揭榜已重开：{title}", "{reason}请查看新的截止时间；已封的标书继续有效。", discreet=True
        ),
        Telling(
            (_A.UNIT, _A.SUPERVISORS, _A.CUSTODIANS), "平台中断，揭榜已重开：{title}", "{reason}请查看新的截止时间。"
        ),
    ),
    "demand.withdraw": (
        Telling(_PUBLIC, "需求已撤榜：{title}", "{reason}", discreet=True),
        Telling((_A.UNIT, _A.SUPERVISORS), "需求已撤榜：{title}", "{reason}"),
    ),
    "demand.lapse": (
        Telling(_PUBLIC, "需求流榜：{title}", discreet=True),
        Telling((_A.UNIT, _A.PUBLISHERS), "需求流榜：{title}", "可以说明改变之处后重新张榜。"),
    ),
    "demand.open": (Telling((_A.UNIT, _A.PUBLISHERS, _A.SUPERVISORS), "标书已开启：{title}"),),
    "demand.propose": (
        Telling((_A.CONFIRMERS,), "有一项提议等您确认（{action}）：{title}", "提出人不能自己确认，请核对理由后处理。"),
    ),
    "demand.republish": (Telling((_A.UNIT,), "已生成重新张榜的草稿：{title}", "请补充新的交付日期，核对改动后提交。"),),
    "demand.announce": (Telling((_A.UNIT, _A.FOLLOWERS), "评审结果公示：{title}"),),
    "demand.award": (Telling((_A.UNIT, _A.FOLLOWERS), "已定榜：{title}"),),
}

# Questions carry the demand they belong to (``demand_id``, or a subject ``demand:…``); the asker is never named.
QUESTION: dict[str, tuple[Telling, ...]] = {
    "question.ask": (Telling((_A.SCREENERS,), "有新的提问待转办：{title}", "答复时限为3个工作日。"),),
    "question.route": (Telling((_A.UNIT,), "有提问等待贵单位答复：{title}", "答复时限为3个工作日。"),),
    "question.draft": (Telling((_A.SCREENERS,), "提问的答复待审核公布：{title}"),),
    "question.answer": (Telling(_PUBLIC, "答疑有更新：{title}", discreet=True),),
    "question.publish": (Telling(_PUBLIC, "答疑有更新：{title}", discreet=True),),
}

ORGANISATION: dict[str, tuple[str, str]] = {
    "organisation.approve": ("单位注册已通过", "现在可以办理业务。"),
    "organisation.refuse": ("单位注册未通过", "{reason}请修改后重新提交。"),
    "organisation.suspend": ("单位账号已停用", "{reason}如有疑问请联系主管部门。"),
    "organisation.restore": ("单位账号已恢复", "现在可以继续办理业务。"),
}

DISCREET_SUBJECT = "张榜有一条新消息"
DISCREET_BODY = "请登录张榜，在“消息”中查看：\n{link}\n\n为保护揭榜单位，开启之前的邮件不写明事项和需求。"

GRANTS = policy.declare({"message.own": [[signed_in]]})


def sentence(text: str) -> str:
    """A reason as it stands before another sentence: ended by a full stop, or nothing at all."""
    text = text.strip()
    return text if not text or text.endswith(("。", "！", "？", ".", "!", "?")) else f"{text}。"
