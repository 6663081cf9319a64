"""Running a batch: the call, the choice from the pool, the preview, the posting, the call back."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import func, select

from marketplace import db, web
from marketplace.accounts import queries as accounts
from marketplace.accounts.models import Organisation, User
from marketplace.accounts.rules import Role
from marketplace.batches import queries as batch_queries
from marketplace.batches import service as batches
from marketplace.batches.models import Batch
from marketplace.batches.rules import ACTION_LABELS, PHASE_LABELS, BatchAction, phase
from marketplace.demands import queries, service
from marketplace.demands.clocks import MODES
from marketplace.demands.forms.acts import ReasonForm
from marketplace.demands.forms.batches import BatchForm, PostForm
from marketplace.demands.models import Demand
from marketplace.demands.routes import bp
from marketplace.demands.rules import CUSTODY
from marketplace.platform.errors import Invalid
from marketplace.platform.formatting import money_text
from marketplace.platform.forms import ConfirmForm
from marketplace.platform.workflow import offered
from marketplace.platform.working_days import BEIJING, beijing_day, close_of
from marketplace.settings import queries as settings
from marketplace.web import ResponseValue, allow

ZONE = "ZZGX"


def _by() -> dict[str, Any]:
    return {"actor": g.actor, "now": g.now}


@bp.get("/desk/batches")
@allow("batch.create")
def manage_batches() -> ResponseValue:
    """All batches, the newest on top."""
    # Whoever is published has a number in his batch: the index over both is read, and no demand.
    listed = select(Demand.batch_id, func.count()).where(Demand.sequence.is_not(None)).group_by(Demand.batch_id)
    counts = {row[0]: row[1] for row in db.session.execute(listed)}
    rows = [
        {
            "batch": batch,
            "phase": PHASE_LABELS[phase(batch.state, batch.visible_from, now=g.now)],
            "count": counts.get(batch.id, 0),
        }
        for batch in db.session.scalars(batch_queries.visible(g.actor, g.now))
    ]
    return render_template("batches/manage/index.html", rows=rows)


def _units() -> list[Organisation]:
    return list(db.session.scalars(accounts.posting_units()))


def _batch_page(form: BatchForm, batch: Batch | None) -> dict[str, Any]:
    form.units.choices = [(unit.id, unit.name) for unit in _units()]
    return {"form": form, "batch": batch, "back": url_for("demands.manage_batches")}


@bp.route("/desk/batches/new", methods=["GET", "POST"])
@allow("batch.create")
def new_batch() -> ResponseValue:
    form = BatchForm(year=g.now.astimezone(BEIJING).year)
    page = _batch_page(form, None)
    web.retry_page("batches/manage/form.html", **page)
    if form.validate_on_submit():
        start, end = form.window()
        batch = batches.create(
            zone=ZONE,
            year=form.year.data,
            theme=form.theme.data,
            call_text=form.call_text.data or "",
            document_number=form.document_number.data or "",
            collects_from=start,
            collects_until=end,
            **_by(),
        )
        _invite(batch, form)
        return redirect(url_for("demands.manage_batch", code=batch.code))
    return render_template("batches/manage/form.html", **page), 422 if form.is_submitted() else 200


def _invite(batch: Batch, form: BatchForm) -> None:
    chosen = set(form.units.data or ())
    batches.invite(batch, [unit for unit in _units() if unit.id in chosen], **_by())


@bp.route("/desk/batches/<code>/edit", methods=["GET", "POST"])
@allow("batch.manage", batch_queries.find)
def edit_batch(batch: Batch) -> ResponseValue:
    def day(at: datetime | None) -> date | None:
        return beijing_day(at) if at else None

    form = BatchForm(
        year=batch.year,
        theme=batch.theme,
        document_number=batch.document_number,
        call_text=batch.call_text,
        collects_from=day(batch.collects_from),
        collects_until=day(batch.collects_until),
        units=[item.organisation_id for item in batch.invitations],
    )
    page = _batch_page(form, batch)
    web.retry_page("batches/manage/form.html", **page)
    if form.validate_on_submit():
        start, end = form.window()
        batches.edit(
            batch,
            theme=form.theme.data,
            call_text=form.call_text.data or "",
            collects_from=start,
            collects_until=end,
            document_number=form.document_number.data or "",
            **_by(),
        )
        _invite(batch, form)
        return redirect(url_for("demands.manage_batch", code=batch.code))
    return render_template("batches/manage/form.html", **page), 422 if form.is_submitted() else 200


@bp.get("/desk/batches/<code>")
@allow("batch.manage", batch_queries.find)
def manage_batch(batch: Batch) -> ResponseValue:
    """One batch: what it says, what may be done next, what is on it."""
    nouns = {
        BatchAction.EDIT: "edit_batch",
        BatchAction.COLLECT: "collect_batch",
        BatchAction.ASSEMBLE: "assemble_batch",
        BatchAction.POST: "post_batch",
        BatchAction.CALL_BACK: "call_back_batch",
    }
    acts = [
        {
            "label": item.label,
            "url": url_for(f"demands.{nouns[BatchAction(item.action)]}", code=batch.code),
            "refusal": item.refusal,
        }
        for item in offered(batches.MACHINE, batch, actor=g.actor, now=g.now)
    ]
    listed = list(
        db.session.scalars(
            select(Demand).where(Demand.batch_id == batch.id, Demand.number.is_not(None)).order_by(Demand.sequence)
        )
    )
    return render_template(
        "batches/manage/show.html",
        batch=batch,
        phase=PHASE_LABELS[phase(batch.state, batch.visible_from, now=g.now)],
        acts=acts,
        listed=listed,
    )


def _simple(action: BatchAction, consequences: tuple[str, ...]) -> Any:
    verbs = {BatchAction.COLLECT: batches.collect, BatchAction.ASSEMBLE: batches.assemble}

    def view(batch: Batch) -> ResponseValue:
        form = ConfirmForm()
        page = {
            "form": form,
            "batch": batch,
            "verb": ACTION_LABELS[action],
            "consequences": consequences,
            "back": url_for("demands.manage_batch", code=batch.code),
        }
        web.retry_page("batches/manage/act.html", **page)
        if form.validate_on_submit():
            verbs[action](batch, **_by())
            return redirect(url_for("demands.manage_batch", code=batch.code))
        return render_template("batches/manage/act.html", **page)

    return view


for _action, _noun, _says in (
    (BatchAction.COLLECT, "call", ("征集公告在网站公开，受邀单位的填报人和审核人会收到通知。",)),
    (BatchAction.ASSEMBLE, "assembly", ("征集结束，开始从库中选择需求编排榜单。",)),
):
    bp.add_url_rule(
        f"/desk/batches/<code>/{_noun}",
        endpoint=f"{_action}_batch",
        view_func=allow(f"batch.{_action}", batch_queries.find)(_simple(_action, _says)),
        methods=["GET", "POST"],
    )


@bp.route("/desk/batches/<code>/publication", methods=["GET", "POST"])
@allow("batch.post", batch_queries.find)
def post_batch(batch: Batch) -> ResponseValue:
    """Choose, preview, post. ``preview`` shows numbers and deadlines and writes nothing."""
    pool = list(db.session.scalars(queries.pooled()))
    people = list(db.session.scalars(accounts.holders(Role.CUSTODIAN)))
    everything = "all" in request.args
    form = PostForm(
        demands=[demand.id for demand in pool if everything or demand.batch_id == batch.id],
        document_number=batch.document_number,
        custody="2-of-3",
        custodians=[user.id for user in people[:3]],
    )
    form.demands.choices = [
        (demand.id, (demand.title, f"{demand.unit.name}　{MODES[demand.mode].zh}　{money_text(demand.budget_fen)}"))
        for demand in pool
    ]
    form.custodians.choices = [
        (user.id, f"{user.name}（{user.organisation.name if user.organisation else ''}）") for user in people
    ]
    chosen = [demand for demand in pool if demand.id in set(form.demands.data or ())]
    start = max(form.instant() or g.now, g.now)
    page: dict[str, Any] = {
        "form": form,
        "batch": batch,
        "pool": pool,
        "all_url": None if everything or len(pool) < 2 else url_for("demands.post_batch", code=batch.code, all=1),
        "entries": [],
        "back": url_for("demands.manage_batch", code=batch.code),
    }
    web.retry_page("batches/manage/post.html", **page)
    if form.is_submitted() and form.validate():
        if not chosen:
            raise Invalid(_("请至少选择一条已入库的需求再张榜。"), fields={"demands": _("请至少选择一条。")})
        deadlines = _deadlines(chosen)
        page["entries"] = service.preview_batch(batch, chosen, visible_from=start, deadlines=deadlines)
        page["note"] = _provisional_note(start, [entry.closes_at for entry in page["entries"]])
        web.retry_page("batches/manage/post.html", **page)
        if "post" in request.form:
            service.post_batch(
                batch,
                chosen,
                visible_from=form.instant(),
                deadlines={entry.demand.id: entry.closes_at for entry in page["entries"]},
                custody=form.custody.data,
                custodians=_custodians(form, people),
                document_number=form.document_number.data or "",
                **_by(),
            )
            flash(_("已张榜%(count)s条，编号、评分表和公告指纹从现在起固定。", count=len(chosen)), "done")
            return redirect(page["back"])
        return render_template("batches/manage/post.html", **page)
    return render_template("batches/manage/post.html", **page), 422 if form.is_submitted() else 200


def _custodians(form: PostForm, people: list[User]) -> list[User]:
    _k, count = CUSTODY[form.custody.data]
    chosen = set(form.custodians.data or ())
    return [user for user in people if user.id in chosen] if count > 1 else []


def _deadlines(demands: list[Demand]) -> dict[int, datetime]:
    """What was chosen as ``closes-<id>`` (a day; 17:00); days that cannot be read are left to the first possible."""
    found: dict[int, datetime] = {}
    for demand in demands:
        text = request.form.get(f"closes-{demand.id}", "").strip()
        if text:
            try:
                found[demand.id] = close_of(date.fromisoformat(text))
            except ValueError:
                raise Invalid(_("“%(title)s”的截止日写法不对，请写成2026-12-31。", title=demand.title)) from None
    return found


def _provisional_note(start: datetime, ends: list[datetime]) -> str | None:
    if not ends:
        return None
    return settings.calendar().provisional_note(beijing_day(start), beijing_day(max(ends)))


@bp.route("/desk/batches/<code>/call-back", methods=["GET", "POST"])
@allow("batch.call_back", batch_queries.find)
def call_back_batch(batch: Batch) -> ResponseValue:
    form = ReasonForm()
    page = {
        "form": form,
        "batch": batch,
        "verb": ACTION_LABELS[BatchAction.CALL_BACK],
        "consequences": (_("本批全部需求回到库中，编号释放，公众从未看到过它们。"),),
        "back": url_for("demands.manage_batch", code=batch.code),
    }
    web.retry_page("batches/manage/act.html", **page)
    if form.validate_on_submit():
        service.call_back_batch(batch, reason=form.reason.data, **_by())
        return redirect(url_for("demands.manage_batch", code=batch.code))
    return render_template("batches/manage/act.html", **page), 422 if form.is_submitted() else 200
