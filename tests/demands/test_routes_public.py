"""Public pages of demands: what anybody reads, in how many queries, and what nobody sees."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import replace

import openpyxl
import pytest

from marketplace import db
from marketplace.demands import pages, service, views
from marketplace.demands.clocks import PHASES as CLOCK_PHASES
from marketplace.demands.rules import PHASES
from marketplace.home import queries as home
from tests.client import Client
from tests.demands.conftest import Stage


def test_home_list_and_demand_show_what_is_published(visitor: Client, stage: Stage) -> None:
    demand = stage.published()
    for url in (
        "/",
        "/demands",
        "/demands?q=泊位&state=open&mode=subsidy",
        "/search?q=泊位",
        f"/batches/{demand.batch.code}",
    ):
        page = visitor.get(url)
        assert page.status == 200, url
        assert page.has(demand.title), url
        assert f"/demands/{demand.number}" in page.links(), url
    page = visitor.get(f"/demands/{demand.number}")
    assert page.has("揭榜中")
    assert page.has("状态更新时延")
    assert page.has("138****0000")
    assert "13812340000" not in page.text
    assert visitor.get(f"/demands/{demand.key}").response.headers["Location"].endswith(demand.number)


def test_empty_site_and_empty_result_say_where_to_go(visitor: Client) -> None:
    assert visitor.get("/").has("现在没有正在揭榜的需求")
    assert visitor.get("/demands?q=没有这个词").has("没有符合条件的需求")


def test_what_is_not_published_is_a_404_for_others(
    visitor: Client, sign_in: Callable[[str], Client], stage: Stage
) -> None:
    demand = stage.pooled()
    db.session.commit()
    url = f"/demands/{demand.key}"
    assert visitor.get(url).status == sign_in("other_drafter").get(url).status == 404
    assert sign_in("drafter").get(url).status == 200
    for part in ("snapshot.json", "history"):
        assert sign_in("drafter").get(f"{url}/{part}").status == 404


def test_english_pages(visitor: Client, stage: Stage) -> None:
    demand = stage.published()
    page = visitor.get(f"/demands/{demand.number}?lang=en")
    assert "Accepting bids" in page.main
    assert visitor.get("/demands?lang=en").status == visitor.get("/?lang=en").status == 200


def test_papers_and_files_open(visitor: Client, stage: Stage) -> None:
    demand = stage.published()
    base, batch = f"/demands/{demand.number}", f"/batches/{demand.batch.code}"
    assert visitor.http.get(f"{base}/sheet.pdf").data.startswith(b"%PDF-")
    assert visitor.http.get(f"{base}/sheet.docx").data.startswith(b"PK")
    assert visitor.http.get(f"{batch}/announcement.pdf").data.startswith(b"%PDF-")
    assert visitor.http.get(f"{batch}/announcement.docx").data.startswith(b"PK")
    assert visitor.http.get(f"{base}/qr.svg").data.startswith(b"<svg")
    assert visitor.get(f"{base}/print").has(demand.title)
    for url in ("/demands.xlsx?q=泊位", f"{batch}/list.xlsx"):
        book = openpyxl.load_workbook(io.BytesIO(visitor.http.get(url).data))
        assert [row[0] for row in book.active.values][1:] == [demand.number]
    assert visitor.http.get("/batches/NO-2026-01/announcement.pdf").status_code == 404


def test_the_snapshot_is_what_was_hashed(visitor: Client, stage: Stage) -> None:
    demand = stage.published()
    answer = visitor.http.get(f"/demands/{demand.number}/snapshot.json")
    assert hashlib.sha256(answer.data).hexdigest() == demand.versions[-1].sha256
    etag = answer.headers["ETag"]
    assert visitor.http.get(answer.request.path, headers={"If-None-Match": etag}).status_code == 304
    assert visitor.http.get(f"/demands/{demand.number}/snapshot.json?version=9").status_code == 404


def test_history_shows_the_difference_and_the_reason(visitor: Client, stage: Stage) -> None:
    demand = stage.published()
    changed = replace(demand.said, goal=demand.said.goal.replace("四分钟", "三分钟"))
    service.amend(demand, changed, reason="与上级考核一致", actor=stage.actor("publisher"), now=stage.now)
    db.session.commit()
    page = visitor.get(f"/demands/{demand.number}/history")
    assert page.has("与上级考核一致")
    assert page.has("第2版")
    assert "三" in "".join(page.html.xpath("//ins/text()"))


def test_following_needs_a_sign_in_and_is_undone(
    visitor: Client, sign_in: Callable[[str], Client], stage: Stage
) -> None:
    demand = stage.published()
    url = f"/demands/{demand.number}"
    assert "/sign-in" in visitor.post(f"{url}/follow").response.headers["Location"]
    firm = sign_in("bidder")
    assert firm.get(url).submit("/follow").has("已关注")
    assert firm.get(url).submit("/unfollow").has("已取消关注")


def test_a_list_costs_the_same_for_one_row_and_for_many(
    visitor: Client, stage: Stage, count_queries: list[str]
) -> None:
    batch = stage.batch()
    first = stage.published(batch=batch)

    def cost(url: str) -> int:
        home.forget()
        count_queries.clear()
        assert visitor.http.get(url).status_code == 200
        return len(count_queries)

    urls = ("/", "/demands", f"/batches/{batch.code}", "/demands.xlsx", f"/demands/{first.number}")
    before = [cost(url) for url in urls]
    for number in range(4):
        stage.published(batch=batch, title=f"第{number}条路的泊位停车诱导")
    db.session.expire_all()
    after = [cost(url) for url in urls]
    assert after == before
    assert max(before) <= 8, dict(zip(urls, before, strict=True))


def test_views_are_counted_in_memory_and_flushed(visitor: Client, stage: Stage) -> None:
    demand = stage.published()
    views.flush()
    before = views.total(demand.id)
    visitor.get(f"/demands/{demand.number}")
    visitor.get(f"/demands/{demand.number}")
    assert views.total(demand.id) == before
    assert views.flush() == 2
    assert views.total(demand.id) == before + 2


def test_a_look_at_a_demand_that_never_was_does_not_lose_the_others(stage: Stage) -> None:
    demand = stage.published()
    views.flush()
    before = views.total(demand.id)
    views.count(10**9, stage.now)
    views.count(demand.id, stage.now)
    views.flush()
    assert views.total(demand.id) == before + 1


@pytest.mark.parametrize("phase", [*PHASES, "scheduled"])
def test_every_phase_has_its_place_on_the_step_bar(phase: str) -> None:
    assert (phase in pages.PLACES) != (phase in pages.ENDED_AT)
    assert set(CLOCK_PHASES) <= set(pages.PLACES)


def test_a_difference_keeps_words_whole() -> None:
    assert pages.word_diff("≤ 0.02 mg", "≤ 0.01 mg") == [
        ("same", "≤ "), ("del", "0.02"), ("ins", "0.01"), ("same", " mg"),
    ]  # fmt: skip
