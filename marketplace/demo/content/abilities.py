"""What the demo's firms say they can do (``capabilities.toml``)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from marketplace.capabilities.content import CapabilityContent, Qualification, Reference
from marketplace.demo.content.files import read
from marketplace.demo.content.parties import Contact
from marketplace.demo.content.story import Moment


@dataclass(frozen=True, slots=True)
class Ability:
    """One capability and its road. ``state`` is where it stands; ``new_summary`` is what a change would make public."""

    firm: str
    state: str
    content: CapabilityContent
    submitted: Moment
    decided: Moment | None
    changed: Moment | None
    ended: Moment | None
    reason: str
    new_summary: str


def abilities(today: date, contacts: dict[str, Contact]) -> list[Ability]:
    """All of them, in the order of the file. ``contacts``: whom each firm names."""
    return [_ability(row, today, contacts[row["firm"]]) for row in read("capabilities.toml")["capability"]]


def _ability(row: dict[str, Any], today: date, contact: Contact) -> Ability:
    def moment(name: str, time: str) -> Moment | None:
        return Moment(row[name], time) if name in row else None

    content = CapabilityContent(
        title=row["title"],
        summary=row["summary"],
        text=row["text"],
        directions=tuple(row["directions"]),
        industries=tuple(row["industries"]),
        references=tuple(Reference(**item) for item in row.get("references", ())),
        qualifications=tuple(
            Qualification(name, number, today + timedelta(days=days) if days else None)
            for name, number, days in row.get("qualifications", ())
        ),
        contact_name=contact.name,
        contact_phone=contact.phone,
        contact_email=contact.email,
    )
    return Ability(
        firm=row["firm"],
        state=row["state"],
        content=content,
        submitted=Moment(row["submitted"], "09:20"),
        decided=moment("decided", "15:10"),
        changed=moment("changed", "10:30"),
        ended=moment("ended", "11:00"),
        reason=row.get("reason", ""),
        new_summary=row.get("new_summary", ""),
    )
