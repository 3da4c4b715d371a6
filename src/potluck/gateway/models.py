"""Looking after models on all engines: where each goes, and what is done to it there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing, suppress

import msgspec

from potluck.backends.port import ModelKeeper, PullOrder
from potluck.core.errors import Conflict, NotImplementedHere, PotluckError
from potluck.core.model import Engine, EngineId, EngineKind, Health, Json, JsonObject, Model, ModelId, NodeId
from potluck.core.model_sources import FromRegistry, Source, likely_name, parse_source
from potluck.core.names import canonical, same_model
from potluck.core.pinning import Pin
from potluck.core.placing_models import Place, Verdict, Wish, guess_bytes, judge
from potluck.core.transfer import Transfer, advance
from potluck.gateway.fleet import Fleet, Installation
from potluck.gateway.pins import FOREVER_S, Pins
from potluck.gateway.placed import ANYWHERE, Where, absent, checked_where, refusal
from potluck.gateway.pulls import Pulls
from potluck.gateway.tasks import Tasks

# An engine on the same network lists its models within milliseconds.
_LOOK_S = 2.0


class Target(msgspec.Struct, frozen=True):
    """A model on one engine, as it is called there."""

    node: NodeId
    engine: EngineId
    model: ModelId


class PullStep(msgspec.Struct, frozen=True):
    """One step of a pull. ``said`` is Ollama's status object; empty in the first, which tells the decision."""

    node: NodeId
    engine: EngineId
    verdicts: tuple[Verdict, ...] = ()
    said: JsonObject = msgspec.field(default_factory=dict[str, Json])
    transfer: Transfer = msgspec.field(default_factory=Transfer)


class _Kept(msgspec.Struct, frozen=True):
    """A model on an engine, with who keeps it."""

    installation: Installation
    engine: Engine
    model: Model

    @property
    def target(self) -> Target:
        return Target(self.engine.node, self.engine.id, self.model.id)


class Models:
    """``look`` asks an engine anew what it has, ``in_use`` counts our calls that a model answers now; ``clock`` is
    monotonic seconds. Everything that names no place is done at the best one, or wherever the model is.
    """

    def __init__(
        self,
        fleet: Fleet,
        pins: Pins,
        tasks: Tasks,
        *,
        look: Callable[[EngineId], Awaitable[None]],
        in_use: Callable[[EngineId, ModelId], int],
        clock: Callable[[], float],
    ) -> None:
        self._fleet = fleet
        self._pins = pins
        self._look = look
        self._in_use = in_use
        self._clock = clock
        self._pulls = Pulls[PullStep](tasks, _replaces)

    def pinned(self, engine: EngineId, model: ModelId) -> bool:
        return bool(self._pins.of(engine, model))

    # --- pulling ---

    async def pull(self, order: PullOrder, where: Where = ANYWHERE) -> AsyncGenerator[PullStep]:
        """1. Decide where. 2. Join who pulls the same there, or begin. 3. Tell each step; at the last, it is listed.

        Whoever stops iterating leaves; the download ends with its last waiter and goes on from there later.
        """
        source = parse_source(order.name)
        verdicts = await self._judge_pull(order, source, where)
        installation, keeper = self._chosen(verdicts, order.name)
        yield PullStep(installation.node, installation.id, verdicts)
        name = canonical(order.name) if isinstance(source, FromRegistry) else order.name
        key = (installation.id, name, order.sha256, order.alias, order.insecure)
        joined = self._pulls.join(key, lambda: self._steps(order, installation, keeper))
        async with aclosing(joined) as steps:
            async for step in steps:
                yield step

    async def _steps(
        self, order: PullOrder, installation: Installation, keeper: ModelKeeper
    ) -> AsyncGenerator[PullStep]:
        transfer = Transfer()
        async for said in keeper.pull(order, installation.http):
            digest, total, completed = said.get("digest"), said.get("total"), said.get("completed", 0)
            if isinstance(digest, str) and isinstance(total, int) and isinstance(completed, int):
                transfer = advance(transfer, digest, completed, total, self._clock())
            if said.get("status") == "success":
                await self._looked(installation.id)
            yield PullStep(installation.node, installation.id, said=said, transfer=transfer)

    async def _judge_pull(self, order: PullOrder, source: Source, where: Where) -> tuple[Verdict, ...]:
        checked_where(self._fleet, where)
        name = order.alias or likely_name(source)
        size, have, guessed = await self._weigh(order, source, name)
        wish = Wish(name or order.name, True, size, guessed, where.node_id, where.engine_id)
        places = await asyncio.gather(*(self._place(*each, name, source, have) for each in self._engines()))
        return judge(wish, places)

    async def _weigh(self, order: PullOrder, source: Source, name: str) -> tuple[int | None, int, bool]:
        """The model's size as its source tells it, or as it is on another engine, or by its name; and what is here.

        Raises what the only engine that could fetch it says against it.
        """
        keepers = [each.keeper for each, _ in self._engines() if each.keeper and each.keeper.fetches(source)]
        for keeper in keepers:
            try:
                weight = await keeper.weigh(order)
            except PotluckError:
                if len(keepers) == 1:
                    raise
                continue
            if weight is not None:
                return weight.size_bytes, weight.have_bytes, False
        for kept in self._having(name):
            if kept.model.size_bytes:
                return kept.model.size_bytes, 0, False
        guess = guess_bytes(name or order.name)
        return guess, 0, guess is not None

    async def _place(
        self, installation: Installation, engine: Engine, name: str, source: Source | None, have: int
    ) -> Place:
        keeper = installation.keeper
        there = next((model for model in engine.models.values() if name and same_model(model.id, name)), None)
        return Place(
            engine=engine.id,
            node=engine.node,
            kind=engine.kind,
            health=engine.health,
            keeps=keeper is not None,
            fetches=keeper is not None and source is not None and keeper.fetches(source),
            has=there is not None,
            resident=there is not None and there.resident,
            # Parts of downloads lie with the embedded engine; of others' nothing is known.
            have_bytes=have if engine.kind is EngineKind.LOCAL else 0,
            disk_free_bytes=await keeper.room() if keeper is not None and source is not None else None,
            memory_bytes=installation.memory_bytes,
            busy=engine.busy,
        )

    # --- what is there already ---

    async def load(self, name: str, where: Where = ANYWHERE, *, keep_s: float | None = None) -> Target:
        """Bring a model into memory where it fits best. One that its engine holds always is there already."""
        there = [kept for kept in self._having(name) if where.holds(kept.engine)]
        if there and all(kept.installation.keeper is None and kept.model.resident for kept in there):
            return there[0].target
        kept, keeper = await self._best(name, where)
        await keeper.load(kept.model.id, kept.installation.http, keep_s=keep_s)
        await self._looked(kept.engine.id)
        return kept.target

    async def unload(self, name: str, where: Where = ANYWHERE) -> tuple[Target, ...]:
        """Take a model out of memory wherever it is. Raises `Conflict` if it is pinned or answers a call."""
        found = [(kept, keeper) for kept, keeper in self._all(name, where) if kept.model.resident]
        for kept, _ in found:
            if self.pinned(kept.engine.id, kept.model.id):
                raise Conflict(f"'{name}' is pinned on {kept.engine.node}.", hint="Unpin it first.")
            self._see_idle(kept)
        for kept, keeper in found:
            await keeper.unload(kept.model.id, kept.installation.http)
            await self._looked(kept.engine.id)
        return tuple(kept.target for kept, _ in found)

    async def pin(self, name: str, where: Where = ANYWHERE) -> Target:
        """Load a model and keep it in memory, also over restarts."""
        kept, keeper = await self._best(name, where)
        await keeper.load(kept.model.id, kept.installation.http, keep_s=FOREVER_S)
        await self._pins.add(Pin(kept.engine.id, kept.model.id))
        await self._looked(kept.engine.id)
        return kept.target

    async def unpin(self, name: str, where: Where = ANYWHERE) -> tuple[Target, ...]:
        """Let a model go when its time comes. One that was not pinned stays as it is."""
        freed: list[Target] = []
        for kept, keeper in self._all(name, where):
            if not await self._pins.drop(kept.engine.id, kept.model.id):
                continue
            freed.append(kept.target)
            if kept.model.resident:
                await keeper.load(kept.model.id, kept.installation.http, keep_s=None)
                await self._looked(kept.engine.id)
        return tuple(freed)

    async def copy(self, source: str, destination: str, where: Where = ANYWHERE) -> tuple[Target, ...]:
        """Another name for a model, wherever it is: a name means the same everywhere."""
        found = self._all(source, where)
        for kept, keeper in found:
            await keeper.copy(kept.model.id, destination, kept.installation.http)
            await self._looked(kept.engine.id)
        return tuple(Target(kept.engine.node, kept.engine.id, ModelId(destination)) for kept, _ in found)

    async def delete(self, name: str, where: Where = ANYWHERE) -> tuple[Target, ...]:
        """Remove a model from disk, wherever it is. One that is only loaded is unloaded first.

        Raises `Conflict` if it answers a call; then nothing was removed anywhere.
        """
        found = self._all(name, where)
        for kept, _ in found:
            self._see_idle(kept)
        for kept, keeper in found:
            await keeper.delete(kept.model.id, kept.installation.http)
            await self._pins.drop(kept.engine.id, kept.model.id)
            await self._looked(kept.engine.id)
        return tuple(kept.target for kept, _ in found)

    # --- inside ---

    def _engines(self) -> tuple[tuple[Installation, Engine], ...]:
        return tuple((each, self._fleet.engines[each.id]) for each in self._fleet.installations.values())

    def _having(self, name: str) -> Iterator[_Kept]:
        """Where a model is. Not by `Fleet.where`: the name of a route is no model's."""
        for installation, engine in self._engines():
            for model in engine.models.values():
                if name and same_model(model.id, name):
                    yield _Kept(installation, engine, model)

    def _all(self, name: str, where: Where) -> tuple[tuple[_Kept, ModelKeeper], ...]:
        """Every place of a model that can be changed, those that are up first: one that is not ends what is done.

        Raises `ModelNotFound`, `NotImplementedHere`, `NotFound`.
        """
        checked_where(self._fleet, where)
        there = [kept for kept in self._having(name) if where.holds(kept.engine)]
        there.sort(key=lambda kept: kept.engine.health is not Health.UP)
        if not there:
            raise absent(self._fleet, name, where)
        found = tuple((kept, kept.installation.keeper) for kept in there if kept.installation.keeper is not None)
        if not found:
            raise NotImplementedHere(f"The engine that has '{name}' does not let models come and go.")
        return found

    async def _best(self, name: str, where: Where) -> tuple[_Kept, ModelKeeper]:
        checked_where(self._fleet, where)
        sizes = [kept.model.size_bytes for kept in self._having(name)]
        if not sizes:
            raise absent(self._fleet, name, where)
        wish = Wish(name, False, next(filter(None, sizes), None), False, where.node_id, where.engine_id)
        places = await asyncio.gather(*(self._place(*each, name, None, 0) for each in self._engines()))
        installation, keeper = self._chosen(judge(wish, places), name)
        return next(kept for kept in self._having(name) if kept.installation is installation), keeper

    def _chosen(self, verdicts: tuple[Verdict, ...], name: str) -> tuple[Installation, ModelKeeper]:
        """The best place. Raises what its nearest miss means."""
        if not verdicts or not verdicts[0].fits:
            raise refusal(self._fleet, verdicts, name)
        installation = self._fleet.installation(verdicts[0].place.engine)
        assert installation.keeper is not None, "only engines that keep models fit"
        return installation, installation.keeper

    def _see_idle(self, kept: _Kept) -> None:
        if calls := self._in_use(kept.engine.id, kept.model.id):
            what = "a call" if calls == 1 else f"{calls} calls"
            raise Conflict(
                f"'{kept.model.id}' answers {what} on {kept.engine.node} now.", hint="Try again when they have ended."
            )

    async def _looked(self, engine: EngineId) -> None:
        """Take in what the engine has now. A slow one is not waited for: what is known of it must do."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_S):
                await self._look(engine)


def _replaces(new: PullStep, old: PullStep) -> bool:
    same = (new.said.get("status"), new.said.get("digest")) == (old.said.get("status"), old.said.get("digest"))
    return same and "total" in new.said
