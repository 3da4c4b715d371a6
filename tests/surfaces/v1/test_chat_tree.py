"""Conversations as trees: editing, branching, other answers, the rest of one, and what is sent twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from potluck.core.answer import Finish, FinishReason, Text
from potluck.core.call import ChatCall
from potluck.core.errors import NodeFailed
from potluck.storage.records import MessageState

from .world import BERT, Hang, World, says

CHAT = "/api/v1/chat"
CONVERSATIONS = "/api/v1/conversations"


async def say(world: World, text: str = "", **more: Any) -> Any:
    said = {"message": text} if text else {}
    return (await world.ask("POST", CHAT, {**said, "stream": False, **more})).json()


async def thread(world: World, conversation: str, query: str = "") -> Any:
    return (await world.ask("GET", f"{CONVERSATIONS}/{conversation}{query}")).json()


def texts(world: World) -> list[str]:
    """What the model was shown last."""
    call = world.calls.calls[-1]
    assert isinstance(call, ChatCall)
    return [message.text for message in call.messages]


def answers() -> World:
    """Each answer is its number."""
    numbers = iter(range(1, 100))
    return World(lambda call: says(f"A{next(numbers)}"))


async def test_a_message_is_edited_by_a_sibling_and_both_branches_stay() -> None:
    world = answers()
    one = await say(world, "One?")
    two = await say(world, "Two?", conversation=one["conversation"])
    edited = await say(world, "Two, please?", conversation=one["conversation"], parent=one["message"])
    assert texts(world) == ["One?", "A1", "Two, please?"]
    shown = await thread(world, one["conversation"])
    children = {each["id"]: each["children"] for each in shown["messages"]}
    assert children[one["message"]] == [two["user_message"], edited["user_message"]]
    assert shown["leaf"] == edited["message"]
    active = await thread(world, one["conversation"], "?branch=active")
    assert [each["text"] for each in active["messages"]] == ["One?", "A1", "Two, please?", "A3"]
    other = await thread(world, one["conversation"], f"?branch={two['message']}")
    assert [each["text"] for each in other["messages"]] == ["One?", "A1", "Two?", "A2"]
    assert (await world.ask("GET", f"{CONVERSATIONS}/{one['conversation']}?branch=none")).status == 404


async def test_the_first_message_is_edited_by_another_first_one() -> None:
    world = answers()
    one = await say(world, "One?")
    again = await say(world, "Uno?", conversation=one["conversation"], parent=None)
    assert texts(world) == ["Uno?"]
    assert (await thread(world, one["conversation"]))["roots"] == [one["user_message"], again["user_message"]]


async def test_what_follows_goes_on_from_the_branch_that_is_shown() -> None:
    world = answers()
    one = await say(world, "One?")
    await say(world, "Two?", conversation=one["conversation"])
    path = f"{CONVERSATIONS}/{one['conversation']}"
    assert (await world.ask("PATCH", path, {"leaf": one["message"]})).status == 200
    await say(world, "Three?", conversation=one["conversation"])
    assert texts(world) == ["One?", "A1", "Three?"]
    assert (await world.ask("PATCH", path, {"leaf": "none"})).status == 404


async def test_another_answer_stands_beside_the_first_by_another_model_and_node() -> None:
    world = answers()
    one = await say(world, "One?")
    two = await say(world, conversation=one["conversation"], regenerate=one["message"], model="talker:8b", node="agx0")
    call = world.calls.calls[-1]
    assert (texts(world), call.model, world.calls.nodes) == (["One?"], "talker:8b", ["", "agx0"])
    assert two["user_message"] == one["user_message"]
    shown = await thread(world, one["conversation"])
    assert shown["messages"][0]["children"] == [one["message"], two["message"]]
    assert shown["leaf"] == two["message"]


async def test_several_models_answer_one_message_side_by_side() -> None:
    world = answers()
    one = await say(world, "One?")
    two = await say(world, conversation=one["conversation"], regenerate=one["user_message"], model="talker:8b")
    shown = await thread(world, one["conversation"])
    assert shown["messages"][0]["children"] == [one["message"], two["message"]]
    assert shown["leaf"] == one["message"], "the first to answer stays the one that is shown"


async def test_a_cut_answer_is_gone_on_with_and_the_whole_takes_its_place() -> None:
    world = World(lambda call: (Text("So f"), Finish(FinishReason.LENGTH)))
    one = await say(world, "One?", max_tokens=3)
    world.calls.script = lambda call: says("ar.")
    served = await world.ask(
        "POST", CHAT, {"conversation": one["conversation"], "continue": one["message"], "max_tokens": 5}
    )
    names = [name for _, name, _ in served.events()]
    assert names == ["meta", "delta", "delta", "done"]
    meta = served.events()[0][2]
    assert meta["continues"] == one["message"]
    begun = world.calls.begun[-1]
    assert begun is not None
    assert (begun.told.text, begun.model) == ("So f", "coder:1b")
    call = world.calls.calls[-1]
    assert isinstance(call, ChatCall)
    assert (texts(world), call.sampling.max_tokens) == (["One?"], 5 + begun.told.pieces)
    (_, answer) = (await thread(world, one["conversation"]))["messages"]
    assert (answer["id"], answer["text"], answer["state"]) == (meta["message"], "So far.", "complete")


async def test_what_could_not_be_gone_on_with_stays_as_it_was() -> None:
    world = World(lambda call: (Text("So f"), NodeFailed("agx0 went away.")))
    served = await world.ask("POST", CHAT, {"message": "One?"})
    meta = served.events()[0][2]
    world.calls.script = lambda call: NodeFailed("Nobody can go on.")
    again = await world.ask("POST", CHAT, {"conversation": meta["conversation"], "continue": meta["message"]})
    assert again.status == 502
    (_, answer) = (await thread(world, meta["conversation"]))["messages"]
    assert (answer["id"], answer["text"], answer["error"]) == (meta["message"], "So f", "agx0 went away.")
    assert answer["error_type"] == "node_failed"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"regenerate": "none"}, 404),
        ({"continue": "none"}, 404),
        ({"parent": "none", "message": "x"}, 404),
        ({"continue": "ANSWER"}, 409),  # it is whole
        ({"continue": "QUESTION"}, 400),
        ({"regenerate": "ANSWER", "message": "x"}, 400),
        ({"regenerate": "ANSWER", "continue": "ANSWER"}, 400),
        ({"regenerate": "ANSWER", "parent": "ANSWER"}, 400),
        ({"regenerate": "ANSWER", "conversation": ""}, 400),
        ({"message": ""}, 400),
    ],
)
async def test_what_makes_no_sense_is_refused_and_nothing_is_kept(body: Any, status: int) -> None:
    world = World()
    one = await say(world, "One?")
    named = {"ANSWER": one["message"], "QUESTION": one["user_message"]}
    asked = {name: named.get(value, value) for name, value in body.items()}
    served = await world.ask("POST", CHAT, {"conversation": one["conversation"], **asked})
    assert served.status == status
    assert served.json()["error"]["hint"]
    assert len((await thread(world, one["conversation"]))["messages"]) == 2


async def test_a_message_is_deleted_with_what_follows_and_its_answer_under_way_ends() -> None:
    world = World()
    one = await say(world, "One?")
    world.calls.script = lambda call: (Text("So f"), Hang())
    await world.leave(CHAT, {"message": "Two?", "conversation": one["conversation"]}, after=b"So f")
    assert world.calls.open == 1
    shown = await thread(world, one["conversation"])
    second = shown["messages"][-1]["id"]
    path = f"{CONVERSATIONS}/{one['conversation']}/messages/{second}"
    assert (await world.ask("DELETE", path, caller=BERT)).status == 404
    deleted = (await world.ask("DELETE", path)).json()
    assert second in deleted["deleted"]
    assert deleted["leaf"] == one["message"]
    assert world.calls.open == 0
    assert len((await thread(world, one["conversation"]))["messages"]) == 2
    assert (await world.ask("DELETE", path)).status == 404


async def test_a_conversation_has_wishes_of_its_own_which_a_request_goes_before() -> None:
    world = World()
    made = (await world.ask("POST", CONVERSATIONS, {"title": "Terse"})).json()
    assert made["titled"] == "person"
    path = f"{CONVERSATIONS}/{made['id']}"
    wishes = {"system": "Be brief.", "params": {"temperature": 0.5, "stop": ["END"]}, "tags": ["a", " a ", "b"]}
    changed = (await world.ask("PATCH", path, {**wishes, "pinned": True, "archived": True})).json()
    assert (changed["tags"], changed["pinned"], changed["archived"]) == (["a", "b"], True, True)
    await say(world, "One?", conversation=made["id"])
    await say(world, "Two?", conversation=made["id"], temperature=1.5, system="Be long.")
    calls = [call for call in world.calls.calls if isinstance(call, ChatCall)]
    assert [call.messages[0].text for call in calls] == ["Be brief.", "Be long."]
    assert [(call.sampling.temperature, call.sampling.stop) for call in calls] == [(0.5, ("END",)), (1.5, ("END",))]
    shown = await thread(world, made["id"])
    assert (shown["system"], shown["params"]) == ("Be brief.", {"temperature": 0.5, "stop": ["END"]})
    assert (await world.ask("PATCH", path, {})).status == 400


async def test_an_answer_tells_how_fast_it_was() -> None:
    world = World(lambda call: says("Hel", "lo"))
    one = await say(world, "One?")
    (_, answer) = (await thread(world, one["conversation"]))["messages"]
    assert answer["tokens_per_s"] == 4.0  # two tokens in half a second, by the engine's account
    assert answer["first_token_ms"] > 0


# --- sent twice -------------------------------------------------------------------------------------------------------


async def test_a_message_that_is_sent_twice_is_said_once() -> None:
    world = answers()
    first = await say(world, "One?", client_id="k1")
    again = await say(world, "One?", client_id="k1")
    assert again == first
    assert len(world.calls.calls) == 1
    stream = await world.ask("POST", CHAT, {"message": "One?", "client_id": "k1"})
    assert [name for _, name, _ in stream.events()] == ["meta", "delta", "done"]
    assert stream.headers["x-potluck-generation"] == first["message"]
    header = await world.ask("POST", CHAT, {"message": "One?"}, headers={"idempotency-key": "k1"})
    assert header.events() == stream.events()
    assert len((await thread(world, first["conversation"]))["messages"]) == 2


async def test_two_at_once_are_one() -> None:
    world = answers()
    one, two = await asyncio.gather(say(world, "One?", client_id="k1"), say(world, "One?", client_id="k1"))
    assert (one["conversation"], one["message"]) == (two["conversation"], two["message"])
    assert len(world.calls.calls) == 1


async def test_a_message_that_is_sent_again_while_its_answer_runs_follows_that() -> None:
    world = World(lambda call: (Text("So far"), Hang()))
    body = {"message": "One?", "client_id": "k1"}
    await world.leave(CHAT, body, after=b"So far")
    got = await world.leave(CHAT, body, after=b"So far")
    assert b"So far" in got
    assert (len(world.calls.calls), world.calls.open) == (1, 1)


async def test_an_answer_whose_events_are_forgotten_is_told_from_its_message() -> None:
    world = World(lambda call: says("Hel", "lo"))
    first = await say(world, "One?", client_id="k1")
    failed = await world.ask(
        "POST", CHAT, {"message": "Two?", "client_id": "k2", "conversation": first["conversation"]}
    )
    assert failed.status == 200
    await world.generations.drop(first["conversation"], world_user(world))
    again = await say(world, "One?", client_id="k1")
    assert (again["text"], again["message"], again["node"]) == ("Hello", first["message"], "agx0")
    more = {"message": "Two?", "client_id": "k2", "conversation": first["conversation"]}
    stream = await world.ask("POST", CHAT, more)
    assert [name for _, name, _ in stream.events()] == ["meta", "delta", "done"]
    assert len(world.calls.calls) == 2
    other = await world.ask("POST", CHAT, {**more, "message": "Other?"})
    assert other.status == 409


def world_user(world: World) -> Any:
    (kept,) = world.conversations.threads.values()
    return kept.conversation.user


async def test_a_key_is_one_users_and_one_requests() -> None:
    world = answers()
    first = await say(world, "One?", client_id="k1")
    other = await world.ask("POST", CHAT, {"message": "One?", "client_id": "k1"}, caller=BERT)
    assert other.events()[0][2]["conversation"] != first["conversation"]
    served = await world.ask("POST", CHAT, {"message": "Two?", "client_id": "k1"})
    assert (served.status, served.json()["error"]["type"]) == (409, "conflict")


async def test_what_was_stored_and_not_answered_is_answered_when_it_comes_again() -> None:
    """As after a crash between the two."""
    world = answers()
    first = await say(world, "One?")
    body = {"message": "Two?", "client_id": "k1", "conversation": first["conversation"]}
    world.calls.script = lambda call: (NodeFailed("gone"),)
    await world.ask("POST", CHAT, body)
    shown = await thread(world, first["conversation"])
    question, failed = shown["messages"][-2:]
    assert failed["state"] == MessageState.FAILED
    await world.ask("DELETE", f"{CONVERSATIONS}/{first['conversation']}/messages/{failed['id']}")
    world.calls.script = lambda call: says("Two!")
    again = (await world.ask("POST", CHAT, body)).events()
    assert again[0][2]["user_message"] == question["id"]
    assert texts(world) == ["One?", "A1", "Two?"]
    assert len((await thread(world, first["conversation"]))["messages"]) == 4
