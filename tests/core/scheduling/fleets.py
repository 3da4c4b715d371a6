"""Small fleets to test the scheduler with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from potluck.core.model import Engine, EngineId, EngineKind, Health, Model, ModelId, NodeId, RequestId, UserId
from potluck.core.scheduling.asks import Ask, Place, Policy, Target
from potluck.core.scheduling.classes import Kind
from potluck.core.scheduling.decisions import Decision, Evict, Load, Preload, Refuse, Start, Wait
from potluck.core.scheduling.scheduler import Scheduler

GB = 1_000_000_000


def model(name: str, gb: float = 4.0, *, resident: bool = True) -> Model:
    return Model(ModelId(name), resident=resident, memory_bytes=int(gb * GB), size_bytes=int(gb * GB))


def engine(
    name: str,
    models: Iterable[Model],
    *,
    slots: int = 2,
    health: Health = Health.UP,
    memory_gb: float | None = 16.0,
    node: str | None = None,
    keeps: bool = True,
) -> Engine:
    return Engine(
        EngineId(name),
        NodeId(node or name),
        EngineKind.OLLAMA,
        health,
        slots,
        models={one.id: one for one in models},
        memory_bytes=None if memory_gb is None else int(memory_gb * GB),
        keeps=keeps,
    )


def scheduler(*engines: Engine, depth: int = 100, policy: Policy = Policy.LEARNED, **weights: float) -> Scheduler:
    """Every model is a target of its own name, with all its places."""
    made = Scheduler(depth=depth)
    for one in engines:
        made.engine(one, 0.0)
    made.declare(targets(engines, policy, weights), 0.0)
    return made


def targets(engines: Sequence[Engine], policy: Policy = Policy.LEARNED, weights: dict[str, float] = {}) -> list[Target]:  # noqa: B006
    names = {name for one in engines for name in one.models}
    return [
        Target(
            name,
            tuple(Place(one.id, name, weights.get(one.id, 1.0)) for one in engines if name in one.models),
            policy,
        )
        for name in sorted(names)
    ]


def ask(
    request: str,
    target: str = "m",
    *,
    user: str = "anna",
    kind: Kind = Kind.CHAT,
    tokens: int = 100,
    conversation: str = "",
    sent: int = 0,
    tried: Iterable[str] = (),
    deadline_s: float | None = None,
    since_s: float | None = None,
) -> Ask:
    gone = frozenset(EngineId(name) for name in tried)
    return Ask(RequestId(request), UserId(user), target, kind, tokens, conversation, sent, gone, deadline_s, since_s)


def told(decisions: Sequence[Decision]) -> list[str]:
    """Decisions as short texts, to compare."""
    return [_told(decision) for decision in decisions]


def _told(decision: Decision) -> str:
    match decision:
        case Start():
            return f"start {decision.request} {decision.engine}"
        case Wait():
            return f"wait {decision.request}"
        case Refuse():
            return f"refuse {decision.request} {decision.reason.name}"
        case Load():
            return f"load {decision.model} {decision.engine}"
        case Evict():
            return f"evict {decision.model} {decision.engine}"
        case Preload():
            return f"preload {decision.model} {decision.engine}{' to stay' if decision.stays else ''}"
