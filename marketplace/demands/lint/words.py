"""The lint's reading of words: rules of ``rules`` over every text of a demand, with the exact place quoted."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from marketplace.demands.content import DemandContent
from marketplace.demands.lint.findings import Finding
from marketplace.demands.lint.rules import (
    ADVICE,
    BLOCKING,
    BLOCKS,
    NEGATION,
    NEGATION_BEHIND,
    STORY,
    TASK,
    TERMS,
    VAGUE_MESSAGE,
    VAGUE_SUGGESTION,
    VAGUE_TITLE,
    VAGUE_WORDS,
    WORD_RULES,
    WordRule,
)

_MAX_PER_RULE = 3  # in one field; more of the same helps nobody
_MAX_VAGUE = 6
_CLAUSE_END = re.compile(r"[，,。；;！!？?\n]|但是|但")
_SENTENCE_END = re.compile(r"[。；;！!？?\n]")
_TURN = re.compile(r"必须|须|应当|仅限|只限|要求(?!.{0,2}不)")
_NEGATION = re.compile(
    NEGATION + r"|不得(?!少于|低于|超过|高于|晚于|迟于|小于|大于|为|不|揭榜|参[加与]|投标|报名|申报)"
)
_NEGATION_BEHIND = re.compile(NEGATION_BEHIND)
_VAGUE = re.compile(VAGUE_WORDS)
_FIGURE = re.compile(r"[0-9]|[一二三四五六七八九十百]+(?:倍|成|分之|个|项|次|小时|分钟|天|日|人)")


@dataclass(frozen=True, slots=True)
class _Text:
    """A text as typed, and its comparable form (half-width, lower case, no blanks) with the way back."""

    raw: str
    flat: str
    places: tuple[int, ...]

    def quote(self, start: int, end: int) -> tuple[str, int, int]:
        first, last = self.places[start], self.places[end - 1] + 1
        return self.raw[first:last], first, last


def word_findings(content: DemandContent) -> list[Finding]:
    """Findings of all word rules and of vague wording, in the order of the form."""
    found: list[Finding] = []
    vague = 0
    for field, kind, raw in _texts(content):
        if not raw.strip():
            continue
        promises = field in ("goal", "content", "conditions") or field.endswith(("-target", "-method"))
        for item in _findings(kind, raw, content.mode, promises):
            if item.code == "vague":
                vague += 1
                if vague > _MAX_VAGUE:
                    continue
            found.append(replace(item, field=field))
    return found


@lru_cache(maxsize=2048)
def _findings(kind: str, raw: str, mode: str, promises: bool) -> tuple[Finding, ...]:
    """Findings in one text, whichever field it fills: the bands of the default sheets are read once for all demands."""
    text = _text(raw)
    found = [item for rule in WORD_RULES for item in _by_rule(text, rule, kind, mode)]
    return (*found, *(_vague(text) if promises else ()))


def _texts(content: DemandContent) -> Iterator[tuple[str, str, str]]:
    """Every text a person typed: its field, the part it plays, the words."""
    for name, kind in (("title", TASK), ("place", STORY), ("background", STORY), ("goal", TASK), ("content", TASK)):
        yield name, kind, getattr(content, name)
    for number, indicator in enumerate(content.indicators):
        for name in ("name", "baseline", "target", "method"):
            yield f"indicators-{number}-{name}", TASK, getattr(indicator, name)
    for number, offer in enumerate(content.offers):
        for name in ("text", "access"):
            yield f"offers-{number}-{name}", TERMS if name == "access" else STORY, getattr(offer, name)
    for name in ("conditions", "site_visit", "funds_source", "budget_note"):
        yield name, TERMS, getattr(content, name)
    for number, milestone in enumerate(content.milestones):
        for name in ("name", "deliverable"):
            yield f"milestones-{number}-{name}", TASK, getattr(milestone, name)
    for number, criterion in enumerate(content.score_sheet.criteria):
        yield f"score_sheet-criteria-{number}-name", TERMS, criterion.name
        for band, words in enumerate(criterion.bands):
            yield f"score_sheet-criteria-{number}-bands-{band}", TASK, words


def _text(raw: str) -> _Text:
    flat: list[str] = []
    places: list[int] = []
    for place, char in enumerate(raw):
        plain = unicodedata.normalize("NFKC", char)
        plain = plain if len(plain) == 1 else char
        if plain.isspace() and plain != "\n":
            continue
        flat.append(plain.lower() if len(plain.lower()) == 1 else plain)
        places.append(place)
    return _Text(raw, "".join(flat), tuple(places))


@cache
def _compiled(rule: WordRule) -> dict[str, tuple[tuple[re.Pattern[str], bool], ...]]:
    """Per kind of field: (pattern, whether negation voids it)."""

    def build(patterns: tuple[str, ...], negatable: bool) -> tuple[tuple[re.Pattern[str], bool], ...]:
        return tuple((re.compile(_filled(pattern)), negatable) for pattern in patterns)

    soft, hard = build(rule.soft, True), build(rule.hard, False)
    prose = soft if rule.prose is None else build(rule.prose, True)
    story = build(rule.prose or (), True) if rule.prose is not None or not rule.everywhere else soft
    return {TERMS: soft + hard, TASK: prose + hard, STORY: story}


def _filled(pattern: str) -> str:
    for name, block in BLOCKS.items():
        pattern = pattern.replace("{" + name + "}", block)
    for name, block in BLOCKS.items():  # PREFER and others may name {NUM}
        pattern = pattern.replace("{" + name + "}", block)
    return pattern


def _by_rule(text: _Text, rule: WordRule, kind: str, mode: str) -> list[Finding]:
    found: list[Finding] = []
    taken: list[tuple[int, int]] = []
    for pattern, negatable in _compiled(rule)[kind]:
        for match in pattern.finditer(text.flat):
            start, end = match.span()
            if any(start < last and first < end for first, last in taken):
                continue
            clause_start, clause_end = _clause(text.flat, start, end)
            clause = text.flat[clause_start:clause_end]
            if rule.unless and re.search(rule.unless, clause):
                continue
            if negatable and _negated(text.flat, clause_start, start, end):
                continue
            taken.append((start, end))
            quote, first, last = text.quote(start, end)
            severity = ADVICE if rule.severity == BLOCKING and mode in rule.relaxed else rule.severity
            found.append(
                Finding(
                    "", rule.code, severity, rule.title, rule.message, rule.article, rule.suggestion,
                    quote, first, last, "complete" if rule.code == "classified_words" else "fair",
                )
            )  # fmt: skip
            if len(found) == _MAX_PER_RULE:
                return found
    return found


def _clause(flat: str, start: int, end: int) -> tuple[int, int]:
    before = [match.end() for match in _CLAUSE_END.finditer(flat, 0, start)]
    after = _CLAUSE_END.search(flat, end)
    return (before[-1] if before else 0), (after.start() if after else len(flat))


def _negated(flat: str, clause_start: int, start: int, end: int) -> bool:
    """Whether words before the match (or inside it) in its clause, or right behind it, take it back.

    A 须 between the two ends the negation: 不接受联合体且须为本地企业.
    """
    for negation in _NEGATION.finditer(flat, clause_start, end):
        if negation.start() < start and _TURN.search(flat, negation.end(), start):
            continue
        return True
    return bool(_NEGATION_BEHIND.search(flat[end : end + 24]))


def _vague(text: _Text) -> Iterator[Finding]:
    """Vague words where no figure stands in the same sentence; only where promises are made."""
    seen: set[str] = set()
    for match in _VAGUE.finditer(text.flat):
        start, end = match.span()
        first = max((item.end() for item in _SENTENCE_END.finditer(text.flat, 0, start)), default=0)
        last = _SENTENCE_END.search(text.flat, end)
        clause_start, clause_end = _clause(text.flat, start, end)
        sentence = text.flat[first : last.start() if last else len(text.flat)]
        near = text.flat[clause_start : clause_end + 14] if len(sentence) > 60 else sentence
        if match.group() in seen or _FIGURE.search(near):
            continue
        seen.add(match.group())
        quote, place, until = text.quote(start, end)
        yield Finding(
            "", "vague", ADVICE, VAGUE_TITLE, f"“{quote}”{VAGUE_MESSAGE}", "", VAGUE_SUGGESTION,
            quote, place, until, "words",
        )  # fmt: skip
