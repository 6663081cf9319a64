"""Search as a person meets it: what was typed, filters and a page in; ids, counts, and what was meant out."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from marketplace.search.analysis import STOPWORDS, bigrams, latin_parts, squeeze, standards
from marketplace.search.directory import Reading
from marketplace.search.documents import CLOCKED, PHASES
from marketplace.search.index import ENOUGH, PAGE_MAX, PHRASE_CANDIDATES, Clause, Group, Page, Plan, Request, TooSlow
from marketplace.search.pinyin import CHINESE
from marketplace.search.plan import GROUPS_MAX
from marketplace.search.query import Field, Query, parse
from marketplace.search.shelf import Phrase
from marketplace.search.spelling import Speller

BUDGET_S = 3.0  # seconds a query may take before it is stopped with a word
SUGGESTIONS = 8
TITLES = 3
NUMBERED = 5
NUMBER = re.compile(r"[a-z]+[- ]?\d*")  # a list number begins with the zone's letters
RELATED = 3
NEAR = 5  # near misses shown below an empty result
Labels = Callable[[str, datetime], Mapping[str, Sequence[str]]]
OFTEN = 10  # a word that no dictionary has is offered when so many titles and tags have it
FEW = 3  # strict hits below which another reading is offered


class Deadline:
    """A time budget for one query."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def __call__(self) -> None:
        if time.monotonic() > self._end:
            raise TooSlow


@dataclass(frozen=True, slots=True)
class Found:
    """``ids`` of the page in order. ``strict`` of ``total`` have every word, the others are near misses.

    ``corrected``: what was searched for instead, because nothing has what was typed; ``meant``: offered only.
    ``related``: other words for what was typed, that something has. ``unfiltered``: of an empty result, how many there
    are without filters; ``near`` and ``near_total``: the first near misses of an empty result and how many there are:
    what would be found without quotes, exclusions and fields (``loosened``), else what shares a rare character.
    ``terms``: what to mark in titles and texts. ``approximate``: the total is an estimate (约).
    """

    query: Query
    ids: list[str]
    total: int
    strict: int
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    terms: tuple[str, ...] = ()
    corrected: str = ""
    meant: str = ""
    related: tuple[str, ...] = ()
    unfiltered: int = 0
    loosened: str = ""
    near: tuple[str, ...] = ()
    near_total: int = 0
    approximate: bool = False


@dataclass(frozen=True, slots=True)
class Suggestion:
    """``id`` is set when it is the title of one document rather than words to search for."""

    text: str
    id: str = ""


class Finder:
    """Answers queries from one open index. ``labels``: a facet's code → what people call it, for ``unit:水务局``."""

    def __init__(self, reading: Reading, labels: Labels | None = None) -> None:
        self._reading = reading
        self._labels = labels or (lambda facet, now: {})
        self._analyzer = reading.planner.analyzer

    def find(self, typed: str, request: Request, *, literally: bool = False) -> Found:
        """One page. ``literally``: search for exactly what was typed, correct nothing."""
        budget = Deadline(BUDGET_S)
        request = replace(request, limit=min(request.limit, PAGE_MAX))
        query = parse(typed)
        plan = self._plan(query, request.now)
        page = self._page(plan, request, budget)
        corrected = meant = ""
        unseen = not literally and bool(query.words) and self._unseen(query.text, request.now)
        if query.words and not literally and (page.strict < FEW or unseen):
            other = self._correct(query, request.now)
            if other is not None:
                better_plan = self._plan(other, request.now)
                better = self._page(better_plan, request, budget)
                surely = unseen and not self._unseen(other.text, request.now)
                if better.strict and (surely or not page.strict):
                    plan, page, corrected = better_plan, better, _typed(other)
                elif better.strict > page.strict:
                    meant = _typed(other)
        unfiltered = 0
        others = {name: values for name, values in request.filters.items() if name == "kind"}
        if not page.total and len(others) < len(request.filters):
            unfiltered = self._page(plan, replace(request, filters=others, facets=(), limit=0), budget).total
        loosened, near = "", Page([], 0, 0, 0)
        other = Query((*query.words, *query.phrases))
        if other and other != query and not page.total and not unfiltered:
            near = self._page(self._plan(other, request.now), replace(request, facets=(), offset=0, limit=NEAR), budget)
            loosened = _typed(other) if near.total else ""
        if not (page.total or unfiltered or near.total or literally):
            rare = self._characters(plan, query.text, request.now)
            if rare is not None:
                near = self._page(rare, replace(request, facets=(), offset=0, limit=NEAR), budget)
        ids = self._reading.shelf.ids([*page.nids, *near.nids])
        return Found(
            query=query,
            ids=[ids[nid] for nid in page.nids if nid in ids],
            loosened=loosened,
            near=tuple(ids[nid] for nid in near.nids if nid in ids),
            near_total=near.total,
            total=page.total,
            strict=page.strict,
            facets=page.facets,
            terms=self._terms(plan, page),
            corrected=corrected,
            meant=meant,
            related=self._related(plan, request.now),
            unfiltered=unfiltered,
            approximate=page.approximate,
        )

    def suggest(self, typed: str, now: datetime, *, kind: str = "") -> list[Suggestion]:
        """What the box offers while typing: phrases by their text, pinyin or first letters; documents by
        their list number; then whole titles.
        """
        text = squeeze(typed)[:40]
        if not text:
            return []
        shelf = self._reading.shelf
        found = shelf.starting("text", text, SUGGESTIONS)
        letters = text.replace(" ", "").replace("'", "")
        if letters.isascii() and letters.isalpha():
            found += shelf.starting("initials", letters, SUGGESTIONS) if len(letters) > 1 else []
            found += shelf.starting("pinyin", letters, SUGGESTIONS) if len(letters) > 1 else []
        words = list(dict.fromkeys(phrase.text for phrase in found if self._is_word(phrase)))[:SUGGESTIONS]
        if not words and len(letters) > 1 and letters.isascii() and letters.isalpha():
            known = any(self._reading.index.frequencies([letters], now))
            read = (
                None if known else self._speller(now).latin(letters)
            )  # zntc: no phrase begins so, but 智能 and 停车 can be read there
            words = [read] if read else []
        titles = {title: id_ for id_, title in shelf.titles(typed.strip(), TITLES, kind)}
        numbered = shelf.numbered(text.replace(" ", "-"), NUMBERED, kind) if NUMBER.match(text) else []
        return [
            *(Suggestion(word) for word in words),
            *(Suggestion(f"{number} {title}", id_) for id_, number, title in numbered),
            *(Suggestion(title, id_) for title, id_ in titles.items()),
        ]

    def _is_word(self, phrase: Phrase) -> bool:
        """Not a piece that the segmenter guessed once (水机 of 直饮水机)."""
        known = phrase.words > 1 or phrase.text.isascii() or self._analyzer.knows(phrase.text)
        return len(phrase.text) > 1 and (known or phrase.number >= OFTEN)

    def _plan(self, query: Query, now: datetime) -> Plan:
        return self._reading.planner.plan(query, lambda item: self._resolve(item, now))

    def _page(self, plan: Plan, request: Request, budget: Deadline) -> Page:
        if not plan.phrases:
            return self._reading.index.search(plan, request, budget)
        nids, total = self._reading.index.candidates(plan, request, PHRASE_CANDIDATES, budget)
        holding = nids
        for phrase in plan.phrases:
            holding = self._reading.shelf.holding(holding, phrase)
            budget()
        page = self._reading.index.search(plan, replace(request, only=frozenset(holding)), budget)
        if total <= len(nids):
            return page
        return replace(page, total=round(page.total * total / len(nids)), approximate=True)

    def _characters(self, plan: Plan, text: str, now: datetime) -> Plan | None:
        """Where no word is found, what its rare characters are in: 臭味 finds 恶臭. A common one (管) says nothing."""
        typed = list(dict.fromkeys(char for word in self._analyzer.words(text) if not word.latin for char in word.text))
        numbers = self._reading.index.frequencies(["^" + char for char in typed], now)
        there = {char: number for char, number in zip(typed, numbers, strict=True) if number}
        if not there or plan.required:
            return None
        most = max(ENOUGH, min(there.values()) * 2)
        groups = tuple(Group(char, (Clause(("^" + char,)),)) for char, number in there.items() if number <= most)
        return replace(plan, groups=groups[:GROUPS_MAX], bonus=())

    def _resolve(self, item: Field, now: datetime) -> frozenset[str]:
        """The values of a facet that a typed value names: by a part of the name, else as its abbreviation."""
        values = self._reading.index.values(item.facet)
        if item.facet == "state":  # the clock's phases are stored nowhere
            values = [value for value in values if value != CLOCKED] + list(PHASES)
        return named(item.value, values, self._labels(item.facet, now))

    def _unseen(self, text: str, now: datetime) -> bool:
        """Whether a single character that the segmenter left over, no 的 or 和, stands beside its neighbours as in no
        visible document: a slip, perhaps (充电 + 庄).
        """
        words = self._analyzer.words(text)
        for before, word, after in zip([None, *words], words, [*words[1:], None], strict=False):
            if word.latin or len(word.text) > 1 or word.text in STOPWORDS:
                continue
            left = before.text[-1] if before and not before.latin and before.end == word.start else ""
            right = after.text[0] if after and not after.latin and after.start == word.end else ""
            pairs = bigrams(left + word.text + right)
            if pairs and not any(self._reading.index.frequencies(pairs, now)):
                return True
        return False

    def _speller(self, now: datetime) -> Speller:
        def occur(tokens: Sequence[str]) -> Mapping[str, int]:
            numbers = self._reading.index.frequencies(tokens, now)
            return {token: number for token, number in zip(tokens, numbers, strict=True) if number}

        return Speller(self._reading.shelf, self._analyzer, occur)

    def _correct(self, query: Query, now: datetime) -> Query | None:
        speller = self._speller(now)
        words = self._analyzer.words(standards(query.text))
        latin = [word.text for word in words if word.latin]
        present = speller.occur([latin_parts(word)[0] for word in latin])
        text = speller.correct(words, {word: latin_parts(word)[0] in present for word in latin})
        return replace(query, words=tuple(text.split())) if text else None

    def _related(self, plan: Plan, now: datetime) -> tuple[str, ...]:
        """Synonyms of the words typed, as the table writes them, for people to go on with: such as something has."""
        written, typed = self._reading.planner.synonyms.written, {group.text for group in plan.groups}
        found: dict[str, None] = {}
        for clause in (clause for group in plan.needed for clause in group.similar):
            text = written.get(clause.tokens, "")
            if len(text) < 2 or text in found or squeeze(text) in typed:
                continue
            if all(self._reading.index.frequencies(clause.tokens, now)):
                found[text] = None
            if len(found) == RELATED:
                break
        return tuple(found)

    def _terms(self, plan: Plan, page: Page) -> tuple[str, ...]:
        """As typed, and where words were given for others, those: longest first."""
        terms = dict.fromkeys(plan.phrases)
        for group in plan.groups:
            clauses = group.exact + group.similar + (group.loose if page.level else ())
            terms[group.text] = None
            terms.update(dict.fromkeys(_spoken(clause.tokens) for clause in clauses))
        several = [term for term in terms if term and (len(term) > 1 or len(terms) == 1)]
        return tuple(sorted(several, key=lambda term: (-len(term), term)))


def _names(value: str, labels: Sequence[str]) -> tuple[str, ...]:
    return tuple(squeeze(name).replace(" ", "") for name in (value, *labels) if name)


def _spoken(tokens: Sequence[str]) -> str:
    """The text that a clause stands for; a pair of characters alone is no word to mark."""
    plain = [token.lstrip("^") for token in tokens if token[0] != "~"]
    return "".join(plain) if plain else "".join([tokens[0][1:], *(token[2:] for token in tokens[1:])])


def _typed(query: Query) -> str:
    """A query as one would type it."""
    parts = [*query.words, *(f'"{phrase}"' for phrase in query.phrases), *(f"-{text}" for text in query.excluded)]
    parts += [f"{'-' if item.negated else ''}{item.facet}:{item.value}" for item in query.fields]
    return " ".join(parts)


def named(typed: str, values: Iterable[str], labels: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """Those of the values that what was typed names: by a part of a name, else as its abbreviation."""
    wanted = squeeze(typed).replace(" ", "")
    names = {value: _names(value, labels.get(value, ())) for value in values}
    found = {value for value, known in names.items() if any(wanted in name for name in known)}
    if not found:
        found = {value for value, known in names.items() if any(_abbreviates(wanted, name) for name in known)}
    return frozenset(found)


def _abbreviates(short: str, name: str) -> bool:
    """城管局 abbreviates 城市管理局: its characters in this order, the last one at the end."""
    letters = iter(name)
    return len(short) > 1 and bool(CHINESE.search(short)) and short[-1] == name[-1] and all(c in letters for c in short)
