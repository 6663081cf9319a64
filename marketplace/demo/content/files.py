"""Reads the TOML files beside it."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@cache
def read(path: str) -> dict[str, Any]:
    """One file, by its path relative to this folder. Read once: nobody changes what it gives."""
    return tomllib.loads((HERE / path).read_text(encoding="utf-8"))


def names(folder: str) -> list[str]:
    """The TOML files of a sub-folder, in the order of their names, as paths for ``read``."""
    return sorted(f"{folder}/{path.name}" for path in (HERE / folder).glob("*.toml"))
