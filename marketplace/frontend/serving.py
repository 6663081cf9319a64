"""Answers requests for static files before the application sees them: no session, no cookie, no transaction.

(A session looked at anywhere in a Flask request adds ``Vary: Cookie``, and browsers would then load every file again
after each sign-in.)
"""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from marketplace.platform.assets import PREFIX, Assets

ALWAYS = [("X-Content-Type-Options", "nosniff"), ("Cross-Origin-Resource-Policy", "same-origin")]


class StaticFiles:
    """WSGI middleware around the application: ``/assets/<version>/<path>`` is answered here."""

    def __init__(self, application: WSGIApplication, assets: Assets) -> None:
        self.application = application
        self.assets = assets

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path: str = environ.get("PATH_INFO", "")
        if not path.startswith(f"{PREFIX}/"):
            return self.application(environ, start_response)
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            start_response("405 Method Not Allowed", [*ALWAYS, ("Allow", "GET, HEAD"), ("Content-Length", "0")])
            return []
        version, _, name = path.removeprefix(f"{PREFIX}/").partition("/")
        answer = self.assets.find(version, name, environ.get("HTTP_ACCEPT_ENCODING", ""))
        if answer is None:
            start_response("404 Not Found", [*ALWAYS, ("Content-Type", "text/plain"), ("Content-Length", "10")])
            return [b"Not found\n"]
        headers = [*ALWAYS, ("ETag", answer.etag), ("Cache-Control", answer.cache_control), ("Vary", "Accept-Encoding")]
        if environ.get("HTTP_IF_NONE_MATCH") == answer.etag:
            start_response("304 Not Modified", headers)
            return []
        headers += [("Content-Type", answer.media_type), ("Content-Length", str(len(answer.body)))]
        if answer.encoding:
            headers.append(("Content-Encoding", answer.encoding))
        start_response("200 OK", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]
