"""Saving, finding and telling: the only writer of these tables.

Exactly once: a hit is a row, unique by search and document, written in the transaction that moves the consumer's
position; it is marked as sent in the transaction that writes the message and the mail. A kill between two of them leaves
the work of the second to do, never a second telling.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer
from markupsafe import Markup

from marketplace import db
from marketplace.alerts import queries
from marketplace.alerts.models import AlertClock, SavedSearch, SavedSearchHit
from marketplace.alerts.percolation import Labels, Percolator
from marketplace.alerts.rules import (
    LISTED_MOST,
    NAME_MAX,
    SEARCHES_MOST,
    Frequency,
    became_at,
    filters_of,
    next_digest,
    parameters,
)
from marketplace.alerts.wording import WORDS, Words
from marketplace.demands.queries import FACETS, Filters
from marketplace.notifications import queries as people
from marketplace.notifications import service as notifications
from marketplace.platform.errors import Invalid, Refused, Sentence
from marketplace.platform.policy import Actor, require
from marketplace.search import sources
from marketplace.search.labels import labels
from marketplace.search.sources import View, document_id

CLOCK_STEP = timedelta(days=1)  # the longest stretch of the clock that is followed in one transaction
TURNED_TOGETHER = 500  # demands read at a time

_secret = ""
_paths: Callable[..., str] | None = None


def configure(secret: str, url: Callable[..., str]) -> None:
    """What signs the links of mails, and how an endpoint becomes a path outside a request; once at start."""
    global _secret, _paths
    _secret, _paths = secret, url


def _url(endpoint: str, **values: Any) -> str:
    """An address as a path, for messages and mails."""
    assert _paths is not None, "configure() has not been called"
    return _paths(endpoint, **values)


# -- a person's own -------------------------------------------------------------------------------------------------


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= NAME_MAX:
        sentence = Sentence("名称须为1至%(most)s个字，现在%(now)s个字。", most=NAME_MAX, now=len(name))
        raise Invalid(sentence, fields={"name": sentence})
    return name


def save(
    filters: Filters, kind: str, *, name: str, frequency: Frequency, by_mail: bool, actor: Actor, now: datetime
) -> SavedSearch:
    """Keep a search. What is on the list already is not told of; what comes from now on is."""
    require("alert.own", actor, None, now)
    assert actor.id is not None
    if queries.count_of(actor.id) >= SEARCHES_MOST:
        raise Refused("最多保存%(most)s个检索。请先在“我的检索”里删去不用的。", most=SEARCHES_MOST)
    search = SavedSearch(
        key=secrets.token_hex(8),
        user_id=actor.id,
        name=_name(name),
        query=parameters(filters, kind),
        frequency=frequency,
        by_mail=by_mail,
        since=now,
        next_at=next_digest(frequency, now),
        created_at=now,
    )
    db.session.add(search)
    db.session.flush()
    return search


def change(search: SavedSearch, *, name: str, frequency: Frequency, by_mail: bool, actor: Actor, now: datetime) -> None:
    """Another name or rhythm. Switched on again, it tells of what comes from then on."""
    require("alert.own", actor, search, now)
    search.name, search.by_mail = _name(name), by_mail
    _set_frequency(search, frequency, now)
    db.session.flush()


def _set_frequency(search: SavedSearch, frequency: Frequency, now: datetime) -> None:
    if search.frequency is Frequency.OFF and frequency is not Frequency.OFF:
        search.since = now
    if search.frequency is not frequency:
        search.frequency, search.next_at = frequency, next_digest(frequency, now)


def delete(search: SavedSearch, *, actor: Actor, now: datetime) -> None:
    """Search and hits go; messages that were sent stay."""
    require("alert.own", actor, search, now)
    db.session.delete(search)
    db.session.flush()


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(_secret, salt="unsubscribe")


def token_of(search: SavedSearch) -> str:
    """What the link of a mail carries: which search, signed. It says nothing else and does not expire."""
    token = _signer().dumps(search.key)
    return token if isinstance(token, str) else token.decode()


def by_token(token: str) -> SavedSearch | None:
    """The search of a link that this site signed."""
    try:
        key = _signer().loads(token)
    except BadSignature:
        return None
    return queries.by_key(key) if isinstance(key, str) else None


def unsubscribe(search: SavedSearch, now: datetime) -> None:
    """No more alerts of this search, whoever holds the signed link of its mail. Again is nothing; the search stays."""
    _set_frequency(search, Frequency.OFF, now)
    for hit in queries.waiting_hits(search.id):
        hit.sent_at = now
    db.session.flush()


# -- finding --------------------------------------------------------------------------------------------------------


def evaluate(ids: Sequence[str], now: datetime, changed_at: datetime) -> int:
    """Write the new hits of these documents; returns how many. Only what everybody may see now is looked at."""
    documents, _gone = sources.load(ids)
    shown = [item for item in documents if item.visible_at is None or item.visible_at <= now]
    if not shown:
        return 0
    known = queries.known([item.id for item in shown])
    taken_apart = [Percolator(item, _remembered(labels)) for item in shown]
    number = 0
    for search in db.session.scalars(queries.listening()):
        filters = filters_of(search.query)
        chosen = {name: list(getattr(filters, name)) for name in FACETS if getattr(filters, name)}
        if kind := search.query.get("kind"):
            chosen["kind"] = [kind]
        for item in taken_apart:
            document = item.document
            if (search.id, document.id) in known:
                continue
            if became_at(document, filters.state, now, changed_at) <= search.since:
                continue
            if item.answers(filters.q, chosen, now):
                db.session.add(SavedSearchHit(search_id=search.id, document=document.id, found_at=now))
                number += 1
    db.session.flush()
    return number


def _remembered(ask: Labels) -> Labels:
    """The labels of a facet are asked for once in a run."""
    known: dict[str, Any] = {}

    def answer(facet: str, now: datetime) -> Any:
        if facet not in known:
            known[facet] = ask(facet, now)
        return known[facet]

    return answer


def follow_clock(now: datetime) -> None:
    """What the clock alone has made new since the last look; then tell those who want to know at once."""
    with db.transaction() as session:
        clock = session.get(AlertClock, 1, with_for_update={"skip_locked": True})
        if clock is None:
            if session.get(AlertClock, 1) is None:
                session.add(AlertClock(id=1, upto=now))
            return
        upto = min(now, clock.upto + CLOCK_STEP)
        if upto <= clock.upto:
            return
        found, last = 0, 0
        while turned := queries.turned(clock.upto, upto, beyond=last, limit=TURNED_TOGETHER):
            found += evaluate([document_id("demand", number) for number in turned], now, now)
            last = turned[-1]
        if found:
            tell_at_once(now)
        clock.upto = upto


# -- telling --------------------------------------------------------------------------------------------------------


def tell_at_once(now: datetime) -> None:
    """Tell of every search that is to be told at once and has found something."""
    for search in queries.instant_with_hits():
        tell(search, now)


def send_digests(now: datetime) -> None:
    """The worker's job: the digests that are due, one transaction each."""
    with db.transaction():
        due = queries.due_digests(now)
    for search_id in due:
        with db.transaction() as session:
            search = session.get(SavedSearch, search_id, with_for_update={"skip_locked": True})
            if search is None or search.next_at is None or search.next_at > now:
                continue
            tell(search, now)
            search.next_at = next_digest(search.frequency, now)


def tell(search: SavedSearch, now: datetime) -> int:
    """One message, and one mail where it is wanted, about everything that waits; returns how many hits it names.

    What is no longer public is told to nobody: the rows are read anew, as a visitor would see them.
    """
    hits = queries.waiting_hits(search.id)
    if not hits:
        return 0
    words = WORDS["en" if search.user.locale == "en" else "zh"]
    rows = sources.rows([hit.document for hit in hits], View(now, words.language, _url))
    for hit in hits:
        hit.sent_at = now
    if rows:
        lines = [(_plain(row["title"]), str(row["url"])) for row in rows]
        title = words.title(search.name, len(lines))
        told = notifications.tell(
            [search.user_id],
            key=f"alert:{search.id}:{hits[-1].id}",
            title=title,
            text=words.joint.join([*(name for name, _ in lines[:LISTED_MOST]), *words.rest(lines)]),
            url=lines[0][1] if len(lines) == 1 else f"/alerts/{search.key}",
            now=now,
            by_mail=False,
        )
        if told and search.by_mail and people.wants_mail(search.user_id):
            _send_mail(search, words, title, lines, key=f"alert:{search.id}:{hits[-1].id}", now=now)
        search.told_at = now
    db.session.flush()
    return len(rows)


def _plain(title: Any) -> str:
    return title.striptags() if isinstance(title, Markup) else str(title)


def _send_mail(
    search: SavedSearch, words: Words, title: str, lines: Sequence[tuple[str, str]], *, key: str, now: datetime
) -> None:
    stop = notifications.link(f"/unsubscribe/{token_of(search)}")
    own = notifications.link(f"/alerts/{search.key}")
    listed = [f"{name}\n{notifications.link(url)}" for name, url in lines[:LISTED_MOST]]
    listed += [f"{more} {own}" for more in words.rest(lines)]
    notifications.send_mail(
        search.user.email,
        f"{words.mark}{title}",
        "\n\n".join([title, *listed, f"{words.change}{own}", f"{words.stop}{stop}"]),
        key=f"{key}:{search.user_id}",
        now=now,
        unsubscribe=stop,
    )
