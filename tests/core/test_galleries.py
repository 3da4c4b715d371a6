"""Ids, tags and names of pictures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.errors import BadRequest
from potluck.core.files import checked_file_name
from potluck.core.galleries import LONGEST_TAG, Keeping, checked_tags, drawn_size, is_picture_id, picture_name
from potluck.core.people import Role


def test_an_id_is_letters_digits_and_dashes() -> None:
    assert is_picture_id("0193abcd-2")
    assert not any(map(is_picture_id, ("", "a/b", "ä", "a" * 81, "a\0", "file.png")))


def test_tags_are_told_apart_without_their_case() -> None:
    assert checked_tags([" Best  of ", "best OF", "fox"]) == ("Best of", "fox")
    for bad in ("", "  ", "x" * (LONGEST_TAG + 1), "a\u202eb"):
        with pytest.raises(BadRequest) as refused:
            checked_tags([bad], "untag")
        assert refused.value.param == "untag"


def test_a_picture_is_called_by_its_first_words() -> None:
    assert picture_name("A red fox, at (night:1.2)", "p1", "image/png") == "a-red-fox-at-night-1-2-p1.png"
    assert picture_name("", "p1", "image/jpeg") == "p1.jpg"
    assert picture_name("Grüße\n", "p1", "image/x") == "grüße-p1.bin"
    assert picture_name(f"{'x' * 30} {'y' * 40} z", "p1", "image/webp") == f"{'x' * 30}-p1.webp"


@given(st.text(max_size=300))
def test_a_name_is_one_that_files_may_have(prompt: str) -> None:
    name = picture_name(prompt, "p1", "image/png")
    assert len(name) <= 80
    assert checked_file_name(name).endswith("p1.png")
    assert "/" not in name


def test_pictures_are_kept_for_ever_unless_somebody_says_otherwise() -> None:
    keeping = Keeping({Role.MEMBER: 60.0}, {"Anna": 5.0, "Bert": None})
    assert keeping.of("anna", Role.MEMBER) == 5.0
    assert keeping.of("bert", Role.MEMBER) is None
    assert keeping.of("carl", Role.MEMBER) == 60.0
    assert keeping.of("dora", Role.ADMIN) is None
    assert keeping.of("olga", Role.OWNER) is None


@given(st.integers(1, 20_000), st.integers(1, 20_000))
def test_an_image_is_drawn_over_at_a_size_that_engines_draw(width: int, height: int) -> None:
    sides = drawn_size(width, height)
    assert all(64 <= side <= 4096 and side % 8 == 0 for side in sides)
    assert sides[0] * sides[1] <= 1024 * 1024 or 64 in sides
    if 64 not in sides and 4096 not in sides:
        assert abs(sides[0] / sides[1] - width / height) <= 0.15 * width / height
