"""开启记录: what is read out at an opening, as one document that is hashed into the log."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from marketplace.bids import queries
from marketplace.bids.models import BidOpening, BidVersion
from marketplace.bids.rules import Stage
from marketplace.bids.validity import terms
from marketplace.demands.models import Demand
from marketplace.platform import audit

FORMAT = "zhangbang-opening-record"


def compose(demand: Demand, stage: Stage, *, at: datetime, former: str) -> dict[str, Any]:
    """The record: who took part, what each bid says where it is read out, what could not be opened and why.

    ``salt``: nobody finds names or prices by trying them against the hash in the log. ``former``: the hash of the
    record that this one replaces, after a bid could be opened only later.
    """
    versions = queries.recorded_versions(demand)
    openings = queries.all_outcomes([version.id for version in versions])
    frozen = queries.freeze_of(demand)
    assert demand.closes_at is not None
    return {
        "format": FORMAT,
        "stage": str(stage),
        "demand": demand.number,
        "title": demand.title,
        "demand_version": demand.content_version,
        "closes_at": audit.timestamp(demand.closes_at),
        "opened_at": audit.timestamp(at),
        "set_hash": demand.set_hash,
        "frozen": frozen.hash if frozen is not None else "",
        "two_step": demand.said.two_step,
        "former": former,
        "salt": secrets.token_hex(32),
        "releases": [
            {"stage": str(row.stage), "position": row.position, "at": audit.timestamp(row.released_at)}
            for row in queries.all_releases(demand)
        ],
        "bids": [_line(version, openings.get(version.id, []), demand) for version in versions],
    }


def _line(version: BidVersion, rows: list[BidOpening], demand: Demand) -> dict[str, Any]:
    bad = next((row for row in rows if row.outcome != "opened"), None)
    price = next((row for row in rows if row.envelope == "price" and row.outcome == "opened"), None)
    return {
        "bid": version.bid.public_id,
        "bidder": version.bid.organisation.name,
        "members": [member.organisation.name for member in version.bid.members if member.confirmed_at is not None],
        "version": version.version,
        "manifest_hash": version.manifest_hash,
        "sealed_at": audit.timestamp(version.decided_at),
        "answers_version": version.bid.answers_version,
        "outcome": bad.outcome if bad is not None else "opened",
        "code": bad.reason if bad is not None else "",
        "detail": bad.detail if bad is not None else "",
        "price": _price(version, price) if price is not None else None,
    }


def _price(version: BidVersion, row: BidOpening) -> dict[str, Any]:
    """What is read out of a price envelope; which of the three counts follows from the funding mode."""
    said = queries.prices(version, row)
    share = said.share_percent
    return {
        "total_fen": said.total_fen,
        "subsidy_fen": said.subsidy_fen,
        "share_percent": None if share is None else f"{share:f}",
        "asked": [name for name in ("total", "subsidy", "share") if name in terms(version.bid.demand.said).asked],
    }
