from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from potluck.core.prompts import Variable, variables


def test_places_are_found_once_and_in_order() -> None:
    text = "Dear {{ name }}, {{tone:friendly}} {{name:Anna}} {{größe_2}} {{my tone : x }}"
    assert variables(text) == (
        *(Variable("name", "Anna"), Variable("tone", "friendly"), Variable("größe_2"), Variable("my tone", "x")),
    )


def test_what_is_no_place_is_text() -> None:
    assert variables("{name} {{}} {{ 2x }} {{a{b}} {{line\nbreak}} {{{{") == ()


@given(st.text(alphabet="{}ab: \n", max_size=200))
def test_any_text_is_read(text: str) -> None:
    assert all(each.name for each in variables(text))
