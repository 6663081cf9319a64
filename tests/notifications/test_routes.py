"""The messages page."""

from __future__ import annotations

from sqlalchemy import select

from marketplace import db
from marketplace.notifications import service
from marketplace.notifications.models import Message
from tests import factories


def tell(username: str, now, count: int = 1) -> None:
    for number in range(count):
        service.tell(
            [factories.person(username).id], key=f"k{number}", title=f"第{number}条", text="", url="/healthz", now=now
        )
    db.session.commit()


def test_messages_are_listed_read_and_marked(sign_in, now):
    tell("drafter", now, 2)
    browser = sign_in("drafter")
    page = browser.get("/messages")
    assert page.status == 200
    assert page.has("第0条")
    assert page.has("第1条")
    message = db.session.scalar(select(Message).where(Message.title == "第1条"))
    assert page.submit(f"/messages/{message.id}/reading").text == "ok"
    page = browser.get("/messages?show=unread")
    assert page.has("第0条")
    assert not page.has("第1条")
    page = page.submit("/messages/reading")
    assert page.status == 200
    assert browser.get("/messages?show=unread").has("没有未读消息")


def test_mail_can_be_switched_off_and_on(sign_in, now):
    browser = sign_in("drafter")
    page = browser.get("/messages").submit("/messages/mail", wanted="no")
    assert page.has("同时用邮件通知我")
    assert page.submit("/messages/mail", wanted="yes").has("不再用邮件通知我")


def test_many_messages_are_paged_with_as_many_queries(sign_in, now, count_queries):
    tell("drafter", now, 40)
    tell("approver", now, 1)
    counts = []
    for username in ("drafter", "approver"):
        browser = sign_in(username)
        count_queries.clear()
        page = browser.get("/messages")
        counts.append(len(count_queries))
        assert page.has("更早的消息") == (username == "drafter")
    assert counts[0] == counts[1]


def test_a_visitor_signs_in_first(visitor):
    assert "/sign-in" in visitor.get("/messages").response.location


def test_somebody_elses_message_does_not_exist(sign_in, now):
    tell("drafter", now)
    message = db.session.scalar(select(Message))
    assert sign_in("rival").post(f"/messages/{message.id}/reading").status == 404


def test_reading_is_posted(sign_in, now):
    assert sign_in("drafter").get("/messages/reading").status == 405
