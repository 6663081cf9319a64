"""An expert's reviews and his place in one: the invitation, the declaration, the bids, leaving, the chair, questions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from marketplace import db, web
from marketplace.demands.rules import STATE_LABELS, TONES, State
from marketplace.desk.routes import menu
from marketplace.panels import queries
from marketplace.panels import service as panels
from marketplace.panels.models import PanelQuestion, PanelSeat
from marketplace.panels.rules.seats import SEAT_STATE_LABELS, SeatState
from marketplace.panels.service.seating import shown_to
from marketplace.platform import policy
from marketplace.platform.forms import ConfirmForm
from marketplace.scoring import queries as sheets
from marketplace.scoring import service
from marketplace.scoring.forms import AnswerForm, DeclareForm, QuestionForm, ReasonForm, VoteForm
from marketplace.scoring.models import Sheet
from marketplace.scoring.routes import bp
from marketplace.scoring.rules.sheets import STATE_LABELS as SHEET_LABELS
from marketplace.scoring.rules.sheets import SheetState
from marketplace.scoring.waiting import open_sheets
from marketplace.web import ResponseValue, allow

PER_PAGE = 50
SEAT_TONES = {"invited": "alert", "confirmed": "alert", "declared": "live"}
SHEET_TONES = {"draft": "draft", "flagged": "alert", "locked": "done"}


@bp.get("/review")
@allow("account.own")
def index() -> ResponseValue:
    """The reviews this person has a place in, the newest first."""
    seats = list(db.session.scalars(queries.seats_of(g.actor).limit(100)))
    counts = open_sheets([seat for seat in seats if seat.panel.demand.state is State.REVIEWING])
    return render_template(
        "scoring/index.html",
        rows=[
            {
                "seat": seat,
                "demand": seat.panel.demand,
                "url": url_for(".show", ref=seat.panel.demand.ref),
                "label": SEAT_STATE_LABELS[seat.state],
                "tone": SEAT_TONES.get(seat.state, "ended"),
                "open": counts.get(seat.id, {}).get("draft", 0) + counts.get(seat.id, {}).get("flagged", 0),
                "all": sum(counts.get(seat.id, {}).values()),
            }
            for seat in seats
        ],
        desk=menu("review.index"),
    )


@bp.get("/review/<ref>")
@allow("seat.see", queries.own_seat)
def show(seat: PanelSeat) -> ResponseValue:
    """One review: what is asked of the expert now, his bids with their progress, the panel."""
    demand, panel = seat.panel.demand, seat.panel
    # Before the declaration nothing of a bid is shown, not even how many there are.
    shown = seat.is_declared and demand.state is not State.OPENED
    page, only = max(1, request.args.get("page", 1, type=int)), "open" if request.args.get("only") == "open" else ""
    own = sheets.own_page(seat, page=page, per_page=PER_PAGE, only=only) if shown else None
    counted = panel.counted_seats
    return render_template(
        "scoring/show.html",
        seat=seat,
        demand=demand,
        panel=panel,
        rows=_rows(seat, own, only) if own is not None else [],
        own=own,
        only=only,
        pages=_pages(seat, own, page, only) if own is not None else None,
        state={"label": SEAT_STATE_LABELS[seat.state], "tone": SEAT_TONES.get(seat.state, "ended")},
        demand_state={"label": STATE_LABELS[demand.state].zh, "tone": TONES[str(demand.state)]},
        states=SeatState,
        may_abstain=demand.state in queries.FORMABLE and not (own is not None and own.locked),
        members=counted if seat.is_declared else [],
        voted=sum(member.vote_for_id is not None for member in counted),
        chair=panel.chair,
        questions=_questions(seat) if seat.is_declared else [],
        confirm_form=ConfirmForm(),
    )


def _pages(seat: PanelSeat, own: sheets.Own, page: int, only: str) -> dict[str, Any] | None:
    """For components/pagination.html; none where everything is on one page."""
    last = max(1, -(-own.total // PER_PAGE))
    if last == 1:
        return None

    def url(number: int) -> str:
        return url_for(".show", ref=seat.panel.demand.ref, page=number, only=only or None)

    near = sorted({1, last, *range(max(1, page - 2), min(last, page + 2) + 1)})
    return {
        "page": page,
        "pages": last,
        "first": (page - 1) * PER_PAGE + 1,
        "last": min(page * PER_PAGE, own.total),
        "total": own.total,
        "urls": {number: url(number) for number in near},
        "previous": url(page - 1) if page > 1 else None,
        "next": url(page + 1) if page < last else None,
    }


def _rows(seat: PanelSeat, own: sheets.Own, only: str) -> list[dict[str, Any]]:
    return [
        {
            "code": code,
            "url": url_for(".sheet", ref=seat.panel.demand.ref, key=key, only=only or None),
            "state": sheet.state,
            "label": _("已填完，未提交") if _filled(sheet) else SHEET_LABELS[sheet.state],
            "tone": "work" if _filled(sheet) else SHEET_TONES.get(sheet.state, "work"),
            "missing": sheet.missing,
            "done": sheet.missing == 0 or sheet.state is not SheetState.DRAFT,
            "begun": sheet.saved_at is not None,
            "flagged": sheet.state is SheetState.FLAGGED,
        }
        for sheet, code, key in own.rows
    ]


def _filled(sheet: Sheet) -> bool:
    return sheet.state is SheetState.DRAFT and sheet.missing == 0


def _questions(seat: PanelSeat) -> list[PanelQuestion]:
    return list(
        db.session.scalars(
            select(PanelQuestion)
            .where(PanelQuestion.panel_id == seat.panel_id)
            .order_by(PanelQuestion.id.desc())
            .limit(50)
            .options(joinedload(PanelQuestion.seat))
        )
    )


@bp.post("/review/<ref>/confirmation")
@allow("seat.see", queries.own_seat)
def confirm(seat: PanelSeat) -> ResponseValue:
    """Take the seat."""
    if not ConfirmForm().validate_on_submit():
        abort(400)
    panels.confirm(seat, actor=g.actor, now=g.now)
    flash(_("已确认参加。请先完成回避申报，再查看标书。"), "done")
    return redirect(url_for(".declare", ref=seat.panel.demand.ref))


def _leaving(verb: str, act: Callable[..., None], consequences: list[str], done: str) -> Callable[..., ResponseValue]:
    """Declining, abstaining and recusal: three pages of one shape, three different acts."""

    def view(seat: PanelSeat) -> ResponseValue:
        form = ReasonForm()
        context = {
            "form": form,
            "seat": seat,
            "demand": seat.panel.demand,
            "verb": verb,
            "consequences": consequences,
            "back": url_for(".show", ref=seat.panel.demand.ref),
        }
        web.retry_page("scoring/leave.html", **context)
        if form.validate_on_submit():
            act(seat, reason=form.reason.data or "", actor=g.actor, now=g.now)
            flash(done, "done")
            return redirect(url_for(".index"))
        return render_template("scoring/leave.html", **context), 422 if form.errors else 200

    return view


for _noun, _verb, _act, _consequences, _done in (
    (
        "declination",
        "谢绝",
        panels.decline,
        ["您不参加这次评审，由候补专家递补。", "谢绝不说明有无利害关系，不影响以后受邀。"],
        "已谢绝，谢谢您的答复。",
    ),
    (
        "recusal",
        "申请回避",
        panels.recuse,
        [
            "回避是因为与参与单位或人员有利害关系。",
            "您退出本需求的专家组，已填的评分表留档但不计入。",
            "由下一位候补专家评审全部标书。",
        ],
        "已回避，由候补专家递补。",
    ),
    (
        "abstention",
        "弃权",
        service.abstain,
        [
            "弃权是没有利害关系但不能继续评审。有利害关系时请改为申请回避。",
            "您退出本需求的专家组，已填的评分表留档但不计入。",
            "由下一位候补专家评审全部标书。",
        ],
        "已弃权，由候补专家递补。",
    ),
):
    bp.add_url_rule(
        f"/review/<ref>/{_noun}",
        endpoint=_noun,
        view_func=allow("seat.see", queries.own_seat)(_leaving(_verb, _act, _consequences, _done)),
        methods=["GET", "POST"],
    )


@bp.route("/review/<ref>/declaration", methods=["GET", "POST"])
@allow("seat.see", queries.own_seat)
def declare(seat: PanelSeat) -> ResponseValue:
    """The one declaration of this demand, before anything of a bid is shown."""
    demand = seat.panel.demand
    if seat.state is not SeatState.CONFIRMED:
        return redirect(url_for(".show", ref=demand.ref))
    form = DeclareForm()
    form.conflicts.choices = [(name, name) for name in shown_to(seat)]
    context = {"form": form, "seat": seat, "demand": demand, "back": url_for(".show", ref=demand.ref)}
    web.retry_page("scoring/declare.html", **context)
    if form.validate_on_submit():
        conflicts = form.conflicts.data or []
        if form.verdict.data == "conflict" and not conflicts:
            form.conflicts.errors = [_("请勾选有利害关系的单位或人员。")]
        elif form.verdict.data == "clean" and conflicts:
            form.verdict.errors = [_("您勾选了单位或人员，请改选“申请回避”，或取消勾选。")]
        else:
            service.declare(seat, conflicts=conflicts, statement=form.statement.data or "", actor=g.actor, now=g.now)
            if seat.is_declared:
                flash(
                    _("申报完成，可以开始评审。")
                    if demand.state is State.REVIEWING
                    else _("申报完成。评审开始时会通知您。"),
                    "done",
                )
            else:
                flash(_("您已回避本需求的评审，由候补专家递补。"), "done")
            return redirect(url_for(".show", ref=demand.ref))
    failed = bool(form.errors or form.conflicts.errors or form.verdict.errors)
    return render_template("scoring/declare.html", **context), 422 if form.is_submitted() and failed else 200


@bp.route("/review/<ref>/submission", methods=["GET", "POST"])
@allow("seat.see", queries.own_seat)
def hand_in_all(seat: PanelSeat) -> ResponseValue:
    """Hand in everything at once."""
    policy.require("seat.vote", g.actor, seat, g.now)  # a seat that has declared
    demand = seat.panel.demand
    form = ConfirmForm()
    own = list(db.session.scalars(sheets.of_seat(seat).options(joinedload(Sheet.seat), joinedload(Sheet.demand))))
    context = {
        "form": form,
        "demand": demand,
        "count": sum(sheet.state is SheetState.DRAFT for sheet in own),
        "back": url_for(".show", ref=demand.ref),
    }
    web.retry_page("scoring/submit.html", **context)
    if form.validate_on_submit():
        count = service.hand_in_all(own, actor=g.actor, now=g.now)
        flash(_("已提交%(count)s份评分表。", count=count), "done")
        return redirect(url_for(".show", ref=demand.ref))
    return render_template("scoring/submit.html", **context)


@bp.route("/review/<ref>/chair", methods=["GET", "POST"])
@allow("seat.vote", queries.own_seat)
def vote(seat: PanelSeat) -> ResponseValue:
    """Vote for the chair among the outside experts."""
    panel, demand = seat.panel, seat.panel.demand
    form = VoteForm(choice=seat.vote_for_id)
    form.choice.choices = [
        (member.id, f"{_('专家')}{member.number}　{member.expert.name}，{member.expert.title}")
        for member in panel.counted_seats
        if member.outside
    ]
    context = {"form": form, "demand": demand, "back": url_for(".show", ref=demand.ref)}
    web.retry_page("scoring/vote.html", **context)
    if form.validate_on_submit():
        choice = next((member for member in panel.counted_seats if member.id == form.choice.data), None)
        if choice is None:
            abort(404)
        panels.vote(seat, choice=choice, actor=g.actor, now=g.now)
        flash(_("已投票。"), "done")
        return redirect(url_for(".show", ref=demand.ref))
    return render_template("scoring/vote.html", **context), 422 if form.errors else 200


@bp.route("/review/<ref>/questions", methods=["GET", "POST"])
@allow("seat.ask", queries.own_seat)
def ask(seat: PanelSeat) -> ResponseValue:
    """Questions to the chair, read by the panel; the chair answers here."""
    demand = seat.panel.demand
    form = QuestionForm()
    context = {
        "form": form,
        "demand": demand,
        "seat": seat,
        "questions": _questions(seat),
        "is_chair": seat.panel.chair is seat,
        "chair": seat.panel.chair,
        "back": url_for(".show", ref=demand.ref),
    }
    web.retry_page("scoring/questions.html", **context)
    if form.validate_on_submit():
        panels.ask(seat, text=form.text.data or "", code="", actor=g.actor, now=g.now)
        flash(_("问题已发给组长和全组。"), "done")
        return redirect(url_for(".ask", ref=demand.ref))
    return render_template("scoring/questions.html", **context), 422 if form.errors else 200


@bp.route("/review/<ref>/questions/<int:question_id>/answer", methods=["GET", "POST"])
@allow("panel.answer", lambda *, actor, now, ref, question_id: _asked(actor, now, ref, question_id))
def answer(found: Any) -> ResponseValue:
    """The chair answers one question."""
    question, demand = found.question, found.demand
    form = AnswerForm()
    context = {"form": form, "question": question, "demand": demand, "back": url_for(".ask", ref=demand.ref)}
    web.retry_page("scoring/answer.html", **context)
    if form.validate_on_submit():
        panels.answer(question, text=form.answer.data or "", actor=g.actor, now=g.now)
        flash(_("已答复。"), "done")
        return redirect(url_for(".ask", ref=demand.ref))
    return render_template("scoring/answer.html", **context), 422 if form.errors else 200


class _Asked:
    """A question bound to the panel of its address, with what the policy asks."""

    def __init__(self, question: PanelQuestion, seat: PanelSeat) -> None:
        self.question, self.demand = question, seat.panel.demand
        self.chair_account_id = seat.panel.chair_account_id


def _asked(actor: policy.Actor, now: Any, ref: str, question_id: int) -> _Asked | None:
    seat = queries.own_seat(actor=actor, now=now, ref=ref)
    question = db.session.get(PanelQuestion, question_id)
    if seat is None or question is None or question.panel_id != seat.panel_id or not seat.is_declared:
        return None
    return _Asked(question, seat)
