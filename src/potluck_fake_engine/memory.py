"""Which models are in memory, and who waits for one: Ollama's scheduler as a state machine. No clock, no I/O.

A runner is a loaded (or loading) model. A call for a loaded runner goes straight in; any other waits in one queue whose
head blocks the rest: one load at a time, and no load before the memory for it is free. Memory is freed by evicting the
idle runner with the shortest keep-alive. Asking with other runner options (``num_ctx`` and the like) loads a model
anew.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import inf


@dataclass(frozen=True, slots=True)
class Want:
    """One call's wish for a model. ``options`` tells runners of the same model apart; ``size`` is in bytes."""

    ticket: int
    model: str
    size: int
    load_s: float
    keep_alive_s: float
    options: str = ""


@dataclass(slots=True)
class Runner:
    """``ready_at`` and ``expires_at`` are times of the caller's clock; it expires only while nobody uses it."""

    model: str
    size: int
    options: str
    ready_at: float
    keep_alive_s: float
    loading: bool = True
    users: int = 0
    expires_at: float = inf
    waiting: list[Want] = field(default_factory=list["Want"])


@dataclass(frozen=True, slots=True)
class Granted:
    ticket: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The queue of waiting loads is full."""

    ticket: int


@dataclass(frozen=True, slots=True)
class LoadStarted:
    model: str


@dataclass(frozen=True, slots=True)
class Evicted:
    """``why``: ``memory``, ``expired``, ``options`` (it loads again) or ``told``."""

    model: str
    why: str


Effect = Granted | Refused | LoadStarted | Evicted


@dataclass(slots=True)
class Memory:
    """Every method returns what came of it, in order; the caller performs it."""

    limit: int | None = None
    max_loaded: int | None = None
    max_queue: int = 512
    runners: dict[str, Runner] = field(default_factory=dict[str, Runner])
    pending: deque[Want] = field(default_factory=deque["Want"])

    def ask(self, want: Want, now: float) -> list[Effect]:
        """Wait for a model, or be let in or refused at once. Whoever is granted must `release`."""
        runner = self.runners.get(want.model)
        if runner is not None and runner.options == want.options:
            if runner.loading:
                runner.waiting.append(want)
                return self.advance(now)
            return [_enter(runner, want)]
        if len(self.pending) >= self.max_queue:
            return [Refused(want.ticket)]
        self.pending.append(want)
        return self.advance(now)

    def release(self, model: str, now: float) -> list[Effect]:
        """A granted call ended, however it ended."""
        runner = self.runners[model]
        runner.users -= 1
        if runner.users == 0:
            runner.expires_at = now + runner.keep_alive_s
            if self.pending or runner.keep_alive_s <= 0:
                return self.advance(now)
        return []

    def leave(self, ticket: int, now: float) -> list[Effect]:
        """A waiting call went away. The load that it may have begun goes on."""
        self.pending = deque(want for want in self.pending if want.ticket != ticket)
        for runner in self.runners.values():
            runner.waiting = [want for want in runner.waiting if want.ticket != ticket]
        return self.advance(now)

    def unload(self, model: str, now: float) -> list[Effect]:
        """Drop a model as soon as nobody uses it."""
        runner = self.runners.get(model)
        if runner is None:
            return []
        runner.keep_alive_s = 0.0
        if runner.users == 0 and not runner.loading:
            del self.runners[model]
            return [Evicted(model, "told"), *self.advance(now)]
        return []

    def hurry(self, model: str, ready_at: float, now: float) -> list[Effect]:
        """A load that is under way is done by then at the latest."""
        runner = self.runners.get(model)
        if runner is None or not runner.loading:
            return []
        runner.ready_at = min(runner.ready_at, ready_at)
        return self.advance(now)

    def advance(self, now: float) -> list[Effect]:
        """Everything that time has brought about: loads done, runners expired, the queue moved on."""
        effects = self._finish_loads(now) + self._expire(now)
        while self.pending and (step := self._start_head(now)) is not None:
            effects += step
            effects += self._finish_loads(now)
        return effects

    def next_event(self) -> float:
        """When `advance` must be called at the latest; infinity if nothing is due."""
        times = [r.ready_at if r.loading else r.expires_at for r in self.runners.values() if r.loading or not r.users]
        return min(times, default=inf)

    def used(self) -> int:
        return sum(runner.size for runner in self.runners.values())

    def _finish_loads(self, now: float) -> list[Effect]:
        effects: list[Effect] = []
        for runner in self.runners.values():
            if runner.loading and runner.ready_at <= now:
                runner.loading = False
                runner.expires_at = now + runner.keep_alive_s
                waiting, runner.waiting = runner.waiting, []
                effects += [_enter(runner, want) for want in waiting]
        return effects

    def _expire(self, now: float) -> list[Effect]:
        gone = [r.model for r in self.runners.values() if not r.loading and not r.users and r.expires_at <= now]
        for model in gone:
            del self.runners[model]
        return [Evicted(model, "expired") for model in gone]

    def _start_head(self, now: float) -> list[Effect] | None:
        """One step for the head of the queue, or None if it must wait."""
        want = self.pending[0]
        runner = self.runners.get(want.model)
        if runner is not None and runner.options == want.options:
            self.pending.popleft()
            if runner.loading:
                runner.waiting.append(want)
                return []
            return [_enter(runner, want)]
        if any(other.loading for other in self.runners.values()):
            return None
        if runner is not None:
            return self._evict(runner, "options") if not runner.users else None
        if not self._fits(want.size):
            idle = [other for other in self.runners.values() if not other.users]
            return self._evict(min(idle, key=lambda r: r.keep_alive_s), "memory") if idle else None
        self.pending.popleft()
        self.runners[want.model] = Runner(
            want.model, want.size, want.options, now + want.load_s, want.keep_alive_s, waiting=[want]
        )
        return [LoadStarted(want.model)]

    def _fits(self, size: int) -> bool:
        """Alone, a model of any size loads: what does not fit the GPU goes to the CPU."""
        if not self.runners:
            return True
        if self.max_loaded is not None and len(self.runners) >= self.max_loaded:
            return False
        return self.limit is None or self.used() + size <= self.limit

    def _evict(self, runner: Runner, why: str) -> list[Effect]:
        del self.runners[runner.model]
        return [Evicted(runner.model, why)]


def _enter(runner: Runner, want: Want) -> Granted:
    runner.users += 1
    runner.keep_alive_s = want.keep_alive_s
    runner.expires_at = inf
    return Granted(want.ticket)
