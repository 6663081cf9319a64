"""What the pages of a result show, as plain data for templates and papers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from marketplace.demands.content import DemandContent
from marketplace.results.models import Ranking, RankingLine
from marketplace.results.rules import DISQUALIFICATION_LABELS, Disqualification
from marketplace.scoring.rules.record import DECIDER_LABELS, STANDING_LABELS, Decider, Standing

CENT = Decimal("0.01")
CHANGES_MOST = 50  # bids of which a version says how they moved


def shown(score: Decimal | None) -> str:
    """Two decimals; ranks are made from the unrounded figure."""
    return "—" if score is None else format(score.quantize(CENT, ROUND_HALF_UP), "f")


def code_label(code: str) -> str:
    """What a code of disqualification says."""
    known = set(Disqualification)
    return f"{code} {DISQUALIFICATION_LABELS[Disqualification(code)]}" if code in known else code


def standing_words(line: RankingLine, content: DemandContent, outs: Mapping[int, str]) -> str:
    """Why a bid has its rank or none, in words."""
    if line.standing is Standing.DISQUALIFIED:
        return f"{STANDING_LABELS[line.standing]}（{code_label(outs.get(line.bid_id, ''))}）"
    names = {item.key: item.name for item in content.score_sheet.criteria}
    names |= {f"indicator-{place}": item.name for place, item in enumerate(content.indicators, start=1)}
    lacking = "、".join(names.get(key, key) for key in line.shortfalls)
    words = STANDING_LABELS[line.standing] + (f"：{lacking}" if lacking else "")
    by_chain = "" if line.decided_by is Decider.TOTAL else DECIDER_LABELS[line.decided_by]
    return "；".join(filter(None, (words, by_chain)))


def ranking_rows(
    lines: Iterable[RankingLine], content: DemandContent, *, names: Mapping[int, str], outs: Mapping[int, str]
) -> list[dict[str, Any]]:
    """Each line with every criterion, as the ranking page, the export and the report show them."""
    keys = [item.key for item in content.score_sheet.criteria]
    rows = []
    for line in lines:
        figures = line.figures
        rows.append(
            {
                "bid": line.bid_id,
                "rank": line.rank,
                "name": names.get(line.bid_id, "—"),
                "criteria": [shown(figures.get(key)) for key in keys],
                "total": shown(line.total),
                "plain": shown(line.plain_total),
                "exact": "" if line.total is None else format(line.total, "f"),
                "standing": standing_words(line, content, outs),
                "trimmed": list(line.trimmed),
                "few": line.few_sheets,
            }
        )
    return rows


def moved(before: Ranking | None, after: Ranking, names: Mapping[int, str]) -> list[dict[str, Any]]:
    """What one version changed against the one before, for ``components/diff.html``: rank and total of each bid."""
    if before is None:
        return []
    old = {line.bid_id: line for line in before.lines}
    changes = []
    for line in after.lines:
        was = old.get(line.bid_id)
        if was is None or (was.rank, was.total, was.standing) == (line.rank, line.total, line.standing):
            continue
        changes.append({"label": names.get(line.bid_id, "—"), "before": _brief(was), "after": _brief(line)})
    if len(changes) > CHANGES_MOST:
        rest = f"另有{len(changes) - CHANGES_MOST}份标书的名次或得分有变动，见计算记录。"
        changes[CHANGES_MOST:] = [{"label": "其余", "text": rest}]
    return changes


def _brief(line: RankingLine) -> str:
    place = f"第{line.rank}名" if line.rank is not None else STANDING_LABELS[line.standing]
    return f"{place}，{shown(line.total)}分"
