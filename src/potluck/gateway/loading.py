"""Models put out of memory and loaded, as the scheduler decides it. What needs the room waits until it is there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, cast

import structlog

from potluck.core.errors import NodeError, PotluckError
from potluck.core.model import Capability, Model, NodeId
from potluck.core.scheduling.decisions import Decision, Evict, Preload, Start
from potluck.core.scheduling.scheduler import Scheduler
from potluck.gateway.fleet import Fleet, Installation
from potluck.gateway.pins import FOREVER_S

if TYPE_CHECKING:
    from potluck.backends.images.port import ImageHttp

log = structlog.get_logger(__name__)

# Putting a model out takes an engine a moment; one that hangs must not hold the call for which it is done.
_PUT_OUT_S = 30.0
# A pinned model whose machine is away stays in memory elsewhere for so long without a call, and is then loaded anew if
# that is still away. Longer would keep memory that nobody needs after the machine has come back.
STANDS_IN_S = 3600.0


class Loading:
    """Part of one `Dispatcher`, which alone calls it. ``perform`` does what the scheduler decides on hearing how a load
    went, and what was held; ``emptied`` hears of each model that is put out, ``preloaded`` of each end of a load that
    no call waits for.
    """

    def __init__(
        self,
        fleet: Fleet,
        scheduler: Scheduler,
        clock: Callable[[], float],
        spawn: Callable[[Coroutine[None, None, None], str], object],
        perform: Callable[[Sequence[Decision]], None],
        emptied: Callable[[Evict], None],
        preloaded: Callable[[], None],
    ) -> None:
        self._fleet = fleet
        self._scheduler = scheduler
        self._clock = clock
        self._spawn = spawn
        self._perform = perform
        self._emptied = emptied
        self._preloaded = preloaded
        self._emptying: dict[NodeId, int] = {}
        self._held: dict[NodeId, list[Decision]] = {}

    def holds(self, decision: Start | Preload) -> bool:
        """Whether a load must wait until others are put out for it. Then it is performed anew after that."""
        installation = self._fleet.installations.get(decision.engine)
        if installation is None or not self._emptying.get(installation.node):
            return False
        self._held.setdefault(installation.node, []).append(decision)
        return True

    def load(self, start: Start, needs: frozenset[Capability]) -> None:
        """Begin a load, unless the engine does that by itself at the call: then the call's first byte ends it."""
        installation = self._fleet.installation(start.engine)
        model = self._fleet.engines[start.engine].models[start.model]
        if installation.backend.address(model, needs) is None:
            self._spawn(self._loaded(installation, model, needs), f"load {model.id} on {installation.id}")

    async def _loaded(self, installation: Installation, model: Model, needs: frozenset[Capability]) -> None:
        began_s = self._clock()
        try:
            await installation.backend.prepare(model, needs)
        except PotluckError as error:
            log.warning("a model could not be loaded", model=model.id, engine=installation.id, why=error.message)
            self._perform(self._scheduler.load_failed(installation.id, model.id, self._clock()))
        else:
            now = self._clock()
            self._perform(self._scheduler.loaded(installation.id, model.id, now, now - began_s))

    def preload(self, preload: Preload) -> None:
        """Load a model for nobody in particular; once there is room, where others must be put out for it."""
        if not self.holds(preload):
            installation = self._fleet.installations.get(preload.engine)
            self._spawn(self._preload(preload, installation), f"load {preload.model} on {preload.engine}")

    async def _preload(self, preload: Preload, installation: Installation | None) -> None:
        """What stands in for another is looked at afterwards, so that it shows. What is pinned here is not: each look
        may find that it is not there, and bring us here again."""
        began_s = self._clock()
        what = {"model": preload.model, "engine": preload.engine, "was_on": preload.lost or preload.engine}
        try:
            if installation is None or installation.keeper is None:
                raise NodeError("The engine has gone.")
            log.info("a model is loaded before it is asked for", **what)
            await installation.keeper.load(preload.model, installation.http, keep_s=_keep_s(preload))
        except PotluckError as error:
            log.warning("a model could not be loaded before it is asked for", why=error.message, **what)
            self._perform(self._scheduler.load_failed(preload.engine, preload.model, self._clock()))
        else:
            now = self._clock()
            self._perform(self._scheduler.loaded(preload.engine, preload.model, now, now - began_s))
            if preload.lost is not None:
                self._fleet.look_now(preload.engine)
        self._preloaded()

    async def emptied(self, node: NodeId) -> None:
        """Returns when nothing is being put out of a node's memory any more."""
        while self._emptying.get(node):  # noqa: ASYNC110 - it takes an engine a moment
            await asyncio.sleep(0.05)

    def put_out(self, evict: Evict) -> None:
        """Begin to put a model out of memory. What is held for the room goes on afterwards."""
        node = self._fleet.engines[evict.engine].node
        self._emptying[node] = self._emptying.get(node, 0) + 1
        self._spawn(self._put_out(evict, node), f"put out {evict.model} on {evict.engine}")

    async def _put_out(self, evict: Evict, node: NodeId) -> None:
        """A failure is told and no more: the engine makes room by itself, or the call fails there."""
        installation = self._fleet.installations.get(evict.engine)
        try:
            if installation is not None:
                async with asyncio.timeout(_PUT_OUT_S):
                    await _unload(installation, evict)
                self._emptied(evict)
                log.info("model put out for another", model=evict.model, engine=evict.engine)
        except (PotluckError, TimeoutError) as error:
            log.warning("a model could not be put out", model=evict.model, engine=evict.engine, why=str(error))
        self._emptying[node] -= 1
        if not self._emptying[node]:
            del self._emptying[node]
            self._perform(self._held.pop(node, ()))


async def _unload(installation: Installation, evict: Evict) -> None:
    """An image engine puts all out that it has."""
    if installation.keeper is not None:
        await installation.keeper.unload(evict.model, installation.http)
    elif installation.drawing is not None:
        await installation.drawing.images.free(cast("ImageHttp", installation.http))


def _keep_s(preload: Preload) -> float | None:
    if not preload.stays:
        return None
    return FOREVER_S if preload.lost is None else STANDS_IN_S
