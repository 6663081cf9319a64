"""The browser modules on an empty page under the site's CSP, and a shelf to pass bytes over."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

ROOT = Path("static")
CSP = "default-src 'none'; script-src 'self'; connect-src 'self'"
HARNESS = (
    b'<!doctype html><html lang="en"><title>sealing</title><script type="module" src="/harness.js"></script></html>'
)
MODULES = sorted(path.stem for path in (ROOT / "js" / "sealing").glob("*.js"))
SCRIPT = "".join(f'import * as {name} from "/static/js/sealing/{name}.js";\n' for name in MODULES) + (
    f"window.jbs = {{ {', '.join(MODULES)} }};\n"
    "window.blob = async (path) => (await fetch(`/blob/${path}`)).blob();\n"
    "window.put = (envelope, part, index, bytes) =>\n"
    '  fetch(`/blob/${envelope}/${part}/${index}`, { method: "PUT", body: bytes });\n'
    "window.code = (act) => act().then(() => null, (error) => error.code ?? String(error));\n"
    "window.ready = true;\n"
)


@dataclass
class Site:
    """The static files, one empty page, and a shelf for bytes."""

    port: int = 0
    shelf: dict[str, bytes] = field(default_factory=dict)

    def url(self, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}/"


def handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path
            if path == "/":
                self.answer(HARNESS, "text/html")
            elif path == "/harness.js":
                self.answer(SCRIPT.encode(), "text/javascript")
            elif path.startswith("/static/js/"):
                self.answer((ROOT / path.removeprefix("/static/")).read_bytes(), "text/javascript")
            elif path.startswith("/blob/"):
                self.answer(site.shelf[path.removeprefix("/blob/")], "application/octet-stream")
            else:
                self.send_error(404)

        def do_PUT(self) -> None:
            site.shelf[self.path.removeprefix("/blob/")] = self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(b"", "text/plain")

        def answer(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", CSP)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    site = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(site))
    site.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield site
    server.shutdown()
    server.server_close()


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(site.url())
    page.wait_for_function("window.ready")
    yield page
    context.close()
    assert [error for error in errors if "favicon" not in error] == []
