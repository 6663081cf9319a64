"""The review from outside: dashboard, ranking, report, corrections, disqualifications."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Blueprint, Flask, Response, abort, current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from wtforms import StringField

from marketplace import db, web
from marketplace.bids.models import Bid
from marketplace.demands.pages import pagination
from marketplace.demands.routes.documents import TYPES, as_file
from marketplace.demands.rules import STATE_LABELS, TONES, State
from marketplace.panels.models import ReviewBid
from marketplace.panels.rules.seats import SEAT_STATE_LABELS
from marketplace.platform import policy
from marketplace.platform.errors import Invalid
from marketplace.platform.forms import ConfirmForm
from marketplace.platform.policy import Actor
from marketplace.platform.rendering import Verification, pdf, xlsx
from marketplace.results import errands, oversight, pages, queries, reporting, service
from marketplace.results.cli import ranking_commands
from marketplace.results.forms import DecideForm, DrawForm, MendForm, OutForm, ReportForm, SignForm
from marketplace.results.models import BidOut, Mend
from marketplace.results.queries import PER_PAGE, Filters, Reviewed
from marketplace.results.rules import CAUSE_LABELS, DISQUALIFICATION_LABELS, REPORT_LABELS, panel_forecast
from marketplace.results.rules import forecast as forecast_of
from marketplace.results.service.mending import open_mend
from marketplace.scoring.models import Sheet
from marketplace.scoring.rules.sheets import MEND_LABELS, typed
from marketplace.web import ResponseValue, allow

bp = Blueprint("results", __name__)


def _by() -> dict[str, Any]:
    return {"actor": g.actor, "now": g.now}


def _filters() -> Filters:
    def number(name: str, default: int) -> int:
        text = request.args.get(name, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 7 and int(text) else default

    wanted = number("per_page", 50)
    return Filters(
        q=request.args.get("q", "").strip()[:60],
        show=request.args.get("show", "") if request.args.get("show") in ("open", "done") else "",
        sort="rank" if request.args.get("sort") == "rank" else "code",
        page=number("page", 1),
        per_page=wanted if wanted in PER_PAGE else 50,
    )


@bp.get("/demands/<ref>/review")
@allow("review.see", queries.find_reviewed)
def dashboard(reviewed: Reviewed) -> ResponseValue:
    """Who has finished, who is missing, what comes next."""
    demand = reviewed.demand
    filters = _filters()
    ranking_id = reviewed.ranking_id if reviewed.is_locked else None
    people = queries.members(demand.id, expected=0)
    seats = [item.seat_id for item in people if item.counts]
    waited_for = [] if reviewed.is_locked else seats
    found = queries.bid_page(demand.id, filters, seats=waited_for, ranking_id=ranking_id)
    hidden = _names_hidden(reviewed)
    expected = found.competing
    shown = [_member(item, expected) for item in people]
    paces = [queries.paced(item, expected) for item in people if item.counts]
    until = panel_forecast(paces, now=g.now)
    numbers = {item.seat_id: item.number for item in people}
    if ranking_id is not None:
        web.note_read("score.read", demand.audit_subject)
    return render_template(
        "results/dashboard.html",
        demand=demand,
        state={"label": STATE_LABELS[demand.state].zh, "tone": TONES[demand.phase(g.now)]},
        tabs=tabs(reviewed, "dashboard"),
        members=shown,
        finished=sum(pace.finished for pace in paces),
        counted=len(paces),
        done=sum(pace.done for pace in paces),
        wanted=expected * len(paces),
        until=until,
        next_step=reporting.next_step(reviewed, until=until),
        reminded_at=reviewed.reminded_at,
        may_remind=policy.allows("review.remind", g.actor, demand, g.now)
        and demand.state is State.REVIEWING
        and not reviewed.is_locked,
        rows=[
            {
                "code": row.code,
                "name": "" if hidden else row.name,
                "rank": row.rank,
                "total": pages.shown(row.total) if row.total is not None else "",
                "standing": row.standing,
                "out": row.state not in queries.STILL_IN,
                "done": len(seats) - len(row.missing),
                "missing": "、".join(numbers[seat] for seat in row.missing if seat in numbers),
                "out_url": url_for(".out", ref=demand.number, public_id=row.public_id)
                if demand.state is State.REVIEWING and g.actor.has("publisher")
                else None,
            }
            for row in found.rows
        ],
        ranked=ranking_id is not None,
        seats=len(seats),
        filters=filters,
        per_page=PER_PAGE,
        pages=pagination(
            found.page, found.pages(filters.per_page), found.total, filters.per_page, lambda n: web.page_url(page=n)
        ),
    )


def _names_hidden(reviewed: Reviewed) -> bool:
    """The chair of a blind demand sees codes only."""
    return reviewed.demand.said.blind and not g.actor.has("screener", "publisher", "supervisor")


def _member(item: queries.Member, expected: int) -> dict[str, Any]:
    pace = queries.paced(item, expected)
    return {
        "number": item.number,
        "name": item.name,
        "employer": item.employer,
        "outside": item.outside,
        "chair": item.chair,
        "counts": item.counts,
        "state": SEAT_STATE_LABELS[item.state],
        "done": pace.done,
        "expected": expected,
        "finished": pace.finished,
        "flagged": item.flagged,
        "last_at": pace.last_at,
        "until": forecast_of(pace, now=g.now) if item.counts else None,
    }


def tabs(reviewed: Reviewed, here: str) -> list[tuple[str, str, bool]]:
    """The parts of a review that this person may open."""
    ref = reviewed.demand.number
    items = [
        ("dashboard", _("评审进度"), "review.see"),
        ("ranking", _("排名"), "ranking.see"),
        ("report", _("评审报告"), "report.see"),
        ("oversight", _("监督时间线"), "oversight.see"),
    ]
    return [
        (label, url_for(f".{name}" if name != "oversight" else ".timeline", ref=ref), name == here)
        for name, label, permission in items
        if policy.allows(permission, g.actor, reviewed, g.now)
    ]


@bp.post("/demands/<ref>/review/reminder")
@allow("review.remind", queries.find_reviewed)
def remind(reviewed: Reviewed) -> ResponseValue:
    """Remind who is missing, once a day."""
    if ConfirmForm().validate_on_submit():
        row = service.remind(reviewed.demand, **_by())
        flash(_("已提醒%(count)s位尚未完成的专家，明天之前不能再次提醒。", count=row.people), "done")
    return redirect(url_for(".dashboard", ref=reviewed.demand.number))


@bp.post("/demands/<ref>/review/ranking")
@allow("ranking.compute", queries.find_reviewed)
def compute(reviewed: Reviewed) -> ResponseValue:
    """Go on now instead of waiting for the worker: call for prices, or rank."""
    if ConfirmForm().validate_on_submit():
        made = service.proceed(reviewed.demand, now=g.now)
        if made is not None:
            flash(_("排名已算出。"), "done")
            return redirect(url_for(".ranking", ref=reviewed.demand.number))
        flash(_("已核对：现在没有可以算的排名，进度见下。"), "info")
    return redirect(url_for(".dashboard", ref=reviewed.demand.number))


# -- ranking ---------------------------------------------------------------------------------------------------------


@bp.get("/demands/<ref>/ranking")
@allow("ranking.see", queries.find_reviewed)
def ranking(reviewed: Reviewed) -> ResponseValue:
    """The ranking in force with everything that led to it, recomputed before the reader's eyes; every version below."""
    demand = reviewed.demand
    web.note_read("score.read", demand.audit_subject)
    versions = queries.rankings(demand.id)
    names = queries.names(reviewed, g.actor, now=g.now)
    last = queries.with_lines(versions[0].id) if versions else None
    content = demand.said
    outs = queries.outs(demand.id)
    context: dict[str, Any] = {
        "demand": demand,
        "tabs": tabs(reviewed, "ranking"),
        "ranking": last,
        "versions": _versions(versions, names),
        "criteria": content.score_sheet.criteria,
        "rows": pages.ranking_rows(last, content, names=names, outs=outs) if last else [],
        "replay": service.replay(last) if last else None,
        "draw": queries.tie_draw(demand.id, last.round) if last else None,
        "ties": [[_code(names, bid, last) for bid in group] for group in last.undecided] if last else [],
        "scores": _single_scores(reviewed, names, last.round if last else 1),
        "may_draw": bool(last and last.undecided) and policy.allows("ranking.draw", g.actor, demand, g.now),
        "may_mend": policy.allows("mend.propose", g.actor, reviewed, g.now) and demand.state is State.REVIEWING,
        "typed": typed(content.score_sheet),
        "causes": CAUSE_LABELS,
    }
    return render_template("results/ranking.html", **context)


def _code(names: dict[int, str], public_id: str, last: Any) -> str:
    found = next((line.bid_id for line in last.lines if line.bid.public_id == public_id), 0)
    return names.get(found, "—")


def _versions(versions: list[Any], names: dict[int, str]) -> list[dict[str, Any]]:
    before = [*versions[1:], None]
    return [
        {
            "at": item.made_at,
            "what": _("第%(number)s版：%(cause)s", number=item.number, cause=CAUSE_LABELS[item.cause]),
            "note": item.made_by.name if item.made_by else _("系统"),
            "text": item.note,
            "changes": [*pages.moved(former, item, names), {"label": _("结果指纹"), "text": item.hash}],
        }
        for item, former in zip(versions, before, strict=True)
    ]


def _single_scores(reviewed: Reviewed, names: dict[int, str], round_: int) -> list[dict[str, Any]]:
    """Every locked sheet, figure by figure, with the words that were written."""
    keys = [item.key for item in typed(reviewed.demand.said.score_sheet)]
    criteria = {item.key: item.name for item in reviewed.demand.said.score_sheet.criteria}
    office = g.actor.has("screener", "publisher", "supervisor")
    return [
        {
            "bid": names.get(bid, "—"),
            "expert": f"{number} {name}" if office else number,
            "scores": [content.get("scores", {}).get(key, "—") for key in keys],
            "proofs": sum(bool(tick) for tick in content.get("proofs", ())),
            "of": len(content.get("proofs", ())),
            "comments": [(criteria.get(key, key), text) for key, text in content.get("comments", {}).items()],
            "mend_url": url_for(".mend", ref=reviewed.demand.number, sheet_id=sheet_id),
        }
        for bid, number, name, content, sheet_id in queries.single_scores(reviewed.demand.id, round_)
    ]


@bp.get("/demands/<ref>/ranking.xlsx")
@allow("ranking.see", queries.find_reviewed)
def export(reviewed: Reviewed) -> ResponseValue:
    """The ranking as a sheet, unrounded totals included."""
    demand = reviewed.demand
    last = queries.latest(demand.id)
    if last is None:
        abort(404)
    web.note_read("score.read", demand.audit_subject)
    content = demand.said
    full = queries.with_lines(last.id)
    assert full is not None
    names = queries.names(reviewed, g.actor, now=g.now)
    heads = [_("名次"), _("揭榜单位"), *(item.name for item in content.score_sheet.criteria)]
    heads += [_("总分"), _("总分（未取整）"), _("未去极值的总分"), _("说明")]
    rows = [
        [
            row["rank"],
            row["name"],
            *map(_number, row["criteria"]),
            _number(row["total"]),
            row["exact"],
            _number(row["plain"]),
            row["standing"],
        ]
        for row in pages.ranking_rows(full, content, names=names, outs=queries.outs(demand.id))
    ]
    return as_file(xlsx(heads, rows, name="排名"), name=f"{demand.number}排名.xlsx", media_type=TYPES["xlsx"])


def _number(text: str) -> Decimal | str:
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


@bp.get("/demands/<ref>/ranking/record.json")
@allow("ranking.see", queries.find_reviewed)
def record(reviewed: Reviewed) -> ResponseValue:
    """The record of the ranking in force, byte for byte as it was hashed: with it anyone computes the same order."""
    last = queries.latest(reviewed.demand.id)
    full = queries.with_lines(last.id) if last is not None else None
    if full is None:
        abort(404)
    web.note_read("score.read", reviewed.demand.audit_subject)
    response = Response(full.record, mimetype="application/json")
    response.headers["X-Content-SHA256"] = full.record_sha256
    response.headers["X-Ranking-Hash"] = full.hash
    return response


@bp.route("/demands/<ref>/ranking/draw", methods=["GET", "POST"])
@allow("ranking.draw", queries.find_reviewed)
def draw(reviewed: Reviewed) -> ResponseValue:
    """The supervisor, present, types a number; the tie is decided once."""
    demand, form = reviewed.demand, DrawForm()
    back = url_for(".ranking", ref=demand.number)
    page = {
        "title": _("抽签决定并列名次：%(title)s", title=demand.title),
        "form": form,
        "verb": _("抽签"),
        "kind": "solemn",
        "back": back,
        "crumb": (demand.title, back),
        "consequences": [
            _("种子＝SHA-256（榜号｜最新检查点的树根｜您写下的数字），抽签结果随之确定，任何人可以复算。"),
            _("只抽一次；数字、检查点和种子写入审计日志，并在公示中公布。"),
        ],
    }
    web.retry_page("results/act.html", **page)
    if form.validate_on_submit():
        service.draw_ties(demand, number=form.number.data or "", **_by())
        flash(_("抽签已完成，排名有了新的版本。"), "done")
        return redirect(back)
    return render_template("results/act.html", **page), 422 if form.is_submitted() else 200


# -- disqualification ------------------------------------------------------------------------------------------------


@bp.route("/demands/<ref>/review/bids/<public_id>/disqualification", methods=["GET", "POST"])
@allow("ranking.propose_disqualification", lambda *, public_id, **values: queries.find_reviewed(**values))
def out(reviewed: Reviewed) -> ResponseValue:
    """Propose to take one bid out; the supervisor confirms."""
    public_id = (request.view_args or {})["public_id"]
    demand, form = reviewed.demand, OutForm()
    bid = db.session.scalar(
        select(Bid)
        .join(ReviewBid, ReviewBid.bid_id == Bid.id)
        .where(Bid.public_id == public_id, ReviewBid.demand_id == demand.id)
    )
    if bid is None:
        abort(404)
    back = url_for(".dashboard", ref=demand.number)
    page = {
        "title": _("取消资格：%(name)s", name=bid.organisation.name),
        "form": form,
        "verb": _("提出取消资格"),
        "kind": "solemn",
        "back": back,
        "crumb": (demand.title, back),
        "consequences": [
            _("由监督员确认后生效，您不能自己确认。"),
            _("生效后这份标书退出竞争，评分表留档不计；已有排名的，重新计算，原版本保留。"),
            _("原因代码写入该单位的结果通知书和公示。"),
        ],
    }
    web.retry_page("results/act.html", **page)
    if form.validate_on_submit():
        service.propose_out(demand, bid, code=form.code.data or "", reason=form.reason.data or "", **_by())
        flash(_("已提出，请监督员确认。"), "done")
        return redirect(back)
    return render_template("results/act.html", **page), 422 if form.is_submitted() else 200


def _find_out(*, actor: Actor, now: datetime, ref: str, out_id: int) -> BidOut | None:
    reviewed = queries.find_reviewed(actor=actor, now=now, ref=ref)
    if reviewed is None:
        return None
    return next((item for item in queries.open_outs(reviewed.demand.id) if item.id == out_id), None)


@bp.route("/demands/<ref>/review/disqualifications/<int:out_id>", methods=["GET", "POST"])
@allow("ranking.disqualify", _find_out)
def decide_out(row: BidOut) -> ResponseValue:
    """The supervisor confirms or refuses a disqualification."""
    demand, form = row.bid.demand, DecideForm()
    back = url_for(".dashboard", ref=demand.number)
    facts = [
        (_("揭榜单位"), row.bid.organisation.name),
        (_("原因"), f"{row.code} {DISQUALIFICATION_LABELS[row.code]}"),
        (_("事实和依据"), row.reason),
        (_("提出人"), row.proposed_by.name if row.proposed_by else "—"),
    ]
    page = {"title": _("确认取消资格：%(name)s", name=row.bid.organisation.name), "form": form, "facts": facts}
    page |= {"back": back, "crumb": (demand.title, back), "yes": _("确认取消资格"), "no": _("不同意")}
    web.retry_page("results/decide.html", **page)
    if form.validate_on_submit():
        if request.form.get("answer") == "no":
            service.refuse_out(row, demand, reason=form.reason.data or "", **_by())
        else:
            service.confirm_out(row, demand, **_by())
        flash(_("已办理。"), "done")
        return redirect(back)
    return render_template("results/decide.html", **page), 422 if form.is_submitted() else 200


# -- corrections -----------------------------------------------------------------------------------------------------


def _mend_form(sheet: Sheet) -> MendForm:
    """A box for each criterion that experts score themselves."""

    class Boxes(MendForm):
        pass

    for item in typed(sheet.demand.said.score_sheet):
        setattr(
            Boxes,
            f"score_{item.key}",
            StringField(_("%(name)s（满分%(full)s）", name=item.name, full=format(item.weight.normalize(), "f"))),
        )
    now_said = sheet.entry.scores
    return Boxes(data={f"score_{key}": format(score, "f") for key, score in now_said.items()})


@bp.route("/demands/<ref>/review/sheets/<int:sheet_id>/mend", methods=["GET", "POST"])
@allow("mend.propose", lambda *, sheet_id, **values: queries.find_reviewed(**values))
def mend(reviewed: Reviewed) -> ResponseValue:
    """The chair proposes the correction of a locked sheet."""
    sheet = queries.find_sheet(reviewed.demand.id, int((request.view_args or {})["sheet_id"]))
    if sheet is None:
        abort(404)
    form, demand = _mend_form(sheet), reviewed.demand
    names = queries.names(reviewed, g.actor, now=g.now)
    back = url_for(".ranking", ref=demand.number)
    page = {
        "title": _("锁定后更正：%(bid)s，专家%(number)s", bid=names.get(sheet.bid_id, "—"), number=sheet.seat.number),
        "form": form,
        "verb": _("提出更正"),
        "back": back,
        "crumb": (demand.title, back),
        "consequences": [
            _("由监督员会签后生效，原评分表保留，更正写成新的版本。"),
            _("排名随之重新计算，已经出具的评审报告须重新签署。"),
        ],
    }
    web.retry_page("results/act.html", **page)
    if form.validate_on_submit():
        service.propose_mend(
            sheet, scores=_read_scores(form, sheet), code=form.code.data or "", reason=form.reason.data or "", **_by()
        )
        flash(_("已提出更正，请监督员会签。"), "done")
        return redirect(back)
    return render_template("results/act.html", **page), 422 if form.is_submitted() else 200


def _read_scores(form: MendForm, sheet: Sheet) -> dict[str, Decimal]:
    scores: dict[str, Decimal] = {}
    for item in typed(sheet.demand.said.score_sheet):
        text = (form[f"score_{item.key}"].data or "").strip()
        try:
            scores[item.key] = Decimal(text)
        except InvalidOperation:
            sentence = _("“%(name)s”须填写一个数字。", name=item.name)
            raise Invalid(sentence, fields={f"score_{item.key}": sentence}) from None
    return scores


def _find_mend(*, actor: Actor, now: datetime, ref: str, sheet_id: int) -> Mend | None:
    reviewed = queries.find_reviewed(actor=actor, now=now, ref=ref)
    sheet = queries.find_sheet(reviewed.demand.id, sheet_id) if reviewed is not None else None
    return open_mend(sheet.id) if sheet is not None else None


@bp.route("/demands/<ref>/review/sheets/<int:sheet_id>/mend/decision", methods=["GET", "POST"])
@allow("mend.decide", _find_mend)
def decide_mend(row: Mend) -> ResponseValue:
    """The supervisor countersigns a correction or refuses it."""
    form, demand = DecideForm(), row.sheet.demand
    back = url_for(".ranking", ref=demand.number)
    names = {item.key: item.name for item in demand.said.score_sheet.criteria}
    facts = [(_("错误的种类"), MEND_LABELS[row.code]), (_("理由"), row.reason)]
    facts += [
        (names.get(key, key), f"{row.before['scores'].get(key, '—')} → {score}")
        for key, score in row.after["scores"].items()
        if row.before["scores"].get(key) != score
    ]
    page = {"title": _("会签更正：专家%(number)s", number=row.sheet.seat.number), "form": form, "facts": facts}
    page |= {"back": back, "crumb": (demand.title, back), "yes": _("会签，立即生效"), "no": _("不同意")}
    web.retry_page("results/decide.html", **page)
    if form.validate_on_submit():
        agreed = request.form.get("answer") != "no"
        service.decide_mend(row, agreed=agreed, reason=form.reason.data or "", **_by())
        flash(_("已办理。"), "done")
        return redirect(back)
    return render_template("results/decide.html", **page), 422 if form.is_submitted() else 200


# -- report ----------------------------------------------------------------------------------------------------------


@bp.route("/demands/<ref>/report", methods=["GET", "POST"])
@allow("report.see", queries.find_reviewed)
def report(reviewed: Reviewed) -> ResponseValue:
    """The report on the page; the office opens it, members sign it."""
    demand, row = reviewed.demand, queries.report(reviewed.demand.id)
    last = queries.latest(demand.id)
    stale = row is None or last is None or row.ranking_id != last.id
    may_open = stale and last is not None and demand.state is State.REVIEWING and g.actor.has("screener", "publisher")
    seat = queries.my_seat(demand.id, g.actor)
    refusal = reporting.why_not_sign(reviewed, row, seat)
    form: Any = ReportForm() if may_open else SignForm()
    page = {
        "demand": demand,
        "tabs": tabs(reviewed, "report"),
        "report": row,
        "label": REPORT_LABELS[row.state] if row is not None else "",
        "stale": stale,
        "may_open": may_open,
        "seat": seat,
        "refusal": refusal,
        "form": form,
        "paper": reporting.gather(reviewed, row, actor=g.actor, now=g.now) if row is not None else None,
    }
    web.note_read("score.read", demand.audit_subject)
    web.retry_page("results/report.html", **page)
    if form.validate_on_submit():
        if may_open:
            service.open_report(demand, conclusion=form.conclusion.data or "", **_by())
            flash(_("评审报告已出具，请组长先签署。"), "done")
        elif row is not None:
            service.sign(row, dissent=form.dissent.data or "", **_by())
            flash(_("已签署。"), "done")
        return redirect(url_for(".report", ref=demand.number))
    return render_template("results/report.html", **page), 422 if form.is_submitted() else 200


@bp.get("/demands/<ref>/report.pdf")
@allow("report.see", queries.find_reviewed)
def report_pdf(reviewed: Reviewed) -> ResponseValue:
    """评审报告 as PDF, with its signature lines."""
    demand, row = reviewed.demand, queries.report(reviewed.demand.id)
    if row is None:
        abort(404)
    web.note_read("score.read", demand.audit_subject)
    url = url_for(".report", ref=demand.number, _external=True)
    paper = reporting.paper(
        reporting.gather(reviewed, row, actor=g.actor, now=g.now),
        reviewed,
        row,
        verification=Verification(url, row.ranking.hash),
        demo=current_app.config["ZHANGBANG"].demo,
    )
    return as_file(pdf(paper), name=f"{demand.number}评审报告.pdf", media_type=TYPES["pdf"], inline=True)


# -- oversight -------------------------------------------------------------------------------------------------------


@bp.get("/demands/<ref>/oversight")
@allow("oversight.see", queries.find_reviewed)
def timeline(reviewed: Reviewed) -> ResponseValue:
    """Every draw, override, recusal, correction and objection of a demand in one line of time."""
    events = oversight.events(reviewed.demand)
    kind = request.args.get("kind", "")
    return render_template(
        "results/oversight.html",
        demand=reviewed.demand,
        tabs=tabs(reviewed, "oversight"),
        kind=kind,
        kinds=oversight.KINDS,
        events=[event for event in events if kind in ("", event["kind"])],
        total=len(events),
    )


def on_work_page(demand: Any) -> list[dict[str, Any]]:
    """The way from a demand's work page to its review."""
    if demand.state not in queries.REVIEWED or not g.actor.has("screener", "publisher", "supervisor"):
        return []
    if demand.state is State.LAPSED and queries.latest(demand.id) is None:
        return []
    return [{"label": _("评审与排名"), "url": url_for("results.dashboard", ref=demand.number), "refusal": None}]


def _computed_scores(demand: Any, bid_id: int) -> dict[str, str]:
    """For the expert's desk: what of a bid is computed, once it is."""
    line = queries.line_of(demand.id, bid_id)
    computed = {item.key for item in demand.said.score_sheet.criteria if item.kind != "typed"}
    return {key: pages.shown(figure) for key, figure in line.figures.items() if key in computed} if line else {}


def install(app: Flask) -> None:
    app.register_blueprint(bp)
    app.cli.add_command(ranking_commands)
    app.extensions.setdefault("demand_work", []).append(on_work_page)
    app.extensions["computed_scores"] = _computed_scores
    errands.install()
