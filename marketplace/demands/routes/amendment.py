"""Changing a published demand: type, see field by field what will change and where the deadline goes, publish."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from marketplace import web
from marketplace.demands import clocks, pages, queries, service
from marketplace.demands.content import DemandContent, diff, fingerprint, to_json
from marketplace.demands.forms.amendment import AmendForm, typed_from
from marketplace.demands.models import Demand
from marketplace.demands.routes import bp
from marketplace.demands.validity import faults
from marketplace.platform import audit
from marketplace.platform.errors import Invalid, Refused
from marketplace.platform.working_days import beijing_day
from marketplace.settings import queries as settings
from marketplace.web import ResponseValue, allow


@bp.route("/demands/<ref>/amendment", methods=["GET", "POST"], endpoint="act_amendment")
@allow("demand.amend", queries.find)
def amendment(demand: Demand) -> ResponseValue:
    """``post`` publishes only what the last preview showed; anything else previews."""
    before = demand.said
    form = AmendForm(data=typed_from(before))
    page: dict[str, Any] = {
        "form": form,
        "demand": demand,
        "content": before,
        "preview": None,
        "back": url_for("demands.work", ref=demand.ref),
    }
    web.retry_page("demands/staff/amendment.html", **page)
    if not form.validate_on_submit():
        return render_template("demands/staff/amendment.html", **page), 422 if form.is_submitted() else 200
    after = form.apply(before)
    seen = fingerprint({"version": demand.content_version, "content": to_json(after), "closes": str(form.closes_at())})
    if "post" in request.form and form.seen.data == seen:
        version = service.amend(
            demand, after, reason=form.reason.data, closes_at=form.closes_at(), actor=g.actor, now=g.now
        )
        flash(_("变更已发布，现为第%(n)s版，关注者会收到通知。", n=version.version), "done")
        return redirect(url_for("demands.work", ref=demand.ref))
    page["preview"] = _preview(demand, before, after, form.closes_at())
    form.seen.data = seen
    return render_template("demands/staff/amendment.html", **page)


def _preview(demand: Demand, before: DemandContent, after: DemandContent, wanted: datetime | None) -> dict[str, Any]:
    """What would be published: the changed fields, and the deadline with the word why it moves."""
    assert demand.closes_at is not None
    known, calendar = settings.mode_clocks()[demand.mode], settings.calendar()
    if missing := faults(after, clocks=known, today=beijing_day(g.now)):
        raise Invalid(missing[0].sentence, fields={fault.field: fault.sentence for fault in reversed(missing)})
    asked = max(wanted or demand.closes_at, demand.closes_at)
    closes_at = clocks.deadline_after_amendment(known, amended_at=g.now, deadline_at=asked, calendar=calendar)
    changes = [dataclasses.asdict(change) for change in diff(before, after)]
    if not changes and closes_at == demand.closes_at:
        raise Refused(_("没有任何改动，不需要发布变更。"))
    if closes_at != demand.closes_at:
        moved = {name: audit.timestamp(at) for name, at in (("before", demand.closes_at), ("after", closes_at))}
        changes.append({"field": "closes_at", **moved})
    return {
        "changes": [pages.change_shown(change, "zh") for change in changes],
        "closes_at": closes_at,
        "forced": closes_at > asked,
        "lead": known.amendment_days,
        "note": calendar.provisional_note(beijing_day(g.now), beijing_day(closes_at)),
    }
