"""A drill: a node is taken out on purpose, to see that nobody loses an answer by it.

Which node, whether that is polite, and what is asked of it meanwhile. What came of it is `core.drill_verdict`'s.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from potluck.core.catalogue import SERVING
from potluck.core.model import Capability, Engine, EngineId, EngineKind, Health, Model, ModelId, NodeId
from potluck.core.names import canonical
from potluck.core.scheduling.fleet import memory_of

# A line that grows by less than this is an ordinary moment of a house; where the others have more slots, one more round
# of calls for all of them.
_LEAST_QUEUE = 4
# So many models are named in a sentence.
_NAMED = 5


class How(StrEnum):
    """``DRAIN``: nothing new starts there, what runs ends in peace. ``BLOCK``: as if the machine had died."""

    DRAIN = "drain"
    BLOCK = "block"


class Stage(StrEnum):
    """``PREPARING``: test calls set out. ``UNDER_WAY``: the node is out. ``RESTORING``: it is looked at again."""

    PREPARING = "preparing"
    UNDER_WAY = "under_way"
    RESTORING = "restoring"
    OVER = "over"


class Home(StrEnum):
    """Where a model is found if its node is away: in another one's memory, on its disk, or nowhere."""

    MEMORY = "memory"
    DISK = "disk"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Homed:
    """A model of the node. ``engine`` is the one there that has it, in memory if ``resident``; ``nodes`` are its other
    homes, the best first, and ``home`` says what the best one is."""

    model: ModelId
    capabilities: frozenset[Capability]
    engine: EngineId
    resident: bool
    home: Home
    nodes: tuple[NodeId, ...] = ()


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a drill would be no good now. ``final``: not even the owner's insistence changes that."""

    why: str
    final: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What a drill would do. ``running`` of our calls are on the node and ``waiting`` in line, as it is now."""

    node: NodeId
    how: How
    models: tuple[Homed, ...] = ()
    objections: tuple[Objection, ...] = ()
    running: int = 0
    waiting: int = 0
    slots_elsewhere: int = 0

    @property
    def most_waiting(self) -> int:
        """With more calls in line than this, the drill is broken off."""
        return self.waiting + max(_LEAST_QUEUE, self.slots_elsewhere)

    def refusals(self, *, force: bool = False) -> tuple[str, ...]:
        """Why it is not done; with ``force`` only what cannot be done at all."""
        return tuple(each.why for each in self.objections if each.final or not force)


def plan(node: NodeId, how: How, fleet: Sequence[Engine], drained: Collection[NodeId], waiting: int) -> Plan:
    """A drill of one node. ``drained`` are the nodes that their owner drained, ``waiting`` the calls in line."""
    here = [engine for engine in fleet if engine.node == node and engine.health in SERVING]
    others = [engine for engine in fleet if engine.node != node and engine.health is Health.UP]
    models = tuple(_homed(name, here, others) for name in _names(here))
    running = sum(engine.busy for engine in fleet if engine.node == node)
    free = sum(max(0, engine.slots - engine.busy) for engine in others)
    objections = [
        *_impossible(node, how, here, drained),
        *_impolite(node, models, running, free, waiting),
    ]
    slots = sum(engine.slots for engine in others)
    return Plan(node, how, models, tuple(objections), running, waiting, slots)


def pick(how: How, fleet: Sequence[Engine], drained: Collection[NodeId], waiting: int) -> Plan | None:
    """The drill of the node that disturbs least: nothing said against it, its models in others' memory, idle. None
    where there is no node.
    """
    nodes = dict.fromkeys(engine.node for engine in fleet)
    return min((plan(node, how, fleet, drained, waiting) for node in nodes), key=_disturbs, default=None)


def _disturbs(each: Plan) -> tuple[bool, int, int, int]:
    final = any(objection.final for objection in each.objections)
    loads = sum(model.resident and model.home is Home.DISK for model in each.models)
    return final, len(each.objections), loads, each.running


def _names(engines: Iterable[Engine]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(canonical(model) for engine in engines for model in engine.models))


def _homed(name: str, here: Sequence[Engine], others: Sequence[Engine]) -> Homed:
    """A model by its one name, where the node has it and where others do; in memory first."""
    engine, model = _places(name, here)[0]
    homes = [(other, each) for other, each in _places(name, others) if each.resident or _fits(other, each)]
    return Homed(
        model=model.id,
        capabilities=model.capabilities,
        engine=engine.id,
        resident=model.resident,
        home=Home.NONE if not homes else Home.MEMORY if homes[0][1].resident else Home.DISK,
        nodes=tuple(dict.fromkeys(other.node for other, _ in homes)),
    )


def _places(name: str, engines: Sequence[Engine]) -> list[tuple[Engine, Model]]:
    found = [(engine, each) for engine in engines for each in engine.models.values() if canonical(each.id) == name]
    return sorted(found, key=lambda place: not place[1].resident)


def _fits(engine: Engine, model: Model) -> bool:
    """Whether the model could be loaded there at all; what is in the way may be put out for it."""
    return engine.memory_bytes is None or memory_of(model) <= engine.memory_bytes


def _impossible(node: NodeId, how: How, here: Sequence[Engine], drained: Collection[NodeId]) -> Iterable[Objection]:
    if node in drained:
        yield Objection(f"{node} is drained already: resume it first.", final=True)
    elif not here:
        yield Objection(f"No engine of {node} is up: there is nothing to take out.", final=True)
    if how is How.BLOCK and any(engine.kind is EngineKind.LOCAL for engine in here):
        yield Objection(f"{node} runs the embedded engine, which dies with the gateway only: drain it.", final=True)


def _impolite(node: NodeId, models: Sequence[Homed], running: int, free: int, waiting: int) -> Iterable[Objection]:
    if lonely := [model.model for model in models if model.home is Home.NONE]:
        has, them = ("has", "it") if len(lonely) == 1 else ("have", "them")
        yield Objection(f"{named(lonely)} {has} no second home: calls for {them} would fail.")
    if waiting:
        yield Objection(f"{waiting} call{'s wait' if waiting > 1 else ' waits'} in line now: try when it is quiet.")
    if running > free:
        yield Objection(f"{running} of your calls run on {node}, and the others have {free} free slots.")


def named(models: Sequence[str]) -> str:
    """Models in a sentence; of many the first.

    >>> named(["a", "b"])
    "'a', 'b'"
    """
    more = len(models) - _NAMED
    return ", ".join(f"'{model}'" for model in models[:_NAMED]) + (f" and {more} more" if more > 0 else "")


# --- what is asked meanwhile ---


class Asking(StrEnum):
    """How a model is asked: a chat whose answer is under way when the node goes, a chat or texts to embed that come
    after, or not at all."""

    STREAM = "stream"
    CHAT = "chat"
    EMBED = "embed"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Trying:
    """How one model is tried; ``why`` not more."""

    model: ModelId
    engine: EngineId
    asking: Asking
    why: str = ""


def tries(plan: Plan, fleet: Sequence[Engine], *, probe: bool = True) -> tuple[Trying, ...]:
    """What test calls are to show of each model of the node, in no more than the slots that are free there; nothing
    without ``probe``.

    Nothing is loaded there for a test: it would put out what people use.
    """
    if not probe:
        return tuple(Trying(each.model, each.engine, Asking.NOTHING, "no test calls were sent") for each in plan.models)
    free = {engine.id: engine.slots - engine.busy for engine in fleet}
    found: list[Trying] = []
    for model in plan.models:
        trying = _trying(model, plan.node, free.get(model.engine, 0))
        if trying.asking is Asking.STREAM:
            free[model.engine] -= 1
        found.append(trying)
    return tuple(found)


def _trying(model: Homed, node: NodeId, free: int) -> Trying:
    asking, why = Asking.NOTHING, ""
    if model.home is Home.NONE:
        why = "it has no second home"
    elif not model.resident:
        why = f"it is not in memory on {node}, and is not loaded for a test"
    elif Capability.COMPLETION in model.capabilities:
        asking = Asking.STREAM if free > 0 else Asking.CHAT
        why = "" if free > 0 else "no slot of its engine was free for a stream"
    elif Capability.EMBEDDING in model.capabilities:
        asking = Asking.EMBED
    else:
        why = "it cannot be asked in words"
    return Trying(model.model, model.engine, asking, why)
