"""Compiles the translation catalogues at the start of the process, so that no binary lies in the repository.

Flask-Babel reads ``.mo`` files; they are made from the ``.po`` files below ``marketplace/translations`` into a folder
of the instance. Pure: no flask.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po


def compile_into(source: Path, target: Path) -> Path:
    """Compile every ``source/<locale>/LC_MESSAGES/<domain>.po`` into the same place below ``target``; gives ``target``.

    A ``.mo`` newer than its ``.po`` is left alone. Each is written beside and renamed, because several processes may
    start at once.
    """
    for catalogue in sorted(source.glob("*/LC_MESSAGES/*.po")):
        compiled = (target / catalogue.relative_to(source)).with_suffix(".mo")
        if compiled.exists() and compiled.stat().st_mtime > catalogue.stat().st_mtime:
            continue
        compiled.parent.mkdir(parents=True, exist_ok=True)
        with catalogue.open("rb") as stream:
            messages = read_po(stream, locale=catalogue.parent.parent.name, domain=catalogue.stem)
        handle, beside = tempfile.mkstemp(dir=compiled.parent)
        with os.fdopen(handle, "wb") as stream:
            write_mo(stream, messages)
        Path(beside).replace(compiled)
    return target
