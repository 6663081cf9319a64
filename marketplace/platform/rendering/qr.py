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


def qr_path(text: str) -> dict[str, int | str]:
    """``{size, path}`` for ``components/share.html``: the side in modules, and one subpath per dark module."""
    matrix = [list(line) for line in segno.make(text, error="m").matrix]
    dark = ((x, y) for y, line in enumerate(matrix) for x, module in enumerate(line) if module)
    return {"size": len(matrix), "path": "".join(f"M{x} {y}h1v1h-1z" for x, y in dark)}
