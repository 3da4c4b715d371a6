"""Machines on the network over the API: the owner sees them and decides, nobody else even looks."""

from __future__ import annotations

import pytest

from potluck.core.discovery import AGENT, Sighting, State, Way, propose, take
from potluck.core.errors import Conflict, NotFound
from potluck.core.model import EngineKind
from potluck.gateway.discovery.kept import AcceptedNode, KeptEngine
from potluck.surfaces.v1.routes import NATIVE_ROUTES

from .world import ANNA, OWNER, FakeDiscovery, World

PROPOSALS = propose(
    take(
        {},
        Way.SCAN,
        [
            Sighting("192.168.1.9", 11434, "ollama", ("llama3.2",), version="0.12"),
            Sighting("192.168.1.9", 8421, AGENT, machine="m" * 32, proven=True, host="desk"),
        ],
        1_750_000_000.0,
    ),
    (),
    (),
)
NODE = AcceptedNode("agx0", "192.168.1.9", (KeptEngine(EngineKind.OLLAMA, 11434, 4),), 8421, "m" * 32, True)


def world(**more: object) -> World:
    return World(discovery=FakeDiscovery(list(PROPOSALS), [NODE], **more))  # type: ignore[arg-type]


async def test_the_owner_sees_what_was_found_and_what_was_accepted() -> None:
    served = (await world().ask("GET", "/api/v1/discovery", caller=OWNER)).json()
    (found,) = served["proposals"]
    assert (found["id"], found["state"], found["name"]) == (PROPOSALS[0].id, State.NEW.value, "desk")
    assert (found["identity"], found["agent_port"], found["ways"]) == ("proven", 8421, ["scan"])
    assert found["engines"] == [{"kind": "ollama", "port": 11434, "models": ["llama3.2"], "version": "0.12"}]
    (node,) = served["nodes"]
    assert (node["name"], node["served"], node["identity"]) == ("agx0", True, "proven")
    assert node["why"] == "It was at 192.168.1.5."
    assert (served["mdns"], served["scan"], served["scanned_at"]) == (
        True,
        ["192.168.1.0/24"],
        "2025-06-15T15:06:40.000Z",
    )


async def test_the_owner_looks_accepts_dismisses_and_forgets() -> None:
    w = world()
    assert (await w.ask("POST", "/api/v1/discovery", caller=OWNER)).json()["proposals"]
    assert (await w.ask("POST", "/api/v1/discovery", {"address": " 192.168.1.9 "}, caller=OWNER)).status == 200
    accepted = await w.ask("POST", "/api/v1/discovery/ab/accept", {"name": "agx0", "slots": 4}, caller=OWNER)
    assert (accepted.status, accepted.json()["engines"]) == (200, [{"kind": "ollama", "port": 11434, "slots": 4}])
    assert (await w.ask("POST", "/api/v1/discovery/ab/accept", caller=OWNER)).status == 200
    assert (await w.ask("POST", "/api/v1/discovery/ab/dismiss", caller=OWNER)).status == 204
    assert (await w.ask("DELETE", "/api/v1/discovery/nodes/accept", caller=OWNER)).status == 204
    assert w.discovery.asked == [
        ("look",),
        ("look_at", "192.168.1.9"),
        ("accept", "ab", "agx0", 4),
        ("accept", "ab", "", None),
        ("dismiss", "ab"),
        ("forget", "accept"),
    ]


@pytest.mark.parametrize("body", [{"name": "x" * 64}, {"slots": 0}, {"slots": "4"}])
async def test_what_cannot_be_is_refused_before_anything_is_done(body: object) -> None:
    w = world()
    assert (await w.ask("POST", "/api/v1/discovery/ab/accept", body, caller=OWNER)).status == 400
    assert w.discovery.asked == []


@pytest.mark.parametrize(("fails", "status"), [(NotFound("no"), 404), (Conflict("no"), 409)])
async def test_a_refusal_is_the_owners_to_read(fails: Exception, status: int) -> None:
    assert (await world(fails=fails).ask("POST", "/api/v1/discovery/ab/dismiss", caller=OWNER)).status == status


async def test_nobody_but_the_owner_may_do_any_of_it() -> None:
    routes = [route for route in NATIVE_ROUTES if route.path.startswith("/api/v1/discovery")]
    assert len(routes) == 5
    w = world()
    for route in routes:
        path = route.path.replace("{proposal}", "ab").replace("{node}", "agx0")
        assert (await w.ask(route.method, path, caller=ANNA)).status == 403
    assert w.discovery.asked == []


async def test_a_listing_of_nodes_says_where_each_comes_from_and_addresses_to_the_owner_only() -> None:
    w = world()
    nodes = (await w.ask("GET", "/api/v1/nodes", caller=OWNER)).json()["nodes"]
    assert {node["id"]: node["source"] for node in nodes} == {"agx0": "discovery", "here": "here", "orin0": "config"}
    assert nodes[0]["why"] == "It was at 192.168.1.5."
    served = await w.ask("GET", "/api/v1/nodes", caller=ANNA)
    assert served.json()["nodes"][0]["source"] == "discovery"
    assert b"192.168" not in served.body
