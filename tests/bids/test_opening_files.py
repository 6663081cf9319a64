"""Hostile files: what each is found to be at the opening. A finding never voids the bid; a scanner that is down means
*not scanned*."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from marketplace.bids import queries
from marketplace.bids.models import BidFile
from marketplace.bids.rules import BidState
from marketplace.platform import clock
from marketplace.platform.files import LocalStorage
from marketplace.platform.sealing.manifest import FILES_LIMIT
from marketplace.platform.sealing.seal import Content
from tests.bids import making
from tests.demands.conftest import Stage
from tests.platform.files.test_kinds import BOMB, EXE, JPEG, PDF, PNG, archive, excel, word
from tests.sealing.bench import attachment

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
NESTED = archive({"inner.zip": BOMB})
DOCM = archive({"word/vbaProject.bin": b"a"}, base=word())
XXE = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'

# (name as sealed, bytes, finding; "" for a file that is what it says)
HOSTILE: list[tuple[str, bytes, str]] = [
    ("a.exe", EXE, "type"),
    ("a.dll", EXE, "type"),
    ("a.com", EICAR, "type"),
    ("a.bat", b"del *", "type"),
    ("a.sh", b"#!/bin/sh\nrm -rf /", "type"),
    ("a.ps1", b"Remove-Item", "type"),
    ("a.js", b"alert(1)", "type"),
    ("a.html", b"<html><script>alert(1)</script>", "type"),
    ("a.svg", b"<svg onload='alert(1)'/>", "type"),
    ("a.xml", XXE, "type"),
    ("a.docm", DOCM, "type"),
    ("a.xlsm", excel(), "type"),
    ("a.pptm", word(), "type"),
    ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "type"),
    ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "type"),
    ("a.rtf", b"{\\rtf1\\object}", "type"),
    ("a.lnk", b"L\x00\x00\x00", "type"),
    ("a.iso", bytes(2048), "type"),
    ("a.jar", archive({"META-INF/MANIFEST.MF": b"x"}), "type"),
    ("a.rar", b"Rar!\x1a\x07\x00", "type"),
    ("a.7z", b"7z\xbc\xaf\x27\x1c", "type"),
    ("a.php", b"<?php system('id');", "type"),
    ("没有扩展名", PDF, "type"),
    ("a.pdf.exe", EXE, "type"),
    ("报价\u202efdp.exe", EXE, "name,type"),
    ("报价\u202excod.pdf", PDF, "name"),
    ("a\u200b.pdf", PDF, "name"),
    ("../../etc/cron.d/x.pdf", PDF, "name"),
    ("/etc/passwd.pdf", PDF, "name"),
    ("..\\..\\windows\\a.pdf", PDF, "name"),
    ("a\x00.pdf", PDF, "name"),
    ("a.pdf", b"", "empty"),
    ("b.docx", b"", "empty"),
    ("c.pdf", EXE, "mismatch"),
    ("d.pdf", b"\n\n" + PDF, "mismatch"),
    ("e.pdf", b"<html><script>alert(1)</script>%PDF-1.7", "mismatch"),
    ("f.pdf", EICAR, "mismatch"),
    ("a.png", JPEG, "mismatch"),
    ("a.jpg", PDF, "mismatch"),
    ("b.png", b"<svg/>", "mismatch"),
    ("a.docx", PDF, "mismatch"),
    ("c.docx", excel(), "mismatch"),
    ("a.xlsx", archive({"a.txt": b"a"}), "mismatch"),
    ("a.pptx", word(), "mismatch"),
    ("a.ofd", archive({"a.txt": b"a"}), "mismatch"),
    ("a.csv", b"<script>alert(1)</script>", "mismatch"),
    ("b.csv", b"\xef\xbb\xbf \n<html>", "mismatch"),
    ("a.txt", b"a\x00b", "mismatch"),
    ("a.zip", PDF, "mismatch"),
    ("b.zip", b"PK\x03\x04" + b"x" * 100, "damaged"),
    ("d.docx", word()[:-40], "damaged"),
    ("g.pdf", archive({"a.exe": EXE}, base=PDF), "polyglot"),
    ("c.png", archive({"a.exe": EXE}, base=PNG), "polyglot"),
    ("c.zip", BOMB, "bomb"),
    ("d.zip", archive({"../../etc/cron.d/x": b"a"}), "path"),
    ("e.zip", archive({"/etc/passwd": b"a"}), "path"),
    ("f.zip", archive({"C:\\x": b"a"}), "path"),
    ("e.docx", DOCM, "macro"),
    ("f.docx", archive({"word/activeX/activeX1.bin": b"a"}, base=word()), "macro"),
    ("b.xlsx", archive({"xl/macrosheets/sheet1.xml": b"a"}, base=excel()), "macro"),
    ("g.docx", archive({"x.xml": XXE}, base=word()), "dtd"),
    ("h.docx", archive({"x.xml": "<!DOCTYPE a>".encode("utf-16")}, base=word()), "dtd"),
    ("eicar.txt", EICAR, ""),  # harmless as a text; it is the scanner that knows it
    ("方案.pdf", PDF, ""),
    ("方案.docx", word(), ""),
    ("清单.xlsx", excel(), ""),
]


class Scanner:
    """A clamd that knows one virus. What it speaks is its INSTREAM protocol; it runs on a port of this machine."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                link, _ = self.socket.accept()
            except OSError:
                return
            with link, link.makefile("rb") as stream:
                assert stream.read(10) == b"zINSTREAM\0"
                data = b""
                while length := int.from_bytes(stream.read(4), "big"):
                    data += stream.read(length)
                link.sendall(b"stream: Eicar-Test-Signature FOUND\0" if EICAR in data else b"stream: OK\0")


@pytest.fixture
def scanner() -> Iterator[Scanner]:
    made = Scanner()
    yield made
    made.socket.close()


def opened(
    stage: Stage, storage: LocalStorage, files: list[tuple[str, bytes, str]], scanner: str | None
) -> list[BidFile]:
    demand = stage.published()
    content = {
        "technical": Content({"plan": "x"}, tuple(attachment(name, data, "material") for name, data, _ in files)),
        "price": Content({"total_fen": 100}),
    }
    making.seal_all(demand, [content], storage=storage)
    making.close(demand)
    assert making.open_stage(demand, storage=storage, scanner=scanner)
    bid = making.bid_of(demand, "bidder")
    assert bid.state is BidState.OPENED
    rows = queries.opened_files(bid)
    for row, (_, data, _) in zip(rows, files, strict=True):
        assert b"".join(queries.file_chunks(bid, row, storage=storage)) == data
    return rows


def test_sixty_hostile_files_have_their_verdict(stage: Stage, storage: LocalStorage) -> None:
    assert len([item for item in HOSTILE if item[2]]) >= 60
    for start in range(0, len(HOSTILE), FILES_LIMIT):
        files = HOSTILE[start : start + FILES_LIMIT]
        rows = opened(Stage(clock.site_now()), storage, files, None)
        assert [(name, row.finding) for row, (name, _, _) in zip(rows, files, strict=True)] == [
            (name, finding) for name, _, finding in files
        ]
        assert {row.scan for row in rows} == {"not_scanned"}
        for row in rows:
            assert not any(char in row.name for char in "/\\\x00\u202e\u200b")
            assert not row.name.startswith(".")


def test_the_scanner_tells_what_only_it_knows(stage: Stage, storage: LocalStorage, scanner: Scanner) -> None:
    files = [("eicar.txt", EICAR, "infected"), ("方案.pdf", PDF, ""), ("a.com", EICAR, "type,infected")]
    rows = opened(stage, storage, files, scanner.address)
    assert [(row.finding, row.scan) for row in rows] == [
        ("infected", "infected"),
        ("", "clean"),
        ("type,infected", "infected"),
    ]


def test_a_scanner_that_is_down_never_says_clean(stage: Stage, storage: LocalStorage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = f"127.0.0.1:{gone.getsockname()[1]}"
    rows = opened(stage, storage, [("方案.pdf", PDF, "")], address)
    assert [row.scan for row in rows] == ["not_scanned"]
