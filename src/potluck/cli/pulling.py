"""How a pull looks while it runs: a bar with bytes, rate and time left on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from potluck.cli.client import decoded, error_words
from potluck.cli.failure import ServiceError
from potluck.cli.output import duration, note, size
from potluck.cli.progress import Progress
from potluck.surfaces.v1.model_shapes import PullDone, PullPlaced, PullProgress
from potluck.wire.sse import ServerEvent

_BAR_CELLS: Final = 20
# Where nothing can be drawn over, a line for each tenth is enough to see that it goes on.
_STEP_PERCENT: Final = 10

# A part of the model comes; other steps have words of their own. `pulling manifest` has no size.
_FETCHING: Final = "pulling "

HOW_TO_RESUME: Final = "What is here is kept: pull again, and it goes on from there."


@dataclass(slots=True)
class PullView:
    """Shows one pull. ``progress`` is hidden again whenever something is to stay on the screen."""

    progress: Progress
    _told: str = ""
    _license: str = ""
    _tenth: int = -1

    def follow(self, events: Iterable[ServerEvent]) -> PullDone:
        """Show the events and return the last. Raises `ServiceError` for an error, and if they break off."""
        for event in events:
            match event.name:
                case "placed":
                    self._placed(decoded(event.data, PullPlaced))
                case "progress":
                    self._show(decoded(event.data, PullProgress))
                case "done":
                    return decoded(event.data, PullDone)
                case "error":
                    message, hint = error_words(event.data)
                    raise ServiceError(message or "The pull failed.", hint=hint)
                case _:
                    continue
        raise ServiceError("The download broke off.", hint=HOW_TO_RESUME)

    def _placed(self, placed: PullPlaced) -> None:
        self._stay(f"To {placed.node} ({placed.engine.partition('/')[2] or placed.engine}): {placed.reason}.")

    def _show(self, step: PullProgress) -> None:
        if step.license and step.license != self._license:
            self._license = step.license
            self._stay(f"Licence: {step.license}")
        if step.status.startswith("license "):
            return
        if self.progress.terminal:
            self.progress.show(bar(step))
        else:
            self._line(step)

    def _line(self, step: PullProgress) -> None:
        tenth = percent(step) // _STEP_PERCENT if step.total else -1
        if (step.status, tenth) != (self._told, self._tenth):
            self._told, self._tenth = step.status, tenth
            self.progress.show(plain(step))

    def _stay(self, text: str) -> None:
        self.progress.hide()
        note(text)


def percent(step: PullProgress) -> int:
    """How much is here, of 100; 0 if nobody knows how much it is."""
    return min(100, step.bytes * 100 // step.total) if step.total else 0


def plain(step: PullProgress) -> str:
    """The step in words.

    >>> plain(PullProgress("pulling 0123", 1_000_000_000, 4_000_000_000, 50_000_000.0, 60.0, "agx0", "agx0/ollama"))
    'pulling 0123  25%  1.0 GB of 4.0 GB  50.0 MB/s  1m 0s left'
    """
    words = [step.status]
    if not step.status.startswith(_FETCHING):
        return step.status
    if step.total:
        words += [f"{percent(step)}%", f"{size(step.bytes)} of {size(step.total)}"]
    elif step.bytes:
        words.append(size(step.bytes))
    if moving(step) and step.rate:
        words.append(f"{size(round(step.rate))}/s")
    if moving(step) and step.eta_s is not None:
        words.append(f"{duration(step.eta_s)} left")
    return "  ".join(words)


def bar(step: PullProgress) -> str:
    """The same with a bar, where it is known how much there is to come."""
    if not moving(step):
        return plain(step)
    full = percent(step) * _BAR_CELLS // 100
    return f"{'█' * full}{'░' * (_BAR_CELLS - full)} " + plain(step).partition("  ")[2]


def moving(step: PullProgress) -> bool:
    """Whether bytes come now: not before, nor while they are checked."""
    return step.status.startswith(_FETCHING) and bool(step.total) and step.bytes < (step.total or 0)
