"""What may be announced, awarded, filled or remedied, and what a winner has to answer, for the work desk."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import aliased

from marketplace.accounts.models import Organisation
from marketplace.accounts.rules import Role
from marketplace.awards import queries
from marketplace.awards.models import Award
from marketplace.awards.rules import ACTION_LABELS, ENDED, FELL_THROUGH, STATE_LABELS, AwardAction, AwardState
from marketplace.bids.models import Bid
from marketplace.demands.models import Demand, DemandProposal
from marketplace.demands.rules import State
from marketplace.notices import queries as notices
from marketplace.notices.models import Notice, Objection
from marketplace.notices.rules.notices import NoticeState
from marketplace.notices.rules.objections import ObjectionState
from marketplace.panels.models import Panel, PanelSeat
from marketplace.panels.rules.seats import SeatState
from marketplace.platform import errands
from marketplace.platform.errands import Errand
from marketplace.platform.policy import Actor
from marketplace.results.models import Ranking, RankingLine, Report
from marketplace.results.rules import ReportState


def _busy() -> Select[Any]:
    """Demands with a proposal that nobody has decided."""
    return select(DemandProposal.demand_id).where(DemandProposal.decided_at.is_(None))


def _not_screened_by(actor: Actor) -> ColumnElement[bool]:
    return or_(Demand.screener_id.is_(None), Demand.screener_id != actor.id)


def announcements(actor: Actor, now: datetime) -> Select[Any]:
    """Signed reports whose result may be announced."""
    line = errands.line(number=Report.id, ref=Demand.number, title=Demand.title, note=Demand.number)
    return (
        line.select_from(Report)
        .join(Demand, Demand.id == Report.demand_id)
        .where(
            Demand.state == State.REVIEWING,
            Report.state == ReportState.SIGNED,
            Demand.id.not_in(_busy()),
            _not_screened_by(actor),
        )
    )


def _announcement(row: Any) -> Errand:
    url = f"/demands/{row.ref}/announcement"
    return Errand(row.title, _("提出公示"), _("提出公示"), url, row.note or "", leads="reviewing:announce")


def ended_notices(actor: Actor, now: datetime) -> Select[Any]:
    """Notices that are over without an objection in the way of the award."""
    in_the_way = select(Objection.id).where(Objection.demand_id == Notice.demand_id, notices.keeps_open())
    line = errands.line(
        number=Notice.id,
        ref=Demand.number,
        title=Demand.title,
        note=Notice.number,
        word=errands.words(Notice.id, Notice.place),
    )
    return (
        line.select_from(Notice)
        .join(Demand, Demand.id == Notice.demand_id)
        .where(
            or_(Notice.place > 0, Notice.demand_id.not_in(_left())),
            Notice.state == NoticeState.PUBLISHED,
            Notice.ends_at <= now,
            Notice.award_proposed_by_id.is_(None),
            _not_screened_by(actor),
            ~in_the_way.exists(),
        )
    )


def _ended_notice(row: Any) -> Errand:
    notice_id, place = row.word.split("|")
    url = f"/notices/{notice_id}/award" if int(place) else f"/demands/{row.ref}/award"
    leads = "" if int(place) else "notice:award"
    return Errand(row.title, _("公示期满，定榜"), _("提出定榜"), url, row.note, leads=leads)


def _left() -> Select[Any]:
    """Demands on notice from whose panel somebody was recused after the ranking: their result cannot be awarded."""
    last = select(func.max(Ranking.made_at)).where(Ranking.demand_id == Panel.demand_id).scalar_subquery()
    return (
        select(Panel.demand_id)
        .join(PanelSeat, and_(PanelSeat.panel_id == Panel.id, PanelSeat.round == Panel.round))
        .where(
            PanelSeat.state.in_((SeatState.RECUSED, SeatState.ABSTAINED)),
            PanelSeat.declared_at.is_not(None),
            PanelSeat.ended_at > last,
        )
    )


def recused(actor: Actor, now: datetime) -> Select[Any]:
    """Results on notice that rest on sheets which do not count any more."""
    line = errands.line(number=Demand.id, ref=Demand.number, title=Demand.title, note=Demand.number, word=Demand.state)
    signed = select(Award.demand_id).where(Award.state.not_in((AwardState.NOTICED, AwardState.CONFIRMED, *ENDED)))
    return line.where(
        Demand.state.in_((State.NOTICE, State.AWARDED)),
        Demand.id.not_in(_busy()),
        Demand.id.not_in(signed),
        Demand.id.in_(_left()),
    )


def _recused(row: Any) -> Errand:
    url, leads = f"/demands/{row.ref}/re-review", f"{row.word}:re_review"
    return Errand(row.title, _("公示后专家回避"), _("提出重新评审"), url, row.note or "", leads=leads)


def vacancies(actor: Actor, now: datetime) -> Select[Any]:
    """Places whose newest award fell through while somebody ranked may still move up."""
    return _vacancies()


@cache
def _vacancies() -> Select[Any]:
    """The same for everybody: putting it together costs more than asking it."""
    later, other = aliased(Award), aliased(Ranking)
    newer = select(later.id).where(later.demand_id == Award.demand_id, later.place == Award.place, later.id > Award.id)
    in_force = select(func.max(other.number)).where(other.demand_id == Award.demand_id).scalar_subquery()
    next_one = (
        select(RankingLine.bid_id)
        .join(Ranking, Ranking.id == RankingLine.ranking_id)
        .join(Bid, Bid.id == RankingLine.bid_id)
        .where(Ranking.demand_id == Award.demand_id, Ranking.number == in_force, queries.moves_up(Award.demand_id))
        .correlate(Award)
    )
    line = errands.line(number=Award.id, ref=Award.id, title=Demand.title, note=Organisation.name, word=Award.state)
    return (
        line.select_from(Award)
        .join(Demand, Demand.id == Award.demand_id)
        .join(Organisation, Organisation.id == Award.organisation_id)
        .where(
            Demand.state == State.AWARDED,
            Award.state.in_(FELL_THROUGH),
            Demand.id.not_in(_busy()),
            ~newer.exists(),
            next_one.exists(),
        )
    )


def _vacancy(row: Any) -> Errand:
    note = f"{row.note}：{STATE_LABELS[AwardState(row.word)]}"
    url = f"/awards/{row.ref}/substitution"
    return Errand(row.title, _("递补"), _("提出递补"), url, note, leads="awarded:substitute")


def remedies(actor: Actor, now: datetime) -> Select[Any]:
    """Objections that were upheld and have no remedy yet."""
    word = errands.words(Demand.state, Objection.remedy)
    line = errands.line(number=Objection.id, ref=Objection.public_id, title=Demand.title, word=word)
    return (
        line.select_from(Objection)
        .join(Demand, Demand.id == Objection.demand_id)
        .where(
            Objection.state == ObjectionState.UPHELD,
            Objection.remedied_at.is_(None),
            Objection.demand_id.not_in(_busy()),
        )
    )


def _remedy(row: Any) -> Errand:
    word = row.word if row.word == "notice|void" else f"{row.word.partition('|')[0]}|re_review"
    url = f"/desk/objections/{row.ref}/remedy"
    return Errand(row.title, _("处理成立的异议"), _("提出措施"), url, leads=word.replace("|", ":"))


def substitutes(actor: Actor, now: datetime) -> Select[Any]:
    """For a second person: the award of a substitute that another one proposed."""
    line = errands.line(number=Notice.id, ref=Notice.id, title=Demand.title, note=Notice.number)
    return (
        line.select_from(Notice)
        .join(Demand, Demand.id == Notice.demand_id)
        .where(
            Notice.place > 0,
            Notice.state == NoticeState.PUBLISHED,
            Notice.award_proposed_by_id.is_not(None),
            Notice.award_proposed_by_id != actor.id,
        )
    )


def _substitute(row: Any) -> Errand:
    return Errand(row.title, _("递补定榜"), _("确认"), f"/notices/{row.ref}/award", row.note)


def won(actor: Actor, now: datetime) -> Select[Any]:
    """A winner's administrator has to accept or decline."""
    line = errands.line(
        number=Award.id, ref=Award.id, title=Demand.title, note=Demand.number, due=Award.take_up_ends_at
    )
    return (
        line.select_from(Award)
        .join(Demand, Demand.id == Award.demand_id)
        .where(
            Award.organisation_id.in_(actor.organisations(Role.ORG_ADMIN)),
            Award.state == AwardState.CONFIRMED,
            Award.taken_up_at.is_(None),
        )
    )


def _won(row: Any) -> Errand:
    matter, state = ACTION_LABELS[AwardAction.TAKE_UP], (_("中榜"), "winner")
    return Errand(row.title, matter, _("接受或放弃"), f"/awards/{row.ref}", row.note or "", row.due_at, state)


def install() -> None:
    errands.register((Role.PUBLISHER,), announcements, _announcement)
    errands.register((Role.PUBLISHER,), ended_notices, _ended_notice)
    errands.register((Role.PUBLISHER,), recused, _recused)
    errands.register((Role.PUBLISHER,), vacancies, _vacancy)
    errands.register((Role.PUBLISHER,), remedies, _remedy)
    errands.register((Role.PUBLISHER, Role.SUPERVISOR), substitutes, _substitute)
    errands.register((Role.ORG_ADMIN,), won, _won)
