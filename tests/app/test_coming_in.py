"""What the ways to come in are made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from potluck.app import coming_in
from potluck.app.coming_in import memory_bytes
from potluck.gateway.making_links import own_url


@pytest.mark.parametrize(
    ("listening", "told"),
    [
        ("http://127.0.0.1:8420", "http://127.0.0.1:8420"),
        ("http://0.0.0.0:8420", "http://127.0.0.1:8420"),
        ("http://[::]:8420", "http://[::1]:8420"),
    ],
)
def test_a_link_begins_with_an_address_that_a_browser_could_go_to(listening: str, told: str) -> None:
    assert own_url("", listening) == told
    assert own_url("https://potluck.example", listening) == "https://potluck.example"


def test_memory_is_the_machines_or_the_containers_whichever_is_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "memory.max"
    monkeypatch.setattr(coming_in, "_CONTAINERS_MEMORY", told)
    whole = memory_bytes()
    assert whole > 100_000_000
    told.write_text("max\n")
    assert memory_bytes() == whole
    told.write_text("50000000\n")
    assert memory_bytes() == 50_000_000
