"""Bodies of the control plane's Starlette routes, read as those of calls are."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from types import SimpleNamespace

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from potluck.core.errors import PayloadTooLarge, UnsupportedEncoding
from potluck.surfaces.body import body_of


def request(*messages: Message, headers: Iterable[tuple[bytes, bytes]] = ()) -> Request:
    services = SimpleNamespace(max_body_bytes=100)
    app = SimpleNamespace(state=SimpleNamespace(services=services))
    coming = iter(messages)

    async def receive() -> Message:
        return next(coming)

    return Request({"type": "http", "headers": list(headers), "app": app}, receive)


def piece(body: bytes, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_pieces_are_joined_and_decompressed() -> None:
    zipped = gzip.compress(b"hello")
    headers = [(b"content-encoding", b"gzip")]
    assert await body_of(request(piece(zipped[:5], more=True), piece(zipped[5:]), headers=headers)) == b"hello"


async def test_too_much_is_refused_in_every_form() -> None:
    with pytest.raises(PayloadTooLarge):
        await body_of(request(piece(b"x" * 60, more=True), piece(b"x" * 60, more=True)))
    with pytest.raises(PayloadTooLarge):
        await body_of(request(headers=[(b"content-length", b"101")]))
    with pytest.raises(PayloadTooLarge):
        await body_of(request(piece(gzip.compress(b"x" * 101)), headers=[(b"content-encoding", b"gzip")]))
    with pytest.raises(UnsupportedEncoding):
        await body_of(request(piece(b"x"), headers=[(b"content-encoding", b"br")]))


async def test_a_client_that_leaves_sends_no_body() -> None:
    with pytest.raises(ClientDisconnect):
        await body_of(request(piece(b"x", more=True), {"type": "http.disconnect"}))
