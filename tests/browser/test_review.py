"""The expert's desk in a real browser: ten bids by seven criteria with the keyboard alone, a server killed in the middle
of typing, two windows, a phone, and no accessibility violation.

Served is the application over a scratch database, written by the services; the clock travels as everywhere.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

ROOT = Path(__file__).resolve().parents[2]
BIDS = 10


class Site:
    """A server that can be killed and started again on the same data."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.env = {
            **{name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "TEST_DATABASE_URL")},
            "ZHANGBANG_DEMO": "1",
            "ZHANGBANG_INSTANCE": str(folder),
            "PORT": str(self.port),
            "WEB_CONCURRENCY": "1",
        }
        self.base = f"http://127.0.0.1:{self.port}"
        self.server: subprocess.Popen[bytes] | None = None

    def prepare(self, module: str, *arguments: str) -> dict[str, str]:
        """Run the script that writes what is looked at; what it prints says where that is and who may sign in."""
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=self.env,
            check=True,
            capture_output=True,
            text=True,
        )
        return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)

    def start(self) -> None:
        self.server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"],
            cwd=ROOT,
            env=self.env,
            start_new_session=True,
        )
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{self.base}/healthz", timeout=2)
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the server did not start")

    def kill(self) -> None:
        """No goodbye: the whole process group at once."""
        assert self.server is not None
        os.killpg(self.server.pid, signal.SIGKILL)
        self.server.wait(30)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, dict[str, str]]]:
    site = Site(tmp_path_factory.mktemp("review"))
    told = site.prepare("tests.browser.review_site", str(BIDS))
    site.start()
    yield site, told
    site.kill()


@pytest.fixture
def context(browser: Browser, site: tuple[Site, dict[str, str]]) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1440, "height": 1000})
    yield sign_in(made, *site)
    made.close()


def sign_in(context: BrowserContext, site: Site, told: dict[str, str]) -> BrowserContext:
    page = context.new_page()
    page.goto(f"{site.base}/sign-in")
    page.fill("input[name=username]", told["user"])
    page.fill("input[name=password]", told["password"])
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/desk**")
    page.close()
    return context


def ready(page: Page, address: str) -> Page:
    page.goto(address)
    page.wait_for_selector("html[data-ready]")
    return page


def score_with_keys(page: Page) -> None:
    """Every indicator proved, every criterion at eight tenths: Y for each tick, then arrow and digit."""
    ticks = page.locator("fieldset.proof").count()
    for _ in range(ticks):
        page.keyboard.press("y")
    typed = page.locator(".criterion input.input").count()
    for place in range(typed):
        page.keyboard.press("8")
        if place + 1 < typed:
            page.keyboard.press("ArrowDown")
    expect(page.locator("[data-missing]")).to_have_text("已填完")
    expect(page.locator("[data-saved]")).to_contain_text("已保存")


def test_ten_bids_by_seven_criteria_without_a_mouse(context: BrowserContext, site: tuple[Site, dict[str, str]]) -> None:
    server, told = site
    page = ready(context.new_page(), f"{server.base}{told['first']}")
    assert page.locator(".criterion").count() == 7
    for place in range(BIDS):
        score_with_keys(page)
        if place + 1 < BIDS:
            before = page.url
            page.keyboard.press("ArrowRight")
            page.wait_for_url(lambda url, before=before: url != before)
            page.wait_for_selector("html[data-ready]")
    expect(page.locator(".review-bar__progress")).to_contain_text(f"{BIDS} / {BIDS}")
    page.goto(f"{server.base}{told['review']}")
    page.get_by_role("link", name="提交全部").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name=f"提交{BIDS}份").focus()
    page.keyboard.press("Enter")
    expect(page.locator("body")).to_contain_text(f"已提交{BIDS}份评分表")


def test_a_server_killed_in_the_middle_of_typing_loses_nothing(
    browser: Browser, site: tuple[Site, dict[str, str]]
) -> None:
    server, told = site
    context = sign_in(browser.new_context(), server, told | {"user": told["other"]})
    page = ready(context.new_page(), f"{server.base}{told['first']}")
    page.fill("textarea[name=comment-plan]", "服务器还在的时候写的")
    expect(page.locator("[data-saved]")).to_contain_text("已保存")
    before = page.input_value("[name=serial]")
    server.kill()
    page.fill("textarea[name=comment-plan]", "服务器还在的时候写的，断线以后接着写的一整段")
    page.fill("input[name=score-plan]", "17.5")
    expect(page.locator("[data-saved]")).to_contain_text("连接中断")
    page.close()  # the window is gone too
    server.start()
    again = ready(context.new_page(), f"{server.base}{told['first']}")
    assert again.input_value("textarea[name=comment-plan]") == "服务器还在的时候写的，断线以后接着写的一整段"
    expect(again.locator("[name=serial]")).not_to_have_value(before)  # acknowledged
    assert again.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('sheet:')).length") == 0
    fresh = ready(context.new_page(), f"{server.base}{told['first']}")
    assert fresh.input_value("input[name=score-plan]") == "17.5"
    # Two windows: the second one to write is told, and what it wrote stays in its box.
    again.fill("input[name=score-team]", "8")
    expect(again.locator("[name=serial]")).not_to_have_value(fresh.input_value("[name=serial]"))
    fresh.fill("input[name=score-team]", "3")
    expect(fresh.locator("[data-saved]")).to_contain_text("另一个窗口")
    assert fresh.input_value("input[name=score-team]") == "3"
    context.close()


@pytest.mark.parametrize(("width", "height"), [(1440, 1000), (360, 740)])
def test_no_violation_and_nothing_beside_the_screen(
    browser: Browser, site: tuple[Site, dict[str, str]], width: int, height: int
) -> None:
    server, told = site
    context = sign_in(
        browser.new_context(viewport={"width": width, "height": height}), server, told | {"user": told["other"]}
    )
    page = context.new_page()
    for address in (told["first"], told["review"], f"{told['first']}/files/1", "/review"):
        ready(page, f"{server.base}{address}")
        found = Axe().run(page).response["violations"]
        assert [(item["id"], item["nodes"][0]["html"][:120]) for item in found] == [], address
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
    if width == 360:
        ready(page, f"{server.base}{told['first']}")
        small = page.evaluate(
            "[...document.querySelectorAll('.proof label, .bands label, .sheet-actions .button')]"
            ".filter((item) => item.getBoundingClientRect().height < 44).length"
        )
        assert small == 0  # one thumb reaches every choice
    context.close()


def test_evidence_opens_beside_the_sheet(browser: Browser, site: tuple[Site, dict[str, str]]) -> None:
    server, told = site
    context = sign_in(browser.new_context(), server, told | {"user": told["other"]})
    page = ready(context.new_page(), f"{server.base}{told['first']}")
    page.keyboard.press("e")
    expect(page.locator("[data-viewer]")).to_be_visible()
    expect(page.locator("[data-viewer] img")).to_be_visible()
    assert page.locator("input[name=score-plan]").count() == 1  # the sheet is still there
    context.close()
