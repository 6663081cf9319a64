"""The outbox consumer "notifications": what happened becomes messages, exactly once.

A row's messages carry the key ``outbox:<id>…`` and are written in the transaction that moves the consumer's position:
a crash between the two is no third case, and a row read again finds its messages already there.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from marketplace import db
from marketplace.accounts.models import RoleAssignment
from marketplace.accounts.rules import ROLE_LABELS, Role
from marketplace.batches.models import Batch
from marketplace.demands.models import Demand
from marketplace.demands.rules import ACTION_LABELS, Action
from marketplace.notifications import queries, service
from marketplace.notifications.rules import DEMAND, ORGANISATION, QUESTION, Telling, sentence
from marketplace.platform import outbox
from marketplace.platform.outbox import OutboxRow

TOPICS = ("demand.", "question.", "organisation.", "role.", "batch.", "settings.")


def install() -> None:
    """Subscribe by name; once per process."""
    from marketplace.platform.outbox.service import subscribe

    subscribe("notifications", handle, topics=TOPICS)


def handle(rows: list[OutboxRow], now: datetime) -> None:
    """Tell the people concerned by each row; a message bears the instant at which the thing happened."""
    for row in rows:
        family = row.topic.partition(".")[0]
        if row.topic in DEMAND or row.topic in QUESTION:
            _about_demand(row, (DEMAND | QUESTION)[row.topic])
        elif row.topic in ORGANISATION or row.topic in ("organisation.register", "organisation.resubmit"):
            _about_organisation(row)
        elif family == "role":
            _about_role(row)
        elif family == "batch":
            _about_batch(row)
        elif row.topic == "settings.calendar" and row.payload.get("on_rest_days"):
            _about_calendar(row)


def _subject_id(row: outbox.OutboxRow, family: str) -> int | None:
    """The id in ``subject`` ("demand:12"), or in ``<family>_id``."""
    said = row.payload.get(f"{family}_id")
    if said is not None:
        return int(said)
    kind, _, number = str(row.payload.get("subject", "")).partition(":")
    return int(number) if kind == family and number.isdigit() else None


def _about_demand(row: OutboxRow, tellings: tuple[Telling, ...]) -> None:
    demand_id = _subject_id(row, "demand")
    demand = db.session.get(Demand, demand_id) if demand_id is not None else None
    if demand is None:
        return
    action = row.payload.get("action")
    words = {
        "title": demand.title or "（未命名）",
        "reason": sentence(str(row.payload.get("reason") or "")),
        "action": ACTION_LABELS[Action(action)].zh if action else "",
    }
    told: set[int] = {row.payload["actor_id"]} if row.payload.get("actor_id") else set()
    for telling in tellings:
        people = set().union(*(queries.audience(name, demand) for name in telling.audiences)) - told
        service.tell(
            people,
            key=f"outbox:{row.id}",
            title=telling.title.format(**words),
            text=telling.text.format(**words),
            url=f"/demands/{demand.ref}",
            now=row.at,
            discreet=telling.discreet,
        )
        told |= people


def _about_organisation(row: OutboxRow) -> None:
    organisation_id = _subject_id(row, "organisation")
    if organisation_id is None:
        return
    key = f"outbox:{row.id}"
    if row.topic not in ORGANISATION:
        people = queries.holder_ids(Role.SCREENER)
        service.tell(
            people, key=key, title="有单位注册待审核", text="", url=f"/organisations/{organisation_id}", now=row.at
        )
        return
    title, text = ORGANISATION[row.topic]
    service.tell(
        queries.holder_ids(Role.ORG_ADMIN, Role.APPROVER, organisation_ids=[organisation_id]),
        key=key,
        title=title,
        text=text.format(reason=sentence(str(row.payload.get("reason") or ""))),
        url=f"/organisations/{organisation_id}",
        now=row.at,
    )


def _about_role(row: OutboxRow) -> None:
    assignment = db.session.get(RoleAssignment, int(row.payload.get("assignment_id", 0)))
    if assignment is None or assignment.revoked_at is not None:
        return
    label = ROLE_LABELS[assignment.role]
    if row.topic == "role.grant" and assignment.in_force_at is None:
        service.tell(
            queries.holder_ids(Role.SECADMIN) - {assignment.granted_by_id or 0},
            key=f"outbox:{row.id}",
            title=f"有一项授权待您确认：{assignment.user.name}，{label}",
            text="由另一位安全管理员提出，须两人办理才生效。",
            url=f"/admin/people/{assignment.user_id}",
            now=row.at,
        )
    else:
        service.tell(
            [assignment.user_id],
            key=f"outbox:{row.id}",
            title=f"您已获授权：{label}",
            text=f"单位：{assignment.organisation.name}",
            url="/",
            now=row.at,
        )


def _about_batch(row: OutboxRow) -> None:
    batch_id = _subject_id(row, "batch")
    batch = db.session.get(Batch, batch_id) if batch_id is not None else None
    if batch is None or row.topic not in ("batch.collect", "batch.call_back"):
        return
    if row.topic == "batch.collect":
        people = queries.holder_ids(
            Role.DRAFTER, Role.APPROVER, organisation_ids=[item.organisation_id for item in batch.invitations]
        )
        title, text = f"{batch.name}开始征集需求：{batch.theme}", "请在征集截止前填报并由审核人提交。"
    else:
        people = queries.holder_ids(Role.PUBLISHER) - {row.payload.get("actor_id") or 0}
        title, text = f"{batch.name}已整批撤回：{batch.theme}", sentence(str(row.payload.get("reason") or ""))
    service.tell(people, key=f"outbox:{row.id}", title=title, text=text, url=f"/batches/{batch.code}", now=row.at)


def _about_calendar(row: OutboxRow) -> None:
    service.tell(
        queries.holder_ids(Role.PUBLISHER),
        key=f"outbox:{row.id}",
        title=f"{row.payload['year']}年工作日历有变动，{row.payload['on_rest_days']}条需求的截止日落在休息日",
        text="原截止时间不会缩短；需要顺延的，请在需求页办理延期。",
        url="/demands",
        now=row.at,
    )


def remind(now: datetime) -> None:
    """Once a minute: what falls due. Keys hold the instant they remind of, so each is said once even after a crash."""
    from datetime import timedelta

    from marketplace.demands.clocks import CLOSING_WITHIN
    from marketplace.demands.rules import State

    with db.transaction() as session:
        for demand in session.scalars(
            select(Demand).where(
                Demand.state == State.PUBLISHED,
                Demand.visible_from <= now,
                Demand.closes_at > now,
                Demand.closes_at < now + CLOSING_WITHIN,
            )
        ):
            assert demand.closes_at is not None
            service.tell(
                queries.followers(demand.id),
                key=f"closing:{demand.id}:{demand.closes_at:%Y%m%d%H%M}",
                title=f"揭榜即将截止：{demand.title}",
                text="以服务器北京时间为准，到时不再接受提交，请留出时间。",
                url=f"/demands/{demand.ref}",
                now=now,
                discreet=True,
            )
        for demand in session.scalars(
            select(Demand).where(
                Demand.origin_kind == "republish",
                Demand.visible_from <= now,
                Demand.visible_from > now - timedelta(days=1),
            )
        ):
            assert demand.origin_id is not None
            service.tell(
                queries.followers(demand.origin_id),
                key=f"republished:{demand.id}",
                title=f"您关注的需求已重新张榜：{demand.title}",
                text="新的需求页写明了与上次相比改变了什么。",
                url=f"/demands/{demand.ref}",
                now=now,
                discreet=True,
            )
