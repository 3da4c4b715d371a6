"""``/api/v1/models/…``: pulling, removing, loading, unloading, pinning and copying models. For the owner."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from potluck.backends.port import PullOrder
from potluck.core.audit import Event
from potluck.core.model_sources import read_sha256
from potluck.core.people import Right
from potluck.gateway.models import PullStep, Target
from potluck.gateway.placed import Where
from potluck.surfaces.v1.exchange import Events, Exchange, Reply, Result, Stream
from potluck.surfaces.v1.model_shapes import (
    CopyRequest,
    LoadRequest,
    ModelsChanged,
    ModelTarget,
    PlaceQuery,
    PlaceVerdict,
    PullDone,
    PullPlaced,
    PullProgress,
    PullRequest,
)
from potluck.wire.ollama.times import parse_duration


async def pull(exchange: Exchange, body: PullRequest) -> Result:
    """The owner may name an address inside the network; nobody else gets here."""
    order = PullOrder(
        body.model.strip(),
        insecure=body.insecure,
        sha256=read_sha256(body.sha256),
        alias=body.name.strip(),
        inside=exchange.caller.may(Right.CHANGE_FLEET),
    )
    steps = exchange.services.models.pull(order, _where(body))
    if not body.stream:
        return Reply(await _finished(order, steps))

    async def run(events: Events) -> None:
        await _stream(order, steps, events)

    return Stream(run)


async def remove(exchange: Exchange, query: PlaceQuery) -> Reply:
    targets = await exchange.services.models.delete(exchange.path["name"], _where(query))
    await exchange.tell(Event.MODEL_REMOVED, exchange.path["name"], engines=_engines(targets))
    return _changed(targets)


async def load(exchange: Exchange, body: LoadRequest) -> Reply:
    keep_s = parse_duration(body.keep_alive) if body.keep_alive else None
    return _changed([await exchange.services.models.load(exchange.path["name"], _where(body), keep_s=keep_s)])


async def unload(exchange: Exchange, body: PlaceQuery) -> Reply:
    return _changed(await exchange.services.models.unload(exchange.path["name"], _where(body)))


async def pin(exchange: Exchange, body: PlaceQuery) -> Reply:
    return _changed([await exchange.services.models.pin(exchange.path["name"], _where(body))])


async def unpin(exchange: Exchange, body: PlaceQuery) -> Reply:
    return _changed(await exchange.services.models.unpin(exchange.path["name"], _where(body)))


async def copy(exchange: Exchange, body: CopyRequest) -> Reply:
    return _changed(await exchange.services.models.copy(exchange.path["name"], body.to, _where(body)))


# --- pulls ------------------------------------------------------------------------------------------------------------


class _Tally:
    """What the steps of a pull told so far, for its end."""

    def __init__(self, order: PullOrder) -> None:
        self._name = order.alias or order.name
        self.license = ""
        self._last: PullStep | None = None

    def take(self, step: PullStep) -> None:
        self._last = step
        if license := step.said.get("license"):
            self.license = str(license)
        if name := step.said.get("model"):
            self._name = str(name)

    def done(self) -> PullDone:
        assert self._last is not None, "a pull tells at least where it goes"
        last = self._last
        return PullDone(self._name, last.node, last.engine, last.transfer.completed, self.license)


async def _finished(order: PullOrder, steps: AsyncGenerator[PullStep]) -> PullDone:
    tally = _Tally(order)
    async with aclosing(steps):
        async for step in steps:
            tally.take(step)
    return tally.done()


async def _stream(order: PullOrder, steps: AsyncGenerator[PullStep], events: Events) -> None:
    tally = _Tally(order)
    async with aclosing(steps):
        async for step in steps:
            tally.take(step)
            if step.verdicts:
                await events.send("placed", _placed(order, step))
            else:
                await events.send("progress", _progress(step, tally.license))
    await events.send("done", tally.done())


def _placed(order: PullOrder, step: PullStep) -> PullPlaced:
    chosen, *others = step.verdicts
    return PullPlaced(
        model=order.alias or order.name,
        node=step.node,
        engine=step.engine,
        reason=chosen.reason,
        others=[
            PlaceVerdict(other.place.node, other.place.engine, other.fits, other.reason or "another is better")
            for other in others
        ],
    )


def _progress(step: PullStep, license: str) -> PullProgress:
    transfer = step.transfer
    return PullProgress(
        status=str(step.said.get("status", "")),
        bytes=transfer.completed,
        total=transfer.total or None,
        rate=None if transfer.rate is None else round(transfer.rate, 1),
        eta_s=None if transfer.eta_s is None else round(transfer.eta_s, 1),
        node=step.node,
        engine=step.engine,
        license=license,
    )


def _where(asked: PlaceQuery) -> Where:
    return Where(asked.node, asked.engine)


def _engines(targets: Sequence[Target]) -> str:
    return ", ".join(target.engine for target in targets)


def _changed(targets: Sequence[Target]) -> Reply:
    return Reply(ModelsChanged([ModelTarget(target.node, target.engine, target.model) for target in targets]))
