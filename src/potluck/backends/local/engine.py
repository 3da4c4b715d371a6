"""The embedded engine as a `Backend`: one child process for each model and role that is in use."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from potluck.backends import llama_server
from potluck.backends.llama_server import Slot
from potluck.backends.local.child import Task
from potluck.backends.local.footprint import resident_bytes
from potluck.backends.local.library import Library, Weights, engine_installed
from potluck.backends.local.nursery import Ward
from potluck.backends.local.process import Spawn, spawn
from potluck.backends.local.supervision import Terms
from potluck.backends.local.templates import template_for
from potluck.backends.port import Address, Child, EngineHttp, Ready, Report
from potluck.backends.reading import decoded
from potluck.core.answer import Event, Finish, FinishReason
from potluck.core.call import Call, LoadCall
from potluck.core.errors import ModelNotFound, NodeError, NodeFailed, NodeTimeout, PotluckError
from potluck.core.model import Capability, EngineKind, Model, ModelId
from potluck.core.names import canonical
from potluck.wire.port import Ask, EngineRequest

_HOST = "127.0.0.1"

# llama.cpp hears of a client that left between two batches of a prompt, not within one. A slow core reads some 100
# tokens a second, so this is about half a second; the whole prompt costs 4 % more time than in batches of 512.
_CHAT_BATCH = 64
# A vector needs its whole text in one batch. Longer texts are refused; the buffers for them would cost 100 MB.
_LONGEST_EMBEDDED = 2048

# A cold disk of a small machine reads 20 MB a second; half a minute is for everything else.
_START_S = 30.0
_READ_BYTES_PER_S = 20_000_000

_LOOK_S = 1.0


class Role(StrEnum):
    """What a child is for. llama.cpp reads prompts in batches of one size, and the two want different ones."""

    CHAT = "chat"
    EMBEDDING = "embedding"


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """How models are served. ``context`` is for each slot, in tokens, and at most what the model was trained with.

    ``idle_unload_s`` 0 keeps every model loaded; the default model (``default``, or else the first there is) always
    stays. ``eager``: the default model is loaded before anybody asks for it.
    """

    slots: int = 2
    context: int = 8192
    threads: int = 1
    idle_unload_s: float = 300.0
    default: ModelId | None = None
    eager: bool = True


class LocalEngine:
    """`Backend` and `Supervised`. Opens nothing until it is probed or asked; `aclose` ends all it has started.

    ``http_for`` gives an `EngineHttp` to a child, ``new_key`` a fresh secret of URL-safe letters for each, ``memory``
    the bytes that a process takes.
    """

    kind = EngineKind.LOCAL
    shapes = llama_server.SHAPES
    ways = llama_server.WAYS
    many = False
    hears_only_streams = llama_server.HEARS_ONLY_STREAMS
    context_by_call = False

    def __init__(
        self,
        library: Library,
        settings: LocalSettings,
        *,
        http_for: Callable[[Address], EngineHttp],
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
        chance: random.Random,
        new_key: Callable[[], str],
        spawn: Spawn = spawn,
        memory: Callable[[int], int | None] = resident_bytes,
    ) -> None:
        self.library = library
        self._settings = settings
        self._http_for = http_for
        self._clock = clock
        self._wall_clock = wall_clock
        self._chance = chance
        self._new_key = new_key
        self._spawn = spawn
        self._memory = memory
        self._weights: dict[str, Weights] = {}
        self._wards: dict[tuple[str, Role], Ward] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._pinned: set[str] = set()
        self._eager = settings.eager

    # --- calls ---

    def address(self, model: Model, needs: frozenset[Capability] = frozenset()) -> Address | None:
        """The ready child's, with its key."""
        ward = self._wards.get((canonical(model.id), _role(model, needs)))
        if ward is None or not ward.ready:
            return None
        ward.use()
        return _address(ward)

    async def prepare(self, model: Model, needs: frozenset[Capability] = frozenset()) -> None:
        """Start the child if it does not run, and wait for it.

        Raises `ModelNotFound` if the file is gone, `NodeUnreachable` if the child does not come up.
        """
        await self._ward(model.id, _role(model, needs)).wanted()

    def encode(self, call: Call, model: Model, *, stream: bool) -> EngineRequest | Ready:
        """As for llama.cpp; a `LoadCall` is done by the way: `prepare` loads, and unloading begins here."""
        if isinstance(call, LoadCall):
            return self._load(call, model)
        self._agree(model, call.needs, call.hints.keep_alive_s)
        return llama_server.encode(call, model, stream=stream)

    def pass_through(self, ask: Ask, model: Model) -> tuple[str, bytes]:
        self._agree(model, ask.needs, None)
        return llama_server.pass_through(ask, model)

    def error(self, status: int, body: bytes, model: str) -> PotluckError:
        return llama_server.error(status, body, model)

    async def count_tokens(self, call: Call, model: Model, http: EngineHttp) -> int | None:
        """By the model's own tokenizer, which loads it if it is not. ``http`` is not used: children have their own."""
        if isinstance(call, LoadCall):
            return None
        ward = self._ward(model.id, _role(model, frozenset()))
        await ward.wanted()
        return await llama_server.count_tokens(call, model, self._http_for(_address(ward)))

    # --- looking ---

    async def probe(self, http: EngineHttp) -> Report:
        """What lies in the folder now and what is loaded. Raises `NodeFailed` if llama.cpp is not installed."""
        if not engine_installed():
            raise NodeFailed("The embedded engine is not installed: pip install 'potluck[local]'.")
        found = await asyncio.to_thread(self.library.scan)
        self._take(found)
        if self._eager and (default := self._default()):
            self._eager = False
            self._ward(default.id, _role_of(default)).begin()
        return Report(
            models=tuple(self._model(weights) for weights in found),
            slots=self._settings.slots,
            busy=await self._busy(),
            version=importlib.metadata.version("xllamacpp"),
        )

    def children(self) -> Sequence[Child]:
        return [ward.shown() for ward in self._wards.values()]

    async def aclose(self) -> None:
        """End every child."""
        wards = list(self._wards.values())
        await asyncio.gather(*(ward.aclose() for ward in wards), *self._leaving)

    def forget(self, model: ModelId) -> None:
        """The model's file is no longer what it was: end its children; the next probe looks at it anew."""
        self._weights.pop(canonical(model), None)
        self._pinned.discard(canonical(model))
        for role in Role:
            if ward := self._wards.pop((canonical(model), role), None):
                self._leave(ward)

    # --- what stays in memory ---

    async def load(self, model: ModelId, keep_s: float | None) -> None:
        """Start the model's child and wait for it. It stays for ``keep_s`` without work, None as the settings say,
        until a call says something else; negative pins it, whatever calls say. Raises as `prepare` does."""
        weights = self._weights.get(canonical(model))
        if weights is None:
            raise ModelNotFound(model)
        self._pin(weights, keep_s is not None and keep_s < 0)
        ward = self._ward(model, _role_of(weights))
        ward.agree(keep_s)
        await ward.wanted()

    def unload(self, model: ModelId) -> None:
        """End the model's children; the next call starts them again, on the settings' terms."""
        if weights := self._weights.get(canonical(model)):
            self._pin(weights, False)
        for role in Role:
            if ward := self._wards.get((canonical(model), role)):
                ward.dismiss()

    async def works_with(self, model: ModelId) -> bool:
        """Whether a child of the model has work now."""
        return any([await self._works(canonical(model), role) for role in Role])

    def _pin(self, weights: Weights, pinned: bool) -> None:
        name = canonical(weights.id)
        (self._pinned.add if pinned else self._pinned.discard)(name)
        for role in Role:
            if ward := self._wards.get((name, role)):
                ward.bind(self._terms(weights, role))

    # --- inside ---

    def _take(self, found: Sequence[Weights]) -> None:
        """Note what is there; end the children of what is gone or was replaced."""
        now = {canonical(weights.id): weights for weights in found}
        for name, before in list(self._weights.items()):
            after = now.get(name)
            if after is None or (after.path, after.facts) != (before.path, before.facts):
                self.forget(before.id)
        self._weights = now

    def _default(self) -> Weights | None:
        wanted = self._settings.default
        if wanted is not None:
            return self._weights.get(canonical(wanted))
        return next(iter(self._weights.values()), None)

    def _model(self, weights: Weights) -> Model:
        wards = [ward for role in Role if (ward := self._wards.get((canonical(weights.id), role))) and ward.ready]
        pids = [pid for ward in wards if (pid := ward.shown().pid) is not None]
        known = [taken for pid in pids if (taken := self._memory(pid)) is not None]
        return weights.model(
            context=self._settings.context,
            resident=bool(wards),
            memory_bytes=sum(known) if known else None,
            expires_at=self._expiry(wards),
        )

    def _expiry(self, wards: Sequence[Ward]) -> str | None:
        """When the last of a model's ready children will be put to sleep; None for never, or if there is none."""
        stays = [stay for ward in wards if (stay := ward.stays_s) is not None]
        if not wards or len(stays) < len(wards):
            return None
        return f"{datetime.fromtimestamp(self._wall_clock() + max(stays), UTC):%Y-%m-%dT%H:%M:%SZ}"

    def _agree(self, model: Model, needs: frozenset[Capability], stay_s: float | None) -> None:
        """A call is on its way to the model's child, and says how long that is to stay."""
        with suppress(ModelNotFound):  # `prepare` says so
            self._ward(model.id, _role(model, needs)).agree(stay_s)

    def _ward(self, model: ModelId, role: Role) -> Ward:
        name = canonical(model)
        if (ward := self._wards.get((name, role))) is not None:
            return ward
        weights = self._weights.get(name)
        if weights is None:
            raise ModelNotFound(model)
        ward = self._wards[name, role] = Ward(
            self._task(weights, role),
            role.value,
            self._terms(weights, role),
            spawn=self._spawn,
            busy=lambda port: self._works(name, role),
            clock=self._clock,
            chance=self._chance,
        )
        return ward

    def _task(self, weights: Weights, role: Role) -> Task:
        facts, settings = weights.facts, self._settings
        context = min(settings.context, facts.context or settings.context)
        embedding = role is Role.EMBEDDING
        if embedding:
            context = min(context, _LONGEST_EMBEDDED)
        slots = 1 if embedding else settings.slots
        return Task(
            path=str(weights.path),
            alias=weights.id,
            key=self._new_key(),
            embedding=embedding,
            context=context,
            slots=slots,
            batch=context if embedding else min(_CHAT_BATCH, context),
            threads=settings.threads,
            parent=os.getpid(),
            template="" if embedding else template_for(facts),
            pooling="mean" if embedding and not facts.embeds_only else "",
            # Eight bits for each remembered number instead of sixteen: two slots then cost as much as one.
            compact_cache=slots > 1 and facts.head_width % 32 == 0,
        )

    def _terms(self, weights: Weights, role: Role) -> Terms:
        default = self._default()
        first = default is not None and default.id == weights.id
        kept = role is _role_of(weights) and (first or canonical(weights.id) in self._pinned)
        return Terms(
            start_s=_START_S + weights.facts.size_bytes / _READ_BYTES_PER_S,
            idle_s=0.0 if kept else self._settings.idle_unload_s,
            kept=kept,
        )

    def _load(self, call: LoadCall, model: Model) -> EngineRequest | Ready:
        if call.unload:
            for role in Role:
                if ward := self._wards.get((canonical(model.id), role)):
                    ward.dismiss()
            return Ready((Finish(FinishReason.UNLOAD),))
        self._agree(model, call.needs, call.hints.keep_alive_s)
        ward = self._wards.get((canonical(model.id), _role(model, call.needs)))
        if ward is not None and ward.ready:
            return Ready((Finish(FinishReason.LOAD),))
        # The cheapest request there is, so that the call waits for `prepare` like any other.
        return EngineRequest("/tokenize", b'{"content":""}', _Loaded(), stream=False)

    async def _works(self, name: str, role: Role) -> bool:
        """Whether a child has work. One that does not find the time to say is taken to be at it."""
        ward = self._wards.get((name, role))
        if ward is None or not ward.ready:
            return False
        try:
            return await self._busy_slots(ward) > 0
        except NodeTimeout:
            return True
        except NodeError:
            return False

    async def _busy(self) -> int | None:
        """Slots at work in all children; None if one does not say."""
        ready = [ward for ward in self._wards.values() if ward.ready]
        try:
            return sum(await asyncio.gather(*(self._busy_slots(ward) for ward in ready)))
        except NodeError:
            return None

    async def _busy_slots(self, ward: Ward) -> int:
        reply = await self._http_for(_address(ward)).request("GET", "/slots", timeout_s=_LOOK_S)
        return sum(slot.is_processing for slot in decoded(reply, list[Slot]))

    def _leave(self, ward: Ward) -> None:
        leaving = asyncio.get_running_loop().create_task(ward.aclose())
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)


class _Loaded:
    """Reads the answer of a model that was loaded for its own sake: any answer says that it is there."""

    def feed(self, data: bytes) -> list[Event]:
        return []

    def end(self) -> list[Event]:
        return [Finish(FinishReason.LOAD)]

    def whole(self, body: bytes) -> list[Event]:
        return self.end()


def _role(model: Model, needs: frozenset[Capability]) -> Role:
    embeds = Capability.EMBEDDING in needs or Capability.COMPLETION not in model.capabilities
    return Role.EMBEDDING if embeds else Role.CHAT


def _role_of(weights: Weights) -> Role:
    return Role.EMBEDDING if weights.facts.embeds_only else Role.CHAT


def _address(ward: Ward) -> Address:
    """Raises `NodeFailed` if it has died this instant."""
    if ward.port is None:
        raise NodeFailed("The embedded engine ended.")
    return Address(_HOST, ward.port, headers=(("authorization", f"Bearer {ward.task.key}"),))
