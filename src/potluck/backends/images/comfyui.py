"""ComfyUI behind `ImageBackend`: a graph is sent, its socket listened to, its picture fetched (API-CONTRACTS.md 7)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from potluck.backends.engine_settings import EngineSettings
from potluck.backends.images.comfyui_listening import Listening, listening
from potluck.backends.images.port import Event, ImageHttp, Run
from potluck.backends.images.templates import templates
from potluck.backends.images.uploads import form
from potluck.backends.port import Address
from potluck.backends.reading import decoded, decoded_body, refused
from potluck.core.errors import (
    MalformedAnswer,
    NodeError,
    NodeFailed,
    NodeTimeout,
    NodeUnreachable,
    OutOfMemory,
)
from potluck.core.model import EngineKind
from potluck.core.pictures.ask import ImageId, PictureAsk
from potluck.core.pictures.catalogue import Catalogue, Memory
from potluck.core.pictures.fitting import lacks
from potluck.core.pictures.outcome import Drawn, Progress
from potluck.wire.comfyui.graphs import Graph, classes_of, put_together
from potluck.wire.comfyui.plans import Missing, plan, steps_of
from potluck.wire.comfyui.reading import (
    Classes,
    Ended,
    History,
    Output,
    Queue,
    Refused,
    Stats,
    is_out_of_memory,
    read_catalogue,
    read_history,
    read_memory,
)
from potluck.wire.comfyui.tracking import Tracker
from potluck.wire.comfyui.workflows import Workflow, filled_workflow

# A list of all node classes with everything that custom nodes bring is some megabytes, and takes a small machine long.
_LONG_S = 60.0
# Without a word for so long the history is asked: messages may be lost, as another may take a client's socket over.
_DOUBT_S = 5.0
# A model of 20 GB over a slow network loads for three minutes, and no step comes meanwhile.
_SILENT_S = 600.0
# An engine that does not answer is not waited for when a picture is given up.
_GIVE_UP_S = 5.0


class _Queued(msgspec.Struct):
    prompt_id: str


class _Uploaded(msgspec.Struct):
    name: str
    subfolder: str = ""
    type: str = "input"


class ComfyUi:
    """`ImageBackend`. ``workflows`` are the owner's graphs, by name."""

    kind = EngineKind.COMFYUI

    def __init__(self, settings: EngineSettings, workflows: Mapping[str, Workflow] | None = None) -> None:
        self._settings = settings
        self._workflows = workflows or {}
        self._prompts: dict[str, str] = {}
        """What the engine calls the runs that are under way; builds of before 2025 choose ids themselves."""

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
        classes = decoded(await http.request("GET", "/object_info", timeout_s=_LONG_S), Classes)
        if "KSampler" not in classes:
            raise MalformedAnswer("The engine lists no nodes that draw.")
        return read_catalogue(classes, stats, frozenset(self._workflows), await _embeddings(http))

    async def memory(self, http: ImageHttp) -> Memory | None:
        return read_memory(decoded(await http.request("GET", "/system_stats"), Stats))

    async def waiting(self, http: ImageHttp) -> int:
        queue = await _queue(http)
        return len(queue.running) + len(queue.pending)

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
        ended = await self._ended(run.id, http)
        if ended is None or ended.failed:
            if ended is not None:
                await self._forget(run.id, http)  # or it would be taken for the end of what comes now
            async with listening(http, run.id) as heard:
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
        await self._forget(run.id, http)
        yield Drawn(picture)

    async def _drawing(self, run: Run, heard: Listening, http: ImageHttp) -> AsyncGenerator[Progress | Ended, None]:
        """1. What is there already is followed to its end, unless whoever has left it has stopped it. 2. Else ours is
        sent."""
        if run.id in await _known(http):
            async for event in self._follow(run, heard, http):
                if isinstance(event, Ended) and event.stopped:
                    await self._forget(run.id, http)
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
        files = {image: await self._upload(image, run, http) for image in run.ask.images}
        graph = self._graph(run.ask, run.has, files)
        body: dict[str, Any] = {
            "prompt": graph,
            "client_id": run.id,
            "prompt_id": run.id,
            "extra_data": {"preview_method": "auto", "extra_pnginfo": {}},
        }
        reply = await http.request("POST", "/prompt", msgspec.json.encode(body), timeout_s=_LONG_S)
        if reply.status == 400:
            raise self._refusal(reply.body)
        self._prompts[run.id] = decoded(reply, _Queued).prompt_id

    def _refusal(self, body: bytes) -> NodeError:
        """The graph is ours: what is wrong with it another engine may do."""
        told = decoded_body(body, Refused).told()
        return NodeFailed("The engine refuses the graph.", status=400, hint=told, detail=told)

    async def _upload(self, image: ImageId, run: Run, http: ImageHttp) -> str:
        """Into the temporary folder, which the engine empties when it starts; the same bytes lie there once."""
        name, body, content_type = form(run.inputs[image])
        path = "/upload/image"
        reply = await http.request("POST", path, body, timeout_s=_LONG_S, content_type=content_type)
        if reply.status >= 400:
            raise refused(reply)
        told = decoded(reply, _Uploaded)
        where = f"{told.subfolder}/{told.name}" if told.subfolder else told.name or name
        return f"{where} [{told.type}]"

    async def _follow(self, run: Run, heard: Listening, http: ImageHttp) -> AsyncGenerator[Progress | Ended, None]:
        """What is heard, as progress; when nothing is, or the end is said, the history decides."""
        loop = asyncio.get_running_loop()
        tracker = Tracker(self._named(run.id), _steps(run))
        told_s = loop.time()
        while True:
            heard_now = await heard.next(_DOUBT_S)
            if isinstance(heard_now, bytes):
                progress = tracker.preview(heard_now)
            elif heard_now is not None:
                told_s = loop.time() if heard_now.prompt == tracker.prompt else told_s
                progress = tracker.take(heard_now)
            else:
                progress = await self._queued(tracker, http)
                told_s = loop.time() if progress else told_s
            if progress is not None:
                yield progress
            if (tracker.ended or heard_now is None) and (ended := await self._still(run.id, http)) is not None:
                yield ended
                return
            if loop.time() - told_s > _SILENT_S:
                raise NodeTimeout(f"The engine has said nothing for {_SILENT_S:.0f} seconds.")

    async def _queued(self, tracker: Tracker, http: ImageHttp) -> Progress | None:
        """None where it waits no more."""
        pending = (await _queue(http)).pending
        return Progress(0, tracker.total, what="queued") if tracker.prompt in pending else None

    async def _still(self, id: str, http: ImageHttp) -> Ended | None:
        """None while it waits or is drawn. Raises `NodeFailed` where the engine knows nothing of it: it was started
        anew."""
        for _ in range(2):
            if (ended := await self._ended(id, http)) is not None:
                return ended
            if self._named(id) in await _known(http):
                return None
        # Between the two looks it may have ended, so it was looked for twice.
        raise NodeFailed("The engine has forgotten the picture.", hint="It was started anew, or its queue was cleared.")

    async def _ended(self, id: str, http: ImageHttp) -> Ended | None:
        prompt = self._named(id)
        history = decoded(await http.request("GET", f"/history/{quote(prompt, safe='')}"), History)
        return read_history(history, prompt)

    async def _fetch(self, ended: Ended | None, http: ImageHttp) -> bytes:
        if ended is None:
            raise NodeFailed("The engine ended without a picture.")
        if ended.stopped:
            raise NodeFailed("The picture was stopped at the engine.", hint="Somebody pressed stop there.")
        if ended.failed:
            raise _failure(ended)
        if not ended.pictures:
            raise NodeFailed("The graph gave no picture.", hint="A workflow needs a node that saves or shows an image.")
        return await _view(ended.pictures[0], http)

    async def _forget(self, id: str, http: ImageHttp) -> None:
        """Whoever looks at the engine's own page would read the prompt there."""
        prompt = self._prompts.pop(id, id)
        with suppress(NodeError):
            await http.request("POST", "/history", msgspec.json.encode({"delete": [prompt]}))

    def _named(self, id: str) -> str:
        return self._prompts.get(id, id)

    async def left(self, id: str, http: ImageHttp) -> bool:
        with suppress(NodeError):
            if self._named(id) in await _known(http):
                return True
            ended = await self._ended(id, http)
            return ended is not None and not ended.failed and not ended.stopped
        return False

    # --- stopping ---

    async def cancel(self, id: str, http: ImageHttp) -> bool:
        """1. Where it is. 2. Out of the queue, or, only if it is what runs, interrupted: builds of before 2025 overlook
        the id, and stop whatever runs."""
        prompt = self._named(id)
        with suppress(NodeError):
            queue = await _queue(http)
            if prompt in queue.pending:
                await http.request("POST", "/queue", msgspec.json.encode({"delete": [prompt]}))
                queue = await _queue(http)
            if prompt in queue.running:
                await http.request("POST", "/interrupt", msgspec.json.encode({"prompt_id": prompt}))
            elif prompt in queue.pending:
                return False
            self._prompts.pop(id, None)
            return True
        return False

    async def free(self, http: ImageHttp) -> None:
        body = msgspec.json.encode({"unload_models": True, "free_memory": True})
        reply = await http.request("POST", "/free", body)
        if reply.status >= 400:
            raise refused(reply)


async def _embeddings(http: ImageHttp) -> list[str]:
    """None where a build lists none."""
    try:
        return decoded(await http.request("GET", "/embeddings"), list[str])
    except (NodeFailed, MalformedAnswer):
        return []


async def _queue(http: ImageHttp) -> Queue:
    return decoded(await http.request("GET", "/queue"), Queue)


async def _known(http: ImageHttp) -> tuple[str, ...]:
    queue = await _queue(http)
    return (*queue.running, *queue.pending)


async def _view(output: Output, http: ImageHttp) -> bytes:
    where = {"filename": output.filename, "subfolder": output.subfolder, "type": output.type}
    reply = await http.request("GET", f"/view?{urlencode(where, quote_via=quote)}", timeout_s=_LONG_S)
    if reply.status >= 400 or not reply.body:
        raise refused(reply)
    return reply.body


def _failure(ended: Ended) -> NodeError:
    if is_out_of_memory(ended.kind, ended.text):
        return OutOfMemory(
            "The engine's memory does not hold this picture.",
            hint="Ask for a smaller one, or for another node.",
            detail=ended.text[:500],
        )
    return NodeFailed("The engine failed while it drew.", detail=f"{ended.kind}: {ended.text}"[:500])


def _steps(run: Run) -> int:
    """How many steps all samplers of our graph do; 0 where only the engine knows."""
    ask = run.ask
    if ask.workflow or not ask.generates:
        return 0
    first = steps_of(ask.steps, ask.denoise if ask.init else 1.0)
    return first + (steps_of(ask.hires.steps or ask.steps, ask.hires.denoise) if ask.hires else 0)
