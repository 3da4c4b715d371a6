"""The last hours of each machine, as plain figures in a ring: a step for each half minute, forgotten by what comes.

What is not known is NaN here and null to clients. Times are Unix seconds: a clock that is set back writes over what it
had written, one that jumps ahead leaves a gap.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

Figure: TypeAlias = Literal["up", "busy", "waiting", "held_bytes", "tokens_per_s", "cpu_load", "gpu_load", "celsius"]

FIGURES: Final[tuple[Figure, ...]] = (
    "up",
    "busy",
    "waiting",
    "held_bytes",
    "tokens_per_s",
    "cpu_load",
    "gpu_load",
    "celsius",
)
"""``up`` is the share of a step in which the machine served; of ``celsius`` the highest counts, of all others the
mean."""

STEP_S: Final = 30.0
STEPS: Final = 720
"""Six hours."""

_UNKNOWN: Final = math.nan
# A node takes 23 KB; a house of a hundred and more machines has lost the first ones by then.
_MOST_NODES: Final = 128


@dataclass(slots=True)
class _Ring:
    """One node's. ``numbers`` says which step a place holds; its figures are sums until the step is over."""

    numbers: array[int]
    counts: array[int]
    figures: dict[Figure, array[float]]

    @classmethod
    def empty(cls) -> _Ring:
        numbers, counts = array("q", [-1]) * STEPS, array("h", [0]) * STEPS
        return cls(numbers, counts, {each: array("f", [_UNKNOWN]) * STEPS for each in FIGURES})

    def take(self, number: int, sample: Mapping[Figure, float]) -> None:
        place = number % STEPS
        if self.numbers[place] != number:
            self.numbers[place], self.counts[place] = number, 0
            for values in self.figures.values():
                values[place] = _UNKNOWN
        self.counts[place] = count = min(self.counts[place] + 1, 30_000)
        for name, value in sample.items():
            values = self.figures[name]
            before = values[place]
            if math.isnan(before):
                values[place] = value
            elif name == "celsius":
                values[place] = max(before, value)
            else:
                values[place] = before + (value - before) / count

    def value(self, name: Figure, number: int) -> float:
        place = number % STEPS
        return self.figures[name][place] if self.numbers[place] == number else _UNKNOWN


@dataclass(frozen=True, slots=True)
class Series:
    """Figures of equal steps of time. ``since_s`` is when the first begins; each list has one value for a step, None
    where nothing is known."""

    since_s: float
    step_s: float
    figures: Mapping[Figure, Sequence[float | None]]


@dataclass(slots=True)
class History:
    """Owns the rings. Holds no await."""

    _rings: dict[str, _Ring] = field(default_factory=dict[str, _Ring])
    begun_s: float | None = None
    """When the first sample was taken that may be known here; None: none was."""

    def take(self, samples: Mapping[str, Mapping[Figure, float]], now_s: float) -> None:
        """One look at all nodes. Of one that does not know a figure it is left out."""
        number = int(now_s // STEP_S)
        if self.begun_s is None:
            self.begun_s = now_s
        for node, sample in samples.items():
            ring = self._rings.get(node)
            if ring is None:
                self._make_room(number)
                ring = self._rings[node] = _Ring.empty()
            ring.take(number, sample)

    def _make_room(self, number: int) -> None:
        """Forget nodes of which nothing is known any more, and the longest silent one where there are too many."""
        last = {node: max(ring.numbers) for node, ring in self._rings.items()}
        for node, newest in last.items():
            if newest <= number - STEPS:
                del self._rings[node]
        if len(self._rings) >= _MOST_NODES:
            del self._rings[min(self._rings, key=lambda node: last[node])]

    def nodes(self) -> tuple[str, ...]:
        return tuple(self._rings)

    def series(
        self, node: str, *, now_s: float, hours: float, steps: int = 1, figures: Iterable[Figure] = FIGURES
    ) -> Series:
        """The last ``hours`` of a node, ``steps`` steps in one; all None for one that is not known."""
        last = int(now_s // STEP_S)
        wanted = max(1, min(STEPS, math.ceil(hours * 3600 / STEP_S)))
        # Steps of several begin where the clock says, so that the same question later gives the same figures.
        oldest = -(-(last - STEPS + 1) // steps) * steps
        first = max(oldest, (last - wanted + 1) // steps * steps)
        ring = self._rings.get(node)

        def told(name: Figure) -> list[float | None]:
            values = [_UNKNOWN if ring is None else ring.value(name, number) for number in range(first, last + 1)]
            return [_together(name, values[at : at + steps]) for at in range(0, len(values), steps)]

        return Series(first * STEP_S, STEP_S * steps, {name: told(name) for name in figures})

    # --- outliving a restart ---

    def kept(self) -> Mapping[str, Mapping[str, bytes]]:
        """All of it, as bytes by node and figure."""
        return {
            node: {
                "numbers": ring.numbers.tobytes(),
                "counts": ring.counts.tobytes(),
                **{name: values.tobytes() for name, values in ring.figures.items()},
            }
            for node, ring in self._rings.items()
        }

    def recall(self, kept: Mapping[str, Mapping[str, bytes]], now_s: float) -> None:
        """Take what was kept. Nodes whose bytes do not fit, and steps that are to come, are left out."""
        last = int(now_s // STEP_S)
        for node, parts in kept.items():
            ring = _Ring.empty()
            if len(self._rings) >= _MOST_NODES or not _fill(ring, parts):
                continue
            for place, number in enumerate(ring.numbers):
                if number > last:
                    ring.numbers[place] = -1
            self._rings[node] = ring
        known = [number for ring in self._rings.values() for number in ring.numbers if number >= 0]
        if known:
            self.begun_s = min(known) * STEP_S


def _fill(ring: _Ring, parts: Mapping[str, bytes]) -> bool:
    """Whether all of it is there, and as long as it is here."""
    whole: dict[str, array[int] | array[float]] = {"numbers": ring.numbers, "counts": ring.counts}
    whole.update({str(name): values for name, values in ring.figures.items()})
    for part, found in whole.items():
        data = parts.get(part, b"")
        if len(data) != STEPS * found.itemsize:
            return False
        del found[:]
        found.frombytes(data)
    return True


_BIGGEST: Final[Mapping[Figure, Callable[[Sequence[float]], float]]] = {"celsius": max}


def _together(name: Figure, values: Sequence[float]) -> float | None:
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return None
    return _BIGGEST[name](known) if name in _BIGGEST else sum(known) / len(known)
