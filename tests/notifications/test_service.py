"""Messages and mails: told once, to the right people, discreetly where bids are concerned."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from marketplace import db
from marketplace.accounts import service as accounts
from marketplace.accounts.rules import Role
from marketplace.demands import service as demands
from marketplace.demands.rules import Action
from marketplace.notifications import consumer, mailer, queries, service
from marketplace.notifications.models import Mail, Message
from marketplace.platform.outbox import OutboxRow
from tests import factories


def happened() -> list[OutboxRow]:
    db.session.commit()
    return list(db.session.scalars(select(OutboxRow).order_by(OutboxRow.id)))


def told(title: str) -> set[str]:
    rows = db.session.scalars(select(Message).where(Message.title.startswith(title)))
    people = {row.user_id for row in rows}
    return {name for name in factories.PEOPLE if factories.person(name).id in people}


def test_each_person_is_told_once(app, session, now):
    ids = [factories.person("drafter").id, factories.person("approver").id]
    said = {"key": "outbox:1", "title": "甲", "text": "乙", "url": "/demands/x", "now": now}
    assert service.tell(ids, **said) == 2
    assert service.tell(ids, **said) == 0
    assert len(session.scalars(select(Mail)).all()) == 2
    assert queries.unread_count(ids[0]) == 1


def test_who_wants_no_mail_gets_the_message_only(app, session, now, actor):
    service.wish_mail(False, actor=actor("drafter"), now=now)
    service.tell([factories.person("drafter").id], key="k", title="甲", text="", url="", now=now)
    assert session.scalars(select(Mail)).all() == []
    assert queries.unread_count(factories.person("drafter").id) == 1


@pytest.mark.parametrize(
    ("stage_name", "title", "people"),
    [
        ("submitted", "有需求待受理", {"screener", "screener2"}),
        ("returned", "需求退回补正", {"drafter", "approver"}),
        ("appraising", "有需求待论证入库", {"publisher", "publisher2"}),
        ("pooled", "需求已入库", {"drafter", "approver"}),
        ("published", "需求已编入张榜批次", {"drafter", "approver"}),
    ],
)
def test_the_life_of_a_demand_is_told(app, stage, now, stage_name, title, people):
    getattr(stage, stage_name)()
    rows = happened()
    consumer.handle(rows, now)
    consumer.handle(rows, now)  # read again after a crash: nobody is told twice
    assert told(title) == people


def test_followers_mails_say_neither_demand_nor_act(app, stage, now, actor):
    demand = stage.published()
    demands.follow(demand, actor=actor("bidder"), now=now)
    demands.suspend(demand, reason="现场条件变化", actor=actor("publisher"), now=now)
    consumer.handle(happened(), now)
    assert told("需求已暂停揭榜") == {"bidder", "drafter", "approver", "supervisor"}
    mail = db.session.scalar(select(Mail).where(Mail.to_address == "bidder@example.test"))
    assert mail.subject == "张榜有一条新消息"
    assert demand.title not in mail.body
    assert demand.number not in mail.body
    assert "暂停" not in mail.body


def test_a_proposal_is_told_to_those_who_may_confirm(app, stage, now, actor):
    demand = stage.published()
    demands.propose(demand, Action.WITHDRAW, reason="不再需要", actor=actor("publisher"), now=demand.closes_at)
    consumer.handle(happened(), now)
    assert told("有一项提议等您确认（撤榜）") == {"supervisor"}


def test_a_grant_waits_for_the_other_administrator(app, session, now, actor):
    assignment = accounts.grant_role(
        factories.person("drafter"), Role.FINANCE, factories.organisation("unit"), actor=actor("secadmin"), now=now
    )
    consumer.handle(happened(), now)
    assert told("有一项授权待您确认") == {"secadmin2"}
    accounts.confirm_role(assignment, actor=actor("secadmin2"), now=now)
    consumer.handle(happened(), now)
    assert told("您已获授权：财政") == {"drafter"}


def test_followers_are_reminded_once_before_the_deadline(app, stage, now, actor):
    demand = stage.published()
    demands.follow(demand, actor=actor("bidder"), now=now)
    db.session.commit()
    consumer.remind(now)
    assert told("揭榜即将截止") == set()
    late = demand.closes_at - timedelta(hours=24)
    consumer.remind(late)
    consumer.remind(late)
    assert told("揭榜即将截止") == {"bidder"}


def test_a_mail_is_delivered_once_even_after_a_crash(app, session, now, config):
    service.send_mail("a@example.test", "主题\n第二行", "正文", key="once", now=now)
    db.session.commit()
    mail = session.scalar(select(Mail))
    assert mail.subject == "主题 第二行"
    transport = mailer.transport_of(config)
    name = f"{mail.id:08d}-{mailer.digest(mail)}"
    transport(name, mailer.compose(mail, sender=config.mail_from, host="localhost"))  # then killed before the commit
    assert mailer.deliver(now, config=config) == 1
    assert mailer.deliver(now, config=config) == 0
    assert [file.name for file in (config.instance / "mail").glob(f"{name}*")] == [f"{name}.eml"]


def test_a_failure_waits_and_stops_nobody_else(app, session, now, config):
    for address in ("bad@example.test", "good@example.test"):
        service.send_mail(address, "主题", "正文", key=address, now=now)
    db.session.commit()
    sent: list[str] = []

    def transport(name, message):
        if message["To"].startswith("bad"):
            raise OSError("no route")
        sent.append(message["To"])

    assert mailer.deliver(now, config=config, transport=transport) == 1
    assert mailer.deliver(now, config=config, transport=transport) == 0
    bad = session.scalar(select(Mail).where(Mail.key == "bad@example.test"))
    assert (bad.failures, sent) == (1, ["good@example.test"])
    assert bad.retry_at > now
