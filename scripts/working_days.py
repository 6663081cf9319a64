"""Rewrites marketplace/platform/data/working_days.json: confirmed years from chinese-calendar, later ones provisional.

    .venv/bin/python scripts/working_days.py

Run it when the State Council has announced a year and chinese-calendar has been raised; a running site is edited by its
administrator instead. At run time only the file is read, so a new chinese-calendar never moves a deadline by itself.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

from chinese_calendar import constants

FILE = Path(__file__).parent.parent / "marketplace" / "platform" / "data" / "working_days.json"
CONFIRMED = {2025: "国办发明电〔2024〕12号", 2026: "国办发明电〔2025〕7号"}
PROVISIONAL = {2027: "全国年节及纪念日放假办法（2024年修订）；放假调休安排尚未公布"}
NAMES = {
    "New Year's Day": "元旦",
    "Spring Festival": "春节",
    "Tomb-sweeping Day": "清明节",
    "Labour Day": "劳动节",
    "Dragon Boat Festival": "端午节",
    "Mid-autumn Festival": "中秋节",
    "National Day": "国庆节",
}
STATUTORY = [  # first day, number of days, name: the days off by law alone, without any swap
    (date(2027, 1, 1), 1, "元旦"),
    (date(2027, 2, 5), 4, "春节"),
    (date(2027, 4, 5), 1, "清明节"),
    (date(2027, 5, 1), 2, "劳动节"),
    (date(2027, 6, 9), 1, "端午节"),
    (date(2027, 9, 15), 1, "中秋节"),
    (date(2027, 10, 1), 3, "国庆节"),
]


def main() -> None:
    days = [
        {"on": day.isoformat(), "kind": "holiday", "note": NAMES[name]}
        for day, name in constants.holidays.items()
        if day.year in CONFIRMED
    ]
    days += [
        {"on": day.isoformat(), "kind": "workday", "note": f"{NAMES[name]}调休上班"}
        for day, name in constants.workdays.items()
        if day.year in CONFIRMED
    ]
    days += [
        {"on": (first + timedelta(days=offset)).isoformat(), "kind": "holiday", "note": name}
        for first, count, name in STATUTORY
        for offset in range(count)
    ]
    years = [{"year": year, "status": "confirmed", "source": source} for year, source in CONFIRMED.items()]
    years += [{"year": year, "status": "provisional", "source": source} for year, source in PROVISIONAL.items()]
    lines = [json.dumps(item, ensure_ascii=False) for item in years]
    rows = [json.dumps(item, ensure_ascii=False) for item in sorted(days, key=lambda item: item["on"])]
    FILE.write_text(
        '{\n"years": [\n' + ",\n".join(lines) + '\n],\n"days": [\n' + ",\n".join(rows) + "\n]\n}\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
