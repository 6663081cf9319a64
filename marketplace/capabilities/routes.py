"""Capabilities: the public directory, a firm's own desk, the screener's review."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Flask, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import Select, select

from marketplace import db, taxonomy, web
from marketplace.accounts import queries as accounts
from marketplace.accounts.models import Organisation
from marketplace.accounts.rules import ORGANISATION_KIND_LABELS, SIZES, OrganisationState, Role
from marketplace.capabilities import consumer, queries, service, source
from marketplace.capabilities.content import LABELS, CapabilityContent, changed
from marketplace.capabilities.forms import ActForm, CapabilityForm, NewForm
from marketplace.capabilities.models import Capability
from marketplace.capabilities.queries import Filters
from marketplace.capabilities.rules import (
    CONSEQUENCES,
    FIRM_ROLES,
    MACHINE,
    NEEDS_REASON,
    STATE_LABELS,
    TONES,
    WAITING,
    CapabilityAction,
    CapabilityState,
)
from marketplace.demands.pages import pagination
from marketplace.platform import errands, policy
from marketplace.platform.errands import Errand
from marketplace.platform.policy import Actor
from marketplace.platform.workflow import offered
from marketplace.platform.working_days import beijing_day
from marketplace.search import sources
from marketplace.web import ResponseValue, allow, public

bp = Blueprint("capabilities", __name__)
PER_PAGE = 20
NOT_A_BUTTON = frozenset({CapabilityAction.CHANGE})  # begun by saving the form


def _tongue() -> str:
    return "en" if g.get("locale") == "en" else "zh"


def _word(vocabulary: dict[str, taxonomy.Label], code: str) -> str:
    label = vocabulary[code]
    return label.en if _tongue() == "en" else label.zh


def _known(name: str, vocabulary: dict[str, taxonomy.Label]) -> str:
    value = request.args.get(name, "")
    return value if value in vocabulary else ""


def _choices(vocabulary: dict[str, taxonomy.Label]) -> list[tuple[str, str]]:
    return [(code, _word(vocabulary, code)) for code in vocabulary]


def _page_number(total: int) -> tuple[int, int]:
    pages = max(1, -(-total // PER_PAGE))
    text = request.args.get("page", "1")
    wanted = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1
    return min(max(wanted, 1), pages), pages


def _names(codes: tuple[str, ...] | list[str], vocabulary: dict[str, taxonomy.Label]) -> list[str]:
    return [_word(vocabulary, code) for code in codes if code in vocabulary]


@bp.get("/capabilities")
@public
def index() -> ResponseValue:
    """What the district's firms can do; a second tab lists the firms themselves. Both under the same filters."""
    text = request.args.get("q", "").replace("\x00", "").strip()[:80]
    direction, industry = _known("direction", taxonomy.DIRECTIONS), _known("industry", taxonomy.INDUSTRIES)
    query = queries.filtered(Filters(text, direction, industry))
    # Industries of a firm live in a JSON list, so that filter runs here, over a directory of some thousand names.
    firms = list(db.session.scalars(accounts.capable(text=text)))
    if industry:
        firms = [firm for firm in firms if industry in firm.industries]
    show_firms = request.args.get("show") == "firms"
    number = queries.count(query)
    total = len(firms) if show_firms else number
    page, pages = _page_number(total)
    first = (page - 1) * PER_PAGE
    return render_template(
        "capabilities/index.html",
        q=text,
        direction=direction,
        industry=industry,
        show_firms=show_firms,
        directions=_choices(taxonomy.DIRECTIONS),
        industries=_choices(taxonomy.INDUSTRIES),
        tabs=[
            (_("能力"), web.page_url(show=None, page=None), not show_firms, number),
            (_("单位"), web.page_url(show="firms", page=None), show_firms, len(firms)),
        ],
        rows=[] if show_firms else [_row(item) for item in queries.page(query, limit=PER_PAGE, offset=first)],
        firms=[(firm, _names(firm.industries, taxonomy.INDUSTRIES)) for firm in firms[first : first + PER_PAGE]]
        if show_firms
        else [],
        pages=pagination(page, pages, total, PER_PAGE, lambda number: web.page_url(page=number)),
        may_write=policy.allows("capability.create", g.actor, None, g.now),
    )


def _row(capability: Capability) -> dict[str, Any]:
    tags = [(tag.kind, tag.code) for tag in capability.tags]
    return {
        "title": capability.public_title,
        "summary": capability.public_summary,
        "firm": capability.organisation.name,
        "url": url_for("capabilities.one", slug=capability.organisation.slug, key=capability.key),
        "directions": _names([code for kind, code in tags if kind == "direction"], taxonomy.DIRECTIONS),
        "industries": _names([code for kind, code in tags if kind == "industry"], taxonomy.INDUSTRIES),
        "approved_at": capability.approved_at,
    }


def _listed(*, actor: Actor, now: datetime, slug: str) -> Organisation | None:
    """An organisation of the directory; others do not exist here."""
    found = accounts.by_slug(slug)
    if found is None or found.state != OrganisationState.APPROVED or not found.may_bid:
        return None
    return found


@bp.get("/capabilities/<slug>")
@allow("public", _listed)
def show(organisation: Organisation) -> ResponseValue:
    """One firm with what it can do."""
    return render_template(
        "capabilities/firm.html",
        organisation=organisation,
        industries=_names(organisation.industries, taxonomy.INDUSTRIES),
        kind=ORGANISATION_KIND_LABELS[organisation.kind],
        size=SIZES.get(organisation.size, ""),
        rows=[_row(item) for item in queries.public_of(organisation.id)],
    )


def _public_one(*, actor: Actor, now: datetime, slug: str, key: str) -> Capability | None:
    return queries.find_public(slug, key)


@bp.get("/capabilities/<slug>/<key>")
@allow("public", _public_one)
def one(capability: Capability) -> ResponseValue:
    """One capability as the public reads it. Contacts are masked for visitors (个人信息保护法 §6)."""
    return render_template(
        "capabilities/show.html",
        capability=capability,
        **_said(capability.said_in_public),
        sees_contact=policy.allows("capability.contact", g.actor, capability, g.now),
        work_url=url_for("capabilities.work", key=capability.key)
        if policy.allows("capability.work", g.actor, capability, g.now)
        else None,
    )


def _said(content: CapabilityContent) -> dict[str, Any]:
    """What templates/capabilities/body.html draws."""
    today = beijing_day(g.now)
    return {
        "content": content,
        "directions": _names(content.directions, taxonomy.DIRECTIONS),
        "industries": _names(content.industries, taxonomy.INDUSTRIES),
        "qualifications": [(item, item.valid_on(today)) for item in content.qualifications],
    }


# -- a firm's own ---------------------------------------------------------------------------------------------------


@bp.get("/desk/capabilities")
@allow("capability.create")
def mine() -> ResponseValue:
    """What one's firm has written, with the state of each."""
    query = queries.own(g.actor)
    total = queries.count(query)
    page, pages = _page_number(total)
    rows = list(db.session.scalars(query.limit(PER_PAGE).offset((page - 1) * PER_PAGE)))
    return render_template(
        "capabilities/desk/mine.html",
        rows=rows,
        labels=STATE_LABELS,
        tones=TONES,
        pages=pagination(page, pages, total, PER_PAGE, lambda number: web.page_url(page=number)),
    )


def _firms() -> list[Organisation]:
    ids = g.actor.organisations(*FIRM_ROLES)
    return list(db.session.scalars(select(Organisation).where(Organisation.id.in_(ids)).order_by(Organisation.id)))


@bp.route("/desk/capabilities/new", methods=["GET", "POST"])
@allow("capability.create")
def new() -> ResponseValue:
    """A name first; then the whole form, kept as a draft."""
    firms = _firms()
    form = NewForm()
    form.firm.choices = [(firm.id, firm.name) for firm in firms]
    if form.firm.data is None and firms:
        form.firm.data = firms[0].id
    context = {"form": form, "several": len(firms) > 1}
    if form.validate_on_submit():
        web.retry_page("capabilities/desk/new.html", **context)
        firm = next(firm for firm in firms if firm.id == form.firm.data)
        capability = service.create(firm, CapabilityContent(title=form.title.data or ""), actor=g.actor, now=g.now)
        return redirect(url_for(".edit", key=capability.key))
    return render_template("capabilities/desk/new.html", **context), 422 if form.errors else 200


@bp.route("/desk/capabilities/<key>/edit", methods=["GET", "POST"])
@allow("capability.edit", queries.find)
def edit(capability: Capability) -> ResponseValue:
    """暂存 keeps the draft; 提交审核 keeps it and hands it in when nothing is missing."""
    form = CapabilityForm.showing(capability.said, version=capability.version)
    context = {"form": form, "capability": capability, "labels": STATE_LABELS, "tones": TONES}
    if request.method == "POST" and form.rows_changed(request.form.get("add"), request.form.get("remove")):
        return render_template("capabilities/desk/form.html", **context)
    if form.validate_on_submit():
        web.retry_page("capabilities/desk/form.html", **context)
        seen = form.version.data or ""
        # Saving once more after the refusal is then one's own decision: the form carries the version just shown.
        form.version.data = str(capability.version)
        service.save(
            capability,
            form.said(),
            seen_version=int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 9 else 0,
            actor=g.actor,
            now=g.now,
        )
        if "submit" not in request.form:
            flash(_("已暂存。"), "done")
            return redirect(url_for(".edit", key=capability.key))
        missing = service.missing(capability)
        if not missing:
            if capability.state is CapabilityState.LISTED:
                flash(_("没有改动，公开的内容不变。"), "done")
            else:
                service.act(capability, CapabilityAction.SUBMIT, actor=g.actor, now=g.now)
                flash(_("已提交，受理员审核后会通知您。"), "done")
            return redirect(url_for(".work", key=capability.key))
        form.version.data = str(capability.version)  # kept it is either way; what is missing stands beside its field
        form.blame(missing)
        return render_template("capabilities/desk/form.html", **context), 422
    return render_template("capabilities/desk/form.html", **context), 422 if form.errors else 200


# -- work on one ----------------------------------------------------------------------------------------------------


@bp.get("/desk/capabilities/review")
@allow("capability.review")
def queue() -> ResponseValue:
    """What waits for a screener, the longest waiting on top."""
    query = queries.awaiting_review()
    total = queries.count(query)
    page, pages = _page_number(total)
    rows = list(db.session.scalars(query.limit(PER_PAGE).offset((page - 1) * PER_PAGE)))
    return render_template(
        "capabilities/desk/queue.html",
        rows=rows,
        labels=STATE_LABELS,
        tones=TONES,
        pages=pagination(page, pages, total, PER_PAGE, lambda number: web.page_url(page=number)),
    )


@bp.route("/desk/capabilities/<key>", methods=["GET", "POST"])
@allow("capability.work", queries.find)
def work(capability: Capability) -> ResponseValue:
    """One capability with the acts that have a place now, and what a change would alter in public."""
    form = ActForm()
    acts = [
        item
        for item in offered(MACHINE, capability, actor=g.actor, now=g.now)
        if item.refusal is None and item.action not in NOT_A_BUTTON
    ]
    context: dict[str, Any] = {
        "form": form,
        "capability": capability,
        "acts": acts,
        "consequences": CONSEQUENCES,
        "with_reason": [item for item in acts if item.action in NEEDS_REASON],
        "labels": STATE_LABELS,
        "tones": TONES,
        "changes": _changes(capability),
        "edit_url": url_for(".edit", key=capability.key)
        if policy.allows("capability.edit", g.actor, capability, g.now)
        else None,
        **_said(capability.said),
    }
    if form.validate_on_submit():
        wanted = request.form.get("act", "")
        if wanted not in set(CapabilityAction) or wanted in NOT_A_BUTTON:
            abort(400)
        web.retry_page("capabilities/desk/work.html", **context)
        action = CapabilityAction(wanted)
        service.act(capability, action, reason=form.reason.data or "", actor=g.actor, now=g.now)
        flash(_("已办理：%(act)s。", act=_(MACHINE.action_labels[action])), "done")
        return redirect(_after(capability, action))
    return render_template("capabilities/desk/work.html", **context), 422 if form.errors else 200


def _after(capability: Capability, action: CapabilityAction) -> str:
    """Where the person goes on: the screener to the next one, the firm to what it can do now."""
    if action in (CapabilityAction.APPROVE, CapabilityAction.RETURN, CapabilityAction.TAKE_DOWN):
        return url_for(".queue")
    if action in (CapabilityAction.REOPEN, CapabilityAction.RECALL):
        return url_for(".edit", key=capability.key)
    return url_for(".mine") if action is CapabilityAction.DROP else url_for(".work", key=capability.key)


def _changes(capability: Capability) -> list[dict[str, str]]:
    """Lines of components/diff.html: what is public now, and what it would become."""
    if not capability.is_public or capability.state is CapabilityState.LISTED:
        return []
    before, after = capability.said_in_public, capability.said
    return [
        {"label": _(LABELS[name]), "before": _brief(name, before), "after": _brief(name, after) or _("（空）")}
        for name in changed(before, after)
    ]


def _brief(name: str, content: CapabilityContent) -> str:
    """A field in one readable piece."""
    match name:
        case "directions":
            return "、".join(_names(content.directions, taxonomy.DIRECTIONS))
        case "industries":
            return "、".join(_names(content.industries, taxonomy.INDUSTRIES))
        case "references":
            return "；".join(
                "，".join(filter(None, (item.name, item.client, item.year, item.result))) for item in content.references
            )
        case "qualifications":
            return "；".join(
                "，".join(
                    filter(None, (item.name, item.number, item.valid_until.isoformat() if item.valid_until else ""))
                )
                for item in content.qualifications
            )
        case _:
            return str(getattr(content, name))


def to_review(actor: Actor, now: datetime) -> Select[Any]:
    """For the screener's desk: what waits for a review, the longest waiting on top."""
    own, firm = Capability, accounts.shown_name()
    query = errands.line(number=own.id, ref=own.key, title=own.title, note=firm, word=own.state)
    return (
        query.select_from(own)
        .join(Organisation, Organisation.id == own.organisation_id)
        .where(own.state.in_(sorted(WAITING)))
    )


def _to_review(row: Any) -> Errand:
    state, url = CapabilityState(row.word), url_for("capabilities.work", key=row.ref)
    return Errand(row.title, "能力审核", "审核", url, row.note, state=(STATE_LABELS[state], TONES[state]))


def to_mend(actor: Actor, now: datetime) -> Select[Any]:
    """For the firm's desk: what was returned, with the screener's word."""
    own = Capability
    query = errands.line(number=own.id, ref=own.key, title=own.title, note=own.reason, word=own.state)
    states = (CapabilityState.RETURNED, CapabilityState.CHANGE_RETURNED)
    return query.where(own.organisation_id.in_(actor.organisations(*FIRM_ROLES)), own.state.in_(states))


def _to_mend(row: Any) -> Errand:
    state, url = CapabilityState(row.word), url_for("capabilities.edit", key=row.ref)
    return Errand(row.title, _("能力"), _("修改"), url, row.note[:60], state=(_(STATE_LABELS[state]), TONES[state]))


def install(app: Flask) -> None:
    app.register_blueprint(bp)
    errands.register((Role.SCREENER,), to_review, _to_review)
    errands.register(FIRM_ROLES, to_mend, _to_mend)
    consumer.install()
    sources.declare(source.SOURCE)
