"""Dynamic prompts: every choice can come, the same chance gives the same one, and none of them has no end."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.errors import BadRequest
from potluck.wire.prompts.dynamic import expanded, is_dynamic

LISTS = {
    "season": ["spring", "autumn {fog|rain}"],
    "art/film": ["35mm"],
    "none": [],
    "self": ["a __self__"],
    "wide": ["__wide2__ __wide2__" * 8],
    "wide2": ["{a|b}" * 200],
    "long": ["x" * 9_000],
}


def seen(prompt: str, times: int = 200) -> Counter[str]:
    return Counter(expanded(prompt, LISTS, random.Random(seed)) for seed in range(times))


@pytest.mark.parametrize(
    ("prompt", "every"),
    [
        ("a {red|blue} boat", {"a red boat", "a blue boat"}),
        ("{a|{b|c}}", {"a", "b", "c"}),
        ("{a|}", {"a", ""}),
        ("__season__", {"spring", "autumn fog", "autumn rain"}),
        ("__art/film__", {"35mm"}),
        ("{2$$a|b|c}", {"a, b", "b, a", "a, c", "c, a", "b, c", "c, b"}),
        ("{1-2$$ and $$a|b}", {"a", "b", "a and b", "b and a"}),
        ("{-1$$a|b}", {"", "a", "b"}),
        ("{2-$$$$a|b}", {"ab", "ba"}),
        ("{2-1$$+$$a|b}", {"a", "b", "a+b", "b+a"}),
        ("{1$$a}", {"a"}),
        ("{1$$__season__|a}", {"spring", "autumn fog", "autumn rain", "a"}),
        ("{0::a|b}", {"b"}),
        ("{__season__|1::a}", {"spring", "autumn fog", "autumn rain", "a"}),
        ("{0::a|0::b}", {"a", "b"}),
        ("{2$$0::a|b}", {"b, a"}),
    ],
)
def test_every_choice_can_come_and_nothing_else(prompt: str, every: set[str]) -> None:
    assert set(seen(prompt)) == every


@pytest.mark.parametrize(
    ("prompt", "left"),
    [
        ('{"scene": {"sky": "red"}}', '{"scene": {"sky": "red"}}'),
        ("{{emphasis}}", "{{emphasis}}"),
        ("{}", "{}"),
        ("a } b | c", "a } b | c"),
        ("{never closed | {x|", "{never closed | {x|"),
        ("snake__case _x_ ____", "snake__case _x_ ____"),
        (r"\{a\|b\}", "{a|b}"),
        (r"a \ b \n", r"a \ b \n"),
        ("{a $$ b}", "{a $$ b}"),
    ],
)
def test_what_means_nothing_stays(prompt: str, left: str) -> None:
    assert set(seen(prompt, 3)) == {left}


def test_weights_are_kept_to() -> None:
    assert 220 < seen("{3::a|b}", 400)["a"] < 370


@given(st.text(alphabet="{}|$_ab2:\\", max_size=60), st.integers())
def test_the_same_chance_gives_the_same_prompt(prompt: str, seed: int) -> None:
    def once() -> str:
        try:
            return expanded(prompt, {}, random.Random(seed))
        except BadRequest as refused:
            return str(refused)

    assert once() == once()


@given(st.text().filter(lambda text: not is_dynamic(text)))
def test_a_prompt_that_is_not_dynamic_stays(prompt: str) -> None:
    assert expanded(prompt, LISTS, random.Random(1)) == prompt


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("__seasn__", "no list of wildcards called 'seasn'. Did you mean season"),
        ("__qqqq__", "no list of wildcards called 'qqqq'"),
        ("__none__", "'none' is empty"),
        ("{3$$a|b}", "asks for 3 of 2 choices"),
        ("__self__", "circle"),
        ("__wide__", "too many choices"),
        ("__long__ __long__ __long__", "longer than 20000 characters"),
        ("{" * 30, "too deep"),
    ],
)
def test_what_cannot_be_is_said(prompt: str, said: str) -> None:
    with pytest.raises(BadRequest, match=said) as refused:
        expanded(prompt, LISTS, random.Random(1))
    assert refused.value.param == "prompt"
