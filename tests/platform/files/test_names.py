"""Names that people and attackers give to files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.platform.files import extension, safe_name, tricks_in
from marketplace.platform.files.names import disposition


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("技术方案（终稿）.pdf", "技术方案（终稿）.pdf"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\报价.xlsx", "报价.xlsx"),
        ("C:\\Users\\王\\报价.xlsx", "报价.xlsx"),
        ("..", "未命名"),
        ("", "未命名"),
        (" . ", "未命名"),
        (".htaccess", "htaccess"),
        ("报价\u202efdp.exe", "报价fdp.exe"),
        ("报\u200b价\x00.pdf", "报价.pdf"),
        ("a\r\nSet-Cookie: x.pdf", "a Set-Cookie_ x.pdf"),
        ('a"b|c?.pdf', "a_b_c_.pdf"),
        ("CON.pdf", "_CON.pdf"),
        ("lpt1", "_lpt1"),
        ("e\u0301.pdf", "é.pdf"),
        ("报价.pdf. . .", "报价.pdf"),
        ("目录/", "未命名"),
    ],
)
def test_made_safe(given_name, kept):
    assert safe_name(given_name) == kept


def test_a_long_name_keeps_its_ending():
    name = safe_name("方" * 300 + ".docx")
    assert name.endswith("方.docx")
    assert len(name.encode()) <= 200
    assert safe_name("方" * 300) == "方" * 66


@given(st.text(max_size=400))
def test_whatever_comes_is_safe_and_stays_so(text):
    name = safe_name(text)
    assert name
    assert len(name.encode()) <= 210
    assert not set(name) & set('<>:"|?*\\/\x00\r\n\u202e')
    assert name not in (".", "..")
    assert safe_name(name) == name


@pytest.mark.parametrize(
    ("name", "ending"), [("a.PDF", "pdf"), ("a.tar.gz", "gz"), ("a", ""), (".pdf", ""), ("a.", "")]
)
def test_endings(name, ending):
    assert extension(name) == ending


@pytest.mark.parametrize(
    ("name", "word"),
    [("报价\u202efdp.exe", "方向"), ("a\u200b.pdf", "看不见"), ("../a.pdf", "路径"), ("/etc/passwd", "路径")],
)
def test_tricks_are_named(name, word):
    reason = tricks_in(name)
    assert reason is not None
    assert word in reason


def test_an_honest_name_has_no_tricks():
    assert tricks_in("2026年 技术方案..终稿.pdf") is None


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("report.pdf", 'attachment; filename="report.pdf"'),
        ("榜单 1.xlsx", "attachment; filename=\"download.xlsx\"; filename*=UTF-8''%E6%A6%9C%E5%8D%95%201.xlsx"),
        ("无名", "attachment; filename=\"download\"; filename*=UTF-8''%E6%97%A0%E5%90%8D"),
        ('a"b\r\n.pdf', 'attachment; filename="a_b .pdf"'),
    ],
)
def test_a_download_is_named_in_ascii_on_the_wire(name: str, header: str) -> None:
    assert disposition(name) == header
    assert disposition(name, inline=True) == header.replace("attachment", "inline")
