"""The vocabularies of the product (product.md §3): codes are stored, labels are shown.

Pure data: no flask, no sqlalchemy. Each vocabulary is an ordered ``dict[code, Label]``. Directions and industries may be
renamed, and industries added and retired, by an administrator: ``use`` puts the stored wording over the shipped one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple


class Label(NamedTuple):
    """What a person reads for a code, in both languages."""

    zh: str
    en: str


class Vocabulary(dict[str, Label]):
    """Codes and labels that may change while others read: every loop runs over what was there when it began."""

    def __iter__(self) -> Iterator[str]:
        return iter(list(dict.keys(self)))

    def keys(self) -> Any:
        return dict(self.items()).keys()

    def values(self) -> Any:
        return dict(self.items()).values()

    def items(self) -> Any:
        return dict(list(dict.items(self))).items()


SHIPPED_DIRECTIONS: dict[str, Label] = {
    "carrier": Label("重大项目载体", "Major project carriers"),
    "industry": Label("产业数字化转型", "Industrial digitalisation"),
    "building": Label("城市建设与城市更新", "Urban construction and renewal"),
    "living": Label("城市管理和民生服务", "City management and public services"),
}

SHIPPED_INDUSTRIES: dict[str, Label] = {
    "iot": Label("物联网·传感器", "IoT and sensors"),
    "infosec": Label("电子信息·网络安全", "Electronics and cyber security"),
    "beidou": Label("北斗应用·精密测绘", "BeiDou and precision surveying"),
    "superhard": Label("新材料·超硬材料", "New and superhard materials"),
    "computing": Label("数算产业", "Data and computing"),
    "hydrogen": Label("氢能与储能", "Hydrogen and energy storage"),
    "health": Label("生命健康", "Life and health"),
    "newit": Label("新一代信息技术", "Next-generation IT"),
    "quantum": Label("量子信息", "Quantum information"),
    "brain": Label("类脑智能", "Brain-inspired intelligence"),
    "network": Label("未来网络", "Future networks"),
    "frontier": Label("前沿新材料", "Frontier materials"),
    "other": Label("其他", "Other"),
}

DIRECTIONS = Vocabulary(SHIPPED_DIRECTIONS)
INDUSTRIES = Vocabulary(SHIPPED_INDUSTRIES)
RETIRED: set[str] = set()  # industries that are no longer offered; what carries them keeps them

_stored: Mapping[str, Any] = {}
_listeners: list[Callable[[], None]] = []


def listen(listener: Callable[[], None]) -> None:
    """Call ``listener`` after every change: for what was computed from the labels."""
    _listeners.append(listener)


def use(stored: Mapping[str, Any]) -> None:
    """Put the stored wording in force: ``{"direction": [[code, zh, en]], "industry": [[code, zh, en, offered]]}``.

    A code that was ever known stays known. The same wording again costs one comparison.
    """
    global _stored
    if stored == _stored:
        return
    for vocabulary, shipped, rows in (
        (DIRECTIONS, SHIPPED_DIRECTIONS, stored.get("direction", ())),
        (INDUSTRIES, SHIPPED_INDUSTRIES, stored.get("industry", ())),
    ):
        wording = shipped | {row[0]: Label(row[1], row[2]) for row in rows}
        for code in [code for code in vocabulary if code not in wording]:
            del vocabulary[code]
        vocabulary.update(wording)
    RETIRED.clear()
    RETIRED.update(row[0] for row in stored.get("industry", ()) if not row[3])
    _stored = stored
    for listener in _listeners:
        listener()


def offered(vocabulary: Mapping[str, Label]) -> list[tuple[str, Label]]:
    """What a form offers: everything that is not retired."""
    return [(code, label) for code, label in vocabulary.items() if code not in RETIRED]


KINDS: dict[str, Label] = {
    "experiment": Label("实验场景", "Experimental scene"),
    "application": Label("应用场景", "Application scene"),
}

OPERATORS: dict[str, Label] = {
    ">=": Label("≥", "≥"),
    "<=": Label("≤", "≤"),
    "=": Label("=", "="),
    "range": Label("区间", "range"),
}

OFFER_KINDS: dict[str, Label] = {
    "data": Label("数据", "Data"),
    "site": Label("场地", "Site"),
    "device": Label("设备", "Device"),
    "interface": Label("接口", "Interface"),
    "people": Label("人员", "People"),
}

SENSITIVITIES: dict[str, Label] = {
    "open": Label("可公开", "Open"),
    "internal": Label("内部", "Internal"),
    "sensitive": Label("敏感", "Sensitive"),
}

IP_OWNERSHIPS: dict[str, Label] = {
    "bidder": Label("归揭榜单位，需求单位免费使用", "Bidder owns; unit may use free of charge"),
    "unit": Label("归需求单位", "Unit owns"),
    "shared": Label("双方共有", "Jointly owned"),
    "agreed": Label("按合同约定", "As agreed in the contract"),
}

# Upper bounds in 元, exclusive; the last band is open. 面议 is its own band.
BUDGET_BANDS: dict[str, Label] = {
    "lt50": Label("50万元以下", "Under ¥500k"),
    "50to100": Label("50–100万元", "¥500k–1m"),
    "100to300": Label("100–300万元", "¥1–3m"),
    "300to1000": Label("300–1000万元", "¥3–10m"),
    "ge1000": Label("1000万元以上", "¥10m and more"),
    "negotiable": Label("面议", "Negotiable"),
}


def budget_band(budget_fen: int | None) -> str:
    """The band of a budget in 分; ``None`` is 面议."""
    if budget_fen is None:
        return "negotiable"
    wan = budget_fen / 1_000_000
    for limit, band in ((50, "lt50"), (100, "50to100"), (300, "100to300"), (1000, "300to1000")):
        if wan < limit:
            return band
    return "ge1000"
