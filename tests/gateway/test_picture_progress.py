"""Who watches a picture being drawn is shown the newest there is."""

from __future__ import annotations

import asyncio

from potluck.core.pictures.outcome import Progress
from potluck.gateway.picture_progress import MOST_JOBS, MOST_PREVIEW_BYTES, Progresses


async def test_a_slow_reader_is_told_the_newest_alone() -> None:
    progresses = Progresses()
    progresses.tell("j", Progress(1, 20, preview=b"first"), "orin0")
    follow = aiter(progresses.follow("j"))
    told = await anext(follow)
    assert (told.progress.step, told.preview, told.node) == (1, b"first", "orin0")
    waits = asyncio.ensure_future(anext(follow))
    await asyncio.sleep(0)
    for step in (2, 3):
        progresses.tell("j", Progress(step, 20))
    progresses.tell("other", Progress(9, 20))
    told = await waits
    assert (told.progress.step, told.preview) == (3, b"first"), "the newest preview there is of this picture"
    progresses.tell("j", Progress(0, 20, index=1))
    assert (await anext(follow)).preview == b"", "another picture's is not shown"


async def test_who_leaves_is_forgotten_and_what_ended_is(  # no leak for a service that runs for years
) -> None:
    progresses = Progresses()
    follow = progresses.follow("j")
    waits = asyncio.ensure_future(anext(follow))
    await asyncio.sleep(0)
    waits.cancel()
    await asyncio.gather(waits, return_exceptions=True)
    assert not progresses._waiting
    progresses.tell("j", Progress(1, 2))
    progresses.ended("j")
    progresses.ended("j")
    assert progresses.of("j") is None


def test_what_is_remembered_is_bounded() -> None:
    progresses = Progresses()
    for number in range(MOST_JOBS + 5):
        progresses.tell(f"j{number}", Progress(1, 2, preview=b"x" * (MOST_PREVIEW_BYTES + 1)))
    assert progresses.of("j4") is None
    last = progresses.of(f"j{MOST_JOBS + 4}")
    assert last is not None
    assert last.preview == b""
