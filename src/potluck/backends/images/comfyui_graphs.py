"""A client's own graph on one ComfyUI: everything that is said of it is passed on, and every file that it makes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, Final, TypeAlias, cast

import msgspec

from potluck.backends.images.comfyui_listening import Listening, listening
from potluck.backends.images.comfyui_prompts import LONG_S, Prompts, view
from potluck.backends.images.port import Executed, File, GraphEvent, GraphRun, ImageHttp
from potluck.backends.reading import decoded_body, refused
from potluck.core.errors import GraphFailed, MalformedAnswer, NodeFailed, NodeTimeout, NodeUnreachable, OutOfMemory
from potluck.core.model import JsonObject
from potluck.core.pictures.catalogue import Catalogue
from potluck.core.pictures.outcome import Progress
from potluck.wire.comfyui.frames import Heard, Said, Shown, Words, read_bytes, read_text
from potluck.wire.comfyui.graphs import Graph, classes_of
from potluck.wire.comfyui.messages import message_of
from potluck.wire.comfyui.object_info import ObjectInfo
from potluck.wire.comfyui.outputs import MOST_FILES, bounded, files_of
from potluck.wire.comfyui.reading import Output, is_out_of_memory
from potluck.wire.comfyui.tracking import Tracker
from potluck.wire.comfyui.validation import look

# As long as what an engine has told of itself is good: its owner puts a file there now and then.
FRESH_S: Final = 60.0
_DOUBT_S: Final = 5.0
# A film takes a slow machine long, and some nodes say nothing before they have it.
_SILENT_S: Final = 1800.0
_GIVE_UP_S: Final = 5.0
_LONGEST_WORDS: Final = 2000
# Its pictures are in no history: who was not there when they came has none.
_LIVE: Final = "SaveImageWebsocket"
# What is passed on as it is said; what comes of the whole prompt is told when all of it is kept.
_PASSED: Final = frozenset({"execution_start", "execution_cached", "executing", "progress", "progress_state"})


_Opened: TypeAlias = AbstractAsyncContextManager[Listening[Heard]]


class _Status(msgspec.Struct):
    status_str: str = ""
    messages: list[tuple[str, dict[str, Any]]] = []


class _Entry(msgspec.Struct):
    outputs: dict[str, dict[str, Any]] = {}
    status: _Status | None = None


class ComfyGraphs:
    """`GraphRunner`. ``prompts`` are all of ours at this engine."""

    def __init__(self, prompts: Prompts) -> None:
        self._prompts = prompts
        self._info: ObjectInfo | None = None
        self._info_s = 0.0

    async def info(self, http: ImageHttp, *, fresh_s: float = FRESH_S) -> ObjectInfo:
        now = asyncio.get_running_loop().time()
        if self._info is None or now - self._info_s > fresh_s:
            reply = await http.request("GET", "/object_info", timeout_s=LONG_S)
            if reply.status >= 400:
                raise refused(reply)
            try:
                self._info, self._info_s = ObjectInfo(reply.body), now
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                raise MalformedAnswer("The engine's list of nodes cannot be read.", detail=str(error)) from error
        return self._info

    def lacks(self, graph: Graph, has: Catalogue, outputs: Collection[str]) -> tuple[str, ...]:
        if self._info is None:
            missing = sorted(classes_of(graph) - has.nodes)
            return (f"lacks the node {', '.join(missing)}",) if missing else ()
        seen = look(graph, self._info, outputs)
        return () if set(outputs) <= set(seen.outputs) else seen.reasons or ("shows nothing of it",)

    async def run(self, run: GraphRun, http: ImageHttp) -> AsyncGenerator[GraphEvent, None]:
        """1. It may be there already, from before a restart. 2. Else images go up, and the graph. 3. Listen until it
        has ended. 4. What was missed meanwhile stands in its history, which the engine then forgets."""
        running = _Running(run, self._prompts, http)
        ended = await running.entry()
        if ended is not None and (_has_failed(ended) or _LIVE in classes_of(run.graph)):
            await self._prompts.forget(run.id, http)
            ended = None
        if ended is None:
            opened: _Opened = listening(http, run.id, _reader(self._prompts, run.id))
            async with opened as heard:
                try:
                    async for event in self._running(running, run, heard, http):
                        yield event
                except BaseException as error:
                    if not isinstance(error, NodeUnreachable):
                        await self._given_up(run.id, http)
                    raise
            ended = running.ended
        assert ended is not None
        if _has_failed(ended):
            await self._prompts.forget(run.id, http)
            raise _failure(ended)
        for node, output in ended.outputs.items():
            async for made in running.made(node, output):
                yield made
        await self._prompts.forget(run.id, http)

    async def _running(
        self, running: _Running, run: GraphRun, heard: Listening[Heard], http: ImageHttp
    ) -> AsyncGenerator[GraphEvent, None]:
        """1. What is there already is followed to its end, unless whoever has left it has stopped it. 2. Else ours is
        sent."""
        if await self._prompts.is_there(run.id, http):
            async for event in running.follow(heard):
                yield event
            if running.ended is None or not _was_stopped(running.ended):
                return
            await self._prompts.forget(run.id, http)
        await self._send(run, http)
        async for event in running.follow(heard):
            yield event

    async def _send(self, run: GraphRun, http: ImageHttp) -> None:
        seen = look(run.graph, await self.info(http), run.outputs)
        if not set(run.outputs) <= set(seen.outputs):
            told = "; ".join(seen.reasons)[:_LONGEST_WORDS]
            raise NodeFailed("The engine cannot run this graph.", status=400, hint=told, detail=told)
        files = {name: await self._prompts.upload(data, http) for name, data in run.inputs.items()}
        graph: JsonObject = dict(seen.graph)
        for upload in run.uploads:
            node = seen.graph[upload.node]
            inputs: Any = node["inputs"]
            graph[upload.node] = {**node, "inputs": {**inputs, upload.input: files[upload.value]}}
        await self._prompts.send(run.id, graph, run.extra, http)

    async def _given_up(self, id: str, http: ImageHttp) -> None:
        """Nobody waits for it any more."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_GIVE_UP_S):
                await self._prompts.cancel(id, http)


def _reader(prompts: Prompts, id: str) -> Callable[[str | bytes], Heard | None]:
    """What is about the prompt with that id; other prompts' words come here, too, where they belong to no client."""

    def read(raw: str | bytes) -> Heard | None:
        if isinstance(raw, str):
            said = read_text(raw)
            return said if said is not None and said.data.get("prompt_id") == prompts.named(id) else None
        shown = read_bytes(raw)
        return shown if not isinstance(shown, Shown) or shown.prompt in ("", prompts.named(id)) else None

    return read


class _Running:
    """One graph on its way. ``ended`` is there when it has."""

    def __init__(self, run: GraphRun, prompts: Prompts, http: ImageHttp) -> None:
        self._run = run
        self._prompts = prompts
        self._http = http
        self._node = ""
        self._told: set[str] = set()
        self._files = 0
        self.ended: _Entry | None = None

    async def entry(self) -> _Entry | None:
        body = await self._prompts.history(self._run.id, self._http)
        return decoded_body(body, dict[str, _Entry]).get(self._prompts.named(self._run.id))

    async def follow(self, heard: Listening[Heard]) -> AsyncGenerator[GraphEvent, None]:
        """What is heard; when nothing is, or the end is said, the history decides."""
        loop = asyncio.get_running_loop()
        tracker, told_s = Tracker(self._prompts.named(self._run.id), 0), loop.time()
        while True:
            news = await heard.next(_DOUBT_S)
            if news is None:
                if await self._prompts.waits(self._run.id, self._http):
                    told_s = loop.time()
                    yield Progress(what="queued")
            else:
                told_s = loop.time()
                async for event in self._take(news, tracker):
                    yield event
            if (tracker.ended or news is None) and await self._is_over():
                return
            if loop.time() - told_s > _SILENT_S:
                raise NodeTimeout(f"The engine has said nothing for {_SILENT_S:.0f} seconds.")

    async def _is_over(self) -> bool:
        """Raises `NodeFailed` where the engine knows nothing of it: it was started anew."""
        for _ in range(2):
            self.ended = await self.entry()
            if self.ended is not None:
                return True
            if await self._prompts.is_there(self._run.id, self._http):
                return False
        raise NodeFailed("The engine has forgotten the prompt.", hint="It was started anew, or its queue was cleared.")

    async def _take(self, news: Heard, tracker: Tracker) -> AsyncGenerator[GraphEvent, None]:
        match news:
            case Said():
                async for event in self._said(news, tracker):
                    yield event
            case Shown():
                node = news.node or self._node
                if tracker.drawing and node in self._run.graph:
                    yield news._replace(node=node)
            case Words():
                if tracker.drawing:
                    yield news

    async def _said(self, said: Said, tracker: Tracker) -> AsyncGenerator[GraphEvent, None]:
        message = message_of(said.kind, said.data)
        progress = tracker.take(message) if message is not None else None
        if progress is not None:
            yield progress
        if said.kind == "executed":
            async for made in self.made(str(said.data.get("node")), _output(said.data.get("output"))):
                yield made
        if said.kind == "executing":
            self._node = str(said.data.get("node") or "")
            if not self._node:  # the end: it is told when everything is kept
                return
        if said.kind in _PASSED:
            yield said

    async def made(self, node: str, output: JsonObject) -> AsyncGenerator[GraphEvent, None]:
        """A node's files and what else it shows, once."""
        if node in self._told:
            return
        self._told.add(node)
        for place in files_of(node, output):
            self._files += 1
            if self._files > MOST_FILES:
                raise NodeFailed(f"The graph makes more than {MOST_FILES} files.", hint="Make fewer at a time.")
            found = Output(place.filename, place.subfolder, place.type)
            yield File(place, await view(found, self._http))
        yield Executed(node, bounded(output))


def _output(told: object) -> JsonObject:
    return cast("JsonObject", told) if isinstance(told, dict) else {}


def _has_failed(ended: _Entry) -> bool:
    return ended.status is not None and ended.status.status_str == "error"


def _was_stopped(ended: _Entry) -> bool:
    return ended.status is not None and any(name == "execution_interrupted" for name, _ in ended.status.messages)


def _failure(ended: _Entry) -> NodeFailed:
    """What the history says went wrong. Where in the engine's own code that was is nobody's business here."""
    for name, data in reversed(ended.status.messages if ended.status is not None else []):
        if name == "execution_interrupted":
            return NodeFailed("The prompt was stopped at the engine.", hint="Somebody pressed stop there.")
        if name == "execution_error":
            kind, words = str(data.get("exception_type", "")), str(data.get("exception_message", ""))[:_LONGEST_WORDS]
            if is_out_of_memory(kind, words):
                hint = "Ask for a smaller picture, or for another node."
                return OutOfMemory("The engine's memory does not hold this.", hint=hint, detail=words[:500])
            return GraphFailed(str(data.get("node_id", "")), str(data.get("node_type", "")), kind, words)
    return NodeFailed("The engine failed at the graph.")
