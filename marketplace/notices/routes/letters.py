"""Result letters, for the bidder and the office."""

from __future__ import annotations

from datetime import datetime

from flask import current_app, g, render_template, url_for
from flask_babel import gettext as _

from marketplace import web
from marketplace.demands.routes.documents import TYPES, as_file
from marketplace.demands.routes.public import language
from marketplace.notices import pages, papers, queries
from marketplace.notices.models import Letter
from marketplace.notices.routes import HANDLERS, bp, host
from marketplace.platform import policy
from marketplace.platform.policy import Actor
from marketplace.platform.rendering import Verification, pdf
from marketplace.web import ResponseValue, allow


def _letter(*, actor: Actor, now: datetime, public_id: str) -> Letter | None:
    return queries.find_letter(actor=actor, now=now, public_id=public_id)


@bp.get("/bids/<public_id>/letter")
@allow("letter.see", _letter)
def letter(row: Letter) -> ResponseValue:
    """The result letter of one bid."""
    if g.actor.has(*HANDLERS):
        web.note_read("letter.read", row.audit_subject)
    view = pages.letter_view(row, language())
    open_notice = row.notice is not None and policy.allows("objection.file", g.actor, row.notice, g.now)
    return render_template(
        "notices/letter.html",
        letter=row,
        view=view,
        title=_("结果通知书：%(title)s", title=row.demand.title),
        how=papers.how_to_object(view),
        object_url=url_for(".objection", notice_id=row.notice.id) if open_notice and row.notice is not None else None,
        pdf_url=url_for(".letter_pdf", public_id=row.bid.public_id),
        notice_url=url_for(".show", notice_id=row.notice.id) if row.notice is not None else None,
    )


@bp.get("/bids/<public_id>/letter.pdf")
@allow("letter.see", _letter)
def letter_pdf(row: Letter) -> ResponseValue:
    """结果通知书 as PDF."""
    said = papers.letter_paper(
        pages.letter_view(row, "zh"),
        demand=row.demand.title,
        number=row.demand.number or "",
        issuer=host(),
        sent_at=row.sent_at,
        verification=Verification(url_for(".letter", public_id=row.bid.public_id, _external=True), row.sha256),
        demo=current_app.config["ZHANGBANG"].demo,
    )
    return as_file(pdf(said), name=f"{row.demand.number}结果通知书.pdf", media_type=TYPES["pdf"], inline=True)


@bp.get("/desk/letters")
@allow("letter.mine")
def letters() -> ResponseValue:
    """A bidder's own letters."""
    tongue = language()
    rows = [
        {
            "url": url_for(".letter", public_id=item.bid.public_id),
            "title": item.demand.title,
            "number": item.demand.number,
            "sent_at": item.sent_at,
            "sentence": pages.letter_view(item, tongue)["sentence"],
        }
        for item in queries.my_letters(g.actor)
    ]
    return render_template("notices/letters.html", rows=rows, title=_("结果通知书"))
