"""Signing in: by password, by demo card, slowly after mistakes."""

from datetime import timedelta

import pytest

from marketplace import db
from marketplace.accounts import service
from marketplace.accounts.models import LoginSession
from marketplace.accounts.rules import delay_after
from marketplace.platform import clock
from tests.factories import PASSWORD, person


def test_the_page_offers_every_demo_account(visitor):
    page = visitor.get("/sign-in")
    assert page.status == 200
    assert "以screener登录" in page.text


def test_a_password_signs_in_and_out(visitor):
    page = visitor.get("/sign-in").submit("/sign-in", username="drafter", password=PASSWORD, follow=False)
    assert (page.status, page.response.location) == (302, "/desk-or-home")
    with visitor.http.session_transaction() as kept:
        assert kept["_user_id"]
    assert visitor.post("/sign-out").status == 302
    row = db.session.query(LoginSession).order_by(LoginSession.id.desc()).first()
    assert row.ended_at is not None


@pytest.mark.parametrize(("username", "password"), [("drafter", "wrong"), ("nobody", PASSWORD), ("' OR 1=1", "x")])
def test_a_mistake_says_the_same_for_name_and_password(visitor, username, password):
    page = visitor.get("/sign-in").submit("/sign-in", username=username, password=password)
    assert page.status == 422
    assert page.has("用户名或密码不对")
    assert f'value="{username}"' in page.text.replace("&#39;", "'")


def test_guessing_is_slowed_down_and_the_right_password_waits_too(session):
    now = clock.site_now()
    for _ in range(5):
        user, refusal = service.check_password("rival", "guess", now=now)
    assert user is None
    user, refusal = service.check_password("rival", PASSWORD, now=now + timedelta(seconds=5))
    assert user is None
    assert "秒再试" in refusal.sentence
    user, refusal = service.check_password("rival", PASSWORD, now=now + timedelta(seconds=31))
    assert (user, refusal) == (person("rival"), None)


def test_the_delay_doubles_up_to_an_hour():
    assert [delay_after(n).total_seconds() for n in (4, 5, 6, 7, 30)] == [0, 30, 60, 120, 3600]


def test_a_card_signs_in_with_one_click(visitor):
    page = visitor.post("/sign-in/demo/screener")
    assert page.status == 302
    assert visitor.post("/sign-in/demo/other_drafter").status == 404


@pytest.mark.parametrize("target", ["//evil.test", "https://evil.test", "/\\evil.test"])
def test_no_open_redirect(visitor, target):
    page = visitor.get(f"/sign-in?next={target}").submit(
        "/sign-in", username="drafter", password=PASSWORD, follow=False
    )
    assert page.response.location == "/desk-or-home"
