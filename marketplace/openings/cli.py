"""``flask reopen``: after the storage was restored, what it had blocked is tried again."""

from __future__ import annotations

import click
from sqlalchemy import select

from marketplace import db
from marketplace.bids import service
from marketplace.demands.models import Demand
from marketplace.platform import clock


@click.command("reopen", help="存储恢复后，重新开启受阻的标书。NUMBER 是榜号，如 ZZGX-2026-01-003。")
@click.argument("number")
def reopen(number: str) -> None:
    """The worker opens; this only says that it should try again."""
    with db.transaction() as session:
        demand = session.scalar(select(Demand).where(Demand.number == number))
        if demand is None:
            raise click.ClickException(f"没有榜号为 {number} 的需求。")
        service.retry(demand, now=clock.site_now())
    click.echo(f"已安排：{number} 受阻的标书将在几秒内重新开启，结果见开启大厅。")
