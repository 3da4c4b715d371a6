"""The nouns: nodes, engines, models, and the ids and states that name them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType, TypeAlias

NodeId = NewType("NodeId", str)
"""A machine, by the name its owner gave it in the config: ``agx0``."""

EngineId = NewType("EngineId", str)
"""An engine on a node: ``agx0/ollama:11434``. Unique in a fleet."""

ModelId = NewType("ModelId", str)
"""A model's name as its engine knows it: ``llama3.2:latest``."""

RequestId = NewType("RequestId", str)
"""One call, as clients see it in ``x-potluck-request-id``."""

KeyId = NewType("KeyId", str)
"""An API key's public id; never the key itself."""

UserId = NewType("UserId", str)
"""Who a key or a session belongs to: conversations are theirs, and turns are taken by user."""

# JSON as it comes off the wire. Only schemas and tool arguments, whose shape is the caller's, stay in this form.
Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
JsonObject: TypeAlias = "dict[str, Json]"


class EngineKind(StrEnum):
    """What server an engine is; each has one module in ``backends``."""

    LOCAL = "local"
    LLAMACPP = "llamacpp"
    OLLAMA = "ollama"
    OPENAI = "openai"
    COMFYUI = "comfyui"
    A1111 = "a1111"

    @property
    def draws(self) -> bool:
        """Whether it makes pictures, and no text."""
        return self in (EngineKind.COMFYUI, EngineKind.A1111)


class Capability(StrEnum):
    """What a model can do, in Ollama's words (API-CONTRACTS.md 2, ``/api/show``)."""

    COMPLETION = "completion"
    TOOLS = "tools"
    INSERT = "insert"
    VISION = "vision"
    EMBEDDING = "embedding"
    THINKING = "thinking"


class Health(StrEnum):
    """How an engine stands with us. ``UNKNOWN`` is before the first probe; ``DRAINING`` serves what it has begun and
    gets nothing new, by its owner's word."""

    UNKNOWN = "unknown"
    UP = "up"
    SUSPECT = "suspect"
    DOWN = "down"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True)
class Model:
    """A model as one engine offers it.

    ``context`` is in tokens, ``size_bytes`` of the weights on disk; ``None`` says that the engine does not tell.
    ``modified_at`` is RFC 3339. ``template`` is the chat template's source where the engine shows it.
    ``loaded_context`` is the context, in tokens, that a resident model is loaded with: less than ``context`` as a rule.
    ``memory_bytes`` is what it takes in memory, ``vram_bytes`` the part of it in an accelerator's, and ``expires_at``
    (RFC 3339) when it will be unloaded, where the engine tells.
    """

    id: ModelId
    capabilities: frozenset[Capability] = frozenset({Capability.COMPLETION})
    context: int | None = None
    resident: bool = False
    size_bytes: int | None = None
    digest: str | None = None
    family: str | None = None
    parameter_size: str | None = None
    quantization: str | None = None
    modified_at: str | None = None
    template: str | None = None
    loaded_context: int | None = None
    memory_bytes: int | None = None
    vram_bytes: int | None = None
    expires_at: str | None = None


@dataclass(frozen=True, slots=True)
class Engine:
    """One engine at one moment: what routing decides over.

    ``slots`` is how many generations it runs at once, ``busy`` how many of ours it ran when the picture was taken.
    ``why`` says in words why it is in this state of health, for the owner. ``memory_bytes`` is what its node has
    for models, all engines together; None: unknown. ``keeps``: it lets models be loaded and put out.
    ``failures``: so many calls have failed there in a row that others are asked first; 0: no such thing. ``trial``: it
    is to show with one call at a time that it is well. ``retry_s`` is in how many seconds that begins, where it is to.
    ``loading``: it said that it cannot answer yet, as its only model is still being loaded. ``pictures``: of the
    embedded ones, it is the one that draws.
    """

    id: EngineId
    node: NodeId
    kind: EngineKind
    health: Health = Health.UNKNOWN
    slots: int = 1
    busy: int = 0
    models: Mapping[ModelId, Model] = field(default_factory=dict[ModelId, Model])
    why: str = ""
    memory_bytes: int | None = None
    keeps: bool = True
    failures: int = 0
    trial: bool = False
    retry_s: float | None = None
    loading: bool = False
    pictures: bool = False

    @property
    def draws(self) -> bool:
        """Whether it makes pictures, and no text."""
        return self.pictures or self.kind.draws


@dataclass(frozen=True, slots=True)
class NodeReading:
    """A node's memory and load at one moment: its owner's word and, while it is fresh, its agent's.

    ``memory_bytes`` is what models may fill, by the config. All else is measured, None where no agent tells it:
    ``total_bytes`` and ``available_bytes`` are the machine's main memory, ``vram_*`` that of all GPUs with memory of
    their own; ``unified`` says that a GPU shares the main memory. Loads go from 0 to 1; ``gpu_load`` is the busiest
    GPU's. ``age_s`` is how old the figures are; with ``memory_bytes`` alone it is None.
    """

    node: NodeId
    memory_bytes: int | None = None
    total_bytes: int | None = None
    available_bytes: int | None = None
    vram_bytes: int | None = None
    vram_free_bytes: int | None = None
    unified: bool = False
    cpu_load: float | None = None
    gpu_load: float | None = None
    age_s: float | None = None
