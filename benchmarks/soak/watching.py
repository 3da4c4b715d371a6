"""The service from outside: its memory, what it has open, and what its own figures say is under way."""

from __future__ import annotations

import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass

import psutil
from tests.e2e import processes

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sample:
    """``at_s`` since the beginning; memory is resident memory."""

    at_s: float
    rss_mib: float
    sockets: int
    files: int
    threads: int


@dataclass(frozen=True, slots=True)
class Under:
    """What the service holds for calls, by its metrics; all of it is 0 at rest but the connection that asks."""

    running: int
    waiting: int
    busy: int
    connections: int

    @property
    def nothing(self) -> bool:
        return (self.running, self.waiting, self.busy) == (0, 0, 0) and self.connections <= 1


def sampled(pid: int, at_s: float) -> Sample:
    process = psutil.Process(pid)
    with process.oneshot():
        sockets = len(process.net_connections("all"))
        return Sample(
            at_s, process.memory_info().rss / _MIB, sockets, process.num_fds() - sockets, process.num_threads()
        )


def metrics(service: processes.Service) -> dict[str, float]:
    """By name and labels, as Prometheus reads them."""
    request = urllib.request.Request(f"{service.url}/metrics", headers={"authorization": f"Bearer {service.key}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    rows = [line.rsplit(" ", 1) for line in lines if line and not line.startswith("#")]
    return {name: float(value) for name, value in rows}


def under(service: processes.Service) -> Under:
    found = metrics(service)
    busy = sum(value for name, value in found.items() if name.startswith("potluck_engine_slots_busy"))
    named = ("potluck_calls_running", "potluck_calls_waiting", "potluck_client_connections")
    running, waiting, connections = (int(found[name]) for name in named)
    return Under(running, waiting, int(busy), connections)


def rescues(service: processes.Service) -> dict[str, int]:
    """By outcome."""
    rows = {name: value for name, value in metrics(service).items() if name.startswith("potluck_rescues_total{")}
    return {name.split('"')[1]: int(value) for name, value in rows.items()}


def slope_mib_per_minute(samples: Sequence[Sample]) -> float:
    """Of memory, by least squares; 0 for fewer than three samples."""
    if len(samples) < 3:
        return 0.0
    mean_at = sum(each.at_s for each in samples) / len(samples)
    mean = sum(each.rss_mib for each in samples) / len(samples)
    spread = sum((each.at_s - mean_at) ** 2 for each in samples)
    return 60 * sum((each.at_s - mean_at) * (each.rss_mib - mean) for each in samples) / spread
