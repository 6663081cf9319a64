"""Which characters of a text answer to a query: for titles, and for the piece of the text worth showing.

Pure. Pieces first, so that escaping is done in one place (``marked``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

from marketplace.search.analysis import CJK, STANDARD_JOINTS, normalise

SNIPPET = 96  # characters shown of a text
LEAD = 24  # characters before the first mark
TEXT_MAX = 20_000  # characters looked at; a demand has a tenth of it


class Piece(NamedTuple):
    """A stretch of a text; ``marked`` when it answers to the query."""

    text: str
    marked: bool


def pattern(terms: Sequence[str]) -> re.Pattern[str] | None:
    """Matches any of the (normalised) terms; ``gbt37668`` also finds ``gb/t 37668``, ``5g`` not ``15g``."""
    alternatives = [_term(term) for term in sorted(set(terms), key=lambda term: (-len(term), term)) if term]
    return re.compile("|".join(alternatives)) if alternatives else None


def _term(term: str) -> str:
    if re.search(f"[{CJK}]", term):
        return re.escape(term)
    letters = STANDARD_JOINTS.join(re.escape(character) for character in term if character.isalnum())
    return rf"(?<![a-z0-9]){letters}(?:s\b)?(?![a-z0-9])"


def mark(text: str, terms: Sequence[str]) -> list[Piece]:
    """The whole text in pieces."""
    found = pattern(terms)
    if found is None or not text:
        return [Piece(text, False)] if text else []
    plain, places = _aligned(text)
    spans = [(places[match.start()], places[match.end()]) for match in found.finditer(plain)]
    return _pieces(text, [span for span in spans if span[0] < span[1]])


def snippet(text: str, terms: Sequence[str], length: int = SNIPPET) -> list[Piece]:
    """The stretch of about ``length`` characters with the most different terms, … where it is cut."""
    text = " ".join(text[:TEXT_MAX].split())
    found = pattern(terms)
    plain, places = _aligned(text)
    matches = [(match.start(), match.group()) for match in found.finditer(plain)] if found else []
    start = max(0, places[_best(matches, length)] - LEAD) if matches else 0
    if start:  # begin after a sign rather than in the middle of a word, where one is near
        cut = re.search(r"[，。；：、！？\s]", text[start : start + LEAD])
        start += cut.end() if cut else 0
    pieces = mark(text[start : start + length], terms)
    if start:
        pieces.insert(0, Piece("…", False))
    if start + length < len(text):
        pieces.append(Piece("…", False))
    return pieces


def marked(pieces: Sequence[Piece]) -> Markup:
    """The pieces as HTML, each escaped, the marked ones in ``<mark>``."""
    html = (Markup("<mark>{}</mark>").format(text) if hit else escape(text) for text, hit in pieces)
    return Markup("").join(html)


def _best(matches: Sequence[tuple[int, str]], length: int) -> int:
    """The place of the first match of the window that holds the most different terms."""
    best, place = (0, 0), matches[0][0]
    for number, (start, _) in enumerate(matches):
        inside = [term for begin, term in matches[number : number + 40] if begin + len(term) - start <= length - LEAD]
        worth = (len(set(inside)), len(inside))
        if worth > best:
            best, place = worth, start
    return place


def _aligned(text: str) -> tuple[str, list[int]]:
    """Normalised text, and for each of its places (and its end) the place in the text as written."""
    plain = normalise(text)
    if len(plain) == len(text) and len(unicodedata.normalize("NFKC", text)) == len(text):
        return plain, list(range(len(text) + 1))
    characters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        shape = normalise(character)
        characters.append(shape)
        places.extend([place] * len(shape))
    return "".join(characters), [*places, len(text)]


def _pieces(text: str, spans: Sequence[tuple[int, int]]) -> list[Piece]:
    pieces: list[Piece] = []
    end = 0
    for start, stop in spans:
        if start > end:
            pieces.append(Piece(text[end:start], False))
        if pieces and pieces[-1].marked and start == end:
            pieces[-1] = Piece(pieces[-1].text + text[start:stop], True)
        else:
            pieces.append(Piece(text[start:stop], True))
        end = stop
    if end < len(text):
        pieces.append(Piece(text[end:], False))
    return pieces
