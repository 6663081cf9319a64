"""The lint of a demand (product.md §8.1): what is missing, what does not add up, what may break fair competition.

Pure: ``lint(content)`` looks at what the unit wrote and nothing else; with ``dates`` it also checks the calendar
against the mode's clocks. Findings say 可能涉及, never a verdict. A ``blocking`` finding must be mended before
appraisal; an ``advice`` may stay; a ``passed`` one tells what was checked and is in order. The quality score (0–100)
is the sum of five parts, each of which loses points by its findings, so that a page can explain every point.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from marketplace.demands.content import DemandContent
from marketplace.demands.lint.findings import Dates, Finding
from marketplace.demands.lint.rules import ADVICE, BLOCKING, PASSED, REVIEWED_ON
from marketplace.demands.lint.structure import structure_findings
from marketplace.demands.lint.words import word_findings

__all__ = ["ADVICE", "BLOCKING", "PARTS", "PASSED", "REVIEWED_ON", "Dates", "Finding", "Lint", "lint"]

# What each part of the score is worth, and what one finding of each severity takes from it.
PARTS: dict[str, tuple[str, int]] = {
    "complete": ("内容齐全", 25),
    "indicators": ("指标可检验", 25),
    "fair": ("公平竞争", 25),
    "plan": ("计划与评分", 15),
    "words": ("用词明确", 10),
}
_LOSS = {"complete": (5, 2), "indicators": (5, 2), "fair": (12, 5), "plan": (5, 2), "words": (5, 2)}


@dataclass(frozen=True, slots=True)
class Lint:
    """All findings, gravest first in the order of the form, and the score with its parts (points, worth)."""

    findings: tuple[Finding, ...]
    score: int
    parts: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def blocking(self) -> tuple[Finding, ...]:
        return tuple(item for item in self.findings if item.severity == BLOCKING)

    @property
    def advice(self) -> tuple[Finding, ...]:
        return tuple(item for item in self.findings if item.severity == ADVICE)

    @property
    def passed(self) -> tuple[Finding, ...]:
        return tuple(item for item in self.findings if item.severity == PASSED)


def lint(content: DemandContent, *, dates: Dates | None = None) -> Lint:
    """All checks of a demand as it stands. Never raises, whatever half-typed content it is given."""
    found = [*structure_findings(content, dates), *word_findings(content)]
    order = {BLOCKING: 0, ADVICE: 1, PASSED: 2}
    found.sort(key=lambda item: order[item.severity])
    parts = _parts(found, content)
    if not (content.content.strip() or content.conditions.strip()):  # nothing written yet that could be judged
        parts |= {name: (0, PARTS[name][1]) for name in ("fair", "words")}
    found += _passed_parts(found, parts)
    return Lint(tuple(found), sum(points for points, _ in parts.values()), parts)


def _parts(found: Iterable[Finding], content: DemandContent) -> dict[str, tuple[int, int]]:
    lost = dict.fromkeys(PARTS, 0)
    for item in found:
        if item.severity != PASSED:
            lost[item.part] += PARTS[item.part][1] if item.code == "indicators" and not content.indicators else 0
            lost[item.part] += _LOSS[item.part][0 if item.severity == BLOCKING else 1]
    return {name: (max(0, worth - lost[name]), worth) for name, (_, worth) in PARTS.items()}


def _passed_parts(found: list[Finding], parts: dict[str, tuple[int, int]]) -> list[Finding]:
    """One line for each part without a finding, so that the page also shows what is in order."""
    texts = {
        "complete": "必填内容都已写明。",
        "indicators": "各项指标都有现状、目标、单位和测试方法，权重合计 100。",
        "fair": f"未发现可能影响公平竞争的条件（按{REVIEWED_ON:%Y年%m月}的规则检查）。",
        "plan": "里程碑和评分表的合计都是 100。",
        "words": "未发现含糊用词。",
    }
    open_parts = {item.part for item in found if item.severity != PASSED}
    return [
        Finding("", f"{name}.passed", PASSED, PARTS[name][0], texts[name], part=name)
        for name in PARTS
        if name not in open_parts and parts[name][0]
    ]
