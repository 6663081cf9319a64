"""The clocks of a funding mode (product.md §2.3): figures as data with a source each, and the dates that follow.

Pure. Instants are aware; results are UTC and fall on 17:00 Beijing of a working day unless said otherwise. Every
computation takes the ``Calendar`` it rests on, so that a page can print ``calendar.provisional_note`` beside its date.

Only figures with an article are law, and for government procurement alone; all others are 平台规则 and never printed as
law. An administrator may raise a figure, never lower it below the floor that stands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from marketplace.platform.formatting import moment_text
from marketplace.platform.working_days import Calendar, beijing_day, close_of, midnight_after
from marketplace.taxonomy import Label

MODES: Final[dict[str, Label]] = {
    "procurement": Label("政府采购", "Government procurement"),
    "enterprise": Label("企业出资", "Paid by the enterprise"),
    "subsidy": Label("政府后补助", "Subsidy after acceptance"),
    "trial": Label("免费试用测试", "Free trial"),
    "cooperation": Label("合作运营", "Joint operation"),
    "opening": Label("数据/场地开放", "Opening of data or sites"),
}

PLATFORM_RULE: Final = Label("平台规则", "Platform rule")


@dataclass(frozen=True, slots=True)
class Clocks:
    """What one mode asks for at least. Days are natural days unless the name says ``working``."""

    mode: str
    bidding_days: int  # from the day of publication to the deadline
    amendment_days: int  # from an amendment to the deadline
    min_bids: int  # fewer valid bids: the demand lapses
    notice_working_days: int  # public notice of the candidates
    questions_close_working_days: int  # questions end that long before the deadline


FLOORS: Final[dict[str, Clocks]] = {
    clocks.mode: clocks
    for clocks in (
        Clocks("procurement", 20, 15, 3, 5, 5),
        Clocks("enterprise", 15, 5, 1, 5, 3),
        Clocks("subsidy", 20, 5, 1, 5, 5),
        Clocks("trial", 10, 3, 1, 5, 2),
        Clocks("cooperation", 20, 5, 1, 5, 5),
        Clocks("opening", 10, 3, 1, 5, 2),
    )
}
FIGURES: Final[dict[str, Label]] = {
    "bidding_days": Label("揭榜期不少于（日）", "Bidding period, at least (days)"),
    "amendment_days": Label("变更距截止不少于（日）", "Amendment before the deadline, at least (days)"),
    "min_bids": Label("有效揭榜不少于（份）", "Valid bids, at least"),
    "notice_working_days": Label("公示期（工作日）", "Public notice (working days)"),
    "questions_close_working_days": Label(
        "提问在截止前结束（工作日）", "Questions close before the deadline (working days)"
    ),
}
LAW: Final[dict[tuple[str, str], str]] = {
    ("procurement", "bidding_days"): "《政府采购法》第三十五条",
    ("procurement", "amendment_days"): "《招标投标法实施条例》第二十一条",
    ("procurement", "min_bids"): "《招标投标法实施条例》第四十四条",
    ("procurement", "objection_working_days"): "《政府采购法》第五十二条、第五十三条",
}
CEILINGS: Final[dict[str, int]] = {  # beyond these a figure is a slip of the keyboard
    "bidding_days": 180,
    "amendment_days": 60,
    "min_bids": 10,
    "notice_working_days": 30,
    "questions_close_working_days": 20,
}

# The same for all modes, and not editable: a longer one would not be stricter.
ANSWER_WORKING_DAYS: Final = 3
ANSWER_BEFORE_DEADLINE_WORKING_DAYS: Final = 1
QUESTION_WORKING_DAYS: Final = 3  # the least a publication leaves for questions
CONTRACT_DAYS: Final = 30
OBJECTION_WORKING_DAYS: Final = 7
CLOSING_WITHIN: Final = timedelta(hours=72)

PHASES: Final[dict[str, Label]] = {
    "open": Label("揭榜中", "Accepting bids"),
    "closing": Label("即将截止", "Closing soon"),
    "closed": Label("已截止", "Closed"),
}


class BadClocks(ValueError):
    """Somebody tried to set a figure that the floor forbids. The text is a sentence."""


def effective_clocks(overrides: Mapping[str, Mapping[str, int]] | None = None) -> dict[str, Clocks]:
    """The clocks in force: the floors, raised by what the administrator stored as ``{mode: {figure: value}}``.

    Raises ``BadClocks`` for an unknown mode or figure, a value under the floor or beyond any sense.
    """
    result = dict(FLOORS)
    for mode, figures in (overrides or {}).items():
        for figure, value in figures.items():
            if (problem := why_not_figure(mode, figure, value)) is not None:
                raise BadClocks(problem)
        result[mode] = Clocks(**{**asdict(FLOORS[mode]), **figures})
    return result


def why_not_figure(mode: str, figure: str, value: int) -> str | None:
    """The sentence why a figure may not be set to ``value``, or ``None``: the administrator's form asks the same."""
    if mode not in FLOORS or figure not in FIGURES:
        return f"没有“{mode} / {figure}”这一项时限。"
    floor = getattr(FLOORS[mode], figure)
    label = f"{MODES[mode].zh}的“{FIGURES[figure].zh}”"
    if value < floor:
        return f"{label}不能低于{floor}（{LAW.get((mode, figure), PLATFORM_RULE.zh)}），只能上调。"
    if value > CEILINGS[figure]:
        return f"{label}最多设为{CEILINGS[figure]}，请核对。"
    return None


def source(mode: str, figure: str, value: int | None = None) -> str:
    """What to print as the source of a figure: the article only where the law itself says this very number.

    ``figure`` is one of ``FIGURES``, or ``objection_working_days``, ``answer_working_days``, ``contract_days``.
    """
    law = LAW.get((mode, figure))
    floor = getattr(FLOORS[mode], figure, None)
    if law is None:
        return PLATFORM_RULE.zh
    if value is None or floor is None or value == floor:
        return law
    return f"{PLATFORM_RULE.zh}（法定下限{floor}，{law}）"


def questions_close_at(clocks: Clocks, deadline_at: datetime, calendar: Calendar) -> datetime:
    """17:00 of the working day that lies the mode's number of working days before the deadline's day."""
    day = calendar.subtract_working_days(beijing_day(deadline_at), clocks.questions_close_working_days)
    return close_of(day)


def _question_days(clocks: Clocks, published_on: date, deadline_on: date, calendar: Calendar) -> int:
    last = calendar.subtract_working_days(deadline_on, clocks.questions_close_working_days)
    return calendar.working_days_between(published_on, last)


def first_possible_deadline(clocks: Clocks, published_at: datetime, calendar: Calendar) -> datetime:
    """The earliest deadline that the mode allows and that leaves three working days for questions."""
    published_on = beijing_day(published_at)
    day = calendar.add_days(published_on, clocks.bidding_days)
    while _question_days(clocks, published_on, day, calendar) < QUESTION_WORKING_DAYS:
        day = calendar.add_working_days(day, 1)
    return close_of(day)


def why_not_deadline(
    clocks: Clocks, *, published_at: datetime, deadline_at: datetime, calendar: Calendar
) -> str | None:
    """The sentence why a publication with this deadline is refused, with the first possible one; ``None``: allowed."""
    minimum = calendar.earliest_deadline(published_at, clocks.bidding_days)
    proposal = f"最早可设为{moment_text(first_possible_deadline(clocks, published_at, calendar))}。"
    if deadline_at < minimum:
        basis = source(clocks.mode, "bidding_days", clocks.bidding_days)
        return f"{MODES[clocks.mode].zh}的揭榜期不少于{clocks.bidding_days}日（{basis}），{proposal}"
    left = _question_days(clocks, beijing_day(published_at), beijing_day(deadline_at), calendar)
    if left < QUESTION_WORKING_DAYS:
        least = f"{QUESTION_WORKING_DAYS}个（{PLATFORM_RULE.zh}）"
        return f"按此截止时间，提问期只有{left}个工作日，少于{least}，{proposal}"
    return None


def deadline_after_amendment(
    clocks: Clocks, *, amended_at: datetime, deadline_at: datetime, calendar: Calendar
) -> datetime:
    """The deadline after an amendment: unchanged, or moved on when less than the mode's lead is left."""
    return max(deadline_at.astimezone(UTC), calendar.earliest_deadline(amended_at, clocks.amendment_days))


def deadline_after_pause(
    *, deadline_at: datetime, suspended_at: datetime, resumed_at: datetime, calendar: Calendar
) -> datetime:
    """The old deadline plus the pause, rounded up to 17:00 of a working day."""
    if resumed_at < suspended_at:
        raise ValueError("a demand is resumed after it was suspended")
    return calendar.round_up(deadline_at + (resumed_at - suspended_at))


def deadline_after_outage(
    *, outage_from: datetime, outage_until: datetime, reopened_at: datetime, calendar: Calendar
) -> datetime:
    """At least as long as the platform was away, counted from the reopening, rounded up to 17:00 of a working day."""
    if outage_until <= outage_from:
        raise ValueError("an outage ends after it began")
    return calendar.round_up(reopened_at + (outage_until - outage_from))


def answer_due_at(*, asked_at: datetime, deadline_at: datetime, calendar: Calendar) -> datetime:
    """When a question must be answered: within 3 working days, and at least one working day before the deadline."""
    within = calendar.add_working_days(beijing_day(asked_at), ANSWER_WORKING_DAYS)
    before = calendar.subtract_working_days(beijing_day(deadline_at), ANSWER_BEFORE_DEADLINE_WORKING_DAYS)
    return close_of(min(within, before))


def notice_ends_at(clocks: Clocks, noticed_at: datetime, calendar: Calendar) -> datetime:
    """24:00 of the notice's last working day: objections are taken around the clock, so no business hours apply."""
    return midnight_after(calendar.add_working_days(beijing_day(noticed_at), clocks.notice_working_days))


def contract_due_at(awarded_at: datetime, calendar: Calendar) -> datetime:
    """30 days after the award, rolled on to a working day."""
    return close_of(calendar.add_days(beijing_day(awarded_at), CONTRACT_DAYS))


def objection_answer_due_at(filed_at: datetime, calendar: Calendar) -> datetime:
    """7 working days after the objection was filed."""
    return close_of(calendar.add_working_days(beijing_day(filed_at), OBJECTION_WORKING_DAYS))


def phase(deadline_at: datetime, *, now: datetime) -> str:
    """The clock phase of a published demand, a key of ``PHASES``: at the very deadline it is closed."""
    left = deadline_at - now
    if left <= timedelta(0):
        return "closed"
    return "closing" if left < CLOSING_WITHIN else "open"
