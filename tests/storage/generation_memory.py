"""Logs of generations in memory. They keep the same promises as files, but outlast no process."""

from __future__ import annotations

from collections.abc import Sequence

from potluck.core.errors import Conflict, NotFound, OperatorError
from potluck.storage.generations import Entry, GenerationHead, GenerationId, Kept


class MemoryGenerations:
    """A `GenerationLogs`. ``broken``: the disk is full. ``now`` is when anything is written."""

    def __init__(self) -> None:
        self.logs: dict[GenerationId, tuple[GenerationHead, list[Entry]]] = {}
        self.done: set[GenerationId] = set()
        self.broken = False
        self.now = 1_750_000_000.0

    async def begin(self, head: GenerationHead) -> None:
        self._write()
        if head.id in self.logs:
            raise Conflict("There is a generation of this id.")
        self.logs[head.id] = head, []

    async def append(self, generation: GenerationId, entries: Sequence[Entry]) -> None:
        self._write()
        self._found(generation)[1].extend(entries)

    async def finish(self, generation: GenerationId) -> None:
        if generation in self.logs:
            self.done.add(generation)

    async def read(self, generation: GenerationId) -> Kept:
        head, entries = self._found(generation)
        return Kept(head, tuple(entries), self.now, 100 + len(entries))

    async def unfinished(self) -> tuple[GenerationId, ...]:
        return tuple(sorted(each for each in self.logs if each not in self.done))

    async def finished(self) -> tuple[GenerationId, ...]:
        return tuple(sorted(self.done))

    async def forget(self, generation: GenerationId) -> None:
        self.logs.pop(generation, None)
        self.done.discard(generation)

    def _write(self) -> None:
        if self.broken:
            raise OperatorError("The disk is full.")

    def _found(self, generation: GenerationId) -> tuple[GenerationHead, list[Entry]]:
        if generation not in self.logs:
            raise NotFound("There is no such generation.")
        return self.logs[generation]
