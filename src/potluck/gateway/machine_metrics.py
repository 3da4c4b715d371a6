"""What Prometheus may read of the machines under the engines, by node. Old figures are left out, not repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from potluck.core.reading import hottest
from potluck.gateway.machines import Machine

_Value: TypeAlias = "Callable[[Machine], float | None]"


def _answers(machine: Machine) -> float | None:
    return float(machine.silent_s is None and machine.reading is not None) if machine.has_agent else None


def _temperature(machine: Machine) -> float | None:
    return hottest(machine.reading) if machine.reading is not None and machine.known.age_s is not None else None


def _disk_free(machine: Machine) -> float | None:
    if machine.reading is None or machine.known.age_s is None:
        return None
    return min((disk.free_bytes for disk in machine.reading.disks), default=None)


MACHINE_METRICS: Final[Mapping[str, tuple[str, _Value]]] = {
    "potluck_node_agent_up": ("1 for a node agent that answers.", _answers),
    "potluck_node_reading_age_seconds": ("How old an agent's last reading is.", lambda machine: machine.age_s),
    "potluck_node_memory_limit_bytes": (
        "Memory that models may fill, as configured.",
        lambda machine: machine.known.memory_bytes,
    ),
    "potluck_node_memory_bytes": ("All main memory of a node.", lambda machine: machine.known.total_bytes),
    "potluck_node_memory_available_bytes": (
        "Main memory of a node that programs can still have.",
        lambda machine: machine.known.available_bytes,
    ),
    "potluck_node_vram_bytes": ("All memory of a node's GPUs' own.", lambda machine: machine.known.vram_bytes),
    "potluck_node_vram_free_bytes": (
        "Memory of a node's GPUs' own that is free.",
        lambda machine: machine.known.vram_free_bytes,
    ),
    "potluck_node_cpu_load": (
        "How busy a node's processors are, from 0 to 1.",
        lambda machine: machine.known.cpu_load,
    ),
    "potluck_node_gpu_load": (
        "How busy a node's busiest GPU is, from 0 to 1.",
        lambda machine: machine.known.gpu_load,
    ),
    "potluck_node_temperature_celsius": ("The highest temperature of a node.", _temperature),
    "potluck_node_disk_free_bytes": ("Room on the fullest disk with models of a node.", _disk_free),
}


def machine_families(machines: Sequence[Machine]) -> Iterator[Metric]:
    for name, (text, value) in MACHINE_METRICS.items():
        family = GaugeMetricFamily(name, text, labels=("node",))
        for machine in machines:
            if (amount := value(machine)) is not None:
                family.add_metric((machine.known.node,), amount)
        yield family
