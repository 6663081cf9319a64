"""Pages: whether one may bid, the list, one bid, its form, the seal, withdrawal, confirmation of an amendment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import func, select

from marketplace import db
from marketplace.accounts.models import Organisation
from marketplace.bids import own, queries, service
from marketplace.bids.content import DOCUMENTS, ROLES
from marketplace.bids.demo_key import demo_key
from marketplace.bids.forms import SECTIONS, blank
from marketplace.bids.models import Bid
from marketplace.bids.routes import bp
from marketplace.bids.rules import STATE_LABELS, TONES, BidState, why_not_bid
from marketplace.bids.service import Late
from marketplace.bids.validity import Terms, terms
from marketplace.custody import queries as custody
from marketplace.demands import pages as demand_pages
from marketplace.demands.models import Demand
from marketplace.demands.pages import pagination
from marketplace.demands.routes.public import by_ref
from marketplace.frontend.routes import place
from marketplace.platform.errors import TooLate
from marketplace.platform.forms import ConfirmForm
from marketplace.platform.rendering import qr_path
from marketplace.platform.sentences import spoken
from marketplace.platform.working_days import beijing_day
from marketplace.web import ResponseValue, allow, page_url

PER_PAGE = 20
PROMISE_DAYS = 30  # 平台规则: a promised document is handed in at most so many days after the deadline
BEFORE_SEALING = frozenset({BidState.DRAFT, BidState.WITHDRAWN})


def terms_of(demand: Demand) -> Terms:
    """What this demand asks of a bid; a promised document is due within ``PROMISE_DAYS`` of the deadline."""
    closes_on = beijing_day(demand.closes_at) if demand.closes_at else None
    until = closes_on + timedelta(days=PROMISE_DAYS) if closes_on else None
    return terms(demand.said, closes_on=closes_on, promise_until=until)


def _my_bid(demand: Demand) -> tuple[Organisation | None, Bid | None]:
    """The organisation that this person would bid for, and its bid on this demand."""
    mine = own.organisations(g.actor)
    for organisation in mine:
        if (bid := queries.of_organisation(demand, organisation.id)) is not None:
            return organisation, bid
    return (mine[0] if mine else None), None


def on_demand_page(demand: Demand) -> dict[str, Any]:
    """The one solemn button: for a bidder what he may do, for others the way to it while bids are accepted."""
    if demand.visible_from is None or demand.visible_from > g.now:
        return {}
    organisation, bid = _my_bid(demand) if g.actor.signed_in else (None, None)
    start = url_for("bids.start", ref=demand.ref)
    if organisation is None:
        staff = g.actor.signed_in and g.actor.roles
        if staff or not demand.accepts_bids(g.now) or demand.mode == "procurement":
            return {}
        return {"bid": {"url": start, "label": _("揭榜")}}
    if bid is not None:
        label = _("继续填写标书") if bid.state in BEFORE_SEALING and demand.accepts_bids(g.now) else _("查看我的揭榜")
        return {"bid": {"url": url_for("bids.show", public_id=bid.public_id), "label": label}}
    reason = why_not_bid(queries.standing(demand, organisation, now=g.now))
    return {
        "bid": {"url": None if reason else start, "refusal": spoken(reason) if reason else None, "label": _("揭榜")}
    }


@bp.route("/demands/<ref>/bid", methods=["GET", "POST"])
@allow("bid.start", by_ref)
def start(demand: Demand) -> ResponseValue:
    """Before the first word is typed: may we, what will be needed, by when. POST starts the draft."""
    mine = own.organisations(g.actor)
    wanted = request.values.get("organisation", type=int)
    organisation = next((item for item in mine if item.id == wanted), mine[0])
    found = queries.of_organisation(demand, organisation.id)
    if found is not None:
        return redirect(url_for(".show", public_id=found.public_id))
    if ConfirmForm().validate_on_submit():
        bid = service.start(demand, organisation=organisation, actor=g.actor, now=g.now)
        return redirect(url_for(".form", public_id=bid.public_id))
    return render_template(
        "bids/start.html",
        form=ConfirmForm(),
        demand=demand,
        organisation=organisation,
        organisations=mine,
        refusal=spoken(why_not_bid(queries.standing(demand, organisation, now=g.now))),
        asked=terms_of(demand),
        custodians=_custody(demand),
        documents=[spoken(label) for label in DOCUMENTS.values()],
    )


def _custody(demand: Demand) -> tuple[int, int] | None:
    """(k, n) of the custodian set."""
    found = custody.custodian_set(demand.set_hash) if demand.set_hash else None
    return (found.quorum, len(found.custodians)) if found else None


@bp.get("/bids")
@allow("bid.start")
def index() -> ResponseValue:
    """我的揭榜: the organisation's bids and the invitations it has."""
    query = own.listing(g.actor)
    total = (
        db.session.scalar(select(func.count()).select_from(query.order_by(None).with_only_columns(Bid.id).subquery()))
        or 0
    )
    count = max(1, -(-total // PER_PAGE))
    page = min(max(request.args.get("page", 1, type=int), 1), count)
    bids = list(db.session.scalars(query.limit(PER_PAGE).offset((page - 1) * PER_PAGE)))
    mine = own.organisations(g.actor)
    return render_template(
        "bids/index.html",
        rows=[_row(bid) for bid in bids],
        invitations=own.invitations(g.actor),
        old_keys=[item for item in mine if own.left_since_key(item.id)],
        organisations=mine,
        pages=pagination(page, count, total, PER_PAGE, lambda number: page_url(page=number)),
    )


def _row(bid: Bid) -> dict[str, Any]:
    return {
        "bid": bid,
        "url": url_for(".show", public_id=bid.public_id),
        "state": spoken(STATE_LABELS[bid.state]),
        "tone": TONES[bid.state],
        "open": bid.demand.accepts_bids(g.now),
        "stale": is_stale(bid),
    }


def is_stale(bid: Bid) -> bool:
    """Sealed against an older version of the demand, and nothing was confirmed since."""
    return bid.state is BidState.SEALED and bid.answers_version < bid.demand.content_version


def crumbs(bid: Bid, *more: tuple[str, str | None]) -> list[tuple[str, str | None]]:
    shown = url_for("bids.show", public_id=bid.public_id)
    return [(_("我的揭榜"), url_for("bids.index")), (bid.demand.ref, shown if more else None), *more]


@bp.get("/bids/<public_id>")
@allow("bid.see", queries.find)
def show(bid: Bid) -> ResponseValue:
    """One bid: where it stands, what can be done now, its receipts and partners."""
    open_ = bid.demand.accepts_bids(g.now)
    return render_template(
        "bids/show.html",
        bid=bid,
        said=bid.demand.said,
        open=open_,
        state=(spoken(STATE_LABELS[bid.state]), TONES[bid.state]),
        stale=is_stale(bid) and open_,
        draft=queries.draft(bid),
        sealed=queries.sealed_version(bid),
        receipts=queries.receipts(bid),
        may_edit_members=bid.state in BEFORE_SEALING and open_,
        later=[] if open_ else _later(bid),
        crumbs=crumbs(bid),
    )


def demo_code(organisation: Organisation) -> str | None:
    """In the demo alone: the code of the key that the demo's own bids are read with, while it is the one in force."""
    demo, current = demo_key(organisation), queries.bidder_key(organisation.id)
    return demo.code if demo and current and current.check_hash == demo.check_hash else None


def _later(bid: Bid) -> list[tuple[str, str]]:
    """Where it goes on once bidding is closed, as far as the bid has come there."""
    opened = bid.state not in (BidState.DRAFT, BidState.SEALED, BidState.WITHDRAWN, BidState.DESTROYED)
    found = [(place("openings.hall", ref=bid.demand.ref), _("开启大厅"))] if bid.demand.closes_at else []
    if opened:
        found.append((place("openings.record", ref=bid.demand.ref), _("开启记录")))
        if bid.state is not BidState.UNOPENABLE:
            found.append((place("eligibility.mine", public_id=bid.public_id), _("资格审查与补正")))
    return [(url, label) for url, label in found if url]


def _outside() -> bool:
    """WeChat's own browser keeps neither keys nor large uploads reliably."""
    return "MicroMessenger" in request.headers.get("User-Agent", "")


def _sealing_page(template: str, bid: Bid, **more: Any) -> ResponseValue:
    address = url_for(request.endpoint or "", public_id=bid.public_id, _external=True)
    if _outside():
        page = render_template("bids/outside.html", bid=bid, address=address, qr=qr_path(address), crumbs=crumbs(bid))
        return page
    code = demo_code(bid.organisation)
    return render_template(template, bid=bid, said=bid.demand.said, address=address, demo_code=code, **more)


@bp.get("/bids/<public_id>/form")
@allow("bid.draft", queries.find)
def form(bid: Bid) -> ResponseValue:
    """The form: filled, checked and encrypted in the browser; this page carries not one word of a bid."""
    asked = terms_of(bid.demand)
    return _sealing_page(
        "bids/form.html",
        bid,
        form=blank(asked),
        asked=asked,
        parts=[(f"#part-{key}", spoken(label)) for key, label in SECTIONS],
        roles=[(name, spoken(role.label), role) for name, role in ROLES.items()],
        documents=[(name, spoken(label)) for name, label in DOCUMENTS.items()],
        crumbs=crumbs(bid, (_("填写标书"), None)),
    )


@bp.get("/bids/<public_id>/seal")
@allow("bid.seal", queries.find)
def seal(bid: Bid) -> ResponseValue:
    """What lies in each envelope, what is still missing, and the one button that counts."""
    return _sealing_page(
        "bids/seal.html",
        bid,
        asked=terms_of(bid.demand),
        custodians=_custody(bid.demand),
        crumbs=crumbs(bid, (_("密封"), None)),
    )


@bp.get("/bids/<public_id>/reading")
@allow("bid.see", queries.find)
def reading(bid: Bid) -> ResponseValue:
    """The bidder reads his own sealed bid again, with his own key."""
    if bid.version == 0:
        return redirect(url_for(".show", public_id=bid.public_id))
    return _sealing_page("bids/reading.html", bid, crumbs=crumbs(bid, (_("查看已封内容"), None)))


@bp.get("/bids/<public_id>/package")
@allow("bid.seal", queries.find)
def package(bid: Bid) -> ResponseValue:
    """A bid sealed offline: the browser uploads its chunks and commits."""
    return _sealing_page("bids/package.html", bid, crumbs=crumbs(bid, (_("上传封标包"), None)))


@bp.route("/bids/<public_id>/withdrawal", methods=["GET", "POST"])
@allow("bid.see", queries.find)
def withdraw(bid: Bid) -> ResponseValue:
    """Take the bid back; the page names what happens."""
    form = ConfirmForm()
    if form.validate_on_submit():
        key = request.form.get("key", "")
        return _receipt_or_late(service.withdraw(bid, idempotency_key=key, actor=g.actor), bid)
    refusal = None
    if not bid.demand.accepts_bids(g.now):
        refusal = _("揭榜已经截止或暂停，标书不能再改动。")
    elif bid.state is not BidState.SEALED:
        refusal = _("这份标书现在没有封口，不用撤回。")
    return render_template(
        "bids/withdraw.html", bid=bid, form=form, refusal=refusal, crumbs=crumbs(bid, (_("撤回"), None))
    )


@bp.route("/bids/<public_id>/amendment", methods=["GET", "POST"])
@allow("bid.see", queries.find)
def amendment(bid: Bid) -> ResponseValue:
    """The demand was amended: read what changed, and stand by the bid or replace it."""
    form = ConfirmForm()
    if form.validate_on_submit():
        key = request.form.get("key", "")
        return _receipt_or_late(service.confirm_amendment(bid, idempotency_key=key, actor=g.actor), bid)
    tongue = "en" if g.locale == "en" else "zh"
    newer = [version for version in bid.demand.versions if version.version > bid.answers_version]
    return render_template(
        "bids/amendment.html",
        bid=bid,
        form=form,
        stale=is_stale(bid),
        events=demand_pages.events(newer, tongue),
        crumbs=crumbs(bid, (_("需求有变更"), None)),
    )


def _receipt_or_late(outcome: Any, bid: Bid) -> ResponseValue:
    """To the receipt; or 410 with both instants, of which a leaf remains."""
    if isinstance(outcome, Late):
        page = render_template("errors/error.html", status=TooLate.status, sentence=spoken(outcome.sentence))
        return page, TooLate.status
    db.session.flush()
    flash(_("已办理，回执如下。"), "done")
    return redirect(url_for(".receipt", public_id=outcome.public_id))


def storage() -> Any:
    return current_app.extensions["storage"]
