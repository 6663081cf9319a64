"""Look-alikes: demands whose title or text says nearly the same, with a score from 0 to 1 that can be explained.

Pure (numpy beside the standard library). Titles and texts are compared apart, each by the cosine of their character
pairs weighted by rarity; pairs of characters need no dictionary and survive reordering and filler words. A pair that
everybody writes (应用, 场景, 平台) weighs little even in a small collection. The index is an inverted one: a query
touches only the postings of its own pairs, so its cost stays bounded at ten thousand demands.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

TEXT_CHARACTERS = 800  # of each text; the rest says what the beginning says
LOOK_ALIKE = 0.5  # from here on an officer should look
_STRONGER, _WEAKER = 0.7, 0.3
_COMMON = (
    "应用场景示范建设项目系统平台技术研发研究与产业化需求服务工程智慧智能人工解决方案数据管理信息城市监测检测公开报道"
    "未列补充由发榜方张前据题名要求提供支撑实现利用通过采用基于面向关键"
)
_PRIOR_DEMANDS = 200.0  # an imagined collection behind the real one …
_PRIOR_COMMON = 40.0  # … in which a common pair occurs this often and any other once
_SHIFT = 21  # bits of a code point

Key = TypeVar("Key", bound=Hashable)
_Floats = NDArray[np.float32]


def title_key(text: str) -> str:
    """The form in which names are the same: NFKC, lower case, without blanks, punctuation and symbols."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())


@dataclass(frozen=True, slots=True)
class LookAlike(Generic[Key]):
    """``score`` 0–1 from the two cosines; ``shared``: the longest wordings both have, for the officer's eye."""

    key: Key
    score: float
    title_score: float
    text_score: float
    shared: tuple[str, ...]

    def explain(self) -> str:
        """One line for the screen."""
        words = f"；相同字句：{'、'.join(self.shared)}" if self.shared else ""
        return f"名称相近 {self.title_score:.0%}，正文相近 {self.text_score:.0%}{words}"


class SimilarityIndex(Generic[Key]):
    """An immutable index over (key, title, text). Build it once for a collection, ask it many times."""

    def __init__(self, documents: Iterable[tuple[Key, str, str]]) -> None:
        found = [(key, title_key(title), title_key(text)[:TEXT_CHARACTERS]) for key, title, text in documents]
        self._keys = [key for key, _, _ in found]
        self._titles = [title for _, title, _ in found]
        self._texts = [text for _, _, text in found]
        self._title_pairs = _Pairs(self._titles, singles=True)
        self._text_pairs = _Pairs(self._texts, singles=False)

    def __len__(self) -> int:
        return len(self._keys)

    def nearest(
        self, title: str, text: str, *, limit: int = 10, at_least: float = LOOK_ALIKE, besides: Key | None = None
    ) -> list[LookAlike[Key]]:
        """The ``limit`` most alike demands that reach ``at_least``, best first; ``besides`` leaves one key out."""
        own_title, own_text = title_key(title), title_key(text)[:TEXT_CHARACTERS]
        if not self._keys or not (own_title or own_text):
            return []
        titles, texts = self._title_pairs.cosines(own_title), self._text_pairs.cosines(own_text)
        scores = _STRONGER * np.maximum(titles, texts) + _WEAKER * np.minimum(titles, texts)
        one_sided = self._text_pairs.empty if own_text else np.ones(len(scores), dtype=np.bool_)
        scores = np.where(one_sided, titles, scores)  # where one of the two has no text, the titles alone decide
        order = np.argsort(-scores, kind="stable")[: limit + 1]
        result: list[LookAlike[Key]] = []
        for index in order:
            if scores[index] < at_least or self._keys[index] == besides or len(result) == limit:
                continue
            shared = _shared(own_title, self._titles[index], 2) + _shared(own_text, self._texts[index], 4)
            result.append(
                LookAlike(
                    self._keys[index],
                    round(float(min(scores[index], 1.0)), 3),
                    round(float(min(titles[index], 1.0)), 3),
                    round(float(min(texts[index], 1.0)), 3),
                    tuple(dict.fromkeys(shared))[:5],
                )
            )
        return result


class _Pairs:
    """Character pairs of many texts as an inverted index in compressed rows: pair → (document, weight).

    ``singles``: single characters count too, as titles are short and people turn their words around.
    """

    def __init__(self, texts: Sequence[str], *, singles: bool) -> None:
        self.size = len(texts)
        self.singles = singles
        codes, documents = _all_pairs(texts, singles=singles)
        both, counts = np.unique(codes * max(self.size, 1) + documents, return_counts=True)
        codes, self.documents = both // max(self.size, 1), (both % max(self.size, 1)).astype(np.int32)
        self.pairs, first = np.unique(codes, return_index=True)
        self.bounds = np.append(first, len(codes))
        self.rarity = _rarity(self.pairs, np.diff(self.bounds), self.size)
        per_posting = np.repeat(self.rarity, np.diff(self.bounds))
        weights = (1.0 + np.log(counts)) * per_posting
        lengths = np.sqrt(np.bincount(self.documents, weights=weights**2, minlength=self.size))
        self.empty: NDArray[np.bool_] = lengths == 0
        lengths[lengths == 0] = 1.0
        self.weights: _Floats = (weights / lengths[self.documents]).astype(np.float32)

    def cosines(self, text: str) -> _Floats:
        """The cosine of the text with every document; 0 throughout for a text without pairs."""
        scores = np.zeros(self.size, dtype=np.float32)
        codes, counts = np.unique(_pairs(text, singles=self.singles), return_counts=True)
        if not len(codes):
            return scores
        at = np.searchsorted(self.pairs, codes)
        known = np.zeros(len(codes), dtype=np.bool_)
        inside = at < len(self.pairs)
        known[inside] = self.pairs[at[inside]] == codes[inside]
        frequency = np.zeros(len(codes))
        frequency[known] = np.diff(self.bounds)[at[known]]
        rarity = _rarity(codes, frequency, self.size)
        weights = (1.0 + np.log(counts)) * rarity
        weights /= np.sqrt(np.sum(weights**2))
        for position, weight in zip(at[known], weights[known], strict=True):
            low, high = self.bounds[position], self.bounds[position + 1]
            scores[self.documents[low:high]] += self.weights[low:high] * np.float32(weight)
        return scores


def _points(text: str) -> NDArray[np.int64]:
    return np.frombuffer(text.encode("utf-32-le"), dtype="<u4").astype(np.int64)


def _pairs(text: str, *, singles: bool) -> NDArray[np.int64]:
    """The pairs of neighbouring characters as numbers, and (or in a text of one) the single ones."""
    points = _points(text)
    pairs = (points[:-1] << _SHIFT) | points[1:]
    return np.concatenate((points, pairs)) if singles or len(points) == 1 else pairs


def _all_pairs(texts: Sequence[str], *, singles: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pairs of all texts in one array, and the number of the text of each."""
    each = [_pairs(text, singles=singles) for text in texts]
    documents = np.repeat(np.arange(len(each), dtype=np.int64), [len(pairs) for pairs in each])
    return (np.concatenate(each) if each else np.zeros(0, dtype=np.int64)), documents


_COMMON_PAIRS = np.unique(_pairs(_COMMON, singles=True))


def _rarity(pairs: NDArray[np.int64], frequency: NDArray[np.generic], size: int) -> NDArray[np.float64]:
    """log of how many demands there are per demand that has the pair, the imagined ones included."""
    prior = np.where(np.isin(pairs, _COMMON_PAIRS), _PRIOR_COMMON, 1.0)
    return np.log((size + _PRIOR_DEMANDS) / (frequency.astype(np.float64) + prior))


def _shared(one: str, other: str, shortest: int) -> list[str]:
    """The longest wordings both have, longest first."""
    blocks = SequenceMatcher(None, one[:300], other[:300], autojunk=False).get_matching_blocks()
    words = [one[block.a : block.a + block.size] for block in blocks if block.size >= shortest]
    return sorted(words, key=len, reverse=True)[:3]
