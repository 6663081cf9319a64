"""The leak scan of a blind review: what would name a bidder, where, and what a person still has to look at."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import select

from marketplace import db
from marketplace.bids import queries as bids
from marketplace.bids.models import Bid
from marketplace.bids.rules import BidState
from marketplace.panels import queries, reading
from marketplace.panels.blind import Identities
from marketplace.panels.models import LeakScan, Panel, ReviewFile
from marketplace.panels.service.seating import tell
from marketplace.platform.errors import Invalid, Refused
from marketplace.platform.files import Storage, extension
from marketplace.platform.policy import Actor, require
from marketplace.platform.rendering import pages

KINDS = {
    "organisation": "单位名称",
    "credit_code": "统一社会信用代码",
    "person": "人名",
    "phone": "电话",
    "email": "邮箱",
    "url": "网址",
    "address": "地址",
    "bid": "标书编号",
    "picture": "图片，可能有标志或印章",
    "scan": "扫描页，系统读不出文字",
    "format": "不能在页面内阅读的格式",
}
LOOK = frozenset({"picture", "scan"})  # what no machine can judge: a person looks and decides
TREATMENTS = {"show": "照常显示", "no_images": "隐去图片，只留文字", "withhold": "整份不给专家看"}


def competing(panel: Panel) -> list[Bid]:
    """The bids the panel will read."""
    return [
        bid for bid in bids.opened(panel.demand) if bid.state in (BidState.OPENED, BidState.CURE, BidState.ELIGIBLE)
    ]


def scan(panel: Panel, *, storage: Storage, actor: Actor, now: datetime) -> LeakScan:
    """Look through every text and file of the competing bids. What it finds in words is masked by itself.

    The findings name place and kind and not the word, so that the record leaks nothing. Log: ``panel.scan``.
    """
    require("panel.scan", actor, panel, now)
    if not panel.demand.said.blind:
        raise Refused("这条需求不是盲评，不需要检查身份泄露。")
    words = reading.identities(panel.demand)
    findings = [item for bid in competing(panel) for item in _of_bid(bid, panel, words, storage)]
    row = LeakScan(panel_id=panel.id, findings=findings, scanned_at=now, scanned_by_id=actor.id)
    db.session.add(row)
    db.session.flush()
    tell("panel.scan", panel, actor=actor, now=now, facts={"findings": len(findings)})
    return row


def _finding(bid: Bid, place: str, kind: str, count: int, part: int | None = None) -> dict[str, Any]:
    return {
        "bid": bid.public_id,
        "place": place,
        "kind": kind,
        "count": count,
        "part": part,
        "masked": kind not in LOOK,
    }


def _of_bid(bid: Bid, panel: Panel, words: Identities, storage: Storage) -> Iterator[dict[str, Any]]:
    said = queries.technical_of(bid)
    if said is not None:
        for place, text in reading.texts(said.technical):
            yield from _in_text(bid, place, text, words)
    for paper in reading.papers(bid, panel.demand):
        file = reading.file_of(bid, paper.part)
        assert file is not None
        if paper.treatment == "withhold":
            continue
        if not paper.kind:
            yield _finding(bid, paper.label, "format", 1, paper.part)
            continue
        data = reading.content_of(bid, file, storage=storage)
        try:
            yield from _in_file(bid, paper, data, extension(file.name), words)
        except pages.Unreadable:
            yield _finding(bid, paper.label, "format", 1, paper.part)


def _in_text(bid: Bid, place: str, text: str, words: Identities, part: int | None = None) -> Iterator[dict[str, Any]]:
    counts: dict[str, int] = {}
    for found in words.find(text):
        counts[found.kind] = counts.get(found.kind, 0) + 1
    for kind, count in counts.items():
        yield _finding(bid, place, kind, count, part)


def _in_file(bid: Bid, paper: reading.Paper, data: bytes, ending: str, words: Identities) -> Iterator[dict[str, Any]]:
    if paper.kind == "picture":
        yield _finding(bid, paper.label, "picture", 1, paper.part)
    elif paper.kind == "text":
        text = "\n".join(" ".join(row) for row in reading.text_of(data, ending))
        yield from _in_text(bid, paper.label, text, words, paper.part)
    else:
        for number, page in enumerate(pages.facts(data), start=1):
            place = f"{paper.label}，第{number}页"
            yield from _in_text(bid, place, page.text, words, paper.part)
            if page.images and paper.treatment != "no_images":
                kind = "picture" if page.text.strip() else "scan"
                yield _finding(bid, place, kind, page.images, paper.part)


def treat(panel: Panel, bid: Bid, part: int, *, treatment: str, note: str, actor: Actor, now: datetime) -> None:
    """Say how one file reaches the panel. Only before the review begins, so that all experts read the same."""
    require("panel.scan", actor, panel, now)
    if panel.demand.state.value != "opened":
        raise Refused("评审已经开始，不能再改变文件的显示方式。")
    if treatment not in TREATMENTS or reading.file_of(bid, part) is None:
        raise Invalid("没有这份文件或这种处理方式。")
    row = db.session.get(ReviewFile, (bid.id, part))
    if row is None:
        row = ReviewFile(bid_id=bid.id, part=part)
        db.session.add(row)
    row.treatment, row.note, row.decided_at, row.decided_by_id = treatment, note.strip(), now, actor.id
    db.session.flush()
    facts = {"bid": bid.public_id, "part": part, "treatment": treatment}
    tell("panel.treat", panel, actor=actor, now=now, facts=facts, reason=note)


def newest(panel: Panel) -> LeakScan | None:
    """The last scan."""
    return db.session.scalar(
        select(LeakScan).where(LeakScan.panel_id == panel.id).order_by(LeakScan.id.desc()).limit(1)
    )


def note(row: LeakScan, panel: Panel, *, text: str, actor: Actor, now: datetime) -> None:
    """The officer has looked at what the scan found; without it a blind review does not begin."""
    require("panel.scan", actor, panel, now)
    if row.noted_at is not None:
        raise Refused("这次检查已经确认过。")
    row.noted_at, row.noted_by_id, row.note = now, actor.id, text.strip()
    db.session.flush()
    tell("panel.note_scan", panel, actor=actor, now=now, facts={"findings": len(row.findings)}, reason=text)
