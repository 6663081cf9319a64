"""The application's log: one JSON object a line on stderr, with the request's id; never a body, a secret or a bidder."""

from __future__ import annotations

import sys

import structlog


def configure() -> None:
    """Once per process; whoever prints for a program (``--json``) has stdout for himself."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # whatever stderr is by then
        cache_logger_on_first_use=False,
    )


def begin_request(id_: str) -> None:
    """Lines of this request carry its id; nothing of the one before stays."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request=id_)
