"""On which engine a model is to be put, or loaded, and why not on the others."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from potluck.core.model import EngineId, EngineKind, Health, NodeId
from potluck.core.sizes import size_words

# A full disk stops more than models: this much stays free for everything else on it.
DISK_RESERVE_BYTES = 500_000_000
# Beside its weights a model takes memory for its context and its buffers.
_OVERHEAD_BYTES = 300_000_000
_OVERHEAD_PART = 8
# A machine with less than this for models runs small ones only: nothing goes there on a guess.
EDGE_BYTES = 8_000_000_000

# Weights in four bits, the usual size, take some 0.6 bytes for each parameter with their scales and embeddings.
_BYTES_PER_PARAMETER = 0.6
_PARAMETERS = re.compile(r"(?:^|[:\-_x])(\d+(?:\.\d+)?)([bm])(?:$|[-_:.])", re.IGNORECASE)


class Why(IntEnum):
    """The outcome for one engine. The larger, the nearer it was to be chosen."""

    NOT_ASKED_FOR = 0
    KEEPS_NONE = 1
    CANNOT_FETCH = 2
    ABSENT = 3
    DOWN = 4
    NO_MEMORY = 5
    UNSURE = 6
    NO_DISK = 7
    FITS = 8


@dataclass(frozen=True, slots=True)
class Place:
    """An engine as somewhere to put a model. Sizes are bytes, None where nobody tells.

    ``keeps``: it lets models come and go; ``fetches``: it can get this one from where it is; ``has`` it already, or
    ``have_bytes`` of it. ``memory_bytes`` is all that models may fill on its node.
    """

    engine: EngineId
    node: NodeId
    kind: EngineKind
    health: Health = Health.UP
    keeps: bool = True
    fetches: bool = True
    has: bool = False
    resident: bool = False
    have_bytes: int = 0
    disk_free_bytes: int | None = None
    memory_bytes: int | None = None
    busy: int = 0


@dataclass(frozen=True, slots=True)
class Wish:
    """``fetch``: the model may have to be fetched; without it, only engines that have it count.

    ``size_bytes`` None: nobody knows. ``guessed``: by the model's name, so it decides nothing that the owner chose.
    """

    model: str
    fetch: bool
    size_bytes: int | None = None
    guessed: bool = False
    node: NodeId | None = None
    engine: EngineId | None = None

    @property
    def chosen(self) -> bool:
        return self.node is not None or self.engine is not None


@dataclass(frozen=True, slots=True)
class Verdict:
    place: Place
    why: Why
    reason: str

    @property
    def fits(self) -> bool:
        return self.why is Why.FITS


def judge(wish: Wish, places: Iterable[Place]) -> tuple[Verdict, ...]:
    """A verdict for every place: those that fit first, the best of them at the head, then the nearest misses."""
    verdicts = [_verdict(wish, place) for place in places]
    return tuple(sorted(verdicts, key=lambda verdict: (-verdict.why, _rank(verdict.place))))


def guess_bytes(name: str) -> int | None:
    """A model's size by what its name says of its parameters; None if it says nothing.

    >>> guess_bytes("qwen2.5-coder:32b")
    19200000000
    """
    found = _PARAMETERS.findall(name)
    if not found:
        return None
    number, unit = found[-1]
    return round(float(number) * (1e9 if unit.lower() == "b" else 1e6) * _BYTES_PER_PARAMETER)


def memory_needed(size_bytes: int) -> int:
    """What a model of that size on disk takes in memory, with a context to work in."""
    return size_bytes + max(size_bytes // _OVERHEAD_PART, _OVERHEAD_BYTES)


def _rank(place: Place) -> tuple[bool, bool, bool, int, int]:
    """What is there already is not fetched twice; an engine of its own outdoes the embedded one; then the larger."""
    return (not place.resident, not place.has, place.kind is EngineKind.LOCAL, -(place.memory_bytes or 0), place.busy)


def _verdict(wish: Wish, place: Place) -> Verdict:
    """1. Is it meant? 2. Can it have the model at all? 3. Is it well? 4. Is there memory, and disk, for it?"""
    missing = _meant(wish, place) or _able(wish, place) or _memory(wish, place) or _disk(wish, place)
    return Verdict(place, *(missing or _good(place)))


_Finding = tuple[Why, str]


def _meant(wish: Wish, place: Place) -> _Finding | None:
    if wish.node not in (None, place.node) or wish.engine not in (None, place.engine):
        return Why.NOT_ASKED_FOR, "another was asked for"
    return None


def _able(wish: Wish, place: Place) -> _Finding | None:
    if not place.keeps:
        return Why.KEEPS_NONE, "it does not let models come and go"
    if not place.has and not wish.fetch:
        return Why.ABSENT, "it does not have the model"
    if not place.has and not place.fetches:
        return Why.CANNOT_FETCH, "it cannot fetch models from there"
    if place.health is not Health.UP:
        return Why.DOWN, f"it is {place.health.value}"
    return None


def _memory(wish: Wish, place: Place) -> _Finding | None:
    if place.memory_bytes is None or place.resident:
        return None
    if wish.size_bytes is None:
        if place.memory_bytes < EDGE_BYTES and not wish.chosen and not place.has:
            return Why.UNSURE, f"it has {size_words(place.memory_bytes)} of memory, and the model's size is not known"
        return None
    needed = memory_needed(wish.size_bytes)
    if needed > place.memory_bytes and not (wish.guessed and wish.chosen):
        there, wanted = size_words(place.memory_bytes), f"{'about ' if wish.guessed else ''}{size_words(needed)}"
        return Why.NO_MEMORY, f"it has {there} of memory, {wanted} are needed"
    return None


def _disk(wish: Wish, place: Place) -> _Finding | None:
    if place.has or place.disk_free_bytes is None or wish.size_bytes is None or wish.guessed:
        return None
    needed = max(0, wish.size_bytes - place.have_bytes) + DISK_RESERVE_BYTES
    if needed > place.disk_free_bytes:
        free = size_words(place.disk_free_bytes)
        return Why.NO_DISK, f"its disk has {free} free, {size_words(needed)} are needed"
    return None


def _good(place: Place) -> _Finding:
    if place.resident:
        return Why.FITS, "it has the model in memory"
    if place.has:
        return Why.FITS, "it has the model"
    return Why.FITS, f"it has {size_words(place.memory_bytes)} of memory" if place.memory_bytes else "it can keep it"
