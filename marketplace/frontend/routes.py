"""Static files, ``asset()``, ``place()``, the filters, and the frame of every page. No address of its own."""

from __future__ import annotations

from typing import Any

from flask import Flask, g

from marketplace.frontend import frame
from marketplace.frontend.serving import StaticFiles
from marketplace.platform import formatting, policy
from marketplace.platform.assets import Assets


def _frame() -> dict[str, Any]:
    return {
        "site": frame.site({}),
        "nav": frame.nav(),
        "footer": frame.footer(),
        "account": frame.account(g.get("actor", policy.VISITOR)),
    }


def install(app: Flask) -> None:
    """Serve ``platform.assets``; give templates ``asset()``, ``place()``, the frame and ``platform.formatting``.

    The frame's ``site`` knows the defaults only; a later feature's context (settings) may say more.
    """
    config = app.config["ZHANGBANG"]
    assets = app.extensions["assets"] = Assets(config.root / "static", watch=config.debug)
    app.wsgi_app = StaticFiles(app.wsgi_app, assets)  # type: ignore[method-assign]
    app.context_processor(_frame)
    app.jinja_env.globals.update(asset=assets.url, place=frame.place)
    app.jinja_env.filters.update(formatting.filters(lambda: str(g.get("locale", "zh_Hans_CN"))))
