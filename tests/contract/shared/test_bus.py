"""Word between gateways."""

from __future__ import annotations

import asyncio

import pytest

from potluck.storage.records import Heard, Topic
from potluck.storage.shared_ports import Shared, Subscription

Gateways = tuple[Shared, Shared]


async def quiet(listening: Subscription) -> None:
    """Take words about nothing in particular until there are no more."""
    heard = await asyncio.wait_for(listening.next(), 10)
    assert not heard.what


async def told(gateways: Gateways, listening: Subscription, topic: Topic, what: str) -> Heard:
    """Say something at the first gateway until it is heard: Redis' listeners come when they come."""
    while True:
        gateways[0].bus.publish(topic, what)
        try:
            heard = await asyncio.wait_for(listening.next(), 0.2)
        except TimeoutError:
            continue
        if heard.what:
            return heard


async def test_who_begins_to_listen_is_told_to_look_at_everything(gateways: Gateways) -> None:
    with gateways[1].bus.listen(Topic.JOBS, Topic.PEOPLE) as listening:
        assert {await listening.next(), await listening.next()} == {Heard(Topic.JOBS), Heard(Topic.PEOPLE)}


async def test_what_one_gateway_says_the_other_hears(gateways: Gateways) -> None:
    with gateways[1].bus.listen(Topic.JOBS) as listening:
        assert await told(gateways, listening, Topic.JOBS, "j1") == Heard(Topic.JOBS, "j1")


async def test_a_gateway_hears_itself_at_once_and_once(gateways: Gateways) -> None:
    bus = gateways[0].bus
    with bus.listen(Topic.JOBS) as listening:
        await told(gateways, listening, Topic.JOBS, "first")
        bus.publish(Topic.JOBS, "j1")
        bus.publish(Topic.JOBS, "j2")
        async with asyncio.timeout(10):
            heard = [await listening.next() for _ in range(2)]
        assert [each.what for each in heard if each.what != "first"] == ["j1", "j2"]


async def test_nobody_hears_of_what_they_do_not_listen_to(gateways: Gateways) -> None:
    with gateways[1].bus.listen(Topic.PEOPLE) as people, gateways[1].bus.listen(Topic.JOBS) as jobs:
        gateways[0].bus.publish(Topic.JOBS, "j1")
        await told(gateways, jobs, Topic.JOBS, "j2")
        assert await told(gateways, people, Topic.PEOPLE, "anna") == Heard(Topic.PEOPLE, "anna")


async def test_of_what_is_said_again_and_again_a_slow_listener_hears_once(gateways: Gateways) -> None:
    bus = gateways[0].bus
    with bus.listen(Topic.JOBS) as listening:
        assert not (await listening.next()).what
        for _ in range(100):
            bus.publish(Topic.JOBS, "j1")
        assert await listening.next() == Heard(Topic.JOBS, "j1")
        bus.publish(Topic.JOBS, "j2")
        assert (await listening.next()).what in ("j2", "")


async def test_who_lags_far_behind_is_told_to_look_at_everything(gateways: Gateways) -> None:
    bus = gateways[0].bus
    with bus.listen(Topic.JOBS) as listening:
        assert not (await listening.next()).what
        for number in range(2000):
            bus.publish(Topic.JOBS, f"j{number}")
        assert await listening.next() == Heard(Topic.JOBS)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(listening.next(), 0)


async def test_nobody_hears_anything_after_the_block(gateways: Gateways) -> None:
    bus = gateways[0].bus
    with bus.listen(Topic.JOBS) as listening:
        assert not (await listening.next()).what
    bus.publish(Topic.JOBS, "j1")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(listening.next(), 0)
