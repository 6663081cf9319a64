"""``flask admin create``: the first security administrator of a real site; ``flask doctor``: is everything well?"""

from __future__ import annotations

import sys

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import select

from marketplace import db, migrate
from marketplace.accounts.models import Organisation
from marketplace.administration import service
from marketplace.administration.doctor import Doctor, Level
from marketplace.platform import clock
from marketplace.platform.credit_code import normalise, why_not
from marketplace.platform.errors import Refused


@click.group("admin")
def admin_commands() -> None:
    """管理员账号。"""


@admin_commands.command("create")
@click.option("--host", help="主办单位全称（库中还没有主办单位时必填）。")
@click.option("--credit-code", help="主办单位的统一社会信用代码。")
@click.option("--username", prompt="用户名")
@click.option("--name", prompt="姓名")
@click.option("--email", prompt="邮箱")
@click.option("--password", prompt="密码（至少12个字符）", hide_input=True, confirmation_prompt="再输一次密码")
@with_appcontext
def create(host: str | None, credit_code: str | None, username: str, name: str, email: str, password: str) -> None:
    """建立主办单位和第一位安全管理员；已有安全管理员时拒绝。"""
    migrate.upgrade(current_app.extensions["engine"])
    try:
        with db.transaction() as session:
            if session.scalar(select(Organisation.id).where(Organisation.is_host)) is None:
                host = host or click.prompt("主办单位全称")
                credit_code = normalise(credit_code or click.prompt("统一社会信用代码"))
                if (problem := why_not(credit_code)) is not None:
                    raise click.ClickException(problem)
            service.found_site(
                host=host or "",
                credit_code=credit_code or "",
                username=username,
                name=name,
                email=email,
                password=password,
                now=clock.site_now(),
            )
    except Refused as error:
        raise click.ClickException(error.sentence) from error
    click.echo(f"已建立安全管理员 {username}。首次登录后请设置动态验证码，再邀请并授权第二位安全管理员。")


MARKS = {Level.OK: "✓", Level.WARNING: "!", Level.PROBLEM: "✗"}


@click.command("doctor")
@with_appcontext
def doctor() -> None:
    """逐项检查运行状况并写明怎样处理，不改动任何东西；有问题时退出码 1。"""
    extensions = current_app.extensions
    found = Doctor(
        config=current_app.config["ZHANGBANG"],
        storage=extensions["storage"],
        index=extensions["search_indexer"]().place,
    ).examine()
    problems = 0
    for item in found:
        problems += item.level is Level.PROBLEM
        click.echo(f"{MARKS[item.level]} {item.what}：{item.found}" + (f"\n    {item.remedy}" if item.remedy else ""))
    if problems:
        click.echo(f"有 {problems} 项须处理。")
        sys.exit(1)
