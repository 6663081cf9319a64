"""The log in public: checkpoint, proofs that verify, and snapshots that match."""

from __future__ import annotations

import io
import json

from sqlalchemy import update

from marketplace import db
from marketplace.platform import audit
from marketplace.platform.audit.models import AuditDetail
from marketplace.platform.audit.service import signer
from marketplace.platform.checkpoint import Verifier, open_checkpoint
from marketplace.platform.merkle import verify_consistency, verify_inclusion


def test_the_page_prints_checkpoint_and_key(visitor, stage):
    stage.published()
    page = visitor.get("/transparency")
    assert page.status == 200
    assert page.has("任何改动可被发现")
    note = visitor.get("/transparency/checkpoint").text
    assert note.splitlines()[0] in page.text
    vkey = next(pre for pre in page.html.xpath("//pre/text()") if "+" in pre.split("\n")[0]).strip()
    signed = open_checkpoint(note, [Verifier.parse(vkey)], origin=signer().name)
    assert signed.size == audit.queries.size()


def test_proofs_verify(visitor, stage):
    stage.published()
    size = audit.queries.size()
    answer = json.loads(visitor.get(f"/transparency/inclusion?seq=1&size={size}&format=json").text)
    path = [bytes.fromhex(step) for step in answer["proof"]]
    assert verify_inclusion(bytes.fromhex(answer["leaf_hash"]), 1, size, path, bytes.fromhex(answer["root"]))
    answer = json.loads(visitor.get("/transparency/consistency?first=2&format=json").text)
    path = [bytes.fromhex(step) for step in answer["proof"]]
    roots = bytes.fromhex(answer["first_root"]), bytes.fromhex(answer["second_root"])
    assert verify_consistency(2, answer["second"], path, *roots)
    assert visitor.get("/transparency/inclusion?seq=1").status == 200
    assert visitor.get("/transparency/consistency?first=2").status == 200


def test_numbers_outside_the_log_are_explained(visitor, stage):
    stage.published()
    for url in ("inclusion?seq=999999", "inclusion?seq=x", "inclusion", "consistency?first=0", "consistency?first=9x"):
        page = visitor.get(f"/transparency/{url}")
        assert page.status == 422, url
        assert page.has("没有这样的序号或大小")


def test_a_snapshot_is_found_by_number_hash_and_file(visitor, stage):
    demand = stage.published()
    version = demand.versions[-1]
    page = visitor.get(f"/verify?q={demand.number}")
    assert page.has(demand.title)
    assert visitor.get(f"/verify?q={version.sha256}").has("第1版")
    snapshot = visitor.get(f"/verify/{demand.number}/1.json").response.data
    assert snapshot == version.snapshot
    for name, body in (
        ("same", snapshot),
        ("indented", json.dumps(json.loads(snapshot), ensure_ascii=False, indent=2).encode()),
    ):
        answer = visitor.post("/verify", {"file": (io.BytesIO(body), f"{name}.json")})
        assert answer.has("与平台公布的版本一致"), name
    changed = visitor.post("/verify", {"file": (io.BytesIO(snapshot.replace(b"1", b"2")), "x.json")})
    assert changed.has("没有公布过这样的版本")


def test_what_is_not_public_is_not_found(visitor, stage):
    demand = stage.pooled()
    db.session.commit()
    assert visitor.get(f"/verify?q={demand.key}").has("没有公布过这样的版本")
    assert visitor.get("/verify/ZZGX-2026-01-009/1.json").status == 404


def test_a_missing_file_is_asked_for(visitor, session):
    page = visitor.post("/verify", {})
    assert page.status == 422
    assert page.has("请选择从需求页下载的快照文件")


def test_commands_verify_prove_and_export(app, stage):
    stage.published()
    run = app.test_cli_runner().invoke
    good = run(args=["audit", "verify"])
    assert (good.exit_code, good.output[:2]) == (0, "一致")
    assert json.loads(run(args=["audit", "prove", "0"]).output)["seq"] == 0
    assert json.loads(run(args=["audit", "consistency", "1", "2"]).output)["second"] == 2
    assert run(args=["audit", "prove", "99999"]).exit_code == 1
    lines = run(args=["audit", "export"]).stdout.splitlines()
    assert [json.loads(line)["seq"] for line in lines] == list(range(audit.queries.size()))


def test_a_changed_record_is_named(app, stage):
    stage.published()
    db.session.execute(update(AuditDetail).where(AuditDetail.seq == 2).values(data={"reason": "改了"}))
    db.session.flush()
    bad = app.test_cli_runner().invoke(args=["audit", "verify"])
    assert bad.exit_code == 1
    assert "首个有问题的序号 2" in bad.output
