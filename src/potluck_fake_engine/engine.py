"""The engine behind all dialects: models, memory, slots and the pace of generation, on the running loop's clock."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import inf
from typing import TypeVar, assert_never

from potluck_fake_engine import tokens
from potluck_fake_engine.crowd import Worker, pace
from potluck_fake_engine.faults import FaultBook
from potluck_fake_engine.memory import Effect, Evicted, Granted, LoadStarted, Memory, Refused, Want
from potluck_fake_engine.settings import ModelSpec, Settings
from potluck_fake_engine.slots import Slot, Slots, Started

# At full speed the loop gets a turn after this many tokens, so that one stream does not starve the others.
_TOKENS_PER_TURN = 64
# Of so many turns it is told what became of them, and of each how its prompt ended.
_TURNS_KEPT = 10_000
_TAIL_CHARS = 64


# Engines that load a model when it is first asked for.
ON_DEMAND = frozenset({"ollama", "comfyui", "a1111"})


class Busy(Exception):
    """The queue of waiting loads is full."""


@dataclass(slots=True)
class Counters:
    started: int = 0
    finished: int = 0
    cancelled: int = 0
    loads: int = 0
    evictions: int = 0
    refused: int = 0
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    prompt_s: float = 0.0
    decode_s: float = 0.0
    bytes_in: int = 0
    bytes_out: int = 0


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a turn. ``tail`` is the end of its prompt; ``cached`` of the ``prompt_tokens`` were there already;
    ``load_s`` is all that it waited for the model."""

    model: str
    tail: str
    prompt_tokens: int
    cached: int
    tokens: int
    load_s: float
    prompt_s: float
    decode_s: float


@dataclass(slots=True)
class Model:
    """A model that this engine has. ``slots`` is renewed with every load; ``digest`` is hex without a prefix."""

    spec: ModelSpec
    slots: Slots
    digest: str
    extra: dict[str, str] = field(default_factory=dict[str, str])
    """What `/api/create` set: template, system, license."""


class Turn:
    """`async with`: the model in memory, and a slot of it for a prompt of `total` tokens.

    Durations are seconds as they passed on the loop's clock. Not built of `@asynccontextmanager`s: those would cost a
    short answer a third of its time. Entering raises `Busy` if too many wait for a load already.
    """

    __slots__ = (
        "_count", "_due", "_keep_alive_s", "_options", "_slots", "_worker", "engine", "load_s", "model", "prompt",
        "prompt_s", "said", "slot", "started", "total",
    )  # fmt: skip

    def __init__(
        self, engine: Engine, model: Model, prompt: str, total: int, keep_alive_s: float, options: str
    ) -> None:
        self.engine = engine
        self.model = model
        self.prompt = prompt
        self.total = total
        self.said = ""
        """What an undisturbed answer leaves in the slot's cache after the prompt."""
        self.load_s = self.prompt_s = self.started = 0.0
        self._keep_alive_s = keep_alive_s
        self._options = options
        self._due = 0.0
        self._count = 0
        self._worker: Worker | None = None

    async def __aenter__(self) -> Turn:
        engine = self.engine
        engine.counters.started += 1
        entered = False
        try:
            self.load_s = await engine.acquire(self.model, self._keep_alive_s, self._options)
            try:
                # Only now: a load renews the slots.
                self._slots = self.model.slots
                self.slot = await engine.take_slot(self._slots, self.prompt, self.total)
                entered = True
            finally:
                if not entered:
                    engine.release(self.model)
        finally:
            if not entered:
                engine.counters.cancelled += 1
        self.started = self._due = engine.now()
        if engine.settings.shared:
            self._worker = engine.begin_work(self.model.spec)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, exc: object, trace: object) -> None:
        engine, counters, slot = self.engine, self.engine.counters, self.slot
        if self._worker is not None:
            engine.end_work(self._worker)
        decode_s = engine.now() - self.started - self.prompt_s
        counters.decode_s += decode_s
        counters.tokens_out += self._count
        engine.turns.append(
            Done(
                self.model.spec.name,
                self.prompt[-_TAIL_CHARS:],
                slot.prompt_tokens,
                slot.cached,
                self._count,
                self.load_s,
                self.prompt_s,
                decode_s,
            )
        )
        if kind is None:
            counters.finished += 1
        else:
            counters.cancelled += 1
        engine.free_slot(self._slots, slot, self.prompt + self.said if kind is None else self.prompt)
        engine.release(self.model)

    @property
    def fresh_tokens(self) -> int:
        return self.slot.prompt_tokens - self.slot.cached

    async def prefill(self) -> None:
        """The silence while the prompt is read."""
        rate = self.model.spec.prefill
        if self._worker is not None:
            await self._work(self._worker, self.fresh_tokens)
            self.engine.change_work(self._worker, reading=False)
        elif rate > 0:
            await asyncio.sleep(self.fresh_tokens / rate / self.engine.settings.speed)
        self._due = self.engine.now()
        self.prompt_s = self._due - self.started
        self.engine.prefilled(self)

    async def beat(self) -> None:
        """Wait for the next token's time. The first comes out of the prefill, without a further wait."""
        self._count += 1
        self.slot.decoded = self._count
        rate = self.model.spec.decode
        if rate <= 0 or self._count == 1:
            if self._count % _TOKENS_PER_TURN == 0:
                await asyncio.sleep(0)
            return
        if self._worker is not None:
            await self._work(self._worker, 1)
            return
        self._due += 1 / rate / self.engine.settings.speed
        delay = self._due - self.engine.now()
        if delay > 0:
            await asyncio.sleep(delay)
        elif self._count % _TOKENS_PER_TURN == 0:
            await asyncio.sleep(0)

    async def beats(self, number: int) -> None:
        """`number` tokens that nobody watches: an answer that is not streamed."""
        rate = self.model.spec.decode
        if self._worker is not None:
            await self._work(self._worker, number - 1)
        elif rate > 0 and number > 1:
            await asyncio.sleep((number - 1) / rate / self.engine.settings.speed)
        self._count += number
        self.slot.decoded = self._count

    async def _work(self, worker: Worker, left: float) -> None:
        """Do so many tokens of work, at a pace that changes with who else works. Time is kept without drift."""
        engine = self.engine
        while left > 0 and (rate := pace(worker, engine.working) * engine.settings.speed) > 0:
            due = self._due + left / rate
            stirred = engine.stirred
            if due > engine.now():
                try:
                    async with asyncio.timeout_at(due):
                        await stirred.wait()
                except TimeoutError:
                    pass
                else:
                    left -= max(0.0, engine.now() - self._due) * rate
                    self._due = max(self._due, engine.now())
                    continue
            self._due = due
            return


class Desk:
    """A dialect's own part of an engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def close(self) -> None:
        """End its tasks."""


AnyDesk = TypeVar("AnyDesk", bound=Desk)


class Engine:
    """Every mutable thing has its owner here; nothing awaits between a decision and its effects."""

    def __init__(self, settings: Settings, faults: FaultBook | None = None) -> None:
        self.settings = settings
        self.loop = asyncio.get_running_loop()
        self.faults = faults if faults is not None else FaultBook()
        self.die: Callable[[float | None], None] = lambda seconds: None
        """Break all connections and refuse new ones for that long."""
        self._desks: dict[type[Desk], Desk] = {}
        self.memory = Memory(settings.memory, settings.max_loaded, settings.max_queue)
        self.counters = Counters()
        self.models: dict[str, Model] = {}
        self.blobs: dict[str, int] = {}
        """Uploaded blobs: hex digest to size in bytes."""
        self.pulled: dict[str, int] = {}
        """Bytes of pulls that were begun, by hex digest."""
        self.eviction_log: list[tuple[str, str]] = []
        self.turns: deque[Done] = deque(maxlen=_TURNS_KEPT)
        self.working: list[Worker] = []
        """Who shares the processor, if it is shared."""
        self.stirred = asyncio.Event()
        """Set, and replaced, when those change."""
        self._tickets = 0
        self._granted: dict[int, asyncio.Future[None]] = {}
        self._slotted: dict[int, asyncio.Future[Slot]] = {}
        self._preloads: dict[int, str] = {}
        self._timer: asyncio.TimerHandle | None = None
        for spec in settings.models:
            self.add(spec)

    def now(self) -> float:
        return self.loop.time()

    def desk(self, kind: type[AnyDesk]) -> AnyDesk:
        """What a dialect keeps beside models and slots, made when it is first asked for."""
        desk = self._desks.get(kind)
        if desk is None:
            desk = self._desks[kind] = kind(self)
        if not isinstance(desk, kind):
            raise TypeError(kind)
        return desk

    # -- models ------------------------------------------------------------------------------------------------------

    def add(self, spec: ModelSpec, *, digest: str = "") -> Model:
        """Have a model, or have it with other properties. A resident one begins to load at once."""
        model = self.models.get(spec.name)
        if model is None:
            model = self.models[spec.name] = Model(spec, Slots(self.slots_of(spec)), digest or digest_of(spec.name))
        else:
            model.spec, model.digest = spec, digest or model.digest
            self._hand_out(model.slots.resize(self.slots_of(spec)))
            now = self.now()
            self._perform(self.memory.hurry(spec.name, now + spec.load_s / self.settings.speed, now))
        if self.is_resident(spec) and spec.name not in self.memory.runners:
            self.preload(model)
        return model

    def remove(self, name: str) -> None:
        self._perform(self.memory.unload(name, self.now()))
        del self.models[name]

    def slots_of(self, spec: ModelSpec) -> int:
        return spec.slots if spec.slots is not None else self.settings.slots

    def is_resident(self, spec: ModelSpec) -> bool:
        if spec.resident is not None:
            return spec.resident
        return not ON_DEMAND.issuperset(self.settings.dialects)

    def preload(self, model: Model) -> None:
        """Load it if it is not loaded, and keep it until something else needs the memory."""
        want = self._want(model, inf, self.default_options(model))
        self._preloads[want.ticket] = model.spec.name
        self._perform(self.memory.ask(want, self.now()))

    def unload(self, name: str) -> None:
        self._perform(self.memory.unload(name, self.now()))

    def loaded(self, name: str) -> bool:
        runner = self.memory.runners.get(name)
        return runner is not None and not runner.loading

    def default_options(self, model: Model) -> str:
        return f"num_ctx={min(self.settings.num_ctx, model.spec.context)}"

    def change_settings(self, settings: Settings) -> None:
        self.settings = settings
        self.memory.limit, self.memory.max_loaded = settings.memory, settings.max_loaded
        for model in self.models.values():
            self._hand_out(model.slots.resize(self.slots_of(model.spec)))
        self.advance()

    # -- calls -------------------------------------------------------------------------------------------------------

    async def acquire(self, model: Model, keep_alive_s: float = inf, options: str = "") -> float:
        """Wait until the model is in memory; it stays there until `release`. Gives the seconds that it took.

        Empty `options` take the runner as it is.

        Raises:
            Busy: too many wait for a load already.
        """
        began = self.now()
        runner = self.memory.runners.get(model.spec.name)
        options = options or (runner.options if runner else self.default_options(model))
        want = self._want(model, keep_alive_s, options)
        effects = self.memory.ask(want, began)
        if effects == [Granted(want.ticket)]:
            return 0.0
        granted: asyncio.Future[None] = self.loop.create_future()
        self._granted[want.ticket] = granted
        self._perform(effects)
        try:
            await granted
        except asyncio.CancelledError:
            self._give_up(want, granted)
            raise
        finally:
            del self._granted[want.ticket]
        return self.now() - began

    def _give_up(self, want: Want, granted: asyncio.Future[None]) -> None:
        if granted.done() and not granted.cancelled() and granted.exception() is None:
            # Its turn came in the instant in which it left.
            self._perform(self.memory.release(want.model, self.now()))
        else:
            self._perform(self.memory.leave(want.ticket, self.now()))

    def release(self, model: Model) -> None:
        self._perform(self.memory.release(model.spec.name, self.now()))

    @asynccontextmanager
    async def hold(self, model: Model, keep_alive_s: float = inf, options: str = "") -> AsyncGenerator[float]:
        """The model is in memory inside this block, without a slot."""
        waited_s = await self.acquire(model, keep_alive_s, options)
        try:
            yield waited_s
        finally:
            self.release(model)

    def turn(self, model: Model, prompt: str, total: int, *, keep_alive_s: float = inf, options: str = "") -> Turn:
        return Turn(self, model, prompt, total, keep_alive_s, options)

    async def take_slot(self, slots: Slots, prompt: str, total: int) -> Slot:
        self._tickets += 1
        started = slots.arrive(self._tickets, prompt, total)
        return started.slot if started else await self._wait_for_slot(slots, self._tickets)

    def free_slot(self, slots: Slots, slot: Slot, text: str) -> None:
        """`text` stays in its cache; whoever waits longest gets it."""
        following = slots.free(slot, text)
        if following is not None:
            self._hand_out([following])

    async def _wait_for_slot(self, slots: Slots, ticket: int) -> Slot:
        waiter: asyncio.Future[Slot] = self.loop.create_future()
        self._slotted[ticket] = waiter
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                # Its turn came in the instant in which it left.
                self.free_slot(slots, waiter.result(), waiter.result().text)
            else:
                slots.leave(ticket)
            raise
        finally:
            del self._slotted[ticket]

    def prefilled(self, turn: Turn) -> None:
        self.counters.tokens_in += turn.fresh_tokens
        self.counters.tokens_cached += turn.slot.cached
        self.counters.prompt_s += turn.prompt_s

    def waiting(self) -> int:
        """Calls that have no slot yet, for whatever reason."""
        return len(self._slotted) + len(self._granted)

    # -- the processor ----------------------------------------------------------------------------------------------

    def begin_work(self, spec: ModelSpec) -> Worker:
        worker = Worker(spec.name, spec.prefill, spec.decode, spec.batching)
        self.working.append(worker)
        self._stir()
        return worker

    def change_work(self, worker: Worker, *, reading: bool) -> None:
        worker.reading = reading
        self._stir()

    def end_work(self, worker: Worker) -> None:
        self.working.remove(worker)
        self._stir()

    def _stir(self) -> None:
        self.stirred.set()
        self.stirred = asyncio.Event()

    # -- effects -----------------------------------------------------------------------------------------------------

    def advance(self) -> None:
        self._perform(self.memory.advance(self.now()))

    def close(self) -> None:
        for desk in self._desks.values():
            desk.close()
        if self._timer is not None:
            self._timer.cancel()

    def _want(self, model: Model, keep_alive_s: float, options: str) -> Want:
        self._tickets += 1
        spec = model.spec
        return Want(
            self._tickets, spec.name, spec.loaded_bytes, spec.load_s / self.settings.speed, keep_alive_s, options
        )

    def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Granted():
                    self._grant(effect.ticket)
                case Refused():
                    self.counters.refused += 1
                    if effect.ticket in self._granted:
                        self._granted[effect.ticket].set_exception(Busy)
                case LoadStarted():
                    self.counters.loads += 1
                    if (model := self.models.get(effect.model)) is not None:
                        model.slots = Slots(self.slots_of(model.spec))
                case Evicted():
                    self.counters.evictions += 1
                    self.eviction_log.append((effect.model, effect.why))
                case _:
                    assert_never(effect)
        self._arm()

    def _grant(self, ticket: int) -> None:
        if (preloaded := self._preloads.pop(ticket, None)) is not None:
            self._perform(self.memory.release(preloaded, self.now()))
        waiter = self._granted.get(ticket)
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _hand_out(self, started: Iterable[Started]) -> None:
        for one in started:
            waiter = self._slotted.get(one.ticket)
            if waiter is not None and not waiter.done():
                waiter.set_result(one.slot)

    def _arm(self) -> None:
        """One timer for the next load or expiry; it may fire early and is then set anew."""
        due = self.memory.next_event()
        if due == inf or (self._timer is not None and self._timer.when() <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_at(due, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.advance()


def digest_of(name: str) -> str:
    """A stable hex digest for a model of that name."""
    return "".join(f"{token:013x}" for token in tokens.ids(name * 8))[:64].ljust(64, "0")
