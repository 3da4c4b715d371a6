"""``/api/v1/outside/image``: an image that an answer names, fetched once because its reader asked for it.

A browser that loaded it itself would tell its host who reads what, and when. Fetched here, the host learns that
somebody behind this service looked; addresses inside the network are not asked at all (`gateway.outside`).
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from potluck.core.errors import BadRequest
from potluck.surfaces.v1.exchange import Exchange, Page

# SVG is not among them: it is a document, and may hold scripts.
SHOWN: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"})


class ImageAsked(msgspec.Struct):
    """``url`` is http or https, and out on the Internet."""

    url: Annotated[str, Meta(min_length=1, max_length=4096)]


async def image(exchange: Exchange, body: ImageAsked) -> Page:
    """Raises `BadRequest` that says why it could not be had."""
    try:
        data, media_type = await exchange.services.pictures.fetch(body.url)
    except BadRequest as refused:
        raise BadRequest(refused.message, param="url", detail=refused.detail) from refused
    if media_type not in SHOWN:
        raise BadRequest(f"A browser shows no {media_type}.", param="url", hint="Open the address itself.")
    return Page(data, media_type, {"cache-control": "no-store", "content-disposition": "inline"})
