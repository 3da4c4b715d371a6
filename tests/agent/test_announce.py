"""An agent makes itself known: where it can be reached, under every address it comes to have, and no longer."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from potluck.agent.announce import (
    SERVICE,
    TEXT,
    Announcement,
    ZeroconfAnnouncer,
    addresses_of,
    announcing,
)
from potluck.agent.main import serve
from potluck.agent.options import AgentOptions
from potluck.core.errors import OperatorError
from potluck.core.reading import Identity

AGENT = Announcement(Identity("m" * 32, "agx0", "b"), 8421)
EVERY = ("127.0.0.1", "::1", "192.168.1.154", "10.0.0.2", "fe80::1", "fd00::2")


@pytest.mark.parametrize(
    ("host", "reached"),
    [
        ("0.0.0.0", ("192.168.1.154", "10.0.0.2")),
        ("::", ("192.168.1.154", "10.0.0.2", "fd00::2")),
        ("192.168.1.154", ("192.168.1.154",)),
        ("192.168.1.155", ()),
        ("agx0.local", ("192.168.1.154", "10.0.0.2")),
    ],
)
def test_only_addresses_that_reach_it_are_told(host: str, reached: tuple[str, ...]) -> None:
    assert addresses_of(host, EVERY) == reached


def test_what_is_told_lets_the_machine_be_known_again_and_no_more() -> None:
    assert AGENT.name == f"agx0.{SERVICE}"
    assert AGENT.text == {"machine": "m" * 32, "host": "agx0", "path": "/reading"}
    assert AGENT.text.keys() == TEXT.keys()
    assert Announcement(Identity(), 1).name == f"potluck.{SERVICE}"


@dataclass
class FakeAnnouncer:
    """Notes what becomes known and what no longer is; ``refusals`` networks refuse first."""

    refusals: int = 0
    events: list[str] = field(default_factory=list)

    def addresses(self) -> tuple[str, ...]:
        return ()

    @asynccontextmanager
    async def announced(self, announcement: Announcement, addresses: tuple[str, ...]) -> AsyncGenerator[None]:
        if self.refusals:
            self.refusals -= 1
            self.events.append("refused")
            raise OSError("Network is unreachable")
        self.events.append(f"+{','.join(addresses)}")
        try:
            yield
        finally:
            self.events.append(f"-{','.join(addresses)}")


async def test_it_is_known_under_new_addresses_and_no_longer_when_it_ends(capsys: pytest.CaptureFixture[str]) -> None:
    announcer, here = FakeAnnouncer(refusals=1), [()]
    task = asyncio.ensure_future(announcing(AGENT, lambda: here[0], announcer, look_again_s=0.001))
    await asyncio.sleep(0.01)
    assert announcer.events == []
    for addresses in (("10.0.0.2",), ("10.0.0.3",)):
        here[0] = addresses
        while f"+{addresses[0]}" not in announcer.events:
            await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert capsys.readouterr().err == "potluck agent: not announced: Network is unreachable\n"
    assert announcer.events == ["refused", "+10.0.0.2", "-10.0.0.2", "+10.0.0.3", "-10.0.0.3"]


def test_one_that_only_its_own_machine_reaches_has_nobody_to_tell() -> None:
    with pytest.raises(OperatorError, match="nobody to announce"):
        serve(AgentOptions(announce=True), {}, lambda: 0.0)


async def test_another_machine_finds_it() -> None:
    """With the real library, by multicast on this machine's own network."""
    zeroconf = pytest.importorskip("zeroconf")
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

    announcer = ZeroconfAnnouncer.open()
    here = addresses_of("0.0.0.0", announcer.addresses())
    if not here:
        pytest.skip("this machine has no network")
    other = AsyncZeroconf(interfaces=list(here))
    try:
        async with announcer.announced(AGENT, here):
            found = AsyncServiceInfo(SERVICE, AGENT.name)
            assert await found.async_request(other.zeroconf, 5_000)
        assert (found.port, found.decoded_properties) == (8421, dict(AGENT.text))
        assert set(found.parsed_addresses(zeroconf.IPVersion.V4Only)) == set(here)
    finally:
        await other.async_close()


def test_without_the_library_the_owner_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zeroconf.asyncio", None)
    with pytest.raises(OperatorError, match="discovery"):
        ZeroconfAnnouncer.open()
