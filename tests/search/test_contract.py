"""One contract for both engines: what is found, counted, ordered and hidden, over documents without a database."""

from __future__ import annotations

import gc
import random
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from marketplace.search import directory
from marketplace.search.documents import Document, phase, stamped
from marketplace.search.finder import Finder, Found
from marketplace.search.index import Request, TooSlow, Unavailable

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
LABELS = defaultdict(dict, unit={"works": ("高新区公用事业局", "公用局"), "city": ("高新区城市管理局",)})
ENGINES = ("whoosh", "tantivy")
FACETS = ("kind", "direction", "industry", "mode", "state", "budget", "unit", "batch", "year")


WORDS = [
    "停车", "水质", "水务", "无人机", "低空", "充电", "储能", "监测", "巡检", "智慧",
    "平台", "诱导", "物流", "调度", "模型", "传感器", "5g", "gb/t37668", "城管", "养老",
]  # fmt: skip


def made(key: int, title: str, body: str = "", **more: object) -> Document:
    values: dict[str, object] = {
        "kind": "demand",
        "unit": "works",
        "unit_name": "高新区公用事业局",
        "direction": "living",
        "industries": ("iot",),
        "mode": "subsidy",
        "state": "published",
        "budget": "lt50",
        "batch": "ZZGX-2026-02",
        "year": "2026",
        "closes_at": NOW + timedelta(days=10),
        "published_at": NOW - timedelta(days=1),
    }
    return stamped(Document(id=f"demand:{key}", title=title, body=body, **(values | more)))  # type: ignore[arg-type]


DOCUMENTS = [
    made(1, "智慧城市停车场建设", "车位感知与诱导", identifiers=("ZZGX-2026-02-001",), budget_fen=100),
    made(2, "路侧停车收费管理", "高位视频识别车牌", direction="building", budget_fen=300),
    made(3, "河湖水质在线监测", "断面氨氮短时超标，符合GB/T 37668-2019的要求", industries=("iot", "newit")),
    made(4, "智慧水务综合调度", "供排水一张图", closes_at=NOW + timedelta(hours=5)),
    made(5, "无人机河道巡检", "低空巡查", unit="city", unit_name="高新区城市管理局", closes_at=NOW),
    made(6, "低空物流配送航线", "楼宇密集，起降点难选；数据出境须评估", state="lapsed", year="2025"),
    made(7, "5G专网与AI大模型质检", "产线缺陷检测", identifiers=("91419999MA9KQ0A014",), closes_at=None),
    made(8, "未公布的停车机密项目", "绝密词语", visible_at=NOW + timedelta(seconds=1)),
]


class Shelf:
    """An index in a folder with its finder, re-opened after every write as a reader would within a second."""

    def __init__(self, path: Path, engine: str) -> None:
        self.engine = directory.engine(engine)
        self.path = path
        directory.create(path, self.engine)
        self.writing = directory.Writing(path, self.engine)
        self.reading: directory.Reading | None = None

    def write(self, documents: list[Document], removed: list[str] | None = None, now: datetime = NOW) -> None:
        self.writing.apply(documents, removed or [], now)
        if self.reading is not None:
            self.reading.index.refresh()

    def finder(self) -> Finder:
        self.reading = self.reading or directory.Reading(self.path, self.engine)
        return Finder(self.reading, lambda facet, now: LABELS[facet])

    def find(self, q: str, now: datetime = NOW, **more: object) -> Found:
        request = Request(now=now, facets=FACETS, **more)  # type: ignore[arg-type]
        return self.finder().find(q, request)


@pytest.fixture(scope="module", params=ENGINES)
def shelf(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    shelf = Shelf(tmp_path_factory.mktemp("index") / "1", request.param)
    shelf.write(DOCUMENTS)
    yield shelf
    shelf.writing.close()


def keys(found: Found) -> list[int]:
    return [int(id_.partition(":")[2]) for id_ in found.ids]


@pytest.mark.parametrize(
    ("q", "first", "others"),
    [
        ("停车", {1, 2}, set()),
        ("智慧停车", {1}, {2}),
        ("水质", {3}, set()),
        ("水务", {4}, set()),
        ("水務", {4}, set()),
        ("无人机", {5, 6}, set()),
        ("UAV", {5, 6}, set()),
        ("5G", {7}, set()),
        ("５Ｇ", {7}, set()),
        ("AI大模型", {7}, set()),
        ("GB/T 37668", {3}, set()),
        ("gbt37668", {3}, set()),
        ("ZZGX-2026-02-001", {1}, set()),
        ("91419999MA9KQ0A014", {7}, set()),
        ('"数据出境"', {6}, set()),
        ("低空 -物流", {5}, set()),
        ("-停车 无人机", {5, 6}, set()),
        ("unit:公用局 停车", {1, 2}, set()),
        ("单位:城管局", {5}, set()),
        ("state:closed", {5}, set()),
        ("tingche", {1, 2}, set()),
        ("shuizhi", {3}, set()),
        ("停车厂", {1}, {2}),
        ("安氮", {3}, set()),  # a text's word, of no title
    ],
)  # fmt: skip
def test_what_people_type_finds_the_right_things(shelf: Shelf, q: str, first: set[int], others: set[int]) -> None:
    found = keys(shelf.find(q))
    assert set(found[: len(first)]) == first
    assert set(found[len(first) :]) <= others


def test_near_misses_come_after_what_has_every_word(shelf: Shelf) -> None:
    found = shelf.find("水质 停车")
    assert found.strict == 0
    assert set(keys(found)) == {1, 2, 3}
    mixed = shelf.find("无人机 物流")
    assert mixed.strict == 1
    assert keys(mixed) == [6, 5]


def test_where_no_word_is_found_what_shares_a_rare_character_is_a_near_miss(shelf: Shelf) -> None:
    found = shelf.find("航拍")  # 航 stands in one title
    assert (found.total, found.near, found.loosened) == (0, ("demand:6",), "")
    assert shelf.find("秘密").near == ()  # 密 is in a title of what is not yet published
    assert shelf.find("航拍", filters={"state": frozenset({"open"})}).near == ()
    assert shelf.finder().find("航拍", Request(now=NOW), literally=True).near == ()


def test_a_phrase_is_verified_against_the_text(shelf: Shelf) -> None:
    assert keys(shelf.find('"在线监测"')) == [3]
    assert shelf.find('"监测在线"').total == 0
    assert shelf.find('"水质监测"').total == 0


def test_an_empty_result_of_signs_offers_what_is_there_without_them(shelf: Shelf) -> None:
    for q, loosened in (('"监测在线"', "监测在线"), ("unit:无此局 水质", "水质"), ("水质 -监测", "水质")):
        found = shelf.find(q)
        assert (found.total, found.loosened) == (0, loosened), q
        assert found.near[0] == "demand:3", q
        assert shelf.find(loosened).total == found.near_total, q
    assert shelf.find('"绝密词语"').near == ()
    for q in ("unit:无此局", "-水质 -停车 -水务 -无人机 -低空 -5G"):  # without them nothing is left to look for
        assert (shelf.find(q).total, shelf.find(q).near) == (0, ()), q


def test_related_words_are_such_as_something_has_written_as_people_write_them(shelf: Shelf) -> None:
    assert set(shelf.find("无人驾驶航空器").related) == {"低空", "无人机"}
    assert "AI" in shelf.find("人工智能").related


def test_a_number_finds_first_what_bears_it(tmp_path: Path) -> None:
    for engine in ENGINES:
        asked = [made(n, "能否现场踏勘", "ZZGX-2026-02-001\n智慧城市停车场建设", kind="answer") for n in range(50, 60)]
        shelf = Shelf(tmp_path / engine, engine)
        shelf.write([*asked, *DOCUMENTS])
        found = keys(shelf.find("ZZGX-2026-02-001"))
        assert (found[0], len(found)) == (1, 11)


def test_facets_are_exact_and_leave_out_their_own_selection(shelf: Shelf) -> None:
    found = shelf.find("停车", filters={"direction": frozenset({"building"})})
    assert keys(found) == [2]
    assert found.facets["direction"] == {"living": 1, "building": 1}
    assert found.facets["unit"] == {"works": 1}
    everything = shelf.find("")
    assert everything.total == 7
    assert everything.facets["industry"] == {"iot": 7, "newit": 1}
    assert everything.facets["state"] == {"open": 3, "closing": 1, "closed": 1, "lapsed": 1, "published": 1}
    both = shelf.find("", filters={"state": frozenset({"closing", "lapsed"}), "year": frozenset({"2025", "2026"})})
    assert set(keys(both)) == {4, 6}


def test_the_deadlines_second_changes_the_phase_without_indexing(shelf: Shelf) -> None:
    closes = NOW + timedelta(hours=5)
    for now in (closes - timedelta(microseconds=1), closes):
        state = phase("published", closes, now)
        found = shelf.find("水务", now=now, filters={"state": frozenset({state})})
        assert keys(found) == [4]
        assert found.facets["state"] == {state: 1}
        assert shelf.find("水务", now=now, filters={"state": frozenset({"closing"})}).total == (state == "closing")


def test_orders(shelf: Shelf) -> None:
    assert keys(shelf.find("停车", sort="budget")) == [2, 1]
    by_deadline = keys(shelf.find("", sort="deadline"))
    assert by_deadline[0] == 4
    assert by_deadline.index(7) < by_deadline.index(5)  # without a deadline before what is over
    pages = [keys(shelf.find("", sort="newest", offset=place, limit=2)) for place in (0, 2, 4, 6)]
    assert sorted(key for page in pages for key in page) == [1, 2, 3, 4, 5, 6, 7]


def test_before_its_instant_a_document_is_nowhere(shelf: Shelf) -> None:
    finder = shelf.finder()
    for q in ("绝密词语", "机密项目", '"绝密词语"', "juemiciyu", "jimi", "绝蜜词语"):
        found = shelf.find(q)
        assert 8 not in keys(found), q
        assert "密" not in found.corrected + found.meant, q
    assert all(item.id != "demand:8" for item in finder.suggest("未公布", NOW))
    assert finder.suggest("jimi", NOW) == []
    assert sum(shelf.find("").facets["kind"].values()) == 7
    assert shelf.writing.shelf.due(NOW, 9) == []
    assert shelf.writing.shelf.due(NOW + timedelta(seconds=1), 9) == ["demand:8"]


def work(shelf: Shelf, q: str) -> tuple[object, int, int]:
    """What is answered and offered for a query, how many calls it took, and how many steps of the shelf's statements."""
    calls = steps = 0

    def called(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    def stepped() -> int:
        nonlocal steps
        steps += 1
        return 0

    finder = shelf.finder()
    with shelf.reading.shelf._open() as connection:  # type: ignore[union-attr]
        connection.set_progress_handler(stepped, 1)
    gc.disable()
    sys.setprofile(called)
    try:
        answer = finder.find(q, Request(now=NOW, facets=FACETS)), finder.suggest(q, NOW)
    finally:
        sys.setprofile(None)
        gc.enable()
        connection.set_progress_handler(None, 0)
    return answer, calls, steps


@pytest.mark.parametrize("engine", ENGINES)
def test_neither_results_nor_work_tell_of_what_waits(tmp_path: Path, engine: str) -> None:
    """Counted, not timed: calls, steps of the shelf's statements and the documents of the engine are the same whether
    nothing or hundreds of documents wait that would answer best, with a unit and a list of their own.
    """
    bare, full = Shelf(tmp_path / "bare", engine), Shelf(tmp_path / "full", engine)
    secret = {
        "unit": "secret",
        "unit_name": "高新区城管机密局",
        "batch": "ZZGX-2026-09",
        "visible_at": NOW + timedelta(1),
    }
    hidden = [
        made(100 + n, "停车场绝密量子雷达", "无人机停车收费", identifiers=(f"ZZGX-2026-09-{n:03}",), **secret)
        for n in range(300)
    ]
    bare.write(DOCUMENTS[:7])
    full.write(DOCUMENTS[:3] + hidden[:200] + DOCUMENTS[3:7])
    full.write(hidden[200:])
    typed = (
        "停车", "停车场", "量子雷达", '"绝密量子"', "liangzileida", "lzld", "量子雷哒", "ZZGX-2026-09", "停车场绝密",
        "unit:机密", "unit:城管局", "batch:09 停车", "无人机 -停车", "水质 量子", "",
    )  # fmt: skip
    for q in typed:
        work(bare, q), work(full, q)  # what is read once a process is read now
        assert work(full, q) == work(bare, q), q
    for shelf in (bare, full):
        assert shelf.reading is not None
        assert len(shelf.reading.index.versions()) == 7
        assert shelf.reading.index.values("unit") == ["city", "works"]
        shelf.writing.close()


@pytest.mark.parametrize("engine", ENGINES)
def test_writing_again_changes_nothing_and_removing_takes_everything(tmp_path: Path, engine: str) -> None:
    shelf = Shelf(tmp_path / "1", engine)
    shelf.write(DOCUMENTS)
    shelf.write(DOCUMENTS[:3])
    assert shelf.find("").total == 7
    shelf.write([made(1, "改名为充电桩布局")])
    assert keys(shelf.find("停车")) == [2]
    assert keys(shelf.find("充电桩")) == [1]
    later = NOW + timedelta(seconds=1)
    shelf.write([DOCUMENTS[7]], now=later)  # what the writer does when an instant has come
    assert keys(shelf.find("绝密词语", now=later)) == [8]
    assert "机密" in [item.text for item in shelf.finder().suggest("jimi", later)]
    shelf.write([made(8, "未公布的停车机密项目", visible_at=later + timedelta(days=1))], now=later)  # put off after all
    assert shelf.find("机密", now=later).total == 0
    assert "demand:8" not in shelf.find("机密", now=later).near
    assert shelf.finder().suggest("jimi", later) == []
    assert [item.text for item in shelf.finder().suggest("智慧城市", NOW)] == []
    shelf.write([], [document.id for document in DOCUMENTS])
    found = shelf.find("")
    assert (found.total, found.facets["kind"]) == (0, {})
    assert shelf.finder().suggest("充电", NOW) == []


def test_engines_agree_on_totals_and_facets(tmp_path: Path) -> None:
    dice = random.Random(7)
    documents = [
        made(
            key,
            "".join(dice.sample(WORDS, 3)),
            "，".join(dice.choices(WORDS, k=12)),
            direction=dice.choice(["living", "building", "industry"]),
            industries=tuple(sorted(dice.sample(["iot", "newit", "brain"], dice.randint(1, 3)))),
            state=dice.choice(["published", "published", "lapsed", "awarded"]),
            closes_at=NOW + timedelta(hours=dice.randint(-200, 200)),
            visible_at=NOW + timedelta(hours=dice.randint(-50, 5)),
            unit=dice.choice("abcdef"),
        )
        for key in range(600)
    ]
    shelves = [Shelf(tmp_path / engine, engine) for engine in ENGINES]
    for shelf in shelves:
        for _ in shelf.writing.build(documents, NOW):
            pass
    for _ in range(80):
        q = " ".join(dice.sample(WORDS, dice.randint(0, 3)))
        q += dice.choice(["", f" -{dice.choice(WORDS)}", f' "{dice.choice(WORDS)}"', " direction:living"])
        filters = {"unit": frozenset(dice.sample("abcdef", 2))} if dice.random() < 0.4 else {}
        if dice.random() < 0.4:
            filters["state"] = frozenset(dice.sample(["open", "closing", "closed", "lapsed"], 2))
        left, right = (shelf.find(q, filters=filters) for shelf in shelves)
        assert (left.total, left.strict, left.facets) == (right.total, right.strict, right.facets), (q, filters)


def test_cost_is_bounded(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    long = shelf.find("停车 " * 200)
    assert long.query.clipped
    for q in ("*", "停*", "?", "~~", "/.*/", "a* b* c*", '"' * 150, "-" * 150, ":" * 100, "(((", "\\", "NOT AND OR"):
        shelf.find(q)
    monkeypatch.setattr("marketplace.search.finder.BUDGET_S", -1.0)
    with pytest.raises(TooSlow):
        shelf.find("停车")


DAMAGE: dict[str, Callable[[Path], object]] = {
    "deleted": lambda path: [file.unlink() for file in path.rglob("*") if file.is_file()],
    "truncated": lambda path: [file.write_bytes(b"") for file in path.rglob("*") if file.is_file()],
    "halved": lambda path: [
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]) for file in path.rglob("*") if file.is_file()
    ],
    "rubbish": lambda path: [file.write_bytes(b"\xff" * 999) for file in path.rglob("*") if file.is_file()],
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_damaged_index_is_unavailable_and_nothing_else(tmp_path: Path, engine: str, damage: str) -> None:
    shelf = Shelf(tmp_path / "1", engine)
    shelf.write(DOCUMENTS)
    shelf.writing.close()
    DAMAGE[damage](tmp_path / "1" / "engine")
    with pytest.raises(Unavailable):
        directory.Reading(tmp_path / "1", shelf.engine)
