"""Demands that read alike among the newest there are: the index is made once and asked until a demand changes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Select, func, select

from marketplace import db
from marketplace.demands.models import Demand
from marketplace.demands.similarity import LookAlike, SimilarityIndex

AMONG = 2_000  # the newest demands that one is compared with
LOOKED_AT = 40  # the most alike of all, of which those are told that somebody may see
_Built = tuple[tuple[Any, ...], SimilarityIndex[int]]
_built: _Built | None = None  # of this process


class Comparison:
    """All demands as they read now. Making an index takes long, asking it does not: a page makes one at most."""

    def __init__(self) -> None:
        global _built
        newest = select(Demand.id, Demand.lock_version).order_by(Demand.id.desc()).limit(AMONG).subquery()
        state = func.count(), func.max(newest.c.id), func.sum(newest.c.lock_version)  # each save counts one up
        key = tuple(db.session.execute(select(*state)).one())
        if _built is None or _built[0] != key:
            rows = db.session.execute(
                select(Demand.id, Demand.title, Demand.summary).order_by(Demand.id.desc()).limit(AMONG)
            )
            _built = key, SimilarityIndex((row.id, row.title, row.summary) for row in rows)
        self._index = _built[1]

    def nearest(
        self, title: str, text: str, *, within: Select[*tuple[Any, ...]], besides: Collection[int | None], limit: int
    ) -> list[tuple[Any, LookAlike[int]]]:
        """(row of ``within``, likeness), the most alike first. ``within`` selects rows with ``Demand.id``."""
        found = self._index.nearest(title, text, limit=LOOKED_AT)
        ids = [item.key for item in found if item.key not in besides]
        if not ids:
            return []
        rows = {row.id: row for row in db.session.execute(within.where(Demand.id.in_(ids)))}
        return [(rows[item.key], item) for item in found if item.key in rows][:limit]


def forget() -> None:
    """For tests, whose rollbacks leave the same figures to other demands."""
    global _built
    _built = None
