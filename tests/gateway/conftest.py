from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import pytest_asyncio
import uvloop

from tests.gateway.world import World, world

ON_BOTH_LOOPS = {
    "test_relay.py",
    "test_reuse.py",
    "test_pressure.py",
    "test_framing.py",
    "test_oracle.py",
    "test_leaks.py",
    "test_draining.py",
    "test_bridge.py",
    "test_slow_clients.py",
    "test_calls_leaving.py",
    "test_stumbling.py",
}


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]] | None:
    """The relay's tests run on both loops: their transports differ in class and in habits."""
    if item.path.name in ON_BOTH_LOOPS:
        return {"asyncio": asyncio.SelectorEventLoop, "uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.SelectorEventLoop}


@pytest_asyncio.fixture
async def w() -> AsyncIterator[World]:
    """One world for all examples of a property test."""
    async with world() as made:
        yield made
