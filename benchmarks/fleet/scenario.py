"""What is played twice: the reference fleet and its callers, both so many times as fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import mean

from tests.sim.reference import GB, MEMORY_GB, REFERENCE, Machine, Server
from tests.sim.workload import Demand, demands, within

from potluck.core.scheduling.classes import Kind
from potluck.gateway.targets import BIG_BYTES

# Ollama's engines; the service drives no image engine yet.
_IMAGES = "sdxl"
# Fewer calls of a class than this say nothing of it.
_FEW = 8


@dataclass(frozen=True, slots=True)
class Lived:
    """What became of a call, in seconds of the scenario since it came; None: it never did."""

    kind: Kind
    first_s: float | None
    end_s: float | None

    @property
    def good(self) -> bool:
        return self.first_s is not None and self.end_s is not None and within(self.kind, self.first_s, self.end_s)


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
class Figure:
    """One line of the comparison. ``off`` is the real one's distance from the simulated one, as a part of that."""

    name: str
    simulated: float
    real: float

    @property
    def off(self) -> float:
        return self.real / self.simulated - 1 if self.simulated else 0.0


def compared(simulated: Sequence[Lived], real: Sequence[Lived]) -> list[Figure]:
    """Goodput over all, then by class; how long answers took on the mean."""
    found = [
        Figure("goodput", _goodput(simulated), _goodput(real)),
        Figure("mean s to the end", _mean_end_s(simulated), _mean_end_s(real)),
    ]
    for kind in Kind:
        one, other = ([each for each in lived if each.kind is kind] for lived in (simulated, real))
        if len(one) >= _FEW:
            found.append(Figure(f"goodput, {kind.value} ({len(one)})", _goodput(one), _goodput(other)))
            found.append(Figure(f"mean s to the end, {kind.value}", _mean_end_s(one), _mean_end_s(other)))
    return found


def _goodput(lived: Sequence[Lived]) -> float:
    return mean(each.good for each in lived) if lived else 0.0


def _mean_end_s(lived: Sequence[Lived]) -> float:
    ends = [each.end_s for each in lived if each.end_s is not None]
    return mean(ends) if ends else 0.0
