"""The verbs of eligibility: the only writer of its tables. A bid's state moves through ``bids.service.move`` alone."""

from __future__ import annotations

import hashlib
import io
import secrets
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, BinaryIO

from sqlalchemy import func, select

from marketplace import db
from marketplace.accounts.rules import N_
from marketplace.bids import service as bids
from marketplace.bids.content import DOCUMENTS
from marketplace.bids.models import Bid
from marketplace.bids.rules import BidAction, BidState
from marketplace.custody import software
from marketplace.demands.rules import State
from marketplace.eligibility import queries
from marketplace.eligibility.models import EligibilityCure, EligibilityDecision, EligibilityFile, EligibilityReview
from marketplace.eligibility.rules import (
    CHECKS,
    CURE_LEAST,
    CURE_MOST,
    CURE_WORKING_DAYS,
    FILE_LIMIT,
    FILES_MOST,
    REASONS,
    TEXT_MAX,
    TEXT_MIN,
    Check,
    Reason,
    Verdict,
    why_not_admit,
    why_not_reject,
)
from marketplace.platform import audit, outbox
from marketplace.platform.clock import decided_at
from marketplace.platform.errors import Bilingual, Conflict, Invalid, Refused, Sentence, TooLate
from marketplace.platform.files import BadFile, Storage, check, safe_name, scan, tricks_in
from marketplace.platform.files import Verdict as ScanVerdict
from marketplace.platform.files.kinds import ALLOWED
from marketplace.platform.policy import Actor, require
from marketplace.platform.sealing.container import CHUNK_SIZE, encrypt
from marketplace.platform.working_days import beijing_day, close_of
from marketplace.settings import queries as settings


def _lock(bid: Bid) -> datetime:
    """Lock the demand, then the bid, then read the clock that decides."""
    db.lock(bid.demand)
    db.lock(bid)
    return decided_at()


def _worked(text: str, field: str, what: str) -> str:
    text = text.strip()
    if not TEXT_MIN <= len(text) <= TEXT_MAX:
        sentence = Sentence(
            "%(what)s须为%(least)s至%(most)s个字，现在%(now)s个字。",
            what=Sentence(what),
            least=TEXT_MIN,
            most=TEXT_MAX,
            now=len(text),
        )
        raise Invalid(sentence, fields={field: sentence})
    return text


def _require_deciding(bid: Bid, actor: Actor, at: datetime) -> None:
    require("eligibility.work", actor, bid, at)
    if bid.demand.state is not State.OPENED or bid.state not in (BidState.OPENED, BidState.CURE):
        raise Refused("这份标书的资格审查已经有结论或已经终止，不能再改。请刷新页面查看最新情况。")


def save_checks(
    bid: Bid, checks: Mapping[str, Mapping[str, str]], *, seen_version: int, actor: Actor, now: datetime
) -> EligibilityReview:
    """Keep the checklist as far as it is worked. Log: ``eligibility.check`` with the verdicts (notes beside them).

    Refused after the decision, for people of the unit or of a bidder, and (409) over another's newer checklist.
    """
    at = _lock(bid)
    _require_deciding(bid, actor, at)
    kept: dict[str, Any] = {}
    for name, said in checks.items():
        verdict, note = said.get("verdict", ""), said.get("note", "").strip()[:TEXT_MAX]
        if name not in set(Check) or verdict not in {"", *Verdict}:
            raise Invalid("核对表里有不认识的项目，请刷新页面后重填。")
        if verdict == Verdict.DEFECT and not note:
            sentence = Sentence("“%(check)s”有问题：请写明是什么问题。", check=CHECKS[Check(name)])
            raise Invalid(sentence, fields={f"{name}_note": sentence})
        if verdict:
            kept[name] = {"verdict": verdict, "note": note}
    review = db.session.get(EligibilityReview, bid.id)
    if (review.version if review is not None else 0) != seen_version:
        raise Conflict("别人刚刚保存了这份核对表，您的改动还没有写入。请对照新的内容后再保存。")
    if review is None:
        review = EligibilityReview(bid_id=bid.id)
        db.session.add(review)
    review.checks, review.checked_at, review.checked_by_id = kept, at, actor.id
    db.session.flush()
    facts = {"demand": bid.demand.number, "checks": {name: said["verdict"] for name, said in kept.items()}}
    notes = {name: said["note"] for name, said in kept.items() if said["note"]}
    audit.append("eligibility.check", subject=bid.audit_subject, actor=actor, at=at, facts=facts, details=notes)
    return review


def cure_bounds(now: datetime) -> tuple[date, date]:
    """The first and the last day that a cure may be due on."""
    calendar, today = settings.calendar(), beijing_day(now)
    return calendar.add_working_days(today, CURE_LEAST), calendar.add_working_days(today, CURE_MOST)


def cure_default(now: datetime) -> date:
    """The day that is offered first."""
    return settings.calendar().add_working_days(beijing_day(now), CURE_WORKING_DAYS)


def ask_cure(bid: Bid, *, text: str, due_on: date, actor: Actor, now: datetime) -> EligibilityCure:
    """Ask the bidder, once, to cure what is wrong until 17:00 of a working day. State, log, outbox: ``bid.ask_cure``."""
    at = _lock(bid)
    require("eligibility.work", actor, bid, at)
    if db.session.get(EligibilityCure, bid.id) is not None:
        raise Refused("已经要求过一次补正，按规则只能一次。请等期满后作出决定。")
    wanted = _worked(text, "text", N_("补正要求"))
    calendar, (first, last) = settings.calendar(), cure_bounds(at)
    if not first <= due_on <= last or not calendar.is_working_day(due_on):
        sentence = Sentence(
            "补正期限须为%(first)s至%(last)s之间的工作日。", first=first.isoformat(), last=last.isoformat()
        )
        raise Invalid(sentence, fields={"due_on": sentence})
    due_at = close_of(due_on)
    facts = {"demand": bid.demand.number, "due_at": audit.timestamp(due_at)}
    bids.move(bid, BidAction.ASK_CURE, actor=actor, now=at, reason=wanted, facts=facts)
    cure = EligibilityCure(bid_id=bid.id, text=wanted, asked_at=at, asked_by_id=actor.id, due_at=due_at)
    db.session.add(cure)
    db.session.flush()
    return cure


def answer_cure(bid: Bid, *, text: str, actor: Actor, now: datetime) -> EligibilityCure:
    """The bidder says that he has cured it; files were handed in before. Once, before the term ends.

    Log and outbox: ``eligibility.answer``. Late: refused with both instants.
    """
    at = _lock(bid)
    require("eligibility.answer", actor, bid, at)
    cure = _open_cure(bid, at)
    cure.answer, cure.answered_at, cure.answered_by_id = _worked(text, "text", N_("补正说明")), at, actor.id
    db.session.flush()
    _tell("eligibility.answer", bid, actor=actor, at=at, details={"answer": cure.answer})
    return cure


def _open_cure(bid: Bid, at: datetime) -> EligibilityCure:
    cure = db.session.get(EligibilityCure, bid.id)
    if cure is None or bid.state is not BidState.CURE:
        raise Refused("现在没有等待您补正的事项。")
    if cure.answered_at is not None:
        raise Refused("补正已经提交，受理员正在审查，不能再改。")
    if at >= cure.due_at:
        raise TooLate(
            "补正期限已过：到达 %(arrived)s，期限 %(due)s（北京时间）。没有保存任何内容。", arrived=at, due=cure.due_at
        )
    return cure


def _tell(kind: str, bid: Bid, *, actor: Actor, at: datetime, **more: Any) -> audit.Leaf:
    facts = {"demand": bid.demand.number, **more.get("facts", {})}
    leaf = audit.append(
        kind, subject=bid.audit_subject, actor=actor, at=at, facts=facts, details=more.get("details", {})
    )
    outbox.emit(kind, {"subject": bid.audit_subject, "actor_id": actor.id, **facts}, at=at)
    return leaf


def hand_in(
    bid: Bid,
    upload: BinaryIO,
    *,
    filename: str,
    document: str = "",
    storage: Storage,
    scanner: str | None,
    actor: Actor,
    now: datetime,
) -> EligibilityFile:
    """Keep a file for the cure, or the promised ``document``: checked, scanned, encrypted under the storage key.

    A promise can be met late too; then it is late for everybody to see. Refused: a file that is not what its name
    says, infected, too large, too many. Log and outbox: ``eligibility.hand_in``.
    """
    at = _lock(bid)
    require("eligibility.answer", actor, bid, at)
    if document:
        _require_promised(bid, document)
    else:
        _open_cure(bid, at)
    highest, live = db.session.execute(
        select(func.max(EligibilityFile.part), func.count().filter(EligibilityFile.removed_at.is_(None))).where(
            EligibilityFile.bid_id == bid.id
        )
    ).one()
    if live >= FILES_MOST:
        few = Sentence("最多%(most)s个", most=FILES_MOST)
        raise Invalid("补交的文件最多%(most)s个。", fields={"file": few}, most=FILES_MOST)
    clear, media_type, verdict = _examined(upload, filename, scanner)
    part = (highest or 0) + 1
    chunks = encrypt(
        io.BytesIO(clear),
        dek=software.keyring().storage_key(),
        ref=bid.ref(bid.version),
        envelope=queries.LATER,
        part=part,
    )
    stored = storage.put(chunks)
    row = EligibilityFile(
        key=secrets.token_hex(16),
        bid_id=bid.id,
        part=part,
        document=document,
        name=safe_name(filename),
        media_type=media_type,
        size=len(clear),
        sha256=hashlib.sha256(clear).hexdigest(),
        stored_sha256=stored.sha256,
        scan=str(verdict),
        added_at=at,
        added_by_id=actor.id,
    )
    db.session.add(row)
    db.session.flush()
    facts = {"sha256": row.sha256, "document": document}
    _tell("eligibility.hand_in", bid, actor=actor, at=at, facts=facts, details={"name": row.name})
    return row


def _require_promised(bid: Bid, document: str) -> None:
    if bid.state not in (BidState.OPENED, BidState.CURE):
        raise Refused("这份标书的资格审查已经有结论，不再接受补交。")
    promise = next((item for item in queries.promises(bid) if item.document == document), None)
    if promise is None:
        raise Refused("标书里没有承诺补交这份材料。")
    if promise.met_at is not None:
        raise Refused("“%(document)s”已经补交，不需要再次上传。", document=DOCUMENTS[document])


def _examined(upload: BinaryIO, filename: str, scanner: str | None) -> tuple[bytes, str, ScanVerdict]:
    """The bytes, their kind and what the scanner said; refused with the reason."""
    clear = upload.read(FILE_LIMIT + 1)

    def refuse(words: str | Bilingual) -> Invalid:
        sentence = Sentence(words)
        return Invalid(sentence, fields={"file": sentence})

    if len(clear) > FILE_LIMIT:
        raise refuse("文件超过50 MB，请压缩或拆分后上传。")
    if tricks_in(filename) is not None:
        raise refuse("文件名里有不可见或改变方向的字符，请改名后再上传。")
    try:
        media_type = check(safe_name(filename), io.BytesIO(clear), allowed=ALLOWED).mime
    except BadFile as error:
        raise refuse(error) from error
    found = scan((clear[at : at + CHUNK_SIZE] for at in range(0, len(clear), CHUNK_SIZE)), address=scanner)
    if found.verdict is ScanVerdict.INFECTED:
        raise refuse("查毒发现这个文件带有病毒，没有保存。请清除后再上传。")
    return clear, media_type, found.verdict


def remove_file(file: EligibilityFile, *, actor: Actor, now: datetime) -> None:
    """Take a file of an unanswered cure back. Promised documents stay: they have been counted as handed in."""
    at = _lock(file.bid)
    require("eligibility.answer", actor, file.bid, at)
    if file.document:
        raise Refused("承诺补交的材料已经计入，不能撤回。需要更正请在补正说明中写明。")
    _open_cure(file.bid, at)
    if file.removed_at is None:
        file.removed_at = at
        db.session.flush()
        audit.append(
            "eligibility.remove_file", subject=file.bid.audit_subject, actor=actor, at=at, facts={"sha256": file.sha256}
        )


def admit(bid: Bid, *, text: str = "", actor: Actor, now: datetime) -> EligibilityDecision:
    """Find the bid eligible. Refused while the checklist has gaps or defects, or a promise or cure is open."""
    at = _lock(bid)
    _require_deciding(bid, actor, at)
    if (why := why_not_admit(queries.standing(bid), at)) is not None:
        raise Refused(why)
    return _decide(bid, BidAction.ADMIT, reason=None, text=text.strip(), actor=actor, at=at)


def reject(bid: Bid, *, reason: Reason, text: str, actor: Actor, now: datetime) -> EligibilityDecision:
    """Find the bid ineligible, with a coded reason and what was found. The bidder reads both at once."""
    at = _lock(bid)
    _require_deciding(bid, actor, at)
    said = _worked(text, "text", N_("具体理由"))
    if (why := why_not_reject(queries.standing(bid), reason, at)) is not None:
        raise Refused(why, fields={"reason": why})
    return _decide(bid, BidAction.REJECT, reason=reason, text=said, actor=actor, at=at)


def _decide(
    bid: Bid, action: BidAction, *, reason: Reason | None, text: str, actor: Actor, at: datetime
) -> EligibilityDecision:
    facts = {"demand": bid.demand.number, **({"code": str(reason)} if reason else {})}
    said = f"{REASONS[reason].zh}。{text}" if reason else text
    leaf = bids.move(bid, action, actor=actor, now=at, reason=said, facts=facts)
    row = EligibilityDecision(
        bid_id=bid.id,
        eligible=reason is None,
        reason=str(reason or ""),
        text=text,
        decided_at=at,
        decided_by_id=actor.id,
    )
    db.session.add(row)
    db.session.flush()
    leaf.on_numbered.append(lambda seq: setattr(row, "log_seq", seq))
    if queries.all_decided(bid.demand):
        outbox.emit("eligibility.decided", {"subject": bid.demand.audit_subject, "actor_id": actor.id}, at=at)
    return row


def renounce(bid: Bid, *, text: str, actor: Actor, now: datetime) -> None:
    """The bidder gives up after the opening, with a reason. State, log and outbox: ``bid.renounce``."""
    at = _lock(bid)
    require("bid.renounce", actor, bid, at)
    if bid.demand.state is not State.OPENED:
        raise Refused("评审已经开始或项目已经终止，不能在这里放弃。请联系发榜单位。")
    reason = _worked(text, "text", N_("放弃的原因"))
    bids.move(bid, BidAction.RENOUNCE, actor=actor, now=at, reason=reason, facts={"demand": bid.demand.number})
    db.session.flush()
    if queries.all_decided(bid.demand):
        outbox.emit("eligibility.decided", {"subject": bid.demand.audit_subject, "actor_id": actor.id}, at=at)
