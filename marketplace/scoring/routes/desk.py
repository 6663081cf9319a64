"""One bid and its sheet, side by side: scoring, saving while one types, handing in, looking again, reading the files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, abort, current_app, flash, g, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import joinedload

from marketplace import db, web
from marketplace.bids.models import Bid
from marketplace.demands.rules import State
from marketplace.panels import reading
from marketplace.panels.models import PanelSeat, ReviewBid
from marketplace.panels.reading import Paper
from marketplace.platform.clock import BEIJING
from marketplace.platform.errors import Refused
from marketplace.platform.files import extension
from marketplace.platform.forms import ConfirmForm
from marketplace.platform.rendering import pages as drawing
from marketplace.scoring import pages, queries, service
from marketplace.scoring.models import Sheet
from marketplace.scoring.routes import bp
from marketplace.scoring.rules.sheets import STATE_LABELS, Entry, SheetState
from marketplace.web import ResponseValue, allow

FILTERS = ("", "open")


@dataclass(frozen=True)
class Desk:
    """A sheet with what stands around it, bound to the demand of its address."""

    sheet: Sheet
    review: ReviewBid
    seat: PanelSeat

    @property
    def expert_account_id(self) -> int | None:
        return self.sheet.expert_account_id

    @property
    def is_seated(self) -> bool:
        return self.sheet.is_seated

    @property
    def is_declared(self) -> bool:
        return self.sheet.is_declared


def _find(*, actor: Any, now: Any, ref: str, key: str) -> Desk | None:
    """The actor's own sheet; of another demand's bid, or of somebody else, there is none."""
    sheet = queries.find(actor=actor, now=now, key=key)
    if sheet is None or sheet.demand.ref != ref:
        return None
    whole = joinedload(ReviewBid.bid).joinedload(Bid.organisation)
    review = db.session.get_one(ReviewBid, sheet.bid_id, options=[whole], populate_existing=True)
    return Desk(sheet, review, sheet.seat)


def _find_paper(*, actor: Any, now: Any, ref: str, key: str, part: int) -> tuple[Desk, Paper] | None:
    desk = _find(actor=actor, now=now, ref=ref, key=key)
    if desk is None or not desk.is_declared or not desk.is_seated:
        return None
    paper = next((item for item in reading.papers(desk.review.bid, desk.sheet.demand) if item.part == part), None)
    return None if paper is None else (desk, paper)


def _only() -> str:
    wanted = request.values.get("only", "")
    return wanted if wanted in FILTERS else ""


def _address(ref: str, key: str, only: str) -> str:
    return url_for(".sheet", ref=ref, key=key, only=only or None)


def _saved(sheet: Sheet) -> str:
    return _("已保存 %(at)s", at=sheet.saved_at.astimezone(BEIJING).strftime("%H:%M")) if sheet.saved_at else ""


def _wants_json() -> bool:
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


@bp.route("/review/<ref>/bids/<key>", methods=["GET", "POST"])
@allow("sheet.see", _find)
def sheet(desk: Desk) -> ResponseValue | Response:
    """Read and score. POST saves; ``go`` says where to afterwards: ``stay``, ``next``, ``hand_in``, ``correct`` …"""
    if request.method == "GET":
        return _page(desk, desk.sheet.entry, {})
    if not ConfirmForm().validate_on_submit():
        if _wants_json():
            return _json(400, _("这一页打开得太久，没有保存。请刷新后再试，刚才所写留在本机。"))
        abort(400)
    found = pages.entry_from(request.form, desk.sheet.demand.said, desk.sheet.entry)
    try:
        return _save_json(desk, found) if _wants_json() else _act(desk, found)
    except Refused as refusal:
        g.failed = True
        db.session.rollback()
        if _wants_json():
            return _json(refusal.status, refusal.sentence)
        fresh = _find(actor=g.actor, now=g.now, ref=desk.sheet.demand.ref, key=desk.review.key)
        if fresh is None:
            abort(404)
        return _page(fresh, found.entry, dict(found.faults) | refusal.fields, said=refusal), refusal.status


def _save_json(desk: Desk, found: pages.Typed) -> Response:
    """Saving while one types: what can be read is kept, the rest is named and stays in its box."""
    sheet = desk.sheet
    service.save(sheet, found.entry, serial=_serial(), actor=g.actor, now=g.now)
    content, read = sheet.demand.said, reading.read(desk.review, sheet.demand)
    indicators = pages.indicators_so_far(content, read.proposal.responses if read else (), sheet.entry)
    total, _full = pages.total_so_far(content, sheet.entry, indicators)
    message = _saved(sheet)
    if found.faults:
        message = "".join(found.faults.values())
    return _json(
        200, message, serial=sheet.serial, done=queries.done_of(desk.seat), missing=sheet.missing, total=total, indicators=indicators or "—",
        bad=sorted(found.faults),
    )  # fmt: skip


def _serial() -> int:
    text = request.form.get("serial", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else -1


def _json(status: int, message: str, **more: Any) -> Response:
    response = jsonify(message=message, **more)
    response.status_code = status
    return response


def _act(desk: Desk, found: pages.Typed) -> ResponseValue:
    """The page as a form: save, then what the pressed button says."""
    sheet, go = desk.sheet, request.form.get("go", "stay")
    here = _address(sheet.demand.ref, desk.review.key, _only())
    if go in ("keep", "correct"):
        reason = request.form.get("reason", "")
        if go == "keep":
            service.confirm(sheet, reason=reason, actor=g.actor, now=g.now)
        else:
            after = _corrected(sheet, found.entry)
            service.correct(sheet, after, reason=reason, actor=g.actor, now=g.now)
        flash(_("已核对，谢谢。"), "done")
        return redirect(here)
    if found.faults:
        return _page(desk, found.entry, found.faults), 422
    service.save(sheet, found.entry, serial=_serial(), actor=g.actor, now=g.now)
    if go == "hand_in":
        service.hand_in(sheet, actor=g.actor, now=g.now)
        flash(_("标书%(code)s的评分表已提交。", code=desk.review.code), "done")
    if go in ("next", "hand_in"):
        target = queries.around(desk.seat, desk.review.key, most=1, only=_only()).following
        if target is None:
            flash(_("没有别的标书要评了。"), "done")
            return redirect(url_for(".show", ref=sheet.demand.ref))
        return redirect(_address(sheet.demand.ref, target, _only()))
    return redirect(here)


def _corrected(sheet: Sheet, typed: Entry) -> Entry:
    """What was handed in, with the flagged criteria as typed now: the other boxes are not sent."""
    before = sheet.entry
    scores, comments = dict(before.scores), dict(before.comments)
    for key in sheet.flags:
        if key in typed.scores:
            scores[key] = typed.scores[key]
        else:
            scores.pop(key, None)
        comments[key] = typed.comments.get(key, "")
    return Entry(scores, comments, before.proofs)


def _page(desk: Desk, entry: Entry, faults: Any, said: Refused | None = None) -> str:
    sheet, demand = desk.sheet, desk.sheet.demand
    read = reading.read(desk.review, demand)
    if read is None:
        abort(404)
    web.note_read("review.read", desk.review.bid.audit_subject, demand_id=demand.id)
    content, only = demand.said, _only()
    mine = queries.around(desk.seat, desk.review.key, most=pages.SWITCH_MOST, only=only)
    indicators = pages.indicators_so_far(content, read.proposal.responses, entry)
    total, full = pages.total_so_far(content, entry, indicators)
    return render_template(
        "scoring/sheet.html",
        desk_bar_name=_("专家 %(number)s", number=desk.seat.number),
        demand=demand,
        panel=desk.seat.panel,
        sheet=sheet,
        entry=entry,
        reading=read,
        blind=content.blind,
        bidder=None if content.blind else desk.review.bid.organisation.name,
        form=ConfirmForm(),
        rows=pages.response_rows(content, read, entry),
        criteria=pages.criteria_rows(content, entry, faults, sheet, indicators, _computed(sheet)),
        total=total,
        full=full,
        saved=_saved(sheet),
        bids=pages.switch(mine, desk.review.key, only=only, url=lambda key, o: _address(demand.ref, key, o)),
        done=mine.done,
        count=mine.count,
        only=only,
        following=_address(demand.ref, mine.following, only) if mine.following else None,
        editable=sheet.state is SheetState.DRAFT and demand.state is State.REVIEWING,
        flagged=sheet.state is SheetState.FLAGGED and demand.state is State.REVIEWING,
        dispersion=_own_scores(sheet) if sheet.state is SheetState.FLAGGED else [],
        state_label=STATE_LABELS[sheet.state],
        faults=[{"text": text, "anchor": name} for name, text in dict(faults).items()],
        said=said,
        conflict=said is not None and said.status == 409,
    )


def _computed(sheet: Sheet) -> Mapping[str, str]:
    """The panel's computed figures for this bid, once there is a ranking: told by the feature that makes rankings."""
    tell = current_app.extensions.get("computed_scores")
    return tell(sheet.demand, sheet.bid_id) if tell is not None and sheet.state is SheetState.LOCKED else {}


def _own_scores(sheet: Sheet) -> list[dict[str, Any]]:
    """For each flagged criterion the expert's own scores, this one and those of his other sheets; nobody else's."""
    weights = {item.key: item for item in sheet.demand.said.score_sheet.criteria}
    others = [other.entry.scores for other in db.session.scalars(queries.of_seat(sheet.seat)) if other.id != sheet.id]
    return [
        {
            "name": weights[key].name,
            "mine": pages.plain(sheet.entry.scores[key]),
            "others": [pages.plain(scores[key]) for scores in others if key in scores],
            "full": float(weights[key].weight),
        }
        for key in sheet.flags
    ]


def _content(desk: Desk, paper: Paper) -> bytes:
    file = reading.file_of(desk.review.bid, paper.part)
    if file is None or not paper.kind:
        abort(404)
    return reading.content_of(desk.review.bid, file, storage=current_app.extensions["storage"])


@bp.get("/review/<ref>/bids/<key>/files/<int:part>")
@allow("account.own", _find_paper)
def paper(found: tuple[Desk, Paper]) -> ResponseValue:
    """One file, readable in the page: a page as a picture with its text, or the text alone."""
    desk, paper = found
    web.note_read("review.read", desk.review.bid.audit_subject, demand_id=desk.sheet.demand_id)
    words = reading.identities(desk.sheet.demand)
    number = max(request.args.get("page", 1, type=int), 1)
    context: dict[str, Any] = {"rows": [], "count": 0, "number": number, "text": ""}
    if paper.kind == "pdf":
        try:
            facts = drawing.facts(_content(desk, paper))
            context["count"] = len(facts)
            context["number"] = number = min(number, len(facts))
            context["text"] = words.mask(facts[number - 1].text) if facts else ""
        except drawing.Unreadable as error:
            paper = Paper(paper.part, paper.label, "", paper.treatment, str(error))
    elif paper.kind == "text":
        file = reading.file_of(desk.review.bid, paper.part)
        assert file is not None
        try:
            rows = reading.text_of(_content(desk, paper), extension(file.name))
            context["rows"] = [[words.mask(cell) for cell in row] for row in rows]
        except drawing.Unreadable as error:
            paper = Paper(paper.part, paper.label, "", paper.treatment, str(error))
    return render_template(
        "scoring/paper.html",
        demand=desk.sheet.demand,
        code=desk.review.code,
        key=desk.review.key,
        paper=paper,
        back=_address(desk.sheet.demand.ref, desk.review.key, ""),
        **context,
    )


@bp.get("/review/<ref>/bids/<key>/files/<int:part>/pages/<int:number>.png")
@allow("account.own", lambda *, actor, now, number, **at: _page_of(_find_paper(actor=actor, now=now, **at), number))
def picture(found: tuple[Desk, Paper, int]) -> ResponseValue:
    """A page, or a picture, without metadata; in a blind review with every identity blackened."""
    desk, paper, number = found
    try:
        if paper.kind == "picture":
            data = drawing.plain_image(_content(desk, paper))
        elif paper.kind == "pdf":
            words = reading.identities(desk.sheet.demand)
            data = drawing.picture(
                _content(desk, paper),
                number,
                hide=reading.spans(words) if desk.sheet.demand.said.blind else None,
                images=paper.treatment != "no_images",
            )
        else:
            abort(404)
    except drawing.Unreadable:
        abort(404)
    response = Response(data, mimetype="image/jpeg" if data.startswith(b"\xff\xd8") else "image/png")
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


def _page_of(found: tuple[Desk, Paper] | None, number: int) -> tuple[Desk, Paper, int] | None:
    return None if found is None else (*found, number)
