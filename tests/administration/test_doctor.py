"""The doctor: a sound site is sound; each thing that goes wrong is named with what to do, and nothing stops the rest."""

from __future__ import annotations

import fcntl
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from marketplace.administration.doctor import Doctor, Finding, Level
from marketplace.config import Config
from marketplace.notifications.models import Mail
from marketplace.platform import audit, clock
from marketplace.platform.audit.models import AuditCheckpoint
from marketplace.platform.files import LocalStorage
from marketplace.platform.outbox.models import OutboxConsumer
from marketplace.platform.policy import SYSTEM
from marketplace.search.place import Place


@pytest.fixture
def doctor(config: Config, session: Session, tmp_path: Path) -> Doctor:
    index = Place(tmp_path / "search")
    path = index.begin()
    path.mkdir()
    index.switch(path)
    return Doctor(
        config=replace(config, instance=tmp_path, embedded_worker=True),
        storage=LocalStorage(tmp_path / "files"),
        index=index,
    )


def found(doctor: Doctor) -> dict[str, Finding]:
    return {item.what: item for item in doctor.examine()}


def test_a_sound_site_has_no_problem(doctor: Doctor, session: Session) -> None:
    audit.append("test.doctor", subject="site:doctor", actor=SYSTEM, at=clock.site_now(), facts={})
    session.commit()
    with (doctor.config.instance / "worker.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        seen = found(doctor)
    assert {what for what, item in seen.items() if item.level is Level.PROBLEM} == set()
    assert {what for what, item in seen.items() if item.level is Level.WARNING} <= {"病毒扫描", "运行目录", "发件箱"}
    assert seen["检索索引"].level is Level.OK
    assert all(item.remedy for item in seen.values() if item.level is not Level.OK)


def test_what_is_wrong_is_named(doctor: Doctor, session: Session, tmp_path: Path) -> None:
    session.add(OutboxConsumer(name="bids", position=0, failures=3, last_error="OperationalError: disk full"))
    session.add(
        Mail(
            key="doctor",
            to_address="a@example.org",
            subject="s",
            body="b",
            created_at=clock.site_now() - timedelta(hours=1),
        )
    )
    session.commit()
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    (keys / "log.key").write_text("secret")
    (keys / "log.key").chmod(0o644)
    ill = replace(doctor, config=replace(doctor.config, keys=keys, clamd="127.0.0.1:9"), index=Place(tmp_path / "none"))
    seen = found(ill)
    assert seen["服务器密钥"].level is Level.PROBLEM
    assert "log.key" in seen["服务器密钥"].found
    assert seen["发件箱"].level is Level.PROBLEM
    assert "disk full" in seen["发件箱"].found
    assert seen["邮件"].level is Level.WARNING
    assert seen["后台任务"].level is Level.WARNING
    assert seen["检索索引"].level is Level.WARNING
    assert seen["病毒扫描"].level is Level.PROBLEM


def test_a_forged_checkpoint_and_a_clock_that_was_set(doctor: Doctor, session: Session) -> None:
    audit.append("test.doctor", subject="site:doctor", actor=SYSTEM, at=clock.site_now(), facts={})
    session.commit()
    newest = session.query(AuditCheckpoint).order_by(AuditCheckpoint.size.desc()).first()
    assert newest is not None
    forged = AuditCheckpoint(
        size=newest.size, epoch=9, root=newest.root, note=newest.note[:-8] + "AAAAAAA=", at=newest.at
    )
    session.expunge(newest)
    clock.observe()
    noted = clock.witness()
    assert noted is not None
    noted.started_s -= 60
    session.add(forged)
    session.flush()
    seen = found(doctor)
    assert seen["时钟"].level is Level.PROBLEM
    assert "+60" in seen["时钟"].found
    assert seen["审计日志"].level is Level.PROBLEM


def test_an_unforeseen_failure_stops_no_other_check(doctor: Doctor) -> None:
    seen = found(replace(doctor, config=replace(doctor.config, keys=Path("/nowhere/at/all"))))
    assert seen["服务器密钥"].level is Level.PROBLEM
    assert seen["数据库结构"].level is Level.OK


def test_the_command_says_it_in_lines_and_by_its_exit_code(app: Flask, session: Session) -> None:
    result = app.test_cli_runner().invoke(args=["doctor"])
    assert "数据库结构" in result.output
    assert result.exit_code == (1 if "✗" in result.output else 0)
