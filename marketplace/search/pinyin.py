"""How Chinese sounds, in plain letters: for suggestions, for queries typed in pinyin, for mistyped characters."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cache, lru_cache

from marketplace.search.analysis import CJK

CHINESE = re.compile(rf"[{CJK}]")
LETTERS = re.compile(r"[a-z]{2,40}")


@lru_cache(maxsize=100_000)
def syllables(word: str) -> tuple[str, ...]:
    """Toneless syllables of a word, ``ü`` as ``v``; what is not Chinese stays as it is."""
    from pypinyin import Style, lazy_pinyin  # 20 MB of tables: only where someone suggests or misspells

    return tuple(lazy_pinyin(word, style=Style.NORMAL, v_to_u=False))


@cache
def alike() -> Mapping[str, tuple[str, ...]]:
    """Syllable → the characters in use (GB 2312) that sound so: 50 ms, once."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in range(0xB0, 0xF8):
        for place in range(0xA1, 0xFF):
            character = bytes((row, place)).decode("gb2312", "ignore")
            if character:
                found[syllables(character)[0]].append(character)
    return {syllable: tuple(characters) for syllable, characters in found.items()}


def letters(words: tuple[str, ...]) -> str:
    """``("智能", "停车")`` → ``zhinengtingche``."""
    return "".join(syllable for word in words for syllable in syllables(word))


def initials(words: tuple[str, ...]) -> str:
    """``("智能", "停车")`` → ``zntc``."""
    return "".join(syllable[:1] if CHINESE.match(word) else syllable for word in words for syllable in syllables(word))


def sound(pinyin: str) -> str:
    """The same letters for what many people do not tell apart: zh/z, ch/c, sh/s, final ng/n."""
    return re.sub(r"ng(?![aeiouv])", "n", re.sub(r"([zcs])h", r"\1", pinyin))
