"""What people type: words, "phrases", -exclusions and field:values (product.md §6).

Pure. There are no wildcards and no operators that could make a query expensive; the length is capped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from marketplace.search.analysis import normalise

LENGTH_MAX = 200  # characters; what is longer is cut off and the page says so

# Names before the colon, in both languages → the facet that they restrict. ``title`` is a place, not a facet.
FIELDS = {
    "unit": "unit", "单位": "unit", "需求单位": "unit",
    "direction": "direction", "方向": "direction",
    "industry": "industry", "行业": "industry", "产业": "industry",
    "mode": "mode", "资金": "mode", "资金方式": "mode",
    "state": "state", "状态": "state",
    "budget": "budget", "预算": "budget",
    "batch": "batch", "批次": "batch",
    "year": "year", "年份": "year", "年度": "year",
    "kind": "kind", "类型": "kind",
}  # fmt: skip

ITEM = re.compile(
    r"(?P<minus>(?<!\S)-)?"
    r"(?:(?P<field>[a-z]+|[\u4e00-\u9fff]{2,4}):)?"
    r"(?:[\"“”„「『](?P<phrase>[^\"“”„」』]*)[\"“”」』]?|(?P<word>[^\s\"“”„「『]+))"
)


@dataclass(frozen=True, slots=True)
class Field:
    """``facet`` is a name of ``documents.FACETS``; ``value`` is what was typed, normalised."""

    facet: str
    value: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query; every text normalised. ``clipped``: it was longer than ``LENGTH_MAX``."""

    words: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    clipped: bool = False

    @property
    def text(self) -> str:
        return " ".join(self.words)

    def __bool__(self) -> bool:
        return bool(self.words or self.phrases or self.excluded or self.fields)


def parse(typed: str) -> Query:
    """Read what was typed. Never refuses: what is no field, phrase or exclusion is a word."""
    text = normalise(typed).strip()
    clipped = len(text) > LENGTH_MAX
    words: list[str] = []
    phrases: list[str] = []
    excluded: list[str] = []
    fields: list[Field] = []
    for match in ITEM.finditer(text[:LENGTH_MAX]):
        quoted = match["phrase"] is not None
        value = (match["phrase"] if quoted else match["word"]).strip()
        if not re.search(r"\w", value):
            continue
        name, negated = match["field"], bool(match["minus"])
        if name in FIELDS:
            fields.append(Field(FIELDS[name], value, negated))
            continue
        if name:
            value = f"{name}:{value}" if not quoted else value
        if negated:
            excluded.append(value)
        else:
            (phrases if quoted else words).append(value)
    return Query(tuple(words), tuple(phrases), tuple(excluded), tuple(fields), clipped)
