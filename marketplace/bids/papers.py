"""The receipt on paper."""

from __future__ import annotations

from marketplace.bids.models import BidReceipt
from marketplace.demands.papers import DEMO_MARK
from marketplace.platform.formatting import moment_exact
from marketplace.platform.rendering.paper import Facts, Paper, Text, Verification
from marketplace.platform.sealing.receipt import ACTS, Receipt

_NOTE = (
    "本回执不含标书内容，可以转发。扫描二维码可核对它已记入审计日志；"
    "用文本回执和公开的核验脚本，可在没有网络时自行验证。只有封口的时刻以截止时间为准。"
)


def receipt_paper(row: BidReceipt, proof: Receipt, *, url: str, demo: bool = False) -> Paper:
    """One act that can be proved; the same receipt gives the same bytes."""
    bid, said = row.bid, proof.statement
    return Paper(
        form="sheet",
        title="揭榜回执",
        dated_at=row.at,
        head="回执",
        number=bid.demand.number or "",
        blocks=(
            Facts(
                (
                    ("榜号", bid.demand.number or ""),
                    ("需求", bid.demand.title),
                    ("揭榜单位", bid.organisation.name),
                    ("标书编号", bid.public_id),
                    ("版本", f"第{row.version}版"),
                    ("事项", ACTS[row.act]),
                    ("北京时间", moment_exact(row.at)),
                    ("协调世界时", said.at),
                    ("清单指纹", _grouped(row.manifest_hash)),
                    ("审计日志", f"第{proof.leaf_index}号"),
                )
            ),
            Text(_NOTE),
        ),
        watermark=DEMO_MARK if demo else "",
        verification=Verification(url, said.hash),
    )


def _grouped(digest: str) -> str:
    return " ".join(digest[i : i + 8] for i in range(0, len(digest), 8))
