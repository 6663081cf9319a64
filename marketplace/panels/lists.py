"""The expert pool as a workbook, out and in again: one vocabulary of columns, a report row by row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from marketplace import taxonomy
from marketplace.exchange.reading.book import ListUnreadable
from marketplace.exchange.reading.xlsx_file import read_xlsx
from marketplace.panels.models import Expert
from marketplace.panels.service.pool import Card, problems
from marketplace.platform.rendering import xlsx

COLUMNS: Mapping[str, str] = {
    "name": "姓名",
    "email": "邮箱",
    "phone": "电话",
    "title": "职称",
    "employer": "工作单位",
    "employer_code": "统一社会信用代码",
    "outside": "区外",
    "fields": "领域",
    "history": "曾任职单位",
    "equity": "持股单位",
    "relations": "利害关系",
    "away_from": "不能参加自",
    "away_until": "不能参加至",
    "note": "备注",
}
NEEDED = ("name", "email", "employer", "fields")
MOST = 2_000
NOTE = (
    "领域用顿号分开，写方向或产业的名称；曾任职单位写“单位（至2025-06-30）”，几家用分号分开；"
    "持股单位、利害关系写单位或人名，用分号分开；区外写是或否。"
)


def field_labels() -> dict[str, str]:
    """Directions and industries as they are called now: administrators rename them and add new ones."""
    return {code: label.zh for words in (taxonomy.DIRECTIONS, taxonomy.INDUSTRIES) for code, label in words.items()}


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a list. ``number`` as the table program shows it; ``faults`` in its own words."""

    number: int
    card: Card
    faults: tuple[str, ...]
    known: bool = False


def export(experts: Iterable[Expert]) -> bytes:
    """The pool with the columns that the importer reads."""
    labels = field_labels()
    return xlsx(list(COLUMNS.values()), [_cells(expert, labels) for expert in experts], name="专家库", note=NOTE)


def _cells(expert: Expert, labels: Mapping[str, str]) -> list[Any]:
    return [
        expert.name,
        expert.email,
        expert.phone,
        expert.title,
        expert.employer,
        expert.employer_code,
        "是" if expert.outside else "否",
        "、".join(labels.get(code, code) for code in expert.fields),
        history_text(expert.history),
        ties_text(expert.equity),
        ties_text(expert.relations),
        expert.away_from,
        expert.away_until,
        expert.note,
    ]


def history_text(history: Sequence[Mapping[str, str]]) -> str:
    return "；".join(
        f"{job['employer']}（至{job['until_on']}）" if job.get("until_on") else job["employer"] for job in history
    )


def ties_text(ties: Sequence[Mapping[str, str]]) -> str:
    return "；".join(tie["name"] for tie in ties)


def history_of(text: str) -> tuple[tuple[dict[str, str], ...], str | None]:
    """Former employers as typed, and what could not be read."""
    found: list[dict[str, str]] = []
    for part in _parts(text):
        name, _, rest = part.replace("(", "（").replace(")", "）").partition("（至")
        until = rest.rstrip("）").strip()
        if until:
            try:
                until = date.fromisoformat(until).isoformat()
            except ValueError:
                return (), f"曾任职单位“{part}”的日期无法识别，请写成“单位（至2025-06-30）”。"
        found.append({"employer": name.strip(), "credit_code": "", "until_on": until})
    return tuple(found), None


def ties_of(text: str) -> tuple[dict[str, str], ...]:
    return tuple({"name": part, "credit_code": ""} for part in _parts(text))


def _parts(text: str) -> list[str]:
    for mark in (";", "\n"):
        text = text.replace(mark, "；")
    return [part.strip() for part in text.split("；") if part.strip()]


def fields_of(text: str) -> tuple[tuple[str, ...], str | None]:
    """Codes of the fields named, and the first name nobody knows."""
    known = {label: code for code, label in field_labels().items()}
    codes = []
    for part in text.replace("，", "、").replace(",", "、").replace("；", "、").split("、"):
        name = part.strip()
        if not name:
            continue
        if name not in known:
            return (), f"没有“{name}”这个领域。"
        codes.append(known[name])
    return tuple(dict.fromkeys(codes)), None


def read(data: bytes, known: Iterable[str]) -> list[Row]:
    """Every row of the first sheet. Raises ``ListUnreadable`` with the sentence for the whole file."""
    sheets = [sheet for sheet in read_xlsx(data).sheets if not sheet.hidden]
    if not sheets or not sheets[0].rows:
        raise ListUnreadable("这份表是空的。")
    head, places = _head(sheets[0].rows)
    emails, seen, rows = {text.lower() for text in known}, dict[str, int](), []
    for place, cells in enumerate(sheets[0].rows[head + 1 : head + 1 + MOST], start=head + 2):
        values = {name: _text(cells[at]) if at < len(cells) else "" for name, at in places.items()}
        if not any(values.values()) or values.get("name", "").startswith(("领域用顿号", "注")):
            continue
        card = _card(values)
        faults = list(problems(card).values())
        email = card.email.lower()
        if email in seen:
            faults.append(f"邮箱与第{seen[email]}行相同。")
        seen.setdefault(email, place)
        rows.append(Row(place, card, tuple(faults), email in emails))
    if not rows:
        raise ListUnreadable("表头下面没有内容。")
    return rows


def _head(rows: Sequence[Sequence[Any]]) -> tuple[int, dict[str, int]]:
    """The row of the heads, and each column's place."""
    for number, cells in enumerate(rows[:20]):
        labels = {_text(cell): place for place, cell in enumerate(cells)}
        if all(COLUMNS[name] in labels for name in NEEDED):
            return number, {name: labels[label] for name, label in COLUMNS.items() if label in labels}
    raise ListUnreadable("找不到表头：至少要有姓名、邮箱、工作单位、领域四列。可以先下载模板。")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def _card(values: Mapping[str, str]) -> Card:
    extra: dict[str, str] = {}
    fields, fault = fields_of(values.get("fields", ""))
    if fault:
        extra["fields"] = fault
    history, fault = history_of(values.get("history", ""))
    if fault:
        extra["history"] = fault
    days: dict[str, date | None] = {}
    for name in ("away_from", "away_until"):
        days[name] = None
        if text := values.get(name, ""):
            try:
                days[name] = date.fromisoformat(text[:10])
            except ValueError:
                extra[name] = f"{COLUMNS[name]}“{text}”不是日期，请写成2026-11-30。"
    outside = values.get("outside", "") or "是"
    if outside not in ("是", "否"):
        extra["outside"] = "“区外”一列只能写是或否。"
    return Card(
        name=values.get("name", "")[:60],
        email=values.get("email", ""),
        employer=values.get("employer", ""),
        phone=values.get("phone", "")[:30],
        title=values.get("title", "")[:60],
        employer_code=values.get("employer_code", ""),
        outside=outside == "是",
        fields=fields,
        history=history,
        equity=ties_of(values.get("equity", "")),
        relations=ties_of(values.get("relations", "")),
        away_from=days["away_from"],
        away_until=days["away_until"],
        note=values.get("note", ""),
        extra=extra,
    )
