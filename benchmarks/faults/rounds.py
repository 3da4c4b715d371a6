"""The matrix is played: for each cell some rounds, in each of which a few calls meet nodes that break."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from faults.clients import Clients, Dialect, asked
from faults.judging import Verdict, judged, wording
from faults.nodes import DECODE_PER_S, Nodes, running_nodes
from faults.subjects import Subject, started
from faults.troubles import Sort, Trouble

from potluck_fake_engine import tokens

# The clients hang up after this: longer than a load, and than any peer's own limit.
PATIENCE_S = 75.0
# As many troubles at once as two cores can bear; those that mostly wait are not counted.
_AT_ONCE = 10
_FREED_WITHIN_S = 3.0
_NAMES = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is done: ``calls`` at once in each of the ``rounds``; a cold node loads for ``load_s``."""

    rounds: int = 3
    calls: int = 4
    load_s: float = 45.0


@dataclass(slots=True)
class Cell:
    """What was counted. ``recovered_s`` are of calls that met a node that was broken, and got their answer."""

    trouble: Trouble
    dialect: Dialect
    stream: bool
    verdicts: dict[Verdict, int] = field(default_factory=lambda: dict.fromkeys(Verdict, 0))
    recovered_s: list[float] = field(default_factory=list[float])
    leaked_slots: int = 0
    said: list[str] = field(default_factory=list[str])
    """Why answers were not whole, for people."""

    @property
    def bound_s(self) -> float | None:
        """None where an engine is silent until the answer is whole: nobody can tell then that it hangs, before a long
        answer would be there. (Potluck asks llama.cpp for a stream, whatever its client wants.)"""
        told = self.stream or self.dialect.kind == "llamacpp"
        return self.trouble.bound_s if told or self.trouble.sort is not Sort.STALLED else None


@dataclass(frozen=True, slots=True)
class Lane:
    """Nodes, and the cells that are played on them one after the other."""

    trouble: Trouble
    cells: Sequence[Cell]
    nodes: Nodes


def cells_of(subject: Subject, troubles: Sequence[Trouble], dialects: Sequence[Dialect]) -> list[Cell]:
    return [
        Cell(trouble, dialect, stream)
        for trouble in troubles
        for dialect in subject.dialects
        if dialect in dialects
        for stream in (True, False)
    ]


def _grouped(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Those that may follow each other on the same nodes."""
    groups: dict[tuple[object, ...], list[Cell]] = {}
    for cell in cells:
        apart = (cell.dialect.name, cell.stream) if cell.trouble.apart else ()
        groups.setdefault((cell.trouble.name, cell.dialect.kind, *apart), []).append(cell)
    return list(groups.values())


async def play(subject: Subject, cells: Sequence[Cell], plan: Plan, say: Callable[[str], None]) -> None:
    """Fill the cells. Raises `native.BenchError` if the subject does not start."""
    async with AsyncExitStack() as stack:
        lanes: list[Lane] = []
        for group in _grouped(cells):
            first = group[0]
            name = f"m{next(_NAMES)}"
            nodes = await stack.enter_async_context(running_nodes(name, first.dialect.kind, first.trouble.nodes))
            lanes.append(Lane(first.trouble, group, nodes))
        say(f"{subject.name}: starting in front of {sum(len(lane.nodes.fakes) for lane in lanes)} engines")
        reached = await stack.enter_async_context(started(subject, [lane.nodes for lane in lanes]))
        clients = {access: Clients(access, PATIENCE_S) for access in set(reached.values())}
        for each in clients.values():
            stack.push_async_callback(each.aclose)
        pace = _Pace(subject.calls_per_s)
        turns = asyncio.Semaphore(_AT_ONCE)

        async def run(lane: Lane) -> None:
            stage = _Stage(subject, lane.nodes, clients[reached[lane.nodes.name]], plan, pace)
            if lane.trouble.apart:
                await stage.play(lane.cells, say)
            else:
                async with turns:
                    await stage.play(lane.cells, say)

        async with asyncio.TaskGroup() as group:
            for lane in lanes:
                group.create_task(run(lane))


class _Pace:
    """So many calls a second, over all lanes: what is measured is no overload."""

    def __init__(self, calls_per_s: float) -> None:
        self._each_s = 1 / calls_per_s
        self._next_s = 0.0

    async def turn(self, calls: int) -> None:
        now_s = asyncio.get_running_loop().time()
        starts_s = max(now_s, self._next_s)
        self._next_s = starts_s + calls * self._each_s
        await asyncio.sleep(starts_s - now_s)


class _Stage:
    """One lane's play."""

    def __init__(self, subject: Subject, nodes: Nodes, clients: Clients, plan: Plan, pace: _Pace) -> None:
        self._subject, self._nodes, self._clients, self._plan, self._pace = subject, nodes, clients, plan, pace
        self._numbers = itertools.count(1)

    async def play(self, cells: Sequence[Cell], say: Callable[[str], None]) -> None:
        for cell in cells:
            await self._warm_up(cell)
            for number in range(self._plan.rounds):
                await self._round(cell, number)
            say(f"{self._subject.name}: {told(cell)}")

    async def _warm_up(self, cell: Cell) -> None:
        """Speeds are learned, as those of a fleet in use are."""
        await self._pace.turn(2)
        await asyncio.gather(*(self._ask(cell, None) for _ in range(2)))

    async def _round(self, cell: Cell, number: int) -> None:
        trouble, nodes = cell.trouble, self._nodes
        for fake in nodes.fakes:
            fake.site.requests.clear()
        await self._pace.turn(self._plan.calls)
        if trouble.fault:
            nodes.arm(trouble.fault, trouble.victims, trouble.in_round(number))
        if trouble.happens is not None:
            await trouble.happens(nodes, number, self._plan.load_s)
        await asyncio.gather(*(self._ask(cell, cell) for _ in range(self._plan.calls)))
        cell.leaked_slots += await self._still_busy()
        await nodes.heal()
        if trouble.fault or trouble.happens:
            await asyncio.sleep(self._subject.pause_s)

    async def _ask(self, cell: Cell, counted: Cell | None) -> None:
        number = next(self._numbers)
        text = wording(number)
        marker = f"call {number} of {self._nodes.name}."
        heard = await asked(
            cell.dialect,
            self._clients,
            self._nodes.name,
            f"{marker}\nsay: {text}",
            stream=cell.stream,
            patience_s=PATIENCE_S,
            nominal_s=tokens.count(text) / DECODE_PER_S,
        )
        if counted is None:
            return
        verdict = judged(heard, text, cell.dialect.finish)
        counted.verdicts[verdict] += 1
        if verdict is not Verdict.WHOLE:
            counted.said.append(f"{verdict}: {heard.error or heard.text!r}"[:200])
        elif not cell.trouble.fault or self._nodes.hit(marker):
            counted.recovered_s.append(heard.silent_s)

    async def _still_busy(self) -> int:
        """Slots that are in use although every answer is over."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + _FREED_WITHIN_S
        while (busy := self._nodes.busy()) and loop.time() < until_s:
            await asyncio.sleep(0.05)
        return busy


def told(cell: Cell) -> str:
    """One line for people."""
    way = "stream" if cell.stream else "whole"
    counts = ", ".join(f"{count} {verdict}" for verdict, count in cell.verdicts.items() if count)
    slowest = f", slowest {max(cell.recovered_s):.2f} s" if cell.recovered_s else ""
    leaked = f", {cell.leaked_slots} slots leaked" if cell.leaked_slots else ""
    why = f" ({cell.said[0]})" if cell.said else ""
    return f"{cell.trouble.name}, {cell.dialect.name}, {way}: {counts}{slowest}{leaked}{why}"
