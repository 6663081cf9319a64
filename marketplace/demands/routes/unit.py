"""A unit writes its demand: begin, fill in while it is saved, mend, preview, attach, hand on to the act of submission.

Saving never asks for completeness and never overwrites what somebody else saved in between: both versions are shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from flask import Response, current_app, flash, g, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from marketplace import db, web
from marketplace.accounts.models import Organisation
from marketplace.accounts.rules import Role
from marketplace.demands import queries, service
from marketplace.demands.content import DemandContent, diff
from marketplace.demands.forms.writing import CloneForm, DemandForm, NewForm
from marketplace.demands.lint import Lint
from marketplace.demands.look_alikes import Comparison
from marketplace.demands.models import Demand, DemandFile, DemandRound
from marketplace.demands.routes import beside, bp
from marketplace.demands.rules import State
from marketplace.demands.score_sheets import default_sheet
from marketplace.demands.service.writing import current_faults
from marketplace.demands.validity import LABELS
from marketplace.frontend.routes import place
from marketplace.platform import clock, files, policy
from marketplace.platform.errors import Refused
from marketplace.web import ResponseValue, allow

FILE_MOST = 50 * 1024 * 1024  # bytes of one attachment
FILES_MOST = 20
PARTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("basic", "基本信息", ("title", "kind", "direction", "place", "industries", "contact_name", "contact_phone")),
    ("need", "背景与目标", ("background", "goal", "content")),
    ("indicators", "技术指标", ("indicators",)),
    ("offers", "开放条件", ("offers", "site_visit")),
    (
        "money",
        "资金与周期",
        ("mode", "budget_fen", "funds_source", "period_months", "deliver_by", "ip_ownership", "procurement_number"),
    ),
    ("conditions", "揭榜条件", ("conditions", "consortium_max", "security_level", "data_export", "classified")),
    ("scoring", "评分与里程碑", ("score_sheet", "award_count", "min_bids", "milestones")),
    ("files", "附件", ()),
)
KINDS = {"blocking": "block", "advice": "advice", "passed": "pass"}


def _units() -> list[Organisation]:
    ids = g.actor.organisations(Role.DRAFTER, Role.APPROVER)
    return list(db.session.scalars(select(Organisation).where(Organisation.id.in_(ids)).order_by(Organisation.id)))


def _offer_units(form: NewForm | CloneForm) -> list[Organisation]:
    units = _units()
    form.unit.choices = [(unit.id, unit.name) for unit in units]
    if form.unit.data is None and units:
        form.unit.data = units[0].id
    return units


@bp.route("/demands/new", methods=["GET", "POST"])
@allow("demand.create")
def new() -> ResponseValue:
    """Name, direction and money first: they decide the score sheet. Then the whole form, saved from the first word."""
    form = NewForm()
    units = _offer_units(form)
    if form.validate_on_submit():
        content = DemandContent(
            title=form.title.data or "", direction=form.direction.data or "", mode=form.mode.data or ""
        )
        if content.direction and content.mode:
            content = replace(content, score_sheet=default_sheet(content.direction, content.mode))
        unit = next(unit for unit in units if unit.id == form.unit.data)
        demand = service.create(unit=unit, content=content, actor=g.actor, now=g.now)
        return redirect(url_for(".edit", ref=demand.ref))
    page = render_template("demands/new.html", form=form, several=len(units) > 1)
    return page, 422 if form.is_submitted() else 200


@bp.route("/demands/<ref>/edit", methods=["GET", "POST"])
@allow("demand.edit", queries.find)
def edit(demand: Demand) -> ResponseValue:
    """The whole form. 暂存 saves; 提交 saves and goes on to the page of submission when nothing is missing."""
    before = demand.said
    form = DemandForm.showing(before, version=demand.lock_version)
    if not form.is_submitted():
        return _page(demand, form, before)
    valid = form.validate_on_submit()
    if "csrf_token" in form.errors:
        return _page(demand, form, before), 400
    if form.change_rows(request.form.get("add", ""), request.form.get("remove", "")):
        for field in form:
            field.errors = []
        return _page(demand, form, form.said(before))
    content = form.said(before)
    if form.version.data != str(demand.lock_version):
        return _both_versions(demand, form, content), 409
    web.retry_page("demands/form.html", **_context(demand, form, content))
    if not valid:
        return _page(demand, form, content, errors=len(form.errors)), 422
    service.save(demand, content, seen_version=demand.lock_version, actor=g.actor, now=g.now)
    _change_files(demand, form)
    if "submit" in request.form:
        return _to_submission(demand, form, content)
    flash(_("已暂存。"), "done")
    return redirect(url_for(".edit", ref=demand.ref))


def _to_submission(demand: Demand, form: DemandForm, content: DemandContent) -> ResponseValue:
    """Saved it is either way; what is missing is shown beside its field."""
    missing = current_faults(demand, now=g.now)
    if not missing:
        return redirect(url_for("demands.act_submission", ref=demand.ref))
    form.version.data = str(demand.lock_version)
    return _page(demand, form, content, errors=form.blame(missing)), 422


def _both_versions(demand: Demand, form: DemandForm, mine: DemandContent) -> str:
    """Somebody saved in between: his words beside one's own; saving again then means one's own."""
    form.version.data = str(demand.lock_version)
    form.form_errors.append(
        _(
            "这条需求在您填写期间已被别人保存过，您的内容还没有写入。请对照下面的不同之处修改，再点“暂存”以您的内容为准。"
        )
    )
    theirs = [
        {"label": LABELS[change.field], "before": brief(change.before), "after": brief(change.after) or _("（空）")}
        for change in diff(demand.said, mine)
    ]
    return _page(demand, form, mine, conflict=theirs, errors=1)


def brief(value: Any) -> str:
    """A stored value in one readable piece: lists by their names, booleans in words."""
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return str(_("是") if value else _("否"))
        case list():
            return "；".join(brief(item) for item in value)
        case dict() if "criteria" in value:
            return "；".join(f"{item['name']}{item['weight']}" for item in dict(value)["criteria"])
        case dict():
            return "，".join(str(item) for item in value.values() if item not in ("", None, False))
        case _:
            return str(value)


@bp.post("/demands/<ref>/autosave")
@allow("demand.edit", queries.find)
def autosave(demand: Demand) -> ResponseValue:
    """Save while one types: what can be read is stored, the rest is named."""
    before = demand.said
    form = DemandForm.showing(before, version=demand.lock_version)
    valid = form.validate_on_submit()
    if "csrf_token" in form.errors:
        return _json(400, _("这一页打开得太久，没有保存。请点“暂存”后刷新。"))
    if form.version.data != str(demand.lock_version):
        return _json(409, _("别人刚保存过这条需求，自动保存已停止。请点“暂存”对照两份内容。"))
    service.save(demand, form.said(before), seen_version=demand.lock_version, actor=g.actor, now=g.now)
    at = g.now.astimezone(clock.BEIJING).strftime("%H:%M")
    message = _("%(at)s已自动保存", at=at)
    if not valid:
        bad = "、".join(str(form[name].label.text) for name in form.errors if name)
        message = _("%(at)s已自动保存，%(bad)s填得不对，没有存", at=at, bad=bad)
    return _json(200, message, version=str(demand.lock_version))


def _json(status: int, message: str, **fields: str) -> Response:
    response = jsonify(message=message, fields=fields)
    response.status_code = status
    return response


@bp.post("/demands/<ref>/lint")
@allow("demand.edit", queries.find)
def lint_live(demand: Demand) -> ResponseValue:
    """The check of what stands in the form right now; nothing is stored."""
    before = demand.said
    form = DemandForm.showing(before, version=demand.lock_version)
    form.validate_on_submit()
    return render_template("demands/lint_body.html", report=report_of(queries.Checker(g.now)(form.said(before)), form))


def report_of(found: Lint, form: DemandForm) -> dict[str, Any]:
    """The lint as ``components/lint.html`` takes it; each finding leads to its field."""

    def place_of(name: str) -> str | None:
        field = form.find(name) if name else None
        return f"#{field.id}" if field is not None else None

    return {
        "score": found.score,
        "findings": [
            {
                "kind": KINDS[item.severity],
                "title": item.title,
                "text": "".join(filter(None, (item.message, item.suggestion))),
                "law": item.article,
                "href": place_of(item.field) if item.severity != "passed" else None,
            }
            for item in found.findings
        ],
    }


def _page(demand: Demand, form: DemandForm, content: DemandContent, **more: Any) -> str:
    return render_template("demands/form.html", **_context(demand, form, content, **more))


def _context(
    demand: Demand,
    form: DemandForm,
    content: DemandContent,
    *,
    errors: int = 0,
    conflict: Iterable[dict[str, str]] = (),
) -> dict[str, Any]:
    found = queries.Checker(g.now)(content)
    refusal = policy.why_not("demand.submit", g.actor, demand, g.now)
    return {
        "form": form,
        "title": _("补正需求") if demand.state is State.RETURNED else _("填报需求"),
        "parts": _parts(found),
        "here": None,
        "report": report_of(found, form),
        "lint_url": url_for(".lint_live", ref=demand.ref),
        "autosave_url": url_for(".autosave", ref=demand.ref),
        "saved": _("%(at)s已保存", at=demand.updated_at.astimezone(clock.BEIJING).strftime("%m-%d %H:%M")),
        "submit": {"label": _("提交"), "name": "submit", "refusal": refusal},
        "note": _("提交前会再列出要点请您确认；提交后由受理员审查，开始审查之前可以收回。"),
        "preview_url": place("demands.show", ref=demand.ref),
        "files": _files(demand),
        "defects": _defects(demand),
        "similar": look_alikes(demand, content),
        "conflict": list(conflict),
        "sheet": content.score_sheet.criteria,
        "error_count": errors,
        "work_url": url_for("demands.work", ref=demand.ref),
        "drop_url": _if_allowed("demand.drop", demand, "demands.act_drop"),
        **beside(demand, content),
    }


def _if_allowed(permission: str, demand: Demand, endpoint: str) -> str | None:
    return url_for(endpoint, ref=demand.ref) if policy.allows(permission, g.actor, demand, g.now) else None


def _parts(found: Lint) -> list[tuple[str, str, str, bool]]:
    """How far each part is: what must still be mended is counted, gravest word first."""
    blocking = [item.field.partition("-")[0] for item in found.blocking]
    result = []
    for anchor, label, names in PARTS:
        count = sum(name in names for name in blocking)
        note = _("待改%(count)s处", count=count) if count else ("" if anchor == "files" else _("已填好"))
        result.append((f"#part-{anchor}", _(label), note, bool(count)))
    return result


def _defects(demand: Demand) -> list[dict[str, str]]:
    if demand.state is not State.RETURNED:
        return []
    last = db.session.scalar(
        select(DemandRound).where(DemandRound.demand_id == demand.id).order_by(DemandRound.id.desc()).limit(1)
    )
    return [
        {"part": LABELS.get(item["field"], _("整体")), "text": item["text"]} for item in (last.defects if last else ())
    ]


def look_alikes(demand: Demand, content: DemandContent) -> list[dict[str, str]]:
    """Demands this person may see that read alike, so that nothing is written twice."""
    if len(content.title) < 4:
        return []
    columns = (Demand.id, Demand.title, Demand.number, Demand.key)
    found = Comparison().nearest(
        content.title,
        content.goal,
        within=queries.visible(g.actor, g.now).with_only_columns(*columns),
        besides=(demand.id, demand.origin_id),
        limit=3,
    )
    return [
        {
            "title": row.title,
            "url": place("demands.show", ref=row.number or row.key) or "",
            "why": _("相近%(score)s%%", score=round(item.score * 100)),
        }
        for row, item in found
    ]


def _live_files(demand: Demand) -> list[DemandFile]:
    return [item for item in demand.files if item.removed_at is None and item.role == "attachment"]


def _files(demand: Demand) -> list[dict[str, Any]]:
    return [
        {
            "key": item.key,
            "name": item.name,
            "size": item.size,
            "kind": files.extension(item.name).upper(),
            "url": place("demands.file", ref=demand.ref, key=item.key),
        }
        for item in _live_files(demand)
    ]


def _change_files(demand: Demand, form: DemandForm) -> None:
    """Take off what was asked for, add what was sent; a file that cannot be taken refuses the whole save."""
    wanted = request.form.get("remove_file", "")
    for item in _live_files(demand):
        if item.key == wanted:
            service.remove_file(item, actor=g.actor, now=g.now)
    for upload in form.files.data or ():
        if getattr(upload, "filename", ""):
            if len(_live_files(demand)) >= FILES_MOST:
                raise Refused(_("附件最多20个。"), fields={"files": _("附件最多20个。")})
            _attach(demand, upload)


def _attach(demand: Demand, upload: Any) -> None:
    taken = files.receive(upload, storage=current_app.extensions["storage"], limit=FILE_MOST)
    service.attach(demand, taken.stored, name=taken.name, media_type=taken.media_type, actor=g.actor, now=g.now)


@bp.route("/demands/<ref>/clone", methods=["GET", "POST"])
@allow("demand.clone", queries.find)
def clone(demand: Demand) -> ResponseValue:
    """A new draft with the same words; dates are left to be filled anew."""
    form = CloneForm()
    units = _offer_units(form)
    if form.validate_on_submit():
        unit = next(unit for unit in units if unit.id == form.unit.data)
        draft = service.clone(demand, unit=unit, actor=g.actor, now=g.now)
        flash(_("已照原需求建立草稿，请核对内容并补上日期和联系人。"), "done")
        return redirect(url_for(".edit", ref=draft.ref))
    page = render_template("demands/clone.html", form=form, demand=demand, several=len(units) > 1, back=_back(demand))
    return page, 422 if form.is_submitted() else 200


def _back(demand: Demand) -> str:
    """To the page this person has of the demand: his unit's work page, or the public one."""
    inside = policy.allows("demand.work", g.actor, demand, g.now)
    return url_for("demands.work", ref=demand.ref) if inside else place("demands.show", ref=demand.ref) or "/"
