"""The one place where a refusal is put into the reader's language: pages, forms and the API ask here."""

from __future__ import annotations

from flask_babel import get_locale, gettext

from marketplace.platform.errors import Bilingual, Sentence


def spoken(sentence: str | Bilingual | None) -> str:
    """As the reader of this request is told it, "" for nothing. What the catalogue does not know stays Chinese."""
    if not sentence:
        return ""
    locale = "en" if str(get_locale() or "zh").startswith("en") else "zh"
    return Sentence(sentence).told(locale, gettext)
