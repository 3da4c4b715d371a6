"""Answers that do not hang on their client: which are given up, what a crash makes of them, what is told of them.

Times are seconds, all of one clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

from potluck.core.answer import Event, Reasoning, Text
from potluck.core.model import KeyId

# Twice: once for a crash that had nothing to do with this answer, once more for bad luck. What has killed the gateway
# three times would do so for ever.
TRIES = 2
# An estimate that differs by less is the same to who waits.
_ETA_STEP_S = 5.0
_ETA_STEP_SHARE = 0.25


class Unfinished(StrEnum):
    """What the owner wants done with answers that a crash or a stop cut."""

    CONTINUE = "continue"
    INTERRUPT = "interrupt"


@dataclass(frozen=True, slots=True)
class Bounds:
    """``alone_s`` is how long an answer goes on that nobody reads, ``alone_per_key`` how many such a key may have.
    ``unfinished_within_s``: what was cut longer ago is not gone on with. Logs of those that have ended are kept for
    ``keep_s``, ``keep_bytes`` in all."""

    alone_s: float = 600.0
    alone_per_key: int = 4
    unfinished: Unfinished = Unfinished.CONTINUE
    unfinished_within_s: float = 900.0
    keep_s: float = 3600.0
    keep_bytes: int = 64_000_000


# --- Given up --------------------------------------------------------------------------------------------------------


class Unread(NamedTuple):
    """An answer under way that nobody reads, since ``since_s``."""

    id: str
    key: KeyId
    since_s: float


def given_up(unread: Iterable[Unread], bounds: Bounds, now_s: float) -> tuple[str, ...]:
    """The ids of those that are to be stopped: left for too long, or beyond the number that a key may have, of which
    those stay that were left last."""
    found: list[str] = []
    left: dict[KeyId, int] = {}
    for each in sorted(unread, key=lambda each: (-each.since_s, each.id)):
        left[each.key] = left.get(each.key, 0) + 1
        if now_s - each.since_s >= bounds.alone_s or left[each.key] > bounds.alone_per_key:
            found.append(each.id)
    return tuple(found)


class EndedLog(NamedTuple):
    """The log of an answer that has ended."""

    id: str
    ended_s: float
    size_bytes: int


def forgotten(kept: Iterable[EndedLog], bounds: Bounds, now_s: float) -> tuple[str, ...]:
    """The ids of those that are kept no longer: the old ones, and the oldest where all together are too large."""
    found: list[str] = []
    total = 0
    for each in sorted(kept, key=lambda each: (-each.ended_s, each.id)):
        total += each.size_bytes
        if now_s - each.ended_s >= bounds.keep_s or total > bounds.keep_bytes:
            found.append(each.id)
    return tuple(found)


# --- After a crash ---------------------------------------------------------------------------------------------------


class Fate(StrEnum):
    """``SETTLE``: it had ended, and only that was not written down everywhere."""

    SETTLE = "settle"
    CONTINUE = "continue"
    INTERRUPT = "interrupt"


@dataclass(frozen=True, slots=True)
class Found:
    """An answer in the log that did not come to its end. ``tries`` is how often it was gone on with already;
    ``goes_on``: it was to outlast its client; ``welcome``: the key still counts."""

    ended: bool
    goes_on: bool
    welcome: bool
    tries: int
    age_s: float


def fate(found: Found, bounds: Bounds) -> Fate:
    """What becomes of it."""
    if found.ended:
        return Fate.SETTLE
    wanted = bounds.unfinished is Unfinished.CONTINUE and found.goes_on and found.welcome
    young = found.age_s <= bounds.unfinished_within_s
    return Fate.CONTINUE if wanted and young and found.tries < TRIES else Fate.INTERRUPT


# --- What is told ----------------------------------------------------------------------------------------------------


class Frame(NamedTuple):
    """Text that came together. ``pieces`` is how many events of the engine's it was: about as many tokens."""

    text: str
    pieces: int
    reasoning: bool


def frames(events: Iterable[Event]) -> Iterator[Frame]:
    """The text of events, neighbours of one kind joined; all else left out."""
    spoken = [event for event in events if isinstance(event, Text | Reasoning) and event.text]
    for reasoning, group in groupby(spoken, lambda event: isinstance(event, Reasoning)):
        texts = [event.text for event in group]
        yield Frame("".join(texts), len(texts), reasoning)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a call stands. ``position`` is its place in line, None for one that does not wait; ``node`` is empty where
    it has no seat; ``way`` is how an engine goes on with what another one began."""

    position: int | None = None
    eta_s: float = 0.0
    node: str = ""
    attempts: int = 1
    way: str = ""


class Step(StrEnum):
    QUEUED = "queued"
    SEATED = "seated"
    RESCUED = "rescued"


def steps(before: Standing | None, now: Standing, *, began: bool) -> Sequence[Step]:
    """What is worth telling of where a call stands ``now``, if ``before`` was told last. ``began``: the answer has."""
    before = before or Standing()
    if now.position is not None:
        return (Step.QUEUED,) if _moved(before, now) else ()
    seat = (now.node, now.attempts)
    if began:
        return (Step.RESCUED,) if now.node and now.way and (*seat, now.way) != _told(before) else ()
    return (Step.SEATED,) if now.node and seat != (before.node, before.attempts) else ()


def _told(before: Standing) -> tuple[str, int, str]:
    return before.node, before.attempts, before.way


def _moved(before: Standing, now: Standing) -> bool:
    if now.position != before.position:
        return True
    return abs(now.eta_s - before.eta_s) > max(_ETA_STEP_S, _ETA_STEP_SHARE * before.eta_s)
