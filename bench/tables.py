"""A bench module's table: printed, and written between its marks in docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

BENCHMARKS = Path("docs/benchmarks.md")


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return "\n".join(lines + [f"| {' | '.join(str(cell) for cell in row)} |" for row in rows])


def finish(name: str, text: str, missed: Sequence[str], *, write: bool) -> int:
    """Print the table and the floors missed; renew it in the document when asked. Returns the exit status."""
    print(text)  # noqa: T201
    if write:
        _renew(name, text)
    for failure in missed:
        print("FLOOR MISSED:", failure)  # noqa: T201
    return 1 if missed else 0


def standing(name: str) -> str:
    """What the document says now."""
    return BENCHMARKS.read_text(encoding="utf-8").partition(f"<!-- bench:{name} -->")[2].partition("<!--")[0].strip()


def kept(name: str, rows: list[list[object]], key: int) -> list[list[object]]:
    """The rows of the document's table with those measured now in their places: a run of a part renews that part.

    Rows are the same that have the same first ``key`` cells.
    """
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in standing(name).splitlines()[2:]]
    fresh = {tuple(map(str, row[:key])): row for row in rows}
    merged: list[list[object]] = [fresh.pop(tuple(line[:key]), list[object](line)) for line in lines]
    return merged + list(fresh.values())


def _renew(name: str, text: str) -> None:
    mark = f"<!-- bench:{name} -->"
    before, _, rest = BENCHMARKS.read_text(encoding="utf-8").partition(mark)
    after = rest.partition(mark)[2]
    BENCHMARKS.write_text(f"{before}{mark}\n{text}\n{mark}{after}", encoding="utf-8")
