"""Temporary conversations: all that a conversation can do, and nothing of it kept."""

from __future__ import annotations

from typing import Any

from potluck.core.answer import Text
from potluck.core.errors import BadRequest
from potluck.storage.records import Topic
from potluck.storage.shared.memory import MemoryBus
from potluck.storage.temporary import KEPT_S

from .world import BERT, Hang, World, says

CHAT = "/api/v1/chat"
CONVERSATIONS = "/api/v1/conversations"


async def say(world: World, text: str, **more: Any) -> Any:
    return (await world.ask("POST", CHAT, {"message": text, "stream": False, "temporary": True, **more})).json()


async def test_it_is_in_no_list_no_search_no_store_and_no_log() -> None:
    world = World(lambda call: says("Hello"))
    said = await say(world, "Hi")
    assert world.conversations.threads == {}
    assert world.logs.logs == {}
    assert (await world.ask("GET", CONVERSATIONS)).json()["conversations"] == []
    assert (await world.ask("GET", f"{CONVERSATIONS}?q=Hello")).json()["conversations"] == []
    assert (await world.ask("GET", "/api/v1/generations")).json()["generations"] == []
    assert said["conversation"].startswith("temporary-")


async def test_it_is_read_gone_on_with_branched_and_adjusted_as_any_other() -> None:
    numbers = iter(range(1, 9))
    world = World(lambda call: says(f"A{next(numbers)}"))
    one = await say(world, "One?")
    path = f"{CONVERSATIONS}/{one['conversation']}"
    two = await say(world, "Two?", conversation=one["conversation"], temporary=False)
    await say(world, "", conversation=one["conversation"], regenerate=two["message"])
    assert (await world.ask("PATCH", path, {"leaf": two["message"], "system": "Be brief."})).status == 200
    read = (await world.ask("GET", f"{path}?branch=active")).json()
    assert [each["text"] for each in read["messages"]] == ["One?", "A1", "Two?", "A2"]
    assert (read["temporary"], read["system"], read["message_count"]) == (True, "Be brief.", 5)
    gone = (await world.ask("DELETE", f"{path}/messages/{two['user_message']}")).json()
    assert (len(gone["deleted"]), gone["leaf"]) == (3, one["message"])


async def test_an_answer_under_way_is_found_again_and_goes_on() -> None:
    world = World(lambda call: (Text("So far"), Hang()))
    await world.leave(CHAT, {"message": "Hi", "temporary": True})
    (running,) = (await world.ask("GET", "/api/v1/generations")).json()["generations"]
    state = (await world.ask("GET", f"/api/v1/generations/{running['id']}")).json()
    assert (state["state"], state["text"]) == ("running", "So far")
    await world.ask("DELETE", f"/api/v1/generations/{running['id']}")
    thread = (await world.ask("GET", f"{CONVERSATIONS}/{running['conversation']}")).json()
    assert [each["text"] for each in thread["messages"]] == ["Hi", "So far"]


async def test_sent_again_with_one_key_it_is_said_once() -> None:
    world = World(lambda call: says("Hello"))
    one, two = [await say(world, "Hi", client_id="k") for _ in range(2)]
    assert (one["message"], one["text"]) == (two["message"], two["text"])
    assert len(world.calls.calls) == 1


async def test_it_is_gone_when_it_is_deleted_when_it_is_old_and_for_others() -> None:
    world = World(lambda call: says("Hello"))
    paths = [f"{CONVERSATIONS}/{(await say(world, 'Hi'))['conversation']}" for _ in range(2)]
    assert (await world.ask("GET", paths[0], caller=BERT)).status == 404
    assert (await world.ask("DELETE", paths[0], caller=BERT)).status == 404
    assert (await world.ask("DELETE", paths[0])).status == 204
    assert (await world.ask("GET", paths[0])).status == 404
    assert (await world.ask("GET", paths[1])).status == 200
    world.now += KEPT_S
    assert (await world.ask("GET", paths[1])).status == 404


async def test_it_takes_no_place_in_lists_and_is_not_shared() -> None:
    world = World(lambda call: says("Hello"))
    said = await say(world, "Hi")
    path = f"{CONVERSATIONS}/{said['conversation']}"
    for change in ({"pinned": True}, {"archived": True}, {"folder": "f"}):
        refused = await world.ask("PATCH", path, change)
        assert (refused.status, refused.json()["error"]["param"]) == (400, next(iter(change)))
    assert (await world.ask("POST", f"{path}/shares", {})).status == 400
    assert (await world.ask("PATCH", path, {"leaf": "none"})).status == 404


async def test_one_that_is_kept_does_not_become_temporary() -> None:
    world = World(lambda call: says("Hello"))
    kept = (await world.ask("POST", CHAT, {"message": "Hi", "stream": False})).json()
    refused = await world.ask("POST", CHAT, {"message": "Hm", "conversation": kept["conversation"], "temporary": True})
    assert (refused.status, refused.json()["error"]["param"]) == (400, "temporary")


class Recorded(MemoryBus):
    """What open portals would hear."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def publish(self, topic: Topic, what: str) -> None:
        self.heard.append(what)


async def test_open_portals_hear_nothing_of_it() -> None:
    bus = Recorded()
    world = World(lambda call: says("Hello"), bus=bus)
    said = await say(world, "Hi")
    await world.ask("DELETE", f"{CONVERSATIONS}/{said['conversation']}")
    assert bus.heard == []
    await say(world, "Hi", temporary=False)
    assert len(bus.heard) == 1


async def test_one_that_is_refused_for_its_words_can_be_said_again() -> None:
    answers = iter([BadRequest("No."), says("Hello")])
    world = World(lambda call: next(answers))
    assert (await world.ask("POST", CHAT, {"message": "Hi", "temporary": True, "client_id": "k"})).status == 400
    assert (await say(world, "Hi", client_id="k"))["text"] == "Hello"
