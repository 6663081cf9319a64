"""Asking, reading the answers, and the desk of those who answer."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from marketplace import db, web
from marketplace.demands import pages
from marketplace.demands.models import Demand
from marketplace.demands.routes.public import by_ref, language
from marketplace.platform.formatting import moment_short
from marketplace.platform.workflow import offered
from marketplace.questions import queries, service
from marketplace.questions.forms import AskForm, WorkForm
from marketplace.questions.models import Question
from marketplace.questions.rules import MACHINE, STATE_LABELS, TONES, QuestionAction
from marketplace.web import ResponseValue, allow

bp = Blueprint("questions", __name__)
SHOWN = 3  # on the demand's page; the rest has its own
PER_PAGE = 20


def shown(question: Question) -> dict[str, Any]:
    """One public question for components/qa.html."""
    tongue = language()
    asked = moment_short(question.asked_at, tongue)
    footer = _("%(asked)s提问", asked=asked)
    if question.answered_at is not None:
        footer = _("%(asked)s提问，%(answered)s答复", asked=asked, answered=moment_short(question.answered_at, tongue))
    return {"id": question.id, "question": question.text, "answer": question.answer, "footer": footer}


def _note(demand: Demand, total: int) -> str:
    if not _may_ask(demand) or demand.questions_close_at is None:
        return str(_("已答%(count)s问；提问已截止", count=total))
    until = moment_short(demand.questions_close_at, language())
    return str(_("已答%(count)s问；%(until)s前可提问", count=total, until=until))


def _may_ask(demand: Demand) -> bool:
    """A visitor who would be let in by signing in sees the button too; it leads through the sign-in."""
    closing = demand.questions_close_at
    return demand.accepts_bids(g.now) and closing is not None and g.now < closing


def on_demand_page(demand: Demand) -> dict[str, Any]:
    """The section 答疑 and the button 提问."""
    if demand.visible_from is None or demand.visible_from > g.now:
        return {}
    items, total = queries.answered(demand.id, limit=SHOWN)
    ask_url = url_for("questions.ask", ref=demand.ref) if _may_ask(demand) else None
    more = (url_for("questions.index", ref=demand.ref), total - SHOWN) if total > SHOWN else None
    result: dict[str, Any] = {
        "questions": {
            "note": _note(demand, total),
            "ask_url": ask_url,
            "items": [shown(item) for item in items],
            "more": more,
        }
    }
    if ask_url:
        result["act_row"] = [{"url": ask_url, "label": _("提问"), "icon": "question"}]
    return result


@bp.get("/demands/<ref>/questions")
@allow("demand.see", by_ref)
def index(demand: Demand) -> ResponseValue:
    """All public answers of a demand; the asker finds what became of his own questions on top."""
    if demand.visible_from is None or demand.visible_from > g.now:
        abort(404)
    page = max(request.args.get("page", 1, type=int), 1)
    items, total = queries.answered(demand.id, limit=PER_PAGE, offset=(min(page, 10_000) - 1) * PER_PAGE)
    count = max(1, -(-total // PER_PAGE))
    return render_template(
        "questions/index.html",
        demand=demand,
        items=[shown(item) for item in items],
        own=queries.own(demand.id, g.actor),
        labels=STATE_LABELS,
        tones=TONES,
        ask_url=url_for(".ask", ref=demand.ref) if _may_ask(demand) else None,
        note=_note(demand, total),
        pages=pages.pagination(min(page, count), count, total, PER_PAGE, lambda number: web.page_url(page=number)),
    )


@bp.route("/demands/<ref>/questions/new", methods=["GET", "POST"])
@allow("question.ask", by_ref)
def ask(demand: Demand) -> ResponseValue:
    """Ask a question; who asks is shown to nobody outside the office."""
    form = AskForm()
    context: dict[str, Any] = {"form": form, "demand": demand}
    if form.validate_on_submit():
        web.retry_page("questions/ask.html", **context)
        question = service.ask(demand, text=form.text.data or "", actor=g.actor, now=g.now)
        due = moment_short(question.due_at, language())
        flash(_("提问已收到，将在%(due)s前答复。答复公开，提问单位不公开。", due=due), "done")
        return redirect(url_for(".index", ref=demand.ref))
    return render_template("questions/ask.html", **context), 422 if form.errors else 200


@bp.get("/desk/questions")
@allow("question.desk")
def desk() -> ResponseValue:
    """What waits for this person, the first due on top."""
    items = list(db.session.scalars(queries.awaiting_answer(g.actor).limit(200)))
    return render_template("questions/desk.html", items=items, labels=STATE_LABELS, tones=TONES)


@bp.route("/desk/questions/<int:question_id>", methods=["GET", "POST"])
@allow("question.work", queries.for_work)
def work(question: Question) -> ResponseValue:
    """One question with the acts that have a place now; each button names its act."""
    form = WorkForm(answer=question.answer)
    acts = [item for item in offered(MACHINE, question, actor=g.actor, now=g.now) if item.refusal is None]
    context: dict[str, Any] = {"form": form, "question": question, "acts": acts, "labels": STATE_LABELS, "tones": TONES}
    if form.validate_on_submit():
        wanted = request.form.get("act", "")
        if wanted not in set(QuestionAction):
            abort(400)
        web.retry_page("questions/work.html", **context)
        text, reason = form.answer.data or "", form.reason.data or ""
        match QuestionAction(wanted):
            case QuestionAction.ROUTE:
                service.route(question, note=reason, actor=g.actor, now=g.now)
            case QuestionAction.DRAFT:
                service.draft(question, text=text, actor=g.actor, now=g.now)
            case QuestionAction.PUBLISH:
                service.publish(question, text=text, actor=g.actor, now=g.now)
            case QuestionAction.ANSWER:
                service.answer(question, text=text, actor=g.actor, now=g.now)
            case QuestionAction.REFUSE:
                service.refuse(question, reason=reason, actor=g.actor, now=g.now)
        flash(_("已办理：%(act)s。", act=MACHINE.action_labels[QuestionAction(wanted)]), "done")
        return redirect(url_for(".desk"))
    return render_template("questions/work.html", **context), 422 if form.errors else 200


def install(app: Flask) -> None:
    app.register_blueprint(bp)
    app.extensions["demand_page"].append(on_demand_page)
