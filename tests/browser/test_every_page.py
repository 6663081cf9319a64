"""Every page kind that links lead to, as every role, in the real browser: accessible, inside the content policy, no
sideways scroll. Pages are found by walking, one for each route, so that a new page is looked at without being listed.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from html import unescape
from itertools import product
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page
from playwright.sync_api import Error as PlaywrightError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from tests.browser.served import served
from tests.browser.test_site import errors_into, person
from tests.sizes import size

ROLES = [
    "", "bidder", "screener", "publisher", "drafter", "approver", "publisher2", "expert1", "expert2", "custodian1",
    "supervisor", "rival", "bidder_member", "finance", "sysadmin", "secadmin", "auditadmin",
]  # fmt: skip
ALL = [f"{lang}-{mode}-{width}" for lang, mode, width in product(("zh", "en"), ("normal", "large"), (1440, 375))]
VARIANTS = ALL if size(0, 1) else ["zh-normal-1440", "en-large-375"]
HREF = re.compile(r'<a [^>]*?href="([^"#]+)"(?![^>]*download)')
# Paper has the width of paper.
WIDE = re.compile(r"/print$|^/admin(/log)?$")
STARTS = ("/", "/desk", "/help", "/account")
FILES = (
    ".pdf",
    ".docx",
    ".xlsx",
    ".json",
    ".txt",
    ".ics",
    ".atom",
    ".csv",
    ".py",
    ".svg",
    ".png",
    ".xml",
    ".js",
    ".css",
)


@pytest.fixture(scope="module")
def site(demo: Path) -> Iterator[str]:
    with served(demo) as base:
        yield base


def endpoint_of(app: Flask, url: str) -> str | None:
    """Which page a link leads to; files and other hosts lead to none."""
    path = urlsplit(url).path
    if path.endswith(FILES) or "export=" in url or path.startswith("/assets/"):
        return None
    try:
        endpoint, _ = app.url_map.bind("").match(path, method="GET")
    except RequestRedirect:
        return None
    except HTTPException:
        return f"nothing at {path}"
    return str(endpoint)


def look(page: Page, url: str, who: str) -> tuple[list[str], list[str]]:
    """(problems, links) of one page."""
    try:
        answer = page.goto(url, wait_until="load")
    except PlaywrightError as error:
        if "Download is starting" not in error.message:
            raise
        return [], []
    if answer is None or "text/html" not in answer.headers.get("content-type", ""):
        return [], []
    path = urlsplit(url).path
    problems = [] if answer.status == 200 else [f"{who} {path}: {answer.status}"]
    found = Axe().run(page).response["violations"]
    problems += [f"{who} {path}: {item['id']} {item['nodes'][0]['target']}" for item in found]
    if not WIDE.search(path) and page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        problems.append(f"{who} {path}: scrolls sideways")
    links = page.eval_on_selector_all("a[href]:not([download])", "links => links.map((link) => link.href)")
    return problems, links


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_page_is_accessible_and_fits(app: Flask, browser: Browser, site: str, variant: str):
    lang, mode, width = variant.split("-")
    problems: list[str] = []
    seen: set[str] = set()
    # A file opened beside the pages has no icon of its own; the browser then asks for this one.
    icon = "/favicon.ico"
    for who in ROLES:
        page = person(browser, site, who, width=int(width), lang=lang, mode=mode)
        complaints: list[str] = []
        page.on("console", errors_into(complaints))
        page.on("dialog", lambda dialog: dialog.accept())
        waiting = deque(site + start for start in STARTS if who or start in ("/", "/help"))
        walked: set[str] = set()
        while waiting:
            url = waiting.popleft()
            endpoint = endpoint_of(app, url) if url.startswith(site) else None
            if endpoint is None or endpoint in walked:
                continue
            walked.add(endpoint)
            if endpoint in seen:  # looked at as somebody else: only where this role's links lead is new
                waiting.extend(urljoin(url, unescape(link)) for link in HREF.findall(page.request.get(url).text()))
                continue
            seen.add(endpoint)
            found, links = look(page, url, who or "visitor")
            problems += found + [
                f"{who or 'visitor'} {url.removeprefix(site)}: {text}" for text in complaints if icon not in text
            ]
            complaints.clear()
            waiting.extend(links)
        page.context.close()
    assert not problems, "\n".join(problems)
    assert len(seen) >= 120, sorted(seen)
