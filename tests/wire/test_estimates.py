"""A guess is marked as one, and never says that text cost nothing."""

from __future__ import annotations

import pytest

from potluck.core.answer import Usage
from potluck.wire.estimates import estimate


@pytest.mark.parametrize(("text_bytes", "tokens"), [(0, 0), (1, 1), (4, 1), (5, 2), (400, 100)])
def test_four_bytes_are_about_a_token(text_bytes: int, tokens: int) -> None:
    assert estimate(text_bytes, 7) == Usage(prompt=7, completion=tokens, estimated=True)
