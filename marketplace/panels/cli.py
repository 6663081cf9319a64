"""``flask panel replay ID``: draw again from what is stored, and say whether all agrees."""

from __future__ import annotations

import sys

import click
from flask.cli import with_appcontext

from marketplace.panels import queries
from marketplace.panels.service.replaying import differences


@click.group("panel")
def panel_commands() -> None:
    """专家组：重放抽取。"""


@panel_commands.command("replay")
@click.argument("panel_id", type=int)
@with_appcontext
def replay(panel_id: int) -> None:
    """Replay every draw of a panel; exit 1 and name the differences when something does not agree."""
    panel = queries.by_id(panel_id)
    if panel is None:
        raise click.ClickException(f"没有编号为 {panel_id} 的专家组。编号见专家组页面。")
    bad = False
    for made in panel.draws:
        if made.drawn_at is None:
            click.echo(f"第{made.round}次：范围 {made.pool_hash}，尚未抽取")
            continue
        found = differences(made)
        bad = bad or bool(found)
        click.echo(f"第{made.round}次：范围 {made.pool_hash}")
        click.echo(f"  检查点 {made.checkpoint_size} {made.checkpoint_root}，随机数 {made.number}")
        click.echo(f"  种子 {made.seed}")
        click.echo(f"  成员 {' '.join(made.members)}；候补 {' '.join(made.substitutes)}")
        click.echo("  重放一致" if not found else "  " + "".join(found))
    if bad:
        sys.exit(1)
