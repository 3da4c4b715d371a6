"""What a child takes in memory, and what the machine has left, as the kernel counts it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

# Told in whole steps: a page more or less would make every look at the engine news.
_STEP_BYTES: Final = 16 * 1024 * 1024
_CONTAINER: Final = Path("/sys/fs/cgroup")


def resident_bytes(pid: int) -> int | None:
    """Of a process, its mapped weights among them; None where it is gone or the system has no /proc."""
    try:
        return read_resident(Path(f"/proc/{pid}/status").read_text("ascii", "replace"))
    except OSError:
        return None


def read_resident(status: str) -> int | None:
    """``/proc/PID/status``, rounded up."""
    found = re.search(r"^VmRSS:\s*([0-9]{1,15}) kB$", status, re.M)
    return None if found is None else -(-int(found[1]) * 1024 // _STEP_BYTES) * _STEP_BYTES


def available_bytes(meminfo: Path = Path("/proc/meminfo"), container: Path = _CONTAINER) -> int | None:
    """What programs could have without swapping: of the machine's, and of a container's share. None where the system
    does not tell."""
    try:
        found = re.search(r"^MemAvailable:\s*([0-9]{1,15}) kB$", meminfo.read_text("ascii", "replace"), re.M)
    except OSError:
        return None
    if found is None:
        return None
    machine = int(found[1]) * 1024
    try:
        limit, taken = ((container / name).read_text().strip() for name in ("memory.max", "memory.current"))
    except OSError:
        return machine
    return min(machine, max(0, int(limit) - int(taken))) if limit.isdecimal() and taken.isdecimal() else machine
