"""`potluck drill`: takes a node out on purpose, watches that nobody loses an answer, and gives the node back.

It runs in the gateway, so it ends whatever becomes of who asked for it. What it does to a node is in memory alone: a
gateway that is killed in the middle gives the node back by its end.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import structlog

from potluck.backends.port import Address
from potluck.core.drill import How, Plan, Stage, pick, plan, tries
from potluck.core.drill_verdict import End, Ended, Ending, Outcome, Proof, Tally, Trial, outcome, prove, trouble
from potluck.core.errors import ClientError, Conflict, NotFound
from potluck.core.meant import others
from potluck.core.model import EngineId, EngineKind, Health, Model, ModelId, NodeId
from potluck.gateway.drains import Drains
from potluck.gateway.drill_calls import FAMILY, TestCalls
from potluck.gateway.kept_drill import Begun, KeptDrill
from potluck.gateway.metrics import Metrics
from potluck.gateway.port import Caller
from potluck.gateway.relay.exchange import Exchange
from potluck.gateway.relay.relay import Relay

log = structlog.get_logger(__name__)

# So finely is told how long an answer was interrupted, and so soon a drill that does harm is ended.
_TICK_S: Final = 0.1
# An engine that was blocked is looked at so often until it is up: each look forgives one call that failed there.
_LOOKS: Final = 8
# Reports are short, and who wants them for longer has `--json`.
_KEPT: Final = 20


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for. Without a ``node`` one is picked. ``probe``: send test calls. ``force``: in spite of what is
    said against it. The node is out for ``seconds``."""

    how: How = How.DRAIN
    node: str = ""
    seconds: float = 60.0
    probe: bool = True
    force: bool = False


@dataclass(slots=True)
class Drill:
    """One drill, from its order to its report. Times are Unix seconds; ``until_s`` is set once the node is out.
    ``unfinished`` answers that were cut went on elsewhere, and still did when it ended."""

    id: str
    order: Order
    plan: Plan
    began_s: float
    stage: Stage = Stage.PREPARING
    until_s: float | None = None
    ended_s: float | None = None
    outcome: Outcome | None = None
    why: str = ""
    restored: bool | None = None
    unfinished: int = 0
    tally: Tally = field(default_factory=Tally)
    trials: tuple[Trial, ...] = ()
    over: asyncio.Event = field(default_factory=asyncio.Event)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    ending: Ending = Ending.TIME

    @property
    def node(self) -> NodeId:
        return self.plan.node

    @property
    def proofs(self) -> tuple[Proof, ...]:
        """What it has shown of each model so far."""
        return tuple(prove(trial, self.tally, self.order.how, self.node) for trial in self.trials)

    def end(self, ending: Ending, why: str) -> None:
        """Let it end now; the first word counts, and none once the node is back."""
        if self.stage in (Stage.PREPARING, Stage.UNDER_WAY) and not self.stop.is_set():
            self.ending, self.why = ending, why
            self.stop.set()


class Drills:
    """Owns the drill that is under way, and keeps the last reports.

    ``look`` asks an engine how it is, and one that is not well yet again after ``look_again_s``. ``clock`` is Unix
    seconds.
    """

    def __init__(
        self,
        relay: Relay,
        drains: Drains,
        kept: KeptDrill,
        metrics: Metrics,
        look: Callable[[EngineId], Awaitable[None]],
        clock: Callable[[], float],
        *,
        look_again_s: float = 0.25,
    ) -> None:
        self._relay = relay
        self._fleet = relay.fleet
        self._drains = drains
        self._kept = kept
        self._metrics = metrics
        self._look = look
        self._clock = clock
        self._look_again_s = look_again_s
        self._turn = asyncio.Lock()
        self._now: Drill | None = None
        self._drills: deque[Drill] = deque(maxlen=_KEPT)
        if kept.interrupted is not None:
            self._drills.append(_interrupted(kept.interrupted))

    # --- asking ---

    def plan(self, how: How, node: str = "") -> Plan:
        """What a drill would do now. Raises `NotFound`."""
        engines, waiting = self._fleet.snapshot(), self._relay.waiting()
        nodes = dict.fromkeys(engine.node for engine in engines)
        drained = {each for each in nodes if self._drains.draining(each) is not None}
        if node and node not in nodes:
            raise NotFound(f"There is no node '{node}' with an engine.", hint=others(node, nodes))
        made = plan(NodeId(node), how, engines, drained, waiting) if node else pick(how, engines, drained, waiting)
        if made is None:
            raise NotFound("There is no node with an engine.", hint="Name some in potluck.yaml.")
        return made

    async def begin(self, order: Order, caller: Caller) -> Drill:
        """Start one. Raises `NotFound`, or `Conflict` for one that is impolite, impossible, or the second."""
        async with self._turn:
            if self._now is not None:
                raise Conflict(f"A drill of {self._now.node} is under way.", hint="Wait for its end, or end it.")
            made = self.plan(order.how, order.node)
            if refusals := made.refusals(force=order.force):
                insist = "" if made.refusals(force=True) else "To do it all the same, say --force."
                raise Conflict(" ".join(refusals), hint=insist)
            drill = Drill(self._relay.new_id(), order, made, self._clock())
            await self._kept.keep(Begun(drill.id, drill.node, order.how.value, drill.began_s))
            self._now = drill
            self._drills.appendleft(drill)
        log.info("a drill begins", node=drill.node, how=order.how.value, drill=drill.id)
        self._relay.tasks.spawn(self._run(drill, caller), f"drill of {drill.node}")
        return drill

    def get(self, name: str) -> Drill:
        """Raises `NotFound`."""
        for drill in self._drills:
            if drill.id == name:
                return drill
        raise NotFound("There is no such drill.", hint="GET /api/v1/drills lists the last ones.")

    def all(self) -> Sequence[Drill]:
        """The last ones, newest first."""
        return tuple(self._drills)

    def of_node(self, node: str) -> Drill | None:
        """The drill that a node is in now."""
        return self._now if self._now is not None and self._now.node == node else None

    async def end(self, name: str) -> Drill:
        """End one early, and wait until its node is back. Harmless for one that is over. Raises `NotFound`."""
        drill = self.get(name)
        drill.end(Ending.OWNER, "Its owner ended it.")
        await drill.over.wait()
        return drill

    # --- doing ---

    async def _run(self, drill: Drill, caller: Caller) -> None:
        before = {engine.id: engine.health for engine in self._fleet.engines_of(drill.node)}
        calls = TestCalls(self._relay, caller, tries(drill.plan, self._fleet.snapshot(), probe=drill.order.probe))
        drill.trials = calls.trials
        out = _Out(self._relay, self._drains, drill)
        try:
            try:
                await self._watched(drill, calls, out)
            finally:
                out.give_back()
                await calls.aclose()
            drill.stage = Stage.RESTORING
            drill.restored = await self._restored(before)
        except Exception as error:  # the edge of a task: its node is back already
            log.exception("a drill stumbled", drill=drill.id)
            drill.end(Ending.TROUBLE, f"It stumbled over a fault of Potluck's own ({type(error).__name__}).")
        await self._over(drill)

    async def _watched(self, drill: Drill, calls: TestCalls, out: _Out) -> None:
        """1. Test calls set out. 2. The node goes. 3. Watch, until it is time, its owner ends it, or it does harm."""
        beginning = self._relay.tasks.spawn(calls.begin(), f"test calls of {drill.id}")
        await _first(drill.stop, beginning)
        if drill.stop.is_set():
            return
        await out.take()
        clock, ends_s = self._relay.clock, self._relay.clock() + drill.order.seconds
        drill.stage, drill.until_s = Stage.UNDER_WAY, self._clock() + drill.order.seconds
        calls.go_on()
        finishing = self._relay.tasks.spawn(calls.finish(), f"test calls of {drill.id}")
        try:
            while not drill.stop.is_set() and (left_s := ends_s - clock()) > 0:
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(_TICK_S, left_s)):
                        await drill.stop.wait()
                waiting = self._relay.waiting()
                drill.tally.looked(waiting)
                if why := out.changed() or trouble(drill.tally, calls.trials, waiting, drill.plan.most_waiting):
                    drill.end(Ending.TROUBLE, why)
        finally:
            finishing.cancel()
            await asyncio.gather(finishing, return_exceptions=True)

    async def _restored(self, before: Mapping[EngineId, Health]) -> bool:
        """Look at the node's engines until they are as well as they were."""
        back = [self._back(engine, health) for engine, health in before.items()]
        return all(await asyncio.gather(*back))

    async def _back(self, engine: EngineId, before: Health) -> bool:
        for _ in range(_LOOKS):
            if engine not in self._fleet.engines:  # the owner took it out of the configuration meanwhile
                return True
            await self._look(engine)
            now = self._fleet.engines.get(engine)
            if now is None or now.health in (before, Health.UP, Health.DRAINING):
                return True
            await asyncio.sleep(self._look_again_s)
        return False

    async def _over(self, drill: Drill) -> None:
        lost = trouble(drill.tally, drill.trials, 0, 0)
        drill.why = drill.why or lost
        if drill.restored is False and not drill.why:
            drill.why = f"{drill.node} does not answer as it did before: see 'potluck nodes ls'."
        drill.outcome = outcome(drill.ending, lost=bool(lost), restored=bool(drill.restored))
        drill.ended_s, drill.stage = self._clock(), Stage.OVER
        told = (drill.order.how.value, drill.outcome.value)
        self._metrics.drills[told] = self._metrics.drills.get(told, 0) + 1
        tally = drill.tally
        log.info(
            "a drill is over",
            drill=drill.id,
            node=drill.node,
            how=drill.order.how.value,
            outcome=drill.outcome.value,
            why=drill.why,
            served=tally.served,
            rescued=tally.rescued,
            lost=tally.lost,
            proven=sum(proof.proven for proof in drill.proofs),
        )
        await self._kept.forget()
        self._now = None
        drill.over.set()


class _Out:
    """A node that is out: it takes it, sees whom that cuts off, hears how calls end meanwhile, and gives it back."""

    def __init__(self, relay: Relay, drains: Drains, drill: Drill) -> None:
        self._relay = relay
        self._drains = drains
        self._drill = drill
        self._engines = frozenset(engine.id for engine in relay.fleet.engines_of(drill.node))
        self._addresses: frozenset[Address] = frozenset()
        self._cut: dict[Exchange, float] = {}
        self._gone_on: set[Exchange] = set()
        self._taken = False

    async def take(self) -> None:
        """The node is out, and whom that cut off knows it."""
        drill, relay = self._drill, self._relay
        self._taken, self._addresses = True, self._now_at()
        relay.watcher = self._ended
        if drill.order.how is How.DRAIN:
            relay.fleet.drain(drill.node, "drained by a drill")
            return
        now_s = relay.clock()
        self._cut = {each: now_s for each in relay.exchanges if each.seat and each.seat.engine in self._engines}
        for address in self._addresses:
            relay.pools.block(address, f"A drill blocks {drill.node}.")
        for _ in range(2):  # turns of the loop: in the first one the connections are cut
            await asyncio.sleep(0)

    def give_back(self) -> None:
        """As it was. Harmless where it was never taken."""
        self._relay.watcher = None
        drill, relay = self._drill, self._relay
        if not self._taken:
            return
        self._recover()
        drill.unfinished = len(self._gone_on)
        for address in self._addresses:
            relay.pools.unblock(address)
        if drill.order.how is How.DRAIN and self._drains.draining(drill.node) is None:
            relay.fleet.resume(drill.node, "given back by a drill")

    def changed(self) -> str:
        """See who has recovered. Says why the drill cannot go on, if the node is not what was taken out any more."""
        self._recover()
        if self._now_at() == self._addresses:
            return ""
        return f"The configuration of {self._drill.node} changed."

    def _now_at(self) -> frozenset[Address]:
        """Where the node's engines are. The embedded one is at no address of its own."""
        nobody = Model(ModelId(""))
        found = (
            each.backend.address(nobody)
            for each in self._relay.fleet.installations.values()
            if each.node == self._drill.node and each.kind is not EngineKind.LOCAL
        )
        return frozenset(address for address in found if address is not None)

    def _recover(self) -> None:
        """Whoever was cut off and has heard more from elsewhere."""
        for exchange in list(self._cut):
            seat = exchange.seat
            if seat is None or seat.engine in self._engines or not exchange.hears(seat.engine):
                continue
            if exchange.last_heard_s > exchange.sent_s:
                self._recovered(exchange)

    def _recovered(self, exchange: Exchange) -> None:
        self._drill.tally.recovered(self._relay.clock() - self._cut.pop(exchange))
        if exchange.door.family != FAMILY:
            self._gone_on.add(exchange)

    def _ended(self, exchange: Exchange, cancelled: bool) -> None:
        """A call is over; those of other models than the node's are not the drill's."""
        if exchange in self._cut and exchange.error is None and not cancelled:
            self._recovered(exchange)
        self._cut.pop(exchange, None)
        self._gone_on.discard(exchange)
        broke = [each for each in exchange.attempts if each.engine in self._engines and each.error is not None]
        if exchange.door.family == FAMILY or not (broke or self._concerns(exchange)):
            return
        served = exchange.served
        self._drill.tally.ended(
            Ended(
                str(served.model.id) if served is not None else exchange.meta.model,
                _end(exchange, cancelled),
                bool(broke),
                exchange.rescue is not None,
                exchange.queue_s,
                exchange.error.message if exchange.error is not None else "",
            )
        )

    def _concerns(self, exchange: Exchange) -> bool:
        return any(engine.id in self._engines for engine, _ in self._relay.where(exchange.meta.model))


def _end(exchange: Exchange, cancelled: bool) -> End:
    if cancelled:
        return End.CANCELLED
    if exchange.error is None:
        return End.OK
    return End.REFUSED if isinstance(exchange.error, ClientError) else End.LOST


async def _first(stop: asyncio.Event, work: asyncio.Task[None]) -> None:
    """Until the work is done, or stopped."""
    while not (work.done() or stop.is_set()):
        with suppress(TimeoutError):
            async with asyncio.timeout(_TICK_S):
                await stop.wait()
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)


def _interrupted(begun: Begun) -> Drill:
    """The report of one that the last end of the gateway cut short."""
    how = How(begun.how) if begun.how in list(How) else How.DRAIN
    node = NodeId(begun.node)
    drill = Drill(begun.id, Order(how, node), Plan(node, how), begun.began_s, Stage.OVER, restored=True)
    drill.outcome, drill.why = Outcome.INTERRUPTED, "The gateway ended in the middle of it. The node serves since then."
    drill.stop.set()
    drill.over.set()
    return drill
