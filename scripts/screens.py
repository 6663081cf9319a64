"""Renew docs/screens: a fresh demo in a temporary folder, served by the real server, seen by the system's Chromium.

    python scripts/screens.py [name …]

Each picture is the whole page, at 1440 and 375 pixels; names are those of ``PAGES``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from tests.browser.served import served  # noqa: E402

TARGET = ROOT / "docs" / "screens"
CHROMIUM = "/usr/bin/chromium"
# name: (account or "", path; "=词" is the first row of the desk whose button says so)
PAGES: dict[str, tuple[str, str]] = {
    "home": ("", "/"),
    "list": ("", "/demands"),
    "demand": ("", "/demands/ZZGX-2026-02-001"),
    "batch": ("", "/batches/ZZGX-2026-02"),
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
    "desk-screener": ("screener", "/desk"),
    "desk-publisher": ("publisher", "/desk"),
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
                if path.startswith("="):
                    page.goto(f"{base}/desk")
                    path = page.locator(f"table a.button:has-text('{path[1:]}')").first.get_attribute("href") or "/desk"
                answer = page.goto(base + path)
                if answer is None or answer.status != 200:
                    print(f"{name}: {answer.status if answer else 'no answer'}")  # noqa: T201
                page.screenshot(path=TARGET / f"{name}-{width}.png", full_page=True)
                context.close()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
