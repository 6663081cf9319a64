"""One complete demand to vary in tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from marketplace.demands.content import DemandContent, Indicator, Milestone, Offer
from marketplace.demands.score_sheets import default_sheet


def content(**changes: Any) -> DemandContent:
    """A demand that may be submitted, with some fields changed."""
    base = DemandContent(
        title="科学大道沿线路内泊位停车诱导",
        direction="living",
        industries=("iot", "newit"),
        place="科学大道（长椿路至西四环）",
        background="科学大道沿线现有路内泊位一千二百个，早晚高峰平均寻位时间十一分钟，绕行车流约占通行量的三成。" * 3,
        goal="让驾驶人在出发前和途中都能知道哪里有空位，把平均寻位时间降到四分钟以内，并形成可复制的建设标准。" * 2,
        content="建设泊位占用感知、诱导屏和统一数据接口，接入城市停车平台，提供开放查询服务，并完成三个月连续试运行。"
        * 3,
        indicators=(
            Indicator("泊位占用识别准确率", "86", ">=", "98", "", "%", "人工清点比对连续七日", True, Decimal(60)),
            Indicator("状态更新时延", "30", "<=", "5", "", "秒", "接口时间戳抽样一千次", False, Decimal(40)),
        ),
        offers=(Offer("data", "近两年泊位交易流水（脱敏）", "签保密承诺后下载", "internal"),),
        mode="subsidy",
        budget_fen=386_0000_00,
        funds_source="高新区产业发展专项资金",
        period_months=8,
        deliver_by=date(2027, 10, 29),
        ip_ownership="bidder",
        conditions="具备相关产品研发和运行维护能力。",
        milestones=(
            Milestone("样段上线", 3, Decimal(40), "二百个泊位接入"),
            Milestone("全线验收", 8, Decimal(60), "连续运行三个月的报告"),
        ),
        score_sheet=default_sheet("living", "subsidy"),
        contact_name="刘工",
        contact_phone="13812340000",
    )
    return replace(base, **changes)
