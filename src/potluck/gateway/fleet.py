"""The engines as they are now: one owner for their state. Others look at snapshots."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, Any, Protocol, cast

import msgspec
import structlog

from potluck.backends.port import Backend, Child, EngineHttp, ModelKeeper, Report, Supervised
from potluck.core.auto import Look, choose
from potluck.core.catalogue import NO_ALIASES, Catalogue, RouteRule
from potluck.core.errors import PotluckError
from potluck.core.health import EngineHealth, Seen, step
from potluck.core.model import Capability, Engine, EngineId, EngineKind, Health, Model, ModelId, NodeId
from potluck.core.names import AUTO, canonical
from potluck.core.reading import room_for_models
from potluck.gateway.machines import Machines

if TYPE_CHECKING:  # most houses draw nothing
    from potluck.backends.images.engine import ImageEngine

log = structlog.get_logger(__name__)


class Changed(Protocol):
    """Who wants to hear that engines are not as they were."""

    def __call__(self, engines: Iterable[EngineId], *, routes: bool = False) -> None: ...


def _nothing(engines: Iterable[EngineId], *, routes: bool = False) -> None:
    """Nobody wants to hear of it."""


class Installation(msgspec.Struct, frozen=True):
    """One configured engine with what is needed to speak to it. ``slots`` None: as the engine says.

    ``keeper``, ``supervised`` and ``images`` are the backend again, where it offers that. ``memory_bytes`` is what
    models may fill on its node, None where nobody said. ``gives_way``: an image engine's models may be put out.
    """

    id: EngineId
    node: NodeId
    kind: EngineKind
    backend: Backend
    http: EngineHttp
    slots: int | None = None
    keeper: ModelKeeper | None = None
    supervised: Supervised | None = None
    memory_bytes: int | None = None
    images: Any = None
    gives_way: bool = True

    @property
    def drawing(self) -> ImageEngine | None:
        """The engine as one that draws."""
        return cast("ImageEngine | None", self.images)


# Where neither the owner nor the engine tells. Ollama runs one generation at a time by default (OLLAMA_NUM_PARALLEL
# 1); a server that speaks only OpenAI is usually one that batches (vLLM, LM Studio, TGI).
_DEFAULT_SLOTS = {EngineKind.OLLAMA: 1, EngineKind.LLAMACPP: 1, EngineKind.OPENAI: 8, EngineKind.LOCAL: 1}
_ONE = 1

_CHAT = frozenset({Capability.COMPLETION})
# Looked up once: up to Python 3.11 a member costs as much as a call.
_CALL_OK, _UP = Seen.CALL_OK, Health.UP


class Fleet:
    """Owns engines' health, models and counts of slots in use. Called from one task; holds no await.

    ``clock`` is monotonic seconds, ``chance`` a number from 0 to 1. ``changed`` is called with the engines that came,
    went or are not as they were, and whether routes changed too; ``looked`` after a probe that went well;
    ``look_sooner`` when an engine is to be looked at earlier than was said, ``look_now`` when at once.
    """

    def __init__(
        self,
        installations: Iterable[Installation],
        routes: Mapping[str, RouteRule],
        *,
        aliases: Mapping[str, str] = NO_ALIASES,
        clock: Callable[[], float],
        interval_s: float,
        chance: Callable[[], float] = lambda: 0.5,
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._interval_s = interval_s
        self.drained: set[NodeId] = set()
        self.installations: dict[EngineId, Installation] = {}
        self.engines: dict[EngineId, Engine] = {}
        self.busy: dict[EngineId, int] = {}
        self.health: dict[EngineId, EngineHealth] = {}
        self.versions: dict[EngineId, str] = {}
        for each in installations:
            self._install(each)
        self.catalogue = Catalogue(self.engines, routes, aliases)
        self.machines = Machines(clock, interval_s)
        self.changed: Changed = _nothing
        self.look_sooner: Callable[[EngineId], None] = lambda engine: None
        self.look_now: Callable[[EngineId], None] = lambda engine: None
        self.looked: Callable[[EngineId], None] = lambda engine: None

    # --- what the owner changes ---

    def reconfigure(
        self,
        installations: Iterable[Installation],
        routes: Mapping[str, RouteRule],
        aliases: Mapping[str, str] = NO_ALIASES,
    ) -> None:
        """Take a new set of engines, routes and aliases. An engine that stays keeps its health, models and calls.

        Calls on an engine that goes run on to their end; nothing new starts there.
        """
        wanted = {each.id: each for each in installations}
        before = dict(self.engines)
        for gone in self.engines.keys() - wanted.keys():
            del self.engines[gone], self.health[gone], self.installations[gone], self.busy[gone]
            self.versions.pop(gone, None)
        for each in wanted.values():
            if self.installations.get(each.id) is not each:
                self._install(each)
        self.catalogue.reroute(routes, aliases)
        self.catalogue.rebuild()
        known = dict.fromkeys((*before, *self.engines))
        self.changed([each for each in known if self.engines.get(each) is not before.get(each)], routes=True)

    def _install(self, each: Installation) -> None:
        self.installations[each.id] = each
        self.health[each.id] = EngineHealth(drained=each.node in self.drained)
        slots = each.slots or _DEFAULT_SLOTS.get(each.kind, _ONE)
        self.engines[each.id] = Engine(
            id=each.id,
            node=each.node,
            kind=each.kind,
            slots=slots,
            memory_bytes=each.memory_bytes,
            keeps=each.keeper is not None or (each.images is not None and each.gives_way),
            pictures=each.images is not None,
        )
        self.busy.setdefault(each.id, 0)  # of an engine that changes, the calls on it run on

    def drain(self, node: NodeId, why: str = "drained by its owner") -> None:
        """Nothing new starts on a node from now on, whatever becomes of its engines; what runs there runs on."""
        self.drained.add(node)
        for engine in self.engines_of(node):
            self.saw(engine.id, Seen.DRAINED, why)

    def resume(self, node: NodeId, why: str = "resumed by its owner") -> None:
        """A node may serve again, as well as it is."""
        self.drained.discard(node)
        for engine in self.engines_of(node):
            self.saw(engine.id, Seen.RESUMED, why)

    # --- slots ---

    def take(self, engine: EngineId) -> None:
        """One more of our generations runs there."""
        self.busy[engine] += 1

    def give(self, engine: EngineId) -> None:
        """One less; of an engine that is no longer ours nothing is counted."""
        if self.busy.get(engine):
            self.busy[engine] -= 1

    # --- what was seen ---

    def saw(self, engine: EngineId, seen: Seen, why: str, began_s: float | None = None) -> None:
        """Take in an observation; trouble makes the next probe come sooner. ``began_s`` is when a call began."""
        before = self.health.get(engine)
        if before is None:  # the owner took it out while it worked
            return
        if seen is _CALL_OK and before.state is _UP and not before.failures:
            return
        after = self._step(before, seen, why, began_s)
        if after is before:
            return
        self.health[engine] = after
        _log_trust(engine, before, after)
        self._change(_as_is(self.engines[engine], after, after.why))
        if after.state is not before.state or after.loading != before.loading or after.shunned:
            self.changed((engine,))
        if after.next_probe_s < before.next_probe_s:
            self.look_sooner(engine)

    def _step(self, before: EngineHealth, seen: Seen, why: str, began_s: float | None = None) -> EngineHealth:
        now, chance = self._clock(), self._chance()
        return step(before, seen, why, now=now, interval_s=self._interval_s, chance=chance, began_s=began_s)

    def reported(self, engine: EngineId, report: Report) -> None:
        """A probe went well: take its models and slots."""
        before = self.engines.get(engine)
        if before is None:
            return
        installation = self.installations[engine]
        self.versions[engine] = report.version
        models = {model.id: model for model in report.models}
        slots = installation.slots or report.slots or _DEFAULT_SLOTS.get(installation.kind, _ONE)
        offered = len(models)
        if (drawing := installation.drawing) is not None:
            offered = len(drawing.has.checkpoints) if drawing.has is not None else 0
        why = f"answered with {offered} model{'' if offered == 1 else 's'}"
        was = self.health[engine]
        self.health[engine] = health = self._step(was, Seen.PROBE_OK, why)
        _log_trust(engine, was, health)
        if health.doubted:
            why += f", but calls fail. {health.failure}"
        after = replace(before, models=models, slots=slots, memory_bytes=self._memory(engine))
        self._change(_as_is(after, health, why))
        if models != before.models:
            self.catalogue.rebuild()
        self.changed((engine,))
        self.looked(engine)

    def _memory(self, engine: EngineId) -> int | None:
        """What models may fill on its node: the owner's word, else what its agent tells."""
        installation = self.installations[engine]
        if installation.memory_bytes is not None:
            return installation.memory_bytes
        known = self.machines.known_of(installation.node)
        return room_for_models(known) if known is not None else None

    def _change(self, after: Engine) -> None:
        self.engines[after.id] = after
        self.catalogue.refresh()

    # --- looking ---

    def installation(self, engine: EngineId) -> Installation:
        return self.installations[engine]

    def snapshot(self) -> tuple[Engine, ...]:
        return tuple(self._now(each) for each in self.engines.values())

    def _now(self, engine: Engine) -> Engine:
        """With what changes from one moment to the next."""
        health, busy = self.health[engine.id], self.busy[engine.id]
        if not engine.failures:
            return replace(engine, busy=busy)
        left_s = max(0.0, health.again_s - self._clock())
        when = "It is on trial, with one call at a time." if engine.trial else f"It is tried again in {left_s:.0f} s."
        why = f"{engine.why} {when}".strip()
        return replace(engine, busy=busy, why=why, retry_s=None if engine.trial else left_s)

    def engines_of(self, node: NodeId) -> tuple[Engine, ...]:
        """All engines of a node; none if nobody knows it."""
        return tuple(each for each in self.engines.values() if each.node == node)

    def where(self, model: str) -> tuple[tuple[Engine, Model], ...]:
        """The engines that have a model, in the config's order; of `auto`, those that an ordinary chat would get."""
        if self.catalogue.chooses(model):
            try:
                model = choose(Look(_CHAT), self.catalogue).name
            except PotluckError:
                return ()
        return tuple((offer.engine, offer.model) for offer in self.catalogue.resolve(model).offers)

    def listing(self) -> tuple[Model, ...]:
        """Every name that can be asked for, once: models with what all their engines can do together, then routes, then
        aliases of what is there, then `auto`."""
        merged: dict[str, Model] = {}
        for _, model in self.catalogue.models():
            name = canonical(model.id)
            merged[name] = _merged(merged[name], model) if name in merged else model
        routes = [
            Model(id=ModelId(rule), capabilities=frozenset({Capability.COMPLETION}))
            for rule in self.catalogue.routes()
            if canonical(rule) not in merged
        ]
        return (*merged.values(), *routes, *self._aliases(merged.values()))

    def _aliases(self, models: Iterable[Model]) -> Iterable[Model]:
        """Each can what it stands for can. `auto` is there where it has something to choose from."""
        chatting = [model for model in models if Capability.COMPLETION in model.capabilities]
        for alias in (*self.catalogue.aliases(), AUTO):
            chosen = self.catalogue.chooses(alias)
            offered = chatting if chosen else [offer.model for offer in self.catalogue.resolve(alias).offers]
            if offered and (chosen or alias != AUTO):
                yield _named(alias, reduce(_merged, offered))

    def children(self, engine: EngineId) -> Sequence[Child]:
        """The processes of an engine that we run ourselves."""
        supervised = self.installations[engine].supervised
        return supervised.children() if supervised is not None else ()

    def keepers(self) -> tuple[tuple[Installation, ModelKeeper], ...]:
        """Engines that manage models and are up, Ollama's first: they can do all of it."""
        found = [
            (each, each.keeper)
            for each in self.installations.values()
            if each.keeper is not None and self.engines[each.id].health is Health.UP
        ]
        return tuple(sorted(found, key=lambda each: each[0].kind is not EngineKind.OLLAMA))


def _as_is(engine: Engine, health: EngineHealth, why: str) -> Engine:
    """An engine as its health is now."""
    failures = health.failures if health.shunned else 0
    return replace(engine, health=health.state, why=why, failures=failures, trial=health.trial, loading=health.loading)


def _log_trust(engine: EngineId, before: EngineHealth, after: EngineHealth) -> None:
    """A line when an engine begins to be avoided, each time that its trial fails, and when it is trusted again."""
    if after.shunned and after.failures != before.failures:
        pause_s = round(after.again_s - after.failed_s)
        log.warning("calls fail there; others are asked first", engine=engine, why=after.failure, tried_again_s=pause_s)
    elif before.shunned and not after.doubted and after.state is not Health.DOWN:
        log.info("engine is trusted again", engine=engine)


def _named(name: str, model: Model) -> Model:
    """What a name that is no engine's own can, without what is only true of one model on one engine."""
    return Model(ModelId(name), model.capabilities, model.context)


def _merged(one: Model, other: Model) -> Model:
    """Of two engines' accounts of a model; what is told of its memory is the one's that has it there."""
    if other.resident and not one.resident:
        one, other = other, one
    return replace(
        one,
        capabilities=one.capabilities | other.capabilities,
        context=max(filter(None, (one.context, other.context)), default=None),
    )
