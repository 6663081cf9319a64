"""What the machine points at: each signal from the facts that call for it, at its point of the checklist, else silence."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from marketplace.eligibility.rules import Check
from marketplace.eligibility.signals import Asked, BidFacts, Certificate, Mistake, Party, signals
from marketplace.platform.credit_code import invented

UNIT = Party("停车管理中心", invented(1), profile_name="停车管理中心")
ASKED = Asked(UNIT, date(2026, 11, 20), conditions=True)


def party(number: int, **more: Any) -> Party:
    name = f"第{number}号公司"
    return Party(name, invented(number), **{"profile_name": name, **more})


LEAD = party(10, legal_representative="王建国", profile_representative="王建国")
PARTNER = party(11)
CLEAN = BidFacts(
    key="a",
    name=LEAD.name,
    parties=(LEAD, PARTNER),
    confirmed={PARTNER.credit_code: PARTNER.name},
    people=("高知远",),
    attached=frozenset(("statement", "qualification", "credit", "agreement")),
    files={"aa": "方案.pdf"},
)
RIVAL = BidFacts(key="b", name="第20号公司", parties=(party(20),), people=("方一鸣",), files={"bb": "方案.pdf"})
DUE = date(2026, 12, 1)
CASES: list[tuple[dict[str, Any], str, Check, str]] = [
    (
        {"parties": (replace(LEAD, certificates=(Certificate("乙级测绘资质", date(2026, 11, 19)),)), PARTNER)},
        "expired", Check.QUALIFICATION, "“乙级测绘资质”有效期至2026-11-19，到截止日（2026-11-20）已经过期",
    ),
    ({"attached": frozenset(("statement", "credit"))}, "no_qualification", Check.QUALIFICATION, "也没有承诺补交"),
    (
        {"attached": frozenset(("statement", "credit")), "promised": {"qualification": DUE}},
        "no_qualification", Check.QUALIFICATION, "承诺2026-12-01前补交",
    ),
    ({"confirmed": {}}, "unconfirmed", Check.CONSORTIUM, "第11号公司写在联合体成员里，但没有用自己的账号"),
    ({"parties": (LEAD,)}, "left_out", Check.CONSORTIUM, "第11号公司在本站确认参加这份揭榜，表单的成员里却没有它"),
    (
        {"mistakes": (Mistake("eligibility.statements.record", "请勾选：近三年无重大违法记录。"),)},
        "credit_statement", Check.CREDIT, "请勾选：近三年无重大违法记录。",
    ),
    (
        {"attached": frozenset(("statement", "qualification")), "promised": {"credit": DUE}},
        "no_report", Check.CREDIT, "没有附信用报告，承诺2026-12-01前补交。",
    ),
    ({"attached": frozenset(("qualification", "credit"))}, "no_statement", Check.SIGNATURES, "签章的承诺书"),
    (
        {"parties": (replace(LEAD, legal_representative="李四"), PARTNER)},
        "representative_differs", Check.SIGNATURES, "表单写法定代表人“李四”，本站登记的是“王建国”",
    ),
    ({"people": ("方一鸣",)}, "same_person", Check.AFFILIATES, "关键人员“方一鸣”也出现在第20号公司的标书中"),
    ({"files": {"bb": "甲.pdf"}}, "same_file", Check.AFFILIATES, "文件“甲.pdf”与第20号公司标书中的“方案.pdf”逐字节相同"),
    ({"mistakes": (Mistake("files.agreement", "须附联合体协议。"),)}, "finding", Check.CONSORTIUM, "须附联合体协议。"),
    ({"mistakes": (Mistake("technical.plan", "太短。"),)}, "finding", Check.MATERIALS, "太短。"),
    ({"mistakes": (Mistake("", "文件打不开。"),)}, "finding", Check.MATERIALS, "文件打不开。"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "code", "check", "said"), CASES)
def test_each_fact_gives_its_one_signal(changes: dict[str, Any], code: str, check: Check, said: str) -> None:
    found = signals(replace(CLEAN, **changes), [RIVAL], ASKED)
    assert [(item.code, item.check) for item in found] == [(code, check)]
    assert said in found[0].text


def test_a_bid_in_order_is_passed_over_in_silence() -> None:
    assert signals(CLEAN, [CLEAN, RIVAL], ASKED) == []
    valid = replace(LEAD, certificates=(Certificate("乙级测绘资质", date(2026, 11, 20)),))  # its last day counts
    assert signals(replace(CLEAN, parties=(valid, PARTNER)), [RIVAL], ASKED) == []
    assert signals(replace(CLEAN, attached=frozenset(("statement", "credit"))), [], Asked(UNIT)) == []


def test_no_signal_is_said_twice() -> None:
    twice = replace(CLEAN, people=("方一鸣", "方一鸣"))
    assert len(signals(twice, [RIVAL], ASKED)) == 1
