"""``flask ranking replay NUMBER`` (interface.md): compute a ranking again from its record and compare."""

from __future__ import annotations

import sys

import click
from flask.cli import with_appcontext
from sqlalchemy import select

from marketplace import db
from marketplace.demands.models import Demand
from marketplace.platform.errors import Refused
from marketplace.results import queries, service


@click.group("ranking")
def ranking_commands() -> None:
    """排名：从留存的记录复算并比对。"""


@ranking_commands.command("replay")
@click.argument("number")
@with_appcontext
def replay(number: str) -> None:
    """Every version of one demand's ranking; exit 1 when one does not come out as it was published."""
    demand = db.session.scalar(select(Demand).where(Demand.number == number))
    versions = queries.rankings(demand.id)[::-1] if demand is not None else []
    if not versions:
        raise click.ClickException(f"没有榜号 {number} 的排名。")
    wrong = 0
    for version in versions:
        full = queries.with_lines(version.id)
        assert full is not None
        try:
            again = service.replay(full)
        except Refused as error:
            click.echo(f"第{version.number}版：不一致。{error.sentence}")
            wrong += 1
            continue
        ranks = " ".join(f"{line.rank}:{line.bid[:8]}" for line in again.ranking.ranked)
        click.echo(f"第{version.number}版：{'一致' if again.same else '不一致'}　{full.hash}　{ranks or '没有入围'}")
        wrong += not again.same
    if wrong:
        sys.exit(1)
