"""The one writer over the real database: changes arrive, a rebuild swaps, drift is found and mended, damage is healed."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import time
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, update

from marketplace import db
from marketplace.accounts.queries import actor_of
from marketplace.alerts.percolation import Percolator
from marketplace.demands import service
from marketplace.demands.models import Demand
from marketplace.matching import service as matching
from marketplace.matching import terms
from marketplace.matching.models import MatchTerm
from marketplace.platform import outbox
from marketplace.questions import service as questions
from marketplace.questions.models import Question
from marketplace.search import directory, sources
from marketplace.search.documents import Document
from marketplace.search.index import Request, Unavailable
from marketplace.search.indexing import Indexer
from marketplace.search.place import Busy, Place
from marketplace.search.runner import Runner
from marketplace.search.service import Search
from marketplace.search.sources import Source
from marketplace.taxonomy import Label
from tests import factories
from tests.search.conftest import Site, Stage


def ids(site: Site, q: str, **more: object) -> list[str]:
    return site.search.find(q, Request(site.now, **more)).ids  # type: ignore[arg-type]


def test_publishing_changing_and_calling_back_arrive_by_the_outbox(stage: Stage, site: Site) -> None:
    demand = stage.published()
    assert ids(site, "泊位") == []
    site.catch_up()
    assert ids(site, "泊位") == [f"demand:{demand.id}"]
    demand = db.session.get_one(Demand, demand.id)
    service.withdraw(demand, reason="不再需要", actor=stage.actor("publisher"), now=stage.now)
    site.catch_up()
    found = site.search.find("泊位", Request(site.now, facets=("state",)))
    assert found.facets["state"] == {"withdrawn": 1}


def test_drafts_and_what_is_not_published_never_enter(stage: Stage, site: Site) -> None:
    for make in (stage.draft, stage.submitted, stage.returned, stage.appraising, stage.pooled):
        make(title=f"秘密泊位{make.__name__}")
    site.catch_up()
    assert ids(site, "泊位") == []
    assert site.search.suggest("秘密", site.now) == []
    reading = directory.Reading(site.place.current(), site.indexer.engine)  # type: ignore[arg-type]
    assert reading.shelf.versions() == {}


def test_answers_are_found_once_public_and_never_who_asked(stage: Stage, site: Site) -> None:
    demand = stage.published()
    asker = stage.actor("bidder")
    question = questions.ask(demand, text="能否提供泊位的历史流水？", actor=asker, now=stage.now)
    site.catch_up()
    assert ids(site, "历史流水", filters={"kind": frozenset({"answer"})}) == []
    question = db.session.get_one(Question, question.id)
    questions.answer(question, text="可以，签署保密承诺后下载。", actor=stage.actor("screener"), now=stage.now)
    site.catch_up()
    assert ids(site, "保密承诺", filters={"kind": frozenset({"answer"})}) == [f"answer:{question.id}"]
    assert ids(site, factories.organisation("firm").name) == []


def test_a_new_kind_joins_by_one_declaration(stage: Stage, site: Site) -> None:
    notes = {1: "量子纠缠示范", 2: "量子密钥分发"}
    source = Source(
        kind="note",
        label=Label("便笺", "Notes"),
        touched=lambda row: [int(row.payload["note"])] if row.topic == "note.write" else [],
        keys=lambda after, limit: [key for key in sorted(notes) if key > after][:limit],
        load=lambda keys: [Document(id=f"note:{key}", kind="note", title=notes[key]) for key in keys if key in notes],
        rows=lambda keys, view: {key: {"title": notes[key], "url": "/"} for key in keys},
    )
    sources.declare(source)
    try:
        assert site.rebuild() == 2
        assert set(ids(site, "量子")) == {"note:1", "note:2"}
        del notes[2]
        outbox.emit("note.write", {"note": 2}, at=site.now)
        site.catch_up()
        assert ids(site, "量子") == ["note:1"]
    finally:
        sources._sources.pop("note")


def test_each_host_has_its_own_index_and_position(stage: Stage, site: Site, tmp_path: Path) -> None:
    other = Place(tmp_path / "other-host")
    indexer = Indexer(other, site.indexer.engine)
    indexer.rebuild(site.now)
    search = Search(other, site.indexer.engine)
    demand = stage.published()
    site.catch_up()
    assert search.find("泊位", Request(site.now)).ids == []
    while indexer.step(site.now):
        pass
    search.refresh()
    assert search.find("泊位", Request(site.now)).ids == [f"demand:{demand.id}"]
    indexer.close()


def test_rebuild_serves_the_old_index_until_the_swap_and_loses_nothing(stage: Stage, site: Site) -> None:
    first = stage.published()
    site.catch_up()
    seen: list[int] = []

    def meanwhile(done: int, total: int) -> None:
        """A change while the new index is being built, and readers of the old one."""
        if not seen:
            stage.published(title="重建期间张榜的泊位", batch=stage.batch())
        seen.append(len(ids(site, "泊位")))

    site.indexer.rebuild(site.now, meanwhile)
    assert seen
    assert set(seen) == {1}
    site.search.refresh()
    assert len(ids(site, "泊位")) == 2
    assert f"demand:{first.id}" in ids(site, "泊位")
    assert not site.indexer.check(site.now)


def test_a_changed_dictionary_and_synonyms_take_effect_by_rebuild(stage: Stage, site: Site, tmp_path: Path) -> None:
    demand = stage.published()
    site.catch_up()
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "synonyms.txt").write_text("嘟嘟位, 泊位  # 当地叫法\n", encoding="utf-8")
    assert ids(site, "嘟嘟位") == []
    site.rebuild()
    assert ids(site, "嘟嘟位") == [f"demand:{demand.id}"]


def test_alerts_and_matching_use_the_sites_own_words_from_the_same_rebuild_on(
    app: Flask, stage: Stage, site: Site, tmp_path: Path
) -> None:
    demand = stage.published(title="路内泊位诱导与车位感知")
    site.catch_up()
    matching.keep_demands([demand.id])

    def kept() -> set[str]:
        rows = select(MatchTerm.term).where(MatchTerm.subject_id == demand.id, MatchTerm.side == "demand")
        return set(db.session.scalars(rows))

    def answers(q: str) -> bool:
        (document,) = sources.load([f"demand:{demand.id}"])[0]
        return Percolator(document, lambda facet, now: {}).answers(q, {}, site.now)

    app.extensions["search_indexer"], before = (lambda: site.indexer), app.extensions["search_indexer"]
    terms.configure(site.place.current)
    try:
        assert answers("泊位")
        assert not answers("嘟嘟位")
        assert "车位感知" not in kept()
        (tmp_path / "words").mkdir()
        (tmp_path / "words" / "synonyms.txt").write_text("嘟嘟位, 泊位  # 当地叫法\n", encoding="utf-8")
        (tmp_path / "words" / "dictionary.txt").write_text("车位感知  # 本地一词\n嘟嘟位\n", encoding="utf-8")
        assert not answers("嘟嘟位")  # nothing takes effect by itself
        done = app.test_cli_runner().invoke(args=["search", "rebuild"])
        assert (done.exit_code, "撮合" in done.output) == (0, True), done.output
        assert answers("嘟嘟位")
        assert "泊位" in terms.synonyms("嘟嘟位")
        assert "车位感知" in kept()
        again = app.test_cli_runner().invoke(args=["search", "rebuild"])
        assert "撮合" not in again.output
    finally:
        app.extensions["search_indexer"] = before
        terms.configure(lambda: None)


def test_check_finds_and_repairs_every_kind_of_drift(stage: Stage, site: Site) -> None:
    demands = [stage.published(title=f"第{n}处泊位诱导", batch=stage.batch()) for n in range(3)]
    site.catch_up()
    assert not site.indexer.check(site.now)
    # Behind the outbox's back: a changed row, one gone from the index, one that no database row has, a stray number.
    db.session.execute(update(Demand).where(Demand.id == demands[0].id).values(summary="充电桩"))
    db.session.commit()
    writing = directory.Writing(site.place.current(), site.indexer.engine)  # type: ignore[arg-type]
    ghost = Document(id="demand:999999", kind="demand", title="幽灵泊位", version=1)
    site.indexer.close()
    writing.apply([ghost], [f"demand:{demands[1].id}"], site.now)
    nid = writing.shelf.numbers([f"demand:{demands[2].id}"])[f"demand:{demands[2].id}"]
    writing.shelf.put([], [f"demand:{demands[2].id}"], writing.planner.analyzer)
    writing.close()
    found = site.indexer.check(site.now, repair=False)
    assert found.stale == [f"demand:{demands[0].id}"]
    assert set(found.missing) == {f"demand:{demands[1].id}", f"demand:{demands[2].id}"}
    assert found.extra == ["demand:999999"]
    assert found.strays == [nid]
    assert len(site.indexer.check(site.now)) == 5
    assert not site.indexer.check(site.now)
    site.search.refresh()
    assert len(ids(site, "泊位")) == 3
    assert ids(site, "充电桩") == [f"demand:{demands[0].id}"]


def test_one_writer_at_a_time(site: Site) -> None:
    with site.place.writing(), pytest.raises(Busy):
        site.indexer.step(site.now)
    with site.place.rebuilding(), pytest.raises(Busy):
        site.indexer.rebuild(site.now)
    assert site.indexer.step(site.now) == 0


def test_a_lease_of_another_host_is_respected_until_it_ends(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with site.place.writing():
        held = (site.place.root / "writer.lock").read_text()
    (site.place.root / "writer.lock").write_text(held.replace('"until": 0.0', '"until": 99999999999'))
    monkeypatch.setattr("socket.gethostname", lambda: "another-host")
    with pytest.raises(Busy):
        site.indexer.step(site.now)
    (site.place.root / "writer.lock").write_text('{"host": ')  # killed while signing
    assert site.indexer.step(site.now) == 0


def test_another_database_under_the_same_index_means_a_rebuild(stage: Stage, site: Site) -> None:
    stage.published()
    site.catch_up()
    path = site.place.current()
    assert path is not None
    site.indexer.close()
    directory.Shelf(path).set_meta(origin="7 1999-01-01T00:00:00+00:00")
    with pytest.raises(Unavailable):
        site.indexer.step(site.now)


@pytest.mark.parametrize("part", ["engine", ".", "shelf.sqlite", "dictionary.txt"])
def test_a_damaged_index_is_reported_by_its_reader_and_rebuilt_by_its_writer(
    stage: Stage, site: Site, part: str
) -> None:
    demand = stage.published()
    site.catch_up()
    site.indexer.close()
    path = site.place.current()
    assert path is not None
    target = path / part
    if target.is_dir():
        shutil.rmtree(target)
    else:
        target.write_bytes(target.read_bytes()[:100])
    fresh = Search(site.place, site.indexer.engine)
    with pytest.raises(Unavailable):
        fresh.find("泊位", Request(site.now))
    runner = Runner(site.indexer)
    runner.once()
    fresh.refresh()
    assert fresh.find("泊位", Request(site.now)).ids == [f"demand:{demand.id}"]
    assert not site.indexer.check(site.now)


def test_files_cut_short_under_an_open_reader_kill_nobody(stage: Stage, site: Site) -> None:
    """tantivy maps its files: the next query would die of SIGBUS, process and all, if it did not look first."""
    demand = stage.published()
    site.catch_up()
    site.indexer.close()
    assert ids(site, "泊位") == [f"demand:{demand.id}"]
    path = site.place.current()
    assert path is not None
    for file in (path / directory.ENGINE_FILES).iterdir():
        os.truncate(file, file.stat().st_size // 2)
    site.search._looked = time.monotonic() + 60  # the look at new commits is not due
    if site.indexer.engine.name == "tantivy":
        with pytest.raises(Unavailable):
            ids(site, "泊位")
        assert site.place.reported()
    else:
        assert ids(site, "泊位") == [f"demand:{demand.id}"]  # read whole, once


def test_a_file_that_is_still_being_written_is_no_damage(stage: Stage, site: Site) -> None:
    """A reader looks while the writer is in the middle of a segment that no commit names yet."""
    stage.published()
    site.catch_up()
    path = site.place.current()
    assert path is not None
    segment = path / directory.ENGINE_FILES / "0123456789abcdef0123456789abcdef.fast"
    segment.write_bytes(b"")
    site.search.refresh()
    segment.write_bytes(b"grown" * 100)
    site.search.refresh()
    assert len(ids(site, "泊位")) == 1
    segment.unlink()
    site.search.refresh()
    assert len(ids(site, "泊位")) == 1
    assert not site.place.reported()


def test_a_report_without_damage_costs_nothing(stage: Stage, site: Site) -> None:
    path = site.place.current()
    assert path is not None
    site.place.report(path)
    Runner(site.indexer).once()
    assert site.place.current() == path


def _hold(folder: str) -> None:
    """Take the writer's lock and die with it."""
    import os
    import signal

    with Place(Path(folder)).writing():
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_writers_lock_dies_with_it(site: Site) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_hold, args=(str(site.place.root),))
    process.start()
    process.join(60)
    assert process.exitcode == -9
    assert site.indexer.step(site.now) == 0


def test_a_scheduled_demand_is_found_once_its_instant_has_come(stage: Stage, site: Site) -> None:
    demand = stage.pooled(title="定时张榜的泊位")
    at = site.now + timedelta(hours=2)
    batch = stage.batch()
    first = service.first_deadlines([demand], visible_from=at)[demand.id]
    service.post_batch(
        batch, [demand], visible_from=at, deadlines={demand.id: first}, custody="1-of-1", custodians=[],
        document_number="", actor=actor_of(factories.person("publisher")), now=site.now,
    )  # fmt: skip
    site.catch_up()
    assert ids(site, "泊位") == []
    assert site.search.suggest("定时", site.now) == []
    assert demand.number is not None
    assert site.search.suggest(demand.number[:9], site.now) == []
    assert site.search.find("泊位", Request(at)).ids == []  # it is not in the index at all
    assert not site.indexer.check(site.now)
    site.now = at
    assert site.indexer.step(at) == 1  # by the clock alone: nothing has happened in the outbox
    site.catch_up()
    assert ids(site, "泊位") == [f"demand:{demand.id}"]
    assert [item.id for item in site.search.suggest(demand.number[:12], at)] == [f"demand:{demand.id}"]
    assert not site.indexer.check(at)
    site.rebuild()
    assert ids(site, "泊位") == [f"demand:{demand.id}"]


def test_commands_rebuild_and_check(app: Flask, stage: Stage, site: Site) -> None:
    app.extensions["search_indexer"], before = (lambda: site.indexer), app.extensions["search_indexer"]
    try:
        demand = stage.published()
        runner = app.test_cli_runner()
        done = runner.invoke(args=["search", "rebuild"])
        assert (done.exit_code, "1 个文档" in done.output) == (0, True), done.output
        db.session.execute(update(Demand).where(Demand.id == demand.id).values(summary="改过的摘要"))
        db.session.commit()
        told = runner.invoke(args=["search", "check", "--no-repair"])
        assert (told.exit_code, f"旧 demand:{demand.id}" in told.output) == (2, True), told.output
        mended = runner.invoke(args=["search", "check"])
        assert (mended.exit_code, "已修复" in mended.output) == (0, True)
        clean = runner.invoke(args=["search", "check", "--no-repair"])
        assert (clean.exit_code, "缺 0，旧 0，多 0" in clean.output) == (0, True)
        shutil.rmtree(site.place.root)
        gone = runner.invoke(args=["search", "check"])
        assert (gone.exit_code, "search rebuild" in gone.output) == (1, True)
    finally:
        app.extensions["search_indexer"] = before
