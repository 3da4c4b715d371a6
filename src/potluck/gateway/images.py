"""Images that a client names by URL: fetched here, never by an engine, and never from inside the network.

`outside` fetches them, when there are any.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec

from potluck.core.addresses import Address, is_public
from potluck.core.call import Call, ChatCall, ImagePart, Message, TextCall
from potluck.core.errors import BadRequest
from potluck.wire.images import sniff

if TYPE_CHECKING:
    from potluck.gateway.outside import Outside


class FetchLimits(msgspec.Struct, frozen=True):
    max_bytes: int = 20 * 1024 * 1024
    timeout_s: float = 15.0


USUAL_LIMITS: Final = FetchLimits()

# What tells images apart stands in their first twelve bytes.
_HEAD_BYTES: Final = 48


class RemoteImages:
    """Replaces remote images in calls by their bytes. Use as an async context manager."""

    def __init__(self, allowed: Callable[[Address], bool] = is_public, limits: FetchLimits = USUAL_LIMITS) -> None:
        self._allowed = allowed
        self._limits = limits
        self._outside: Outside | None = None

    async def aclose(self) -> None:
        if self._outside is not None:
            await self._outside.aclose()

    def needed(self, call: Call) -> bool:
        """Whether a call names an image by URL."""
        return any(part.url for part in _images(call))

    async def fetched(self, call: Call) -> Call:
        """The call with every remote image in it. Raises `BadRequest` naming the image that could not be had."""
        urls = list(dict.fromkeys(part.url for part in _images(call) if part.url))
        images = dict(zip(urls, await asyncio.gather(*(self._fetch(url) for url in urls)), strict=True))
        if isinstance(call, ChatCall):
            return replace(call, messages=tuple(_filled(message, images) for message in call.messages))
        if isinstance(call, TextCall):
            return replace(call, images=tuple(images.get(image.url, image) for image in call.images))
        return call

    async def fetch(self, url: str) -> tuple[bytes, str]:
        """One image and its media type. Raises `BadRequest` that says why it could not be had."""
        data = await self._client().fetch(url)
        media_type = sniff(base64.b64encode(data[:_HEAD_BYTES]).decode("ascii"))
        if not media_type.startswith("image/"):
            raise refusal(url, "it is not an image")
        return data, media_type

    async def _fetch(self, url: str) -> ImagePart:
        data, media_type = await self.fetch(url)
        return ImagePart(data_b64=base64.b64encode(data).decode("ascii"), media_type=media_type)

    def _client(self) -> Outside:
        if self._outside is None:
            # aiohttp takes 14 MB, and most houses send their images as they are.
            from potluck.gateway.outside import Outside  # noqa: PLC0415

            self._outside = Outside(self._allowed, self._limits)
        return self._outside


def _images(call: Call) -> list[ImagePart]:
    if isinstance(call, ChatCall):
        return [part for message in call.messages for part in message.parts if isinstance(part, ImagePart)]
    return list(call.images) if isinstance(call, TextCall) else []


def _filled(message: Message, images: dict[str, ImagePart]) -> Message:
    if not any(isinstance(part, ImagePart) and part.url for part in message.parts):
        return message
    parts = tuple(images[part.url] if isinstance(part, ImagePart) and part.url else part for part in message.parts)
    return replace(message, parts=parts)


def refusal(url: str, why: str, *, detail: str = "") -> BadRequest:
    """The error that tells a client why its image was not used."""
    host = urlsplit(url).hostname or "?"
    return BadRequest(
        f"The image at '{host}' was not used: {why}.",
        param="image_url",
        hint="Send the image itself as a data: URL.",
        detail=detail,
    )
