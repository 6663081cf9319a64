from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask, g, render_template_string

from marketplace.frontend import routes
from marketplace.platform.assets import FOREVER
from marketplace.platform.policy import VISITOR, Actor


def url(app: Flask, path: str) -> str:
    return str(app.extensions["assets"].url(path))


def test_a_file_is_served_for_ever_without_query_or_cookie(app: Flask, count_queries: list[str]) -> None:
    count_queries.clear()
    answer = app.test_client().get(url(app, "site.css"), headers={"Accept-Encoding": "gzip, br"})
    assert (answer.status_code, answer.mimetype) == (200, "text/css")
    assert (answer.headers["Cache-Control"], answer.headers["Content-Encoding"]) == (FOREVER, "br")
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert "Set-Cookie" not in answer.headers
    assert count_queries == []


def test_it_is_not_sent_twice(app: Flask) -> None:
    client = app.test_client()
    tag = client.get(url(app, "js/main.js")).headers["ETag"]
    again = client.get(url(app, "js/main.js"), headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")


def test_head_has_the_headers_and_post_is_refused(app: Flask) -> None:
    client = app.test_client()
    head = client.head(url(app, "icons.svg"))
    assert head.data == b""
    assert head.headers["Content-Length"] == client.get(url(app, "icons.svg")).headers["Content-Length"]
    assert client.post(url(app, "icons.svg")).status_code == 405


def test_an_older_page_gets_today_s_file_uncached(app: Flask) -> None:
    answer = app.test_client().get("/assets/000000000000/icons.svg")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-cache")


@pytest.mark.parametrize("path", ["css/tokens.css", "js/none.js", "..%2fpyproject.toml", ""])
def test_what_is_not_there_is_404(app: Flask, path: str) -> None:
    assert app.test_client().get(f"/assets/000000000000/{path}").status_code == 404


def test_pages_speak_english_when_asked(app: Flask) -> None:
    with app.test_request_context("/"):
        g.locale = "en"
        assert render_template_string("{{ _('榜单') }} {{ none | money }}") == "Demands Negotiable"


def test_entries_without_a_feature_are_left_out(app: Flask) -> None:
    with app.test_request_context("/"):
        shown = [endpoint for endpoint, _ in routes.nav()] + [e for _, links in routes.footer() for e, _ in links]
        assert [endpoint for endpoint in shown if endpoint not in app.view_functions] == []
        assert routes.place("no.such") is None


def test_the_head_says_who_is_signed_in(app: Flask, actor: Callable[[str], Actor]) -> None:
    with app.test_request_context("/"):
        g.locale = "zh_Hans_CN"
        assert routes.account(VISITOR) is None
        screener = actor("screener")
        shown = routes.account(screener)
        assert shown is not None
        assert (shown["name"], shown["role"], shown["roles"]) == (screener.name, "受理员", [])


def test_settings_speak_over_defaults_but_not_with_nothing(app: Flask) -> None:
    with app.test_request_context("/"):
        g.locale = "zh_Hans_CN"
        assert routes.site({"name": "", "icp": "豫ICP备1号"}) == {
            "name": "张榜",
            "title": "应用场景需求发布平台",
            "icp": "豫ICP备1号",
        }
