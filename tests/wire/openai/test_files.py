from __future__ import annotations

import pytest

from potluck.core.errors import BadRequest
from potluck.wire.openai.files import read_expiry


def test_a_file_may_expire() -> None:
    assert read_expiry({}) is None
    assert read_expiry({"expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"}) == 3600.0


@pytest.mark.parametrize(
    ("anchor", "seconds"),
    [
        (None, "3600"),
        ("last_active_at", "3600"),
        ("created_at", None),
        ("created_at", "3599"),
        ("created_at", "2592001"),
        ("created_at", "1" * 99),
        ("created_at", "²"),
    ],
)
def test_an_end_that_openai_would_not_take_is_refused(anchor: str | None, seconds: str | None) -> None:
    told = {"expires_after[anchor]": anchor, "expires_after[seconds]": seconds}
    with pytest.raises(BadRequest):
        read_expiry({name: value for name, value in told.items() if value is not None})
