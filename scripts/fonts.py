"""Makes the fonts that official papers are set in: subsets of Noto CJK, from Debian's fonts-noto-cjk.

    .venv/bin/python scripts/fonts.py [/usr/share/fonts/opentype/noto]

Two serif weights carry all characters of GB 2312 and of 《通用规范汉字表》 (8,230 Han), one sans weight those of GBK as
well (21,1xx Han) and stands in where the serif has no glyph. ``coverage.txt`` lists what any of them can show; the
renderer writes U+XXXX for the rest, so that nothing vanishes. Only kern, liga, halt, palt and ccmp are kept: with the
optional forms left in, typst picked variants that the subset no longer had, and characters such as 高 disappeared.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter, load_font, save_font

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "marketplace" / "platform" / "rendering" / "fonts"
SOURCE = Path("/usr/share/fonts/opentype/noto")
FACES = (("Serif", "Regular", "gb2312"), ("Serif", "Bold", "gb2312"), ("Sans", "Regular", "gbk"))
SIMPLIFIED = 2  # the number of the SC face in each collection
SYMBOLS = (
    *(range(0x20, 0x7F), range(0xA0, 0x180), range(0x2C6, 0x2DE), range(0x370, 0x460)),  # Latin, Greek, Cyrillic
    *(range(0x2000, 0x2070), range(0x2070, 0x20D0), range(0x2100, 0x2190)),  # punctuation, ¹₂, currency, ℃ № Ⅳ
    *(range(0x2190, 0x2600), range(0x2600, 0x27C0)),  # arrows, mathematics, ①, box drawing, ■ ▲ ○
    *(range(0x3000, 0x3400), range(0xFE10, 0xFE20), range(0xFE30, 0xFE50), range(0xFF00, 0xFFF0)),
)


def encoded_in(codec: str) -> set[int]:
    """All characters of a two-byte encoding."""
    points = set[int]()
    for lead in range(0x81, 0xFF):
        for trail in range(0x40, 0xFF):
            try:
                points.update(map(ord, bytes((lead, trail)).decode(codec)))
            except UnicodeDecodeError:
                continue
    return points


def general_standard() -> set[int]:
    """What 《通用规范汉字表》 has beyond GB 2312."""
    text = (Path(__file__).parent / "general_standard_beyond_gb2312.txt").read_text(encoding="utf-8")
    return {ord(char) for line in text.splitlines() if not line.startswith("#") for char in line}


def ranges(points: set[int]) -> list[str]:
    """``4E00-4E03`` lines."""
    result, ordered = [], sorted(points)
    start = last = ordered[0]
    for point in [*ordered[1:], -1]:
        if point != last + 1:
            result.append(f"{start:X}-{last:X}")
            start = point
        last = point
    return result


def main() -> None:
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else SOURCE
    base = {point for block in SYMBOLS for point in block} | general_standard() | encoded_in("gb2312")
    wanted = {"gb2312": base, "gbk": base | encoded_in("gbk")}
    covered = set[int]()
    for family, weight, charset in FACES:
        options = Options(
            layout_features=["kern", "liga", "halt", "palt", "ccmp"],
            hinting=False,
            font_number=SIMPLIFIED,
            name_IDs=["*"],
            name_languages=[0x409],
            notdef_outline=True,
        )
        font = load_font(str(source / f"Noto{family}CJK-{weight}.ttc"), options)
        subsetter = Subsetter(options)
        subsetter.populate(unicodes=wanted[charset])
        subsetter.subset(font)
        covered |= set(font.getBestCmap())
        save_font(font, str(TARGET / f"Noto{family}CJKsc-{weight}.otf"), options)
    (TARGET / "coverage.txt").write_text("\n".join(ranges(covered)) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
