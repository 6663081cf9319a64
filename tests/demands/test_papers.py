"""The announcement and the demand sheet, down to the PDF."""

import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import docx
import pypdf
import pytest

from marketplace.demands.clocks import FLOORS
from marketplace.demands.content import DemandContent, Indicator, Milestone, Offer
from marketplace.demands.papers import Custody, Listed, announcement, demand_sheet
from marketplace.demands.score_sheets import default_sheet
from marketplace.platform.rendering import Paper, Table, Text, Verification, docx_file, pdf

PUBLISHED = datetime(2026, 11, 3, 1, tzinfo=UTC)
DEADLINE = datetime(2026, 12, 4, 9, tzinfo=UTC)
CONTENT = DemandContent(
    title="须水河水质在线监测与污染溯源",
    direction="living",
    industries=("iot", "computing"),
    place="须水河科学大道段",
    background="现有人工采样每月两次。\n溯源周期平均11天。",
    goal="两小时内预警。",
    content="布设水质微站，建立溯源模型。",
    indicators=(
        Indicator("氨氮检出限", "0.5", "<=", "0.05", "", "mg/L", "第三方实验室比对", True, Decimal(60)),
        Indicator("溯源准确率", "60", "range", "85", "95", "%", "双盲回溯", False, Decimal(40)),
    ),
    offers=(Offer("data", "人工采样数据", "脱敏后离线提供", "internal"),),
    security_level=3,
    mode="subsidy",
    budget_fen=240_000_000,
    funds_source="区级科技专项",
    period_months=12,
    deliver_by=date(2027, 12, 31),
    ip_ownership="shared",
    conditions="具有独立法人资格。",
    award_count=2,
    two_step=True,
    blind=True,
    milestones=(Milestone("方案评审", 1, Decimal(40), "方案"), Milestone("验收", 12, Decimal(60), "报告")),
    score_sheet=default_sheet("living", "subsidy"),
    contact_name="李工",
    contact_phone="13800138000",
)
CUSTODY = Custody(("科技创新局", "纪检监察工委", "公证处"), 2)


def listed(number: int, mode: str = "subsidy", budget_fen: int | None = 240_000_000, **changes):
    content = replace(CONTENT, mode=mode, budget_fen=budget_fen)
    values = {
        "number": f"ZZGX-2026-02-{number:03}",
        "unit": "生态环境分局",
        "content": content,
        "deadline_at": DEADLINE,
    }
    return Listed(**{**values, **changes})


def announced(demands, **changes) -> Paper:
    values = {
        "title": "关于公布2026年第二批应用场景需求榜单的公告",
        "number": "郑开榜〔2026〕2号",
        "district": "郑州高新技术产业开发区",
        "issuer": "郑州高新技术产业开发区管理委员会",
        "published_at": PUBLISHED,
        "clocks": FLOORS.values(),
    }
    return announcement(demands, **{**values, **changes})


def sheet(content=CONTENT, **changes) -> Paper:
    values = {
        "number": "ZZGX-2026-02-002",
        "unit": "生态环境分局",
        "issuer": "郑州高新技术产业开发区管理委员会",
        "version": 1,
        "clocks": FLOORS["subsidy"],
        "dated_at": PUBLISHED,
        "published_at": PUBLISHED,
        "deadline_at": DEADLINE,
        "questions_close_at": datetime(2026, 11, 27, 9, tzinfo=UTC),
        "verification": Verification("https://example.org/verify/x", "ab" * 32),
    }
    return demand_sheet(content, **{**values, **changes})


def words(paper: Paper) -> str:
    reader = pypdf.PdfReader(io.BytesIO(pdf(paper)))
    return re.sub(r"\s", "", "".join(page.extract_text() for page in reader.pages))


def prose(paper: Paper) -> str:
    return "".join(block.text for block in paper.blocks if isinstance(block, Text))


def table_of(paper: Paper) -> Table:
    return next(block for block in paper.blocks if isinstance(block, Table))


def test_an_announcement_counts_and_sums_what_it_lists():
    paper = announced([listed(1), listed(2, budget_fen=155_600_000), listed(3, "trial", None)])
    assert "本批共3项，预算合计395.6万元（另有1项面议，未计入）。" in prose(paper)
    assert table_of(paper).rows[0] == ("001", CONTENT.title, "生态环境分局", "政府后补助", "240", "12-04")
    assert [row[4] for row in table_of(paper).rows] == ["240", "155.6", "面议"]
    assert table_of(paper).note == "榜号前缀为ZZGX-2026-02-，截止时刻均为当日17:00。"
    assert "预算合计" not in prose(announced([listed(1, "trial", None)]))


def test_deadlines_of_another_year_or_hour_are_shown_whole():
    later = datetime(2027, 1, 8, 4, tzinfo=UTC)
    table = table_of(announced([listed(1), listed(2, deadline_at=later)]))
    assert [row[5] for row in table.rows] == ["2026-12-04\n17:00", "2027-01-08\n12:00"]
    assert table.note == "榜号前缀为ZZGX-2026-02-。"


def test_sealing_is_promised_only_where_custodians_keep_the_bids():
    assert "任意2家共同释放后开启" in prose(announced([listed(1)], custody=CUSTODY))
    assert "不能读取标书" in prose(announced([listed(1)], custody=CUSTODY))
    plain = prose(announced([listed(1)]))
    assert "保管" not in plain
    assert "加密" not in plain
    assert Custody(("演示保管人",), 1).sentence() == "标书由演示保管人保管，截止后释放开启。"


def test_procurement_is_announced_as_an_intent():
    assert "采购意向" in prose(announced([listed(1, "procurement")]))
    assert "采购意向" not in prose(announced([listed(1, "procurement")], procurement_intent=False))
    assert "采购意向" not in prose(announced([listed(1)]))


def test_different_notice_windows_are_named():
    raised = [FLOORS["trial"], replace(FLOORS["subsidy"], notice_working_days=7)]
    assert "公示5至7个工作日" in prose(announced([listed(1)], clocks=raised))
    assert "公示5个工作日" in prose(announced([listed(1)]))


def test_a_long_list_goes_over_pages_with_its_head():
    paper = announced([listed(number) for number in range(1, 101)], custody=CUSTODY, demo=True)
    text = words(paper)
    assert text.count("需求名称") >= 4
    assert "100须水河" in text
    assert "演示数据" in text
    assert len(docx.Document(io.BytesIO(docx_file(paper))).tables[0].rows) == 101


def test_a_sheet_says_all_that_the_demand_says():
    text = words(sheet())
    for expected in (
        *("需求单位生态环境分局", "城市管理和民生服务", "物联网·传感器、数算产业", "240万元（人民币贰佰肆拾万元整）"),
        *("氨氮检出限（一票否决）", "≤0.05", "85–95", "第三方实验室比对", "脱敏后离线提供", "网络安全等级保护第三级"),
        *("数据不得出境", "12个月", "2027年12月31日", "双方共有", "签约后12个月", "60%", "至多产生2家中榜单位"),
        *(
            "两步开启",
            "盲评",
            "去掉一个最高分",
            "合格线60分",
            "2026年11月27日17:00",
            "2026年12月4日17:00",
            "138****8000",
        ),
        *("十二、联系方式", "扫码核验原文"),
    ):
        assert expected in text, expected
    assert "13800138000" not in text


def test_only_law_is_printed_as_law():
    def sources(mode: str) -> dict[str, str]:
        paper = sheet(replace(CONTENT, mode=mode), clocks=FLOORS[mode])
        table = [block for block in paper.blocks if isinstance(block, Table)][-1]
        return {row[0]: row[2] for row in table.rows}

    assert {name for name, text in sources("procurement").items() if "法" in text} == {
        "揭榜截止",
        "变更公告",
        "异议答复",
    }
    for mode in FLOORS.keys() - {"procurement"}:
        assert not any("法" in text for text in sources(mode).values())


def test_a_draft_is_marked_and_an_empty_one_still_prints():
    paper = sheet(DemandContent(), number="", version=1, published_at=None, deadline_at=None, questions_close_at=None,
                  verification=None)  # fmt: skip
    assert paper.watermark == "草稿"
    text = words(paper)
    assert "未命名需求" in text
    assert "需求背景" not in text
    assert "评分办法" not in text


def test_headings_are_numbered_without_gaps():
    lines = [
        block.text for block in sheet(replace(CONTENT, offers=(), milestones=())).blocks if hasattr(block, "level")
    ]
    assert [line.split("、")[0] for line in lines] == list("一二三四五六七八九十")


def test_a_provisional_calendar_is_said():
    paper = sheet(provisional_note="2027年放假安排尚未公布。")
    assert "2027年放假安排尚未公布。" in words(paper)


def test_a_second_version_says_so():
    assert "ZZGX-2026-02-002（第3版）" in words(sheet(version=3))


@pytest.mark.parametrize("length", [1_000, 20_000])
def test_no_text_is_too_long_for_the_page(length):
    text = "鑫" * length
    content = replace(CONTENT, background=text, indicators=(replace(CONTENT.indicators[0], method=text),))
    assert words(sheet(content)).count("鑫") == 2 * length
