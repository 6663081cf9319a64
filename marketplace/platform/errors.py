"""Refusals: what, why, what to do — a sentence a person can act on. One handler in web.py shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from marketplace.platform.formatting import moment_exact


@runtime_checkable
class Bilingual(Protocol):
    """What brings its own words in both languages: a label, a file or a credit code that is not taken."""

    @property
    def zh(self) -> str: ...

    @property
    def en(self) -> str: ...


class Sentence(str):
    """Finished Chinese, for logs and commands, that still knows its message and what fills it.

    ``message`` is an entry of the catalogue with named placeholders (``%(count)s``), ``said`` fills them: numbers,
    names, instants, lists of names, words in both languages, and sentences, which are translated themselves. Without
    ``said`` a percent sign is a percent sign. ``sentences.spoken`` gives it in the reader's language.
    """

    message: str | Bilingual
    said: Mapping[str, Any]

    def __new__(cls, message: str | Bilingual, /, **said: Any) -> Sentence:
        if isinstance(message, Sentence) and not said:
            return message
        sentence = super().__new__(cls, _told(message, said, "zh", str))
        sentence.message, sentence.said = message, said
        return sentence

    def told(self, locale: str, translate: Callable[[str], str]) -> str:
        """In the language ``locale`` (``zh`` or ``en``), whose catalogue is ``translate``."""
        return _told(self.message, self.said, locale, translate)


def _told(message: str | Bilingual, said: Mapping[str, Any], locale: str, translate: Callable[[str], str]) -> str:
    text = translate(message) if isinstance(message, str) else str(_value(message, locale, translate))
    return text % {name: _value(value, locale, translate) for name, value in said.items()} if said else text


def _value(value: Any, locale: str, translate: Callable[[str], str]) -> Any:
    if isinstance(value, Sentence):
        return value.told(locale, translate)
    if isinstance(value, datetime):
        return moment_exact(value, locale)
    if isinstance(value, Bilingual):
        return value.en if locale == "en" else value.zh
    if isinstance(value, (list, tuple)):
        return (", " if locale == "en" else "、").join(str(_value(item, locale, translate)) for item in value)
    return value


class Refused(Exception):
    """The rules say no. The transaction is rolled back, the sentence is shown, what was typed is kept.

    ``sentence`` is a message of the catalogue, ``said`` fills its placeholders (see ``Sentence``). ``fields`` maps form
    field names to their own sentences.
    """

    status = 409

    def __init__(self, sentence: str | Bilingual, /, *, fields: Mapping[str, str] | None = None, **said: Any) -> None:
        self.sentence = Sentence(sentence, **said)
        self.fields = dict(fields or {})
        super().__init__(str(self.sentence))


class Forbidden(Refused):
    """Seen, but not for this person (403)."""

    status = 403


class Invalid(Refused):
    """The input cannot be taken as it is (422)."""

    status = 422


class TooLate(Refused):
    """The instant has passed (410)."""

    status = 410


class Conflict(Refused):
    """Somebody else was faster (409)."""


class Unavailable(Refused):
    """Nobody's fault who asks, and it passes: the same request may be sent again later (503)."""

    status = 503
