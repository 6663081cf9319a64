"""``flask audit verify | prove | consistency | export`` (interface.md)."""

from __future__ import annotations

import json
import sys

import click
from flask.cli import with_appcontext
from sqlalchemy import select

from marketplace import db
from marketplace.platform.audit import AuditLeaf, queries
from marketplace.transparency import queries as proofs


@click.group("audit")
def audit_commands() -> None:
    """审计日志：全量核验、证明与导出。"""


@audit_commands.command("verify")
@click.option("--thorough", is_flag=True, help="另外逐个核验每一个检查点的签名（十万条约十五秒）。")
@with_appcontext
def verify(thorough: bool) -> None:
    """Recompute the whole log; exit 1 and the first bad sequence number when something was changed."""
    verdict = queries.verify(thorough=thorough)
    if not verdict.ok:
        click.echo(f"不一致：首个有问题的序号 {verdict.bad_seq}；{verdict.problem}")
        sys.exit(1)
    if altered := queries.altered_details():
        click.echo(f"不一致：首个有问题的序号 {altered[0]}；可读侧记录与日志中的指纹不符（共 {len(altered)} 条）")
        sys.exit(1)
    click.echo(f"一致：{verdict.entries} 条，根 {verdict.root.hex()}")


@audit_commands.command("prove")
@click.argument("seq", type=int)
@with_appcontext
def prove(seq: int) -> None:
    """The inclusion proof of one entry, as JSON."""
    try:
        click.echo(json.dumps(proofs.inclusion(seq)))
    except ValueError as error:
        raise click.ClickException(f"没有序号 {seq}：日志现有 {queries.size()} 条。") from error


@audit_commands.command("consistency")
@click.argument("first", type=int)
@click.argument("second", type=int)
@with_appcontext
def consistency(first: int, second: int) -> None:
    """The proof that the log only grew between two sizes, as JSON."""
    try:
        click.echo(json.dumps(proofs.consistency(first, second)))
    except ValueError as error:
        raise click.ClickException(f"大小须为 1 到 {queries.size()}，且前者不大于后者。") from error


@audit_commands.command("export")
@click.option("--from", "start", default=0, help="从这个序号起。")
@with_appcontext
def export(start: int) -> None:
    """Every entry exactly as hashed, one JSON a line, then the newest checkpoint on standard error."""
    for entry in db.session.scalars(
        select(AuditLeaf.entry).where(AuditLeaf.seq >= start).order_by(AuditLeaf.seq).execution_options(yield_per=1000)
    ):
        click.echo(entry)
    newest = queries.newest_checkpoint()
    if newest is not None:
        click.echo(newest.note, err=True)
