"""A reading in Prometheus' text format. Every name stands in `METRICS`, from which the reference is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from potluck.core.reading import Gpu, Reading

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Sample = tuple[Mapping[str, str], float | None]
_NONE: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Metric:
    """``samples`` gives labels and values; one without a value is left out."""

    name: str
    kind: Literal["gauge", "counter"]
    labels: tuple[str, ...]
    text: str
    samples: Callable[[Reading], Iterable[Sample]]


def _one(value: Callable[[Reading], float | None]) -> Callable[[Reading], Iterable[Sample]]:
    return lambda reading: [(_NONE, value(reading))]


def _each_gpu(value: Callable[[Gpu], float | None]) -> Callable[[Reading], Iterable[Sample]]:
    def samples(reading: Reading) -> Iterator[Sample]:
        for index, gpu in enumerate(reading.gpus):
            yield {"gpu": str(index), "name": gpu.name}, value(gpu)

    return samples


def _info(reading: Reading) -> Iterable[Sample]:
    who = reading.identity
    return [({"machine": who.machine, "host": who.host, "boot": who.boot}, 1.0)]


_GPU = ("gpu", "name")

METRICS: Final[tuple[Metric, ...]] = (
    Metric("potluck_agent_info", "gauge", ("machine", "host", "boot"), "Who the machine is; always 1.", _info),
    Metric("potluck_agent_reading_age_seconds", "gauge", (), "Time since the reading.", _one(lambda r: r.age_s)),
    Metric("potluck_agent_uptime_seconds", "gauge", (), "Time since the system started.", _one(lambda r: r.uptime_s)),
    Metric("potluck_agent_memory_total_bytes", "gauge", (), "All main memory.", _one(lambda r: r.memory.total_bytes)),
    Metric(
        "potluck_agent_memory_available_bytes",
        "gauge",
        (),
        "Main memory that programs can still have.",
        _one(lambda r: r.memory.available_bytes),
    ),
    Metric("potluck_agent_swap_total_bytes", "gauge", (), "All swap space.", _one(lambda r: r.memory.swap_total_bytes)),
    Metric(
        "potluck_agent_swap_free_bytes", "gauge", (), "Swap space not in use.", _one(lambda r: r.memory.swap_free_bytes)
    ),
    Metric("potluck_agent_cpu_cores", "gauge", (), "Processors on line.", _one(lambda r: r.cpu.cores)),
    Metric("potluck_agent_cpu_load", "gauge", (), "How busy they are, from 0 to 1.", _one(lambda r: r.cpu.load)),
    Metric("potluck_agent_gpu_load", "gauge", _GPU, "How busy a GPU is, from 0 to 1.", _each_gpu(lambda g: g.load)),
    Metric(
        "potluck_agent_gpu_memory_total_bytes",
        "gauge",
        _GPU,
        "All memory of a GPU's own.",
        _each_gpu(lambda g: g.memory_total_bytes),
    ),
    Metric(
        "potluck_agent_gpu_memory_free_bytes",
        "gauge",
        _GPU,
        "Memory of a GPU's own that is free.",
        _each_gpu(lambda g: g.memory_free_bytes),
    ),
    Metric(
        "potluck_agent_gpu_memory_used_bytes",
        "gauge",
        _GPU,
        "Memory that a GPU uses, its own or the machine's.",
        _each_gpu(lambda g: g.memory_used_bytes),
    ),
    Metric("potluck_agent_gpu_celsius", "gauge", _GPU, "A GPU's temperature.", _each_gpu(lambda g: g.celsius)),
    Metric("potluck_agent_gpu_watts", "gauge", _GPU, "The power a GPU draws.", _each_gpu(lambda g: g.watts)),
    Metric(
        "potluck_agent_temperature_celsius",
        "gauge",
        ("sensor",),
        "A sensor's temperature.",
        lambda r: [({"sensor": each.sensor}, each.celsius) for each in r.temperatures],
    ),
    Metric(
        "potluck_agent_power_watts",
        "gauge",
        ("rail",),
        "What flows in one supply; one may contain others.",
        lambda r: [({"rail": each.rail}, each.watts) for each in r.power],
    ),
    Metric(
        "potluck_agent_disk_total_bytes",
        "gauge",
        ("path",),
        "Size of a file system that models are kept on.",
        lambda r: [({"path": each.path}, each.total_bytes) for each in r.disks],
    ),
    Metric(
        "potluck_agent_disk_free_bytes",
        "gauge",
        ("path",),
        "What an ordinary user can still write there.",
        lambda r: [({"path": each.path}, each.free_bytes) for each in r.disks],
    ),
    Metric(
        "potluck_agent_network_received_bytes_total",
        "counter",
        ("interface",),
        "Bytes that came in.",
        lambda r: [({"interface": each.interface}, each.received_bytes) for each in r.networks],
    ),
    Metric(
        "potluck_agent_network_sent_bytes_total",
        "counter",
        ("interface",),
        "Bytes that went out.",
        lambda r: [({"interface": each.interface}, each.sent_bytes) for each in r.networks],
    ),
)


def exposition(reading: Reading) -> str:
    """The page at ``/metrics``. A metric that this machine does not tell is not on it."""
    lines: list[str] = []
    for metric in METRICS:
        told = [(labels, value) for labels, value in metric.samples(reading) if value is not None]
        if not told:
            continue
        lines += [f"# HELP {metric.name} {metric.text}", f"# TYPE {metric.name} {metric.kind}"]
        lines += [f"{metric.name}{_labels(labels)} {value}" for labels, value in told]
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
