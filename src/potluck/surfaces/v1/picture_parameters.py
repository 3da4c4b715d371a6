"""``/api/v1/images/parameters``: how a picture that somebody has was made, as what makes it again here.

What a file says is a stranger's word: it is read as data, and what no engine could draw is left out of the answer.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import msgspec
from starlette.datastructures import QueryParams

from potluck.core.errors import BadRequest
from potluck.core.galleries import is_picture_id
from potluck.core.pictures.ask import PictureAsk
from potluck.core.pictures.checking import checked
from potluck.gateway.gallery import MOST_BYTES
from potluck.pixels.work import Look
from potluck.surfaces.picture_inputs import decoded
from potluck.surfaces.v1.endpoint import Action
from potluck.surfaces.v1.exchange import Exchange, Reply
from potluck.surfaces.v1.image import file_of, read_asked
from potluck.surfaces.v1.picture_shapes import ImageParameters, ImageParametersRequest
from potluck.wire.prompts.from_picture import ask_of
from potluck.wire.prompts.infotext import read
from potluck.wire.prompts.of_picture import KEY

_LONGEST = 50_000
_USUAL = PictureAsk()


async def _parameters(exchange: Exchange, body: bytes, _: QueryParams) -> Reply:
    """1. The text, out of the image if one was sent. 2. What it asks for. 3. Without what cannot be."""
    asked, form = read_asked(exchange, body, ImageParametersRequest)
    texts = {KEY: asked.infotext}
    sent = file_of(form, "image") or asked.image
    if sent:
        content = sent if isinstance(sent, bytes) else await _content(exchange, sent)
        texts = (await exchange.services.gallery.pixels.perform(Look(content), param="image")).texts
    elif not asked.infotext:
        raise BadRequest("There is no image.", param="image", hint="Send a file, base64, an id, or an infotext.")
    infotext = texts.get(KEY, "")
    if len(infotext) > _LONGEST:
        raise BadRequest(f"The infotext is longer than {_LONGEST} characters.", param="infotext")
    told = read(infotext)
    ask, left_out = _possible(ask_of(told))
    parameters: dict[str, Any] = msgspec.to_builtins(ask)
    return Reply(
        ImageParameters(
            parameters if told.settings else None,
            left_out if told.settings else [],
            infotext,
            texts.get("workflow", ""),
        )
    )


parameters = Action(_parameters, body=ImageParametersRequest)
"""Read by hand: it may come as a form, too."""


async def _content(exchange: Exchange, sent: str) -> bytes:
    if not is_picture_id(sent):
        return decoded(sent, "image")
    gallery, user = exchange.services.gallery, exchange.caller.user
    file, _ = await gallery.source(sent, user)
    return await gallery.files.whole(file, user, MOST_BYTES)


def _possible(ask: PictureAsk) -> tuple[PictureAsk, list[str]]:
    """The ask with what would be refused as if it had not been said, and what that is."""
    left_out: list[str] = []
    while True:
        try:
            return checked(ask), left_out
        except BadRequest as error:
            name = error.param.partition(".")[0].partition("[")[0]
            if name in left_out or name not in {each.name for each in fields(ask)} or name == "prompt":
                return ask, left_out
            left_out.append(name)
            names = ("width", "height") if name in ("width", "height") else (name,)
            ask = replace(ask, **{each: getattr(_USUAL, each) for each in names})
