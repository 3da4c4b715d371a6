"""What waits for the next start."""

from __future__ import annotations

import pytest

from potluck.config.model import Config
from potluck.config.restarting import AT_ONCE, needs_restart


@pytest.mark.parametrize(
    ("key", "restart"),
    [
        ("nodes[0].name", False),
        ("routes.code", False),
        ("limits.max_body", True),
        ("limits.roles.guest", False),
        ("portal.name", False),
        ("portal.titles", True),
        ("server.port", True),
        ("storage.url", True),
    ],
)
def test_each_key_says_whether_it_waits(key: str, restart: bool) -> None:
    assert needs_restart(key) == restart


def test_the_sections_that_hold_at_once_are_sections_of_the_configuration() -> None:
    assert set(Config.__struct_fields__) >= AT_ONCE
