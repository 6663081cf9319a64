"""/capabilities: who in the district can do what. Approved organisations only, nothing personal."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import g, render_template, request

from marketplace import db, web
from marketplace.accounts import queries
from marketplace.accounts.models import Organisation
from marketplace.accounts.routes import capabilities_bp
from marketplace.accounts.rules import ORGANISATION_KIND_LABELS, SIZES, OrganisationState
from marketplace.platform.policy import Actor
from marketplace.taxonomy import INDUSTRIES
from marketplace.web import ResponseValue, allow, public

PER_PAGE = 20


@capabilities_bp.get("")
@public
def index() -> ResponseValue:
    """Filtered by words and one industry. Industries live in a JSON list, so that filter runs here, over a directory
    of at most some thousand names.
    """
    text = request.args.get("q", "").replace("\x00", "").strip()[:80]
    industry = request.args.get("industry", "")
    found = list(db.session.scalars(queries.capable(text=text)))
    if industry in INDUSTRIES:
        found = [row for row in found if industry in row.industries]
    last = max(-(-len(found) // PER_PAGE), 1)
    page = min(max(request.args.get("page", 1, type=int), 1), last)
    first = (page - 1) * PER_PAGE
    return render_template(
        "capabilities/index.html",
        q=text,
        industry=industry,
        choices=[(code, label.en if g.locale == "en" else label.zh) for code, label in INDUSTRIES.items()],
        rows=found[first : first + PER_PAGE],
        industries=INDUSTRIES,
        pages=_pages(page, last, first, len(found)),
    )


def _pages(page: int, last: int, first: int, total: int) -> dict[str, Any]:
    """What components/pagination.html takes."""
    shown = sorted({1, last, *range(max(page - 2, 1), min(page + 2, last) + 1)})
    return {
        "page": page,
        "pages": last,
        "first": first + 1,
        "last": min(first + PER_PAGE, total),
        "total": total,
        "urls": {number: web.page_url(page=number) for number in shown},
        "previous": web.page_url(page=page - 1) if page > 1 else None,
        "next": web.page_url(page=page + 1) if page < last else None,
    }


def _listed(*, actor: Actor, now: datetime, slug: str) -> Organisation | None:
    """An organisation of the directory; others do not exist here."""
    found = queries.by_slug(slug)
    if found is None or found.state != OrganisationState.APPROVED or not found.may_bid:
        return None
    return found


@capabilities_bp.get("/<slug>")
@allow("public", _listed)
def show(organisation: Organisation) -> ResponseValue:
    return render_template(
        "capabilities/show.html",
        organisation=organisation,
        industries=[INDUSTRIES[code] for code in organisation.industries if code in INDUSTRIES],
        kind=ORGANISATION_KIND_LABELS[organisation.kind],
        size=SIZES.get(organisation.size, ""),
    )
