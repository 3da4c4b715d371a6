"""What is announced is heard with the real library on this machine's own network, and read with care without it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from potluck.agent.announce import SERVICE, Announcement, ZeroconfAnnouncer, addresses_of
from potluck.core.discovery import AGENT
from potluck.core.errors import OperatorError
from potluck.core.reading import Identity
from potluck.gateway.discovery.mdns import (
    MOST_ADDRESSES,
    MOST_NAMES,
    SERVICES,
    Announced,
    ZeroconfBrowser,
    _Heard,
    read_service,
)


@dataclass
class Record:
    port: int | None = 8421
    addresses: list[str] = field(default_factory=lambda: ["192.168.1.4"])
    decoded_properties: Mapping[str, str | None] = field(default_factory=dict)

    def parsed_addresses(self) -> list[str]:
        return self.addresses


def test_it_listens_for_what_the_agent_announces() -> None:
    assert SERVICES[SERVICE] == AGENT


def test_a_record_is_read_as_far_as_it_can_be_one() -> None:
    told = {"machine": "m" * 100, "host": "a\x1b[31m\nb", "path": None}
    assert read_service(AGENT, Record(decoded_properties=told)) == Announced(
        AGENT, ("192.168.1.4",), 8421, "m" * 64, "a[31mb"
    )
    assert read_service("ollama", Record(decoded_properties=told)) == Announced(
        "ollama", ("192.168.1.4",), 8421, "", "a[31mb"
    )
    assert read_service(AGENT, Record(port=None)) is None
    assert read_service(AGENT, Record(port=70000)) is None
    assert read_service(AGENT, Record(addresses=[])) is None
    many = read_service(AGENT, Record(addresses=["10.0.0.1"] * 100))
    assert many is not None
    assert len(many.addresses) == MOST_ADDRESSES


async def test_who_announces_itself_without_end_does_not_fill_the_memory() -> None:
    removed = object()
    heard = _Heard(lambda kind, name: None, None, removed)
    for number in range(2 * MOST_NAMES):
        heard.on_change(None, SERVICE, f"{number}.{SERVICE}", object())
    heard.on_change(None, "_http._tcp.local.", "x", object())
    assert len(heard._names) == MOST_NAMES
    heard.on_change(None, SERVICE, f"0.{SERVICE}", removed)
    assert len(heard._names) == MOST_NAMES - 1


async def test_an_agent_is_heard_coming_and_going() -> None:
    pytest.importorskip("zeroconf")
    announcer = ZeroconfAnnouncer.open()
    here = addresses_of("0.0.0.0", announcer.addresses())
    if not here:
        pytest.skip("this machine has no network")
    agent = Announcement(Identity("d" * 32, "wtd-discovery-test", "b"), 8421)
    async with ZeroconfBrowser.open(list(here)).listening() as listening:
        async with announcer.announced(agent, here), asyncio.timeout(20):
            while not [each for each in await listening.announced() if each.machine == "d" * 32]:
                await listening.changed.wait()
                listening.changed.clear()
        async with asyncio.timeout(20):
            while [each for each in await listening.announced() if each.machine == "d" * 32]:
                await asyncio.sleep(0.05)


def test_without_the_library_the_owner_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zeroconf.asyncio", None)
    with pytest.raises(OperatorError, match="discovery"):
        ZeroconfBrowser.open()


def test_the_service_does_not_import_the_library_by_itself() -> None:
    code = "import sys, potluck.app.serving; print('zeroconf' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
