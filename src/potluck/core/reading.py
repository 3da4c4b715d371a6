"""What a machine tells of itself: the reading that a node agent takes, the gateway reads and the scheduler is given.

The fields are the keys of the JSON that goes between the two; each has its sentence, from which
docs/reference/node-agent.md is made. What a machine does not tell is None, or left out of a list.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Final, TypeAlias

from potluck.core.model import NodeId, NodeReading

Bytes: TypeAlias = "int | None"
Share: TypeAlias = "float | None"

# Older figures are shown, but no longer planned with: a model may have been loaded since. Three looks may go wrong; and
# where looks are frequent, the agent's own pause between two readings must be within.
FRESH_INTERVALS: Final = 3
FRESH_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the machine is, whatever its address."""

    machine: Annotated[str, "The machine's id, hashed: it stays when the address or the name changes."] = ""
    host: Annotated[str, "Its host name."] = ""
    boot: Annotated[str, "An id of this run of its system: another one means that it was started anew."] = ""


@dataclass(frozen=True, slots=True)
class Memory:
    """The machine's main memory. Where a GPU has none of its own, models are loaded here too."""

    total_bytes: Annotated[Bytes, "All of it."] = None
    available_bytes: Annotated[Bytes, "What programs can still have, as the system estimates it."] = None
    swap_total_bytes: Annotated[Bytes, "All swap space."] = None
    swap_free_bytes: Annotated[Bytes, "Swap space not in use."] = None


@dataclass(frozen=True, slots=True)
class Cpu:
    """All processors together."""

    cores: Annotated[int | None, "Processors that are on line."] = None
    load: Annotated[Share, "How busy they were since the last reading, from 0 to 1."] = None


@dataclass(frozen=True, slots=True)
class Gpu:
    """One graphics processor."""

    name: Annotated[str, "As its driver calls it."] = ""
    unified: Annotated[bool, "Whether it shares the machine's memory instead of having its own."] = False
    load: Annotated[Share, "How busy it is, from 0 to 1."] = None
    memory_total_bytes: Annotated[Bytes, "All memory of its own."] = None
    memory_free_bytes: Annotated[Bytes, "Memory of its own that is not in use."] = None
    memory_used_bytes: Annotated[Bytes, "Memory that it uses, its own or the machine's."] = None
    celsius: Annotated[float | None, "Its temperature."] = None
    watts: Annotated[float | None, "The power it draws."] = None


@dataclass(frozen=True, slots=True)
class Temperature:
    """One sensor."""

    sensor: Annotated[str, "As the system calls it."]
    celsius: Annotated[float, "What it shows."]


@dataclass(frozen=True, slots=True)
class Power:
    """One supply that is measured. One may contain others: they are not to be added up."""

    rail: Annotated[str, "As the board calls it."]
    watts: Annotated[float, "What flows there."]


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system that models are kept on."""

    path: Annotated[str, "The folder that was looked at."]
    total_bytes: Annotated[int, "All of it."]
    free_bytes: Annotated[int, "What an ordinary user can still write."]


@dataclass(frozen=True, slots=True)
class Network:
    """One network interface, counted since the system started."""

    interface: Annotated[str, "Its name."]
    received_bytes: Annotated[int, "Bytes that came in."]
    sent_bytes: Annotated[int, "Bytes that went out."]


@dataclass(frozen=True, slots=True)
class Reading:
    """A machine at one moment."""

    age_s: Annotated[float, "How long ago this was measured, in seconds."] = 0.0
    uptime_s: Annotated[float | None, "How long the system has been running, in seconds."] = None
    identity: Annotated[Identity, "Who the machine is."] = Identity()
    memory: Annotated[Memory, "Its main memory."] = Memory()
    cpu: Annotated[Cpu, "Its processors."] = Cpu()
    gpus: Annotated[tuple[Gpu, ...], "Its graphics processors."] = ()
    temperatures: Annotated[tuple[Temperature, ...], "Its sensors."] = ()
    power: Annotated[tuple[Power, ...], "Its supplies."] = ()
    disks: Annotated[tuple[Disk, ...], "Where models live."] = ()
    networks: Annotated[tuple[Network, ...], "Its network interfaces."] = ()


def watts(reading: Reading) -> float | None:
    """What the machine draws for its models: its graphics processors, or the largest of its supplies where they are not
    measured by themselves; None if nothing is measured."""
    gpus = [gpu.watts for gpu in reading.gpus if gpu.watts is not None]
    return sum(gpus) if gpus else max((supply.watts for supply in reading.power), default=None)


def impossible(reading: Reading) -> str:
    """What cannot be true of any machine, in words; empty for a reading that can be."""
    amounts = list(_amounts(reading))
    if any(amount < 0 for amount in amounts):
        return "an amount below nothing"
    if not all(math.isfinite(amount) for amount in (*amounts, *_degrees(reading))):
        return "an amount beyond all measure"
    if any(not 0 <= share <= 1 for share in _shares(reading)):
        return "a load beyond all of it"
    if any(part > whole for part, whole in _parts(reading)):
        return "a part larger than its whole"
    return ""


def _amounts(reading: Reading) -> Iterator[float]:
    memory = reading.memory
    yield reading.age_s
    yield from _known(
        reading.uptime_s,
        memory.total_bytes,
        memory.available_bytes,
        memory.swap_total_bytes,
        memory.swap_free_bytes,
        reading.cpu.cores,
    )
    for gpu in reading.gpus:
        yield from _known(gpu.memory_total_bytes, gpu.memory_free_bytes, gpu.memory_used_bytes, gpu.watts)
    yield from (supply.watts for supply in reading.power)
    for disk in reading.disks:
        yield from (disk.total_bytes, disk.free_bytes)
    for network in reading.networks:
        yield from (network.received_bytes, network.sent_bytes)


def _degrees(reading: Reading) -> Iterator[float]:
    yield from (sensor.celsius for sensor in reading.temperatures)
    yield from _known(*(gpu.celsius for gpu in reading.gpus))


def _shares(reading: Reading) -> Iterator[float]:
    yield from _known(reading.cpu.load, *(gpu.load for gpu in reading.gpus))


def _parts(reading: Reading) -> Iterator[tuple[float, float]]:
    memory = reading.memory
    pairs = [(memory.available_bytes, memory.total_bytes), (memory.swap_free_bytes, memory.swap_total_bytes)]
    pairs += [(gpu.memory_free_bytes, gpu.memory_total_bytes) for gpu in reading.gpus]
    pairs += [(disk.free_bytes, disk.total_bytes) for disk in reading.disks]
    for part, whole in pairs:
        if part is not None and whole is not None:
            yield part, whole


def _known(*values: float | None) -> Iterator[float]:
    return (value for value in values if value is not None)


def hottest(reading: Reading) -> float | None:
    """The highest temperature of the machine, in degrees Celsius."""
    return max(_degrees(reading), default=None)


def busiest(reading: Reading) -> float | None:
    """The load of the GPU that has most to do."""
    return max(_known(*(gpu.load for gpu in reading.gpus)), default=None)


def as_known(
    node: NodeId, memory_bytes: int | None, reading: Reading | None, *, age_s: float | None, interval_s: float
) -> NodeReading:
    """What may be planned with: the owner's word, and the agent's while it is fresh."""
    if reading is None or age_s is None or age_s > max(FRESH_S, FRESH_INTERVALS * interval_s):
        return NodeReading(node, memory_bytes)
    own = [gpu for gpu in reading.gpus if not gpu.unified]
    return NodeReading(
        node=node,
        memory_bytes=memory_bytes,
        total_bytes=reading.memory.total_bytes,
        available_bytes=reading.memory.available_bytes,
        vram_bytes=_sum(gpu.memory_total_bytes for gpu in own),
        vram_free_bytes=_sum(gpu.memory_free_bytes for gpu in own),
        unified=any(gpu.unified for gpu in reading.gpus),
        cpu_load=reading.cpu.load,
        gpu_load=busiest(reading),
        age_s=age_s,
    )


def room_for_models(known: NodeReading) -> int | None:
    """How large the models on a machine may be together: as its owner says, else all its memory; None if unknown.

    An engine may split a model between a GPU's own memory and the machine's, so both count.
    """
    if known.memory_bytes is not None:
        return known.memory_bytes
    return _sum((known.total_bytes, None if known.unified else known.vram_bytes))


def _sum(amounts: Iterable[int | None]) -> int | None:
    """All together; None if none is known."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None
