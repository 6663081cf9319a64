"""Blind review: finding and masking whatever names a bidder, in texts as people write them. Pure.

Compared are folded texts: NFKC, lower case, without blanks and the marks people put between the parts of a number or
a name, so that "１３８ 0000-1234" and "河洛 智感" are found. What is masked is the original text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

MASK = "〔已隐去〕"
_SKIPPED = frozenset("-‐–—_·.・•()（）[]【】〔〕,，、/\\|")
_LEAST_LATIN = 4  # shorter words of letters and digits are too common to be an identity
_LEAST_CHINESE = 2

# Whatever looks like these is masked, whoever it belongs to.
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("email", re.compile(r"[A-Za-z0-9._%+-]+[@＠][A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")),
    ("url", re.compile(r"(?:https?://|www\.)[^\s，。；、）)】]+", re.IGNORECASE)),
    ("phone", re.compile(r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)")),
    ("phone", re.compile(r"(?<!\d)0\d{2,3}[-－ ]\d{7,8}(?!\d)")),
    ("credit_code", re.compile(r"(?<![0-9A-Z])[159Y][1239]\d{6}[0-9A-HJ-NPQRTUWXY]{10}(?![0-9A-Z])")),
)
_FORMS = re.compile(
    r"(?:股份有限公司|有限责任公司|集团有限公司|有限公司|股份公司|集团公司|集团|公司|研究院|研究所|事务所|中心|大学|学院)$"
)
_PLACES = re.compile(r"^(?:[一-鿿]{2,3}(?:省|市|区|县)|中国|河南|郑州|郑新|北京|上海|深圳|杭州|武汉|西安|成都|合肥)+")
_TRADES = re.compile(
    r"(?:信息技术|智能科技|网络科技|电子科技|科技发展|科技|技术|信息|智能|电子|软件|网络|数据|工程|实业|设备|仪器|装备)+$"
)


@dataclass(frozen=True, slots=True)
class Find:
    """Where an identity stands in a text: half-open, in characters of the original. ``kind`` says what it is."""

    start: int
    end: int
    kind: str


def core_of(name: str) -> str:
    """What is left of a firm's name without place, trade and legal form: 河洛智感科技有限公司 → 河洛智感."""
    short = _FORMS.sub("", _PLACES.sub("", unicodedata.normalize("NFKC", name).strip()))
    core = _TRADES.sub("", short)
    return core if len(core) >= 3 else short if len(short) >= 3 else ""


def _folded(text: str) -> tuple[str, list[int]]:
    """The text as it is compared, and for each of its characters the position in the original."""
    letters: list[str] = []
    places: list[int] = []
    for position, character in enumerate(text):
        for letter in unicodedata.normalize("NFKC", character).casefold():
            if not letter.isspace() and letter not in _SKIPPED:
                letters.append(letter)
                places.append(position)
    return "".join(letters), places


@dataclass(frozen=True)
class Identities:
    """The words that name the bidders of one demand, each with its kind, longest first."""

    words: tuple[tuple[str, str], ...] = ()
    _folded: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, words: Iterable[tuple[str, str]]) -> Identities:
        """From (kind, word) pairs; words too short to mean anybody are left out, firms' cores are added."""
        kept: dict[str, tuple[str, str]] = {}
        for kind, word in words:
            for text in (word, core_of(word)) if kind == "organisation" else (word,):
                folded, _ = _folded(text)
                least = _LEAST_LATIN if folded.isascii() else _LEAST_CHINESE
                if len(folded) >= least:
                    kept.setdefault(folded, (kind, text))
        order = sorted(kept, key=lambda folded: (-len(folded), folded))
        return cls(tuple(kept[item] for item in order), tuple((kept[item][0], item) for item in order))

    def find(self, text: str) -> list[Find]:
        """Every place that names somebody, in order, overlaps joined."""
        plain = "".join(letter if len(letter := unicodedata.normalize("NFKC", item)) == 1 else item for item in text)
        found = [
            Find(match.start(), match.end(), kind) for kind, pattern in _PATTERNS for match in pattern.finditer(plain)
        ]
        folded, places = _folded(text)
        for kind, word in self._folded:
            at = folded.find(word)
            while at >= 0:
                found.append(Find(places[at], places[at + len(word) - 1] + 1, kind))
                at = folded.find(word, at + 1)
        return _joined(found)

    def mask(self, text: str) -> str:
        """The text with every such place replaced."""
        if not text:
            return text
        out: list[str] = []
        last = 0
        for item in self.find(text):
            out += [text[last : item.start], MASK]
            last = item.end
        return "".join([*out, text[last:]])


def _joined(found: Sequence[Find]) -> list[Find]:
    result: list[Find] = []
    for item in sorted(found, key=lambda item: (item.start, -item.end)):
        if result and item.start < result[-1].end:
            before = result[-1]
            result[-1] = Find(before.start, max(before.end, item.end), before.kind)
        else:
            result.append(item)
    return result


NOBODY = Identities()


def page_number(text: str) -> int | None:
    """The first page a reference names: "12–14" → 12, "第３页" → 3."""
    match = re.search(r"\d{1,4}", unicodedata.normalize("NFKC", text))
    return int(match.group()) if match and int(match.group()) > 0 else None
