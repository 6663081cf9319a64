"""Each new hit once, to its reader, in his rhythm; nothing that he may not see; nobody after he has left."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from marketplace import db
from marketplace.alerts import consumer, service
from marketplace.alerts.models import AlertClock, SavedSearch, SavedSearchHit
from marketplace.alerts.rules import Frequency
from marketplace.demands import service as demands
from marketplace.demands.queries import Filters
from marketplace.notifications import mailer
from marketplace.notifications import service as notifications
from marketplace.notifications.models import Mail, Message
from marketplace.platform.errors import Forbidden, Invalid, Refused
from marketplace.platform.outbox import OutboxRow
from tests import factories
from tests.capabilities.making import capability

EARLIER = timedelta(days=1)


@pytest.fixture
def keep(app, session, actor, now):
    """Save a search a day ago."""

    def save(who="bidder", q="停车", frequency=Frequency.INSTANT, kind="demand", by_mail=True, **facets):
        filters = Filters.read({"q": [q], **{name: [value] for name, value in facets.items()}})
        return service.save(
            filters,
            kind,
            name=f"{q or '全部'}",
            frequency=frequency,
            by_mail=by_mail,
            actor=actor(who),
            now=now - EARLIER,
        )

    return save


def happen(now, *, times: int = 2) -> None:
    """Read the whole outbox, again and again: only the first time may tell."""
    db.session.commit()
    rows = list(db.session.scalars(select(OutboxRow).order_by(OutboxRow.id)))
    for _n in range(times):
        consumer.handle(rows, now)
    db.session.commit()


def told() -> list[tuple[str, str]]:
    """(person, text of the message), in order."""
    names = {factories.person(name).id: name for name in factories.PEOPLE}
    rows = db.session.scalars(select(Message).where(Message.key.startswith("alert:")).order_by(Message.id))
    return [(names[row.user_id], row.text) for row in rows]


def mails() -> list[Mail]:
    return list(db.session.scalars(select(Mail).where(Mail.key.startswith("alert:")).order_by(Mail.id)))


def test_a_new_hit_is_told_once_by_message_and_mail(keep, stage, now):
    keep()
    demand = stage.published()
    happen(now)
    happen(now + timedelta(hours=1))
    assert told() == [("bidder", demand.title)]
    (mail,) = mails()
    assert demand.title in mail.body
    assert f"/demands/{demand.number}" in mail.body
    assert mail.unsubscribe_url.startswith("http")
    assert mail.unsubscribe_url in mail.body
    message = mailer.compose(mail, sender="a@example.test", host="example.test")
    assert message["List-Unsubscribe"] == f"<{mail.unsubscribe_url}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_who_reads_the_site_in_english_is_told_in_english(keep, stage, now):
    keep()
    factories.person("bidder").locale = "en"
    demand = stage.published()
    happen(now)
    (mail,) = mails()
    assert mail.subject == "[Zhangbang] 1 new result for your search “停车”"
    assert demand.title in mail.body
    assert "No more mails about this search" in mail.body
    assert "退订" not in mail.body
    (message,) = db.session.scalars(select(Message).where(Message.key.startswith("alert:")))
    assert message.title == "1 new result for your search “停车”"


def test_what_does_not_match_is_not_told(keep, stage, now):
    keep(q="氢能储运")
    keep(q="停车 -泊位")
    keep(direction="industry")
    keep(kind="capability")
    stage.published()
    happen(now)
    assert told() == []


def test_what_was_there_before_is_not_new_whatever_changes(keep, stage, now, actor):
    demand = stage.published()
    search = keep()
    search.since = now + timedelta(seconds=1)
    demands.amend(
        demand, replace(demand.said, goal=demand.said.goal + "并开放接口。"), reason="补充", closes_at=None,
        actor=actor("publisher"), now=now + timedelta(minutes=5),
    )  # fmt: skip
    happen(now + timedelta(minutes=5))
    assert told() == []


def test_a_scheduled_demand_is_told_when_it_becomes_visible_and_not_before(keep, stage, now):
    keep()
    demand = stage.published()
    demand.visible_from = now + timedelta(hours=2)
    happen(now)
    assert told() == []
    assert db.session.scalar(select(func.count()).select_from(SavedSearchHit)) == 0
    service.follow_clock(now)  # the first look only notes the time
    service.follow_clock(now + timedelta(hours=1))
    assert told() == []
    for _n in range(3):
        service.follow_clock(now + timedelta(hours=2))
    assert [name for name, _ in told()] == ["bidder"]


def test_what_is_published_while_the_worker_reads_on_is_not_passed_over(keep, stage, now):
    """A drain has one instant and reads rows that others write meanwhile, with later ones."""
    keep()
    stage.now = now + timedelta(seconds=30)
    stage.published(title="地下车库停车诱导与反向寻车")
    happen(now, times=1)
    assert len(told()) == 1


def test_a_batch_called_back_tells_nobody(keep, stage, now, actor):
    keep()
    demand = stage.published()
    demand.visible_from = demand.batch.visible_from = now + timedelta(hours=2)
    db.session.commit()
    demands.call_back_batch(demand.batch, reason="撤回核对", actor=actor("publisher"), now=now)
    happen(now)
    service.follow_clock(now)
    service.follow_clock(now + timedelta(days=1))
    assert told() == []


def test_a_state_asked_for_is_told_at_the_instant_of_the_clock(keep, stage, now):
    keep(q="", state="closing")
    keep(who="rival", q="", state="closed")
    demand = stage.published()
    closes_at, title = demand.closes_at, demand.title
    happen(now)
    service.follow_clock(now)
    at = now
    while at < closes_at + timedelta(days=1):
        at += timedelta(hours=12)
        before = len(told())
        service.follow_clock(at)
        for _name, _text in told()[before:]:
            assert at >= closes_at - timedelta(hours=72)
    assert told() == [("bidder", title), ("rival", title)]


def test_digests_gather_and_come_in_their_rhythm(keep, stage, now):
    daily = keep(frequency=Frequency.DAILY)
    weekly = keep(who="rival", frequency=Frequency.WEEKLY)
    batch = stage.batch()
    first = stage.published(batch=batch)
    happen(now)
    assert told() == []
    due = daily.next_at
    assert due is not None
    assert weekly.next_at is not None
    service.send_digests(due - timedelta(seconds=1))
    assert told() == []
    service.send_digests(max(due, weekly.next_at))
    service.send_digests(max(due, weekly.next_at) + timedelta(days=14))
    assert sorted(told()) == [("bidder", first.title), ("rival", first.title)]
    assert all(search.next_at is not None for search in db.session.scalars(select(SavedSearch)))


def test_a_hit_that_is_no_longer_public_is_told_to_nobody(keep, session, now):
    search = keep(q="泊位", kind="capability", frequency=Frequency.DAILY)
    capability("listed", now)
    happen(now)
    assert db.session.scalar(select(func.count()).select_from(SavedSearchHit)) == 1
    factories.organisation("firm").state = "suspended"
    db.session.commit()
    due = search.next_at
    service.send_digests(due)
    assert told() == []
    assert mails() == []
    assert db.session.scalar(select(SavedSearchHit.sent_at)) == due


def test_drafts_and_what_waits_for_review_are_never_hits(keep, stage, now):
    keep(q="", kind="")
    for make in ("draft", "submitted", "returned", "appraising", "pooled"):
        getattr(stage, make)()
    capability("submitted", now)
    capability("returned", now)
    happen(now)
    assert db.session.scalar(select(func.count()).select_from(SavedSearchHit)) == 0


def test_a_change_of_a_capability_is_told_by_its_public_words_only(keep, session, now):
    keep(q='"开放接口（新）"', kind="capability")
    keep(who="rival", q="泊位", kind="capability")
    capability("change_submitted", now)
    happen(now)
    assert [name for name, _ in told()] == ["rival"]


def test_off_tells_nothing_and_on_again_only_what_comes_then(keep, stage, now, actor):
    search = keep(frequency=Frequency.OFF)
    batch = stage.batch()
    stage.published(batch=batch)
    happen(now)
    service.change(
        search,
        name="停车",
        frequency=Frequency.INSTANT,
        by_mail=True,
        actor=actor("bidder"),
        now=now + timedelta(hours=1),
    )
    happen(now + timedelta(hours=2))
    assert told() == []


def test_no_mail_to_whom_wants_none(keep, stage, now, actor):
    keep(by_mail=False)
    keep(who="rival")
    notifications.wish_mail(False, actor=actor("rival"), now=now)
    stage.published()
    happen(now)
    assert sorted(name for name, _ in told()) == ["bidder", "rival"]
    assert mails() == []


def test_leaving_by_the_signed_link(keep, stage, now):
    search = keep()
    assert service.by_token("nonsense") is None
    assert service.by_token(service.token_of(search)[:-1] + "x") is None
    found = service.by_token(service.token_of(search))
    assert found is not None
    assert found.id == search.id
    service.unsubscribe(found, now)
    service.unsubscribe(found, now)
    stage.published()
    happen(now)
    assert told() == []


def test_limits_and_names(keep, actor, now, monkeypatch):
    search = keep()
    with pytest.raises(Invalid, match="1至60"):
        service.change(search, name=" ", frequency=Frequency.OFF, by_mail=True, actor=actor("bidder"), now=now)
    with pytest.raises(Forbidden):
        service.change(search, name="甲", frequency=Frequency.OFF, by_mail=True, actor=actor("rival"), now=now)
    monkeypatch.setattr(service, "SEARCHES_MOST", 1)
    with pytest.raises(Refused, match="最多保存1个"):
        keep()


def test_deleting_takes_the_hits_along_and_leaves_what_was_told(keep, stage, now, actor):
    search = keep()
    stage.published()
    happen(now)
    service.delete(db.session.get(SavedSearch, search.id), actor=actor("bidder"), now=now)
    db.session.commit()
    assert db.session.scalar(select(func.count()).select_from(SavedSearchHit)) == 0
    assert len(told()) == 1


def test_the_cost_of_a_change_does_not_grow_with_the_searches(keep, stage, now, count_queries):
    def queries_of() -> int:
        rows = list(db.session.scalars(select(OutboxRow).order_by(OutboxRow.id)))
        db.session.expire_all()
        count_queries.clear()
        consumer.handle(rows, now)
        return len(count_queries)

    stage.published()
    keep(q="氢能储运")
    db.session.commit()
    few = queries_of()
    for _n in range(29):
        keep(q="氢能储运")
    db.session.commit()
    assert queries_of() == few


def test_the_clock_is_one_row(app, session, now):
    service.follow_clock(now)
    service.follow_clock(now + timedelta(seconds=5))
    service.follow_clock(now)  # never back
    assert db.session.scalars(select(AlertClock.upto)).all() == [now + timedelta(seconds=5)]
