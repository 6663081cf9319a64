"""``flask search rebuild | check | evaluate``."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from marketplace import db
from marketplace.platform import clock
from marketplace.search import evaluate as judged
from marketplace.search.index import Unavailable
from marketplace.search.indexing import Indexer
from marketplace.search.place import Busy


@click.group("search")
def search() -> None:
    """检索：重建索引、核对索引、按评测集测量质量。"""


def _indexer() -> Indexer:
    indexer: Indexer = current_app.extensions["search_indexer"]()
    return indexer


@contextmanager
def _behind() -> Iterator[None]:
    """Whoever searches meanwhile goes first."""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    os.setpriority(os.PRIO_PROCESS, 0, max(before, 10))
    try:
        yield
    finally:
        with suppress(PermissionError):  # going back up is root's; a command ends here anyway
            os.setpriority(os.PRIO_PROCESS, 0, before)


@search.command("rebuild")
@with_appcontext
def rebuild() -> None:
    """在旧索引旁建新索引，建好后换上，站点照常服务；词典和近义词表的改动由此生效。"""
    begun = time.monotonic()

    def progress(done: int, total: int) -> None:
        click.echo(f"\r  {done} / {max(total, done)}  {time.monotonic() - begun:.0f}s", nl=False, err=True)

    now = clock.site_now()
    db.session.remove()
    indexer = _indexer()
    before = indexer.words()
    try:
        with _behind():
            number = indexer.rebuild(now, progress)
    except Busy as busy:
        raise click.ClickException("另一个进程正在重建索引，请等它完成。") from busy
    click.echo("", err=True)
    click.echo(f"索引已重建并换上：{number} 个文档，{time.monotonic() - begun:.1f} 秒。")
    if indexer.words() != before:
        for tell in current_app.extensions["words_changed"]:
            tell()
        click.echo("词表有改动：提醒和撮合也已按新的词表更新。")


@search.command("check")
@click.option("--no-repair", is_flag=True, help="只报告，不修复（有差异时退出码为 2）。")
@with_appcontext
def check(no_repair: bool) -> None:
    """按（编号，版本）核对索引与数据库，报告并修复差异。"""
    now = clock.site_now()
    db.session.remove()
    try:
        drift = _indexer().check(now, repair=not no_repair)
    except Busy as busy:
        raise click.ClickException("另一个进程一直在写索引，请稍后再核对。") from busy
    except Unavailable as problem:
        raise click.ClickException(f"索引不可用（{problem}）：请运行 flask --app wsgi search rebuild。") from problem
    click.echo(f"核对 {drift.documents} 个文档：缺 {len(drift.missing)}，旧 {len(drift.stale)}，多 {len(drift.extra) + len(drift.strays)}。")  # fmt: skip
    for name, ids in (("缺", drift.missing), ("旧", drift.stale), ("多", drift.extra)):
        for id_ in ids[:20]:
            click.echo(f"  {name} {id_}")
    if drift:
        click.echo("未修复。" if no_repair else "已修复。")
    sys.exit(2 if drift and no_repair else 0)


@search.command("evaluate")
@click.argument("documents", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("queries", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="输出 JSON。")
@with_appcontext
def evaluate(documents: Path, queries: Path, as_json: bool) -> None:
    """另建一个临时索引，逐条检索评测集，给出 nDCG@10、recall@10、零结果率。"""
    try:
        answers = judged.run(documents, queries, current_app.config["ZHANGBANG"].search_backend)
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise click.ClickException(f"评测集读不懂：{problem!r}。每行须是一个 JSON 对象。") from problem
    if as_json:
        click.echo(json.dumps(judged.summary(answers), ensure_ascii=False))
    else:
        click.echo(judged.table(answers))


def prepare(indexer: Indexer) -> None:
    """An index where there is none yet, so that a first start can be searched at once."""
    if indexer.place.current() is None:
        now = clock.site_now()
        db.session.remove()
        indexer.rebuild(now)


def install(app: Flask) -> None:
    app.cli.add_command(search)
