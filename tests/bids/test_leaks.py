"""Nobody learns from any page, file, feed, list, mail or header whether, or how often, a demand was bid for.

The same world is looked at with 0, 1 and 20 sealed bids, as every role over every GET route of the url map, at one
frozen instant: answers must be the same byte for byte. Masked are the tokens that every answer draws afresh, and the
public log's size and root, which are the one named exception. In CI one person stands for each role, papers that are
set from the same data as their pages are left out, and one bid is looked at where a demand is named; ``make soak``
leaves nothing out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from marketplace import db
from marketplace.accounts.models import Organisation
from marketplace.accounts.rules import Role
from marketplace.bids.models import Bid
from marketplace.bids.rules import BidState
from marketplace.demands.models import Demand
from marketplace.notifications.models import Mail, Message
from marketplace.platform import clock
from marketplace.platform.audit import queries as log
from marketplace.platform.files import LocalStorage
from marketplace.platform.outbox.models import OutboxRow
from marketplace.platform.outbox.service import consumers
from tests import factories
from tests.bids import making
from tests.bids.conftest import Bidder
from tests.bids.crowd import gather
from tests.client import Client
from tests.demands.conftest import Stage
from tests.sizes import size


def one_of_each_role() -> tuple[str, ...]:
    """A visitor, and the first of the cast for each role."""
    people: dict[str, frozenset[Role]] = {}
    for username, (_, _, roles) in factories.PEOPLE.items():
        if set(roles) - frozenset[Role]().union(*people.values()):
            people[username] = frozenset(roles)
    return ("", *people)


FULL = bool(size(0, 1))
EVERYBODY = ("", *factories.PEOPLE)
SOME = ("", "screener", "publisher", "bidder")  # on the second database in CI: the rules are the same code
ROLES = EVERYBODY if FULL else SOME if os.environ.get("TEST_DATABASE_URL") else one_of_each_role()
COUNTS = (0, 1, 20)
SLOW = ("pdf", "docx):kind>")  # papers: the same data as their pages, but slow to set
NO_BID = "0123456789abcdef" * 2

EXTRA = (
    "/search?q=停车",
    "/search?q=停车&sort=deadline",
    "/search/suggest?q=停车",
    "/search/suggest?q=众揭",
    "/search?q=众揭",
    "/demands?q=停车&sort=newest",
    "/demands?state=open&state=closing&state=closed",
    "/api/v1/demands?per_page=100&q=停车",
    "/feed.atom?direction=living",
    "/desk?export=xlsx",
    "/desk/mine?export=xlsx",
    "/messages?unread=1",
    "/transparency/inclusion?seq=0&size=1",
    "/transparency/consistency?first=1&second=1",
)
AS_PAGES = ("/bids", "/admin/log", "/custody", "/panels", "/nowhere", f"/bids/{'f' * 32}")
# Encrypted afresh each time; the log itself, whose nameless lines test_sealing looks at one by one; real seconds.
APART = ("/custody/key/file", "/admin/log/export.xlsx", "/admin/settings/clock")
OWN_NAMES = {
    "ref": "{number}",
    "code": "{batch}",
    "public_id": "{bid}",
    "slug": "firm",
    "mode": "subsidy",
    "name": "visitor",
    "envelope": "technical",
    "year": 2026,
    "key": "0" * 16,
    "token": "t" * 32,
}


def addresses(app: Flask, *, ref_only: bool = False) -> list[str]:
    """One address for each route that answers GET, with places for what is looked at."""
    found = []
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint in ("static", "accounts.sign_out"):
            continue
        if rule.rule in APART or (rule.rule.endswith(SLOW) and not FULL):
            continue
        if ref_only and "ref" not in rule.arguments:
            continue
        values: dict[str, Any] = {}
        for name in rule.arguments:
            converter = rule._converters[name]
            if choices := sorted(getattr(converter, "items", ())):
                values[name] = choices[0]
            elif type(converter).__name__ == "IntegerConverter":
                values[name] = OWN_NAMES.get(name, 1)
            else:
                values[name] = OWN_NAMES.get(name, "{number}")
        built = rule.build(values)
        assert built is not None, rule
        found.append(built[1].replace("%7B", "{").replace("%7D", "}"))
    return sorted(set(found))


FRESH = re.compile(
    rb'(name="csrf_token"[^>]*? value="|name="csrf-token" content="|nonce="|"csrf_token": ")[^"]*'
    rb"|(?<=csrf_token=)[^&\"]+"
)
OF_THE_NUMBER = re.compile(
    rb'[0-9a-f]{64}|[0-9a-f ]{71,}|(?<![0-9a-f])[0-9a-f]{16}(?![0-9a-f])|<path[^>]*d="M[^"]*"'
)  # fingerprints and QR codes
UNCOMPARED = frozenset({"Set-Cookie", "Content-Length", "Content-Security-Policy", "Date"})


class Watch:
    """Looks at everything as one person."""

    def __init__(self, app: Flask, username: str) -> None:
        self.client = Client(app)
        if username:
            self.client.sign_in(username)

    def look(self, url: str, masks: dict[bytes, bytes]) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
        db.session.expunge_all()  # as between two requests: what one page loaded, or forbade to load, is not the next one's
        # A refusal is asked for as a program would: its page is the same one for all, and looked at in AS_PAGES.
        answer = self.client.http.get(url, headers={} if url in AS_PAGES else {"Accept": "application/json"})
        body = FRESH.sub(rb"\1", answer.data)
        if url.startswith(("/transparency", "/verify", "/admin/log")):
            body = without_log(body)
        if url.startswith("/admin/log"):
            body = first_lines(body)
        headers = tuple(sorted((k, v) for k, v in answer.headers.items() if k not in UNCOMPARED))
        if url.startswith(("/transparency", "/verify", "/admin/log")):
            headers = tuple(item for item in headers if item[0] != "ETag")
        for said, mask in masks.items():
            body = body.replace(said, mask)
            headers = tuple((k, v.replace(said.decode(), mask.decode())) for k, v in headers)
        return answer.status_code, headers, body


def without_log(body: bytes) -> bytes:
    """The log's size, root, newest checkpoint and the nameless lines of sealed records."""
    newest = log.newest_checkpoint()
    assert newest is not None
    for line in newest.note.splitlines():
        if line.startswith("— "):
            body = body.replace(line.rsplit(" ", 1)[1].encode(), b"*")
        if len(line) > 2:
            body = body.replace(line.encode(), b"*").replace(line.replace("+", "&#43;").encode(), b"*")
    root = newest.root.hex()
    body = body.replace(root.encode(), b"*")
    body = re.sub(rb"[0-9a-f ]{71,}", b"*", body)  # the same hash in groups
    body = re.sub(rb"<tr[^>]*>(?:(?!</tr>).)*sealed(?:(?!</tr>).)*</tr>\s*", b"", body, flags=re.S)
    return re.sub(rb"(?<![0-9])[0-9,]{1,9}(?![0-9])", b"#", body)


def first_lines(body: bytes, most: int = 20) -> bytes:
    """A page of the log as far as it shows the same however many nameless lines push the others to the next page."""
    head, opening, rest = body.partition(b"<tbody>")
    rows, closing, tail = rest.partition(b"</tbody>")
    kept = b"</tr>".join(rows.split(b"</tr>")[:most])
    return head + opening + kept + closing + re.sub(rb'<nav class="pagination".*?</nav>', b"", tail, flags=re.S)


@pytest.fixture
def frozen() -> Iterator[None]:
    with time_machine.travel(datetime.now(UTC).replace(microsecond=0), tick=False):
        yield


@pytest.fixture
def storage(app: Flask) -> LocalStorage:
    found: LocalStorage = app.extensions["storage"]
    return found


def difference(one: Any, other: Any) -> Any:
    """Where two answers part, short enough to read."""
    if one[:2] != other[:2]:
        return one[:2], other[:2]
    at = next(
        (n for n, (a, b) in enumerate(zip(one[2], other[2], strict=False)) if a != b), min(len(one[2]), len(other[2]))
    )
    return one[2][max(0, at - 80) : at + 80], other[2][max(0, at - 80) : at + 80]


def test_with_0_1_and_20_sealed_bids_every_answer_is_the_same(
    frozen: None, app: Flask, stage: Stage, storage: LocalStorage
) -> None:
    demand = stage.published(custody="2-of-3", custodians=making.custodians("2-of-3"))
    assert demand.batch is not None
    names = {"number": demand.number, "batch": demand.batch.code}
    crowd = [Bidder(name, storage, stage.now) for name in gather(20)]
    watches = {role: Watch(app, role) for role in ROLES}
    pages = [*addresses(app), *EXTRA, *AS_PAGES]
    named = {*addresses(app, ref_only=True), *EXTRA}
    assert len(pages) > 150
    for role in ROLES:  # what is made on the first request only: caches, search indexes
        watches[role].look("/search?q=停车", {})
    seen: dict[tuple[str, str], Any] = {}
    wrong = []
    for count in COUNTS:
        db.session.remove()  # nothing that a page left loaded, or forbade to load, is in the way of sealing
        demand = db.session.scalars(select(Demand).where(Demand.number == names["number"])).one()
        while db.session.query(Bid).filter_by(state=BidState.SEALED).count() < count:
            crowd[db.session.query(Bid).count()].seal(demand)
        bid = db.session.scalar(select(Bid.public_id).order_by(Bid.public_id).limit(1)) or NO_BID
        for role, watch in watches.items():
            for page in pages if FULL or count != 1 else named:
                answer = watch.look(page.format(bid=bid, **names), {bid.encode(): b"BID"})
                assert answer[0] < 500, (role, page)
                before = seen.setdefault((role, page), answer)
                if before != answer:
                    wrong.append((count, role, page, difference(before, answer)))
    assert wrong == []
    assert db.session.query(Bid).filter_by(state=BidState.SEALED).count() == 20
    statuses = {status for status, _, _ in seen.values()}
    assert {200, 302, 403, 404} <= statuses


def test_after_the_deadline_and_before_the_opening_too(
    frozen: None, app: Flask, stage: Stage, storage: LocalStorage
) -> None:
    """Three demands that say the same, with 0, 1 and 20 bids, closed and not released."""
    batch = stage.batch()
    custody = {"custody": "2-of-3", "custodians": making.custodians("2-of-3")}
    demands = [stage.published(batch=batch, **custody) for _ in range(3)]
    crowd = [Bidder(name, storage, stage.now) for name in gather(20)]
    for demand, count in zip(demands, (0, 1, 20), strict=True):
        for bidder in crowd[:count]:
            bidder.seal(demand)
    making.close(demands[0])
    db.session.commit()
    # Papers are compared above: here they name three different demands, inside compressed streams.
    pages = [page for page in addresses(app, ref_only=True) if not page.endswith((".pdf", ".docx", "qr.svg"))]
    places = []
    for demand in demands:
        bid = db.session.scalar(select(Bid.public_id).where(Bid.demand_id == demand.id).limit(1)) or NO_BID
        places.append(({"number": demand.number, "batch": batch.code, "bid": bid}, masks_of(demands, demand, bid)))
    wrong = []
    for role in ROLES:
        watch = Watch(app, role)
        for page in pages:
            answers = []
            for names, masks in places if FULL else places[::2]:
                status, headers, body = watch.look(page.format(**names), masks)
                headers = tuple((k, OF_THE_NUMBER.sub(b"*", v.encode()).decode()) for k, v in headers)
                answers.append((status, headers, OF_THE_NUMBER.sub(b"*", body)))
            for other in answers[1:]:
                if other != answers[0]:
                    wrong.append((role, page, difference(answers[0], other)))
    assert wrong == []


def masks_of(demands: list[Demand], demand: Demand, bid: str) -> dict[bytes, bytes]:
    """What names one of the three demands rather than says something of it."""
    names = {str(one.number).encode(): b"NUMBER" for one in demands}
    return (
        names
        | {one.key.encode(): b"KEY" for one in demands}
        | {
            bid.encode(): b"BID",
            f"第{demand.versions[-1].log_seq}号".encode(): b"SEQ",
        }
    )


def test_no_message_and_no_mail_tells_anybody_else(stage: Stage, storage: LocalStorage) -> None:
    """Every consumer of the outbox has read what the sealing left: only the bidders' own people were told of it."""
    demand = stage.published()
    crowd = gather(20)
    for name in crowd:
        Bidder(name, storage, stage.now).seal(demand)
    rows = list(db.session.scalars(select(OutboxRow).order_by(OutboxRow.id)))
    bids = [row for row in rows if row.topic.startswith("bid")]
    assert len(bids) >= 20
    before = set(db.session.scalars(select(Message.id))), set(db.session.scalars(select(Mail.id)))
    for consumer in consumers():
        wanted = [row for row in bids if not consumer.topics or row.topic.startswith(consumer.topics)]
        if wanted:
            consumer.handle(wanted, clock.site_now())
    own = set(db.session.scalars(select(Organisation.id).where(Organisation.slug.in_(crowd))))
    told = [row for row in db.session.scalars(select(Message)) if row.id not in before[0]]
    people = {user.id: user.organisation_id for user in db.session.scalars(select(factories.User))}
    assert {people[row.user_id] for row in told} <= own
    for mail in db.session.scalars(select(Mail)):
        if mail.id not in before[1]:
            assert mail.subject == "张榜有一条新消息"
            assert demand.title not in mail.body
            assert str(demand.number) not in mail.body
