"""What a firm says it can do, and when that is complete. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from marketplace.platform.errors import Sentence

TITLE_MIN, TITLE_MAX = 4, 40
SUMMARY_MIN, SUMMARY_MAX = 10, 100
TEXT_MIN, TEXT_MAX = 80, 3000
LISTS_MOST = 20  # references, qualifications
INDUSTRIES_MOST = 5


@dataclass(frozen=True, slots=True)
class Reference:
    """Work done before: for whom, when, with what result. Never a condition of a demand (科技进步法 §91)."""

    name: str
    client: str = ""
    year: str = ""
    result: str = ""


@dataclass(frozen=True, slots=True)
class Qualification:
    """A certificate. ``valid_until`` is its last day (Beijing); ``None``: without an end."""

    name: str
    number: str = ""
    valid_until: date | None = None

    def valid_on(self, day: date) -> bool:
        return self.valid_until is None or day <= self.valid_until


@dataclass(frozen=True, slots=True)
class CapabilityContent:
    """One capability. ``directions`` and ``industries`` are codes of the taxonomy."""

    title: str = ""
    summary: str = ""
    text: str = ""
    directions: tuple[str, ...] = ()
    industries: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    qualifications: tuple[Qualification, ...] = ()
    contact_name: str = ""
    contact_phone: str = ""
    contact_email: str = ""


LABELS: dict[str, str] = {
    "title": "名称",
    "summary": "一句话介绍",
    "text": "能力说明",
    "directions": "适用方向",
    "industries": "产业方向",
    "references": "做过的项目",
    "qualifications": "资质",
    "contact_name": "联系人",
    "contact_phone": "联系电话",
    "contact_email": "联系邮箱",
}


def to_json(content: CapabilityContent) -> dict[str, Any]:
    """Plain JSON for the database."""
    return {
        "title": content.title,
        "summary": content.summary,
        "text": content.text,
        "directions": list(content.directions),
        "industries": list(content.industries),
        "references": [
            {"name": item.name, "client": item.client, "year": item.year, "result": item.result}
            for item in content.references
        ],
        "qualifications": [
            {
                "name": item.name,
                "number": item.number,
                "valid_until": item.valid_until.isoformat() if item.valid_until else None,
            }
            for item in content.qualifications
        ],
        "contact_name": content.contact_name,
        "contact_phone": content.contact_phone,
        "contact_email": content.contact_email,
    }


def from_json(data: Mapping[str, Any]) -> CapabilityContent:
    """Back from the database; what is not there is empty."""
    return CapabilityContent(
        **{name: data.get(name, "") for name in ("title", "summary", "text")},
        **{name: data.get(name, "") for name in ("contact_name", "contact_phone", "contact_email")},
        directions=tuple(data.get("directions", ())),
        industries=tuple(data.get("industries", ())),
        references=tuple(Reference(**item) for item in data.get("references", ())),
        qualifications=tuple(
            Qualification(
                item["name"],
                item.get("number", ""),
                date.fromisoformat(item["valid_until"]) if item.get("valid_until") else None,
            )
            for item in data.get("qualifications", ())
        ),
    )


@dataclass(frozen=True, slots=True)
class Fault:
    """What must be mended before a review: the field and a sentence."""

    field: str
    sentence: str


def faults(content: CapabilityContent) -> list[Fault]:
    """Everything that keeps the capability from being handed in."""
    found: list[Fault] = []

    def length(field: str, text: str, least: int, most: int) -> None:
        if not least <= len(text) <= most:
            now, name = len(text), Sentence(LABELS[field])
            told = Sentence(
                "%(what)s须为%(least)s至%(most)s个字，现在%(now)s个字。", what=name, least=least, most=most, now=now
            )
            found.append(Fault(field, told))

    length("title", content.title, TITLE_MIN, TITLE_MAX)
    length("summary", content.summary, SUMMARY_MIN, SUMMARY_MAX)
    length("text", content.text, TEXT_MIN, TEXT_MAX)
    if not content.directions:
        found.append(Fault("directions", "请至少选择一个适用方向。"))
    if not 1 <= len(content.industries) <= INDUSTRIES_MOST:
        found.append(Fault("industries", Sentence("请选择1至%(most)s个产业方向。", most=INDUSTRIES_MOST)))
    if not content.contact_name:
        found.append(Fault("contact_name", "请填写联系人。"))
    if not content.contact_phone:
        found.append(Fault("contact_phone", "请填写联系电话。"))
    return found


def changed(before: CapabilityContent, after: CapabilityContent) -> list[str]:
    """Names of the fields that differ, in the order in which they are shown."""
    return [name for name in LABELS if getattr(before, name) != getattr(after, name)]
