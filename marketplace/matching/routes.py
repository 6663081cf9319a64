"""Who could do this, beside a demand and on its own page; what suits us, on the firm's desk and its own page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Flask, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from marketplace import db, taxonomy
from marketplace.accounts.models import Organisation
from marketplace.capabilities.rules import FIRM_ROLES
from marketplace.demands import queries as demands
from marketplace.demands.content import DemandContent
from marketplace.demands.models import Demand
from marketplace.demands.pages import row as demand_line
from marketplace.matching import consumer, queries, service, terms
from marketplace.matching.rules import Match
from marketplace.platform import policy
from marketplace.platform.forms import ConfirmForm
from marketplace.platform.policy import Actor
from marketplace.web import ResponseValue, allow
from marketplace.worker import every

bp = Blueprint("matching", __name__)
BESIDE = 3  # firms shown beside the form; the rest has its own page
ON_DESK = 3


def _language() -> str:
    return "en" if g.get("locale") == "en" else "zh"


def reasons(match: Match) -> list[str]:
    """Why, one sentence a reason, in the reader's language."""
    english = _language() == "en"

    def names(codes: tuple[str, ...], vocabulary: dict[str, taxonomy.Label]) -> str:
        labels = [vocabulary[code] for code in codes if code in vocabulary]
        return str(_("、")).join(label.en if english else label.zh for label in labels)

    said = [_("共同的内容：%(terms)s", terms=_("、").join(match.terms))]
    if match.industries:
        said.append(_("同属产业：%(names)s", names=names(match.industries, taxonomy.INDUSTRIES)))
    if match.directions:
        said.append(_("方向一致：%(names)s", names=names(match.directions, taxonomy.DIRECTIONS)))
    if match.papers:
        said.append(_("具备需求提到的资质：%(names)s", names=_("、").join(match.papers)))
    return said


def _firm_line(item: queries.Fitting) -> dict[str, Any]:
    capability = item.capability
    return {
        "firm": capability.organisation.name,
        "title": capability.public_title,
        "summary": capability.public_summary,
        "url": url_for("capabilities.one", slug=capability.organisation.slug, key=capability.key),
        "reasons": reasons(item.match),
    }


def beside(demand: Demand, content: DemandContent) -> dict[str, Any]:
    """For templates/demands/form.html and work.html: the firms that could do it, where this person may see them."""
    if not policy.allows("match.firms", g.actor, demand, g.now):
        return {}
    found = queries.firms_for(demand.unit, content, g.now)
    return {
        "firms": [_firm_line(item) for item in found[:BESIDE]],
        "firms_count": len(found),
        "firms_url": url_for("matching.firms", ref=demand.ref),
        "firms_panel_url": url_for("matching.panel", ref=demand.ref),
    }


@bp.get("/demands/<ref>/firms")
@allow("match.firms", demands.find)
def firms(demand: Demand) -> ResponseValue:
    """Every firm that could do it, with the reasons."""
    rows = [_firm_line(item) for item in queries.firms_for(demand.unit, demand.said, g.now)]
    return render_template("matching/firms.html", demand=demand, rows=rows)


@bp.get("/demands/<ref>/firms/panel")
@allow("match.firms", demands.find)
def panel(demand: Demand) -> ResponseValue:
    """The panel beside the form, renewed after each autosave by modules/refresh.js."""
    return render_template("matching/panel.html", **beside(demand, demand.said))


def _my_firms() -> list[Organisation]:
    ids = g.actor.organisations(*FIRM_ROLES)
    return list(db.session.scalars(select(Organisation).where(Organisation.id.in_(ids)).order_by(Organisation.id)))


def _suggestions() -> list[dict[str, Any]]:
    return [
        {
            "line": demand_line(
                item.demand, g.now, url=url_for("demands.show", ref=item.demand.ref), language=_language()
            ),
            "ref": item.demand.ref,
            "capability": item.capability.public_title,
            "capability_url": url_for(
                "capabilities.one", slug=item.capability.organisation.slug, key=item.capability.key
            ),
            "reasons": reasons(item.match),
        }
        for item in queries.demands_for(g.actor.organisations(*FIRM_ROLES), g.now)
    ]


@bp.get("/desk/matches")
@allow("match.demands")
def index() -> ResponseValue:
    """Demands that suit one's firm, why, and what was dismissed."""
    ids = g.actor.organisations(*FIRM_ROLES)
    return render_template(
        "matching/index.html",
        rows=_suggestions(),
        dismissed=queries.dismissed_rows(ids, g.now),
        form=ConfirmForm(),
    )


def _public_demand(*, actor: Actor, now: datetime, ref: str) -> Demand | None:
    """A demand by its public number, as everybody sees it."""
    found = demands.find(actor=policy.VISITOR, now=now, ref=ref)
    return found if found is not None and found.number == ref else None


@bp.post("/desk/matches/<ref>/dismissal")
@allow("match.demands", _public_demand)
def dismiss(demand: Demand) -> ResponseValue:
    if ConfirmForm().validate_on_submit():
        service.dismiss(demand, _my_firms(), actor=g.actor, now=g.now)
        flash(_("已忽略，不再提示这条需求。"), "done")
    return redirect(url_for(".index"))


@bp.post("/desk/matches/<ref>/restoration")
@allow("match.demands", _public_demand)
def restore(demand: Demand) -> ResponseValue:
    if ConfirmForm().validate_on_submit():
        service.restore(demand, _my_firms(), actor=g.actor, now=g.now)
        flash(_("已恢复提示。"), "done")
    return redirect(url_for(".index"))


@bp.get("/desk/matches/panel")
@allow("match.demands")
def desk_panel() -> ResponseValue:
    """The first suggestions, fetched by the desk once it is drawn (modules/refresh.js)."""
    rows = _suggestions()
    return render_template("matching/desk_panel.html", rows=rows[:ON_DESK], count=len(rows))


def on_desk(actor: Actor, now: datetime) -> dict[str, Any] | None:
    """The desk's box for a firm. Comparing takes longer than the rest of the desk: it asks for the rows by itself."""
    if not actor.has(*FIRM_ROLES):
        return None
    return {
        "title": _("适合本单位的需求"),
        "text": _("按本单位公开的能力与在榜需求比对。"),
        "url": url_for("matching.index"),
        "verb": _("看全部和理由"),
        "panel_url": url_for("matching.desk_panel"),
    }


def install(app: Flask) -> None:
    app.register_blueprint(bp)
    app.extensions["demand_beside"].append(beside)
    app.extensions["desk_boxes"].append(on_desk)
    terms.configure(app.extensions["search"].place.current)
    app.extensions["words_changed"].append(service.keep_everything)
    consumer.install()
    every(20, "matches", service.run)
