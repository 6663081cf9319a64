"""What was probably meant: pinyin, first letters and slips of the pen, read with the words of the documents.

A typed run is cut into phrases that stand in visible titles and tags at the least cost (a noisy channel): a phrase as
typed costs next to nothing, one that sounds alike a little, one that differs by a character more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import log

from marketplace.search.analysis import Analyzer, Word, bigrams
from marketplace.search.pinyin import LETTERS, alike, letters, sound, syllables
from marketplace.search.shelf import Phrase, Shelf

RUN_MAX = 24  # characters of a run that are looked at
SPAN_MAX = 8  # characters of a phrase that is looked up
AS_TYPED, REAL_WORD, SAME_SOUND, LIKE_SOUND, ONE_SLIP, UNKNOWN = 0.2, 0.45, 0.9, 1.2, 1.4, 1.5
ABSENT = 1.3  # a word of the language that stands in no document: 金钢石 where all write 金刚石
LETTERS_MAX = 16  # letters of mistyped pinyin that are tried otherwise
FREQUENT = 0.08  # what a tenfold frequency is worth, in natural logarithms


@dataclass(frozen=True, slots=True)
class Step:
    """A way to read the characters ``start:end``."""

    start: int
    end: int
    text: str
    cost: float


@dataclass(frozen=True, slots=True)
class Speller:
    """Corrections from one shelf."""

    shelf: Shelf
    analyzer: Analyzer
    occur: Callable[
        [Sequence[str]], Mapping[str, int]
    ]  # those of some tokens that stand in visible documents: in how many

    def correct(self, words: Iterable[Word], known: Mapping[str, bool]) -> str | None:
        """The text that was probably meant, or ``None`` when it reads as typed or cannot be read otherwise.

        ``known`` says of each Latin word whether it stands in a visible document.
        """
        result: list[str] = []
        changed = False
        for unread, group in groupby(_runs(list(words)), key=lambda piece: piece[1] and not known.get(piece[0])):
            pieces = [text for text, _ in group]
            together = self.letters("".join(pieces)) if unread and len(pieces) > 1 else None
            for text in [together] if together else pieces:
                better = None if together or known.get(text) else self.latin(text) if unread else self.chinese(text)
                changed = changed or bool(together) or (better is not None and better != text)
                result.append(better or text)
        return " ".join(result) if changed else None

    def latin(self, text: str) -> str | None:
        """Pinyin, else first letters, else a Latin word with one slip."""
        plain = re.sub(r"[^a-z0-9]", "", text)
        read = self.letters(plain)
        if read is None and LETTERS.fullmatch(plain):
            read = self._letters("initials", plain) if len(plain) <= 10 else None
            read = read or self._mistyped(plain)
        if read:
            return read
        best = sorted(self.shelf.near([plain]).get(plain, []), key=lambda phrase: -phrase.number)
        return best[0].text if best else None

    def letters(self, text: str) -> str | None:
        """What sounds so, exactly or nearly; also where the syllables were typed apart (``ting che``)."""
        plain = re.sub(r"[^a-z0-9]", "", text)
        if not LETTERS.fullmatch(plain):
            return None
        return self._letters("pinyin", plain) or self._letters("sound", sound(plain))

    def chinese(self, run: str) -> str | None:
        """A Chinese run with characters that sound or look like the right ones."""
        run = run[:RUN_MAX]
        spans = [run[i:j] for i in range(len(run)) for j in range(i + 2, min(i + SPAN_MAX, len(run)) + 1)]
        known = self.shelf.known(spans)
        spelled = {span: letters(tuple(self.analyzer.cut(span))) for span in spans}
        same = self.shelf.sounding("pinyin", spelled.values())
        like = self.shelf.sounding("sound", [sound(pinyin) for pinyin in spelled.values()])
        near = self.shelf.near([span for span in spans if len(span) > 2])
        present = self.occur([span for span in spans if span not in known and self.analyzer.knows(span)])
        steps = [Step(i, i + 1, run[i], UNKNOWN) for i in range(len(run))] + self._alike(run)
        for i in range(len(run)):
            for j in range(i + 2, min(i + SPAN_MAX, len(run)) + 1):
                span = run[i:j]
                if span in known:
                    steps.append(Step(i, j, span, AS_TYPED - _frequent(known[span])))
                    continue
                if self.analyzer.knows(span):
                    steps.append(Step(i, j, span, REAL_WORD if span in present else ABSENT))
                for found, cost in (
                    (same.get(spelled[span], []), SAME_SOUND),
                    (like.get(sound(spelled[span]), []), LIKE_SOUND),
                    (near.get(span, []), ONE_SLIP),
                ):
                    steps += [
                        Step(i, j, phrase.text, cost - _frequent(phrase)) for phrase in found if phrase.text != span
                    ]
        return _cheapest(len(run), steps)

    def _alike(self, run: str) -> list[Step]:
        """For a character that stands beside its neighbours in no document: the one of the same sound that does so most
        often, whatever title or text it is in (充电庄 → 充电桩).
        """
        pairs = bigrams(run)
        seen = self.occur(pairs)
        steps = []
        for place, character in enumerate(run):
            before, after = run[:place][-1:], run[place + 1 :][:1]
            if not pairs or any(pair in seen for pair in pairs[max(place - 1, 0) : place + 1]):
                continue
            others = [other for other in alike().get(syllables(character)[0], ()) if other != character]
            beside = {other: [pair for pair in (before + other, other + after) if len(pair) == 2] for other in others}
            known = self.occur(["~" + pair for two in beside.values() for pair in two])
            counts = {other: sum(known.get("~" + pair, 0) for pair in two) for other, two in beside.items()}
            best = max(others, key=lambda other: (counts[other], other), default="")
            if best and counts[best]:
                steps.append(Step(place, place + 1, best, SAME_SOUND))
        return steps

    def _mistyped(self, text: str) -> str | None:
        """Pinyin with a letter too many, too few, or two swapped: the phrase that is said most often."""
        if not 4 <= len(text) <= LETTERS_MAX:
            return None
        places = range(len(text) + 1)
        tried = {text[:i] + text[i + 1 :] for i in range(len(text))}
        tried |= {text[:i] + text[i + 1] + text[i] + text[i + 2 :] for i in range(len(text) - 1)}
        tried |= {text[:i] + letter + text[i:] for i in places for letter in "abcdefghijklmnopqrstuvwxyz"}
        found = self.shelf.sounding("sound", {sound(other) for other in tried})
        phrases = [phrase for group in found.values() for phrase in group if not phrase.text.isascii()]
        return max(phrases, key=lambda phrase: (phrase.number, phrase.text)).text if phrases else None

    def _letters(self, column: str, text: str) -> str | None:
        spans = [text[i:j] for i in range(len(text)) for j in range(i + 2, len(text) + 1)]
        found = self.shelf.sounding(column, spans)
        steps = []
        for i in range(len(text)):
            for j in range(i + 2, len(text) + 1):
                phrases = [phrase for phrase in found.get(text[i:j], []) if not phrase.text.isascii()]
                steps += [Step(i, j, phrase.text, SAME_SOUND - _frequent(phrase)) for phrase in phrases[:1]]
        return _cheapest(len(text), steps)


def _frequent(phrase: Phrase) -> float:
    return FREQUENT * log(phrase.number) / 2.3


def _cheapest(length: int, steps: list[Step]) -> str | None:
    """The text of the cheapest way from the first to the last character."""
    best: list[tuple[float, str] | None] = [(0.0, "")] + [None] * length
    for step in sorted(steps, key=lambda step: step.end):
        before = best[step.start]
        if before is not None:
            way = (before[0] + step.cost, before[1] + step.text)
            now = best[step.end]
            if now is None or way < now:
                best[step.end] = way
    last = best[length]
    return last[1] if last else None


def _runs(words: list[Word]) -> list[tuple[str, bool]]:
    """Chinese words that touch put together again, Latin ones each for itself."""
    runs: list[tuple[str, bool]] = []
    end = -1
    for word in words:
        if runs and not word.latin and not runs[-1][1] and word.start == end:
            runs[-1] = (runs[-1][0] + word.text, word.latin)
        else:
            runs.append((word.text, word.latin))
        end = word.end
    return runs
