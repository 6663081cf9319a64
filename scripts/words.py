"""Collect the interface texts of templates and code, bring the English catalogue up to date, and say what it lacks.

    python scripts/words.py            update marketplace/translations/en/LC_MESSAGES/messages.po
    python scripts/words.py --check    change nothing; exit 1 when a text of a public or company page has no English

The Chinese text is the message id. Entries are sorted and carry no line numbers, so that two branches merge.
"""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "marketplace" / "translations" / "en" / "LC_MESSAGES" / "messages.po"
# Pages for the public and for companies are bilingual from the start; staff pages may follow (design/ui.md). CODE: the
# same for the texts that modules hold.
BILINGUAL = (
    "base.html", "layouts/", "components/", "errors/", "home/", "batches/", "demands/form", "demands/list",
    "demands/show", "demands/history", "demands/print", "questions/", "accounts/", "organisations/", "search/", "capabilities/", "matching/", "alerts/", "bids/", "notices/", "awards/",
    "openings/hall", "openings/_record", "openings/record", "openings/objection",
    "transparency/", "verify/", "help/", "desk/", "notifications/",
    "eligibility/mine", "eligibility/renounce",
)  # fmt: skip
METHODS = [("marketplace/**.py", "python"), ("templates/**.html", "jinja2"), ("templates/**.txt", "jinja2")]
CODE = (
    "accounts/", "alerts/", "batches/", "bids/", "capabilities/", "demands/forms/fields", "demands/routes/public", "desk/",
    "frontend/", "home/", "matching/", "notices/routes", "notifications/", "openings/routes/hall", "questions/", "search/",
    "transparency/", "web", "platform/",
)  # fmt: skip
KEYWORDS = {
    "_": None, "_l": None, "gettext": None, "ngettext": (1, 2), "lazy_gettext": None, "N_": None, "pgettext": ((1, "c"), 2),
}  # fmt: skip


def collected() -> tuple[Catalog, set[str]]:
    """Every text in ``_()`` and its kin below marketplace/ and templates/, and those that must have their English."""
    catalogue, needed = Catalog(charset="utf-8"), set()
    for folder in ("marketplace", "templates"):
        found = extract_from_dir(
            ROOT / folder,
            method_map=[
                (pattern.removeprefix(f"{folder}/"), how) for pattern, how in METHODS if pattern.startswith(folder)
            ],
            keywords=KEYWORDS,
        )
        for path, _, message, _, context in found:
            catalogue.add(message, context=context)
            if path.startswith(BILINGUAL if folder == "templates" else CODE):
                needed.add(message if isinstance(message, str) else message[0])
    return catalogue, needed


def main(arguments: list[str]) -> int:
    template, needed = collected()
    with CATALOGUE.open("rb") as stream:
        english = read_po(stream, locale="en")
    known = {(m.id, m.context) for m in english if m.string}
    missing = [m.id for m in template if m.id and (m.id, m.context) not in known]
    if "--check" not in arguments:
        english.update(template, no_fuzzy_matching=True)
        english.obsolete.clear()
        with CATALOGUE.open("wb") as stream:
            write_po(stream, english, width=0, no_location=True, sort_output=True, omit_header=True)
    wanting = [text for text in missing if (text if isinstance(text, str) else text[0]) in needed]
    for text in wanting if "--check" in arguments else missing:
        sys.stdout.write(f"no English: {text}\n")
    return 1 if wanting and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
