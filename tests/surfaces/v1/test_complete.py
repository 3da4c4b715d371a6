from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from potluck.core.answer import Text
from potluck.core.call import Call, InfillCall, Snippet
from potluck.core.errors import NodeFailed
from potluck.core.scheduling.classes import Kind
from potluck.gateway.port import Caller
from potluck.wire.terms import Terms

from .world import AGX0, ANNA, BERT, TALKER, Hang, Step, World, says

PATH = "/api/v1/code/complete"
BODY = {"prefix": "def add(a, b):\n    ", "suffix": "\n", "language": "python", "path": "m.py"}


async def test_the_code_comes_as_it_is_with_where_it_came_from() -> None:
    world = World(lambda call: says("  return", " a + b\n"))
    served = await world.ask("POST", PATH, BODY)
    assert served.json() == {
        "text": "  return a + b\n",
        "model": "coder:1b",
        "node": "agx0",
        "request_id": "id1",
        "method": "infill",
        "finish": "stop",
        "usage": {
            "prompt_tokens": 7,
            "completion_tokens": 2,
            "cached_tokens": 0,
            "reasoning_tokens": 0,
            "estimated": False,
        },
    }
    assert served.headers["x-potluck-node"] == "agx0"


async def test_the_call_takes_a_model_that_can_only_be_instructed_and_has_ends() -> None:
    world = World()
    body = {**BODY, "snippets": [{"path": "x.py", "text": "X = 1"}], "max_tokens": 20}
    await world.ask("POST", PATH, body)
    (call,) = world.calls.calls
    assert isinstance(call, InfillCall)
    assert (call.strict, call.model, call.language, call.path) == (False, "default:1b", "python", "m.py")
    assert call.snippets == (Snippet("x.py", "X = 1"),)
    assert call.sampling.max_tokens == 20
    assert call.sampling.stop == ("\n\n\n",)
    await world.ask("POST", PATH, {**BODY, "stop": ["END"], "temperature": 0.9, "model": "talker:8b"})
    assert isinstance(call := world.calls.calls[1], InfillCall)
    assert (call.model, call.sampling.stop, call.sampling.temperature) == ("talker:8b", ("END",), 0.9)


async def test_a_model_that_cannot_insert_was_instructed() -> None:
    world = World(engines=(replace(AGX0, models={TALKER.id: TALKER}),))
    assert (await world.ask("POST", PATH, BODY)).json()["method"] == "instruct"


async def test_a_stream_tells_the_same_in_pieces() -> None:
    world = World(lambda call: says("re", "turn"))
    events = (await world.ask("POST", PATH, {**BODY, "stream": True})).events()
    assert [name for _, name, _ in events] == ["meta", "delta", "delta", "done"]
    assert events[0][2] == {"model": "coder:1b", "node": "agx0", "request_id": "id1", "method": "infill"}


async def test_an_engine_that_fails_in_the_middle_is_an_error_in_both_forms() -> None:
    world = World(lambda call: (Text("re"), NodeFailed("agx0 failed.")))
    assert (await world.ask("POST", PATH, BODY)).status == 502
    events = (await world.ask("POST", PATH, {**BODY, "stream": True})).events()
    assert [name for _, name, _ in events] == ["meta", "delta", "error"]


async def test_a_client_that_types_on_frees_the_engine() -> None:
    world = World(lambda call: (Text("re"), Hang()))
    await world.leave(PATH, BODY)
    assert world.calls.open == 0


def hangs_once(call: Call) -> Sequence[Step]:
    assert isinstance(call, InfillCall)
    return (Text("re"), Hang()) if call.prefix == "old" else says("return")


@pytest.mark.parametrize("stream", [False, True])
async def test_the_newest_request_of_an_editor_cancels_the_older(stream: bool) -> None:
    world = World(hangs_once)
    older = asyncio.ensure_future(world.ask("POST", PATH, {"prefix": "old", "editor": "1", "stream": stream}))
    await world.calls.hanging.wait()
    newer = await world.ask("POST", PATH, {"prefix": "new", "editor": "1"})
    assert newer.json()["text"] == "return"
    # Its slot was free before the newer one asked for one.
    assert (world.calls.open, world.calls.most_open) == (0, 1)
    served = await asyncio.wait_for(older, 5)
    told = served.events()[-1][2] if stream else served.json()
    assert served.status == (200 if stream else 499)
    assert told["error"]["type"] == "cancelled"
    assert told["error"]["request_id"] == "id1"
    # Nothing is left behind: the next one is the first again.
    assert (await world.ask("POST", PATH, {"prefix": "new", "editor": "1"})).status == 200


@pytest.mark.parametrize(("fields", "caller"), [({"editor": "2"}, ANNA), ({"editor": "1"}, BERT), ({}, ANNA)])
async def test_other_windows_and_other_peoples_requests_go_on(fields: dict[str, str], caller: Caller) -> None:
    world = World(hangs_once)
    older = asyncio.ensure_future(world.ask("POST", PATH, {"prefix": "old", "editor": "1"}))
    await world.calls.hanging.wait()
    assert (await world.ask("POST", PATH, {"prefix": "new", **fields}, caller=caller)).status == 200
    assert not older.done()
    assert world.calls.open == 1
    await world.ask("POST", PATH, {"prefix": "new", "editor": "1"})
    assert (await asyncio.wait_for(older, 5)).status == 499


async def test_an_editor_that_leaves_frees_the_engine_and_its_errors_are_its_own() -> None:
    world = World(lambda call: (Text("re"), Hang()))
    await world.leave(PATH, {**BODY, "editor": "1"})
    assert world.calls.open == 0
    world = World(lambda call: (Text("re"), NodeFailed("agx0 failed.")))
    assert (await world.ask("POST", PATH, {**BODY, "editor": "1"})).status == 502


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "prefix"),
        ({"prefix": ""}, "prefix"),
        ({"prefix": "x", "max_tokens": -1}, "max_tokens"),
        ({"prefix": "x", "snippets": [{"path": "p"}]}, "snippets[0].text"),
        ({"prefix": None}, "prefix"),
        ({"prefix": "x", "editor": "x" * 201}, "editor"),
    ],
)
async def test_a_bad_body_is_refused_with_the_field(body: Any, param: str) -> None:
    served = await World().ask("POST", PATH, body)
    assert (served.status, served.json()["error"]["param"]) == (400, param)


async def test_what_a_client_says_beside_its_request_goes_with_the_call() -> None:
    world = World()
    said = {"x-potluck-class": "batch", "x-potluck-deadline-s": "7"}
    for path, body in ((PATH, BODY), ("/api/v1/chat", {"message": "hi", "stream": False})):
        assert (await world.ask("POST", path, body, headers=said)).status == 200
    assert world.calls.terms == [Terms(Kind.BATCH, 7.0)] * 2
    served = await world.ask("POST", PATH, BODY, headers={"x-potluck-class": "urgent"})
    assert (served.status, served.json()["error"]["type"]) == (400, "bad_request")
