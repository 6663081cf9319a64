"""Papers as PDF through typst: tagged, PDF/A-2a, PDF/UA-1, and the same bytes for the same paper.

Text reaches the template as JSON in ``sys.inputs`` and is never evaluated. Only the fonts beside this file are used, so
a paper looks the same on every machine.
"""

from __future__ import annotations

import json
import threading
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import typst

from marketplace.platform.rendering.glyphs import FONTS, LOWERED, RAISED, shown
from marketplace.platform.rendering.paper import Block, Paper
from marketplace.platform.rendering.qr import qr_svg

_TEMPLATES: Final = Path(__file__).parent / "templates"
_STANDARDS: Final[list[Literal["a-2a", "ua-1"]]] = ["a-2a", "ua-1"]
_LABELS: Final = {
    "zh": ("扫码核验原文", "指纹", "核验二维码"),
    "en": ("Scan to verify", "Fingerprint", "QR code for verification"),
}
_lock = threading.Lock()  # one compiler at a time: it holds a font cache and a paper takes milliseconds


def pdf(paper: Paper) -> bytes:
    """The paper as a PDF file."""
    with _lock:
        result = typst.compile(
            str(_TEMPLATES / "paper.typ"),
            root=str(_TEMPLATES),
            font_paths=_fonts(),
            ignore_system_fonts=True,
            sys_inputs={"paper": json.dumps(_data(paper), ensure_ascii=False)},
            format="pdf",
            pdf_standards=list(_STANDARDS),
            timestamp=int(paper.dated_at.timestamp()),
        )
    assert isinstance(result, bytes)
    return result


@cache
def _fonts() -> Any:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONTS)])


def _data(paper: Paper) -> dict[str, Any]:
    label, fingerprint, alt = _LABELS[paper.language]
    check = paper.verification
    texts = {
        name: shown(getattr(paper, name))
        for name in (
            *("title", "issuer", "head", "number", "subtitle", "addressee", "signed_by", "issued_on", "seal_note"),
            "watermark",
        )
    }
    return {
        **texts,
        "form": paper.form,
        "language": paper.language,
        "raised": RAISED,
        "lowered": LOWERED,
        "keywords": [shown(word) for word in paper.keywords],
        "running": texts["issuer"] or texts["head"],
        "blocks": [_block(block) for block in paper.blocks],
        "qr": qr_svg(check.url, border=0) if check else None,
        "qr_alt": f"{alt}：{check.url}" if check else "",
        "verify_label": label,
        "fingerprint": f"{fingerprint} {check.fingerprint[:16]}…" if check and check.fingerprint else "",
    }


def _block(block: Block) -> dict[str, Any]:
    def settable(value: Any) -> Any:
        if isinstance(value, str):
            return shown(value)
        if isinstance(value, dict):
            return {key: item if key == "align" else settable(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [settable(item) for item in value]
        return value

    return {"type": type(block).__name__, **settable(asdict(block))}
