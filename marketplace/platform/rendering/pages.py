"""Pages of a PDF as pictures and as text, for reading a file in the page without handing out the file.

A picture carries no metadata, links, scripts or hidden layers. PDFium is not thread-safe: one lock for all of it.
"""

from __future__ import annotations

import ctypes
import struct
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pypdfium2 as pdfium
from pypdfium2 import raw

WIDTH: Final = 1100  # pixels of a page's picture
MAX_PIXELS: Final = 4_000_000
MAX_PAGES: Final = 400
_GREY: Final = 0x33
_lock = threading.Lock()

Spans = Callable[[str], Sequence[tuple[int, int]]]
"""Half-open character ranges of a page's text that must not be seen."""


class Unreadable(ValueError):
    """Not a PDF that can be shown: damaged, locked, or without such a page."""


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What a page holds: its text in the file's order, and how many pictures."""

    text: str
    images: int


@contextmanager
def _document(data: bytes) -> Iterator[Any]:
    with _lock:
        try:
            document = pdfium.PdfDocument(data)
        except pdfium.PdfiumError as error:
            raise Unreadable("这份PDF已损坏或加了密码，无法显示。") from error
        try:
            yield document
        finally:
            document.close()


def page_count(data: bytes) -> int:
    """How many pages, at most ``MAX_PAGES``."""
    with _document(data) as document:
        return min(len(document), MAX_PAGES)


def facts(data: bytes) -> list[PageFacts]:
    """Text and number of pictures of every page."""
    found = []
    with _document(data) as document:
        for index in range(min(len(document), MAX_PAGES)):
            page = document[index]
            images = sum(1 for _ in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE]))
            found.append(PageFacts(_text(page), images))
            page.close()
    return found


def _text(page: Any) -> str:
    textpage = page.get_textpage()
    try:
        return "".join(_character(textpage, index) for index in range(textpage.count_chars()))
    finally:
        textpage.close()


def _character(textpage: Any, index: int) -> str:
    code = raw.FPDFText_GetUnicode(textpage, index)
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else " "


def picture(data: bytes, number: int, *, hide: Spans | None = None, images: bool = True) -> bytes:
    """Page ``number`` (from 1) as a PNG. ``hide`` blackens what stands there; without ``images`` pictures are left out.

    Raises ``Unreadable``.
    """
    with _document(data) as document:
        if not 1 <= number <= min(len(document), MAX_PAGES):
            raise Unreadable("没有这一页。")
        page = document[number - 1]
        if not images:
            for item in list(page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=1)):
                page.remove_obj(item)
        width, height = page.get_size()
        scale = min(WIDTH / max(width, 1), (MAX_PIXELS / max(width * height, 1)) ** 0.5)
        bitmap = page.render(scale=scale, may_draw_forms=False, draw_annots=False)
        pixels = bitmap.to_numpy()[:, :, :3].copy()
        if hide is not None:
            _blacken(page, pixels, hide)
        page.close()
    return png(pixels[:, :, ::-1])


def _blacken(page: Any, pixels: Any, hide: Spans) -> None:
    textpage = page.get_textpage()
    try:
        text = "".join(_character(textpage, index) for index in range(textpage.count_chars()))
        for start, end in hide(text):
            for index in range(start, end):
                _box(page, textpage, index, pixels)
    finally:
        textpage.close()


def _box(page: Any, textpage: Any, index: int, pixels: Any) -> None:
    """One character's box, in the pixels of the rendered page whatever its rotation; a little larger than the ink."""
    left, bottom, right, top = textpage.get_charbox(index, loose=True)
    height, width = pixels.shape[:2]
    corners = []
    for x, y in ((left, bottom), (right, top)):
        device_x, device_y = ctypes.c_int(), ctypes.c_int()
        raw.FPDF_PageToDevice(page, 0, 0, width, height, 0, x, y, device_x, device_y)
        corners.append((device_x.value, device_y.value))
    (x1, y1), (x2, y2) = corners
    pixels[max(min(y1, y2) - 1, 0) : max(y1, y2) + 2, max(min(x1, x2) - 1, 0) : max(x1, x2) + 2] = _GREY


def png(pixels: Any) -> bytes:
    """RGB pixels (height, width, 3) as a PNG of three chunks and nothing else; grey where no pixel has a colour."""
    grey = bool((pixels[:, :, 0] == pixels[:, :, 1]).all() and (pixels[:, :, 1] == pixels[:, :, 2]).all())
    plane = np.ascontiguousarray(pixels[:, :, 0] if grey else pixels)
    height, width = plane.shape[:2]
    rows = np.zeros((height, 1 + plane.reshape(height, -1).shape[1]), dtype=np.uint8)
    rows[:, 1:] = plane.reshape(height, -1)
    head = struct.pack(">IIBBBBB", width, height, 8, 0 if grey else 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows.tobytes(), 4)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, body) for name, body in chunks)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


_PNG_KEPT: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})


def plain_image(data: bytes) -> bytes:
    """A PNG or JPEG without anything but the picture: no texts, dates, places, previews or trailing bytes.

    Raises ``Unreadable`` for anything else.
    """
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _plain_png(data)
    if data.startswith(b"\xff\xd8"):
        return _plain_jpeg(data)
    raise Unreadable("这不是可以显示的图片。")


def _plain_png(data: bytes) -> bytes:
    out, at = [data[:8]], 8
    while at + 12 <= len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        name, end = data[at + 4 : at + 8], at + 12 + length
        if name in _PNG_KEPT and end <= len(data):
            out.append(data[at:end])
        at = end
        if name == b"IEND":
            return b"".join(out)
    raise Unreadable("图片不完整，无法显示。")


def _plain_jpeg(data: bytes) -> bytes:
    """Segments without APPn (but Adobe's colour mark, APP14) and comments, up to the end of the image."""
    out, at = [b"\xff\xd8"], 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            break
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        (length,) = struct.unpack(">H", data[at + 2 : at + 4])
        if marker == 0xDA:
            last = data.rfind(b"\xff\xd9")
            if last < at:
                break
            return b"".join([*out, _without_tail(data[at : last + 2])])
        if not (0xE0 <= marker <= 0xEF and marker != 0xEE) and marker != 0xFE:
            out.append(data[at : at + 2 + length])
        at += 2 + length
    raise Unreadable("图片不完整，无法显示。")


def _without_tail(scan: bytes) -> bytes:
    """A scan up to its own end of image: what follows it (a second image, an archive) is dropped."""
    at = 2
    while (at := scan.find(b"\xff", at)) >= 0 and at + 1 < len(scan):
        if scan[at + 1] == 0xD9:
            return scan[: at + 2]
        at += 2 if scan[at + 1] in (0x00, *range(0xD0, 0xD8)) else 1
    return scan
