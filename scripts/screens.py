"""Renew docs/screens: a fresh demo in a temporary folder, served by the real server, seen by the system's Chromium.

    python scripts/screens.py [name …]

Each picture is the whole page, at 1440 and 375 pixels; names are those of ``PAGES``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from tests.browser.served import served  # noqa: E402

TARGET = ROOT / "docs" / "screens"
CHROMIUM = "/usr/bin/chromium"
# name: (account or "", path; "=词" is the first row of the desk whose button says so; " > css" follows the first link
# that matches). A bid's page that is locked is opened with the demo's key code.
PAGES: dict[str, tuple[str, str]] = {
    "home": ("", "/"),
    "list": ("", "/demands"),
    "demand": ("", "/demands/ZZGX-2026-02-001"),
    "batch": ("", "/batches/ZZGX-2026-02"),
    "search": ("", "/search?q=停车"),
    "alerts": ("bidder", "/alerts"),
    "matches": ("bidder", "/desk/matches"),
    "unfound": ("screener", "/desk/unfound"),
    "sign-in": ("", "/sign-in"),
    "help": ("", "/help"),
    "transparency": ("", "/transparency"),
    "verify": ("", "/verify"),
    "capabilities": ("", "/capabilities"),
    "desk-drafter": ("drafter", "/desk"),
    "form": ("drafter", "=继续填报"),
    "work": ("screener", "=审查"),
    "post": ("publisher", "/desk/batches/ZZGX-2026-03/publication"),
    "register": ("", "/register"),
    "settings": ("sysadmin", "/admin/settings/taxonomy"),
    "bids": ("bidder", "/bids"),
    "bid": ("bidder", "/bids > tr:has-text('ZZGX-2026-02-012') a[href^='/bids/']"),
    "bid-form": ("bidder", "/bids > tr:has-text('ZZGX-2026-02-012') a[href^='/bids/'] > a[href$='/form']"),
    "bid-seal": (
        "bidder",
        "/bids > tr:has-text('ZZGX-2026-02-012') a[href^='/bids/'] > a[href$='/form'] > a[href$='/seal']",
    ),
    "receipt": ("bidder", "/bids > tr:has-text('ZZGX-2026-02-012') a[href^='/bids/'] > main a[href^='/receipts/']"),
    "hall": ("", "/demands/ZZGX-2026-02-027/opening"),
    "record": ("publisher", "/demands/ZZGX-2026-01-002/opening"),
    "record-print": ("publisher", "/demands/ZZGX-2026-01-002/opening/record"),
    "custody": ("custodian1", "/custody"),
    "release": ("custodian1", "/custody/release"),
    "eligibility": ("screener", "/demands/ZZGX-2026-02-033/eligibility"),
    "eligibility-bid": ("screener", "/demands/ZZGX-2026-02-033/eligibility > tbody tr:nth-child(2) th a"),
    "diagnosis": ("publisher", "/demands/ZZGX-2026-01-010/diagnosis"),
    "reopening": ("publisher", "/demands/ZZGX-2026-02-027/reopening"),
    "clock": ("sysadmin", "/admin/settings/clock"),
    "desk-screener": ("screener", "/desk"),
    "desk-publisher": ("publisher", "/desk"),
    "panel": ("screener", "/panels/ZZGX-2026-02-035"),
    "review": ("publisher", "/demands/ZZGX-2026-01-009/review"),
    "ranking": ("publisher", "/demands/ZZGX-2026-01-001/ranking"),
    "report": ("publisher", "/demands/ZZGX-2026-01-001/report"),
    "notice": ("", "/notices/3"),
    "notices-desk": ("publisher", "/desk/notices"),
    "objections-desk": ("screener", "/desk/objections"),
    "award": ("publisher", "/awards/3"),
    "re-review": ("publisher", "/demands/ZZGX-2026-01-001/re-review"),
    "objection": ("publisher", "/desk/objections > main table a"),
    "letter": ("bidder", "=letter"),
    "oversight": ("supervisor", "/demands/ZZGX-2026-01-001/oversight"),
    "expert-review": ("expert1", "/review/ZZGX-2026-02-035"),
    "expert-sheet": ("expert1", "=sheet"),
}
# "=name": where the first link of that kind leads, from the page of the list
FIRST = {
    "=letter": ("/desk/letters", "main a[href$='/letter']"),
    "=sheet": ("/review/ZZGX-2026-02-035", "main a[href*='/bids/']"),
}


def sign_in(browser: Browser, base: str, username: str) -> list[dict[str, object]]:
    """The cookies of an account, as a person would get them."""
    from marketplace.accounts.rules import DEMO_PASSWORD

    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{base}/sign-in")
    page.fill("input[name=username]", username)
    page.fill("input[name=password]", DEMO_PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_load_state()
    cookies = context.cookies()
    context.close()
    return cookies


def unlock(page: Page) -> None:
    """A device that does not know the organisation's key yet is given the code that the demo prints."""
    if not page.locator("[data-key-enter]").count():
        return
    page.locator(
        "[data-key-panel]:not([hidden]) [data-key-enter]:not([hidden]), [data-module][data-ready]"
    ).first.wait_for(state="attached")
    if page.locator("[data-key-enter]").is_visible():
        page.fill("#key-code", page.locator("[data-key-demo]").inner_text())
        page.locator("[data-key-enter] [type=submit]").click()
    page.locator("[data-module][data-ready]").first.wait_for(state="attached")
    page.get_by_text("等待加密").first.wait_for(state="hidden")  # files of the former version are on their way


def main(names: list[str]) -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    with served() as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        kept: dict[str, list[dict[str, object]]] = {"": []}
        for name, (username, path) in PAGES.items():
            if names and name not in names:
                continue
            if username not in kept:
                kept[username] = sign_in(browser, base, username)
            for width in (1440, 375):
                context = browser.new_context(viewport={"width": width, "height": 900}, locale="zh-CN")
                context.add_cookies(kept[username])  # type: ignore[arg-type]
                page = context.new_page()
                start, *steps = path.split(" > ")
                if start in FIRST:
                    page.goto(base + FIRST[start][0])
                    start = page.locator(FIRST[start][1]).first.get_attribute("href") or "/desk"
                elif start.startswith("="):
                    page.goto(f"{base}/desk")
                    button = page.locator(f"table a.button:has-text('{start[1:]}')")
                    start = button.first.get_attribute("href") or "/desk"
                answer = page.goto(base + start)
                for step in steps:
                    unlock(page)
                    found = page.locator(step).first.get_attribute("href") or ""
                    answer = page.goto(found if "//" in found else base + found)
                unlock(page)
                if answer is None or answer.status != 200:
                    print(f"{name}: {answer.status if answer else 'no answer'}")  # noqa: T201
                page.screenshot(path=TARGET / f"{name}-{width}.png", full_page=True)
                context.close()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
