"""Texts → terms, with the words of the search: dictionary, stop words and synonyms, the site's own included.

The lists are those that the index in use was built with, so that an edited list holds for search, alerts and matching
from the same ``flask search rebuild`` on, in every process; without an index, those of the program.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from marketplace.capabilities.content import CapabilityContent
from marketplace.demands.content import DemandContent
from marketplace.matching.rules import weighed
from marketplace.search import directory
from marketplace.search.analysis import DATA, STOPWORDS, latin_parts, normalise, standards
from marketplace.search.index import Unavailable
from marketplace.search.plan import GENERIC, Planner

TERM_MAX = 40  # characters of a term that is kept
NUMERAL = re.compile(r"[零一二两三四五六七八九十百千万亿分之几多第个\d.]+")
# Words of every demand's and every firm's language that say nothing about the matter.
_COMMON = """
适合 建设 提供 支持 进行 实现 能力 服务 解决 方案 技术 要求 需求 单位 项目 完成
以上 以内 不低于 不超过 达到 具备 相关 产品 开展 形成 提高 降低 配套 自研 统一
现有 目前 小时 分钟 全部 一套 以及 可以 通过 采用 运行 应用 验收 试运行 指标 目标
质量 数量 时间 平均 情况 问题 工作 人员 部门 企业 公司 园区 高新区 城市 低于 高于
不到 不能 之内 其中 同时 一并 技术支持 三日 三秒 满足 按照 接入
"""
COMMON = frozenset(_COMMON.split())


LOOK_EVERY = 1.0  # seconds between two looks at which index is in use


class _Words:
    """Where the index in use lies, and the planner of its lists."""

    def __init__(self) -> None:
        self.current: Callable[[], Path | None] = lambda: None
        self._known: tuple[float, Planner] | None = None

    def planner(self) -> Planner:
        if self._known is None or time.monotonic() - self._known[0] > LOOK_EVERY:
            self._known = (time.monotonic(), self._look())
        return self._known[1]

    def _look(self) -> Planner:
        path = self.current()
        if path is not None:
            try:
                return directory.planner(path)
            except Unavailable:
                pass  # it is being rebuilt
        return directory.planner(DATA)

    def forget(self) -> None:
        self._known = None


_words = _Words()


def configure(current: Callable[[], Path | None]) -> None:
    """Where the index of this host lies; once at start."""
    _words.current = current
    _words.forget()


def look_again() -> None:
    """The index has just been replaced: its lists count from now on."""
    _words.forget()


def planner() -> Planner:
    """The segmenter and the synonyms in use: 60 ms and 25 MB for lists not seen before."""
    return _words.planner()


def of(text: str) -> list[str]:
    """The telling words of a text, in order, as often as they stand there."""
    found = []
    for word in planner().analyzer.words(standards(normalise(text))):
        term = latin_parts(word.text)[0] if word.latin else word.text
        if 1 < len(term) <= TERM_MAX and not _says_nothing(term):
            found.append(term)
    return found


def _says_nothing(term: str) -> bool:
    return term in STOPWORDS or term in GENERIC or term in COMMON or NUMERAL.fullmatch(term) is not None


def of_demand(content: DemandContent) -> dict[str, int]:
    """Term → weight of a demand, draft or public."""
    heads = [of(content.goal), *(of(item.name) for item in content.indicators)]
    body = "\n".join((content.content, content.background, *(item.text for item in content.offers)))
    return weighed(of(content.title), heads, of(body))


def of_capability(content: CapabilityContent) -> dict[str, int]:
    """Term → weight of a capability."""
    done = "\n".join(f"{item.name} {item.result}" for item in content.references)
    return weighed(of(content.title), [of(content.summary)], of(f"{content.text}\n{done}"))


def synonyms(term: str) -> tuple[str, ...]:
    """Other single words for the term."""
    alternatives = planner().synonyms.of(term)
    return tuple(tokens[0] for tokens in alternatives if len(tokens) == 1 and tokens[0][0] not in "~^")
