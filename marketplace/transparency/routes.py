"""/transparency: what the log promises, its checkpoint, proofs and tools. /verify: which published version is this?

Later features hang their own papers onto /verify: ``extensions["verifiers"]`` holds functions that read the request
and answer what the page says of a receipt, or ``None`` when the request is not about one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, abort, current_app, g, jsonify, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField

from marketplace.demands.models import DemandVersion
from marketplace.platform import audit
from marketplace.platform.audit import queries as log
from marketplace.platform.audit.service import signer
from marketplace.platform.files.names import disposition
from marketplace.platform.forms import Form, trimmed
from marketplace.platform.policy import Actor
from marketplace.transparency import queries
from marketplace.transparency.cli import audit_commands
from marketplace.web import ResponseValue, allow, public

bp = Blueprint("transparency", __name__, url_prefix="/transparency")
verify = Blueprint("verify", __name__, url_prefix="/verify")
SNAPSHOT_LIMIT = 2 * 1024 * 1024


@bp.get("")
@public
def index() -> ResponseValue:
    newest: audit.AuditCheckpoint | None = log.newest_checkpoint()
    return render_template(
        "transparency/index.html",
        newest=newest,
        size=log.size(),
        vkey=str(signer().verifier),
        answer=None,
        asked={},
        tools=_tools(),
    )


@bp.get("/checkpoint")
@public
def checkpoint() -> ResponseValue:
    """The newest signed checkpoint exactly as signed (C2SP tlog-checkpoint)."""
    newest = log.newest_checkpoint()
    if newest is None:
        abort(404)
    return Response(newest.note, content_type="text/plain; charset=utf-8")


@bp.get("/inclusion")
@public
def inclusion() -> ResponseValue:
    return _proof(queries.inclusion, "seq", "size")


@bp.get("/consistency")
@public
def consistency() -> ResponseValue:
    return _proof(queries.consistency, "first", "second")


def _proof(prove: Callable[[int, int | None], dict[str, Any]], first: str, second: str) -> ResponseValue:
    """A proof as a page, or as JSON with ``format=json``; 422 for numbers outside the log."""
    asked = {name: request.args.get(name, "") for name in (first, second)}
    answer, problem = None, ""
    try:
        answer = prove(int(asked[first]), int(asked[second]) if asked[second] else None)
    except ValueError:
        problem = _("没有这样的序号或大小：日志现有%(size)s条，序号从0起。", size=log.size())
    status = 422 if problem else 200
    if request.args.get("format") == "json":
        body = answer or {"type": "about:blank", "title": problem, "status": status}
        response = jsonify(body)
        response.status_code = status
        return response
    page = render_template("transparency/proof.html", kind=first, answer=answer, problem=problem, asked=asked)
    return page, status


TOOLS = ("verify_receipt.py", "seal_bid.py")


def _tool(name: str) -> bytes | None:
    """The bytes of a published stand-alone tool."""
    folder = Path(current_app.static_folder or "static") / "tools"
    return (folder / name).read_bytes() if name in TOOLS else None


def _tools() -> list[tuple[str, int, str]]:
    """(name, bytes, SHA-256) of the published tools and of every script that seals in the browser."""
    found = [(name, _tool(name) or b"") for name in TOOLS]
    folder = Path(current_app.static_folder or "static") / "js" / "sealing"
    found += [(f"sealing/{path.name}", path.read_bytes()) for path in sorted(folder.glob("*.js"))]
    return [(name, len(data), hashlib.sha256(data).hexdigest()) for name, data in found]


@bp.get("/tools/<name>")
@public
def tool(name: str) -> ResponseValue:
    """A stand-alone tool, exactly the bytes whose fingerprint stands on the page."""
    data = _tool(name)
    if data is None:
        abort(404)
    return Response(
        data, content_type="text/x-python; charset=utf-8", headers={"Content-Disposition": disposition(name)}
    )


class SnapshotForm(Form):
    file = FileField(_l("快照文件（JSON）"))


@verify.route("", methods=["GET", "POST"], endpoint="index")
@public
def check() -> ResponseValue:
    """By number or fingerprint (``?q=``), or by the uploaded snapshot file. Nothing uploaded is kept."""
    form = SnapshotForm()
    said = next((word for speak in current_app.extensions.get("verifiers", ()) if (word := speak()) is not None), None)
    if said is not None:
        page = render_template(
            "transparency/verify.html",
            form=form,
            asked="",
            found=None,
            hashes=[],
            receipt=said,
            typed=request.form.get("receipt", ""),
        )
        return page, 422 if said.get("problem") else 200
    asked = trimmed(request.args.get("q", ""))
    found: list[DemandVersion] | None = queries.published_versions(asked, now=g.now) if asked else None
    hashes: list[str] = []
    if request.method == "POST":
        found = []
        upload = form.file.data.read(SNAPSHOT_LIMIT + 1) if form.validate() and form.file.data else b""
        if not upload or len(upload) > SNAPSHOT_LIMIT:
            form.file.errors = [_("请选择从需求页下载的快照文件（不超过2MB）。")]
        else:
            hashes = queries.hashes_of(upload)
            found = [version for sha256 in hashes for version in queries.published_versions(sha256, now=g.now)]
    page = render_template("transparency/verify.html", form=form, asked=asked, found=found, hashes=hashes, receipt=None)
    return page, 422 if form.errors or form.file.errors else 200


def _public_version(*, actor: Actor, now: datetime, number: str, version: int) -> DemandVersion | None:
    return queries.snapshot(now=now, number=number, version=version)


@verify.get("/<number>/<int:version>.json")
@allow("public", _public_version)
def snapshot(version: DemandVersion) -> ResponseValue:
    """The snapshot's bytes exactly as hashed; ``sha256sum`` gives the fingerprint on the page."""
    name = f"{version.demand.number}-v{version.version}.json"
    return Response(
        version.snapshot,
        content_type="application/json",
        headers={"Content-Disposition": disposition(name)},
    )


def install(app: Flask) -> None:
    app.register_blueprint(bp)
    app.register_blueprint(verify)
    app.cli.add_command(audit_commands)
