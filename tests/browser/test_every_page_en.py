"""Every page kind, as every role, in English (``walking``)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser

from tests.browser.served import served
from tests.browser.walking import walk
from tests.sizes import size

VARIANTS = ["en-large-375", "en-large-1440", "en-normal-375", "en-normal-1440"][: size(1, 4)]


@pytest.fixture(scope="module")
def site(demo: Path) -> Iterator[str]:
    with served(demo) as base:
        yield base


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_page_is_accessible_and_fits(app: Flask, browser: Browser, site: str, variant: str) -> None:
    walk(app, browser, site, variant)
