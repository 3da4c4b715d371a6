"""What the files of Linux' /proc and /sys say. Pure: texts in, figures out; what makes no sense is None, no error.

Fields are read by their names and places as the kernel documents them, and by no product's name.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from potluck.core.reading import Cpu, Memory, Network

_KIB: Final = 1024
# More digits than any counter of the kernel has.
_WHOLE: Final = re.compile(r"-?[0-9]{1,20}")
# The idle columns of /proc/stat, and the last one before the guests' time, which is counted in the first already.
_IDLE, _IOWAIT, _COLUMNS = 3, 4, 8
# Sensors without power show -256 or -127; those of a chip that burns are not read any more.
_COLDEST_C, _HOTTEST_C = -60.0, 200.0


def whole(text: str) -> int | None:
    """A file that holds one whole number."""
    text = text.strip()
    return int(text) if _WHOLE.fullmatch(text) else None


def memory(meminfo: str) -> Memory:
    """``/proc/meminfo``. Kernels before 3.14 do not estimate what is available: there it is what could be freed."""
    kib = dict(_named(meminfo))
    total = _bytes(kib.get("MemTotal"))
    rough = [kib[name] for name in ("MemFree", "Buffers", "Cached") if name in kib]
    available = _bytes(kib.get("MemAvailable", sum(rough) if "MemFree" in kib else None))
    swap_total = _bytes(kib.get("SwapTotal"))
    return Memory(
        total_bytes=total,
        available_bytes=at_most(available, total),
        swap_total_bytes=swap_total,
        swap_free_bytes=at_most(_bytes(kib.get("SwapFree")), swap_total),
    )


def _named(text: str) -> Iterator[tuple[str, int]]:
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        number = whole(rest.strip().removesuffix("kB"))
        if number is not None and number >= 0:
            yield name.strip(), number


def _bytes(kib: int | None) -> int | None:
    return None if kib is None else kib * _KIB


def at_most(part: int | None, total: int | None) -> int | None:
    """Two figures that were taken one after the other may disagree by a little."""
    return part if part is None or total is None else min(part, total)


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """Ticks since the system started, of all processors together."""

    cores: int
    busy: int
    total: int


def cpu_times(stat: str) -> CpuTimes | None:
    """``/proc/stat``. Waiting for a disk is not being busy; time that a hypervisor took away is."""
    cores, times = 0, None
    for line in stat.splitlines():
        name, *columns = line.split()[: 1 + _COLUMNS] or [""]
        if re.fullmatch(r"cpu[0-9]+", name):
            cores += 1
        elif name == "cpu":
            times = [whole(column) or 0 for column in columns]
    if times is None or len(times) <= _IDLE:
        return None
    return CpuTimes(cores, sum(times) - sum(times[_IDLE : _IOWAIT + 1]), sum(times))


def cpu(before: CpuTimes | None, after: CpuTimes | None) -> Cpu:
    """The load between two looks."""
    if after is None:
        return Cpu()
    cores = after.cores or None
    if before is None or after.total <= before.total:
        return Cpu(cores)
    # The kernel's count of waiting may run backwards by a tick.
    share = (after.busy - before.busy) / (after.total - before.total)
    return Cpu(cores, round(min(1.0, max(0.0, share)), 4))


def uptime_s(text: str) -> float | None:
    """``/proc/uptime``: the first of its two numbers."""
    first = text.split()[:1]
    return float(first[0]) if first and re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,9})?", first[0]) else None


def networks(text: str) -> tuple[Network, ...]:
    """``/proc/net/dev``: received bytes are the first column after the name, sent ones the ninth."""
    found: list[Network] = []
    for line in text.splitlines():
        name, colon, rest = line.partition(":")
        columns = [whole(column) for column in rest.split()]
        if not colon or len(columns) <= _COLUMNS:
            continue
        received, sent = columns[0], columns[_COLUMNS]
        if received is not None and sent is not None and received >= 0 and sent >= 0:
            found.append(Network(name.strip(), received, sent))
    return tuple(found)


def celsius(text: str) -> float | None:
    """A thermal zone's ``temp`` or a chip's ``temp1_input``, in thousandths of a degree."""
    milli = whole(text)
    if milli is None or not _COLDEST_C < milli / 1000 < _HOTTEST_C:
        return None
    return milli / 1000


def watts(microwatts: str) -> float | None:
    """A chip's ``power1_input``."""
    return _scaled(whole(microwatts), 1e-6)


def watts_of(millivolts: str, milliamperes: str) -> float | None:
    """A chip's ``in1_input`` and ``curr1_input``, for those that measure both and multiply nothing."""
    volts, amperes = whole(millivolts), whole(milliamperes)
    return None if volts is None or amperes is None else _scaled(volts * amperes, 1e-6)


def watts_of_rail(milliwatts: str) -> float | None:
    """``in_power0_input`` of the power monitor's older driver."""
    return _scaled(whole(milliwatts), 1e-3)


def _scaled(amount: int | None, unit: float) -> float | None:
    """Currents that flow backwards are the noise of a rail at rest."""
    return None if amount is None else round(max(0, amount) * unit, 3)


def permille(text: str) -> float | None:
    """An integrated GPU's ``load``, from 0 to 1000."""
    return _share(whole(text), 1000)


def percent(text: str) -> float | None:
    """``gpu_busy_percent``."""
    return _share(whole(text), 100)


def _share(amount: int | None, most: int) -> float | None:
    return None if amount is None else min(1.0, max(0.0, amount / most))


def mapped_bytes(clients: str) -> int | None:
    """``/sys/kernel/debug/nvmap/iovmm/clients``: what an integrated GPU's users have mapped in all."""
    for line in clients.splitlines():
        name, *columns = line.split() or [""]
        if name == "total" and columns and columns[-1].endswith("K"):
            kib = whole(columns[-1].removesuffix("K"))
            return None if kib is None or kib < 0 else kib * _KIB
    return None


def hashed_id(machine_id: str) -> str:
    """The id of ``/etc/machine-id`` in a form that may be shown: machine-id(5) asks that it be hashed with a key."""
    machine_id = machine_id.strip()
    if not machine_id:
        return ""
    return hmac.digest(machine_id.encode("utf-8", "replace"), b"potluck agent", hashlib.sha256).hex()[:32]


def word(text: str) -> str:
    """The first line of a file that holds a name, without what cannot be printed."""
    line = text.strip().partition("\n")[0]
    return "".join(char for char in line if char.isprintable())[:200]
