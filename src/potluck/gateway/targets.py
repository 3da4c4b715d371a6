"""What calls ask for, as the scheduler knows it: one target for each name and what the call needs of a model.

Made when first asked for, and anew when what engines offer or whether they serve has changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import NamedTuple, TypeAlias

from potluck.core.catalogue import SERVING, Offer, Resolution, missing_capability
from potluck.core.context import Length, guard, holds
from potluck.core.errors import ContextOverflow, ModelNotFound, NodeError, NoEngineReady, PotluckError, Unsupported
from potluck.core.model import Capability, Engine, EngineId, Health, ModelId, NodeId
from potluck.core.scheduling.asks import Place, Policy, Target
from potluck.core.scheduling.classes import Kind
from potluck.gateway.fleet import Fleet

_EMBEDDING = frozenset({Capability.EMBEDDING})
_NODES_TELL = "'potluck nodes ls' shows why."
# Maintenance takes minutes.
_DRAINED_RETRY_S = 60.0
# From this size on people expect to wait for a chat's answer: a 14B model in four bits is below, a 20B one above.
BIG_BYTES = 12_000_000_000
# How many names are remembered as resolved: more than anybody's clients ask for.
_REMEMBERED = 4096

_Tried: TypeAlias = "frozenset[EngineId]"
_Mark: TypeAlias = "tuple[bool, bool, dict[ModelId, frozenset[Capability]]]"
_Held: TypeAlias = "dict[ModelId, int | None]"


@dataclass(slots=True, eq=False)
class Way:
    """How calls for a name are told to the scheduler. Never changed once made. ``kind`` is what those are that nobody
    said more of."""

    target: str
    route: str
    kind: Kind
    holds: float = inf
    """The tokens of prompt and answer that each of its places holds, as it is."""
    several: bool = False
    """Whether there is a choice of places."""


class Room(NamedTuple):
    """What a call needs of a context, looked at closely. ``may_cut``: rather cut the prompt than refuse it."""

    prompt: Length
    wanted_tokens: int | None = None
    may_cut: bool = False


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a target was made for, to make it anew. ``within`` are the engines whose contexts are large enough, for a
    prompt of ``tokens``; None: all."""

    name: str
    needs: frozenset[Capability]
    tried: _Tried
    target: Target
    within: frozenset[EngineId] | None = None
    tokens: int = 0


class Targets:
    """Owns the set of targets. ``stale``: there is one that the scheduler was not told of yet."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self.stale = False
        self._ways: dict[tuple[str, frozenset[Capability]], Way] = {}
        self._roomy: dict[tuple[str, frozenset[Capability], frozenset[EngineId], ModelId], Way] = {}
        self._asked: dict[str, _Asked] = {}
        self._marks: dict[EngineId, _Mark] = {}
        self._held: dict[EngineId, _Held] = {}

    # --- one call ---

    def way(self, name: str, needs: frozenset[Capability], tried: _Tried) -> Way | None:
        """What to ask the scheduler for; None if asking, and waiting, is of no use."""
        way = self._ways.get((name, needs)) if not tried else None
        if way is not None:
            return way
        resolution = self._fleet.catalogue.resolve(name, needs, tried)
        if not any(offer.could_serve(needs, tried) for offer in resolution.offers):
            return None
        way = self._declared(name, needs, tried, resolution)
        if not tried:
            # Names come from clients: without a bound a client could fill the memory with ways to write one.
            if len(self._ways) >= _REMEMBERED:
                self._ways.clear()
            self._ways[name, needs] = way
        return way

    def roomy(
        self, way: Way, name: str, needs: frozenset[Capability], tried: _Tried, failure: NodeError | None, room: Room
    ) -> Way:
        """What to ask the scheduler for with a call that may be too long for some places of the usual ``way``: those
        that hold it.

        Raises `ContextOverflow` if surely no place holds the prompt and it may not be cut, ``failure`` if only places
        that were tried do, `NoEngineReady` if only such do that are not up.
        """
        usual = self._fleet.catalogue.resolve(name, needs, tried)
        least, resolution = room.prompt.least, usual
        if usual.route:  # it may stand for another model, with a larger context
            resolution = self._fleet.catalogue.resolve(name, needs, tried, least)
        models = {offer.engine.id: offer.model for offer in resolution.offers if offer.could_serve(needs, tried)}
        try:
            fits = guard(room.prompt, room.wanted_tokens, models).fits
        except ContextOverflow as overflow:
            if not room.may_cut or not models:
                raise self._why_no_room(name, needs, failure, least, overflow) from None
            most = max(model.context or 0 for model in models.values())
            fits = frozenset(engine for engine, model in models.items() if model.context == most)
        if len(fits) == len(models) and resolution.offers == usual.offers:
            return way
        key = (name, needs, fits, next(iter(models.values())).id)
        roomy = self._roomy.get(key) if not tried else None
        if roomy is None:
            roomy = self._declared(name, needs, tried, resolution, fits, least)
            if not tried:
                if len(self._roomy) >= _REMEMBERED:
                    self._roomy.clear()
                self._roomy[key] = roomy
        return roomy

    def _why_no_room(
        self,
        name: str,
        needs: frozenset[Capability],
        failure: NodeError | None,
        tokens: int,
        overflow: ContextOverflow,
    ) -> PotluckError:
        if failure is not None:
            return failure
        offers = self._fleet.catalogue.resolve(name, needs, frozenset(), tokens).offers
        away = [each for each in offers if needs <= each.model.capabilities and each.engine.health not in SERVING]
        if any(each.model.context is None or tokens < each.model.context for each in away):
            return NoEngineReady(
                f"No machine that is up has '{name}' with a context for this prompt.",
                retry_after_s=5.0,
                hint=_NODES_TELL,
            )
        return overflow

    def lost(self, target: str) -> bool:
        """Whether none of the places serves, or will when its owner resumes it, that a call needs for its length."""
        asked = self._asked.get(target)
        if asked is None or asked.within is None:
            return False
        engines = [self._fleet.engines.get(engine) for engine in asked.within - asked.tried]
        return not any(engine and (engine.health in SERVING or engine.health is Health.DRAINING) for engine in engines)

    def hopeless(self, name: str, needs: frozenset[Capability], tried: _Tried) -> bool:
        """Whether no engine could serve such a call, now, when a slot is free, or when its owner resumes its node."""
        offers = self._fleet.catalogue.resolve(name, needs, tried).offers
        return not any(
            offer.could_serve(needs, tried) or (_drained(offer) and offer.engine.id not in tried) for offer in offers
        )

    def chooses(self, name: str) -> bool:
        """Whether it is no model's name, but leaves the choice to us."""
        return self._fleet.catalogue.chooses(name)

    def why_not(
        self, name: str, needs: frozenset[Capability], tried: _Tried, failure: NodeError | None
    ) -> PotluckError:
        """The error of a call without a way."""
        resolution = self._fleet.catalogue.resolve(name, needs, tried)
        if failure is not None:
            return failure
        if not resolution.offers:
            return self._unknown(name, resolution.route)
        missing = missing_capability(resolution.offers, needs)
        if missing is not None:
            able = self._fleet.catalogue.able(needs)
            return Unsupported(name, missing.value, hint=some(able, "Ask for one that does"))
        drained = dict.fromkeys(offer.engine.node for offer in resolution.offers if _drained(offer))
        if drained:
            return _owner_must_act(name, tuple(drained), all(map(_drained, resolution.offers)))
        return NoEngineReady(f"No machine that has '{name}' is up.", retry_after_s=5.0, hint=_NODES_TELL)

    def _unknown(self, name: str, route: str) -> PotluckError:
        if route:  # the owner's own name for models that no machine has shown yet: time may cure it
            return NoEngineReady(
                f"No machine that is up has a model of route '{route}'.", retry_after_s=5.0, hint=_NODES_TELL
            )
        catalogue = self._fleet.catalogue
        away = [engine.id for engine in self._fleet.engines.values() if engine.health in (Health.UNKNOWN, Health.DOWN)]
        known = some(catalogue.names(), "There are") or "No engine has a model yet."
        missed = f" {some(away, 'These do not answer and may have it')}" if away else ""
        return ModelNotFound(name, catalogue.near(name), hint=known + missed)

    # --- the set of them ---

    def all(self) -> Sequence[Target]:
        """Everything that was asked for, for the scheduler to know."""
        self.stale = False
        return [asked.target for asked in self._asked.values()]

    def differs(self, engine_id: EngineId) -> bool:
        """Whether an engine came, went or changed since this was asked last, so that targets may mean others."""
        before, held_before = self._marks.pop(engine_id, None), self._held.pop(engine_id, None)
        engine = self._fleet.engines.get(engine_id)
        if engine is None:
            return True
        self._held[engine_id] = held = {model.id: holds(model) for model in engine.models.values()}
        if held != held_before:  # another context: the targets are the same, but not what they hold
            self._ways.clear()
            self._roomy.clear()
        self._marks[engine_id] = mark = _mark(engine)
        return mark != before

    def again(self, waited_for: frozenset[str]) -> Sequence[Target]:
        """All targets made anew. Those made for calls with engines behind them stay while such calls wait."""
        self._ways.clear()
        self._roomy.clear()
        before, self._asked = self._asked, {}
        for asked in before.values():
            resolution = self._fleet.catalogue.resolve(asked.name, asked.needs, asked.tried, asked.tokens)
            usual = not asked.tried and asked.within is None
            if resolution.offers and (usual or asked.target.name in waited_for):
                target = _target(asked.target.name, _within(resolution, asked.within), asked.needs)
                self._asked[target.name] = replace(asked, target=target)
        return self.all()

    def _declared(
        self,
        name: str,
        needs: frozenset[Capability],
        tried: _Tried,
        resolution: Resolution,
        within: frozenset[EngineId] | None = None,
        tokens: int = 0,
    ) -> Way:
        # By what an alias stands for: its calls are those of that name, and stay so if the alias is pointed elsewhere.
        name = resolution.route or resolution.name
        key = f"{name} ({', '.join(sorted(needs))})"
        if within is not None:
            models = sorted({offer.model.id for offer in resolution.offers})
            key = f"{key} within {', '.join(models)} on {', '.join(sorted(within))}"
        target = _target(key, _within(resolution, within), needs)
        if tried:
            usual = self._fleet.catalogue.resolve(name, needs, frozenset(), tokens)
            if _target(key, _within(usual, within), needs) == target:
                tried = frozenset()
            else:  # a route's next model, for who has tried all engines of the first
                key = f"{key} but for {', '.join(sorted(tried))}"
                target = Target(key, target.places, target.policy)
        known = self._asked.get(key)
        if known is None or known.target != target:
            self._asked[key] = _Asked(name, needs, tried, target, within, tokens)
            self.stale = True
        contexts = [holds(offer.model) for offer in resolution.offers if offer.could_serve(needs, tried)]
        least = min((context for context in contexts if context is not None), default=inf)
        several = len(target.places) > 1
        return Way(key, resolution.route, _usual_kind(resolution.offers, needs), least, several)


def _within(resolution: Resolution, engines: frozenset[EngineId] | None) -> Resolution:
    """The offers of some engines alone."""
    if engines is None:
        return resolution
    return replace(resolution, offers=tuple(offer for offer in resolution.offers if offer.engine.id in engines))


def _target(key: str, resolution: Resolution, needs: frozenset[Capability]) -> Target:
    """Those of the offers that can do it; in an order, as it says, with exact weights each node's over its engines."""
    able = [offer for offer in resolution.offers if needs <= offer.model.capabilities]
    if resolution.policy is not Policy.WEIGHTED:
        return Target(
            key,
            tuple(Place(offer.engine.id, offer.model.id, offer.weight) for offer in able),
            resolution.policy,
        )
    nodes = [offer.engine.node for offer in able]
    places = [Place(each.engine.id, each.model.id, each.weight / nodes.count(each.engine.node)) for each in able]
    return Target(key, tuple(places), resolution.policy)


def _drained(offer: Offer) -> bool:
    return offer.engine.health is Health.DRAINING


def _owner_must_act(name: str, nodes: Sequence[NodeId], all_drained: bool) -> NoEngineReady:
    """No time cures it: somebody has to say that a machine may serve again."""
    rest = "" if all_drained else ", and no other machine that has it is up"
    return NoEngineReady(
        f"'{name}' cannot be served: its owner has drained {', '.join(nodes)}{rest}.",
        retry_after_s=_DRAINED_RETRY_S,
        hint=f"The owner can end that: potluck nodes resume {nodes[0]}",
    )


def _usual_kind(offers: Iterable[Offer], needs: frozenset[Capability]) -> Kind:
    """What a call is that came through a chat's door."""
    if Capability.INSERT in needs:
        return Kind.COMPLETION
    if needs == _EMBEDDING:
        return Kind.BACKGROUND
    sizes = [offer.model.size_bytes for offer in offers if offer.model.size_bytes is not None]
    return Kind.BIG_CHAT if sizes and min(sizes) >= BIG_BYTES else Kind.CHAT


def _mark(engine: Engine) -> _Mark:
    """What of an engine targets depend on."""
    serves, drained = engine.health in SERVING, engine.health is Health.DRAINING
    return serves, drained, {model.id: model.capabilities for model in engine.models.values()}


def nothing_to_choose(known: Sequence[str]) -> NoEngineReady:
    """The answer to a call that names no model when none that is up could take it; ``known`` may be asked for."""
    hint = some(known, "Name a model") or _NODES_TELL
    return NoEngineReady("No machine that is up has a model for this call.", retry_after_s=5.0, hint=hint)


def some(names: Sequence[str], what: str) -> str:
    """A few of ``names`` after ``what``; nothing if there are none."""
    return f"{what}: {', '.join(names[:5])}{', …' if len(names) > 5 else ''}." if names else ""
