"""A1111 behind `ImageBackend`: one long request draws, others tell how far it is (API-CONTRACTS.md 6).

AUTOMATIC1111, Forge, SD.Next, and stable-diffusion.cpp's server, which tells no progress and cannot be stopped. The
engine draws one picture at a time behind a lock, everybody's, and a client that leaves stops nothing: so a job that
is behind somebody else's is not sent before that has ended, and ours is known by a task id that we give it.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import replace

import msgspec

from potluck.backends.engine_settings import EngineSettings
from potluck.backends.images.beside import beside
from potluck.backends.images.port import Event, ImageHttp, Run
from potluck.backends.port import Address, HttpReply
from potluck.backends.reading import decoded, decoded_body, refused
from potluck.core.errors import (
    BadRequest,
    MalformedAnswer,
    NodeError,
    NodeFailed,
    NodeTimeout,
    NodeUnreachable,
    OutOfMemory,
    PotluckError,
)
from potluck.core.model import EngineKind
from potluck.core.pictures.ask import PictureAsk
from potluck.core.pictures.catalogue import Catalogue, Feature, Memory
from potluck.core.pictures.fitting import lacks
from potluck.core.pictures.outcome import Drawn, Progress
from potluck.pixels.pixels import Pixels
from potluck.pixels.work import Paste
from potluck.wire.a1111 import sdcpp
from potluck.wire.a1111.bodies import body_of, path_of
from potluck.wire.a1111.reading import (
    PATHS,
    Answer,
    Failure,
    Lists,
    MemoryAnswer,
    ProgressAnswer,
    TaskAnswer,
    read_catalogue,
    read_list,
    read_memory,
)
from potluck.wire.comfyui.reading import is_out_of_memory

_PROGRESS = "/sdapi/v1/progress"
_NOT_SERVED = (404, 405, 501)
# A checkpoint of 20 GB over a slow network, and then a hundred slow steps.
_LONGEST_S = 3600.0
_LOOK_S = 0.5
# A load says nothing for minutes, and ends; an engine that hangs never does.
_SILENT_S = 600.0
_GIVE_UP_S = 5.0
# All that stable-diffusion.cpp's server says of a picture that it could not draw.
_NOTHING = "returned no results"


class A1111:
    """`ImageBackend`."""

    kind = EngineKind.A1111

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings

    def address(self) -> Address:
        return self._settings.address

    # --- looking ---

    async def glance(self, http: ImageHttp) -> str:
        reply = await http.request("GET", PATHS["models"])
        if reply.status >= 400:
            raise refused(reply)
        self._take(Lists(), "models", reply)
        return ""

    async def catalogue(self, http: ImageHttp) -> Catalogue:
        lists = Lists()
        for name, path in PATHS.items():
            reply = await http.request("GET", path, timeout_s=30.0)
            if reply.status in (401, 403) or (reply.status >= 400 and name == "models"):
                raise refused(reply)
            if reply.status < 400:
                self._take(lists, name, reply)
        lists.progress = await _progress(http) is not None
        return replace(read_catalogue(lists), memory=await self.memory(http))

    def _take(self, lists: Lists, name: str, reply: HttpReply) -> None:
        """A list that is not as it should be is none, but for the models."""
        try:
            setattr(lists, name, read_list(name, reply.body))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            if name == "models":
                raise MalformedAnswer("The engine's answer is not of its dialect.", detail=str(error)) from error

    async def memory(self, http: ImageHttp) -> Memory | None:
        reply = await http.request("GET", "/sdapi/v1/memory")
        if reply.status >= 400:
            return None
        try:
            return read_memory(decoded_body(reply.body, MemoryAnswer))
        except MalformedAnswer:
            return None  # without CUDA there is an error's text in its place

    async def waiting(self, http: ImageHttp) -> int:
        """The one that is drawn; who waits for the lock is not told of."""
        told = await _progress(http)
        return 0 if told is None or told.idle else 1

    def lacks(self, ask: PictureAsk, has: Catalogue) -> tuple[str, ...]:
        return lacks(ask, has)

    # --- drawing ---

    async def run(self, run: Run, http: ImageHttp) -> AsyncGenerator[Event, None]:
        """1. Wait until nobody else's picture is drawn. 2. Send ours. 3. Look how far it is until it is there."""
        tells = Feature.PREVIEWS in run.has.features
        while tells and await self.waiting(http):
            yield Progress(0, run.ask.steps, what="queued")
            await asyncio.sleep(_LOOK_S)
        ask = run.ask
        body = msgspec.json.encode(body_of(ask, run.has, run.inputs, run.id))
        async with beside(_sent(http, path_of(ask), body)) as sent:
            try:
                async for progress in _looking(run, http, sent, tells=tells):
                    yield progress
                reply = await sent
            except BaseException:
                if not sent.done():
                    await self._given_up(run.id, http)
                raise
        if isinstance(reply, PotluckError):
            raise reply
        picture = _picture(reply, run)
        yield Drawn(await _kept_outside(picture, run) if run.has.version == sdcpp.NAME else picture)

    async def _given_up(self, id: str, http: ImageHttp) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_GIVE_UP_S):
                await self.cancel(id, http)

    # --- stopping ---

    async def cancel(self, id: str, http: ImageHttp) -> bool:
        """Only if what is drawn now is ours: the engine would stop whatever that is."""
        with suppress(NodeError):
            if await _is_ours(id, http):
                return (await http.request("POST", "/sdapi/v1/interrupt", b"{}")).status < 400
        return False

    async def left(self, id: str, http: ImageHttp) -> bool:
        """Its picture would go to a connection that is gone."""
        await self.cancel(id, http)
        return False

    async def free(self, http: ImageHttp) -> None:
        reply = await http.request("POST", "/sdapi/v1/unload-checkpoint", b"{}", timeout_s=60.0)
        if reply.status >= 400 and reply.status not in _NOT_SERVED:  # who serves no such thing has nothing to give
            raise refused(reply)


async def _sent(http: ImageHttp, path: str, body: bytes) -> HttpReply | PotluckError:
    """The answer, or why there is none: an error raised in a task would tear down whoever waits beside it."""
    try:
        return await http.request("POST", path, body, timeout_s=_LONGEST_S)
    except PotluckError as error:
        return error


async def _looking(
    run: Run, http: ImageHttp, sent: asyncio.Task[HttpReply | PotluckError], *, tells: bool
) -> AsyncGenerator[Progress, None]:
    """How far it is, again and again, until the answer is there. An engine that misses a look is only busy: what
    became of it the answer's own connection tells."""
    loop = asyncio.get_running_loop()
    told_s, last, missed = loop.time(), -1.0, 0
    while not (await asyncio.wait({sent}, timeout=_LOOK_S))[0]:
        if not tells:
            yield Progress(0, run.ask.steps, what="drawing" if run.ask.generates else "upscaling")
            continue
        try:
            told = await _progress(http)
            ours = told is not None and not told.idle and await _is_ours(run.id, http, told)
            missed = 0
        except NodeUnreachable:
            missed += 1
            if missed > 3:
                raise
            continue
        except NodeError:
            continue
        if told is not None and ours and told.progress != last:
            told_s, last = loop.time(), told.progress
            yield _shown(run, told)
        elif loop.time() - told_s > _SILENT_S:
            raise NodeTimeout(f"The engine has not gone on for {_SILENT_S:.0f} seconds.")


def _shown(run: Run, told: ProgressAnswer) -> Progress:
    """The engine's share of the whole, as steps of ours; its eta is until the end."""
    steps = run.ask.steps
    if run.ask.hires:
        steps += run.ask.hires.steps or run.ask.steps
    step = min(steps, round(told.progress * steps))
    preview = b""
    if told.current_image:
        with suppress(binascii.Error, ValueError):
            preview = base64.b64decode(told.current_image)
    what = "drawing" if told.state.sampling_steps else "loading"
    eta_s = told.eta_relative if told.eta_relative and told.eta_relative > 0 else None
    return Progress(step, steps, eta_s=eta_s, what=what, preview=preview)


async def _progress(http: ImageHttp) -> ProgressAnswer | None:
    """None where the engine has no such route."""
    reply = await http.request("GET", _PROGRESS)
    if reply.status in _NOT_SERVED:
        return None
    return decoded(reply, ProgressAnswer)


async def _is_ours(id: str, http: ImageHttp, told: ProgressAnswer | None = None) -> bool:
    """1. The engine names the task. 2. Older ones are asked for ours, by the route that their page uses."""
    told = told or await _progress(http)
    if told is None or told.idle:
        return False
    if told.current_task != "":
        return told.current_task == id
    reply = await http.request("POST", "/internal/progress", msgspec.json.encode({"id_task": id}))
    return reply.status < 400 and decoded(reply, TaskAnswer).active


def _picture(reply: HttpReply, run: Run) -> bytes:
    if reply.status >= 400:
        raise _failure(reply)
    try:
        text = decoded(reply, Answer).picture
        data = base64.b64decode(text.partition(",")[2] if text.startswith("data:") else text)
    except (binascii.Error, ValueError) as error:
        raise MalformedAnswer("The engine's picture cannot be read.", detail=str(error)) from error
    if not data:
        raise NodeFailed("The engine ended without a picture.", hint="Somebody pressed stop there.")
    return data


async def _kept_outside(picture: bytes, run: Run) -> bytes:
    """With what is not masked as it came in: stable-diffusion.cpp's server draws that through its VAE, too."""
    masked = run.ask.inpaint
    if masked is None:
        return picture
    whole = (0, 0, run.ask.width, run.ask.height)
    paste = Paste(run.inputs[run.ask.init], run.inputs[masked.mask], picture, whole)
    async with Pixels() as pixels:
        try:
            return (await pixels.perform(paste)).image
        except BadRequest as error:
            raise MalformedAnswer("The engine's picture cannot be read.", detail=error.message) from error


def _failure(reply: HttpReply) -> NodeError:
    try:
        told = decoded_body(reply.body, Failure).told()
    except MalformedAnswer:
        return refused(reply)
    if is_out_of_memory("", told):
        hint = "Ask for a smaller one, or for another node."
        return OutOfMemory("The engine's memory does not hold this picture.", hint=hint, detail=told)
    if _NOTHING in told:
        hint = "Its log says why: often there is too little memory for a picture of this size."
        return NodeFailed("The engine ended without a picture.", status=reply.status, hint=hint, detail=told)
    if reply.status in (400, 404, 422):
        return NodeFailed("The engine refuses the picture.", status=reply.status, hint=told, detail=told)
    return refused(reply)
