"""What comes of an ask: how far a picture is, and what is known of it once it is drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from potluck.core.model import EngineKind
from potluck.core.pictures.ask import ImageId, PictureAsk


@dataclass(frozen=True, slots=True)
class Progress:
    """How far picture ``index`` of its ask is. ``preview`` is an image (JPEG or PNG), empty for none since the last;
    it is for the owner of the ask alone. ``steps`` 0: nobody knows how many. ``eta_s`` is until the picture is there,
    None for unknown. ``what`` says in a word what happens: ``queued``, ``loading``, ``drawing``, ``upscaling``."""

    step: int = 0
    steps: int = 0
    index: int = 0
    eta_s: float | None = None
    what: str = "drawing"
    preview: bytes = b""

    @property
    def share(self) -> float:
        """Of this picture, from 0 to 1."""
        return min(1.0, self.step / self.steps) if self.steps else 0.0


@dataclass(frozen=True, slots=True)
class Drawn:
    """A finished picture as an engine gives it: the file's bytes as they came, metadata and all."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Picture:
    """What is kept of a finished picture. ``image`` is the file that holds it; ``ask`` is complete (`fitting.filled`),
    with the picture's own seed and the prompt as it was drawn: asked again, it gives the same picture.

    ``model_hash`` is the checkpoint's short hash. ``seconds`` is from the engine's beginning to the last byte.
    ``width`` and ``height`` are the picture's own, in pixels. ``index`` is its place in the job.
    """

    index: int
    image: ImageId
    ask: PictureAsk
    width: int
    height: int
    model_hash: str = ""
    node: str = ""
    engine: str = ""
    kind: EngineKind = EngineKind.COMFYUI
    seconds: float = 0.0
    media_type: str = "image/png"
    size_bytes: int = 0
    sha256: str = ""


# What is late is not there in the next instant: a tenth of what it has taken, as in line (`placing`).
_LATE: Final = 0.1


def guessed(told: Progress, passed_s: float, whole_s: float) -> Progress:
    """How far a picture is on an engine that only tells that it draws: by how long such pictures take there.

    >>> guessed(Progress(0, 20), 3.0, 12.0)
    Progress(step=5, steps=20, index=0, eta_s=9.0, what='drawing', preview=b'')
    """
    left_s = max(whole_s - passed_s, _LATE * passed_s)
    step = int(told.steps * passed_s / (passed_s + left_s)) if passed_s > 0 else 0
    return replace(told, step=step, eta_s=left_s)


def megapixel_steps(ask: PictureAsk) -> float:
    """How much work a complete ask is: megapixels times steps, hires fix counted at its own size.

    An upscale has no steps; its megapixels as they leave count as one step each. What has the size of an image that
    nobody has looked at yet counts as one megapixel.
    """
    megapixels = ask.width * ask.height / 1e6 or 1.0
    if ask.upscale:
        return megapixels * ask.upscale.scale**2
    work = megapixels * ask.steps * (ask.denoise if ask.init else 1.0)
    if ask.hires:
        work += megapixels * ask.hires.scale**2 * (ask.hires.steps or ask.steps) * ask.hires.denoise
    return work
