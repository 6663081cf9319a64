"""Who must not sit: automatic hard blocks before and after the draw (product.md §4, 回避).

A block is a fact on record, not a suspicion: the same employer within three years, equity, a declared relation.
An override needs a reason and a second person and is named in the report; that is ``seats``' business.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

EMPLOYER_YEARS = 3  # 平台规则; the span of 财库〔2016〕198号 §16 for employment with a supplier


class PartyRole(StrEnum):
    """What an organisation is to the demand."""

    BIDDER = "bidder"
    MEMBER = "member"
    UNIT = "unit"
    AFFILIATE = "affiliate"


class BlockKind(StrEnum):
    EMPLOYER = "employer"
    EQUITY = "equity"
    RELATION = "relation"
    EXCLUDED = "excluded"  # a bidder's request that the supervisor upheld


BLOCK_LABELS: dict[BlockKind, str] = {
    BlockKind.EMPLOYER: "三年内同一工作单位",
    BlockKind.EQUITY: "持有股权",
    BlockKind.RELATION: "申报的利害关系",
    BlockKind.EXCLUDED: "监督员同意的回避申请",
}


@dataclass(frozen=True, slots=True)
class Party:
    """An organisation taking part, with its key people (legal representative, project lead, named team)."""

    name: str
    credit_code: str
    role: PartyRole
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Employment:
    """One employer of an expert. ``until_on``: last day, ``None`` while it lasts. The code may be unknown (empty)."""

    employer: str
    credit_code: str = ""
    until_on: date | None = None


@dataclass(frozen=True, slots=True)
class Tie:
    """Equity in, or a relation to, an organisation (name or code) or a person (name), as the expert declared it."""

    name: str
    credit_code: str = ""


@dataclass(frozen=True, slots=True)
class ExpertFacts:
    """What the pool knows of an expert that may speak against him."""

    expert: str
    name: str
    employments: tuple[Employment, ...] = ()
    equity: tuple[Tie, ...] = ()
    relations: tuple[Tie, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """One reason why an expert must not sit, and on account of whom."""

    expert: str
    kind: BlockKind
    party: str


def same_name(one: str, other: str) -> bool:
    """Equal but for width, case, blanks and the brackets people write differently."""
    return bool(_plain(one)) and _plain(one) == _plain(other)


def _plain(name: str) -> str:
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(ch for ch in folded if not ch.isspace() and ch not in "()〔〕[]【】·・.")


def years_before(day: date, years: int) -> date:
    """The corresponding day ``years`` earlier; 29 February becomes the 28th."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def hard_blocks(facts: ExpertFacts, parties: Iterable[Party], *, on: date) -> tuple[Block, ...]:
    """Every block between one expert and the parties of one demand, on a Beijing calendar day."""
    since = years_before(on, EMPLOYER_YEARS)
    recent = [job for job in facts.employments if job.until_on is None or job.until_on >= since]
    blocks = []
    for party in parties:
        if any(_is_party(job.employer, job.credit_code, party) for job in recent):
            blocks.append(Block(facts.expert, BlockKind.EMPLOYER, party.name))
        if any(_is_party(tie.name, tie.credit_code, party) for tie in facts.equity):
            blocks.append(Block(facts.expert, BlockKind.EQUITY, party.name))
        related = any(
            _is_party(tie.name, tie.credit_code, party) or any(same_name(tie.name, person) for person in party.people)
            for tie in facts.relations
        )
        if related or any(same_name(facts.name, person) for person in party.people):
            blocks.append(Block(facts.expert, BlockKind.RELATION, party.name))
    return tuple(blocks)


def _is_party(name: str, credit_code: str, party: Party) -> bool:
    """By credit code where both have one, else by name."""
    if credit_code and party.credit_code:
        return credit_code == party.credit_code
    return same_name(name, party.name)


def declaration_list(parties: Sequence[Party], *, salt: str) -> tuple[str, ...]:
    """Organisations and key people an expert declares against, each once, in an order that reveals no bid code.

    The order is by SHA-256(salt | name): stable for one salt (one expert and demand), unrelated to anything else.
    """
    names = {name for party in parties for name in (party.name, *party.people) if name.strip()}
    return tuple(sorted(names, key=lambda name: hashlib.sha256(f"{salt}|{name}".encode()).digest()))
