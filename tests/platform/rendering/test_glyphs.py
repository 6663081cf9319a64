"""What the fonts can show, and that the list of it is true."""

from fontTools.ttLib import TTFont

from marketplace.platform.rendering.glyphs import FONTS, is_covered, shown, uncovered, visible

GENERAL_STANDARD_SAMPLES = "㛃䶮𬭩𬍛𫖮堃喆犇燚"


def test_the_coverage_is_that_of_the_fonts():
    points = set()
    for path in FONTS.glob("*.otf"):
        font = TTFont(path, lazy=True)
        points |= set(font.getBestCmap())
        tags = {
            record.FeatureTag for table in ("GSUB", "GPOS") for record in font[table].table.FeatureList.FeatureRecord
        }
        assert tags <= {"kern", "liga", "halt", "palt", "ccmp"}
    assert all(is_covered(chr(point)) for point in points)
    assert sum(is_covered(chr(point)) for point in range(0x110000)) == len(points)


def test_names_of_people_and_signs_of_engineers():
    assert uncovered(GENERAL_STANDARD_SAMPLES + "①②③℃㎡≥≤±№αΩμ²³₂‰→√∑■▲○〔〕“”—…·￥€") == []


def test_the_licence_and_the_size():
    assert "SIL OPEN FONT LICENSE Version 1.1" in (FONTS / "OFL.txt").read_text(encoding="utf-8")
    assert sum(path.stat().st_size for path in FONTS.iterdir()) < 12_000_000


def test_uncovered_names_each_once():
    assert uncovered("王😀𰻝😀\u200d\n\ufe0f") == ["😀", "𰻝"]
    assert not is_covered("😀")


def test_shown():
    assert shown("a\r\nb\tc\x00\u202e") == "a\nb c"
    assert shown("e\u0301") == "é"
    assert shown("😀") == "〔U+1F600〕"
    assert shown("☑⅓CO₂10⁻⁹") == "√1/3CO₂10⁻⁹"
    assert shown("x" * 28) == "x" * 28
    assert shown("x" * 33) == "xxxxxxxx\u200bxxxxxxxx\u200bxxxxxxxx\u200bxxxxxxxx\u200bx"
    assert shown("x" * 33, breakable=False) == "x" * 33


def test_visible_keeps_what_other_fonts_may_have():
    assert visible("😀\u200d\ta\r\n") == "😀 a\n"
