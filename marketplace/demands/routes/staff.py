"""The acts on a demand: each is a page that names what will happen, and a POST. The table below is all there is to it.

An act is offered where the transition table has it and done where the policy allows it; its page and its button ask the
same function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from flask import current_app, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import undefer

from marketplace import db, web
from marketplace.demands import pages, queries, service
from marketplace.demands.content import Change, DemandContent, diff, from_json
from marketplace.demands.forms import acts as forms
from marketplace.demands.look_alikes import Comparison
from marketplace.demands.models import Demand, DemandProposal, DemandRound
from marketplace.demands.routes import beside, bp
from marketplace.demands.rules import ACTION_LABELS, SECOND_PERSON, STATE_LABELS, TONES, Action, State, end_to_propose
from marketplace.demands.service.writing import MACHINE
from marketplace.demands.validity import LABELS
from marketplace.platform import policy
from marketplace.platform.audit import queries as log
from marketplace.platform.errors import Refused
from marketplace.platform.forms import ConfirmForm, Form
from marketplace.platform.workflow import offered
from marketplace.web import ResponseValue, allow


@dataclass(frozen=True)
class Act:
    """One act: its noun in the address, its permission, its form, what it does and what it says beforehand."""

    noun: str
    permission: str
    form: type[Form]
    do: Callable[[Demand, Any], Any]
    verb: str
    consequences: tuple[str, ...]
    kind: str = ""
    action: Action | None = None


def _by() -> dict[str, Any]:
    return {"actor": g.actor, "now": g.now}


def _appraise(demand: Demand, form: forms.AppraiseForm) -> None:
    blocking = [finding.title for finding in queries.Checker(g.now)(demand.said).blocking]
    service.appraise(
        demand, blocking=blocking, lookalikes=bool(look_alikes(demand)), remark=form.remark.data or "", **_by()
    )


def _pool(demand: Demand, form: forms.PoolForm) -> None:
    reviews = {
        name: {"passed": True, "by": g.actor.name, "text": form[name].data} for name in ("fair_competition", "secrecy")
    }
    service.pool(demand, reviews=reviews, remark=form.remark.data or "", **_by())


def _propose_the_end(demand: Demand, form: forms.ProposeForm) -> None:
    action = end_to_propose(demand, g.now)
    if action is None:
        raise Refused("这条需求现在不用两人决定：截止之前可以直接撤榜，公示开始之后按异议和递补的办法处理。")
    service.propose(demand, action, reason=form.reason.data, **_by())


def _republish(demand: Demand, form: forms.RepublishForm) -> Demand:
    return service.republish(demand, changed=form.changed.data, **_by())


ACTS: tuple[Act, ...] = (
    Act("submission", "demand.submit", ConfirmForm, lambda d, f: service.submit(d, **_by()), "确认提交",
        ("需求交给受理员审查，提交后不能直接修改。", "受理员开始审查之前可以收回。"), action=Action.SUBMIT),
    Act("recall", "demand.recall", ConfirmForm, lambda d, f: service.recall(d, **_by()), "收回",
        ("需求回到草稿，可以继续修改，之后须重新提交。",), action=Action.RECALL),
    Act("screening", "demand.screen", ConfirmForm, lambda d, f: service.begin_screening(d, **_by()), "开始审查",
        ("由您受理这条需求，需求单位不能再收回。",)),
    Act("return", "demand.return", forms.ReturnForm, lambda d, f: service.return_for_correction(d, defects=f.listed(), **_by()),
        "退回补正", ("列出的问题会逐条告知需求单位。", "补正后重新提交时，改动处会标出来给您看。"), action=Action.RETURN),
    Act("comparison", "demand.screen", forms.LookAlikesForm,
        lambda d, f: service.resolve_lookalikes(d, remark=f.remark.data, **_by()), "已比对，不是重复",
        ("比对意见记入审计日志。", "之后可以转入论证。")),
    Act("appraisal", "demand.appraise", forms.AppraiseForm, _appraise, "转入论证",
        ("需求交给发榜负责人组织论证。", "有必须修改的问题或未比对的相似需求时不能转入。"), action=Action.APPRAISE),
    Act("rejection", "demand.reject", forms.ReasonForm, lambda d, f: service.reject(d, reason=f.reason.data, **_by()),
        "不予通过", ("需求就此结束，不能再改。", "理由会告知需求单位。"), action=Action.REJECT),
    Act("pooling", "demand.pool", forms.PoolForm, _pool, "入库",
        ("需求进入备选库，可编入下一批榜单。", "审查结论随需求存档。"), action=Action.POOL),
    Act("drop", "demand.drop", forms.ReasonForm, lambda d, f: service.drop(d, reason=f.reason.data, **_by()), "作罢",
        ("需求就此结束，不能恢复；内容留档，可以照它另写一份。",), action=Action.DROP),
    Act("extension", "demand.extend", forms.ExtendForm,
        lambda d, f: service.extend(d, closes_at=f.closes_at, reason=f.reason.data, **_by()), "延期",
        ("截止时间顺延并公开原因，关注者会收到通知。", "已提交的标书继续有效。"), action=Action.EXTEND),
    Act("suspension", "demand.suspend", forms.PublicReasonForm,
        lambda d, f: service.suspend(d, reason=f.reason.data, **_by()), "暂停",
        ("暂停期间不接受揭榜，页面公开原因。", "恢复时按暂停的时间顺延截止。"), action=Action.SUSPEND),
    Act("resumption", "demand.resume", ConfirmForm, lambda d, f: service.resume(d, **_by()), "恢复",
        ("重新接受揭榜，截止时间为原截止加上暂停的时间，进到工作日17:00。",), action=Action.RESUME),
    Act("withdrawal", "demand.withdraw", forms.PublicReasonForm,
        lambda d, f: service.withdraw(d, reason=f.reason.data, **_by()), "撤榜",
        ("需求从榜单撤下，不能恢复，原因公开。", "已封存的标书不开启，直接销毁，并给出凭据。"), "solemn", action=Action.WITHDRAW),
    Act("reopening", "demand.propose", forms.ReopenForm,
        lambda d, f: service.propose_reopening(d, **f.outage, reason=f.reason.data, **_by()), "提出重开揭榜",
        ("平台在截止时刻中断、而标书还没有开始释放时才能重开。", "监督员确认后立即生效：公开说明，重新接受揭榜，已封的标书继续有效。",
         "已固定的标书集合作废，截止后重新固定，都记入公开的审计日志。")),
    Act("proposal", "demand.propose", forms.ProposeForm, _propose_the_end, "提出撤榜或流榜",
        ("须由有权的第二人登录确认后才生效，提出人不能自己确认。",)),
    Act("republication", "demand.republish", forms.RepublishForm, _republish, "重新张榜",
        ("按原内容另建一份草稿交需求单位修改确认，原需求保持原状并互相链接。",)),
)  # fmt: skip
# Which page an action has; changing the content has one of its own (``routes/amendment.py``).
NOUNS = {act.action: act.noun for act in ACTS if act.action is not None} | {Action.AMEND: "amendment"}


def _view(act: Act) -> Callable[[Demand], ResponseValue]:
    def view(demand: Demand) -> ResponseValue:
        form = act.form()
        page = {
            "act": act,
            "verb": _verb(act, demand),
            "form": form,
            "demand": demand,
            "similar": look_alikes(demand) if act.noun == "comparison" else [],
            "back": url_for("demands.work", ref=demand.ref),
        }
        web.retry_page("demands/act.html", **page)
        if form.is_submitted() and (count := _rows_changed(form)) is not None:
            return render_template("demands/act.html", **page), count
        if form.validate_on_submit():
            made = act.do(demand, form)
            target = made if isinstance(made, Demand) else demand
            return redirect(url_for("demands.work", ref=target.ref))
        return render_template("demands/act.html", **page), 422 if form.is_submitted() else 200

    return view


def _rows_changed(form: Form) -> int | None:
    """``add`` and ``remove`` buttons of repeatable rows, without JavaScript."""
    if "add" in request.form and "defects" in form:
        form["defects"].append_entry()
        return 200
    wanted = request.form.get("remove", "")
    if wanted.startswith("defects-") and wanted[8:].isdigit():
        rows = form["defects"].entries
        if int(wanted[8:]) < len(rows):
            del rows[int(wanted[8:])]
        return 200
    return None


for _act in ACTS:
    bp.add_url_rule(
        f"/demands/<ref>/{_act.noun}",
        endpoint=f"act_{_act.noun}",
        view_func=allow(_act.permission, queries.find)(_view(_act)),
        methods=["GET", "POST"],
    )


def _find_inside(*, actor: policy.Actor, now: Any, ref: str) -> Demand | None:
    """The demand for those who work on it: its unit and the staff that processes it."""
    demand = queries.find(actor=actor, now=now, ref=ref)
    if demand is None or policy.allows("demand.work", actor, demand, now):
        return demand
    return None


@bp.get("/demands/<ref>/work")
@allow("demand.work", _find_inside)
def work(demand: Demand) -> ResponseValue:
    """Everything about one demand for those who work on it: what may be done now, what changed, what was found."""
    content = demand.said
    return render_template(
        "demands/work.html",
        row=demand,
        demand=pages.facts(demand, content, g.now, url="", language="zh"),
        life=pages.life(demand, g.now, "zh"),
        indicators=pages.indicators(content, "zh"),
        offers=pages.offers(content, "zh"),
        terms=pages.terms(demand, content, "zh"),
        criteria=pages.criteria(content, "zh"),
        milestones=pages.milestones(content, "zh"),
        contact="　".join(filter(None, (content.contact_name, content.contact_phone, content.contact_email))),
        files=_files(demand),
        state={"label": STATE_LABELS[demand.state].zh, "tone": TONES[demand.phase(g.now)]},
        acts=buttons(demand) + [item for tell in current_app.extensions["demand_work"] for item in tell(demand)],
        proposal=demand.open_proposal,
        proposal_label=ACTION_LABELS[demand.open_proposal.action].zh if demand.open_proposal else "",
        may_decide=may_decide(demand),
        changes=[pages.change_shown(change, "zh") for change in map(asdict, since_last_round(demand, content))],
        rounds=list(demand.rounds),
        report=queries.Checker(g.now)(content, demand),
        similar=look_alikes(demand) if policy.allows("demand.lookalikes", g.actor, demand, g.now) else [],
        history=_history(demand),
        labels=LABELS,
        **(beside(demand, content) if demand.published_at is None else {}),
    )


def _history(demand: Demand) -> list[dict[str, Any]]:
    """Who did what when and why, the newest on top, for components/timeline.html."""
    words = {f"demand.{action}": label.zh for action, label in ACTION_LABELS.items()} | EVENT_LABELS
    words |= current_app.extensions.get("log_words", {})  # what later features write about a demand, told by themselves
    return [
        {
            "at": entry.at,
            "note": entry.actor_name or _("系统"),
            "what": words.get(entry.kind, entry.kind),
            "text": entry.data.get("reason") or "",
            "solemn": entry.kind in ("demand.publish", "demand.amend", "demand.withdraw", "demand.lapse"),
        }
        for entry in list(db.session.scalars(log.history(demand.audit_subject)))[::-1]
    ]


def _files(demand: Demand) -> list[dict[str, Any]]:
    """Everything attached, results of the reviews before pooling included: these stay inside."""
    return [
        {
            "name": item.name,
            "url": url_for("demands.file", ref=demand.ref, key=item.key),
            "kind": item.name.rpartition(".")[2].upper()[:5],
            "size": item.size,
            "download": True,
        }
        for item in demand.files
        if item.removed_at is None
    ]


EVENT_LABELS = {
    "demand.create": "建立草稿",
    "demand.save": "保存",
    "demand.begin_screening": "开始审查",
    "demand.resolve_lookalikes": "比对相似需求",
    "demand.propose": "提出",
    "demand.refuse_proposal": "不同意提议",
    "demand.republish": "重新张榜",
    "demand.attach": "添加附件",
    "demand.remove_file": "移除附件",
}


def buttons(demand: Demand) -> list[dict[str, Any]]:
    """The acts of this state for the present actor; what is refused says why."""
    items = [
        {
            "label": item.label,
            "url": url_for(f"demands.act_{NOUNS[Action(item.action)]}", ref=demand.ref),
            "refusal": item.refusal,
        }
        for item in offered(MACHINE, demand, actor=g.actor, now=g.now)
        if Action(item.action) in NOUNS
    ]
    extra = []
    if demand.state is State.SUBMITTED and demand.screening_begun_at is None:
        extra.append("screening")
    if demand.state is State.SUBMITTED and demand.lookalikes_resolved_at is None and look_alikes(demand):
        extra.append("comparison")
    if demand.state in (State.LAPSED, State.WITHDRAWN):
        extra.append("republication")
    closed = demand.phase(g.now) == "closed" and demand.released_at is None
    if closed and demand.open_proposal is None:
        extra.append("reopening")
    if end_to_propose(demand, g.now) is not None and demand.open_proposal is None:
        extra.append("proposal")
    nouns = {act.noun: act for act in ACTS}
    first = [
        {
            "label": _verb(nouns[noun], demand),
            "url": url_for(f"demands.act_{noun}", ref=demand.ref),
            "refusal": policy.why_not(nouns[noun].permission, g.actor, demand, g.now),
        }
        for noun in extra
    ]
    # What this person has no part in at all is left out; what his role could do but not now stays, with its reason.
    return [item for item in first + items if item["refusal"] is None or not _foreign(str(item["refusal"]))]


def _verb(act: Act, demand: Demand) -> str:
    """What the button says: a proposal names what is proposed."""
    end = end_to_propose(demand, g.now) if act.noun == "proposal" else None
    return act.verb if end is None else f"提出{ACTION_LABELS[end].zh}"


def _foreign(refusal: str) -> bool:
    return refusal.startswith(("只有", "这一步由系统"))


def may_decide(demand: Demand) -> bool:
    return may_decide_as(g.actor, demand)


def may_decide_as(actor: policy.Actor, demand: Demand) -> bool:
    """Whether this person may confirm or refuse the open proposal on its own page."""
    proposal = demand.open_proposal
    return (
        proposal is not None
        and service.may_be_confirmed(proposal.action)
        and proposal.proposed_by_id != actor.id
        and actor.has(*SECOND_PERSON[proposal.action])
    )


def since_last_round(demand: Demand, content: DemandContent) -> list[Change]:
    """What the unit changed since the demand last came back to it."""
    last = db.session.scalar(
        select(DemandRound)
        .where(DemandRound.demand_id == demand.id)
        .order_by(DemandRound.id.desc())
        .limit(1)
        .options(undefer(DemandRound.content))
    )
    return diff(from_json(last.content), content) if last is not None else []


def look_alikes(demand: Demand, among: Comparison | None = None) -> list[dict[str, Any]]:
    """Demands that read alike, best first, with the words they share."""
    columns = (Demand.id, Demand.title, Demand.number, Demand.key, Demand.state)
    found = (among or Comparison()).nearest(
        demand.title,
        demand.summary,
        within=select(*columns).where(Demand.state != State.DRAFT),
        besides=(demand.id, demand.origin_id),
        limit=5,
    )
    return [
        {
            "title": row.title,
            "state": STATE_LABELS[row.state].zh,
            "url": url_for("demands.work", ref=row.number or row.key),
            "score": round(item.score * 100),
            "why": item.explain(),
        }
        for row, item in found
    ]


def _find_proposal(*, actor: policy.Actor, now: Any, ref: str, proposal_id: int) -> DemandProposal | None:
    demand = queries.find(actor=actor, now=now, ref=ref)
    if demand is None:
        return None
    return next((item for item in demand.proposals if item.id == proposal_id), None)


@bp.route("/demands/<ref>/proposals/<int:proposal_id>/decision", methods=["GET", "POST"])
@allow("demand.decide", _find_proposal)
def decide(proposal: DemandProposal) -> ResponseValue:
    """The second person's page: agree or not, never the proposer himself."""
    form, demand = forms.DecideForm(), proposal.demand
    page = {
        "form": form,
        "proposal": proposal,
        "demand": demand,
        "label": ACTION_LABELS[proposal.action].zh,
        "details": [fact for tell in current_app.extensions["proposal_details"] for fact in tell(proposal)],
    }
    web.retry_page("demands/decide.html", **page)
    if form.validate_on_submit():
        if request.form.get("answer") == "no":
            if not (form.reason.data or "").strip():
                raise Refused(_("不同意时请写明理由。"), fields={"reason": _("请写明理由。")})
            service.refuse_proposal(proposal, reason=form.reason.data, **_by())
        else:
            service.confirm(proposal, **_by())
        return redirect(url_for("demands.work", ref=demand.ref))
    return render_template("demands/decide.html", **page), 422 if form.is_submitted() else 200
