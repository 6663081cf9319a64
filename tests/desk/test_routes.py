"""The desk shows what waits for whom, in the same number of queries however much it is."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from marketplace import db
from marketplace.accounts.models import LoginSession
from marketplace.demands import service
from marketplace.platform import errands


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
    service.propose(demand, Action.WITHDRAW, reason="项目取消", actor=stage.actor("publisher"), now=stage.now)
    db.session.commit()
    assert sign_in("supervisor").get("/desk").has(demand.title)
    assert not sign_in("publisher").get("/desk").has(demand.title)


def test_the_number_of_queries_does_not_grow(stage, sign_in, count_queries):
    def queries(client) -> int:
        client.get("/desk")
        count_queries.clear()
        client.get("/desk")
        return len(count_queries)

    stage.submitted()
    db.session.commit()
    screener = sign_in("screener")
    few = queries(screener)
    for n in range(25):
        stage.submitted(title=f"第{n}号需求的名称要够长")
    db.session.commit()
    assert queries(screener) == few
    assert few <= 8 + len(errands._sources)  # one query for each feature that knows of errands, whatever it finds


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
