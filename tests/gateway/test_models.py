"""Models looked after on several engines at once: where each goes, and what is refused. The keepers are fakes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from potluck.backends.port import PullOrder, Report, Weight
from potluck.core.catalogue import RouteRule
from potluck.core.errors import (
    Conflict,
    ModelNotFound,
    NodeFailed,
    NodeUnreachable,
    NoEngineReady,
    NoRoom,
    NotFound,
    NotImplementedHere,
    PotluckError,
)
from potluck.core.health import Seen
from potluck.core.model import EngineId, EngineKind, Json, JsonObject, Model, ModelId, NodeId
from potluck.core.model_sources import FromHub, FromRegistry, FromUrl, Source
from potluck.core.names import tagged
from potluck.core.scheduling.scheduler import Scheduler
from potluck.gateway.dispatch import Dispatcher
from potluck.gateway.fleet import Fleet, Installation
from potluck.gateway.models import Models, PullStep
from potluck.gateway.pins import SETTING, Pinning, Pins
from potluck.gateway.placed import Where
from potluck.gateway.tasks import Tasks

GB = 10**9


class Keeper:
    """An engine's models as a dict from name to whether it is in memory, and for good. Remembers what was done."""

    def __init__(self, *names: str, kinds: tuple[type[Source], ...] = (FromRegistry, FromHub)) -> None:  # type: ignore[valid-type]
        self.models: dict[str, str] = dict.fromkeys(map(tagged, names), "")
        self.sizes: dict[str, int] = {}
        self.kinds = kinds
        self.free: int | None = None
        self.weight: Weight | PotluckError | None = None
        self.done: list[str] = []
        self.fails: PotluckError | None = None
        self.go = asyncio.Event()
        self.go.set()

    def fetches(self, source: Source) -> bool:
        return isinstance(source, self.kinds)

    async def room(self) -> int | None:
        return self.free

    async def weigh(self, order: PullOrder) -> Weight | None:
        if isinstance(self.weight, PotluckError):
            raise self.weight
        return self.weight

    async def pull(self, order: PullOrder, http: object) -> AsyncIterator[JsonObject]:
        self.done.append(f"pull {order.name}")
        yield {"status": "pulling manifest"}
        yield {"status": "pulling a", "digest": "a", "total": 100, "completed": 10}
        await self.go.wait()
        if self.fails is not None:
            raise self.fails
        yield {"status": "pulling a", "digest": "a", "total": 100, "completed": 100}
        self.models[tagged(order.alias or order.name)] = ""
        yield {"status": "success"}

    async def load(self, name: str, http: object, *, keep_s: float | None) -> None:
        if self.fails is not None:
            raise self.fails
        self.done.append(f"load {name} {keep_s}")
        self.models[name] = "2318-01-01T00:00:00Z" if keep_s == -1 else "2026-11-26T00:00:00Z"

    async def unload(self, name: str, http: object) -> None:
        self.done.append(f"unload {name}")
        self.models[name] = ""

    async def copy(self, source: str, destination: str, http: object) -> None:
        self.models[tagged(destination)] = ""

    async def delete(self, name: str, http: object) -> None:
        if self.fails is not None:
            raise self.fails
        del self.models[name]

    def report(self) -> Report:
        return Report(
            tuple(
                Model(ModelId(name), resident=bool(until), expires_at=until or None, size_bytes=self.sizes.get(name))
                for name, until in self.models.items()
            )
        )


class Settings:
    def __init__(self, **values: Json) -> None:
        self.values: dict[str, Json] = dict(values)

    async def get(self, name: str) -> Json:
        return self.values.get(name)

    async def set(self, name: str, value: Json, now: float) -> None:
        self.values[name] = value

    async def all(self) -> Mapping[str, Json]:
        return self.values


@dataclass
class World:
    keepers: dict[EngineId, Keeper]
    fleet: Fleet
    models: Models
    pins: Pins
    settings: Settings
    tasks: Tasks
    busy: dict[tuple[EngineId, ModelId], int] = field(default_factory=dict)

    async def look(self, engine: EngineId) -> None:
        self.fleet.reported(engine, self.keepers[engine].report())

    def keeper(self, node: str) -> Keeper:
        return next(keeper for engine, keeper in self.keepers.items() if engine.startswith(f"{node}/"))

    async def pulled(self, name: str, where: Where | None = None, **how: Any) -> list[PullStep]:
        order = PullOrder(name, **how)
        return [step async for step in (self.models.pull(order, where) if where else self.models.pull(order))]

    def pinning(self) -> None:
        dispatcher = Dispatcher(self.fleet, Scheduler(), lambda: 0.0, self.tasks.spawn)
        dispatcher.pinned = self.models.pinned
        Pinning(self.pins, self.fleet, self.tasks, dispatcher.restore)

    async def settle(self) -> None:
        while len(self.tasks):
            await asyncio.sleep(0)


@asynccontextmanager
async def world(
    keepers: Mapping[str, Keeper | None],
    memory: Mapping[str, int] | None = None,
    settings: Settings | None = None,
    routes: Mapping[str, RouteRule] | None = None,
) -> AsyncGenerator[World]:
    """Engines by their nodes; one of no keeper manages no models."""
    stored = settings or Settings()
    installations = [
        Installation(
            EngineId(f"{node}/{'local' if node == 'here' else 'ollama'}"), NodeId(node),
            EngineKind.LOCAL if node == "here" else EngineKind.OLLAMA, None, None, 1, keeper=keeper,  # type: ignore[arg-type]
            memory_bytes=(memory or {}).get(node),
        )
        for node, keeper in keepers.items()
    ]  # fmt: skip
    async with Tasks() as tasks:
        fleet = Fleet(installations, routes or {}, clock=lambda: 0.0, interval_s=30)
        pins = Pins(stored, lambda: 0.0)
        await pins.read()
        by_engine = {each.id: each.keeper for each in installations if each.keeper is not None}
        made: World
        models = Models(
            fleet, pins, tasks,
            look=lambda engine: made.look(engine), in_use=lambda engine, model: made.busy.get((engine, model), 0),
            clock=lambda: 0.0,
        )  # fmt: skip
        made = World(by_engine, fleet, models, pins, stored, tasks)  # type: ignore[arg-type]
        for each in installations:
            report = (
                made.keepers[each.id].report() if each.keeper else Report((Model(ModelId("fixed"), resident=True),))
            )
            fleet.reported(each.id, report)
        yield made


def local(*names: str) -> Keeper:
    return Keeper(*names, kinds=(FromHub, FromUrl))


# --- pulling ---


async def test_a_pull_goes_to_the_best_engine_and_is_listed_before_its_end_is_told() -> None:
    async with world({"orin0": Keeper(), "agx0": Keeper()}, {"orin0": 16 * GB, "agx0": 64 * GB}) as made:
        async with aclosing(made.models.pull(PullOrder("llama3.2"))) as steps:
            placed = await anext(steps)
            assert (placed.node, [verdict.place.node for verdict in placed.verdicts]) == ("agx0", ["agx0", "orin0"])
            async for step in steps:
                if step.said["status"] == "success":
                    assert made.fleet.where("llama3.2")
        assert (step.transfer.completed, step.transfer.total) == (100, 100)
        assert made.keeper("orin0").done == []


async def test_a_file_by_url_goes_to_the_embedded_engine() -> None:
    async with world({"agx0": Keeper(), "here": local()}, {"agx0": 64 * GB, "here": 16 * GB}) as made:
        assert (await made.pulled("https://x.org/m.gguf", inside=True))[0].node == "here"
        assert (await made.pulled("hf.co/a/b"))[0].node == "agx0"
        assert (await made.pulled("hf.co/a/b", Where("here")))[0].node == "here"


async def test_a_chosen_node_or_engine_is_taken_and_an_unknown_one_named() -> None:
    async with world({"agx0": Keeper(), "orin0": Keeper()}) as made:
        assert (await made.pulled("m", Where("orin0")))[0].node == "orin0"
        assert (await made.pulled("m", Where(engine="agx0/ollama")))[0].node == "agx0"
        with pytest.raises(NotFound, match="Did you mean orin0"):
            await made.pulled("m", Where("orin1"))
        with pytest.raises(NotFound, match="engine 'agx0/ollama' on orin0"):
            await made.pulled("m", Where("orin0", "agx0/ollama"))


async def test_two_callers_of_one_model_share_one_download() -> None:
    async with world({"agx0": Keeper()}) as made:
        made.keeper("agx0").go.clear()
        pulls = [asyncio.ensure_future(made.pulled(name)) for name in ("Llama3.2", "llama3.2:latest")]
        for _ in range(20):
            await asyncio.sleep(0)
        made.keeper("agx0").go.set()
        results = await asyncio.gather(*pulls)
        assert made.keeper("agx0").done == ["pull Llama3.2"]
        assert all(steps[-1].said == {"status": "success"} for steps in results)


@pytest.mark.parametrize(
    ("name", "keepers", "memory", "error"),
    [
        ("m", {}, {}, NoEngineReady),
        ("m", {"vllm": None}, {}, NotImplementedHere),
        ("llama3.2", {"here": local()}, {}, ModelNotFound),
        ("https://x.org/m.gguf", {"agx0": Keeper()}, {}, ModelNotFound),
        ("llama3.2:70b", {"agx0": Keeper()}, {"agx0": 16 * GB}, NoRoom),
        ("mistral", {"pi": Keeper()}, {"pi": 4 * GB}, NoRoom),
    ],
)
async def test_what_can_go_nowhere_says_why(
    name: str, keepers: Mapping[str, Keeper | None], memory: Mapping[str, int], error: type[Exception]
) -> None:
    async with world(keepers, memory) as made:
        with pytest.raises(error):
            await made.pulled(name)


async def test_an_edge_machine_is_offered_to_who_wants_it() -> None:
    async with world({"pi": Keeper()}, {"pi": 4 * GB}) as made:
        with pytest.raises(NoRoom, match="--node pi"):
            await made.pulled("mistral")
        assert (await made.pulled("mistral", Where("pi")))[-1].said == {"status": "success"}


async def test_a_size_known_from_elsewhere_decides_too() -> None:
    there = Keeper("mistral")
    there.sizes["mistral:latest"] = 30 * GB
    async with world({"agx0": there, "pi": Keeper()}, {"agx0": 64 * GB, "pi": 4 * GB}) as made:
        with pytest.raises(NoRoom, match="does not fit on pi"):
            await made.pulled("mistral", Where("pi"))


async def test_a_disk_that_is_too_small_is_seen_before_anything_is_fetched() -> None:
    here = local()
    here.weight, here.free = Weight(5 * GB), 2 * GB
    async with world({"here": here}) as made:
        with pytest.raises(NoRoom, match=r"2\.0 GB free"):
            await made.pulled("https://x.org/m.gguf")
        here.weight = Weight(5 * GB, have_bytes=4 * GB)
        assert (await made.pulled("https://x.org/m.gguf"))[-1].said == {"status": "success"}


async def test_a_source_that_cannot_be_weighed_is_an_error_only_where_nobody_else_could_fetch_it() -> None:
    here = local()
    here.weight = ModelNotFound("hf.co/a/b")
    async with world({"here": here}) as made:
        with pytest.raises(ModelNotFound):
            await made.pulled("hf.co/a/b")
    async with world({"here": here, "agx0": Keeper()}) as made:
        assert (await made.pulled("hf.co/a/b"))[0].node == "agx0"


async def test_an_engine_that_is_down_is_waited_for_not_worked_around() -> None:
    async with world({"agx0": Keeper("m"), "here": local()}) as made:
        for _ in range(2):
            made.fleet.saw(EngineId("agx0/ollama"), Seen.PROBE_MISSED, "gone")
        with pytest.raises(NoEngineReady):
            await made.pulled("m")
        with pytest.raises(NoEngineReady):
            await made.models.load("m")


async def test_a_pull_that_fails_raises_for_who_waits() -> None:
    async with world({"agx0": Keeper()}) as made:
        made.keeper("agx0").fails = NodeFailed("The engine could not do it.")
        with pytest.raises(NodeFailed):
            await made.pulled("m")


# --- memory ---


async def test_a_model_is_loaded_where_it_fits_and_stays_as_long_as_was_said() -> None:
    async with world({"pi": Keeper("m"), "agx0": Keeper("m")}, {"pi": 4 * GB, "agx0": 64 * GB}) as made:
        target = await made.models.load("M:latest", keep_s=60.0)
        assert (target.node, target.model) == ("agx0", "m:latest")
        assert made.keeper("agx0").done == ["load m:latest 60.0"]
        assert (await made.models.load("m", Where("pi"))).node == "pi"


async def test_a_model_is_unloaded_wherever_it_is() -> None:
    async with world({"agx0": Keeper("m"), "orin0": Keeper("m"), "pi": Keeper("m")}) as made:
        for node in ("agx0", "orin0"):
            await made.models.load("m", Where(node))
        assert [target.node for target in await made.models.unload("m")] == ["agx0", "orin0"]
        assert await made.models.unload("m") == ()


async def test_a_model_in_use_is_neither_unloaded_nor_deleted() -> None:
    async with world({"agx0": Keeper("m"), "orin0": Keeper("m")}) as made:
        await made.models.load("m", Where("orin0"))
        made.busy[EngineId("orin0/ollama"), ModelId("m:latest")] = 2
        with pytest.raises(Conflict, match="2 calls on orin0"):
            await made.models.unload("m")
        with pytest.raises(Conflict):
            await made.models.delete("m")
        assert made.keeper("agx0").models, "nothing was removed anywhere"
        assert [target.node for target in await made.models.delete("m", Where("agx0"))] == ["agx0"]


async def test_nothing_is_loaded_onto_a_drained_node_and_who_can_end_that_is_told() -> None:
    async with world({"agx0": Keeper("llama3.2")}) as made:
        made.fleet.drain(NodeId("agx0"))
        with pytest.raises(NoEngineReady, match="it is draining") as refused:
            await made.models.load("llama3.2")
        assert refused.value.hint == "Its owner has drained it: potluck nodes resume agx0"
        await made.models.delete("llama3.2")
        assert not made.keeper("agx0").models


async def test_an_engine_that_keeps_no_models_says_so() -> None:
    async with world({"vllm": None}) as made:
        change: Callable[[str], Any]
        for change in (made.models.unload, made.models.pin, made.models.delete):
            with pytest.raises(NotImplementedHere):
                await change("fixed")
        assert (await made.models.load("fixed")).node == "vllm", "it is there always"


async def test_a_model_that_is_not_there_is_not_found_and_where_it_is_is_told() -> None:
    async with world({"agx0": Keeper("llama3.2"), "orin0": Keeper()}) as made:
        for change in (made.models.load, made.models.unload, made.models.delete):
            with pytest.raises(ModelNotFound, match=r"Did you mean llama3\.2"):
                await change("llama3")  # type: ignore[operator]
        with pytest.raises(ModelNotFound, match="It is on agx0"):
            await made.models.delete("llama3.2", Where("orin0"))
        with pytest.raises(ModelNotFound):
            await made.models.load("llama3.2", Where("orin0"))


async def test_a_routes_name_is_no_models() -> None:
    rule = RouteRule("chat", (ModelId("m:latest"),))
    async with world({"agx0": Keeper("m")}, routes={"chat": rule}) as made:
        with pytest.raises(ModelNotFound):
            await made.models.delete("chat")
        assert made.keeper("agx0").models


async def test_a_copy_is_made_wherever_the_model_is() -> None:
    async with world({"agx0": Keeper("m"), "orin0": Keeper("m"), "pi": Keeper()}) as made:
        assert [target.node for target in await made.models.copy("m", "mine")] == ["agx0", "orin0"]
        assert len(made.fleet.where("mine")) == 2


async def test_an_engine_that_is_down_does_not_keep_a_model_on_the_others() -> None:
    async with world({"orin0": Keeper("m"), "agx0": Keeper("m")}) as made:
        for _ in range(2):
            made.fleet.saw(EngineId("orin0/ollama"), Seen.PROBE_MISSED, "gone")
        made.keeper("orin0").fails = NodeUnreachable("gone")
        with pytest.raises(NodeUnreachable):
            await made.models.delete("m")
        assert not made.keeper("agx0").models


# --- pins ---


async def test_a_pin_loads_for_good_is_written_and_shown() -> None:
    async with world({"agx0": Keeper("m")}) as made:
        await made.models.pin("M")
        engine = EngineId("agx0/ollama")
        assert made.keeper("agx0").done == ["load m:latest -1.0"]
        assert made.settings.values[SETTING] == [{"engine": engine, "model": "m:latest"}]
        assert made.models.pinned(engine, ModelId("m"))
        await made.models.pin("m")
        assert len(made.pins.all()) == 1
        with pytest.raises(Conflict, match="pinned"):
            await made.models.unload("m")


async def test_unpinning_lets_it_go_in_its_time() -> None:
    async with world({"agx0": Keeper("m")}) as made:
        await made.models.pin("m")
        assert len(await made.models.unpin("m")) == 1
        assert made.keeper("agx0").done[-1] == "load m:latest None"
        assert made.settings.values[SETTING] == []
        assert await made.models.unpin("m") == ()


async def test_what_cannot_be_loaded_is_not_pinned() -> None:
    async with world({"agx0": Keeper("m")}) as made:
        made.keeper("agx0").fails = NodeUnreachable("gone")
        with pytest.raises(NodeUnreachable):
            await made.models.pin("m")
        assert not made.pins.all()


async def test_a_deleted_model_is_pinned_no_more() -> None:
    async with world({"agx0": Keeper("m")}) as made:
        await made.models.pin("m")
        await made.models.delete("m")
        assert not made.pins.all()


async def test_a_pinned_model_is_loaded_again_after_its_engine_or_ours_began_anew() -> None:
    stored = Settings(pins=[{"engine": "agx0/ollama", "model": "m:latest"}])
    async with world({"agx0": Keeper("m", "other")}, settings=stored) as made:
        made.pinning()
        keeper, engine = made.keeper("agx0"), EngineId("agx0/ollama")
        await made.look(engine)
        await made.settle()
        assert keeper.done == ["load m:latest -1.0"]
        await made.look(engine)
        await made.settle()
        assert len(keeper.done) == 1, "it stays: nothing is to be done"
        keeper.models["m:latest"] = ""  # Ollama began anew
        await made.look(engine)
        await made.look(engine)
        await made.settle()
        assert keeper.done == ["load m:latest -1.0"] * 2


async def test_a_pinned_model_that_cannot_be_loaded_is_tried_again_at_the_next_look() -> None:
    stored = Settings(pins=[{"engine": "agx0/ollama", "model": "m:latest"}])
    async with world({"agx0": Keeper("m")}, settings=stored) as made:
        made.pinning()
        made.keeper("agx0").fails = NodeUnreachable("gone")
        await made.look(EngineId("agx0/ollama"))
        await made.settle()
        made.keeper("agx0").fails = None
        await made.look(EngineId("agx0/ollama"))
        await made.settle()
        assert made.keeper("agx0").done == ["load m:latest -1.0"]


async def test_a_pinned_model_that_will_be_unloaded_is_told_to_stay() -> None:
    stored = Settings(pins=[{"engine": "agx0/ollama", "model": "m:latest"}])
    async with world({"agx0": Keeper("m")}, settings=stored) as made:
        made.pinning()
        keeper, engine = made.keeper("agx0"), EngineId("agx0/ollama")
        keeper.models["m:latest"] = "2026-11-26T00:00:00Z"  # by a client's keep-alive
        keeper.fails = NodeUnreachable("gone")
        await made.look(engine)
        await made.look(engine)
        await made.settle()
        keeper.fails = None
        await made.look(engine)
        await made.settle()
        assert keeper.done == ["load m:latest -1.0"]


async def test_a_pinned_model_waits_for_what_is_in_use_and_puts_out_what_is_idle() -> None:
    stored = Settings(pins=[{"engine": "agx0/ollama", "model": "m:latest"}])
    async with world({"agx0": Keeper("m", "other")}, {"agx0": 16 * GB}, settings=stored) as made:
        keeper, engine = made.keeper("agx0"), EngineId("agx0/ollama")
        keeper.sizes = {"m:latest": 8 * GB, "other:latest": 8 * GB}
        keeper.models["other:latest"] = "2318-01-01T00:00:00Z"
        made.pinning()
        made.fleet.take(engine)
        await made.look(engine)
        await made.settle()
        assert keeper.done == []
        made.fleet.give(engine)
        await made.look(engine)
        await made.settle()
        assert keeper.done == ["unload other:latest", "load m:latest -1.0"]


@pytest.mark.parametrize("kept", [None, "odd", [{"engine": 1}], {"a": 1}])
async def test_pins_that_cannot_be_read_are_none(kept: Json) -> None:
    async with world({"agx0": Keeper("m")}, settings=Settings(pins=kept)) as made:
        assert not made.pins.all()


async def test_a_place_holds_what_it_names() -> None:
    async with world({"agx0": Keeper("m")}) as made:
        engine = made.fleet.snapshot()[0]
        assert Where().holds(engine)
        assert Where("agx0", "agx0/ollama").holds(engine)
        assert not Where("agx0", "x").holds(engine)
        assert not Where("x").holds(replace(engine, id=EngineId("x")))
