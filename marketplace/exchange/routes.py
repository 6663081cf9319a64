"""The importer's pages: upload, row-by-row report, correction in place, confirmation. For screeners."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from flask import Blueprint, Flask, Response, current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import func, select

from marketplace import db, web, worker
from marketplace.batches.models import Batch
from marketplace.batches.rules import BatchState
from marketplace.demands.models import Demand
from marketplace.exchange import queries, service
from marketplace.exchange.cli import demands_commands
from marketplace.exchange.forms import RefuseForm, RowForm, UploadForm, shown
from marketplace.exchange.models import ImportBatch, ImportRow
from marketplace.exchange.reading.book import MAX_FILE_BYTES
from marketplace.exchange.rules import (
    OUTCOME_LABELS,
    SKIPPED_LABELS,
    STATE_LABELS,
    STATE_TONES,
    STATUS_LABELS,
    STATUS_TONES,
    ImportState,
    why_not_creatable,
)
from marketplace.exchange.template import demand_list_template
from marketplace.platform import policy
from marketplace.platform.errors import Invalid
from marketplace.platform.files import BadFile, check_bytes, put_bytes, safe_name
from marketplace.platform.files.names import disposition
from marketplace.platform.forms import ConfirmForm
from marketplace.platform.policy import Actor
from marketplace.platform.rendering import Cell, xlsx
from marketplace.web import ResponseValue, allow

bp = Blueprint("exchange", __name__, url_prefix="/imports")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LISTS_PER_PAGE = 20
READ_EVERY = 1.0  # seconds between two looks for lists that wait to be read


def _by() -> dict[str, Any]:
    return {"actor": g.actor, "now": g.now}


def _list_and_row(*, actor: Actor, now: datetime, key: str, position: int) -> ImportRow | None:
    return queries.find_row(actor=actor, now=now, key=key, position=position)


@bp.route("", methods=["GET", "POST"])
@allow("demand.import")
def index() -> ResponseValue:
    form = UploadForm()
    batches = db.session.scalars(select(Batch).where(Batch.state != BatchState.POSTED).order_by(Batch.id.desc()))
    form.batch.choices = [("", _("暂不归入"))] + [(str(batch.id), f"{batch.code} {batch.theme}") for batch in batches]
    if form.validate_on_submit():
        web.retry_page("exchange/index.html", **_index(form))
        return redirect(url_for(".show", key=_upload(form).key))
    return render_template("exchange/index.html", **_index(form)), 422 if form.errors else 200


def _index(form: UploadForm) -> dict[str, Any]:
    total = db.session.scalar(select(func.count(ImportBatch.id))) or 0
    pages = _pages(total, LISTS_PER_PAGE)
    start = (pages["page"] - 1) * LISTS_PER_PAGE
    lists = db.session.scalars(queries.lists(g.actor, g.now).limit(LISTS_PER_PAGE).offset(start)).all()
    return {"form": form, "lists": lists, "pages": pages, "states": STATE_LABELS, "tones": STATE_TONES}


def _upload(form: UploadForm) -> ImportBatch:
    """Store the file and note it; the worker reads it. A file of the wrong kind is refused beside its field."""
    upload = form.file.data
    if not upload:
        raise Invalid(_("请选择清单文件。"), fields={"file": _("请选择清单文件。")})
    data = upload.read(MAX_FILE_BYTES + 1)
    name = safe_name(upload.filename or "清单.xlsx")
    if len(data) > MAX_FILE_BYTES:
        raise Invalid(_("文件超过 20 MB。"), fields={"file": _("文件超过 20 MB，请删去图片或分成几份再传。")})
    try:
        check_bytes(name, data, allowed={"xlsx", "csv"})
    except BadFile as error:
        raise Invalid(error.zh, fields={"file": error.zh}) from error
    stored = put_bytes(current_app.extensions["storage"], data)
    if (earlier := queries.same_file(stored.sha256)) is not None:
        flash(
            _("同一个文件已经传过：%(name)s（%(state)s）。", name=earlier.name, state=STATE_LABELS[earlier.state]),
            "info",
        )
    batch_id = int(form.batch.data) if form.batch.data else None
    return service.upload(stored, name=name, batch_id=batch_id, **_by())


@bp.get("/template.xlsx")
@allow("demand.export")
def template() -> ResponseValue:
    """The empty list with drop-downs, for units and screeners."""
    return _file(demand_list_template(), "应用场景需求清单模板.xlsx")


def _file(data: bytes, name: str, media_type: str = XLSX) -> Response:
    response = Response(data, mimetype=media_type)
    response.headers["Content-Disposition"] = disposition(name)
    return response


# --- one list ------------------------------------------------------------------------------------------------------


@bp.get("/<key>")
@allow("import.see", queries.find)
def show(source: ImportBatch) -> ResponseValue:
    """The row-by-row report. While the file is being read the page shows how far, and asks again by itself."""
    if source.state in (ImportState.READING, ImportState.UNREADABLE):
        response = Response(render_template("exchange/reading.html", source=source, state=STATE_LABELS[source.state]))
        if source.state is ImportState.READING:
            response.headers["Refresh"] = "2"
        return response
    counts = queries.counts(source)
    default = "todo" if counts["todo"] and source.state is ImportState.OPEN else "all"
    view = view if (view := request.args.get("show", default)) in queries.VIEWS else default
    pages = _pages(counts[view], queries.ROWS_PER_PAGE)
    start = (pages["page"] - 1) * queries.ROWS_PER_PAGE
    rows = db.session.scalars(queries.rows(source, view=view).limit(queries.ROWS_PER_PAGE).offset(start)).all()
    tabs = [
        (label, url_for(".show", key=source.key, show=name), name == view, counts[name])
        for name, label in queries.VIEWS.items()
        if counts[name] or name in ("all", view)
    ]
    unmatched = queries.unmatched_units(source) if source.state is ImportState.OPEN else []
    return render_template(
        "exchange/show.html",
        source=source,
        rows=[_shown(row) for row in rows],
        tabs=tabs,
        counts=counts,
        pages=pages,
        unmatched=len(unmatched),
        skipped=queries.skipped(source) if view == "all" else [],
        labels=SKIPPED_LABELS,
        state=STATE_LABELS[source.state],
        tone=STATE_TONES[source.state],
        open=policy.allows("import.decide", g.actor, source, g.now),
    )


def _shown(row: ImportRow) -> dict[str, Any]:
    status = row.effective_status
    pending = row.outcome == "pending"
    return {
        "row": row,
        "values": row.values,
        "label": _(STATUS_LABELS[status]) if pending else _(OUTCOME_LABELS[row.outcome]),
        "tone": STATUS_TONES[status] if pending else {"created": "done", "merged": "work"}.get(row.outcome, "ended"),
        "messages": [item for item in row.messages if item["level"] != "info" or not pending],
        "hints": [item for item in row.messages if item["level"] == "info"] if pending else [],
        "problem": why_not_creatable(status, has_unit=row.unit_id is not None) if pending else None,
        "pending": pending,
    }


@bp.get("/<key>/file")
@allow("import.see", queries.find)
def original(source: ImportBatch) -> ResponseValue:
    """The file exactly as it was sent."""
    response = Response(current_app.extensions["storage"].stream(source.sha256), mimetype="application/octet-stream")
    response.headers["Content-Disposition"] = disposition(source.name)
    response.content_length = source.size
    return response


REPORT_HEADS = (
    "工作表",
    "行",
    "结论",
    "办理",
    "名称",
    "单位",
    "方向",
    "产业",
    "预算（万元）",
    "预算说明",
    "时间",
    "问题",
)


@bp.get("/<key>/report.xlsx")
@allow("import.see", queries.find)
def report(source: ImportBatch) -> ResponseValue:
    """The report as a file, to be sent back to who sent the list."""

    def line(row: ImportRow) -> tuple[Cell, ...]:
        said = row.values
        words = "\n".join(f"{item['cell']} {item['text']}".strip() for item in row.messages)
        end = OUTCOME_LABELS[row.outcome] + (f"：{row.reason}" if row.reason else "")
        return (
            row.sheet, row.row_number, STATUS_LABELS[row.effective_status], end, said["title"], said["unit"],
            said["direction"] or "", "、".join(said["industries"]), said["budget_wan"] or "", said["budget_note"],
            said["deadline"] or said["deadline_note"], words,
        )  # fmt: skip

    rows = [line(row) for row in db.session.scalars(queries.rows(source))]
    return _file(xlsx(REPORT_HEADS, rows, name="导入报告"), f"导入报告-{source.name.rsplit('.', 1)[0]}.xlsx")


@bp.route("/<key>/units", methods=["GET", "POST"])
@allow("import.see", queries.find)
def units(source: ImportBatch) -> ResponseValue:
    """Names in the list that match no unit of the site: the officer says which they are."""
    known = queries.posting_units()
    names = queries.unmatched_units(source)
    form = ConfirmForm()
    page = {"source": source, "names": names, "units": known, "form": form}
    if form.validate_on_submit():
        web.retry_page("exchange/units.html", **page)
        settled = service.match_units(source, _chosen_units(names, request.form), **_by())
        flash(_("已为 %(n)s 行对应了单位。", n=settled), "info")
        return redirect(url_for(".show", key=source.key))
    return render_template("exchange/units.html", **page)


def _chosen_units(names: list[tuple[str, int]], form: Mapping[str, str]) -> dict[str, int]:
    """Name → unit id; ``rest`` stands for all that were left open."""
    rest = form.get("rest", "")
    chosen = {}
    for number, (name, _count) in enumerate(names):
        value = form.get(f"unit-{number}", "") or rest
        if value.isascii() and value.isdigit() and len(value) < 10:
            chosen[name] = int(value)
    return chosen


@bp.route("/<key>/confirmation", methods=["GET", "POST"])
@allow("import.see", queries.find)
def confirmation(source: ImportBatch) -> ResponseValue:
    """All pending rows become drafts, or none."""
    counts = queries.counts(source)
    form = ConfirmForm()
    page = {
        "source": source,
        "form": form,
        "title": _("导入：%(name)s", name=source.name),
        "verb": _("建 %(n)s 条草稿", n=counts["ready"]),
        "consequences": [
            _("一次建成 %(n)s 条草稿，要么全部建成，要么一条也不建。", n=counts["ready"]),
            _(
                "合并 %(merged)s 行、不予导入 %(refused)s 行，连同理由存档。",
                merged=counts["merged"],
                refused=counts["refused"],
            ),
            _("草稿归各需求单位，由其补充、确认后提交；之后这份清单不能再改。"),
        ],
    }
    if form.validate_on_submit():
        web.retry_page("exchange/act.html", **page)
        created: list[Demand] = service.confirm(source, **_by())
        flash(_("已建 %(n)s 条草稿。", n=len(created)), "info")
        return redirect(url_for(".show", key=source.key, show="all"))
    return render_template("exchange/act.html", **page)


@bp.route("/<key>/cancellation", methods=["GET", "POST"])
@allow("import.see", queries.find)
def cancellation(source: ImportBatch) -> ResponseValue:
    form = ConfirmForm()
    page = {
        "source": source,
        "form": form,
        "title": _("放弃导入：%(name)s", name=source.name),
        "verb": _("放弃"),
        "consequences": [_("一条草稿也不建；文件和读取报告留档。"), _("要再导入，须重新上传文件。")],
    }
    if form.validate_on_submit():
        web.retry_page("exchange/act.html", **page)
        service.cancel(source, **_by())
        flash(_("已放弃这份清单。"), "info")
        return redirect(url_for(".index"))
    return render_template("exchange/act.html", **page)


@bp.route("/<key>/refusal", methods=["GET", "POST"])
@allow("import.see", queries.find)
def refusal(source: ImportBatch) -> ResponseValue:
    """Several rows, or one, that are not to be imported (``?row=``), with one reason."""
    wanted = {int(value) for value in request.values.getlist("row") if value.isascii() and value.isdigit()}
    rows = [row for row in db.session.scalars(queries.rows(source)) if row.position in wanted]
    form = RefuseForm()
    page = {
        "source": source,
        "form": form,
        "rows": rows,
        "title": _("不予导入 %(n)s 行", n=len(rows)),
        "verb": _("不予导入"),
        "consequences": [
            _("这些行不建草稿，理由随清单存档；确认导入之前可以恢复。"),
            *(f"{row.place}　{row.title or _('（没有名称）')}" for row in rows[:20]),
        ],
    }
    if not rows:
        flash(_("请先勾选要办理的行。"), "info")
        return redirect(url_for(".show", key=source.key))
    if form.validate_on_submit():
        web.retry_page("exchange/act.html", **page)
        service.refuse(rows, reason=form.reason.data, **_by())
        return redirect(url_for(".show", key=source.key))
    return render_template("exchange/act.html", **page), 422 if form.errors else 200


# --- one row -------------------------------------------------------------------------------------------------------


@bp.route("/<key>/rows/<int:position>", methods=["GET", "POST"])
@allow("import.see", _list_and_row)
def row(found: ImportRow) -> ResponseValue:
    """What the file says beside what was understood; typing over a field reads it anew."""
    values = service.understood(found).values
    form = RowForm(data={**shown(values), "unit_id": str(found.unit_id or "")})
    form.unit_id.offer(queries.posting_units())
    page = _row_page(found, form)
    if form.validate_on_submit():
        web.retry_page("exchange/row.html", **page)
        unit_id = int(form.unit_id.data) if form.unit_id.data else None
        service.correct(found, form.changes(values), unit_id=unit_id, **_by())
        flash(_("已更正第 %(n)s 行。", n=found.row_number), "info")
        return redirect(url_for(".row", key=found.source.key, position=found.position))
    return render_template("exchange/row.html", **page), 422 if form.errors else 200


def _row_page(found: ImportRow, form: RowForm) -> dict[str, Any]:
    neighbours = {
        name: db.session.scalar(
            select(aggregate(ImportRow.position)).where(ImportRow.import_id == found.import_id, condition)
        )
        for name, aggregate, condition in (
            ("before", func.max, ImportRow.position < found.position),
            ("after", func.min, ImportRow.position > found.position),
        )
    }
    return {
        "found": found,
        "source": found.source,
        "form": form,
        "shown": _shown(found),
        "raw": list(found.raw.items()),
        "neighbours": neighbours,
        "open": policy.allows("import.decide", g.actor, found, g.now),
        "simple": ConfirmForm(),
    }


def _decision(noun: str, decide: Callable[..., None], done: str) -> None:
    """A POST on one row that needs nothing but the act itself."""

    def view(found: ImportRow) -> ResponseValue:
        if ConfirmForm().validate_on_submit():
            decide(found, **_by())
            flash(_(done), "info")
        return redirect(url_for(".row", key=found.source.key, position=found.position))

    view.__name__ = f"row_{noun}"
    guarded = allow("import.see", _list_and_row)(view)
    bp.add_url_rule(f"/<key>/rows/<int:position>/{noun}", f"row_{noun}", guarded, methods=["POST"])


_decision("merger", service.merge, "已合并。")
_decision("keeping", service.keep, "已记下：不是重复。")
_decision("restoration", service.restore, "已恢复为待导入。")


def _pages(total: int, size: int) -> dict[str, Any]:
    """For components/pagination.html; a page beyond the last is the last."""
    last = max(1, -(-total // size))
    wanted = request.args.get("page", "1")
    page = min(max(int(wanted), 1), last) if wanted.isascii() and wanted.isdigit() and len(wanted) < 7 else 1
    numbers = sorted({1, last, *range(max(1, page - 2), min(last, page + 2) + 1)})
    return {
        "page": page,
        "first": (page - 1) * size + 1 if total else 0,
        "last": min(page * size, total),
        "total": total,
        "urls": {number: web.page_url(page=number) for number in numbers},
        "next": web.page_url(page=page + 1) if page < last else None,
    }


def install(app: Flask) -> None:
    """The pages, ``flask demands import``, and the job that reads what was uploaded."""
    app.register_blueprint(bp)
    app.cli.add_command(demands_commands)
    worker.every(READ_EVERY, "imports", partial(service.read_waiting, app.extensions["storage"]))
