"""The custodian's desk: his key, the proof that he still holds it, the calendar; and the second person's part."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Response, abort, current_app, flash, g, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _

from marketplace import db, web
from marketplace.accounts.models import User
from marketplace.custody import queries as custody
from marketplace.custody import service
from marketplace.custody.models import CustodianKey, CustodyChallenge
from marketplace.custody.rules import PROOF_LASTS, custodian_id, why_not_nameable
from marketplace.custody.software import DEMO_PASSPHRASE
from marketplace.openings import queries
from marketplace.openings.forms import ConfirmKeyForm, EnrolForm, RetireForm
from marketplace.openings.routes import bp
from marketplace.openings.rules import PASSPHRASE_LEAST
from marketplace.platform.errors import Invalid
from marketplace.platform.files.names import disposition
from marketplace.platform.forms import ConfirmForm
from marketplace.platform.policy import Actor
from marketplace.web import ResponseValue, allow


def own_key(*, actor: Actor, now: datetime) -> CustodianKey | None:
    return custody.live_key(actor.id) if actor.id is not None else None


def key_by_id(*, actor: Actor, now: datetime, key_id: int) -> CustodianKey | None:
    return db.session.get(CustodianKey, key_id)


def me(*, actor: Actor, now: datetime) -> User | None:
    found: User | None = g.user
    return found


def is_demo(user: User) -> bool:
    """Whether the platform holds this custodian's key file for him, so that the demo can be tried at once."""
    return bool(current_app.config["ZHANGBANG"].demo and service.demo_key_file(user))


def demo_help(user: User) -> dict[str, str] | None:
    """For the scripts: where the demo key file lies and its passphrase."""
    return {"url": url_for("openings.key_file"), "passphrase": DEMO_PASSPHRASE} if is_demo(user) else None


@bp.get("/custody")
@allow("custody.desk")
def desk() -> ResponseValue:
    """His key, what waits for him, and the openings ahead."""
    key = custody.live_key(g.user.id)
    found = queries.duties(g.actor, g.now)
    problem = None
    if key is not None:
        problem = why_not_nameable(confirmed_at=key.confirmed_at, proved_at=key.proved_at, now=g.now)
    return render_template(
        "openings/desk.html",
        key=key,
        problem=problem,
        proof_until=key.proved_at + PROOF_LASTS if key is not None and key.proved_at else None,
        due=[duty for duty in found if duty.due],
        ahead=[duty for duty in found if not duty.due],
        demo_help=demo_help(g.user),
        custodian=custodian_id(g.user.id),
        form=ConfirmForm(),
    )


@bp.route("/custody/key", methods=["GET", "POST"])
@allow("custody.enrol", me)
def enrol(user: User) -> ResponseValue:
    """The browser makes the key; only its public half is sent."""
    form = EnrolForm()
    context: dict[str, Any] = {
        "form": form,
        "custodian": custodian_id(user.id),
        "person": user,
        "least": PASSPHRASE_LEAST,
        "key": custody.live_key(user.id),
    }
    if form.validate_on_submit():
        web.retry_page("openings/enrol.html", **context)
        try:
            point = bytes.fromhex(form.point.data or "")
        except ValueError:
            raise Invalid(_("公钥格式不符，请刷新页面后重新生成。")) from None
        service.enrol(user, point=point, actor=g.actor, now=g.now)
        flash(_("公钥已登记。请把打印件交给另一位有权人员核对指纹，确认后密钥生效。"), "done")
        return redirect(url_for(".desk"))
    return render_template("openings/enrol.html", **context), 422 if form.is_submitted() else 200


@bp.post("/custody/challenges")
@allow("custody.prove", own_key)
def challenge(key: CustodianKey) -> ResponseValue:
    """A fresh secret that only this key opens."""
    if not ConfirmForm().validate_on_submit():
        abort(400)
    row = service.ask(key, actor=g.actor, now=g.now)
    custodian = custodian_id(key.user_id)
    return jsonify(nonce=row.nonce, sealed=row.sealed.hex(), custodian=custodian, fingerprint=key.fingerprint)


@bp.post("/custody/proofs")
@allow("custody.prove", own_key)
def prove(key: CustodianKey) -> ResponseValue:
    """The answer of the custodian's browser."""
    if not ConfirmForm().validate_on_submit():
        abort(400)
    asked = db.session.query(CustodyChallenge).filter_by(nonce=request.form.get("nonce", ""), key_id=key.id).first()
    if asked is None:
        abort(404)
    try:
        answer = bytes.fromhex(request.form.get("answer", ""))
    except ValueError:
        raise Invalid(_("回答格式不符，请刷新页面后重试。")) from None
    service.prove(asked, answer, actor=g.actor, now=g.now)
    flash(_("已证明您持有这把密钥，90天内有效。"), "done")
    return redirect(url_for(".desk"))


@bp.get("/custody/key/file")
@allow("custody.prove", own_key)
def key_file(key: CustodianKey) -> ResponseValue:
    """The demo custodian's own key file; there is none outside the demo."""
    data = service.demo_key_file(g.user) if is_demo(g.user) else None
    if data is None:
        abort(404)
    response = Response(data, mimetype="application/json")
    response.headers["Content-Disposition"] = disposition(f"{custodian_id(key.user_id)}-demo.jbskey")
    return response


@bp.route("/custody/key/retirement", methods=["GET", "POST"])
@allow("custody.retire", own_key)
def retire(key: CustodianKey) -> ResponseValue:
    """Lost, or to be replaced: no new demand names it."""
    form = RetireForm()
    if form.validate_on_submit():
        web.retry_page("openings/retire.html", form=form, key=key)
        service.retire(key, reason=form.reason.data or "", actor=g.actor, now=g.now)
        flash(_("旧密钥已停用，现在可以登记新的。"), "done")
        return redirect(url_for(".desk"))
    return render_template("openings/retire.html", form=form, key=key), 422 if form.errors else 200


@bp.get("/custody/keys")
@allow("custody.keys")
def keys() -> ResponseValue:
    """Fingerprints that a second person has still to compare."""
    rows = list(db.session.scalars(custody.awaiting_confirmation().limit(100)))
    return render_template("openings/keys.html", rows=rows)


@bp.route("/custody/keys/<int:key_id>/confirmation", methods=["GET", "POST"])
@allow("custody.confirm", key_by_id)
def confirm_key(key: CustodianKey) -> ResponseValue:
    """The second person types what the custodian's sheet says; the page never shows it to him."""
    form = ConfirmKeyForm()
    context: dict[str, Any] = {"form": form, "key": key}
    if form.validate_on_submit():
        web.retry_page("openings/confirm_key.html", **context)
        service.confirm(key, fingerprint=form.fingerprint.data or "", actor=g.actor, now=g.now)
        flash(_("指纹一致，密钥已确认。请保管人在工作台证明持有后即可被指定。"), "done")
        return redirect(url_for(".keys"))
    return render_template("openings/confirm_key.html", **context), 422 if form.errors else 200
