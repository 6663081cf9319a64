"""统一社会信用代码 (GB 32100-2015): 18 characters, the last of which checks the others.

登记管理部门 1 · 机构类别 1 · 登记管理机关行政区划 6 · 组织机构代码 9 (GB 11714, its own check last) · 校验码 1.
Only the alphabet and the last character are refused on: older codes exist whose inner parts do not follow the standard.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
LENGTH: Final = 18
WEIGHTS: Final = tuple(pow(3, place, 31) for place in range(17))
_LOOKS_LIKE: Final = {"I": "1", "O": "0", "S": "5", "V": "U", "Z": "2"}  # the five letters the standard leaves out
_SEPARATORS = re.compile(r"[\s\-‐-―_.·]+")
INVENTED_REGION: Final = "419999"  # an administrative division that does not exist: no real code can start like this


class BadCreditCode(ValueError):
    """Not a credit code. ``zh`` and ``en`` say why and what to look at."""

    def __init__(self, zh: str, en: str) -> None:
        self.zh, self.en = zh, en
        super().__init__(zh)


def normalise(text: str) -> str:
    """NFKC (full-width to ASCII), upper case, without the spaces and hyphens that people put between groups."""
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).upper()


def check_character(first17: str) -> str:
    """The 18th character: (31 − Σ mod 31) mod 31, weights 3^(i−1) mod 31."""
    total = sum(ALPHABET.index(char) * weight for char, weight in zip(first17, WEIGHTS, strict=True))
    return ALPHABET[-total % 31]


def parse(text: str) -> str:
    """The normalised code; raises ``BadCreditCode`` with the reason otherwise."""
    code = normalise(text)
    if not code:
        raise BadCreditCode("请填写统一社会信用代码。", "Please enter the unified social credit code.")
    for place, char in enumerate(code, start=1):
        if char in _LOOKS_LIKE:
            guess = _LOOKS_LIKE[char]
            raise BadCreditCode(
                f"第{place}位是字母{char}。信用代码不使用I、O、S、V、Z，这里可能应是{guess}，请对照营业执照核对。",
                f"Character {place} is the letter {char}. Credit codes never use I, O, S, V or Z; "
                f"it may be {guess}. Please compare with the licence.",
            )
        if char not in ALPHABET:
            raise BadCreditCode(
                f"第{place}位“{char}”不是信用代码的字符，只能是数字和大写字母。",
                f"Character {place}, “{char}”, cannot occur in a credit code, which has digits and letters only.",
            )
    if len(code) != LENGTH:
        hint = "这像是15位的旧注册号，请填换发后的18位代码。" if len(code) == 15 else "请对照营业执照核对。"
        raise BadCreditCode(
            f"信用代码是18位，现在是{len(code)}位。{hint}",
            f"A credit code has 18 characters; this has {len(code)}. Please compare with the licence.",
        )
    if check_character(code[:17]) != code[17]:
        raise BadCreditCode(
            "校验位不符，至少有一位抄错，或相邻两位颠倒。请对照营业执照逐位核对。",
            "The check character does not match: at least one character is mistyped, or two are swapped. "
            "Please compare with the licence.",
        )
    return code


def why_not(text: str) -> str | None:
    """The Chinese sentence why this is not a credit code, or ``None`` when it is one."""
    try:
        parse(text)
    except BadCreditCode as problem:
        return problem.zh
    return None


def grouped(code: str) -> str:
    """For reading aloud and comparing: ``91 410100 MA9999999 X``."""
    return " ".join((code[:2], code[2:8], code[8:17], code[17:]))


def _organisation_check(first8: str) -> str:
    """GB 11714: (11 − Σ mod 11) mod 11, ten as X; digits count as they are and letters from A = 10."""
    total = sum(int(char, 36) * weight for char, weight in zip(first8, (3, 7, 9, 10, 5, 8, 4, 2), strict=True))
    return "0123456789X"[-total % 11]


def invented(number: int, *, kind: str = "91") -> str:
    """The ``number``-th made-up code of a kind, for demo content and tests: valid in form, of a region that is none.

    ``kind``: department and category, e.g. ``91`` enterprise, ``12`` public institution, ``11`` state organ.
    """
    if not 0 <= number < 31**6:
        raise ValueError("no more invented codes")
    digits = ""
    for _ in range(6):
        number, digit = divmod(number, 31)
        digits = ALPHABET[digit] + digits
    body = "MA" + digits
    first17 = kind + INVENTED_REGION + body + _organisation_check(body)
    return first17 + check_character(first17)
