"""The child that works on images: there while there is work, and its crashes cost one piece of it."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from potluck.core.errors import BadRequest, Overloaded
from potluck.pixels import pixels as module
from potluck.pixels.pixels import Pixels
from potluck.pixels.work import Clean, Limits, Thumbnail
from tests.pixels.pictures import as_file, picture


async def test_work_is_done_by_one_child_in_order_of_arrival() -> None:
    async with Pixels() as pixels:
        assert pixels.pid is None
        file = as_file(picture(800, 600))
        made = await asyncio.gather(*(pixels.perform(Thumbnail(file, side)) for side in (64, 128, 256)))
        assert [each.width for each in made] == [64, 128, 256]
        pid = pixels.pid
        assert pid is not None
        with pytest.raises(BadRequest, match="no image") as refused:
            await pixels.perform(Clean(b"nonsense"), param="mask")
        assert refused.value.param == "mask"
        assert pixels.pid == pid
    assert pixels.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_child_that_crashes_costs_one_piece_of_work() -> None:
    async with Pixels() as pixels:
        await pixels.perform(Clean(as_file(picture())))
        assert pixels.pid is not None
        os.kill(pixels.pid, signal.SIGSTOP)
        waits = asyncio.ensure_future(pixels.perform(Clean(as_file(picture()))))
        after = asyncio.ensure_future(pixels.perform(Clean(as_file(picture()))))
        await asyncio.sleep(0)
        os.kill(pixels.pid, signal.SIGKILL)
        with pytest.raises(BadRequest, match="could not be worked on"):
            await waits
        assert (await after).width == 64


async def test_who_leaves_takes_no_answer_from_the_next() -> None:
    async with Pixels() as pixels:
        await pixels.perform(Clean(as_file(picture())))
        assert pixels.pid is not None
        os.kill(pixels.pid, signal.SIGSTOP)
        leaves = asyncio.ensure_future(pixels.perform(Clean(as_file(picture(20, 20)))))
        await asyncio.sleep(0)
        leaves.cancel()
        assert (await pixels.perform(Clean(as_file(picture(30, 30))))).width == 30


async def test_an_idle_child_goes_and_the_next_work_starts_another() -> None:
    async with Pixels(idle_s=0.0) as pixels:
        await pixels.perform(Clean(as_file(picture())))
        first = pixels.pid
        while pixels.pid is not None:
            await asyncio.sleep(0)
        assert (await pixels.perform(Clean(as_file(picture())))).width == 64
        assert first is not None


async def test_bounds_hold_before_a_child_is_asked() -> None:
    async with Pixels(Limits(bytes=100)) as pixels:
        with pytest.raises(BadRequest, match="larger than"):
            await pixels.perform(Clean(bytes(101)))
        too_many = [asyncio.ensure_future(pixels.perform(Clean(b"x"))) for _ in range(module._MOST_WAITING + 1)]
        with pytest.raises(Overloaded):
            await too_many[-1]
        for each in too_many:
            each.cancel()
        await asyncio.gather(*too_many, return_exceptions=True)
        assert pixels.pid is None
