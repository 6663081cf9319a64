"""A list's parameters → what to show: from the index, or from the database while there is no index to ask."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from markupsafe import Markup

from marketplace.demands import facets, pages, queries
from marketplace.demands.queries import Filters, Listing
from marketplace.search import sources
from marketplace.search.finder import Found
from marketplace.search.index import Request, TooSlow, Unavailable
from marketplace.search.kinds import demands
from marketplace.search.service import Search
from marketplace.search.sources import View

LIKE_MOST = 3000  # public demands up to which words are still looked for while the index is away
REBUILDING, SLOW = "rebuilding", "slow"


@dataclass(frozen=True, slots=True)
class Answer:
    """``listing.rows`` stays empty: ``rows`` are drawn already. ``kinds``: how many each tab has.

    ``problem``: why it comes from the database (``REBUILDING``, ``SLOW``); then ``found`` is ``None``, and words were
    looked for only where ``worded``. ``near``: the place in ``rows`` from which on only some of the words are there;
    ``nearby``: lines of near misses, where there are no others.
    """

    listing: Listing
    rows: list[dict[str, Any]]
    counts: dict[str, list[facets.FacetValue]]
    found: Found | None = None
    kinds: dict[str, int] | None = None
    near: int | None = None
    nearby: list[dict[str, Any]] = field(default_factory=list)
    problem: str = ""
    worded: bool = True


def request(filters: Filters, now: datetime, kinds: tuple[str, ...]) -> Request:
    """The list's parameters as the index takes them; several kinds are told apart by a facet of their own."""
    chosen = {name: frozenset(getattr(filters, name)) for name in queries.FACETS if getattr(filters, name)}
    if kinds:
        chosen["kind"] = frozenset(kinds)
    return Request(
        now=now,
        filters=chosen,
        facets=("kind", *queries.FACETS),
        sort=filters.sort,
        offset=(filters.page - 1) * filters.per_page,
        limit=filters.per_page,
    )


def answer(search: Search, filters: Filters, view: View, *, kind: str = "", literally: bool = False) -> Answer:
    """One page with its counts. Without an index, or in too long a time: the database's list, and the reason."""
    kinds = (kind,) if kind else ()
    try:
        found = search.find(filters.q, request(filters, view.now, kinds), literally=literally)
        last = max(1, -(-found.total // filters.per_page))
        if not found.ids and found.total and filters.page > last:
            filters = replace(filters, page=last)
            found = search.find(filters.q, request(filters, view.now, kinds), literally=literally)
    except (Unavailable, TooSlow) as reason:
        return fallback(filters, view, SLOW if isinstance(reason, TooSlow) else REBUILDING)
    view = replace(view, terms=found.terms)
    listing = Listing([], found.total, filters.page, filters.per_page)
    offset = (filters.page - 1) * filters.per_page
    rows = sources.rows(found.ids, view)
    near = found.strict - offset if filters.sort == "relevance" else None
    counts = facets.labelled(filters, facets.named(filters, found.facets, view.now), view.language)
    return Answer(
        listing,
        rows,
        counts,
        found,
        dict(found.facets["kind"]),
        near if near is not None and 0 <= near < len(rows) else None,
        sources.rows(found.near, view) if found.near else [],
    )


def fallback(filters: Filters, view: View, problem: str) -> Answer:
    """The filters from the database; words only where so few rows are public that reading them all is cheap."""
    worded = problem == REBUILDING and queries.count_of(now=view.now) <= LIKE_MOST
    filters = filters if worded else replace(filters, q="")
    listing = queries.listing(filters, view.now)
    rows = [
        pages.row(item, view.now, url=view.url("demands.show", ref=item.ref), language=view.language)
        for item in listing.rows
    ]
    counts = facets.count_all(filters, view.now, language=view.language)
    return Answer(replace(listing, rows=[]), rows, counts, problem=problem, worded=worded)


@dataclass(frozen=True, slots=True)
class Items:
    """A page of demands themselves, for programs; ``highlights``: a demand's id → its text with the words marked."""

    listing: Listing
    counts: dict[str, list[facets.FacetValue]]
    highlights: dict[int, Markup]
    problem: str = ""


def api(search: Search, filters: Filters, view: View) -> Items:
    """The same list as the pages have, with rows instead of lines."""
    problem = ""
    if filters.q:
        found = answer(search, filters, view, kind=demands.KIND)
        if not found.problem:
            keys = [row["key"] for row in found.rows]
            rows = {row.id: row for row in queries.with_industries(keys, view.now)}
            texts = {row["key"]: row["snippet"] for row in found.rows}
            shown = [rows[key] for key in keys if key in rows]
            return Items(replace(found.listing, rows=shown), found.counts, texts)
        problem = found.problem
        filters = filters if found.worded else replace(filters, q="")
    listing = queries.listing(filters, view.now)
    rows = {row.id: row for row in queries.with_industries([row.id for row in listing.rows], view.now)}
    shown = [rows[row.id] for row in listing.rows]
    counts = facets.count_all(filters, view.now, language=view.language)
    return Items(replace(listing, rows=shown), counts, {}, problem)


def ids(search: Search, filters: Filters, now: datetime, limit: int) -> list[int] | None:
    """The demands that a list with words has, at most ``limit``; ``None``: the database must answer by itself."""
    wanted = replace(request(filters, now, (demands.KIND,)), offset=0, limit=limit, facets=())
    try:
        found = search.find(filters.q, wanted, literally=True)
    except (Unavailable, TooSlow):
        return None
    return [sources.split(id_)[1] for id_ in found.ids]
