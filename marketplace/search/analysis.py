"""Words: the one normaliser and segmenter of the index side and the query side (search.md, Words).

A document becomes a *bag* of tokens with boosted counts, the only text the engines see:

* a word as it stands (``停车场``, ``5g``), cut in search mode, so that ``停车`` is found inside ``停车场``;
* ``~`` and two characters for every neighbouring pair: contiguity without positions, and a way to find what the
  segmenter cuts differently in a sentence and in a query;
* ``^`` and one character, for queries of a single character.

The dictionary comes with the index it was built with, so that both sides always agree.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import opencc
import rjieba

from marketplace.search.documents import Document

ANALYSIS_VERSION = 7  # raise it when the tokens, the phrases or the shelf change: the index is then rebuilt
DATA = Path(__file__).with_name("data")

# How often a word counts by the place where it stands. Measured, not law: a title says what a thing is about.
TITLE, TAG, SUMMARY, UNIT, BODY = 4, 3, 2, 1, 1
NUMBER = 12  # its own number or code: before whatever only mentions it
TF_MAX = 255  # counts are stored in one byte

CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f〇"
RUN = re.compile(rf"(?P<cjk>[{CJK}]+)|(?P<latin>(?:(?![{CJK}])[^\W_])+(?:[-./_+&'·](?:(?![{CJK}])[^\W_])+)*\+*)")
JOINTS = re.compile(r"[-./_+&'·]+")
STANDARD_JOINTS = r"[-./_+&'·\s]{0,3}"  # what may stand between the letters of one Latin word as written
LETTERS_DIGITS = re.compile(r"[^\W\d_]+|\d+")
# GB/T 35273, GBT35273 and gb/t35273 are one standard; so are DB41/T 2059, ISO/IEC 27001, CJJ 7.
STANDARD = re.compile(
    r"(?<![a-z0-9])(db\d{2}|iso/iec|gbz|gb|jgj|jtg|jt|cjj|cj|dl|yd|ga|hj|sl|qx|ny|iso|iec|ieee|ty|tcsae|t/[a-z]{2,6})"
    r"\s*(?:/\s*([tz])(?![a-z])|([tz])(?![a-z0-9])|([tz])(?=\d))?\s*[-_]?\s*(\d{2,6}(?:\.\d+)*)(?![\d.]*[a-z])"
)


class Word(NamedTuple):
    """One piece of normalised text: ``start`` is its place there; ``latin`` when it is not Chinese."""

    text: str
    start: int
    latin: bool

    @property
    def end(self) -> int:
        return self.start + len(self.text)


@cache
def _simplifier() -> Any:
    return opencc.OpenCC("t2s")


def normalise(text: str) -> str:
    """NFKC (full-width, ligatures, ㎡), lower case, traditional → simplified."""
    text = unicodedata.normalize("NFKC", text).lower()
    if text.isascii():
        return text
    simplified = _simplifier().convert(text)
    assert isinstance(simplified, str)
    return simplified


def squeeze(text: str) -> str:
    """Normalised text as phrases are compared in it: white space only between two Latin words."""
    text = " ".join(standards(normalise(text)).split())
    return re.sub(rf"(?<=[{CJK}]) | (?=[{CJK}])", "", text)


def standards(normalised: str) -> str:
    """Standards written as one word: ``gb/t 35273`` → ``gbt35273``."""
    return STANDARD.sub(_joined, normalised)


def _joined(match: re.Match[str]) -> str:
    kind, *letters, number = match.groups()
    return kind.replace("/", "") + "".join(letter for letter in letters if letter) + number


def latin_parts(word: str) -> tuple[str, tuple[str, ...]]:
    """A Latin piece joined (``nb-iot`` → ``nbiot``) and its parts (``nb``, ``iot``; ``rs485`` → ``rs``, ``485``)."""
    joined = JOINTS.sub("", word)
    pieces = [piece for piece in JOINTS.split(word) if piece]
    if len(pieces) > 1:
        return joined, tuple(pieces)
    split = LETTERS_DIGITS.findall(joined)
    if len(split) > 1 and all(len(part) > 1 for part in split):
        return joined, tuple(split)
    return joined, ()


def latin_tokens(word: str) -> list[str]:
    """What is indexed of a Latin piece: joined, its parts, and the parts of those (``gbt37668-2019`` → ``37668``)."""
    joined, parts = latin_parts(word)
    return list(dict.fromkeys([joined, *parts, *(inner for part in parts for inner in latin_parts(part)[1])]))


def bigrams(run: str) -> list[str]:
    """``~ab`` for every neighbouring pair of a Chinese run."""
    return ["~" + run[i : i + 2] for i in range(len(run) - 1)]


class Analyzer:
    """The segmenter with the words of one dictionary. Costs 60 ms and 25 MB: make one per process and index."""

    def __init__(self, dictionary: str = "") -> None:
        self._jieba = rjieba.Jieba()
        for word in entries(dictionary):
            self._jieba.add_word(word, None, None)

    def knows(self, word: str) -> bool:
        """Whether the dictionary has it; what is not there was guessed from its neighbours."""
        return bool(self._jieba.has_word(word))

    def cut(self, run: str) -> list[str]:
        """The words of one Chinese run, without overlap."""
        words: list[str] = self._jieba.cut(run)
        return words

    def search_cut(self, run: str) -> list[str]:
        """The words of one Chinese run and the words inside them."""
        words: list[str] = self._jieba.cut_for_search(run)
        return words

    def runs(self, normalised: str) -> Iterator[Word]:
        """The Chinese and Latin runs of normalised text, standards joined."""
        for match in RUN.finditer(standards(normalised)):
            yield Word(match.group(), match.start(), match.lastgroup == "latin")

    def words(self, text: str) -> list[Word]:
        """The query side: a plain cut of normalised text, in order, with places in ``text`` as runs see it."""
        result: list[Word] = []
        for run in self.runs(text):
            if run.latin:
                result.append(run)
                continue
            place = run.start
            for word in self.cut(run.text):
                result.append(Word(word, place, False))
                place += len(word)
        return result

    def tokens(self, text: str, *, characters: bool) -> list[str]:
        """The index side: words, words inside words, pairs, and single characters where ``characters``."""
        result: list[str] = []
        for run in self.runs(normalise(text)):
            if run.latin:
                result.extend(latin_tokens(run.text))
                continue
            for word in self.search_cut(run.text):
                if len(word) > 1:
                    result.append(word)
                elif not characters:
                    result.append("^" + word)
            result.extend(bigrams(run.text))
            if characters:
                result.extend("^" + character for character in run.text)
        return result

    def bag(self, document: Document) -> dict[str, int]:
        """What the engines index of a document: token → boosted count, at most 255."""
        counts: Counter[str] = Counter()
        for text, boost, characters in _places(document):
            for token in self.tokens(text, characters=characters):
                counts[token] += boost
        for identifier in document.identifiers:
            counts[latin_parts(JOINTS.sub("-", normalise(identifier)))[0]] += NUMBER
        return {token: min(count, TF_MAX) for token, count in counts.items()}


def _places(document: Document) -> Iterable[tuple[str, int, bool]]:
    yield document.title, TITLE, True
    for tag in document.tags:
        yield tag, TAG, True
    for identifier in document.identifiers:
        yield identifier, TAG, False
    yield document.unit_name or document.unit, UNIT, True
    yield document.summary, SUMMARY, False
    yield document.body, BODY, False


def word_list(name: str) -> frozenset[str]:
    """The words of a data file with several in a line."""
    return frozenset(word for line in entries((DATA / name).read_text(encoding="utf-8")) for word in line.split())


def lines(text: str) -> list[str]:
    """The entries of a data file as written, one a line; what follows ``#`` is the comment."""
    found = (line.split("#", 1)[0].strip() for line in text.splitlines())
    return [line for line in found if line]


def entries(text: str) -> list[str]:
    """The entries of a data file, normalised."""
    return [normalise(line) for line in lines(text)]


def segmenter_name() -> str:
    """Name and version of the segmenter and of this module: another one means a rebuild."""
    return f"rjieba {version('rjieba')} / analysis {ANALYSIS_VERSION}"


STOPWORDS = word_list("stopwords.txt")
