"""The ranking with everything that led to it, its export, its record, the draw of ties."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Response, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from marketplace import web
from marketplace.demands.pages import pagination
from marketplace.demands.routes.documents import TYPES, as_file
from marketplace.demands.rules import State
from marketplace.platform import policy
from marketplace.platform.rendering import xlsx
from marketplace.results import pages, queries, service
from marketplace.results.forms import DrawForm
from marketplace.results.queries import Reviewed
from marketplace.results.routes import bp, by, tabs
from marketplace.results.rules import CAUSE_LABELS
from marketplace.scoring.rules.sheets import typed
from marketplace.web import ResponseValue, allow

PER_PAGE = 50
REPLAY_MOST = 200  # bids whose ranking is computed again on every look; of more it is when somebody asks


@bp.get("/demands/<ref>/ranking")
@allow("ranking.see", queries.find_reviewed)
def ranking(reviewed: Reviewed) -> ResponseValue:
    """The ranking in force with everything that led to it, recomputed before the reader's eyes; every version below."""
    demand = reviewed.demand
    web.note_read("score.read", demand.audit_subject)
    versions = queries.rankings(demand.id)
    names = queries.names(reviewed, g.actor, now=g.now)
    last = versions[0] if versions else None
    content, page = demand.said, max(1, request.args.get("page", 1, type=int))
    lines, total = queries.lines_page(last.id, page=page, per_page=PER_PAGE) if last else ([], 0)
    if page > 1 and not lines:
        abort(404)
    outs = queries.outs(demand.id)
    again = total <= REPLAY_MOST or "replay" in request.args
    context: dict[str, Any] = {
        "demand": demand,
        "tabs": tabs(reviewed, "ranking"),
        "ranking": last,
        "versions": _versions(versions, names),
        "criteria": content.score_sheet.criteria,
        "rows": pages.ranking_rows(lines, content, names=names, outs=outs),
        "pages": _pages(page, total, demand.ref) if total > PER_PAGE else None,
        "replay": service.replay(last) if last and again else None,
        "draw": queries.tie_draw(demand.id, last.round) if last else None,
        "ties": _ties(last.undecided, names) if last else [],
        "scores": _single_scores(reviewed, names, last.round, [line.bid_id for line in lines]) if last else [],
        "may_draw": bool(last and last.undecided) and policy.allows("ranking.draw", g.actor, demand, g.now),
        "may_mend": policy.allows("mend.propose", g.actor, reviewed, g.now) and demand.state is State.REVIEWING,
        "typed": typed(content.score_sheet),
        "causes": CAUSE_LABELS,
    }
    return render_template("results/ranking.html", **context)


def _pages(page: int, total: int, ref: str) -> dict[str, Any]:
    return pagination(page, -(-total // PER_PAGE), total, PER_PAGE, lambda n: url_for(".ranking", ref=ref, page=n))


def _ties(groups: list[list[str]], names: dict[int, str]) -> list[list[str]]:
    """The bids of each undecided group by what the reader may call them."""
    known = queries.bids_of([bid for group in groups for bid in group])
    return [[names.get(known.get(bid, 0), "—") for bid in group] for group in groups]


def _versions(versions: list[Any], names: dict[int, str]) -> list[dict[str, Any]]:
    before = [*versions[1:], None][: len(versions)]  # none at all while everything is locked and not yet ranked
    return [
        {
            "at": item.made_at,
            "what": _("第%(number)s版：%(cause)s", number=item.number, cause=CAUSE_LABELS[item.cause]),
            "note": item.made_by.name if item.made_by else _("系统"),
            "text": item.note,
            "changes": [*pages.moved(former, item, names), {"label": _("结果指纹"), "text": item.hash}],
        }
        for item, former in zip(versions, before, strict=True)
    ]


def _single_scores(reviewed: Reviewed, names: dict[int, str], round_: int, shown: list[int]) -> list[dict[str, Any]]:
    """Every locked sheet of the bids on this page, figure by figure, with the words that were written."""
    keys = [item.key for item in typed(reviewed.demand.said.score_sheet)]
    criteria = {item.key: item.name for item in reviewed.demand.said.score_sheet.criteria}
    office = g.actor.has("screener", "publisher", "supervisor")
    return [
        {
            "bid": names.get(bid, "—"),
            "expert": f"{number} {name}" if office else number,
            "scores": [content.get("scores", {}).get(key, "—") for key in keys],
            "proofs": sum(bool(tick) for tick in content.get("proofs", ())),
            "of": len(content.get("proofs", ())),
            "comments": [(criteria.get(key, key), text) for key, text in content.get("comments", {}).items()],
            "mend_url": url_for(".mend", ref=reviewed.demand.number, sheet_id=sheet_id),
        }
        for bid, number, name, content, sheet_id in queries.single_scores(reviewed.demand.id, round_, shown)
    ]


@bp.get("/demands/<ref>/ranking.xlsx")
@allow("ranking.see", queries.find_reviewed)
def export(reviewed: Reviewed) -> ResponseValue:
    """The ranking as a sheet, unrounded totals included."""
    demand = reviewed.demand
    last = queries.latest(demand.id)
    if last is None:
        abort(404)
    web.note_read("score.read", demand.audit_subject)
    content = demand.said
    full = queries.with_lines(last.id)
    assert full is not None
    names = queries.names(reviewed, g.actor, now=g.now)
    heads = [_("名次"), _("揭榜单位"), *(item.name for item in content.score_sheet.criteria)]
    heads += [_("总分"), _("总分（未取整）"), _("未去极值的总分"), _("说明")]
    rows = [
        [
            row["rank"],
            row["name"],
            *map(_number, row["criteria"]),
            _number(row["total"]),
            row["exact"],
            _number(row["plain"]),
            row["standing"],
        ]
        for row in pages.ranking_rows(full.lines, content, names=names, outs=queries.outs(demand.id))
    ]
    return as_file(xlsx(heads, rows, name="排名"), name=f"{demand.number}排名.xlsx", media_type=TYPES["xlsx"])


def _number(text: str) -> Decimal | str:
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


@bp.get("/demands/<ref>/ranking/record.json")
@allow("ranking.see", queries.find_reviewed)
def record(reviewed: Reviewed) -> ResponseValue:
    """The record of the ranking in force, byte for byte as it was hashed: with it anyone computes the same order."""
    last = queries.latest(reviewed.demand.id)
    full = queries.with_lines(last.id) if last is not None else None
    if full is None:
        abort(404)
    web.note_read("score.read", reviewed.demand.audit_subject)
    response = Response(full.record, mimetype="application/json")
    response.headers["X-Content-SHA256"] = full.record_sha256
    response.headers["X-Ranking-Hash"] = full.hash
    return response


@bp.route("/demands/<ref>/ranking/draw", methods=["GET", "POST"])
@allow("ranking.draw", queries.find_reviewed)
def draw(reviewed: Reviewed) -> ResponseValue:
    """The supervisor, present, types a number; the tie is decided once."""
    demand, form = reviewed.demand, DrawForm()
    back = url_for(".ranking", ref=demand.number)
    page = {
        "title": _("抽签决定并列名次：%(title)s", title=demand.title),
        "form": form,
        "verb": _("抽签"),
        "kind": "solemn",
        "back": back,
        "crumb": (demand.title, back),
        "consequences": [
            _("种子＝SHA-256（榜号｜最新检查点的树根｜您写下的数字），抽签结果随之确定，任何人可以复算。"),
            _("只抽一次；数字、检查点和种子写入审计日志，并在公示中公布。"),
        ],
    }
    web.retry_page("results/act.html", **page)
    if form.validate_on_submit():
        service.draw_ties(demand, number=form.number.data or "", **by())
        flash(_("抽签已完成，排名有了新的版本。"), "done")
        return redirect(back)
    return render_template("results/act.html", **page), 422 if form.is_submitted() else 200
