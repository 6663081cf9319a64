"""What of a bid reaches the panel: the technical section alone, masked where the review is blind, and files as
pictures and texts made from them. There is no other way from a bid to an expert.
"""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from threading import Lock
from typing import Any, TypeVar

from docx import Document
from sqlalchemy import func, select

from marketplace import db
from marketplace.accounts.models import Organisation, User
from marketplace.bids import queries as bids
from marketplace.bids.content import ROLES, Proposal, Technical
from marketplace.bids.models import Bid, BidFile
from marketplace.demands.models import Demand
from marketplace.exchange.reading.book import ListUnreadable
from marketplace.exchange.reading.xlsx_file import read_xlsx
from marketplace.panels.blind import NOBODY, Identities
from marketplace.panels.models import ReviewBid, ReviewFile
from marketplace.panels.queries import technical_of
from marketplace.platform.files import Storage, extension
from marketplace.platform.rendering import pages

T = TypeVar("T")
LARGEST = 60 * 1024 * 1024  # bytes of a file that is drawn
MOST_ROWS = 400  # of a table or lines of a text that are shown
_DRAWN = frozenset({"pdf"})
_PICTURES = frozenset({"png", "jpg", "jpeg"})
_TEXTS = frozenset({"docx", "xlsx", "csv", "txt"})
READABLE = _DRAWN | _PICTURES | _TEXTS


@dataclass(frozen=True, slots=True)
class Paper:
    """One file as the panel knows it. ``kind``: pdf, picture, text, or "" where it cannot be shown (``why``)."""

    part: int
    label: str
    kind: str
    treatment: str = "show"
    why: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """One bid as the panel reads it."""

    code: str
    key: str
    proposal: Proposal
    papers: tuple[Paper, ...]

    def paper(self, part: int) -> Paper | None:
        return next((paper for paper in self.papers if paper.part == part), None)


_known: OrderedDict[tuple[str, int], Identities] = OrderedDict()
_guard = Lock()


def identities(demand: Demand) -> Identities:
    """The words that name any bidder of a blind demand. Kept in this process: what was opened does not change."""
    if not demand.said.blind:
        return NOBODY
    count = db.session.scalar(select(func.count()).select_from(Bid).where(Bid.demand_id == demand.id)) or 0
    key = (demand.key, count)
    with _guard:
        if key in _known:
            _known.move_to_end(key)
            return _known[key]
    made = Identities.of(word for bid in bids.opened(demand) for word in words_of(bid))
    with _guard:
        _known[key] = made
        while len(_known) > 64:
            _known.popitem(last=False)
    return made


def words_of(bid: Bid) -> Iterator[tuple[str, str]]:
    """(kind, word): everything that names this bidder, from its profile, its accounts and its own bid."""
    firm = bid.organisation
    said = technical_of(bid)
    who = said.eligibility if said is not None else None
    names = [firm.name, firm.short_name, firm.controller_name, *(item.name for item in firm.affiliates)]
    codes = [firm.credit_code, firm.controller_code, *(item.credit_code for item in firm.affiliates)]
    people = [firm.legal_representative, firm.contact_name]
    others = [
        ("phone", firm.contact_phone),
        ("email", firm.contact_email),
        ("url", firm.website.removeprefix("https://").removeprefix("http://").removeprefix("www.").rstrip("/")),
        ("address", firm.address),
        ("bid", bid.public_id),
    ]
    for name, phone, email in db.session.execute(
        select(User.name, User.phone, User.email).where(User.organisation_id == firm.id)
    ):
        people.append(name)
        others += [("phone", phone), ("email", email)]
    if who is not None:
        others_named = [(item.name, item.credit_code) for item in who.members]
        others_named += [(item.name, item.credit_code) for item in who.affiliates]
        names += [who.bidder, *(name for name, _ in others_named)]
        names += [item.employer for item in who.people]
        codes += [who.credit_code, *(code for _, code in others_named)]
        people += [who.legal_representative, who.contact_name, *(item.name for item in who.people)]
        others += [("phone", who.contact_phone), ("email", who.contact_email), ("address", who.address)]
    members = db.session.scalars(select(Organisation).where(Organisation.name.in_([name for name in names if name])))
    for member in members:
        names.append(member.short_name)
        people += [member.legal_representative, member.contact_name]
        others += [("phone", member.contact_phone), ("email", member.contact_email)]
    yield from (("organisation", name) for name in names if name)
    yield from (("credit_code", code) for code in codes if code)
    yield from (("person", name) for name in people if name)
    yield from ((kind, word) for kind, word in others if word)


def masked(value: T, words: Identities) -> T:
    """A copy of a dataclass (or tuple, or text) in which every text is masked."""
    if isinstance(value, str):
        return words.mask(value)  # type: ignore[return-value]
    if isinstance(value, tuple):
        return tuple(masked(item, words) for item in value)  # type: ignore[return-value]
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{item.name: masked(getattr(value, item.name), words) for item in fields(value)})
    return value


def read(review: ReviewBid, demand: Demand) -> Reading | None:
    """A bid as the panel reads it; ``None`` while it is not opened."""
    said: Technical | None = technical_of(review.bid)
    if said is None:
        return None
    words = identities(demand)
    return Reading(review.code, review.key, masked(said.technical, words), tuple(papers(review.bid, demand)))


def technical_files(bid: Bid) -> list[BidFile]:
    """The files an expert may have: of the technical section, without a finding."""
    return [
        file
        for file in bids.opened_files(bid)
        if file.envelope == "technical"
        and ((role := ROLES.get(file.role)) is None or role.section == "technical")
        and not file.finding
    ]


def papers(bid: Bid, demand: Demand) -> list[Paper]:
    """Labels say what a file is and, in a blind review, nothing of what its name was."""
    blind = demand.said.blind
    decided = {
        row.part: row.treatment for row in db.session.scalars(select(ReviewFile).where(ReviewFile.bid_id == bid.id))
    }
    made = []
    for number, file in enumerate(technical_files(bid), start=1):
        ending = extension(file.name)
        role = ROLES.get(file.role)
        label = f"{number}. {role.label.zh if role else '附件'}"
        if not blind:
            label = f"{label}（{file.name}）"
        kind = "pdf" if ending in _DRAWN else "picture" if ending in _PICTURES else "text" if ending in _TEXTS else ""
        treatment, why = decided.get(file.part, "show"), ""
        if not kind:
            why = "这种格式不能在页面内阅读。" + ("盲评中不提供下载。" if blind else "")
        elif file.size > LARGEST:
            kind, why = "", "文件太大，不能在页面内阅读。"
        if treatment == "withhold":
            kind, why = "", "会显示出揭榜单位身份，已由受理员隐去。"
        made.append(Paper(file.part, label, kind, treatment, why))
    return made


def file_of(bid: Bid, part: int) -> BidFile | None:
    """One of the files an expert may have."""
    return next((file for file in technical_files(bid) if file.part == part), None)


def content_of(bid: Bid, file: BidFile, *, storage: Storage) -> bytes:
    """The bytes of an opened file; they stay inside the server."""
    return b"".join(bids.file_chunks(bid, file, storage=storage))


def text_of(data: bytes, ending: str) -> list[list[str]]:
    """A document as rows of cells; a paragraph is a row of one. Raises ``pages.Unreadable``."""
    try:
        if ending == "docx":
            return _docx(data)
        if ending == "xlsx":
            sheets = read_xlsx(data).sheets
            return [[_cell(cell) for cell in row] for sheet in sheets for row in sheet.rows][:MOST_ROWS]
        text = _decoded(data)
        return [[line] for line in text.splitlines()[:MOST_ROWS]]
    except (ListUnreadable, ValueError, KeyError, OSError) as error:
        raise pages.Unreadable("这份文件已损坏，无法显示。") from error


def _docx(data: bytes) -> list[list[str]]:
    document = Document(io.BytesIO(data))
    rows: list[list[str]] = [[item.text] for item in document.paragraphs if item.text.strip()]
    for table in document.tables:
        rows += [[cell.text for cell in row.cells] for row in table.rows]
    return rows[:MOST_ROWS]


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def _decoded(data: bytes) -> str:
    for name in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(name)
        except UnicodeDecodeError:
            continue
    raise pages.Unreadable("这份文本的编码无法识别。")


def spans(words: Identities) -> pages.Spans:
    """For ``pages.picture``: where a page's text names somebody."""
    return lambda text: [(item.start, item.end) for item in words.find(text)]


def texts(proposal: Proposal) -> Iterator[tuple[str, str]]:
    """(place, text) of everything a proposal says, for the leak scan."""
    yield from _walk(proposal, "")


def _walk(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if value:
            yield place, value
    elif isinstance(value, tuple):
        for number, item in enumerate(value, start=1):
            yield from _walk(item, f"{place}{number}")
    elif is_dataclass(value) and not isinstance(value, type):
        for item in fields(value):
            shape = item.metadata.get("shape")
            label = shape.label.zh if shape is not None else item.name
            yield from _walk(getattr(value, item.name), f"{place} {label}".strip())
