"""The consortium: the lead asks, each member answers in its own account."""

from __future__ import annotations

from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from wtforms import StringField
from wtforms.validators import InputRequired

from marketplace import db, web
from marketplace.accounts.models import Organisation
from marketplace.bids import own, queries, service
from marketplace.bids.models import Bid, BidMember
from marketplace.bids.routes import bp
from marketplace.bids.routes.pages import BEFORE_SEALING, crumbs
from marketplace.bids.rules import why_not_bid
from marketplace.platform.credit_code import BadCreditCode, parse
from marketplace.platform.errors import Invalid, Refused, Sentence
from marketplace.platform.forms import ConfirmForm, Form
from marketplace.platform.sentences import spoken
from marketplace.web import ResponseValue, allow


class InviteForm(Form):
    credit_code = StringField(_l("成员单位的统一社会信用代码"), [InputRequired(_l("请填写统一社会信用代码。"))])


@bp.route("/bids/<public_id>/members", methods=["GET", "POST"])
@allow("bid.see", queries.find)
def members(bid: Bid) -> ResponseValue:
    """Who was asked and who has answered; ask another, take one out."""
    form = InviteForm()
    context: dict[str, Any] = {
        "bid": bid,
        "form": form,
        "said": bid.demand.said,
        "editable": bid.state in BEFORE_SEALING and bid.demand.accepts_bids(g.now),
        "crumbs": crumbs(bid, (_("联合体成员"), None)),
    }
    if request.method == "POST" and (wanted := request.form.get("remove", type=int)) is not None:
        member = next((item for item in bid.members if item.organisation_id == wanted), None)
        if member is not None and ConfirmForm().validate_on_submit():
            service.uninvite(member, actor=g.actor, now=g.now)
            flash(_("已移出。"), "done")
        return redirect(url_for(".members", public_id=bid.public_id))
    if form.validate_on_submit():
        web.retry_page("bids/members.html", **context)
        service.invite(bid, _found(form.credit_code.data), actor=g.actor, now=g.now)
        flash(_("已邀请，等对方在自己的账号里确认。"), "done")
        return redirect(url_for(".members", public_id=bid.public_id))
    return render_template("bids/members.html", **context), 422 if form.errors else 200


def _found(typed: str) -> Organisation:
    try:
        code = parse(typed)
    except BadCreditCode as error:
        sentence = Sentence(error)
        raise Invalid(sentence, fields={"credit_code": sentence}) from error
    organisation = db.session.scalar(select(Organisation).where(Organisation.credit_code == code))
    if organisation is None:
        raise Refused("本平台没有这家单位。请对方先注册为揭榜单位，审核通过后再邀请。")
    return organisation


@bp.route("/bids/<public_id>/membership", methods=["GET", "POST"])
@allow("bid.start", own.find_member)
def membership(member: BidMember) -> ResponseValue:
    """A member's own page: who asks, for which demand, what it means; confirm or decline."""
    form = ConfirmForm()
    bid = member.bid
    context = {
        "member": member,
        "bid": bid,
        "form": form,
        "open": bid.demand.accepts_bids(g.now),
        "sealed": bid.state not in BEFORE_SEALING,
        "refusal": None
        if member.confirmed_at
        else spoken(why_not_bid(queries.standing(bid.demand, member.organisation, now=g.now))),
        "crumbs": [(_("我的揭榜"), url_for(".index")), (bid.demand.ref, None)],
    }
    if form.validate_on_submit():
        web.retry_page("bids/membership.html", **context)
        if request.form.get("answer") == "decline":
            service.decline(member, actor=g.actor, now=g.now)
            flash(_("已谢绝，牵头单位会看到。"), "done")
        else:
            service.join(member, actor=g.actor, now=g.now)
            flash(_("已确认加入。封口由牵头单位办理。"), "done")
        return redirect(url_for(".index"))
    return render_template("bids/membership.html", **context)
