"""The reference fleet (SCHEDULING.md 1): what each machine holds and how fast it runs what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

GB = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Speed:
    """``batching``: by how much each neighbour slows a call of the same model; ``load_s``: from the node's own disk."""

    prefill_tps: float
    decode_tps: float
    batching: float
    load_s: float


@dataclass(frozen=True, slots=True)
class Server:
    """An engine; ``models`` by name."""

    name: str
    slots: int
    models: Mapping[str, Speed]


@dataclass(frozen=True, slots=True)
class Machine:
    name: str
    memory_gb: float
    servers: tuple[Server, ...]


# What each takes in memory, in GB, with its context.
MEMORY_GB: Mapping[str, float] = {
    "llama3.2:3b": 3.0,
    "coder:3b": 2.8,
    "llama3.1:8b": 6.5,
    "gpt-oss:20b": 15.0,
    "mistral-small:24b": 17.0,
    "coder:32b": 22.0,
    "sdxl": 9.0,
}

# Its weights take less; as much less as the gateway guesses where an engine does not tell yet.
MEMORY_BY_SIZE = 1.15

# An image is one token to the scheduler; its prompt costs nothing worth counting.
_FREE = 1e6

REFERENCE: tuple[Machine, ...] = (
    Machine(
        "agx0",
        56.0,
        (
            Server(
                "agx0/ollama",
                4,
                {
                    "llama3.2:3b": Speed(600, 52.6, 0.107, 3.0),
                    "coder:3b": Speed(600, 50.0, 0.107, 3.0),
                    "llama3.1:8b": Speed(400, 28.1, 0.143, 5.0),
                    "gpt-oss:20b": Speed(500, 37.0, 0.2, 11.0),
                    "mistral-small:24b": Speed(220, 9.0, 0.25, 12.0),
                    "coder:32b": Speed(180, 6.2, 0.28, 15.0),
                },
            ),
            Server("agx0/comfyui", 1, {"sdxl": Speed(_FREE, 0.1, 0.0, 7.0)}),
        ),
    ),
    Machine(
        "orin0",
        14.0,
        (
            Server(
                "orin0/ollama",
                2,
                {
                    "llama3.2:3b": Speed(350, 30.0, 0.12, 4.0),
                    "coder:3b": Speed(350, 29.0, 0.12, 4.0),
                    "llama3.1:8b": Speed(180, 15.0, 0.15, 8.0),
                },
            ),
            Server("orin0/comfyui", 1, {"sdxl": Speed(_FREE, 1 / 30, 0.0, 12.0)}),
        ),
    ),
    Machine(
        "nano0",
        7.0,
        (
            Server(
                "nano0/ollama",
                1,
                {"llama3.2:3b": Speed(250, 24.0, 0.15, 10.0), "coder:3b": Speed(250, 23.0, 0.15, 10.0)},
            ),
        ),
    ),
    Machine("pi0", 6.0, (Server("pi0/ollama", 1, {"llama3.2:3b": Speed(30, 4.6, 0.5, 40.0)}),)),
    Machine("pi1", 6.0, (Server("pi1/ollama", 1, {"llama3.2:3b": Speed(20, 1.6, 0.5, 40.0)}),)),
)

# What the owner of the reference fleet says (DESIGN.md 2): coding 80/20, chat 70/30, images orin0 first.
STATIC_WEIGHTS: Mapping[str, Mapping[str, float]] = {
    "coding": {"agx0": 80, "orin0": 20},
    "chat": {"agx0": 70, "orin0": 30},
    "images": {"orin0": 80, "agx0": 20},
}
