"""What the native API is asked for when pictures are to be made, and what it tells of them."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from potluck.core.pictures.ask import (
    Hires,
    Lora,
    Outpaint,
    PictureAsk,
    Task,
)
from potluck.surfaces.v1.jobs import JobError, State
from potluck.surfaces.v1.picture_shapes import ImageInfo, Tags

MOST_WAIT_S = 600

Image: TypeAlias = Annotated[
    str, Meta(description="An id of a picture or file of yours, base64, a data URI, or a URL.")
]


class ImageLora(msgspec.Struct):
    name: str
    weight: float = 1.0


class ImageControl(msgspec.Struct):
    """A ControlNet unit. ``preprocess``: ``image`` is a picture whose edges, depth or pose are to be found first; else
    it is such a map. ``start`` and ``end`` are shares of the steps. ``model`` left out: the engine's own for it."""

    kind: Literal["canny", "depth", "pose", "scribble"]
    image: Image
    model: str = ""
    weight: float = 1.0
    start: float = 0.0
    end: float = 1.0
    preprocess: bool = True


class ImageHires(msgspec.Struct):
    """A second pass over the picture, enlarged. ``upscaler`` left out: in latent space. ``steps`` 0: as the first."""

    scale: float = 2.0
    denoise: float = 0.5
    upscaler: str = ""
    steps: int = 0


class ImageOutpaint(msgspec.Struct):
    """How far the image grows to each side, in pixels; ``feather`` is how wide the seam is."""

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0
    feather: int = 40


class ImageInpaint(msgspec.Struct):
    """``mask`` is white, or transparent, where is to be drawn; ``invert``: everywhere else. ``content`` is what stands
    under it when drawing begins. ``only_masked`` draws the mask's surroundings in full size."""

    mask: Image
    blur: int = 4
    content: Literal["blurred", "original", "noise", "nothing"] = "original"
    only_masked: bool = False
    padding: int = 32
    invert: bool = False


class ImageUpscale(msgspec.Struct):
    scale: float = 2.0
    upscaler: str = ""


class ImageOrder(msgspec.Struct, kw_only=True):
    """``wait`` is for how many seconds the answer may take: it has the pictures then, or the job as it stands."""

    title: Annotated[str, Meta(max_length=200)] = ""
    tags: Tags = []
    priority: Literal["high", "normal", "low"] = "normal"
    wait: Annotated[float, Meta(ge=0, le=MOST_WAIT_S)] = 0.0
    node: str = ""


class ImageDrawing(ImageOrder, kw_only=True):
    """What a model draws with. 0, and an empty text, leave a value to the model; ``seed`` -1 has one drawn. ``count``
    pictures have seeds one after the other."""

    prompt: str = ""
    negative: str = ""
    model: str = ""
    width: int = 0
    height: int = 0
    steps: int = 0
    cfg: float = 0.0
    guidance: float = 3.5
    sampler: str = ""
    scheduler: str = ""
    seed: int = -1
    count: int = 1
    vae: str = ""
    clip_skip: int = 0
    loras: list[ImageLora] = []
    controls: list[ImageControl] = []
    styles: list[str] = []
    tiling: bool = False
    restore_faces: bool = False
    workflow: str = ""


class GenerateRequest(ImageDrawing, kw_only=True):
    """A picture out of words."""

    hires: ImageHires | None = None


class EditRequest(ImageDrawing, kw_only=True):
    """A picture out of another: drawn over (``denoise`` is how much), where the mask is white, or beyond its edges.
    ``image`` may also be called ``init``, as in a picture's parameters. Width and height left out: those of the image,
    up to a megapixel."""

    image: Image = ""
    init: Image = ""
    mask: Image = ""
    inpaint: ImageInpaint | None = None
    outpaint: ImageOutpaint | None = None
    denoise: float = 0.75
    resize: Literal["stretch", "crop", "pad"] = "crop"


class UpscaleRequest(ImageOrder, kw_only=True):
    """A larger picture out of a small one; ``upscaler`` left out is the best there is."""

    image: Image = ""
    init: Image = ""
    scale: float = 2.0
    upscaler: str = ""
    upscale: ImageUpscale | None = None


def drawing_ask(asked: ImageDrawing, task: Task) -> PictureAsk:
    """All but the images."""
    return PictureAsk(
        task=task,
        prompt=asked.prompt,
        negative=asked.negative,
        width=asked.width,
        height=asked.height,
        steps=asked.steps,
        cfg=asked.cfg,
        guidance=asked.guidance,
        sampler=asked.sampler,
        scheduler=asked.scheduler,
        seed=asked.seed,
        count=asked.count,
        model=asked.model,
        vae=asked.vae,
        clip_skip=asked.clip_skip,
        loras=tuple(Lora(each.name, each.weight) for each in asked.loras),
        styles=tuple(asked.styles),
        tiling=asked.tiling,
        restore_faces=asked.restore_faces,
        workflow=asked.workflow,
        node=asked.node,
    )


def hires_of(asked: ImageHires | None) -> Hires | None:
    return None if asked is None else Hires(asked.scale, asked.denoise, asked.upscaler, asked.steps)


def outpaint_of(asked: ImageOutpaint | None) -> Outpaint | None:
    if asked is None:
        return None
    return Outpaint(asked.left, asked.top, asked.right, asked.bottom, asked.feather)


class ImageProgress(msgspec.Struct):
    """How far it is: picture ``index`` has ``step`` of ``steps`` (0: nobody knows how many). ``share`` is of the whole
    job, from 0 to 1. ``eta_s`` is until all is there, null for unknown. ``preview`` is a data URI of the picture on its
    way, null where there is none yet."""

    index: int
    step: int
    steps: int
    share: float
    eta_s: float | None
    what: str
    node: str
    preview: str | None = None


class ImageJobInfo(msgspec.Struct):
    """``position`` is how many jobs are likely to be begun before it, null for one that does not wait. ``error`` is
    what went wrong last; ``again_at`` is when it is tried again. ``images`` are those that are there."""

    id: str
    state: State
    title: str
    done: int
    total: int
    failures: int
    position: int | None
    progress: ImageProgress | None
    images: list[ImageInfo]
    error: JobError | None
    again_at: str | None
    created_at: str
    started_at: str | None
    ended_at: str | None


class ImagePosition(msgspec.Struct):
    position: int
