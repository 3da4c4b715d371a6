"""Tiles cover an image once, and each sees its surroundings."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from potluck.core.pictures.tiles import tiles


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 30), st.integers(0, 8))
def test_every_pixel_is_kept_once_and_seen_with_its_surroundings(
    width: int, height: int, side: int, margin: int
) -> None:
    kept = [
        (x, y)
        for _, box in tiles(width, height, side, margin)
        for x in range(box.left, box.right)
        for y in range(box.top, box.bottom)
    ]
    assert sorted(kept) == [(x, y) for x in range(width) for y in range(height)]
    for seen, box in tiles(width, height, side, margin):
        assert (seen.left, seen.top) == (box.left - margin, box.top - margin)
        assert (seen.right, seen.bottom) == (box.right + margin, box.bottom + margin)
        assert max(box.right - box.left, box.bottom - box.top) <= side


@given(st.integers(1, 500), st.integers(1, 60))
def test_no_tile_is_a_narrow_rest(width: int, side: int) -> None:
    widths = [box.right - box.left for _, box in tiles(width, 1, side, 0)]
    assert max(widths) - min(widths) <= 1
