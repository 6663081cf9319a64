"""What people call the values of a facet, for ``unit:水务局`` and ``状态:揭榜中``; of lists those that are public."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select

from marketplace import db, taxonomy
from marketplace.accounts.models import Organisation
from marketplace.batches import queries as batches
from marketplace.batches.models import Batch
from marketplace.demands.clocks import MODES
from marketplace.demands.rules import PHASES
from marketplace.platform import policy
from marketplace.search import sources

VOCABULARIES = {
    "direction": taxonomy.DIRECTIONS,
    "industry": taxonomy.INDUSTRIES,
    "mode": MODES,
    "state": PHASES,
    "budget": taxonomy.BUDGET_BANDS,
}


def labels(facet: str, now: datetime) -> Mapping[str, Sequence[str]]:
    """Code → its names in both languages; units and batches by one query."""
    if facet == "unit":
        units = select(Organisation.slug, Organisation.name, Organisation.short_name).where(Organisation.may_post)
        return {slug: (name, short or "") for slug, name, short in db.session.execute(units)}
    if facet == "batch":
        known = batches.visible(policy.VISITOR, now).with_only_columns(Batch.code, Batch.theme)
        return {code: (theme,) for code, theme in db.session.execute(known)}
    if facet == "kind":
        return {kind: source.label for kind, source in sources.declared().items()}
    return VOCABULARIES.get(facet, {})
