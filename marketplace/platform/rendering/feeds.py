"""Atom feeds and iCalendar files. Every instant is passed in, so the same content gives the same bytes and ETag."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import feedgenerator
import icalendar

from marketplace.platform.rendering.glyphs import visible

ATOM: Final = "application/atom+xml; charset=utf-8"
ICALENDAR: Final = "text/calendar; charset=utf-8"
_PRODUCT: Final = "-//Zhangbang//zhangbang 1.0//ZH"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a feed. ``id`` is a URI that never changes (``urn:…`` or ``tag:…``); ``summary`` is plain text."""

    id: str
    title: str
    url: str
    published_at: datetime
    updated_at: datetime
    summary: str = ""
    author: str = ""
    categories: tuple[str, ...] = ()


def atom(
    entries: Iterable[Entry],
    *,
    title: str,
    url: str,
    feed_url: str,
    updated_at: datetime,
    author: str,
    subtitle: str = "",
    language: str = "zh-CN",
) -> bytes:
    """An Atom 1.0 feed. ``updated_at`` stands when there is no entry, which has a later one else."""
    feed = _Feed(
        visible(title),
        url,
        visible(subtitle),
        language=language,
        feed_url=feed_url,
        feed_guid=feed_url,
        author_name=visible(author),
        updated_at=updated_at.astimezone(UTC),
    )
    for entry in entries:
        feed.add_item(
            title=visible(entry.title),
            link=entry.url,
            description=html.escape(visible(entry.summary)).replace("\n", "<br>"),
            unique_id=entry.id,
            pubdate=entry.published_at.astimezone(UTC),
            updateddate=entry.updated_at.astimezone(UTC),
            author_name=visible(entry.author) or None,
            categories=[visible(category) for category in entry.categories],
        )
    return str(feed.writeString("utf-8")).encode()


class _Feed(feedgenerator.Atom1Feed):  # type: ignore[misc]
    def latest_post_date(self) -> Any:
        """The library would read the clock for an empty feed."""
        return max([item["updateddate"] for item in self.items], default=self.feed["updated_at"])


@dataclass(frozen=True, slots=True)
class Event:
    """An instant (``at``, a deadline) or a whole day (``on``). ``uid`` stays; ``updated_at`` orders versions."""

    uid: str
    title: str
    updated_at: datetime
    at: datetime | None = None
    on: date | None = None
    url: str = ""
    description: str = ""
    cancelled: bool = False
    categories: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.at is None) == (self.on is None):
            raise ValueError("an event is at an instant or on a day")


def ics(events: Iterable[Event], *, name: str, url: str = "", description: str = "") -> bytes:
    """A calendar that clients may subscribe to; they are asked to look again every hour."""
    calendar = icalendar.Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("name", visible(name))
    calendar.add("x-wr-calname", visible(name))
    calendar.add("x-wr-timezone", "Asia/Shanghai")
    calendar.add("refresh-interval", timedelta(hours=1), parameters={"value": "DURATION"})
    if url:
        calendar.add("url", url)
    if description:
        calendar.add("description", visible(description))
    for item in events:
        calendar.add_component(_event(item))
    return bytes(calendar.to_ical())


def _event(item: Event) -> icalendar.Event:
    event = icalendar.Event()
    event.add("uid", item.uid)
    event.add("summary", visible(item.title))
    event.add("dtstamp", item.updated_at.astimezone(UTC))
    event.add("last-modified", item.updated_at.astimezone(UTC))
    event.add("sequence", int(item.updated_at.timestamp()))
    if item.at is not None:
        event.add("dtstart", item.at.astimezone(UTC))
    else:
        event.add("dtstart", item.on)
    event.add("transp", "TRANSPARENT")  # a deadline does not make anybody busy
    event.add("status", "CANCELLED" if item.cancelled else "CONFIRMED")
    if item.url:
        event.add("url", item.url)
    if item.description:
        event.add("description", visible(item.description))
    if item.categories:
        event.add("categories", [visible(category) for category in item.categories])
    return event
