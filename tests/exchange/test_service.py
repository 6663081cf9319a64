"""Uploaded lists on a real database: read in the background, decided row by row, confirmed all at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import InvalidOperation
from pathlib import Path

import pytest
from sqlalchemy import select, update

from marketplace import db
from marketplace.demands import service as demands
from marketplace.demands.content import DemandContent
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.exchange import queries, service
from marketplace.exchange.models import ImportBatch, ImportRow
from marketplace.exchange.rules import ImportState, Outcome
from marketplace.platform.audit import AuditDetail
from marketplace.platform.errors import Conflict, Forbidden, Invalid, Refused
from marketplace.platform.files import LocalStorage, put_bytes
from marketplace.platform.policy import Actor
from tests.exchange.lists import GOOD, workbook
from tests.factories import organisation

DATA = Path(__file__).parents[1] / "data"
NOW = datetime(2026, 6, 1, 2, 0, tzinfo=UTC)
ActorOf = Callable[[str], Actor]


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path)


@pytest.fixture
def read_in(storage: LocalStorage, actor: ActorOf) -> Callable[[bytes], ImportBatch]:
    """Upload as the screener and let the worker read it."""

    def read(data: bytes, name: str = "清单.xlsx") -> ImportBatch:
        stored = put_bytes(storage, data)
        source = service.upload(stored, name=name, batch_id=None, actor=actor("screener"), now=NOW)
        db.session.commit()
        key = source.id
        assert service.read_waiting(storage, NOW) == 1
        found = db.session.get(ImportBatch, key)
        assert found is not None
        return found

    return read


def rows_of(source: ImportBatch) -> list[ImportRow]:
    return list(db.session.scalars(queries.rows(source)))


def test_the_worker_reads_what_was_uploaded(read_in: Callable[..., ImportBatch]) -> None:
    source = read_in((DATA / "scenes-messy.xlsx").read_bytes())
    assert (source.state, source.total_rows) == (ImportState.OPEN, 53)
    assert queries.counts(source) == {"todo": 53, "ready": 0, "created": 0, "merged": 0, "refused": 0, "all": 53}
    assert [item["reason"] for item in queries.skipped(source)] == ["title", "title", "header", "total", "footer"]


def test_an_unreadable_file_says_why(read_in: Callable[..., ImportBatch]) -> None:
    source = read_in(b"just some words\nand more\n", "x.csv")
    assert source.state is ImportState.UNREADABLE
    assert "没有找到表头" in source.problem


def test_a_list_is_read_once(read_in: Callable[..., ImportBatch], storage: LocalStorage) -> None:
    source = read_in(workbook(GOOD))
    assert service.read_waiting(storage, NOW) == 0
    assert len(rows_of(source)) == 1


def test_the_sample_from_upload_to_drafts(read_in: Callable[..., ImportBatch], actor: ActorOf) -> None:
    """Every one of the 53 rows ends as created, merged or refused with a reason."""
    screener = actor("screener")
    source = read_in((DATA / "scenes-messy.xlsx").read_bytes())
    with pytest.raises(Refused, match="还不能导入"):
        service.confirm(source, actor=screener, now=NOW)
    host = organisation("host").id
    names = [name for name, _ in queries.unmatched_units(source)]
    service.match_units(source, dict.fromkeys(names, host), actor=screener, now=NOW)
    assert queries.counts(source)["todo"] == 2
    by_row = {row.row_number: row for row in rows_of(source)}
    service.merge(by_row[60], actor=screener, now=NOW)
    service.refuse([by_row[61]], reason="没有名称，已请单位补报", actor=screener, now=NOW)
    created = service.confirm(source, actor=screener, now=NOW)
    assert len(created) == 51
    assert queries.counts(source) == {"todo": 0, "ready": 0, "created": 51, "merged": 1, "refused": 1, "all": 53}
    assert {demand.state for demand in created} == {State.DRAFT}
    assert by_row[60].merged_row_id == by_row[7].id
    first = next(demand for demand in created if demand.title == "公共交通特征调查")
    said = first.said
    assert (said.budget_fen, said.deliver_by, said.industries) == (
        120_000_000,
        date(2026, 10, 30),
        ("computing", "newit"),
    )
    assert said.background.startswith("报送单位：上海市交通委员会。")
    assert said.contact_phone == "13800001033"
    formula = next(demand for demand in created if demand.title.startswith("=HYPERLINK"))
    assert "报送时间：2026-02-30" in formula.said.content


def test_units_are_matched_by_full_or_short_name(read_in: Callable[..., ImportBatch]) -> None:
    other = [*GOOD[:1], "不在平台上的单位", *GOOD[2:]]
    first, second = rows_of(read_in(workbook(GOOD, ["另一个园区需求", *other[1:]])))
    assert first.unit_id == organisation("unit").id
    assert second.unit_id is None


def test_confirming_is_all_or_nothing(read_in: Callable[..., ImportBatch], actor: ActorOf) -> None:
    """The second row breaks in the middle of the act: not even the first becomes a draft."""
    source = read_in(workbook(GOOD, ["另一个园区需求", *GOOD[1:]]))
    broken = rows_of(source)[1]
    broken.values = {**broken.values, "budget_wan": "no figure"}
    db.session.commit()
    with pytest.raises(InvalidOperation), db.session.begin_nested():
        service.confirm(source, actor=actor("screener"), now=NOW)
    db.session.expire_all()
    assert db.session.scalars(select(Demand).where(Demand.origin_kind == "import")).all() == []
    assert {row.outcome for row in rows_of(source)} == {Outcome.PENDING}
    assert source.state is ImportState.OPEN


def test_a_list_is_confirmed_once(read_in: Callable[..., ImportBatch], actor: ActorOf) -> None:
    source = read_in(workbook(GOOD))
    service.confirm(source, actor=actor("screener"), now=NOW)
    with pytest.raises(Forbidden, match="处理完毕"):
        service.confirm(source, actor=actor("screener"), now=NOW)


def test_a_correction_is_read_like_the_file(read_in: Callable[..., ImportBatch], actor: ActorOf) -> None:
    row = rows_of(read_in(workbook(["", *GOOD[1:5], "80-120万元", *GOOD[6:]])))[0]
    assert row.status == "error"
    service.correct(
        row, {"title": "园区停车诱导改造", "budget": "约100万元"}, unit_id=row.unit_id, actor=actor("screener"), now=NOW
    )
    assert (row.status, row.title, row.values["budget_wan"], row.values["budget_note"]) == (
        "ok",
        "园区停车诱导改造",
        "100",
        "约",
    )
    assert row.raw["F2"] == "80-120万元"
    assert row.corrected_at == NOW


def test_a_correction_may_reveal_a_duplicate(read_in: Callable[..., ImportBatch], actor: ActorOf) -> None:
    first, second = rows_of(read_in(workbook(GOOD, ["另一个园区需求", *GOOD[1:]])))
    service.correct(second, {"title": "园区停车·诱导改造"}, unit_id=second.unit_id, actor=actor("screener"), now=NOW)
    assert (second.status, second.duplicate_of) == ("duplicate", first.place)


def test_a_merge_fills_only_what_the_other_did_not_say(read_in: Callable[..., ImportBatch], actor: ActorOf) -> None:
    vague = [*GOOD[:5], "面议", None, *GOOD[7:]]
    first, second = rows_of(read_in(workbook(vague, [*GOOD[:4], "别的说法", *GOOD[5:]])))
    service.merge(second, actor=actor("screener"), now=NOW)
    assert (first.values["budget_wan"], first.values["deadline"], first.values["need"]) == (
        "120",
        "2029-10-30",
        "诱导屏联网",
    )
    assert "merge.filled" in [item["code"] for item in first.messages]
    with pytest.raises(Refused, match="先恢复合并进来的行"):
        service.refuse([first], reason="重复", actor=actor("screener"), now=NOW)


def test_a_twin_on_the_site_is_found_and_left_as_it_is(read_in: Callable[..., ImportBatch], actor: ActorOf) -> None:
    known = demands.create(
        unit=organisation("unit"), content=DemandContent(title="园区停车诱导改造"), actor=actor("drafter"), now=NOW
    )
    db.session.commit()
    row = rows_of(read_in(workbook([GOOD[0], "郑新高新区城市管理局", *GOOD[2:]])))[0]
    assert (row.status, row.duplicate_of) == ("duplicate", known.key)
    service.merge(row, actor=actor("screener"), now=NOW)
    assert row.merged_demand_id == known.id
    assert known.said.budget_fen is None


def test_a_kept_duplicate_becomes_a_draft(read_in: Callable[..., ImportBatch], actor: ActorOf) -> None:
    source = read_in(workbook(GOOD, GOOD))
    service.keep(rows_of(source)[1], actor=actor("screener"), now=NOW)
    assert len(service.confirm(source, actor=actor("screener"), now=NOW)) == 2


def test_a_refusal_needs_a_reason_and_can_be_taken_back(read_in: Callable[..., ImportBatch], actor: ActorOf) -> None:
    row = rows_of(read_in(workbook(GOOD)))[0]
    with pytest.raises(Invalid, match="理由"):
        service.refuse([row], reason="  ", actor=actor("screener"), now=NOW)
    service.refuse([row], reason="不属本批范围", actor=actor("screener"), now=NOW)
    with pytest.raises(Refused, match="已经处理过"):
        service.keep(row, actor=actor("screener"), now=NOW)
    service.restore(row, actor=actor("screener"), now=NOW)
    assert (row.outcome, row.reason) == (Outcome.PENDING, "")


def test_a_cancelled_list_makes_nothing(read_in: Callable[..., ImportBatch], actor: ActorOf) -> None:
    source = read_in(workbook(GOOD))
    service.cancel(source, actor=actor("screener"), now=NOW)
    with pytest.raises(Forbidden):
        service.confirm(source, actor=actor("screener"), now=NOW)


@pytest.mark.parametrize("who", ["publisher", "drafter", "bidder", "supervisor", "sysadmin"])
def test_only_screeners_decide(read_in: Callable[..., ImportBatch], actor: ActorOf, who: str) -> None:
    source = read_in(workbook(GOOD))
    row = rows_of(source)[0]
    for act in (
        lambda: service.confirm(source, actor=actor(who), now=NOW),
        lambda: service.cancel(source, actor=actor(who), now=NOW),
        lambda: service.refuse([row], reason="x", actor=actor(who), now=NOW),
        lambda: service.correct(row, {}, unit_id=None, actor=actor(who), now=NOW),
        lambda: service.match_units(source, {}, actor=actor(who), now=NOW),
    ):
        with pytest.raises(Forbidden, match="受理员"):
            act()


def test_every_decision_leaves_a_leaf(read_in: Callable[..., ImportBatch], actor: ActorOf) -> None:
    source = read_in(workbook(GOOD, GOOD))
    service.merge(rows_of(source)[1], actor=actor("screener"), now=NOW)
    service.confirm(source, actor=actor("screener"), now=NOW)
    db.session.commit()
    kinds = db.session.scalars(
        select(AuditDetail.kind).where(AuditDetail.subject == source.audit_subject).order_by(AuditDetail.seq)
    ).all()
    assert kinds == ["import.upload", "import.merged", "import.confirm"]


def test_many_rows_are_marked_by_one_statement(
    read_in: Callable[..., ImportBatch], actor: ActorOf, count_queries: list[str]
) -> None:
    source = read_in(workbook(*([f"第{number}处路口的信号配时", *GOOD[1:]] for number in range(30))))
    count_queries.clear()
    created = service.confirm(source, actor=actor("screener"), now=NOW)
    assert len([statement for statement in count_queries if statement.startswith("UPDATE import_row")]) == 1
    assert [(row.outcome, row.demand_id) for row in rows_of(source)] == [
        (Outcome.CREATED, demand.id) for demand in created
    ]


def test_a_row_changed_meanwhile_stops_the_whole_import(
    read_in: Callable[..., ImportBatch], actor: ActorOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody saves a row between our reading and our writing: 409, and nothing is created."""
    source = read_in(workbook(GOOD))
    create_all = demands.create_all

    def meanwhile(*args: object, **options: object) -> object:
        db.session.connection().execute(update(ImportRow.__table__).values(version=ImportRow.__table__.c.version + 1))
        return create_all(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(demands, "create_all", meanwhile)
    with pytest.raises(Conflict, match="刚被别人改过"), db.session.begin_nested():
        service.confirm(source, actor=actor("screener"), now=NOW)
    db.session.expire_all()
    assert db.session.scalars(select(Demand).where(Demand.origin_kind == "import")).all() == []
