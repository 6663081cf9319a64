"""What the browser tests share: one played demo for the whole run, of which each file is served a copy."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.browser.served import prepared


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.getbasetemp()
    return prepared(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base)
