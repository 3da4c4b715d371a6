"""The shell around `supervision`: performs its effects on real processes and tells it what happened."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine

import structlog

from potluck.backends.local import supervision as rules
from potluck.backends.local.child import Task
from potluck.backends.local.process import ChildGone, Process, Spawn
from potluck.backends.local.supervision import ChildState, Effect, Happening, Supervision, Terms
from potluck.backends.port import Child
from potluck.core.errors import NodeUnreachable

log = structlog.get_logger(__name__)

# Between two lines in the log that a model is still loading.
_STILL_LOADING_S = 5.0
_WORDS_LOGGED = 10


class Ward:
    """One child: its process if it has one, and those who wait for it. Called from one task; `tell` holds no await.

    ``busy`` asks the child whether it works on anything. ``clock`` is monotonic seconds.
    """

    def __init__(
        self,
        task: Task,
        role: str,
        terms: Terms,
        *,
        spawn: Spawn,
        busy: Callable[[int], Coroutine[None, None, bool]],
        clock: Callable[[], float],
        chance: random.Random,
    ) -> None:
        self.task = task
        self.role = role
        self.port: int | None = None
        self._terms = terms
        self._spawn = spawn
        self._ask_busy = busy
        self._clock = clock
        self._chance = chance
        self._standing = Supervision()
        self._process: Process | None = None
        self._waiting: set[asyncio.Future[None]] = set()
        self._jobs: set[asyncio.Task[None]] = set()
        self._alarm: asyncio.TimerHandle | None = None
        self._killed = False

    @property
    def ready(self) -> bool:
        return self._standing.state is ChildState.READY and self.port is not None

    def use(self) -> None:
        """A call goes to it: it is not idle."""
        self.tell(rules.Used())

    def agree(self, stay_s: float | None) -> None:
        """A call goes to it that says how long it is to stay (`supervision.Agreed`)."""
        self.tell(rules.Agreed(stay_s))

    @property
    def stays_s(self) -> float | None:
        """For how long it stays if nobody asks again; None for ever."""
        idle = rules.idle_s(self._standing, self._terms)
        return None if idle is None else max(0.0, self._standing.used_s + idle - self._clock())

    async def wanted(self) -> None:
        """Return when it is ready. Raises `NodeUnreachable` if it will not be soon."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(turn)
        try:
            self.tell(rules.Wanted())
            await turn
        finally:
            self._waiting.discard(turn)

    def begin(self) -> None:
        """Start it without waiting."""
        self.tell(rules.Wanted())

    def bind(self, terms: Terms) -> None:
        """Other terms hold from now on."""
        self._terms = terms
        self.tell(rules.Used())

    def dismiss(self) -> None:
        """Unload it; the next who wants it has it loaded again."""
        self.tell(rules.Dismissed())

    async def aclose(self) -> None:
        """End it for good: by asking, then by force. Returns when the process is gone."""
        self.tell(rules.Closing())
        if not self._jobs:
            return
        _, late = await asyncio.wait(self._jobs, timeout=rules.GRACE_S)
        if late:
            self._kill()
            await asyncio.wait(late)

    def shown(self) -> Child:
        """For the status page."""
        return Child(
            model=self.task.alias,
            role=self.role,
            pid=self._process.pid if self._process is not None else None,
            state=self._standing.state.value,
            restarts=self._standing.restarts,
            why=self._standing.why,
        )

    def tell(self, event: Happening) -> None:
        """Let the rules decide, do what they say, and wake up when they want to be woken."""
        before = self._standing
        after, effects = rules.step(before, event, self._terms, self._clock(), self._chance.random())
        self._standing = after
        if after.state is not before.state:
            self._note(before, after)
        for effect in effects:
            self._perform(effect)
        if after.due_s != before.due_s:
            self._set_alarm()

    def _perform(self, effect: Effect) -> None:
        match effect:
            case rules.Start():
                self._spawn_job(self._live())
            case rules.Ask():
                self.port = None
                if self._process is not None:
                    self._process.ask()
            case rules.Kill():
                self._kill()
            case rules.Look():
                self._spawn_job(self._look())
            case rules.Admit():
                self._answer(None)
            case rules.Refuse(why):
                self._answer(why)

    def _answer(self, why: str | None) -> None:
        """Tell those who wait that it is ready, or why it will not be."""
        for turn in self._waiting:
            if turn.done():
                continue
            if why is None:
                turn.set_result(None)
            else:
                turn.set_exception(NodeUnreachable(f"The embedded engine is not ready. {why}".rstrip()))

    async def _live(self) -> None:
        """One process, from its start to its death."""
        self._killed = False
        try:
            process = await self._spawn(self.task)
        except OSError as error:
            self.tell(rules.Died(f"It could not be started: {error.strerror}."))
            return
        self._process = process
        # Whoever closed or dismissed it while it was being started found no process to ask.
        if self._killed:
            process.kill()
        elif self._standing.state is not ChildState.STARTING:
            process.ask()
        first = asyncio.get_running_loop().create_task(self._greet(process))
        try:
            why = await process.end()
        finally:
            process.kill()
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            self._process = self.port = None
        if self._standing.state not in (ChildState.STOPPING, ChildState.CLOSED):
            log.error(
                "embedded engine died", model=self.task.alias, role=self.role, pid=process.pid, why=why,
                stderr=process.last_words()[-_WORDS_LOGGED:],
            )  # fmt: skip
        self.tell(rules.Died(why))

    async def _greet(self, process: Process) -> None:
        """Wait until it is ready, telling the log now and then that it is not yet."""
        port = asyncio.ensure_future(process.port())
        try:
            while not port.done():
                await asyncio.wait((port,), timeout=_STILL_LOADING_S)
                if not port.done():
                    log.info("embedded engine is still loading", model=self.task.alias, role=self.role)
            self.port = port.result()
        except ChildGone:
            return  # its end is heard of elsewhere
        finally:
            port.cancel()
        self.tell(rules.Answers())

    async def _look(self) -> None:
        port = self.port
        self.tell(rules.Looked(busy=port is not None and await self._ask_busy(port)))

    def _kill(self) -> None:
        self._killed = True
        if self._process is not None:
            self._process.kill()

    def _spawn_job(self, work: Coroutine[None, None, None]) -> None:
        job = asyncio.get_running_loop().create_task(work, name=f"{self.role} {self.task.alias}")
        self._jobs.add(job)
        job.add_done_callback(self._job_done)

    def _job_done(self, job: asyncio.Task[None]) -> None:
        self._jobs.discard(job)
        if not job.cancelled() and (error := job.exception()) is not None:
            log.error("embedded engine's keeper failed", model=self.task.alias, exc_info=error)

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if (due := self._standing.due_s) is not None:
            delay = max(0.0, due - self._clock())
            self._alarm = asyncio.get_running_loop().call_later(delay, self._ring)

    def _ring(self) -> None:
        """Two clocks never agree to the last digit: if the alarm came early, it is set again."""
        self._alarm = None
        before = self._standing
        self.tell(rules.Due())
        if self._alarm is None and self._standing is before and before.due_s is not None:
            self._set_alarm()

    def _note(self, before: Supervision, after: Supervision) -> None:
        log.info(
            "embedded engine", model=self.task.alias, role=self.role, state=after.state.value, was=before.state.value,
            restarts=after.restarts,
        )  # fmt: skip
