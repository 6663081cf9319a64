"""Pages of demands. Everything shares one blueprint, so that an endpoint is ``demands.<view>`` whichever file has it:
``public`` (list, one demand, papers), ``unit`` (writing), ``staff`` (screening to publishing).
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from flask import Blueprint, Flask

from marketplace.platform.files.storage import storage_from

bp = Blueprint("demands", __name__)
PARTS = ("unit", "staff", "lists", "public")  # ``/demands/<ref>`` of the last takes what the others leave


def install(app: Flask) -> None:
    """Register the views of every part, and the storage that attachments live in (``extensions["storage"]``)."""
    config = app.config["ZHANGBANG"]
    app.extensions.setdefault("storage", storage_from(config.storage_url or None, instance=config.instance))
    for part in PARTS:
        if find_spec(f"{__name__}.{part}") is not None:
            import_module(f"{__name__}.{part}")
    app.register_blueprint(bp)
