"""From a parsed query to a plan: synonyms, parts of words, what is required and what only helps.

Pure but for the analyser. The cost is bounded here: at most ``GROUPS_MAX`` words with ``CLAUSES_MAX`` alternatives.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from marketplace.search.analysis import (
    STOPWORDS,
    Analyzer,
    Word,
    bigrams,
    latin_parts,
    lines,
    normalise,
    squeeze,
    standards,
    word_list,
)
from marketplace.search.index import SYNONYM_WEIGHT, Clause, Group, Plan
from marketplace.search.query import Field, Query

GROUPS_MAX = 12
CLAUSES_MAX = 12
SPAN_MAX = 6  # words of a synonym
PARTS_WEIGHT = 0.8  # nb-iot found as nb and iot
LOOSE_WEIGHT = 0.4  # 停车场 found as 停车
PART_WEIGHT = 0.2  # 物流配送 found as 配送 alone
ADJACENT_WEIGHT = 0.25  # 智慧停车 standing together

YEAR = re.compile("(19|20)[0-9]{2}")  # the year in a number is no reason to find all numbers of that year

# Words that nearly every demand has or could have: they raise a score, they never keep a document out.
GENERIC = word_list("generic.txt")


class Synonyms:
    """The synonym table: normalised words without spaces → alternatives as token clauses. ``written``: how the file
    writes an alternative, for people to read (GNSS, energy storage).
    """

    def __init__(self, text: str, analyzer: Analyzer) -> None:
        table: defaultdict[str, dict[tuple[str, ...], None]] = defaultdict(dict)
        self.written: dict[tuple[str, ...], str] = {}
        for line in lines(unicodedata.normalize("NFKC", text)):
            left, arrow, right = line.partition("=>")
            sources = _names(left)
            targets = _names(right) if arrow else sources
            for source in sources:
                for target in targets:
                    if source != target:
                        tokens = strict_tokens(normalise(target), analyzer)
                        table[normalise(source).replace(" ", "")][tokens] = None
                        self.written.setdefault(tokens, target)
        self._table = {key: tuple(value) for key, value in table.items()}

    def of(self, word: str) -> tuple[tuple[str, ...], ...]:
        return self._table.get(word, ())


def _names(side: str) -> list[str]:
    return [name.strip() for name in side.split(",") if name.strip()]


def strict_tokens(text: str, analyzer: Analyzer) -> tuple[str, ...]:
    """The tokens that together mean the text stands there as written, as nearly as tokens without places can say."""
    tokens: dict[str, None] = {}
    previous: Word | None = None
    for word in analyzer.words(text):
        if word.latin:
            tokens[latin_parts(word.text)[0]] = None
        elif len(word.text) > 1:
            tokens.update(dict.fromkeys([word.text] if analyzer.knows(word.text) else bigrams(word.text)))
        if previous and not previous.latin and not word.latin and previous.end == word.start:
            tokens["~" + previous.text[-1] + word.text[0]] = None
        elif not word.latin and len(word.text) == 1 and (previous is None or previous.latin):
            tokens["^" + word.text] = None
        previous = word
    if len(tokens) > 1:  # 充/电桩: a first single character is covered by its pair
        pairs = "".join(token[1:] for token in tokens if token[0] == "~")
        tokens = {token: None for token in tokens if token[0] != "^" or token[1] not in pairs}
    return tuple(tokens)


@dataclass(frozen=True, slots=True)
class Planner:
    """Builds plans with one dictionary and one synonym table: those of the index that will answer."""

    analyzer: Analyzer
    synonyms: Synonyms

    def plan(self, query: Query, resolve: Callable[[Field], frozenset[str]] | None = None) -> Plan:
        """``resolve`` turns a typed field value into the facet values that it names."""
        words = self.analyzer.words(standards(query.text))
        kept = [word for word in words if word.text not in STOPWORDS] or words
        groups = _settle(self._groups(kept))
        required = tuple(Clause(strict_tokens(squeeze(phrase), self.analyzer)) for phrase in query.phrases)
        excluded = tuple(Clause(strict_tokens(squeeze(text), self.analyzer)) for text in query.excluded)
        quoted = tuple(
            group for phrase in query.phrases for group in self._groups(self.analyzer.words(squeeze(phrase)))
        )
        return Plan(
            groups=groups + tuple(_as_optional(group) for group in quoted)[: GROUPS_MAX - len(groups)],
            required=tuple(clause for clause in required if clause.tokens),
            excluded=tuple(clause for clause in excluded if clause.tokens),
            bonus=_adjacent(kept),
            phrases=tuple(squeeze(phrase) for phrase in query.phrases),
            fields=_restrictions(query.fields, resolve, negated=False),
            forbidden=_restrictions(query.fields, resolve, negated=True),
        )

    def _groups(self, words: Sequence[Word]) -> list[Group]:
        groups: dict[str, Group] = {}
        similar, fixed = self._similar(words)
        for place, word in enumerate(words):
            if word.text in groups:
                continue
            group = self._latin(word) if word.latin else self._chinese(word, words, place)
            clauses = similar.get(place, ())[: CLAUSES_MAX - len(group.exact)]
            optional = group.optional and place not in fixed
            groups[word.text] = Group(group.text, group.exact, group.similar + clauses, group.loose, optional)
        return list(groups.values())

    def _similar(self, words: Sequence[Word]) -> tuple[dict[int, tuple[Clause, ...]], set[int]]:
        """Synonyms by the place of the word; one of several words stands for each of them. The longest span wins.

        Also the places of the words of such a span: in 城市管理 even the generic word is meant.
        """
        found: dict[int, tuple[Clause, ...]] = {}
        fixed: set[int] = set()
        place = 0
        while place < len(words):
            for length in range(min(SPAN_MAX, len(words) - place), 0, -1):
                alternatives = self.synonyms.of("".join(word.text for word in words[place : place + length]))
                if alternatives:
                    clauses = tuple(Clause(tokens, SYNONYM_WEIGHT) for tokens in alternatives)
                    span = range(place, place + length)
                    found.update(dict.fromkeys(span, clauses))
                    fixed.update(span if length > 1 else ())
                    place += length - 1
                    break
            place += 1
        return found, fixed

    def _latin(self, word: Word) -> Group:
        joined, parts = latin_parts(word.text)
        similar: tuple[Clause, ...] = (Clause(parts, PARTS_WEIGHT),) if len(parts) > 1 else ()
        numbers = tuple(part for part in parts if part.isdigit() and len(part) > 3 and not YEAR.fullmatch(part))
        loose = tuple(Clause((number,), LOOSE_WEIGHT) for number in numbers)
        if joined.isalpha() and joined.isascii() and len(joined) > 3:
            other = joined[:-1] if joined.endswith("s") else joined + "s"
            similar += (Clause((other,), PARTS_WEIGHT),)
        return Group(joined, (Clause((joined,)),), similar, loose, optional=joined in GENERIC)

    def _chinese(self, word: Word, words: Sequence[Word], place: int) -> Group:
        text = word.text
        if len(text) == 1:
            return self._character(word, words, place)
        pairs = Clause(tuple(bigrams(text)))
        if not self.analyzer.knows(text):
            return Group(text, (pairs,), (), self._parts(text), optional=text in GENERIC)
        exact: tuple[Clause, ...] = (Clause((text,)),)
        if len(text) > 2:
            exact += (pairs,)
            return Group(text, exact, (), self._parts(text), optional=text in GENERIC)
        return Group(text, exact, (), (Clause(("~" + text,), LOOSE_WEIGHT),), optional=text in GENERIC)

    def _character(self, word: Word, words: Sequence[Word], place: int) -> Group:
        """A single character means little alone: beside a neighbour it only helps, as the pair with it."""
        before = words[place - 1] if place else None
        after = words[place + 1] if place + 1 < len(words) else None
        if before and not before.latin and before.end == word.start:
            return Group(word.text, (Clause(("~" + before.text[-1] + word.text,)),), optional=True)
        if after and not after.latin and word.end == after.start:
            return Group(word.text, (Clause(("~" + word.text + after.text[0],)),), optional=True)
        return Group(word.text, (Clause(("^" + word.text,)),), optional=len(words) > 1)

    def _parts(self, text: str) -> tuple[Clause, ...]:
        """The longest known words inside a word, none overlapping: all of them together, else any of them."""
        parts: list[str] = []
        place = 0
        while place < len(text):
            for length in range(min(len(text) - 1, len(text) - place), 1, -1):
                piece = text[place : place + length]
                if self.analyzer.knows(piece):
                    parts.append(piece)
                    place += length - 1
                    break
            place += 1
        specific = [part for part in parts if part not in GENERIC] or parts
        if not specific:
            return ()
        each = [Clause((part,), PART_WEIGHT) for part in specific if len(specific) > 1]
        return Clause(tuple(specific), LOOSE_WEIGHT), *each


def _as_optional(group: Group) -> Group:
    return Group(group.text, group.exact, optional=True)


def _settle(groups: list[Group]) -> tuple[Group, ...]:
    """Where only generic words were typed they are what is wanted; too many words: the helpful ones go first."""
    if not any(not group.optional for group in groups):
        groups = [Group(g.text, g.exact, g.similar, g.loose) for g in groups]
    needed = [group for group in groups if not group.optional][:GROUPS_MAX]
    helpful = [group for group in groups if group.optional][: GROUPS_MAX - len(needed)]
    return tuple(needed + helpful)


def _adjacent(words: Sequence[Word]) -> tuple[tuple[str, float], ...]:
    pairs = pairwise(words)
    tokens = [
        "~" + left.text[-1] + right.text[0]
        for left, right in pairs
        if not left.latin and not right.latin and left.end == right.start and len(left.text) > 1 and len(right.text) > 1
    ]
    return tuple((token, ADJACENT_WEIGHT) for token in dict.fromkeys(tokens[:GROUPS_MAX]))


def _restrictions(
    fields: Sequence[Field], resolve: Callable[[Field], frozenset[str]] | None, *, negated: bool
) -> Mapping[str, frozenset[str]]:
    result: dict[str, frozenset[str]] = {}
    for item in fields:
        if item.negated is negated:
            values = resolve(item) if resolve else frozenset({item.value})
            result[item.facet] = result.get(item.facet, frozenset()) | values
    return result


def load(dictionary: str, synonyms: str) -> Planner:
    """A planner from the texts of the two data files."""
    analyzer = Analyzer(dictionary)
    return Planner(analyzer, Synonyms(synonyms, analyzer))
