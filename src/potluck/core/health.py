"""An engine's health from what was seen of it: probes, the calls themselves, and its owner's word.

Not what a server's front page says: `/` answers while a GPU hangs. Every answer, error and byte of a call counts, and a
probe is the engine's own list of models. An engine whose probes go well while its calls keep failing is avoided: it is
quick, its queue is short, and it would draw calls to it. After a pause that doubles each time it is on trial, with one
call at a time, and a good one clears it. No number of failed calls takes an engine down by itself: else a caller with
calls that no engine can answer could take a fleet from everybody. Where there is no better one, it is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from potluck.core.model import Health

# Two misses, not one: Wi-Fi drops a packet now and then, and a false DOWN costs a model reload (tens of seconds)
# where a late one costs one retry.
MISSES_TO_DOWN = 2
# A node that reboots is back within a minute; asking every second at first finds it soon and costs nothing.
FIRST_RETRY_S = 1.0
# A good probe forgives one failed call, which may have been an odd one. From the second in a row on only a good call
# does, or a long time without any.
SHUNNED_FROM = 2
# An engine that has no memory for a moment is back in time for the next call; one that fails for an hour costs two
# dozen calls a second attempt.
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 300.0
MOST_FAILURES = 8
# Nobody called it for so long after its pause: what was wrong is no news any more.
FORGOTTEN_S = 600.0
# How soon an engine is looked at again that is well by its probes but not by its calls.
DOUBTED_S = 5.0
# Calls wait for it, and a look costs next to nothing.
LOADING_S = 1.0
# Pauses differ by up to a tenth each way, so that forty engines that came up together are not asked in one instant.
JITTER = 0.1


class Seen(StrEnum):
    """What happened. ``CALL_FAILED`` is the engine's fault, never the client's. ``BYTES``: a probe was missed, but
    meanwhile calls' answers went on coming. ``LOADING``: it says that it is not ready yet, but will be. ``DRAINED`` and
    ``RESUMED`` are the owner's word."""

    PROBE_OK = "probe ok"
    PROBE_MISSED = "probe missed"
    CALL_OK = "call ok"
    CALL_FAILED = "call failed"
    BYTES = "bytes"
    LOADING = "loading"
    DRAINED = "drained"
    RESUMED = "resumed"


_UNKNOWN, _UP, _SUSPECT = Health.UNKNOWN, Health.UP, Health.SUSPECT
_DOWN, _DRAINING = Health.DOWN, Health.DRAINING
_ROWS = (
    # state       probe ok   missed     call ok    failed     bytes      loading    drained    resumed
    (_UNKNOWN, (_UP, _DOWN, _UNKNOWN, _UNKNOWN, _UNKNOWN, _SUSPECT, _UNKNOWN, _UNKNOWN)),
    (_UP, (_UP, _SUSPECT, _UP, _SUSPECT, _UP, _SUSPECT, _DRAINING, _UP)),
    (_SUSPECT, (_UP, _SUSPECT, _UP, _SUSPECT, _SUSPECT, _SUSPECT, _DRAINING, _UP)),
    (_DOWN, (_UP, _DOWN, _DOWN, _DOWN, _DOWN, _SUSPECT, _DOWN, _DOWN)),
    (_DRAINING, (_DRAINING, _DRAINING, _DRAINING, _DRAINING, _DRAINING, _DRAINING, _DRAINING, _UP)),
)
TABLE: Mapping[Health, Mapping[Seen, Health]] = {state: dict(zip(Seen, row, strict=True)) for state, row in _ROWS}
"""From a state by what was seen to the next one, before `_settled` looks at what was counted."""


@dataclass(frozen=True, slots=True)
class EngineHealth:
    """``next_probe_s`` is on the same clock as the ``now`` that `step` is given.

    ``misses`` are probes missed in a row. ``failures`` are calls that failed, less those that went well since; such as
    ran at one time count once. ``failed_s`` is when the last of them did, and ``failure`` what it said. ``doubted``:
    none went well since. ``trial``: its pause is over. ``drained``: the owner wants nothing new to start there, also
    after the engine was away. ``loading``: calls wait for it.
    """

    state: Health = Health.UNKNOWN
    misses: int = 0
    since_s: float = 0.0
    next_probe_s: float = 0.0
    why: str = "not looked at yet"
    failures: int = 0
    failed_s: float = float("-inf")
    failure: str = ""
    doubted: bool = False
    trial: bool = False
    drained: bool = False
    loading: bool = False

    @property
    def shunned(self) -> bool:
        """Its calls keep failing: others are asked first."""
        return self.doubted and self.failures >= SHUNNED_FROM

    @property
    def again_s(self) -> float:
        """When it is on trial, for one whose calls keep failing."""
        return self.failed_s + _pause_s(self.failures)


def step(
    health: EngineHealth,
    seen: Seen,
    why: str,
    *,
    now: float,
    interval_s: float,
    chance: float = 0.5,
    began_s: float | None = None,
) -> EngineHealth:
    """The health after one more observation; ``why`` says it in words for the owner, ``chance`` (0 to 1) jitters.
    ``began_s`` is when the call that was seen began, now if it is left out.
    """
    counted = _counted(health, seen, why, now, now if began_s is None else began_s)
    state = _settled(TABLE[health.state][seen], counted)
    if state is Health.DOWN:  # whatever comes back is another server than the one whose calls failed
        counted = _cleared(counted)
    after = replace(counted, state=state, next_probe_s=_next_probe_s(counted, seen, state, now, interval_s, chance))
    if after == health:
        return health
    tells = state not in (Health.UNKNOWN, Health.DOWN) or seen in (Seen.PROBE_OK, Seen.PROBE_MISSED)
    return replace(after, why=why if tells else health.why, since_s=health.since_s if state is health.state else now)


def _counted(health: EngineHealth, seen: Seen, why: str, now: float, began_s: float) -> EngineHealth:
    match seen:
        case Seen.PROBE_OK:
            return _forgiven(replace(health, misses=0, loading=False), now)
        case Seen.PROBE_MISSED:
            return replace(health, misses=health.misses + 1, loading=False)
        case Seen.CALL_OK if health.state is not Health.DOWN:
            return _proved(replace(health, misses=0, loading=False), began_s)
        case Seen.LOADING:
            return replace(health, misses=0, loading=True)
        case Seen.CALL_FAILED:
            return _failed(health, why, now, began_s)
        case Seen.DRAINED:
            return replace(health, drained=True)
        case Seen.RESUMED:
            return _cleared(replace(health, drained=False))
        case Seen.BYTES | Seen.CALL_OK:
            return health
        case _:
            assert_never(seen)


def _failed(health: EngineHealth, why: str, now: float, began_s: float) -> EngineHealth:
    """A dozen calls that one fault ends are one failure: those that began before it say nothing new."""
    if began_s < health.failed_s:
        return health
    failures = min(MOST_FAILURES, health.failures + 1)
    return replace(health, failures=failures, failed_s=now, failure=why, doubted=True, trial=False)


def _proved(health: EngineHealth, began_s: float) -> EngineHealth:
    """A call went well. One that began before the last failure says nothing of what came after it. What failed before
    is forgotten call by call: an engine that fails now and then is avoided for longer each time."""
    if not health.failures or began_s < health.failed_s:
        return health
    return replace(health, failures=health.failures - 1, doubted=False, trial=False)


def _forgiven(health: EngineHealth, now: float) -> EngineHealth:
    """An engine that lists its models may be well; one whose calls keep failing has to show it."""
    if not health.doubted:
        return health
    if not health.shunned:
        return replace(health, doubted=False)
    if now >= health.again_s + FORGOTTEN_S:
        return _cleared(health)
    return health if now < health.again_s or health.trial else replace(health, trial=True)


def _cleared(health: EngineHealth) -> EngineHealth:
    return replace(health, failures=0, failed_s=float("-inf"), failure="", doubted=False, trial=False)


def _pause_s(failures: int) -> float:
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * float(2 ** max(0, failures - SHUNNED_FROM)))


def _settled(state: Health, counted: EngineHealth) -> Health:
    """1. Missed too often: down. 2. Drained is drained, however well it is. 3. In doubt: not up yet."""
    if state in (Health.UNKNOWN, Health.DOWN):
        return state
    if counted.misses >= MISSES_TO_DOWN:
        return Health.DOWN
    if counted.drained:
        return Health.DRAINING
    return Health.SUSPECT if counted.misses or counted.doubted or counted.loading else state


def _next_probe_s(
    counted: EngineHealth, seen: Seen, state: Health, now: float, interval_s: float, chance: float
) -> float:
    """Soon after trouble, then with back-off up to the ordinary interval.

    After a failed call at once, and less so after more of them: a hundred calls that fail together ask for no hundred
    probes.
    """
    jitter = 1 + JITTER * (2 * chance - 1)
    match seen:
        case Seen.PROBE_OK:
            return now + jitter * (min(DOUBTED_S, interval_s) if counted.doubted else interval_s)
        case Seen.PROBE_MISSED:
            return now + jitter * _backed_off_s(counted.misses, interval_s)
        case Seen.BYTES:
            return now + jitter * interval_s
        case Seen.LOADING:
            return now + jitter * min(LOADING_S, interval_s)
        case Seen.CALL_FAILED:
            soon_s = now if counted.failures <= 1 else now + _backed_off_s(counted.failures - 1, interval_s)
            return min(counted.next_probe_s, soon_s)
        case Seen.CALL_OK if state is Health.DOWN:  # it is said to be down, and answers: look whether it is
            return min(counted.next_probe_s, now)
        case Seen.CALL_OK | Seen.DRAINED | Seen.RESUMED:
            return counted.next_probe_s
        case _:
            assert_never(seen)


def _backed_off_s(times: int, interval_s: float) -> float:
    return min(FIRST_RETRY_S * float(2 ** min(times - 1, 30)), interval_s)
