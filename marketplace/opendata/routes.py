"""Addresses for programs. All is public, cacheable by ETag, readable from any origin, and never shows more than the
pages do.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, Flask, Response, abort, current_app, g, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup, escape

from marketplace.demands import service
from marketplace.demands.models import Demand
from marketplace.demands.queries import Filters
from marketplace.demands.routes.public import for_page, language, read_filters, with_content
from marketplace.opendata import spec
from marketplace.platform.audit import timestamp
from marketplace.platform.formatting import moment_text
from marketplace.platform.money import wan
from marketplace.platform.policy import VISITOR
from marketplace.platform.rendering import ATOM, ICALENDAR, Entry, Event, atom, ics
from marketplace.search import listing, sources
from marketplace.search.index import TooSlow, Unavailable
from marketplace.search.sources import View
from marketplace.web import ResponseValue, public

bp = Blueprint("opendata", __name__)
FEED_MOST = 50
CALENDAR_MOST = 200


def _conditional(response: Response) -> Response:
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.add_etag()
    response.make_conditional(request)
    return response


def _json(body: dict[str, Any]) -> Response:
    return _conditional(Response(current_app.json.dumps(body), mimetype="application/json"))


def _item(demand: Demand, industries: list[str], highlight: Markup | None = None) -> dict[str, Any]:
    """``highlight`` is HTML: escaped text, the words asked for in ``<mark>``."""
    return {
        "number": demand.number,
        "title": demand.title,
        "unit": demand.unit.name,
        "direction": demand.direction,
        "industries": industries,
        "mode": demand.mode,
        "budget_wan": None if demand.budget_fen is None else wan(demand.budget_fen),
        "state": str(demand.state),
        "phase": demand.phase(g.now),
        "deadline": timestamp(demand.closes_at) if demand.closes_at else None,
        "url": url_for("demands.show", ref=demand.ref, _external=True),
        "updated_at": timestamp(demand.updated_at),
        "highlight": escape(demand.summary) if highlight is None else highlight,
    }


@bp.get("/api/v1/demands")
@public
def demands() -> ResponseValue:
    """One page of the list with its facets. Unknown values of a parameter are ignored, as on the page."""
    wanted = request.args.get("per_page", "")
    per_page = min(max(int(wanted), 1), 100) if wanted.isascii() and wanted.isdigit() and len(wanted) < 7 else 20
    filters = read_filters(per_page=per_page)
    found = listing.api(current_app.extensions["search"], filters, View(g.now, language(), url_for))
    return _json(
        {
            "total": found.listing.total,
            "page": found.listing.page,
            "per_page": per_page,
            "items": [
                _item(item, [code.code for code in item.industries], found.highlights.get(item.id))
                for item in found.listing.rows
            ],
            "facets": {
                name: [{"value": item.value, "label": item.label, "count": item.count} for item in values]
                for name, values in found.counts.items()
            },
            **({"notice": found.problem} if found.problem else {}),
        }
    )


@bp.get("/api/v1/demands/<number>")
@public
def demand(number: str) -> ResponseValue:
    """The public detail: the item, what the demand says with the contact masked, and its versions."""
    found = for_page(actor=VISITOR, now=g.now, ref=number)
    if found is None or found.number != number:
        abort(404)
    content = found.said
    versions = [
        {
            "version": item.version,
            "sha256": item.sha256,
            "published_at": timestamp(item.published_at),
            "log_seq": item.log_seq,
        }
        for item in found.versions
    ]
    return _json(
        {
            **_item(found, list(content.industries)),
            **service.public_snapshot(found, content),
            "unit": found.unit.name,
            "versions": versions,
            "questions_close_at": timestamp(found.questions_close_at) if found.questions_close_at else None,
        }
    )  # fmt: skip


@bp.get("/api/v1/openapi.json")
@public
def openapi() -> ResponseValue:
    return _json(spec.document(title=_("张榜开放接口"), server=request.host_url.rstrip("/")))


@bp.get("/feed.atom")
@public
def feed() -> ResponseValue:
    """The list under the given filters, the newest on top. ``kind``: of the search's other kinds, or ``all`` of them."""
    filters = Filters.read({**request.args.to_dict(flat=False), "sort": ["newest"]})
    kind = request.args.get("kind", "")
    if kind == "all" or (kind in sources.declared() and kind != "demand"):
        entries, page_url = (
            _found_entries(filters, "" if kind == "all" else kind),
            url_for("search.index", _external=True),
        )
    else:
        entries, page_url = _demand_entries(filters), url_for("demands.index", _external=True)
    data = atom(
        entries,
        title=_("张榜：检索“%(q)s”", q=filters.q) if filters.q else _("张榜：应用场景需求"),
        url=page_url,
        feed_url=request.url,
        updated_at=max(
            (entry.updated_at for entry in entries), default=g.now.replace(hour=0, minute=0, second=0, microsecond=0)
        ),
        author=_("张榜"),
        language="en" if language() == "en" else "zh-CN",
    )
    return _conditional(Response(data, content_type=ATOM))


def _found_entries(filters: Filters, kind: str) -> list[Entry]:
    """What the search finds, as everybody sees it; without an index there is nothing to say but to come again."""
    wanted = replace(listing.request(filters, g.now, (kind,) if kind else ()), offset=0, limit=FEED_MOST, facets=())
    try:
        found = current_app.extensions["search"].find(filters.q, wanted, literally=True)
    except (Unavailable, TooSlow):
        abort(503, description=_("检索正在重建，请过几分钟再订阅一次。"))
    documents = {item.id: item for item in sources.load(found.ids)[0]}
    entries = []
    for row in sources.rows(found.ids, View(g.now, language(), url_for)):
        document = documents.get(sources.document_id(row["kind"], row["key"]))
        at = document.published_at or document.visible_at if document is not None else None
        if document is not None and at is not None:
            entries.append(
                Entry(
                    id=f"urn:zhangbang:{document.id}",
                    title=document.title,
                    url=request.host_url.rstrip("/") + str(row["url"]),
                    published_at=at,
                    updated_at=at,
                    summary=document.summary,
                    author=document.unit_name,
                    categories=(document.kind,),
                )
            )
    return entries


def _demand_entries(filters: Filters) -> list[Entry]:
    return [
        Entry(
            id=f"urn:zhangbang:demand:{item.number}",
            title=f"{item.number} {item.title}",
            url=url_for("demands.show", ref=item.ref, _external=True),
            published_at=item.visible_from,
            updated_at=max(item.updated_at, item.visible_from),
            summary=f"{item.summary}\n{_('揭榜截止')} {moment_text(item.closes_at, language())}",
            author=item.unit.name,
            categories=(item.direction, item.mode),
        )
        for item in with_content(filters, FEED_MOST)
        if item.visible_from is not None and item.closes_at is not None
    ]


@bp.get("/calendar.ics")
@public
def calendar() -> ResponseValue:
    """Deadlines of bids and questions as a calendar to subscribe to, under the list's parameters."""
    events = []
    for item in with_content(read_filters(), CALENDAR_MOST):
        url = url_for("demands.show", ref=item.ref, _external=True)
        gone = item.phase(g.now) in ("withdrawn", "suspended")
        nodes = (("closes", item.closes_at, _("揭榜截止")), ("questions", item.questions_close_at, _("提问截止")))
        for kind, at, word in nodes:
            if at is not None:
                uid = f"{item.number}-{kind}@zhangbang"
                title = f"{word} {item.title}"
                events.append(
                    Event(uid, title, item.updated_at, at=at, url=url, description=item.summary, cancelled=gone)
                )
    return _conditional(Response(ics(events, name=_("张榜日程"), url=request.url), content_type=ICALENDAR))


def install(app: Flask) -> None:
    app.register_blueprint(bp)
