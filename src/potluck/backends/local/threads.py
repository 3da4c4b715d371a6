"""What this machine has: how many threads a generation is given, one for each physical core that this process may use,
and how much memory there is.

Two threads on one core share its arithmetic units, which is all that llama.cpp uses; more threads than the machine
has time for make each wait for the slowest.
"""

from __future__ import annotations

import os
from pathlib import Path

_CPUS = Path("/sys/devices/system/cpu")
_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_MEMORY_LIMIT = Path("/sys/fs/cgroup/memory.max")


def physical_cores(cpus: Path = _CPUS, quota: Path = _QUOTA) -> int:
    """At least 1. What the kernel does not tell (not Linux, no cgroup) does not count."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    cores = {_siblings(cpus, cpu) for cpu in allowed}
    return max(1, min(len(cores), _share(quota) or len(cores)))


def physical_memory(limit: Path = _MEMORY_LIMIT) -> int | None:
    """Bytes that this process may use: the machine's, or its container's share. None where that cannot be told."""
    try:
        machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
    try:
        text = limit.read_text().strip()
    except OSError:
        text = ""
    return min(machine, int(text)) if text.isdecimal() else machine


def _siblings(cpus: Path, cpu: int) -> str:
    """The same text for all threads of one core."""
    try:
        return (cpus / f"cpu{cpu}" / "topology" / "thread_siblings_list").read_text().strip()
    except OSError:
        return str(cpu)


def _share(quota: Path) -> int:
    """Whole cores that a container may use; 0 if it is not limited. The format is ``MICROSECONDS|max PERIOD``."""
    try:
        allowed, period = quota.read_text().split()
        return max(1, int(allowed) // int(period))
    except (OSError, ValueError, ZeroDivisionError):
        return 0
