"""What strangers and scripts send: no token, a foreign token, rubbish in every place. Never a 5xx, never a write."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.routing import Rule

from marketplace.platform.audit import queries as log
from tests.client import Client
from tests.sizes import size

EXAMPLES = size(25, 1250)  # for each of eight roles
FILLERS: dict[str, Any] = {"IntegerConverter": 7, "PathConverter": "a/b"}
rubbish = st.text(max_size=40) | st.sampled_from(
    [
        "'",
        "%00",
        "\x00",
        "%",
        "_",
        "..",
        "1e999",
        "-1",
        "９９",
        "<script>",
        "=1+1",
        "NaN",
        "\ud83d".encode("utf-8", "ignore").decode(),
    ]
)


def _filler(converter: Any) -> Any:
    if choices := sorted(getattr(converter, "items", ())):
        return choices[0]
    return FILLERS.get(type(converter).__name__, "ZZGX-2026-01-001")


def addresses(app: Flask, method: str) -> list[str]:
    """One address for each route that takes the method."""

    def fill(rule: Rule) -> str:
        values = {name: _filler(converter) for name, converter in rule._converters.items()}
        built = rule.build(values, append_unknown=False)
        assert built is not None, rule
        return built[1]

    return sorted(
        {
            fill(rule)
            for rule in app.url_map.iter_rules()
            if method in (rule.methods or ()) and rule.endpoint != "static"
        }
    )


@pytest.mark.parametrize("username", ["bidder", "secadmin"])
def test_a_post_without_or_with_a_foreign_token_is_refused_and_writes_nothing(
    app: Flask, sign_in: Any, count_queries: list[str], username: str
):
    browser, stranger = sign_in(username), sign_in("rival")
    foreign = stranger.csrf_token()
    before = log.size()
    wrong = []
    count_queries.clear()
    for url in addresses(app, "POST"):
        for data in ({}, {"csrf_token": "nonsense"}, {"csrf_token": foreign}):
            status = browser.http.post(url, data=data).status_code
            if status != 400:
                wrong.append((url, data, status))
    assert wrong == []
    assert log.size() == before
    assert [statement for statement in count_queries if statement.startswith(("INSERT", "UPDATE", "DELETE"))] == []
    assert len(addresses(app, "POST")) >= 150


@pytest.mark.parametrize(
    "username", ["", "drafter", "screener", "publisher", "bidder", "secadmin", "sysadmin", "auditadmin"]
)
def test_rubbish_never_breaks_a_page(app: Flask, visitor: Client, sign_in: Any, username: str):
    browser = sign_in(username) if username else visitor
    gets, posts = addresses(app, "GET"), addresses(app, "POST")
    token = browser.csrf_token()

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        names = st.sampled_from(
            [
                "q",
                "page",
                "sort",
                "state",
                "year",
                "unit",
                "next",
                "lang",
                "role",
                "id",
                "title",
                "reason",
                "to",
                "closes_at",
            ]
        )
        values = data.draw(st.dictionaries(names, rubbish, max_size=5))
        if data.draw(st.booleans()):
            response = browser.http.get(data.draw(st.sampled_from(gets)), query_string=values)
        else:
            response = browser.http.post(data.draw(st.sampled_from(posts)), data={**values, "csrf_token": token})
        assert response.status_code < 500, (response.request.path, values)

    check()


@pytest.mark.parametrize(
    "path", ["/%00", "/demands/%FF", "/demands/" + "x" * 3000, "/../../etc/passwd", "/demands/ZZGX-2026-01-001'--"]
)
def test_strange_paths_are_not_found(visitor: Client, path: str):
    assert visitor.http.get(path).status_code in (400, 404)


@pytest.mark.parametrize("username", ["screener", "bidder"])
def test_nul_is_no_character_anywhere(sign_in: Any, username: str):
    """PostgreSQL refuses it even in a comparison: a filter, a search, an address, a field that no form trims."""
    browser = sign_in(username)
    for url in ("/demands?q=%00", "/desk?q=%00a", "/desk/done?q=%00", "/search?q=%00&unit=%00", "/messages?page=%00"):
        assert browser.get(url).status == 200, url
    for url in ("/demands/%00", "/demands/a%00b", "/organisations/%00", "/batches/%00", "/notices/%00"):
        assert browser.http.get(url).status_code in (400, 404), url
    token = browser.csrf_token()
    answer = browser.http.post("/preferences/language", data={"csrf_token": token, "lang": "e\x00n", "next": "/\x00"})
    assert answer.status_code < 500
