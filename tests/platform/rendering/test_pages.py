"""Pages as pictures: readable, without metadata, and black where something is to be hidden."""

from __future__ import annotations

import re
import zlib
from datetime import UTC, datetime

import numpy as np
import pytest

from marketplace.platform.rendering import pages
from marketplace.platform.rendering.paper import Paper, Text
from marketplace.platform.rendering.pdf import pdf


@pytest.fixture(scope="module")
def paper() -> bytes:
    text = "河洛智感科技有限公司在两个城区连续运行十二个月。" * 30
    return pdf(Paper(form="sheet", title="检测报告", dated_at=datetime(2026, 1, 1, tzinfo=UTC), blocks=(Text(text),)))


def pixels(data: bytes) -> np.ndarray:
    """Of the PNGs that ``png`` writes."""
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    at = data.index(b"IDAT")
    length = int.from_bytes(data[at - 4 : at], "big")
    rows = np.frombuffer(zlib.decompress(data[at + 4 : at + 4 + length]), dtype=np.uint8).reshape(height, -1)[:, 1:]
    return rows.reshape(height, width, -1)


def hide(word: str) -> pages.Spans:
    return lambda text: [(found.start(), found.end()) for found in re.finditer(word, text)]


def test_a_page_is_drawn_and_its_text_read(paper: bytes) -> None:
    facts = pages.facts(paper)
    assert pages.page_count(paper) == len(facts)
    assert "河洛智感" in facts[0].text
    assert facts[0].images == 0
    drawn = pixels(pages.picture(paper, 1))
    assert drawn.shape[1] == pages.WIDTH
    assert (drawn < 100).any()


def test_what_is_hidden_is_black_and_nothing_else_changes(paper: bytes) -> None:
    plain, hidden = pixels(pages.picture(paper, 1)), pixels(pages.picture(paper, 1, hide=hide("河洛智感")))
    changed = (plain != hidden).any(axis=2)
    assert (hidden[changed] == 0x33).all()
    assert changed.sum() > 2_000
    everything = pixels(pages.picture(paper, 1, hide=lambda text: [(0, len(text))]))
    ink = (plain.min(axis=2) < 128) & (everything.max(axis=2) > 0x33) & (everything.min(axis=2) < 128)
    rows = np.flatnonzero(ink.any(axis=1))
    assert len(rows) < plain.shape[0] // 50  # a rule under the head at most: no ink of any letter stays


def test_pictures_carry_three_kinds_of_chunk(paper: bytes) -> None:
    names = re.findall(rb"(IHDR|IDAT|IEND|tEXt|iTXt|zTXt|eXIf|tIME)", pages.picture(paper, 1)[:60])
    assert set(names) <= {b"IHDR", b"IDAT"}


def test_a_photo_loses_what_it_tells() -> None:
    app1 = b"\xff\xe1\x00\x10Exif\0\0secret!!"
    comment = b"\xff\xfe\x00\x08secret"
    jpeg = (
        b"\xff\xd8" + app1 + comment + b"\xff\xdb\x00\x04\x00\x01\xff\xda\x00\x02\x11\xff\x00\x22\xff\xd9secret\xff\xd9"
    )
    plain = pages.plain_image(jpeg)
    assert b"secret" not in plain
    assert plain == b"\xff\xd8\xff\xdb\x00\x04\x00\x01\xff\xda\x00\x02\x11\xff\x00\x22\xff\xd9"


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7\n%%EOF\n", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a"])
def test_what_cannot_be_shown_says_so(data: bytes) -> None:
    with pytest.raises(pages.Unreadable):
        pages.plain_image(data)
    with pytest.raises(pages.Unreadable):
        pages.picture(data, 1)


def test_there_is_no_such_page(paper: bytes) -> None:
    with pytest.raises(pages.Unreadable, match="没有这一页"):
        pages.picture(paper, 99)
