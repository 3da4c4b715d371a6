from __future__ import annotations

from typing import Any

import pytest

from potluck.core.answer import Failed, Finish, FinishReason, Reasoning, Text
from potluck.core.call import ChatCall, ImagePart, Role
from potluck.core.errors import ContextOverflow, NodeFailed, NodeTimeout, QueueFull
from potluck.storage.records import MessageState, StoredMessage
from potluck.surfaces.v1.chat_begin import title_of

from .world import ANNA, BERT, Hang, World, says, unknown_model

CHAT = "/api/v1/chat"


def kept(world: World) -> tuple[StoredMessage, ...]:
    (thread,) = world.conversations.threads.values()
    return thread.messages


def call_of(world: World, at: int = -1) -> ChatCall:
    call = world.calls.calls[at]
    assert isinstance(call, ChatCall)
    return call


async def test_a_stream_tells_where_it_comes_from_then_the_text_then_what_it_cost() -> None:
    world = World(lambda call: (Reasoning("hm"), *says("Hel", "lo")))
    served = await world.ask("POST", CHAT, {"message": "Hi there"})
    assert served.status == 200
    assert served.headers["content-type"] == "text/event-stream"
    assert served.headers["x-potluck-node"] == "agx0"
    assert served.headers["x-potluck-queue-ms"] == "250"
    events = served.events()
    assert [number for number, _, _ in events] == [1, 2, 3, 4, 5]
    assert [name for _, name, _ in events] == ["meta", "reasoning", "delta", "delta", "done"]
    (conversation,) = world.conversations.threads
    user, assistant = kept(world)
    assert events[0][2] == {
        "conversation": conversation,
        "user_message": user.id,
        "message": assistant.id,
        "request_id": served.headers["x-potluck-request-id"],
        "node": "agx0",
        "model": "coder:1b",
        "generation": assistant.id,
    }
    assert served.headers["x-potluck-generation"] == assistant.id
    assert served.headers["content-location"] == f"/api/v1/generations/{assistant.id}/events"
    assert [data["text"] for _, _, data in events[1:4]] == ["hm", "Hel", "lo"]
    assert events[4][2]["finish"] == "stop"
    assert events[4][2]["usage"]["completion_tokens"] == 2
    assert events[4][2]["timings"]["decode_s"] == 0.5


async def test_without_a_stream_one_object_has_everything() -> None:
    world = World(lambda call: (Reasoning("hm"), *says("Hel", "lo")))
    served = await world.ask("POST", CHAT, {"message": "Hi", "stream": False})
    body = served.json()
    assert (body["text"], body["reasoning"], body["finish"], body["node"]) == ("Hello", "hm", "stop", "agx0")
    assert served.headers["x-potluck-request-id"] == body["request_id"]
    assert body["conversation"] in world.conversations.threads


async def test_both_sides_are_kept_and_the_next_turn_sees_them() -> None:
    world = World()
    first = (await world.ask("POST", CHAT, {"message": "One?", "system": "Be brief.", "stream": False})).json()
    await world.ask("POST", CHAT, {"message": "Two?", "conversation": first["conversation"], "stream": False})
    assert [(message.role, message.text) for message in call_of(world).messages] == [
        (Role.SYSTEM, "Be brief."),
        (Role.USER, "One?"),
        (Role.ASSISTANT, "Hello"),
        (Role.USER, "Two?"),
    ]
    assert [stored.message.role for stored in kept(world)] == ["system", "user", "assistant", "user", "assistant"]
    assert kept(world)[-1].new.completion_tokens == 1
    (thread,) = world.conversations.threads.values()
    assert len(thread.branch()) == 5


async def test_a_system_text_in_a_later_turn_replaces_the_first_for_that_turn() -> None:
    world = World()
    first = (await world.ask("POST", CHAT, {"message": "One?", "system": "Be brief.", "stream": False})).json()
    again = {"message": "Two?", "system": "Be long.", "conversation": first["conversation"], "stream": False}
    await world.ask("POST", CHAT, again)
    assert [message.text for message in call_of(world).messages if message.role is Role.SYSTEM] == ["Be long."]


async def test_the_users_message_is_stored_before_an_engine_sees_it() -> None:
    seen: list[int] = []

    def script(call: Any) -> Any:
        seen.append(len(kept(world)))
        return says("ok")

    world = World(script)
    await world.ask("POST", CHAT, {"message": "Hi"})
    assert seen == [1]


async def test_a_client_that_leaves_is_not_the_end_of_a_streamed_answer() -> None:
    world = World(lambda call: (Text("So f"), Text("ar"), Hang()))
    got = await world.leave(CHAT, {"message": "Hi"})
    assert b"So f" in got
    assert world.calls.open == 1


async def test_it_is_where_the_request_says_so_and_the_text_so_far_is_kept() -> None:
    world = World(lambda call: (Text("So f"), Text("ar"), Hang()))
    await world.leave(CHAT, {"message": "Hi", "detached": False})
    assert world.calls.open == 0
    answer = kept(world)[-1]
    assert (answer.message.text, answer.new.state) == ("So far", MessageState.INTERRUPTED)


async def test_a_whole_answer_that_is_to_outlast_its_client_does() -> None:
    world = World(lambda call: (Text("So far"), Hang()))
    assert await world.leave(CHAT, {"message": "Hi", "stream": False, "detached": True}) == b""
    assert world.calls.open == 1


async def test_a_client_that_leaves_without_a_stream_frees_the_engine_too() -> None:
    world = World(lambda call: (Text("So far"), Hang()))
    assert await world.leave(CHAT, {"message": "Hi", "stream": False}) == b""
    assert world.calls.open == 0
    assert (kept(world)[-1].message.text, kept(world)[-1].new.state) == ("So far", MessageState.INTERRUPTED)


@pytest.mark.parametrize("failure", [NodeFailed("agx0 failed."), Failed(NodeFailed("agx0 failed."))])
async def test_an_engine_that_fails_in_the_middle_ends_the_stream_with_an_error_and_keeps_the_text(
    failure: Any,
) -> None:
    world = World(lambda call: (Text("So far"), failure))
    served = await world.ask("POST", CHAT, {"message": "Hi"})
    assert served.status == 200
    assert [name for _, name, _ in served.events()] == ["meta", "delta", "error"]
    error = served.events()[-1][2]["error"]
    assert (error["type"], error["message"], error["request_id"]) == (
        "node_failed",
        "agx0 failed.",
        served.headers["x-potluck-request-id"],
    )
    answer = kept(world)[-1].new
    assert (answer.message.text, answer.state, answer.error) == ("So far", MessageState.FAILED, "agx0 failed.")


async def test_an_engine_that_fails_before_the_answer_began_is_a_real_status() -> None:
    world = World(lambda call: NodeTimeout("agx0 was silent.", detail="10.0.0.7"))
    served = await world.ask("POST", CHAT, {"message": "Hi"})
    assert served.status == 504
    error = served.json()["error"]
    assert error["type"] == "node_timeout"
    assert error["hint"]
    assert error["conversation"] in world.conversations.threads
    assert b"10.0.0.7" not in served.body
    assert kept(world)[-1].new.state is MessageState.FAILED


async def test_a_full_queue_says_when_to_come_back() -> None:
    served = await World(lambda call: QueueFull("Full.", retry_after_s=6.2)).ask("POST", CHAT, {"message": "Hi"})
    assert (served.status, served.headers["retry-after"]) == (503, "7")


async def test_a_refused_first_message_leaves_no_conversation_behind() -> None:
    world = World(unknown_model)
    served = await world.ask("POST", CHAT, {"message": "Hi", "model": "code:1b"})
    assert served.status == 404
    assert served.json()["error"]["hint"] == "Did you mean coder:1b?"
    assert world.conversations.threads == {}


async def test_a_message_that_was_refused_is_not_part_of_what_follows() -> None:
    world = World()
    first = (await world.ask("POST", CHAT, {"message": "One?", "stream": False})).json()
    world.calls.script = lambda call: ContextOverflow(9000, 4096)
    said = {"message": "far too long", "conversation": first["conversation"], "stream": False}
    refused = await world.ask("POST", CHAT, said)
    assert (refused.status, refused.json()["error"]["type"]) == (400, "context_overflow")
    world.calls.script = lambda call: says("ok")
    await world.ask("POST", CHAT, {**said, "message": "short"})
    assert [message.text for message in call_of(world).messages] == ["One?", "Hello", "short"]


async def test_a_question_whose_answer_was_cut_before_its_first_word_is_asked_together_with_the_next() -> None:
    world = World(lambda call: (NodeFailed("gone"),))
    served = await world.ask("POST", CHAT, {"message": "One?"})
    conversation = served.events()[0][2]["conversation"]
    world.calls.script = lambda call: says("ok")
    await world.ask("POST", CHAT, {"message": "Please?", "conversation": conversation})
    assert [(message.role, message.text) for message in call_of(world).messages] == [(Role.USER, "One?\n\nPlease?")]


async def test_the_model_is_the_requests_else_the_conversations_else_the_default() -> None:
    world = World()
    first = (await world.ask("POST", CHAT, {"message": "Hi", "stream": False})).json()
    said = {"message": "Hi", "conversation": first["conversation"], "stream": False}
    await world.ask("POST", CHAT, {**said, "model": "talker:8b"})
    await world.ask("POST", CHAT, said)
    assert [call_of(world, at).model for at in range(3)] == ["default:1b", "talker:8b", "talker:8b"]


async def test_options_reach_the_engine() -> None:
    world = World()
    body = {"message": "Hi", "temperature": 0, "top_p": 0.5, "max_tokens": 9, "seed": 1, "stop": ["."], "think": False}
    await world.ask("POST", CHAT, body)
    sampling = call_of(world).sampling
    assert (sampling.temperature, sampling.top_p, sampling.max_tokens, sampling.seed) == (0.0, 0.5, 9, 1)
    assert sampling.stop == (".",)
    assert call_of(world).thinking.enabled is False


async def test_a_message_may_hold_images() -> None:
    world = World()
    parts = [{"type": "text", "text": "What?"}, {"type": "image", "data": "aGk=", "media_type": "image/png"}]
    await world.ask("POST", CHAT, {"message": parts})
    assert call_of(world).messages[0].parts[1] == ImagePart("aGk=", "image/png")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "message"),
        ({"message": 5}, "message"),
        ({"message": ""}, "message"),
        ({"message": [{"type": "text", "text": " "}]}, "message"),
        ({"message": [{"type": "sound", "text": "x"}]}, "message[0].type"),
        ({"message": [{"type": "image"}]}, "message[0]"),
        ({"message": [{"type": "image", "url": "file:///etc/passwd"}]}, "message[0].url"),
        ({"message": "Hi", "stream": "yes"}, "stream"),
        ({"message": "Hi", "temperature": 3}, "temperature"),
        ({"message": "Hi", "temperature": "hot"}, "temperature"),
        ({"message": "Hi", "max_tokens": 0}, "max_tokens"),
        ({"message": "Hi", "max_tokens": 1.5}, "max_tokens"),
        ({"message": "Hi", "stop": "."}, "stop"),
    ],
)
async def test_a_bad_body_is_refused_with_the_field_and_a_hint_and_nothing_is_kept(body: Any, param: str) -> None:
    world = World()
    served = await world.ask("POST", CHAT, body)
    assert served.status == 400
    error = served.json()["error"]
    assert (error["type"], error["param"]) == ("bad_request", param)
    assert error["hint"]
    assert error["request_id"] == served.headers["x-potluck-request-id"]
    assert world.conversations.threads == {}
    assert world.calls.calls == []


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"x"', b'{"message": "\xff"}'])
async def test_what_is_no_json_object_is_refused(raw: bytes) -> None:
    served = await World().ask("POST", CHAT, raw=raw)
    assert (served.status, served.json()["error"]["type"]) == (400, "bad_request")
    assert served.json()["error"]["hint"]


async def test_unknown_fields_are_ignored() -> None:
    served = await World().ask("POST", CHAT, {"message": "Hi", "mood": {"deep": [1]}})
    assert served.status == 200


async def test_anothers_conversation_is_not_there() -> None:
    world = World()
    own = (await world.ask("POST", CHAT, {"message": "Hi", "stream": False}, caller=ANNA)).json()["conversation"]
    served = await world.ask("POST", CHAT, {"message": "Hi", "conversation": own}, caller=BERT)
    assert (served.status, served.json()["error"]["type"]) == (404, "not_found")
    assert len(kept(world)) == 2


async def test_an_answer_that_ran_out_of_tokens_says_so() -> None:
    world = World(lambda call: (Text("x"), Finish(FinishReason.LENGTH)))
    served = await world.ask("POST", CHAT, {"message": "Hi"})
    assert served.events()[-1][2] == {
        "finish": "length",
        "usage": None,
        "timings": None,
        "first_token_ms": 2000,  # each look at the clock of these tests takes a second
        "tokens_per_s": None,
    }
    assert kept(world)[-1].new.finish is FinishReason.LENGTH


async def test_a_silent_engine_is_bridged_by_comments() -> None:
    world = World(lambda call: (Text("x"), Hang()), ping_s=0.001)
    assert b"\n\n: ping\n\n" in await world.leave(CHAT, {"message": "Hi"}, after=b": ping")


def test_a_title_is_the_first_words() -> None:
    assert title_of("  Hello\n there ") == "Hello there"
    assert title_of("word " * 40) == "word " * 11 + "word…"
    assert title_of("") == "Image"
