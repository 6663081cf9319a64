"""Releasing: one act over everything that has closed. The browser fetches his shares, opens them, sends them back."""

from __future__ import annotations

from typing import Any

from flask import flash, g, jsonify, render_template, request, url_for
from flask_babel import gettext as _

from marketplace import db, web
from marketplace.accounts import service as accounts
from marketplace.bids import service
from marketplace.bids.rules import Stage
from marketplace.custody import queries as custody
from marketplace.demands.models import Demand
from marketplace.openings import queries
from marketplace.openings.forms import ReleaseForm
from marketplace.openings.queries import Duty
from marketplace.openings.routes import bp
from marketplace.openings.routes.custodians import demo_help
from marketplace.platform.errors import Invalid, Refused
from marketplace.platform.sealing.custodians import WrappedShare
from marketplace.platform.sentences import spoken
from marketplace.web import ResponseValue, allow


@bp.get("/custody/release")
@allow("custody.desk")
def release() -> ResponseValue:
    """What has closed and waits for this custodian, all ticked."""
    due = [duty for duty in queries.duties(g.actor, g.now) if duty.due]
    sets = {duty.demand.set_hash: custody.custodian_set(duty.demand.set_hash) for duty in due}
    return render_template(
        "openings/release.html",
        due=due,
        sets=sets,
        form=ReleaseForm(),
        demo_help=demo_help(g.user),
        places=_places(due),
    )


def _places(due: list[Duty]) -> dict[int, str]:
    """k-of-n of each demand in words."""
    return {duty.demand.id: duty.demand.custody for duty in due}


def _wanted() -> list[tuple[Duty, dict[str, Any]]]:
    """What the browser names, as far as it waits for this custodian; JSON ``{"releases": [{demand, stage, …}]}``."""
    body = request.get_json(silent=True)
    asked = body.get("releases") if isinstance(body, dict) else None
    if not isinstance(asked, list) or not asked or not all(isinstance(item, dict) for item in asked):
        raise Invalid(_("没有选择要释放的需求。"))
    known = {(duty.demand.number, str(duty.stage)): duty for duty in queries.duties(g.actor, g.now)}
    found = [(known.get((item.get("demand"), item.get("stage"))), item) for item in asked]
    if any(duty is None for duty, _item in found):
        raise Refused(_("所选需求中有的不由您保管，或已经开启。请刷新页面。"))
    return [(duty, item) for duty, item in found if duty is not None]


@bp.post("/custody/releases/shares")
@allow("custody.desk")
@web.limiter.limit("30/hour")
def shares() -> ResponseValue:
    """After the password once more: his wrapped shares of the chosen demands and of no others."""
    body = request.get_json(silent=True) or {}
    user, refusal = accounts.check_password(g.user.username, str(body.get("password", "")), now=g.now)
    if user is None:
        # Without raising: a wrong guess is counted, and the count is committed.
        sentence = spoken(refusal.sentence) if refusal is not None else _("密码不对。")
        response = jsonify(message=sentence)
        response.status_code = 403
        return response
    sets = []
    for duty, _item in _wanted():
        wrapped = service.shares_for(duty.demand, stage=duty.stage, actor=g.actor, now=g.now)
        sets.append(
            {
                "demand": duty.demand.number,
                "stage": str(duty.stage),
                "setHash": duty.demand.set_hash,
                "key": _key_of(duty.demand),
                "shares": [_shown(item) for item in wrapped],
            }
        )
    return jsonify(sets=sets)


def _key_of(demand: Demand) -> str:
    """The public key that the demand names for this custodian: his newest one may be another."""
    frozen = custody.custodian_set(demand.set_hash)
    place = next(place for place, item in enumerate(demand.custodians) if item.user_id == g.actor.id)
    return frozen.custodians[place].point.hex() if frozen is not None else ""


def _shown(share: WrappedShare) -> dict[str, Any]:
    return {
        "bid": share.ref.bid,
        "version": share.ref.version,
        "envelope": share.envelope,
        "index": share.index,
        "sealed": share.sealed.hex(),
    }


@bp.post("/custody/releases")
@allow("custody.desk")
@web.limiter.limit("30/hour")
def releases() -> ResponseValue:
    """The opened shares of every chosen demand: all of them in one transaction, or none."""
    for duty, item in _wanted():
        service.release(duty.demand, _read(item), stage=Stage(duty.stage), actor=g.actor, now=g.now)
        db.session.flush()
    flash(_("已释放。达到规定家数的需求正在开启，可到开启大厅查看。"), "done")
    return jsonify(next=url_for(".desk"))


def _read(item: dict[str, Any]) -> dict[tuple[str, str], bytes | None]:
    found: dict[tuple[str, str], bytes | None] = {}
    try:
        for share in item["shares"]:
            given = share["share"]
            found[str(share["bid"]), str(share["envelope"])] = None if given is None else bytes.fromhex(given)
    except (KeyError, TypeError, ValueError):
        raise Invalid(_("释放的内容格式不符，请刷新页面后重试。")) from None
    return found
