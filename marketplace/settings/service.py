"""Changing the settings: the only writer of their tables. Each change is a leaf of the log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import count
from typing import Any

from sqlalchemy import delete, select

from marketplace import db, taxonomy
from marketplace.demands.clocks import FIGURES, FLOORS, why_not_figure
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.platform import audit, clock, outbox
from marketplace.platform.errors import Invalid, Refused
from marketplace.platform.policy import Actor, require
from marketplace.platform.working_days import SpecialDay, YearStatus, beijing_day, seed_rows
from marketplace.settings import queries
from marketplace.settings.models import Setting, WorkingDay, WorkingYear


def store_seed() -> None:
    """Copy the shipped years into the tables, once, before the first change to them."""
    if db.session.scalar(select(WorkingYear.year).limit(1)) is not None:
        return
    days, years = seed_rows()
    db.session.add_all(WorkingYear(year=year.year, status=year.status) for year in years)
    db.session.add_all(WorkingDay(day=day.on, kind=day.kind, note=day.note) for day in days)
    db.session.flush()


def set_year(year: int, days: Iterable[SpecialDay], *, confirmed: bool, actor: Actor, now: datetime) -> int:
    """Replace a year's special days. Returns how many open demands now end on a day of rest.

    Stored deadlines are not touched: confirming a year never shortens one; publishers are told which to extend
    (outbox ``settings.calendar``). A confirmed year does not become provisional again.
    """
    require("settings.edit", actor, None, now)
    wanted = list(days)
    if any(day.on.year != year for day in wanted):
        raise Invalid(f"只能填写{year}年的日期。", fields={"days": f"有不属于{year}年的日期"})
    if len({day.on for day in wanted}) != len(wanted):
        raise Invalid("同一天写了两次。", fields={"days": "同一天写了两次"})
    store_seed()
    row = db.session.get(WorkingYear, year)
    if row is None:
        row = WorkingYear(year=year, status=YearStatus.PROVISIONAL)
        db.session.add(row)
    if confirmed:
        row.status = YearStatus.CONFIRMED
    first, last = date(year, 1, 1), date(year, 12, 31)
    inside = WorkingDay.day.between(first, last)
    db.session.execute(delete(WorkingDay).where(inside))
    db.session.add_all(WorkingDay(day=day.on, kind=day.kind, note=day.note) for day in wanted)
    db.session.flush()
    resting = _ending_on_rest_days(year, now)
    facts = {"year": year, "status": str(row.status), "days": len(wanted), "on_rest_days": resting}
    audit.append("settings.calendar", subject=f"setting:calendar-{year}", actor=actor, at=now, facts=facts)
    outbox.emit("settings.calendar", facts, at=now)
    return resting


def _ending_on_rest_days(year: int, now: datetime) -> int:
    calendar = queries.calendar()
    deadlines = db.session.scalars(
        select(Demand.closes_at).where(
            Demand.state.in_([State.PUBLISHED, State.SUSPENDED]), Demand.closes_at.is_not(None), Demand.closes_at > now
        )
    )
    days = [beijing_day(at) for at in deadlines if at is not None]
    return sum(1 for day in days if day.year == year and not calendar.is_working_day(day))


def set_clocks(mode: str, figures: Mapping[str, int], *, actor: Actor, now: datetime) -> None:
    """Raise a mode's figures. Refused below the floor, with the article or 平台规则, and beyond any sense.

    Holds for what is published from now on; running demands keep the dates they were published with.
    """
    require("settings.edit", actor, None, now)
    problems = {
        figure: problem
        for figure, value in figures.items()
        if (problem := why_not_figure(mode, figure, value)) is not None
    }
    if problems:
        raise Invalid(next(iter(problems.values())), fields=problems)
    floors = FLOORS[mode]
    raised = {figure: figures[figure] for figure in FIGURES if figures.get(figure, 0) > getattr(floors, figure)}
    stored = queries.setting("mode_clocks")
    stored.pop(mode, None)
    if raised:
        stored[mode] = raised
    _store("mode_clocks", stored)
    audit.append("settings.mode_clocks", subject=f"setting:clocks-{mode}", actor=actor, at=now, facts=dict(figures))


def set_site(values: Mapping[str, str], *, actor: Actor, now: datetime) -> None:
    """The site's names and the lines of its foot; an empty value falls back to the default or is not shown."""
    require("settings.edit", actor, None, now)
    filled = {key: value for key, value in values.items() if value}
    _store("site", filled)
    audit.append("settings.site", subject="setting:site", actor=actor, at=now, facts=filled)


def set_taxonomy(
    directions: Sequence[tuple[str, str, str]],
    industries: Sequence[tuple[str, str, str, bool]],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Rename directions and industries, add industries (empty code) and retire them. Nothing is ever taken away: what
    was written under a code keeps it.
    """
    require("settings.edit", actor, None, now)
    known = [code for code, *_rest in industries if code]
    if {code for code, _zh, _en in directions} != set(taxonomy.DIRECTIONS) or set(known) != set(taxonomy.INDUSTRIES):
        raise Refused("这一页打开之后分类已经变过，没有保存。请刷新后重新修改。")
    for what, names in (
        ("方向", [zh for _code, zh, _en in directions]),
        ("产业", [zh for _code, zh, _en, _offered in industries]),
    ):
        if any(not 2 <= len(name) <= 20 for name in names):
            raise Invalid(f"{what}的名称须为2至20个字。")
        if len(set(names)) != len(names):
            raise Invalid(f"有两个{what}同名，请改成不同的名称。")
    if not any(offered for *_rest, offered in industries):
        raise Invalid("至少要有一个产业可选。")
    free = (f"own{number}" for number in count(1) if f"own{number}" not in taxonomy.INDUSTRIES)
    value = {
        "direction": [[code, zh, en or zh] for code, zh, en in directions],
        "industry": [[code or next(free), zh, en or zh, offered] for code, zh, en, offered in industries],
    }
    _store("taxonomy", value)
    audit.append("settings.taxonomy", subject="setting:taxonomy", actor=actor, at=now, facts=value)
    taxonomy.use(value)


def confirm_clock(*, reason: str, actor: Actor, now: datetime) -> float:
    """The clock was compared with a second source: submissions and openings go on. Log: ``settings.clock`` with the
    drift that was found. Returns it in seconds."""
    require("settings.edit", actor, None, now)
    if not reason.strip():
        raise Invalid("请写明怎样核对的时钟。", fields={"reason": "请写明核对的方式和结果"})
    drift = clock.confirm_steady()
    facts = {"drift_ms": round(drift * 1000)}
    audit.append("settings.clock", subject="site:clock", actor=actor, at=now, facts=facts, details={"reason": reason})
    return drift


MAIL_FIELDS = ("host", "port", "security", "user", "sender")


def set_mail(values: Mapping[str, Any], *, actor: Actor, now: datetime) -> None:
    """Where mail leaves. The password is no setting: it comes from the environment and never lies in the database."""
    require("settings.edit", actor, None, now)
    filled = {key: values[key] for key in MAIL_FIELDS if values.get(key)}
    if filled.get("user") and not filled.get("host"):
        raise Invalid("填了用户名，也请填写邮件服务器。", fields={"host": "请填写服务器地址"})
    _store("mail", filled)
    audit.append("settings.mail", subject="setting:mail", actor=actor, at=now, facts=filled)


def _store(key: str, value: dict[str, Any]) -> None:
    row = db.session.get(Setting, key)
    if row is None:
        db.session.add(Setting(key=key, value=value))
    else:
        row.value = value
    db.session.flush()
