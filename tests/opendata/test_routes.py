"""What programs read: the contract of the interface, conditional requests, feed and calendar, help."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import icalendar
import pytest

from marketplace.help.routes import CHAPTERS
from marketplace.opendata import spec
from tests.client import Client
from tests.demands.conftest import Stage, now, stage

__all__ = ["now", "stage"]


def test_the_list_keeps_its_contract(visitor: Client, stage: Stage) -> None:
    demand = stage.published()
    answer = visitor.http.get("/api/v1/demands?state=open&per_page=5")
    body = answer.get_json()
    assert set(body) == {"total", "page", "per_page", "items", "facets"}
    assert (body["total"], body["page"], body["per_page"]) == (1, 1, 5)
    item = body["items"][0]
    assert set(item) == set(spec.ITEM)
    assert (item["number"], item["budget_wan"], item["phase"]) == (demand.number, "386", "open")
    assert item["industries"] == ["iot", "newit"]
    assert body["facets"]["direction"][0]["value"] == "living"
    assert visitor.http.get("/api/v1/demands?state=closed&per_page=9999").get_json()["total"] == 0


def test_an_unchanged_answer_is_not_sent_again(visitor: Client, stage: Stage) -> None:
    demand = stage.published()
    for url in ("/api/v1/demands", f"/api/v1/demands/{demand.number}", "/feed.atom", "/calendar.ics"):
        etag = visitor.http.get(url).headers["ETag"]
        assert visitor.http.get(url, headers={"If-None-Match": etag}).status_code == 304, url


def test_the_detail_masks_the_contact_and_hides_what_is_not_public(visitor: Client, stage: Stage) -> None:
    demand, hidden = stage.published(), stage.pooled(title="还没有公布的需求另有一条")
    body = visitor.http.get(f"/api/v1/demands/{demand.number}").get_json()
    assert body["content"]["contact_phone"] == "138****0000"
    assert body["versions"][0]["sha256"] == demand.versions[0].sha256
    assert hidden.title not in json.dumps(visitor.http.get("/api/v1/demands").get_json(), ensure_ascii=False)
    for ref in (hidden.key, demand.key, "NO-1"):
        answer = visitor.http.get(f"/api/v1/demands/{ref}")
        assert answer.status_code == 404
        assert answer.content_type == "application/problem+json"
        assert answer.get_json() == {
            "type": "about:blank",
            "title": "Not Found",
            "status": 404,
            "detail": "没有这个资源，或它尚未公开。",
        }
    english = visitor.http.get("/api/v1/demands/NO-1?lang=en").get_json()
    assert english["detail"] == "There is no such resource, or it is not public yet."


def test_the_description_names_every_address(visitor: Client) -> None:
    described = visitor.http.get("/api/v1/openapi.json").get_json()
    assert set(described["paths"]) == {"/api/v1/demands", "/api/v1/demands/{number}"}


def test_feed_and_calendar_take_the_list_parameters(visitor: Client, stage: Stage) -> None:
    demand = stage.published()
    root = ET.fromstring(visitor.http.get("/feed.atom?mode=subsidy").data)
    names = [node.text for node in root.iter("{http://www.w3.org/2005/Atom}title")]
    assert any(demand.number in (name or "") for name in names)
    assert b"<entry>" not in visitor.http.get("/feed.atom?mode=trial").data
    named = ET.fromstring(visitor.http.get("/feed.atom?q=停车").data)  # two feeds in one reader are told apart
    assert named.findtext("{http://www.w3.org/2005/Atom}title") == "张榜：检索“停车”"
    calendar = icalendar.Calendar.from_ical(visitor.http.get("/calendar.ics").data)
    ends = [event["dtstart"].dt for event in calendar.walk("VEVENT")]
    assert demand.closes_at in ends
    assert demand.questions_close_at in ends


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_chapter_of_the_help_has_both_languages(visitor: Client, language: str) -> None:
    for name in CHAPTERS:
        assert visitor.get(f"/help/{name}?lang={language}").status == 200, name
    assert visitor.get(f"/help?lang={language}").status == visitor.get("/site-map").status == 200
    assert visitor.get("/help/../secret").status == visitor.get("/help/nothing").status == 404
