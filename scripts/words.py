"""Collect the interface texts of templates and code, bring the English catalogue up to date, and say what it lacks.

    python scripts/words.py            update marketplace/translations/en/LC_MESSAGES/messages.po
    python scripts/words.py --check    change nothing; exit 1 when a text is not in the catalogue or not translated

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
METHODS = [("marketplace/**.py", "python"), ("templates/**.html", "jinja2"), ("templates/**.txt", "jinja2")]
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "lazy_gettext": None, "N_": None}


def collected() -> Catalog:
    """Every text in ``_()`` and its kin, below marketplace/ and templates/."""
    catalogue = Catalog(charset="utf-8")
    for folder in ("marketplace", "templates"):
        found = extract_from_dir(
            ROOT / folder,
            method_map=[
                (pattern.removeprefix(f"{folder}/"), how) for pattern, how in METHODS if pattern.startswith(folder)
            ],
            keywords=KEYWORDS,
        )
        for _, _, message, _, _ in found:
            catalogue.add(message)
    return catalogue


def main(arguments: list[str]) -> int:
    template = collected()
    with CATALOGUE.open("rb") as stream:
        english = read_po(stream, locale="en")
    missing = [m.id for m in template if m.id and not (english.get(m.id) and english[m.id].string)]
    if "--check" not in arguments:
        english.update(template, no_fuzzy_matching=True)
        english.obsolete.clear()
        with CATALOGUE.open("wb") as stream:
            write_po(stream, english, width=0, no_location=True, sort_output=True, omit_header=True)
    for text in missing:
        sys.stdout.write(f"no English: {text}\n")
    return 1 if missing and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
