"""``/api/v1/generations``: finding an answer again, following it, and stopping it."""

from __future__ import annotations

import asyncio
from typing import Any

from potluck.core.answer import Text
from potluck.core.errors import NodeFailed
from potluck.core.generations import Standing
from potluck.storage.records import MessageState

from .world import ANNA, BERT, Hang, Served, World, says

CHAT = "/api/v1/chat"
GENERATIONS = "/api/v1/generations"


async def left(world: World) -> str:
    """Ask, and leave as soon as the engine falls silent: the id of the answer that goes on."""
    await world.leave(CHAT, {"message": "Hi"})
    (generation,) = (await world.ask("GET", GENERATIONS)).json()["generations"]
    assert generation["state"] == "running"
    return str(generation["id"])


async def follow(world: World, path: str, leave_after: bytes = b"") -> bytes:
    got = bytearray()
    came = asyncio.Event()

    async def receive() -> dict[str, Any]:
        while not leave_after or leave_after not in got:
            came.clear()
            await came.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        got.extend(message.get("body", b""))
        came.set()

    await world.raw(receive, send, path, ANNA, "GET")
    return bytes(got)


async def test_an_answer_under_way_is_found_with_its_text_so_far() -> None:
    world = World(lambda call: (Text("So "), Text("far"), Hang()))
    generation = await left(world)
    state = (await world.ask("GET", f"{GENERATIONS}/{generation}")).json()
    (conversation,) = world.conversations.threads
    assert state["state"] == "running"
    assert (state["text"], state["conversation"], state["node"]) == ("So far", conversation, "agx0")
    assert (state["last_event"], state["readers"], state["detached"], state["ended_at"]) == (3, 0, True, None)
    world.calls.standings[state["request_id"]] = Standing(position=2, eta_s=4.5)
    state = (await world.ask("GET", f"{GENERATIONS}/{generation}")).json()
    assert state["queued"] == {"position": 2, "eta_s": 4.5}


async def test_a_follower_gets_what_it_missed_and_what_comes() -> None:
    world = World(lambda call: (Text("So "), Text("far"), Hang()))
    generation = await left(world)
    path = f"{GENERATIONS}/{generation}/events"
    both = asyncio.gather(follow(world, path, b"far"), follow(world, path))
    await asyncio.sleep(0.01)
    assert (await world.ask("GET", f"{GENERATIONS}/{generation}")).json()["readers"] in (1, 2)
    assert (await world.ask("DELETE", f"{GENERATIONS}/{generation}")).status == 204
    one, two = (Served(200, {}, each).events() for each in await both)
    assert [name for _, name, _ in two] == ["meta", "delta", "delta", "stopped"]
    assert one == two[:3]
    assert two[3] == (4, "stopped", {"why": "client", "message": ""})


async def test_stopping_frees_the_engine_keeps_the_text_and_can_be_done_twice() -> None:
    world = World(lambda call: (Text("So far"), Hang()))
    generation = await left(world)
    for _ in range(2):
        assert (await world.ask("DELETE", f"{GENERATIONS}/{generation}")).status == 204
        assert world.calls.open == 0
    (thread,) = world.conversations.threads.values()
    assert [each.new.state for each in thread.messages] == [MessageState.COMPLETE, MessageState.INTERRUPTED]
    state = (await world.ask("GET", f"{GENERATIONS}/{generation}")).json()
    assert (state["state"], state["text"], state["stopped"]["why"]) == ("interrupted", "So far", "client")


async def test_one_that_has_ended_can_be_read_again_from_any_event() -> None:
    world = World(lambda call: says("Hel", "lo"))
    whole = (await world.ask("POST", CHAT, {"message": "Hi"})).events()
    (generation,) = (await world.ask("GET", GENERATIONS)).json()["generations"]
    assert generation["state"] == "complete"
    path = f"{GENERATIONS}/{generation['id']}/events"
    assert (await world.ask("GET", path)).events() == whole
    assert (await world.ask("GET", f"{path}?after=2")).events() == whole[2:]
    assert (await world.ask("GET", f"{path}?after=1", headers={"last-event-id": "3"})).events() == whole[3:]
    assert (await world.ask("GET", f"{path}?after=4")).status == 204
    state = (await world.ask("GET", f"{GENERATIONS}/{generation['id']}")).json()
    assert (state["text"], state["done"]["finish"]) == ("Hello", "stop")


async def test_a_failed_one_tells_its_error_again() -> None:
    world = World(lambda call: (Text("So far"), NodeFailed("agx0 failed.")))
    whole = (await world.ask("POST", CHAT, {"message": "Hi"})).events()
    (generation,) = (await world.ask("GET", GENERATIONS)).json()["generations"]
    path = f"{GENERATIONS}/{generation['id']}"
    assert (await world.ask("GET", f"{path}/events")).events() == whole
    state = (await world.ask("GET", path)).json()
    assert (state["state"], state["error"]["type"], state["text"]) == ("failed", "node_failed", "So far")


async def test_anothers_answer_is_not_there() -> None:
    world = World(lambda call: (Text("x"), Hang()))
    path = f"{GENERATIONS}/{await left(world)}"
    for method, asked in (("GET", path), ("GET", f"{path}/events"), ("DELETE", path), ("DELETE", f"{GENERATIONS}/no")):
        served = await world.ask(method, asked, caller=BERT)
        assert (served.status, served.json()["error"]["type"]) == (404, "not_found")
    assert (await world.ask("GET", GENERATIONS, caller=BERT)).json() == {"generations": []}
    assert world.calls.open == 1


async def test_an_id_of_an_event_that_is_none_is_refused() -> None:
    world = World()
    await world.ask("POST", CHAT, {"message": "Hi"})
    (generation,) = (await world.ask("GET", GENERATIONS)).json()["generations"]
    path = f"{GENERATIONS}/{generation['id']}/events"
    assert (await world.ask("GET", path, headers={"last-event-id": "x"})).status == 400
    assert (await world.ask("GET", f"{path}?after=-1")).status == 400


async def test_a_stream_that_begins_in_line_says_where_it_stands() -> None:
    world = World(lambda call: (Hang(),))
    world.calls.waits = True
    asked = asyncio.ensure_future(world.leave(CHAT, {"message": "Hi"}, after=b"queued"))
    while not world.calls.calls:
        await asyncio.sleep(0)
    (running,) = (await world.ask("GET", GENERATIONS)).json()["generations"]
    world.calls.standings[running["request_id"]] = Standing(position=3, eta_s=7.0)
    await world.generations.look()
    world.calls.hanging.set()
    told = Served(200, {}, await asked).events()
    assert told == [(1, "queued", {"position": 3, "eta_s": 7.0})]
    assert (await world.ask("GET", GENERATIONS)).json()["generations"][0]["state"] == "running"


async def test_who_leaves_before_it_heard_anything_is_not_coming_back() -> None:
    world = World()
    world.calls.waits = True
    world.calls.hanging.set()
    assert await world.leave(CHAT, {"message": "Hi"}) == b""
    (generation,) = (await world.ask("GET", GENERATIONS)).json()["generations"]
    assert generation["state"] == "interrupted"


async def test_who_waits_for_a_whole_answer_is_told_that_somebody_stopped_it() -> None:
    world = World(lambda call: (Text("x"), Hang()))
    asked = asyncio.ensure_future(world.ask("POST", CHAT, {"message": "Hi", "stream": False}))
    await world.calls.hanging.wait()
    (generation,) = (await world.ask("GET", GENERATIONS)).json()["generations"]
    await world.ask("DELETE", f"{GENERATIONS}/{generation['id']}")
    assert ((await asked).status, (await asked).json()["error"]["type"]) == (409, "conflict")


async def test_a_deleted_conversation_takes_its_answers_with_it() -> None:
    world = World(lambda call: (Text("x"), Hang()))
    generation = await left(world)
    (conversation,) = world.conversations.threads
    assert (await world.ask("DELETE", f"/api/v1/conversations/{conversation}")).status == 204
    assert (world.calls.open, world.logs.logs) == (0, {})
    assert (await world.ask("GET", f"{GENERATIONS}/{generation}")).status == 404
