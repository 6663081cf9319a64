"""The demo's searches: what some people keep and are told of, and what was searched for in vain."""

from __future__ import annotations

from datetime import datetime

from flask import current_app, has_app_context

from marketplace.alerts import service as alerts
from marketplace.alerts.rules import Frequency
from marketplace.demands.queries import Filters
from marketplace.platform.policy import Actor
from marketplace.unfound import service as unfound
from marketplace.unfound.counting import Tally

# who, days before the demo's day, words, facets, kind, name, rhythm
SAVED: tuple[tuple[str, int, str, dict[str, list[str]], str, str, Frequency], ...] = (
    ("bidder", -40, "水质", {}, "demand", "水质监测", Frequency.WEEKLY),
    (
        "bidder",
        -40,
        "",
        {"direction": ["living"], "mode": ["subsidy", "trial"]},
        "demand",
        "民生：后补助和试用",
        Frequency.DAILY,
    ),
    ("rival", -40, "停车", {}, "", "停车相关", Frequency.WEEKLY),
    ("drafter", -30, "巡检", {}, "capability", "能做巡检的单位", Frequency.WEEKLY),
)
# text, people, days before the demo's day
IN_VAIN: tuple[tuple[str, int, int], ...] = (
    ("机器狗", 14, -3),
    ("无人配送车", 11, -2),
    ("数字孪生水厂", 9, -6),
    ("电梯困人", 9, -9),
    ("碳足迹核算", 8, -12),
    ("适老化改造", 8, -1),
    ("河道漂浮物", 7, -4),
    ("暂养池", 2, -5),  # too few: shown to nobody
)


def save(who: int, *, actor: Actor, now: datetime) -> None:
    """Keep one of the saved searches."""
    _who, _day, words, facets, kind, name, frequency = SAVED[who]
    filters = Filters.read({"q": [words], **facets})
    alerts.save(filters, kind, name=name, frequency=frequency, by_mail=True, actor=actor, now=now)


def search_in_vain(number: int, now: datetime) -> None:
    """So many invented people search for one text, as the site would count them."""
    text, people, _day = IN_VAIN[number]
    tally = Tally(current_app.config["SECRET_KEY"] if has_app_context() else "demo")
    for person in range(people):
        tally.note(text, f"demo {person}", now)
    unfound.flush(tally)
