"""Terms follow what is public; each fitting firm is told once, and nobody of what he may not bid for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from marketplace import db
from marketplace.accounts.models import Affiliate
from marketplace.capabilities import service as capabilities
from marketplace.capabilities.models import Capability
from marketplace.capabilities.rules import CapabilityAction
from marketplace.demands import service as demands
from marketplace.matching import consumer, queries, service
from marketplace.matching.models import MatchNote, MatchOffer, MatchRun, MatchTerm, MatchWord
from marketplace.notifications.models import Mail, Message
from marketplace.platform.outbox import OutboxRow
from tests import factories
from tests.capabilities.making import capability
from tests.demands.samples import content as demand_content


def catch_up(now) -> None:
    """Read every outbox row, twice: the second time changes nothing."""
    db.session.commit()
    rows = list(db.session.scalars(select(OutboxRow).order_by(OutboxRow.id)))
    consumer.handle(rows, now)
    before = picture()
    consumer.handle(rows, now)
    assert picture() == before
    db.session.commit()


def picture() -> tuple[list[tuple[str, str, int, int]], list[tuple[str, str, int]]]:
    """All terms, and the counts of words that they must give."""
    rows = db.session.execute(select(MatchTerm.side, MatchTerm.term, MatchTerm.subject_id, MatchTerm.weight))
    terms = sorted(tuple(row) for row in rows)
    words = sorted(tuple(row) for row in db.session.execute(select(MatchWord.side, MatchWord.term, MatchWord.number)))
    counted: dict[tuple[str, str], set[int]] = {}
    for side, term, subject, _weight in terms:
        counted.setdefault((side, term), set()).add(subject)
        counted.setdefault((side, ""), set()).add(subject)
    assert words == sorted((side, term, len(subjects)) for (side, term), subjects in counted.items())
    return terms, words


def told() -> set[tuple[str, str]]:
    names = {factories.person(name).id: name for name in factories.PEOPLE}
    rows = db.session.scalars(select(Message).where(Message.key.startswith("match:")))
    return {(names[row.user_id], row.title.partition("：")[2]) for row in rows}


def offers() -> dict[str, tuple[str, str, str]]:
    """What a new capability brought: person → title, text, address."""
    names = {factories.person(name).id: name for name in factories.PEOPLE}
    rows = list(db.session.scalars(select(Message).where(Message.key.startswith("match-offer:"))))
    assert len(rows) == len({row.user_id for row in rows})
    return {names[row.user_id]: (row.title, row.text, row.url) for row in rows}


def firms(demand, now) -> list[str]:
    return [item.capability.organisation.slug for item in queries.firms_for(demand.unit, demand.said, now)]


def test_terms_follow_what_is_public(app, stage, now, actor):
    made = capability("submitted", now)
    draft = stage.draft()
    catch_up(now)
    assert picture() == ([], [])
    capabilities.act(made, CapabilityAction.APPROVE, actor=actor("screener"), now=now)
    published = stage.published()
    catch_up(now)
    terms, _words = picture()
    assert {(side, subject) for side, _term, subject, _weight in terms} == {
        ("capability", made.id),
        ("demand", published.id),
    }
    assert draft.id != published.id
    capabilities.act(made, CapabilityAction.RETIRE, actor=actor("bidder"), now=now)
    catch_up(now)
    assert {side for side, *_ in picture()[0]} == {"demand"}


def test_a_suspended_firm_is_no_candidate(app, stage, now):
    capability("listed", now)
    demand = stage.draft()
    catch_up(now)
    assert firms(demand, now) == ["firm"]
    factories.organisation("firm").state = "suspended"
    db.session.commit()
    assert firms(demand, now) == []


def test_a_draft_finds_its_firms_with_the_reasons_and_no_others(app, stage, now):
    capability("listed", now)
    capability("listed", now, title="量子密钥分发组网改造", firm="rival", by="rival", summary="城域量子密钥分发与密码改造",
               text="自建城域光纤环，提供量子密钥分发组网、密钥管理与国密改造，适合数据中心互联与金融专线。" * 3,
               industries=("quantum",), directions=("carrier",))  # fmt: skip
    demand = stage.draft()
    catch_up(now)
    (found,) = queries.firms_for(demand.unit, demand.said, now)
    assert found.capability.organisation.slug == "firm"
    assert "泊位" in found.match.terms
    assert found.match.industries == ("iot", "newit")
    assert found.match.directions == ("living",)


def test_of_several_capabilities_of_a_firm_the_best_speaks(app, stage, now):
    capability("listed", now, text="泊位诱导的咨询服务，只写了停车。" * 8, title="停车咨询服务", references=())
    strong = capability("listed", now)
    demand = stage.draft()
    catch_up(now)
    (found,) = queries.firms_for(demand.unit, demand.said, now)
    assert found.capability.id == strong.id


@pytest.mark.parametrize("how", ["own", "controller", "affiliate", "procurement"])
def test_nobody_hears_of_what_he_may_not_bid_for(app, stage, now, how):
    capability("listed", now)
    firm, unit = factories.organisation("firm"), factories.organisation("unit")
    demand = stage.published()
    if how == "own":
        demand.unit = firm
    elif how == "controller":
        firm.controller_code, firm.controller_name = unit.credit_code, unit.name
    elif how == "affiliate":
        unit.affiliates = [Affiliate(credit_code=firm.credit_code, name=firm.name)]
    else:
        demand.mode = "procurement"
        demand.content = {**demand.content, "mode": "procurement"}
    catch_up(now)
    assert firms(demand, now) == []
    assert queries.demands_for([firm.id], now) == []
    service.run(now)
    assert told() == set()


def test_a_firm_is_told_once_and_only_while_it_can_bid(app, stage, now):
    capability("listed", now)
    demand = stage.published()
    assert service.waiting_demands(now) == []  # its terms are not kept yet
    catch_up(now)
    for _n in range(3):
        service.run(now)
    assert told() == {("bidder", demand.title), ("bidder_member", demand.title)}
    assert db.session.scalar(select(func.count()).select_from(MatchNote)) == 1
    assert db.session.get(MatchRun, demand.id).firms == 1


def test_a_scheduled_demand_tells_nobody_before_it_is_visible(app, stage, now):
    capability("listed", now)
    demand = stage.published()
    demand.visible_from = now + timedelta(hours=1)
    catch_up(now)
    assert queries.demands_for([factories.organisation("firm").id], now) == []
    service.run(now)
    assert told() == set()
    service.run(now + timedelta(hours=1))
    assert len(told()) == 2


def test_old_and_closed_demands_are_no_news(app, stage, now):
    capability("listed", now)
    demand = stage.published()
    catch_up(now)
    service.run(now + timedelta(days=3))
    assert told() == set()
    assert offers() == {}  # nor is the approval of three days ago
    assert db.session.get(MatchRun, demand.id).firms == 0
    assert service.waiting_demands(demand.closes_at) == []


def test_a_new_capability_is_told_of_every_open_demand_that_fits_in_one_message(app, stage, now, actor):
    old = [stage.published(title=f"路内泊位停车诱导与车位感知第{n}片区") for n in range(5)]
    catch_up(now)
    later = now + timedelta(days=5)  # nobody fitted when they were published
    service.run(later)
    assert told() == set()
    service.dismiss(old[0], [factories.organisation("firm")], actor=actor("bidder"), now=later)
    factories.person("bidder_member").locale = "en"
    made = capability("listed", later)
    catch_up(later)
    for _n in range(2):
        service.run(later)
    title, text, url = offers()["bidder"]
    assert title == f"正在揭榜的需求中有4条可能适合贵单位的能力“{made.public_title}”"
    assert text.count("第") == 3
    assert "第0片区" not in text
    assert "另有1条" in text
    assert url == "/desk/matches"
    assert offers()["bidder_member"][0] == f"4 open demands may suit your capability “{made.public_title}”"
    assert offers().keys() == {"bidder", "bidder_member"}
    assert told() == set()
    mails = list(db.session.scalars(select(Mail).where(Mail.key.startswith("match-offer:"))))
    assert sorted(mail.subject.partition("】")[0] for mail in mails)[0].startswith("[Zhangbang] 4 open")
    # approved anew, it tells only of what the firm does not know yet: nothing
    actions = (
        (CapabilityAction.CHANGE, "bidder"),
        (CapabilityAction.SUBMIT, "bidder"),
        (CapabilityAction.APPROVE, "screener"),
    )
    made = db.session.get_one(Capability, made.id)
    for action, by in actions:
        capabilities.act(made, action, actor=actor(by), now=later + timedelta(hours=1))
    catch_up(later + timedelta(hours=1))
    service.run(later + timedelta(hours=1))
    assert len(offers()) == 2
    assert db.session.get(MatchOffer, made.id).demands == 0


def test_dismissed_stays_dismissed_for_the_firm_alone(app, stage, now, actor):
    capability("listed", now)
    capability("listed", now, firm="rival", by="rival")
    demand = stage.published()
    catch_up(now)
    firm, rival = factories.organisation("firm"), factories.organisation("rival")
    service.dismiss(demand, [firm], actor=actor("bidder"), now=now)
    service.dismiss(demand, [firm], actor=actor("bidder_member"), now=now)
    assert queries.demands_for([firm.id], now) == []
    assert [item.demand.id for item in queries.demands_for([rival.id], now)] == [demand.id]
    demands.amend(
        demand, replace(demand.said, goal=demand.said.goal + "并形成地方标准。"), reason="补充目标", closes_at=None,
        actor=actor("publisher"), now=now,
    )  # fmt: skip
    catch_up(now)
    assert queries.demands_for([firm.id], now) == []
    service.run(now)
    assert {name for name, _ in told()} == {"rival"}
    service.restore(demand, [firm], actor=actor("bidder"), now=now)
    assert [item.demand.id for item in queries.demands_for([firm.id], now)] == [demand.id]


def test_the_cost_does_not_grow_with_what_there_is(app, stage, now, count_queries):
    def queries_of(act) -> int:
        act()
        db.session.expire_all()
        count_queries.clear()
        act()
        return len(count_queries)

    firm = factories.organisation("firm").id
    demand = stage.published()
    unit, said = demand.unit, demand.said
    capability("listed", now)
    catch_up(now)
    few = [queries_of(lambda: queries.firms_for(unit, said, now)), queries_of(lambda: queries.demands_for([firm], now))]
    for number in range(29):
        capability("listed", now, firm="rival" if number % 2 else "firm", by="rival" if number % 2 else "bidder")
    for _n in range(12):
        stage.draft()
    catch_up(now)
    many = [
        queries_of(lambda: queries.firms_for(unit, said, now)),
        queries_of(lambda: queries.demands_for([firm], now)),
    ]
    assert many == few
    assert max(few) <= 12


def test_a_word_of_every_capability_finds_nobody(app, stage, now, monkeypatch):
    for _n in range(3):
        capability("listed", now)
    catch_up(now)
    monkeypatch.setattr(queries, "COMMON_FROM", 2)
    assert queries.firms_for(factories.organisation("unit"), demand_content(), now) == []


def test_no_more_candidates_are_scored_than_the_bound(app, stage, now, monkeypatch):
    for _n in range(5):
        capability("listed", now)
    catch_up(now)
    monkeypatch.setattr(queries, "CANDIDATES", 2)
    wanted = queries.wanted_of(demand_content())
    assert len(queries._candidates("capability", list(wanted.terms))) == 2
    assert db.session.scalar(select(func.count()).select_from(Capability)) == 5
