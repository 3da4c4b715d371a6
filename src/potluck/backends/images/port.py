"""What an image engine must offer Potluck: one small class per kind of server, all passing one contract suite.

A backend knows its engine's dialect and habits, not which picture goes where. It draws one picture at a time
(`core.pictures.ask.each`), over a connection that it is handed. Who wants a picture does not call this: it submits a
job of kind ``image`` (`potluck.jobs.image`), which chooses the engine, keeps what comes, and goes on elsewhere when an
engine dies.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol, TypeAlias

import msgspec

from potluck.backends.port import Address, EngineHttp, HttpReply
from potluck.core.model import EngineKind, JsonObject
from potluck.core.pictures.ask import ImageId, PictureAsk
from potluck.core.pictures.catalogue import Catalogue, Memory
from potluck.core.pictures.outcome import Drawn, Progress
from potluck.wire.comfyui.frames import Said, Shown, Words
from potluck.wire.comfyui.graphs import Graph
from potluck.wire.comfyui.object_info import ObjectInfo
from potluck.wire.comfyui.outputs import Place
from potluck.wire.comfyui.validation import Upload

Event: TypeAlias = Progress | Drawn

Inputs: TypeAlias = Mapping[ImageId, bytes]
"""The bytes of every image that an ask names (`PictureAsk.images`): PNG, decoded and written anew by us. What is drawn
over, and its mask, have the ask's size; what is upscaled has its own."""


class Socket(Protocol):
    """Messages of an open WebSocket, in order: text as str, binary as bytes. Ends when the engine closes it."""

    def messages(self) -> AsyncIterator[str | bytes]: ...

    async def send(self, text: str) -> None: ...


class ImageHttp(EngineHttp, Protocol):
    """Requests to one image engine: bounded answers, no Origin, no client's headers.

    Everything raises `NodeUnreachable` or `NodeTimeout`, and `NodeFailed` for an answer over the bound.
    """

    async def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        timeout_s: float = 10.0,
        content_type: str = "application/json",
    ) -> HttpReply: ...

    def socket(self, path: str) -> AbstractAsyncContextManager[Socket]: ...


class Run(msgspec.Struct, frozen=True):
    """One picture to draw. ``ask`` is complete (`core.pictures.fitting.filled`) and what the engine of ``has`` can do
    (`ImageBackend.lacks`). Outpainting comes as inpainting of a canvas that has grown already, and what is only to be
    drawn where it is masked as an image of its own. ``id`` is ours, a lowercase UUID: it names the prompt at the
    engine, so that nobody else's is ever stopped, and a second `ImageBackend.run` with it after a restart finds what
    the first one has begun."""

    id: str
    ask: PictureAsk
    has: Catalogue
    inputs: Inputs


class GraphRun(msgspec.Struct, frozen=True):
    """A whole graph to run, of a user's own. ``id`` as `Run`'s; ``outputs`` are the nodes for which it is run: who
    cannot run one of them is the wrong engine. ``uploads`` is where it names images that were uploaded, ``inputs``
    their bytes by those names."""

    id: str
    graph: Graph
    extra: JsonObject
    outputs: tuple[str, ...]
    uploads: tuple[Upload, ...]
    inputs: Mapping[str, bytes]


class File(NamedTuple):
    """A file that a node has made, before the engine says that the node has ended."""

    place: Place
    data: bytes


class Executed(NamedTuple):
    """A node has ended, with this to show; its files came before."""

    node: str
    output: JsonObject


GraphEvent: TypeAlias = Progress | Said | Shown | Words | File | Executed


class GraphRunner(Protocol):
    """What runs graphs: ComfyUI."""

    async def info(self, http: ImageHttp, *, fresh_s: float = ...) -> ObjectInfo:
        """All its node classes, as they were ``fresh_s`` seconds ago or later. Raises `NodeError`."""
        ...

    def lacks(self, graph: Graph, has: Catalogue, outputs: Collection[str]) -> tuple[str, ...]:
        """Why it cannot run a graph, as far as is known without asking; each goes on from the node's name."""
        ...

    def run(self, run: GraphRun, http: ImageHttp) -> AsyncGenerator[GraphEvent, None]:
        """Run a graph: what the engine says of it, as it says it, and each file once. Raises as `ImageBackend.run`,
        and `GraphFailed` for a node that has failed. Who stops iterating stops the engine, too."""
        ...


class ImageBackend(Protocol):
    """One image engine. Nothing here is on a hot path: a picture takes seconds. What runs graphs of clients' own has a
    `GraphRunner` beside (`graphs_of`)."""

    kind: EngineKind

    def address(self) -> Address:
        """Where it listens."""
        ...

    async def glance(self, http: ImageHttp) -> str:
        """Its version, by one small request. Raises `NodeError` where something else answers."""
        ...

    async def catalogue(self, http: ImageHttp) -> Catalogue:
        """Look at the engine: alive, and all it has. Raises `NodeError` if it is not well."""
        ...

    async def memory(self, http: ImageHttp) -> Memory | None:
        """Its accelerator's memory now; None where it does not tell."""
        ...

    def lacks(self, ask: PictureAsk, has: Catalogue) -> tuple[str, ...]:
        """Why the engine of ``has`` cannot do it: `fitting.lacks`, and what the dialect wants beside. Empty: it can."""
        ...

    def run(self, run: Run, http: ImageHttp) -> AsyncGenerator[Event, None]:
        """Draw one picture: any number of `Progress`, then one `Drawn`, which is the last.

        Who stops iterating (closes the iterator, or is cancelled) stops the engine, too, as `cancel` does. Raises
        `NodeError` for what another engine may do better, with `OutOfMemory` for a picture that does not fit;
        `BadRequest` for what the engine will refuse for ever.
        """
        ...

    async def cancel(self, id: str, http: ImageHttp) -> bool:
        """Stop exactly the run of that id, waiting or drawing, and nobody else's. Whether it was there. Never raises
        for an engine that is gone: what it drew is gone with it."""
        ...

    async def left(self, id: str, http: ImageHttp) -> bool:
        """Whether a run of that id, begun by who does not listen any more, is there for `run` to go on with. What
        cannot be gone on with is stopped. Never raises for an engine that is gone."""
        ...

    async def waiting(self, http: ImageHttp) -> int:
        """How many pictures are drawn or wait there, everybody's."""
        ...

    async def free(self, http: ImageHttp) -> None:
        """Put all models out of memory, for a text model that needs the room. Raises `NodeError`."""
        ...


def graphs_of(images: ImageBackend) -> GraphRunner | None:
    """What runs graphs of clients' own; None where the engine takes none."""
    found: GraphRunner | None = getattr(images, "graphs", None)
    return found
