"""A walk over every page kind that links lead to, as every role, in the real browser: accessible, inside the content
policy, no sideways scroll. Pages are found by walking, one for each route, so that a new page is looked at without being
listed. Two files of tests walk, one for each language, so that two workers share the work.
"""

from __future__ import annotations

import re
from collections import deque
from html import unescape
from urllib.parse import urljoin, urlsplit

from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page
from playwright.sync_api import Error as PlaywrightError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from tests.browser.test_site import errors_into, person

ROLES = [
    "", "bidder", "screener", "publisher", "drafter", "approver", "publisher2", "expert1", "expert2", "custodian1",
    "supervisor", "rival", "bidder_member", "finance", "sysadmin", "secadmin", "auditadmin",
]  # fmt: skip
HREF = re.compile(r'<a [^>]*?href="([^"#]+)"(?![^>]*download)')
# Paper has the width of paper.
WIDE = re.compile(r"/print$")
STARTS = ("/", "/desk", "/help", "/account")
ANYONE = ("/", "/help", "/search?q=%E6%B0%B4%E8%B4%A8")
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


def walk(app: Flask, browser: Browser, site: str, variant: str) -> None:
    """``variant``: language-mode-width, as ``zh-normal-1440``."""
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
        waiting = deque(site + start for start in (STARTS if who else ANYONE))
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
