"""GB 32100-2015."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.platform import credit_code
from marketplace.platform.credit_code import ALPHABET, BadCreditCode

STANDARD_EXAMPLE = "91350100M000100Y43"  # the standard's own example


def test_the_standards_example():
    assert credit_code.parse(STANDARD_EXAMPLE) == STANDARD_EXAMPLE
    assert credit_code.WEIGHTS == (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


@pytest.mark.parametrize(
    "text",
    ["91350100m000100y43", "９１３５０１００Ｍ０００１００Ｙ４３", " 91 350100 M000100Y4 3 ", "9135-0100-M000-100Y-43"],
)
def test_normalised_as_people_write_it(text):
    assert credit_code.parse(text) == STANDARD_EXAMPLE


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "请填写统一社会信用代码。"),
        ("9135O100M000100Y43", "第5位是字母O。信用代码不使用I、O、S、V、Z，这里可能应是0，请对照营业执照核对。"),
        ("9I350100M000100Y43", "第2位是字母I。"),
        ("91350100M000100Z43", "第16位是字母Z。"),
        ("91350100M000100V43", "可能应是U"),
        ("913S0100M000100Y43", "可能应是5"),
        ("91350100M000100Y4", "信用代码是18位，现在是17位。"),
        ("410100000012345", "15位的旧注册号"),
        ("91350100M000100Y44", "校验位不符"),
        ("91350100M000100杨43", "第16位“杨”不是信用代码的字符"),
    ],
)
def test_says_why_not(text, sentence):
    reason = credit_code.why_not(text)
    assert reason is not None
    assert sentence in reason
    with pytest.raises(BadCreditCode) as caught:
        credit_code.parse(text)
    assert caught.value.en


def test_none_when_it_is_one():
    assert credit_code.why_not(STANDARD_EXAMPLE) is None


@given(st.integers(0, 31**6 - 1), st.sampled_from(["91", "92", "12", "11", "52"]))
def test_invented_codes_are_valid_and_of_no_real_region(number, kind):
    code = credit_code.invented(number, kind=kind)
    assert credit_code.parse(code) == code
    assert code.startswith(kind + credit_code.INVENTED_REGION)


def test_invented_codes_differ():
    assert len({credit_code.invented(number) for number in range(2000)}) == 2000
    assert credit_code.grouped(credit_code.invented(7)).count(" ") == 3


@given(st.integers(0, 31**6 - 1), st.integers(0, 17), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_always_noticed(number, place, char):
    code = credit_code.invented(number)
    changed = code[:place] + char + code[place + 1 :]
    assert (credit_code.why_not(changed) is None) == (changed == code)


@given(st.integers(0, 31**6 - 1), st.integers(0, 15))
def test_two_swapped_neighbours_are_always_noticed(number, place):
    code = credit_code.invented(number)
    changed = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert (credit_code.why_not(changed) is None) == (changed == code)
