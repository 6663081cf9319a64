"""Proposing what a second person confirms, and the winner's answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Flask, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from marketplace import db, web, worker
from marketplace.awards import errands, queries, service, telling
from marketplace.awards.forms import AnnounceForm, DeclineForm, ReasonForm, RemedyForm
from marketplace.awards.models import Award
from marketplace.awards.rules import FELL_THROUGH, STATE_LABELS, AwardState
from marketplace.bids.models import Bid
from marketplace.demands import queries as demand_queries
from marketplace.demands.models import Demand, DemandProposal
from marketplace.demands.routes.public import language
from marketplace.demands.rules import Action, State
from marketplace.notices import queries as notice_queries
from marketplace.notices.models import Notice, Objection
from marketplace.notices.rules.notices import NoticeState
from marketplace.notices.rules.objections import REMEDY_LABELS, Remedy
from marketplace.platform import policy
from marketplace.platform.forms import ConfirmForm
from marketplace.platform.policy import Actor
from marketplace.platform.sentences import spoken
from marketplace.results import queries as results
from marketplace.results.rules import DISQUALIFICATION_LABELS, Disqualification, ReportState
from marketplace.taxonomy import Label
from marketplace.web import ResponseValue, allow

bp = Blueprint("awards", __name__)
STATES: dict[AwardState, Label] = {
    AwardState.PROPOSED: Label("拟中榜", "Proposed"),
    AwardState.NOTICED: Label("公示中", "On public notice"),
    AwardState.CONFIRMED: Label("已定榜，待接受", "Awarded, to be accepted"),
    AwardState.DECLINED: Label("已放弃", "Declined"),
    AwardState.VOID: Label("已作废", "Void"),
}


def _by() -> dict[str, Any]:
    return {"actor": g.actor, "now": g.now}


def _act_page(
    title: str, form: Any, verb: str, back: str, crumb: str, consequences: list[str], **more: Any
) -> dict[str, Any]:
    page = {"title": title, "form": form, "verb": verb, "back": back, "crumb": (crumb, back)}
    return page | {"consequences": consequences, "kind": "solemn"} | more


def _reviewing(*, actor: Actor, now: datetime, ref: str) -> Demand | None:
    found = demand_queries.find(actor=actor, now=now, ref=ref)
    return found if found is not None and found.state in (State.REVIEWING, State.NOTICE, State.AWARDED) else None


@bp.route("/demands/<ref>/announcement", methods=["GET", "POST"])
@allow("demand.propose", _reviewing)
def announce(demand: Demand) -> ResponseValue:
    """Propose the public notice of the ranking in force."""
    form = AnnounceForm()
    back = url_for("results.dashboard", ref=demand.number)
    page = _act_page(
        _("提出公示：%(title)s", title=demand.title),
        form,
        _("提出公示"),
        back,
        demand.title,
        [
            _("由另一位发榜负责人或监督员确认后公布，您不能自己确认。"),
            _(
                "公布之后：候选单位、名次和承诺公开的得分人人可见；每家揭榜单位收到结果通知书；公示期内可以实名提出异议。"
            ),
        ],
    )
    web.retry_page("results/act.html", **page)
    if form.validate_on_submit():
        service.propose_announcement(demand, reason=form.reason.data or "", text=form.text.data or "", **_by())
        flash(_("已提出，请另一人确认。"), "done")
        return redirect(back)
    return render_template("results/act.html", **page), 422 if form.is_submitted() else 200


@bp.route("/demands/<ref>/award", methods=["GET", "POST"])
@allow("demand.propose", _reviewing)
def award(demand: Demand) -> ResponseValue:
    """Propose the award once the window is over."""
    form = ReasonForm()
    back = url_for("demands.work", ref=demand.number)
    open_ones = notice_queries.open_objections(demand.id)
    page = _act_page(
        _("提出定榜：%(title)s", title=demand.title),
        form,
        _("提出定榜"),
        back,
        demand.title,
        [
            _("由另一位发榜负责人或监督员确认后生效，您不能自己确认。"),
            _("生效后通知中榜单位，5个工作日内由单位管理员接受或放弃，逾期视为放弃。"),
            *([_("现有%(count)s件异议未办结，办结之前不能定榜。", count=open_ones)] if open_ones else []),
        ],
    )
    web.retry_page("results/act.html", **page)
    if form.validate_on_submit():
        service.propose_award(demand, reason=form.reason.data or "", **_by())
        flash(_("已提出，请另一人确认。"), "done")
        return redirect(back)
    return render_template("results/act.html", **page), 422 if form.is_submitted() else 200


@bp.route("/demands/<ref>/re-review", methods=["GET", "POST"])
@allow("demand.propose", _reviewing)
def review_again(demand: Demand) -> ResponseValue:
    """Propose to review again because an expert was recused after the result was announced."""
    form = ReasonForm()
    back = url_for("demands.work", ref=demand.number)
    gone = "、".join(seat.expert.name for seat in results.counted_no_more(demand.id))
    page = _act_page(
        _("提出重新评审：%(title)s", title=demand.title),
        form,
        _("提出重新评审"),
        back,
        demand.title,
        [
            _("排名之后退出的专家：%(names)s。所评分数留档，不再计入。", names=gone)
            if gone
            else _("排名所依据的专家都还在专家组，没有这样重新评审的理由。"),
            _(
                "由监督员确认后生效：公示撤销并公开理由，中榜作废；候补专家评完全部标书，重新计算排名、签署报告后再公示。"
            ),
        ],
    )
    web.retry_page("results/act.html", **page)
    if form.validate_on_submit():
        service.propose_again(demand, reason=form.reason.data or "", **_by())
        flash(_("已提出，请监督员确认。"), "done")
        return redirect(back)
    return render_template("results/act.html", **page), 422 if form.is_submitted() else 200


@bp.route("/awards/<int:award_id>", methods=["GET", "POST"])
@allow("award.see", queries.find)
def show(row: Award) -> ResponseValue:
    """One award; its winner accepts or declines here."""
    form, tongue = DeclineForm(), language()
    why_not = spoken(policy.why_not("award.take_up", g.actor, row, g.now)) or None
    if g.actor.has("publisher", "supervisor", "screener"):
        why_not = _("等待中榜单位的管理员接受或放弃。")
    label = STATES.get(row.state, Label(STATE_LABELS[row.state], STATE_LABELS[row.state]))
    taken = row.state is AwardState.CONFIRMED and row.taken_up_at is not None
    if taken:
        label = Label("已接受，待签约", "Accepted, contract to follow")
    page = {
        "award": row,
        "title": _("中榜：%(title)s", title=row.demand.title),
        "state": {"label": label.en if tongue == "en" else label.zh, "tone": "ended" if row.ended_at else "winner"},
        "form": form,
        "waits": row.state is AwardState.CONFIRMED and not taken,
        "refusal": why_not if row.state is AwardState.CONFIRMED and not taken else None,
        "may_decline": row.state is AwardState.CONFIRMED
        and not taken
        and policy.allows("award.decline", g.actor, row, g.now),
        "substitute_url": url_for(".substitute", award_id=row.id)
        if row.state in FELL_THROUGH and policy.allows("award.propose_substitute", g.actor, row, g.now)
        else None,
        "notice_url": url_for("notices.show", notice_id=row.notice_id),
    }
    web.retry_page("awards/show.html", **page)
    if form.validate_on_submit():
        if request.form.get("answer") == "no":
            service.decline(row, reason=form.reason.data or "", **_by())
            flash(_("已放弃，主管部门已收到。"), "done")
        else:
            service.take_up(row, **_by())
            flash(_("已接受。定榜后30日内签约，主管部门会与贵单位联系。"), "done")
        return redirect(url_for(".show", award_id=row.id))
    return render_template("awards/show.html", **page), 422 if form.is_submitted() else 200


@bp.route("/awards/<int:award_id>/substitution", methods=["GET", "POST"])
@allow("award.propose_substitute", queries.find)
def substitute(row: Award) -> ResponseValue:
    """Propose the next in line for a place that fell vacant."""
    form, line = ReasonForm(), queries.next_line(row.demand_id)
    back = url_for(".show", award_id=row.id)
    who = line.bid.organisation.name if line is not None else _("没有可以递补的候选单位")
    page = _act_page(
        _("提出递补：%(title)s", title=row.demand.title),
        form,
        _("提出递补"),
        back,
        row.demand.title,
        [
            _("递补单位：%(who)s", who=who),
            _("由监督员确认。确认后发布只涉及这一名次的递补公示，其他中榜单位不受影响。"),
        ],
    )
    web.retry_page("results/act.html", **page)
    if form.validate_on_submit():
        service.propose_substitute(row, reason=form.reason.data or "", **_by())
        flash(_("已提出，请监督员确认。"), "done")
        return redirect(back)
    return render_template("results/act.html", **page), 422 if form.is_submitted() else 200


def _substitute_notice(*, actor: Actor, now: datetime, notice_id: int) -> Notice | None:
    found = notice_queries.find(actor=actor, now=now, notice_id=notice_id)
    return notice_queries.fill_facts(found) if found is not None and found.place else None


@bp.route("/notices/<int:notice_id>/award", methods=["GET", "POST"])
@allow("award.substitute_desk", _substitute_notice)
def substitute_award(notice: Notice) -> ResponseValue:
    """The award of a substitute: proposed by one, confirmed by another, both on this page."""
    form = ConfirmForm()
    proposed = notice.award_proposed_by_id is not None
    permission = "notice.stand" if proposed else "notice.propose_award"
    refusal = policy.why_not(permission, g.actor, notice, g.now)
    back = url_for("demands.work", ref=notice.demand.number)
    page = _act_page(
        _("递补定榜：%(title)s", title=notice.demand.title),
        form,
        _("确认定榜") if proposed else _("提出定榜"),
        back,
        notice.demand.title,
        [
            _("递补单位：%(who)s", who=notice.content["candidates"][0]["name"]),
            _("由一人提出、另一人确认；确认后通知该单位，5个工作日内接受或放弃。"),
            *([_("现在不能办理：%(why)s", why=refusal)] if refusal else []),
        ],
    )
    web.retry_page("results/act.html", **page)
    if form.validate_on_submit():
        if proposed:
            service.confirm_substitute_award(notice, **_by())
        else:
            service.propose_substitute_award(notice, **_by())
        flash(_("已办理。"), "done")
        return redirect(back)
    return render_template("results/act.html", **page)


def _upheld(*, actor: Actor, now: datetime, public_id: str) -> Objection | None:
    found = notice_queries.find_objection(actor=actor, now=now, public_id=public_id)
    return found if found is not None and actor.has("publisher", "supervisor", "screener") else None


@bp.route("/desk/objections/<public_id>/remedy", methods=["GET", "POST"])
@allow("objection.remedy", _upheld)
def remedy(row: Objection) -> ResponseValue:
    """Propose what an upheld objection leads to."""
    form = RemedyForm()
    voids = row.remedy is Remedy.VOID and row.demand.state is State.NOTICE
    if voids:
        del form.rescore  # there will be no result
    back = url_for("notices.work", public_id=row.public_id)
    told = REMEDY_LABELS[row.remedy] if row.remedy is not None else "—"
    about = row.about_bid.organisation.name if row.about_bid is not None else _("没有指明候选单位")
    page = _act_page(
        _("处理成立的异议：%(title)s", title=row.demand.title),
        form,
        _("提出处理措施"),
        back,
        row.demand.title,
        [
            _("答复写明的处理：%(what)s；针对的候选单位：%(who)s。", what=told, who=about),
            _("由监督员确认后生效：公示撤销并公开理由，需求流榜，各揭榜单位收到结果通知书，原记录全部保留。")
            if voids
            else _("由监督员确认后生效：公示撤销并公开理由，名次重新计算或重新评分，原记录全部保留。"),
        ],
    )
    web.retry_page("results/act.html", **page)
    if form.validate_on_submit():
        service.propose_remedy(
            row,
            out=bool(form.out.data or form.code.data),
            rescore=not voids and bool(form.rescore.data),
            code=form.code.data or "",
            reason=form.reason.data or "",
            **_by(),
        )
        flash(_("已提出，请监督员确认。"), "done")
        return redirect(back)
    return render_template("results/act.html", **page), 422 if form.is_submitted() else 200


@bp.get("/desk/awards")
@allow("letter.mine")
def mine() -> ResponseValue:
    """A bidder's own awards."""
    tongue = language()
    rows = [
        {
            "url": url_for(".show", award_id=item.id),
            "title": item.demand.title,
            "number": item.demand.number,
            "state": _state_word(item, tongue),
            "until": item.take_up_ends_at if item.state is AwardState.CONFIRMED and item.taken_up_at is None else None,
        }
        for item in queries.own(g.actor, g.now)
    ]
    return render_template("awards/mine.html", rows=rows, title=_("我的中榜"))


def _state_word(item: Award, tongue: str) -> str:
    label = STATES.get(item.state, Label(STATE_LABELS[item.state], STATE_LABELS[item.state]))
    if item.state is AwardState.CONFIRMED and item.taken_up_at is not None:
        label = Label("已接受，待签约", "Accepted, contract to follow")
    return label.en if tongue == "en" else label.zh


# -- hooks -----------------------------------------------------------------------------------------------------------


def on_work_page(demand: Demand) -> list[dict[str, Any]]:
    """Buttons for who works on a demand after its review."""
    items: list[dict[str, Any]] = []
    ref = demand.number
    if not g.actor.has("publisher", "supervisor", "screener"):
        return items
    if demand.state is State.REVIEWING and g.actor.has("publisher"):
        report = results.report(demand.id)
        signed = report is not None and report.state is ReportState.SIGNED
        why = None if signed else _("评审报告签署完毕之后才能提出公示。")
        items.append({"label": _("提出公示"), "url": url_for("awards.announce", ref=ref), "refusal": why})
    if demand.state is State.NOTICE:
        notice = notice_queries.latest(demand.id)
        if notice is not None:
            items.append({"label": _("查看公示"), "url": url_for("notices.show", notice_id=notice.id), "refusal": None})
            if g.actor.has("publisher"):
                why = policy.why_not("notice.propose_award", g.actor, notice_queries.fill_facts(notice), g.now)
                gone = bool(results.counted_no_more(demand.id))
                why = _("有专家在公示期间退出，须先重新评审。") if gone else why
                items.append({"label": _("提出定榜"), "url": url_for("awards.award", ref=ref), "refusal": why})
                if gone:
                    url = url_for("awards.review_again", ref=ref)
                    items.append({"label": _("提出重新评审"), "url": url, "refusal": None})
    if demand.state is State.AWARDED:
        for item in queries.present(demand.id):
            label = _("第%(place)s名次：%(state)s", place=item.place, state=_state_word(item, "zh"))
            items.append(
                {"label": label, "url": url_for("awards.show", award_id=item.id), "refusal": None, "kind": "line"}
            )
            if item.notice.place and item.notice.state is NoticeState.PUBLISHED:
                url = url_for("awards.substitute_award", notice_id=item.notice_id)
                items.append({"label": _("递补定榜"), "url": url, "refusal": None, "kind": "line"})
    return items


def on_proposal(proposal: DemandProposal) -> list[tuple[str, Any, None]]:
    """What the second person must see of a proposal of these acts."""
    payload, found = proposal.payload, list[tuple[str, Any, None]]()
    if proposal.action in (Action.ANNOUNCE, Action.AWARD) and "notice" in payload:
        notice = db.session.get(Notice, int(payload["notice"]))
        if notice is not None:
            names = "、".join(
                f"{item['rank']}. {item['name']}{'（拟中榜）' if item['proposed'] else ''}"
                for item in notice.content["candidates"]
            )
            found += [(_("候选单位"), names, None), (_("结果指纹"), notice.content["ranking"]["hash"], None)]
    if proposal.action is Action.SUBSTITUTE and "bid" in payload and payload["bid"]:
        bid = db.session.get(Bid, int(payload["bid"]))
        word = _("取消资格") if "void" in payload else _("递补单位")
        found.append((word, bid.organisation.name if bid is not None else "—", None))
    if proposal.action in (Action.RE_REVIEW, Action.VOID) and "rescore" in payload:
        if payload.get("bid"):
            bid = db.session.get(Bid, int(payload["bid"]))
            code = Disqualification(payload["code"])
            text = f"{bid.organisation.name if bid else '—'}，{code} {DISQUALIFICATION_LABELS[code]}"
            found.append((_("取消资格"), text, None))
        how = _("专家组重新评分") if payload["rescore"] else _("用已锁定的评分表重新排名")
        if proposal.action is Action.RE_REVIEW:
            found.append((_("怎样重新评审"), how, None))
    return found


def install(app: Flask) -> None:
    app.register_blueprint(bp)
    service.install()
    telling.install()
    app.extensions.setdefault("demand_work", []).append(on_work_page)
    app.extensions.setdefault("proposal_details", []).append(on_proposal)
    errands.install()
    app.extensions["ahead"].append(_ahead)
    worker.every(60, "awards", _expire)


def _expire(now: datetime) -> None:
    with db.transaction():
        service.expire_due(now)


def _ahead(now: datetime) -> list[tuple[datetime, str]]:
    """The award that lapses next unless it is taken up, for the demo clock."""
    found = queries.due_next(now)
    if found is None or found.take_up_ends_at is None:
        return []
    return [(found.take_up_ends_at, _("“%(title)s”接受期满", title=found.demand.title))]
