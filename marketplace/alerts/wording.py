"""What a message and a mail of an alert say, in the language in which its person reads the site. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sized
from dataclasses import dataclass

from marketplace.alerts.rules import LISTED_MOST


@dataclass(frozen=True, slots=True)
class Words:
    """``title``: (name of the search, number of hits) → headline; ``more``: how many are not listed → words."""

    language: str
    mark: str
    title: Callable[[str, int], str]
    more: Callable[[int], str]
    joint: str
    change: str
    stop: str

    def rest(self, lines: Sized) -> list[str]:
        """What follows the hits listed, if there are more."""
        return [self.more(len(lines) - LISTED_MOST)] if len(lines) > LISTED_MOST else []


WORDS = {
    "zh": Words(
        "zh",
        "【张榜】",
        lambda name, number: f"检索“{name}”有{number}条新结果",
        lambda number: f"另有{number}条",
        "；",
        "修改或删除这个检索：",
        "不想再收这个检索的提醒（不用登录）：",
    ),
    "en": Words(
        "en",
        "[Zhangbang] ",
        lambda name, number: f"{number} new result{'s' if number > 1 else ''} for your search “{name}”",
        lambda number: f"{number} more",
        "; ",
        "Change or delete this search: ",
        "No more mails about this search (without signing in): ",
    ),
}
