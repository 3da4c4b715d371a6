"""One download for everybody who wants the same: each sees its steps, and it ends with the last who waits for it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Hashable
from contextlib import aclosing
from typing import Generic, TypeVar

from potluck.core.errors import PotluckError
from potluck.gateway.tasks import Tasks

T = TypeVar("T")


class _Watcher(Generic[T]):
    def __init__(self) -> None:
        self.steps: deque[T] = deque()
        self.woken = asyncio.Event()


class _Work(Generic[T]):
    def __init__(self) -> None:
        self.watchers: set[_Watcher[T]] = set()
        self.last: T | None = None
        self.over = False
        self.error: PotluckError | None = None
        self.task: asyncio.Task[None] | None = None


class Pulls(Generic[T]):
    """``replaces`` says whether a step makes the one before it needless for who has not seen it yet: a slow reader
    then misses percentages, and holds no memory for them."""

    def __init__(self, tasks: Tasks, replaces: Callable[[T, T], bool]) -> None:
        self._tasks = tasks
        self._replaces = replaces
        self._under_way: dict[Hashable, _Work[T]] = {}

    async def join(self, key: Hashable, begin: Callable[[], AsyncGenerator[T]]) -> AsyncGenerator[T]:
        """The steps of the work under ``key``, from the last that was told; ``begin`` starts it if nobody has.

        Raises what ends the work early, for everybody who waits for it.
        """
        while (known := self._under_way.get(key)) is not None and not known.watchers and known.task is not None:
            await asyncio.wait((known.task,))  # its last one left this moment; it must be gone before it begins anew
        work = known or self._start(key, begin())
        watcher = _Watcher[T]()
        if work.last is not None:
            watcher.steps.append(work.last)
        work.watchers.add(watcher)
        try:
            while True:
                while watcher.steps:
                    yield watcher.steps.popleft()
                if work.over:
                    break
                watcher.woken.clear()
                await watcher.woken.wait()
        finally:
            work.watchers.discard(watcher)
            if not work.watchers and work.task is not None and not work.task.done():
                work.task.cancel()
                await asyncio.wait((work.task,))
                self._forget(key, work)  # a task that had not begun does not do it itself
        if work.error is not None:
            raise work.error

    def _start(self, key: Hashable, steps: AsyncGenerator[T]) -> _Work[T]:
        work = self._under_way[key] = _Work[T]()
        work.task = self._tasks.spawn(self._run(key, work, steps), f"pull {key}")
        return work

    async def _run(self, key: Hashable, work: _Work[T], steps: AsyncGenerator[T]) -> None:
        work.error = PotluckError("The download ended before its end.")
        try:
            async with aclosing(steps):
                async for step in steps:
                    self._tell(work, step)
            work.error = None
        except PotluckError as error:
            work.error = error
        finally:
            work.over = True
            self._forget(key, work)
            for watcher in work.watchers:
                watcher.woken.set()

    def _forget(self, key: Hashable, work: _Work[T]) -> None:
        if self._under_way.get(key) is work:
            del self._under_way[key]

    def _tell(self, work: _Work[T], step: T) -> None:
        work.last = step
        for watcher in work.watchers:
            if watcher.steps and self._replaces(step, watcher.steps[-1]):
                watcher.steps.pop()
            watcher.steps.append(step)
            watcher.woken.set()
