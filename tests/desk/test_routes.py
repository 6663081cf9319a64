"""The desk shows what waits for whom, in the same number of queries however much it is."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from marketplace import db
from marketplace.accounts.models import LoginSession
from marketplace.accounts.rules import Role
from marketplace.demands import service
from marketplace.demands.models import Demand
from marketplace.demands.rules import STATE_LABELS, State
from marketplace.desk import queries
from marketplace.platform import errands
from marketplace.platform.working_days import seed_rows, seeded
from marketplace.settings import queries as settings
from marketplace.settings.models import WorkingDay, WorkingYear
from tests import factories
from tests.capabilities.making import capability
from tests.matching.test_service import catch_up


@pytest.mark.parametrize(
    ("username", "make", "verb"),
    [
        ("screener", "submitted", "审查"),
        ("publisher", "appraising", "论证"),
        ("publisher", "pooled", "编批"),
        ("drafter", "returned", "补正"),
        ("approver", "draft", "确认"),
    ],
)
def test_what_waits_is_on_top_of_the_right_desk(stage, sign_in, username, make, verb):
    demand = getattr(stage, make)()
    db.session.commit()
    page = sign_in(username).get("/desk")
    assert page.has(demand.title)
    assert page.has(verb)
    assert not sign_in("rival").get("/desk").has(demand.title)
    assert not sign_in("other_drafter").get("/desk").has(demand.title)


def test_the_drafter_does_not_confirm_his_own(stage, sign_in):
    demand = stage.draft()
    db.session.commit()
    assert sign_in("drafter").get("/desk").has("继续填报")
    demand.drafter_id = stage.actor("approver").id
    db.session.commit()
    assert not sign_in("approver").get("/desk").has(demand.title)


def test_a_proposal_waits_for_the_second_person_only(stage, sign_in):
    from marketplace.demands.rules import Action
    from marketplace.platform import clock

    demand = stage.published()
    clock.move_to(demand.closes_at)
    service.propose(demand, Action.WITHDRAW, reason="项目取消", actor=stage.actor("publisher"), now=clock.site_now())
    db.session.commit()
    assert sign_in("supervisor").get("/desk").has(demand.title)
    assert not sign_in("publisher").get("/desk").has(demand.title)


@pytest.fixture
def everybody_waits():
    """An errand for every role for each demand that there is."""
    before = dict(errands._sources)

    def each(actor, now):
        return errands.line(number=Demand.id, ref=Demand.key, title=Demand.title)

    errands.register(tuple(Role), each, lambda row: errands.Errand(row.title, "试办", "办理", f"/desk/each/{row.ref}"))
    yield
    errands._sources.clear()
    errands._sources.update(before)


def test_a_desk_costs_at_most_eight_queries_whatever_waits(stage, sign_in, count_queries, everybody_waits):
    people = {username: sign_in(username) for username in factories.PEOPLE}

    def statements(client) -> list[str]:
        client.get("/desk")
        count_queries.clear()
        assert client.get("/desk").has("试办")
        return [statement for statement in count_queries if not statement.startswith("BEGIN")]

    def one_of_each() -> None:
        for make in (stage.draft, stage.submitted, stage.returned, stage.appraising, stage.pooled):
            make()
        db.session.commit()

    one_of_each()
    few = {username: statements(client) for username, client in people.items()}
    for _ in range(29):
        stage.submitted()
    one_of_each()
    for username, client in people.items():
        many = statements(client)
        assert len(many) == len(few[username]), username
        assert len(many) <= 8, (username, many)


@pytest.fixture
def all_days_stored(session):
    """The administrator has saved the working days: they come from the tables from then on."""
    days, years = seed_rows()
    session.add_all(WorkingYear(year=item.year, status=item.status) for item in years)
    session.add_all(WorkingDay(day=item.on, kind=item.kind, note=item.note) for item in days)
    session.commit()
    return days, years


def test_stored_days_say_what_the_seed_says_in_one_query(all_days_stored, count_queries):
    _, years = all_days_stored
    count_queries.clear()
    stored, seed = settings.calendar(), seeded()
    assert len(count_queries) == 1
    spans = [date(item.year, 1, 1) + timedelta(days=number) for item in years for number in range(365)]
    assert [stored.is_working_day(day) for day in spans] == [seed.is_working_day(day) for day in spans]
    assert stored.provisional_years(spans[0], spans[-1]) == seed.provisional_years(spans[0], spans[-1]) != ()


def test_a_firm_with_capabilities_and_stored_days_costs_no_more(stage, sign_in, count_queries, all_days_stored):
    """Comparing all demands with a firm is not part of its desk: the page asks for that once it is drawn."""
    capability("listed", stage.now)
    demand = stage.published()
    catch_up(stage.now)
    bidder = sign_in("bidder")
    bidder.get("/desk")
    count_queries.clear()
    page = bidder.get("/desk")
    assert len([statement for statement in count_queries if not statement.startswith("BEGIN")]) == 7
    assert page.html.xpath("//*[@data-module='refresh']/@data-url") == ["/desk/matches/panel"]
    assert "/desk/matches" in page.links()  # for whom no script runs
    panel = bidder.get("/desk/matches/panel")
    assert panel.has("适合本单位的需求 1")
    assert panel.has(demand.title)
    assert not sign_in("screener").get("/desk").html.xpath("//*[@data-module='refresh']")


def test_dues_are_counted_by_working_days(stage, sign_in, actor):
    """In SQL as the calendar counts one by one, at every hour of a fortnight with its weekend."""
    for _ in range(3):
        stage.submitted()
    stage.appraising()
    db.session.commit()
    rows = db.session.scalars(select(Demand)).all()
    spread = dict(zip(rows, (0, 30, 49, 95), strict=True))
    for row, hours in spread.items():
        row.submitted_at = stage.now - timedelta(hours=hours)
        row.appraising_at = row.submitted_at if row.state is State.APPRAISING else None
    db.session.commit()
    calendar, office = settings.calendar(), actor("screener")
    seen = set()
    for hour in range(0, 24 * 20, 5):
        now = stage.now + timedelta(hours=hour)
        expected = queries.due_counts(
            [
                queries.due_at(row, item, calendar)
                for row in rows
                for item in queries.MATTERS
                if item.state is row.state
            ],
            now,
        )
        wide = select(Demand).where(Demand.state.in_([State.SUBMITTED, State.APPRAISING]))
        found = queries.counts(wide, office, now, calendar).dues
        assert found == expected, now
        seen |= {place for place, number in enumerate(found) if number}
    assert seen == {0, 1, 2, 3}


def test_a_year_without_days_off_leaves_the_desk_open(stage, actor):
    stage.submitted()
    db.session.commit()
    far = datetime(2099, 5, 4, tzinfo=UTC)
    found = queries.counts(select(Demand), actor("screener"), far, settings.calendar())
    assert found.total == 1
    assert found.dues == (0, 0, 0, 0)


def test_done_and_mine_and_the_export(stage, sign_in):
    demand = stage.returned()
    db.session.commit()
    assert sign_in("screener").get("/desk/done").has(demand.title)
    assert sign_in("drafter").get("/desk/mine").has(demand.title)
    answer = sign_in("drafter").get("/desk/mine?export=xlsx").response
    assert answer.mimetype.endswith("sheet")
    assert answer.data.startswith(b"PK")


def test_visitors_sign_in_first(visitor):
    assert visitor.get("/desk").status == 302


def test_writing_starts_in_the_form_and_says_its_quality(stage, sign_in):
    demand = stage.returned()
    db.session.commit()
    page = sign_in("drafter").get("/desk")
    assert f"/demands/{demand.ref}/edit" in page.links()
    assert page.has("质量分")


def test_what_changed_since_the_visit_before(stage, sign_in):
    stage.submitted()
    db.session.commit()
    assert not sign_in("screener").get("/desk").has("上次登录")
    stage.submitted(title="科研楼宇危化品全流程智能管控")
    first = db.session.scalar(select(LoginSession).order_by(LoginSession.id.desc()))
    first.created_at = stage.now - timedelta(hours=1)
    db.session.commit()
    assert sign_in("screener").get("/desk").has("2件有变化")


@pytest.mark.parametrize(
    "username", ["drafter", "screener", "publisher", "supervisor", "sysadmin", "auditadmin", "bidder"]
)
def test_every_entry_of_the_menu_opens(sign_in, username):
    client = sign_in(username)
    menu = client.get("/desk").html.xpath("//nav[contains(@class, 'desk__nav')]//a/@href")
    assert len(menu) >= 4
    for url in menu:
        assert client.get(url, follow=True).status == 200, url


def test_the_demo_cards_are_read_once_for_each_state_of_the_site(visitor, stage, count_queries):
    demand = stage.submitted()
    db.session.commit()
    costs = []
    for _ in range(3):  # the first reads; of two more, at most one begins a new minute
        count_queries.clear()
        assert visitor.get("/sign-in").has(demand.title)
        costs.append(len([statement for statement in count_queries if not statement.startswith("BEGIN")]))
    assert min(costs) == 3
    service.return_for_correction(
        demand, defects=[{"field": "goal", "text": "目标写具体些"}], actor=stage.actor("screener"), now=stage.now
    )
    db.session.commit()
    count_queries.clear()
    page = visitor.get("/sign-in")
    assert page.has("补正")
    assert (
        page.html.xpath("//p[contains(@class,'step-list__stage')]")[0].text_content() == STATE_LABELS[State.RETURNED].zh
    )
    cold = len([statement for statement in count_queries if not statement.startswith("BEGIN")])
    assert cold <= 90, cold
