"""HTTP itself: keep-alive, pipelining, old versions, bad requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from potluck_fake_engine.answers import answer
from potluck_fake_engine.asking import Ask, Message
from potluck_fake_engine.testing import FakeEngine, running
from tests.fake_engine.raw import chat, dechunk


@pytest.fixture
async def fake() -> AsyncIterator[FakeEngine]:
    async with running() as engine:
        yield engine


async def talk(fake: FakeEngine, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(fake.host, fake.port)
    try:
        writer.write(data)
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


async def test_pipelined_requests_are_answered_in_order(fake: FakeEngine) -> None:
    one = b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /v1/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    got = await talk(fake, one * 40 + last)
    assert got.count(b"HTTP/1.1 200 OK") == 40
    assert got.rindex(b"404") > got.rindex(b"200 OK")


async def test_http_1_0_gets_no_chunks(fake: FakeEngine) -> None:
    body = str(chat("repeat 2", stream=True)).replace("'", '"').replace("True", "true").encode()
    got = await talk(fake, b"POST /v1/chat/completions HTTP/1.0\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
    assert b"chunked" not in got
    assert got.endswith(b"data: [DONE]\n\n")


async def test_a_chunked_request_body_is_read(fake: FakeEngine) -> None:
    body = b'{"model": "fake-model", "messages": [{"role": "user", "content": "say: ok"}]}'
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert b'"content":"ok"' in await talk(fake, head + chunks)


async def test_idle_connections_go_after_their_time() -> None:
    async with running(idle_s=0.05) as fake:
        reader, writer = await asyncio.open_connection(fake.host, fake.port)
        writer.write(b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_expect_is_answered_with_continue(fake: FakeEngine) -> None:
    fields = b"Host: x\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 2\r\n\r\n"
    reader, writer = await asyncio.open_connection(fake.host, fake.port)
    writer.write(b"POST /v1/embeddings HTTP/1.1\r\n" + fields)
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"{}")
    assert b"HTTP/1.1 400" in await reader.read()
    writer.close()


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nBad Header: x\r\n\r\n",
    ],
)
async def test_a_request_that_is_none_is_a_400(fake: FakeEngine, data: bytes) -> None:
    assert (await talk(fake, data)).startswith(b"HTTP/1.1 400")


async def test_a_client_that_reads_slowly_holds_the_stream_back(fake: FakeEngine) -> None:
    body = str(chat("repeat 60000", stream=True)).replace("'", '"').replace("True", "true").encode()
    fake.change("fake-model", context=10**6)
    reader, writer = await asyncio.open_connection(fake.host, fake.port, limit=1024)
    writer.write(
        b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(body), body)
    )
    await reader.readuntil(b"\r\n\r\n")
    decoded = -1
    while decoded != (decoded := fake.engine.models["fake-model"].slots.slots[0].decoded) or not decoded:
        await asyncio.sleep(0.1)
    whole = answer(Ask("fake-model", (Message("user", "repeat 60000"),)))
    assert decoded < len(whole.pieces)
    content, complete = dechunk(await reader.read())
    assert complete
    assert content.count(b"data: ") == len(whole.pieces) + 3
    writer.close()
