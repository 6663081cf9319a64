"""What stands around every page — entries of the head and the foot, who is signed in, what the site is called — and
what templates may call. Static files are answered by ``serving``; this feature has no address of its own.

Only what exists is shown: an entry whose endpoint no feature has registered is left out (ui.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask, current_app, g, request, url_for
from flask_babel import gettext as _
from flask_babel import pgettext

from marketplace.accounts.rules import ROLE_LABELS, Role
from marketplace.frontend.serving import StaticFiles
from marketplace.platform import formatting, policy
from marketplace.platform.assets import Assets
from marketplace.platform.policy import Actor

Entries = list[tuple[str, str]]


def place(endpoint: str, **values: Any) -> str | None:
    """The address of an endpoint, ``None`` while no feature has it."""
    return url_for(endpoint, **values) if endpoint in current_app.view_functions else None


def nav() -> Entries:
    """The main navigation."""
    return _existing(
        ("home.index", _("首页")),
        ("demands.index", _("榜单")),
        ("notices.index", _("公示公告")),
        ("capabilities.index", _("能力")),
        ("cases.index", _("案例")),
        ("statistics.index", _("数据")),
        ("help.index", _("帮助")),
    )


def footer() -> list[tuple[str, Entries]]:
    """Three groups of links; an empty one is not drawn."""
    return [
        (
            _("办事"),
            _existing(("demands.new", _("我要出题")), ("bids.index", _("我要揭榜")), ("verify.index", _("核验回执"))),
        ),
        (
            _("公开"),
            _existing(
                ("promises.index", _("兑现榜")),
                ("transparency.index", _("审计日志")),
                ("opendata.index", _("开放数据与接口")),
            ),
        ),
        (_("关于"), _existing(("site.map", _("站点地图")), ("help.accessibility", _("无障碍说明")))),
    ]


def _existing(*entries: tuple[str, str]) -> Entries:
    return [(endpoint, label) for endpoint, label in entries if endpoint in current_app.view_functions]


def account(actor: Actor) -> dict[str, Any] | None:
    """Who is signed in, for the head of a page; ``None`` for visitors.

    Somebody with several roles holds them all at once; choosing one narrows the desk to it (``/desk?role=``).
    """
    if not actor.signed_in:
        return None
    held = [role for role in Role if actor.has(role)]
    wanted = request.args.get("role")
    present = next((role for role in held if role == wanted), held[0] if len(held) == 1 else None)
    desk = place("desk.index")
    return {
        "name": actor.name,
        "role": _(ROLE_LABELS[present]) if present else (_("全部身份") if held else _("我的账号")),
        "url": place("accounts.account") or desk,
        "roles": [
            {"label": _(ROLE_LABELS[role]), "url": f"{desk}?role={role}", "current": role == present}
            for role in held
            if desk and len(held) > 1
        ],
    }


def site(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The site's names and the lines of its foot: what is set, over the product's own defaults. In English the English
    names; without one the product's own title, for a title explains.
    """
    own = {"name": pgettext("brand", "张榜"), "title": _("应用场景需求发布平台")}
    told = own | {key: value for key, value in settings.items() if value}
    if g.get("locale") == "en":
        told |= {"name": settings.get("name_en") or told["name"], "title": settings.get("title_en") or own["title"]}
    return told


def _frame() -> dict[str, Any]:
    return {
        "site": site({}),
        "nav": nav(),
        "footer": footer(),
        "account": account(g.get("actor", policy.VISITOR)),
    }


def install(app: Flask) -> None:
    """Serve ``platform.assets``; give templates ``asset()``, ``place()``, the frame and ``platform.formatting``.

    The frame's ``site`` knows the defaults only; a later feature's context (settings) may say more.
    """
    config = app.config["ZHANGBANG"]
    assets = app.extensions["assets"] = Assets(config.root / "static", watch=config.debug)
    app.wsgi_app = StaticFiles(app.wsgi_app, assets)  # type: ignore[method-assign]
    app.context_processor(_frame)
    app.jinja_env.globals.update(asset=assets.url, place=place)
    app.jinja_env.filters.update(formatting.filters(lambda: str(g.get("locale", "zh_Hans_CN"))))
