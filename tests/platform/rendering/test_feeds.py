"""Atom and iCalendar as readers read them, and QR codes."""

from datetime import UTC, date, datetime

import icalendar
import pytest
from lxml import etree

from marketplace.platform.rendering import Entry, Event, atom, ics, qr_png, qr_svg
from marketplace.platform.working_days import BEIJING

ATOM = "{http://www.w3.org/2005/Atom}"
NOON = datetime(2026, 11, 23, 12, tzinfo=BEIJING)
ENTRY = Entry(
    id="urn:zhangbang:demand:ZZGX-2026-02-002",
    title="水质 & <监测>\x00",
    url="https://example.org/demands/ZZGX-2026-02-002",
    published_at=datetime(2026, 11, 3, 1, tzinfo=UTC),
    updated_at=NOON,
    summary="第一行\n<script>alert(1)</script>",
    categories=("政府后补助",),
)


def feed(entries):
    return atom(
        entries,
        title="张榜",
        url="https://example.org/demands?q=水",
        feed_url="https://example.org/feed.atom",
        updated_at=datetime(2026, 1, 1, tzinfo=UTC),
        author="高新区管委会",
    )


def test_a_feed():
    root = etree.fromstring(feed([ENTRY]))
    assert root.findtext(f"{ATOM}title") == "张榜"
    assert root.findtext(f"{ATOM}updated") == "2026-11-23T04:00:00+00:00"
    assert root.findtext(f"{ATOM}author/{ATOM}name") == "高新区管委会"
    assert root.find(f"{ATOM}link[@rel='self']").get("href") == "https://example.org/feed.atom"
    entry = root.find(f"{ATOM}entry")
    assert entry.findtext(f"{ATOM}id") == ENTRY.id
    assert entry.findtext(f"{ATOM}title") == "水质 & <监测>"
    assert entry.findtext(f"{ATOM}summary") == "第一行<br>&lt;script&gt;alert(1)&lt;/script&gt;"
    assert entry.find(f"{ATOM}category").get("term") == "政府后补助"


def test_an_empty_feed_reads_no_clock():
    root = etree.fromstring(feed([]))
    assert root.findtext(f"{ATOM}updated") == "2026-01-01T00:00:00+00:00"
    assert feed([ENTRY]) == feed([ENTRY])


def test_a_calendar():
    data = ics(
        [
            Event(
                "d1@example.org",
                "水质监测，截止",
                NOON,
                at=datetime(2026, 12, 4, 17, tzinfo=BEIJING),
                url="https://x/1",
            ),
            Event("d2@example.org", "公示期满", NOON, on=date(2026, 12, 11), description="一\n二", cancelled=True),
        ],
        name="张榜 截止日历",
    )
    calendar = icalendar.Calendar.from_ical(data)
    assert calendar["X-WR-CALNAME"] == "张榜 截止日历"
    deadline, notice = calendar.walk("VEVENT")
    assert deadline["SUMMARY"] == "水质监测，截止"
    assert deadline.decoded("DTSTART") == datetime(2026, 12, 4, 9, tzinfo=UTC)
    assert deadline["STATUS"] == "CONFIRMED"
    assert notice.decoded("DTSTART") == date(2026, 12, 11)
    assert notice["DESCRIPTION"] == "一\n二"
    assert notice["STATUS"] == "CANCELLED"
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))


def test_an_event_is_either_an_instant_or_a_day():
    with pytest.raises(ValueError, match="instant or on a day"):
        Event("x", "x", NOON)
    with pytest.raises(ValueError, match="instant or on a day"):
        Event("x", "x", NOON, at=NOON, on=date(2026, 1, 1))


def test_a_qr_code_scales_and_is_an_image():
    root = etree.fromstring(qr_svg("https://example.org/verify/1"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("viewBox")
    assert root.get("width") is None
    assert "style" not in etree.tostring(root).decode()  # strict CSP: no inline style
    assert qr_png("x").startswith(b"\x89PNG")
