"""The outbox consumer "results": who is told what about a review's result; and what follows from a review by itself."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from marketplace import db
from marketplace.accounts.rules import Role
from marketplace.bids.models import Bid, BidMember
from marketplace.demands.models import Demand
from marketplace.notices.models import Letter, Notice, Objection
from marketplace.notices.service.composing import NEVER_OPENED
from marketplace.notifications import service as messages
from marketplace.notifications.queries import holder_ids
from marketplace.panels.models import Panel
from marketplace.platform.outbox import OutboxRow
from marketplace.platform.outbox.service import subscribe
from marketplace.results import service as results
from marketplace.results.models import Report
from marketplace.results.rules import ReportState

TOPICS = (
    "review.",
    "ranking.",
    "report.",
    "sheet.propose_mend",
    "objection.",
    "letter.",
    "notice.publish",
    "notice.revoke",
    "demand.open_prices",
)


def install() -> None:
    """Subscribe by name; once per process."""
    subscribe("results", handle, topics=TOPICS)


def handle(rows: list[OutboxRow], now: datetime) -> None:
    """Tell the people concerned, and go on where nobody needs to act: all locked, prices open."""
    for row in rows:
        if row.topic in ("review.lock", "demand.open_prices"):
            demand = _demand(row)
            if demand is not None:
                results.proceed(demand, now=now)
        _tell(row)


def _demand(row: OutboxRow) -> Demand | None:
    said = row.payload.get("demand_id")
    if said is None:
        kind, _, number = str(row.payload.get("subject", "")).partition(":")
        said = number if kind == "demand" and number.isdigit() else None
    return db.session.get(Demand, int(said)) if said is not None else None


def _tell(row: OutboxRow) -> None:
    demand = _demand(row)
    if demand is None:
        return
    office = holder_ids(Role.SCREENER, Role.PUBLISHER)
    supervisors = holder_ids(Role.SUPERVISOR)
    ref = demand.number

    def tell(people: set[int], title: str, text: str, url: str, *, discreet: bool = False) -> None:
        key = f"outbox:{row.id}"
        messages.tell(people, key=key, title=title, text=text, url=url, now=row.at, discreet=discreet)

    match row.topic:
        case "review.lock":
            tell(office, f"评分已全部锁定：{demand.title}", "请查看评审进度和下一步。", f"/demands/{ref}/review")
        case "review.remind":
            people = {int(item) for item in row.payload.get("people", ())}
            tell(people, "您有尚未完成的评审", "请尽快登录完成并提交评分表。", "/desk", discreet=True)
        case "ranking.compute":
            tell(office, f"排名已算出：{demand.title}", "", f"/demands/{ref}/ranking")
        case "ranking.propose_disqualification":
            tell(supervisors, f"有一项取消资格等您确认：{demand.title}", "", f"/demands/{ref}/review")
        case "sheet.propose_mend":
            tell(supervisors, f"有一项锁定后的更正等您会签：{demand.title}", "", f"/demands/{ref}/ranking")
        case "report.open" | "report.sign":
            _tell_signers(demand, row)
        case "report.signed":
            tell(office, f"评审报告已签署完毕：{demand.title}", "可以提出公示。", f"/demands/{ref}/report")
        case "letter.send":
            _tell_bidder(demand, row)
        case "notice.publish" | "notice.revoke":
            _tell_the_others(demand, row)
        case topic if topic.startswith("objection."):
            _tell_about_objection(demand, row, office=office, supervisors=supervisors)


def _tell_signers(demand: Demand, row: OutboxRow) -> None:
    """The chair first; everybody else once he has signed."""
    report = db.session.scalar(select(Report).where(Report.demand_id == demand.id).order_by(Report.id.desc()).limit(1))
    panel = db.session.scalar(select(Panel).where(Panel.demand_id == demand.id))
    if report is None or panel is None or report.state is not ReportState.SIGNING:
        return
    signed = {item.seat_id for item in report.signatures}
    seats = [seat for seat in panel.counted_seats if seat.id not in signed]
    if row.topic == "report.open":
        seats = [seat for seat in seats if seat.chaired_at is not None]
    elif not row.payload.get("chair"):
        return
    people = {seat.expert_account_id for seat in seats if seat.expert_account_id is not None}
    messages.tell(
        people,
        key=f"outbox:{row.id}",
        title="有一份评审报告等您签署",
        text="有不同意见的，可在签署时写明。",
        url=f"/demands/{demand.number}/report",
        now=row.at,
        discreet=True,
    )


def bidder_people(bid: Bid) -> set[int]:
    """Who is told for a bid: the lead's and the confirmed members' people."""
    members = db.session.scalars(
        select(BidMember.organisation_id).where(BidMember.bid_id == bid.id, BidMember.confirmed_at.is_not(None))
    )
    return holder_ids(Role.BIDDER, Role.ORG_ADMIN, organisation_ids=[bid.organisation_id, *members])


def _tell_bidder(demand: Demand, row: OutboxRow) -> None:
    letter = db.session.get(Letter, int(str(row.payload["subject"]).partition(":")[2]))
    if letter is None:
        return
    messages.tell(
        bidder_people(letter.bid),
        key=f"outbox:{row.id}",
        title=f"结果通知书：{demand.title}",
        text="各项得分、组内中位数、评语和理由见通知书，其中写明怎样、何时提出异议。",
        url=f"/bids/{letter.bid.public_id}/letter",
        now=row.at,
    )


def _tell_the_others(demand: Demand, row: OutboxRow) -> None:
    """What changes a result after its letters went out: a substitute's notice, or a notice that was taken back.

    Everybody whose bid was opened is told, because anybody may object; the substitute has a letter of his own.
    """
    notice = db.session.get(Notice, int(str(row.payload["subject"]).partition(":")[2]))
    if notice is None or (row.topic == "notice.publish" and not notice.place):
        return
    bids = db.session.scalars(select(Bid).where(Bid.demand_id == demand.id, Bid.state.not_in(NEVER_OPENED))).all()
    shown = {item["bid"] for item in notice.content["candidates"]}
    if row.topic == "notice.revoke":
        title = f"公示已撤销：{demand.title}"
        text = f"{notice.number}不再有效，理由见公示页；此前的结果通知书以之后新发出的为准。"
        bids = [bid for bid in bids if not notice.place or bid.public_id in shown]
    else:
        title = f"递补公示：{demand.title}"
        text = "一项中榜结果未能成立，由后一名递补，只涉及这一名额；有异议的可在公示期内提出。"
        bids = [bid for bid in bids if bid.public_id not in shown]
    people = set().union(*map(bidder_people, bids))
    url = f"/notices/{notice.id}"
    messages.tell(people, key=f"outbox:{row.id}", title=title, text=text, url=url, now=row.at)


def _tell_about_objection(demand: Demand, row: OutboxRow, *, office: set[int], supervisors: set[int]) -> None:
    found = db.session.get(Objection, int(str(row.payload["subject"]).partition(":")[2]))
    if found is None:
        return
    key, work = f"outbox:{row.id}", f"/desk/objections/{found.public_id}"
    titles = {
        "objection.file": (office | supervisors, f"收到异议：{demand.title}", "7个工作日内书面答复，答复前不定榜。"),
        "objection.draft_answer": (
            holder_ids(Role.PUBLISHER),
            f"异议的答复稿等您签发：{demand.title}",
            "须由另一人签发。",
        ),
        "objection.escalate": (supervisors, f"有异议报您决定：{demand.title}", "决定之前不定榜。"),
        "objection.uphold": (office, f"异议成立：{demand.title}", "请按答复提出处理措施。"),
        "objection.overrule": (office, f"监督员认定异议成立：{demand.title}", "请按决定提出处理措施。"),
    }
    if row.topic in titles:
        people, title, text = titles[row.topic]
        actor = row.payload.get("actor_id")
        messages.tell(people - ({actor} if actor else set()), key=key, title=title, text=text, url=work, now=row.at)
    if row.topic in (
        "objection.accept",
        "objection.refuse",
        "objection.uphold",
        "objection.dismiss",
        "objection.overrule",
        "objection.maintain",
    ):
        _tell_objector(found, demand, row)


def _tell_objector(found: Objection, demand: Demand, row: OutboxRow) -> None:
    title = f"您提出的异议有了新进展：{demand.title}"
    if found.objector_account_id is not None:
        messages.tell(
            [found.objector_account_id],
            key=f"outbox:{row.id}:objector",
            title=title,
            text="",
            url=f"/objections/{found.public_id}",
            now=row.at,
        )
        return
    body = (
        f"{title}\n\n请用提交时收到的链接查看。答复同时公布在公示页：\n{messages.link(f'/notices/{found.notice_id}')}"
    )
    messages.send_mail(found.email, f"【张榜】{title}", body, key=f"outbox:{row.id}:objector", now=row.at)


def mail_link(found: Objection, path: str, *, now: datetime) -> None:
    """Send an objector without account the link to his own page; the text is forgotten once sent."""
    body = (
        f"您对“{found.notice.title}”提出的异议已收到，7个工作日内书面答复。\n\n"
        f"凭下面的链接查看办理情况、撤回或报监督员，请勿转发：\n{messages.link(path)}"
    )
    messages.send_mail(found.email, "【张榜】异议已收到", body, key=f"once:objection:{found.public_id}", now=now)
