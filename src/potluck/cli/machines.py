"""Readings of machines for people: one as a page, a fleet's as a table."""

from __future__ import annotations

from collections.abc import Iterator

from potluck.cli.output import duration, harmless, size
from potluck.core.reading import Gpu, Reading, busiest, hottest


def reading_text(reading: Reading) -> str:
    """All of one machine, a line for each thing; what it does not tell has none."""
    return harmless("\n".join(f"{name:<12}{text}" for name, text in _lines(reading)))


def _lines(reading: Reading) -> Iterator[tuple[str, str]]:
    memory, cpu = reading.memory, reading.cpu
    up = f", up for {duration(reading.uptime_s)}" if reading.uptime_s is not None else ""
    yield "Machine", f"{reading.identity.host or 'unknown'}{up}"
    if memory.total_bytes is not None:
        yield "Memory", f"{size(memory.available_bytes)} of {size(memory.total_bytes)} available"
    if memory.swap_total_bytes:
        yield "Swap", f"{size(memory.swap_free_bytes)} of {size(memory.swap_total_bytes)} free"
    if cpu.cores is not None:
        yield "CPU", f"{percent(cpu.load)} of {cpu.cores} cores"
    for gpu in reading.gpus:
        yield "GPU", _gpu(gpu)
    for sensor in reading.temperatures:
        yield "Temperature", f"{degrees(sensor.celsius)} {sensor.sensor}"
    for supply in reading.power:
        yield "Power", f"{supply.watts:.1f} W {supply.rail}"
    for disk in reading.disks:
        yield "Disk", f"{size(disk.free_bytes)} of {size(disk.total_bytes)} free at {disk.path}"
    for network in reading.networks:
        yield "Network", f"{size(network.received_bytes)} in, {size(network.sent_bytes)} out on {network.interface}"


def _gpu(gpu: Gpu) -> str:
    parts = [f"{percent(gpu.load)} busy"]
    if gpu.unified:
        parts.append("shares the machine's memory")
    if gpu.memory_total_bytes is not None:
        parts.append(f"{size(gpu.memory_free_bytes)} of {size(gpu.memory_total_bytes)} free")
    elif gpu.memory_used_bytes is not None:
        parts.append(f"uses {size(gpu.memory_used_bytes)}")
    if gpu.celsius is not None:
        parts.append(degrees(gpu.celsius))
    if gpu.watts is not None:
        parts.append(f"{gpu.watts:.1f} W")
    return f"{gpu.name or 'unnamed'}: {', '.join(parts)}"


def machine_cells(reading: Reading | None) -> tuple[str, str, str, str, str]:
    """Memory left, processors, graphics, temperature and disk of one machine, in few letters."""
    if reading is None:
        return ("-", "-", "-", "-", "-")
    memory, free = reading.memory, [disk.free_bytes for disk in reading.disks]
    known = memory.total_bytes is not None
    return (
        f"{size(memory.available_bytes)} of {size(memory.total_bytes)}" if known else "-",
        percent(reading.cpu.load),
        _graphics(reading),
        degrees(hottest(reading)),
        size(min(free, default=None)),
    )


def silence(state: str, silent_s: float | None, why: str) -> str:
    """How an agent stands, in words.

    >>> silence("silent", 40.2, "The agent refuses connections.")
    'agent silent for 40s: The agent refuses connections.'
    """
    if state != "silent":
        return "answers" if state == "up" else "not asked yet"
    known = f" for {duration(silent_s)}" if silent_s is not None else ""
    return f"agent silent{known}{': ' if why else ''}{why}"


def _graphics(reading: Reading) -> str:
    """The busiest one's load, and the memory left on those that have their own."""
    if not reading.gpus:
        return "-"
    free = [gpu.memory_free_bytes for gpu in reading.gpus if gpu.memory_free_bytes is not None]
    load = percent(busiest(reading))
    return f"{load}, {size(sum(free))} free" if free else load


def percent(share: float | None) -> str:
    """
    >>> percent(0.734)
    '73 %'
    """
    return "-" if share is None else f"{share * 100:.0f} %"


def degrees(celsius: float | None) -> str:
    """
    >>> degrees(61.5)
    '62 °C'
    """
    return "-" if celsius is None else f"{celsius:.0f} °C"
