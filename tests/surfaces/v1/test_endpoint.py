from __future__ import annotations

import gzip
import inspect
from collections.abc import Iterator

import pytest

from potluck.core import errors
from potluck.core.answer import Text
from potluck.core.errors import PotluckError
from potluck.storage.records import MessageState
from potluck.surfaces.v1.errors import STATUS, native_error

from .world import Hang, World


async def test_an_unknown_path_is_a_native_404() -> None:
    served = await World().ask("GET", "/api/v1/nothing/here")
    assert (served.status, served.json()["error"]["type"]) == (404, "not_found")
    assert served.json()["error"]["hint"]


async def test_a_wrong_method_names_the_right_ones() -> None:
    served = await World().ask("PUT", "/api/v1/conversations")
    assert (served.status, served.headers["allow"]) == (405, "GET, POST")
    assert served.json()["error"]["type"] == "method_not_allowed"


async def test_head_is_answered_like_get() -> None:
    assert (await World().ask("HEAD", "/api/v1/status")).status == 200


@pytest.mark.parametrize("headers", [{}, {"transfer-encoding": "chunked", "content-length": ""}])
async def test_a_body_over_the_limit_is_refused_however_it_is_sent(headers: dict[str, str]) -> None:
    world = World(max_body_bytes=100)
    served = await world.ask("POST", "/api/v1/chat", {"message": "x" * 200}, headers=headers)
    assert (served.status, served.json()["error"]["type"]) == (413, "payload_too_large")
    assert "100 bytes" in served.json()["error"]["message"]


async def test_a_compressed_body_is_read_within_the_limit() -> None:
    world = World(max_body_bytes=1000)
    zipped = {"content-encoding": "gzip"}
    small = gzip.compress(b'{"message": "Hi"}')
    assert (await world.ask("POST", "/api/v1/chat", raw=small, headers=zipped)).status == 200
    bomb = gzip.compress(b'{"message": "' + b"x" * 100_000 + b'"}')
    assert len(bomb) < 1000
    assert (await world.ask("POST", "/api/v1/chat", raw=bomb, headers=zipped)).status == 413


async def test_an_unknown_compression_is_refused() -> None:
    served = await World().ask("POST", "/api/v1/chat", {"message": "x"}, headers={"content-encoding": "br"})
    assert (served.status, served.json()["error"]["type"]) == (415, "unsupported_encoding")


def kinds(root: type[PotluckError]) -> Iterator[type[PotluckError]]:
    yield root
    for kind in root.__subclasses__():
        yield from kinds(kind)


def test_every_error_of_the_tree_has_a_status_and_a_type() -> None:
    for kind in kinds(PotluckError):
        made = kind.__new__(kind)
        PotluckError.__init__(made, "words", detail="secret")
        made.__dict__.update(param="", retry_after_s=0.2, allowed=("GET",), levels=(), at_s=0.0, size_bytes=1)
        reply = native_error(made, "r1")
        assert reply.status in (400, 401, 403, 404, 405, 409, 413, 415, 416, 429, 499, 500, 501, 502, 503, 504, 507)
        assert b'"message":"words"' in reply.body
        assert b"secret" not in reply.body
        assert ("retry-after" in dict(reply.headers)) == (reply.status in (429, 503))


def test_the_table_names_only_what_is_in_the_tree() -> None:
    tree = {kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, PotluckError)}
    assert set(STATUS) <= tree


async def test_a_client_that_leaves_while_it_sends_is_not_answered() -> None:
    world = World()
    pieces = iter([{"type": "http.request", "body": b'{"mess', "more_body": True}, {"type": "http.disconnect"}])
    sent: list[object] = []

    async def receive() -> dict[str, object]:
        return next(pieces)

    async def send(message: object) -> None:
        sent.append(message)

    await world.raw(receive, send)
    assert sent == []


async def test_a_server_that_says_by_an_error_that_the_client_left_ends_the_call() -> None:
    world = World(lambda call: (Text("x"), Hang()))
    requests = [{"type": "http.request", "body": b'{"message": "Hi", "detached": false}', "more_body": False}]

    async def receive() -> dict[str, object]:
        if requests:
            return requests.pop()
        await world.calls.hanging.wait()
        return {"type": "http.disconnect"}

    async def send(message: object) -> None:
        raise BrokenPipeError

    await world.raw(receive, send)
    assert world.calls.open == 0
    (thread,) = world.conversations.threads.values()
    assert thread.messages[-1].new.state is MessageState.INTERRUPTED
