"""Who may know what, in each phase, over the real pages: 14 persons × 12 facts × 4 phases = 672 cells, none wrong.

Each fact has a canary that stands nowhere else. For every person and phase all pages that could show it are fetched; a
canary found where ``disclosure.may_know`` says no is a leak, one that is nowhere where it says yes is a promise broken.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal as D

import pytest

from marketplace import db
from marketplace.awards import service as awards
from marketplace.demands import service as demands
from marketplace.disclosure import Fact, Person, Phase, Terms, may_know
from marketplace.notices import queries as notices
from marketplace.notices import service as objections
from marketplace.notices.models import Objection
from marketplace.notices.rules.objections import ObjectionAction
from marketplace.platform import clock
from tests.client import Client
from tests.demands.conftest import Stage
from tests.journeys.review_walk import Deep, Kind
from tests.results.making import Review, actor

SignIn = Callable[[str], Client]
PHASES = (Phase.REVIEWING, Phase.RANKED, Phase.NOTICE, Phase.AWARDED)
# The facts are about the first bid (of ``bidder``), the sheet of expert3 for it, and the objection of other_drafter.
PEOPLE: dict[Person, str] = {
    Person.PUBLIC: "",
    Person.OWNER: "bidder",
    Person.BIDDER: "rival",
    Person.UNIT: "drafter",
    Person.SCREENER: "screener",
    Person.PUBLISHER: "publisher",
    Person.CUSTODIAN: "custodian1",
    Person.SUPERVISOR: "supervisor",
    Person.EXPERT: "expert2",
    Person.CHAIR: "expert1",
    Person.FINANCE: "finance",
    Person.SYSADMIN: "sysadmin",
    Person.SECADMIN: "secadmin",
    Person.OBJECTOR: "other_drafter",
}
OUTSIDERS = (Person.PUBLIC, Person.BIDDER, Person.UNIT)
COMMENT = "金丝雀之语：论证甲乙丙丁戊己。"
SCORE = "13.37"
OBJECTION = "金丝雀之诉：检测报告编号在机构网站上查不到，附有书面答复。"
OBJECTOR = "许诺言"
PRICE, PRICE_FEN = "1234.5678", 1234_5678_00  # 万元, as pages write it, and 分, as records do
ANSWER = "金丝雀之答：经核实，检测报告编号确实存在，异议不成立。"
FACTS = (
    Fact.SINGLE_SCORES,
    Fact.COMMENTS,
    Fact.TOTALS,
    Fact.RANKS,
    Fact.PANEL,
    Fact.LETTER,
    Fact.OBJECTION_TEXT,
    Fact.OBJECTOR,
    Fact.ANSWER,
    Fact.BIDDER,
    Fact.PRICE,
    Fact.PROGRESS,
)
# What some pages promise to show whom the rule allows; the rest may know and simply is told nowhere on these pages.
SHOWN = {
    Fact.SINGLE_SCORES: {Person.SCREENER, Person.PUBLISHER, Person.SUPERVISOR, Person.EXPERT, Person.CHAIR},
    Fact.COMMENTS: {Person.OWNER, Person.SCREENER, Person.PUBLISHER, Person.SUPERVISOR, Person.EXPERT, Person.CHAIR},
    Fact.LETTER: {Person.OWNER, Person.SCREENER, Person.PUBLISHER, Person.SUPERVISOR},
    Fact.OBJECTION_TEXT: {Person.SCREENER, Person.PUBLISHER, Person.SUPERVISOR, Person.OBJECTOR},
    Fact.OBJECTOR: {Person.SCREENER, Person.PUBLISHER, Person.SUPERVISOR},
    Fact.BIDDER: {Person.SCREENER, Person.PUBLISHER, Person.SUPERVISOR},
    Fact.PRICE: {Person.PUBLIC, Person.UNIT},  # the notice
    Fact.PROGRESS: {Person.SCREENER, Person.PUBLISHER, Person.SUPERVISOR, Person.CHAIR},
}


def canaries(review: Review) -> dict[Fact, str]:
    """What gives each fact away; empty while there is nothing to give away yet."""
    from marketplace.results import queries

    ranking = queries.latest(review.demand.id)
    total = ""
    if ranking is not None:
        line = next(item for item in ranking.lines if item.bid_id == review.bids[0].id)
        total = format((line.total or D(0)).quantize(D("0.01")), "f")
    return {
        Fact.SINGLE_SCORES: SCORE,
        Fact.COMMENTS: COMMENT,
        Fact.TOTALS: total,
        Fact.RANKS: "拟中榜" if ranking is not None else "",
        Fact.PANEL: "专家4",
        Fact.LETTER: "已评标书的中位数",
        Fact.OBJECTION_TEXT: OBJECTION,
        Fact.OBJECTOR: OBJECTOR,
        Fact.ANSWER: ANSWER,
        Fact.BIDDER: review.bids[0].organisation.name,
        Fact.PRICE: PRICE,
        Fact.PROGRESS: "预计完成",
    }


def pages(review: Review) -> list[str]:
    """Every address that could tell."""
    ref = review.demand.number
    urls = [
        f"/demands/{ref}{path}" for path in ("", "/history", "/work", "/review", "/ranking", "/report", "/oversight")
    ]
    urls += ["/desk", "/desk/letters", "/notices", f"/bids/{review.bids[0].public_id}/letter"]
    urls += ["/desk/notices", "/desk/messages", "/log", f"/search?q={review.demand.title}", f"/review/{ref}"]
    urls += [
        f"/api/v1/demands/{ref}",
        "/api/v1/demands",
        f"/demands/{ref}/ranking.xlsx",
        f"/demands/{ref}/ranking/record.json",
    ]
    for notice in notices.of_demand(review.demand.id, clock.site_now()):
        urls += [f"/notices/{notice.id}", f"/notices/{notice.id}/notice.json"]
    for row in db.session.query(Objection).all():
        urls += [f"/objections/{row.public_id}", f"/desk/objections/{row.public_id}"]
    return urls


def told_at(browser: Client, address: str) -> str:
    """What an answer says, whatever it is; sums in 分 as 万元. Each request has a session of its own, as on the site."""
    page = browser.get(address)
    db.session.remove()
    if page.status != 200:
        return ""
    data = page.response.data
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as book:
            text = "".join(book.read(name).decode("utf-8", "ignore") for name in book.namelist())
    else:
        text = page.text + data.decode("utf-8", "ignore")
    return text.replace(f"{PRICE_FEN}", PRICE)


def advance(review: Review, phase: Phase) -> None:
    """Bring the story to a phase."""
    match phase:
        case Phase.REVIEWING:
            key = next(iter(review.entry(D("0.8")).scores))
            entry = review.entry(D("0.86"), **{key: D(SCORE)})
            review.score(
                review.bids[0], 2, type(entry)(entry.scores, dict.fromkeys(entry.scores, COMMENT), entry.proofs)
            )
        case Phase.RANKED:
            for place, bid in enumerate(review.bids):
                for expert in range(5):
                    if (place, expert) != (0, 2):
                        review.score(bid, expert, review.entry(D("0.86") - D("0.07") * place))
            from marketplace.results import service

            for sheet in [review.sheet(bid, expert) for bid in review.bids for expert in range(5)]:
                if sheet.state == "flagged":
                    from marketplace.scoring import service as scoring

                    who = f"expert{sheet.seat.order + 1}"
                    scoring.confirm(sheet, reason="复核后维持原分。", actor=actor(who), now=review.now)
            service.proceed(review.demand, now=review.now)
        case Phase.NOTICE:
            notice = review.announced()
            row, _ = objections.file_objection(
                notice,
                name=OBJECTOR,
                organisation="",
                email="objector@example.test",
                phone="13800001234",
                facts=OBJECTION,
                actor=actor("other_drafter"),
                now=review.now,
            )
            objections.accept(row, actor=actor("screener"), now=review.now)
            objections.draft_answer(row, text=ANSWER, actor=actor("screener2"), now=review.now)
            objections.decide(row, ObjectionAction.DISMISS, actor=actor("publisher"), now=review.now)
        case _:
            notice = notices.latest(review.demand.id)  # type: ignore[assignment]
            assert notice.ends_at is not None
            review.now = notice.ends_at + timedelta(hours=1)
            proposal = awards.propose_award(review.demand, reason="期满", actor=actor("publisher"), now=review.now)
            demands.confirm(proposal, actor=actor("publisher2"), now=review.now)
    if review.now > clock.site_now():
        clock.move_to(review.now)
    db.session.commit()


@pytest.mark.parametrize("public_scores", [True, False])
def test_no_page_tells_anybody_anything_before_its_time(
    stage: Stage, sign_in: SignIn, visitor: Client, public_scores: bool
) -> None:
    review = Review(stage, public_scores=public_scores, prices=(PRICE_FEN,))
    terms, deep = Terms(public_scores=public_scores), Deep(review, Kind("matrix"))
    wrong, cells = [], 0
    for phase in PHASES:
        advance(deep.afresh(), phase)
        found, addresses = canaries(review), pages(review)
        for person, username in PEOPLE.items():
            if not public_scores and person not in OUTSIDERS:
                continue  # what the promise changes concerns outsiders alone
            browser = sign_in(username) if username else visitor
            texts = [said for said in (told_at(browser, address) for address in addresses) if said]
            for fact in FACTS:
                if not found[fact]:
                    continue
                cells += 1
                if fact is Fact.BIDDER and person is Person.OWNER:
                    continue  # his own name stands on each of his pages
                told = any(found[fact] in text for text in texts)
                allowed = may_know(fact, phase, person, terms)
                if told and not allowed:
                    wrong.append(f"{phase}: {person} reads {fact}")
                if allowed and not told and person in SHOWN.get(fact, ()):
                    wrong.append(f"{phase}: {person} does not find {fact}")
    assert wrong == []
    assert cells >= (300 if public_scores else 60), cells
