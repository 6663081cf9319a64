"""Look-alikes: what must be found, what must not, how it is explained, and that the cost stays bounded."""

from __future__ import annotations

import csv
import random
import time
from pathlib import Path

import pytest

from marketplace.demands.similarity import LOOK_ALIKE, SimilarityIndex, title_key

SAMPLE = Path(__file__).parents[1] / "data" / "scenes.csv"


@pytest.fixture(scope="module")
def scenes() -> list[dict[str, str]]:
    with SAMPLE.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def index(scenes: list[dict[str, str]]) -> SimilarityIndex[int]:
    return SimilarityIndex((number, scene["title"], scene["need"]) for number, scene in enumerate(scenes))


def test_title_key_ignores_width_case_blanks_and_punctuation() -> None:
    assert title_key(" 小体积（ＬＥＤ 灯具）\n") == title_key("小体积(led灯具)") == "小体积led灯具"


@pytest.mark.parametrize(
    ("title", "need", "expected"),
    [
        ("水质人工智能监测场景", "用人工智能手段开展水质监测", "水质监测人工智能应用场景"),
        ("城市治理AI识别感知", "利用摄像头做AI识别，自动发现道路破损等问题", "城市治理AI智能识别感知应用场景"),
        ("机器人巡检", "在环兴隆湖征集机器人开展巡检", "机器人智能巡检场景"),
        ("无人机医疗运输", "医院院区之间医疗样本无人机运输", "医疗无人机运输专线"),
    ],
)
def test_reworded_titles_are_found(
    index: SimilarityIndex[int], scenes: list[dict[str, str]], title: str, need: str, expected: str
) -> None:
    found = index.nearest(title, need)
    assert [scenes[item.key]["title"] for item in found] == [expected]
    assert found[0].score >= LOOK_ALIKE


def test_same_text_under_another_title_is_found(index: SimilarityIndex[int], scenes: list[dict[str, str]]) -> None:
    found = index.nearest("完全不同的名字", scenes[20]["need"])
    assert found[0].key == 20
    assert found[0].text_score == 1.0
    assert found[0].score >= LOOK_ALIKE


def test_generic_words_make_nothing_alike(index: SimilarityIndex[int]) -> None:
    assert index.nearest("智慧停车系统平台应用场景", "建设智慧停车平台，提供智能服务") == []


def test_of_the_fifty_real_demands_only_two_are_alike(
    index: SimilarityIndex[int], scenes: list[dict[str, str]]
) -> None:
    alike = {
        frozenset({number, item.key})
        for number, scene in enumerate(scenes)
        for item in index.nearest(scene["title"], scene["need"], besides=number)
    }
    assert [sorted(scenes[number]["title"] for number in pair) for pair in alike] == [
        ["市政绿化人工智能应用场景", "水质监测人工智能应用场景"]
    ]


def test_itself_is_one_unless_left_out(index: SimilarityIndex[int], scenes: list[dict[str, str]]) -> None:
    found = index.nearest(scenes[0]["title"], scenes[0]["need"])
    assert (found[0].key, found[0].score) == (0, 1.0)
    assert index.nearest(scenes[0]["title"], scenes[0]["need"], besides=0) == []


def test_the_score_is_explained(index: SimilarityIndex[int], scenes: list[dict[str, str]]) -> None:
    best = index.nearest("水质监测人工智能场景", scenes[1]["need"])[0]
    assert best.explain().startswith("名称相近 ")
    assert "水质监测人工智能" in best.shared


def test_titles_alone_decide_where_there_is_no_text() -> None:
    index = SimilarityIndex([("a", "二次供水鸿蒙智慧泵房", ""), ("b", "医疗无人机运输专线", "运送样本")])
    assert [item.key for item in index.nearest("二次供水智慧泵房", "鸿蒙系统")] == ["a"]
    assert [item.key for item in index.nearest("医疗无人机运输", "")] == ["b"]


def test_empty_inputs() -> None:
    assert SimilarityIndex([]).nearest("任何", "文字") == []
    assert SimilarityIndex([("a", "", "")]).nearest("", "") == []
    assert SimilarityIndex([("a", "", "")]).nearest("甲", "乙") == []


def test_ten_thousand_demands_stay_affordable(scenes: list[dict[str, str]]) -> None:
    """A bound against a slip to quadratic cost, ten times what it takes; not a benchmark."""
    chance = random.Random(7)
    words = "".join(scene["need"] for scene in scenes)

    def piece(length: int) -> str:
        start = chance.randrange(len(words) - length)
        return words[start : start + length]

    documents = [(number, piece(16), "".join(piece(60) for _ in range(8))) for number in range(10_000)]
    began = time.process_time()
    index = SimilarityIndex(documents)
    built = time.process_time()
    for number in range(20):
        assert index.nearest(*documents[number][1:])[0].key == number
    asked = time.process_time()
    assert len(index) == 10_000
    assert built - began < 30
    assert (asked - built) / 20 < 0.3
