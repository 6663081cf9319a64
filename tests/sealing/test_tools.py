"""The offline sealer, its package, and the assembling of both tools from the modules."""

import json
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from marketplace.platform.sealing import bundle, seal_tool
from marketplace.platform.sealing.manifest import accept
from marketplace.platform.sealing.orgkey import OrganisationKey
from marketplace.platform.sealing.package import Package
from marketplace.platform.sealing.reasons import Reason, SealError
from marketplace.platform.sealing.seal_tool import SealingSheet, seal_folder
from tests.sealing.bench import REF, Office, Store, open_bid


@pytest.fixture(scope="module")
def office() -> Office:
    return Office.of("2-of-3")


@pytest.fixture
def sheet(office: Office) -> SealingSheet:
    return SealingSheet(REF, None, office.set)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "标书"
    (folder / "technical" / "plan").mkdir(parents=True)
    (folder / "technical.json").write_text('{"plan": "方案"}', "utf-8")
    (folder / "price.json").write_text('{"total_fen": 100}', "utf-8")
    (folder / "technical" / "plan" / "方案.pdf").write_bytes(b"%PDF" + bytes(2_000_000))
    (folder / "technical" / "附件.txt").write_text("x", "utf-8")
    (folder / "technical" / ".DS_Store").write_text("x", "utf-8")
    return folder


def opened(package: Package, office: Office) -> dict[str, tuple[dict[str, object], dict[str, bytes]]]:
    store = Store()
    for envelope in package.manifest.envelopes:
        for part in envelope.parts:
            store.blobs[envelope.name, part.part] = package.open(envelope.name, part.part).read()
    shares = {
        envelope.name: office.released(package.submission, package.manifest, envelope.name, (2, 3))
        for envelope in package.manifest.envelopes
    }
    return open_bid(package.manifest, shares, store, quorum=2)


EXPECTED = {
    "technical": ({"plan": "方案"}, {"方案.pdf": b"%PDF" + bytes(2_000_000), "附件.txt": b"x"}),
    "price": ({"total_fen": 100}, {}),
}


def test_a_folder_becomes_a_package(sheet: SealingSheet, folder: Path, office: Office, tmp_path: Path) -> None:
    target = tmp_path / "bid.zbq"
    submission = seal_folder(sheet, folder, OrganisationKey.generate(), target)
    data = target.read_bytes()
    assert "方案".encode() not in data
    assert b"%PDF" not in data
    with Package(target) as package:
        package.check()
        assert package.submission == submission
        assert accept(package.submission, ref=REF, replaces=None, custodians=office.set) == package.manifest
        assert opened(package, office) == EXPECTED


def test_the_published_script_alone(sheet: SealingSheet, folder: Path, office: Office, tmp_path: Path) -> None:
    own = OrganisationKey.generate()
    (tmp_path / "sheet.json").write_text(json.dumps(sheet.to_json()))
    (tmp_path / "seal_bid.py").write_bytes(Path("static/tools/seal_bid.py").read_bytes())
    command = [sys.executable, "-I", "-X", "utf8", "seal_bid.py", "sheet.json", str(folder), "bid.zbq"]

    def run(code: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=tmp_path, input=code, capture_output=True, check=False, encoding="utf-8", timeout=60
        )

    refused = run("WRONG\n")
    assert (refused.returncode, "钥匙码" in refused.stderr) == (1, True)
    assert not (tmp_path / "bid.zbq").exists()
    done = run(f"{own.code}\n")
    assert done.returncode == 0, done.stderr
    assert office.set.hash in done.stdout
    with Package(tmp_path / "bid.zbq") as package:
        package.check()
        assert package.manifest.hash in done.stdout
        assert opened(package, office) == EXPECTED
        own.unwrap(package.submission.own_wraps["technical"], ref=REF, envelope="technical")
    assert run(f"{own.code}\n").returncode == 1  # never overwrites


def test_new_keys_and_bad_sheets(
    sheet: SealingSheet, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paper, target, code = tmp_path / "sheet.json", tmp_path / "bid.zbq", tmp_path / "code.txt"
    paper.write_text(json.dumps(sheet.to_json()))
    assert seal_tool.main([str(paper), str(folder), str(target), "--new-key"]) == 0
    code.write_text(capsys.readouterr().out.split()[1])
    target.unlink()
    assert seal_tool.main([str(paper), str(folder), str(target), "--own-key", str(code)]) == 0
    target.unlink()
    assert seal_tool.main([str(paper), str(tmp_path / "none"), str(target), "--own-key", str(code)]) == 1
    (folder / "price.json").write_text("[]")
    assert seal_tool.main([str(paper), str(folder), str(target), "--own-key", str(code)]) == 1
    assert not target.exists()
    for changes, reason in (
        ({"set_hash": "00"}, Reason.MANIFEST_CUSTODIANS),
        ({"format": "x"}, Reason.MANIFEST_CUSTODIANS),
        ({"bid": "a b"}, Reason.MANIFEST_MALFORMED),
    ):
        with pytest.raises(SealError) as caught:
            SealingSheet.from_json({**sheet.to_json(), **changes})
        assert caught.value.reason is reason
    with pytest.raises(SealError):
        SealingSheet.from_json([])


def rebuilt(data: bytes, *, drop: str = "", add: str = "", spoil: str = "", pack: str = "") -> BytesIO:
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for info in old.infolist():
            content = old.read(info)
            if info.filename == spoil:
                content = content[:-1] + bytes((content[-1] ^ 1,))
            if info.filename != drop:
                method = zipfile.ZIP_DEFLATED if info.filename == pack else zipfile.ZIP_STORED
                new.writestr(info.filename, content, compress_type=method)
        if add:
            new.writestr(add, b"x")
    return BytesIO(out.getvalue())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"drop": "submission.json"}, Reason.PACKAGE),
        ({"drop": "parts/price.0"}, Reason.PACKAGE),
        ({"add": "parts/price.1"}, Reason.PACKAGE),
        ({"add": "../../etc/passwd"}, Reason.PACKAGE),
        ({"pack": "parts/technical.0"}, Reason.PACKAGE),
        ({"spoil": "parts/technical.1"}, Reason.PART_HASH),
    ],
)
def test_packages_that_were_touched(
    sheet: SealingSheet, folder: Path, tmp_path: Path, change: dict[str, str], reason: Reason
) -> None:
    seal_folder(sheet, folder, OrganisationKey.generate(), tmp_path / "bid.zbq")
    with pytest.raises(SealError) as caught, Package(rebuilt((tmp_path / "bid.zbq").read_bytes(), **change)) as package:
        package.check()
    assert caught.value.reason is reason


@pytest.mark.parametrize("data", [b"", b"PK", b"%PDF-1.7", b"{}"])
def test_what_is_no_package(data: bytes) -> None:
    with pytest.raises(SealError) as caught:
        Package(BytesIO(data))
    assert caught.value.reason is Reason.PACKAGE


def test_the_published_tools_are_these_modules() -> None:
    assert bundle.main(["--check"]) == 0, "run: python -m marketplace.platform.sealing.bundle"


def test_a_stale_tool_is_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "FOLDER", tmp_path / "tools")
    assert bundle.main(["--check"]) == 1
    assert bundle.main([]) == 0
    assert bundle.main(["--check"]) == 0
    assert {path.name for path in (tmp_path / "tools").iterdir()} == set(bundle.TOOLS)
