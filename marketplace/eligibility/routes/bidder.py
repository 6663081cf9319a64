"""What a bidder sees of its own bid after the opening, and what it hands in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import current_app, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _

from marketplace import web
from marketplace.bids.models import Bid
from marketplace.bids.rules import BidState
from marketplace.demands.rules import State
from marketplace.eligibility import queries, service
from marketplace.eligibility.forms import AnswerForm, FileForm, RenounceForm
from marketplace.eligibility.models import EligibilityFile
from marketplace.eligibility.routes import bp, by, download, language, later_rows, note_reading, promise_rows, state_of
from marketplace.eligibility.rules import REASONS, Reason
from marketplace.platform import policy
from marketplace.platform.forms import ConfirmForm
from marketplace.platform.policy import Actor
from marketplace.web import ResponseValue, allow


@bp.get("/bids/<public_id>/check")
@allow("eligibility.answer", queries.for_bidder)
def mine(bid: Bid) -> ResponseValue:
    """What the officers ask of this bid and decided about it; where a cure is answered and promises are met."""
    return render_template("eligibility/mine.html", **_mine_context(bid))


def _mine_context(bid: Bid, **more: Any) -> dict[str, Any]:
    cure, decision = queries.cure_of(bid), queries.decision_of(bid)
    waiting = cure is not None and cure.answered_at is None and bid.state is BidState.CURE
    reason = REASONS[Reason(decision.reason)] if decision is not None and decision.reason else None
    context = {
        "bid": bid,
        "state": state_of(bid),
        "cure": cure,
        "may_answer": waiting and cure is not None and g.now < cure.due_at,
        "overdue": waiting and cure is not None and g.now >= cure.due_at,
        "decision": decision,
        "reason": (reason.en if language() == "en" else reason.zh) if reason else None,
        "promises": promise_rows(bid),
        "may_hand_in": bid.state in queries.UNDECIDED,
        "later": later_rows(bid),
        "answer_form": AnswerForm(),
        "file_form": FileForm(),
        "may_renounce": policy.allows("bid.renounce", g.actor, bid, g.now)
        and bid.demand.state is State.OPENED
        and bid.state in (*queries.UNDECIDED, BidState.ELIGIBLE),
    }
    return context | more


@bp.post("/bids/<public_id>/check/answer")
@allow("eligibility.answer", queries.for_bidder)
def answer(bid: Bid) -> ResponseValue:
    form = AnswerForm()
    web.retry_page("eligibility/mine.html", **_mine_context(bid, answer_form=form, form=form))
    if form.validate_on_submit():
        service.answer_cure(bid, text=form.text.data or "", **by())
        flash(_("补正已提交，受理员会尽快审查。"), "done")
        return redirect(url_for(".mine", public_id=bid.public_id))
    return render_template("eligibility/mine.html", **_mine_context(bid, answer_form=form)), 422


@bp.post("/bids/<public_id>/check/files")
@allow("eligibility.answer", queries.for_bidder)
def upload(bid: Bid) -> ResponseValue:
    """One more file, for the cure or for a promised document."""
    form = FileForm()
    context = _mine_context(bid, file_form=form)
    web.retry_page("eligibility/mine.html", **context, form=form)
    if form.validate_on_submit() and form.file.data:
        service.hand_in(
            bid,
            form.file.data.stream,
            filename=form.file.data.filename or "",
            document=form.document.data or "",
            storage=current_app.extensions["storage"],
            scanner=current_app.config["ZHANGBANG"].clamd or None,
            **by(),
        )
        flash(_("文件已补交。"), "done")
        return redirect(url_for(".mine", public_id=bid.public_id))
    form.file.errors = [_("请选择要补交的文件。")]
    return render_template("eligibility/mine.html", **context), 422


def _find_later(*, actor: Actor, now: datetime, public_id: str, key: str) -> EligibilityFile | None:
    bid = queries.for_officer(actor=actor, now=now, public_id=public_id)
    bid = bid or queries.for_bidder(actor=actor, now=now, public_id=public_id)
    return queries.file_of(bid, key) if bid is not None else None


def _find_own(*, actor: Actor, now: datetime, public_id: str, key: str) -> EligibilityFile | None:
    bid = queries.for_bidder(actor=actor, now=now, public_id=public_id)
    return queries.file_of(bid, key) if bid is not None else None


@bp.get("/bids/<public_id>/later/<key>")
@allow("eligibility.file", _find_later)
def later_file(row: EligibilityFile) -> ResponseValue:
    """A file handed in after the opening, for the officers and for its bidder."""
    if g.actor.has(*queries.OFFICERS):
        note_reading(row.bid)
    return download(queries.chunks(row, storage=current_app.extensions["storage"]), name=row.name, size=row.size)


@bp.post("/bids/<public_id>/later/<key>/removal")
@allow("eligibility.file", _find_own)
def remove(row: EligibilityFile) -> ResponseValue:
    if ConfirmForm().validate_on_submit():
        service.remove_file(row, **by())
        flash(_("文件已取回。"), "done")
    return redirect(url_for(".mine", public_id=row.bid.public_id))


@bp.route("/bids/<public_id>/check/renunciation", methods=["GET", "POST"])
@allow("bid.renounce", queries.for_bidder)
def renounce(bid: Bid) -> ResponseValue:
    """Give up after the opening: a page that says what follows."""
    form = RenounceForm()
    web.retry_page("eligibility/renounce.html", bid=bid, form=form)
    if form.validate_on_submit():
        service.renounce(bid, text=form.text.data or "", **by())
        flash(_("已放弃这次揭榜。"), "done")
        return redirect(url_for(".mine", public_id=bid.public_id))
    return render_template("eligibility/renounce.html", bid=bid, form=form), 422 if form.is_submitted() else 200
