"""What an opened bid shows, as plain data for the templates: sections, files with their findings, nothing computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from marketplace.bids.content import (
    DEVIATIONS,
    DOCUMENTS,
    EXCLUSION_KINDS,
    ROLES,
    STATEMENTS,
    Price,
    Proposal,
    Technical,
)
from marketplace.bids.models import BidFile
from marketplace.demands.content import DemandContent
from marketplace.eligibility.models import EligibilityFile
from marketplace.eligibility.queries import file_findings
from marketplace.platform.files import extension
from marketplace.platform.money import trimmed

SCAN_WORDS = {"clean": "查毒未见异常", "infected": "查出病毒", "not_scanned": "未查毒"}


def _file(row: BidFile | EligibilityFile, url: str) -> dict[str, Any]:
    return {
        "name": row.name,
        "url": url,
        "kind": extension(row.name).upper(),
        "size": row.size,
        "scan": SCAN_WORDS.get(row.scan, row.scan),
    }


def files(rows: Sequence[BidFile], url: Callable[[BidFile], str]) -> list[dict[str, Any]]:
    """The opened files, each with its material, its findings and what the scanner said."""
    return [
        {
            **_file(row, url(row)),
            "role": ROLES[row.role].label if row.role in ROLES else None,
            "section": ROLES[row.role].section if row.role in ROLES else row.envelope,
            "envelope": row.envelope,
            "part": row.part,
            "findings": file_findings(row),
            "sha256": row.sha256,
        }
        for row in rows
    ]


def later_files(rows: Sequence[EligibilityFile], url: Callable[[EligibilityFile], str]) -> list[dict[str, Any]]:
    """What was handed in after the opening."""
    return [
        {**_file(row, url(row)), "document": DOCUMENTS.get(row.document), "at": row.added_at, "key": row.key}
        for row in rows
    ]


def who(said: Technical, *, exclusions: bool) -> dict[str, Any]:
    """The section that experts of a blind demand never see. ``exclusions``: for the supervisor alone."""
    one = said.eligibility
    return {
        "facts": [
            ("揭榜单位", one.bidder),
            ("统一社会信用代码", one.credit_code),
            ("法定代表人", one.legal_representative),
            ("住所", one.address),
            ("联系人", "　".join(part for part in (one.contact_name, one.contact_phone, one.contact_email) if part)),
        ],
        "conditions": one.conditions,
        "members": [(item.name, item.credit_code, f"{trimmed(item.share)}%", item.tasks) for item in one.members],
        "affiliates": [(item.name, item.credit_code, item.relation) for item in one.affiliates],
        "people": [(item.name, item.post, item.employer, item.title) for item in one.people],
        "statements": [(label.zh, code in one.statements) for code, label in STATEMENTS.items()],
        "promises": [
            (DOCUMENTS[item.document].zh if item.document in DOCUMENTS else item.document, item.reason, item.due_on)
            for item in one.promises
        ],
        "exclusions": [
            (EXCLUSION_KINDS[item.kind].zh if item.kind in EXCLUSION_KINDS else item.kind, item.name, item.reason)
            for item in one.exclusions
        ]
        if exclusions
        else [],
    }


def proposal(said: Proposal, asked: DemandContent, evidence: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """What experts judge, beside what the demand asked. ``evidence``: files of the technical envelope by part."""
    targets = {item.name: _target(item) for item in asked.indicators}
    return {
        "responses": [
            {
                "indicator": row.indicator,
                "target": targets.get(row.indicator, "—"),
                "value": row.value,
                "deviation": DEVIATIONS[row.deviation].zh if row.deviation in DEVIATIONS else row.deviation,
                "worse": row.deviation == "-",
                "note": row.note,
                "file": evidence.get(row.file) if row.file is not None else None,
                "page": row.page,
            }
            for row in said.responses
        ],
        "texts": [
            (title, text)
            for title, text in (
                ("技术方案", said.plan),
                ("创新点", said.innovation),
                ("运营与可持续", said.operation),
                ("风险与应对", said.risks),
                ("数据安全", said.data_security),
            )
            if text.strip()
        ],
        "team": [(row.post, row.qualification, row.duty, row.months) for row in said.team],
        "track": [(row.project, row.year, row.result) for row in said.track],
        "milestones": [(row.name, row.months, f"{trimmed(row.percent)}%", row.deliverable) for row in said.milestones],
    }


def _target(item: Any) -> str:
    upper = f"—{item.target_high}" if getattr(item, "target_high", "") else ""
    sign = {">=": "≥", "<=": "≤", "=": "="}.get(item.operator, "")
    return f"{sign} {item.target}{upper} {item.unit}".strip()


def price(said: Price) -> dict[str, Any]:
    """The price envelope."""
    return {
        "lines": [(row.item, row.basis, row.amount_fen) for row in said.lines],
        "total_fen": said.total_fen,
        "subsidy_fen": said.subsidy_fen,
        "share": f"{trimmed(said.share_percent)}%" if said.share_percent is not None else None,
        "note": said.note,
    }
