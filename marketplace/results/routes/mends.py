"""Corrections after locking: proposed by the chair, countersigned by the supervisor."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from wtforms import StringField

from marketplace import web
from marketplace.platform.errors import Invalid
from marketplace.platform.policy import Actor
from marketplace.results import queries, service
from marketplace.results.forms import DecideForm, MendForm
from marketplace.results.models import Mend
from marketplace.results.queries import Reviewed
from marketplace.results.routes import bp, by
from marketplace.results.service.mending import open_mend
from marketplace.scoring.models import Sheet
from marketplace.scoring.rules.sheets import MEND_LABELS, typed
from marketplace.web import ResponseValue, allow


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
            sheet, scores=_read_scores(form, sheet), code=form.code.data or "", reason=form.reason.data or "", **by()
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
        service.decide_mend(row, agreed=agreed, reason=form.reason.data or "", **by())
        flash(_("已办理。"), "done")
        return redirect(back)
    return render_template("results/decide.html", **page), 422 if form.is_submitted() else 200
