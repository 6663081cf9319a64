"""A request from end to end: who asks, when, may he, and one commit or none.

Every route declares a permission with ``@allow`` (or ``@public``); a route without one fails the suite. A view that
returns has its transaction committed, a view that raises has it rolled back — here and nowhere else.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from functools import cached_property, wraps
from http import HTTPStatus
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlencode

import structlog
from flask import Flask, Request, Response, abort, current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import Babel
from flask_babel import gettext as _
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_wtf.csrf import CSRFError, CSRFProtect
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from marketplace import db, logs
from marketplace.platform import audit, clock, policy
from marketplace.platform.errors import Refused
from marketplace.platform.policy import VISITOR, Actor
from marketplace.platform.sentences import spoken

log = structlog.get_logger(__name__)
P = ParamSpec("P")
R = TypeVar("R")
ResponseValue = str | BaseResponse | tuple[str, int]
READS = frozenset({"GET", "HEAD", "OPTIONS"})

csrf = CSRFProtect()
login_manager = LoginManager()
babel = Babel()


def _limit_key() -> str:
    """Limits count per account when signed in: a whole park sits behind one address."""
    actor: Actor = g.get("actor", VISITOR)
    return f"user:{actor.id}" if actor.signed_in else get_remote_address()


limiter = Limiter(key_func=_limit_key, headers_enabled=False)


def allow(permission: str, load: Callable[..., Any] | None = None) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Guard a view. ``load(actor=…, now=…, **url values)`` fetches the thing through what the actor may see.

    Nothing found → 404; found but not allowed → sign-in for visitors, 403 with the reason for others. The view is
    called with the thing instead of the URL values.
    """

    def decorate(view: Callable[..., R]) -> Callable[..., R]:
        @wraps(view)
        def guarded(**values: Any) -> R:
            thing = None
            if load is not None:
                thing = load(actor=g.actor, now=g.now, **values)
                if thing is None:
                    abort(404)
            if (reason := policy.why_not(permission, g.actor, thing, g.now)) is not None:
                if not g.actor.signed_in:
                    abort(redirect(sign_in_url()))
                abort(403, description=spoken(reason))
            return view(thing) if load is not None else view(**values)

        guarded.permission = permission  # type: ignore[attr-defined]
        return guarded

    return decorate


def public(view: Callable[P, R]) -> Callable[P, R]:
    """Anyone may: declared, so that nothing is open by forgetting."""
    view.permission = "public"  # type: ignore[attr-defined]
    return view


def sign_in_url() -> str:
    """Where a visitor signs in, to come back to this very page. A lost POST returns to its form's page."""
    target = request.full_path.rstrip("?") if request.method in READS else (request.referrer and _own(request.referrer))
    return url_for("accounts.sign_in", next=target or "/")


def _own(url: str) -> str | None:
    return url.removeprefix(request.host_url.rstrip("/")) if url.startswith(request.host_url) else None


def safe_next(target: str | None, fallback: str) -> str:
    """``target`` if it is a path of this site, else ``fallback``: no open redirect."""
    if target and target.startswith("/") and not target.startswith(("//", "/\\")):
        return target
    return fallback


def retry_page(template: str, **context: Any) -> None:
    """Name the page that a refusal in this request is shown on, with what was typed still in its form."""
    g.retry_page = (template, context)


def note_read(kind: str, subject: str, **facts: Any) -> None:
    """This answer shows sealed or personal material: a leaf says so, once per person, object and hour.

    It is written after the page is made, in a transaction of its own, and before anything of the page leaves.
    """
    g.setdefault("reads", []).append((kind, subject, facts))


def _write_reads() -> None:
    """Reading pages run in a snapshot that may not write: the leaves of a read follow in their own transaction."""
    db.reads_only(False)
    for kind, subject, facts in g.pop("reads"):
        audit.note_read(kind, subject=subject, actor=g.actor, at=g.now, facts=facts)
    db.session.commit()


def reads_first(view: Callable[P, R]) -> Callable[P, R]:
    """This view writes, but only after ``db.write_from_here``: it handles long files before, and on SQLite nobody shall
    wait for those at the one writer's place."""
    view.reads_first = True  # type: ignore[attr-defined]
    return view


def page_url(**changes: Any) -> str:
    """This page's URL with some query values changed (``None`` removes); lists stay lists."""
    query: dict[str, Any] = {key: request.args.getlist(key) for key in request.args}
    for key, value in changes.items():
        if value is None:
            query.pop(key, None)
        else:
            query[key] = value
    return request.path + (f"?{urlencode(query, doseq=True)}" if query else "")


def install(app: Flask) -> None:
    """Hook all of this into the application."""
    app.request_class = PlainRequest
    app.before_request(_begin)  # before the CSRF check: its refusal is a page too, and has an instant and a reader
    csrf.init_app(app)
    login_manager.init_app(app)
    limiter.init_app(app)
    babel.init_app(app, locale_selector=_locale, timezone_selector=lambda: "Asia/Shanghai")
    app.after_request(_finish)
    app.teardown_request(_end)
    for status in (400, 403, 404, 405, 409, 410, 413, 415, 422, 429, 500, 503):
        app.register_error_handler(status, _http_error)
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(StaleDataError, _stale)
    app.register_error_handler(IntegrityError, _violated)
    app.register_error_handler(DataError, _unstorable)
    app.register_error_handler(OperationalError, _busy)


def _locale() -> str:
    wanted = g.get("locale")
    return wanted if wanted in ("zh_Hans_CN", "en") else "zh_Hans_CN"


FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
RAW_MOST = 2 << 20  # bytes; a chunk of ciphertext is half of it


def _begin() -> None:
    """Take in what is sent, then fix the instant, the actor and the kind of transaction before anything else happens."""
    g.csp_nonce = secrets.token_urlsafe(16)
    logs.begin_request(secrets.token_hex(8))
    g.actor, g.user, g.now = VISITOR, None, clock.wall_now()
    language = request.args.get("lang") or request.cookies.get("lang")
    g.locale = {"en": "en", "zh": "zh_Hans_CN"}.get(language or "", "zh_Hans_CN")
    if request.endpoint is not None and request.method not in READS:
        _receive()
        g.now = clock.wall_now()
    view = current_app.view_functions.get(request.endpoint or "")
    db.reads_only(request.method in READS or getattr(view, "reads_first", False))
    if request.endpoint == "static" or request.endpoint in current_app.config["TIMELESS"]:
        return
    if not current_app.config["ZHANGBANG"].production:
        g.now = clock.site_now()
    current_app.extensions["identify"]()


def _receive() -> None:
    """Read what is being sent before the first query: on SQLite a request that may write holds the one writer's place
    from there on, and nobody else shall wait for a slow telephone. A body that is no form is short (413)."""
    if request.mimetype not in FORMS:
        request.max_content_length = RAW_MOST
        request.get_data()
    request.form  # noqa: B018 parsed and kept


def _finish(response: Response) -> Response:
    if g.get("failed"):
        db.session.rollback()
    else:
        db.session.commit()
        if g.get("reads"):
            _write_reads()
    nonce = g.get("csp_nonce", "")
    response.headers.setdefault(
        "Content-Security-Policy",
        f"default-src 'self'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; "
        "img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    )
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
    if request.endpoint != "static" and not request.path.startswith("/assets/"):
        response.headers.setdefault("Cache-Control", "private, no-cache")
        response.vary.update(("Cookie",))
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
    return response


def _end(error: BaseException | None) -> None:
    if error is not None:
        db.session.rollback()
    current_app.extensions["release_session"]()
    db.reads_only(False)


class PlainRequest(Request):
    """What is asked, without NUL: no text that a person types has it, and PostgreSQL takes none, not even to compare."""

    @cached_property
    def args(self) -> MultiDict[str, str]:
        return _without_nul(super().args)

    def _load_form_data(self) -> None:
        loaded = "form" in self.__dict__
        super()._load_form_data()
        if not loaded:
            self.__dict__["form"] = _without_nul(self.__dict__["form"])


def _without_nul(given: MultiDict[str, str]) -> MultiDict[str, str]:
    if not any("\x00" in text for pair in given.items(multi=True) for text in pair):
        return given
    return ImmutableMultiDict(
        [(name.replace("\x00", ""), text.replace("\x00", "")) for name, text in given.items(multi=True)]
    )


def wants_json() -> bool:
    """The API, a page's own script that sent JSON, and scripts that say they read nothing else."""
    only_json = request.accept_mimetypes.best == "application/json"
    return request.path.startswith("/api/") or request.is_json or only_json


def N_(text: str) -> str:
    """Mark a text for translation; it is translated where it is said."""
    return text


# What a program is told where nobody said more; pages have words of their own (templates/errors/error.html).
API_WORDS = {
    400: N_("没有看懂这次请求，请对照接口说明检查参数。"),
    403: N_("您的身份不允许这样做。"),
    404: N_("没有这个资源，或它尚未公开。"),
    405: N_("这个地址不接受这种方法。"),
    415: N_("不认识这种内容格式，请发送JSON。"),
    429: N_("请求太频繁，请一分钟后再试。"),
    500: N_("系统出了差错，差错已经记录，没有写入任何内容。"),
    503: N_("系统正忙，请稍后再试。"),
}


def _answer(status: int, sentence: str, *, title: str | None = None, errors: dict[str, str] | None = None) -> Any:
    """An error as a page, or as problem+json (RFC 9457) for the API and for scripts."""
    g.failed = True
    db.session.rollback()
    if wants_json():
        # ``about:blank`` says no more than the status does, so its title is the status' own phrase (RFC 9457 §4.2.1).
        detail = sentence or _(API_WORDS.get(status, API_WORDS[500]))
        words = title or HTTPStatus(status).phrase
        body: dict[str, Any] = {"type": "about:blank", "title": words, "status": status, "detail": detail}
        response = current_app.json.response(body | ({"errors": errors} if errors else {}))
        response.content_type = "application/problem+json"
        response.status_code = status
        return response
    return render_template("errors/error.html", status=status, sentence=sentence), status


def _http_error(error: HTTPException) -> Any:
    if error.response is not None:
        return error.response
    status = error.code or 500
    own_words = error.description if status in (403, 409, 410, 413, 422, 503) else None
    default = type(error).description
    return _answer(status, own_words if own_words and own_words != default else "")


def _csrf_error(error: CSRFError) -> Any:
    return _answer(400, _("这一页打开得太久或来自别处，没有保存任何内容。请返回上一页，刷新后重新提交。"))


def _refused(error: Refused) -> Any:
    g.failed = True
    db.session.rollback()
    if wants_json() or "retry_page" not in g:
        errors = {name: spoken(sentence) for name, sentence in error.fields.items()}
        return _answer(error.status, spoken(error.sentence), errors=errors)
    template, context = g.retry_page
    form = context.get("form")
    if form is not None:
        form.refuse(error)
    else:
        flash(spoken(error.sentence), "error")
    return render_template(template, **context), error.status


def _stale(error: StaleDataError) -> Any:
    return _refused(Refused("别人刚刚保存了新的内容，您的修改还没有写入。请对照新内容后再保存。"))


def _violated(error: IntegrityError) -> Any:
    log.warning("constraint", error=str(error.orig)[:200], endpoint=request.endpoint)
    return _refused(Refused("与已有的记录冲突，没有写入任何内容。可能是重复提交，请刷新页面查看最新情况。"))


def _unstorable(error: DataError) -> Any:
    log.warning("data", error=str(error.orig)[:200], endpoint=request.endpoint)
    return _answer(400, _("请求里有无法识别的字符或过大的数字，没有写入任何内容。请检查后再试。"))


def _busy(error: OperationalError) -> Any:
    log.exception("database", endpoint=request.endpoint)
    return _answer(503, _("系统正忙，没有写入任何内容。请稍等片刻后再提交一次。"))


def instant() -> datetime:
    """This request's one instant."""
    now: datetime = g.now
    return now
