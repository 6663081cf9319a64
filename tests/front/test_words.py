from __future__ import annotations

import ast
import runpy
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


SAYS = """
def why_not_so(x):
    if x:
        return "返回的"
    said = f"变量{x}"
    raise Refused(said, fields={"a": "栏目的"})

def f(x):
    raise Conflict("甲" if x else "乙", why=Sentence("里面的"))

own_thing = Need("own_thing", "需要的", f)
door = role("screener", refusal="门口的")
STATE_LABELS = {1: "状态"}
class Reason(Enum):
    A = ("M-01", Fault.REQUEST, "封标的")
"""


def test_whatever_a_refusal_says_is_found_and_an_fstring_is_a_fault() -> None:
    words = runpy.run_path(str(ROOT / "scripts" / "words.py"))
    found = [text for said in words["refusals"](ast.parse(SAYS)) for text in words["_texts"](said)]
    plain = {text for text in found if isinstance(text, str)}
    assert plain == {"返回的", "栏目的", "甲", "乙", "里面的", "需要的", "门口的", "状态", "封标的"}
    assert {ast.unparse(text) for text in found if not isinstance(text, str)} == {"f'变量{x}'"}
