"""A hundred bids, right and wrong, for the two halves of the rules: Python here, the browser in tests/browser.

Each case is (name, envelope, fields, terms, files) as plain JSON: what the browser is given is what Python is given.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from marketplace.bids.content import to_fields
from marketplace.bids.validity import Terms, terms
from tests.bids import contents
from tests.demands.samples import content as demand_content

Case = tuple[str, str, dict[str, Any], Terms, list[tuple[int, str]]]
SAID = demand_content()
TERMS = terms(SAID, closes_on=date(2026, 12, 8), promise_until=date(2027, 3, 31))
DAY = date(2027, 1, 29)


def _set(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """A change at ``technical.team.0.duty``; ``...`` removes the key."""

    def change(fields: dict[str, Any]) -> None:
        *way, last = path.split(".")
        here: Any = fields
        for step in way:
            here = here[int(step)] if isinstance(here, list) else here[step]
        key: Any = int(last) if isinstance(here, list) else last
        if value is ...:
            del here[key]
        else:
            here[key] = value

    return change


JUNK = (None, 7, -1, 1.5, True, "x", "", [], [[]], {}, "　", "\U0001f6b0" * 3, 10**15)
TEXTS = (
    ("technical.plan", "字" * 99), ("technical.plan", "字" * 100), ("technical.plan", " \n" + "字" * 20000 + "　"),
    ("technical.plan", "\U0001f6b0" * 20001), ("technical.risks", "短"), ("technical.data_security", ""),
    ("technical.innovation", "字" * 4001), ("eligibility.bidder", "a"), ("eligibility.contact_phone", "0371-6798 1234"),
    ("eligibility.contact_phone", "call"), ("eligibility.contact_phone", "１３８００００１２３４"),
    ("eligibility.contact_email", ""), ("eligibility.contact_email", "a@b"), ("eligibility.contact_email", "a@b.cn"),
    ("eligibility.contact_email", "a b@c.cn"), ("eligibility.credit_code", "91410100MA12345678"),
    ("eligibility.credit_code", "９１"), ("eligibility.conditions", ""), ("eligibility.address", ...),
    ("technical.responses.0.indicator", "别的"), ("technical.responses.0.value", ""),
    ("technical.responses.0.deviation", "++"), ("technical.responses.0.deviation", ""),
    ("technical.responses.1.file", 1), ("technical.responses.1.file", 2), ("technical.responses.1.file", 0),
    ("technical.responses.1.file", "1"), ("technical.responses.0", ...), ("technical.team.0.months", -1),
    ("technical.team.0.months", 1000), ("technical.team.0.months", "8"), ("technical.team", []), ("technical.team", "x"),
    ("technical.track.0.year", 1989), ("technical.track.0.file", 9), ("technical.track", None),
    ("technical.milestones.0.percent", "40.005"), ("technical.milestones.0.percent", "41"),
    ("technical.milestones.0.percent", "0"), ("technical.milestones.1.percent", "100.01"),
    ("technical.milestones.0.percent", 40), ("technical.milestones.1.months", 9), ("technical.milestones.1.months", 37),
    ("technical.milestones", []), ("eligibility.members.0.share", "99.99"), ("eligibility.members.0.share", "１００"),
    ("eligibility.members.0.credit_code", "x"), ("eligibility.members", []), ("eligibility.statements", ["truth"]),
    ("eligibility.statements", ["truth", "record", "secrecy", "independent", "pledge", "other"]),
    ("eligibility.statements", "truth"), ("eligibility.promises.0.due_on", "2026-12-07"),
    ("eligibility.promises.0.due_on", "2026-12-08"), ("eligibility.promises.0.due_on", "2027-04-01"),
    ("eligibility.promises.0.due_on", "2026-02-30"), ("eligibility.promises.0.due_on", "0000-01-01"),
    ("eligibility.promises.0.due_on", "2027-1-9"), ("eligibility.promises.0.document", "credit"),
    ("eligibility.promises.0.document", "passport"), ("eligibility.promises", []), ("schema", 2), ("schema", ...),
    ("eligibility.exclusions", [{"kind": "person", "name": "周一", "reason": "曾在我单位任职"}]),
    ("eligibility.exclusions", [{"kind": "friend", "name": "", "reason": "短"}]),
    ("eligibility.affiliates", [{"name": "某集团", "credit_code": "x", "relation": ""}]),
)  # fmt: skip
PRICES = (
    ("total_fen", None), ("total_fen", 0), ("total_fen", 320_0000_01), ("total_fen", "3200000"), ("total_fen", -5),
    ("lines", []), ("lines.0.amount_fen", None), ("lines.0.amount_fen", 1.5), ("lines.0.item", ""), ("lines", [[], 7]),
    ("subsidy_fen", None), ("subsidy_fen", 0), ("subsidy_fen", 390_0000_00), ("subsidy_fen", 320_0000_01),
    ("share_percent", "12.5"), ("note", "字" * 2001), ("schema", "1"), ("total_fen", 10**14),
)  # fmt: skip


def cases() -> Iterator[Case]:
    """All of them; needs the cast for the organisations' credit codes."""
    good = to_fields(contents.technical(SAID, due_on=DAY))
    plan = [(1, "plan")]
    yield "complete", "technical", good, TERMS, plan
    yield "empty", "technical", {"schema": 1}, TERMS, []
    for path, value in TEXTS:
        changed = copy.deepcopy(good)
        _set(path, value)(changed)
        yield f"{path}={str(value)[:20]}", "technical", changed, TERMS, plan
    for junk in JUNK:
        yield f"junk {junk!r}"[:40], "technical", {"schema": 1, "eligibility": junk, "technical": junk}, TERMS, plan
        yield f"price junk {junk!r}"[:40], "price", {"schema": 1, "lines": junk, "total_fen": junk}, TERMS, []
    blind = dataclasses.replace(TERMS, blind=True)
    named = contents.technical(
        SAID, due_on=DAY, risks="由河洛智感科技有限公司与中原云图信息技术有限公司协调，工期预留两周。"
    )
    yield "named", "technical", to_fields(named), blind, plan
    yield "named openly", "technical", to_fields(named), TERMS, plan
    partners = contents.technical(SAID, due_on=DAY, partners=[("rival", "33.33"), ("university", "6.67")])
    for most, files in ((3, plan), (3, [*plan, (2, "agreement")]), (2, plan), (1, plan)):
        one = dataclasses.replace(TERMS, consortium_most=most)
        yield f"consortium of {most}", "technical", to_fields(partners), one, files
    yield "wrong roles", "technical", good, TERMS, [(1, "offer"), (2, "nothing")]
    yield (
        "documents attached",
        "technical",
        to_fields(contents.technical(SAID, promises=())),
        TERMS,
        [(1, "audit"), (2, "credit")],
    )
    for mode in ("procurement", "enterprise", "subsidy", "cooperation", "trial", "opening"):
        said = dataclasses.replace(SAID, mode=mode)
        yield f"price {mode}", "price", to_fields(contents.price(said)), terms(said), [(1, "offer")]
        yield f"price {mode} empty", "price", {"schema": 1}, terms(said), []
    for path, value in PRICES:
        changed = copy.deepcopy(to_fields(contents.price(SAID)))
        _set(path, value)(changed)
        yield f"price {path}={value}", "price", changed, TERMS, []
