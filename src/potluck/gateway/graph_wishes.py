"""A client's own graph in the studio's line."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from potluck.backends.images.port import Event, GraphEvent, GraphRun, graphs_of
from potluck.core.errors import BadRequest, GraphFailed, NodeError, NodeFailed, NoRoom, OutOfMemory, PotluckError
from potluck.core.model import EngineId, EngineKind, JsonObject, ModelId, NodeId, UserId
from potluck.core.pictures.catalogue import Catalogue, Family
from potluck.core.pictures.outcome import Progress
from potluck.gateway.painters import Place
from potluck.gateway.wishes import Drawing, Load
from potluck.wire.comfyui.graphs import Graph
from potluck.wire.comfyui.parameters import estimate
from potluck.wire.comfyui.validation import Upload


class PromptFailed(BadRequest):
    """A node of the graph has failed wherever it was tried."""

    def __init__(self, failed: GraphFailed) -> None:
        super().__init__(failed.message, param="prompt", hint=failed.hint, detail=failed.detail)
        self.failed = failed


@dataclass(frozen=True, slots=True)
class Ran:
    """Where a graph was run, for how long, and with which model (empty for none that is known)."""

    engine: EngineId
    node: NodeId
    kind: EngineKind
    seconds: float
    model: str = ""
    hash: str = ""


@dataclass(frozen=True, slots=True)
class GraphWish:
    """A `Wish`. ``outputs`` are the nodes for which it is run. ``inputs`` are the bytes of uploaded images, asked for
    when it is its turn; ``hear`` is told everything that comes of it but steps, with the place, and waited for."""

    id: str
    user: UserId
    graph: Graph
    extra: JsonObject
    outputs: tuple[str, ...]
    uploads: tuple[Upload, ...]
    inputs: Callable[[], Awaitable[Mapping[str, bytes]]]
    tell: Callable[[Progress, str], None]
    hear: Callable[[GraphEvent, Place], Awaitable[None]]
    again: bool = False

    def lacks(self, place: Place) -> tuple[str, ...]:
        graphs = graphs_of(place.images)
        return ("runs no graphs",) if graphs is None else graphs.lacks(self.graph, place.has, self.outputs)

    def refusal(self, places: Sequence[Place], reasons: Mapping[EngineId, tuple[str, ...]]) -> PotluckError:
        told = "; ".join(f"{place.node} {', '.join(reasons[place.engine])}" for place in places[:5])
        return BadRequest("No image engine can run this graph.", hint=f"{told}."[:500])

    def given_up(self, errors: Sequence[NodeError]) -> PotluckError:
        """1. A node that failed fails again. 2. Nobody has the memory. 3. Nobody takes it. 4. Time may mend it."""
        for error in errors:
            if isinstance(error, GraphFailed):
                return PromptFailed(error)
        if all(isinstance(error, OutOfMemory) for error in errors):
            hint = "Make the picture smaller, or use another model."
            return NoRoom("No image engine has the memory for this graph.", hint=hint, detail=errors[-1].detail)
        lasting = [error for error in errors if not (isinstance(error, NodeFailed) and error.status == 400)]
        return lasting[-1] if lasting else BadRequest("No image engine takes this graph.", hint=errors[-1].hint[:500])

    def load(self, has: Catalogue) -> Load:
        found, work = estimate(self.graph, has)
        if found is None:
            return Load(ModelId("workflow"), Family.UNKNOWN, "", work)
        return Load(ModelId(found.name), found.family, found.name, work)

    async def begin(self, place: Place) -> Drawing[Ran]:
        run = GraphRun(self.id, self.graph, self.extra, self.outputs, self.uploads, await self.inputs())
        return _Running(place, run, self)


class _Running:
    """`Drawing`."""

    def __init__(self, place: Place, run: GraphRun, wish: GraphWish) -> None:
        self._place = place
        self._run = run
        self._wish = wish

    async def events(self) -> AsyncGenerator[Event, None]:
        graphs = graphs_of(self._place.images)
        assert graphs is not None  # `GraphWish.lacks`
        async with aclosing(graphs.run(self._run, self._place.http)) as events:
            async for event in events:
                if isinstance(event, Progress):
                    yield event
                else:
                    await self._wish.hear(event, self._place)

    def finished(self, seconds: float) -> Ran:
        place, found = self._place, estimate(self._run.graph, self._place.has).model
        model, hash_ = (found.name, found.hash) if found is not None else ("", "")
        return Ran(place.engine, place.node, place.kind, seconds, model, hash_)
