"""单位标书钥匙: made in the browser, entered on a second computer, renewed when somebody has left."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import abort, g, jsonify, render_template
from flask_babel import gettext as _

from marketplace.accounts.models import Organisation
from marketplace.bids import own, queries, service
from marketplace.bids.routes import bp
from marketplace.bids.routes.drafts import _json as body
from marketplace.bids.routes.drafts import wraps_from
from marketplace.bids.routes.pages import demo_code
from marketplace.platform.errors import Invalid
from marketplace.platform.policy import Actor
from marketplace.web import ResponseValue, allow


def _organisation(*, actor: Actor, now: datetime, slug: str) -> Organisation | None:
    """One of the organisations he bids for."""
    return next((item for item in own.organisations(actor) if item.slug == slug), None)


@bp.get("/bids/keys/<slug>")
@allow("bid.start", _organisation)
def key(organisation: Organisation) -> ResponseValue:
    """What the key is, whether this device has it, and how to renew it."""
    return render_template(
        "bids/key.html",
        organisation=organisation,
        key=queries.bidder_key(organisation.id),
        old=own.left_since_key(organisation.id),
        demo_code=demo_code(organisation),
        crumbs=[(_("我的揭榜"), "/bids"), (_("单位标书钥匙"), None)],
    )


@bp.get("/bids/keys/<slug>.json")
@allow("bid.start", _organisation)
def wraps(organisation: Organisation) -> ResponseValue:
    """Everything that the key in force wraps, for the browser to wrap anew."""
    current = queries.bidder_key(organisation.id)
    numbers = own.numbers(organisation.id)
    return jsonify(
        {
            "key": current.check_hash if current else None,
            "organisation": organisation.display_name,
            "wraps": [
                {
                    "ref": {"demand": numbers[public_id], "bid": public_id, "version": version},
                    "own_wraps": row.own_wraps,
                }
                for (public_id, version), row in own.wrapped(organisation.id)
            ],
        }
    )


@bp.post("/bids/keys/<slug>")
@allow("bid.start", _organisation)
def announce(organisation: Organisation) -> ResponseValue:
    """The browser made a key (``former`` empty), or another one with everything wrapped anew under it."""
    said = body(limit=4 * 1024 * 1024)
    check_hash, former = str(said.get("check_hash", "")), str(said.get("former") or "")
    if not former:
        current = queries.bidder_key(organisation.id)
        if current is not None and current.check_hash != check_hash:
            abort(
                409, description=_("贵单位已经有一把标书钥匙，可能是同事刚刚生成的。请刷新页面，输入他打印的钥匙码。")
            )
        service.announce_key(organisation, check_hash=check_hash, actor=g.actor, now=g.now)
    else:
        service.renew_key(
            organisation, check_hash=check_hash, former=former, wraps=_wraps(said), actor=g.actor, now=g.now
        )
    return jsonify({"key": check_hash})


def _wraps(said: dict[str, Any]) -> dict[tuple[str, int], dict[str, bytes]]:
    try:
        return {(str(w["bid"]), int(w["version"])): wraps_from(w["own_wraps"]) for w in said.get("wraps", ())}
    except (KeyError, TypeError, ValueError) as error:
        raise Invalid(_("换钥匙的内容格式不符，请刷新页面后重试。")) from error
