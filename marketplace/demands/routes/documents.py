"""What leaves the demand pages as a file: the demand sheet, the announcement of a batch, the list, attachments, the
snapshot exactly as hashed, the QR code, and the page for printing.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import Response, abort, current_app, g, render_template, request, url_for

from marketplace import taxonomy
from marketplace.batches import queries as batches
from marketplace.demands import pages, papers, queries, views
from marketplace.demands.clocks import MODES
from marketplace.demands.models import Demand, DemandFile
from marketplace.demands.queries import Filters
from marketplace.demands.routes import bp
from marketplace.demands.routes.public import for_page, language, page_context, read_filters, with_content
from marketplace.platform.files.names import disposition
from marketplace.platform.rendering import Cell, Paper, Verification, docx_file, pdf, qr_svg, xlsx
from marketplace.platform.working_days import beijing_day
from marketplace.settings import queries as settings
from marketplace.web import ResponseValue, allow, public

TYPES = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
EXPORT_MOST = 5000


def as_file(data: bytes, *, name: str, media_type: str, inline: bool = False) -> Response:
    """A download under a safe name; the browser asks again whether it is still the same."""
    response = Response(data, mimetype=media_type)
    response.headers["Content-Disposition"] = disposition(name, inline=inline)
    response.add_etag()
    response.make_conditional(request)
    return response


def _paper(paper: Paper, kind: str, name: str) -> Response:
    data = pdf(paper) if kind == "pdf" else docx_file(paper)
    return as_file(data, name=f"{name}.{kind}", media_type=TYPES[kind], inline=kind == "pdf")


def _host() -> str:
    return str(settings.setting("site").get("host") or "高新区管委会")


@bp.get("/demands/<ref>/sheet.<any(pdf, docx):kind>")
@allow("demand.see", lambda *, kind, **values: for_page(**values))
def sheet(demand: Demand) -> ResponseValue:
    """需求书 of the present version."""
    kind = (request.view_args or {})["kind"]
    content = demand.said
    clocks = settings.mode_clocks().get(content.mode)
    if clocks is None:
        abort(404)  # a draft that has no funding mode yet has no paper
    views.count_download(demand.id, g.now)
    newest = demand.versions[-1] if demand.versions else None
    note = ""
    if demand.closes_at is not None:
        note = settings.calendar().provisional_note(beijing_day(g.now), beijing_day(demand.closes_at)) or ""
    paper = papers.demand_sheet(
        content,
        number=demand.ref,
        unit=demand.unit.name,
        issuer=_host(),
        version=max(demand.content_version, 1),
        clocks=clocks,
        dated_at=newest.published_at if newest else demand.updated_at,
        published_at=demand.visible_from,
        deadline_at=demand.closes_at,
        questions_close_at=demand.questions_close_at,
        verification=Verification(url_for(".show", ref=demand.ref, _external=True), newest.sha256) if newest else None,
        provisional_note=note,
        demo=current_app.config["ZHANGBANG"].demo,
    )
    return _paper(paper, kind, f"{demand.ref} {demand.title}")


@bp.get("/batches/<code>/announcement.<any(pdf, docx):kind>")
@public
def announcement(code: str, kind: str) -> ResponseValue:
    """榜单公告 of a published batch."""
    batch = batches.find(actor=g.actor, now=g.now, code=code)
    if batch is None or batch.visible_from is None or batch.visible_from > g.now:
        abort(404)
    demands = sorted(queries.with_content(Filters(batch=(code,)), g.now, 500), key=lambda item: item.number or "")
    if not demands:
        abort(404)
    known = settings.mode_clocks()
    paper = papers.announcement(
        [
            papers.Listed(item.number, item.unit.display_name, item.said, item.closes_at)
            for item in demands
            if item.number and item.closes_at
        ],
        title=f"关于公布{batch.name}应用场景需求榜单的公告",
        number=batch.document_number,
        district=_host(),
        issuer=_host(),
        published_at=batch.visible_from,
        clocks=[known[item.mode] for item in demands],
        verification=Verification(url_for("demands.batch", code=code, _external=True)),
        demo=current_app.config["ZHANGBANG"].demo,
    )
    return _paper(paper, kind, f"{batch.name}榜单公告")


def list_rows(demands: list[Demand], tongue: str) -> list[list[Cell]]:
    """The rows of the exported list, in the order of ``LIST_HEADS``."""
    return [
        [
            item.number,
            item.title,
            item.unit.name,
            pages.label(taxonomy.DIRECTIONS, item.direction, tongue),
            "、".join(pages.label(taxonomy.INDUSTRIES, industry.code, tongue) for industry in item.industries),
            pages.label(MODES, item.mode, tongue),
            None if item.budget_fen is None else Decimal(item.budget_fen) / 1_000_000,
            pages.state_of(item, g.now, tongue)["label"],
            item.visible_from,
            item.closes_at,
            url_for("demands.show", ref=item.ref, _external=True),
        ]
        for item in demands
    ]


LIST_HEADS = (
    "榜号",
    "需求名称",
    "需求单位",
    "方向",
    "产业",
    "资金方式",
    "预算（万元，空为面议）",
    "状态",
    "公布",
    "截止",
    "网址",
)


@bp.get("/demands.xlsx")
@public
def export() -> ResponseValue:
    """The filtered list as a sheet."""
    return _list_file(read_filters(), "榜单")


@bp.get("/batches/<code>/list.xlsx")
@public
def batch_list(code: str) -> ResponseValue:
    """The list of one batch as a sheet."""
    batch = batches.find(actor=g.actor, now=g.now, code=code)
    if batch is None or batch.visible_from is None or batch.visible_from > g.now:
        abort(404)
    return _list_file(Filters(batch=(code,)), f"{batch.name}榜单")


def _list_file(filters: Filters, name: str) -> Response:
    demands = with_content(filters, EXPORT_MOST)
    data = xlsx(LIST_HEADS, list_rows(demands, language()), name="榜单")
    return as_file(data, name=f"{name}.xlsx", media_type=TYPES["xlsx"])


@bp.get("/demands/<ref>/files/<key>")
@allow("demand.see", queries.find_file)
def file(found: DemandFile) -> ResponseValue:
    """An attachment, streamed; its bytes are checked against their hash on the way."""
    views.count_download(found.demand_id, g.now)
    response = Response(current_app.extensions["storage"].stream(found.sha256), mimetype=found.media_type)
    response.headers["Content-Disposition"] = disposition(found.name)
    response.content_length = found.size
    response.set_etag(found.sha256)
    response.make_conditional(request)
    return response


@bp.get("/demands/<ref>/snapshot.json")
@allow("demand.see", for_page)
def snapshot(demand: Demand) -> ResponseValue:
    """The bytes whose SHA-256 is the fingerprint, exactly; ``?version=`` for an older one."""
    if demand.visible_from is None or demand.visible_from > g.now:
        abort(404)
    wanted = request.args.get("version", str(demand.content_version))
    found = next((item for item in demand.versions if str(item.version) == wanted), None)
    if found is None:
        abort(404)
    response = Response(found.snapshot, mimetype="application/json")
    response.headers["X-Content-SHA256"] = found.sha256
    response.set_etag(found.sha256)
    response.make_conditional(request)
    return response


@bp.get("/demands/<ref>/qr.svg")
@allow("demand.see", queries.find)
def qr(demand: Demand) -> ResponseValue:
    """The QR code of the page's address, to put on other papers."""
    return Response(qr_svg(url_for(".show", ref=demand.ref, _external=True)), mimetype="image/svg+xml")


@bp.get("/demands/<ref>/print")
@allow("demand.see", for_page)
def print_view(demand: Demand) -> ResponseValue:
    """The demand on A4, with its address and fingerprint."""
    context: dict[str, Any] = page_context(demand)
    return render_template("demands/print.html", **context, back=url_for(".show", ref=demand.ref))
