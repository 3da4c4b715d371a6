"""What Potluck tells of a call afterwards: where it went, why, how long it took and what it cost."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from potluck_fake_engine import tokens
from tests.matrix.surfaces import CHATS, EMBEDDERS, OPENAI_CHAT, TEXTS, Embedder, Surface, Wish, both_ways
from tests.matrix.world import KINDS, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("kind", KINDS)
@both_ways(*TEXTS)
async def test_every_call_has_its_story(every: World, surface: Surface, kind: str, stream: bool) -> None:
    suffix = "\n    return nothing\n" if surface.code else ""
    body = surface.body(Wish(f"M-{kind}", "say: one two three", stream=stream, suffix=suffix))
    reply = await every.client.post(surface.path, body)
    request_id = reply.headers["x-potluck-request-id"]
    story = await every.story(request_id)
    assert story["id"] == request_id
    assert abs(datetime.fromisoformat(story["at"]) - datetime.now().astimezone()) < timedelta(seconds=5)
    assert story["family"] == surface.family
    assert story["asked_model"] == f"M-{kind}"
    assert story["model"].removesuffix(":latest") == f"m-{kind}"
    assert story["node"] == kind
    assert story["engine"].startswith(f"{kind}/{kind}")
    assert (story["status"], story["http_status"], story["error"]) == ("ok", 200, "")
    assert 0 <= story["queue_s"] <= story["first_byte_s"] <= story["total_s"] < 5
    assert [(attempt["engine"], attempt["outcome"]) for attempt in story["attempts"]] == [(story["engine"], "ok")]
    assert [(each["engine"], each["chosen"]) for each in story["candidates"]] == [(story["engine"], True)]
    usage = story["usage"]
    assert usage["prompt_tokens"] > 0
    assert usage["completion_tokens"] >= tokens.count("one two three")
    assert usage["estimated"] is False


@pytest.mark.parametrize("kind", ["ollama", "llamacpp"])
@pytest.mark.parametrize("embedder", EMBEDDERS, ids=lambda each: each.name)
async def test_embeddings_have_theirs(every: World, embedder: Embedder, kind: str) -> None:
    reply = await every.client.post(embedder.path, embedder.body(f"m-{kind}", ["one two three"]))
    story = await every.story(reply.headers["x-potluck-request-id"])
    assert (story["status"], story["node"], story["family"]) == ("ok", kind, embedder.family)
    assert story["usage"]["prompt_tokens"] > 0
    assert story["usage"]["completion_tokens"] == 0
    # Ollama's old route counts nothing.
    assert story["usage"]["estimated"] == (kind == "ollama" and embedder.path == "/api/embeddings")


@pytest.mark.parametrize("surface", TEXTS, ids=lambda surface: surface.name)
async def test_refused_calls_have_theirs_too(every: World, surface: Surface) -> None:
    reply = await every.client.post(surface.path, surface.body(Wish("nobody", "x")))
    if surface.family != "native":
        story = await every.story(reply.headers["x-potluck-request-id"])
        assert (story["status"], story["http_status"]) == ("client_error", 404)
        assert "nobody" in story["error"]
        assert story["node"] is None
    broken = await every.client.post(surface.path, b'{"model":')
    if surface.family not in ("native", "tabby"):
        story = await every.story(broken.headers["x-potluck-request-id"])
        assert (story["status"], story["http_status"]) == ("client_error", 400)


async def test_who_may_read_what(every: World) -> None:
    made = await every.client.post("/api/v1/keys", {"name": "somebody"})
    assert made.status == 201
    other = made.json["key"]
    reply = await every.client.post(OPENAI_CHAT.path, OPENAI_CHAT.body(Wish("m-openai")), key=other)
    mine = reply.headers["x-potluck-request-id"]
    owners = (await every.client.post(OPENAI_CHAT.path, OPENAI_CHAT.body(Wish("m-openai")))).headers[
        "x-potluck-request-id"
    ]
    assert (await every.client.get(f"/api/v1/requests/{mine}", key=other)).status == 200
    assert (await every.client.get(f"/api/v1/requests/{owners}", key=other)).status == 404
    listed = (await every.client.get("/api/v1/requests", key=other)).json["requests"]
    assert [each["id"] for each in listed] == [mine]
    keys = (await every.client.get("/api/v1/keys", key=other)).json["keys"]
    assert [each["name"] for each in keys] == ["somebody"], "everybody sees their own"
    assert (await every.client.ask("DELETE", f"/api/v1/keys/{made.json['id']}")).status == 204
    reply = await every.client.post(OPENAI_CHAT.path, OPENAI_CHAT.body(Wish("m-openai")), key=other)
    assert reply.status == 401


async def test_a_conversation_remembers(every: World) -> None:
    """Two turns, read back, found, renamed and deleted."""
    first = await every.client.post("/api/v1/chat", {"message": "say: blue", "model": "m-ollama", "stream": False})
    conversation = first.json["conversation"]
    assert first.headers["x-potluck-conversation"] == conversation
    second = await every.client.post(
        "/api/v1/chat", {"message": "echo-request", "conversation": conversation, "stream": False}
    )
    for words in ("say: blue", "echo-request"):
        assert words in second.json["text"]
    path = f"/api/v1/conversations/{conversation}"
    thread = (await every.client.get(path)).json
    assert [(message["role"], message["state"]) for message in thread["messages"]] == [
        ("user", "complete"),
        ("assistant", "complete"),
    ] * 2
    assert thread["messages"][1]["text"] == "blue"
    assert thread["messages"][1]["request_id"] == first.headers["x-potluck-request-id"]
    found = (await every.client.get("/api/v1/conversations?q=blue")).json["conversations"]
    assert conversation in [each["id"] for each in found]
    renamed = await every.client.ask("PATCH", path, {"title": "Colours"})
    assert (renamed.status, renamed.json["title"]) == (200, "Colours")
    assert (await every.client.ask("DELETE", path)).status == 204
    assert (await every.client.get(path)).status == 404


async def test_a_review_finds_and_tells(every: World) -> None:
    """The fake answers the schema's smallest instance: a review runs to its end, streamed or not."""
    diff = "--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n x = 1\n-y = 2\n+y = 3\n"
    for kind in KINDS:
        body = {"diff": diff, "model": f"m-{kind}"}
        whole = await every.client.post("/api/v1/code/review", body)
        assert whole.status == 200, whole.body
        assert (whole.json["pieces"], whole.json["failed"]) == (1, [])
        assert whole.headers["x-potluck-node"] == kind
        assert whole.json["usage"]["prompt_tokens"] > 0
        (request_id,) = whole.json["request_ids"]
        assert (await every.story(request_id))["family"] == "native"
        streamed = await every.client.post("/api/v1/code/review", {**body, "stream": True})
        assert b"event: progress" in streamed.body
        assert b"event: done" in streamed.body


async def test_side_by_side_nothing_is_mixed_up(every: World) -> None:
    """Many calls at once on all engines and surfaces: each gets its own words."""

    async def one(number: int, surface: Surface, kind: str) -> None:
        wish = Wish(f"m-{kind}", f"say: {surface.name} {kind} {number} " + "x " * 50, stream=number % 2 == 0)
        reply = await every.client.post(surface.path, surface.body(wish))
        assert surface.read(wish, reply).text.startswith(f"{surface.name} {kind} {number} x")

    await asyncio.gather(*(one(n, surface, kind) for n in range(4) for surface in CHATS for kind in KINDS))
    assert every.busy() == 0
