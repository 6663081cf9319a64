"""What the importer says about a file: rows, messages with cell addresses, rows passed over, and the JSON of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from typing import Any

from marketplace.exchange.reading.amounts import show_wan
from marketplace.exchange.reading.vocabulary import DIRECTIONS, INDUSTRIES, KINDS, MODES

OK, WARNING, ERROR, DUPLICATE = "ok", "warning", "error", "duplicate"
STATUSES = (OK, WARNING, ERROR, DUPLICATE)


@dataclass(frozen=True, slots=True)
class Message:
    """``cell`` is an address such as ``G7`` ("" = the row as a whole); ``level``: info, warning, error, duplicate."""

    cell: str
    code: str
    text: str
    level: str = WARNING


@dataclass(frozen=True, slots=True)
class Values:
    """What a row was understood to say. Codes of ``taxonomy``; ``None`` or "" = not said or not readable."""

    title: str = ""
    unit: str = ""
    direction: str | None = None
    industries: tuple[str, ...] = ()
    need: str = ""
    background: str = ""
    goal: str = ""
    indicators: str = ""
    budget_wan: Decimal | None = None
    budget_note: str = ""
    mode: str | None = None
    funds_source: str = ""
    deadline: date | None = None
    deadline_note: str = ""
    period_months: int | None = None
    place: str = ""
    kind: str | None = None
    contact_name: str = ""
    contact_phone: str = ""
    contact_email: str = ""
    remark: str = ""
    extra: tuple[tuple[str, str], ...] = ()

    @property
    def budget_fen(self) -> int | None:
        """The budget in 分."""
        return None if self.budget_wan is None else int(self.budget_wan * 1_000_000)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Values:
        """The inverse of ``as_json``, by the codes."""
        wan, day = data["budget_wan"], data["deadline"]
        derived = {"direction", "industries", "budget_wan", "mode", "deadline", "kind", "extra"}
        return cls(
            direction=data["direction_code"],
            industries=tuple(data["industry_codes"]),
            budget_wan=None if wan is None else Decimal(wan),
            mode=data["mode_code"],
            deadline=None if day is None else date.fromisoformat(day),
            kind=data["kind_code"],
            extra=tuple(data["extra"].items()),
            **{item.name: data[item.name] for item in fields(cls) if item.name not in derived},
        )

    def as_json(self) -> dict[str, Any]:
        """Labels under the names of interface.md, the codes beside them with ``_code``."""
        return {
            "title": self.title,
            "unit": self.unit,
            "direction": DIRECTIONS.labels.get(self.direction or ""),
            "direction_code": self.direction,
            "industries": [INDUSTRIES.labels[code] for code in self.industries],
            "industry_codes": list(self.industries),
            "need": self.need,
            "background": self.background,
            "goal": self.goal,
            "indicators": self.indicators,
            "budget_wan": None if self.budget_wan is None else show_wan(self.budget_wan),
            "budget_note": self.budget_note,
            "mode": MODES.labels.get(self.mode or ""),
            "mode_code": self.mode,
            "funds_source": self.funds_source,
            "deadline": None if self.deadline is None else self.deadline.isoformat(),
            "deadline_note": self.deadline_note,
            "period_months": self.period_months,
            "place": self.place,
            "kind": KINDS.labels.get(self.kind or ""),
            "kind_code": self.kind,
            "contact_name": self.contact_name,
            "contact_phone": self.contact_phone,
            "contact_email": self.contact_email,
            "remark": self.remark,
            "extra": dict(self.extra),
        }


@dataclass(slots=True)
class Row:
    """One row of the file. ``row`` counts from 1 as spreadsheets show it; ``raw``: address → what was written;
    ``cells``: field → address, for corrections; ``duplicate_of``: where the same demand stands already."""

    sheet: str
    row: int
    values: Values
    messages: list[Message] = field(default_factory=list)
    raw: dict[str, str] = field(default_factory=dict)
    cells: dict[str, str] = field(default_factory=dict)
    duplicate_of: str = ""

    @property
    def status(self) -> str:
        """The gravest thing said about the row; an error outranks a duplicate, since it cannot be created at all."""
        levels = {message.level for message in self.messages}
        return next((level for level in (ERROR, DUPLICATE, WARNING) if level in levels), OK)

    def as_json(self) -> dict[str, Any]:
        """The row in the shape of interface.md."""
        return {
            "sheet": self.sheet,
            "row": self.row,
            "status": self.status,
            "values": self.values.as_json(),
            "messages": [
                {"cell": item.cell, "code": item.code, "text": item.text, "level": item.level} for item in self.messages
            ],
            "raw": self.raw,
            "duplicate_of": self.duplicate_of or None,
        }


@dataclass(frozen=True, slots=True)
class Skipped:
    """A non-blank row that is no demand, and why: title, note, header, section, total, footer, number, hint, example,
    sheet (a sheet without a table)."""

    sheet: str
    row: int
    reason: str
    text: str


@dataclass(slots=True)
class Report:
    """Every non-blank row of the file stands in ``rows`` or in ``skipped``."""

    file: str
    rows: list[Row] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    blank_rows: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """Number of rows by status, all four always present."""
        found = Counter(row.status for row in self.rows)
        return {status: found[status] for status in STATUSES}

    def as_json(self) -> dict[str, Any]:
        """The whole report in the shape of interface.md."""
        return {
            "rows": [row.as_json() for row in self.rows],
            "summary": {
                "file": self.file,
                "rows": len(self.rows),
                **self.counts,
                "skipped": len(self.skipped),
                "blank": self.blank_rows,
                "sheets": list(dict.fromkeys(row.sheet for row in self.rows)),
                "notes": self.notes,
                "skipped_rows": [
                    {"sheet": item.sheet, "row": item.row, "reason": item.reason, "text": item.text}
                    for item in self.skipped
                ],
            },
        }
