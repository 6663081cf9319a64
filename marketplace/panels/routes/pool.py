"""The expert pool: list, card, import with a row-by-row report, export."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import func, select

from marketplace import db, web
from marketplace.demands.pages import pagination
from marketplace.desk.routes import XLSX, menu
from marketplace.exchange.reading.book import ListUnreadable
from marketplace.panels import lists, queries
from marketplace.panels import service as panels
from marketplace.panels.forms import ExpertForm, ImportForm, ReasonForm
from marketplace.panels.models import Expert
from marketplace.panels.routes import experts_bp as bp
from marketplace.platform.errors import Invalid
from marketplace.platform.files import put_bytes, read
from marketplace.platform.files.names import disposition
from marketplace.platform.forms import ConfirmForm
from marketplace.platform.policy import allows
from marketplace.web import ResponseValue, allow

PER_PAGE = 30
LARGEST = 5 * 1024 * 1024


def _filters() -> dict[str, Any]:
    word = {name: request.args.get(name, "").strip()[:60] for name in ("q", "field", "outside")}
    return {**word, "retired": request.args.get("retired") == "1"}


@bp.get("/experts")
@allow("expert.see")
def index() -> ResponseValue:
    """The pool, filtered; the export is what is filtered."""
    wanted = _filters()
    query = queries.experts(**wanted)
    if request.args.get("export") == "xlsx":
        return _file(lists.export(db.session.scalars(query.limit(lists.MOST))), "专家库.xlsx")
    total = db.session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    count = max(1, -(-total // PER_PAGE))
    page = min(max(request.args.get("page", 1, type=int), 1), count)
    return render_template(
        "panels/experts.html",
        rows=list(db.session.scalars(query.limit(PER_PAGE).offset((page - 1) * PER_PAGE))),
        labels=lists.field_labels(),
        wanted=wanted,
        figures=queries.counts(),
        may_keep=allows("expert.keep", g.actor, None, g.now),
        pages=pagination(page, count, total, PER_PAGE, lambda number: web.page_url(page=number)),
        export_url=web.page_url(export="xlsx", page=None),
        desk=menu("experts.index"),
    )


def _file(data: bytes, name: str) -> Response:
    response = Response(data, mimetype=XLSX)
    response.headers["Content-Disposition"] = disposition(name)
    return response


@bp.route("/experts/new", methods=["GET", "POST"])
@allow("expert.keep")
def new() -> ResponseValue:
    return _card(None)


@bp.route("/experts/<int:expert_id>", methods=["GET", "POST"])
@allow("expert.keep", queries.expert)
def edit(expert: Expert) -> ResponseValue:
    return _card(expert)


def _card(expert: Expert | None) -> ResponseValue:
    form = ExpertForm.showing(expert)
    context = {"form": form, "expert": expert, "back": url_for(".index")}
    web.retry_page("panels/expert.html", **context)
    if form.validate_on_submit():
        if expert is None:
            panels.add(form.card(), actor=g.actor, now=g.now)
        else:
            panels.edit(expert, form.card(), actor=g.actor, now=g.now)
        flash(_("已保存。"), "done")
        return redirect(url_for(".index"))
    return render_template("panels/expert.html", **context), 422 if form.errors else 200


@bp.route("/experts/<int:expert_id>/retirement", methods=["GET", "POST"])
@allow("expert.keep", queries.expert)
def retire(expert: Expert) -> ResponseValue:
    """Take somebody out of the pool."""
    form = ReasonForm()
    context = {
        "form": form,
        "title": _("移出专家库：%(name)s", name=expert.name),
        "verb": _("移出"),
        "consequences": [_("以后的抽取不再包含他；已有的席位不受影响。")],
        "back": url_for(".edit", expert_id=expert.id),
        "crumbs": [
            (_("专家库"), url_for(".index")),
            (expert.name, url_for(".edit", expert_id=expert.id)),
            (_("移出"), None),
        ],
    }
    web.retry_page("panels/act.html", **context)
    if form.validate_on_submit():
        panels.retire(expert, reason=form.reason.data or "", actor=g.actor, now=g.now)
        flash(_("已移出专家库。"), "done")
        return redirect(url_for(".index"))
    return render_template("panels/act.html", **context), 422 if form.errors else 200


@bp.get("/experts/template.xlsx")
@allow("expert.keep")
def template() -> ResponseValue:
    """The empty list."""
    return _file(lists.export([]), "专家库模板.xlsx")


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="expert-list")


@bp.route("/experts/import", methods=["GET", "POST"])
@allow("expert.keep")
def take_over() -> ResponseValue:
    """Read a list and report row by row; nothing is written before the confirmation, and never half of it."""
    form = ImportForm()
    context: dict[str, Any] = {"form": form, "rows": [], "token": "", "back": url_for(".index")}
    web.retry_page("panels/import.html", **context)
    if not form.validate_on_submit():
        return render_template("panels/import.html", **context), 422 if form.errors else 200
    upload = form.file.data
    data = upload.read(LARGEST + 1) if upload else b""
    if not data or len(data) > LARGEST:
        sentence = _("请选择名单文件。") if not data else _("文件超过5MB，请分成几份。")
        raise Invalid(sentence, fields={"file": sentence})
    context["rows"] = rows = _rows(data)
    if all(not row.faults for row in rows):
        stored = put_bytes(current_app.extensions["storage"], data)
        context["token"] = _signer().dumps([stored.sha256, g.actor.id])
    context["confirm_form"] = ConfirmForm()
    return render_template("panels/import.html", **context), 200 if context["token"] else 422


def _rows(data: bytes) -> list[lists.Row]:
    known = list(db.session.scalars(select(Expert.email)))
    try:
        return lists.read(data, known)
    except ListUnreadable as error:
        raise Invalid(str(error), fields={"file": str(error)}) from error


@bp.post("/experts/import/confirmation")
@allow("expert.keep")
def confirm() -> ResponseValue:
    """Write what was just reported: the same bytes, read again."""
    if not ConfirmForm().validate_on_submit():
        return redirect(url_for(".take_over"))
    try:
        sha256, who = _signer().loads(request.form.get("token", ""))
    except BadSignature:
        raise Invalid(_("确认的内容对不上，请重新上传名单。")) from None
    if who != g.actor.id:
        raise Invalid(_("请由上传的人确认，或重新上传名单。"))
    rows = _rows(read(current_app.extensions["storage"], sha256))
    added, edited = panels.take_over([row.card for row in rows], actor=g.actor, now=g.now)
    flash(_("已导入：新增%(added)s人，更新%(edited)s人。", added=added, edited=edited), "done")
    return redirect(url_for(".index"))
