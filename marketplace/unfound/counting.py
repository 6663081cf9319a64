"""Counting searches that found nothing, and how many different people made them, without keeping who.

How many *times*: a number a day and text, in memory, added to the table by the worker.

How many *people*: a sketch of ``BITS`` bits a month and text. A searcher (his account, or address and browser) sets one
bit, ``HMAC(key, month, text, searcher) mod BITS``; nothing else of him is kept, in memory or on disk.

* The number of set bits is never more than the number of people: one person always sets the same bit, however often he
  searches and whichever process or host answers (the sketches of all are joined by OR). "At least five" is therefore true.
* A set bit names nobody: one in ``BITS`` of all people would have set it. The text is part of what is hashed, so that the
  bits of two texts cannot be joined to one person, nor those of two months.
* Texts that look like a person's data (long digits, addresses) are not counted at all, and a text that has not been
  searched for by enough people is deleted after ``FORGET``.

What a crash loses is less than one flush.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from threading import Lock

from marketplace.platform.working_days import beijing_day
from marketplace.search.analysis import normalise

BITS = 60  # fits into a signed 64-bit column
TEXT_MIN, TEXT_MAX = 2, 40  # characters; longer ones are pasted texts, not searches
IN_MEMORY_MOST = 5_000  # different texts between two flushes; a storm of rubbish is dropped, not kept
PERSONAL = re.compile(r"\d{7,}|@|https?:|(?<!\d)1\d{2}[- ]?\d{4}[- ]?\d{4}(?!\d)")


def counted_text(typed: str) -> str | None:
    """The text as it is counted: normalised, white space folded; ``None`` when it is not to be counted."""
    text = " ".join(normalise(typed).split())
    if not TEXT_MIN <= len(text) <= TEXT_MAX or not re.search(r"\w", text) or PERSONAL.search(text):
        return None
    return text


def month_of(day: date) -> date:
    return day.replace(day=1)


def bit_of(secret: bytes, month: date, text: str, searcher: str) -> int:
    """The one bit that this person sets for this text in this month."""
    said = "\n".join((month.isoformat(), text, searcher)).encode()
    digest = hmac.new(secret, said, hashlib.sha256).digest()
    return int(1 << (int.from_bytes(digest[:8]) % BITS))


def people(bits: int) -> int:
    """How many people there were at least."""
    return bits.bit_count()


@dataclass(frozen=True, slots=True)
class Counted:
    """What a flush takes: times by (day, text), bits by (month, text)."""

    times: Counter[tuple[date, str]]
    bits: dict[tuple[date, str], int]


class Tally:
    """The counts of this process since the last flush."""

    def __init__(self, secret: str) -> None:
        self._secret = hmac.new(secret.encode(), b"searches that found nothing", hashlib.sha256).digest()
        self._lock = Lock()
        self._times: Counter[tuple[date, str]] = Counter()
        self._bits: dict[tuple[date, str], int] = {}

    def note(self, typed: str, searcher: str, now: datetime) -> None:
        """One search that found nothing. ``searcher`` is used for one bit and forgotten."""
        text = counted_text(typed)
        if text is None:
            return
        day = beijing_day(now)
        month = month_of(day)
        bit = bit_of(self._secret, month, text, searcher)
        with self._lock:
            if len(self._times) >= IN_MEMORY_MOST and (day, text) not in self._times:
                return
            self._times[day, text] += 1
            self._bits[month, text] = self._bits.get((month, text), 0) | bit

    def take(self) -> Counted:
        """Everything counted so far; the tally begins anew."""
        with self._lock:
            taken = Counted(self._times, self._bits)
            self._times, self._bits = Counter(), {}
        return taken
