"""One's own account: sessions, password, authenticator, reset by mail, personal data."""

import re

import pytest
from sqlalchemy import select

from marketplace import db
from marketplace.accounts import queries, service
from marketplace.accounts.models import LoginSession
from marketplace.notifications.models import Mail
from marketplace.platform import clock
from marketplace.platform.errors import Refused
from tests.factories import PASSWORD, person

NEW = "一句只有我自己知道的话 2026"


@pytest.fixture
def real(session):
    """Members of the cast as accounts of their own, not the demo's shared ones."""

    def make(username):
        person(username).is_demo = False
        db.session.commit()
        return username

    return make


@pytest.mark.parametrize("url", ["/account", "/account/password", "/account/privacy"])
def test_a_visitor_signs_in_first(visitor, url):
    page = visitor.get(url)
    assert page.status == 302
    assert "/sign-in" in page.response.location


def test_the_account_shows_who_one_is_and_ends_other_browsers(sign_in):
    other, here = sign_in("bidder"), sign_in("bidder")
    page = here.get("/account")
    assert page.has("河洛智感科技有限公司")
    page.submit("/end")
    assert other.get("/account").status == 302
    assert here.get("/account").status == 200


def test_somebody_elses_session_does_not_exist(sign_in):
    sign_in("rival")
    theirs = db.session.scalar(select(LoginSession).order_by(LoginSession.id.desc()))
    assert sign_in("bidder").post(f"/account/sessions/{theirs.id}/end").status == 404


def test_a_new_password_works_and_the_old_one_does_not(sign_in, real):
    here = sign_in(real("bidder"))
    page = here.get("/account/password").submit(current=PASSWORD, password=NEW, again=NEW)
    assert page.has("密码已修改")
    now = clock.site_now()
    assert service.check_password("bidder", NEW, now=now)[0] is not None
    assert service.check_password("bidder", PASSWORD, now=now)[0] is None


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"current": "wrong", "password": NEW, "again": NEW}, "用户名或密码不对"),
        ({"current": PASSWORD, "password": NEW, "again": "other"}, "两次填写的密码不同"),
        ({"current": PASSWORD, "password": "short", "again": "short"}, "密码至少"),
    ],
)
def test_a_bad_password_change_is_refused(sign_in, real, typed, sentence):
    page = sign_in(real("bidder")).get("/account/password").submit(**typed)
    assert page.status == 422
    assert page.has(sentence)


def test_a_shared_demo_account_keeps_its_password(sign_in):
    page = sign_in("bidder").get("/account/password").submit(current=PASSWORD, password=NEW, again=NEW)
    assert page.status == 409
    assert page.has("演示账号由大家共用")


def test_forgotten_says_the_same_for_known_and_unknown(visitor, real):
    known = visitor.get("/sign-in/forgotten").submit(address=real("bidder"))
    unknown = visitor.get("/sign-in/forgotten").submit(address="nobody@example.test")
    assert known.has("如果这个账号存在")
    assert unknown.has("如果这个账号存在")
    mails = db.session.scalars(select(Mail).where(Mail.to_address == "bidder@example.test")).all()
    assert len(mails) == 1
    path = re.search(r"/sign-in/reset/\S+", mails[0].body).group()
    assert visitor.get(path).submit(password=NEW, again=NEW).has("新密码已设置")
    again = visitor.get(path).submit(password=NEW + "!", again=NEW + "!")
    assert again.status == 410
    assert service.check_password("bidder", NEW, now=clock.site_now())[0] is not None


def test_staff_without_an_authenticator_are_led_to_bind_one(visitor, real):
    page = visitor.get("/sign-in").submit("/sign-in", username=real("screener"), password=PASSWORD, follow=False)
    assert page.response.location == "/account/second-factor"
    assert visitor.get("/organisations").status == 403


def test_erasure_is_asked_for_decided_and_done(sign_in, real):
    here = sign_in(real("bidder_member"))
    number = person("bidder_member").id
    assert here.get("/account/privacy").submit(reason="离职").has("正在等待安全管理员处理")
    asked = queries.open_erasure(number)
    assert sign_in("bidder").get(f"/account/erasures/{asked.id}").status == 403
    office = sign_in("secadmin")
    assert office.get("/account/erasures").has("王乐")
    assert office.get(f"/account/erasures/{asked.id}").submit(reason="", verb="keep").status == 422
    office.get(f"/account/erasures/{asked.id}").submit(reason="须先移交工作", verb="keep")
    page = here.get("/account/privacy")
    assert page.has("须先移交工作")
    page.submit(reason="已移交")
    asked = queries.open_erasure(number)
    office.get(f"/account/erasures/{asked.id}").submit(reason="", verb="erase")
    assert here.get("/account").status == 302
    user = queries.by_username(f"erased-{number}")
    assert (user.name, user.phone, user.password_hash) == ("已注销用户", "", "")


def test_the_last_administrator_hands_over_first(session, actor, real):
    real("bidder")
    now = clock.site_now()
    asked = service.ask_erasure(person("bidder"), "", actor=actor("bidder"), now=now)
    with pytest.raises(Refused, match="最后一位"):
        service.decide_erasure(asked, True, "", actor=actor("secadmin"), now=now)
