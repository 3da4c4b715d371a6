"""The judge of seams (`benchmarks/kills`) is judged: what is broken is seen, and what is only different is not."""

from __future__ import annotations

import pytest
from benchmarks.kills.seams import Flaw, flaw

RIGHT = "The keeper saw the storm. It was coming from the sea, and he lit the lamp."


@pytest.mark.parametrize("cut", range(len(RIGHT)))
def test_the_undisturbed_text_has_no_flaw_wherever_it_was_cut(cut: int) -> None:
    assert flaw(RIGHT[:cut], RIGHT[cut:], RIGHT) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("The keeper saw the storm.", " It was coming from the north."),
        ("The keeper saw the", " sea and the ships."),
        ("The keep", "ing of the lamp was hard."),
        ("The keeper saw the storm", ", and it was loud."),
        ("The keeper saw the storm.", ""),
    ],
)
def test_a_text_that_goes_on_well_is_whole_though_it_is_another(before: str, after: str) -> None:
    assert flaw(before, after, RIGHT) is None


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("The keeper saw the storm.", " the storm. It was coming", Flaw.REPEATED),
        ("The keeper saw the storm.", "The keeper saw the storm. It was", Flaw.REPEATED),
        ("The keeper saw the storm", " storm. It was coming", Flaw.REPEATED),
        ("The keeper saw the storm. ", "The keeper saw the storm. It", Flaw.REPEATED),
        ("The keeper saw the storm.", " coming from the sea, and he", Flaw.MISSING),
        ("The keeper saw", "the ships of the sea", Flaw.JOINED),
        ("The keep", " saw a ship", Flaw.CUT_OFF),
        ("The keeper saw ", " a ship", Flaw.SPACES),
        ("The keeper saw", " a \ufffd", Flaw.MANGLED),
        ("The keeper saw", " <|im_start|>assistant", Flaw.MARKER),
    ],
)
def test_a_broken_seam_is_seen(before: str, after: str, found: Flaw) -> None:
    assert flaw(before, after, RIGHT) is found


@pytest.mark.parametrize(
    ("before", "after", "right"),
    [
        ("水艾艾艾艾艾艾艾艾艾艾艾", "艾艾艾艾艾艾艾艾艾艾艾艾", "艾艾。"),
        ("but I'm here for you, I'm here for you", ", I'm here for you, I'm here", '"\n\nThe dog:'),
    ],
)
def test_a_model_that_went_round_in_circles_may_go_on_to(before: str, after: str, right: str) -> None:
    assert flaw(before, after, before + right) is None


def test_a_turn_of_phrase_that_stands_farther_on_too_was_not_left_out() -> None:
    right = RIGHT + " He was a sailor who had lost his ship in the war, and his brother too."
    assert flaw("The keeper saw", " was a sailor and no keeper's son.", right) is None
