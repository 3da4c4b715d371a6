"""What is counted, as plain numbers. `exposition` makes them into what Prometheus may read at ``/metrics``.

The client library's counters lock and look up their labels, which costs more than the rest of a call's account; and
importing it takes 7 % of a start.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import Final

from potluck.core.scheduling.classes import Kind
from potluck.gateway.files import Standing
from potluck.gateway.last_minute import LastMinute
from potluck.storage.records import RequestRecord

SECONDS: Final = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 40, 90, 180, 600)
"""The upper bounds of `Durations`."""

# Engines name their models, and one that names others with every look must not fill the memory: what comes after so
# many is counted under no name.
_MOST_PLACES: Final = 2_000
_NO_FAILURES: Final = frozenset({"ok", "cancelled", "slower"})


class Durations:
    """A histogram over `SECONDS`: how many values fell up to each bound and not the one before, and their sum."""

    __slots__ = ("counts", "sum_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(SECONDS) + 1)
        self.sum_s = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(SECONDS, seconds)] += 1
        self.sum_s += seconds


class AnswerCounts:
    """Of native answers, which belong to the service and not to a request."""

    __slots__ = ("ended", "found")

    def __init__(self) -> None:
        self.ended: dict[tuple[str, str], int] = {}
        """By state, and why one was interrupted."""
        self.found: dict[str, int] = {}
        """What a start found unfinished, by what became of it."""

    def end(self, state: str, why: str = "") -> None:
        self.ended[state, why] = self.ended.get((state, why), 0) + 1

    def find(self, fate: str) -> None:
        self.found[fate] = self.found.get(fate, 0) + 1


class Metrics:
    """All that one process counts. What is looked up when somebody reads is a function here."""

    def __init__(self) -> None:
        self.calls: dict[tuple[str, str, str], int] = {}
        """By dialect, node and outcome."""
        self.tokens: dict[tuple[str, str], tuple[int, int]] = {}
        """Of prompts and of completions, by node and model."""
        self.worked: dict[tuple[str, str], tuple[float, float]] = {}
        """Seconds of engines, and joules where they are measured, by node and model."""
        self.queues = [Durations() for _ in Kind]
        """Of waits in line, by the class's ``place``."""
        self.last_minute = LastMinute()
        self.first_byte = Durations()
        self.total = Durations()
        self.failed_attempts = 0
        self.rescues: dict[str, int] = {}
        """Answers whose engine broke after the first byte, by what became of them."""
        self.hedges: dict[str, int] = {}
        """Second attempts beside first ones, by what became of them."""
        self.drills: dict[tuple[str, str], int] = {}
        """By their way and what came of them."""
        self.limits: dict[tuple[str, str], int] = {}
        """Calls refused by a limit, by whose it was (user, key, role, route) and which."""
        self.answers = AnswerCounts()
        self.answering: Callable[[], int] = _none
        self.lost_records = 0
        self.waiting: Callable[[], int] = _none
        self.owed_bytes: Callable[[], int] = _none
        self.files: Callable[[], Standing] = Standing
        self.running: Callable[[], int] = _none
        self.connections: Callable[[], int] = _none

    def call(self, record: RequestRecord, now_s: float, kind: Kind | None = None) -> None:
        """Count a call that has ended at ``now_s`` (Unix seconds), or without ``kind`` a request that never was one."""
        node = record.node or ""
        key = (record.family, node, record.status)
        self.calls[key] = self.calls.get(key, 0) + 1
        if record.served_model is not None:
            place: tuple[str, str] = (node, record.served_model)
            if place not in self.tokens and len(self.tokens) >= _MOST_PLACES:
                place = (node, "")
            prompt, completion = self.tokens.get(place, (0, 0))
            self.tokens[place] = (prompt + record.prompt_tokens, completion + record.completion_tokens)
            seconds, joules = self.worked.get(place, (0.0, 0.0))
            self.worked[place] = (seconds + record.engine_s, joules + (record.energy_j or 0.0))
        if kind is not None:
            self.queues[kind.place].add(record.queue_s)
        self.last_minute.add(record.status, record.completion_tokens, now_s, node)
        if record.first_byte_s is not None:
            self.first_byte.add(record.first_byte_s)
        self.total.add(record.total_s)
        if len(record.attempts) > 1 or record.error:
            self.failed_attempts += sum(attempt.outcome not in _NO_FAILURES for attempt in record.attempts)

    def rescued(self, outcome: str) -> None:
        """Count an answer whose engine broke after the first byte."""
        self.rescues[outcome] = self.rescues.get(outcome, 0) + 1

    def limited(self, whose: str, limit: str) -> None:
        """Count a call that was refused by a limit."""
        self.limits[whose, limit] = self.limits.get((whose, limit), 0) + 1

    def hedged(self, outcome: str) -> None:
        """Count a second attempt that was begun beside a first one."""
        self.hedges[outcome] = self.hedges.get(outcome, 0) + 1


def _none() -> int:
    return 0
