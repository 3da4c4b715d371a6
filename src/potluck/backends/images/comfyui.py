"""ComfyUI behind `ImageBackend`: a graph is sent, its socket listened to, its picture fetched (API-CONTRACTS.md 7)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from typing import TypeAlias

from potluck.backends.engine_settings import EngineSettings
from potluck.backends.images.comfyui_graphs import ComfyGraphs
from potluck.backends.images.comfyui_listening import Listening, listening, of_prompt
from potluck.backends.images.comfyui_prompts import LONG_S, Prompts, failed, queue, view
from potluck.backends.images.port import Event, GraphRunner, ImageHttp, Run
from potluck.backends.images.templates import templates
from potluck.backends.port import Address
from potluck.backends.reading import decoded, refused
from potluck.core.errors import (
    MalformedAnswer,
    NodeError,
    NodeFailed,
    NodeTimeout,
    NodeUnreachable,
)
from potluck.core.model import EngineKind
from potluck.core.pictures.ask import ImageId, PictureAsk
from potluck.core.pictures.catalogue import Catalogue, Memory
from potluck.core.pictures.fitting import lacks
from potluck.core.pictures.outcome import Drawn, Progress
from potluck.wire.comfyui.graphs import Graph, classes_of, put_together
from potluck.wire.comfyui.messages import Message
from potluck.wire.comfyui.plans import Missing, plan, steps_of
from potluck.wire.comfyui.reading import (
    Classes,
    Ended,
    Stats,
    read_catalogue,
    read_memory,
)
from potluck.wire.comfyui.tracking import Tracker
from potluck.wire.comfyui.workflows import Workflow, filled_workflow

# Without a word for so long the history is asked: messages may be lost, as another may take a client's socket over.
_DOUBT_S = 5.0
# A model of 20 GB over a slow network loads for three minutes, and no step comes meanwhile.
_SILENT_S = 600.0
# An engine that does not answer is not waited for when a picture is given up.
_GIVE_UP_S = 5.0


_Opened: TypeAlias = AbstractAsyncContextManager[Listening[Message | bytes]]


class ComfyUi:
    """`ImageBackend`. ``workflows`` are the owner's graphs, by name."""

    kind = EngineKind.COMFYUI

    def __init__(self, settings: EngineSettings, workflows: Mapping[str, Workflow] | None = None) -> None:
        self._settings = settings
        self._workflows = workflows or {}
        self._prompts = Prompts()
        self.graphs: GraphRunner | None = ComfyGraphs(self._prompts)

    def address(self) -> Address:
        return self._settings.address

    # --- looking ---

    async def glance(self, http: ImageHttp) -> str:
        stats = decoded(await http.request("GET", "/system_stats"), Stats)
        if not stats.devices:
            raise MalformedAnswer("The engine tells of no device.")
        return stats.system.comfyui_version

    async def catalogue(self, http: ImageHttp) -> Catalogue:
        stats = decoded(await http.request("GET", "/system_stats"), Stats)
        classes = decoded(await http.request("GET", "/object_info", timeout_s=LONG_S), Classes)
        if "KSampler" not in classes:
            raise MalformedAnswer("The engine lists no nodes that draw.")
        return read_catalogue(classes, stats, frozenset(self._workflows), await _embeddings(http))

    async def memory(self, http: ImageHttp) -> Memory | None:
        return read_memory(decoded(await http.request("GET", "/system_stats"), Stats))

    async def waiting(self, http: ImageHttp) -> int:
        there = await queue(http)
        return len(there.running) + len(there.pending)

    def lacks(self, ask: PictureAsk, has: Catalogue) -> tuple[str, ...]:
        """1. What `fitting.lacks` finds. 2. What the graph would need beside."""
        found = lacks(ask, has)
        if found:
            return found
        try:
            graph = self._graph(ask, has, {image: image for image in ask.images})
        except Missing as missing:
            return (str(missing),)
        return lacks(ask, has, nodes=classes_of(graph))

    def _graph(self, ask: PictureAsk, has: Catalogue, files: Mapping[ImageId, str]) -> Graph:
        if ask.workflow:
            return filled_workflow(self._workflows[ask.workflow], ask, has, files)[0]
        return put_together(plan(ask, has, files), templates())

    # --- drawing ---

    async def run(self, run: Run, http: ImageHttp) -> AsyncGenerator[Event, None]:
        """1. It may be there already, from before a restart. 2. Else images go up, and the graph. 3. Listen until it
        has ended. 4. Fetch the picture, and let the engine forget it."""
        ended = await self._prompts.ended(run.id, http)
        if ended is None or ended.failed:
            if ended is not None:
                await self._prompts.forget(run.id, http)  # or it would be taken for the end of what comes now
            opened: _Opened = listening(http, run.id, of_prompt(run.id))
            async with opened as heard:
                try:
                    async for event in self._drawing(run, heard, http):
                        if isinstance(event, Ended):
                            ended = event
                        else:
                            yield event
                except BaseException as error:
                    if not isinstance(error, NodeUnreachable):
                        await self._given_up(run.id, http)
                    raise
        picture = await self._fetch(ended, http)
        await self._prompts.forget(run.id, http)
        yield Drawn(picture)

    async def _drawing(
        self, run: Run, heard: Listening[Message | bytes], http: ImageHttp
    ) -> AsyncGenerator[Progress | Ended, None]:
        """1. What is there already is followed to its end, unless whoever has left it has stopped it. 2. Else ours is
        sent."""
        if await self._prompts.is_there(run.id, http):
            async for event in self._follow(run, heard, http):
                if isinstance(event, Ended) and event.stopped:
                    await self._prompts.forget(run.id, http)
                    break
                yield event
            else:
                return
        await self._send(run, http)
        async for event in self._follow(run, heard, http):
            yield event

    async def _given_up(self, id: str, http: ImageHttp) -> None:
        """Nobody waits for it any more."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_GIVE_UP_S):
                await self.cancel(id, http)

    async def _send(self, run: Run, http: ImageHttp) -> None:
        files = {image: await self._prompts.upload(run.inputs[image], http) for image in run.ask.images}
        await self._prompts.send(run.id, dict(self._graph(run.ask, run.has, files)), {}, http)

    async def _follow(
        self, run: Run, heard: Listening[Message | bytes], http: ImageHttp
    ) -> AsyncGenerator[Progress | Ended, None]:
        """What is heard, as progress; when nothing is, or the end is said, the history decides."""
        loop = asyncio.get_running_loop()
        tracker = Tracker(self._prompts.named(run.id), _steps(run))
        told_s = loop.time()
        while True:
            heard_now = await heard.next(_DOUBT_S)
            if isinstance(heard_now, bytes):
                progress = tracker.preview(heard_now)
            elif heard_now is not None:
                told_s = loop.time() if heard_now.prompt == tracker.prompt else told_s
                progress = tracker.take(heard_now)
            else:
                # None where it waits no more.
                waits = await self._prompts.waits(run.id, http)
                progress = Progress(0, tracker.total, what="queued") if waits else None
                told_s = loop.time() if progress else told_s
            if progress is not None:
                yield progress
            if (tracker.ended or heard_now is None) and (ended := await self._prompts.still(run.id, http)) is not None:
                yield ended
                return
            if loop.time() - told_s > _SILENT_S:
                raise NodeTimeout(f"The engine has said nothing for {_SILENT_S:.0f} seconds.")

    async def _fetch(self, ended: Ended | None, http: ImageHttp) -> bytes:
        if ended is None:
            raise NodeFailed("The engine ended without a picture.")
        if ended.stopped:
            raise NodeFailed("The picture was stopped at the engine.", hint="Somebody pressed stop there.")
        if ended.failed:
            raise failed(ended)
        if not ended.pictures:
            raise NodeFailed("The graph gave no picture.", hint="A workflow needs a node that saves or shows an image.")
        return await view(ended.pictures[0], http)

    async def left(self, id: str, http: ImageHttp) -> bool:
        with suppress(NodeError):
            if await self._prompts.is_there(id, http):
                return True
            ended = await self._prompts.ended(id, http)
            return ended is not None and not ended.failed and not ended.stopped
        return False

    # --- stopping ---

    async def cancel(self, id: str, http: ImageHttp) -> bool:
        return await self._prompts.cancel(id, http)

    async def free(self, http: ImageHttp) -> None:
        reply = await http.request("POST", "/free", b'{"unload_models": true, "free_memory": true}')
        if reply.status >= 400:
            raise refused(reply)


async def _embeddings(http: ImageHttp) -> list[str]:
    """None where a build lists none."""
    try:
        return decoded(await http.request("GET", "/embeddings"), list[str])
    except (NodeFailed, MalformedAnswer):
        return []


def _steps(run: Run) -> int:
    """How many steps all samplers of our graph do; 0 where only the engine knows."""
    ask = run.ask
    if ask.workflow or not ask.generates:
        return 0
    first = steps_of(ask.steps, ask.denoise if ask.init else 1.0)
    return first + (steps_of(ask.hires.steps or ask.steps, ask.hires.denoise) if ask.hires else 0)
