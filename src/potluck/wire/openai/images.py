"""OpenAI's Images API: what its clients ask for, and what they want to be told.

Shapes are those of the published SDK (openai-python 3.54: ``image_generate_params``, ``image_edit_params``,
``images_response``, ``image_gen_*_event``, ``image_edit_*_event``). What engines here cannot do is refused
(transparent backgrounds, SVG and GIF); what has no meaning here is passed over (``moderation``, ``style``, ``svg``, …).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Final, Literal, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from potluck.core.errors import BadRequest
from potluck.core.pictures.ask import PictureAsk, Task
from potluck.wire.body import decode_body
from potluck.wire.estimates import prompt_length

LINK_S: Final = 3600.0
"""How long a ``url`` is good for, as OpenAI's are."""

MOST_PARTIALS: Final = 3

# How often an engine draws over the picture. 0: as often as its family is usually drawn.
_STEPS: Final = {"low": 12, "high": 40, "hd": 40, "xhigh": 50, "max": 60}
# Names of old for qualities, as the answer calls them.
_SHOWN: Final = {"standard": "medium", "hd": "high"}
_SIZE: Final = re.compile(r"([1-9][0-9]{0,4})[xX]([1-9][0-9]{0,4})")
_STEP_PIXELS: Final = 8
# Whoever asks for one of OpenAI's own models means: the best there is.
_OPENAIS: Final = re.compile(r"(?:gpt-image|dall-e|chatgpt-image)(?:-.*)?", re.IGNORECASE)
# How much of an image is drawn anew. ``input_fidelity: high`` keeps features.
_DENOISE: Final = 0.75
_FAITHFUL_DENOISE: Final = 0.5
_VARIATION_DENOISE: Final = 0.65

Format = Literal["png", "jpeg", "webp"]
T = TypeVar("T")


class Wanted(NamedTuple):
    """How the answer is to be. ``compression`` is the quality of JPEG and WebP, 1 to 100. ``quality`` and
    ``background`` are told back. ``partials`` are pictures on the way, for each one that is made."""

    format: Format = "png"
    compression: int = 100
    as_url: bool = False
    stream: bool = False
    partials: int = 0
    quality: str = "auto"
    background: str = "auto"
    user: str = ""


class _Common(msgspec.Struct, kw_only=True):
    model: str | None = None
    n: Annotated[int, Meta(ge=1, le=10)] | None = None
    size: str | None = None
    quality: Literal["low", "medium", "high", "xhigh", "max", "auto", "standard", "hd"] | None = None
    background: Literal["transparent", "opaque", "auto"] | None = None
    output_format: Literal["png", "webp", "jpeg", "gif", "svg"] | None = None
    output_compression: Annotated[int, Meta(ge=0, le=100)] | None = None
    response_format: Literal["url", "b64_json"] | None = None
    stream: bool | None = None
    partial_images: Annotated[int, Meta(ge=0, le=MOST_PARTIALS)] | None = None
    input_fidelity: Literal["high", "low"] | None = None
    user: str | None = None
    safety_identifier: str | None = None


class _Generation(_Common, kw_only=True):
    prompt: str


class _Edit(_Common, kw_only=True):
    prompt: str


class _Variation(_Common, kw_only=True):
    pass


def read_generation(body: bytes) -> tuple[PictureAsk, Wanted]:
    """``POST /v1/images/generations``. Raises `BadRequest`."""
    asked = decode_body(body, _Generation)
    return _ask(asked, Task.TXT2IMG, asked.prompt), _wanted(asked)


def read_edit(fields: Mapping[str, str]) -> tuple[PictureAsk, Wanted]:
    """The fields of ``POST /v1/images/edits``; its image, and perhaps a mask, come beside them."""
    asked = _fields(fields, _Edit)
    denoise = _FAITHFUL_DENOISE if asked.input_fidelity == "high" else _DENOISE
    return replace(_ask(asked, Task.IMG2IMG, asked.prompt), denoise=denoise), _wanted(asked)


def read_variation(fields: Mapping[str, str]) -> tuple[PictureAsk, Wanted]:
    """Those of ``POST /v1/images/variations``."""
    asked = _fields(fields, _Variation)
    return replace(_ask(asked, Task.IMG2IMG, ""), denoise=_VARIATION_DENOISE), _wanted(asked)


def means_any(model: str) -> bool:
    """Whether a model's name is one of OpenAI's own: its clients send one where nobody has chosen.

    >>> means_any("gpt-image-1"), means_any("sdxl")
    (True, False)
    """
    return _OPENAIS.fullmatch(model) is not None


def _fields(fields: Mapping[str, str], shape: type[T]) -> T:
    """A form's texts as the record they stand for; empty ones count as left out."""
    given = {name: value for name, value in fields.items() if value}
    try:
        return msgspec.convert(given, shape, strict=False)
    except msgspec.ValidationError as exc:
        what, _, where = str(exc).partition(" - at `$.")
        name = where.rstrip("`")
        missing = re.search("missing required field `(.*)`", what)
        param = missing[1] if missing else name
        message = f"The field '{param}' is missing." if missing else f"Invalid value for '{name}': {what}."
        raise BadRequest(message, param=param) from exc


def _ask(asked: _Common, task: Task, prompt: str) -> PictureAsk:
    width, height = _size(asked.size)
    return PictureAsk(
        task=task,
        prompt=prompt,
        model=asked.model or "",
        count=asked.n or 1,
        width=width,
        height=height,
        steps=_STEPS.get(asked.quality or "", 0),
    )


def _size(size: str | None) -> tuple[int, int]:
    """In pixels; zeros for whatever suits the model."""
    if size is None or size in ("", "auto"):
        return 0, 0
    sides = _SIZE.fullmatch(size)
    if sides is None:
        raise BadRequest(f"'{size[:40]}' is no size.", param="size", hint="Such as 1024x1024, or auto.")
    width, height = int(sides[1]), int(sides[2])
    if width % _STEP_PIXELS or height % _STEP_PIXELS:
        raise BadRequest(
            f"The size {size} is no multiple of {_STEP_PIXELS} pixels.", param="size", hint="Such as 1024x1024."
        )
    return width, height


def _wanted(asked: _Common) -> Wanted:
    if asked.background == "transparent":
        raise BadRequest(
            "Pictures with a transparent background cannot be made here.", param="background", hint="Leave it out."
        )
    format_ = asked.output_format or "png"
    if format_ == "gif" or format_ == "svg":
        raise BadRequest(
            f"Pictures are not made as {format_.upper()} here.", param="output_format", hint="png, jpeg or webp."
        )
    old = (asked.model or "").lower().startswith("dall-e")
    return Wanted(
        format=format_,
        compression=max(1, 100 if asked.output_compression is None else asked.output_compression),
        as_url=asked.response_format == "url" or (asked.response_format is None and old),
        stream=asked.stream or False,
        partials=asked.partial_images or 0,
        quality=_SHOWN.get(asked.quality or "", asked.quality or "auto"),
        background=asked.background or "auto",
        user=asked.safety_identifier or asked.user or "",
    )


# --- answers ---


class _TokensIn(msgspec.Struct):
    text_tokens: int
    image_tokens: int = 0


class _Usage(msgspec.Struct):
    """Engines count no tokens: those of the prompt are estimated, and a picture has none."""

    input_tokens: int
    input_tokens_details: _TokensIn
    total_tokens: int
    output_tokens: int = 0


class ImageData(msgspec.Struct, omit_defaults=True):
    """One picture: its bytes in Base64, or where they are."""

    b64_json: str | None = None
    url: str | None = None


class _Response(msgspec.Struct):
    created: int
    data: Sequence[ImageData]
    output_format: str
    usage: _Usage
    size: str | UnsetType = UNSET
    quality: str | UnsetType = UNSET


class _Event(msgspec.Struct):
    """Both kinds of events. ``created_at`` is Unix seconds."""

    type: str
    b64_json: str
    background: str
    created_at: int
    output_format: str
    quality: str
    size: str
    partial_image_index: int | UnsetType = UNSET
    usage: _Usage | UnsetType = UNSET


def write_response(
    images: Sequence[ImageData], wanted: Wanted, *, prompt: str, created_s: float, size: tuple[int, int] | None
) -> bytes:
    """The answer to a request that is not streamed; ``size`` is what all of them have."""
    response = _Response(int(created_s), images, wanted.format, _usage(prompt))
    if size is not None:
        response.size = f"{size[0]}x{size[1]}"
    if wanted.quality != "auto":
        response.quality = wanted.quality
    return msgspec.json.encode(response)


def write_partial(
    image_b64: str, wanted: Wanted, *, edit: bool, index: int, created_s: float, size: tuple[int, int] | None
) -> bytes:
    """A picture on the way, as a server-sent event; ``size`` None where nobody has said one."""
    event = _event("partial_image", image_b64, wanted, edit=edit, created_s=created_s, size=size)
    event.partial_image_index = index
    return _sent(event)


def write_completed(
    image_b64: str, wanted: Wanted, *, edit: bool, prompt: str, created_s: float, size: tuple[int, int]
) -> bytes:
    """A finished one."""
    event = _event("completed", image_b64, wanted, edit=edit, created_s=created_s, size=size)
    event.usage = _usage(prompt)
    return _sent(event)


def partial_due(wanted: Wanted, sent: int, share: float) -> bool:
    """Whether a picture on the way is due, of which ``share`` is drawn: they are spread over the time it takes.

    >>> [partial_due(Wanted(partials=2), sent, share) for sent, share in ((0, 0.1), (0, 0.4), (1, 0.4), (2, 0.9))]
    [False, True, False, False]
    """
    return sent < wanted.partials and share * (wanted.partials + 1) >= sent + 1


def _event(
    what: str, image_b64: str, wanted: Wanted, *, edit: bool, created_s: float, size: tuple[int, int] | None
) -> _Event:
    return _Event(
        f"{'image_edit' if edit else 'image_generation'}.{what}",
        image_b64,
        wanted.background,
        int(created_s),
        wanted.format,
        wanted.quality,
        "auto" if size is None else f"{size[0]}x{size[1]}",
    )


def _sent(event: _Event) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (event.type.encode(), msgspec.json.encode(event))


def _usage(prompt: str) -> _Usage:
    tokens = prompt_length(prompt.encode("utf-8", "replace")).likely
    return _Usage(tokens, _TokensIn(tokens), tokens)
