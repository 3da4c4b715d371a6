"""Embeddings made shorter, for engines that give every number they have."""

from __future__ import annotations

import math
from collections.abc import Sequence

from potluck.core.answer import Event, Vector


class Shortened:
    """Cuts every vector to its first ``dimensions`` numbers and brings it back to length 1, as Ollama does.

    Only a model made for it (Matryoshka) keeps its meaning so; which one that is, its engine does not tell.
    """

    def __init__(self, dimensions: int, *, normalised: bool) -> None:
        self._dimensions = dimensions
        self._normalised = normalised

    def feed(self, events: Sequence[Event]) -> list[Event]:
        return [self._short(event) if isinstance(event, Vector) else event for event in events]

    def end(self) -> list[Event]:
        return []

    def _short(self, vector: Vector) -> Vector:
        values = vector.values[: self._dimensions]
        length = math.hypot(*values) if self._normalised else 0.0
        return Vector(vector.index, tuple(value / length for value in values) if length else values)
