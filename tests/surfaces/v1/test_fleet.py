from __future__ import annotations

from dataclasses import dataclass

from potluck import __version__
from potluck.core.model import NodeId, NodeReading
from potluck.core.reading import Identity, Memory, Reading
from potluck.gateway.machines import Machine
from potluck.storage.records import GatewayRecord

from .world import OWNER, World


async def test_a_model_is_listed_once_with_everywhere_it_is() -> None:
    models = (await World().ask("GET", "/api/v1/models")).json()["models"]
    assert [model["id"] for model in models] == ["coder:1b", "lost:1b", "talker:8b"]
    coder, lost, _ = models
    assert [place["node"] for place in coder["engines"]] == ["agx0", "here"]
    assert [(place["resident"], place["memory_bytes"]) for place in coder["engines"]] == [(True, 1200), (True, 1200)]
    assert [(place["resident"], place["memory_bytes"]) for place in lost["engines"]] == [(False, None)]
    assert (coder["ready"], coder["capabilities"], coder["context"]) == (True, ["completion", "insert"], 4096)
    assert (lost["ready"], lost["engines"][0]["health"]) == (False, "down")


async def test_an_alias_is_listed_as_one_also_if_it_stands_for_nothing() -> None:
    world = World()
    world.fleet.alias_of = {"talker:8b": "coder:1b", "gpt-4o": "gone"}
    *models, real, lost = (await world.ask("GET", "/api/v1/models")).json()["models"]
    assert [model["alias_of"] for model in models] == [""] * 3
    assert (real["id"], real["alias_of"], real["ready"]) == ("talker:8b", "coder:1b", True)
    assert (lost["id"], lost["alias_of"], lost["ready"], lost["engines"]) == ("gpt-4o", "gone", False, [])


async def test_the_owner_sees_why_an_engine_is_as_it_is_and_its_processes() -> None:
    nodes = (await World().ask("GET", "/api/v1/nodes", caller=OWNER)).json()["nodes"]
    assert [node["id"] for node in nodes] == ["agx0", "here", "orin0"]
    agx0, here, orin0 = (node["engines"][0] for node in nodes)
    assert (agx0["slots"], agx0["busy"], agx0["resident"]) == (4, 1, ["coder:1b"])
    assert here["children"] == [
        {
            "model": "coder:1b",
            "role": "chat",
            "pid": 4711,
            "state": "ready",
            "restarts": 2,
            "why": "killed by signal 9",
        }
    ]
    assert orin0["why"] == "connection refused at 192.168.1.157"


async def test_others_see_neither_addresses_nor_processes() -> None:
    served = await World().ask("GET", "/api/v1/nodes")
    assert b"192.168" not in served.body
    assert b"4711" not in served.body
    assert served.json()["nodes"][2]["engines"][0]["health"] == "down"


READING = Reading(identity=Identity(host="a-secret-host"), memory=Memory(64, 40))
MACHINES = (
    Machine(NodeReading(NodeId("agx0"), 60, 64, 40, age_s=2.0), True, READING, age_s=2.0),
    Machine(NodeReading(NodeId("here"))),
    Machine(NodeReading(NodeId("edge")), True, None, silent_s=40.0, why="The agent refuses connections."),
    Machine(NodeReading(NodeId("fresh")), True),
)


async def test_the_owner_sees_what_machines_have_left_and_which_agents_are_silent() -> None:
    nodes = (await World(machines=MACHINES).ask("GET", "/api/v1/nodes", caller=OWNER)).json()["nodes"]
    assert [node["id"] for node in nodes] == ["agx0", "here", "orin0", "edge", "fresh"]
    agx0, here, orin0, edge, fresh = nodes
    assert agx0["memory_bytes"] == 60
    assert (agx0["agent"]["state"], agx0["agent"]["age_s"]) == ("up", 2.0)
    assert agx0["agent"]["reading"]["memory"]["available_bytes"] == 40
    assert (here["agent"], orin0["agent"]) == (None, None)
    assert (edge["engines"], edge["agent"]["state"], edge["agent"]["silent_s"]) == ([], "silent", 40.0)
    assert fresh["agent"]["state"] == "unknown"


async def test_what_agents_tell_is_the_owners_alone() -> None:
    served = await World(machines=MACHINES).ask("GET", "/api/v1/nodes")
    assert b"secret" not in served.body
    assert [node["agent"] for node in served.json()["nodes"]] == [None] * 5


async def test_status_counts_what_serves() -> None:
    status = (await World().ask("GET", "/api/v1/status")).json()
    assert status == {
        "version": __version__,
        "started_at": "2025-06-15T15:05:40.000Z",
        "uptime_s": 61.0,
        "nodes": 3,
        "engines": 3,
        "engines_up": 2,
        "models": 2,
        "slots": 5,
        "busy": 1,
        "waiting": 3,
        "drained": [],
        "queue": [{"kind": "review", "waiting": 3, "longest_wait_s": 2.5, "next_eta_s": 8.0}],
        "last_minute": {"calls": 8, "failed": 1, "refused": 2, "cancelled": 0, "completion_tokens": 700},
        "files": {"answers": True, "waiting": 0, "waiting_bytes": 0},
        "drill": None,
        "redis": None,
        "jobs": None,
        "gateways": None,
    }


async def test_status_says_how_redis_is_where_there_is_one() -> None:
    @dataclass
    class Server:
        trouble: str

    world = World(redis=Server("Redis does not answer."))
    presence = world.app.state.services.shared.presence
    await presence.here(GatewayRecord("g1", "attic", "http://attic:8420", __version__, 1_750_000_000.0), 60.0)
    served = await world.ask("GET", "/api/v1/status")
    assert [(each["name"], each["started_at"]) for each in served.json()["gateways"]] == [
        ("attic", "2025-06-15T15:06:40.000Z")
    ]
    assert served.json()["redis"] == {"up": False, "trouble": "Redis does not answer."}
    assert (await World(redis=Server("")).ask("GET", "/api/v1/status")).json()["redis"]["up"]


async def test_a_loaded_model_is_told_with_its_memory_and_its_learned_speed() -> None:
    nodes = (await World().ask("GET", "/api/v1/nodes")).json()["nodes"]
    agx0, here = nodes[0]["engines"][0], nodes[1]["engines"][0]
    assert agx0["loaded"] == [{"model": "coder:1b", "memory_bytes": 1200, "pinned": False}]
    assert agx0["rates"] == [
        {"model": "coder:1b", "prefill_tps": 800.0, "decode_tps": 52.5, "load_s": 3.0, "readings": 9}
    ]
    assert here["rates"] == []


async def test_the_owner_reloads_the_configuration_and_hears_what_changed() -> None:
    served = await World().ask("POST", "/api/v1/reload", {}, caller=OWNER)
    assert (served.status, served.json()) == (200, {"changed": ["routes", "local"], "restart": ["local"]})


async def test_a_configuration_with_errors_is_the_owners_to_mend() -> None:
    world = World(broken_config="potluck.yaml:3: unknown key 'rotues'")
    served = await world.ask("POST", "/api/v1/reload", {}, caller=OWNER)
    assert served.status == 400
    assert "rotues" in served.json()["error"]["message"]


async def test_nobody_else_reloads() -> None:
    assert (await World().ask("POST", "/api/v1/reload", {})).status == 403


async def test_a_drained_node_tells_everybody_how_far_it_has_come() -> None:
    world = World()
    drained = (await world.ask("POST", "/api/v1/nodes/agx0/drain", caller=OWNER)).json()
    assert (drained["running"], drained["empty"]) == (1, False)
    assert [(move["model"], move["state"], move["to"]) for move in drained["moves"]] == [
        ("llama3.2", "loading", "b/ollama"),
        ("big:70b", "nowhere", ""),
    ]
    nodes = (await world.ask("GET", "/api/v1/nodes")).json()["nodes"]
    assert [node["drain"] for node in nodes] == [drained, None, None]
    assert (await world.ask("GET", "/api/v1/status")).json()["drained"] == ["agx0"]
    assert (await world.ask("POST", "/api/v1/nodes/agx0/resume", caller=OWNER)).status == 204
    assert (await world.ask("GET", "/api/v1/status")).json()["drained"] == []


async def test_only_the_owner_drains_and_resumes_and_only_what_is_there() -> None:
    world = World()
    for action in ("drain", "resume"):
        assert (await world.ask("POST", f"/api/v1/nodes/agx0/{action}")).status == 403
        assert (await world.ask("POST", f"/api/v1/nodes/nobody/{action}", caller=OWNER)).status == 404
    assert not world.drains.since_s
