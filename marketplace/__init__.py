"""张榜 Zhangbang: demands, sealed bids, review and delivery. ``create_app`` puts the house together."""

from __future__ import annotations

from typing import Any

from flask import Flask

from marketplace.config import Config, ConfigError, from_environment

__all__ = ["Config", "ConfigError", "create_app"]


def create_app(config: Config | None = None, *, engine: Any = None) -> Flask:
    """The application. Tests hand in their ``config`` and ``engine``; everybody else is served by the environment."""
    from marketplace import features, logs, web
    from marketplace.custody import software
    from marketplace.platform import audit, clock, translations

    config = config or from_environment()
    logs.configure()
    app = Flask("marketplace", root_path=str(config.root), static_folder="static", template_folder="templates")
    app.config.update(
        ZHANGBANG=config,
        SECRET_KEY=config.secret_key,
        TESTING=config.testing,
        WTF_CSRF_TIME_LIMIT=None,  # the default of an hour kills long typing
        MAX_CONTENT_LENGTH=64 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=4 * 1024 * 1024,
        MAX_FORM_PARTS=5000,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.base_url.startswith("https://"),
        SESSION_COOKIE_NAME="zhangbang",
        SEND_FILE_MAX_AGE_DEFAULT=31536000,
        BABEL_DEFAULT_LOCALE="zh_Hans_CN",
        BABEL_TRANSLATION_DIRECTORIES=str(
            translations.compile_into(config.root / "marketplace" / "translations", config.instance / "translations")
        ),
        RATELIMIT_STORAGE_URI=config.redis_url or "memory://",
        RATELIMIT_ENABLED=not config.testing,
        TIMELESS=frozenset({"site.healthz"}),
    )
    _connect(app, config, engine)
    audit.configure(config.keys, config.log_origin)
    software.configure(config.keys, demo=config.demo)
    clock.configure(strict=not config.demo)
    web.install(app)
    features.install(app)
    return app


def _connect(app: Flask, config: Config, engine: Any) -> None:
    from marketplace import db

    if engine is None:
        config.instance.mkdir(parents=True, exist_ok=True)
        engine = db.make_engine(config.database_url)
        db.configure(engine)
        app.extensions["release_session"] = db.session.remove
    else:  # a test owns the session and its rolled-back transaction
        app.extensions["release_session"] = lambda: None
    app.extensions["engine"] = engine
