"""What the scheduler is told: calls that want a place, and the places a name stands for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from potluck.core.model import EngineId, ModelId, RequestId, UserId
from potluck.core.scheduling.classes import Kind


class Policy(StrEnum):
    """How a target's places are chosen from."""

    LEARNED = "learned"
    WEIGHTED = "weighted"
    ORDER = "order"


@dataclass(frozen=True, slots=True)
class Place:
    """A model on an engine. ``weight`` is the owner's: a prior, or the exact share where the policy says so."""

    engine: EngineId
    model: ModelId
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Target:
    """What calls ask for: a model's name or a route, with all places that can do what such calls need.

    ``name`` is the shell's own key for it: calls that need different capabilities are different targets.
    """

    name: str
    places: tuple[Place, ...]
    policy: Policy = Policy.LEARNED


@dataclass(slots=True)
class Ask:
    """A call that wants a place. Never changed once made; not frozen, because that costs four times as much for each
    call.

    ``prompt_tokens`` may be an estimate. ``sent_tokens`` have reached the client from an earlier attempt.
    ``conversation`` names what shares a prefix; empty: nothing. ``deadline_s`` is on the same clock as ``now``.
    ``since_s`` is when the call first came, if this is not its first attempt.
    """

    request: RequestId
    user: UserId
    target: str
    kind: Kind = Kind.CHAT
    prompt_tokens: int = 0
    conversation: str = ""
    sent_tokens: int = 0
    tried: frozenset[EngineId] = frozenset()
    deadline_s: float | None = None
    since_s: float | None = None
