"""Public notices of results as documents of the search: title, candidates and numbers, with the demand's facets.

Names of experts stand on the notice but are not searched for: who reviews is no way to find what was reviewed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import contains_eager, joinedload, raiseload, selectinload, undefer

from marketplace import db
from marketplace.demands.models import Demand
from marketplace.demands.pages import word_for
from marketplace.notices import pages
from marketplace.notices.models import Notice
from marketplace.notices.queries import PUBLIC, is_public
from marketplace.platform.formatting import day_of
from marketplace.platform.outbox import OutboxRow
from marketplace.search.documents import Document
from marketplace.search.highlight import mark, marked
from marketplace.search.kinds import demands
from marketplace.search.sources import Source, View, document_id, subject_key
from marketplace.taxonomy import Label

KIND = "notice"
LABEL = Label("公示", "Notices")
PUBLISHED = (Notice.published_at.is_not(None), Notice.state.in_(PUBLIC))


def touched(row: OutboxRow) -> Iterable[int]:
    """The notice of the row; all published ones of a demand that changed, since they carry its facets."""
    if row.topic.startswith("notice."):
        key = subject_key(row, "notice")
        return () if key is None else (key,)
    about = list(demands.touched(row))
    if not about:
        return ()
    return db.session.scalars(select(Notice.id).where(Notice.demand_id.in_(about), *PUBLISHED)).all()


def keys(after: int, limit: int) -> Sequence[int]:
    return db.session.scalars(
        select(Notice.id).where(Notice.id > after, *PUBLISHED).order_by(Notice.id).limit(limit)
    ).all()


def _published(ids: Sequence[int]) -> Select[Notice]:
    return select(Notice).join(Notice.demand).where(Notice.id.in_(ids), *PUBLISHED, Demand.visible_from.is_not(None))


def load(ids: Sequence[int]) -> Iterator[Document]:
    found = db.session.scalars(
        _published(ids).options(
            contains_eager(Notice.demand).options(
                joinedload(Demand.unit),
                joinedload(Demand.batch),
                undefer(Demand.content),
                selectinload(Demand.industries),
                raiseload("*"),
            ),
            raiseload("*"),
        )
    )
    for notice in found:
        yield document(notice)


def document(notice: Notice) -> Document:
    """From the frozen notice and nothing else of the result; the rest is what the demand's own document says."""
    assert notice.published_at is not None
    content = notice.content
    return replace(
        demands.document(notice.demand),
        id=document_id(KIND, notice.id),
        kind=KIND,
        title=notice.title,
        summary="、".join(_names(content)),
        body=f"{notice.demand.number or ''}\n{content['text']}",
        tags=(),
        identifiers=(notice.number,),
        year=str(notice.year),
        visible_at=max(notice.published_at, notice.demand.visible_from or notice.published_at),
        published_at=notice.published_at,
    )


def _names(content: Mapping[str, Any]) -> Iterator[str]:
    """Every candidate of the notice and the confirmed members beside it."""
    for item in content["candidates"]:
        yield item["name"]
        yield from item["members"]


def rows(ids: Sequence[int], view: View) -> Mapping[int, dict[str, Any]]:
    """Lines of components/hit_row.html: one query."""
    found = db.session.scalars(
        _published(ids)
        .where(is_public(view.now), Demand.visible_from <= view.now)
        .options(contains_eager(Notice.demand).options(joinedload(Demand.unit), raiseload("*")), raiseload("*"))
    )
    return {notice.id: _row(notice, view) for notice in found}


def _row(notice: Notice, view: View) -> dict[str, Any]:
    assert notice.published_at is not None
    names = word_for(view.language)("、", ", ").join(_names(notice.content))
    return {
        "number": notice.number,
        "kind_label": LABEL.en if view.language == "en" else LABEL.zh,
        "title": marked(mark(pages.title_of(notice, view.language), view.terms)),
        "url": view.url("notices.show", notice_id=notice.id),
        "snippet": marked(mark(names, view.terms)),
        "meta": [
            notice.demand.unit.display_name,
            pages.state_of(notice, view.now, view.language)["label"],
            day_of(notice.published_at).isoformat(),
        ],
    }


SOURCE = Source(KIND, LABEL, touched, keys, load, rows)
