"""``/api/v1/boot``: what the portal starts with."""

from __future__ import annotations

from potluck import __version__
from potluck.core.discovery import Grade, Proposal, State
from tests.surfaces.v1.world import ADMIN, ANNA, BERT, GUEST, Hang, World, says


def proposal(state: State) -> Proposal:
    return Proposal(state.value, state, "192.168.1.5", "box", (), None, Grade.WEAK, "", "", 1.0, 2.0)


async def test_one_request_tells_who_one_is_and_what_there_is() -> None:
    world = World()
    made = (await world.ask("POST", "/api/v1/chat", {"message": "Hi", "stream": False})).json()
    reply = (await world.ask("GET", "/api/v1/boot")).json()
    assert reply["version"] == __version__
    assert (reply["me"]["id"], reply["me"]["name"], reply["me"]["role"]) == ("anna", "name of anna", "member")
    assert "converse" in reply["me"]["rights"]
    assert "manage_people" not in reply["me"]["rights"]
    assert reply["me"]["preferences"] == {
        "theme": "auto",
        "language": "auto",
        "model": "",
        "send": "enter",
        "notifications": False,
        "skipped": [],
    }
    assert [each["id"] for each in reply["conversations"]["conversations"]] == [made["conversation"]]
    assert reply["running"] == []
    assert reply["counts"] == {"nodes": 3, "nodes_up": 2, "busy": 1, "waiting": 3, "proposals": None}


async def test_models_tell_where_they_are_and_how_long_a_call_would_wait() -> None:
    world = World()
    world.fleet.alias_of = {"gpt-4o": "coder:1b"}
    models = {each["id"]: each for each in (await world.ask("GET", "/api/v1/boot")).json()["models"]}
    assert {name: each["kind"] for name, each in models.items()} == {
        "coder:1b": "model",
        "talker:8b": "model",
        "lost:1b": "model",
        "gpt-4o": "alias",
        "coding": "route",
        "auto": "auto",
    }
    warm, cold, lost = models["coder:1b"], models["talker:8b"], models["lost:1b"]
    assert (warm["ready"], warm["resident"], warm["wait_s"]) == (True, True, 0.0)
    assert (cold["ready"], cold["resident"], cold["wait_s"]) == (True, False, 3.2)
    assert (lost["ready"], lost["resident"], lost["wait_s"]) == (False, False, None)
    assert warm["places"][0] == {
        "node": "agx0",
        "engine": "agx0/ollama:11434",
        "health": "up",
        "resident": True,
        "slots": 4,
        "busy": 1,
        "wait_s": 0.0,
    }
    assert models["gpt-4o"]["alias_of"] == "coder:1b"


async def test_an_answer_under_way_is_among_the_running_of_whose_it_is() -> None:
    world = World(lambda call: (*says("Once")[:1], Hang()))
    await world.leave("/api/v1/chat", {"message": "Tell", "detached": True}, after=b"Once")
    running = (await world.ask("GET", "/api/v1/boot")).json()["running"]
    assert [each["state"] for each in running] == ["running"]
    assert (await world.ask("GET", "/api/v1/boot", caller=BERT)).json()["running"] == []
    await world.ask("DELETE", f"/api/v1/generations/{running[0]['id']}")
    assert (await world.ask("GET", "/api/v1/boot")).json()["running"] == []


async def test_the_inbox_of_found_machines_is_counted_for_who_may_answer_it() -> None:
    world = World()
    world.discovery.found = [proposal(state) for state in State]
    assert (await world.ask("GET", "/api/v1/boot", caller=ADMIN)).json()["counts"]["proposals"] == 2
    assert (await world.ask("GET", "/api/v1/boot", caller=ANNA)).json()["counts"]["proposals"] is None


async def test_a_guest_has_models_and_nothing_kept() -> None:
    reply = (await World().ask("GET", "/api/v1/boot", caller=GUEST)).json()
    assert reply["models"]
    assert reply["conversations"] == {"conversations": [], "next": None}
    assert "converse" not in reply["me"]["rights"]
