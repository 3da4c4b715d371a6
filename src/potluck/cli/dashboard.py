"""The whole service on one screen: what runs, where, how fast, and who waits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from potluck.cli import draining, drilling
from potluck.cli.machines import degrees, percent
from potluck.cli.output import cells, cut, duration, harmless, one_line, size, table
from potluck.core.reading import Reading, busiest, hottest
from potluck.surfaces.v1.fleet_shapes import EngineInfo, NodeInfo, StatusReply
from potluck.surfaces.v1.request_shapes import QueuedInfo, TurnInfo

# Of a long line its head tells enough.
_SHOWN: Final = 8
# A node is as well as its best engine.
_BEST_FIRST: Final = ("up", "suspect", "draining", "unknown", "down")


@dataclass(frozen=True, slots=True)
class Picture:
    """The service at one moment."""

    url: str
    status: StatusReply
    nodes: Sequence[NodeInfo]
    calls: Sequence[QueuedInfo]
    users: Sequence[TurnInfo] = ()

    def plain(self) -> dict[str, object]:
        """For ``--json``."""
        return {"url": self.url, "status": self.status, "nodes": self.nodes, "queue": self.calls, "users": self.users}


def screen(picture: Picture, width: int) -> str:
    """The whole picture in at most ``width`` columns."""
    nodes = picture.nodes
    out = [draining.screen(nodes, width), drilling.screen(nodes)]
    parts = [_head(picture, width), _nodes(nodes, width), *out, queue_screen(picture, width)]
    return "\n\n".join(filter(None, parts))


def _head(picture: Picture, width: int) -> str:
    now = picture.status
    lines = [
        f"Potluck {now.version} at {picture.url}, up for {duration(now.uptime_s)}",
        f"Slots {now.busy} of {now.slots} busy   Waiting {now.waiting}   "
        f"Engines {now.engines_up} of {now.engines} up   Models {now.models}"
        f"{f'   Drained {len(now.drained)}' if now.drained else ''}",
    ]
    if (minute := now.last_minute) is not None:
        ends = [(minute.failed, "failed"), (minute.refused, "refused"), (minute.cancelled, "left")]
        told = "".join(f", {count} {how}" for count, how in ends if count)
        rate = f"   {minute.completion_tokens / 60:.1f} tokens/s" if minute.completion_tokens else ""
        lines.append(f"Last minute {minute.calls} call{'' if minute.calls == 1 else 's'}{told}{rate}")
    if now.gateways is not None and len(now.gateways) > 1:
        lines.append(f"Gateways {', '.join(each.name for each in now.gateways)}")
    if now.jobs is not None and (now.jobs.running or now.jobs.waiting):
        lines.append(f"Jobs {now.jobs.running} running, {now.jobs.waiting} waiting")
    if now.redis is not None and not now.redis.up:
        lines.append(f"{now.redis.trouble} What it does is done without it.")
    if (files := now.files) is not None and not files.answers:
        waits = f" {files.waiting} ({size(files.waiting_bytes)}) wait for it here." if files.waiting else ""
        lines.append(f"The store for files does not answer: uploads are refused.{waits}")
    return "\n".join(cut(one_line(line), width) if cells(line) > width else harmless(line) for line in lines)


# --- nodes ---


def _nodes(nodes: Sequence[NodeInfo], width: int) -> str:
    """A row for each node, and below it what is wrong there."""
    if not nodes:
        return "There is no node. Name some in potluck.yaml, or start without --no-local."
    header = ("NODE", "STATE", "BUSY", "MEMORY", "GPU", "TEMP", "IN MEMORY (TOKENS/S)")
    rows = [_row(node) for node in nodes]
    # Without agents there is nothing to tell of graphics and temperature: the models get the room.
    told = [any(row[column] != "-" for row in rows) or column not in (4, 5) for column in range(len(header))]
    picked = [[cell for cell, shown in zip(row, told, strict=True) if shown] for row in (header, *rows)]
    lines = table(picked[0], picked[1:], width).splitlines()
    found = [lines[0]]
    for node, line in zip(nodes, lines[1:], strict=True):
        found.append(line)
        found += [cut(f"  {one_line(trouble)}", width) for trouble in _troubles(node)]
    return "\n".join(found)


def _row(node: NodeInfo) -> tuple[str, ...]:
    reading = node.agent.reading if node.agent is not None else None
    known = [engine for engine in node.engines if engine.slots]
    return (
        node.id,
        state(node),
        f"{sum(engine.busy for engine in known)}/{sum(engine.slots for engine in known)}" if known else "-",
        _memory(node, reading),
        percent(busiest(reading)) if reading is not None else "-",
        degrees(hottest(reading)) if reading is not None else "-",
        ", ".join(model for engine in node.engines for model in _in_memory(engine)) or "-",
    )


def state(node: NodeInfo) -> str:
    """The best of its engines' states; a dash for a machine that only has an agent."""
    states = {engine.health for engine in node.engines}
    return next((each for each in _BEST_FIRST if each in states), "-")


def _memory(node: NodeInfo, reading: Reading | None) -> str:
    """What is used of what there is: by the machine itself if it tells, else what its models take."""
    total = reading.memory.total_bytes if reading is not None else None
    free = reading.memory.available_bytes if reading is not None else None
    if total is not None and free is not None:
        return _of(total - free, total)
    held = sum(model.memory_bytes for engine in node.engines for model in engine.loaded)
    if node.memory_bytes is not None:
        return _of(held, node.memory_bytes)
    return size(held) if held else "-"


def _of(used: int, total: int) -> str:
    """
    >>> _of(41_200_000_000, 64_000_000_000)
    '41.2 of 64.0 GB'
    """
    return f"{used / 1e9:.1f} of {total / 1e9:.1f} GB"


def _in_memory(engine: EngineInfo) -> Iterator[str]:
    speeds = {rate.model: rate.decode_tps for rate in engine.rates}
    pinned = {model.model for model in engine.loaded if model.pinned}
    for model in engine.resident:
        speed = f" {_speed(speeds[model])}" if model in speeds else ""
        yield f"{model.removesuffix(':latest')}{'*' if model in pinned else ''}{speed}"


def _speed(tokens_per_s: float) -> str:
    """
    >>> _speed(6.24), _speed(52.6)
    ('6.2', '53')
    """
    return f"{tokens_per_s:.1f}" if tokens_per_s < 10 else f"{tokens_per_s:.0f}"


def _troubles(node: NodeInfo) -> Iterator[str]:
    """Why an engine is not up, which process crashed, which agent is silent, and what was done with an address."""
    for engine in node.engines:
        name = engine.id.partition("/")[2] or engine.id
        if engine.health != "up":
            yield f"{name} {engine.health}{f': {engine.why}' if engine.why else ''}"
        for child in engine.children:
            if child.why:
                yield f"{name} {child.model}: {child.why}"
    if node.agent is not None and node.agent.state == "silent":
        silent = f" for {duration(node.agent.silent_s)}" if node.agent.silent_s is not None else ""
        yield f"agent silent{silent}{f': {node.agent.why}' if node.agent.why else ''}"
    if node.why:
        yield node.why


# --- the queue ---


def queue_screen(picture: Picture, width: int, shown: int = _SHOWN, *, ids: bool = False) -> str:
    """Who waits, by class and by call; empty if nobody does. Of a long line the first ``shown``.

    With ``ids`` also whose turn it is, and the calls' ids.
    """
    calls, classes = picture.calls, picture.status.queue
    if not classes and not calls:
        return ""
    by_class = [
        (each.kind, str(each.waiting), duration(each.longest_wait_s), f"in {duration(each.next_eta_s)}")
        for each in classes
    ]
    rows = [
        (
            str(each.position),
            each.kind,
            each.model,
            each.user,
            duration(each.waited_s),
            duration(each.eta_s),
            *([each.id] if ids else []),
        )
        for each in calls[:shown]
    ]
    header = ("NEXT", "CLASS", "MODEL", "USER", "WAITED", "STARTS IN", *(["CALL"] if ids else []))
    turns = [(each.user, str(each.waiting), duration(each.served_s)) for each in picture.users] if ids else []
    parts = [
        table(("IN LINE", "CALLS", "LONGEST", "NEXT STARTS"), by_class, width) if by_class else "",
        table(("USER", "CALLS", "MACHINE TIME"), turns, width) if turns else "",
        table(header, rows, width) if rows else "",
    ]
    more = len(calls) - len(rows)
    return "\n\n".join(filter(None, parts)) + (f"\n{more} more" if more > 0 else "")


def fitted(lines: Iterable[str], height: int) -> list[str]:
    """At most ``height`` lines; the last one says how many are left out."""
    kept = list(lines)
    if len(kept) <= height:
        return kept
    left = len(kept) - height + 1
    return [*kept[: height - 1], f"… {left} more lines: make the window taller, or leave out --watch"]
