"""How the demo's demands got where they are: batches, stations, questions, changes (``story/``).

Days count from the day of the demo, so that the story is always fresh; times are Beijing times; ``moment`` makes an
aware instant of both. Nothing here rolls on to a working day: whoever plays the story has the calendar and does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any, NamedTuple

from marketplace.demands.content import DemandContent, from_json, to_json
from marketplace.demo.content.files import names, read
from marketplace.platform.working_days import BEIJING

CLOSE = "17:00"
OFFICE = "10:00"


class Moment(NamedTuple):
    """``day`` from the day of the demo, ``time`` HH:MM in Beijing."""

    day: int
    time: str = OFFICE


def moment(today: date, when: Moment) -> datetime:
    """The aware instant (UTC) of a moment of the story."""
    local = datetime.combine(today + timedelta(days=when.day), time.fromisoformat(when.time), BEIJING)
    return local.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """``published`` is ``None`` for the batch that is still being assembled. ``visible``: a list that was made up but
    waits for its hour (``None``: at once). ``invited``: organisation keys.
    """

    key: str
    theme: str
    call_text: str
    document_number: str
    created: Moment
    collects_from: Moment
    collects_until: Moment
    assembled: Moment
    published: Moment | None
    by: str
    invited: tuple[str, ...]
    visible: Moment | None = None

    @property
    def listed(self) -> Moment | None:
        """When the public sees it."""
        return self.visible or self.published


@dataclass(frozen=True, slots=True)
class Part:
    """One demand's road. ``state`` is where it stands without bids and reviews, ``later`` where it goes with them.

    ``stations``: days on which a later state was reached. ``resubmitted``: after its last round of correction.
    ``dropped_from``: the state in which it was given up. ``screening``: the screener has begun.
    """

    demand: str
    state: str
    batch: str
    created: Moment
    submitted: Moment | None
    resubmitted: Moment | None
    screening: bool
    appraised: Moment | None
    pooled: Moment | None
    closes: Moment | None
    ended: Moment | None
    dropped_from: str
    reason: str
    lookalike: str
    appraisal: str
    fair_competition: str
    secrecy: str
    later: str
    stations: Mapping[str, Moment] = field(default_factory=dict)


class Defect(NamedTuple):
    """``field`` is a name of ``DemandContent``."""

    field: str
    text: str


class Edit(NamedTuple):
    """``path`` through ``to_json``, list places as numbers: ``indicators.1.target``."""

    path: str
    value: Any


@dataclass(frozen=True, slots=True)
class Round:
    """A return for correction. ``was``: what the unit had written until then; empty when nothing is mended yet."""

    demand: str
    returned: Moment
    by: str
    defects: tuple[Defect, ...]
    was: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """``by``: the asking organisation. ``answer`` is empty while nobody has answered; until then it may have been sent
    to the unit (``routed``), which may have drafted an answer (``drafted``).
    """

    demand: str
    by: str
    asked: Moment
    text: str
    answer: str
    answered: Moment | None
    routed: Moment | None = None
    drafted: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to a published demand.

    ``kind``: amendment, extension, suspension, withdrawal, lapse, republication. ``closes``: the new deadline.
    ``edits``: of an amendment or a republication. A lapse has its diagnosis as ``reason``.
    """

    kind: str
    demand: str
    when: Moment
    by: str
    reason: str
    closes: Moment | None
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Bidding:
    """Who bids on a demand. ``count``: how many in all, ``None``: the minimum and up to two more."""

    demand: str
    firms: tuple[str, ...] = ()
    draft: tuple[str, ...] = ()
    count: int | None = None
    released: tuple[str, ...] = ()


@cache
def bidding() -> dict[str, Bidding]:
    """What the story says about bids, by demand."""
    return {
        row["demand"]: Bidding(
            row["demand"],
            firms=tuple(row.get("firms", ())),
            draft=tuple(row.get("draft", ())),
            count=row.get("count"),
            released=tuple(row.get("released", ())),
        )
        for row in read("story/bids.toml")["bids"]
    }


@cache
def batches() -> dict[str, BatchPlan]:
    """The batches, in order."""
    return {row["key"]: _batch(row) for row in read("story/batches.toml")["batch"]}


@cache
def parts() -> dict[str, Part]:
    """Every demand's road, by its key."""
    files = [read(name) for name in names("story/cast")]
    defaults = {name: files[0][name] for name in ("fair_competition", "secrecy", "appraisal")}
    return {row["demand"]: _part({**defaults, **row}) for file in files for row in file["part"]}


@cache
def rounds() -> tuple[Round, ...]:
    """All returns for correction, in order of time."""
    found = (
        Round(
            demand=row["demand"],
            returned=Moment(row["returned"], "15:30"),
            by=row["by"],
            defects=tuple(Defect(*item) for item in row["defects"]),
            was=tuple(Edit(item["path"], item["value"]) for item in row.get("was", ())),
        )
        for row in read("story/screening.toml")["round"]
    )
    return tuple(sorted(found, key=lambda item: item.returned))


@cache
def questions() -> tuple[Question, ...]:
    """All questions, in order of time."""
    found = (
        Question(
            demand=row["demand"],
            by=row["by"],
            asked=Moment(*row["asked"]),
            text=row["text"],
            answer=row.get("answer", ""),
            answered=Moment(*row["answered"]) if "answered" in row else None,
            routed=Moment(*row["routed"]) if "routed" in row else None,
            drafted=row.get("drafted", ""),
        )
        for row in read("story/questions.toml")["question"]
    )
    return tuple(sorted(found, key=lambda item: item.asked))


@cache
def changes() -> tuple[Change, ...]:
    """Everything that happened to published demands, in order of time."""
    found = (_change(kind, row) for kind, rows in read("story/changes.toml").items() for row in rows)
    return tuple(sorted(found, key=lambda item: item.when))


def published_days() -> dict[str, int]:
    """On which day each listed demand was listed; those before publication are missing."""
    days = {key: plan.listed.day for key, plan in batches().items() if plan.listed is not None}
    return {key: days[part.batch] for key, part in parts().items() if part.closes is not None}


def edited(content: DemandContent, edits: tuple[Edit, ...]) -> DemandContent:
    """The content with some values replaced. A path that leads nowhere raises ``KeyError`` or ``IndexError``."""
    data = to_json(content)
    for path, value in edits:
        *parents, last = path.split(".")
        place: Any = data
        for name in parents:
            place = place[_step(place, name)]
        place[_step(place, last)]  # it must be there already
        place[_step(place, last)] = value
    return from_json(data)


def _step(place: Any, name: str) -> Any:
    return int(name) if isinstance(place, list) else name


def _batch(row: Mapping[str, Any]) -> BatchPlan:
    days = ("created", "collects_from", "assembled")
    return BatchPlan(
        **{**row, **{name: Moment(row[name], "09:00") for name in days}, "invited": tuple(row["invited"])}
        | {
            "collects_until": Moment(row["collects_until"], CLOSE),
            "published": Moment(row["published"], "09:00") if "published" in row else None,
            "visible": Moment(row["visible"], "09:00") if "visible" in row else None,
        }
    )


def _part(row: Mapping[str, Any]) -> Part:
    """Stations that the file leaves out follow from the batch: the hand only writes what tells something."""
    batch = batches().get(row.get("batch", ""))
    listed = batch.published.day if batch and batch.published and "closes" in row else None
    usual = {} if listed is None else {"submitted": listed - 34, "appraised": listed - 28, "pooled": listed - 20}
    days = {
        name: row.get(name, usual.get(name)) for name in ("submitted", "resubmitted", "appraised", "pooled", "ended")
    }
    begun = row.get("created", (days["submitted"] or 0) - 4)
    return Part(
        demand=row["demand"],
        state=row.get("state", "published"),
        batch=row.get("batch", ""),
        created=Moment(begun, "09:20"),
        screening=row.get("screening", False),
        closes=Moment(row["closes"], row.get("closes_time", CLOSE)) if "closes" in row else None,
        dropped_from=row.get("dropped_from", ""),
        reason=row.get("reason", ""),
        lookalike=row.get("lookalike", ""),
        appraisal=row["appraisal"],
        fair_competition=row["fair_competition"],
        secrecy=row["secrecy"],
        later=row.get("later", ""),
        stations={name: Moment(day) for name, day in row.get("stations", {}).items()},
        **{name: None if day is None else Moment(day) for name, day in days.items()},
    )


def _change(kind: str, row: Mapping[str, Any]) -> Change:
    return Change(
        kind=kind,
        demand=row["demand"],
        when=Moment(row["day"], row.get("time", CLOSE)),
        by=row.get("by", ""),
        reason=row.get("reason", row.get("diagnosis", "")),
        closes=Moment(row["closes"], row.get("closes_time", CLOSE)) if "closes" in row else None,
        edits=tuple(Edit(*item) for item in row.get("changes", ())),
    )
