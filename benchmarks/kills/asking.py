"""One answer as its client reads it, letter by letter, and what happens at a piece of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

# A kill, the rescue, an engine's proof and the rest of the answer, on a busy machine.
_PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Answer:
    """``seam`` is where the second engine's text begins, None if there was one engine only; ``way`` how it went on.
    ``trouble`` says in words what was wrong with the stream, and is empty where nothing was. ``recovered_s``: from the
    strike to the next piece of text."""

    text: str
    finish: str
    pieces: int
    node: str
    way: str
    seam: int | None
    trouble: str
    recovered_s: float | None = None

    def same(self, other: Answer) -> bool:
        return (self.text, self.finish, self.trouble) == (other.text, other.finish, other.trouble)


async def ask(
    session: aiohttp.ClientSession, body: Mapping[str, Any], at: int, strike: Callable[[str], None]
) -> Answer:
    """``strike`` gets the node's name when the ``at``-th piece of the text is here; there is no piece 0."""
    text, finish, way, trouble, pieces, ended = "", "", "", "", 0, False
    seam = struck = recovered_s = None
    timeout = aiohttp.ClientTimeout(total=_PATIENCE_S)
    async with session.post("/v1/chat/completions", json=body, timeout=timeout) as reply:
        node = reply.headers.get("x-potluck-node", "")
        if reply.status != 200:
            return Answer("", "", 0, node, "", None, f"status {reply.status}: {(await reply.text())[:200]}")
        try:
            async for line in reply.content:
                if line.startswith(b": rescue way="):
                    way, seam = line.decode().strip().partition("way=")[2], len(text)
                elif line.startswith(b"data: {"):
                    chunk = json.loads(line[6:])
                    trouble = str(chunk["error"]) if "error" in chunk else trouble
                    for choice in chunk.get("choices", ()):
                        finish = choice["finish_reason"] or finish
                        if piece := choice["delta"].get("content"):
                            text, pieces = text + piece, pieces + 1
                            if struck is not None and seam is not None and recovered_s is None:
                                recovered_s = time.monotonic() - struck
                            if pieces == at:
                                strike(node)
                                struck = time.monotonic()
                ended = line.strip() == b"data: [DONE]" or ended
        except (aiohttp.ClientError, TimeoutError, UnicodeDecodeError, ValueError) as error:
            trouble = f"{type(error).__name__}: {error}"
    trouble = trouble or ("" if ended else "it ended without an end")
    return Answer(text, finish, pieces, node, way, seam, trouble, recovered_s)
