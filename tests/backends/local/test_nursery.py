"""The shell around the rules, with processes that the test plays itself."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

import pytest

from potluck.backends.local.child import Task
from potluck.backends.local.nursery import Ward
from potluck.backends.local.process import ChildGone, Process
from potluck.backends.local.supervision import Terms
from potluck.core.errors import NodeUnreachable

TASK = Task(
    path="x.gguf", alias="tiny:latest", key="k", embedding=False, context=512, slots=1, batch=64, threads=1, parent=1
)


KEPT = Terms(start_s=30.0, idle_s=0.0)


@dataclass
class Played:
    """A process that does what the test says."""

    pid: int
    answers: asyncio.Future[int]
    ended: asyncio.Future[str]
    stubborn: bool = False
    asked: int = 0
    killed: int = 0

    async def port(self) -> int:
        return await asyncio.shield(self.answers)

    async def end(self) -> str:
        return await asyncio.shield(self.ended)

    def ask(self) -> None:
        self.asked += 1
        if not self.stubborn:
            self.die("It ended with code 0.")

    def kill(self) -> None:
        self.killed += 1
        self.die("It was ended by signal SIGKILL.")

    def die(self, why: str) -> None:
        if not self.answers.done():
            self.answers.set_exception(ChildGone())
            self.answers.exception()
        if not self.ended.done():
            self.ended.set_result(why)

    def last_words(self) -> list[str]:
        return ["failed to load model"]


@dataclass
class Stage:
    """Where processes are started, and a clock that stands still unless it is moved."""

    now: float = 0.0
    processes: list[Played] = field(default_factory=list[Played])
    stubborn: bool = False
    fails: bool = False

    async def spawn(self, task: Task) -> Process:
        if self.fails:
            raise OSError(12, "Cannot allocate memory")
        loop = asyncio.get_running_loop()
        process = Played(100 + len(self.processes), loop.create_future(), loop.create_future(), self.stubborn)
        self.processes.append(process)
        return process

    def ward(self, terms: Terms = KEPT, *, busy: bool = False) -> Ward:
        async def works(port: int) -> bool:
            return busy

        return Ward(TASK, "chat", terms, spawn=self.spawn, busy=works, clock=lambda: self.now, chance=random.Random(1))


async def settled() -> None:
    """Let every task run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def started(stage: Stage, ward: Ward) -> Played:
    ward.begin()
    await settled()
    stage.processes[-1].answers.set_result(4711)
    await settled()
    return stage.processes[-1]


async def test_many_who_want_it_share_one_start() -> None:
    stage = Stage()
    ward = stage.ward()
    callers = [asyncio.ensure_future(ward.wanted()) for _ in range(5)]
    await settled()
    assert len(stage.processes) == 1
    assert not any(caller.done() for caller in callers)
    stage.processes[0].answers.set_result(4711)
    await asyncio.gather(*callers)
    assert (ward.ready, ward.port) == (True, 4711)
    await ward.aclose()


async def test_a_caller_who_leaves_does_not_stop_the_start() -> None:
    stage = Stage()
    ward = stage.ward()
    leaver, stayer = asyncio.ensure_future(ward.wanted()), asyncio.ensure_future(ward.wanted())
    await settled()
    leaver.cancel()
    await settled()
    stage.processes[0].answers.set_result(1)
    await stayer
    await ward.aclose()


async def test_those_who_wait_hear_of_the_crash_and_why() -> None:
    stage = Stage()
    ward = stage.ward()
    caller = asyncio.ensure_future(ward.wanted())
    await settled()
    stage.processes[0].die("The model could not be loaded.")
    with pytest.raises(NodeUnreachable, match="could not be loaded"):
        await caller
    shown = ward.shown()
    assert (shown.state, shown.restarts, shown.pid, shown.why) == (
        "pausing", 1, None, "The model could not be loaded.",
    )  # fmt: skip
    await ward.aclose()


async def test_what_cannot_even_be_started_counts_as_a_crash() -> None:
    stage = Stage(fails=True)
    ward = stage.ward()
    with pytest.raises(NodeUnreachable, match="Cannot allocate memory"):
        await ward.wanted()
    assert ward.shown().restarts == 1
    await ward.aclose()


async def test_a_crashed_child_has_no_port() -> None:
    stage = Stage()
    ward = stage.ward()
    process = await started(stage, ward)
    process.die("It was ended by signal SIGSEGV.")
    await settled()
    assert (ward.ready, ward.port) == (False, None)
    await ward.aclose()


async def test_closing_ends_the_process_and_refuses_who_comes_late() -> None:
    stage = Stage()
    ward = stage.ward()
    process = await started(stage, ward)
    await ward.aclose()
    assert process.asked == 1
    with pytest.raises(NodeUnreachable):
        await ward.wanted()
    assert len(stage.processes) == 1


async def test_closing_while_it_starts_leaves_nothing_behind() -> None:
    stage = Stage()
    ward = stage.ward()
    caller = asyncio.ensure_future(ward.wanted())
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(ward.aclose())
    with pytest.raises(NodeUnreachable):
        await caller
    await closing
    assert all(process.ended.done() for process in stage.processes)


async def test_unloading_ends_the_process_and_the_next_caller_starts_another() -> None:
    stage = Stage()
    ward = stage.ward()
    await started(stage, ward)
    ward.dismiss()
    await settled()
    assert ward.shown().state == "asleep"
    await started(stage, ward)
    assert len(stage.processes) == 2
    assert ward.ready
    assert ward.shown().restarts == 0
    await ward.aclose()


async def test_a_child_at_work_outlives_its_idle_time() -> None:
    stage = Stage()
    ward = stage.ward(Terms(start_s=30.0, idle_s=0.01), busy=True)
    process = await started(stage, ward)
    stage.now = 1.0
    await asyncio.sleep(0.03)  # the loop's own timer, which only time moves
    assert process.asked == 0
    await ward.aclose()


async def test_an_idle_child_goes_to_sleep_by_itself() -> None:
    stage = Stage()
    ward = stage.ward(Terms(start_s=30.0, idle_s=0.01))
    process = await started(stage, ward)
    stage.now = 1.0
    async with asyncio.timeout(2):
        await process.ended
    await settled()
    assert ward.shown().state == "asleep"
    await ward.aclose()
