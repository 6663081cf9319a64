"""What the expert's desk shows, as plain data for its templates; and what its form says, as an entry."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from marketplace import taxonomy
from marketplace.bids.content import DEVIATIONS, Response
from marketplace.demands.content import Criterion, DemandContent, Indicator
from marketplace.demands.score_sheets import BAND_COUNT, BAND_STARTS, band_of
from marketplace.panels.blind import page_number
from marketplace.panels.reading import Reading
from marketplace.scoring.models import Sheet
from marketplace.scoring.queries import Around
from marketplace.scoring.rules.formulas import Answer, indicator_score
from marketplace.scoring.rules.sheets import STEP, Entry, SheetState, comment_required, gaps, typed

RANGES = ("60%以下", "60—74%", "75—89%", "90—100%")
TICKS = {"yes": True, "no": False}
SWITCH_MOST = 30  # bids shown at once in the row of bids


def plain(value: Decimal) -> str:
    """8.50 → 8.5, 10.00 → 10."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def middle_of(band: int, weight: Decimal) -> Decimal:
    """What choosing a band alone gives: its middle, to half points. The expert sees the figure and may change it."""
    start = BAND_STARTS[band][1]
    end = BAND_STARTS[band + 1][1] if band + 1 < BAND_COUNT else Decimal(1)
    return ((start + end) / 2 * weight * 2).quantize(Decimal(1)) / 2


@dataclass(frozen=True, slots=True)
class Typed:
    """A form as it was sent: what could be read, and by field what could not."""

    entry: Entry
    faults: Mapping[str, str]


def entry_from(form: Mapping[str, str], content: DemandContent, before: Entry) -> Typed:
    """Scores in any width of digits; an empty box is missing; a band chosen without touching the box gives its middle."""
    scores: dict[str, Decimal] = {}
    faults: dict[str, str] = {}
    comments = {}
    for item in typed(content.score_sheet):
        text = unicodedata.normalize("NFKC", form.get(f"score-{item.key}", "")).strip()
        comments[item.key] = form.get(f"comment-{item.key}", "")[:2000]
        chosen, old = form.get(f"band-{item.key}", ""), before.scores.get(item.key)
        untouched = text == (plain(old) if old is not None else "")
        if chosen in ("0", "1", "2", "3") and untouched and (old is None or band_of(old, item.weight) != int(chosen)):
            scores[item.key] = middle_of(int(chosen), item.weight)
        elif text:
            try:
                scores[item.key] = Decimal(text)
            except InvalidOperation:
                faults[f"score-{item.key}"] = f"“{item.name}”的分数“{text[:20]}”不是数字。"
    proofs = tuple(TICKS.get(form.get(f"proof-{number}", "")) for number, _ in enumerate(content.indicators, start=1))
    return Typed(Entry(scores, comments, proofs), faults)


def band_note(name: str) -> str:
    return f"评在“{name}”一档，须写明理由"


def criterion_view(
    item: Criterion, entry: Entry, faults: Mapping[str, str], *, locked: bool, flagged: bool = False
) -> dict[str, Any]:
    """One typed criterion for components/criterion.html."""
    score = entry.scores.get(item.key)
    band = band_of(score, item.weight) if score is not None and 0 <= score <= item.weight else None
    needs = score is not None and band is not None and comment_required(score, item.weight)
    shown = [
        (str(number), BAND_STARTS[number][0], RANGES[number], item.bands[number] if number < len(item.bands) else "")
        for number in reversed(range(BAND_COUNT))
    ]
    return {
        "key": item.key,
        "name": item.name,
        "full": plain(item.weight),
        "kind": "typed",
        "score": plain(score) if score is not None else None,
        "band": str(band) if band is not None else None,
        "bands": shown,
        "comment": entry.comments.get(item.key, ""),
        "comment_needed": band_note(BAND_STARTS[band][0]) if needs and band is not None else None,
        "active": flagged,
        "locked": locked,
        "note": None,
        "errors": [faults[f"score-{item.key}"]] if f"score-{item.key}" in faults else [],
    }


def answers_of(responses: Sequence[Response], count: int) -> list[Answer]:
    """One answer for each indicator, in the demand's order; a row that is not there promises nothing."""
    rows = [Answer(row.value, row.deviation) for row in responses[:count]]
    return rows + [Answer("", "-")] * (count - len(rows))


def indicators_so_far(content: DemandContent, responses: Sequence[Response], entry: Entry) -> str | None:
    """The indicator score by this expert's own ticks, once all are made; the panel's majority decides in the end."""
    items = content.indicators
    criterion = next((item for item in content.score_sheet.criteria if item.kind == "indicator"), None)
    if criterion is None or not items or len(entry.proofs) < len(items) or None in entry.proofs:
        return None
    score = indicator_score(
        items,
        answers_of(responses, len(items)),
        [bool(tick) for tick in entry.proofs],
        full=criterion.weight,
        rule=content.score_sheet.credit,
    )
    return format(score.quantize(STEP), "f")


def total_so_far(content: DemandContent, entry: Entry, indicators: str | None) -> tuple[str, str]:
    """(sum of what is scored, full marks of what an expert sees): price aside, which is computed later."""
    known = [score for key, score in entry.scores.items()]
    total = sum(known, Decimal(indicators or 0))
    full = sum((item.weight for item in content.score_sheet.criteria if item.kind != "price"), Decimal(0))
    return format(total.quantize(STEP), "f"), plain(full)


def wanted(item: Indicator) -> str:
    """≥ 95%."""
    sign = taxonomy.OPERATORS[item.operator].zh if item.operator in taxonomy.OPERATORS else item.operator
    if item.operator == "range":
        return f"{item.target}—{item.target_high}{item.unit}"
    return f"{'' if item.operator == '=' else sign + ' '}{item.target}{item.unit}"


def response_rows(content: DemandContent, reading: Reading, entry: Entry) -> list[dict[str, Any]]:
    """The response table against the indicators, with the tick of each and the cited page."""
    rows = []
    for number, item in enumerate(content.indicators, start=1):
        said = reading.proposal.responses[number - 1] if number <= len(reading.proposal.responses) else Response()
        tick = entry.proofs[number - 1] if number <= len(entry.proofs) else None
        paper = reading.paper(said.file) if said.file is not None else None
        value = said.value
        if value and item.unit and value.replace(".", "", 1).isdigit():
            value += item.unit
        rows.append(
            {
                "number": number,
                "name": item.name,
                "veto": item.veto,
                "method": item.method,
                "wanted": wanted(item),
                "value": value,
                "deviation": DEVIATIONS[said.deviation].zh if said.deviation in DEVIATIONS else "",
                "sign": {"+": "正", "0": "无", "-": "负"}.get(said.deviation, "无"),
                "note": said.note,
                "paper": paper,
                "page": said.page,
                "page_number": page_number(said.page),
                "tick": {True: "yes", False: "no", None: ""}[tick],
            }
        )
    return rows


def criteria_rows(
    content: DemandContent,
    entry: Entry,
    faults: Mapping[str, str],
    sheet: Sheet,
    indicators: str | None,
    computed: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Every criterion of the sheet, computed ones shown as computed. ``computed``: what the ranking says, once made."""
    rows: list[dict[str, Any]] = []
    for item in content.score_sheet.criteria:
        if item.kind == "typed":
            open_here = sheet.state is SheetState.DRAFT or (
                sheet.state is SheetState.FLAGGED and item.key in sheet.flags
            )
            flagged = sheet.state is SheetState.FLAGGED and item.key in sheet.flags
            rows.append(criterion_view(item, entry, faults, locked=not open_here, flagged=flagged))
            continue
        price, known = item.kind == "price", computed.get(item.key)
        note = "锁定后由系统计算" if price else "按您的核对计算，最终以多数专家为准"
        if known is not None:
            note = "按各家报价计算" if price else "按多数专家的核对计算"
        rows.append(
            {
                "key": item.key,
                "name": item.name,
                "full": plain(item.weight),
                "kind": "sealed" if price and content.two_step and known is None else "computed",
                "computed": known or ("—" if price else indicators or "—"),
                "note": note,
                "bands": None,
                "errors": [],
            }
        )
    return rows


def switch(around: Around, current: str, *, only: str, url: Any) -> list[dict[str, Any]]:
    """Which of the bids one is at, in the order of codes; of a long row, the neighbours."""
    return [
        {
            "number": place.code.partition("-")[2].lstrip("0") or place.code,
            "url": url(place.key, only),
            "done": place.done,
            "current": place.key == current,
        }
        for place in around.near
    ]


def open_places(content: DemandContent, entry: Entry) -> list[dict[str, str]]:
    """What is still missing, each with the anchor of its field."""
    return [
        {"text": gap.sentence, "anchor": gap.place if gap.place.startswith("proof-") else f"score-{gap.place}"}
        for gap in gaps(content.score_sheet, content.indicators, entry)
    ]
