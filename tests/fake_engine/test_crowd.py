from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from potluck_fake_engine.crowd import Worker, pace
from potluck_fake_engine.engine import Engine
from potluck_fake_engine.settings import Settings, parse_model


class Jumping(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to what is due next."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(_Never(self))

    def time(self) -> float:
        return self.now


class _Never(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    def __init__(self, loop: Jumping) -> None:
        super().__init__()
        self.loop = loop

    def select(self, timeout: float | None = None) -> Any:
        self.loop.now += timeout or 0.0
        return super().select(0)


def in_no_time(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with asyncio.Runner(loop_factory=Jumping) as runner:
        runner.run(work())


def worker(model: str = "m", *, reading: bool = False) -> Worker:
    return Worker(model, prefill=600, decode=60, batching=0.2, reading=reading)


@pytest.mark.parametrize(
    ("neighbours", "writes", "reads"),
    [
        ([], 60, 600),
        ([worker()], 60 / 1.2, 600 * 3 / 4),
        ([worker(reading=True)], 60 / 1.5, 300),
        ([worker("other")], 30, 300),
        ([worker(), worker("other"), worker("another")], 60 / 1.2 / 3, 600 * 3 / 4 / 3),
    ],
)
def test_the_pace_falls_with_the_crowd(neighbours: list[Worker], writes: float, reads: float) -> None:
    writer, reader = worker(), worker(reading=True)
    assert pace(writer, [writer, *neighbours]) == pytest.approx(writes)
    assert pace(reader, [reader, *neighbours]) == pytest.approx(reads)


def test_what_takes_no_time_takes_none_in_a_crowd() -> None:
    swift = Worker("m", 0, 0, 0)
    assert pace(swift, [swift, worker()]) == 0


async def answer(engine: Engine, tokens: int, *, begins_s: float = 0.0, whole: bool = False) -> tuple[float, float]:
    """When the prompt of a hundred tokens was read, and when all was said."""
    await asyncio.sleep(begins_s)
    async with engine.turn(engine.models["m"], f"{begins_s}", 100) as turn:
        await turn.prefill()
        read_s = engine.now()
        if whole:
            await turn.beats(tokens)
        else:
            for _ in range(tokens):
                await turn.beat()
        return read_s, engine.now()


def crowded(*, speed: float = 1.0) -> Engine:
    model = parse_model("m,prefill=100,decode=10,batching=0.5,resident=true")
    return Engine(Settings(("ollama",), (model,), speed=speed, shared=True))


@pytest.mark.parametrize("whole", [False, True])
def test_two_at_once_read_half_as_fast_and_write_as_the_batch_lets_them(whole: bool) -> None:
    async def work() -> None:
        both = await asyncio.gather(*(answer(crowd, 21, whole=whole) for crowd in [crowded()] * 2))
        # 100 tokens at 50 a second; then 20 after the first at 10 / 1.5.
        assert both == [pytest.approx((2.0, 5.0), abs=0.01)] * 2

    in_no_time(work)


def test_who_comes_later_slows_those_who_are_there_from_then_on() -> None:
    async def work() -> None:
        engine = crowded(speed=10.0)
        first, second = await asyncio.gather(answer(engine, 21), answer(engine, 1, begins_s=0.2))
        # Alone 1 s of reading and 1 s of writing: ten tokens. Then 1.33 s at 10 / 1.5 beside a reader: nearly nine.
        assert first == pytest.approx((0.1, 0.1 + 0.1 + 0.1333 + 0.0111), abs=0.002)
        assert second == pytest.approx((0.3333, 0.3333), abs=0.002)
        assert engine.working == []

    in_no_time(work)
