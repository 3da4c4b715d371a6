"""An engine's health from what was seen of it: probes, and the calls themselves.

A call that fails by the engine's fault makes it suspect and the next probe early; two misses in a row take it down;
one good probe brings it back. Waits between probes grow with misses, up to the ordinary interval.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from potluck.core.model import Health

# Two misses, not one: Wi-Fi drops a packet now and then, and a false DOWN costs a model reload (tens of seconds)
# where a late one costs one retry.
MISSES_TO_DOWN = 2
# A node that reboots is back within a minute; asking every second at first finds it soon and costs nothing.
FIRST_RETRY_S = 1.0


class Seen(StrEnum):
    """What happened. ``CALL_FAILED`` is the engine's fault, never the client's."""

    PROBE_OK = "probe ok"
    PROBE_MISSED = "probe missed"
    CALL_OK = "call ok"
    CALL_FAILED = "call failed"


@dataclass(frozen=True, slots=True)
class EngineHealth:
    """``next_probe_s`` is on the same clock as the ``now`` that `step` is given."""

    state: Health = Health.UNKNOWN
    misses: int = 0
    since_s: float = 0.0
    next_probe_s: float = 0.0
    why: str = "not looked at yet"


def step(health: EngineHealth, seen: Seen, why: str, *, now: float, interval_s: float) -> EngineHealth:
    """The health after one more observation; ``why`` says it in words for the owner."""
    match seen:
        case Seen.PROBE_OK:
            after = EngineHealth(Health.UP, 0, health.since_s, now + interval_s, why)
        case Seen.PROBE_MISSED:
            misses = health.misses + 1
            down = misses >= MISSES_TO_DOWN or health.state in (Health.DOWN, Health.UNKNOWN)
            retry_s = min(FIRST_RETRY_S * 2 ** (misses - 1), interval_s)
            after = EngineHealth(Health.DOWN if down else Health.SUSPECT, misses, health.since_s, now + retry_s, why)
        case Seen.CALL_OK:
            after = (
                health if health.state is not Health.SUSPECT else replace(health, state=Health.UP, misses=0, why=why)
            )
        case Seen.CALL_FAILED:
            state = Health.SUSPECT if health.state is Health.UP else health.state
            after = replace(health, state=state, next_probe_s=min(health.next_probe_s, now), why=why)
        case _:
            assert_never(seen)
    return after if after.state is health.state else replace(after, since_s=now)
