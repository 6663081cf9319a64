"""Keeping the expert pool: add, edit, retire, take over a list."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from marketplace import db
from marketplace.panels import queries
from marketplace.panels.models import Expert
from marketplace.platform import audit
from marketplace.platform.credit_code import normalise, why_not
from marketplace.platform.errors import Invalid, Refused
from marketplace.platform.policy import Actor, require


@dataclass(frozen=True, slots=True)
class Card:
    """What the officer writes down of an expert; lists as ``models.Expert`` keeps them."""

    name: str
    email: str
    employer: str
    phone: str = ""
    title: str = ""
    employer_code: str = ""
    outside: bool = True
    fields: tuple[str, ...] = ()
    history: tuple[Mapping[str, str], ...] = ()
    equity: tuple[Mapping[str, str], ...] = ()
    relations: tuple[Mapping[str, str], ...] = ()
    away_from: date | None = None
    away_until: date | None = None
    note: str = ""
    extra: dict[str, str] = field(default_factory=dict)  # problems found while reading a list


def problems(card: Card) -> dict[str, str]:
    """Field → sentence for what keeps a card from being kept."""
    found: dict[str, str] = {}
    if not 2 <= len(card.name) <= 40:
        found["name"] = "姓名须为2至40个字。"
    if "@" not in card.email or len(card.email) > 120 or " " in card.email:
        found["email"] = "请填写邮箱，邀请会发到这里，例如zhou@example.edu.cn。"
    if not 2 <= len(card.employer) <= 80:
        found["employer"] = "请填写工作单位全称，不超过80个字。"
    if card.employer_code and (fault := why_not(card.employer_code)) is not None:
        found["employer_code"] = fault
    if not card.fields:
        found["fields"] = "请至少选一个领域，抽取按领域筛选。"
    if card.away_from and card.away_until and card.away_until < card.away_from:
        found["away_until"] = "结束日期不能早于开始日期。"
    return found | card.extra  # what could not be read says more than what is then missing


def _values(card: Card) -> dict[str, Any]:
    values = asdict(card)
    values.pop("extra")
    values["email"] = card.email.strip().lower()
    values["employer_code"] = normalise(card.employer_code) if card.employer_code else ""
    for name in ("fields", "history", "equity", "relations"):
        values[name] = [dict(item) if isinstance(item, Mapping) else item for item in values[name]]
    return values


def _refuse(card: Card) -> None:
    if found := problems(card):
        raise Invalid("请更正标出的项目。", fields=found)


def add(card: Card, *, actor: Actor, now: datetime) -> Expert:
    """Put an expert into the pool; an account of the same e-mail that holds the expert's role is linked at once."""
    require("expert.keep", actor, None, now)
    _refuse(card)
    if card.email.lower() in queries.by_email([card.email]):
        raise Invalid("这个邮箱的专家已在库中。", fields={"email": "库中已有这个邮箱，请改用编辑。"})
    expert = Expert(key=secrets.token_hex(6), added_at=now, updated_at=now, **_values(card))
    expert.user_id = queries.accounts([card.email]).get(expert.email)
    db.session.add(expert)
    db.session.flush()
    audit.append("expert.add", subject=expert.audit_subject, actor=actor, at=now, facts={"expert": expert.key})
    return expert


def edit(expert: Expert, card: Card, *, actor: Actor, now: datetime) -> None:
    """Change a card. Draws that were made keep the pool as it was."""
    require("expert.keep", actor, expert, now)
    _refuse(card)
    other = queries.by_email([card.email]).get(card.email.lower())
    if other is not None and other.id != expert.id:
        raise Invalid("这个邮箱属于库中另一位专家。", fields={"email": "库中另一位专家用着这个邮箱。"})
    changed = [name for name, value in _values(card).items() if getattr(expert, name) != value]
    for name, value in _values(card).items():
        setattr(expert, name, value)
    if expert.user_id is None:
        expert.user_id = queries.accounts([expert.email]).get(expert.email)
    expert.updated_at = now
    db.session.flush()
    audit.append(
        "expert.edit",
        subject=expert.audit_subject,
        actor=actor,
        at=now,
        facts={"expert": expert.key, "fields": sorted(changed)},
    )


def retire(expert: Expert, *, reason: str, actor: Actor, now: datetime) -> None:
    """Take an expert out of the pool; the seats he has stay."""
    require("expert.keep", actor, expert, now)
    if not reason.strip():
        raise Invalid("请写明移出的原因。", fields={"reason": "请写明原因"})
    if expert.retired_at is not None:
        raise Refused("这位专家已经移出专家库。")
    expert.retired_at = now
    audit.append(
        "expert.retire",
        subject=expert.audit_subject,
        actor=actor,
        at=now,
        facts={"expert": expert.key},
        details={"reason": reason},
    )


def take_over(cards: Sequence[Card], *, actor: Actor, now: datetime) -> tuple[int, int]:
    """A whole list, or nothing: (added, edited). An e-mail that is known edits that card."""
    require("expert.keep", actor, None, now)
    if any(problems(card) for card in cards):
        raise Invalid("名单里还有须更正的行，没有写入任何内容。请在表里改好后重新上传。")
    known = queries.by_email([card.email for card in cards])
    added = edited = 0
    for card in cards:
        if (expert := known.get(card.email.lower())) is not None:
            edit(expert, card, actor=actor, now=now)
            edited += 1
        else:
            add(card, actor=actor, now=now)
            added += 1
    return added, edited


def link_accounts(*, now: datetime) -> int:
    """Link cards to accounts that were opened since; asked before each draw. Returns how many were found."""
    waiting = list(db.session.scalars(select(Expert).where(Expert.user_id.is_(None), Expert.retired_at.is_(None))))
    found = queries.accounts([expert.email for expert in waiting])
    for expert in waiting:
        expert.user_id = found.get(expert.email)
    db.session.flush()
    return sum(expert.user_id is not None for expert in waiting)
