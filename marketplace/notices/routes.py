"""Public notices, objections from both sides, result letters."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Flask, Response, abort, current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from marketplace import db, web
from marketplace.bids.models import Bid
from marketplace.demands import pages as demand_pages
from marketplace.demands.clocks import OBJECTION_WORKING_DAYS
from marketplace.demands.models import Demand
from marketplace.demands.routes.documents import TYPES, as_file
from marketplace.demands.routes.public import language
from marketplace.frontend.routes import place
from marketplace.notices import errands, pages, papers, queries, service, source, telling
from marketplace.notices.forms import EscalateForm, ObjectionForm, WorkForm
from marketplace.notices.models import Letter, Notice, Objection, ObjectionFile
from marketplace.notices.queries import PER_PAGE, Filters
from marketplace.notices.rules.objections import OPEN, ObjectionAction
from marketplace.notices.service.objecting import MACHINE
from marketplace.platform import files, policy
from marketplace.platform.errors import Refused
from marketplace.platform.files.names import disposition
from marketplace.platform.forms import ConfirmForm
from marketplace.platform.policy import Actor
from marketplace.platform.rendering import Verification, pdf, qr_path
from marketplace.platform.workflow import offered
from marketplace.search import sources
from marketplace.settings import queries as settings
from marketplace.web import ResponseValue, allow, public

bp = Blueprint("notices", __name__)
FILE_MOST = 20 * 1024 * 1024
HANDLERS = ("screener", "publisher", "supervisor")


def _by() -> dict[str, Any]:
    return {"actor": g.actor, "now": g.now}


def _host() -> str:
    return str(settings.setting("site").get("host") or _("高新区管委会"))


@bp.get("/notices")
@public
def index() -> ResponseValue:
    """All public notices, the newest first."""
    page = request.args.get("page", "1")
    filters = Filters(
        q=request.args.get("q", "").strip()[:60],
        state=request.args.get("state", ""),
        year=request.args.get("year", ""),
        page=int(page) if page.isascii() and page.isdigit() and len(page) < 7 else 1,
    )
    found, tongue = queries.listing(filters, g.now), language()
    rows = [
        {
            "url": url_for(".show", notice_id=item.id),
            "title": pages.title_of(item, tongue),
            "number": item.number,
            "unit": item.demand.unit.display_name,
            "published_at": item.published_at,
            "last_day": pages.last_day(item),
            "state": pages.state_of(item, g.now, tongue),
        }
        for item in found.rows
    ]
    return render_template(
        "notices/index.html",
        rows=rows,
        filters=filters,
        states=[(code, label.en if tongue == "en" else label.zh) for code, (label, _tone) in pages.STATES.items()],
        years=[(str(year), str(year)) for year in queries.years(g.now)],
        pages=demand_pages.pagination(
            found.page, found.pages, found.total, PER_PAGE, lambda number: web.page_url(page=number)
        ),
    )


def _find(*, actor: Actor, now: datetime, notice_id: int) -> Notice | None:
    return queries.find_public(actor=actor, now=now, notice_id=notice_id)


def page_context(notice: Notice) -> dict[str, Any]:
    """All variables of notices/show.html."""
    tongue, content = language(), notice.content
    calendar = settings.calendar()
    url = url_for(".show", notice_id=notice.id, _external=True)
    window = pages.days(notice, calendar, g.now, tongue)
    key = pages.state_key(notice, g.now)
    return {
        "notice": notice,
        "title": pages.title_of(notice, tongue),
        "state": pages.state_of(notice, g.now, tongue),
        "key": key,
        "content": content,
        "url": url,
        "qr": qr_path(url),
        "rows": pages.candidates(content, tongue),
        "facts": pages.review_facts(content, tongue),
        "days": window,
        "number_of_days": len(window),
        "here": next((place + 1 for place, day in enumerate(window) if day["state"] == "now"), None),
        "last_day": pages.last_day(notice),
        "objections": pages.objection_rows(notice, tongue),
        "object_url": url_for(".objection", notice_id=notice.id)
        if policy.allows("objection.file", g.actor, notice, g.now)
        else None,
        "answer_days": OBJECTION_WORKING_DAYS,
        "host": _host(),
    }


@bp.get("/notices/<int:notice_id>")
@allow("public", _find)
def show(notice: Notice) -> ResponseValue:
    """One notice; its address never changes."""
    return render_template("notices/show.html", **page_context(notice))


@bp.get("/notices/<int:notice_id>/print")
@allow("public", _find)
def print_view(notice: Notice) -> ResponseValue:
    """The notice on A4."""
    return render_template("notices/print.html", **page_context(notice), back=url_for(".show", notice_id=notice.id))


@bp.get("/notices/<int:notice_id>/notice.pdf")
@allow("public", _find)
def paper(notice: Notice) -> ResponseValue:
    """公示 as PDF."""
    content = notice.content
    assert notice.published_at is not None
    said = papers.notice_paper(
        title=notice.title,
        number=notice.number,
        demand=notice.demand.title,
        issuer=_host(),
        published_at=notice.published_at,
        last_day=pages.last_day(notice),
        days=len(pages.days(notice, settings.calendar(), g.now, "zh")),
        rows=pages.candidates(content, "zh"),
        scores=content["public_scores"],
        facts=pages.review_facts(content, "zh"),
        text=content["text"],
        aggregate=content["aggregate"],
        ranking_hash=content["ranking"]["hash"],
        verification=Verification(url_for(".show", notice_id=notice.id, _external=True), notice.sha256),
        demo=current_app.config["ZHANGBANG"].demo,
    )
    return as_file(pdf(said), name=f"{notice.number}公示.pdf", media_type=TYPES["pdf"], inline=True)


@bp.get("/notices/<int:notice_id>/notice.json")
@allow("public", _find)
def frozen(notice: Notice) -> ResponseValue:
    """The bytes whose SHA-256 is the notice's fingerprint, exactly."""
    response = Response(notice.frozen, mimetype="application/json")
    response.headers["X-Content-SHA256"] = notice.sha256
    response.set_etag(notice.sha256)
    response.make_conditional(request)
    return response


# -- objecting -------------------------------------------------------------------------------------------------------


@bp.route("/notices/<int:notice_id>/objections/new", methods=["GET", "POST"])
@allow("objection.file", _find)
@web.limiter.limit("10/hour", methods=["POST"])
def objection(notice: Notice) -> ResponseValue:
    """File an objection by real name, with or without an account."""
    form = ObjectionForm()
    choices = [(item["bid"], item["name"]) for item in notice.content["candidates"]]
    form.about.choices = [("", _("不针对某一家")), *choices]
    if not form.is_submitted() and g.user is not None:
        form.name.data, form.phone.data, form.email.data = g.user.name, g.user.phone, g.user.email
        form.organisation.data = g.user.organisation.name if g.user.organisation else ""
    context = {"form": form, "notice": notice, "title": _("提出异议"), "answer_days": OBJECTION_WORKING_DAYS}
    context["about"] = pages.title_of(notice, language())
    web.retry_page("notices/object.html", **context)
    if form.validate_on_submit():
        about = None
        if form.about.data:
            about = db.session.scalar(
                select(Bid).where(Bid.public_id == form.about.data, Bid.demand_id == notice.demand_id)
            )
        row, token = service.file_objection(
            notice,
            name=form.name.data or "",
            organisation=form.organisation.data or "",
            email=form.email.data or "",
            phone=form.phone.data or "",
            facts=form.facts.data or "",
            wish=form.wish.data or "",
            about=about,
            **_by(),
        )
        for upload in form.files.data or ():
            if getattr(upload, "filename", ""):
                _attach(row, upload)
        if token:
            telling.mail_link(row, url_for(".own", public_id=row.public_id, key=token), now=g.now)
        flash(_("异议已收到。请保存这一页的网址，凭它查看办理情况。") if token else _("异议已收到。"), "done")
        return redirect(url_for(".own", public_id=row.public_id, key=token or None))
    return render_template("notices/object.html", **context), 422 if form.is_submitted() else 200


def _attach(row: Objection, upload: Any) -> None:
    name = files.safe_name(upload.filename)
    try:
        kind = files.check(name, upload.stream)
        upload.stream.seek(0)
        stored = current_app.extensions["storage"].put(files.chunks_of(upload.stream), limit=FILE_MOST)
    except (files.BadFile, files.TooLarge) as error:
        sentence = f"“{name}”：{error.zh}"
        raise Refused(sentence, fields={"files": sentence}) from None
    service.attach(row, stored, name=name, media_type=kind.mime)


def _own(public_id: str) -> tuple[Objection, Actor]:
    """An objection for its own objector, by account or by his link; whoever handles it goes to the desk instead."""
    row = queries.find_objection(actor=g.actor, now=g.now, public_id=public_id)
    if row is None:
        abort(404)
    actor = queries.objector_by_link(g.actor, row, request.args.get("key", ""))
    if policy.allows("objection.withdraw", actor, row, g.now):
        return row, actor
    if not g.actor.signed_in:
        abort(redirect(web.sign_in_url()))
    abort(403, description=_("只有提出异议的人可以查看这一页。办理人请从工作台进入。"))


@bp.get("/objections/<public_id>")
@public
def own(public_id: str) -> ResponseValue:
    """What became of it, for who filed it."""
    row, actor = _own(public_id)
    label = pages.OBJECTION_STATES[row.state]
    key = request.args.get("key")
    return render_template(
        "notices/objection.html",
        objection=row,
        title=_("我的异议"),
        about=pages.title_of(row.notice, language()),
        state={"label": label.en if language() == "en" else label.zh, "tone": "work" if row.state in OPEN else "done"},
        open=row.state in OPEN,
        may_escalate=(row.state, ObjectionAction.ESCALATE) in MACHINE.table
        and policy.allows("objection.escalate", actor, row, g.now),
        may_withdraw=(row.state, ObjectionAction.WITHDRAW) in MACHINE.table,
        form=EscalateForm(),
        escalate_url=url_for(".escalate", public_id=public_id, key=key),
        withdraw_url=url_for(".withdraw", public_id=public_id, key=key),
        key=key,
    )


@bp.post("/objections/<public_id>/escalation")
@public
def escalate(public_id: str) -> ResponseValue:
    """To the supervisor, within five working days of the answer."""
    row, actor = _own(public_id)
    form = EscalateForm()
    back = url_for(".own", public_id=public_id, key=request.args.get("key"))
    if not form.validate_on_submit():
        flash(_("请写明不服的理由，不少于10个字。"), "error")
        return redirect(back)
    service.escalate(row, reason=form.reason.data or "", actor=actor, now=g.now)
    flash(_("已报监督员，决定之前不定榜。"), "done")
    return redirect(back)


@bp.post("/objections/<public_id>/withdrawal")
@public
def withdraw(public_id: str) -> ResponseValue:
    """Take it back."""
    row, actor = _own(public_id)
    if ConfirmForm().validate_on_submit():
        service.withdraw(row, actor=actor, now=g.now)
        flash(_("异议已撤回。"), "done")
    return redirect(url_for(".own", public_id=public_id, key=request.args.get("key")))


# -- answering -------------------------------------------------------------------------------------------------------


def _for_handlers(*, actor: Actor, now: datetime, public_id: str) -> Objection | None:
    found = queries.find_objection(actor=actor, now=now, public_id=public_id)
    return found if found is not None and actor.has(*HANDLERS) else None


@bp.get("/desk/objections")
@allow("objection.desk")
def desk() -> ResponseValue:
    """Every objection for those who handle them, open ones first, with the working days that are left."""
    calendar = settings.calendar()
    rows = [
        {
            "url": url_for(".work", public_id=item.public_id),
            "title": item.demand.title,
            "number": item.notice.number,
            "who": item.organisation or item.name,
            "filed_at": item.filed_at,
            "state": {
                "label": pages.OBJECTION_STATES[item.state].zh,
                "tone": "alert" if item.state in OPEN else "done",
            },
            "left": pages.days_left(item, calendar, g.now) if item.state in OPEN else None,
            "due_at": item.answer_due_at,
        }
        for item in db.session.scalars(queries.objections_desk(g.actor).limit(200))
    ]
    return render_template("notices/desk.html", rows=rows, title=_("异议办理"))


@bp.route("/desk/objections/<public_id>", methods=["GET", "POST"])
@allow("objection.see", _for_handlers)
def work(row: Objection) -> ResponseValue:
    """One objection with the acts that have a place now."""
    form = WorkForm(text=row.draft)
    calendar = settings.calendar()
    web.note_read("objection.read", row.audit_subject)
    acts = [
        item
        for item in offered(MACHINE, row, actor=g.actor, now=g.now)
        if item.action not in (ObjectionAction.WITHDRAW, ObjectionAction.ESCALATE)
    ]
    may_draft = (
        row.state in OPEN and not row.escalated_at and policy.allows("objection.draft_answer", g.actor, row, g.now)
    )
    context = {
        "objection": row,
        "form": form,
        "title": _("异议：%(title)s", title=row.demand.title),
        "state": {"label": pages.OBJECTION_STATES[row.state].zh, "tone": "alert" if row.state in OPEN else "done"},
        "open": row.state in OPEN,
        "left": pages.days_left(row, calendar, g.now) if row.state in OPEN else None,
        "acts": acts,
        "may_draft": may_draft,
        "remedy_url": place("awards.remedy", public_id=row.public_id)
        if row.state == "upheld" and row.remedied_at is None and g.actor.has("publisher")
        else None,
    }
    web.retry_page("notices/work.html", **context)
    if form.validate_on_submit():
        _act(row, form)
        flash(_("已办理。"), "done")
        return redirect(url_for(".work", public_id=row.public_id))
    return render_template("notices/work.html", **context), 422 if form.is_submitted() else 200


def _act(row: Objection, form: WorkForm) -> None:
    """The button says which act."""
    wanted = request.form.get("act", "")
    text, remedy = form.text.data or "", form.remedy.data or ""
    match wanted:
        case "draft":
            service.draft_answer(row, text=text, **_by())
        case ObjectionAction.ACCEPT:
            service.accept(row, **_by())
        case ObjectionAction.REFUSE | ObjectionAction.UPHOLD | ObjectionAction.DISMISS:
            service.decide(row, ObjectionAction(wanted), remedy=remedy, **_by())
        case ObjectionAction.OVERRULE | ObjectionAction.MAINTAIN:
            service.final_decision(row, upheld=wanted == "overrule", answer=text, remedy=remedy, **_by())
        case _:
            abort(400)


def _find_file(*, actor: Actor, now: datetime, public_id: str, file_id: int) -> ObjectionFile | None:
    return queries.find_evidence(actor=actor, now=now, public_id=public_id, file_id=file_id)


@bp.get("/objections/<public_id>/files/<int:file_id>")
@public
def evidence(public_id: str, file_id: int) -> ResponseValue:
    """A piece of evidence, for the objector and for those who handle it."""
    found = _find_file(actor=g.actor, now=g.now, public_id=public_id, file_id=file_id)
    if found is None:
        abort(404)
    if g.actor.has(*HANDLERS):
        web.note_read("objection.read", found.objection.audit_subject)
    else:
        _own(public_id)
    response = Response(current_app.extensions["storage"].stream(found.sha256), mimetype=found.media_type)
    response.headers["Content-Disposition"] = disposition(found.name)
    return response


# -- letters ---------------------------------------------------------------------------------------------------------


def _letter(*, actor: Actor, now: datetime, public_id: str) -> Letter | None:
    return queries.find_letter(actor=actor, now=now, public_id=public_id)


@bp.get("/bids/<public_id>/letter")
@allow("letter.see", _letter)
def letter(row: Letter) -> ResponseValue:
    """The result letter of one bid."""
    if g.actor.has(*HANDLERS):
        web.note_read("letter.read", row.audit_subject)
    view = pages.letter_view(row, language())
    open_notice = row.notice is not None and policy.allows("objection.file", g.actor, row.notice, g.now)
    return render_template(
        "notices/letter.html",
        letter=row,
        view=view,
        title=_("结果通知书：%(title)s", title=row.demand.title),
        how=papers.how_to_object(view),
        object_url=url_for(".objection", notice_id=row.notice.id) if open_notice and row.notice is not None else None,
        pdf_url=url_for(".letter_pdf", public_id=row.bid.public_id),
        notice_url=url_for(".show", notice_id=row.notice.id) if row.notice is not None else None,
    )


@bp.get("/bids/<public_id>/letter.pdf")
@allow("letter.see", _letter)
def letter_pdf(row: Letter) -> ResponseValue:
    """结果通知书 as PDF."""
    said = papers.letter_paper(
        pages.letter_view(row, "zh"),
        demand=row.demand.title,
        number=row.demand.number or "",
        issuer=_host(),
        sent_at=row.sent_at,
        verification=Verification(url_for(".letter", public_id=row.bid.public_id, _external=True), row.sha256),
        demo=current_app.config["ZHANGBANG"].demo,
    )
    return as_file(pdf(said), name=f"{row.demand.number}结果通知书.pdf", media_type=TYPES["pdf"], inline=True)


@bp.get("/desk/letters")
@allow("letter.mine")
def letters() -> ResponseValue:
    """A bidder's own letters."""
    tongue = language()
    rows = [
        {
            "url": url_for(".letter", public_id=item.bid.public_id),
            "title": item.demand.title,
            "number": item.demand.number,
            "sent_at": item.sent_at,
            "sentence": pages.letter_view(item, tongue)["sentence"],
        }
        for item in queries.my_letters(g.actor)
    ]
    return render_template("notices/letters.html", rows=rows, title=_("结果通知书"))


# -- hooks -----------------------------------------------------------------------------------------------------------


def on_demand_page(demand: Demand) -> dict[str, Any]:
    """The way from a demand's page to its newest notice."""
    found = queries.of_demand(demand.id, g.now) if demand.released_at is not None else []
    if not found:
        return {}
    state = pages.state_of(found[0], g.now, language())["label"]
    url = url_for("notices.show", notice_id=found[0].id)
    return {"act_row": [{"url": url, "label": _("结果公示（%(state)s）", state=state), "icon": "file"}]}


def install(app: Flask) -> None:
    app.register_blueprint(bp)
    app.extensions.setdefault("demand_page", []).append(on_demand_page)
    app.extensions["ahead"].append(_ahead)
    errands.install()
    telling.install()
    sources.declare(source.SOURCE)


def _ahead(now: datetime) -> list[tuple[datetime, str]]:
    """The public notice that is over next, for the demo clock."""
    found = queries.over_next(now)
    if found is None or found.ends_at is None:
        return []
    return [(found.ends_at, _("“%(title)s”公示期满", title=found.demand.title))]
