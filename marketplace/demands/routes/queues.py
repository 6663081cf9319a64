"""The work lists of screener and publisher: what waits, the longest waiting on top, filtered and paged in the URL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask import current_app, g, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, func, select

from marketplace import db, taxonomy, web
from marketplace.demands import queries
from marketplace.demands.clocks import MODES
from marketplace.demands.models import Demand
from marketplace.demands.pages import pagination
from marketplace.demands.routes import bp
from marketplace.demands.routes.documents import EXPORT_MOST, TYPES, as_file
from marketplace.platform import policy
from marketplace.platform.rendering import Cell, xlsx
from marketplace.platform.working_days import beijing_day
from marketplace.web import ResponseValue, allow

PER_PAGE = 20
STAGES: dict[str, tuple[str, Callable[[], ColumnElement[bool]]]] = {
    "new": ("尚未开始", lambda: Demand.screening_begun_at.is_(None)),
    "begun": ("审查中", lambda: Demand.screening_begun_at.is_not(None)),
    "again": ("补正后重报", lambda: Demand.round > 0),
}


@dataclass(frozen=True)
class Queue:
    """One list: its address and title, what is in it, since when each waits, and its next step."""

    noun: str
    title: str
    since_label: str
    verb: str
    waiting: Callable[[], Select[Demand]]
    since: Callable[[Demand], datetime | None]
    nothing: str
    staged: bool = False


QUEUES = (
    Queue(
        "screening", "待审查", "提交时间", "去审查", queries.awaiting_screening, lambda demand: demand.submitted_at,
        "需求单位提交的需求会按提交先后出现在这里。", staged=True,
    ),
    Queue(
        "appraisal", "待论证", "转入时间", "去论证", queries.awaiting_appraisal, lambda demand: demand.appraising_at,
        "受理员审查通过的需求会出现在这里。",
    ),
    Queue(
        "pool", "备选库", "入库时间", "查看", queries.pooled, lambda demand: demand.pooled_at,
        "论证通过、等待编入榜单的需求会出现在这里。",
    ),
)  # fmt: skip


def _one(name: str, known: Any = None) -> str:
    value = request.args.get(name, "").strip()[:100]
    return value if known is None or value in known else ""


def _filtered(queue: Queue) -> tuple[Select[Demand], list[dict[str, Any]]]:
    """The queue under the filters of the URL, and the filters as the page shows them."""
    query, words, direction = queue.waiting(), _one("q"), _one("direction", taxonomy.DIRECTIONS)
    for word in words.split()[:8]:
        query = query.where(queries.has_word(word))
    if direction:
        query = query.where(Demand.direction == direction)
    shown: list[dict[str, Any]] = [
        {"name": "q", "label": _("名称或单位"), "value": words, "choices": None},
        {
            "name": "direction",
            "label": _("方向"),
            "value": direction,
            "choices": [(code, label.zh) for code, label in taxonomy.DIRECTIONS.items()],
        },
    ]
    if queue.staged:
        stage = _one("stage", STAGES)
        if stage:
            query = query.where(STAGES[stage][1]())
        choices = [(code, label) for code, (label, _condition) in STAGES.items()]
        shown.append({"name": "stage", "label": _("进度"), "value": stage, "choices": choices})
    return query, shown


def _page(total: int) -> tuple[int, dict[str, Any]]:
    """The wanted page, at most the last, and components/pagination.html for it."""
    last, wanted = max(1, -(-total // PER_PAGE)), _one("page")
    page = min(max(int(wanted), 1), last) if wanted.isascii() and wanted.isdigit() and len(wanted) < 7 else 1
    return page, pagination(page, last, total, PER_PAGE, lambda number: web.page_url(page=number))


def _count(query: Select[Demand]) -> int:
    return db.session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0


def menu(here: str) -> list[dict[str, Any]]:
    """The desk's menu for those who process demands, with how many wait in each list."""
    items: list[dict[str, Any]] = [
        {
            "url": url_for(f"demands.queue_{queue.noun}"),
            "label": queue.title,
            "count": _count(queue.waiting()),
            "hot": queue.noun != "pool",
            "current": queue.noun == here,
        }
        for queue in QUEUES
    ]
    if policy.allows("batch.create", g.actor, None, g.now):
        items.append(
            {
                "url": url_for("demands.manage_batches"),
                "label": _("批次"),
                "count": None,
                "hot": False,
                "current": False,
            }
        )
    return [{"heading": _("需求办理"), "items": items}]


def _export(queue: Queue, query: Select[Demand]) -> ResponseValue:
    """The list under its filters as a workbook."""
    today = beijing_day(g.now)
    rows: list[list[Cell]] = []
    for demand in db.session.scalars(query.limit(EXPORT_MOST)):
        since = queue.since(demand)
        rows.append(
            [
                demand.title,
                demand.unit.name,
                label.zh if (label := taxonomy.DIRECTIONS.get(demand.direction)) else "",
                MODES[demand.mode].zh if demand.mode in MODES else "",
                Decimal(demand.budget_fen) / 1_000_000 if demand.budget_fen is not None else None,
                demand.quality,
                demand.round,
                since,
                (today - beijing_day(since)).days if since else None,
            ]
        )
    heads = (
        "需求名称",
        "需求单位",
        "方向",
        "资金方式",
        "预算（万元）",
        "质量分",
        "退回次数",
        queue.since_label,
        "等待（天）",
    )
    return as_file(xlsx(heads, rows, name=queue.title), name=f"{queue.title}.xlsx", media_type=TYPES["xlsx"])


def _may_import(queue: Queue) -> bool:
    """The importer is a later feature; its entry stands where new demands arrive."""
    known = "exchange.index" in current_app.view_functions
    return queue.noun == "screening" and known and policy.allows("demand.import", g.actor, None, g.now)


def _view(queue: Queue) -> Callable[[], ResponseValue]:
    def view() -> ResponseValue:
        query, filters = _filtered(queue)
        if request.args.get("export") == "xlsx":
            return _export(queue, query)
        number, pages = _page(_count(query))
        today = beijing_day(g.now)
        rows = []
        page = query.limit(PER_PAGE).offset((number - 1) * PER_PAGE)
        for demand in db.session.scalars(page):
            since = queue.since(demand)
            rows.append(
                {
                    "demand": demand,
                    "url": url_for("demands.work", ref=demand.ref),
                    "direction": label.zh if (label := taxonomy.DIRECTIONS.get(demand.direction)) else "",
                    "quality": demand.quality,
                    "since": since,
                    "days": (today - beijing_day(since)).days if since else 0,
                    "begun": queue.staged and demand.screening_begun_at is not None,
                }
            )
        return render_template(
            "demands/staff/queue.html",
            queue=queue,
            desk=menu(queue.noun),
            filters=filters,
            filtered=any(item["value"] for item in filters),
            reset_url=request.path,
            export_url=web.page_url(export="xlsx", page=None),
            rows=rows,
            import_url=url_for("exchange.index") if _may_import(queue) else None,
            pages=pages,
        )

    return view


for _queue in QUEUES:
    bp.add_url_rule(
        f"/desk/{_queue.noun}", endpoint=f"queue_{_queue.noun}", view_func=allow("demand.queue")(_view(_queue))
    )
