"""Refusals: what, why, what to do — a sentence a person can act on. One handler in web.py shows them."""

from __future__ import annotations


class Refused(Exception):
    """The rules say no. The transaction is rolled back, the sentence is shown, what was typed is kept.

    ``fields`` maps form field names to their own sentences.
    """

    status = 409

    def __init__(self, sentence: str, *, fields: dict[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.fields = fields or {}


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
