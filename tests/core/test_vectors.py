"""Shorter vectors."""

from __future__ import annotations

from potluck.core.answer import Finish, FinishReason, Vector
from potluck.core.vectors import Shortened


def test_a_vector_is_cut_and_brought_back_to_length_one() -> None:
    short = Shortened(2, normalised=True)
    end = Finish(FinishReason.STOP)
    assert short.feed([Vector(1, (3.0, 4.0, 12.0)), end]) == [Vector(1, (0.6, 0.8)), end]
    assert short.end() == []


def test_one_as_the_model_made_it_is_only_cut() -> None:
    assert Shortened(2, normalised=False).feed([Vector(0, (3.0, 4.0, 12.0))]) == [Vector(0, (3.0, 4.0))]


def test_nothing_has_no_length() -> None:
    assert Shortened(2, normalised=True).feed([Vector(0, (0.0, 0.0, 1.0))]) == [Vector(0, (0.0, 0.0))]
