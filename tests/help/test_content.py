"""The help texts: one per role in both languages, and nothing in them that the site does not have yet."""

import re
from pathlib import Path

import pytest

import marketplace
from marketplace.demands.clocks import FLOORS

FOLDER = Path(marketplace.__file__).parent / "help" / "content"
ROLES = (
    "visitor",
    "unit",
    "screener",
    "publisher",
    "bidder",
    "expert",
    "custodian",
    "supervisor",
    "finance",
    "admin",
)
LATER = ("bid", "review")  # switched on together with sealed bids and with the review


def text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


CHAPTERS = ("accessibility", "api")  # not of a role: linked from the foot of every page


def test_every_text_is_there_in_both_languages() -> None:
    wanted = {f"{name}.{language}.md" for name in (*ROLES, *LATER, *CHAPTERS) for language in ("zh", "en")}
    assert {path.name for path in FOLDER.iterdir()} == wanted


@pytest.mark.parametrize("name", [*ROLES, *LATER])
def test_both_languages_have_the_same_shape(name: str) -> None:
    zh, en = text(f"{name}.zh.md"), text(f"{name}.en.md")
    assert zh.startswith("# ")
    assert len(re.findall("^# ", zh, re.M)) == len(re.findall("^# ", en, re.M)) == 1
    assert len(re.findall("^## ", zh, re.M)) == len(re.findall("^## ", en, re.M))
    assert "](" not in zh + en  # no links that could break
    assert len(re.findall("^[|]", zh, re.M)) == len(re.findall("^[|]", en, re.M))


def test_the_publishers_table_is_that_of_the_clocks() -> None:
    rows = re.findall(r"^\| .+", text("publisher.zh.md"), re.M)[1:]
    figures = [[int(number) for number in re.findall(r"\d+", row)] for row in rows]
    assert figures == [
        [
            known.bidding_days,
            known.amendment_days,
            known.min_bids,
            known.questions_close_working_days,
        ]
        for known in FLOORS.values()
    ]
