"""Requests that cannot be served: the dialect's own error with a hint, and the connection lives on."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
import zstandard

from tests.matrix.errors import checked_error
from tests.matrix.http import Connection
from tests.matrix.surfaces import (
    CHATS,
    CODES,
    EMBEDDERS,
    OLLAMA_CHAT,
    OPENAI_CHAT,
    TABBY,
    TEXTS,
    Surface,
    Wish,
    both_ways,
)
from tests.matrix.world import ALL, World, engine, limited, world

pytestmark = pytest.mark.asyncio(loop_scope="session")

LIMIT = 100_000


@dataclass(frozen=True)
class Place:
    """A route that reads a JSON body, with a body that it likes."""

    name: str
    path: str
    family: str
    body: Any
    method: str = "POST"


def _suffix(surface: Surface) -> str:
    return "\n    return nothing_else\n" if surface.code else ""


DOORS = (
    *(
        Place(each.name, each.path, each.family, each.body(Wish("m-llamacpp", "say: hi", suffix=_suffix(each))))
        for each in TEXTS
    ),
    *(Place(each.name, each.path, each.family, each.body("m-ollama", ["a"])) for each in EMBEDDERS),
)
OTHERS = (
    Place(
        "count tokens",
        "/v1/messages/count_tokens",
        "anthropic",
        {"model": "m-llamacpp", "messages": [{"role": "user", "content": "hi"}]},
    ),
    Place("show", "/api/show", "ollama", {"model": "m-ollama"}),
    Place("review", "/api/v1/code/review", "native", {"files": [{"path": "a.py", "text": "x = 1\n"}]}),
    Place("new conversation", "/api/v1/conversations", "native", {"title": "t"}),
)
PLACES = (*DOORS, *OTHERS)
# Tabby's bodies are told apart by what is in them: one that cannot be read is taken for OpenAI's, at the same path.
READABLE = tuple(place for place in PLACES if place.family != "tabby")

everywhere = pytest.mark.parametrize("place", READABLE, ids=lambda place: place.name)


async def good_again(connection: Connection, place: Place) -> None:
    """The connection serves on."""
    reply = await connection.ask(place.method, place.path, place.body)
    assert reply.status in (200, 201), (reply.status, reply.body)


@everywhere
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "missing request body"),
        (b" \r\n ", "missing request body"),
        (b'{"model": "m', "not valid JSON"),
        (b"{'model': 'm'}", "not valid JSON"),
        (b'{"model": NaN}', "not valid JSON"),
        (b"[]", "object"),
        (b'"text"', "object"),
        (b"null", "object"),
        (b'{"model": "\xff\xfe", "name": "\xff"}', "UTF-8"),
        (b'{"model": "\\ud800", "name": "\\ud800", "title": "\\ud800", "diff": "\\ud800"}', "JSON"),
        (b'{"a":' * 100_000, ""),
        (b'{"model": "m"} trailing', ""),
    ],
    ids=["empty", "blank", "cut", "quotes", "nan", "list", "string", "null", "bytes", "surrogate", "deep", "trailing"],
)
async def test_what_is_no_json_object_is_refused(every: World, place: Place, body: bytes, words: str) -> None:
    async with every.client.connection() as connection:
        reply = await connection.ask(place.method, place.path, body)
        checked_error(place.family, reply, 400, words=words)
        await good_again(connection, place)


async def refused_field(world: World, surface: Any, fields: dict[str, Any], words: str) -> None:
    # An engine that speaks another dialect, so that all of the request is read here.
    model = "m-ollama" if surface.family == "openai" else "m-llamacpp"
    body = {**surface.body(Wish(model, "say: hi", suffix=_suffix(surface))), **fields}
    reply = await world.client.post(surface.path, {name: value for name, value in body.items() if value != "absent"})
    text = checked_error(surface.family, reply, 400)
    if surface is not TABBY:
        assert words in text, text


# Of each surface: fields that are wrong, and a word that its error must have. "absent" takes the field out.
WRONG: dict[str, list[tuple[dict[str, Any], str]]] = {
    "openai chat": [
        ({"model": "absent"}, "model"),
        ({"model": 7}, "model"),
        ({"model": ""}, "model"),
        ({"messages": "absent"}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"content": "x"}]}, "role"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"temperature": "hot"}, "temperature"),
        ({"stream": "yes"}, "stream"),
        ({"n": 0}, "'n'"),
        ({"n": 1000}, "'n'"),
        ({"stop": 7}, "stop"),
        ({"tools": "x"}, "tools"),
        ({"tool_choice": "required"}, "tools"),
        ({"tool_choice": "sometimes"}, "tool_choice"),
        ({"response_format": {"type": "xml"}}, "response_format"),
        ({"response_format": {"type": "json_schema"}}, "schema"),
        ({"reasoning_effort": "huge"}, "reasoning_effort"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "ftp://x"}}]}]},
            "image",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "video", "video": "x"}]}]}, "video"),
    ],
    "completions": [
        ({"model": "absent"}, "model"),
        ({"prompt": "absent"}, "prompt"),
        ({"prompt": {"a": 1}}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"n": -1}, "'n'"),
        ({"logprobs": "x"}, "logprobs"),
    ],
    "responses": [
        ({"model": "absent"}, "model"),
        ({"input": "absent"}, "input"),
        ({"input": 7}, "input"),
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"max_output_tokens": "x"}, "max_output_tokens"),
        ({"tool_choice": "required"}, "tool"),
    ],
    "messages": [
        ({"model": "absent"}, "model"),
        ({"max_tokens": "absent"}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": "x"}, "max_tokens"),
        ({"messages": "absent"}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "system", "content": 7}]}, "messages"),
        ({"tools": [{"name": 7}]}, "tools"),
        ({"stop_sequences": "x"}, "stop_sequences"),
        ({"temperature": "x"}, "temperature"),
    ],
    "ollama chat": [
        ({"model": "absent"}, "model is required"),
        ({"messages": "x"}, "messages"),
        ({"messages": [{"role": "king", "content": "x"}]}, "role"),
        ({"options": {"temperature": "hot"}}, "temperature"),
        ({"options": {"num_predict": "many"}}, "num_predict"),
        ({"options": []}, "options"),
        ({"format": 7}, "format"),
        ({"think": "hard"}, "think"),
        ({"keep_alive": "soon"}, "soon"),
        ({"messages": [{"role": "user", "content": "x", "images": ["!!"]}]}, "image"),
    ],
    "ollama generate": [
        ({"model": "absent"}, "model is required"),
        ({"prompt": 7}, "prompt"),
        ({"raw": True, "system": "s"}, "raw"),
        ({"images": ["!!"]}, "image"),
    ],
    "infill": [
        ({"n_predict": "x"}, "n_predict"),
        ({"input_extra": "x"}, "input_extra"),
        ({"input_prefix": 7}, "prefix"),
    ],
    "tabby": [({"segments": 7}, ""), ({"segments": {"prefix": 7}}, ""), ({"language": 7}, "")],
    "mistral": [({"prompt": "absent"}, "prompt"), ({"prompt": 7}, "prompt"), ({"max_tokens": "x"}, "max_tokens")],
    "native chat": [
        ({"message": "absent"}, "message"),
        ({"message": ""}, "message"),
        ({"message": 7}, "message"),
        ({"temperature": 9}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"message": [{"type": "image"}]}, "data"),
        ({"message": [{"type": "film"}]}, "film"),
    ],
    "native complete": [
        ({"prefix": "absent"}, "prefix"),
        ({"prefix": "", "suffix": ""}, "no code"),
        ({"max_tokens": "x"}, "max_tokens"),
        ({"snippets": "x"}, "snippets"),
    ],
}


@pytest.mark.parametrize(
    ("surface", "fields", "words"),
    [
        pytest.param(surface, fields, words, id=f"{surface.name}-{next(iter(fields))}-{number}")
        for surface in TEXTS
        for number, (fields, words) in enumerate(WRONG[surface.name])
    ],
)
async def test_a_wrong_field_is_named(every: World, surface: Surface, fields: dict[str, Any], words: str) -> None:
    await refused_field(every, surface, fields, words)


@pytest.mark.parametrize("embedder", EMBEDDERS, ids=lambda each: each.name)
@pytest.mark.parametrize("value", [7, {"a": 1}, [7.5], [["a"]]], ids=["number", "object", "fraction", "nested"])
async def test_what_is_no_text_cannot_be_embedded(every: World, embedder: Any, value: Any) -> None:
    reply = await every.client.post(embedder.path, {"model": "m-ollama", embedder.field: value})
    checked_error(embedder.family, reply, 400)


async def test_an_embedding_of_nothing(every: World) -> None:
    """OpenAI refuses it, to Ollama it means: load the model."""
    for body in ({"model": "m-ollama"}, {"model": "m-ollama", "input": ""}, {"model": "m-ollama", "input": []}):
        checked_error("openai", await every.client.post("/v1/embeddings", body), 400, words="input")
        reply = await every.client.post("/api/embed", body)
        assert (reply.status, reply.json["embeddings"]) == (200, [])


# Numbers as JSON may write them and nobody needs them.
HUGE = ("1e308", "1e400", "-1e308", "18446744073709551616", "9223372036854775808", "1" + "0" * 400)


@pytest.mark.parametrize("kind", ["ollama", "llamacpp", "openai"])
@pytest.mark.parametrize(
    ("surface", "field"),
    [
        *((OPENAI_CHAT, name) for name in ("max_tokens", "seed", "temperature", "n", "top_k", "keep_alive")),
        *((surface, "seed") for surface in CODES if surface.name in ("completions", "infill")),
        *((surface, "max_tokens") for surface in (*CHATS, *CODES) if surface.name in ("messages", "mistral")),
        *((surface, "keep_alive") for surface in CHATS if surface.family == "ollama"),
        *((OLLAMA_CHAT, f"options.{name}") for name in ("seed", "num_ctx", "num_predict", "temperature", "num_gpu")),
        *((surface, "seed") for surface in CHATS if surface.name == "native chat"),
    ],
    ids=lambda value: value.name if isinstance(value, Surface) else value,
)
async def test_absurd_numbers_break_nothing(every: World, surface: Surface, field: str, kind: str) -> None:
    """They are refused, or brought within what an engine can read."""
    for number in HUGE:
        body = json.dumps(surface.body(Wish(f"m-{kind}", "say: hi", suffix=_suffix(surface))))
        name = field.removeprefix("options.")
        put = f'"options": {{"{name}": {number}}}, ' if "." in field else f'"{name}": {number}, '
        body = body.replace("{", "{" + put, 1)
        if f'"{name}": ' in body.replace(put, ""):
            continue
        reply = await every.client.post(surface.path, body.encode())
        if reply.status != 200:
            checked_error(surface.family, reply, 400)


# --- keys, methods, paths ---


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
@pytest.mark.parametrize("key", ["", "pk-wrong-key"], ids=["none", "wrong"])
async def test_without_a_key_nothing_is_served(every: World, place: Place, key: str) -> None:
    async with every.client.connection() as connection:
        reply = await connection.ask(place.method, place.path, place.body, key=key)
        # Before its body is read, a request of Tabby's is one of OpenAI's.
        text = checked_error("openai" if place.family == "tabby" else place.family, reply, 401)
        assert "wrong" not in text
        await good_again(connection, place)


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"authorization": "Bearer {}"}, ""),
        ({"authorization": "bearer   {}"}, ""),
        ({"x-api-key": "{}"}, ""),
        ({"authorization": "Basic {basic}"}, ""),
        ({}, "?key={}"),
        ({}, "?token={}&beta=true"),
    ],
    ids=["bearer", "spaces", "x-api-key", "basic", "key", "token"],
)
async def test_a_key_may_come_in_any_of_these_ways(every: World, headers: dict[str, str], query: str) -> None:
    import base64

    key = every.client.key
    basic = base64.b64encode(f"user:{key}".encode()).decode()
    sent = {name: value.format(key, basic=basic) for name, value in headers.items()}
    for path, body in (("/v1/chat/completions", DOORS[0].body), ("/api/tags", None), ("/api/v1/status", None)):
        method = "POST" if body else "GET"
        reply = await every.client.ask(method, path + query.format(key), body, key="", headers=sent)
        assert reply.status == 200, reply.body


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE"])
async def test_a_wrong_method_is_refused_and_the_right_ones_are_told(every: World, place: Place, method: str) -> None:
    async with every.client.connection() as connection:
        reply = await connection.ask(method, place.path)
        family = "openai" if place.family == "tabby" else place.family
        checked_error(family, reply, 405)
        assert "POST" in reply.headers["allow"]
        await good_again(connection, place)


@pytest.mark.parametrize(
    ("path", "family"),
    [
        ("/v1/nothing", "openai"),
        ("/v1", "openai"),
        ("/v1/", "openai"),
        ("/v1/chat/completions/", "openai"),
        ("/v1/messages/nothing", "anthropic"),
        ("/v1beta/nothing", "openai"),
        ("/api/nothing", "ollama"),
        ("/api/", "ollama"),
        ("/api", "ollama"),
        ("/api/v1/nothing", "native"),
        ("/api/v1/", "native"),
        ("/api/v1", "native"),
        ("/nothing", "native"),
        ("//", "native"),
        ("/v1/../healthz", "openai"),
        ("/%76%31/nothing", "openai"),
    ],
)
async def test_an_unknown_path_is_not_found(every: World, path: str, family: str) -> None:
    for method in ("GET", "POST"):
        checked_error(family, await every.client.ask(method, path, None), 404)


# --- sizes and encodings ---


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def small(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[World]:
    """A service that takes small bodies only, with engines of a short context."""
    specs = (
        engine("llamacpp", "llamacpp", f"m-llamacpp,capabilities={ALL},context=200"),
        engine("openai", "openai", "m-openai,capabilities=completion,context=200"),
        engine("ollama", "ollama", f"m-ollama,capabilities={ALL}"),
    )
    async with world(tmp_path_factory.mktemp("small"), *specs, change=limited(max_body_bytes=LIMIT)) as made:
        yield made


def _padded(place: Place, size: int) -> bytes:
    return json.dumps({**place.body, "padding": "x" * size}).encode()


@pytest.mark.parametrize("place", READABLE, ids=lambda place: place.name)
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
async def test_a_body_over_the_limit_is_refused(small: World, place: Place, chunked: bool) -> None:
    async with small.client.connection() as connection:
        reply = await connection.ask(place.method, place.path, _padded(place, LIMIT + 1), chunked=chunked)
        checked_error(place.family, reply, 413, words=str(LIMIT))
    reply = await small.client.ask(place.method, place.path, _padded(place, LIMIT // 2), chunked=chunked)
    assert reply.status in (200, 201), reply.body


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "GZIP": gzip.compress,
    "identity": bytes,
}


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
async def test_compressed_bodies_are_read(every: World, place: Place) -> None:
    for coding, compress in CODINGS.items():
        body = compress(json.dumps(place.body).encode())
        reply = await every.client.ask(place.method, place.path, body, headers={"content-encoding": coding})
        assert reply.status in (200, 201), (coding, reply.body)


@everywhere
async def test_other_encodings_are_refused_by_name(every: World, place: Place) -> None:
    async with every.client.connection() as connection:
        body = json.dumps(place.body).encode()
        reply = await connection.ask(place.method, place.path, body, headers={"content-encoding": "br"})
        checked_error(place.family, reply, 415, words="'br'")
        reply = await connection.ask(place.method, place.path, body, headers={"content-encoding": "gzip"})
        checked_error(place.family, reply, 400, words="gzip")
        cut = gzip.compress(body)[:-9]
        reply = await connection.ask(place.method, place.path, cut, headers={"content-encoding": "gzip"})
        checked_error(place.family, reply, 400)
        await good_again(connection, place)


@pytest.mark.parametrize("place", READABLE, ids=lambda place: place.name)
@pytest.mark.parametrize("coding", ["gzip", "zstd", "deflate"])
async def test_a_bomb_is_refused(small: World, place: Place, coding: str) -> None:
    body = CODINGS[coding](_padded(place, 20 * LIMIT))
    assert len(body) < LIMIT
    reply = await small.client.ask(place.method, place.path, body, headers={"content-encoding": coding})
    checked_error(place.family, reply, 413, words=str(LIMIT))


# --- the context ---


@pytest.mark.parametrize("kind", ["llamacpp", "openai"])
@both_ways(*TEXTS)
async def test_a_prompt_over_the_context_is_refused_with_both_numbers(
    small: World, surface: Surface, kind: str, stream: bool
) -> None:
    text = "repeat 5\n" + "word " * 1000
    reply = await small.client.post(
        surface.path, surface.body(Wish(f"m-{kind}", text, stream=stream, suffix="x" if surface.code else ""))
    )
    said = checked_error(surface.family, reply, 400)
    if surface is not TABBY:
        assert "200" in said
        assert any(str(number) in said for number in range(800, 1800))  # counted or estimated
    if surface.family == "openai":
        assert reply.json["error"]["code"] == "context_length_exceeded"
    if surface.family == "llamacpp":
        assert reply.json["error"]["type"] == "exceed_context_size_error"
        assert reply.json["error"]["n_ctx"] == 200
