"""100,000 demands like those of the judged set, and 200 mixed queries with filters, facets, orders and pages."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from marketplace.search.documents import Document, stamped
from marketplace.search.index import Request
from tests.search.judged import generate

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
FACETS = ("direction", "industry", "state")
MODES = ("subsidy", "procurement", "enterprise", "trial", "cooperation")
BUDGETS = ("lt50", "50to100", "100to300", "300to1000", "ge1000", "negotiable")
STATES = ("published", "published", "published", "opened", "awarded", "completed", "lapsed")
PLAIN = ("word", "words", "synonym", "mixed", "standard", "hard", "question", "exclude", "phrase", "traditional")


def documents(count: int, start: int = 0) -> Iterator[Document]:
    """Deterministic; ``start`` continues a series."""
    everyone = generate.concepts()
    for serial in range(start, start + count):
        yield document(serial, everyone)


def document(serial: int, everyone: list[generate.Concept], revision: int = 0) -> Document:
    """One of them; another ``revision`` says something else."""
    concept = everyone[serial % len(everyone)]
    row = generate.document(concept, serial // len(everyone) + revision * 1_000_003, serial, everyone)
    dice = random.Random(serial)  # noqa: S311
    published = NOW - timedelta(minutes=dice.randint(1, 1_000_000))
    return stamped(
        Document(
            id=f"demand:{serial + 1}",
            kind="demand",
            title=str(row["title"])[:60],
            summary=str(row["summary"]),
            body=str(row["body"]),
            tags=tuple(row["tags"]),  # type: ignore[arg-type]
            identifiers=(f"ZZGX-{2024 + serial % 3}-{1 + serial % 9:02d}-{serial:06d}",),
            unit=f"u{dice.randint(1, 300)}",
            unit_name=str(row["unit"]),
            direction=concept.direction,
            industries=tuple(sorted({concept.industry, dice.choice(list(generate.INDUSTRIES))})),
            mode=dice.choice(MODES),
            state=dice.choice(STATES),
            budget_fen=dice.randint(10, 2000) * 1_000_000,
            budget=dice.choice(BUDGETS),
            batch=f"ZZGX-{2024 + serial % 3}-{1 + serial % 9:02d}",
            year=str(2024 + serial % 3),
            visible_at=published,
            closes_at=published + timedelta(days=dice.randint(20, 60)),
            published_at=published,
        )
    )


def queries(count: int) -> list[tuple[str, Request]]:
    """Words of people with what they click: filters on half of them, three facets on all, page 1 or 50."""
    dice = random.Random(2026)  # noqa: S311
    lines = (generate.HERE / "queries.txt").read_text(encoding="utf-8").splitlines()
    asked = [line.split("|")[:2] for line in lines if line and not line.startswith("#")]
    texts = [q.strip() for kind, q in asked if kind.strip() in PLAIN]
    dice.shuffle(texts)
    result = []
    for place in range(count):
        filters: dict[str, frozenset[str]] = {}
        if dice.random() < 0.5:
            filters["direction"] = frozenset(dice.sample(list(generate.DIRECTIONS), 2))
        if dice.random() < 0.3:
            filters["state"] = frozenset(dice.sample(["open", "closing", "closed", "awarded"], 2))
        if dice.random() < 0.2:
            filters["mode"] = frozenset({dice.choice(MODES)})
        sort = dice.choice(["relevance", "relevance", "relevance", "deadline", "newest", "budget"])
        offset = dice.choice([0, 0, 0, 49 * 20])
        result.append((texts[place % len(texts)], Request(NOW, filters, FACETS, sort, offset, 20)))
    return result
