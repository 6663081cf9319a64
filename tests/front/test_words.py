from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from flask import Flask

ROOT = Path(__file__).resolve().parents[2]


def test_every_text_of_a_public_page_has_its_english() -> None:
    result = subprocess.run(
        [sys.executable, "scripts/words.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.stdout == ""
    assert result.returncode == 0


def test_an_english_page_has_no_chinese_of_its_own(house: Flask) -> None:
    """Interface text is English; what people wrote, and the names of the house, stay as written."""
    page = house.test_client().get("/page/home-empty?lang=en").get_data(as_text=True)
    for allowed in (
        "郑州高新技术产业开发区管理委员会", "郑州高新区科技创新局", "（工作日9:00—17:30）", "豫ICP备2026******号",
        "豫公网安备4101990200****号", "中文", ">榜<",
    ):  # fmt: skip
        page = page.replace(allowed, "")
    assert [character for character in page if "\u4e00" <= character <= "\u9fff"] == []
