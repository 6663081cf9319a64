"""The security administrator's pages; joining by invitation; the second factor; the first administrator."""

from __future__ import annotations

import re

import pyotp
import pytest
from sqlalchemy import select

from marketplace import db
from marketplace.accounts.models import LoginSession, RoleAssignment, User
from marketplace.accounts.rules import Role
from marketplace.administration import service
from marketplace.notifications import mailer
from marketplace.notifications.models import Mail
from marketplace.platform import clock
from marketplace.platform.credit_code import invented
from marketplace.platform.errors import Refused
from tests import factories

PAGES = ("/admin/people", "/admin/people/invitations/new", "/admin/people/1")
SAID = "一句只有我知道的话2026"


@pytest.mark.parametrize("url", PAGES)
def test_who_may_open_the_pages(visitor, sign_in, url):
    assert sign_in("secadmin").get(url).status == 200
    assert "/sign-in" in visitor.get(url).response.location
    page = sign_in("sysadmin").get(url)
    assert page.status == 403
    assert page.has("只有安全管理员可以这样做")


def test_people_are_found_by_name_and_role(sign_in):
    browser = sign_in("secadmin")
    page = browser.get("/admin/people?q=冯正")
    assert page.has("supervisor")
    assert not page.has("expert1")
    assert browser.get("/admin/people?role=expert").has("周一")
    assert browser.get("/admin/people?q=没有这个人").has("没有符合条件的账号")


def test_a_role_needs_two_administrators(sign_in):
    user = factories.person("drafter")
    host = factories.organisation("host")
    first, second = sign_in("secadmin"), sign_in("secadmin2")
    page = first.get(f"/admin/people/{user.id}").submit("/roles", role="finance", organisation=str(host.id))
    assert page.has("等另一位安全管理员确认")
    assert page.has("提出人不能自己确认")
    assignment = db.session.scalar(
        select(RoleAssignment).where(RoleAssignment.role == Role.FINANCE, RoleAssignment.user_id == user.id)
    )
    refused = first.post(f"/admin/people/{user.id}/roles/{assignment.id}/confirmation")
    assert refused.status == 403
    page = second.get(f"/admin/people/{user.id}").submit("/confirmation")
    assert page.has("授权已确认")
    db.session.refresh(assignment)
    assert assignment.in_force_at is not None


def test_roles_that_must_not_meet_are_refused_with_the_form_kept(sign_in):
    expert = factories.person("expert1")
    host = factories.organisation("host")
    page = (
        sign_in("secadmin")
        .get(f"/admin/people/{expert.id}")
        .submit("/roles", role="screener", organisation=str(host.id))
    )
    assert page.status == 409
    assert page.has("按规定不能兼任受理员")


def test_revoking_signs_out_and_never_takes_the_last_administrator(sign_in):
    user = factories.person("screener")
    sign_in("screener")
    assignment = user.assignments[0]
    page = sign_in("secadmin").get(f"/admin/people/{user.id}/roles/{assignment.id}/revocation").submit()
    assert page.has("授权已收回")
    live = select(LoginSession).where(LoginSession.user_id == user.id, LoginSession.ended_at.is_(None))
    assert db.session.scalars(live).all() == []
    assert sign_in("secadmin").get(f"/admin/people/1/roles/{assignment.id}/revocation").status == 404


def test_sessions_can_be_ended(sign_in):
    user = factories.person("drafter")
    browser = sign_in("drafter")
    assert browser.get("/messages").status == 200
    assert sign_in("secadmin").get(f"/admin/people/{user.id}").submit("/sessions/ending").status == 200
    assert "/sign-in" in browser.get("/messages").response.location


def invited(sign_in, role: str = "screener") -> str:
    host = factories.organisation("host")
    page = (
        sign_in("secadmin")
        .get("/admin/people/invitations/new")
        .submit(email="New.Person@example.test", role=role, organisation=str(host.id))
    )
    assert page.has("邀请已发出")
    assert page.has("new.person@example.test")
    mail = db.session.scalar(select(Mail).where(Mail.to_address == "new.person@example.test"))
    return re.search(r"/invitations/\S+", mail.body)[0]


def test_an_invitation_makes_an_account_once(sign_in, visitor, config):
    link = invited(sign_in)
    page = visitor.get(link)
    assert page.has("您受邀担任“受理员”")
    short = page.submit(name="新人", username="newcomer", password="short", again="short")
    assert short.status == 422
    assert "newcomer" in short.text
    page = visitor.get(link).submit(name="新人", username="newcomer", password=SAID, again=SAID)
    assert page.status == 200
    user = factories.person("newcomer")
    assert [(item.role, item.in_force_at) for item in user.assignments] == [(Role.SCREENER, None)]
    assert visitor.get(link).status == 410
    mailer.deliver(clock.site_now(), config=config)
    assert (
        db.session.scalar(select(Mail.body).where(Mail.to_address == "new.person@example.test")) == ""
    )  # the secret is forgotten


def test_a_withdrawn_invitation_is_useless(sign_in, visitor):
    link = invited(sign_in)
    assert sign_in("secadmin").get("/admin/people").submit("/withdrawal").has("邀请已收回")
    assert visitor.get(link).status == 410


def test_a_known_address_is_not_invited_again(sign_in):
    host = factories.organisation("host")
    page = (
        sign_in("secadmin")
        .get("/admin/people/invitations/new")
        .submit(email="drafter@example.test", role="finance", organisation=str(host.id))
    )
    assert page.status == 422
    assert page.has("这个邮箱已有账号")


def test_the_second_factor_is_set_up_with_a_right_code(sign_in):
    browser = sign_in("finance")
    page = browser.get("/account/second-factor").submit()
    secret = factories.person("finance").totp_secret
    assert page.has(secret)
    assert page.submit(code="000000").has("验证码不对或已用过")
    code = pyotp.TOTP(secret).at(clock.site_now())
    page = browser.get("/account/second-factor").submit(follow=False, code=code)
    assert page.status == 302
    assert factories.person("finance").totp_confirmed_at is not None
    assert browser.get("/account/second-factor").has("动态验证码已启用")


def test_the_first_administrator_is_made_once(session):
    now = clock.site_now()
    said = {
        "host": "某某高新区管委会",
        "credit_code": invented(900),
        "username": "first",
        "name": "首位",
        "email": "f@example.test",
        "password": SAID,
        "now": now,
    }
    with pytest.raises(Refused, match="已有安全管理员"):
        service.found_site(**said)
    for item in session.scalars(select(RoleAssignment).where(RoleAssignment.role == Role.SECADMIN)):
        item.revoked_at = now
    session.flush()
    service.found_site(**said)
    user = session.scalar(select(User).where(User.username == "first"))
    assert [(item.role, item.in_force_at) for item in user.assignments] == [(Role.SECADMIN, now)]
