"""The work desk: 待办, 已办, 我发起的; its export; and what the demo's sign-in cards say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import Blueprint, Flask, Response, current_app, g, request, url_for
from flask import render_template as render
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import Select

from marketplace import db, taxonomy, web
from marketplace.accounts.models import User
from marketplace.accounts.queries import actor_of
from marketplace.accounts.rules import Role
from marketplace.demands.models import Demand
from marketplace.demands.pages import pagination
from marketplace.demands.rules import BEFORE_PUBLICATION, PHASES, STATE_LABELS, TONES
from marketplace.desk import others, queries, steps
from marketplace.desk.queries import MATTERS, SECOND, Matter
from marketplace.notifications import queries as messages
from marketplace.platform import errands, formatting
from marketplace.platform.errands import FAR, Errand
from marketplace.platform.files.names import disposition
from marketplace.platform.rendering import xlsx
from marketplace.platform.working_days import Calendar
from marketplace.settings import queries as settings
from marketplace.web import ResponseValue, allow

bp = Blueprint("desk", __name__)
PER_PAGE = 20
EXPORT_LIMIT = 5_000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _roles() -> frozenset[Role]:
    return queries.held(g.actor, request.args.get("role", ""))


def _word(name: str) -> str:
    return request.args.get(name, "").strip()[:60]


@bp.get("/desk")
@allow("demand.desk")
def index() -> ResponseValue:
    """What waits for the person who asks."""
    roles = _roles()
    matter = _word("matter")
    query = queries.todo(g.actor, roles, matter=matter, q=_word("q"), direction=_word("direction"))
    calendar = settings.calendar()
    filtered = any(map(_word, ("matter", "q", "direction")))
    found = () if filtered else errands.waiting(g.actor, g.now, calendar, roles=roles)
    known = [item for item in (*MATTERS, SECOND) if roles & set(item.roles)]
    return _page(
        query,
        title=_("待办"),
        current="index",
        filters=[
            {
                "name": "matter",
                "label": _("事项"),
                "value": matter,
                "choices": [(item.code, item.label) for item in known],
                "all": _("全部事项"),
            }
        ]
        if len(known) > 1
        else [],
        nothing={
            "title": _("现在没有要办的事"),
            "text": _("有新的事项时会出现在这里，也会发消息给您。"),
            "action": (url_for("demands.new"), _("填报需求")) if roles & queries.UNIT_ROLES else None,
        },
        show_next=True,
        calendar=calendar,
        found=found,
    )


@bp.get("/desk/done")
@allow("demand.desk")
def done() -> ResponseValue:
    return _page(
        queries.done(g.actor, q=_word("q"), direction=_word("direction")),
        title=_("已办"),
        current="done",
        nothing={"title": _("还没有办过的事"), "text": _("您办理过的需求会留在这里。"), "action": None},
    )


@bp.get("/desk/mine")
@allow("demand.desk")
def mine() -> ResponseValue:
    return _page(
        queries.mine(g.actor, q=_word("q"), direction=_word("direction")),
        title=_("我发起的"),
        current="mine",
        nothing={"title": _("还没有发起过需求"), "text": _("您填报或提交的需求会出现在这里。"), "action": None},
    )


@bp.get("/desk/following")
@allow("demand.desk")
def following() -> ResponseValue:
    """What this person follows, the nearest deadline first."""
    return _page(
        queries.following(g.actor, g.now, q=_word("q"), direction=_word("direction")),
        title=_("我的关注"),
        current="following",
        nothing={
            "title": _("还没有关注的需求"),
            "text": _("在需求页点“关注”，变更、答疑和截止提醒会发给您，并列在这里。"),
            "action": (url_for("demands.index"), _("看榜单")),
        },
        public=True,
    )


def _page(
    query: Select[Demand],
    *,
    title: str,
    current: str,
    nothing: dict[str, Any],
    filters: list[dict[str, Any]] | None = None,
    show_next: bool = False,
    calendar: Calendar | None = None,
    found: Sequence[Errand] = (),
    public: bool = False,
) -> ResponseValue:
    """``found``: the errands that other features have waiting, among the demands of the first page by their dates."""
    if request.args.get("export") == "xlsx":
        return _export(query, title, found)
    counts = queries.counts(query, g.actor, g.now, calendar)
    total = counts.total
    pages = max(1, -(-total // PER_PAGE))
    text = request.args.get("page", "1")
    page = min(int(text) if text.isascii() and text.isdigit() and len(text) < 7 and int(text) else 1, pages)
    shown = query.add_columns(queries.has_proposal()).limit(PER_PAGE).offset((page - 1) * PER_PAGE)
    rows = [(row, second) for row, second in db.session.execute(shown)] if total else []
    tasks = [_public_task(row) for row, _second in rows] if public else _tasks(rows, calendar or settings.calendar())
    if page == 1 and found:
        # Both are in order of their own dates; what has none keeps its place behind what has one.
        tasks = sorted([_errand(item) for item in found] + tasks, key=lambda task: task["due_at"] or FAR)
    total += len(found)
    return render(
        "desk/index.html",
        title=title,
        desk=menu(current, total if current == "index" else None),
        changed=_changed(counts) if show_next else None,
        next=_next(tasks[0]) if show_next and tasks and page == 1 else None,
        dues=_dues(counts, found) if calendar is not None else None,
        boxes=_boxes() if show_next and page == 1 else (),
        filters=_filters(filters or ()),
        reset_url=request.path,
        tools=_tools(total),
        bulk=None,
        count=total,
        tasks=tasks,
        pages=pagination(page, pages, total, PER_PAGE, lambda number: web.page_url(page=number)),
        nothing=nothing,
    )


def _filters(own: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The fields above a list: by name, whatever the list has of its own, by direction."""
    directions = [(code, label.zh) for code, label in taxonomy.DIRECTIONS.items()]
    return [
        {"name": "q", "label": _("需求名称或编号"), "value": _word("q")},
        *own,
        {
            "name": "direction",
            "label": _("方向"),
            "value": _word("direction"),
            "choices": directions,
            "all": _("全部方向"),
        },
    ]


def _tools(total: int) -> list[dict[str, Any]]:
    if not total:
        return []
    url = web.page_url(export="xlsx", page=None)
    return [{"label": _("导出%(count)s条", count=total), "url": url, "icon": "download", "name": "export"}]


def _tongue() -> str:
    """What ``formatting`` calls the reader's language."""
    return "en" if str(get_locale()) == "en" else "zh"


def _changed(counts: queries.Counts) -> str | None:
    if not counts.since or not counts.changed:
        return None
    at = formatting.moment_short(counts.since, _tongue())
    return str(_("上次登录（%(at)s）以来，%(count)s件有变化", at=at, count=counts.changed))


def _dues(counts: queries.Counts, found: Sequence[Errand]) -> list[tuple[str, int, bool]] | None:
    """(label, how many, whether it presses) over demands and errands; nothing where nothing has a date."""
    others = queries.due_counts([item.due_at for item in found if item.due_at], g.now)
    numbers = [one + other for one, other in zip(counts.dues, others, strict=True)]
    labels = (_("已逾期"), _("今天到期"), _("3日内"), _("更晚"))
    if not any(numbers):
        return None
    return [
        (label, number, place == 0 and number > 0)
        for place, (label, number) in enumerate(zip(labels, numbers, strict=True))
    ]


def _boxes() -> list[dict[str, Any]]:
    """What other features show on the desk beside the work (``extensions["desk_boxes"]``)."""
    found = (show(g.actor, g.now) for show in current_app.extensions["desk_boxes"])
    return [box for box in found if box is not None]


def menu(current: str, count: int | None = None) -> list[dict[str, Any]]:
    """The desk's menu: only what exists and what this person may open."""

    def item(endpoint: str, label: str, number: int | None = None) -> dict[str, Any]:
        here = endpoint in (f"desk.{current}", current)
        return {"url": url_for(endpoint), "label": label, "count": number, "hot": bool(number), "current": here}

    g.unread_messages = unread = messages.unread_count(g.actor.id)  # the head of the page shows it too
    own = [
        item("desk.index", _("待办"), count),
        item("desk.done", _("已办")),
        item("desk.mine", _("我发起的")),
        item("desk.following", _("我的关注")),
        item("messages.index", _("消息"), unread or None),
    ]
    work = [
        item(endpoint, label)
        for endpoint, label, roles in (
            ("alerts.index", _("我的检索"), tuple(Role)),
            ("demands.new", _("填报需求"), (Role.DRAFTER, Role.APPROVER)),
            ("questions.desk", _("答疑"), (Role.SCREENER, Role.DRAFTER, Role.APPROVER)),
            ("eligibility.index", _("资格审查"), (Role.SCREENER, Role.PUBLISHER, Role.SUPERVISOR)),
            ("unfound.index", _("没有找到的检索"), (Role.SCREENER, Role.PUBLISHER)),
            ("exchange.index", _("导入清单"), (Role.SCREENER,)),
            ("capabilities.queue", _("能力审核"), (Role.SCREENER,)),
            ("bids.index", _("我的揭榜"), (Role.BIDDER, Role.ORG_ADMIN)),
            ("awards.mine", _("我的中榜"), (Role.BIDDER, Role.ORG_ADMIN)),
            ("notices.letters", _("结果通知书"), (Role.BIDDER, Role.ORG_ADMIN)),
            ("capabilities.mine", _("本单位能力"), (Role.BIDDER, Role.ORG_ADMIN)),
            ("matching.index", _("适合本单位的需求"), (Role.BIDDER, Role.ORG_ADMIN)),
            ("organisations.queue", _("单位审核"), (Role.SCREENER, Role.SECADMIN)),
            ("demands.queue_screening", _("待审查"), (Role.SCREENER, Role.PUBLISHER)),
            ("demands.queue_appraisal", _("待论证"), (Role.SCREENER, Role.PUBLISHER)),
            ("demands.queue_pool", _("备选库"), (Role.SCREENER, Role.PUBLISHER)),
            ("demands.manage_batches", _("批次编排"), (Role.PUBLISHER,)),
            ("openings.desk", _("保管人"), (Role.CUSTODIAN,)),
            ("openings.keys", _("核对密钥"), (Role.SECADMIN, Role.SUPERVISOR, Role.PUBLISHER)),
            ("review.index", _("我的评审"), (Role.EXPERT,)),
            ("panels.index", _("专家组"), (Role.SCREENER, Role.PUBLISHER, Role.SUPERVISOR)),
            ("experts.index", _("专家库"), (Role.SCREENER, Role.SUPERVISOR)),
            ("notices.desk", _("异议办理"), (Role.SCREENER, Role.PUBLISHER, Role.SUPERVISOR)),
            ("notices.office", _("结果公示"), (Role.SCREENER, Role.PUBLISHER, Role.SUPERVISOR)),
            ("log.index", _("审计记录"), (Role.AUDITADMIN, Role.SUPERVISOR)),
            ("admin.index", _("系统管理"), (Role.SYSADMIN, Role.SECADMIN)),
            ("organisations.own", _("本单位"), (Role.ORG_ADMIN, Role.BIDDER, Role.DRAFTER, Role.APPROVER)),
            ("help.index", _("办事指南"), tuple(Role)),
        )
        if endpoint in current_app.view_functions and g.actor.has(*roles)
    ]
    return [{"heading": "", "items": own}] + ([{"heading": _("业务"), "items": work}] if work else [])


def _tasks(rows: Sequence[tuple[Demand, bool]], calendar: Calendar) -> list[dict[str, Any]]:
    """``rows``: demands, each with whether it waits for a second person."""
    roles = _roles()
    tasks = []
    for demand, second in rows:
        matter: Matter = queries.matter_of(demand, roles, second=second)
        due = queries.due_at(demand, matter, calendar)
        phase = demand.phase(g.now)
        mine = second or any(item.state is demand.state and roles & set(item.roles) for item in MATTERS)
        tasks.append(
            {
                "id": demand.id,
                "title": demand.title or _("未命名需求"),
                "url": url_for("demands.work", ref=demand.ref),
                "note": demand.unit.display_name + (_("，第%(n)s轮", n=demand.round + 1) if demand.round else ""),
                "matter": matter.label if mine else _("查看"),
                "state": {"label": STATE_LABELS[demand.state].zh, "tone": TONES[phase]},
                **_due(due),
                "quality": demand.quality if demand.state in BEFORE_PUBLICATION else None,
                "verb": matter.verb if mine else _("查看"),
                "verb_url": _verb_url(demand, matter) if mine else url_for("demands.work", ref=demand.ref),
            }
        )
    return tasks


def _public_task(demand: Demand) -> dict[str, Any]:
    """A followed demand: its public page, and its deadline while it runs."""
    url, phase = url_for("demands.show", ref=demand.ref), demand.phase(g.now)
    running = demand.closes_at is not None and demand.accepts_bids(g.now)
    label = PHASES[phase]
    return {
        "id": demand.id,
        "title": demand.title,
        "url": url,
        "note": f"{demand.number}　{demand.unit.display_name}",
        "matter": _("揭榜") if running else _("查看"),
        "state": {"label": label.en if str(get_locale()) == "en" else label.zh, "tone": TONES[phase]},
        "quality": None,
        "verb": _("查看"),
        "verb_url": url,
        **_due(demand.closes_at if running else None),
    }


def _due(due: datetime | None) -> dict[str, Any]:
    """What a task says about its deadline."""
    late, tongue = due is not None and due <= g.now, _tongue()
    word = None if due is None else _("已逾期") if late else formatting.countdown(due, g.now, tongue)
    return {"due": word, "due_note": formatting.moment_short(due, tongue) if due else None, "late": late, "due_at": due}


def _errand(errand: Errand) -> dict[str, Any]:
    label, tone = errand.state or (errand.matter, "work")
    return {
        "id": errand.url,
        "title": errand.title,
        "url": errand.url,
        "note": errand.note,
        "matter": errand.matter,
        "state": {"label": label, "tone": tone},
        "quality": None,
        "verb": errand.verb,
        "verb_url": errand.url,
        **_due(errand.due_at),
    }


def _next(task: dict[str, Any]) -> dict[str, Any]:
    return {
        "why": _("%(note)s到期", note=task["due_note"]) if task["due_note"] else task["matter"],
        "title": _("%(matter)s：%(title)s", matter=task["matter"], title=task["title"]),
        "text": task["note"],
        "url": task["verb_url"],
        "verb": task["verb"],
    }


def _verb_url(demand: Demand, matter: Matter) -> str:
    """Straight to the work: writing and mending happen in the form, everything else on the work page."""
    endpoint = "demands.edit" if matter.code in ("write", "mend", "confirm") else "demands.work"
    return url_for(endpoint, ref=demand.ref)


def _export(query: Select[Demand], title: str, found: Sequence[Errand] = ()) -> Response:
    """The filtered list as xlsx; texts stay texts, whatever sign they begin with."""
    rows = [
        ["", item.title, item.note, "", item.matter, "", formatting.moment_table(item.due_at) if item.due_at else ""]
        for item in found
    ] + [
        [
            demand.number or "",
            demand.title,
            demand.unit.name,
            taxonomy.DIRECTIONS[demand.direction].zh if demand.direction in taxonomy.DIRECTIONS else "",
            STATE_LABELS[demand.state].zh,
            formatting.moment_table(demand.submitted_at) if demand.submitted_at else "",
            formatting.moment_table(demand.closes_at) if demand.closes_at else "",
        ]
        for demand in db.session.scalars(query.limit(EXPORT_LIMIT))
    ]
    headers = [_("编号"), _("名称"), _("单位"), _("方向"), _("状态"), _("提交时间"), _("截止")]
    response = Response(xlsx(headers, rows), mimetype=XLSX)
    response.headers["Content-Disposition"] = disposition(f"{title}.xlsx")
    return response


def demo_tasks(user: User, now: datetime) -> list[tuple[str, str]]:
    """For the demo's sign-in cards: the first things that wait for this account."""
    actor = actor_of(user)
    roles = queries.held(actor)
    rows = db.session.scalars(queries.todo(actor, roles).limit(2))
    return [
        (f"{errand.verb}：{errand.title}", errand.url) for errand in errands.waiting(actor, now, g.demo_calendar)[:2]
    ] + [
        (f"{matter.verb}：{row.title}", _verb_url(row, matter))
        for row in rows
        for matter in (queries.matter_of(row, roles, second=False),)
    ]


def install(app: Flask) -> None:
    app.register_blueprint(bp)
    others.install()
    app.extensions.setdefault("demo_tasks", []).append(demo_tasks)
    app.extensions["demo_steps"] = steps.steps
    app.extensions.setdefault("desk_boxes", [])
