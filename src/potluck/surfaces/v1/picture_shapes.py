"""Shapes of galleries in the native API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

from potluck.core.galleries import LONGEST_TAG, checked_tags
from potluck.storage.pictures import MOST_AT_ONCE, MOST_TAGS, PictureChange, PictureFilter, PictureId, PictureRecord
from potluck.surfaces.v1.shapes import rfc3339

Tag: TypeAlias = Annotated[str, Meta(max_length=LONGEST_TAG * 2)]
Tags: TypeAlias = Annotated[list[Tag], Meta(max_length=MOST_TAGS)]
Time: TypeAlias = Annotated[datetime, Meta(tz=True)]
ImageFormat: TypeAlias = Literal["png", "jpeg", "webp", "avif"]


class ImageInfo(msgspec.Struct):
    """A picture in the gallery. ``content`` is where its bytes are; with ``?size=256`` a small copy's. ``task`` is what
    was asked for, ``seconds`` what the engine took, ``parent`` the picture that it was made from."""

    id: str
    content: str
    task: str
    prompt: str
    negative: str
    model: str
    width: int
    height: int
    media_type: str
    size_bytes: int
    seed: int | None
    node: str
    engine: str
    seconds: float
    favourite: bool
    tags: list[str]
    parent: str | None
    job: str | None
    created_at: str


class ImageDetail(ImageInfo, kw_only=True):
    """``parameters`` are all that it was asked with: sent again, they make it again, as far as its engine can.
    ``model_hash`` is the checkpoint's, as A1111 shows it, ``sha256`` the picture's own."""

    model_hash: str
    sha256: str
    parameters: dict[str, Any]


class ImageList(msgspec.Struct):
    """``next`` is ``after`` for the following page, null on the last one. ``total`` counts all of your pictures,
    ``used_bytes`` what they take; ``quota_bytes`` is null where there is none."""

    images: list[ImageInfo]
    next: str | None
    total: int
    used_bytes: int
    quota_bytes: int | None


class ImageFilter(msgspec.Struct):
    """``q`` is words that are in the prompt, all of them. ``since`` is included, ``until`` is not. ``parent`` lists
    what was made from a picture."""

    q: Annotated[str, Meta(max_length=200)] = ""
    model: str = ""
    tag: str = ""
    task: Literal["", "txt2img", "img2img", "inpaint", "outpaint", "upscale"] = ""
    node: str = ""
    job: str = ""
    parent: str = ""
    favourite: bool | None = None
    since: Time | None = None
    until: Time | None = None

    def filter(self) -> PictureFilter:
        return PictureFilter(
            text=self.q,
            model=self.model,
            tag=self.tag,
            task=self.task,
            node=self.node,
            job=self.job,
            parent=PictureId(self.parent) if self.parent else None,
            favourite=self.favourite,
            since_s=None if self.since is None else self.since.timestamp(),
            until_s=None if self.until is None else self.until.timestamp(),
        )


class ImageQuery(ImageFilter, kw_only=True):
    """``after`` is the last picture of the page before this one."""

    limit: Annotated[int, Meta(ge=1, le=500)] = 50
    after: str = ""
    order: Literal["newest", "oldest"] = "newest"


class ZipQuery(ImageFilter, kw_only=True):
    """``images`` are ids with commas between them; left out, all pictures that the filter finds."""

    images: Annotated[str, Meta(max_length=81 * MOST_AT_ONCE)] = ""


class ContentQuery(msgspec.Struct):
    """``size`` is the longer side in pixels, at most; ``format`` left out is the picture's own. ``download`` has a
    browser save it."""

    format: ImageFormat | None = None
    size: Annotated[int, Meta(ge=16, le=8192)] | None = None
    quality: Annotated[int, Meta(ge=1, le=100)] = 85
    download: bool = False


class ImageChange(msgspec.Struct):
    """``tags`` take the place of all there are; ``tag`` adds some, ``untag`` removes some."""

    favourite: bool | None = None
    tags: Tags | None = None
    tag: Tags = []
    untag: Tags = []

    def change(self) -> PictureChange:
        return PictureChange(
            self.favourite,
            None if self.tags is None else checked_tags(self.tags),
            checked_tags(self.untag, "untag"),
            checked_tags(self.tag, "tag"),
        )


class ImageBulk(ImageChange, kw_only=True):
    """Changes all of ``images``; ``delete`` deletes them instead."""

    images: Annotated[list[str], Meta(min_length=1, max_length=MOST_AT_ONCE)]
    delete: bool = False


class ImagesChanged(msgspec.Struct):
    """How many of them there were."""

    images: int


class ImageParametersRequest(msgspec.Struct):
    """``image`` is the file in base64, a data URI, or an id of a picture of yours; or ``infotext`` is the text that
    A1111 writes into its pictures."""

    image: str = ""
    infotext: str = ""


class ImageParameters(msgspec.Struct):
    """``parameters`` are as ``POST /api/v1/image/generate`` takes them; null for a picture that does not tell.
    ``left_out`` are those that it tells and nobody could draw. ``infotext`` is the text itself, and ``workflow``
    ComfyUI's graph, as JSON; each empty for none."""

    parameters: dict[str, Any] | None
    left_out: list[str]
    infotext: str
    workflow: str


class FacetQuery(msgspec.Struct):
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class CountedName(msgspec.Struct):
    name: str
    images: int


class ImageFacets(msgspec.Struct):
    """What pictures are told apart by, the most frequent first."""

    tags: list[CountedName]
    models: list[CountedName]


_parameters = msgspec.json.Decoder(dict[str, Any])


def image_info(record: PictureRecord) -> ImageInfo:
    return ImageInfo(**_shared(record))


def image_detail(record: PictureRecord) -> ImageDetail:
    return ImageDetail(
        **_shared(record),
        model_hash=record.hash,
        sha256=record.digest,
        parameters=_parameters.decode(record.parameters),
    )


def _shared(record: PictureRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "content": content_path(record.id),
        "task": record.task,
        "prompt": record.prompt,
        "negative": record.negative,
        "model": record.model,
        "width": record.width,
        "height": record.height,
        "media_type": record.media_type,
        "size_bytes": record.size_bytes,
        "seed": record.seed,
        "node": record.node,
        "engine": record.engine,
        "seconds": record.seconds,
        "favourite": record.favourite,
        "tags": list(record.tags),
        "parent": record.parent,
        "job": record.job or None,
        "created_at": rfc3339(record.created_s),
    }


def content_path(picture: str) -> str:
    return f"/api/v1/images/{picture}/content"
