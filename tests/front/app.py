"""A small application around the real templates, styles and scripts: pages drawn from fixture data, no database.

It stands in for ``create_app`` so that every component can be looked at, measured and checked by itself; its routes
are stubs with the endpoint names that the templates link to.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, g, redirect, render_template, request
from flask_babel import Babel
from flask_wtf.csrf import CSRFProtect
from jinja2 import ChoiceLoader, FileSystemLoader
from werkzeug.wrappers import Response as BaseResponse

from marketplace.frontend.routes import place
from marketplace.platform import formatting
from marketplace.platform.assets import PREFIX, Assets
from marketplace.platform.translations import compile_into
from tests.front import samples

ROOT = Path(__file__).resolve().parents[2]
ENDPOINTS = {
    "home.index": "/",
    "demands.index": "/demands",
    "search.index": "/search",
    "notices.index": "/notices",
    "capabilities.index": "/capabilities",
    "help.index": "/help",
    "accounts.sign_in": "/sign-in",
    "desk.index": "/desk",
}
POSTS = {"accounts.sign_out": "/sign-out", "site.demo_clock": "/demo/clock"}


def make_app(translations: Path) -> Flask:
    """The fixture application; pages at ``/page/<name>``, ``?lang=en``, cookie ``mode=large``."""
    app = Flask("fixture", root_path=str(ROOT), template_folder="templates", static_folder=None)
    app.config.update(SECRET_KEY="fixture", TESTING=True, BABEL_DEFAULT_LOCALE="zh_Hans_CN")
    compile_into(ROOT / "marketplace" / "translations", translations)
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(translations)
    app.jinja_loader = ChoiceLoader(  # type: ignore[assignment]
        [FileSystemLoader(ROOT / "templates"), FileSystemLoader(ROOT / "tests" / "front" / "templates")]
    )
    CSRFProtect(app)
    Babel(app, locale_selector=lambda: g.locale)
    assets = Assets(ROOT / "static")
    app.jinja_env.filters.update(formatting.filters(lambda: str(g.locale)))
    app.jinja_env.globals.update(asset=assets.url, place=place)

    @app.before_request
    def begin() -> None:
        wanted = request.args.get("lang") or request.cookies.get("lang")
        g.locale = "en" if wanted == "en" else "zh_Hans_CN"

    @app.context_processor
    def frame() -> dict[str, Any]:
        return samples.frame(english=g.locale == "en", signed_in="account" in request.args) | {
            "locale": g.locale,
            "large": request.cookies.get("mode") == "large",
        }

    @app.get(f"{PREFIX}/<version>/<path:path>")
    def asset(version: str, path: str) -> Response:
        answer = assets.find(version, path, request.headers.get("Accept-Encoding", ""))
        if answer is None:
            abort(404)
        response = Response(answer.body, content_type=answer.media_type)
        response.headers["Cache-Control"] = answer.cache_control
        if answer.encoding:
            response.headers["Content-Encoding"] = answer.encoding
        return response

    @app.route("/page/<name>", methods=["GET", "POST"])
    def page(name: str) -> str:
        template, context = samples.PAGES[name]()
        return render_template(template, **context)

    for endpoint, rule in ENDPOINTS.items():
        app.add_url_rule(rule, endpoint, lambda: Response("ok"))
    for endpoint, rule in POSTS.items():
        app.add_url_rule(rule, endpoint, lambda: Response("ok"), methods=["POST"])

    @app.post("/preferences", endpoint="site.preferences")
    def preferences() -> BaseResponse:
        response = redirect(request.form["next"])
        for name in ("mode", "lang"):
            if name in request.form:
                response.set_cookie(name, request.form[name], httponly=True)
        return response

    app.after_request(_strict)
    return app


def _strict(response: Response) -> Response:
    """The site's policy: no inline script or style gets through here either."""
    response.headers["Content-Security-Policy"] = (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'"
    )
    return response
