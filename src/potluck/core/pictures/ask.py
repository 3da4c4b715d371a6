"""What is asked for, in no dialect: the frozen records that surfaces make and engines' backends read.

Units: lengths in pixels, seeds from 0 to `LAST_SEED`, fractions from 0 to 1. Images that go in are named by the ids of
files (`core.files`) and travel beside the ask. A zero, an empty text or -1 leaves a value to the engine, or to us.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, NewType

ImageId = NewType("ImageId", str)
"""A kept file's id (``file-…``) that holds an image."""

LAST_SEED: Final = 2**32 - 1
"""A1111 draws and shows no larger one; ComfyUI's go on to 2^64, but then the other engine could not repeat it."""

ANY_SEED: Final = -1


class Task(StrEnum):
    """What is to be done. Hires fix, ControlNet and LoRAs come on top of all that generate."""

    TXT2IMG = "txt2img"
    IMG2IMG = "img2img"
    INPAINT = "inpaint"
    OUTPAINT = "outpaint"
    UPSCALE = "upscale"


class Resize(StrEnum):
    """How an image that goes in is brought to the ask's size: distorted, cut, or with bars that repeat its edges."""

    STRETCH = "stretch"
    CROP = "crop"
    PAD = "pad"


class Masked(StrEnum):
    """What stands under the mask when drawing begins (A1111's ``inpainting_fill`` 0 to 3)."""

    BLURRED = "blurred"
    ORIGINAL = "original"
    NOISE = "noise"
    NOTHING = "nothing"


class ControlKind(StrEnum):
    """What a control image shows."""

    CANNY = "canny"
    DEPTH = "depth"
    POSE = "pose"
    SCRIBBLE = "scribble"


MAPPED_HERE: Final = frozenset({ControlKind.CANNY, ControlKind.SCRIBBLE})
"""Maps that we make ourselves for an engine that does not: they take no model."""


@dataclass(frozen=True, slots=True)
class Lora:
    """``weight`` is for both the diffusion model and its text encoder."""

    name: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Control:
    """A ControlNet unit.

    ``model`` empty: the engine's own for this kind. ``preprocess``: ``image`` is a picture from which the map (edges,
    depth, …) is to be made first, by the engine or, of `MAPPED_HERE`, by us; else it is such a map. ``start`` and
    ``end`` are shares of the steps.
    """

    kind: ControlKind
    image: ImageId
    model: str = ""
    weight: float = 1.0
    start: float = 0.0
    end: float = 1.0
    preprocess: bool = True


@dataclass(frozen=True, slots=True)
class Hires:
    """A second pass over the picture, enlarged. ``upscaler`` empty: in latent space. ``steps`` 0: as the first pass."""

    scale: float = 2.0
    denoise: float = 0.5
    upscaler: str = ""
    steps: int = 0


@dataclass(frozen=True, slots=True)
class Inpaint:
    """``mask`` is white where is to be drawn (black with ``invert``). ``blur`` is its edge's. ``only_masked`` draws the
    mask's surroundings (``padding``) at the ask's size and puts them back, else the whole image."""

    mask: ImageId
    blur: int = 4
    content: Masked = Masked.ORIGINAL
    only_masked: bool = False
    padding: int = 32
    invert: bool = False


@dataclass(frozen=True, slots=True)
class Outpaint:
    """How far the image grows to each side; ``feather`` is how wide the seam is."""

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0
    feather: int = 40


@dataclass(frozen=True, slots=True)
class Upscale:
    """``upscaler`` empty: the best there is. ``scale`` is of both sides."""

    scale: float = 2.0
    upscaler: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureAsk:
    """One wish for ``count`` pictures, with the seeds ``seed``, ``seed + 1`` and so on.

    ``init`` is the image that img2img, inpaint, outpaint and upscale begin with. ``model`` is a checkpoint's name as
    `catalogue.Catalogue.checkpoint` finds it; empty: the first of the route ``images``, else what the engine has
    loaded. ``sampler`` and ``scheduler`` are canonical (`samplers`); empty: the model family's. ``cfg`` and ``steps``
    0: the family's. ``guidance`` is FLUX's distilled guidance. ``clip_skip`` 0: the model's own; 1 is the last layer.
    ``denoise`` is how much of ``init`` is drawn anew. ``tiling``: edges meet. ``workflow`` names a graph of the owner's
    that is used instead of ours (ComfyUI only). ``node`` asks for one machine.
    """

    task: Task = Task.TXT2IMG
    prompt: str = ""
    negative: str = ""
    width: int = 0
    height: int = 0
    steps: int = 0
    cfg: float = 0.0
    guidance: float = 3.5
    sampler: str = ""
    scheduler: str = ""
    seed: int = ANY_SEED
    count: int = 1
    model: str = ""
    vae: str = ""
    clip_skip: int = 0
    loras: tuple[Lora, ...] = ()
    controls: tuple[Control, ...] = ()
    init: ImageId = ImageId("")
    denoise: float = 0.75
    resize: Resize = Resize.CROP
    inpaint: Inpaint | None = None
    outpaint: Outpaint | None = None
    hires: Hires | None = None
    upscale: Upscale | None = None
    styles: tuple[str, ...] = ()
    tiling: bool = False
    restore_faces: bool = False
    workflow: str = ""
    node: str = ""

    @property
    def images(self) -> tuple[ImageId, ...]:
        """All images that go in, each once."""
        found = [self.init, *([self.inpaint.mask] if self.inpaint else []), *(unit.image for unit in self.controls)]
        return tuple(dict.fromkeys(image for image in found if image))

    @property
    def generates(self) -> bool:
        """Whether a diffusion model draws; else pixels are only enlarged."""
        return self.task is not Task.UPSCALE

    def seeded(self, drawn: int) -> PictureAsk:
        """With a seed: its own, or ``drawn`` (any non-negative number) where it leaves that to us."""
        return self if self.seed >= 0 else replace(self, seed=drawn % (LAST_SEED + 1))


def each(ask: PictureAsk) -> Iterator[PictureAsk]:
    """One ask for each picture, in order; ``ask`` has a seed (`PictureAsk.seeded`).

    Pictures are drawn one by one, not as an engine's batch: in a batch ComfyUI draws other pictures than for the single
    seeds, one that is finished could not be kept before the last one is, and several nodes could not share the work.
    """
    for index in range(ask.count):
        yield replace(ask, seed=(ask.seed + index) % (LAST_SEED + 1), count=1)
