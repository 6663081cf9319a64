"""Collect the interface texts of templates and code, bring the English catalogue up to date, and say what it lacks.

    python scripts/words.py            update marketplace/translations/en/LC_MESSAGES/messages.po
    python scripts/words.py --check    change nothing; exit 1 when a text of a public or company page has no English

What a refusal says is found by reading the code (``refusals``). An f-string among them fails the check: no catalogue
can hold it; ``%(name)s`` and a keyword say the same.

The Chinese text is the message id. Entries are sorted and carry no line numbers, so that two branches merge.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
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


# Whose refusals must be in English: those that a company or the public can get. Staff's may follow, but whoever may not
# enter (``role(…, refusal=)``) is told so in English at every door.
REFUSALS = (
    "accounts/", "administration/service", "alerts/", "awards/rules", "awards/service/taking", "bids/", "capabilities/",
    "demands/routes/public", "demands/rules", "eligibility/", "matching/", "notices/rules/", "notices/service/objecting", "openings/service",
    "platform/", "questions/", "search/", "transparency/", "web",
)  # fmt: skip
STAFF = ("bids/service/opening",)
# Who says a sentence, as which argument; ``refusal=`` and the values of ``fields=`` are sentences wherever they stand.
SAYING = {
    "Refused": 0, "Forbidden": 0, "Invalid": 0, "TooLate": 0, "Conflict": 0, "Unavailable": 0, "SignInRefused": 0,
    "Sentence": 0, "refuse": 0, "Need": 1, "fact": 1, "own": 1, "another": 1, "Fault": 1, "N_": 0,
}  # fmt: skip
LABELS = ("STATE_LABELS", "ACTION_LABELS", "ROLE_LABELS")
PLACES = re.compile(r"%\((\w+)\)")


def refusals(tree: ast.Module, labels: tuple[str, ...] = LABELS) -> Iterator[ast.expr]:
    """The expressions that say why not: arguments of ``SAYING``, what those arguments were called before in the same
    function, what a ``why_not…`` returns, why a sealed thing is refused, and the words for the states and actions that a
    refusal names.
    """
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.Module)):
            calls = [inner for inner in ast.walk(node) if isinstance(inner, ast.Call)]
            said = [expression for call in calls for expression in _said(call)]
            yield from said
            names = {name for expression in said for name in _named(expression)}
            for inner in ast.walk(node):
                if isinstance(inner, ast.Assign) and names & {getattr(target, "id", "") for target in inner.targets}:
                    yield inner.value
        if isinstance(node, ast.FunctionDef) and node.name.startswith("why_not"):
            yield from (inner.value for inner in ast.walk(node) if isinstance(inner, ast.Return) and inner.value)
        if isinstance(node, ast.ClassDef) and node.name == "Reason":  # of platform/sealing: (code, fault, sentence)
            for item in node.body:
                yield from item.value.elts if isinstance(item, ast.Assign) and isinstance(item.value, ast.Tuple) else ()
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Dict):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            if getattr(target, "id", "").endswith(labels):
                yield from node.value.values


def _said(call: ast.Call) -> Iterator[ast.expr]:
    at = SAYING.get(getattr(call.func, "id", getattr(call.func, "attr", "")))
    if at is not None and len(call.args) > at:
        yield call.args[at]
    for keyword in call.keywords:
        if keyword.arg == "refusal":
            yield keyword.value
        elif keyword.arg == "fields" and isinstance(keyword.value, ast.Dict):
            yield from keyword.value.values


def _named(expression: ast.expr) -> Iterator[str]:
    if isinstance(expression, ast.Name):
        yield expression.id


def _texts(expression: ast.expr) -> Iterator[str | ast.JoinedStr]:
    """The text of an expression; of a choice between two, both. No Chinese, no refusal (the index has its own words)."""
    if isinstance(expression, ast.IfExp):
        yield from _texts(expression.body)
        yield from _texts(expression.orelse)
    elif isinstance(expression, ast.JoinedStr) and not ast.unparse(expression).isascii():
        yield expression
    elif isinstance(expression, ast.Constant) and isinstance(expression.value, str) and not expression.value.isascii():
        yield expression.value


def said_in_code(catalogue: Catalog, needed: set[str], faults: list[str]) -> None:
    """Add the refusals of the code to the catalogue; of those that a company can get, note that they need English."""
    for file in sorted((ROOT / "marketplace").rglob("*.py")):
        path = file.relative_to(ROOT / "marketplace").as_posix()
        due = path.startswith(REFUSALS) and not path.startswith(STAFF)
        labels = (*LABELS, "LABELS") if path.startswith("capabilities/") else LABELS
        tree = ast.parse(file.read_text("utf-8"))
        doors = {
            keyword.value for call in ast.walk(tree) if isinstance(call, ast.Call)
            for keyword in call.keywords if keyword.arg == "refusal"
        }  # fmt: skip
        for expression in refusals(tree, labels):
            for text in _texts(expression):
                if isinstance(text, str):
                    catalogue.add(text)
                    needed.update([text] if due or expression in doors else [])
                elif due:
                    faults.append(f"an f-string has no English: {path}:{text.lineno}")


def collected() -> tuple[Catalog, set[str], list[str]]:
    """Every text in ``_()`` and its kin and every refusal below marketplace/ and templates/, those that must have their
    English, and what no catalogue can hold.
    """
    catalogue, needed, faults = Catalog(charset="utf-8"), set(), list[str]()
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
    said_in_code(catalogue, needed, faults)
    return catalogue, needed, faults


def _places(text: str) -> set[str]:
    return set(PLACES.findall(text))


def main(arguments: list[str]) -> int:
    template, needed, faults = collected()
    with CATALOGUE.open("rb") as stream:
        english = read_po(stream, locale="en")
    known = {(m.id, m.context) for m in english if m.string}
    for m in english:
        if m.id in needed and m.string and isinstance(m.id, str) and _places(m.id) != _places(str(m.string)):
            faults.append(f"other placeholders in English: {m.id}")
    missing = [m.id for m in template if m.id and (m.id, m.context) not in known]
    if "--check" not in arguments:
        english.update(template, no_fuzzy_matching=True)
        english.obsolete.clear()
        with CATALOGUE.open("wb") as stream:
            write_po(stream, english, width=0, no_location=True, sort_output=True, omit_header=True)
    wanting = [text for text in missing if (text if isinstance(text, str) else text[0]) in needed]
    for text in wanting if "--check" in arguments else missing:
        sys.stdout.write(f"no English: {text}\n")
    for fault in dict.fromkeys(faults):
        sys.stdout.write(f"{fault}\n")
    return 1 if (wanting or faults) and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
