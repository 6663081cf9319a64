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
_NOTE_EN = (
    "This receipt holds nothing of the bid and may be passed on. The QR code shows that it is in the audit log; with the "
    "text receipt and the published script it can be verified without a network. Only the moment of sealing counts."
)
_ACTS_EN = {"sealed": "Sealed", "withdrawn": "Withdrawn", "confirmed": "Confirmed", "destroyed": "Destroyed unopened"}


def receipt_paper(row: BidReceipt, proof: Receipt, *, url: str, demo: bool = False) -> Paper:
    """One act that can be proved, in both languages; the same receipt gives the same bytes."""
    bid, said = row.bid, proof.statement
    return Paper(
        form="sheet",
        title="揭榜回执 Bid receipt",
        dated_at=row.at,
        head="回执",
        number=bid.demand.number or "",
        blocks=(
            Facts(
                (
                    ("榜号 Demand no.", bid.demand.number or ""),
                    ("需求 Demand", bid.demand.title),
                    ("揭榜单位 Bidder", bid.organisation.name),
                    ("标书编号 Bid id", bid.public_id),
                    ("版本 Version", f"第{row.version}版"),
                    ("事项 Act", f"{ACTS[row.act]} {_ACTS_EN[row.act]}"),
                    ("北京时间 Beijing", moment_exact(row.at)),
                    ("协调世界时 UTC", said.at),
                    ("清单指纹 Manifest", _grouped(row.manifest_hash)),
                    ("审计日志 Log entry", f"第{proof.leaf_index}号"),
                )
            ),
            Text(_NOTE),
            Text(_NOTE_EN),
        ),
        watermark=DEMO_MARK if demo else "",
        verification=Verification(url, said.hash),
    )


def _grouped(digest: str) -> str:
    return " ".join(digest[i : i + 8] for i in range(0, len(digest), 8))
