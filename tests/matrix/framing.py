"""Streams taken apart strictly: anything that is not to the letter of the framing fails here."""

from __future__ import annotations

import json
from typing import Any

from tests.matrix.http import Reply


def events(reply: Reply) -> list[tuple[str, Any]]:
    """(event name, data) of every event of an SSE answer; ``[DONE]`` as text. Comments are left out."""
    assert reply.content_type.startswith("text/event-stream"), reply.content_type
    assert reply.headers.get("cache-control") == "no-cache"
    assert reply.headers.get("x-accel-buffering") == "no"
    assert "content-length" not in reply.headers
    text = reply.body.decode()
    assert text.endswith("\n\n"), f"ends in the middle of an event: {text[-80:]!r}"
    found: list[tuple[str, Any]] = []
    for block in text[:-2].split("\n\n"):
        name, data = "", None
        for line in block.split("\n"):
            kind, colon, value = line.partition(": ")
            assert colon, f"a line without a field: {line!r}"
            match kind:
                case "event":
                    name = value
                case "data":
                    assert data is None, "two data lines in an event"
                    data = value if value == "[DONE]" else json.loads(value)
                case "" | "id":
                    pass
                case _:
                    raise AssertionError(f"an unknown field: {line!r}")
        if data is not None:
            found.append((name, data))
    return found


def pieces_are_whole(reply: Reply, end: bytes) -> None:
    """Every chunk on the wire ends with an event."""
    for piece in reply.pieces:
        assert piece.endswith(end), f"half an event in a chunk: {piece[-60:]!r}"


def chunks(reply: Reply, object_: str) -> list[Any]:
    """The chunks of an OpenAI stream, without its one ``[DONE]``, which must be the last of all."""
    pieces_are_whole(reply, b"\n\n")
    found = [data for name, data in events(reply) if not name]
    assert found.count("[DONE]") == 1
    assert found[-1] == "[DONE]"
    found = found[:-1]
    assert found
    for chunk in found:
        assert chunk["object"] == object_
        assert isinstance(chunk["created"], int)
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in found}) == 1
    return found


def lines(reply: Reply) -> list[Any]:
    """The lines of an NDJSON answer."""
    assert reply.content_type.startswith("application/x-ndjson"), reply.content_type
    pieces_are_whole(reply, b"\n")
    assert reply.body.endswith(b"\n")
    found = [json.loads(line) for line in reply.body[:-1].split(b"\n")]
    assert [line["done"] for line in found[:-1]] == [False] * (len(found) - 1)
    assert found[-1]["done"] is True
    return found
