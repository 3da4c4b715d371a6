from __future__ import annotations

import math
import struct

from hypothesis import given
from hypothesis import strategies as st

from potluck_fake_engine.vectors import embed


@given(st.text(), st.integers(2, 64))
def test_vectors_are_of_length_one_and_always_the_same(text: str, dims: int) -> None:
    vector = embed("m", text, dims)
    assert len(vector) == dims
    assert vector == embed("m", text, dims)
    norm = math.sqrt(sum(x * x for x in vector))
    assert norm == 0 or abs(norm - 1) < 1e-5
    assert list(struct.unpack(f"<{dims}f", struct.pack(f"<{dims}f", *vector))) == vector


def test_texts_with_words_in_common_are_near() -> None:
    def dot(a: str, b: str) -> float:
        return sum(x * y for x, y in zip(embed("m", a, 384), embed("m", b, 384), strict=True))

    assert dot("how to bake bread", "bread: how to bake it") > 0.5 > dot("how to bake bread", "orbits of moons")
