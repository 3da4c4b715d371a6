"""How far one prompt is, from what is heard of it."""

from __future__ import annotations

from dataclasses import dataclass

from potluck.core.pictures.outcome import Progress
from potluck.wire.comfyui.messages import Message, What

_ENDS = frozenset({What.ENDED, What.FAILED, What.STOPPED, What.DONE})


@dataclass(slots=True)
class Tracker:
    """``prompt`` is ours, ``total`` the steps of all its samplers together, 0 where only the engine knows.

    One prompt is drawn at a time, so a preview that does not tell whose it is is ours while ours is ``drawing``.
    """

    prompt: str
    total: int
    drawing: bool = False
    ended: bool = False
    _done: int = 0
    _step: int = 0
    _most: int = 0

    def take(self, message: Message) -> Progress | None:
        """A message; None for one that tells nothing new of ours."""
        if message.prompt != self.prompt:
            self.drawing = self.drawing and message.what is not What.BEGAN
            return None
        if message.what in _ENDS:
            self.ended, self.drawing = True, False
            return None
        began, self.drawing = not self.drawing, True
        if message.what is What.STEP:
            self._advance(message.step, message.steps)
            return self._now()
        return Progress(0, self.total, what="loading") if began else None

    def preview(self, image: bytes) -> Progress | None:
        return self._now(image) if self.drawing else None

    def _advance(self, step: int, most: int) -> None:
        """Counts that begin anew are another sampler's, or an upscaler's tiles."""
        if step <= self._step or most != self._most:
            self._done += self._most if self._step >= self._most else 0
        self._step, self._most = step, most

    def _now(self, preview: bytes = b"") -> Progress:
        total = self.total or self._most
        return Progress(min(self._done + self._step, total), total, preview=preview)
