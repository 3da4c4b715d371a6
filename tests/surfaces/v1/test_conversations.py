from __future__ import annotations

from typing import Any

import pytest

from .world import ANNA, BERT, OWNER, World

PATH = "/api/v1/conversations"


async def begun(world: World, *titles: str) -> list[str]:
    served = [await world.ask("POST", PATH, {"title": title}) for title in titles]
    assert {each.status for each in served} == {201}
    return [each.json()["id"] for each in served]


async def test_a_conversation_begins_empty_with_its_title_and_times() -> None:
    world = World()
    served = await world.ask("POST", PATH, {"title": " Plans ", "model": "talker:8b"})
    info = served.json()
    assert (served.status, info["title"], info["model"], info["message_count"]) == (201, "Plans", "talker:8b", 0)
    assert info["created_at"] == info["updated_at"] == "2025-06-15T15:06:41.000Z"


async def test_a_list_comes_newest_first_in_pages() -> None:
    world = World()
    await begun(world, "one", "two", "three")
    first = (await world.ask("GET", f"{PATH}?limit=2")).json()
    assert [info["title"] for info in first["conversations"]] == ["three", "two"]
    second = (await world.ask("GET", f"{PATH}?limit=2&cursor={first['next']}")).json()
    assert ([info["title"] for info in second["conversations"]], second["next"]) == (["one"], None)


@pytest.mark.parametrize(
    ("query", "param"), [("limit=0", "limit"), ("limit=x", "limit"), ("limit=999", "limit"), ("cursor=%21", "cursor")]
)
async def test_a_bad_query_names_its_parameter(query: str, param: str) -> None:
    served = await World().ask("GET", f"{PATH}?{query}")
    error = served.json()["error"]
    assert (served.status, error["param"]) == (400, param)
    assert error["hint"]


async def test_a_search_finds_titles_and_messages_of_ones_own() -> None:
    world = World()
    await begun(world, "Bread and butter", "Else")
    await world.ask("POST", "/api/v1/chat", {"message": "How long does bread rise?"})
    await world.ask("POST", "/api/v1/chat", {"message": "Bread!"}, caller=BERT)
    found = (await world.ask("GET", f"{PATH}?q=bread")).json()["conversations"]
    assert [info["title"] for info in found] == ["Bread and butter", "How long does bread rise?"]
    assert found[0]["match"] == {
        "message": None,
        "snippet": "bread",
        "pieces": [{"text": "bread", "found": True}],
    }
    assert found[1]["match"]["message"]


async def test_one_conversation_comes_with_its_messages() -> None:
    world = World()
    said = {"message": [{"type": "text", "text": "Hi"}, {"type": "image", "data": "aGk="}], "stream": False}
    own = (await world.ask("POST", "/api/v1/chat", said)).json()["conversation"]
    thread = (await world.ask("GET", f"{PATH}/{own}")).json()
    user, assistant = thread["messages"]
    assert thread["message_count"] == 2
    assert (user["role"], user["text"], user["images"], user["parent"]) == ("user", "Hi", 1, None)
    assert (assistant["role"], assistant["text"], assistant["parent"]) == ("assistant", "Hello", user["id"])
    assert (assistant["state"], assistant["node"], assistant["request_id"]) == ("complete", "agx0", "id1")


async def test_renaming_and_deleting() -> None:
    world = World()
    (own,) = await begun(world, "old")
    assert (await world.ask("PATCH", f"{PATH}/{own}", {"title": "new"})).json()["title"] == "new"
    deleted = await world.ask("DELETE", f"{PATH}/{own}")
    assert (deleted.status, deleted.body) == (204, b"")
    assert (await world.ask("GET", f"{PATH}/{own}")).status == 404


@pytest.mark.parametrize("body", [{"title": ""}, {"title": 7}, {"title": "x" * 201}])
async def test_a_title_must_be_one(body: Any) -> None:
    world = World()
    (own,) = await begun(world, "old")
    served = await world.ask("PATCH", f"{PATH}/{own}", body)
    assert (served.status, served.json()["error"]["param"]) == (400, "title")


@pytest.mark.parametrize(("method", "body"), [("GET", None), ("PATCH", {"title": "mine"}), ("DELETE", None)])
async def test_anothers_conversation_is_not_there_even_for_the_owner(method: str, body: Any) -> None:
    world = World()
    (own,) = await begun(world, "Anna's")
    for caller in (BERT, OWNER):
        served = await world.ask(method, f"{PATH}/{own}", body, caller=caller)
        assert (served.status, served.json()["error"]["type"]) == (404, "not_found")
        assert (await world.ask("GET", PATH, caller=caller)).json()["conversations"] == []
    assert (await world.ask("GET", f"{PATH}/{own}", caller=ANNA)).json()["title"] == "Anna's"
