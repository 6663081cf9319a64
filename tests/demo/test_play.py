"""The story is played by the rules alone."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from marketplace import db
from marketplace.accounts.models import Organisation, User
from marketplace.accounts.queries import actor_of
from marketplace.administration.kinds import kind_label
from marketplace.alerts.models import SavedSearch
from marketplace.bids import queries, validity
from marketplace.bids.models import Bid
from marketplace.capabilities.content import faults
from marketplace.capabilities.models import Capability
from marketplace.demands.clocks import CLOSING_WITHIN
from marketplace.demands.models import Demand
from marketplace.demands.rules import TABLE
from marketplace.demo import play
from marketplace.demo.content import story
from marketplace.demo.content.files import read
from marketplace.demo.reviewed import ENDS, PLANS
from marketplace.demo.searches import IN_VAIN, SAVED
from marketplace.openings import queries as openings
from marketplace.platform import clock
from marketplace.platform.audit import queries as log
from marketplace.platform.audit.models import AuditDetail
from marketplace.platform.working_days import beijing_day
from marketplace.settings import queries as settings
from marketplace.unfound import queries as unfound
from tests.client import Client, squeeze
from tests.demo.empty import empty

# What nobody does by one act on the demo's demands, and why.
ELSEWHERE = {
    "published:lapse": "the system's act when custodians release and too few have bid",
    "awarded:re_review": "only after a recusal or an upheld objection against an award that stands",
    "awarded:lapse": "the system's act when every award has ended and nobody is left to move up",
    "awarded:complete": "the system's act when every award has ended; contracts come later",
}


@pytest.fixture(scope="module")
def session(engine):
    """As in every test, but one transaction for all of this file: playing the story takes its time."""
    db.session.remove()
    connection = engine.connect()
    outer = connection.begin()
    db.session.configure(bind=connection, join_transaction_mode="create_savepoint")
    try:
        yield db.session()
    finally:
        db.session.remove()
        outer.rollback()
        connection.close()
        db.session.configure(bind=engine, join_transaction_mode="conditional_savepoint")


@pytest.fixture(scope="module")
def played(session, app):
    """The demo in an otherwise empty transaction."""
    empty(session)
    with app.app_context():  # files of the demo go into the site's storage
        scenes = play.play()
    session.commit()
    return scenes


def test_every_demand_stands_where_the_story_says(played, session):
    assert clock.offset() == timedelta(0)
    now = clock.site_now()
    phases = Counter(demand.phase(now) for demand in session.scalars(select(Demand)))
    wanted = Counter(part.state for part in story.parts().values() if part.state != "published")
    wanted["draft"] += 1  # the lapsed demand that was published again is a new draft
    opened = sum("opened" in part.stations for part in story.parts().values())
    lapsed = sum(plan.ends == "lapsed" for plan in PLANS.values())
    further = sum(phases[state] for state in ("opened", "reviewing", "notice", "awarded", "completed"))
    assert further + lapsed == opened
    wanted["opened"] = opened
    for plan in PLANS.values():  # and from there through their reviews
        wanted["opened"] -= 1
        wanted[ENDS[plan.ends]] += 1
    wanted["opened"] -= 1  # one review is at work
    wanted["reviewing"] += 1
    published = sum(part.state == "published" and not part.stations for part in story.parts().values())
    assert {state: phases[state] for state in wanted} == dict(wanted)
    assert phases["open"] + phases["closing"] + phases["closed"] == published
    assert min(phases["open"], phases["closed"]) >= 2
    assert sum(phases.values()) >= 60


def test_every_state_was_reached_through_the_log(played, session):
    for demand in session.scalars(select(Demand)):
        last = [entry for entry in session.scalars(log.history(demand.audit_subject)) if "to" in entry.facts]
        assert (last[-1].facts["to"] if last else "draft") == str(demand.state), demand.title


def test_whatever_happened_has_a_name_in_the_log(played, session):
    kinds = set(session.scalars(select(AuditDetail.kind).distinct()))
    assert len(kinds) > 60
    assert {kind for kind in kinds if kind_label(kind) == kind} == set()


def test_every_capability_stands_where_its_file_says(played, session):
    states = Counter(str(item.state) for item in session.scalars(select(Capability)))
    assert states == Counter(row["state"] for row in read("capabilities.toml")["capability"])
    assert states["listed"] >= 15
    assert states["submitted"] + states["change_submitted"] >= 3
    for item in session.scalars(select(Capability)):
        assert faults(item.said) == [], item.title


def test_bids_are_sealed_opened_destroyed_and_in_draft(played, session):
    states = Counter(str(bid.state) for bid in session.scalars(select(Bid)))
    assert states["sealed"] >= 20
    assert states["opened"] >= 6  # those that await eligibility; the others went on through their reviews
    assert states["cure"] == 2
    assert states["ineligible"] >= 1
    assert states["eligible"] >= 1

    assert states["destroyed"] >= 4
    assert states["unopenable"] == 0
    mine = {
        str(bid.state)
        for bid in session.scalars(select(Bid).join(Organisation).where(Organisation.slug == "chengguan"))
    }
    assert mine >= {"draft", "sealed", "cure"}
    for demand in session.scalars(select(Demand).where(Demand.state == "opened")):
        terms = validity.terms(demand.said)
        for bid in queries.opened(demand):
            files = queries.opened_files(bid)
            for envelope in ("technical", "price"):
                fields = queries.opened_fields(bid, envelope)
                if fields is not None:  # a two-step price is still sealed
                    there = [(file.part, file.role) for file in files if file.envelope == envelope]
                    found = validity.findings(envelope, fields, terms=terms, files=there)
                    assert found == [], (demand.title, bid.organisation.name)
            assert {file.finding for file in files} == {""}


def test_custodians_have_something_to_release(played, session):
    now = clock.site_now()
    for username in ("custodian1", "custodian2", "custodian3"):
        user = session.scalar(select(User).where(User.username == username))
        duties = openings.duties(actor_of(user), now)
        assert sum(duty.due for duty in duties) >= 3


def test_searches_are_kept_and_what_was_not_found_is_shown(played, session):
    today = beijing_day(clock.site_now())
    assert len(session.scalars(select(SavedSearch)).all()) == len(SAVED)
    shown = {line.text for line in unfound.lines(today - timedelta(days=29), today)}
    assert shown == {text for text, people, _day in IN_VAIN if people >= 5}


def test_a_second_run_finds_it(played):
    assert play.is_there()


def test_on_any_day_and_hour_something_is_closing_and_what_has_closed_is_closed(session):
    """The story is told from the day the demo is made on; weekends and holidays move deadlines, not their sides."""
    calendar = settings.calendar()
    for day in range(380):
        for hour in (0, 8, 12, 20):
            now = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=day, hours=hour)
            stage = play.Stage(beijing_day(now), now)
            closes = [(part.closes, stage.deadline(part.closes)) for part in story.parts().values() if part.closes]
            assert all((at < now) == (when.day < 0) for when, at in closes if when.day), now
            if calendar.round_up(now + timedelta(minutes=2)) - now < CLOSING_WITHIN:
                assert sum(now < at < now + CLOSING_WITHIN for _, at in closes) >= 2, now


def test_every_step_of_the_table_is_one_act_away(played, app):
    """Signing in from the card opens the very page on which the act is done: nothing is refused, nothing is missing."""
    client = Client(app)
    told = {
        "资格审查",
        "答复异议",
        "能力审核",
        "单位注册",
        "组建专家组",
        "出具评审报告",
        "释放标书",
        "释放报价",
        "抽取专家",
    }
    told |= {"评审邀请", "评审打分", "回避申报", "标书草稿", "补正", "能力", "授权确认"}
    page = client.get("/sign-in")
    steps = page.html.xpath("//ol[contains(@class,'step-list')]/li")
    offered = Counter()
    leads = {step.get("data-leads") for step in steps} - {None}
    for step in steps:
        stage, what = (" ".join(part.text_content().split()) for part in step.xpath("./p"))
        action, fields = step.xpath(".//form/@action")[0], dict(step.xpath(".//form")[0].form_values())
        opened = Client(app).post(action, {"next": fields["next"]}, follow=True)
        assert opened.status == 200, (stage, what, opened.main[:200])
        offered[stage] += 1
        if stage in told:  # by a feature: some acts go on from the page it names, or need the browser's own keys
            name = step.xpath("./p//small")[0].text_content().partition("：")[0]
            assert squeeze(name) in squeeze(opened.text), (stage, what)
            continue
        assert opened.html.xpath("//main//form[translate(@method,'POST','post')='post']"), (stage, what)
        assert not opened.html.xpath("//main//*[@aria-disabled='true']"), (stage, what)
    wanted = {f"{state}:{action}" for state, action in TABLE} - set(ELSEWHERE)
    assert wanted - leads == set()
    assert not leads & set(ELSEWHERE), "it can be offered after all"
    assert offered["答疑"] == 4
    assert told - set(offered) == set()
