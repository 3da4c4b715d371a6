from __future__ import annotations

import pytest

from .api_types import API_TYPES, api_types


@pytest.mark.slow
def test_the_portals_types_are_those_of_the_api() -> None:
    made = api_types()
    if made is None:
        pytest.skip("web/ has no packages: make web")
    assert API_TYPES.read_text() == made, "run: make docs"
