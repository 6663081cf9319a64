"""The same demand twice: within the file, and against what stands on the site already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from marketplace.demands.similarity import title_key
from marketplace.exchange.reading.amounts import show_wan
from marketplace.exchange.reading.report import DUPLICATE, ERROR, Message, Report, Row


@dataclass(frozen=True, slots=True)
class Existing:
    """A demand that stands already. ``reference`` is how an officer finds it (number, or id of the draft)."""

    unit: str
    reference: str


def mark_duplicates(report: Report, existing: Mapping[str, Sequence[Existing]]) -> None:
    """Same title and unit (ignoring width, blanks, punctuation) = duplicate; the same title of another unit, or the
    same long description under another title = a warning. The first of several in the file stays."""
    first: dict[tuple[str, str], Row] = {}
    titles: dict[str, Row] = {}
    needs: dict[str, Row] = {}
    for row in report.rows:
        key, owner = title_key(row.values.title), title_key(row.values.unit)
        if not key:
            continue
        at = row.cells.get("title", "")
        for known in existing.get(key, ()):
            same = title_key(known.unit) == owner
            _say(row, at, known.reference, f"与已有需求 {known.reference}（{known.unit}）名称相同", duplicate=same)
        if twin := first.get((key, owner)):
            text = f"与“{twin.sheet}”第 {twin.row} 行是同一单位的同名需求{_differences(twin, row)}"
            _say(row, at, f"{twin.sheet}!{twin.row}", text, duplicate=True)
        elif other := titles.get(key):
            text = f"与“{other.sheet}”第 {other.row} 行名称相同，单位不同"
            _say(row, at, f"{other.sheet}!{other.row}", text, duplicate=False)
        elif len(need := title_key(row.values.need)) >= 30 and (copy := needs.get(need)):
            text = f"概况与“{copy.sheet}”第 {copy.row} 行相同，名称不同"
            row.messages.append(Message(row.cells.get("need", ""), "duplicate.need", text))
        first.setdefault((key, owner), row)
        titles.setdefault(key, row)
        needs.setdefault(title_key(row.values.need), row)


def _say(row: Row, at: str, reference: str, text: str, *, duplicate: bool) -> None:
    if duplicate:
        row.duplicate_of = row.duplicate_of or reference
    level = DUPLICATE if duplicate and row.status != ERROR else "warning"
    row.messages.append(Message(at, "duplicate" if duplicate else "duplicate.title", text, level))


def _differences(one: Row, other: Row) -> str:
    """What the two say differently, so that the officer sees what a merge would lose."""
    found = []
    a, b = one.values, other.values
    if a.budget_wan != b.budget_wan:
        found.append(
            "预算 " + " / ".join("未定" if wan is None else show_wan(wan) for wan in (a.budget_wan, b.budget_wan))
        )
    if a.deadline != b.deadline:
        found.append(
            "时间 " + " / ".join("未定" if day is None else day.isoformat() for day in (a.deadline, b.deadline))
        )
    if title_key(a.need) != title_key(b.need):
        found.append("概况")
    return f"（不同之处：{'；'.join(found)}）" if found else ""
