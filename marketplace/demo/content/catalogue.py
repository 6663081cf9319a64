"""The demands of the demo, one TOML file per direction and handful, read into ``DemandContent``.

The files are written for the hand: an indicator, an offer, a milestone is one row; money is in 万元; the contact is a
place in the unit's list; the day of delivery follows from the period, so that the demo never goes stale.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from marketplace.demands.content import DemandContent, Indicator, Milestone, Offer
from marketplace.demands.score_sheets import default_sheet
from marketplace.demo.content.files import names, read
from marketplace.demo.content.parties import Organisation, organisations

FEN_PER_WAN = 1_000_000

# Months between publication and the contract, allowed for before the period begins to run.
MONTHS_TO_CONTRACT = 3

# Fields written as they are stored.
PLAIN = (
    "title",
    "kind",
    "place",
    "background",
    "goal",
    "content",
    "security_level",
    "data_export",
    "mode",
    "budget_note",
    "funds_source",
    "conditions",
    "min_bids",
    "two_step",
    "blind",
    "site_visit",
    "public_scores",
)


@dataclass(frozen=True, slots=True)
class DemandEntry:
    """``flawed`` says what was written badly on purpose, for the lint to find; else it is empty."""

    key: str
    unit: str
    content: DemandContent
    flawed: str = ""


def demands(today: date, *, published: Mapping[str, int] | None = None) -> dict[str, DemandEntry]:
    """All demands by key. ``published``: days from ``today`` on which a demand was listed (default 0)."""
    units = organisations()
    entries: dict[str, DemandEntry] = {}
    for name in names("demands"):
        file = read(name)
        for row in file["demand"]:
            listed_on = today + timedelta(days=(published or {}).get(row["key"], 0))
            content = _content(row, direction=file["direction"], unit=units[row["unit"]], listed_on=listed_on)
            assert row["key"] not in entries, f"{row['key']} is there twice"
            entries[row["key"]] = DemandEntry(row["key"], row["unit"], content, row.get("flawed", ""))
    return entries


def _content(row: Mapping[str, Any], *, direction: str, unit: Organisation, listed_on: date) -> DemandContent:
    values = {name: row[name] for name in PLAIN if name in row}
    contact = unit.contacts[row.get("contact", 0)]
    members = row.get("consortium", 1)
    months = row.get("months")
    mode = row.get("mode", "")
    number, url = row.get("procurement", ("", ""))
    return DemandContent(
        **{**values, "industries": tuple(row.get("industries", ()))},
        direction=direction,
        indicators=tuple(_indicator(item) for item in row.get("indicators", ())),
        offers=tuple(Offer(*item) for item in row.get("offers", ())),
        milestones=tuple(_milestone(item) for item in row.get("milestones", ())),
        budget_fen=int(Decimal(row["budget_wan"]) * FEN_PER_WAN) if "budget_wan" in row else None,
        period_months=months,
        deliver_by=None if months is None else month_end(listed_on, months + MONTHS_TO_CONTRACT),
        ip_ownership=row.get("ip", ""),
        consortium_allowed=members > 1,
        consortium_max=members,
        award_count=row.get("awards", 1),
        score_sheet=default_sheet(direction, mode) if mode else DemandContent().score_sheet,
        contact_name=contact.name,
        contact_phone=contact.phone,
        contact_email=contact.email,
        procurement_number=number,
        procurement_url=url,
    )


def _indicator(row: list[Any]) -> Indicator:
    """``[name, baseline, operator, target, unit, method, weight, "veto"?]``; a range target is written ``18~24``."""
    name, baseline, operator, target, unit, method, weight, *flags = row
    low, _, high = target.partition("~")
    return Indicator(name, baseline, operator, low, high, unit, method, "veto" in flags, Decimal(str(weight)))


def _milestone(row: list[Any]) -> Milestone:
    """``[name, months after signing, percent, deliverable]``."""
    name, months, percent, deliverable = row
    return Milestone(name, months, Decimal(str(percent)), deliverable)


def month_end(start: date, months: int) -> date:
    """The last day of the month ``months`` after ``start``'s."""
    years, index = divmod(start.month - 1 + months, 12)
    year, month = start.year + years, index + 1
    return date(year, month, monthrange(year, month)[1])
