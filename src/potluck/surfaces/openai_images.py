"""OpenAI's ``/v1/images``: generations, edits and variations, whole or with pictures on the way."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from potluck.core.errors import BadRequest, Overloaded, PotluckError
from potluck.core.files import NO_QUOTA, PICTURE_INPUT
from potluck.core.galleries import drawn_size
from potluck.core.jobs import JobState
from potluck.core.people import Right
from potluck.core.pictures.ask import ImageId, Inpaint, PictureAsk, Task
from potluck.core.pictures.checking import checked
from potluck.gateway.answer_headers import NODE, REQUEST_ID
from potluck.gateway.files import Description
from potluck.gateway.picture_progress import Told
from potluck.gateway.port import Caller
from potluck.pixels.work import Convert, Format, MaskSource
from potluck.storage.jobs import JobRecord
from potluck.storage.pictures import PictureId, PictureRecord
from potluck.surfaces import picture_orders as orders
from potluck.surfaces.body import body_of
from potluck.surfaces.forms import Form, read_form
from potluck.surfaces.guarded import Guarded
from potluck.surfaces.picture_inputs import mask_of, take
from potluck.surfaces.services import Services
from potluck.surfaces.state import caller_of, services_of
from potluck.surfaces.staying import end_job, while_there
from potluck.surfaces.v1.files import LINKS
from potluck.wire.openai.errors import error_event
from potluck.wire.openai.images import (
    LINK_S,
    ImageData,
    Wanted,
    means_any,
    partial_due,
    read_edit,
    read_generation,
    read_variation,
    write_completed,
    write_partial,
    write_response,
)

T = TypeVar("T")

# The SDKs give up after 600 s and ask again: so that nothing is made twice, we do before.
_LONGEST_S = 570.0
_RETRY_S = 30.0
# As the client calls what we call otherwise.
_PARAMS = {"width": "size", "height": "size", "count": "n", "steps": "quality", "init": "image"}
_LATER = ImageId("file-later")


async def generations(request: Request) -> Response:
    ask, wanted = read_generation(await body_of(request))
    return await _made(request, _checked(request, ask), wanted, edit=False)


async def edits(request: Request) -> Response:
    """The first image is drawn over: where one can look through the mask, or through itself; else as a whole."""
    form = read_form(await body_of(request), request.headers.get("content-type", ""))
    ask, wanted = read_edit(form.fields)
    return await _from_image(request, form, ask, wanted)


async def variations(request: Request) -> Response:
    form = read_form(await body_of(request), request.headers.get("content-type", ""))
    ask, wanted = read_variation(form.fields)
    return await _from_image(request, form, ask, wanted)


async def _from_image(request: Request, form: Form, ask: PictureAsk, wanted: Wanted) -> Response:
    images, masks = form.named("image", "image[]"), form.named("mask")
    if len(images) != 1:
        raise BadRequest(
            "One image is drawn over at a time." if images else "The image is missing.",
            param="image",
            hint="Send it as a file in the field 'image'.",
        )
    _checked(request, replace(ask, init=_LATER))  # before anything is kept
    services, user = services_of(request), caller_of(request).user
    image = await take(services, user, images[0].content, "image", images[0].filename)
    ask = replace(ask, init=image.id)
    if masks:
        mask = await mask_of(services, user, masks[0].content, image, "mask")
        ask = replace(ask, task=Task.INPAINT, inpaint=Inpaint(mask.id))
    elif image.transparent:
        mask = await mask_of(services, user, image.content, image, "image", source=MaskSource.TRANSPARENT)
        ask = replace(ask, task=Task.INPAINT, inpaint=Inpaint(mask.id))
    if not ask.width:
        width, height = drawn_size(image.width, image.height)
        ask = replace(ask, width=width, height=height)
    return await _made(request, _checked(request, ask), wanted, edit=True, parent=image.picture)


def _checked(request: Request, ask: PictureAsk) -> PictureAsk:
    services = services_of(request)
    model = orders.meant(services, ask.model)
    # An alias of the owner's goes before what a name of OpenAI's means to everybody.
    model = "" if model == ask.model and means_any(model) else model
    try:
        return checked(replace(ask, model=model))
    except BadRequest as error:
        raise BadRequest(error.message, param=_PARAMS.get(error.param, error.param), hint=error.hint) from error


async def _made(
    request: Request, ask: PictureAsk, wanted: Wanted, *, edit: bool, parent: PictureId | None = None
) -> Response:
    services, caller = services_of(request), caller_of(request)
    job = await orders.submit(services, caller, orders.Order(ask, parent=parent), _idempotency(request))
    making = _Making(request, services, caller, job, ask, wanted, edit=edit)
    if wanted.stream:
        return _Streamed(making)
    made = await making.while_there(request.receive, making.whole())
    headers = {REQUEST_ID: request.state.request_id, **_from_nodes(made[1])}
    return Response(made[0], media_type="application/json", headers=headers)


def _idempotency(request: Request) -> str:
    key = request.headers.get("idempotency-key", "").strip()
    return key if key.isascii() and key.isprintable() and len(key) <= 200 else ""


def _from_nodes(pictures: list[PictureRecord]) -> dict[str, str]:
    nodes = ", ".join(dict.fromkeys(each.node for each in pictures if each.node))
    return {NODE: nodes} if nodes else {}


class _Making:
    """One request's pictures, from its job to the client's answer. A client that leaves ends the job."""

    def __init__(
        self,
        request: Request,
        services: Services,
        caller: Caller,
        job: JobRecord,
        ask: PictureAsk,
        wanted: Wanted,
        *,
        edit: bool,
    ) -> None:
        self._services = services
        self._caller = caller
        self._job = job
        self._ask = ask
        self._edit = edit
        self._partials: dict[int, int] = {}
        self._shown = b""
        self._origin = services.url or str(request.base_url).rstrip("/")
        self.wanted = wanted
        self.ping_s = services.ping_s

    async def while_there(self, receive: Receive, work: Coroutine[Any, Any, T]) -> T:
        """What comes of ``work``. Raises `ClientDisconnect` for a client that has left, `Overloaded` for what takes
        longer than clients wait."""
        try:
            async with asyncio.timeout(_LONGEST_S):
                return await while_there(receive, work)
        except TimeoutError as error:
            raise Overloaded(
                "The pictures are not made in time.",
                retry_after_s=_RETRY_S,
                hint="POST /api/v1/image/generate makes them in the background.",
            ) from error
        finally:
            await asyncio.shield(end_job(self._services, self._caller, self._job))

    async def whole(self) -> tuple[bytes, list[PictureRecord]]:
        job = await orders.watch(self._services, self._caller, self._job, _nobody)
        if job.state is not JobState.DONE:
            raise orders.failure_of(job)
        pictures = await orders.pictures_of(self._services, job)
        data = [await self._data(each) for each in pictures]
        sizes = {(each.width, each.height) for each in pictures}
        body = write_response(
            data,
            self.wanted,
            prompt=self._ask.prompt,
            created_s=self._services.clock(),
            size=sizes.pop() if len(sizes) == 1 else None,
        )
        return body, pictures

    async def _data(self, picture: PictureRecord) -> ImageData:
        if not self.wanted.as_url:
            return ImageData(b64_json=_b64(await self._content(picture)))
        files = self._services.gallery.files
        file = await self._services.gallery.file(picture)
        if picture.media_type != self._media_type:
            described = Description(f"{picture.id}.{self.wanted.format}", self._media_type, expires_in_s=LINK_S)
            content = await self._content(picture)
            file = await files.keep_hidden(picture.user, content, PICTURE_INPUT, described, quota_bytes=NO_QUOTA)
        link = await files.link(file, LINK_S, own=True)
        return ImageData(url=f"{self._origin}{LINKS}?{urlencode({'to': link.token})}")

    async def _content(self, picture: PictureRecord) -> bytes:
        content = await self._services.gallery.content(picture)
        if picture.media_type == self._media_type and self.wanted.compression == 100:
            return content
        return await self._converted(content)

    async def _converted(self, content: bytes) -> bytes:
        work = Convert(content, Format(self.wanted.format), self.wanted.compression)
        return (await self._services.gallery.pixels.perform(work)).image

    @property
    def _media_type(self) -> str:
        return f"image/{self.wanted.format}"

    # --- with pictures on the way ---

    async def event(self, news: orders.News) -> bytes:
        """What the client is told of some news; mostly nothing."""
        match news:
            case Told():
                return await self._partial(news)
            case PictureRecord():
                return write_completed(
                    _b64(await self._content(news)),
                    self.wanted,
                    edit=self._edit,
                    prompt=self._ask.prompt,
                    created_s=self._services.clock(),
                    size=(news.width, news.height),
                )
            case _:
                return b""

    async def _partial(self, told: Told) -> bytes:
        index, sent = told.progress.index, self._partials.get(told.progress.index, 0)
        if told.preview in (b"", self._shown) or not partial_due(self.wanted, sent, told.progress.share):
            return b""
        self._partials[index], self._shown = sent + 1, told.preview
        try:
            preview = await self._converted(told.preview)
        except BadRequest:  # an engine's preview is not worth an answer
            return b""
        size = (self._ask.width, self._ask.height) if self._ask.width else None
        now = self._services.clock()
        return write_partial(_b64(preview), self.wanted, edit=self._edit, index=sent, created_s=now, size=size)

    async def watch(self, tell: orders.Tell) -> JobRecord:
        return await orders.watch(self._services, self._caller, self._job, tell)


class _Streamed(Response):
    """The answer as server-sent events. Nothing is sent before the first one, so what fails before has a status."""

    def __init__(self, making: _Making) -> None:
        self._making = making
        self._begun = False
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._making.while_there(receive, self._run(scope, send))
        except PotluckError as error:
            if not self._begun:
                raise
            await self._send(scope, send, error_event(error))
        if not self._begun:  # a job that was there already, without a picture
            await self._send(scope, send, b"")
        with suppress(OSError):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _run(self, scope: Scope, send: Send) -> None:
        async def tell(news: orders.News) -> None:
            if event := await self._making.event(news):
                await self._send(scope, send, event)

        async with orders.beside(self._pinging(scope, send)):
            job = await self._making.watch(tell)
        if job.state is not JobState.DONE:
            raise orders.failure_of(job)

    async def _pinging(self, scope: Scope, send: Send) -> None:
        while True:
            await asyncio.sleep(self._making.ping_s)
            await self._send(scope, send, b": ping\n\n")

    async def _send(self, scope: Scope, send: Send, event: bytes) -> None:
        with suppress(OSError):  # the client has left: whoever watches for that ends this
            if not self._begun:
                self._begun = True
                request_id: str = scope["state"]["request_id"]
                heads = [
                    (b"content-type", b"text/event-stream; charset=utf-8"),
                    (b"cache-control", b"no-cache"),
                    (b"x-accel-buffering", b"no"),
                    (REQUEST_ID.encode(), request_id.encode()),
                ]
                await send({"type": "http.response.start", "status": 200, "headers": heads})
            await send({"type": "http.response.body", "body": event, "more_body": True})


async def _nobody(_: orders.News) -> None:
    """Who waits for the end needs no news."""


def _b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


ROUTES = (
    Guarded("/v1/images/generations", generations, right=Right.MAKE_PICTURES, methods=["POST"]),
    Guarded("/v1/images/edits", edits, right=Right.MAKE_PICTURES, methods=["POST"]),
    Guarded("/v1/images/variations", variations, right=Right.MAKE_PICTURES, methods=["POST"]),
)
