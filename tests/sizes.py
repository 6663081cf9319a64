"""CI sizes and full sizes (`make soak`) of the same tests."""

import os


def size(ci: int, full: int) -> int:
    """``full`` under ``make soak``, else ``ci``."""
    return full if os.environ.get("ZHANGBANG_SOAK") else ci
