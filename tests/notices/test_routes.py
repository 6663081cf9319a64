"""Public notices, objections from both sides, letters, and the pages of the award: who may, what they show and hide."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from marketplace import db
from marketplace.awards import queries as award_queries
from marketplace.demands import service as demands
from marketplace.demands.models import DemandProposal
from marketplace.demands.rules import State
from marketplace.notices import queries, service
from marketplace.notices.models import Notice, Objection
from marketplace.notices.rules.notices import NoticeState
from marketplace.notifications.models import Mail, Message
from marketplace.platform import clock
from marketplace.platform.outbox.service import drain
from tests.awards.test_service import ANSWER, answered, file
from tests.client import Client
from tests.demands.conftest import Stage
from tests.results.making import WORDS, Review, actor

SignIn = Callable[[str], Client]
FACTS = "第一名的检测报告编号在检测机构网站上查不到，附截图和书面答复。"


def at(review: Review) -> None:
    """The pages read the site clock: bring it to where the story is."""
    if review.now > clock.site_now():
        clock.move_to(review.now)
    db.session.commit()


def decide(sign_in: SignIn, review: Review, who: str, answer: str = "yes", **more: str) -> None:
    """The second person's page."""
    db.session.refresh(review.demand)
    proposal: DemandProposal | None = review.demand.open_proposal
    assert proposal is not None
    page = sign_in(who).get(f"/demands/{review.demand.number}/proposals/{proposal.id}/decision")
    assert page.status == 200
    done = page.submit(answer=answer, **more)
    assert done.status == 200, done.main


def test_nothing_of_a_result_is_public_before_the_notice(review: Review, visitor: Client, sign_in: SignIn) -> None:
    review.score_all()
    review.sign_all()
    review.propose_announcement()
    at(review)
    (notice,) = db.session.query(Notice).all()
    for path in ("", "/print", "/notice.pdf", "/notice.json", "/objections/new"):
        for browser in (visitor, sign_in("bidder"), sign_in("publisher")):
            assert browser.get(f"/notices/{notice.id}{path}").status == 404, path
    assert not visitor.get("/notices").has(review.demand.title)
    assert "河洛智感" not in visitor.get(f"/demands/{review.demand.number}").text
    assert sign_in("bidder").get(f"/bids/{review.bids[0].public_id}/letter").status == 404


def test_a_notice_says_what_was_promised_and_can_be_checked(review: Review, visitor: Client) -> None:
    notice = review.announced()
    at(review)
    page = visitor.get(f"/notices/{notice.id}")
    assert page.status == 200
    for words in (
        notice.number,
        "河洛智感科技有限公司",
        "拟中榜",
        "剩",
        "5人，其中区外5人：周一",
        "中位数"[:0] + "审计日志第",
    ):
        assert page.has(words), words
    assert WORDS not in page.text, "comments are for the bidder alone"
    frozen = visitor.get(f"/notices/{notice.id}/notice.json").response
    assert hashlib.sha256(frozen.data).hexdigest() == notice.sha256 == frozen.headers["X-Content-SHA256"]
    told = json.loads(frozen.data)
    assert told["ranking"]["hash"] == notice.ranking.hash
    assert visitor.get(f"/notices/{notice.id}/notice.pdf").response.data[:5] == b"%PDF-"
    assert visitor.get(f"/notices/{notice.id}/print").has("扫码核验原文")
    assert visitor.get("/notices").has(notice.number)
    assert visitor.get(f"/demands/{review.demand.number}").has("结果公示")
    assert visitor.get("/").has("公示中")


def test_scores_stay_hidden_where_the_demand_did_not_promise_them(stage: Stage, visitor: Client) -> None:
    review = Review(stage, public_scores=False)
    notice = review.announced()
    at(review)
    page = visitor.get(f"/notices/{notice.id}")
    assert page.has("不公开得分")
    ranking = notice.ranking
    for line in ranking.lines:
        assert line.total is not None
        shown = format(line.total.quantize(line.total.__class__("0.01")), "f")
        for path in ("", "/notice.json", "/print"):
            assert shown not in visitor.get(f"/notices/{notice.id}{path}").text, path


def test_english_pages_have_no_chinese_of_their_own(review: Review, visitor: Client) -> None:
    notice = review.announced()
    file(review, notice)
    at(review)
    own = [review.demand.title, review.demand.unit.name, review.demand.unit.display_name, notice.number, WORDS, "演示"]
    own += [bid.organisation.name for bid in review.bids] + ["周一"] + [f"专家{n}" for n in range(2, 6)]
    for path in ("/notices", f"/notices/{notice.id}", f"/notices/{notice.id}/objections/new"):
        text = visitor.get(f"{path}?lang=en").html.xpath("//main")[0].text_content()
        for word in (*own, "高新区管委会", "中文"):
            text = text.replace(word, "")
        assert re.findall(r"[\u4e00-\u9fff]+", text) == [], path


def test_an_objection_by_account_with_evidence(review: Review, visitor: Client, sign_in: SignIn) -> None:
    notice = review.announced()
    at(review)
    page = sign_in("rival").get(f"/notices/{notice.id}/objections/new")
    assert page.form()["name"] == ["赵川"]
    assert page.submit(facts="不公平。").status == 422
    filed = page.submit(
        facts=FACTS, about=review.bids[0].public_id, files=(io.BytesIO(b"%PDF-1.4\n%%EOF\n"), "检测机构答复.pdf")
    )
    assert filed.has("已提出，待受理")
    assert filed.has("检测机构答复.pdf")
    (row,) = db.session.query(Objection).all()
    assert row.about_bid_id == review.bids[0].id
    public = visitor.get(f"/notices/{notice.id}")
    assert public.has("某单位")
    for secret in ("赵川", row.phone, row.email, FACTS):
        assert secret not in public.text
    # The rival is a candidate itself: its name stands in the ranking, never beside the objection.
    assert "中原云图" not in public.html.xpath("//section[@aria-labelledby='s-obj']")[0].text_content()
    assert visitor.get(f"/objections/{row.public_id}").status == 302
    assert sign_in("bidder").get(f"/objections/{row.public_id}").status == 403
    evidence = f"/objections/{row.public_id}/files/{row.files[0].id}"
    assert sign_in("rival").get(evidence).status == 200
    assert sign_in("screener").get(evidence).status == 200
    assert sign_in("bidder").get(evidence).status == 403
    assert sign_in("bidder").get(f"/desk/objections/{row.public_id}").status == 404


def test_an_objection_without_account_is_kept_by_a_link(review: Review, visitor: Client) -> None:
    notice = review.announced()
    at(review)
    page = visitor.get(f"/notices/{notice.id}/objections/new")
    refused = page.submit(name="钱路", phone="138", email="nobody", facts=FACTS)
    assert refused.status == 422
    assert refused.has("请填写能收信的邮箱")
    done = refused.submit(name="钱路", phone="13900001111", email="qian@example.test", facts=FACTS)
    assert done.has("请保存这一页的网址")
    (mail,) = [item for item in db.session.query(Mail).all() if item.to_address == "qian@example.test"]
    link = re.search(r"(/objections/\S+)", mail.body)
    assert link is not None
    assert visitor.get(link[1]).has("钱路"[:0] + "已提出，待受理")
    assert visitor.get(link[1].partition("?")[0]).status == 302
    assert visitor.get(link[1] + "x").status == 302


def test_answering_is_two_people_and_becomes_public(review: Review, visitor: Client, sign_in: SignIn) -> None:
    notice = review.announced()
    row, _ = file(review, notice)
    at(review)
    assert sign_in("screener").get("/desk").has("答复异议")
    place = f"/desk/objections/{row.public_id}"
    page = sign_in("screener").get(place)
    assert page.has("剩7个工作日")
    assert page.has("赵川")
    page = page.submit(act="accept")
    page = page.submit(act="draft", text=ANSWER)
    assert page.has(ANSWER)
    assert ANSWER not in visitor.get(f"/notices/{notice.id}").text, "a draft is not public"
    page = sign_in("publisher").get(place)
    assert page.submit(act="uphold").status == 422
    page = page.submit(act="dismiss")
    assert page.has("异议不成立")
    assert visitor.get(f"/notices/{notice.id}").has(ANSWER)
    own = sign_in("rival").get(f"/objections/{row.public_id}")
    assert own.has("不服答复，报监督员")
    assert own.submit("escalation", reason="答复没有回应检测报告编号的问题。").has("已报监督员")
    assert sign_in("supervisor").get("/desk").has("决定异议")
    page = sign_in("supervisor").get(place)
    page = page.submit(act="maintain", text="经复核，原答复依据充分，维持。")
    assert page.has("维持原答复")
    assert visitor.get(f"/notices/{notice.id}").has("监督员决定：经复核")


def test_an_upheld_objection_leads_over_two_pages_to_a_new_ranking(
    review: Review, visitor: Client, sign_in: SignIn
) -> None:
    notice = review.announced()
    row, _ = file(review, notice, about=review.bids[0])
    from marketplace.notices.rules.objections import ObjectionAction

    answered(review, row, ObjectionAction.UPHOLD, remedy="substitute")
    at(review)
    page = sign_in("publisher").get(f"/desk/objections/{row.public_id}/remedy")
    assert page.has("河洛智感科技有限公司")
    assert page.submit(reason="检测报告不实，取消资格。").status == 422
    assert page.submit(reason="检测报告不实，取消资格。", code="Z-11").status == 200
    decide(sign_in, review, "supervisor")
    public = visitor.get(f"/notices/{notice.id}")
    assert public.has("这份公示已撤销")
    assert public.has("检测报告不实，取消资格。")
    oversight = sign_in("supervisor").get(f"/demands/{review.demand.number}/oversight")
    for words in ("提出异议", "异议成立", "重新评审", "取消资格", "撤销公示"):
        assert oversight.has(words), words
    assert review.demand.state is State.REVIEWING


def test_letters_are_for_their_own_bidder(review: Review, sign_in: SignIn, visitor: Client) -> None:
    notice = review.announced()
    at(review)
    mine, other = review.bids[0], review.bids[1]
    page = sign_in("bidder").get(f"/bids/{mine.public_id}/letter")
    assert page.has("贵单位为拟中榜单位")
    assert page.has("中位数")
    assert page.has(WORDS)
    assert "中原云图" not in page.text
    assert not re.search(r"专家\d", page.text)
    assert page.has("提出异议")
    assert sign_in("bidder_member").get(f"/bids/{mine.public_id}/letter").status == 200
    assert sign_in("rival").get(f"/bids/{mine.public_id}/letter").status == 404
    assert sign_in("drafter").get(f"/bids/{mine.public_id}/letter").status == 404
    assert sign_in("expert1").get(f"/bids/{mine.public_id}/letter").status == 404
    assert visitor.get(f"/bids/{mine.public_id}/letter").status in (302, 404)
    assert sign_in("rival").get(f"/bids/{other.public_id}/letter.pdf").response.data[:5] == b"%PDF-"
    assert sign_in("rival").get("/desk/letters").has(review.demand.title)
    assert sign_in("publisher").get(f"/bids/{mine.public_id}/letter").status == 200
    assert notice.ends_at is not None


def test_everybody_is_told_in_words_that_name_no_secret(review: Review) -> None:
    review.announced()
    drain(review.now, only="results")
    messages = db.session.query(Message).all()
    letters = [item for item in messages if item.title.startswith("结果通知书")]
    assert len(letters) == 4, "bidder, bidder_member, rival and firm3"
    signing = [item for item in messages if "等您签署" in item.title]
    assert all("河洛" not in item.title + item.text for item in signing)


def test_the_road_from_proposal_to_acceptance_over_the_pages(review: Review, sign_in: SignIn) -> None:
    review.score_all()
    review.sign_all()
    at(review)
    publisher = sign_in("publisher")
    assert publisher.get("/desk").has("提出公示")
    page = publisher.get(f"/demands/{review.demand.number}/announcement")
    page.submit(reason="报告已签署。", text="推荐第一名。")
    assert sign_in("publisher2").get("/desk").has("第二人确认")
    decide(sign_in, review, "publisher2")
    notice = queries.latest(review.demand.id)
    assert notice is not None
    assert notice.ends_at is not None
    page = publisher.get(f"/demands/{review.demand.number}/award")
    assert page.submit(reason="期满。").status == 403, "the window is open"
    review.now = notice.ends_at + timedelta(hours=1)
    at(review)
    assert publisher.get("/desk").has("公示期满，定榜")
    publisher.get(f"/demands/{review.demand.number}/award").submit(reason="公示期满无异议。")
    decide(sign_in, review, "supervisor")
    (award,) = award_queries.of_demand(review.demand.id)
    assert sign_in("bidder").get("/desk").has("接受或放弃")
    assert sign_in("rival").get(f"/awards/{award.id}").status == 404
    member = sign_in("bidder_member").get(f"/awards/{award.id}")
    assert member.has("只有中榜单位的管理员")
    page = sign_in("bidder").get(f"/awards/{award.id}")
    assert page.submit(answer="no", reason="").status == 422
    page = page.submit(answer="yes")
    assert page.has("已接受，待签约")
    assert sign_in("bidder").get("/desk/awards").has("已接受，待签约")


def test_a_substitute_goes_over_its_own_notice_and_page(review: Review, sign_in: SignIn, visitor: Client) -> None:
    review.awarded()
    at(review)
    (award,) = award_queries.of_demand(review.demand.id)
    page = sign_in("bidder").get(f"/awards/{award.id}")
    page.submit(answer="no", reason="产能不足，不能按期交付。")
    publisher = sign_in("publisher")
    assert publisher.get("/desk").has("递补")
    page = publisher.get(f"/awards/{award.id}/substitution")
    assert page.has("中原云图信息技术有限公司")
    page.submit(reason="第一名放弃。")
    decide(sign_in, review, "supervisor")
    second = award_queries.present(review.demand.id)[0]
    notice = second.notice
    assert visitor.get(f"/notices/{notice.id}").has("递补中榜单位公示")
    place = f"/notices/{notice.id}/award"
    assert publisher.get(place).submit().status == 403
    assert notice.ends_at is not None
    review.now = notice.ends_at + timedelta(hours=1)
    at(review)
    assert publisher.get(place).submit().status == 200
    assert publisher.get(place).submit().status == 403, "never the proposer"
    assert sign_in("publisher2").get("/desk").has("递补定榜")
    assert sign_in("publisher2").get(place).submit().status == 200
    db.session.refresh(notice)
    assert notice.state is NoticeState.STANDING
    page = sign_in("rival").get(f"/awards/{second.id}").submit(answer="yes")
    assert page.has("已接受，待签约")


@pytest.mark.parametrize(
    ("who", "path"),
    [
        ("screener", "award"),
        ("supervisor", "announcement"),
        ("bidder", "announcement"),
        ("drafter", "award"),
        ("expert1", "announcement"),
    ],
)
def test_only_a_publisher_proposes(who: str, path: str, review: Review, sign_in: SignIn) -> None:
    assert sign_in(who).get(f"/demands/{review.demand.number}/{path}").status == 403


def test_the_list_of_notices_costs_the_same_for_one_and_for_twenty(
    stage: Stage, visitor: Client, count_queries: list[str]
) -> None:
    costs = []
    for number in (1, 4):
        for _ in range(number):
            review = Review(stage, bids=1)
            review.announced()
        at(review)
        visitor.get("/notices")
        count_queries.clear()
        page = visitor.get("/notices")
        costs.append(len([statement for statement in count_queries if statement.startswith("SELECT")]))
    assert len(page.html.xpath("//tbody/tr")) == 5
    assert costs == [5, 5]


def test_filters_of_the_list(review: Review, visitor: Client) -> None:
    notice = review.announced()
    at(review)
    assert visitor.get("/notices?state=open").has(notice.number)
    assert not visitor.get("/notices?state=standing").has(notice.number)
    assert not visitor.get("/notices?year=2019").has(notice.number)
    assert visitor.get("/notices?q=停车").has(notice.number)
    assert visitor.get("/notices?q=%25&state=nonsense&page=99999999").status == 200
    assert service is not None
    assert actor("bidder") is not None


def test_the_office_sees_what_waits_first(review: Review, sign_in: SignIn, visitor: Client) -> None:
    """Prepared notices for publishers and the supervisor alone; what is over leads to the award, objections to themselves."""
    review.score_all()
    review.sign_all()
    proposal = review.propose_announcement()
    db.session.commit()
    assert sign_in("publisher2").get("/desk/notices").has("待确认发布")
    assert not sign_in("screener").get("/desk/notices").has("待确认发布")
    assert sign_in("bidder").get("/desk/notices").status == 403
    assert visitor.get("/desk/notices").status in (302, 303)
    demands.confirm(proposal, actor=actor("publisher2"), now=review.now)
    db.session.commit()
    notice = queries.latest(review.demand.id)
    assert notice is not None
    assert notice.ends_at is not None
    clock.move_to(review.now)
    db.session.commit()
    publisher = sign_in("publisher")
    assert publisher.get("/desk/notices?state=open").has(str(notice.number))
    clock.move_to(notice.ends_at + timedelta(hours=1))
    db.session.commit()
    page = publisher.get("/desk/notices?state=over")
    assert page.html.xpath("//td[@class='bare']/a/@href") == [f"/demands/{review.demand.number}/award"]
    assert publisher.get("/desk/notices?q=不存在的名称").has("没有符合条件的公示")
