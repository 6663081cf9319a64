"""What is taken and what is not, by content."""

import io
import zipfile

import docx
import pytest
import xlsxwriter

from marketplace.platform.files import BadFile, check_bytes
from marketplace.platform.files import kinds as module

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d4944415478da63fccf5009000384018087d2f0910000000049454e44ae426082"
)
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + b"\x00" * 64 + b"\xff\xd9"
EXE = b"MZ\x90\x00\x03" + b"\x00" * 200


def word() -> bytes:
    out = io.BytesIO()
    docx.Document().save(out)
    return out.getvalue()


def excel() -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        book.add_worksheet().write(0, 0, "需求")
    return out.getvalue()


def archive(entries: dict[str, bytes], *, base: bytes = b"") -> bytes:
    out = io.BytesIO(base)
    with zipfile.ZipFile(out, "a" if base else "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in entries.items():
            target.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "mime"),
    [
        ("方案.pdf", PDF, "application/pdf"),
        ("图.PNG", PNG, "image/png"),
        ("图.jpeg", JPEG, "image/jpeg"),
        ("方案.docx", word(), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("清单.xlsx", excel(), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("版式.ofd", archive({"OFD.xml": b"<x/>"}), "application/ofd"),
        ("包.zip", archive({"内/方案.txt": b"a"}), "application/zip"),
        ("表.csv", "名称,预算\n停车,386".encode(), "text/csv"),
        ("表.csv", "\ufeff名称,预算".encode(), "text/csv"),
        ("表.txt", "名称，预算".encode("gb18030"), "text/plain"),
    ],
)
def test_taken(name, data, mime):
    assert check_bytes(name, data).mime == mime


BOMB = archive({f"{number}.txt": b"\x00" * 2_000_000 for number in range(3)})


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.exe", EXE, "type"),
        ("a.html", b"<html>", "type"),
        ("a.svg", b"<svg/>", "type"),
        ("a.docm", archive({"word/document.xml": b""}), "type"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "type"),
        ("a", PDF, "type"),
        ("报价\u202efdp.exe", PDF, "type"),
        ("a.pdf", b"", "empty"),
        ("a.pdf", EXE, "mismatch"),
        ("a.pdf", b"\n\n" + PDF, "mismatch"),
        ("a.pdf", b"<html><script>alert(1)</script>%PDF-1.7", "mismatch"),
        ("a.png", JPEG, "mismatch"),
        ("a.jpg", PDF, "mismatch"),
        ("a.docx", PDF, "mismatch"),
        ("a.docx", excel(), "mismatch"),
        ("a.xlsx", archive({"a.txt": b"a"}), "mismatch"),
        ("a.csv", b"<script>alert(1)</script>", "mismatch"),
        ("a.csv", b"\xef\xbb\xbf \n<html>", "mismatch"),
        ("a.txt", b"a\x00b", "mismatch"),
        ("a.txt", "报价".encode()[:-1], "mismatch"),
        ("a.zip", PDF, "mismatch"),
        ("a.zip", b"PK\x03\x04" + b"x" * 100, "damaged"),
        ("a.docx", word()[:-40], "damaged"),
        ("a.pdf", archive({"a.exe": EXE}, base=PDF), "polyglot"),
        ("a.png", archive({"a.exe": EXE}, base=PNG), "polyglot"),
        ("a.txt", b"hello", None),
        ("a.zip", BOMB, "bomb"),
        ("a.zip", archive({"../../etc/cron.d/x": b"a"}), "path"),
        ("a.zip", archive({"/etc/passwd": b"a"}), "path"),
        ("a.zip", archive({"C:\\x": b"a"}), "path"),
        ("a.docx", archive({"word/vbaProject.bin": b"a"}, base=word()), "macro"),
        ("a.docx", archive({"word/activeX/activeX1.bin": b"a"}, base=word()), "macro"),
        ("a.xlsx", archive({"xl/macrosheets/sheet1.xml": b"a"}, base=excel()), "macro"),
        ("a.docx", archive({"x.xml": b'<?xml version="1.0"?><!DOCTYPE a SYSTEM "file:///x">'}, base=word()), "dtd"),
        ("a.docx", archive({"x.xml": '<!DOCTYPE a>'.encode("utf-16")}, base=word()), "dtd"),
    ],
)  # fmt: skip
def test_refused_with_its_code(name, data, code):
    if code is None:
        assert check_bytes(name, data)
        return
    with pytest.raises(BadFile) as caught:
        check_bytes(name, data)
    assert caught.value.code == code
    assert caught.value.zh.endswith("。")
    assert caught.value.en.endswith(".")


def test_entries_that_share_bytes_are_a_bomb():
    """Fifield's construction: many directory entries point at one local file."""
    data = bytearray(archive({"a.txt": b"a" * 1000}))
    start = data.rindex(b"PK\x01\x02")
    end = data.rindex(b"PK\x05\x06")
    record = bytes(data[start:end])
    trailer = bytearray(data[end:])
    trailer[8:12] = (3).to_bytes(2, "little") * 2
    trailer[12:16] = (3 * len(record)).to_bytes(4, "little")
    with pytest.raises(BadFile) as caught:
        check_bytes("a.zip", bytes(data[:start]) + record * 3 + bytes(trailer))
    assert caught.value.code == "bomb"


def test_an_encrypted_archive_cannot_be_checked():
    data = bytearray(archive({"a.txt": b"a"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    with pytest.raises(BadFile) as caught:
        check_bytes("a.zip", bytes(data))
    assert caught.value.code == "encrypted"


def test_too_many_entries():
    with pytest.raises(BadFile) as caught:
        check_bytes("a.zip", archive({f"{number}.txt": b"" for number in range(module.MAX_ENTRIES + 1)}))
    assert caught.value.code == "bomb"


def test_a_field_may_allow_less():
    with pytest.raises(BadFile, match=r"可以上传：png、jpg、jpeg。"):
        check_bytes("a.pdf", PDF, allowed=module.IMAGES)


def test_old_office_files_are_told_what_to_do():
    with pytest.raises(BadFile, match=r"另存为\.docx或PDF"):
        check_bytes("a.wps", b"x")


def test_the_file_is_left_at_its_start():
    file = io.BytesIO(PDF)
    file.read()
    module.check("a.pdf", file)
    assert file.tell() == 0
