"""Who people are and what the platform lets them be (product.md §1). Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from marketplace.platform import policy
from marketplace.platform.errors import Sentence
from marketplace.platform.policy import Actor, Need, anyone, role, signed_in
from marketplace.platform.workflow import Machine


def N_(text: str) -> str:
    """Mark a label for the catalogue (scripts/words.py); it is translated where it is shown."""
    return text


class Role(StrEnum):
    """A role is always held *in* an organisation."""

    DRAFTER = "drafter"
    APPROVER = "approver"
    BIDDER = "bidder"
    ORG_ADMIN = "org_admin"
    SCREENER = "screener"
    PUBLISHER = "publisher"
    CUSTODIAN = "custodian"
    SUPERVISOR = "supervisor"
    EXPERT = "expert"
    FINANCE = "finance"
    SYSADMIN = "sysadmin"
    SECADMIN = "secadmin"
    AUDITADMIN = "auditadmin"


ROLE_LABELS: dict[Role, str] = {
    Role.DRAFTER: N_("需求填报人"),
    Role.APPROVER: N_("需求审核人"),
    Role.BIDDER: N_("揭榜单位成员"),
    Role.ORG_ADMIN: N_("揭榜单位管理员"),
    Role.SCREENER: N_("受理员"),
    Role.PUBLISHER: N_("发榜负责人"),
    Role.CUSTODIAN: N_("保管人"),
    Role.SUPERVISOR: N_("监督员"),
    Role.EXPERT: N_("评审专家"),
    Role.FINANCE: N_("财政"),
    Role.SYSADMIN: N_("系统管理员"),
    Role.SECADMIN: N_("安全管理员"),
    Role.AUDITADMIN: N_("审计管理员"),
}

# Granted by a security administrator and confirmed by a second one; a second factor is required to use them.
STAFF = frozenset(
    {
        Role.SCREENER,
        Role.PUBLISHER,
        Role.CUSTODIAN,
        Role.SUPERVISOR,
        Role.EXPERT,
        Role.FINANCE,
        Role.SYSADMIN,
        Role.SECADMIN,
        Role.AUDITADMIN,
    }
)
# Granted inside an organisation by its own administrator.
ORGANISATION_ROLES = frozenset({Role.DRAFTER, Role.APPROVER, Role.BIDDER, Role.ORG_ADMIN})
ADMINS = frozenset({Role.SYSADMIN, Role.SECADMIN, Role.AUDITADMIN})

# No superuser: an administrator may be none of these, and the three administrators are three people.
_NEVER_WITH_ADMIN = frozenset({Role.CUSTODIAN, Role.EXPERT, Role.BIDDER, Role.ORG_ADMIN})


def incompatible(held: frozenset[Role], wanted: Role) -> Role | None:
    """The role already held that forbids ``wanted``, if any."""
    for other in sorted(held):
        pair = {other, wanted}
        if pair & ADMINS and pair & _NEVER_WITH_ADMIN:
            return other
        if other in ADMINS and wanted in ADMINS and other != wanted:
            return other
        if pair & {Role.EXPERT} and pair & {Role.SCREENER, Role.PUBLISHER, Role.SUPERVISOR, Role.CUSTODIAN}:
            return other
    return None


class OrganisationKind(StrEnum):
    GOVERNMENT = "government"
    PUBLIC = "public"
    SOE = "soe"
    ENTERPRISE = "enterprise"
    UNIVERSITY = "university"
    INSTITUTE = "institute"
    NOTARY = "notary"


ORGANISATION_KIND_LABELS: dict[OrganisationKind, str] = {
    OrganisationKind.GOVERNMENT: N_("政府部门"),
    OrganisationKind.PUBLIC: N_("事业单位"),
    OrganisationKind.SOE: N_("国有企业"),
    OrganisationKind.ENTERPRISE: N_("企业"),
    OrganisationKind.UNIVERSITY: N_("高校"),
    OrganisationKind.INSTITUTE: N_("科研院所"),
    OrganisationKind.NOTARY: N_("公证机构"),
}

SIZES: dict[str, str] = {
    "micro": N_("微型"),
    "small": N_("小型"),
    "medium": N_("中型"),
    "large": N_("大型"),
    "na": N_("不适用"),
}


class OrganisationState(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"
    SUSPENDED = "suspended"


ORGANISATION_STATE_LABELS: dict[OrganisationState, str] = {
    OrganisationState.PENDING: N_("待审核"),
    OrganisationState.APPROVED: N_("已通过"),
    OrganisationState.REFUSED: N_("未通过"),
    OrganisationState.SUSPENDED: N_("已停用"),
}


class OrganisationAction(StrEnum):
    APPROVE = "approve"
    REFUSE = "refuse"
    RESUBMIT = "resubmit"
    SUSPEND = "suspend"
    RESTORE = "restore"


ORGANISATION_ACTION_LABELS: dict[OrganisationAction, str] = {
    OrganisationAction.APPROVE: N_("通过"),
    OrganisationAction.REFUSE: N_("不通过"),
    OrganisationAction.RESUBMIT: N_("重新提交"),
    OrganisationAction.SUSPEND: N_("停用"),
    OrganisationAction.RESTORE: N_("恢复"),
}

_S, _A = OrganisationState, OrganisationAction
ORGANISATION_TABLE: dict[tuple[OrganisationState, OrganisationAction], OrganisationState] = {
    (_S.PENDING, _A.APPROVE): _S.APPROVED,
    (_S.PENDING, _A.REFUSE): _S.REFUSED,
    (_S.REFUSED, _A.RESUBMIT): _S.PENDING,
    (_S.APPROVED, _A.SUSPEND): _S.SUSPENDED,
    (_S.SUSPENDED, _A.RESTORE): _S.APPROVED,
}
ORGANISATION = Machine("organisation", ORGANISATION_TABLE, ORGANISATION_STATE_LABELS, ORGANISATION_ACTION_LABELS)


# The demo's cast (interface.md): printed on the sign-in page, refused outside demo mode.
DEMO_PASSWORD = "zhangbang-demo-2026"  # noqa: S105
DEMO_ACCOUNTS = (
    *("drafter", "approver", "screener", "publisher", "publisher2", "custodian1", "custodian2", "custodian3"),
    "supervisor",
    *(f"expert{n}" for n in range(1, 10)),
    *("finance", "bidder", "bidder_member", "rival", "sysadmin", "secadmin", "secadmin2", "auditadmin"),
)


# Lock-out by delay: nobody can lock a colleague out for good, and guessing stops being worth while.
FREE_ATTEMPTS = 4


def delay_after(failures: int) -> timedelta:
    """How long the next attempt must wait after so many failures in a row: 0 up to four, then 30 s doubling to 1 h."""
    if failures <= FREE_ATTEMPTS:
        return timedelta()
    return timedelta(seconds=min(30 * 2 ** (failures - FREE_ATTEMPTS - 1), 3600))


PASSWORD_MIN = 12
PASSWORD_MAX = 128


def password_problem(password: str, *, username: str = "", name: str = "") -> str | None:
    """Why a password is refused, or ``None``. Length over composition (NIST SP 800-63B §5.1.1.2)."""
    if len(password) < PASSWORD_MIN:
        return Sentence("密码至少 %(least)s 个字符，可以用一句只有自己知道的话。", least=PASSWORD_MIN)
    if len(password) > PASSWORD_MAX:
        return Sentence("密码最多 %(most)s 个字符。", most=PASSWORD_MAX)
    if len(set(password)) < 5:
        return Sentence("密码里不同的字符太少，容易被猜中。")
    lowered = password.lower()
    for own in (username, name):
        if len(own) >= 3 and own.lower() in lowered:
            return Sentence("密码里不要包含自己的用户名或姓名。")
    return None


def _is_self(actor: Actor, subject: Any, now: datetime) -> bool:
    return actor.signed_in and subject is not None and subject.id == actor.id


def _administers(actor: Actor, subject: Any, now: datetime) -> bool:
    return actor.has(Role.ORG_ADMIN, Role.APPROVER, at=subject.id)


def _belongs(actor: Actor, subject: Any, now: datetime) -> bool:
    return subject.id in actor.organisations() or subject.id == actor.organisation_id


def _not_proposer(actor: Actor, subject: Any, now: datetime) -> bool:
    return bool(actor.id != subject.granted_by_id)


is_self = Need("is_self", "只能查看和修改自己的账号。", _is_self)
administers = Need("administers", "只有本单位的管理员可以这样做，请联系单位管理员。", _administers)
belongs = Need("belongs", "这是其他单位的资料。", _belongs)
not_proposer = Need("not_proposer", "授权须由另一位安全管理员确认，提出人不能自己确认。", _not_proposer)
screener = role(Role.SCREENER, refusal="只有受理员可以这样做。")
publisher = role(Role.PUBLISHER, refusal="只有发榜负责人可以这样做。")
supervisor = role(Role.SUPERVISOR, refusal="只有监督员可以这样做。")
sysadmin = role(Role.SYSADMIN, refusal="只有系统管理员可以这样做。")
secadmin = role(Role.SECADMIN, refusal="只有安全管理员可以这样做。")
auditadmin = role(Role.AUDITADMIN, refusal="只有审计管理员可以这样做。")
staff = role(*sorted(STAFF), refusal="这一页供平台工作人员使用。")
system = Need("system", "这一步由系统按规则完成。", lambda actor, subject, now: actor.is_system)

GRANTS = policy.declare(
    {
        "public": [[anyone]],
        "account.own": [[signed_in]],
        "organisation.see": [[belongs], [screener], [secadmin]],
        "organisation.edit": [[administers]],
        "organisation.approve": [[screener]],
        "organisation.refuse": [[screener]],
        "organisation.resubmit": [[administers]],
        "organisation.suspend": [[secadmin]],
        "organisation.restore": [[secadmin]],
        "organisation.list": [[screener], [secadmin]],
        "member.manage": [[administers]],
        "role.grant": [[secadmin]],
        "role.confirm": [[secadmin, not_proposer]],
        "role.revoke": [[secadmin]],
        "account.administer": [[secadmin]],
        "settings.edit": [[sysadmin]],
        "log.read": [[auditadmin], [supervisor]],
        "demo.clock": [[anyone]],
    }
)
