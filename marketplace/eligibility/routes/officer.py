"""Checking opened bids: the list, one demand's bids, one bid's checklist and content, the decisions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import current_app, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _

from marketplace import web
from marketplace.bids import queries as bids
from marketplace.bids.content import price_from
from marketplace.bids.models import Bid, BidFile
from marketplace.bids.rules import BidState
from marketplace.demands.models import Demand
from marketplace.demands.rules import STATE_LABELS as DEMAND_STATES
from marketplace.demands.rules import State
from marketplace.disclosure import Fact
from marketplace.eligibility import pages, queries, service
from marketplace.eligibility.forms import AdmitForm, AskCureForm, ChecklistForm, RejectForm
from marketplace.eligibility.routes import bp, by, download, later_rows, note_reading, promise_rows, state_of
from marketplace.eligibility.rules import CHECKS, REASONS, Check, why_not_admit
from marketplace.platform import policy
from marketplace.platform.policy import Actor
from marketplace.web import ResponseValue, allow


@bp.get("/desk/eligibility")
@allow("eligibility.list")
def index() -> ResponseValue:
    """Demands whose opened bids are being checked, the longest opened on top."""
    return render_template("eligibility/index.html", lines=queries.worklist(g.now))


@bp.get("/demands/<ref>/eligibility")
@allow("eligibility.see", queries.demand_for_officer)
def demand(demand: Demand) -> ResponseValue:
    """Every opened bid of a demand: its state, what the machine points at, its cure, its decision."""
    opened = bids.opened(demand)
    about = queries.all_about(opened)
    signals = queries.all_signals(demand, opened)
    rows = [
        {
            "bid": bid,
            "members": [item.organisation.display_name for item in bid.members if item.confirmed_at is not None],
            "state": state_of(bid),
            "signals": len(signals.get(bid.public_id, [])),
            "cure": about.cures.get(bid.id),
            "decision": about.decisions.get(bid.id),
        }
        for bid in opened
    ]
    web.note_read("bid.list", demand.audit_subject)
    undecided = sum(bid.state in queries.UNDECIDED for bid in opened)
    return render_template(
        "eligibility/demand.html",
        demand=demand,
        state=DEMAND_STATES[demand.state].zh,
        rows=rows,
        reasons=REASONS,
        undecided=undecided,
        admitted=sum(bid.state not in (*queries.UNDECIDED, BidState.INELIGIBLE, BidState.RENOUNCED) for bid in opened),
        deciding=demand.state is State.OPENED,
        propose_url=url_for("demands.act_proposal", ref=demand.ref) if _may_propose(demand) else None,
        work_url=url_for("demands.work", ref=demand.ref),
    )


def _may_propose(demand: Demand) -> bool:
    return demand.open_proposal is None and policy.allows("demand.propose", g.actor, demand, g.now)


@bp.route("/bids/<public_id>/eligibility", methods=["GET", "POST"])
@allow("eligibility.see", queries.for_officer)
def work(bid: Bid) -> ResponseValue:
    """The checklist of one bid beside everything that bears on it."""
    review = queries.review_of(bid)
    form = ChecklistForm()
    context = _work_context(bid, form)
    web.retry_page("eligibility/work.html", **context)
    if form.validate_on_submit():
        policy.require("eligibility.work", g.actor, bid, g.now)
        seen = int(form.version.data) if (form.version.data or "").isdigit() else 0
        service.save_checks(bid, form.said(), seen_version=seen, **by())
        flash(_("核对表已保存。"), "done")
        return redirect(url_for(".work", public_id=bid.public_id))
    if not form.is_submitted():
        _fill(form, review.checks if review else {}, review.version if review else 0)
    note_reading(bid)
    return render_template("eligibility/work.html", **context), 422 if form.is_submitted() else 200


def _fill(form: ChecklistForm, checks: dict[str, Any], version: int) -> None:
    form.version.data = str(version)
    for check in Check:
        said = checks.get(check, {})
        form[f"{check}_verdict"].data = said.get("verdict")
        form[f"{check}_note"].data = said.get("note", "")


def _work_context(bid: Bid, form: ChecklistForm) -> dict[str, Any]:
    signals: dict[str, list[str]] = {}
    opened = bids.opened(bid.demand)
    for signal in queries.all_signals(bid.demand, opened).get(bid.public_id, []):
        signals.setdefault(str(signal.check), []).append(signal.text)
    refusal = policy.why_not("eligibility.work", g.actor, bid, g.now)
    open_now = bid.demand.state is State.OPENED and bid.state in queries.UNDECIDED
    place = opened.index(bid)
    return {
        "bid": bid,
        "form": form,
        "checks": [(str(check), CHECKS[check].zh) for check in Check],
        "signals": signals,
        "state": state_of(bid),
        "refusal": refusal,
        "open_now": open_now,
        "acts": _acts(bid) if open_now and refusal is None else [],
        "cure": queries.cure_of(bid),
        "decision": queries.decision_of(bid),
        "reasons": REASONS,
        "promises": promise_rows(bid),
        "later": later_rows(bid),
        "before": opened[place - 1] if place else None,
        "after": opened[place + 1] if place + 1 < len(opened) else None,
        "nth": place + 1,
        "total": len(opened),
        "tabs": _tabs(bid, "work"),
    }


def _tabs(bid: Bid, here: str) -> list[tuple[str, str, bool]]:
    return [
        (_("核对"), url_for(".work", public_id=bid.public_id), here == "work"),
        (_("标书内容"), url_for(".content", public_id=bid.public_id), here == "content"),
    ]


def _acts(bid: Bid) -> list[dict[str, Any]]:
    asked = queries.cure_of(bid) is not None
    return [
        {
            "label": _("判为合格"),
            "url": url_for(".admit", public_id=bid.public_id),
            "refusal": why_not_admit(queries.standing(bid), g.now),
        },
        {
            "label": _("要求补正"),
            "url": url_for(".ask", public_id=bid.public_id),
            "refusal": _("已经要求过一次补正，按规则只能一次。") if asked else None,
        },
        {"label": _("判为不合格"), "url": url_for(".reject", public_id=bid.public_id), "refusal": None, "kind": "line"},
    ]


@bp.get("/bids/<public_id>/opened")
@allow("eligibility.see", queries.for_officer)
def content(bid: Bid) -> ResponseValue:
    """Everything that was opened of one bid, and its files to read. Prices once they may be known."""
    said = queries.technical(bid)
    rows = [row for row in bids.opened_files(bid) if row.envelope == "technical" or _knows(Fact.PRICE, bid)]
    shown = pages.files(
        rows, lambda row: url_for(".file", public_id=bid.public_id, envelope=row.envelope, part=row.part)
    )
    evidence = {item["part"]: item for item in shown if item["envelope"] == "technical"}
    fields = bids.opened_fields(bid, "price") if _knows(Fact.PRICE, bid) else None
    note_reading(bid)
    return render_template(
        "eligibility/content.html",
        bid=bid,
        state=state_of(bid),
        tabs=_tabs(bid, "content"),
        who=pages.who(said, exclusions=_knows(Fact.EXCLUSION_REQUEST, bid)) if said is not None else None,
        proposal=pages.proposal(said.technical, bid.demand.said, evidence) if said is not None else None,
        price=pages.price(price_from(fields)) if fields is not None else None,
        files=shown,
        later=later_rows(bid),
        sealed_at=bids.sealed_version(bid),
    )


def _knows(fact: Fact, bid: Bid) -> bool:
    return queries.knows(fact, g.actor, bid.demand, g.now)


def _find_file(*, actor: Actor, now: datetime, public_id: str, envelope: str, part: int) -> tuple[Bid, BidFile] | None:
    bid = queries.for_officer(actor=actor, now=now, public_id=public_id)
    if bid is None or (envelope == "price" and not queries.knows(Fact.PRICE, actor, bid.demand, now)):
        return None
    row = next((row for row in bids.opened_files(bid) if (row.envelope, row.part) == (envelope, part)), None)
    return (bid, row) if row is not None else None


@bp.get("/bids/<public_id>/opened/<envelope>/<int:part>")
@allow("eligibility.list", _find_file)
def file(found: tuple[Bid, BidFile]) -> ResponseValue:
    """An opened file, decrypted on the way. Always a download: nothing of a bidder's runs in this site's pages."""
    bid, row = found
    note_reading(bid)
    chunks = bids.file_chunks(bid, row, storage=current_app.extensions["storage"])
    return download(chunks, name=row.name, size=row.size)


@bp.route("/bids/<public_id>/eligibility/cure", methods=["GET", "POST"])
@allow("eligibility.work", queries.for_officer)
def ask(bid: Bid) -> ResponseValue:
    """Ask for the one cure."""
    form = AskCureForm()
    first, last = service.cure_bounds(g.now)
    page = _act_page(
        bid, form, _("要求补正"), _("立即通知揭榜单位，期限内由其补交和说明。"), _("一份标书只能要求一次。")
    )
    page["days"] = (first, last)
    if not form.is_submitted():
        form.due_on.data = service.cure_default(g.now)
    web.retry_page("eligibility/act.html", **page)
    if form.validate_on_submit():
        service.ask_cure(bid, text=form.text.data or "", due_on=form.due_on.data, **by())
        return _done(bid, _("已要求补正，揭榜单位会收到通知。"))
    return render_template("eligibility/act.html", **page), 422 if form.is_submitted() else 200


@bp.route("/bids/<public_id>/eligibility/admission", methods=["GET", "POST"])
@allow("eligibility.work", queries.for_officer)
def admit(bid: Bid) -> ResponseValue:
    form = AdmitForm()
    page = _act_page(bid, form, _("判为合格"), _("标书进入评审，不能再改判。"), _("揭榜单位立即收到通知。"))
    web.retry_page("eligibility/act.html", **page)
    if form.validate_on_submit():
        service.admit(bid, text=form.text.data or "", **by())
        return _done(bid, _("已判为资格合格。"))
    return render_template("eligibility/act.html", **page), 422 if form.is_submitted() else 200


@bp.route("/bids/<public_id>/eligibility/rejection", methods=["GET", "POST"])
@allow("eligibility.work", queries.for_officer)
def reject(bid: Bid) -> ResponseValue:
    form = RejectForm()
    page = _act_page(
        bid, form, _("判为不合格"), _("标书不进入评审，不能再改判。"), _("理由立即告知揭榜单位，并记入审计日志。")
    )
    page["kind"] = "solemn"
    web.retry_page("eligibility/act.html", **page)
    if form.validate_on_submit():
        service.reject(bid, reason=form.code, text=form.text.data or "", **by())
        return _done(bid, _("已判为资格不合格。"))
    return render_template("eligibility/act.html", **page), 422 if form.is_submitted() else 200


def _act_page(bid: Bid, form: Any, verb: str, *consequences: str) -> dict[str, Any]:
    return {"bid": bid, "form": form, "verb": verb, "consequences": consequences, "kind": None, "days": None}


def _done(bid: Bid, sentence: str) -> ResponseValue:
    flash(sentence, "done")
    return redirect(url_for(".work", public_id=bid.public_id))
