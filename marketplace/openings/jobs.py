"""What happens by itself around an opening: writing down the frozen set, the software custodian, the opener, messages.

All of it only carries out what the clock and the custodians have decided. A job that is late changes no result.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from functools import partial

import structlog
from sqlalchemy import select

from marketplace import db
from marketplace.accounts.rules import Role
from marketplace.bids import service
from marketplace.bids.models import Bid, BidStage, OpeningObjection
from marketplace.bids.rules import Stage
from marketplace.demands.models import Demand
from marketplace.notifications import queries as people
from marketplace.notifications import service as notifications
from marketplace.openings import queries
from marketplace.platform import clock
from marketplace.platform.files import Storage
from marketplace.platform.outbox import OutboxRow
from marketplace.platform.working_days import BEIJING, beijing_day
from marketplace.settings import queries as settings

log = structlog.get_logger(__name__)
REMIND_AT = time(9, 0)
LOOK_AHEAD = timedelta(days=14)


def run(now: datetime, *, storage: Storage, scanner: str | None) -> None:
    """Every two seconds: freeze, let the software custodian release, open what was released."""
    with db.transaction() as session:
        closed = [demand.id for demand in session.scalars(queries.to_freeze(now))]
    for demand_id in closed:
        _one(demand_id, partial(_freeze, now=now))
    with db.transaction() as session:
        due = [(row.demand_id, row.stage) for row in session.scalars(queries.for_software())]
    for demand_id, stage in due:
        _one(demand_id, partial(service.release_by_software, stage=stage, now=now))
    service.open_waiting(now, storage=storage, scanner=scanner)


def _one(demand_id: int, act: Callable[[Demand], object]) -> None:
    """In a transaction of its own: one demand never holds up another."""
    try:
        with db.transaction() as session:
            act(session.get_one(Demand, demand_id))
    except Exception:
        log.exception("opening", demand=demand_id)


def _freeze(demand: Demand, now: datetime) -> None:
    service.freeze(demand, now=now)
    _tell_custodians(
        demand,
        key=f"opening:{demand.id}:{demand.closes_at:%Y%m%d%H%M}",
        title=f"揭榜已截止，请释放：{demand.title}",
        text="请登录保管人工作台，与其他保管人共同释放。可与同时截止的需求一并办理。",
        now=now,
    )


def _tell_custodians(demand: Demand, *, key: str, title: str, text: str, now: datetime) -> None:
    holders = [item.user_id for item in demand.custodians]
    notifications.tell(holders, key=key, title=title, text=text, url="/custody", now=now)


def remind(now: datetime) -> None:
    """From nine o'clock of the working day before a deadline on: each custodian is told once."""
    calendar = settings.calendar()
    with db.transaction():
        for demand in queries.closing_soon(now, LOOK_AHEAD):
            assert demand.closes_at is not None
            day = calendar.subtract_working_days(beijing_day(demand.closes_at), 1)
            if now >= datetime.combine(day, REMIND_AT, BEIJING):
                _tell_custodians(
                    demand,
                    key=f"custodian:{demand.id}:{demand.closes_at:%Y%m%d%H%M}",
                    title=f"下一工作日截止，请备好密钥：{demand.title}",
                    text="截止后须由保管人共同释放。请确认密钥文件和口令在手；如无法到场，请尽快告知发榜负责人。",
                    now=now,
                )


def watch_clock(now: datetime) -> None:
    """Take the clock's witness after a start; tell the administrators, once a day, while the clock is in doubt."""
    with db.transaction():
        drift = clock.observe()
        if abs(drift) > clock.DRIFT_LIMIT_S:
            log.error("the clock has drifted", seconds=round(drift, 3))
            notifications.tell(
                people.holder_ids(Role.SYSADMIN),
                key=f"clock:{clock.BOOT_ID}:{beijing_day(now)}",
                title="服务器时钟与开机计时相差超过5秒",
                text="封标、撤回和开启都已停下。请与授时源核对，再在“时钟核对”中确认。",
                url="/admin/settings/clock",
                now=now,
            )


def handle(rows: list[OutboxRow], now: datetime) -> None:
    """The outbox consumer "openings": demands that end take their bids with them; people are told."""
    for row in rows:
        demand = _demand_of(row)
        if demand is None:
            continue
        match row.topic:
            case "demand.withdraw" | "demand.lapse":
                service.end(demand, now=now)
            case "opening.record":
                _tell_bidders(demand, row)
            case "opening.prices_called":
                _tell_custodians(
                    demand,
                    key=f"outbox:{row.id}",
                    title=f"技术评审已锁定，请释放报价封套：{demand.title}",
                    text="这是两步开启的第二步，请登录保管人工作台办理。",
                    now=row.at,
                )
            case "opening.object":
                notifications.tell(
                    people.holder_ids(Role.SCREENER, Role.PUBLISHER),
                    key=f"outbox:{row.id}",
                    title=f"揭榜单位对开启提出疑问：{demand.title}",
                    text="请在开启记录中答复。",
                    url=f"/openings/objections/{row.payload['objection']}",
                    now=row.at,
                )
            case "opening.answer":
                _tell_objector(demand, row)


def _demand_of(row: OutboxRow) -> Demand | None:
    kind, _, number = str(row.payload.get("subject", "")).partition(":")
    return db.session.get(Demand, int(number)) if kind == "demand" and number.isdigit() else None


def _tell_bidders(demand: Demand, row: OutboxRow) -> None:
    stage = db.session.get(BidStage, (demand.id, Stage(row.payload["stage"])))
    again = stage is not None and stage.record is not None and stage.record["former"]
    title = "开启记录已更新" if again or row.payload["stage"] == "price" else "开启记录已公布"
    firms = queries.bidders_to_tell(demand)
    notifications.tell(
        people.holder_ids(Role.BIDDER, Role.ORG_ADMIN, organisation_ids=firms) if firms else set(),
        key=f"outbox:{row.id}",
        title=f"{title}：{demand.title}",
        text="请查看记录；对开启有疑问的，可以当场提出。",
        url=f"/demands/{demand.ref}/opening",
        now=row.at,
    )


def _tell_objector(demand: Demand, row: OutboxRow) -> None:
    found = db.session.scalar(
        select(OpeningObjection).join(Bid).where(OpeningObjection.public_id == row.payload["objection"])
    )
    if found is not None and found.filed_by_id is not None:
        notifications.tell(
            [found.filed_by_id],
            key=f"outbox:{row.id}",
            title=f"您对开启的疑问已答复：{demand.title}",
            text="答复记入开启记录，全体揭榜单位可见。",
            url=f"/demands/{demand.ref}/opening",
            now=row.at,
        )
