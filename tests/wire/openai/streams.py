"""Cutting streams into pieces, for the tests of everything that must not care where they were cut."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import strategies as st

CUTS = st.lists(st.integers(0, 4000), max_size=12)


def pieces(stream: bytes, cuts: list[int]) -> list[bytes]:
    """The stream cut at the given places, taken modulo its length; some pieces may be empty."""
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [stream[a:b] for a, b in pairwise(edges)]


def sse(*payloads: str, end: str = "\n\n") -> bytes:
    return "".join(f"data: {payload}{end}" for payload in payloads).encode()
