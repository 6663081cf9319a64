"""Saving a search, one's own saved searches, and leaving by the link of a mail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Flask, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from marketplace import web
from marketplace.alerts import consumer, queries, service
from marketplace.alerts.forms import SearchForm
from marketplace.alerts.models import SavedSearch
from marketplace.alerts.rules import FREQUENCY_LABELS, Frequency, parameters
from marketplace.demands.queries import FACETS, Filters
from marketplace.demands.routes.public import read_filters
from marketplace.platform.forms import ConfirmForm
from marketplace.search import sources
from marketplace.search.labels import labels
from marketplace.search.sources import View
from marketplace.web import ResponseValue, allow, public
from marketplace.worker import every

bp = Blueprint("alerts", __name__)
HITS_SHOWN = 20


def _language() -> str:
    return "en" if g.get("locale") == "en" else "zh"


def _kind() -> str:
    wanted = request.args.get("kind", "")
    return wanted if wanted in sources.declared() else ""


def conditions(said: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a search asks for, in words: (term, values)."""
    titles = {
        "kind": _("种类"),
        "direction": _("方向"),
        "industry": _("产业"),
        "mode": _("资金方式"),
        "state": _("状态"),
        "budget": _("预算"),
        "unit": _("单位"),
        "batch": _("批次"),
        "year": _("年份"),
    }
    place = 1 if _language() == "en" else 0
    found = [(_("检索词"), str(said["q"]))] if said.get("q") else []
    for name in ("kind", *FACETS):
        values = said.get(name)
        if not values:
            continue
        known = labels(name, g.now)
        words = []
        for value in [values] if isinstance(values, str) else values:
            names = known.get(value, (value,))
            words.append(names[place] if len(names) > place and names[place] and name not in ("unit",) else names[0])
        found.append((titles[name], _("、").join(words)))
    return found or [(_("范围"), _("全部新公布的内容"))]


def result_url(said: Mapping[str, Any]) -> str:
    """Where the search is asked now."""
    query = urlencode({name: value for name, value in said.items() if value and name != "kind"}, doseq=True)
    kind = said.get("kind", "")
    path = url_for("demands.index") if kind == "demand" else url_for("search.index")
    if kind and kind != "demand":
        query = urlencode({"kind": kind}) + (f"&{query}" if query else "")
    return f"{path}?{query}" if query else path


def _suggested_name(filters: Filters, said: Mapping[str, Any]) -> str:
    return (filters.q or _("、").join(words for _term, words in conditions(said)))[:60]


@bp.get("/alerts")
@allow("alert.own")
def index() -> ResponseValue:
    """One's own saved searches."""
    rows = [
        {"search": search, "count": number, "conditions": conditions(search.query), "url": result_url(search.query)}
        for search, number in queries.own(g.actor.id)
    ]
    return render_template("alerts/index.html", rows=rows, frequencies=FREQUENCY_LABELS)


@bp.route("/alerts/new", methods=["GET", "POST"])
@allow("alert.own")
def new() -> ResponseValue:
    """Keep the search that stands in the address."""
    filters, kind = read_filters(), _kind()
    said = parameters(filters, kind)
    form = SearchForm(name=_suggested_name(filters, said))
    context = {"form": form, "conditions": conditions(said), "back": result_url(said)}
    if form.validate_on_submit():
        web.retry_page("alerts/new.html", **context)
        service.save(
            filters,
            kind,
            name=form.name.data or "",
            frequency=Frequency(form.frequency.data),
            by_mail=bool(form.by_mail.data),
            actor=g.actor,
            now=g.now,
        )
        flash(_("已保存。从现在起的新结果会按您选的方式提醒。"), "done")
        return redirect(url_for(".index"))
    return render_template("alerts/new.html", **context), 422 if form.errors else 200


@bp.route("/alerts/<key>", methods=["GET", "POST"])
@allow("alert.own", queries.find)
def show(search: SavedSearch) -> ResponseValue:
    """One of them: name, rhythm, and what it found last, as everybody may see it now."""
    form = SearchForm(name=search.name, frequency=str(search.frequency), by_mail=search.by_mail)
    hits = queries.last_hits(search.id, HITS_SHOWN)
    context = {
        "form": form,
        "search": search,
        "conditions": conditions(search.query),
        "url": result_url(search.query),
        "hits": sources.rows([hit.document for hit in hits], View(g.now, _language(), url_for)),
        "feed_url": url_for("opendata.feed", **_feed_parameters(search.query)),
    }
    if form.validate_on_submit():
        web.retry_page("alerts/show.html", **context)
        service.change(
            search,
            name=form.name.data or "",
            frequency=Frequency(form.frequency.data),
            by_mail=bool(form.by_mail.data),
            actor=g.actor,
            now=g.now,
        )
        flash(_("已保存。"), "done")
        return redirect(url_for(".show", key=search.key))
    return render_template("alerts/show.html", **context), 422 if form.errors else 200


def _feed_parameters(said: Mapping[str, Any]) -> dict[str, Any]:
    """The feed means demands where no kind is named, a search without one means everything."""
    kind = said.get("kind") or "all"
    return {
        **{name: value for name, value in said.items() if name != "kind"},
        **({} if kind == "demand" else {"kind": kind}),
    }


@bp.route("/alerts/<key>/deletion", methods=["GET", "POST"])
@allow("alert.own", queries.find)
def delete(search: SavedSearch) -> ResponseValue:
    form = ConfirmForm()
    if form.validate_on_submit():
        service.delete(search, actor=g.actor, now=g.now)
        flash(_("已删除，不再提醒。"), "done")
        return redirect(url_for(".index"))
    return render_template("alerts/delete.html", form=form, search=search)


@bp.get("/unsubscribe/<token>")
@public
def leaving(token: str) -> ResponseValue:
    """The link of a mail, without signing in: what will end, and a button. Reading it changes nothing."""
    search = service.by_token(token)
    if search is None:
        abort(404)
    return render_template("alerts/unsubscribe.html", search=search, form=ConfirmForm(), done=False)


@bp.post("/unsubscribe/<token>")
@public
def leave(token: str) -> ResponseValue:
    """The signed token is the permission; mail programs post here without a session (RFC 8058)."""
    search = service.by_token(token)
    if search is None:
        abort(400)
    service.unsubscribe(search, g.now)
    return render_template("alerts/unsubscribe.html", search=search, form=ConfirmForm(), done=True)


def install(app: Flask) -> None:
    app.register_blueprint(bp)
    web.csrf.exempt(f"{__name__}.leave")  # its token is signed by this site
    paths = app.url_map.bind("")
    service.configure(app.config["SECRET_KEY"], lambda endpoint, **values: paths.build(endpoint, values))
    consumer.install()
    every(5, "alerts by the clock", service.follow_clock)
    every(60, "alert digests", service.send_digests)
