"""Pages of demands that anybody may read: the list, a batch, one demand and its history; following."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import abort, current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from marketplace import db, web
from marketplace.batches import queries as batches
from marketplace.demands import facets, pages, queries, service, views
from marketplace.demands.models import Demand
from marketplace.demands.queries import Filters
from marketplace.demands.routes import bp
from marketplace.frontend.routes import place
from marketplace.platform.audit import queries as log
from marketplace.platform.forms import ConfirmForm
from marketplace.platform.policy import Actor
from marketplace.platform.rendering import qr_path
from marketplace.web import ResponseValue, allow, public

FACET_TITLES = ("state", "direction", "mode", "budget", "industry", "unit", "batch", "year")
OPEN_FACETS = 4  # the others are folded: a list must not begin below two screens of filters


def language() -> str:
    """``en`` or ``zh``, as the page is drawn."""
    return "en" if g.get("locale") == "en" else "zh"


def for_page(*, actor: Actor, now: datetime, ref: str) -> Demand | None:
    return queries.for_page(actor=actor, now=now, ref=ref)


def by_ref(*, actor: Actor, now: datetime, ref: str) -> Demand | None:
    return queries.find(actor=actor, now=now, ref=ref)


def read_filters(**options: Any) -> Filters:
    return Filters.read(request.args.to_dict(flat=False), **options)


def rows(demands: list[Demand]) -> list[dict[str, Any]]:
    """Lines of a list, each with its address."""
    return [pages.row(item, g.now, url=url_for("demands.show", ref=item.ref), language=language()) for item in demands]


def filter_query(filters: Filters) -> dict[str, Any]:
    """The list's parameters without page and sort, for feed, calendar and file."""
    named = {name: list(getattr(filters, name)) for name in queries.FACETS if getattr(filters, name)}
    return {"q": filters.q, **named} if filters.q else named


def with_content(filters: Filters, limit: int) -> list[Demand]:
    """The filtered list for papers, feeds and files; what words mean is asked of search, where there is one."""
    search = current_app.extensions.get("full_text")
    ids = search.ids(filters, limit) if search is not None and filters.q else None
    return queries.with_content(filters, g.now, limit, ids)


def facet_groups(
    filters: Filters, counts: dict[str, list[facets.FacetValue]]
) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """The groups of filters with exact counts, and the chips of what is chosen."""
    titles = {
        "state": _("状态"),
        "direction": _("方向"),
        "mode": _("资金方式"),
        "budget": _("预算"),
        "industry": _("产业"),
        "unit": _("单位"),
        "batch": _("批次"),
        "year": _("年份"),
    }
    groups, chips = [], []
    for place_, name in enumerate(FACET_TITLES):
        chosen = list(getattr(filters, name))
        options = []
        for item in counts[name]:
            current = item.value in chosen
            others = [value for value in chosen if value != item.value]
            wanted = others if current else [*chosen, item.value]
            url = web.page_url(**{name: wanted or None}, page=None)
            options.append({"label": item.label, "count": item.count, "url": url, "current": current})
            if current:
                chips.append((item.label, url))
        if options:
            groups.append({"title": titles[name], "options": options, "open": place_ < OPEN_FACETS or bool(chosen)})
    return groups, chips


@bp.get("/demands")
@public
def index() -> ResponseValue:
    """The public list; every state of it stands in the URL. Words are searched for by a later feature."""
    filters, search = read_filters(), current_app.extensions.get("full_text")
    if filters.q and search is not None:
        answer: ResponseValue = search.demands(filters)
        return answer
    return list_page(filters)


def list_page(
    filters: Filters,
    *,
    found: queries.Listing | None = None,
    shown: list[dict[str, Any]] | None = None,
    counts: dict[str, list[facets.FacetValue]] | None = None,
    kind: str = "demand",
    **more: Any,
) -> str:
    """The list under these filters. A search hands in what it found, the lines to show, the counts and which kind of
    things it is about (empty: all).
    """
    found = found or queries.listing(filters, g.now)
    counts = counts or facets.count_all(filters, g.now, language=language())
    groups, chips = facet_groups(filters, counts)
    query = filter_query(filters)
    subscribe = {
        "alert_url": place("alerts.new", kind=kind, **query),
        "atom_url": place("opendata.feed", **query, **({} if kind == "demand" else {"kind": kind or "all"})),
        "calendar_url": place("opendata.calendar", **query) if kind == "demand" else None,
        "export_url": url_for("demands.export", **query, sort=filters.sort)
        if found.total and kind == "demand"
        else None,
    }
    context: dict[str, Any] = {
        "q": filters.q,
        "kind": kind,
        "facets": groups,
        "chosen": len(chips),
        "chips": chips,
        "clear_url": request.path + (f"?{urlencode({'q': filters.q})}" if filters.q and chips else ""),
        "hidden": [(name, value) for name in queries.FACETS for value in getattr(filters, name)],
        "sorts": [
            (label.en if language() == "en" else label.zh, web.page_url(sort=key, page=None), key == filters.sort)
            for key, label in queries.sorts(filters.q).items()
        ],
        "rows": rows(found.rows) if shown is None else shown,
        "pages": pages.pagination(
            found.page, found.pages, found.total, found.per_page, lambda number: web.page_url(page=number)
        ),
        "subscribe": subscribe,
        "suggest_url": place("search.suggest"),
    }
    return render_template("demands/list.html", **(context | more))


@bp.get("/batches/<code>")
@public
def batch(code: str) -> ResponseValue:
    """The public page of a batch: its call while it collects, its list and papers once it is published."""
    found = batches.find(actor=g.actor, now=g.now, code=code)
    if found is None:
        abort(404)
    listed = queries.listing(Filters(batch=(code,), per_page=100), g.now)
    return render_template("batches/show.html", batch=found, rows=rows(listed.rows), total=listed.total)


@bp.get("/demands/<ref>")
@allow("demand.see", for_page)
def show(demand: Demand) -> ResponseValue:
    """One demand. Its unit and the officers see it before publication too."""
    if demand.number and request.view_args and request.view_args["ref"] != demand.number:
        return redirect(url_for(".show", ref=demand.number))
    views.count(demand.id, g.now)
    return render_template("demands/show.html", **page_context(demand))


def page_context(demand: Demand) -> dict[str, Any]:
    """All variables of demands/show.html, what later features say included."""
    content, tongue = demand.said, language()
    url = url_for("demands.show", ref=demand.ref, _external=True)
    published = demand.visible_from is not None and demand.visible_from <= g.now
    context: dict[str, Any] = {
        "demand": pages.facts(demand, content, g.now, url=url, language=tongue),
        "crumbs": _crumbs(demand),
        "life": pages.life(demand, g.now, tongue),
        "act_row": _acts(demand) if published else [],
        "acts": [],
        "notices": pages.boxes(demand, g.now, tongue),
        "indicators": pages.indicators(content, tongue),
        "offers": pages.offers(content, tongue),
        "terms": pages.terms(demand, content, tongue),
        "criteria": pages.criteria(content, tongue),
        "milestones": pages.milestones(content, tongue),
        "events": pages.events(demand.versions, tongue, limit=3) if published else [],
        "files": _files(demand),
        "fingerprint": _fingerprint(demand) if published else None,
        "qr": qr_path(url) if published else None,
    }
    if published and len(demand.versions) > 1:
        context["files"].append(
            {"name": _("变更与办理记录"), "url": url_for("demands.history", ref=demand.ref), "kind": _("网页")}
        )
    for tell in current_app.extensions["demand_page"]:
        for name, value in (tell(demand) or {}).items():
            context[name] = context[name] + value if name in ("act_row", "acts", "notices") else value
    return context


def _crumbs(demand: Demand) -> list[tuple[str, str | None]]:
    crumbs: list[tuple[str, str | None]] = [(_("榜单"), url_for("demands.index"))]
    if demand.batch is not None:
        crumbs.append((demand.batch.name, url_for("demands.batch", code=demand.batch.code)))
    return [*crumbs, (demand.ref, None)]


def _acts(demand: Demand) -> list[dict[str, str]]:
    """Follow and print."""
    acts = []
    if queries.follows(demand, g.actor):
        acts.append({"url": url_for(".unfollow", ref=demand.ref), "label": _("已关注"), "icon": "star-on"})
    else:
        acts.append({"url": url_for(".follow", ref=demand.ref), "label": _("关注"), "icon": "star"})
    acts[0]["method"] = "post"
    acts.append({"url": url_for(".print_view", ref=demand.ref), "label": _("打印"), "icon": "print"})
    return acts


def _files(demand: Demand) -> list[dict[str, Any]]:
    """The demand's own paper first, then the announcement of its batch, then what the unit attached."""
    inside = demand.unit_id in g.actor.organisations()
    files: list[dict[str, Any]] = [
        {"name": _("需求书"), "url": url_for(".sheet", ref=demand.ref, kind="pdf"), "kind": "PDF"},
        {"name": _("需求书（可编辑）"), "url": url_for(".sheet", ref=demand.ref, kind="docx"), "kind": "DOCX"},
    ]
    if demand.batch is not None and demand.visible_from is not None and demand.visible_from <= g.now:
        url = url_for(".announcement", code=demand.batch.code, kind="pdf")
        files.append({"name": _("榜单公告"), "url": url, "kind": "PDF"})
    files += [
        {
            "name": item.name,
            "url": url_for(".file", ref=demand.ref, key=item.key),
            "kind": item.name.rpartition(".")[2].upper()[:5],
            "size": item.size,
            "download": True,
        }
        for item in demand.files
        if item.removed_at is None and (item.public or inside)
    ]
    return files


def _fingerprint(demand: Demand) -> dict[str, Any] | None:
    if not demand.versions:
        return None
    newest = demand.versions[-1]
    return {
        "sha256": newest.sha256,
        "version": newest.version,
        "leaf": newest.log_seq if newest.log_seq is not None else "—",
        "url": place("verify.index", q=demand.number) or url_for(".snapshot", ref=demand.ref, version=newest.version),
    }


@bp.get("/demands/<ref>/history")
@allow("demand.see", for_page)
def history(demand: Demand) -> ResponseValue:
    """Every version with what changed and why, and every public act between them, newest first."""
    if demand.visible_from is None or demand.visible_from > g.now:
        abort(404)
    timeline = pages.events(demand.versions, language()) + pages.acts_of_log(
        db.session.scalars(log.history(demand.audit_subject)), language()
    )
    timeline.sort(key=lambda item: item["at"], reverse=True)
    return render_template("demands/history.html", demand=demand, events=timeline, versions=demand.versions[::-1])


@bp.post("/demands/<ref>/follow")
@allow("demand.follow", by_ref)
def follow(demand: Demand) -> ResponseValue:
    if ConfirmForm().validate_on_submit():
        service.follow(demand, actor=g.actor, now=g.now)
        flash(_("已关注。变更、答复和截止前会提醒您。"), "done")
    return redirect(url_for(".show", ref=demand.ref))


@bp.post("/demands/<ref>/unfollow")
@allow("demand.follow", by_ref)
def unfollow(demand: Demand) -> ResponseValue:
    if ConfirmForm().validate_on_submit():
        service.unfollow(demand, actor=g.actor, now=g.now)
        flash(_("已取消关注。"), "done")
    return redirect(url_for(".show", ref=demand.ref))
