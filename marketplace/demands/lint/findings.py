"""What the lint takes and gives: a finding, and the dates the calendar check rests on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from marketplace.demands.clocks import Clocks
from marketplace.platform.working_days import Calendar


@dataclass(frozen=True, slots=True)
class Finding:
    """``field``: the form's name of the place (``conditions``, ``indicators-1-method``), "" = the whole demand.

    ``quote`` with ``start``–``end`` is the wording in that field; ``part`` is a key of ``PARTS``.
    """

    field: str
    code: str
    severity: str
    title: str
    message: str
    article: str = ""
    suggestion: str = ""
    quote: str = ""
    start: int = 0
    end: int = 0
    part: str = "complete"


@dataclass(frozen=True, slots=True)
class Dates:
    """What the calendar check rests on. Instants are aware; ``deadline_at`` is ``None`` while it is not set."""

    clocks: Clocks
    calendar: Calendar
    publish_at: datetime
    deadline_at: datetime | None = None
