"""The pages of search on both engines: what is found, what is said, and what nobody finds."""

from __future__ import annotations

from tests.client import Client
from tests.search.conftest import Site, Stage


def test_what_is_published_is_found_with_its_words_marked(visitor: Client, stage: Stage, site: Site) -> None:
    demand = stage.published()
    site.catch_up()
    for url in ("/search?q=泊位", "/demands?q=泊位"):
        page = visitor.get(url)
        assert page.status == 200
        assert f"/demands/{demand.number}" in page.links(), url
        assert "<mark>泊位</mark>" in page.text, url
