"""From the words people write to the codes of ``taxonomy``: ``民生服务`` → ``living``, ``AI`` → ``newit``.

Pure data and one matcher. An alias is as good as the label; a merely similar word is taken with a warning; an unlike
one is left out with a warning and never becomes 其他 by itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher

from marketplace import taxonomy
from marketplace.demands import clocks
from marketplace.exchange.reading.amounts import Note
from marketplace.exchange.reading.text import compact, letters_only, shorten

_DIRECTION_WORDS = {
    "carrier": "项目载体 重大项目 重大载体 载体建设 重大项目载体建设 载体",
    "industry": "产业数字化 数字化转型 产业转型 产业数字转型 产业数字化升级 产业数智化转型 产业数智化 数字化 "
    "工业数字化转型 企业数字化转型",
    "building": "城市更新 城市建设 城市建设和城市更新 城市建设与更新 城市建设及更新 城市建设更新 城建 "
    "城建与更新 城市更新与建设",
    "living": "民生服务 城市管理 城市管理与民生服务 城市管理及民生服务 城市管理民生服务 城市管理和民生 "
    "城管民生 城市管理与民生 "
    "民生 城市治理 公共服务 城管和民生服务 城市治理和民生服务 城市治理与民生服务 城管",
}
_INDUSTRY_WORDS = {
    "iot": "物联网 传感器 智能传感器 物联网智能传感器 智能传感 物联网及传感器 传感器产业 传感",
    "infosec": "电子信息 网络安全 信息安全 电子信息与网络安全 网络空间安全 数据安全 网安",
    "beidou": "北斗 北斗应用 精密测绘 北斗导航 测绘 北斗精密测绘 卫星导航 测绘地理信息 地理信息 北斗产业",
    "superhard": "新材料 超硬材料 超硬 金刚石 新材料产业",
    "computing": "数算 数据与算力 算力 大数据 数字经济 数据要素 数据产业 数算一体 算力产业 数据算力 数据 "
    "云计算与大数据",
    "hydrogen": "氢能 储能 氢能储能 氢能与储能产业 氢能和储能 氢储能 新型储能",
    "health": "生命健康产业 生物医药 医疗健康 大健康 医疗器械 生命科学 健康 医药 医疗 生物医药与生命健康 健康医疗",
    "newit": "新一代信息 信息技术 人工智能 ai 软件 5g 新一代信息技术产业 软件和信息技术服务 软件与信息技术 "
    "软件信息 人工智能ai 新一代信息技术it",
    "quantum": "量子 量子科技 量子技术 量子计算 量子通信",
    "brain": "类脑 类脑计算 脑机接口 脑科学 脑科学与类脑智能",
    "network": "未来网络产业 6g 下一代网络 未来网络通信 下一代互联网",
    "frontier": "前沿材料 未来材料 先进材料 前沿新材料产业",
    "other": "其它 综合 不限 其他产业 其他类 其他行业 其他领域 跨行业",
}
_KIND_WORDS = {"experiment": "实验 试验场景 试验 实验类 测试场景", "application": "应用 应用类 推广场景 应用推广"}
_MODE_WORDS = {
    "procurement": "政府采购 采购 公开招标 招标 政府购买服务 财政采购",
    "enterprise": "企业出资 企业自筹 企业投资 自筹资金 企业采购 企业自有资金",
    "subsidy": "政府后补助 后补助 补助 奖补 事后补助 财政补助 后补贴",
    "trial": "免费试用测试 免费试用 试用 免费测试 试用测试 测试",
    "cooperation": "合作运营 联合运营 特许经营 共同运营 合作经营",
    "opening": "数据/场地开放 数据场地开放 数据开放 场地开放 资源开放 开放",
}
_PREFIX = re.compile(r"^(?:[(（]?[一二三四五六七八九十\d]{1,2}[)）]?[.、．:：)）]|[①-⑨]|第[一二三四]|[a-d][.、])\s*")
_SUFFIX = re.compile(r"(?:类场景|类项目|方向类|领域类|方向|领域|类别|类|板块|场景)$")
_STRONG = re.compile(r"[、,，;；|/／\n+＋&]|以及|[ 　]{2,}")
_WEAK = re.compile(r"[·•和与及 　-]")
_SIMILAR = 0.72
_MARGIN = 0.08


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """``words``: comparable form → code, labels and aliases alike."""

    name: str
    words: Mapping[str, str]
    labels: Mapping[str, str]

    def exact(self, text: str) -> str | None:
        """The code of a label or alias, whatever its brackets, number in front, or 类/方向 behind."""
        flat = _PREFIX.sub("", compact(text))
        for form in (flat, _SUFFIX.sub("", flat), re.sub(r"[(（].*?[)）]", "", flat)):
            if (key := letters_only(form)) and (code := self.words.get(key)):
                return code
        return None

    def similar(self, text: str) -> str | None:
        """The code whose words are alike, where one code is clearly ahead of the next."""
        key = letters_only(_SUFFIX.sub("", _PREFIX.sub("", compact(text))))
        if len(key) < 2:
            return None
        best: dict[str, float] = {}
        for word, code in self.words.items():
            score = SequenceMatcher(None, key, word, autojunk=False).ratio()
            if len(word) >= 3 and word in key:
                score = max(score, 0.6 + 0.4 * len(word) / len(key))
            best[code] = max(best.get(code, 0.0), score)
        ranked = sorted(best.items(), key=lambda item: -item[1])
        if ranked[0][1] < _SIMILAR or (len(ranked) > 1 and ranked[0][1] - ranked[1][1] < _MARGIN):
            return None
        return ranked[0][0]


def _vocabulary(name: str, labels: Mapping[str, str], aliases: Mapping[str, str]) -> Vocabulary:
    words = {letters_only(label): code for code, label in labels.items()}
    for code, text in aliases.items():
        for word in text.split():
            words.setdefault(letters_only(word), code)
    return Vocabulary(name, words, labels)


def _zh(labels: Mapping[str, taxonomy.Label]) -> dict[str, str]:
    return {code: label.zh for code, label in labels.items()}


DIRECTIONS = _vocabulary("方向", _zh(taxonomy.DIRECTIONS), _DIRECTION_WORDS)
INDUSTRIES = _vocabulary("产业", _zh(taxonomy.INDUSTRIES), _INDUSTRY_WORDS)


def _renew() -> None:
    """New names are understood in lists at once; what a list may have said before stays understood."""
    for vocabulary, labels in ((DIRECTIONS, taxonomy.DIRECTIONS), (INDUSTRIES, taxonomy.INDUSTRIES)):
        names = _zh(labels)
        assert isinstance(vocabulary.words, dict)
        assert isinstance(vocabulary.labels, dict)
        vocabulary.labels.clear()
        vocabulary.labels.update(names)
        vocabulary.words.update({letters_only(label): code for code, label in names.items()})


taxonomy.listen(_renew)
KINDS = _vocabulary("场景类型", _zh(taxonomy.KINDS), _KIND_WORDS)
MODES = _vocabulary("资金方式", _zh(clocks.MODES), _MODE_WORDS)


def read_one(text: str, vocabulary: Vocabulary, *, code: str) -> tuple[str | None, tuple[Note, ...]]:
    """One code from a cell that should name one. ``code`` prefixes the messages, e.g. ``direction``."""
    if found := vocabulary.exact(text):
        return found, ()
    parts = [part for part in _STRONG.split(text) if part.strip()]
    named = {found for part in parts if (found := vocabulary.exact(part))}
    if len(named) > 1:
        labels = "、".join(vocabulary.labels[item] for item in sorted(named))
        return None, (Note(f"{code}.several", f"写了不止一个{vocabulary.name}（{labels}），请选定一个"),)
    if len(named) == 1 and len(parts) > 1:
        found = named.pop()
        return found, (Note(f"{code}.fuzzy", f"“{shorten(text, 30)}”按“{vocabulary.labels[found]}”理解，请核对"),)
    if found := vocabulary.similar(text):
        return found, (Note(f"{code}.fuzzy", f"“{shorten(text, 30)}”按“{vocabulary.labels[found]}”理解，请核对"),)
    return None, (Note(f"{code}.unknown", f"“{shorten(text, 30)}”不是已知的{vocabulary.name}"),)


def read_many(text: str, vocabulary: Vocabulary, *, code: str) -> tuple[tuple[str, ...], tuple[Note, ...]]:
    """All codes of a cell that may name several, in the order written, each once."""
    found: list[str] = []
    notes: list[Note] = []
    if whole := vocabulary.exact(text):
        return (whole,), ()
    for part in _pieces(text, vocabulary):
        if match := vocabulary.exact(part):
            if match in found:
                notes.append(Note(f"{code}.repeated", f"“{shorten(part, 30)}”重复，只记一次", "info"))
        elif match := vocabulary.similar(part):
            notes.append(Note(f"{code}.fuzzy", f"“{shorten(part, 30)}”按“{vocabulary.labels[match]}”理解，请核对"))
        else:
            notes.append(Note(f"{code}.unknown", f"“{shorten(part, 30)}”不是已知的{vocabulary.name}，未采用"))
            continue
        if match not in found:
            found.append(match)
    return tuple(found), tuple(notes)


def _pieces(text: str, vocabulary: Vocabulary) -> list[str]:
    """Split at strong separators; at weak ones (和, 与, ·, blank) only where every piece is then a known word."""
    pieces: list[str] = []
    for part in _STRONG.split(text):
        part = part.strip()
        if not part:
            continue
        smaller = [piece for piece in _WEAK.split(part) if piece.strip()]
        if not vocabulary.exact(part) and len(smaller) > 1 and all(vocabulary.exact(piece) for piece in smaller):
            pieces.extend(smaller)
        else:
            pieces.append(part)
    return pieces
