"""The pages of a review's result: who may, what they show, what they never show, what they cost."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal as D

import pytest

from marketplace import db
from marketplace.results import queries, service
from tests.client import Client
from tests.demands.conftest import Stage
from tests.results.making import Review, actor

SignIn = Callable[[str], Client]
PAGES = ("review", "ranking", "report", "report.pdf", "ranking.xlsx", "ranking/record.json", "oversight")


def url(review: Review, page: str) -> str:
    return f"/demands/{review.demand.number}/{page}"


def test_who_may_open_what_before_and_after_the_lock(review: Review, sign_in: SignIn, visitor: Client) -> None:
    seen = {}
    for who in (
        "screener",
        "publisher",
        "supervisor",
        "expert1",
        "expert2",
        "bidder",
        "drafter",
        "sysadmin",
        "finance",
    ):
        browser = sign_in(who)
        seen[who] = [browser.get(url(review, page)).status for page in ("review", "ranking", "oversight")]
    assert seen == {
        "screener": [200, 403, 403],
        "publisher": [200, 403, 403],
        "supervisor": [200, 403, 200],
        "expert1": [200, 403, 403],  # the chair sees progress
        "expert2": [403, 403, 403],
        "bidder": [403, 403, 403],
        "drafter": [403, 403, 403],
        "sysadmin": [403, 403, 403],
        "finance": [403, 403, 403],
    }
    assert visitor.get(url(review, "review")).status == 302
    review.score_all()
    assert sign_in("expert2").get(url(review, "ranking")).status == 200
    assert sign_in("bidder").get(url(review, "ranking")).status == 403
    assert visitor.get(url(review, "ranking")).status == 302
    assert sign_in("bidder").get("/demands/ZZGX-2026-99-001/review").status == 404


def test_the_dashboard_names_who_is_missing_and_reminds_once(review: Review, sign_in: SignIn) -> None:
    for bid in review.bids:
        review.score(bid, 0, review.entry(D("0.8")))
    db.session.commit()
    browser = sign_in("screener")
    page = browser.get(url(review, "review"))
    assert page.has("1 / 5")
    assert page.has("3 / 15")
    assert page.has("02、03、04、05")
    page = page.submit("review/reminder")
    assert page.has("已提醒4位")
    again = browser.post(url(review, "review/reminder"))
    assert again.status == 410
    assert "今天已经催办过一次" in again.text


def test_the_ranking_shows_everything_and_replays_itself(review: Review, sign_in: SignIn) -> None:
    ranking = review.score_all()
    assert ranking is not None
    page = sign_in("publisher").get(url(review, "ranking"))
    assert page.has("复算一致")
    assert page.has("河洛智感科技有限公司")
    assert page.has("01 周一")
    assert ranking.hash[:8] in page.main
    assert len(page.html.xpath("//div[@aria-labelledby='s-single']//tbody/tr")) == 15
    sheet = sign_in("publisher").get(url(review, "ranking.xlsx"))
    assert sheet.response.data[:2] == b"PK"
    record = sign_in("publisher").get(url(review, "ranking/record.json"))
    assert record.response.headers["X-Ranking-Hash"] == ranking.hash
    assert record.response.headers["X-Content-SHA256"] == ranking.record_sha256


def test_a_blind_panel_never_reads_who_bid(stage: Stage, sign_in: SignIn) -> None:
    review = Review(stage, blind=True)
    review.score_all()
    service.open_report(review.demand, actor=actor("publisher"), now=review.now)
    db.session.commit()
    secret = [bid.organisation.name for bid in review.bids] + [bid.organisation.short_name for bid in review.bids]
    for who in ("expert1", "expert2"):
        for name in ("ranking", "report", "ranking/record.json", *(["review"] if who == "expert1" else [])):
            page = sign_in(who).get(url(review, name))
            assert page.status == 200, (who, name)
            assert [word for word in secret if word and word in page.text] == [], (who, name)
    office = sign_in("publisher").get(url(review, "ranking"))
    assert secret[0] in office.text
    assert "B-01" in sign_in("expert2").get(url(review, "ranking")).text


def test_a_tie_is_drawn_on_the_page_by_the_supervisor(stage: Stage, sign_in: SignIn) -> None:
    review = Review(stage, bids=2, prices=(100, 100))
    review.score_all({0: D("0.8"), 1: D("0.8")})
    assert sign_in("publisher").get(url(review, "ranking/draw")).status == 403
    browser = sign_in("supervisor")
    assert browser.get(url(review, "ranking")).has("须抽签决定")
    page = browser.get(url(review, "ranking/draw"))
    refused = page.submit(number="12")
    assert refused.status == 422
    assert refused.has("4至20位数字")
    done = refused.submit(number="20261127")
    assert done.has("抽签已完成")
    assert done.has("第2版排名")
    assert done.has("同分，抽签决定")


def test_disqualification_is_two_pages_of_two_people(review: Review, sign_in: SignIn) -> None:
    review.score_all()
    place = url(review, f"review/bids/{review.bids[0].public_id}/disqualification")
    assert sign_in("screener").get(place).status == 403
    page = sign_in("publisher").get(place)
    assert page.submit(code="Z-11", reason="假").status == 422
    assert page.submit(code="Z-11", reason="检测报告系伪造，附机构书面答复。").has("请监督员确认")
    (row,) = queries.open_outs(review.demand.id)
    place = url(review, f"review/disqualifications/{row.id}")
    assert sign_in("publisher").get(place).status == 403
    page = sign_in("supervisor").get(place)
    assert page.has("检测报告系伪造")
    assert page.submit(answer="no").status == 422
    assert page.submit(answer="yes").has("已退出")
    ranking = sign_in("supervisor").get(url(review, "ranking"))
    assert ranking.has("第2版排名")
    assert ranking.has("已取消资格（Z-11 承诺或证明材料不实）")


def test_a_correction_is_proposed_by_the_chair_and_countersigned(review: Review, sign_in: SignIn) -> None:
    review.score_all()
    sheet = review.sheet(review.bids[0], 2)
    key = next(iter(sheet.entry.scores))
    place = url(review, f"review/sheets/{sheet.id}/mend")
    assert sign_in("expert2").get(place).status == 403
    page = sign_in("expert1").get(place)
    bad = page.submit(**{f"score_{key}": "很多", "code": "arithmetic", "reason": "加错了一行。"})
    assert bad.status == 422
    assert bad.has("须填写一个数字")
    assert bad.submit(**{f"score_{key}": "1"}).has("请监督员会签")
    page = sign_in("supervisor").get(f"{place}/decision")
    assert page.has("加错了一行")
    assert page.submit(answer="yes").has("锁定后更正")
    oversight = sign_in("supervisor").get(url(review, "oversight"))
    assert oversight.has("会签锁定后更正")
    assert oversight.has("组长提出锁定后更正")
    only = sign_in("supervisor").get(url(review, "oversight?kind=draw"))
    assert not only.has("会签锁定后更正")


def test_the_report_is_opened_signed_and_printed(review: Review, sign_in: SignIn) -> None:
    review.score_all()
    page = sign_in("publisher").get(url(review, "report"))
    page = page.submit(conclusion="推荐排名第一的单位。")
    assert page.has("组长先签")
    assert sign_in("expert2").get(url(review, "report")).has("报告由组长先签")
    assert sign_in("expert1").get(url(review, "report")).submit(dissent="").has("已签署")
    page = sign_in("expert2").get(url(review, "report")).submit(dissent="对第二名的可行性有保留。")
    assert page.has("对第二名的可行性有保留")
    assert sign_in("expert2").post(url(review, "report")).status == 409
    paper = sign_in("publisher").get(url(review, "report.pdf"))
    assert paper.response.data[:5] == b"%PDF-"
    assert sign_in("bidder").get(url(review, "report.pdf")).status == 403


@pytest.mark.parametrize("page", ["review", "ranking", "report", "ranking.xlsx", "ranking/record.json"])
def test_reading_scores_is_in_the_log(page: str, review: Review, sign_in: SignIn) -> None:
    from sqlalchemy import func, select

    from marketplace.platform.audit import AuditDetail

    review.score_all()
    browser = sign_in("publisher")
    kinds = ("score.read", "review.read")

    def reads() -> int:
        return db.session.scalar(select(func.count()).where(AuditDetail.kind.in_(kinds))) or 0

    before = reads()
    browser.get(url(review, page))
    browser.get(url(review, page))
    assert reads() == before + 1, "once per person, object and hour"


def test_the_dashboard_costs_the_same_for_one_bid_and_for_thirty(
    stage: Stage, sign_in: SignIn, count_queries: list[str]
) -> None:
    costs = []
    for bids in (1, 30):
        review = Review(stage, bids=bids)
        browser = sign_in("screener")
        browser.get(url(review, "review"))
        count_queries.clear()
        assert browser.get(url(review, "review")).status == 200
        costs.append([statement for statement in count_queries if statement.lstrip().startswith(("SELECT", "WITH"))])
        if bids == 1:
            review.score_all()
            browser.get(url(review, "review"))
            count_queries.clear()
            assert browser.get(url(review, "review")).has("排名已算出")
            costs.append([statement for statement in count_queries if statement.lstrip().startswith("SELECT")])
    assert [len(cost) for cost in costs] == [8, 8, 8], "while it runs, when it is ranked, with thirty bids"


def test_what_waits_stands_on_the_right_desk(stage: Stage, sign_in: SignIn) -> None:
    review = Review(stage, bids=3, prices=(100, 100, 300))
    review.score_all({0: D("0.8"), 1: D("0.8"), 2: D("0.7")})
    assert sign_in("supervisor").get("/desk").has("并列抽签")
    assert not sign_in("publisher").get("/desk").has("出具评审报告")
    service.draw_ties(review.demand, number="20261127", actor=actor("supervisor"), now=review.now)
    db.session.commit()
    assert sign_in("screener").get("/desk").has("出具评审报告")
    service.propose_out(
        review.demand, review.bids[2], code="Z-12", reason="与另一家串通。", actor=actor("publisher"), now=review.now
    )
    db.session.commit()
    assert sign_in("supervisor").get("/desk").has("确认取消资格")
    (row,) = queries.open_outs(review.demand.id)
    service.refuse_out(row, review.demand, reason="证据不足，不予确认。", actor=actor("supervisor"), now=review.now)
    report = service.open_report(review.demand, actor=actor("publisher"), now=review.now)
    db.session.commit()
    assert sign_in("expert1").get("/desk").has("签署评审报告")
    assert not sign_in("expert2").get("/desk").has("签署评审报告")
    service.sign(report, actor=actor("expert1"), now=review.now)
    db.session.commit()
    assert not sign_in("expert1").get("/desk").has("签署评审报告")
    assert sign_in("expert2").get("/desk").has("签署评审报告")
