"""Settings, read once from the environment (prefix ``ZHANGBANG_`` unless the name is common usage).

A production start refuses what would be unsafe; the embedded default needs no setting at all.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEAK_SECRETS = {"", "dev", "secret", "changeme", "change-me", "password", "test"}


class ConfigError(RuntimeError):
    """A setting that must be mended before the site may start; the text says which and how."""


@dataclass(frozen=True)
class Config:
    """All settings. ``instance`` holds every run-time file of the embedded default."""

    instance: Path = ROOT / "instance"
    database_url: str = ""
    secret_key: str = ""
    demo: bool = False
    testing: bool = False
    debug: bool = False
    base_url: str = "http://127.0.0.1:8000"
    keys: Path = ROOT / "instance" / "keys"
    redis_url: str = ""
    storage_url: str = ""
    clamd: str = ""  # host:port or socket path; empty: opened files are "not scanned"
    search_backend: str = "whoosh"
    embedded_worker: bool = True
    trusted_proxies: int = 0
    smtp_url: str = ""
    smtp_password: str = ""  # of the server that the administrator set; smtp_url carries its own
    mail_from: str = "张榜 <no-reply@localhost>"
    metrics: bool = False
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """The repository: templates, static files, migrations."""
        return ROOT

    @property
    def log_origin(self) -> str:
        """The audit log's name in checkpoints (C2SP tlog-checkpoint: a schema-less URL)."""
        return self.base_url.split("://", 1)[-1] + "/log"

    @property
    def production(self) -> bool:
        """Neither demo nor test: the strict rules hold."""
        return not (self.demo or self.testing)

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")


def _flag(env: Mapping[str, str], name: str, default: bool = False) -> bool:
    return env.get(name, "1" if default else "0").strip().lower() in {"1", "true", "yes", "on"}


def _normal_database_url(url: str, instance: Path) -> str:
    if not url:
        return f"sqlite:///{instance / 'zhangbang.sqlite'}"
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def _kept_secret(keys: Path) -> str:
    """The embedded default's own secret: made once, kept beside the other keys (0600)."""
    path = keys / "secret_key"
    if not path.exists():
        keys.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as stream:
            stream.write(secrets.token_hex(32))
    return path.read_text().strip()


def from_environment(env: Mapping[str, str] | None = None) -> Config:
    """Read and check the settings.

    Raises ``ConfigError`` in production for a missing or weak secret, debug mode, or a base URL without https.
    """
    env = os.environ if env is None else env
    instance = Path(env.get("ZHANGBANG_INSTANCE", str(ROOT / "instance"))).resolve()
    keys = Path(env.get("ZHANGBANG_KEYS", str(instance / "keys"))).resolve()
    secret = env.get("SECRET_KEY", "")
    # A command typed in a checkout without any setting works on the embedded demo; only a server must be told what it is.
    typed = env.get("FLASK_RUN_FROM_CLI") == "true" and "run" not in sys.argv[1:]
    demo = _flag(env, "ZHANGBANG_DEMO", default=typed and not secret)
    config = Config(
        instance=instance,
        database_url=_normal_database_url(env.get("DATABASE_URL", ""), instance),
        secret_key=secret or (_kept_secret(keys) if demo else ""),
        demo=demo,
        debug=_flag(env, "FLASK_DEBUG"),
        base_url=env.get("ZHANGBANG_BASE_URL", f"http://127.0.0.1:{env.get('PORT', '8000')}").rstrip("/"),
        keys=keys,
        redis_url=env.get("REDIS_URL", ""),
        storage_url=env.get("STORAGE_URL", ""),
        clamd=env.get("ZHANGBANG_CLAMD", ""),
        search_backend=env.get("SEARCH_BACKEND", "whoosh"),
        embedded_worker=_flag(env, "ZHANGBANG_EMBEDDED_WORKER", default=True),
        trusted_proxies=int(env.get("ZHANGBANG_TRUSTED_PROXIES", "0")),
        smtp_url=env.get("ZHANGBANG_SMTP_URL", ""),
        smtp_password=env.get("ZHANGBANG_SMTP_PASSWORD", ""),
        mail_from=env.get("ZHANGBANG_MAIL_FROM", Config.mail_from),
        metrics=_flag(env, "ZHANGBANG_METRICS"),
    )
    if config.production:
        _refuse_unsafe(config)
    return config


def _refuse_unsafe(config: Config) -> None:
    if config.secret_key.lower() in WEAK_SECRETS or len(config.secret_key) < 32:
        raise ConfigError("SECRET_KEY 缺失或过弱：请设置不少于 32 个字符的随机值。 SECRET_KEY is missing or weak.")
    if config.debug:
        raise ConfigError("正式环境不得开启调试模式：请去掉 FLASK_DEBUG。 Debug mode is refused in production.")
    if not config.base_url.startswith("https://"):
        raise ConfigError(
            "ZHANGBANG_BASE_URL 须以 https:// 开头（封标依赖浏览器的安全上下文）。 The base URL must be https."
        )
