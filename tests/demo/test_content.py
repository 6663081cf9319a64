"""The demo's own writing keeps the rules it is to show: product.md §3, the taxonomy, GB 32100-2015."""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import date

import pytest

from marketplace.accounts.rules import SIZES, OrganisationKind, Role
from marketplace.demands.clocks import MODES
from marketplace.demands.content import DemandContent, from_json, to_json
from marketplace.demands.score_sheets import validate_sheet
from marketplace.demands.similarity import SimilarityIndex
from marketplace.demo.content import demands, organisations, people
from marketplace.demo.content.catalogue import month_end
from marketplace.platform.credit_code import INVENTED_REGION, parse
from marketplace.taxonomy import (
    BUDGET_BANDS,
    DIRECTIONS,
    INDUSTRIES,
    IP_OWNERSHIPS,
    KINDS,
    OFFER_KINDS,
    OPERATORS,
    SENSITIVITIES,
    budget_band,
)

TODAY = date(2026, 11, 24)
ORGANISATIONS = organisations()
PEOPLE = people()
DEMANDS = demands(TODAY)
SOUND = {key: entry for key, entry in DEMANDS.items() if not entry.flawed}

# interface.md: one account per role.
OFFICE = ("drafter", "approver", "screener", "publisher", "publisher2", "custodian1", "custodian2", "custodian3")
COMPANIES = ("supervisor", "finance", "bidder", "bidder_member", "rival", "sysadmin", "secadmin", "secadmin2")
AUDIT = ("auditadmin",)
EXPERTS = tuple(f"expert{number}" for number in range(1, 10))


@pytest.mark.parametrize("key", ORGANISATIONS)
def test_credit_codes_are_valid_and_marked_as_invented(key: str) -> None:
    code = ORGANISATIONS[key].credit_code
    assert parse(code) == code
    assert code[2:8] == INVENTED_REGION


def test_organisations_are_distinct_and_refer_to_each_other() -> None:
    for field in ("credit_code", "name", "name_en", "short"):
        assert len({getattr(item, field) for item in ORGANISATIONS.values()}) == len(ORGANISATIONS)
    for item in ORGANISATIONS.values():
        assert item.kind in list(OrganisationKind)
        assert item.size in SIZES
        assert not item.controller or item.controller in ORGANISATIONS
        assert set(item.affiliates) <= set(ORGANISATIONS)
        assert set(item.industries) <= set(INDUSTRIES)
        for contact in item.contacts:
            assert re.fullmatch(r"138\d{8}", contact.phone)
            assert contact.email.endswith(".example.com")


def test_enough_organisations_of_each_kind() -> None:
    roles = Counter(role for item in ORGANISATIONS.values() for role in item.roles)
    assert roles["unit"] >= 12
    assert roles["bidder"] >= 8
    assert roles["custodian"] >= 3
    for item in ORGANISATIONS.values():
        if "bidder" in item.roles:
            assert len(item.capabilities) >= 40
            assert item.industries


def test_every_account_of_the_interface_exists() -> None:
    cards = OFFICE + COMPANIES + AUDIT + EXPERTS
    assert tuple(PEOPLE)[: len(cards)] == cards
    phones = Counter(item.phone for item in PEOPLE.values())
    assert [phone for phone, count in phones.items() if count > 1] == []


def test_people_belong_somewhere() -> None:
    for person in PEOPLE.values():
        assert set(person.roles) <= set(Role)
        assert bool(person.org) != ("expert" in person.roles), person.username
        assert not person.org or person.org in ORGANISATIONS
        assert not person.employer_org or person.employer_org in ORGANISATIONS
    experts = [item for item in PEOPLE.values() if "expert" in item.roles]
    assert 3 * sum(item.outside for item in experts) >= 2 * len(experts)


@pytest.mark.parametrize("role", ["drafter", "approver"])
def test_every_unit_with_a_demand_has_both_persons(role: str) -> None:
    staffed = {person.org for person in PEOPLE.values() if role in person.roles}
    assert {entry.unit for entry in DEMANDS.values()} <= staffed


@pytest.mark.parametrize("key", DEMANDS)
def test_demand_survives_its_json(key: str) -> None:
    content = DEMANDS[key].content
    assert from_json(to_json(content)) == content


@pytest.mark.parametrize("key", SOUND)
def test_texts_are_long_enough(key: str) -> None:
    content = SOUND[key].content
    assert 6 <= len(content.title) <= 60
    assert len(content.background) >= 100
    assert len(content.goal) >= 50
    assert len(content.content) >= 100
    assert content.place
    assert content.funds_source
    assert content.conditions
    assert len(content.conditions) <= 500
    assert re.fullmatch(r"138\d{8}", content.contact_phone)


@pytest.mark.parametrize("key", SOUND)
def test_codes_are_of_the_vocabularies(key: str) -> None:
    content = SOUND[key].content
    assert content.direction in DIRECTIONS
    assert content.industries
    assert set(content.industries) <= set(INDUSTRIES)
    assert content.kind in KINDS
    assert content.mode in MODES
    assert content.ip_ownership in IP_OWNERSHIPS
    assert all(item.kind in OFFER_KINDS and item.sensitivity in SENSITIVITIES for item in content.offers)
    assert content.offers
    assert all(item.text and item.access for item in content.offers)


@pytest.mark.parametrize("key", SOUND)
def test_indicators_can_be_measured(key: str) -> None:
    items = SOUND[key].content.indicators
    assert len(items) >= 3
    assert sum(item.weight for item in items) == 100
    assert len({item.name for item in items}) == len(items)
    for item in items:
        assert item.operator in OPERATORS
        assert (item.operator == "range") == bool(item.target_high)
        assert all((item.name, item.baseline, item.target, item.unit, item.method)), item
        assert len(item.method) >= 6


@pytest.mark.parametrize("key", SOUND)
def test_milestones_fill_the_period(key: str) -> None:
    content = SOUND[key].content
    months = [item.months for item in content.milestones]
    assert len(months) >= 2
    assert sum(item.percent for item in content.milestones) == 100
    assert months == sorted(set(months))
    assert months[-1] == content.period_months
    assert content.period_months is not None
    assert 1 <= content.period_months <= 36
    assert all(item.deliverable for item in content.milestones)
    assert content.deliver_by is not None
    assert content.deliver_by > TODAY


@pytest.mark.parametrize("key", SOUND)
def test_money_and_race_fit_the_mode(key: str) -> None:
    content = SOUND[key].content
    if content.budget_fen is None:
        assert content.mode in {"trial", "opening", "cooperation"}
        assert content.budget_note
    else:
        assert 1_000_000 <= content.budget_fen <= 10_000_000_000
    assert 1 <= content.award_count <= 3
    assert content.min_bids >= (3 if content.mode == "procurement" else 1)
    assert (content.mode == "procurement") == bool(content.procurement_number) == bool(content.procurement_url)
    assert 0 <= content.security_level <= 4
    assert not content.classified
    assert validate_sheet(content.score_sheet, mode=content.mode) == []


def test_every_direction_industry_and_mode_is_there_in_numbers() -> None:
    contents: list[DemandContent] = [entry.content for entry in DEMANDS.values()]
    assert len(contents) >= 66
    assert len({content.title for content in contents}) == len(contents)
    assert all(count >= 12 for count in tally(DIRECTIONS, [item.direction for item in contents]).values())
    assert all(
        count >= 3 for count in tally(INDUSTRIES, [code for item in contents for code in item.industries]).values()
    )
    assert all(count >= 4 for count in tally(MODES, [item.mode for item in contents]).values())
    assert set(OPERATORS) == {item.operator for content in contents for item in content.indicators}
    assert {budget_band(content.budget_fen) for content in contents} == set(BUDGET_BANDS)
    assert len({entry.unit for entry in DEMANDS.values()}) >= 12


def tally(vocabulary: Mapping[str, object], used: list[str]) -> dict[str, int]:
    """How often each code of a vocabulary is used, 0 included."""
    counted = Counter(used)
    return {code: counted[code] for code in vocabulary}


def test_four_are_flawed_on_purpose() -> None:
    assert {key for key, entry in DEMANDS.items() if entry.flawed} == {
        "toilet",
        "settlement",
        "mes-upgrade",
        "elevator",
    }


def test_month_end_counts_over_the_year() -> None:
    assert month_end(date(2026, 11, 24), 0) == date(2026, 11, 30)
    assert month_end(date(2026, 11, 24), 3) == date(2027, 2, 28)
    assert month_end(date(2027, 12, 1), 2) == date(2028, 2, 29)


def test_four_pairs_look_alike_and_nothing_else_does() -> None:
    texts = {
        key: (entry.content.title, entry.content.background + entry.content.goal + entry.content.content)
        for key, entry in DEMANDS.items()
    }
    index = SimilarityIndex((key, title, text) for key, (title, text) in texts.items())
    pairs = {
        frozenset((key, found.key))
        for key, (title, text) in texts.items()
        for found in index.nearest(title, text, besides=key)
    }
    assert pairs == {
        frozenset(("manhole", "manhole-twin")),
        frozenset(("facade-drone", "facade-check")),
        frozenset(("grind-vision", "blade-vision")),
        frozenset(("hydrogen-station", "bus-hydrogen-safety")),
    }
