"""For officers: what people searched for and did not find, over a range of days, as a page and as a file."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from flask import Blueprint, Flask, Response, g, render_template, request
from flask_babel import gettext as _
from flask_limiter.util import get_remote_address

from marketplace import db, web
from marketplace.demands.queries import FACETS, Filters
from marketplace.platform.files.names import disposition
from marketplace.platform.rendering import xlsx
from marketplace.platform.rendering.tables import Cell
from marketplace.platform.working_days import beijing_day
from marketplace.search.finder import Found
from marketplace.unfound import queries, service
from marketplace.unfound.counting import Tally
from marketplace.unfound.rules import PEOPLE_LEAST, RANGE_MOST
from marketplace.web import ResponseValue, allow
from marketplace.worker import every, in_each_process

bp = Blueprint("unfound", __name__)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DAYS = 30  # shown when no range is asked for


def _day(name: str, default: date) -> tuple[date, str | None]:
    """(the day asked for, what is wrong with it)."""
    text = request.args.get(name, "").strip()
    if not text:
        return default, None
    try:
        return date.fromisoformat(text[:10]), None
    except ValueError:
        return default, _("日期写法不对，请写成2026-11-30。")


def _range() -> tuple[date, date, str | None]:
    """The days asked for; an order the wrong way round is turned, too long a range is cut, and both are said."""
    today = beijing_day(g.now)
    until, wrong = _day("until", today)
    since, also = _day("since", until - timedelta(days=DAYS - 1))
    problem = wrong or also
    if since > until:
        since, until = until, since
    if until - since > RANGE_MOST:
        since, problem = until - RANGE_MOST, _("一次最多看400天，已从最早可看的一天算起。")
    return since, until, problem


@bp.get("/desk/unfound")
@allow("search.unfound")
def index() -> ResponseValue:
    """The texts that at least five people searched for in vain."""
    since, until, problem = _range()
    rows = queries.lines(since, until)
    if request.args.get("export") == "xlsx":
        return _export(rows, since, until)
    return render_template(
        "unfound/index.html",
        rows=rows,
        since=since,
        until=until,
        problem=problem,
        least=PEOPLE_LEAST,
        export_url=web.page_url(export="xlsx"),
    )


def _export(rows: list[queries.Line], since: date, until: date) -> Response:
    """Texts stay texts, whatever sign they begin with."""
    headers = [_("检索词"), _("次数"), _("至少人数"), _("最近一天")]
    cells: list[list[Cell]] = [[row.text, row.times, row.people, row.last] for row in rows]
    note = _(
        "%(since)s至%(until)s；至少%(least)s人检索而没有找到的词；不记录检索人",
        since=since,
        until=until,
        least=PEOPLE_LEAST,
    )
    response = Response(xlsx(headers, cells, name=_("没有找到的检索"), note=note), mimetype=XLSX)
    response.headers["Content-Disposition"] = disposition(f"没有找到的检索-{since}-{until}.xlsx")
    return response


def listener(tally: Tally) -> Any:
    """What search tells of its first pages: words that nothing has are counted, filters that leave nothing are not."""

    def searched(filters: Filters, found: Found) -> None:
        plain = not any(getattr(filters, name) for name in FACETS)
        if plain and found.strict == 0 and (found.query.words or found.query.phrases):
            tally.note(filters.q, _searcher(), g.now)

    return searched


def _searcher() -> str:
    """Somebody, for one bit of a sketch: an account, else an address and a browser. Kept nowhere."""
    if g.actor.signed_in:
        return f"account {g.actor.id}"
    return f"visitor {get_remote_address()} {request.user_agent.string[:200]}"


def install(app: Flask) -> None:
    tally = Tally(app.config["SECRET_KEY"])

    def write(now: datetime) -> None:
        with db.transaction():
            service.flush(tally)

    def forget(now: datetime) -> None:
        with db.transaction():
            service.forget(now)

    app.extensions["unfound"] = tally
    app.extensions["searched"].append(listener(tally))
    app.register_blueprint(bp)
    in_each_process(60, "searches that found nothing", write)
    every(24 * 3600, "forget rare searches", forget)
