"""What of an opening waits for whom, for the work desk."""

from __future__ import annotations

from datetime import datetime

from flask import url_for

from marketplace import db
from marketplace.custody import queries as custody
from marketplace.openings import queries
from marketplace.openings.rules import PROVE_AGAIN_AFTER
from marketplace.platform.errands import MOST, Errand
from marketplace.platform.policy import Actor


def releases(actor: Actor, now: datetime) -> list[Errand]:
    """Openings that this custodian can release now."""
    due = [duty for duty in queries.duties(actor, now) if duty.due]
    return [
        Errand(
            title=duty.demand.title,
            matter="释放标书" if duty.stage == "first" else "释放报价",
            verb="释放",
            url=url_for("openings.release"),
            note=f"{duty.demand.number}，{duty.demand.unit.display_name}",
            due_at=duty.at,
            state=("已截止，待开启", "solemn"),
        )
        for duty in due[:MOST]
    ]


def keys(actor: Actor, now: datetime) -> list[Errand]:
    """His own key: to be enrolled, or to be proved again."""
    assert actor.id is not None
    key = custody.live_key(actor.id)
    if key is None:
        return [
            Errand(
                "登记保管人密钥",
                "密钥",
                "登记",
                url_for("openings.enrol"),
                "登记并由另一人核对指纹后，才能被指定为保管人",
            )
        ]
    if key.confirmed_at is not None and (key.proved_at is None or now - key.proved_at > PROVE_AGAIN_AFTER):
        return [
            Errand("证明仍持有密钥", "密钥", "证明", url_for("openings.desk"), "超过90天未证明的，不能被新的需求指定")
        ]
    return []


def confirmations(actor: Actor, now: datetime) -> list[Errand]:
    """Fingerprints that a second person has to compare."""
    rows = db.session.scalars(custody.awaiting_confirmation().limit(MOST))
    return [
        Errand(
            f"核对{key.user.name}的密钥指纹",
            "密钥",
            "核对",
            url_for("openings.confirm_key", key_id=key.id),
            "请保管人当面出示打印件",
        )
        for key in rows
        if key.user_id != actor.id
    ]


def objections(actor: Actor, now: datetime) -> list[Errand]:
    """What bidders objected to and nobody has answered."""
    return [
        Errand(
            f"答复对开启的疑问：{row.bid.demand.title}",
            "开启",
            "答复",
            url_for("openings.answer", public_id=row.public_id),
            row.bid.demand.number or "",
        )
        for row in db.session.scalars(queries.unanswered().limit(MOST))
    ]
