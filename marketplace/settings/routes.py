"""Pages of the system administrator: working days, clocks of the funding modes, the site's names, mail."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Flask, abort, current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.exc import SQLAlchemyError

from marketplace import taxonomy, web
from marketplace.demands.clocks import FIGURES, FLOORS, MODES, source
from marketplace.frontend.routes import site as named
from marketplace.platform import clock
from marketplace.platform.forms import trimmed
from marketplace.platform.outbox.service import lag
from marketplace.platform.working_days import KnownYear, SpecialDay, YearStatus
from marketplace.settings import queries, service
from marketplace.settings.forms import ClockForm, ClocksForm, MailForm, SiteForm, TaxonomyForm, YearForm
from marketplace.web import ResponseValue, allow

bp = Blueprint("settings", __name__, url_prefix="/admin/settings")
LABELS = {YearStatus.CONFIRMED: "已确认", YearStatus.PROVISIONAL: "暂定"}


@bp.get("/calendar")
@allow("settings.edit")
def calendar() -> ResponseValue:
    days, years = queries.working_days()
    counts = {year.year: sum(day.on.year == year.year for day in days) for year in years}
    following = max(counts) + 1
    return render_template(
        "administration/calendar.html", years=years, counts=counts, labels=LABELS, following=following
    )


@bp.route("/calendar/<int:year>", methods=["GET", "POST"])
@allow("settings.edit")
def year(year: int) -> ResponseValue:
    days, years = queries.working_days()
    known: dict[int, KnownYear] = {item.year: item for item in years}
    if year not in known and year != max(known) + 1:
        abort(404)
    own: list[SpecialDay] = [day for day in days if day.on.year == year]
    confirmed = year in known and known[year].status is YearStatus.CONFIRMED
    form = YearForm(data={"days": YearForm.text_of(own), "confirmed": confirmed})
    context = {"form": form, "year": year, "confirmed": confirmed, "is_new": year not in known}
    if form.validate_on_submit():
        web.retry_page("administration/year.html", **context)
        resting = service.set_year(year, form.parsed, confirmed=form.confirmed.data, actor=g.actor, now=g.now)
        flash(_("%(year)s年的日历已保存。", year=year), "done")
        if resting:
            flash(_("有%(count)s条需求的截止日落在休息日，已通知发榜负责人；原截止时间不变。", count=resting), "info")
        return redirect(url_for(".calendar"))
    return render_template("administration/year.html", **context), 422 if form.errors else 200


@bp.get("/clocks")
@allow("settings.edit")
def mode_clocks() -> ResponseValue:
    return render_template(
        "administration/clocks.html", clocks=queries.mode_clocks(), floors=FLOORS, modes=MODES, figures=FIGURES
    )


@bp.route("/clocks/<mode>", methods=["GET", "POST"])
@allow("settings.edit")
def clocks(mode: str) -> ResponseValue:
    if mode not in FLOORS:
        abort(404)
    form = ClocksForm(data=asdict(queries.mode_clocks()[mode]))
    hints = {
        figure: _("不低于%(floor)s（%(source)s）", floor=getattr(FLOORS[mode], figure), source=source(mode, figure))
        for figure in FIGURES
    }
    context = {"form": form, "mode": mode, "label": MODES[mode].zh, "hints": hints, "figures": FIGURES}
    if form.validate_on_submit():
        web.retry_page("administration/mode.html", **context)
        figures = {figure: form[figure].data for figure in FIGURES}
        service.set_clocks(mode, figures, actor=g.actor, now=g.now)
        flash(_("已保存，对此后张榜的需求生效。"), "done")
        return redirect(url_for(".mode_clocks"))
    return render_template("administration/mode.html", **context), 422 if form.errors else 200


@bp.route("/clock", methods=["GET", "POST"])
@allow("settings.edit")
def clock_check() -> ResponseValue:
    """The deciding clock beside the machine's own count of seconds; confirming it lets submissions and openings go on."""
    form = ClockForm()
    context = {
        "form": form,
        "drift": clock.drift(),
        "limit": clock.DRIFT_LIMIT_S,
        "witness": clock.witness(),
        "at": clock.decided_at(),
    }
    if form.validate_on_submit():
        web.retry_page("administration/clock.html", **context)
        service.confirm_clock(reason=form.reason.data, actor=g.actor, now=g.now)
        flash(_("时钟已确认，封标与开启照常进行。"), "done")
        return redirect(url_for(".clock_check"))
    return render_template("administration/clock.html", **context), 422 if form.errors else 200


@bp.route("/site", methods=["GET", "POST"])
@allow("settings.edit")
def site() -> ResponseValue:
    form = SiteForm(data=queries.setting("site"))
    if form.validate_on_submit():
        web.retry_page("administration/site.html", form=form)
        service.set_site(form.values(), actor=g.actor, now=g.now)
        flash(_("已保存。"), "done")
        return redirect(url_for(".site"))
    return render_template("administration/site.html", form=form), 422 if form.errors else 200


@bp.route("/mail", methods=["GET", "POST"])
@allow("settings.edit")
def mail() -> ResponseValue:
    """Where mail leaves, and how far the background work is. An address in the environment stands above the setting."""
    config = current_app.config["ZHANGBANG"]
    stored = queries.setting("mail")
    form = MailForm(data={"security": "starttls", "sender": config.mail_from, **stored})
    context = {
        "form": form,
        "fixed": config.smtp_url.rpartition("@")[2],  # never the password
        "host": stored.get("host", ""),
        "has_password": bool(config.smtp_password),
        "folder": "instance/mail",
        "lag": lag(without="bid."),
    }
    if form.validate_on_submit():
        web.retry_page("administration/mail.html", **context)
        service.set_mail(form.values(), actor=g.actor, now=g.now)
        if "test" in request.form and form.test_to.data:
            key = f"test:{g.actor.id}:{g.now.isoformat(timespec='seconds')}"
            send: Any = current_app.extensions["send_mail"]
            send(form.test_to.data, _("张榜的测试信"), _("收到这封信，说明邮件设置可用。"), key=key, now=g.now)
            flash(_("已保存，测试信在投递。"), "done")
        else:
            flash(_("已保存。"), "done")
        return redirect(url_for(".mail"))
    return render_template("administration/mail.html", **context), 422 if form.errors else 200


@bp.route("/taxonomy", methods=["GET", "POST"])
@allow("settings.edit")
def vocabulary() -> ResponseValue:
    """Names of directions and industries; industries may be added and retired."""
    form = TaxonomyForm()
    if not form.is_submitted():
        for code, label in taxonomy.DIRECTIONS.items():
            form.directions.append_entry({"code": code, "zh": label.zh, "en": label.en})
        for code, label in taxonomy.INDUSTRIES.items():
            shown = {"code": code, "zh": label.zh, "en": label.en, "offered": code not in taxonomy.RETIRED}
            form.industries.append_entry(shown)
        form.industries.append_entry({"offered": True})
    web.retry_page("administration/taxonomy.html", form=form)
    if form.validate_on_submit():
        directions = [(row.data["code"], trimmed(row.data["zh"]), trimmed(row.data["en"])) for row in form.directions]
        industries = [
            (row.data["code"] or "", trimmed(row.data["zh"]), trimmed(row.data["en"]), row.data["offered"])
            for row in form.industries
            if row.data["code"] or trimmed(row.data["zh"])
        ]
        service.set_taxonomy(directions, industries, actor=g.actor, now=g.now)
        flash(_("已保存，表单、筛选和导入从现在起用新的名称。"), "done")
        return redirect(url_for(".vocabulary"))
    return render_template("administration/taxonomy.html", form=form), 422 if form.errors else 200


def _load() -> None:
    """The settings every page needs, in one query: the site's names, and the wording of the vocabularies."""
    if request.endpoint == "static" or request.endpoint in current_app.config["TIMELESS"]:
        return
    stored = queries.several("site", "taxonomy")
    g.site_setting = stored["site"]
    taxonomy.use(stored["taxonomy"])


def _site() -> dict[str, Any]:
    """What is set over the defaults. An error page about the database must not ask the database again."""
    if g.get("failed"):
        return {}
    try:
        stored = g.site_setting if "site_setting" in g else queries.setting("site")
        return {"site": named(stored)}
    except SQLAlchemyError:
        return {}


def install(app: Flask) -> None:
    app.register_blueprint(bp)
    app.before_request(_load)
    app.context_processor(_site)
