"""Notices, objections and result letters."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from itertools import product
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.demands.clocks import FLOORS, notice_ends_at
from marketplace.demands.content import Criterion, Indicator, ScoreSheet
from marketplace.notices.rules import letters, notices, objections
from marketplace.notices.rules.letters import Comment, Outcome
from marketplace.notices.rules.notices import NoticeAction, NoticeState
from marketplace.notices.rules.objections import ObjectionAction, ObjectionState
from marketplace.platform import policy
from marketplace.platform.policy import SYSTEM, Actor
from marketplace.platform.working_days import seeded
from marketplace.scoring.rules.record import Line, Ranking, Standing

PUBLISHED = datetime(2026, 11, 20, 2, tzinfo=UTC)  # Friday 10:00 in Beijing
ENDS = notice_ends_at(FLOORS["enterprise"], PUBLISHED, seeded())
DURING, AFTER = ENDS - timedelta(seconds=1), ENDS

NOTICE_MOVES = {
    ("proposed", "publish", "published"),
    ("proposed", "drop", "dropped"),
    ("published", "stand", "standing"),
    ("published", "revoke", "revoked"),
    ("standing", "revoke", "revoked"),
}
OBJECTION_MOVES = {
    ("filed", "accept", "accepted"),
    ("filed", "refuse", "not_accepted"),
    ("filed", "withdraw", "withdrawn"),
    ("accepted", "uphold", "upheld"),
    ("accepted", "dismiss", "dismissed"),
    ("accepted", "withdraw", "withdrawn"),
    ("not_accepted", "escalate", "escalated"),
    ("dismissed", "escalate", "escalated"),
    ("escalated", "overrule", "upheld"),
    ("escalated", "maintain", "maintained"),
    ("escalated", "withdraw", "withdrawn"),
}


@pytest.mark.parametrize(("state", "action"), list(product(NoticeState, NoticeAction)))
def test_every_notice_state_and_action(state: NoticeState, action: NoticeAction) -> None:
    target = notices.TABLE.get((state, action))
    assert ((state, action, target) in NOTICE_MOVES) if target else all((state, action) != m[:2] for m in NOTICE_MOVES)


@pytest.mark.parametrize(("state", "action"), list(product(ObjectionState, ObjectionAction)))
def test_every_objection_state_and_action(state: ObjectionState, action: ObjectionAction) -> None:
    target = objections.TABLE.get((state, action))
    moves = OBJECTION_MOVES
    assert ((state, action, target) in moves) if target else all((state, action) != m[:2] for m in moves)


def test_every_action_has_a_grant_and_every_word_a_label() -> None:
    assert {f"notice.{action}" for action in NoticeAction} <= set(notices.GRANTS)
    assert {f"objection.{action}" for action in ObjectionAction} <= set(objections.GRANTS)
    assert (set(notices.STATE_LABELS), set(notices.ACTION_LABELS)) == (set(NoticeState), set(NoticeAction))
    assert (set(objections.STATE_LABELS), set(objections.ACTION_LABELS)) == (set(ObjectionState), set(ObjectionAction))


LI, SUN = (Actor(id=i, roles=frozenset({("publisher", 9)})) for i in (1, 6))
CHEN = Actor(id=2, roles=frozenset({("supervisor", 9)}))
OFFICER = Actor(id=4, roles=frozenset({("screener", 9)}))
ZHAO = Actor(id=7, roles=frozenset({("org_admin", 20)}))
LINK = Actor(name="赵先生", username="link:objection:3")
CAST = {
    "publisher": LI,
    "supervisor": CHEN,
    "screener": OFFICER,
    "objector": ZHAO,
    "link": LINK,
    "system": SYSTEM,
    "visitor": Actor(),
}
READY = SimpleNamespace(
    published_at=PUBLISHED,
    ends_at=ENDS,
    screened_by_id=99,
    proposed_by_id=99,
    report_is_signed=True,
    ranking_is_decided=True,
    has_no_open_objection=True,
    award_proposed_by_id=99,
    has_cause_to_revoke=True,
    has_no_contract=True,
    objector_account_id=7,
    link_name="link:objection:3",
    escalation_ends_at=AFTER + timedelta(days=7),
    answer_drafted_by_id=99,
    answer_signed_by_id=99,
)
WHO_MAY = {
    "notice.propose": "publisher",
    "notice.publish": "publisher supervisor",
    "notice.drop": "publisher supervisor",
    "notice.propose_award": "publisher",
    "notice.stand": "publisher supervisor",
    "notice.revoke": "supervisor system",
    "notice.desk": "screener publisher supervisor",
    "letter.see": "publisher supervisor screener objector",  # whose, is the query's matter
    "letter.mine": "objector",  # an organisation's administrator
    "objection.desk": "screener publisher supervisor",
    "objection.file": "",  # the window is over
    "objection.see": "objector link screener publisher supervisor",
    "objection.accept": "screener publisher",
    "objection.draft_answer": "screener publisher",
    "objection.refuse": "publisher supervisor",
    "objection.uphold": "publisher supervisor",
    "objection.dismiss": "publisher supervisor",
    "objection.escalate": "objector link",
    "objection.overrule": "supervisor",
    "objection.maintain": "supervisor",
    "objection.withdraw": "objector link",
}


@pytest.mark.parametrize("who", CAST)
@pytest.mark.parametrize("permission", WHO_MAY)
def test_who_may_do_what_after_the_window_when_everything_is_ready(permission: str, who: str) -> None:
    assert (policy.why_not(permission, CAST[who], READY, AFTER) is None) is (who in WHO_MAY[permission].split())


def test_the_table_of_permissions_is_complete() -> None:
    assert set(WHO_MAY) == set(notices.GRANTS) | set(objections.GRANTS)


@pytest.mark.parametrize(
    ("permission", "actor", "change", "now", "sentence"),
    [
        (
            "notice.propose",
            LI,
            {"screened_by_id": 1},
            DURING,
            "受理过这项需求的人不能单独决定，请由另一位发榜负责人办理。",
        ),
        ("notice.propose", LI, {"report_is_signed": False}, DURING, "评审报告尚未签署完毕。"),
        ("notice.propose", LI, {"ranking_is_decided": False}, DURING, "还有并列名次等待抽签。"),
        ("notice.publish", LI, {"proposed_by_id": 1}, DURING, "公示须由一人提出、另一人确认，不能自己确认。"),
        ("notice.stand", SUN, {}, DURING, "公示期未满。"),
        ("notice.stand", SUN, {"has_no_open_objection": False}, AFTER, "还有异议未答复，暂不能定榜。"),
        ("notice.stand", SUN, {"award_proposed_by_id": 6}, AFTER, "定榜须由一人提出、另一人确认。"),
        ("notice.revoke", CHEN, {"has_no_contract": False}, AFTER, "已有中榜项目签约，不能撤销公示。"),
        ("notice.revoke", CHEN, {"has_cause_to_revoke": False}, AFTER, "没有成立的异议或更正，不能撤销公示。"),
        ("objection.file", Actor(), {}, AFTER, "只能在公示期内提出异议。"),
        ("objection.file", Actor(), {"published_at": None}, DURING, "只能在公示期内提出异议。"),
        ("objection.escalate", ZHAO, {"escalation_ends_at": AFTER}, AFTER, "报监督员的期限已过。"),
        ("objection.escalate", LI, {}, AFTER, "只有提出异议的人可以这样做。"),
        ("objection.dismiss", LI, {"answer_drafted_by_id": 1}, AFTER, "答复须由一人拟写、另一人签发。"),
        ("objection.maintain", CHEN, {"answer_signed_by_id": 2}, AFTER, "签发过原答复的人不能再作决定。"),
    ],
)
def test_the_reason_is_told(
    permission: str, actor: Actor, change: dict[str, object], now: datetime, sentence: str
) -> None:
    assert policy.why_not(permission, actor, SimpleNamespace(**{**vars(READY), **change}), now) == sentence


def test_anyone_may_object_while_the_window_is_open_and_the_instant_it_ends_is_too_late() -> None:
    assert policy.allows("objection.file", Actor(), READY, DURING)
    assert not policy.allows("objection.file", Actor(), READY, PUBLISHED - timedelta(seconds=1))


def test_a_link_opens_one_objection_only_and_no_account_may_pose_as_one() -> None:
    assert not policy.allows("objection.withdraw", replace(LINK, username="link:objection:4"), READY, AFTER)
    assert not policy.allows("objection.withdraw", replace(LINK, id=8), READY, AFTER)
    assert not policy.allows("objection.withdraw", Actor(), SimpleNamespace(**{**vars(READY), "link_name": ""}), AFTER)


def test_the_window_of_the_mockup() -> None:
    assert datetime(2026, 11, 27, 16, tzinfo=UTC) == ENDS  # 24:00 in Beijing
    assert notices.window_days(PUBLISHED, ENDS, seeded()) == tuple(date(2026, 11, day) for day in (23, 24, 25, 26, 27))
    national = datetime(2026, 9, 30, 2, tzinfo=UTC)
    assert len(notices.window_days(national, notice_ends_at(FLOORS["trial"], national, seeded()), seeded())) == 5


def test_escalation_ends_after_five_working_days() -> None:
    assert objections.escalation_ends_at(PUBLISHED, seeded()) == ENDS


@given(st.lists(st.sampled_from(ObjectionState)))
def test_one_open_objection_freezes_the_award(states: list[ObjectionState]) -> None:
    waiting = {"filed", "accepted", "escalated"}
    assert objections.freezes(states) is bool(waiting.intersection(states))


def test_an_objector_is_masked() -> None:
    assert objections.masked(" 赵远航 ", organisation=False) == "赵**"
    assert objections.masked("郑州北落信息技术有限公司", organisation=True) == "某单位"


def ranking_of(*totals: int | None) -> Ranking:
    """Bids b0, b1, … with these totals, ``None`` for a disqualified one; half of each in the one typed criterion."""
    lines = [
        Line(f"b{i}", Standing.DISQUALIFIED)
        if total is None
        else Line(f"b{i}", Standing.RANKED, i + 1, D(total), D(total), (("indicators", D(30)), ("plan", D(total - 30))))
        for i, total in enumerate(totals)
    ]
    return Ranking(1, tuple(lines))


@given(st.integers(0, 12), st.integers(1, 3))
def test_candidates_are_three_for_each_award(bids: int, awards: int) -> None:
    found = notices.candidates(ranking_of(*[90] * bids), awards=awards)
    assert [one.bid for one in found] == [f"b{i}" for i in range(min(bids, 3 * awards))]
    assert [one.proposed for one in found] == [i < awards for i in range(len(found))]
    assert [one.rank for one in found] == list(range(1, len(found) + 1))


def test_no_candidates_while_a_tie_waits() -> None:
    with pytest.raises(ValueError, match="tie"):
        notices.candidates(replace(ranking_of(90, 90), undecided=(("b0", "b1"),)), awards=1)


BANDS = ("差", "中", "良", "优")
SHEET = ScoreSheet(
    criteria=(
        Criterion("indicators", "指标响应", D(30), "indicator", BANDS),
        Criterion("plan", "方案", D(70), "typed", BANDS, D(40)),
    )
)
INDICATORS = (Indicator(name="准确率", veto=True), Indicator(name="时延"))


def letter(ranking: Ranking, bid: str, comments: tuple[Comment, ...] = ()) -> letters.ResultLetter:
    return letters.result_letter(
        ranking,
        bid,
        sheet=SHEET,
        indicators=INDICATORS,
        candidates=notices.candidates(ranking, awards=1),
        comments=comments,
        names=("周和", "周和平"),
        objections_until=ENDS,
    )


def test_a_letter_sets_the_own_score_beside_the_median() -> None:
    found = letter(ranking_of(90, 80, 60, None), "b1")
    assert (found.outcome, found.rank, found.total, found.median_total) == (Outcome.CANDIDATE, 2, D(80), D(80))
    assert [(line.name, line.full, line.own, line.median) for line in found.lines] == [
        ("指标响应", D(30), D(30), D(30)),
        ("方案", D(70), D(50), D(50)),
    ]
    assert found.sentence == "贵单位进入候选名单。如拟中榜单位未能签约，按名次递补。"


@pytest.mark.parametrize("totals", [(90,), (90, 80), (90, 80, None)])
def test_no_median_while_it_would_give_away_another_bid(totals: tuple[int | None, ...]) -> None:
    found = letter(ranking_of(*totals), "b0")
    assert found.median_total is None
    assert {line.median for line in found.lines} == {None}


def test_how_it_ended() -> None:
    ranking = ranking_of(95, 90, 85, 80, None)
    assert [letter(ranking, f"b{i}").outcome for i in range(5)] == [
        Outcome.PROPOSED,
        Outcome.CANDIDATE,
        Outcome.CANDIDATE,
        Outcome.NOT_SELECTED,
        Outcome.DISQUALIFIED,
    ]
    failed = replace(ranking.lines[3], standing=Standing.VETO_FAILED, rank=None, shortfalls=("indicator-1", "plan"))
    found = letter(Ranking(1, (*ranking.lines[:3], failed)), "b3")
    assert (found.outcome, found.failed_indicators) == (Outcome.VETO_FAILED, ("准确率",))
    assert [line.below_minimum for line in found.lines] == [False, True]
    refused = letters.refusal_letter("b9", reason_code="Z-03", objections_until=ENDS)
    assert (refused.outcome, refused.reason_code, refused.lines) == (Outcome.INELIGIBLE, "Z-03", ())


def test_every_standing_has_its_outcome_and_sentence() -> None:
    assert set(letters.OUTCOME_SENTENCES) == set(Outcome)
    for standing in set(Standing) - {Standing.RANKED}:
        line = Line("b0", standing)
        assert letter(Ranking(1, (line,)), "b0").outcome == standing.value


def test_comments_are_anonymous() -> None:
    given_comments = (
        Comment("e1", "plan", "同意周和平的看法，工期偏紧。"),
        Comment("e2", "plan", "周和指出的风险未回应。"),
        Comment("e3", "plan", "  "),
        Comment("e2", "indicators", "第12页数据可核。"),
    )
    line = letter(ranking_of(90, 80, 70), "b0", given_comments).lines[1]
    assert sorted(line.comments) == ["同意（某专家）的看法，工期偏紧。", "（某专家）指出的风险未回应。"]


@given(st.lists(st.text("优良中差", min_size=1), min_size=1, max_size=7, unique=True), st.randoms())
def test_the_order_of_comments_says_nothing_about_their_authors(texts: list[str], random) -> None:  # type: ignore[no-untyped-def]
    one = [Comment(f"e{i}", "plan", text) for i, text in enumerate(texts)]
    other = [Comment(f"e{9 - i}", "plan", text) for i, text in enumerate(random.sample(texts, len(texts)))]
    shown = letters.anonymised(one, names=(), salt="b0|plan")
    assert shown == letters.anonymised(other, names=(), salt="b0|plan")
    assert sorted(shown) == sorted(texts)
