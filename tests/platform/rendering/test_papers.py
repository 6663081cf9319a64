"""Papers as PDF and docx: the same bytes for the same paper, every character there, nothing evaluated."""

import io
import re
from dataclasses import replace
from datetime import UTC, datetime

import docx
import pypdf
import pytest

from marketplace.platform.rendering import (
    Column,
    Facts,
    Heading,
    Listing,
    PageBreak,
    Paper,
    Signatures,
    Table,
    Text,
    Verification,
    docx_file,
    pdf,
)

FINGERPRINT = "1fa507ff99baeef1" * 4
ANNOUNCEMENT = Paper(
    form="announcement",
    title="关于公布2026年第二批\n应用场景需求榜单的公告",
    dated_at=datetime(2026, 11, 3, 1, tzinfo=UTC),
    issuer="郑州高新技术产业开发区",
    head="应用场景需求榜单公告",
    number="郑开榜〔2026〕2号",
    addressee="各有关企业、高等学校、科研院所：",
    blocks=(
        Text("现将榜单予以公布。"),
        Heading("一、揭榜时间"),
        Text("自公布之日起受理。"),
        Table(
            (Column("榜号"), Column("需求名称", 3), Column("预算\n（万元）", align="right")),
            tuple((f"{number:03}", "须水河水质在线监测", "240") for number in range(1, 41)),
            caption="附表",
            note="截止时刻均为当日17:00。",
        ),
    ),
    signed_by="郑州高新技术产业开发区管理委员会",
    issued_on="2026年11月3日",
    seal_note="（加盖电子印章处）",
    verification=Verification("https://example.org/verify/1", FINGERPRINT),
)
SHEET = Paper(
    form="sheet",
    title="须水河水质在线监测",
    dated_at=datetime(2026, 11, 3, 1, tzinfo=UTC),
    issuer="郑州高新技术产业开发区管理委员会",
    head="应用场景需求书",
    number="ZZGX-2026-02-002",
    subtitle="需求单位：生态环境分局",
    blocks=(
        Facts((("榜号", "ZZGX-2026-02-002"), ("指纹", FINGERPRINT))),
        Heading("一、背景"),
        Text("第一段。\n第二段。", strong=True),
        Listing(("方案评审", "设备安装"), numbered=True),
        Listing(("甲", "乙")),
        PageBreak(),
        Heading("（一）签字", 2),
        Signatures(("组长（签字）", "日期")),
    ),
    watermark="演示数据",
)


def words(data: bytes) -> str:
    """The text of a PDF without white space: what a reader, a search engine or a screen reader gets."""
    return re.sub(r"\s", "", "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages))


@pytest.mark.parametrize("paper", [ANNOUNCEMENT, SHEET, replace(SHEET, language="en")])
def test_the_same_paper_gives_the_same_bytes(paper):
    assert pdf(paper) == pdf(paper)
    assert docx_file(paper) == docx_file(paper)
    assert pdf(replace(paper, title="另一个")) != pdf(paper)


def test_the_file_is_tagged_archivable_and_dated_as_told():
    reader = pypdf.PdfReader(io.BytesIO(pdf(ANNOUNCEMENT)))
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/StructTreeRoot"]
    assert root["/Lang"] == "zh-CN"
    assert reader.metadata.creation_date == datetime(2026, 11, 3, 1, tzinfo=UTC)
    xmp = root["/Metadata"].get_data().decode()
    assert "<pdfaid:part>2</pdfaid:part>" in xmp
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in xmp
    assert "<pdfuaid:part>1</pdfuaid:part>" in xmp


def test_fonts_are_embedded_and_only_ours():
    names = set()
    for page in pypdf.PdfReader(io.BytesIO(pdf(ANNOUNCEMENT))).pages:
        for font in page["/Resources"]["/Font"].values():
            descendant = font.get_object()["/DescendantFonts"][0].get_object()
            assert {"/FontFile3", "/FontFile2"} & set(descendant["/FontDescriptor"])
            names.add(font.get_object()["/BaseFont"].split("+")[1])
    assert {name.removesuffix("-Identity-H") for name in names} <= {
        *("NotoSerifCJKsc-Regular", "NotoSerifCJKsc-Bold", "NotoSansCJKsc-Regular"),
    }


def test_all_of_an_announcement_is_there():
    text = words(pdf(ANNOUNCEMENT))
    for expected in (
        *("郑州高新技术产业开发区", "应用场景需求榜单公告", "郑开榜〔2026〕2号", "关于公布2026年第二批", "各有关企业"),
        *(
            "一、揭榜时间",
            "附表",
            "040",
            "截止时刻均为当日17:00",
            "管理委员会2026年11月3日",
            "扫码核验原文",
            "1fa507ff99baeef1…",
        ),
    ):
        assert expected in text, expected
    assert text.count("需求名称") >= 2  # the head of the table is repeated on the next page


def test_all_of_a_sheet_is_there_and_its_hash_can_be_copied():
    data = pdf(SHEET)
    text = words(data)
    for expected in (
        "应用场景需求书",
        "生态环境分局",
        "第二段。",
        "方案评审",
        "组长（签字）",
        "第1页，共2页",
        "第2页，共2页",
    ):
        assert expected in text, expected
    assert FINGERPRINT in text
    assert "\u200b" not in "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages)


def test_every_character_of_gb2312_arrives():
    """The trap of the font subset: characters such as 高 vanished when optional forms were kept."""
    rows = [bytes((lead, trail)).decode("gb2312") for lead in range(0xB0, 0xF8) for trail in range(0xA1, 0xFF)
            if not (lead == 0xD7 and trail > 0xF9)]  # fmt: skip
    assert len(rows) == 6763
    text = words(pdf(replace(SHEET, blocks=(Text("".join(rows)), Heading("".join(rows))))))
    for char in rows:
        assert text.count(char) >= 2, char


def test_a_character_without_a_glyph_is_named():
    text = words(pdf(replace(SHEET, title="王𰻝😀\u202e\x07", blocks=())))
    assert "王〔U+30EDD〕〔U+1F600〕" in text


def test_raised_and_lowered_figures_are_set_though_no_font_has_them():
    assert "CO2与10−9m³" in words(pdf(replace(SHEET, blocks=(Text("CO₂与10⁻⁹m³"),))))


HOSTILE = (
    '#panic("x")', "$ x $", "*粗* _斜_", "= 标题", "#import \"/etc/passwd\"", "\\ \\u{41} `raw` <label> @ref",
    '"}]} // /* ', "{{7*7}} {% x %}", "https://example.org/~x#y", "--- ... 'q' \"q\"",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_text_is_never_evaluated(text):
    blocks = (Text(text), Heading(text), Listing((text,)), Facts(((text, text),)), Signatures((text,)),
              Table((Column(text),), ((text,),), text, text))  # fmt: skip
    paper = replace(
        SHEET, title=text, issuer=text, head=text, number=text, subtitle=text, addressee=text, blocks=blocks
    )
    plain = re.sub(r"\s", "", text)
    assert words(pdf(paper)).count(plain) >= 12
    document = docx.Document(io.BytesIO(docx_file(paper)))
    assert [paragraph.text for paragraph in document.paragraphs].count(text) >= 4


def test_an_empty_paper_is_a_paper():
    for form in ("announcement", "sheet"):
        paper = Paper(form=form, title="标题", dated_at=datetime(2026, 1, 1, tzinfo=UTC))
        assert "标题" in words(pdf(paper))
        assert docx.Document(io.BytesIO(docx_file(paper))).core_properties.title == "标题"


def test_an_english_paper_counts_its_pages_in_english():
    assert "Page1of2" in words(pdf(replace(SHEET, language="en")))


def test_rows_have_as_many_cells_as_columns():
    with pytest.raises(ValueError, match="as many cells"):
        Table((Column("a"), Column("b")), (("1",),))


def test_the_docx_says_the_same():
    document = docx.Document(io.BytesIO(docx_file(ANNOUNCEMENT)))
    lines = [paragraph.text for paragraph in document.paragraphs]
    for expected in (
        "郑州高新技术产业开发区",
        "郑开榜〔2026〕2号",
        "一、揭榜时间",
        "自公布之日起受理。",
        "2026年11月3日",
    ):
        assert expected in lines
    table = document.tables[0]
    assert [cell.text for cell in table.rows[0].cells] == ["榜号", "需求名称", "预算\n（万元）"]
    assert len(table.rows) == 41
    assert document.core_properties.title == "关于公布2026年第二批应用场景需求榜单的公告"
    assert document.core_properties.created == datetime(2026, 11, 3, 1, tzinfo=UTC)
    assert [p.text for p in document.paragraphs if p.style.name == "Heading 1"] == ["一、揭榜时间"]
