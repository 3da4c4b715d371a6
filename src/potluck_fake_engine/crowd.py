"""One processor among all who read and write on it (`--shared`). No clock, no I/O.

Models share it evenly. Within a model readers share the reading, each neighbour slows a writer by the model's
``batching``, and reading and writing hinder each other.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

# How much longer a prompt takes while others write, and a token while others read.
READING_CROWD = 4 / 3
WRITING_CROWD = 1.5


@dataclass(slots=True, eq=False)
class Worker:
    """A call under way. ``prefill`` and ``decode`` are its model's tokens per second, alone; 0 = at once."""

    model: str
    prefill: float
    decode: float
    batching: float
    reading: bool = True


def pace(worker: Worker, working: Collection[Worker]) -> float:
    """Tokens per second of one of those ``working`` now; 0 = at once."""
    rate = worker.prefill if worker.reading else worker.decode
    if rate <= 0:
        return 0.0
    own = [each for each in working if each.model == worker.model]
    readers = sum(each.reading for each in own)
    writers = len(own) - readers
    if worker.reading:
        crowd = readers * (READING_CROWD if writers else 1.0)
    else:
        crowd = (1 + worker.batching * (writers - 1)) * (WRITING_CROWD if readers else 1.0)
    return rate / crowd / len({each.model for each in working})
