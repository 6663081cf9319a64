"""QR codes: SVG for pages and papers, PNG for what people save or send."""

from __future__ import annotations

import io

import segno

_DARK = "#0c1d30"


def qr_svg(text: str, *, border: int = 4) -> str:
    """An ``<svg>`` element that scales with its box. It carries no alternative text: its place on the page does."""
    out = io.BytesIO()
    _code(text).save(
        out,
        kind="svg",
        border=border,
        dark=_DARK,
        xmldecl=False,
        svgclass=None,
        lineclass=None,
        omitsize=True,
        nl=False,
    )
    return out.getvalue().decode()


def qr_png(text: str, *, scale: int = 8) -> bytes:
    """Black on white, ``scale`` pixels a module, with the quiet zone that readers need."""
    out = io.BytesIO()
    _code(text).save(out, kind="png", scale=scale, border=4)
    return out.getvalue()


def _code(text: str) -> segno.QRCode:
    return segno.make(text, error="m", micro=False)
