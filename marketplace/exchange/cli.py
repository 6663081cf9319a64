"""``flask demands import FILE`` (interface.md): the importer on the command line, with the same reading and rules."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NoReturn

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from marketplace import db
from marketplace.batches.models import Batch
from marketplace.batches.rules import BatchState
from marketplace.exchange import queries, service
from marketplace.exchange.reading import Existing, ListUnreadable, Report, read_list
from marketplace.exchange.rules import SKIPPED_LABELS, STATUS_LABELS, ImportState, why_not_creatable
from marketplace.platform import clock
from marketplace.platform.errors import Refused
from marketplace.platform.files import put_bytes
from marketplace.platform.policy import SYSTEM
from marketplace.platform.working_days import beijing_day

CREATED, UNREADABLE, HAS_ERRORS = 0, 1, 2


@click.group("demands")
def demands_commands() -> None:
    """需求：导入清单。"""


@demands_commands.command("import")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--batch", "batch_code", help="草稿归入的批次编号，如 ZZGX-2026-02。")
@click.option("--dry-run", is_flag=True, help="只读取并报告，不写入任何内容。")
@click.option("--json", "as_json", is_flag=True, help="以 JSON 输出逐行报告。")
@with_appcontext
def import_command(file: Path, batch_code: str | None, dry_run: bool, as_json: bool) -> None:
    """读取一份清单（xlsx、csv）。退出码：0 没有错误；2 有的行须更正；1 文件无法读取。

    没有任何一行待定时一次建成全部草稿；否则清单存入平台，由受理员在“导入清单”页更正、确认。
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        _fail(f"打不开文件 {file}：{error.strerror}。")
    try:
        report = _read(data, file.name, quiet=as_json)
    except ListUnreadable as error:
        _fail(str(error))
    outcome = {} if dry_run else _store(data, report, batch_code)
    if as_json:
        found = report.as_json()
        found["summary"] |= outcome
        click.echo(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        _print(report, outcome)
    sys.exit(HAS_ERRORS if report.counts["error"] else CREATED)


def _fail(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(UNREADABLE)


def _read(data: bytes, name: str, *, quiet: bool) -> Report:
    known: dict[str, list[Existing]] = {}
    note = ""
    today = None
    try:
        today = beijing_day(clock.site_now())
        known = queries.existing()
    except DBAPIError:  # no database yet: the list can still be read
        note = "数据库尚未建立，没有与平台上已有的需求比对。"
    finally:
        db.session.remove()
    today = today or beijing_day(clock.wall_now())
    if quiet or not sys.stderr.isatty():
        report = read_list(data, name, today=today, existing=known)
    else:
        with click.progressbar(length=1, label="读取", file=sys.stderr) as bar:

            def progress(done: int, total: int) -> None:
                bar.length = total
                bar.update(done - bar.pos)

            report = read_list(data, name, today=today, existing=known, progress=progress)
    if note:
        report.notes.append(note)
    return report


def _store(data: bytes, report: Report, batch_code: str | None) -> dict[str, Any]:
    """Write the list; create the drafts when nothing is left to decide, all in one transaction."""
    storage = current_app.extensions["storage"]
    stored = put_bytes(storage, data)
    try:
        with db.transaction():
            now = clock.site_now()
            batch = _batch(batch_code)
            source = service.upload(stored, name=report.file, batch_id=batch, actor=SYSTEM, now=now)
            service.write_report(source, report)
            rows = list(db.session.scalars(queries.rows(source)))
            undecided = [
                row for row in rows if why_not_creatable(row.effective_status, has_unit=row.unit_id is not None)
            ]
            created = service.confirm(source, actor=SYSTEM, now=now) if rows and not undecided else []
            return {
                "import": source.key,
                "created": len(created),
                "undecided": len(undecided),
                "state": str(source.state),
                "url": f"{current_app.config['ZHANGBANG'].base_url}/imports/{source.key}",
            }
    except Refused as error:
        _fail(error.sentence)
    except DBAPIError:
        _fail("数据库尚未建立或不可用：请先运行 flask --app wsgi prepare，或加 --dry-run 只看报告。")


def _batch(code: str | None) -> int | None:
    if code is None:
        return None
    batch = db.session.scalar(select(Batch).where(Batch.code == code))
    if batch is None:
        raise Refused(f"没有编号为 {code} 的批次。")
    if batch.state is BatchState.POSTED:
        raise Refused(f"批次 {code} 已经定稿，不能再归入需求。")
    return batch.id


def _print(report: Report, outcome: dict[str, Any]) -> None:
    for row in report.rows:
        click.echo(f"{row.sheet}!{row.row}\t{STATUS_LABELS[row.status]}\t{row.values.title or '（没有名称）'}")
        for message in row.messages:
            if message.level != "info":
                click.echo(f"    {message.cell}\t{message.text}")
    for item in report.skipped:
        click.echo(f"{item.sheet}!{item.row}\t{SKIPPED_LABELS[item.reason]}\t{item.text}")
    for note in report.notes:
        click.echo(note)
    counts = "，".join(f"{STATUS_LABELS[status]} {count}" for status, count in report.counts.items())
    click.echo(f"共 {len(report.rows)} 行：{counts}；另有 {len(report.skipped)} 行不是需求。")
    if outcome.get("state") == ImportState.DONE:
        click.echo(f"已建 {outcome['created']} 条草稿：{outcome['url']}")
    elif outcome:
        click.echo(f"有 {outcome['undecided']} 行待定，一条草稿也没有建。请受理员到 {outcome['url']} 处理。")
