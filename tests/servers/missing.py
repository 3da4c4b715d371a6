"""What becomes of a test whose server is not on this machine."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing(what: str, how: str) -> NoReturn:
    """Skip the test and say so; in CI, where everything is installed, fail it. ``how`` tells the way to get it."""
    text = f"{what} is not installed on this machine: {how}"
    if os.environ.get("CI"):
        pytest.fail(text)
    pytest.skip(text)
