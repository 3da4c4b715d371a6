"""How a download goes: what is here, how fast it comes, how long it will take. Samples in, figures out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import exp

# A home's line swings from second to second; over five of them it is what a person would call its speed.
_SMOOTHED_S = 5.0
# Closer samples than this measure the buffers on the way, not the line.
_SHORTEST_S = 0.2


@dataclass(frozen=True, slots=True)
class Transfer:
    """The parts of one download, each with its completed and total bytes, and the rate at which they come.

    ``rate`` is bytes per second, None until it was measured. What was here before the first sample does not count.
    """

    parts: Mapping[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    rate: float | None = None
    measured_bytes: int = 0
    measured_s: float | None = None

    @property
    def completed(self) -> int:
        return sum(completed for completed, _ in self.parts.values())

    @property
    def total(self) -> int:
        """Of the parts that were told of so far; 0 if nobody knows."""
        return sum(total for _, total in self.parts.values())

    @property
    def eta_s(self) -> float | None:
        if not self.rate or not self.total:
            return None
        return max(0, self.total - self.completed) / self.rate


def advance(transfer: Transfer, part: str, completed: int, total: int, now: float) -> Transfer:
    """The transfer after one more sample of one part. ``now`` is monotonic seconds."""
    new = part not in transfer.parts
    after = replace(transfer, parts={**transfer.parts, part: (max(0, completed), max(0, total))})
    if transfer.measured_s is None:
        return replace(after, measured_bytes=after.completed, measured_s=now)
    if new:  # what is here of a part that is first heard of did not come just now
        after = replace(after, measured_bytes=after.measured_bytes + after.parts[part][0])
    span_s = now - transfer.measured_s
    if span_s < _SHORTEST_S:
        return after
    came = (after.completed - after.measured_bytes) / span_s
    if came < 0:  # it began anew
        return replace(after, measured_bytes=after.completed, measured_s=now)
    weight = 1.0 if after.rate is None else 1.0 - exp(-span_s / _SMOOTHED_S)
    rate = came if after.rate is None else after.rate + weight * (came - after.rate)
    return replace(after, rate=rate, measured_bytes=after.completed, measured_s=now)
