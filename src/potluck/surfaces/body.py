"""What comes from a client of the control plane: bodies, whole and within the limit that holds for calls too; and
its leaving."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive

from potluck.core.errors import PayloadTooLarge
from potluck.gateway.relay.request import decompressed
from potluck.surfaces.state import services_of


async def body_of(request: Request) -> bytes:
    """As `read_body`; raises `ClientDisconnect` if the client left while sending it."""
    body = await read_body(request.receive, request.headers, services_of(request).max_body_bytes)
    if body is None:
        raise ClientDisconnect
    return body


async def read_body(receive: Receive, headers: Mapping[str, str], limit_bytes: int) -> bytes | None:
    """The request's body; None if the client left while sending it.

    Raises `PayloadTooLarge` as soon as it is, chunked or not, as sent or decompressed, and `UnsupportedEncoding`.
    """
    encoding = headers.get("content-encoding", "").strip().lower().encode("latin-1", "replace")
    if (length := headers.get("content-length", "")).isdecimal() and int(length) > limit_bytes:
        raise PayloadTooLarge(limit_bytes)
    pieces: list[bytes] = []
    size = 0
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            return None
        piece: bytes = message.get("body", b"")
        size += len(piece)
        if size > limit_bytes:
            raise PayloadTooLarge(limit_bytes)
        pieces.append(piece)
        if not message.get("more_body", False):
            body = b"".join(pieces)
            return body if encoding in (b"", b"identity") else decompressed(body, encoding, limit_bytes)


async def client_left(receive: Receive) -> None:
    """Returns when the client has gone. Only for after the body was read."""
    while (await receive())["type"] != "http.disconnect":
        pass
