"""A large image cut into tiles, so that a model that enlarges it needs memory for one of them alone."""

from __future__ import annotations

import itertools
from typing import NamedTuple


class Box(NamedTuple):
    """In pixels; ``right`` and ``bottom`` are the first that are outside."""

    left: int
    top: int
    right: int
    bottom: int


class Tile(NamedTuple):
    """``seen`` is what the model looks at, past the image's edges in places; ``kept`` is the part that is used of what
    comes out. The parts that are kept cover the image, each pixel once."""

    seen: Box
    kept: Box


def tiles(width: int, height: int, side: int, margin: int) -> tuple[Tile, ...]:
    """In reading order. ``side`` is a kept part's; they are alike, but for a pixel: a narrow rest would cost as much as
    a whole one. ``margin`` is how far a model looks, past which a seam would show.

    >>> [tile.kept for tile in tiles(5, 2, 3, 1)]
    [Box(left=0, top=0, right=3, bottom=2), Box(left=3, top=0, right=5, bottom=2)]
    """
    return tuple(
        Tile(Box(left - margin, top - margin, right + margin, bottom + margin), Box(left, top, right, bottom))
        for top, bottom in _cuts(height, side)
        for left, right in _cuts(width, side)
    )


def _cuts(length: int, side: int) -> list[tuple[int, int]]:
    parts = -(-length // side)
    edges = [-(-length * number // parts) for number in range(parts + 1)]
    return list(itertools.pairwise(edges))
