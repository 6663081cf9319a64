"""Public notices: the list, the permalink, print, PDF and the frozen bytes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Response, current_app, g, render_template, request, url_for

from marketplace import web
from marketplace.demands import pages as demand_pages
from marketplace.demands.clocks import OBJECTION_WORKING_DAYS
from marketplace.demands.routes.documents import TYPES, as_file
from marketplace.demands.routes.public import language
from marketplace.notices import pages, papers, queries
from marketplace.notices.models import Notice
from marketplace.notices.queries import PER_PAGE, Filters
from marketplace.notices.routes import bp, host
from marketplace.platform import policy
from marketplace.platform.policy import Actor
from marketplace.platform.rendering import Verification, pdf, qr_path
from marketplace.settings import queries as settings
from marketplace.web import ResponseValue, allow, public


@bp.get("/notices")
@public
def index() -> ResponseValue:
    """All public notices, the newest first."""
    page = request.args.get("page", "1")
    filters = Filters(
        q=request.args.get("q", "").strip()[:60],
        state=request.args.get("state", ""),
        year=request.args.get("year", ""),
        page=int(page) if page.isascii() and page.isdigit() and len(page) < 7 else 1,
    )
    found, tongue = queries.listing(filters, g.now), language()
    rows = [
        {
            "url": url_for(".show", notice_id=item.id),
            "title": pages.title_of(item, tongue),
            "number": item.number,
            "unit": item.demand.unit.display_name,
            "published_at": item.published_at,
            "last_day": pages.last_day(item),
            "state": pages.state_of(item, g.now, tongue),
        }
        for item in found.rows
    ]
    return render_template(
        "notices/index.html",
        rows=rows,
        filters=filters,
        states=[(code, label.en if tongue == "en" else label.zh) for code, (label, _tone) in pages.STATES.items()],
        years=[(str(year), str(year)) for year in queries.years(g.now)],
        pages=demand_pages.pagination(
            found.page, found.pages, found.total, PER_PAGE, lambda number: web.page_url(page=number)
        ),
    )


def find(*, actor: Actor, now: datetime, notice_id: int) -> Notice | None:
    return queries.find_public(actor=actor, now=now, notice_id=notice_id)


def page_context(notice: Notice) -> dict[str, Any]:
    """All variables of notices/show.html."""
    tongue, content = language(), notice.content
    calendar = settings.calendar()
    url = url_for(".show", notice_id=notice.id, _external=True)
    window = pages.days(notice, calendar, g.now, tongue)
    key = pages.state_key(notice, g.now)
    return {
        "notice": notice,
        "title": pages.title_of(notice, tongue),
        "state": pages.state_of(notice, g.now, tongue),
        "key": key,
        "content": content,
        "url": url,
        "qr": qr_path(url),
        "rows": pages.candidates(content, tongue),
        "facts": pages.review_facts(content, tongue),
        "days": window,
        "number_of_days": len(window),
        "here": next((place + 1 for place, day in enumerate(window) if day["state"] == "now"), None),
        "last_day": pages.last_day(notice),
        "objections": pages.objection_rows(notice, tongue),
        "object_url": url_for(".objection", notice_id=notice.id)
        if policy.allows("objection.file", g.actor, notice, g.now)
        else None,
        "answer_days": OBJECTION_WORKING_DAYS,
        "host": host(),
    }


@bp.get("/notices/<int:notice_id>")
@allow("public", find)
def show(notice: Notice) -> ResponseValue:
    """One notice; its address never changes."""
    return render_template("notices/show.html", **page_context(notice))


@bp.get("/notices/<int:notice_id>/print")
@allow("public", find)
def print_view(notice: Notice) -> ResponseValue:
    """The notice on A4."""
    return render_template("notices/print.html", **page_context(notice), back=url_for(".show", notice_id=notice.id))


@bp.get("/notices/<int:notice_id>/notice.pdf")
@allow("public", find)
def paper(notice: Notice) -> ResponseValue:
    """公示 as PDF."""
    content = notice.content
    assert notice.published_at is not None
    said = papers.notice_paper(
        title=notice.title,
        number=notice.number,
        demand=notice.demand.title,
        issuer=host(),
        published_at=notice.published_at,
        last_day=pages.last_day(notice),
        days=len(pages.days(notice, settings.calendar(), g.now, "zh")),
        rows=pages.candidates(content, "zh"),
        scores=content["public_scores"],
        facts=pages.review_facts(content, "zh"),
        text=content["text"],
        aggregate=content["aggregate"],
        ranking_hash=content["ranking"]["hash"],
        verification=Verification(url_for(".show", notice_id=notice.id, _external=True), notice.sha256),
        demo=current_app.config["ZHANGBANG"].demo,
    )
    return as_file(pdf(said), name=f"{notice.number}公示.pdf", media_type=TYPES["pdf"], inline=True)


@bp.get("/notices/<int:notice_id>/notice.json")
@allow("public", find)
def frozen(notice: Notice) -> ResponseValue:
    """The bytes whose SHA-256 is the notice's fingerprint, exactly."""
    response = Response(notice.frozen, mimetype="application/json")
    response.headers["X-Content-SHA256"] = notice.sha256
    response.set_etag(notice.sha256)
    response.make_conditional(request)
    return response
