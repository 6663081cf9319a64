"""The life of a demand as a document, drawn from the transition table itself (``python scripts/workflow.py``)."""

from __future__ import annotations

from marketplace.demands.rules import ACTION_LABELS, ENDED, GRANTS, STATE_LABELS, TABLE, State

HEAD = """# The life of a demand

Written by `python scripts/workflow.py` from `marketplace/demands/rules.py`; a test fails when it is out of date.
Whether bids are accepted is not a state: it follows from `published` and the clock.

"""


def document() -> str:
    """Markdown: a Mermaid state diagram, then each step with the needs of its permission."""
    return f"{HEAD}```mermaid\n{mermaid()}\n```\n\n{steps()}\n"


def mermaid() -> str:
    """Codes are the stored ones, labels what people read."""
    lines = ["stateDiagram-v2", "    direction TB"]
    lines += [f'    state "{STATE_LABELS[state].zh}" as {state}' for state in State]
    lines.append(f"    [*] --> {State.DRAFT}")
    lines += [f"    {before} --> {after}: {ACTION_LABELS[action].zh}" for (before, action), after in TABLE.items()]
    lines += [f"    {state} --> [*]" for state in State if state in ENDED]
    return "\n".join(lines)


def steps() -> str:
    """One row for each step. Within an alternative every need holds; one alternative suffices."""
    rows = ["| from | action | to | needs (one of the alternatives) |", "|---|---|---|---|"]
    for (before, action), after in TABLE.items():
        ways = (" and ".join(f"`{_plain(need.name)}`" for need in needs) for needs in GRANTS[f"demand.{action}"])
        rows.append(
            f"| {before} {STATE_LABELS[before].zh} | {action} {ACTION_LABELS[action].zh} "
            f"| {after} {STATE_LABELS[after].zh} | {' or '.join(ways)} |"
        )
    return "\n".join(rows)


def _plain(name: str) -> str:
    """A need's name without the sign that ends a table cell."""
    return name.replace("|", "/")
