"""The acts on a panel and its seats: each is a page that names what will happen, and a POST."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import abort, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _

from marketplace import web
from marketplace.demands.models import Demand
from marketplace.panels import queries
from marketplace.panels import service as panels
from marketplace.panels.forms import DecisionForm, NumberForm, ReasonForm, RedrawForm
from marketplace.panels.models import Panel, PanelSeat
from marketplace.panels.routes import bp
from marketplace.panels.rules import draw as draw_rules
from marketplace.panels.rules.draw import RedrawReason
from marketplace.panels.service.drawing import LEFT_OUT, candidates, pool_of
from marketplace.panels.waiting import undecided
from marketplace.platform.audit import queries as log
from marketplace.platform.errors import Refused
from marketplace.platform.forms import ConfirmForm, Form
from marketplace.web import ResponseValue, allow


@dataclass(frozen=True)
class Act:
    """``facts(panel)``: lines shown above the form."""

    noun: str
    permission: str
    form: type[Form]
    do: Callable[[Any, Any], Any]
    verb: str
    consequences: tuple[str, ...]
    facts: Callable[[Any], list[tuple[str, str]]] = lambda thing: []


def _by() -> dict[str, Any]:
    return {"actor": g.actor, "now": g.now}


def _fix(panel: Panel, form: Any) -> None:
    if undecided([panel.demand])[panel.demand_id]:
        raise Refused("监督员还有待决定的事项，决定之后才能固定抽取范围。")
    panels.fix_pool(panel, **_by())


def _pool_facts(panel: Panel) -> list[tuple[str, str]]:
    """What the pool would be now: figures, and what is missing."""
    free, left, _blocks = candidates(panel)
    pool = pool_of(panel, free)
    reasons: dict[str, int] = {}
    for _expert, code in left:
        reasons[code] = reasons.get(code, 0) + 1
    lines = [
        (_("可抽取"), _("%(n)s人，其中区外%(o)s人", n=len(free), o=sum(item.outside for item in free))),
        *((_("不列入：%(why)s", why=LEFT_OUT[code]), _("%(n)s人", n=count)) for code, count in sorted(reasons.items())),
    ]
    return [*lines, *((_("还不够"), text) for text in draw_rules.shortfalls(pool))]


def _draw_facts(panel: Panel) -> list[tuple[str, str]]:
    made, newest = panel.draw, log.newest_checkpoint()
    if made is None:
        return []
    return [
        (_("抽取范围指纹"), made.pool_hash),
        (_("写入日志"), _("第%(seq)s条", seq=made.pool_seq)),
        (_("最新检查点"), f"{newest.size}　{newest.root.hex()}" if newest else "—"),
    ]


ACTS: tuple[Act, ...] = (
    Act("pool", "panel.prepare", ConfirmForm, _fix, "固定抽取范围",
        ("按领域、时间和利害关系筛选专家库，名单的指纹写入审计日志。", "之后由监督员到场，输入随机数抽取；范围不能再悄悄改动。"), _pool_facts),
    Act("reopening", "panel.prepare", ReasonForm, lambda p, f: panels.reopen_pool(p, reason=f.reason.data, **_by()),
        "重新划定范围", ("原来的指纹留在日志里，重新固定后是另一条。",)),
    Act("draw", "panel.decide_request", NumberForm, lambda p, f: panels.draw(p, number=f.number.data, **_by()), "抽取",
        ("种子由编号、最新检查点和您输入的数决定，任何人都可以重放。", "抽出成员和三名候补，成员立即收到邀请。", "只抽一次；再抽须写明原因，由两人办理，并列入评审报告。"), _draw_facts),
    Act("redraw", "panel.propose", RedrawForm,
        lambda p, f: panels.propose_redraw(p, reason=RedrawReason(f.reason.data), note=f.note.data, **_by()), "提议重新抽取",
        ("须由另一位发榜负责人或监督员确认。", "确认后原来的席位全部结束，已填的评分表留档但不计入。", "原因列入评审报告。")),
    Act("redraw-confirmation", "panel.see", ConfirmForm, lambda p, f: panels.confirm_redraw(p, **_by()), "确认重新抽取",
        ("原来的席位全部结束，由受理员重新固定抽取范围。",),
        lambda p: [(_("具体情况"), p.redraw_note)] if p.redraw_note else []),
)  # fmt: skip


def _page(act: Act, thing: Panel | PanelSeat, demand: Demand) -> ResponseValue:
    form = act.form()
    back = url_for("panels.show", ref=demand.ref)
    context = {
        "form": form,
        "title": f"{act.verb}：{demand.title}",
        "verb": act.verb,
        "consequences": act.consequences,
        "facts": act.facts(thing),
        "back": back,
        "crumbs": [(_("专家组"), url_for("panels.index")), (demand.title, back), (act.verb, None)],
    }
    web.retry_page("panels/act.html", **context)
    if form.validate_on_submit():
        act.do(thing, form)
        flash(_("已办理：%(act)s。", act=act.verb), "done")
        return redirect(back)
    return render_template("panels/act.html", **context), 422 if form.is_submitted() and form.errors else 200


for _act in ACTS:
    bp.add_url_rule(
        f"/panels/<ref>/{_act.noun}",
        endpoint=f"act_{_act.noun}",
        view_func=allow(_act.permission, queries.find)(lambda panel, act=_act: _page(act, panel, panel.demand)),
        methods=["GET", "POST"],
    )


def _override_facts(seat: PanelSeat) -> list[tuple[str, str]]:
    lines = [(_("专家"), f"{seat.number}　{seat.expert.name}，{seat.expert.employer}"), (_("回避原因"), seat.reason)]
    return [*lines, (_("准予参加的理由"), seat.override_reason)] if seat.override_reason else lines


SEAT_ACTS: tuple[Act, ...] = (
    Act("recusal", "panel.decide_request", ReasonForm, lambda s, f: panels.order_recusal(s, reason=f.reason.data, **_by()),
        "责令回避", ("该专家退出本需求的专家组，已填的评分表留档但不计入。", "由下一位候补专家递补。"), _override_facts),
    Act("override-proposal", "panel.propose", ReasonForm,
        lambda s, f: panels.propose_override(s, reason=f.reason.data, **_by()), "提议准予参加",
        ("须由另一位发榜负责人或监督员确认。", "确认后该专家重新申报，评审报告中列明两人姓名和理由。"), _override_facts),
    Act("override", "panel.see", ConfirmForm, lambda s, f: panels.override(s, **_by()), "确认准予参加",
        ("该专家回到专家组，重新申报利害关系。", "评审报告中列明提出人、确认人和理由。"), _override_facts),
)  # fmt: skip


def _seat(*, actor: Any, now: Any, ref: str, seat_id: int) -> PanelSeat | None:
    """A seat bound to the demand of its address."""
    seat = queries.seat_by_id(actor=actor, now=now, seat_id=seat_id)
    return seat if seat is not None and seat.panel.demand.ref == ref else None


for _act in SEAT_ACTS:
    bp.add_url_rule(
        f"/panels/<ref>/seats/<int:seat_id>/{_act.noun}",
        endpoint=f"seat_{_act.noun}",
        view_func=allow(_act.permission, _seat)(lambda seat, act=_act: _page(act, seat, seat.panel.demand)),
        methods=["GET", "POST"],
    )


@bp.get("/panels/<ref>/requests")
@allow("panel.decide_request", queries.demand_with_panel)
def requests(demand: Demand) -> ResponseValue:
    """What bidders asked for before they sealed; the supervisor alone reads it."""
    web.note_read("exclusion.read", demand.audit_subject)
    return render_template(
        "panels/requests.html",
        demand=demand,
        rows=queries.requests(demand),
        open=demand.state in queries.FORMABLE,
        back=url_for(".show", ref=demand.ref),
    )


def _request(*, actor: Any, now: Any, ref: str, bid: str, position: int) -> Any:
    demand = queries.demand_for_panel(actor=actor, now=now, ref=ref)
    found = queries.requests(demand) if demand is not None else []
    return next((item for item in found if item.bid.public_id == bid and item.position == position), None)


@bp.route("/panels/<ref>/requests/<bid>/<int:position>", methods=["GET", "POST"])
@allow("panel.decide_request", _request)
def decide(request: Any) -> ResponseValue:
    """Answer one request."""
    demand, form = request.bid.demand, DecisionForm()
    if request.decision is not None:
        abort(404)
    back = url_for(".requests", ref=demand.ref)
    context = {
        "form": form,
        "title": _("决定回避请求：%(who)s", who=request.person or request.employer),
        "verb": _("作出决定"),
        "consequences": [_("同意后，符合的专家不参加抽取；已在专家组的立即回避，由候补递补。"), _("决定后不能更改。")],
        "facts": [(_("提出单位"), request.bid.organisation.name), (_("理由"), request.reason)],
        "back": back,
        "crumbs": [
            (_("专家组"), url_for("panels.index")),
            (demand.title, url_for(".show", ref=demand.ref)),
            (_("回避请求"), back),
            (_("决定"), None),
        ],
    }
    web.retry_page("panels/act.html", **context)
    if form.validate_on_submit():
        panels.decide_request(request, upheld=form.upheld.data == "yes", answer=form.answer.data or "", **_by())
        flash(_("已决定。"), "done")
        return redirect(back)
    return render_template("panels/act.html", **context), 422 if form.errors else 200
