from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from potluck_fake_engine import tokens


@given(st.text())
def test_the_tokens_of_a_text_make_up_the_text(text: str) -> None:
    assert "".join(tokens.pieces(text)) == text
    assert tokens.count(text) == len(tokens.pieces(text))


@given(st.text())
def test_token_numbers_tell_the_text_in_any_process(text: str) -> None:
    assert tokens.text_of(tokens.ids(text)) == text


@given(st.text())
def test_token_numbers_survive_a_javascript_number(text: str) -> None:
    assert all(0 < token < 2**53 for token in tokens.ids(text))


def test_short_words_are_one_token_each() -> None:
    assert tokens.pieces("one two three") == ["one", " two", " three"]


@given(st.lists(st.integers(min_value=0, max_value=2**60), max_size=5))
def test_numbers_that_are_no_tokens_do_no_harm(numbers: list[int]) -> None:
    assert isinstance(tokens.text_of(numbers), str)


@given(st.text(alphabet="ab", max_size=40), st.text(alphabet="ab", max_size=40))
def test_the_common_prefix_is_common_and_cannot_be_longer(a: str, b: str) -> None:
    shared = tokens.common_prefix(a, b)
    assert a.startswith(shared)
    assert b.startswith(shared)
    assert a[len(shared) : len(shared) + 1] != b[len(shared) : len(shared) + 1] or len(shared) == min(len(a), len(b))
