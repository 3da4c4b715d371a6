"""What is put out of a node's memory so that a model fits: one ledger for all engines of the node."""

from __future__ import annotations

from collections.abc import Sequence

from potluck.core.scheduling.fleet import COLD_S, Lane


def plan(lane: Lane, now: float, *, quiet: bool = False) -> tuple[Lane, ...] | None:
    """The idle models to put out for ``lane``, none if it fits as it is; None if idle ones are not enough.

    A model in use, pinned or just loading stays, whatever the need, and so does one of an engine that puts out none.
    ``quiet`` work puts out cold models only.
    """
    node = lane.node
    if node.memory_bytes is None:
        return ()
    missing = node.held_bytes + lane.memory_bytes - node.memory_bytes
    if missing <= 0:
        return ()
    idle = [other for other in node.lanes if _may_go(other, now, quiet=quiet)]
    idle.sort(key=lambda other: regret(other, now) / max(1, other.memory_bytes))
    chosen: list[Lane] = []
    for other in idle:
        if missing <= 0:
            break
        chosen.append(other)
        missing -= other.memory_bytes
    return _needed(chosen, -missing) if missing <= 0 else None


def ever_fits(lane: Lane) -> bool:
    """Whether the node is large enough for it when everything else is out."""
    return lane.node.memory_bytes is None or lane.resident or lane.memory_bytes <= lane.node.memory_bytes


def regret(lane: Lane, now: float) -> float:
    """How much its next callers will wait for a model that is put out, in seconds: how many, times its load."""
    return lane.demand_now(now) * lane.rates.load_s


def _may_go(lane: Lane, now: float, *, quiet: bool) -> bool:
    if not lane.resident or lane.active or lane.pinned or not lane.engine.keeps:
        return False
    return not quiet or now - lane.used_s > COLD_S


def _needed(chosen: Sequence[Lane], spare: int) -> tuple[Lane, ...]:
    """Without those that turned out too many once larger ones were chosen; the dearest are spared first."""
    kept: list[Lane] = []
    for lane in reversed(chosen):
        if lane.memory_bytes <= spare:
            spare -= lane.memory_bytes
        else:
            kept.append(lane)
    return tuple(reversed(kept))
