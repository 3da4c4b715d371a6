"""HTTP on a bare socket: what really came over the wire, to the byte."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from potluck_fake_engine.testing import FakeEngine


@dataclass
class Answer:
    """``ended``: ``eof`` (FIN), ``reset`` (RST), or ``open`` if it stayed silent for the time given."""

    data: bytes
    ended: str

    @property
    def status(self) -> int:
        return int(self.data.split(b" ", 2)[1])

    @property
    def head(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[0]

    @property
    def body(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[2]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def dechunked(self) -> bytes:
        return dechunk(self.body)[0]

    def events(self) -> list[Any]:
        """The JSON of every SSE event, `[DONE]` as text."""
        texts = [part[6:] for part in self.dechunked().decode().split("\n\n") if part.startswith("data: ")]
        return [text if text == "[DONE]" else json.loads(text) for text in texts]

    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.dechunked().splitlines()]


def dechunk(body: bytes) -> tuple[bytes, bool]:
    """The content of a chunked body, and whether it ended as it should."""
    content: list[bytes] = []
    at = 0
    while at < len(body):
        line_end = body.index(b"\r\n", at)
        length = int(body[at:line_end], 16)
        if length == 0:
            return b"".join(content), True
        content.append(body[line_end + 2 : line_end + 2 + length])
        at = line_end + 4 + length
    return b"".join(content), False


async def ask(
    fake: FakeEngine, method: str, path: str, body: Any = None, *, headers: str = "", silence_s: float | None = None
) -> Answer:
    """One request on a connection of its own, read to its end (or until it was silent for `silence_s`)."""
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    reader, writer = await asyncio.open_connection(fake.host, fake.port)
    fields = f"Host: localhost\r\nConnection: close\r\nContent-Length: {len(data)}\r\n{headers}"
    writer.write(f"{method} {path} HTTP/1.1\r\n{fields}\r\n".encode() + data)
    received = b""
    try:
        while True:
            piece = await asyncio.wait_for(reader.read(65536), silence_s)
            if not piece:
                return Answer(received, "eof")
            received += piece
    except ConnectionResetError:
        return Answer(received, "reset")
    except TimeoutError:
        return Answer(received, "open")
    finally:
        writer.close()


def chat(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "fake-model", "messages": [{"role": "user", "content": text}], **more}
