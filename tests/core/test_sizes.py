from __future__ import annotations

import pytest

from potluck.core.sizes import size_words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.0 kB"),
        (98_362_432, "98.4 MB"),
        (151_000_000, "151 MB"),
        (999_700_000, "1.0 GB"),
        (2_500_000_000_000, "2.5 TB"),
    ],
)
def test_a_size_has_two_digits_or_three(count: int, words: str) -> None:
    assert size_words(count) == words
