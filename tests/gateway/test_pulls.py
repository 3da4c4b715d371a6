"""One download for everybody who wants the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import pytest

from potluck.core.errors import PotluckError
from potluck.gateway.pulls import Pulls
from potluck.gateway.tasks import Tasks


class Source:
    """Yields 0, 1, 2 …; each step waits to be let. ``fails`` at the end instead of ending."""

    def __init__(self, steps: int, *, fails: bool = False) -> None:
        self.begun = 0
        self.closed = 0
        self._steps = steps
        self._fails = fails
        self.turn = asyncio.Semaphore(0)
        self.closing = asyncio.Event()
        self.closing.set()

    async def steps(self) -> AsyncGenerator[int]:
        self.begun += 1
        try:
            for number in range(self._steps):
                await self.turn.acquire()
                yield number
            if self._fails:
                raise PotluckError("the disk is full")
        finally:
            await self.closing.wait()
            self.closed += 1

    def let(self, steps: int) -> None:
        for _ in range(steps):
            self.turn.release()


@pytest.fixture
async def pulls() -> AsyncIterator[Pulls[int]]:
    async with Tasks() as tasks:
        yield Pulls(tasks, lambda new, old: new > 1)


async def all_of(steps: AsyncGenerator[int]) -> list[int]:
    return [step async for step in steps]


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_two_who_want_the_same_share_one_work(pulls: Pulls[int]) -> None:
    source = Source(3)
    one, two = (asyncio.ensure_future(all_of(pulls.join("m", source.steps))) for _ in range(2))
    await settle()
    source.let(3)
    results = await asyncio.gather(one, two)
    assert source.begun == source.closed == 1
    assert all(result[-1] == 2 for result in results)


async def test_who_comes_later_sees_at_once_how_far_it_is(pulls: Pulls[int]) -> None:
    source = Source(3)
    async with aclosing(pulls.join("m", source.steps)) as first, aclosing(pulls.join("m", source.steps)) as second:
        source.let(2)
        assert [await anext(first), await anext(first)] == [0, 1]
        assert await anext(second) == 1


async def test_the_work_goes_on_while_anybody_waits_and_ends_with_the_last(pulls: Pulls[int]) -> None:
    source = Source(9)
    first, second = pulls.join("m", source.steps), pulls.join("m", source.steps)
    source.let(2)
    await anext(first)
    await anext(second)
    await first.aclose()
    assert source.closed == 0
    await second.aclose()
    assert source.closed == 1


async def test_another_key_is_another_work(pulls: Pulls[int]) -> None:
    source = Source(1)
    source.let(2)
    assert [await all_of(pulls.join(key, source.steps)) for key in ("a", "b")] == [[0], [0]]
    assert source.begun == 2


async def test_an_error_reaches_everybody_and_the_next_begins_anew(pulls: Pulls[int]) -> None:
    source = Source(1, fails=True)
    waiting = [asyncio.ensure_future(all_of(pulls.join("m", source.steps))) for _ in range(2)]
    await settle()
    source.let(1)
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(result) for result in results] == ["the disk is full"] * 2
    source.let(1)
    with pytest.raises(PotluckError):
        await all_of(pulls.join("m", source.steps))
    assert source.begun == 2


async def test_who_comes_while_the_last_one_leaves_waits_until_it_is_gone(pulls: Pulls[int]) -> None:
    source = Source(2)
    source.closing.clear()
    first = pulls.join("m", source.steps)
    source.let(1)
    await anext(first)
    leaving = asyncio.ensure_future(first.aclose())
    await settle()
    coming = asyncio.ensure_future(all_of(pulls.join("m", source.steps)))
    await settle()
    assert source.begun == 1
    source.closing.set()
    source.let(2)
    await leaving
    assert await coming == [0, 1]
    assert source.begun == 2


async def test_who_leaves_before_the_work_begins_leaves_nothing_behind(pulls: Pulls[int]) -> None:
    source = Source(1)
    joining = asyncio.ensure_future(all_of(pulls.join("m", source.steps)))
    await asyncio.sleep(0)
    joining.cancel()
    await asyncio.gather(joining, return_exceptions=True)
    source.let(1)
    async with asyncio.timeout(5):
        assert await all_of(pulls.join("m", source.steps)) == [0]


async def test_a_slow_reader_misses_what_later_steps_replace(pulls: Pulls[int]) -> None:
    source = Source(50)
    async with aclosing(pulls.join("m", source.steps)) as steps:
        source.let(50)
        assert await anext(steps) == 0
        await settle()
        rest = [step async for step in steps]
    assert rest[-1] == 49
    assert len(rest) < 49


async def test_a_bug_ends_the_wait_with_an_error_and_not_never(pulls: Pulls[int], caplog: object) -> None:
    async def broken() -> AsyncGenerator[int]:
        yield 0
        raise RuntimeError("a bug")

    with pytest.raises(PotluckError, match="ended before its end"):
        await all_of(pulls.join("m", broken))
