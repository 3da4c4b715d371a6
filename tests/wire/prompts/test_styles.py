"""Styles go around a prompt or behind it."""

from __future__ import annotations

from potluck.wire.prompts.styles import Style, styled


def test_a_style_with_a_place_goes_around_the_prompt() -> None:
    assert styled("a cat", "dogs", [Style("film", "photo of {prompt}, 35mm", "{prompt}, grain")]) == (
        "photo of a cat, 35mm",
        "dogs, grain",
    )


def test_a_style_without_one_follows_and_an_empty_one_changes_nothing() -> None:
    assert styled(" a cat ", "", [Style("dim", "low key", "bright"), Style("none")]) == ("a cat, low key", "bright")


def test_a_prompt_with_the_mark_in_it_is_put_in_once() -> None:
    assert styled("{prompt}", "", [Style("film", "{prompt} on film")])[0] == "{prompt} on film"
