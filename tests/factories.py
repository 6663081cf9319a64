"""The constant cast: the same people and organisations in every test (architecture.md, "Tests")."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select

from marketplace import db
from marketplace.accounts.models import Organisation, RoleAssignment, User
from marketplace.accounts.rules import OrganisationKind, OrganisationState, Role
from marketplace.accounts.service import hash_password
from marketplace.platform.credit_code import invented

PASSWORD = "zhangbang-test-2026"
LONG_AGO = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)

ORGANISATIONS = {
    "host": ("郑新高新区科技创新局", "科创局", OrganisationKind.GOVERNMENT, {"is_host": True}),
    "discipline": ("郑新高新区纪检监察工委", "纪检工委", OrganisationKind.GOVERNMENT, {"is_host": True}),
    "notary": ("郑新市衡准公证处", "衡准公证处", OrganisationKind.NOTARY, {}),
    "unit": ("郑新高新区城市管理局", "城市管理局", OrganisationKind.GOVERNMENT, {"may_post": True}),
    "other_unit": ("郑新高新区水务局", "水务局", OrganisationKind.GOVERNMENT, {"may_post": True}),
    "firm": ("河洛智感科技有限公司", "河洛智感", OrganisationKind.ENTERPRISE, {"may_bid": True}),
    "rival": ("中原云图信息技术有限公司", "中原云图", OrganisationKind.ENTERPRISE, {"may_bid": True}),
    "university": ("郑新理工大学", "郑新理工", OrganisationKind.UNIVERSITY, {"may_bid": True}),
}

# username: (name, organisation, roles)
PEOPLE: dict[str, tuple[str, str, tuple[Role, ...]]] = {
    "drafter": ("张文", "unit", (Role.DRAFTER,)),
    "approver": ("陈立", "unit", (Role.APPROVER,)),
    "other_drafter": ("许诺", "other_unit", (Role.DRAFTER, Role.APPROVER)),
    "screener": ("李敏", "host", (Role.SCREENER,)),
    "screener2": ("李恒", "host", (Role.SCREENER,)),
    "publisher": ("孙博", "host", (Role.PUBLISHER,)),
    "publisher2": ("何静", "host", (Role.PUBLISHER,)),
    "custodian1": ("郭一", "host", (Role.CUSTODIAN,)),
    "custodian2": ("郭二", "discipline", (Role.CUSTODIAN,)),
    "custodian3": ("郭三", "notary", (Role.CUSTODIAN,)),
    "supervisor": ("冯正", "discipline", (Role.SUPERVISOR,)),
    "expert1": ("周一", "university", (Role.EXPERT,)),
    "finance": ("钱和", "host", (Role.FINANCE,)),
    "bidder": ("王珂", "firm", (Role.BIDDER, Role.ORG_ADMIN)),
    "bidder_member": ("王乐", "firm", (Role.BIDDER,)),
    "rival": ("赵川", "rival", (Role.BIDDER, Role.ORG_ADMIN)),
    "sysadmin": ("系管", "host", (Role.SYSADMIN,)),
    "secadmin": ("安管", "host", (Role.SECADMIN,)),
    "secadmin2": ("安管二", "discipline", (Role.SECADMIN,)),
    "auditadmin": ("审管", "discipline", (Role.AUDITADMIN,)),
}


def make_cast() -> None:
    """Write the cast once; tests read it inside their own rolled-back transactions."""
    password = hash_password(PASSWORD)
    organisations = {}
    for number, (key, (name, short, kind, flags)) in enumerate(ORGANISATIONS.items(), start=1):
        organisations[key] = Organisation(
            slug=key,
            name=name,
            short_name=short,
            kind=kind,
            credit_code=invented(number),
            state=OrganisationState.APPROVED,
            registered_at=LONG_AGO,
            approved_at=LONG_AGO,
            **flags,
        )
    db.session.add_all(organisations.values())
    for username, (name, key, roles) in PEOPLE.items():
        user = User(
            username=username,
            name=name,
            email=f"{username}@example.test",
            phone="13800001234",
            password_hash=password,
            organisation=organisations[key],
            created_at=LONG_AGO,
            is_demo=True,
        )
        user.assignments = [
            RoleAssignment(organisation=organisations[key], role=role, granted_at=LONG_AGO, in_force_at=LONG_AGO)
            for role in roles
        ]
        db.session.add(user)
    db.session.commit()


def person(username: str) -> User:
    user = db.session.scalar(select(User).where(User.username == username))
    assert user is not None, username
    return user


def organisation(key: str) -> Organisation:
    found = db.session.scalar(select(Organisation).where(Organisation.slug == key))
    assert found is not None, key
    return found
