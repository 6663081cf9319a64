"""The leak scan of a blind review: what was found, what a person must look at, and exactly what the panel will read."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from marketplace import web
from marketplace.bids.models import Bid
from marketplace.frontend.routes import place
from marketplace.panels import queries, reading
from marketplace.panels.forms import NoteForm, TreatForm
from marketplace.panels.models import Panel
from marketplace.panels.routes import bp
from marketplace.panels.service import scanning
from marketplace.platform.files import extension
from marketplace.platform.forms import ConfirmForm
from marketplace.platform.rendering import pages
from marketplace.web import ResponseValue, allow


@bp.route("/panels/<ref>/scan", methods=["GET", "POST"])
@allow("panel.scan", queries.find)
def scan(panel: Panel) -> ResponseValue:
    """The newest scan; POST scans again."""
    demand, form = panel.demand, ConfirmForm()
    if not demand.said.blind:
        abort(404)
    if form.validate_on_submit():
        made = scanning.scan(panel, storage=current_app.extensions["storage"], actor=g.actor, now=g.now)
        flash(_("检查完成，发现%(n)s处。", n=len(made.findings)), "done")
        return redirect(url_for(".scan", ref=demand.ref))
    row, bids = scanning.newest(panel), scanning.competing(panel)
    names = {bid.public_id: bid.organisation.display_name for bid in bids}
    found = row.findings if row is not None else []
    return render_template(
        "panels/scan.html",
        demand=demand,
        panel=panel,
        scan=row,
        masked=[_line(item, names) for item in found if item["masked"]],
        look=[_line(item, names) | {"ref": (item["bid"], item["part"])} for item in found if not item["masked"]],
        bids=[
            {
                "name": names[bid.public_id],
                "preview": place("review.preview", ref=demand.ref, bid=bid.public_id),
                "papers": [
                    (paper, url_for(".treat", ref=demand.ref, bid=bid.public_id, part=paper.part))
                    for paper in reading.papers(bid, demand)
                ],
            }
            for bid in bids
        ],
        treatments=scanning.TREATMENTS,
        form=form,
        note_form=NoteForm(),
        back=url_for(".show", ref=demand.ref),
    )


def _line(item: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {
        "bid": names.get(item["bid"], "—"),
        "place": item["place"],
        "kind": scanning.KINDS[item["kind"]],
        "count": item["count"],
    }


@bp.post("/panels/<ref>/scan/note")
@allow("panel.scan", queries.find)
def note(panel: Panel) -> ResponseValue:
    """The officer has looked."""
    form, row = NoteForm(), scanning.newest(panel)
    if row is None:
        abort(404)
    if not form.validate_on_submit():
        abort(400)
    scanning.note(row, panel, text=form.note.data or "", actor=g.actor, now=g.now)
    flash(_("已确认看过检查结果。"), "done")
    return redirect(url_for(".show", ref=panel.demand.ref))


class Seen:
    """A competing bid of a blind demand, for the office: what the policy asks is the panel's."""

    def __init__(self, panel: Panel, bid: Bid) -> None:
        self.panel, self.bid = panel, bid


def seen_bid(*, actor: Any, now: Any, ref: str, bid: str) -> Seen | None:
    panel = queries.find(actor=actor, now=now, ref=ref)
    if panel is None:
        return None
    found = next((item for item in scanning.competing(panel) if item.public_id == bid), None)
    return Seen(panel, found) if found is not None else None


def _part(*, actor: Any, now: Any, ref: str, bid: str, part: int, **more: Any) -> Any:
    seen = seen_bid(actor=actor, now=now, ref=ref, bid=bid)
    if seen is None:
        return None
    paper = next((item for item in reading.papers(seen.bid, seen.panel.demand) if item.part == part), None)
    return None if paper is None else (seen, paper, more.get("number", 1))


@bp.route("/panels/<ref>/bids/<bid>/files/<int:part>", methods=["GET", "POST"])
@allow("panel.scan", _part)
def treat(found: tuple[Seen, reading.Paper, int]) -> ResponseValue:
    """One file as the panel will see it, and how it is shown."""
    seen, paper, _number = found
    demand, bid = seen.panel.demand, seen.bid
    form = TreatForm(treatment=paper.treatment)
    number = max(request.args.get("page", 1, type=int), 1)
    file = reading.file_of(bid, paper.part)
    assert file is not None
    rows, count = [], 0
    try:
        data = reading.content_of(bid, file, storage=current_app.extensions["storage"])
        ending = extension(file.name)
        if ending == "pdf":
            count = pages.page_count(data)
        elif paper.kind == "text":
            words = reading.identities(demand)
            rows = [[words.mask(cell) for cell in row] for row in reading.text_of(data, ending)]
    except pages.Unreadable:
        count = 0
    context = {
        "form": form,
        "demand": demand,
        "bid": bid,
        "paper": paper,
        "rows": rows,
        "count": count,
        "number": min(number, max(count, 1)),
        "back": url_for(".scan", ref=demand.ref),
    }
    web.retry_page("panels/treat.html", **context)
    if form.validate_on_submit():
        scanning.treat(
            seen.panel,
            bid,
            paper.part,
            treatment=form.treatment.data,
            note=form.note.data or "",
            actor=g.actor,
            now=g.now,
        )
        flash(_("已保存，请重新检查一次。"), "done")
        return redirect(url_for(".scan", ref=demand.ref))
    return render_template("panels/treat.html", **context), 422 if form.errors else 200


@bp.get("/panels/<ref>/bids/<bid>/files/<int:part>/pages/<int:number>.png")
@allow("panel.scan", _part)
def picture(found: tuple[Seen, reading.Paper, int]) -> ResponseValue:
    """A page as the panel sees it."""
    seen, paper, number = found
    demand = seen.panel.demand
    file = reading.file_of(seen.bid, paper.part)
    assert file is not None
    data = reading.content_of(seen.bid, file, storage=current_app.extensions["storage"])
    try:
        if extension(file.name) == "pdf":
            hide = reading.spans(reading.identities(demand)) if demand.said.blind else None
            data = pages.picture(data, number, hide=hide, images=paper.treatment != "no_images")
        else:
            data = pages.plain_image(data)
    except pages.Unreadable:
        abort(404)
    response = Response(data, mimetype="image/jpeg" if data.startswith(b"\xff\xd8") else "image/png")
    response.headers["Cache-Control"] = "private, no-store"
    return response
