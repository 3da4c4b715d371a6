"""What goes wrong at image engines, and whose it is."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from potluck.core.errors import NodeError, NodeFailed, NodeUnreachable, OutOfMemory
from potluck.core.model import EngineKind
from potluck.core.pictures.outcome import Drawn, Progress
from tests.contract.images.conftest import ASK, ID, SLOW, Rig, rig_of
from tests.torn import Torn


async def test_a_picture_that_does_not_fit_says_so(rig: Rig) -> None:
    rig.fake.fault("oom")
    with pytest.raises(OutOfMemory, match="smaller"):
        await rig.events(ASK)


async def test_a_model_that_does_not_fit_says_so(kind: str) -> None:
    async with rig_of(kind, "sd_xl_base_1.0,size=7GB", memory=4 * 10**9) as rig:
        with pytest.raises(OutOfMemory):
            await rig.events(replace(ASK, model="sd_xl_base_1.0"))


async def test_an_engine_that_dies_while_it_draws_is_noticed_soon(rig: Rig) -> None:
    rig.fake.change("sd_v1-5", step_s=20.0)
    rig.fake.fault("die", after=2, seconds=30.0)
    with pytest.raises(NodeError):
        async with asyncio.timeout(10):
            await rig.events(SLOW)


async def test_an_engine_that_is_away_is_unreachable(rig: Rig) -> None:
    rig.fake.refuse(30.0)
    with pytest.raises(NodeUnreachable):
        await rig.events(ASK)
    assert not await rig.backend.cancel("nobody", rig.http)


async def test_who_stops_listening_stops_the_engine(rig: Rig) -> None:
    rig.fake.change("sd_v1-5", step_s=20.0)
    async with aclosing(rig.backend.run(rig.run_of(SLOW), rig.http)) as events:
        async for event in events:
            if isinstance(event, Progress) and event.step > 0:
                break
    assert rig.fake.counters.started == 1
    async with asyncio.timeout(5):
        while await rig.backend.waiting(rig.http):
            await asyncio.sleep(0.02)
    assert rig.fake.counters.finished == 0


async def test_what_was_begun_before_is_gone_on_with_or_stopped(rig: Rig) -> None:
    rig.fake.change("sd_v1-5", step_s=10.0)
    ask = replace(ASK, steps=20 if rig.backend.kind is EngineKind.COMFYUI else 2000)
    torn: Any = Torn(rig.http)
    with pytest.raises(NodeError):
        async with aclosing(rig.backend.run(rig.run_of(ask), torn)) as events:
            async for event in events:
                if isinstance(event, Progress) and event.step > 0:
                    torn.broken.set()
    assert not await rig.backend.left("nobody", rig.http)
    left = await rig.backend.left(ID, rig.http)
    async with asyncio.timeout(10):
        while await rig.backend.waiting(rig.http):
            await asyncio.sleep(0.02)
    counters = rig.fake.counters
    assert (counters.started, counters.cancelled) == (1, 0 if left else 1)
    if left:
        assert isinstance((await rig.events(ask))[-1], Drawn)
        assert counters.started == 1, "it was fetched, and not drawn again"
    assert not await rig.backend.left(ID, rig.http)


async def test_what_was_stopped_as_it_was_left_is_drawn_anew(rig: Rig) -> None:
    rig.fake.change("sd_v1-5", step_s=10.0)
    torn: Any = Torn(rig.http)
    with pytest.raises(NodeError):
        async with aclosing(rig.backend.run(rig.run_of(SLOW), torn)) as events:
            async for event in events:
                if isinstance(event, Progress) and event.step > 0:
                    torn.broken.set()
    drawing = asyncio.ensure_future(rig.events(ASK))
    await rig.backend.cancel(ID, rig.http)  # the last word of a gateway that stops comes when the next one has begun
    assert isinstance((await drawing)[-1], Drawn)


async def test_only_ones_own_picture_is_stopped(rig: Rig) -> None:
    rig.fake.change("sd_v1-5", step_s=20.0)
    quick = replace(ASK, steps=12)
    drawing = asyncio.ensure_future(rig.events(quick, id="theirs"))
    async with asyncio.timeout(5):
        while not await rig.backend.waiting(rig.http):
            await asyncio.sleep(0.02)
    assert not await rig.backend.cancel("nobody", rig.http) or rig.fake.counters.cancelled == 0
    assert isinstance((await drawing)[-1], Drawn)


async def test_memory_is_given_back_when_it_is_asked_for(rig: Rig) -> None:
    await rig.events(ASK)
    full = await rig.backend.memory(rig.http)
    await rig.backend.free(rig.http)
    empty = await rig.backend.memory(rig.http)
    assert full is not None
    assert empty is not None
    assert full.held >= 4 * 10**9
    assert empty.free == empty.total


async def test_an_answer_that_is_no_picture_is_the_engines_fault(rig: Rig) -> None:
    rig.fake.fault("malformed", path="*", times=None)
    with pytest.raises(NodeError):
        await rig.events(ASK)


async def test_what_only_the_engine_knows_to_be_wrong_is_told_with_its_words(kind: str) -> None:
    async with rig_of(kind) as rig:
        rig.fake.change("sd_v1-5", remove=True)
        with pytest.raises(NodeFailed):
            await rig.events(ASK)
