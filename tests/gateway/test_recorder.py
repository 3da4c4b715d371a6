"""Machines are looked at, and what was seen is remembered, whatever the disk and the database do."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from potluck.backends.port import Report
from potluck.core.errors import OperatorError
from potluck.core.health import Seen
from potluck.core.incidents import Cause, Incident
from potluck.core.model import EngineId, EngineKind, Model, ModelId, NodeId, RequestId
from potluck.core.reading import Cpu, Gpu, Reading, Temperature
from potluck.gateway.fleet import Fleet, Installation
from potluck.gateway.machines import MachineSetup
from potluck.gateway.recorder import FLEET, Recorder
from potluck.storage.incidents import IncidentFilter, IncidentPage
from potluck.storage.records import AttemptRecord, CallStatus, RequestRecord

A, B = NodeId("a"), NodeId("b")
ENGINE_A, ENGINE_B = EngineId("a/ollama:1"), EngineId("b/ollama:1")
READING = Reading(cpu=Cpu(4, 0.5), gpus=(Gpu(load=0.25, celsius=61.0),), temperatures=(Temperature("cpu", 55.0),))


class Store:
    """In a dict; ``away`` is a database that is not there."""

    def __init__(self) -> None:
        self.kept: dict[str, Incident] = {}
        self.away = False

    async def save(self, changed: Sequence[Incident]) -> None:
        self._here()
        self.kept.update({each.id: each for each in changed})

    async def open(self) -> tuple[Incident, ...]:
        self._here()
        return tuple(each for each in self.kept.values() if each.until_s is None)

    async def list(self, *, limit: int, where: IncidentFilter | None = None, cursor: str | None = None) -> IncidentPage:
        raise AssertionError("not used here")

    async def prune(self, *, before_s: float, most: int) -> int:
        raise AssertionError("not used here")

    def _here(self) -> None:
        if self.away:
            raise OperatorError("The database is away.")


class Agent:
    async def reading(self) -> Reading:
        raise AssertionError("not asked here")


class House:
    def __init__(self, file: Path) -> None:
        self.now_s = 1_750_000_020.0
        installations = [
            Installation(engine, node, EngineKind.OPENAI, None, None, 2)  # type: ignore[arg-type]
            for engine, node in ((ENGINE_A, A), (ENGINE_B, B))
        ]
        self.fleet = Fleet(installations, {}, clock=lambda: self.now_s, interval_s=30)
        for engine in self.fleet.engines:
            self.fleet.reported(engine, Report((Model(ModelId("m"), resident=True, memory_bytes=1000),)))
        agent = Agent()
        self.fleet.machines.configure([MachineSetup(A, None, agent)])
        self.fleet.machines.heard(A, agent, READING)
        self.store = Store()
        self.tokens: dict[tuple[str, str], tuple[int, int]] = {("a", "m"): (5, 100)}
        self.drilled: dict[NodeId, str] = {}
        numbers = itertools.count(1)
        self.recorder = Recorder(
            self.fleet,
            self.store,
            file,
            clock=lambda: self.now_s,
            new_id=lambda: f"i{next(numbers)}",
            tokens=lambda: self.tokens,
            waiting=lambda: {A: 3},
            in_line=lambda: 4,
            drained=lambda: frozenset(self.fleet.drained),
            drilled=lambda: self.drilled,
        )

    def newest(self, node: str) -> dict[str, float | None]:
        series = self.recorder.series(node, hours=0.01)
        return {str(name): values[-1] for name, values in series.figures.items()}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "history.bin")


def test_a_sample_holds_what_each_machine_does_and_all_together(house: House) -> None:
    house.fleet.take(ENGINE_A)
    house.fleet.drain(B)
    house.recorder.sample()
    assert house.newest("a") == {
        "up": 1.0,
        "busy": 1.0,
        "waiting": 3.0,
        "held_bytes": 1000.0,
        "tokens_per_s": 0.0,
        "cpu_load": 0.5,
        "gpu_load": 0.25,
        "celsius": 61.0,
    }
    b = house.newest("b")
    assert (b["up"], b["busy"], b["celsius"], b["cpu_load"]) == (1.0, 0.0, None, None)
    together = house.newest(FLEET)
    assert (together["up"], together["waiting"], together["held_bytes"]) == (2.0, 4.0, 2000.0)
    assert (together["celsius"], house.recorder.remembered()) == (61.0, ["a", "b"])


def test_tokens_a_second_are_those_between_two_samples(house: House) -> None:
    house.recorder.sample()
    house.now_s += 30.0
    house.tokens = {("a", "m"): (5, 400), ("a", "n"): (0, 300)}
    house.recorder.sample()
    assert house.newest("a")["tokens_per_s"] == 20.0


async def test_what_goes_wrong_is_kept_and_told_until_it_is_over(house: House) -> None:
    house.recorder.look()
    since_s = house.recorder.since_s("a")
    for _ in range(3):
        house.now_s += 10.0
        house.fleet.saw(ENGINE_A, Seen.PROBE_MISSED, "refused")
    house.recorder.look()
    await house.recorder.flush()
    (down,) = house.store.kept.values()
    assert (down.cause, down.node, down.until_s) == (Cause.NODE_DOWN, A, None)
    assert (since_s, house.recorder.since_s("a"), house.recorder.since_s("c")) == (1_750_000_020.0, house.now_s, None)
    house.drilled = {B: "block"}
    house.recorder.look()
    assert [each.cause for each in house.recorder.recent()] == [Cause.NODE_DOWN, Cause.DRILL]


CALL = RequestRecord(
    id=RequestId("r1"),
    time_s=1.0,
    family="openai",
    asked_model="m",
    status=CallStatus.OK,
    http_status=200,
    total_s=3.0,
    attempts=(
        AttemptRecord(ENGINE_A, "NodeUnreachable", "refused"),
        AttemptRecord(EngineId("gone/x"), "slower", "late"),
        AttemptRecord(ENGINE_B, "ok"),
    ),
)


def test_a_call_that_broke_is_told_by_what_became_of_it(house: House) -> None:
    house.recorder.broke(CALL, rescued=False)
    house.recorder.broke(CALL, rescued=True)
    house.recorder.broke(replace(CALL, error="All failed."), rescued=False)
    house.recorder.broke(replace(CALL, status=CallStatus.CANCELLED), rescued=True)
    gone = replace(CALL, attempts=(AttemptRecord(EngineId("gone/x"), "NodeFailed", "500"),))
    house.recorder.broke(replace(gone, error="All failed."), rescued=False)
    house.recorder.took_over("desk")
    told = [(each.cause, each.node) for each in house.recorder.recent()]
    assert told == [
        (Cause.TOOK_OVER, ""),
        (Cause.LOST, "gone"),
        (Cause.LOST, A),
        (Cause.RESCUED, A),
        (Cause.MOVED, A),
    ]


async def test_while_the_database_is_away_incidents_wait(house: House) -> None:
    house.store.away = True
    house.recorder.broke(CALL, rescued=True)
    await house.recorder.flush()
    house.store.away = False
    house.recorder.broke(CALL, rescued=True)
    await house.recorder.flush()
    assert [each.count for each in house.store.kept.values()] == [2]


async def recall(house: House) -> None:
    """Begin to record, and stop at once."""
    task = asyncio.get_running_loop().create_task(house.recorder.recording())
    for _ in range(1000):
        await asyncio.sleep(0.001)
        if house.recorder.known_since_s is not None:
            break
    task.cancel()
    await asyncio.wait([task])


async def test_the_last_hours_outlive_a_restart(house: House, tmp_path: Path) -> None:
    house.recorder.sample()
    await house.recorder.close()
    assert (tmp_path / "history.bin").stat().st_mode & 0o777 == 0o600
    again = House(tmp_path / "history.bin")
    await recall(again)
    assert again.newest("a") == house.newest("a")


async def test_neither_a_broken_file_nor_a_lost_database_stops_it(house: House, tmp_path: Path) -> None:
    (tmp_path / "history.bin").write_bytes(b"nonsense")
    house.store.away = True
    task = asyncio.get_running_loop().create_task(house.recorder.recording())
    done, _ = await asyncio.wait([task], timeout=0.1)
    task.cancel()
    assert not done
    nowhere = House(tmp_path / "not" / "there")
    nowhere.recorder.sample()
    await nowhere.recorder.close()
