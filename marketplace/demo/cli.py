"""``flask demo`` and ``flask prepare``: the demo content, and everything a first start needs."""

from __future__ import annotations

from datetime import datetime

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from marketplace import db, migrate
from marketplace.accounts.rules import DEMO_PASSWORD
from marketplace.demands.rules import State
from marketplace.demo import play as stage
from marketplace.platform import audit, clock
from marketplace.platform.files import LocalStorage
from marketplace.platform.policy import SYSTEM
from marketplace.search.cli import prepare as prepare_search

ACCOUNTS = (
    "drafter approver screener publisher publisher2 custodian1 custodian2 custodian3 supervisor expert1…expert9 "
    "finance bidder bidder_member rival sysadmin secadmin secadmin2 auditadmin"
)


@click.group("demo", invoke_without_command=True)
@click.option(
    "--stage",
    "upto",
    type=click.Choice([str(state) for state in stage.ROAD]),
    help="所有需求至多走到这个状态；不写则各种状态都有。",
)
@click.pass_context
@with_appcontext
def demo(context: click.Context, upto: str | None) -> None:
    """演示内容与演示时钟（仅演示模式）：不带子命令时生成一次演示内容。"""
    if context.invoked_subcommand is None:
        _write(State(upto) if upto else None)


def _refuse_outside_demo() -> None:
    if not current_app.config["ZHANGBANG"].demo:
        raise click.ClickException("演示内容只能在演示模式下生成：请设置 ZHANGBANG_DEMO=1，且不要用在正式站点上。")


def _write(upto: State | None = None) -> None:
    _refuse_outside_demo()
    migrate.upgrade(current_app.extensions["engine"])
    if stage.is_there():
        click.echo("演示内容已经在库中，未作改动。")
        return
    storage = current_app.extensions["storage"]
    if isinstance(storage, LocalStorage):  # hundreds of invented files: losing them to a power cut loses nothing
        storage = LocalStorage(storage.root, durable=False)
    with db.transaction():
        scenes = stage.play(storage=storage, upto=upto)
    click.echo(f"演示内容已生成：{scenes} 个场景，全部经由业务规则走到各自的状态。")


@demo.command("clock")
@click.option("--to", "to", required=True, help="ISO 时刻，如 2026-12-01T17:00（默认北京时间）。")
@with_appcontext
def clock_command(to: str) -> None:
    """Move the demo clock forward."""
    _refuse_outside_demo()
    try:
        instant = datetime.fromisoformat(to)
    except ValueError as error:
        raise click.ClickException("时刻写法不对：请写成 2026-12-01T17:00。") from error
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=clock.BEIJING)
    with db.transaction():
        before = clock.site_now()
        if instant < before:
            raise click.ClickException("演示时钟只能向前走。")
        clock.move_to(instant)
        audit.append(
            "demo.clock", subject="site:clock", actor=SYSTEM, at=before, facts={"to": audit.timestamp(instant)}
        )
    click.echo(f"演示时钟：{instant.astimezone(clock.BEIJING):%Y-%m-%d %H:%M}（北京时间）")


@click.command("prepare")
@with_appcontext
def prepare() -> None:
    """Bring the database up to date; in demo mode also write the content and print the accounts."""
    config = current_app.config["ZHANGBANG"]
    config.instance.mkdir(parents=True, exist_ok=True)
    migrate.upgrade(current_app.extensions["engine"])
    if not config.demo:
        return
    _write()
    prepare_search(current_app.extensions["search_indexer"]())
    click.echo(f"\n  张榜 演示站点    {config.base_url}\n")
    click.echo(f"  账号（密码都是 {DEMO_PASSWORD}）：\n  {ACCOUNTS}\n")
    click.echo(f"  登录页有一键登录卡片：{config.base_url}/sign-in    按 Ctrl-C 结束。\n")


def install(app: Flask) -> None:
    app.cli.add_command(demo)
    app.cli.add_command(prepare)
