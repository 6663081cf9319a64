"""Reading an amount of money as offices write it: ``约3.2亿元``, ``１２０万元``, ``≤500万元``, ``80-120万元``.

Pure. The rule (interface.md): 约/近 → value and note; ≤ X → X and note 上限; a range, 面议, ***, a negative or
unreadable amount → no value, the words as the note. A figure is taken only when every other word in the cell is
understood: what is not understood is never guessed. Values are 万元 as exact ``Decimal``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from typing import NamedTuple

from marketplace.exchange.reading.numerals import with_arabic_digits
from marketplace.exchange.reading.text import Value, as_text, compact, shorten, tidy

YUAN, WAN, YI = Decimal(1), Decimal(10_000), Decimal(100_000_000)
_LARGEST_WAN = Decimal(10_000_000)  # 1,000 亿: beyond it is a slip of the unit, not a budget
_DOUBTFUL_WAN = Decimal(1_000_000)  # 100 亿
_DOUBTFUL_LOW_WAN = Decimal("0.1")  # 1,000 元


class Unit(NamedTuple):
    """What a bare figure is counted in. ``source`` says where that is written; "" = nowhere, assumed."""

    yuan: Decimal
    source: str


class Note(NamedTuple):
    """A remark about one cell. ``level``: ``info`` leaves the row ok, ``warning`` asks for a look."""

    code: str
    text: str
    level: str = "warning"


@dataclass(frozen=True, slots=True)
class Amount:
    """``wan`` in 万元; ``None`` = no figure can be relied on, and ``note`` keeps what was written."""

    wan: Decimal | None
    note: str
    notes: tuple[Note, ...] = ()


_UNIT_NAMES = {"亿元": YI, "亿": YI, "万元": WAN, "万": WAN, "千元": Decimal(1000), "元": YUAN, "圆": YUAN, "wan": WAN}
_UNIT_WORD = r"(亿元|万元|千元|元|亿|万)"
_ENDS = r"(?=[计为填录理的整,，)）”\"]|[^\u4e00-\u9fff]|$)"  # 单位：元 but not 单位：元创科技
_UNIT_SENTENCES = (
    re.compile(rf"单位(?:均为|统一为|一律为|默认为|为|是|:)?[(“\"]?(?:人民币)?{_UNIT_WORD}{_ENDS}"),
    re.compile(rf"(?:按|以|默认为|默认|视为|均为|统一填写?|统一为|一律填|折合)(?:人民币)?“?{_UNIT_WORD}{_ENDS}"),
    re.compile(rf"\((?:人民币)?{_UNIT_WORD}\)"),
)


def unit_named(text: str) -> Decimal | None:
    """元 per unit for a bare name of a unit (``万元``), for headers and columns of units."""
    return _UNIT_NAMES.get(compact(text))


def unit_in_instruction(text: str) -> Decimal | None:
    """The unit a sentence above the table prescribes for bare figures, e.g. ``单位：万元``.

    A text that names two different units prescribes none.
    """
    found = {_UNIT_NAMES[match.group(1)] for pattern in _UNIT_SENTENCES for match in pattern.finditer(compact(text))}
    return found.pop() if len(found) == 1 else None


_EMPTY = {"-", "--", "—", "——", "–", "/", "\\", "无", "暂无", "n/a", "na", "none", "null", "空", "不涉及", "、", "."}
_NEGOTIABLE = re.compile("面议|面谈|面商|面洽|商议|协商|议价|另议|洽谈|详谈|商定|可谈")
_MASKED = re.compile(r"\*|[x×]{2,}|某|■|□|保密|不公开|未公开|未披露|不便")
_OPEN = re.compile("待定|未定|待核|待评|待明确|暂不|暂未|另行|再定|按实|据实|视情况|tbd|根据")
_CURRENCY = re.compile(r"美元|美金|usd|us\$|\$|欧元|eur|€|日元|jpy|港元|港币|hkd|英镑|gbp|£|卢布|韩元")
_NEGATIVE = re.compile(r"^(?:[-−]|负|\(\d[\d.,]*\)(?:万|元|亿)*$|¥[-−])|^\([-−]")
_NUMBER = r"\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_SCALE = r"(?:[十百千]?(?:亿|万|w(?![a-z]))|[十百千](?=元|圆|块))"
_TOKEN = re.compile(rf"({_NUMBER})({_SCALE})?(元|圆|块钱|块|rmb|cny)?")
_RANGE = re.compile(rf"{_NUMBER}(?:{_SCALE})?(?:元|圆)?(?:-|−|~|～|至|到|—|–|―|─|\.\.+|…+)+(?:¥|约)?{_NUMBER}")
_FACTORS = {"十": 10, "百": 100, "千": 1000, "亿": 100_000_000, "万": 10_000, "w": 10_000}

# What may stand beside the figure, by the note it leaves; ``None`` leaves none, ``keep`` keeps the whole wording.
_WORDS: dict[str | None, str] = {
    "上限": "≤ <= =< < 不超过 不得超过 不高于 不大于 不多于 最高限价 最高投标限价 最高 至多 最多 上限 以内 之内 "
    "以下 封顶 "
    "控制在 低于 小于 少于 限价 控制价 内",
    "下限": "≥ >= => > 不低于 不得低于 不少于 不小于 至少 以上 起步 起 超过 高于 大于 多于 下限 最低",
    "约": "大约 大概 约为 约 左右 上下 暂估 暂定 预估 估算 估计 ~ ≈",
    "近": "将近 接近 近",
    "余": "有余 余 多",
    "keep": "财政性资金 财政资金 财政拨款 财政 自筹资金 自筹 自有资金 自有 企业 政府 专项资金 专项 不含税 含税 "
    "税前 税后",
    None: "项目 预算金额 总预算 预算 总投资额 总投资 计划投资 投资额 投资 总金额 金额 总额 总计 合计 共计 累计 "
    "总价 总 共 "
    "经费 资金 榜金 悬赏 费用 价格 报价 概算 人民币 rmb cny ¥ 元 圆 整 正 大写 小写 计划 拟 预计 投入 为 是 的 规模 "
    "( ) [ ] 【 】 「 」 “ ” \" ' : , ; 。 、 .",
}
_LABELS = {word: label for label, words in _WORDS.items() for word in words.split()}
_WORD = re.compile("|".join(re.escape(word) for word in sorted(_LABELS, key=len, reverse=True)))


def parse_amount(value: Value, *, unit: Unit | None) -> Amount:
    """What the cell says. ``unit``: what bare figures are counted in; ``None`` = nothing says: 万元 and a warning."""
    if isinstance(value, bool | date | time | timedelta):
        return Amount(
            None, as_text(value), (Note("amount.unreadable", "不是金额（可能被表格软件自动改成了日期或逻辑值）"),)
        )
    written = shorten(tidy(as_text(value), one_line=True)[0], 200)
    if isinstance(value, int | float):
        return _plain(Decimal(as_text(value)) if value == value and abs(value) < 1e15 else None, written, unit)
    flat = compact(value)
    if flat in _EMPTY:
        return Amount(None, written, (Note("amount.none", "未填金额", "info"),))
    if refusal := _refused(flat, value):
        return Amount(None, written, (refusal,))
    return _worded(_without_separators(with_arabic_digits(flat)), written, unit)


def _refused(flat: str, raw: str) -> Note | None:
    """Why no figure is taken from this text, when it is one of the known ways of not naming one."""
    if _NEGOTIABLE.search(flat):
        bare = not re.search(r"\d", flat)
        return Note("amount.negotiable", "面议，不设金额", "info" if bare else "warning")
    if _MASKED.search(flat):
        return Note("amount.masked", "金额被隐去，未取数")
    if _OPEN.search(flat):
        return Note("amount.open", "金额未定，未取数")
    if _CURRENCY.search(flat):
        return Note("amount.currency", "不是人民币金额，未取数")
    if _NEGATIVE.search(flat):
        return Note("amount.negative", "金额为负，未取数")
    spaced = tidy(raw, one_line=True)[0]
    if re.search(r"\d\s+[\d.]", spaced) and not re.fullmatch(
        r"\D*\d{1,3}(( \d{3}){2,}|( \d{3})+(\.\d+)? ?元)(?!\d)(\D.*)?", spaced
    ):
        return Note("amount.unreadable", "数字之间有空格，无法确定金额")
    return None


def _without_separators(flat: str) -> str:
    return re.sub(
        r"(?<![\d.,])\d{1,3}(?:[,'’]\d{3})+(?![\d,])", lambda match: re.sub(r"[,'’]", "", match.group()), flat
    )


def _worded(flat: str, written: str, unit: Unit | None) -> Amount:
    if _RANGE.search(flat):
        return Amount(None, written, (Note("amount.range", "是一个区间，未取数"),))
    labels: list[str] = []
    flat, moved = re.subn(r"(?<=[\d十百千])(?:余|多)(?=[十百千万亿元])", "", flat)
    if moved:
        labels.append("余")
    sums, rest = _sums(flat)
    if not sums:
        return Amount(None, written, (Note("amount.unreadable", "看不出金额"),))
    if len(sums) > 1:
        return Amount(None, written, (Note("amount.several", "写有不止一个金额，未取数"),))
    for word in _WORD.findall(rest):
        label = _LABELS[word]
        if label is not None and label not in labels:
            labels.append(label)
    if left := _WORD.sub("", rest):
        return Amount(None, written, (Note("amount.unreadable", f"不能确定“{shorten(left, 20)}”对金额的含义，未取数"),))
    if {"上限", "下限"} <= set(labels):
        return Amount(None, written, (Note("amount.range", "是一个区间，未取数"),))
    figure, named = sums.pop()
    result = _plain(figure, written, None if named is None else Unit(named, "本格"), default=unit)
    if result.wan is None:
        return result
    note = written if "keep" in labels else "、".join(labels)
    extra = (Note("amount.qualified", f"按“{note}”理解，数值照记", "info"),) if note else ()
    return Amount(result.wan, note, extra + result.notes)


def _sums(flat: str) -> tuple[set[tuple[Decimal, Decimal | None]], str]:
    """Every distinct amount of the text as (figure, 元 per unit or ``None`` for a bare figure), and the other words.

    Adjacent parts of falling size are one amount: ``1亿2千万元``. Amounts with a unit are returned in 元.
    """
    parts: list[tuple[Decimal, int, bool]] = []  # figure, scale, closed by 元
    rest, end = "", 0
    for match in _TOKEN.finditer(flat):
        number, scale, yuan = match.groups()
        factor = 1
        for char in scale or "":
            factor *= _FACTORS[char]
        between = flat[end : match.start()]
        rest, end = rest + between, match.end()
        if parts and not between and not parts[-1][2] and parts[-1][1] > factor and (scale or yuan):
            figure, above, _ = parts.pop()
            parts.append((figure * above / factor + Decimal(number), factor, bool(yuan)))
        else:
            parts.append((Decimal(number), factor if scale or yuan else 0, bool(yuan)))
    named = {figure * scale for figure, scale, _ in parts if scale}
    bare = {figure for figure, scale, _ in parts if not scale} - named  # 叁佰万元整（¥3000000）
    found: set[tuple[Decimal, Decimal | None]] = {(figure, YUAN) for figure in named}
    return found | {(figure, None) for figure in bare}, rest + flat[end:]


def _plain(figure: Decimal | None, written: str, unit: Unit | None, *, default: Unit | None = None) -> Amount:
    """A bare figure in the given unit, with the doubts that its size raises."""
    if figure is None:
        return Amount(None, written, (Note("amount.unreadable", "看不出金额"),))
    if figure < 0:
        return Amount(None, written, (Note("amount.negative", "金额为负，未取数"),))
    notes: list[Note] = []
    used = unit or default
    if used is None:
        used = Unit(WAN, "")
        notes.append(Note("amount.unit_assumed", "没有写单位，按万元理解，请核对"))
    wan = figure * used.yuan / WAN
    if wan > _LARGEST_WAN:
        return Amount(None, written, (Note("amount.implausible", "金额大得不可能，未取数；请核对单位"),))
    exact = wan.quantize(Decimal("0.000001"))  # 1 分
    if exact != wan:
        notes.append(Note("amount.rounded", "已四舍五入到分"))
    elif wan != wan.quantize(Decimal("0.0001")):
        notes.append(Note("amount.precision", "万元数超过四位小数，请核对"))
    if not wan:
        notes.append(Note("amount.zero", "金额为 0，请核对是否免费或漏填"))
    elif wan > _DOUBTFUL_WAN or wan < _DOUBTFUL_LOW_WAN:
        notes.append(Note("amount.implausible", f"折合 {show_wan(exact)} 万元，请核对单位"))
    return Amount(exact, "", tuple(notes))


def show_wan(wan: Decimal) -> str:
    """The decimal string of the JSON: no exponent, trailing zeros cut."""
    text = format(wan, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
