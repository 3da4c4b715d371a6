"""Nodes that are drained: what starts there, who waits, where models go, and what is remembered. Keepers are fakes."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from potluck.backends.port import Report
from potluck.core.errors import NodeFailed, NoEngineReady, NotFound, PotluckError
from potluck.core.health import Seen
from potluck.core.model import EngineId, EngineKind, Health, Json, Model, ModelId, NodeId
from potluck.core.scheduling.residency import MoveState
from potluck.gateway.dispatch import REHOUSE_EVERY_S
from potluck.gateway.drains import SETTING, Drains
from potluck.gateway.fleet import Installation
from potluck.gateway.loading import STANDS_IN_S
from tests.gateway.test_dispatch import Hall
from tests.gateway.test_models import Settings

GB = 10**9
M = ModelId("m")


class Keeper:
    """Loads and puts out models, when a test says so."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.go = asyncio.Event()
        self.go.set()
        self.error: PotluckError | None = None

    async def load(self, name: str, http: object, *, keep_s: float | None) -> None:
        self.done.append(f"load {name} {keep_s}")
        await self.go.wait()
        if self.error is not None:
            raise self.error

    async def unload(self, name: str, http: object) -> None:
        self.done.append(f"unload {name}")
        await self.go.wait()


class House:
    """Nodes ``n0`` and ``n1``, each with one engine and 16 GB; ``m`` is in ``e0``'s memory, and on ``e1``'s disk."""

    def __init__(self, kept: Json = None, slots: int = 1) -> None:
        self.hall = Hall(slots, slots, memory_bytes=16 * GB)
        self.fleet, self.dispatcher = self.hall.fleet, self.hall.dispatcher
        self.settings = Settings(**({SETTING: kept} if kept is not None else {}))
        self.keeper: Any = Keeper()
        for each in self.fleet.installations.values():
            self.fleet.installations[each.id] = msgspec.structs.replace(each, keeper=self.keeper)
        self.seen("e0", resident=True)
        self.seen("e1", resident=False)
        self.drains = Drains(self.settings, self.fleet, self.dispatcher, lambda: 1_000.0)

    def seen(self, engine: str, *models: Model, resident: bool) -> None:
        self.fleet.reported(EngineId(engine), Report((Model(M, resident=resident, size_bytes=2 * GB), *models)))

    async def settle(self) -> None:
        while self.hall.tasks:
            await asyncio.gather(*[self.hall.tasks.pop()])

    def health(self, engine: str) -> Health:
        return self.fleet.engines[EngineId(engine)].health


async def used(house: House) -> None:
    """A call was answered by ``e0``: its model is in demand."""
    caller = house.hall.caller("first")
    assert caller.seat is not None
    assert caller.seat.engine == "e0"
    house.dispatcher.release(caller.seat)


async def test_what_runs_ends_in_peace_and_what_comes_or_waits_goes_elsewhere() -> None:
    house = House()
    house.seen("e1", resident=True)
    running, other, waiting = (house.hall.caller(name) for name in "123")
    assert running.seat is not None
    assert other.seat is not None
    assert (running.seat.engine, other.seat.engine, waiting.seat) == ("e0", "e1", None)
    drained = await house.drains.drain("n0")
    assert (drained.running, drained.empty) == (1, False)
    assert house.health("e0") is Health.DRAINING
    house.dispatcher.release(running.seat)
    assert waiting.seat is None
    house.dispatcher.release(other.seat)
    assert waiting.seat is not None
    assert waiting.seat.engine == "e1"
    house.dispatcher.release(waiting.seat)
    now = house.drains.draining("n0")
    assert now is not None
    assert now.empty
    again = house.hall.caller("4")
    assert again.seat is not None
    assert again.seat.engine == "e1"


async def test_a_model_in_use_is_loaded_on_another_node_and_pinned_ones_to_stay() -> None:
    house = House()
    await used(house)
    house.keeper.go.clear()
    drained = await house.drains.drain("n0")
    assert [(move.model, move.state, move.to) for move in drained.moves] == [(M, MoveState.LOADING, "e1")]
    assert not drained.empty
    house.keeper.go.set()
    await house.settle()
    now = house.drains.draining("n0")
    assert now is not None
    assert (now.empty, [move.state for move in now.moves]) == (True, [MoveState.ELSEWHERE])
    assert house.keeper.done == ["load m None"]

    pinned = House()
    pinned.dispatcher.pinned = lambda engine, model: engine == "e0"
    pinned.seen("e0", resident=True)
    await pinned.drains.drain("n0")
    await pinned.settle()
    assert pinned.keeper.done == [f"load m {STANDS_IN_S}"]


async def test_the_next_look_at_the_other_node_comes_as_soon_as_the_model_is_there() -> None:
    house = House()
    await used(house)
    looked: list[str] = []
    house.fleet.look_now = looked.append
    await house.drains.drain("n0")
    await house.settle()
    assert looked == ["e1"]


async def test_cold_models_are_put_out_first_and_then_it_is_loaded() -> None:
    house = House()
    house.seen("e1", Model(ModelId("cold"), resident=True, size_bytes=13 * GB), resident=False)
    await used(house)
    await house.drains.drain("n0")
    await house.settle()
    assert house.keeper.done == ["unload cold", "load m None"]


async def test_a_model_that_cannot_be_loaded_there_is_said() -> None:
    house = House()
    await used(house)
    house.keeper.error = NodeFailed("the weights are broken")
    await house.drains.drain("n0")
    await house.settle()
    now = house.drains.draining("n0")
    assert now is not None
    assert [(move.state, move.why) for move in now.moves] == [(MoveState.NOWHERE, "n1: it could not be loaded there")]
    assert now.empty  # nothing that time would cure is waited for


async def test_an_engine_that_leaves_the_fleet_while_it_was_to_load_a_model_blocks_nothing() -> None:
    house = House()
    house.seen("e1", Model(ModelId("cold"), resident=True, size_bytes=13 * GB), resident=False)
    await used(house)
    house.keeper.go.clear()
    await house.drains.drain("n0")
    await asyncio.sleep(0)  # the putting out has begun
    house.fleet.reconfigure([house.fleet.installations[EngineId("e0")]], {})
    house.keeper.go.set()
    await house.settle()
    assert house.keeper.done == ["unload cold"]
    now = house.drains.draining("n0")
    assert now is not None
    assert [move.why for move in now.moves] == ["no other machine that is up has it"]


async def test_who_waits_for_the_only_node_waits_on_and_who_comes_is_told_who_must_act() -> None:
    house = House()
    await house.drains.drain("n1")
    house.hall.caller("1")
    waiting = house.hall.caller("2")
    await house.drains.drain("n0")
    assert (waiting.seat, waiting.error) == (None, None)
    refused = house.hall.caller("3").error
    assert isinstance(refused, NoEngineReady)
    assert refused.message == "'m' cannot be served: its owner has drained n0, n1."
    assert refused.hint == "The owner can end that: potluck nodes resume n0"
    await house.drains.resume("n1")
    assert waiting.seat is not None
    assert waiting.seat.engine == "e1"


async def test_who_has_waited_long_enough_for_a_drained_node_is_told_why() -> None:
    house = House()
    house.hall.down("e1")
    house.hall.caller("1")
    waiting = house.hall.caller("2")
    await house.drains.drain("n0")
    house.hall.now = 61
    house.dispatcher.expire()
    assert isinstance(waiting.error, NoEngineReady)
    assert waiting.error.message == (
        "'m' cannot be served: its owner has drained n0, and no other machine that has it is up."
    )


async def test_resuming_gives_calls_at_once() -> None:
    house = House()
    looked: list[str] = []
    house.fleet.look_now = looked.append
    await house.drains.drain("n0")
    await house.drains.resume("n0")
    assert house.health("e0") is Health.UP
    assert looked == ["e0"]
    assert house.drains.draining("n0") is None
    assert house.settings.values[SETTING] == []
    caller = house.hall.caller("1")
    assert caller.seat is not None
    assert caller.seat.engine == "e0"


async def test_a_drain_outlives_a_restart_of_the_service_and_of_the_node() -> None:
    first = House()
    await first.drains.drain("n0")
    second = House(kept=first.settings.values[SETTING])
    second.fleet.saw(EngineId("e0"), Seen.PROBE_MISSED, "rebooting")
    await second.drains.read()
    second.fleet.saw(EngineId("e0"), Seen.PROBE_MISSED, "rebooting")
    assert second.health("e0") is Health.DOWN
    second.seen("e0", resident=True)
    assert second.health("e0") is Health.DRAINING
    now = second.drains.draining("n0")
    assert now is not None
    assert now.since_s == 1_000.0


async def test_an_engine_that_comes_with_a_new_configuration_is_drained_with_its_node() -> None:
    house = House()
    await house.drains.drain("n0")
    old = house.fleet.installations[EngineId("e0")]
    new = Installation(EngineId("e0"), NodeId("n0"), EngineKind.OLLAMA, old.backend, old.http)
    house.fleet.reconfigure([new, house.fleet.installations[EngineId("e1")]], {})
    house.seen("e0", resident=True)
    assert house.health("e0") is Health.DRAINING


async def test_a_node_that_left_the_configuration_can_be_resumed() -> None:
    house = House(kept=[{"node": "gone", "since_s": 5.0}])
    await house.drains.read()
    await house.drains.resume("gone")
    assert house.settings.values[SETTING] == []


async def test_draining_and_resuming_twice_changes_nothing() -> None:
    house = House()
    first = await house.drains.drain("n0")
    assert await house.drains.drain("n0") == first
    await house.drains.resume("n0")
    await house.drains.resume("n0")
    assert house.drains.draining("n0") is None


async def test_two_drains_at_once_are_both_kept() -> None:
    house = House()
    await asyncio.gather(house.drains.drain("n0"), house.drains.drain("n1"))
    kept = house.settings.values[SETTING]
    assert isinstance(kept, list)
    assert len(kept) == 2


async def test_a_node_that_nobody_knows_is_not_found_with_names_that_may_be_meant() -> None:
    house = House()
    with pytest.raises(NotFound, match="no node 'n00'") as error:
        await house.drains.drain("n00")
    assert error.value.hint in ("Did you mean n0, n1?", "Did you mean n0?")
    with pytest.raises(NotFound) as error:
        await house.drains.resume("zebra")
    assert error.value.hint == "There are: n0, n1."


@pytest.mark.parametrize("kept", ["n0", [{"node": 1}], {"n0": 5}])
async def test_drains_that_cannot_be_read_drain_nothing(kept: Json) -> None:
    house = House(kept=kept)
    await house.drains.read()
    assert house.drains.draining("n0") is None


async def test_a_model_in_use_on_a_machine_that_dies_is_loaded_elsewhere_before_the_next_call() -> None:
    house = House()
    await used(house)
    house.hall.down("e0")
    await house.settle()
    assert house.keeper.done == ["load m None"]
    caller = house.hall.caller("2")
    assert caller.seat is not None
    assert not caller.seat.start.loads


async def test_what_could_not_be_loaded_for_want_of_room_is_loaded_when_there_is_some() -> None:
    house = House()
    house.seen("e1", Model(ModelId("other"), resident=True, size_bytes=13 * GB), resident=False)
    await used(house)
    house.hall.down("e0")
    await house.settle()
    assert house.keeper.done == []
    house.seen("e1", Model(ModelId("other"), resident=False, size_bytes=13 * GB), resident=False)
    house.hall.now += REHOUSE_EVERY_S
    house.dispatcher.expire()
    await house.settle()
    assert house.keeper.done == ["load m None"]
