"""回执 as a page, a text file and a PDF with a QR code; and the sentence of /verify about one."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, g, render_template, request, url_for
from flask_babel import gettext as _

from marketplace.accounts.rules import N_
from marketplace.bids import own, queries
from marketplace.bids.models import BidReceipt
from marketplace.bids.papers import receipt_paper
from marketplace.bids.routes import bp
from marketplace.bids.routes.pages import crumbs
from marketplace.bids.rules import BidState
from marketplace.custody import queries as custody
from marketplace.platform.audit.service import signer
from marketplace.platform.checkpoint import Checkpoint, open_note
from marketplace.platform.files.names import disposition
from marketplace.platform.rendering import pdf, qr_path
from marketplace.platform.sealing.receipt import BadReceipt, Receipt, verify
from marketplace.web import ResponseValue, allow

RECEIPT_LIMIT = 64 * 1024
PROBLEMS = (
    N_("回执内容不合规"),
    N_("回执上的时间不存在"),
    N_("不是完整的揭榜回执，或文字被改动"),
    N_("回执文字被改动"),
    N_("日志序号与条目不符"),
    N_("日志条目记的不是这份回执所说的事"),
    N_("检查点的签名无效，或不是这把公钥所签"),
    N_("包含路径通不到检查点的根"),
    N_("日志条目格式不符"),
)
"""What ``BadReceipt`` says, for the translators: the tool itself speaks Chinese alone."""


def _address(row: BidReceipt) -> str:
    """What the QR code holds: the receipt's fingerprint in the log, which names neither demand nor bidder."""
    return url_for("verify.index", leaf=row.log_seq, statement=queries.statement(row).hash, _external=True)


@bp.get("/receipts/<public_id>")
@allow("receipt.see", queries.find_receipt)
def receipt(row: BidReceipt) -> ResponseValue:
    """The receipt as a page, and what can be done until the deadline."""
    bid = row.bid
    proof = queries.receipt(row)
    checkpoint = Checkpoint.parse(open_note(proof.checkpoint, [signer().verifier]))
    keepers = custody.custodian_set(bid.demand.set_hash)
    return render_template(
        "bids/receipt.html",
        row=row,
        bid=bid,
        proof=proof,
        root=checkpoint.root.hex(),
        keepers=keepers,
        contents=own.ciphertext_size(bid, row.version),
        qr=qr_path(_address(row)),
        live=row.act in ("sealed", "confirmed") and bid.state is BidState.SEALED and bid.version == row.version,
        open=bid.demand.accepts_bids(g.now),
        crumbs=crumbs(bid, (_("回执"), None)),
    )


@bp.get("/receipts/<public_id>.txt")
@allow("receipt.see", queries.find_receipt)
def text(row: BidReceipt) -> ResponseValue:
    """The receipt as the file that the stand-alone verifier reads."""
    return _file(row, queries.receipt(row).to_text().encode(), "txt", "text/plain; charset=utf-8")


@bp.get("/receipts/<public_id>.pdf")
@allow("receipt.see", queries.find_receipt)
def paper(row: BidReceipt) -> ResponseValue:
    """The same on paper."""
    proof = queries.receipt(row)
    demo = current_app.config["ZHANGBANG"].demo
    return _file(row, pdf(receipt_paper(row, proof, url=_address(row), demo=demo)), "pdf", "application/pdf")


def _file(row: BidReceipt, data: bytes, kind: str, media_type: str) -> Response:
    name = f"揭榜回执-{row.bid.demand.number}-{row.public_id[:8]}.{kind}"
    return Response(data, content_type=media_type, headers={"Content-Disposition": disposition(name)})


def verified() -> dict[str, Any] | None:
    """What /verify says about a receipt: pasted text, an uploaded file, or the link of its QR code. ``None``: not asked.

    Nothing of it is kept. The link proves less than the file: that this statement is in the log.
    """
    typed = request.form.get("receipt", "") if request.method == "POST" else ""
    upload = request.files.get("receipt_file")
    if upload is not None and upload.filename:
        typed = upload.stream.read(RECEIPT_LIMIT + 1).decode("utf-8", "replace")
    if typed.strip():
        return _checked(typed)
    if "statement" in request.args and "leaf" in request.args:
        return _in_log(request.args["statement"], request.args["leaf"])
    return None


def _checked(typed: str) -> dict[str, Any]:
    if len(typed) > RECEIPT_LIMIT:
        return {"problem": _("这不是揭榜回执：文字太长。")}
    try:
        receipt = Receipt.from_text(typed.replace("\r\n", "\n").lstrip("\n"))
        found = verify(receipt, [signer().verifier])
    except BadReceipt as error:
        return {"problem": _("核验不通过：%(why)s。", why=_(str(error)))}
    return {"receipt": receipt, "statement": found.statement, "size": found.checkpoint.size, "leaf": found.leaf_index}


def _in_log(statement: str, leaf: str) -> dict[str, Any]:
    entry = own.log_entry(int(leaf)) if leaf.isascii() and leaf.isdigit() and len(leaf) < 12 else None
    if entry is None or entry.get("facts", {}).get("receipt") != statement:
        return {"problem": _("日志中没有这份回执。请核对二维码是否完整，或上传回执的文本文件。")}
    return {"leaf": int(leaf), "at": entry["at"], "hash": statement}
