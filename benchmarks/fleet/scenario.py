"""What is played twice: the reference fleet and its callers, both so many times as fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tests.sim.reference import GB, MEMORY_GB, REFERENCE, Machine, Server
from tests.sim.workload import Demand, demands, within

from potluck.core.scheduling.classes import DEFAULT_LIMITS, Kind
from potluck.gateway.targets import BIG_BYTES

# Ollama's engines; the service drives no image engine yet.
_IMAGES = "sdxl"
# Of the time to the first token that a class allows, as much as may be lost on the way, on a machine that is late.
LATE_PART = 0.1


@dataclass(frozen=True, slots=True)
class Lived:
    """What became of a call, in seconds of the scenario since it was made; None: that never was.

    ``wait_s`` is until it was sent to the machine ``placed``, ``load_s`` the wait there for its model. Of its prompt
    ``read`` tokens were read, the others were in a cache. ``late_s`` was lost between the processes, beyond the usual
    way: the benchmark's own doing.
    """

    kind: Kind
    placed: str = ""
    wait_s: float | None = None
    load_s: float = 0.0
    read: int = 0
    first_s: float | None = None
    end_s: float | None = None
    late_s: float = 0.0

    @property
    def good(self) -> bool:
        return self.first_s is not None and self.end_s is not None and within(self.kind, self.first_s, self.end_s)

    @property
    def late(self) -> bool:
        """Whether what was lost on the way may have decided if the call was in time."""
        return self.late_s > LATE_PART * DEFAULT_LIMITS[self.kind].first_s


def fleet(speed: float) -> tuple[Machine, ...]:
    """The machines with all rates times ``speed``, and loads in as much less time."""

    def faster(server: Server) -> Server:
        models = {
            name: replace(
                one,
                prefill_tps=one.prefill_tps * speed,
                decode_tps=one.decode_tps * speed,
                load_s=one.load_s / speed,
            )
            for name, one in server.models.items()
        }
        return replace(server, models=models)

    return tuple(
        replace(machine, servers=tuple(faster(server) for server in machine.servers if _IMAGES not in server.models))
        for machine in REFERENCE
    )


def calls(seed: int, load: float, minutes: float) -> list[Demand]:
    """By time, in seconds of the scenario. Classes are those that the service's doors give to such requests."""
    found = [each for each in demands(seed, load, minutes / 60) if each.kind is not Kind.IMAGE]
    return [replace(each, kind=_as_served(each)) for each in found]


def _as_served(call: Demand) -> Kind:
    """A title or a batch that comes by a chat's door is a chat."""
    if call.kind is Kind.COMPLETION:
        return Kind.COMPLETION
    return Kind.BIG_CHAT if MEMORY_GB[call.model] * GB >= BIG_BYTES else Kind.CHAT


@dataclass(frozen=True, slots=True)
class Played:
    """One call, and what became of it on either side."""

    seed: int
    number: int
    call: Demand
    simulated: Lived
    real: Lived


def pairs(seed: int, calls: Sequence[Demand], simulated: Sequence[Lived], real: Sequence[Lived]) -> list[Played]:
    both = zip(calls, simulated, real, strict=True)
    return [Played(seed, number, call, one, other) for number, (call, one, other) in enumerate(both)]
