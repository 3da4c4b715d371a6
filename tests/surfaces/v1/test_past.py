"""``/api/v1/history``, ``/api/v1/nodes/{node}/history`` and ``/api/v1/incidents``."""

from __future__ import annotations

import time
from pathlib import Path

from potluck.core.incidents import Cause, Incident
from potluck.core.model import EngineId, NodeId, RequestId
from potluck.storage.open import open_storage, sqlite_url

from .world import ANNA, OWNER, World

NOW = 1_750_000_000.0
DOWN = Incident("i1", Cause.NODE_DOWN, NodeId("orin0"), EngineId(""), NOW, None, "refused at 192.168.1.157")
RESCUED = Incident("i2", Cause.RESCUED, NodeId("agx0"), EngineId(""), NOW + 5, NOW + 9, "cut", 2, (RequestId("r1"),))


def remembering() -> World:
    world = World()
    for step in range(4):
        figures = {"busy": float(step), "celsius": 40.0 + step}
        world.recorder.history.take({"agx0": figures, "gone": {"up": 1.0}, "": figures}, NOW - 90 + step * 30)  # type: ignore[dict-item]
    return world


async def test_a_machines_last_hours_are_told_in_steps() -> None:
    world = remembering()
    told = (await world.ask("GET", "/api/v1/nodes/agx0/history?hours=0.05")).json()
    assert (told["step_s"], told["since"], told["known_since"]) == (
        30.0,
        "2025-06-15T15:04:00.000Z",
        "2025-06-15T15:05:10.000Z",
    )
    assert told["series"]["busy"] == [None, None, 0.0, 1.0, 2.0, 3.0]
    coarse = (await world.ask("GET", "/api/v1/nodes/agx0/history?hours=0.05&step_s=60")).json()["series"]
    assert (coarse["busy"], coarse["celsius"]) == ([None, 0.5, 2.5], [None, 41.0, 43.0])
    assert coarse["cpu_load"] == [None, None, None]


async def test_one_that_is_gone_is_remembered_and_one_that_never_was_is_not_found() -> None:
    world = remembering()
    assert (await world.ask("GET", "/api/v1/nodes/gone/history")).status == 200
    assert (await world.ask("GET", "/api/v1/nodes/orin0/history")).json()["series"]["up"] == [None] * 720
    assert (await world.ask("GET", "/api/v1/nodes/never/history")).status == 404
    assert (await world.ask("GET", "/api/v1/nodes/agx0/history?step_s=45")).json()["error"]["param"] == "step_s"


async def test_the_whole_house_is_told_with_each_machine() -> None:
    told = (await remembering().ask("GET", "/api/v1/history?hours=0.01")).json()
    assert told["series"]["busy"] == [2.0, 3.0]
    assert {node: series["busy"] for node, series in told["nodes"].items()} == {
        "agx0": [2.0, 3.0],
        "gone": [None, None],
    }


async def test_incidents_are_told_and_what_is_the_owners_to_know_to_the_owner(tmp_path: Path) -> None:
    async with open_storage(sqlite_url(tmp_path / "potluck.db"), clock=time.monotonic) as storage:
        await storage.incidents.save([DOWN, RESCUED])
        world = World(storage=storage)
        anna = (await world.ask("GET", "/api/v1/incidents", caller=ANNA)).json()
        owner = (await world.ask("GET", "/api/v1/incidents", caller=OWNER)).json()
        open_ = (await world.ask("GET", "/api/v1/incidents?state=open&node=orin0", caller=OWNER)).json()
        some = (await world.ask("GET", "/api/v1/incidents?limit=1&until=2025-06-15T15:06:44Z")).json()
        first = (await world.ask("GET", "/api/v1/incidents?limit=1")).json()
        second = (await world.ask("GET", f"/api/v1/incidents?limit=1&cursor={first['next']}")).json()
    assert [each["sentence"] for each in anna["incidents"]] == [
        "2 answers broke off on agx0, and were gone on with elsewhere.",
        "orin0 does not answer.",
    ]
    assert [(each["why"], each["requests"]) for each in anna["incidents"]] == [("", []), ("", [])]
    assert owner["incidents"][0] == {
        "id": "i2",
        "cause": "rescued",
        "state": "over",
        "node": "agx0",
        "engine": "",
        "since": "2025-06-15T15:06:45.000Z",
        "until": "2025-06-15T15:06:49.000Z",
        "sentence": "2 answers broke off on agx0, and were gone on with elsewhere.",
        "count": 2,
        "why": "cut",
        "requests": ["r1"],
    }
    assert [each["id"] for each in open_["incidents"]] == ["i1"]
    assert [each["id"] for each in some["incidents"]] == ["i1"]
    assert [each["incidents"][0]["id"] for each in (first, second)] == ["i2", "i1"]
    assert second["next"] is None
