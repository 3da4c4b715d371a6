"""Where pictures are drawn: one line for all image engines, and what becomes of a picture whose engine dies.

`core.pictures.placing` decides whose turn it is and where; here its answers meet the world. State changes in
synchronous stretches; what waits are the pictures' own tasks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import TypeVar, cast

import structlog

from potluck.backends.images.engine import MODELS
from potluck.backends.images.port import ImageHttp
from potluck.core.catalogue import SERVING
from potluck.core.errors import (
    BadRequest,
    NodeError,
    NodeUnreachable,
    NoEngineReady,
    OutOfMemory,
    PotluckError,
)
from potluck.core.health import Seen
from potluck.core.model import EngineId, EngineKind, NodeId, RequestId
from potluck.core.pictures.catalogue import Feature
from potluck.core.pictures.outcome import Drawn, Progress, guessed
from potluck.core.pictures.placing import Cost, Line, Spot, Standing, Want
from potluck.core.pictures.speeds import Reading, Speeds
from potluck.gateway.dispatch import Dispatcher
from potluck.gateway.fleet import Fleet
from potluck.gateway.painters import Local, Painter, Place
from potluck.gateway.picture_pace import Pace
from potluck.gateway.wishes import Load, Wish

T = TypeVar("T")

log = structlog.get_logger(__name__)

# Engines come up and go, others' pictures end, memory falls free: the line is looked at so often.
_LOOK_S = 1.0
# A picture that waits for memory of text models that are never idle goes ahead after what its class may wait.
_PATIENCE_S = 60.0
_RETRY_S = 15.0
# An engine that does not say at once whether it has begun a picture before is taken not to.
_LEFT_S = 3.0
# What others draw is looked at so often while one of ours waits for it, and not only when an engine's turn comes.
_OTHERS_S = 2.0
# Somebody else's work on the processor is not hindered: it is the last that is asked.
_LAST_RANK = 1_000


@dataclass(slots=True)
class _Seeking:
    """A picture in line. ``tried`` failed at it, each with its error. ``asked`` were asked whether they have begun it
    before; ``left`` is the one that has."""

    wish: Wish[object]
    arrived_s: float
    tried: dict[EngineId, NodeError] = field(default_factory=dict[EngineId, NodeError])
    turn: asyncio.Future[EngineId] | None = None
    asked: set[EngineId] = field(default_factory=set[EngineId])
    left: EngineId | None = None


class Studio:
    """Called from one event loop. ``clock`` is monotonic; ``order`` is the owner's of nodes, empty: by the predicted
    finish. ``puts_out``: idle text models give way to pictures; ``insists``: pictures wait for no text model."""

    def __init__(
        self,
        fleet: Fleet,
        dispatcher: Dispatcher,
        clock: Callable[[], float],
        *,
        order: tuple[NodeId, ...] = (),
        puts_out: bool = True,
        insists: bool = False,
        local: Callable[[], Awaitable[Local | None]] | None = None,
    ) -> None:
        self.speeds = Speeds()
        self._fleet = fleet
        self._dispatcher = dispatcher
        self._clock = clock
        self._order = order
        self._puts_out = puts_out
        self._insists = insists
        self._local_of = local
        self._local: Place | None = None
        self._line = Line(in_order=bool(order))
        self._seeking: dict[str, _Seeking] = {}
        self._loaded: dict[EngineId, str] = {}
        self._looked_s: dict[EngineId, float] = {}

    # --- what there is ---

    def places(self) -> tuple[Place, ...]:
        """All image engines that were seen once, up or not, the owner's first ones first."""
        found = sorted(self._remote(), key=lambda place: (self._rank(place), place.engine))
        return (*found, *([self._local] if self._local is not None else []))

    def painters(self) -> tuple[Painter, ...]:
        """Every image engine as it is now, also those that have not answered yet."""
        found = [
            Painter(each.node, each.kind, engine.health in SERVING, engine.why, each.drawing.has)
            for each in self._fleet.installations.values()
            if each.drawing is not None and (engine := self._fleet.engines.get(each.id)) is not None
        ]
        home = self._local
        return (*found, *([Painter(home.node, home.kind, True, "", home.has)] if home is not None else []))

    def _remote(self) -> Iterator[Place]:
        for each in self._fleet.installations.values():
            engine = each.drawing
            if engine is not None and engine.has is not None:
                health = self._fleet.engines[each.id].health
                http = cast("ImageHttp", each.http)
                others = 0 if each.id in self._busy() else max(0, engine.others - self._left_at(each.id))
                yield Place(each.id, each.node, each.kind, engine.images, http, engine.has, health, others)

    def _left_at(self, engine: EngineId) -> int:
        """Pictures of ours that it draws since before, and that wait for their turn to be fetched."""
        return sum(seeking.left == engine for seeking in self._seeking.values())

    def _busy(self) -> frozenset[EngineId]:
        """Engines that draw ours: what they count as their work is that."""
        return self._line.busy()

    def _rank(self, place: Place) -> int:
        if place.kind is EngineKind.LOCAL:
            return _LAST_RANK
        return self._order.index(place.node) if place.node in self._order else len(self._order)

    def _spots(self) -> tuple[Spot, ...]:
        up = [place for place in self.places() if place.health in SERVING]
        return tuple(
            Spot(place.engine, place.node, self._rank(place), place.others, self._in_memory(place)) for place in up
        )

    def _in_memory(self, place: Place) -> str:
        told = next((each.name for each in place.has.checkpoints if each.loaded), "")
        return self._loaded.get(place.engine, told)

    def standing(self, id: str) -> Standing | None:
        """Where a picture stands in line; None for one that is not."""
        return self._line.standings(self._spots(), self._clock()).get(id)

    @property
    def waiting(self) -> int:
        return self._line.waiting

    # --- drawing ---

    async def draw(self, wish: Wish[T]) -> T:
        """Draw it, wherever that can be done, and elsewhere if it fails there.

        Raises `ClientError` for what no engine of the house can do, `NoRoom` where none has the memory, `NoEngineReady`
        while those that could are away, and the last `NodeError` where all have failed.
        """
        await self._look_at_home()
        seeking = self._seeking[wish.id] = _Seeking(wish, self._clock())
        try:
            while True:
                place = await self._turn(seeking)
                try:
                    if not await self._left_elsewhere(seeking, place):
                        return await self._drawn(wish, place)
                    self._line.given_back(place.engine)
                except NodeError as error:
                    self._failed(seeking, place, error)
                finally:
                    self._freed(place)
        finally:
            if self._seeking.get(wish.id) is seeking:  # and no later try of it
                self._line.leave(wish.id)
                del self._seeking[wish.id]
            self._settle()

    async def _look_at_home(self) -> None:
        """What this machine enlarges with is found when it is first of use."""
        if self._local_of is not None and self._local is None:
            local = await self._local_of()
            self._local_of = None
            if local is not None:
                engine = EngineId(f"{local.node}/{EngineKind.LOCAL}:images")
                nowhere = cast("ImageHttp", None)  # it asks nobody
                self._local = Place(engine, local.node, EngineKind.LOCAL, local.images, nowhere, local.has)

    async def _turn(self, seeking: _Seeking) -> Place:
        """Wait in line. Raises where waiting is of no use."""
        loop = asyncio.get_running_loop()
        told: float | None = None
        while True:
            want = self._want(seeking)
            seeking.turn = loop.create_future()
            self._line.arrive(want)
            self._settle()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    engine = await asyncio.shield(seeking.turn)
                    return next(place for place in self.places() if place.engine == engine)
            if seeking.turn.done():  # it came in this very instant
                return next(place for place in self.places() if place.engine == seeking.turn.result())
            self._look_at_others(want)
            standing = self.standing(seeking.wish.id)
            if standing is not None and standing.ready_s != told:
                told = standing.ready_s
                seeking.wish.tell(Progress(0, 0, eta_s=told, what="queued"), "")

    async def _left_elsewhere(self, seeking: _Seeking, place: Place) -> bool:
        """Whether another engine goes on with it since before a restart: it is waited for there. Each is asked once."""
        if not seeking.wish.again or seeking.left is not None:
            return False
        others = [
            each
            for each in self.places()
            if each.engine not in {place.engine, *seeking.asked, *seeking.tried}
            and each is not self._local and each.health in SERVING and not seeking.wish.lacks(each)
        ]  # fmt: skip
        seeking.asked |= {each.engine for each in others}
        found = await asyncio.gather(*(self._has_left(seeking.wish.id, each) for each in others))
        seeking.left = next((each.engine for each, there in zip(others, found, strict=True) if there), None)
        return seeking.left is not None

    async def _has_left(self, id: str, place: Place) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LEFT_S):
                return await place.images.left(id, place.http)
        return False

    def _freed(self, place: Place) -> None:
        """What was counted there while ours was drawn counted ours, too."""
        self._line.ended(place.engine, self._clock())
        installation = self._fleet.installations.get(place.engine)
        if installation is not None and installation.drawing is not None:
            installation.drawing.others = max(0, installation.drawing.others - 1)
        self._settle()

    def _look_at_others(self, want: Want) -> None:
        """Engines that draw others' pictures are asked sooner whether they still do."""
        now = self._clock()
        for place in self.places():
            waited_for = place.others and place.engine in want.costs
            if waited_for and now - self._looked_s.get(place.engine, -_OTHERS_S) >= _OTHERS_S:
                self._looked_s[place.engine] = now
                self._fleet.look_now(place.engine)

    def _settle(self) -> None:
        """Begin what can begin."""
        for begin in self._line.begins(self._spots(), self._clock()):
            turn = self._seeking[begin.id].turn
            if turn is not None and not turn.done():
                turn.set_result(begin.engine)

    def _want(self, seeking: _Seeking) -> Want:
        """1. Which engines can do it. 2. Which of them are left. 3. Whether one of those is there."""
        wish, places = seeking.wish, self.places()
        reasons = {place.engine: wish.lacks(place) for place in places}
        able = [place for place in places if not reasons[place.engine]]
        if not able:
            raise self._refusal(wish, places, reasons)
        left = [place for place in able if place.engine not in seeking.tried]
        if not left:
            raise wish.given_up(list(seeking.tried.values()))
        if not any(place.health in SERVING for place in left):
            if seeking.tried:
                raise wish.given_up(list(seeking.tried.values()))
            message = "No image engine that can draw this is up."
            raise NoEngineReady(message, retry_after_s=_RETRY_S, hint="'potluck nodes ls' shows why.")
        there = [place for place in left if place.engine == seeking.left and place.health in SERVING]
        costs = {place.engine: self._cost(wish.load(place.has), place) for place in there or left}
        return Want(wish.id, wish.user, costs, seeking.arrived_s)

    def _refusal(
        self, wish: Wish[object], places: tuple[Place, ...], reasons: Mapping[EngineId, tuple[str, ...]]
    ) -> PotluckError:
        """Why no engine of the house can do it, for who asks. What is missing may have come since the last look."""
        for each in self._fleet.installations.values():
            if each.drawing is not None and each.drawing.has is None:
                hint = "'potluck nodes ls' shows how they are."
                return NoEngineReady("Image engines have not answered yet.", retry_after_s=_RETRY_S, hint=hint)
            if each.drawing is not None:
                each.drawing.stale = True
        drawing = [place for place in places if place.kind is not EngineKind.LOCAL or place.has.checkpoints]
        if not drawing:
            hint = (
                "The owner adds one: engines: [{kind: comfyui}] below a node, or kind a1111; or weights to draw with."
            )
            return BadRequest("There is no image engine here.", hint=hint)
        return wish.refusal(drawing, reasons)

    def _cost(self, load: Load, place: Place) -> Cost:
        at_home = place.kind is EngineKind.LOCAL
        draw_s = self.speeds.draw_s(place.engine, load.name, load.family, load.work, on_processor=at_home)
        load_s = self.speeds.load_s(place.engine, load.name, load.family) if load.model else 0.0
        return Cost(load.model, draw_s, load_s)

    async def _drawn(self, wish: Wish[T], place: Place) -> T:
        """1. What goes in. 2. Room in memory. 3. The engine. 4. What it tells of its speed."""
        load = wish.load(place.has)
        drawing = await wish.begin(place)
        if load.model:
            await self._room(wish, place, self.speeds.bytes(place.engine, load.name, load.family))
        request = RequestId(wish.id)
        self._dispatcher.drawing(request, place.engine, MODELS)
        was = self._in_memory(place)
        watch = Pace(self._clock)
        cost, untold = self._cost(load, place), Feature.PREVIEWS not in place.has.features
        whole_s = cost.draw_s + (cost.load_s if load.model and was != load.model else 0.0)
        try:
            async with aclosing(drawing.events()) as events:
                async for event in events:
                    if not isinstance(event, Drawn):
                        watch.saw(event)
                        guess = untold and event.what == "drawing"
                        wish.tell(guessed(event, watch.passed_s(), whole_s) if guess else event, place.node)
        finally:
            self._dispatcher.drawn(request, place.engine)
        # What was drawn before we listened tells nothing of how fast that was.
        warm = not wish.again and (not load.model or was == load.model)
        await self._learn(place, load, watch.reading(load.work, warm=warm))
        if place is not self._local:
            self._fleet.saw(place.engine, Seen.CALL_OK, "")
        return drawing.finished(watch.passed_s())

    async def _room(self, wish: Wish[object], place: Place, bytes: int) -> None:
        """Wait until what stands in the way is out of memory."""
        until_s = self._clock() + (0.0 if self._insists else _PATIENCE_S)
        while not self._dispatcher.make_room(place.engine, MODELS, bytes, put_out=self._puts_out):
            if self._clock() >= until_s:
                log.info("a picture does not wait for memory any more", engine=place.engine, needs_bytes=bytes)
                break
            wish.tell(Progress(what="waiting for memory"), place.node)
            await asyncio.sleep(_LOOK_S)
        await self._dispatcher.emptied(place.node)

    async def _learn(self, place: Place, load: Load, reading: Reading) -> None:
        if load.model:
            self._loaded[place.engine] = load.model
        with suppress(NodeError):
            memory = await place.images.memory(place.http)
            held = memory.held if memory is not None else 0
            reading = Reading(reading.work, reading.draw_s, reading.load_s, held)
        self.speeds.observe(place.engine, load.name, reading)

    def _failed(self, seeking: _Seeking, place: Place, error: NodeError) -> None:
        """Another engine is next. What the engine says of memory is the picture's fault, and not its own."""
        seeking.tried[place.engine] = error
        error.node = error.node or place.node
        log.warning("a picture failed", engine=place.engine, why=error.message, detail=error.detail)
        seeking.wish.tell(Progress(what="moving on"), place.node)
        self._loaded.pop(place.engine, None)
        if place is self._local or isinstance(error, OutOfMemory):
            return
        self._fleet.saw(place.engine, Seen.CALL_FAILED, error.message)
        if isinstance(error, NodeUnreachable):
            self._fleet.look_now(place.engine)
